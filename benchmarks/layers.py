"""Every convolution of both networks, forward, and forward and backward, against Keras' own."""

import statistics

import keras
from keras import ops

from benchmarks.arithmetic import convolutions
from benchmarks.measure import in_turns, matrix_products, median_ratio, waiting
from wavegan.backend import autodiff
from wavegan.models.gan.layers import StridedConv1D, TransposedConv1D
from wavegan.models.layers import dtype_policy


class Forward(keras.layers.Layer):
    """A loss of a layer's output for an input [batch, time, channels] of normal noise."""

    def __init__(self, layer, shape):
        super().__init__(dtype="float32")
        self.layer = layer
        self.x = self.add_weight(shape=shape, initializer="random_normal")
        if not layer.built:
            layer.build(shape)

    def loss(self):
        return ops.mean(ops.square(ops.cast(self.layer(self.x), "float32")))

    def call(self, x, training=False):
        return self.loss()


class Gradients(Forward):
    """That and its gradients, by the input as well as the weights: what a layer inside a network has to compute."""

    def call(self, x, training=False):
        variables = [self.x, *self.layer.trainable_variables]
        _, _, gradients = autodiff.value_and_gradients(lambda: (self.loss(), {}), variables, self.variables)
        return sum(ops.mean(ops.cast(gradient, "float32")) for gradient in gradients)


def figures(config, repeats):
    """{layer: {name: figure}}, with milliseconds, ratios to Keras' layer, and shares of the matrix-product peak."""
    peak = matrix_products(config.training.precision)
    return {name: _layer_figures(layer, repeats, peak) for name, layer in _layers(config).items()}


def _layers(config):
    """{name: (our layer, Keras' layer, input shape, FLOP of a clip)}, of the generator and of the critic."""
    inner, found = convolutions(config), {}
    for depth, (steps, stride, wide, narrow, flop) in enumerate(inner):
        settings = {"strides": stride, "padding": "same", "dtype": dtype_policy(config.training.precision)}
        ours = {"stride": stride, "dtype": dtype_policy(config.training.precision)}
        kernel = config.model.kernel_length
        found[f"upsample_{depth}"] = (
            TransposedConv1D(narrow, kernel, **ours),
            keras.layers.Conv1DTranspose(narrow, kernel, **settings),
            (config.training.batch_size, steps, wide),
            flop,
        )
        found[f"downsample_{len(inner) - 1 - depth}"] = (
            StridedConv1D(wide, kernel, **ours),
            keras.layers.Conv1D(wide, kernel, **settings),
            (config.training.batch_size, steps * stride, narrow),
            flop,
        )
    return dict(sorted(found.items()))


def _layer_figures(layer, repeats, peak):
    ours, plain, shape, clip_flop = layer
    products, products_flop = peak
    timed = {"products": products}
    for name, layer in {"ours": ours, "plain": plain}.items():
        for kind in (Forward, Gradients):
            timed[f"{name} {kind.__name__}"] = waiting(autodiff.compiled(kind(layer, shape)), ops.zeros(()))
    times = in_turns(timed, repeats)
    flop = shape[0] * clip_flop
    found = {}
    for kind, passes, name in ((Forward, 1, "forward"), (Gradients, 3, "forward_backward")):
        seconds = times[f"ours {kind.__name__}"]
        found[f"{name}_ms"] = 1000 * statistics.median(seconds)
        found[f"{name}_share_of_peak"] = passes * flop / products_flop * median_ratio(times["products"], seconds)
        found[f"{name}_baseline_ratio"] = median_ratio(times[f"plain {kind.__name__}"], seconds)
    return found
