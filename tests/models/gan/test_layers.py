import keras
import numpy as np
import pytest
import tensorflow as tf

from wavegan.models.gan.layers import FEW_STEPS, PhaseShuffle, StridedConv1D, TransposedConv1D


@pytest.fixture(autouse=True)
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def values_and_gradients(layer, x, weight):
    """Output, and the gradients of a weighted sum of it by input, kernel and bias."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(y * weight)
    return y, tape.gradient(total, [x, layer.kernel.value, layer.bias.value])


@pytest.mark.parametrize(("kernel_length", "stride"), [(25, 4), (25, 2), (24, 4), (9, 4), (5, 2), (4, 4), (7, 1)])
@pytest.mark.parametrize("kind", ["strided", "transposed"])
@pytest.mark.parametrize("time", [FEW_STEPS, FEW_STEPS + 4])  # a matrix product, and a convolution
def test_convolutions_equal_those_of_keras_in_values_and_gradients(time, kind, kernel_length, stride):
    rng = np.random.default_rng(7)
    ours, keras_layer = {
        "strided": (StridedConv1D, keras.layers.Conv1D),
        "transposed": (TransposedConv1D, keras.layers.Conv1DTranspose),
    }[kind]
    x = tf.constant(rng.normal(size=(3, time * (stride if kind == "strided" else 1), 5)))
    fast = ours(6, kernel_length, stride)
    plain = keras_layer(6, kernel_length, strides=stride, padding="same")
    fast(x), plain(x)
    weights = [rng.normal(size=weight.shape) for weight in plain.get_weights()]
    plain.set_weights(weights)
    fast.set_weights(weights)
    weight = rng.normal(size=plain(x).shape)

    y, gradients = values_and_gradients(fast, x, weight)
    expected, expected_gradients = values_and_gradients(plain, x, weight)

    assert y.shape == fast.compute_output_shape(x.shape)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    for mine, theirs in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-11)


def test_convolutions_start_glorot_uniform_like_the_original():
    layer = TransposedConv1D(32, 25, 4)
    layer.build((None, 16, 64))
    bound = np.sqrt(6 / (25 * (32 + 64)))
    assert 0.95 * bound < np.abs(layer.kernel).max() <= bound
    assert not np.any(layer.bias)


def test_a_kernel_shorter_than_the_stride_is_refused():
    with pytest.raises(ValueError, match="kernel_length must be at least the stride 4. Received: 3"):
        StridedConv1D(8, 3, 4)


def ramp(batch=2, time=32):
    return tf.constant(np.arange(batch * time, dtype="float64").reshape(batch, time, 1))


def test_phase_shuffle_moves_the_whole_batch_by_at_most_its_radius_with_reflected_edges():
    layer = PhaseShuffle(2, seed=3)
    x = ramp()
    padded = np.pad(x, [(0, 0), (2, 2), (0, 0)], mode="reflect")
    expected = {shift: padded[:, shift : shift + 32] for shift in range(5)}
    seen = set()
    for _ in range(60):
        y = layer(x, training=True).numpy()
        matches = [shift for shift, moved in expected.items() if np.array_equal(y, moved)]
        assert len(matches) == 1
        seen.add(matches[0])
    assert seen == {0, 1, 2, 3, 4}


def test_phase_shuffle_draws_at_run_time_not_when_the_graph_is_built():
    """N11K6's draw is made while the model is built, so its shift is frozen."""
    inputs = keras.Input((32, 1))
    model = keras.Model(inputs, PhaseShuffle(2, seed=1)(inputs))
    run = tf.function(lambda x: model(x, training=True))
    outputs = {run(ramp()).numpy().tobytes() for _ in range(40)}
    assert len(outputs) == 5


def test_phase_shuffle_differs_from_layer_to_layer():
    inputs = keras.Input((32, 1))
    first, second = PhaseShuffle(2, seed=1), PhaseShuffle(2, seed=2)
    model = keras.Model(inputs, [first(inputs), second(inputs)])
    pairs = [[y.numpy().tobytes() for y in model(ramp(), training=True)] for _ in range(20)]
    assert any(one != other for one, other in pairs)


def test_phase_shuffle_does_nothing_at_inference_or_with_radius_0():
    x = ramp()
    assert PhaseShuffle(2)(x, training=False) is x
    assert PhaseShuffle(0)(x, training=True) is x


def test_layers_come_back_from_their_config():
    for layer in (StridedConv1D(3, 9, 4), TransposedConv1D(3, 9, 2), PhaseShuffle(2, seed=5)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
