"""The network of flow matching: sizes, what it starts with, and its layers against formulas."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from tests.models.diffusion.conftest import CLIP
from wavegan.base.errors import UserError
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.diffusion.layers import WAVES, Attention, ClipNorm, Waves
from wavegan.models.diffusion.networks import EMBEDDING, build_network, levels


@pytest.fixture
def float64():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(("frames", "steps"), [
    (8, [8]), (32, [32]), (64, [64]), (128, [128, 32]), (512, [512, 128, 32]), (1024, [1024, 256, 64]),
])  # fmt: skip
def test_levels_get_shorter_by_four_until_few_steps_are_left(frames, steps):
    assert levels(frames) == steps


@pytest.mark.parametrize(("frames", "bands", "classes"), [(8, 17, 0), (64, 130, 3), (128, 9, 2)])
def test_it_tells_as_much_as_it_is_given_and_at_first_nothing(frames, bands, classes):
    network = build_network(frames, bands, classes, width=8, blocks=1)
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(3, frames, bands)), rng.uniform(size=(3, 1)), rng.uniform(size=(3, classes))]
    told = np.array(network(given[: 2 + bool(classes)]))
    assert told.shape == (3, frames, bands) and told.dtype == "float32" and not told.any()


def test_channels_are_shared_evenly_among_the_heads_of_attention():
    with pytest.raises(UserError, match=r"--width must be a multiple of 4\. Received: 34\."):
        DIFFUSION.check(DIFFUSION.Settings(width=34), CLIP)
    DIFFUSION.check(DIFFUSION.Settings(width=36), CLIP)
    with pytest.raises(ValueError, match="4 heads needs a multiple of channels. Received: 34"):
        build_network(8, 17, 0, width=34, blocks=1)


def test_what_it_tells_depends_on_sound_time_and_class():
    network = build_network(128, 17, 2, width=8, blocks=1)
    rng = np.random.default_rng(0)
    for weight in network.weights:  # at first many are zero
        weight.assign(rng.normal(size=weight.shape) / np.sqrt(weight.shape[0]))
    given = [rng.normal(size=(1, 128, 17)), np.array([[0.3]]), np.array([[0.0, 1.0]])]
    told = np.array(network(given))
    for place in range(3):
        other = [each + 0.1 * (number == place) for number, each in enumerate(given)]
        assert np.abs(np.array(network(other)) - told).max() > 1e-3


def test_every_band_reaches_the_end_however_few_channels_there_are():
    """What is soft noise in one of them can be told from no other."""
    network = build_network(8, 17, 2, width=4, blocks=1)
    rng = np.random.default_rng(0)
    gains, points = rng.normal(size=17), rng.normal(size=(3, 8, 17))
    network.get_layer("points_gain").bias.assign(gains)
    told = network([points, rng.uniform(size=(3, 1)), rng.uniform(size=(3, 2))])
    np.testing.assert_allclose(told, points * gains, rtol=1e-5, atol=1e-6)
    assert network.get_layer("points_gain").kernel.shape[0] == EMBEDDING  # and they are of time and class


def test_the_norm_divides_every_clip_by_its_root_mean_square():
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    found = ClipNorm()(x)
    np.testing.assert_allclose(found, x / np.sqrt(np.mean(x**2, axis=(1, 2), keepdims=True)), rtol=1e-4)


def test_attention_is_that_of_its_formula(float64):
    """arXiv 1706.03762, equation 1, for two heads."""
    rng = np.random.default_rng(0)
    x, layer = rng.normal(size=(2, 5, 8)), Attention(2)
    np.testing.assert_array_equal(layer(x), x)  # at first nothing changes
    layer.out.assign(rng.normal(size=(8, 8)))
    normed = x / np.sqrt(np.mean(x**2, axis=(1, 2), keepdims=True) + 1e-6)
    asked, keys, values = np.split(normed @ np.array(layer.into), 3, axis=-1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        shares = softmax(asked[..., part] @ keys[..., part].transpose(0, 2, 1) / np.sqrt(4), axis=-1)
        heads.append(shares @ values[..., part])
    np.testing.assert_allclose(layer(x), x + np.concatenate(heads, axis=-1) @ np.array(layer.out), rtol=1e-5, atol=1e-6)


def test_waves_are_sines_and_cosines_of_half_a_turn_to_32_turns():
    found = np.array(Waves()(np.array([[0.0], [1.0], [0.25]], "float32")))
    np.testing.assert_allclose(found[0], [0] * WAVES + [1] * WAVES)
    assert found[1, WAVES] == pytest.approx(-1) and found[1, -1] == pytest.approx(1, abs=1e-4)
    assert found[2, 0] == pytest.approx(np.sqrt(0.5))
