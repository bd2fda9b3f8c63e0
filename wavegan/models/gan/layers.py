"""The layers of WaveGAN: its convolutions in their polyphase form, phase shuffle, and what is newer than the paper.

Both convolutions keep the kernels and the results of `keras.layers.Conv1D` and `keras.layers.Conv1DTranspose` with
`padding="same"`, so weights carry over either way. They compute them as stride-1 convolutions with fewer taps over more
channels, which the matrix units of a CPU or GPU like better than a long kernel that skips.

With stride s, kernel length K and the left padding p of "same":

    transposed:  y[s·m + r] = Σ_u x[m - u] · kernel[s·u + r + p]      one output phase r = one group of channels
    strided:     y[m]       = Σ_u Σ_r x[s·(m + u) + r] · kernel[s·u + r + p]   one input phase r = one group of channels

so padding the kernel with zeros until u runs over whole taps for every r is all there is to it.
"""

from typing import Any

import keras
from keras import ops

from wavegan.backend.autodiff import Tensor
from wavegan.models.layers import Shape

FEW_STEPS = 16  # where a matrix product over unfolded windows beats a convolution: it reads the large kernel only once


def _phases(kernel_length: int, stride: int) -> tuple[int, int, int, int]:
    """The polyphase grid of a "same" kernel: zeros before and after it, and the first and last tap u."""
    padding = (kernel_length - stride) // 2
    first = -(-(-padding - stride + 1) // stride)  # the smallest u with s·u + (s - 1) + p >= 0
    last = (kernel_length - 1 - padding) // stride
    before = -(stride * first + padding)
    after = (last - first + 1) * stride - kernel_length - before
    return before, after, first, last


class _Convolution(keras.layers.Layer):
    """What both convolutions share: their settings, Glorot-uniform kernel and zero bias."""

    def __init__(self, filters: int, kernel_length: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kernel_length < stride:
            raise ValueError(f"kernel_length must be at least the stride {stride}. Received: {kernel_length}.")
        self.filters = filters
        self.kernel_length = kernel_length
        self.stride = stride
        self.before, self.after, self.first, self.last = _phases(kernel_length, stride)

    def _add_weights(self, kernel_shape: Shape) -> None:
        self.kernel = self.add_weight(name="kernel", shape=kernel_shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def _taps(self) -> Tensor:
        """The kernel as [taps, stride, …]: `taps` steps of one stride each, zeros filled in."""
        padded = ops.pad(self.kernel, [[self.before, self.after], [0, 0], [0, 0]])
        return ops.reshape(padded, (-1, self.stride, *self.kernel.shape[1:]))

    def _convolve(self, x: Tensor, taps: Tensor, left: int, right: int) -> Tensor:
        """The stride-1 convolution of `x` [batch, time, channels], padded with zeros, and `taps`."""
        if x.shape[1] <= FEW_STEPS:
            return _windows_product(ops.pad(x, [[0, 0], [left, right], [0, 0]]), taps)
        if left != right:
            x = ops.pad(x, [[0, 0], [left, right], [0, 0]])
        return ops.conv(x, taps, strides=1, padding="same" if left == right else "valid", data_format="channels_last")

    def get_config(self) -> dict[str, Any]:
        settings = {"filters": self.filters, "kernel_length": self.kernel_length, "stride": self.stride}
        return {**super().get_config(), **settings}


def _windows_product(x: Tensor, taps: Tensor) -> Tensor:
    """The "valid" stride-1 convolution as one matrix product: y[m] = [x[m], x[m + 1], …] · taps."""
    count, channels, filters = taps.shape
    time = x.shape[1] - count + 1
    windows = [ops.slice(x, (0, tap, 0), (ops.shape(x)[0], time, channels)) for tap in range(count)]
    windows = ops.reshape(ops.concatenate(windows, axis=-1), (-1, count * channels))
    return ops.reshape(ops.matmul(windows, ops.reshape(taps, (count * channels, filters))), (-1, time, filters))


@keras.saving.register_keras_serializable("wavegan")
class StridedConv1D(_Convolution):
    """`keras.layers.Conv1D(filters, kernel_length, strides=stride, padding="same")`, computed phase by phase.

    Args:
        filters: channels of the output.
        kernel_length: taps of the kernel (samples), at least `stride`.
        stride: time steps of the input for one of the output.

    Call argument: `x` [batch, time, channels], time a multiple of `stride`. Returns [batch, time / stride, filters].
    """

    def build(self, input_shape: Shape) -> None:
        _, time, channels = input_shape
        if time is None or time % self.stride:
            raise ValueError(f"StridedConv1D needs a time axis that is a multiple of {self.stride}. Received: {time}.")
        self._add_weights((self.kernel_length, channels, self.filters))

    def call(self, x: Tensor) -> Tensor:
        _, time, channels = x.shape
        x = ops.reshape(x, (-1, time // self.stride, self.stride * channels))  # [batch, time / stride, phases]
        taps = ops.reshape(self._taps(), (-1, self.stride * channels, self.filters))
        return self._convolve(x, taps, left=-self.first, right=self.last) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[1] // self.stride, self.filters)


@keras.saving.register_keras_serializable("wavegan")
class TransposedConv1D(_Convolution):
    """`keras.layers.Conv1DTranspose(filters, kernel_length, strides=stride, padding="same")`, computed phase by phase.

    Args:
        filters: channels of the output.
        kernel_length: taps of the kernel (samples), at least `stride`.
        stride: time steps of the output for one of the input.

    Call argument: `x` [batch, time, channels]. Returns [batch, time · stride, filters].
    """

    def build(self, input_shape: Shape) -> None:
        self._add_weights((self.kernel_length, self.filters, input_shape[-1]))

    def call(self, x: Tensor) -> Tensor:
        _, time, channels = x.shape
        taps = ops.flip(self._taps(), axis=0)  # x[m - u]: the last tap meets the earliest sample
        taps = ops.transpose(taps, (0, 3, 1, 2))  # [taps, channels, stride, filters]
        taps = ops.reshape(taps, (-1, channels, self.stride * self.filters))
        y = self._convolve(x, taps, left=self.last, right=-self.first)  # [batch, time, stride · filters]
        return ops.reshape(y, (-1, time * self.stride, self.filters)) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[1] * self.stride, self.filters)


@keras.saving.register_keras_serializable("wavegan")
class PhaseShuffle(keras.layers.Layer):
    """Shifts the whole batch in time by a random number of steps in [-radius, radius], edges filled by reflection.

    A transposed convolution leaves an artefact at a fixed phase; shifting makes it useless to the critic as a sign of a
    fake (Donahue et al., arXiv 1802.04208, section 3.3). The shift is drawn anew at every call, and by every layer,
    while training; otherwise nothing moves.

    Args:
        radius: the largest shift (time steps at this layer's rate), 0 or more.
        seed: where the draws start.

    Call argument: `x` [batch, time, channels], time greater than `radius`. Returns the same shape.
    """

    def __init__(self, radius: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if radius < 0:
            raise ValueError(f"radius must be 0 or more. Received: {radius}.")
        self.radius = radius
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if not training or self.radius == 0:
            return x
        shift = keras.random.randint((), 0, 2 * self.radius + 1, seed=self.seed_generator)
        padded = ops.pad(x, [[0, 0], [self.radius, self.radius], [0, 0]], mode="reflect")
        zero = ops.zeros_like(shift)
        return ops.slice(padded, ops.stack([zero, shift, zero]), ops.shape(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius, "seed": self.seed}


@keras.saving.register_keras_serializable("wavegan")
class SoundGain(keras.layers.Layer):
    """Gives each sound as a whole a gain that depends on latent and class.

    x · exp(g), g a linear function of what is given, which starts at zero. Recordings differ in loudness by 30 dB; with
    this the layers before it need not learn every sound at every level.

    Call arguments: `x` [batch, time, channels], `given` [batch, width]. Returns the shape of `x`.
    """

    def build(self, x_shape: Shape, given_shape: Shape) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(given_shape[-1], 1), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")

    def call(self, x: Tensor, given: Tensor) -> Tensor:
        return x * ops.expand_dims(ops.exp(ops.matmul(given, self.kernel) + self.bias), 1)

    def compute_output_shape(self, x_shape: Shape, given_shape: Shape) -> Shape:
        return x_shape


@keras.saving.register_keras_serializable("wavegan")
class GroupSpread(keras.layers.Layer):
    """Adds a channel to a feature map: how much the clips of a group differ, at each time step.

    The standard deviation over the group, averaged over channels. A generator that makes one sound of each class is
    found out by it. Source: Karras et al., arXiv 1710.10196, section 3, where the group is a minibatch.

    Args:
        group: clips that stand beside each other in the batch and belong together.

    Call argument: `x` [batch, time, channels], batch a multiple of `group`. Returns [batch, time, channels + 1].
    """

    def __init__(self, group: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group = group

    def call(self, x: Tensor) -> Tensor:
        _, time, channels = x.shape
        grouped = ops.reshape(x, (-1, self.group, time, channels))
        deviation = ops.sqrt(ops.var(grouped, axis=1, keepdims=True) + 1e-8)
        spread = ops.mean(deviation, axis=3, keepdims=True)  # [groups, 1, time, 1]
        spread = ops.reshape(ops.repeat(spread, self.group, axis=1), (-1, time, 1))
        return ops.concatenate([x, spread], axis=2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "group": self.group}
