"""The slopes of a sampler: what a search for a sound goes by."""

import keras
import numpy as np
import pytest
from keras import ops

from wavegan.models.gan.networks import build_generator
from wavegan.models.gan.sampler import GeneratorSampler

CLASSES = 3


@pytest.mark.parametrize("classes", [0, CLASSES])
def test_slopes_are_those_of_small_differences_each_of_its_own_sound(classes):
    keras.utils.set_random_seed(0)
    generator = build_generator(256, model_dim=2, kernel_length=9, latent_size=5, classes=classes, modern=True)
    sampler = GeneratorSampler(generator, classes)
    random = np.random.default_rng(0)
    latents = random.uniform(-1, 1, (4, 5)).astype("float32")
    weights = random.dirichlet([1] * classes, 4).astype("float32") if classes else None
    ramp = np.linspace(-1, 1, 256, dtype="float32")[:, None]

    def loss(audio):
        return 1000 * ops.sum(ramp * ops.square(audio), axis=(1, 2))

    losses, by_latent, by_weight = sampler.slopes(loss)(latents, weights)
    np.testing.assert_allclose(losses, loss(sampler(latents, weights)), rtol=1e-4)
    given = [(latents, by_latent)] + ([(weights, by_weight)] if classes else [])
    for array, slopes in given:
        direction = random.normal(size=array.shape).astype("float32")
        moved = [array + sign * 1e-3 * direction for sign in (1, -1)]
        pairs = [(each, weights) if array is latents else (latents, each) for each in moved]
        up, down = (np.asarray(loss(sampler(*pair)), "float64") for pair in pairs)
        np.testing.assert_allclose(np.sum(slopes * direction, axis=1), (up - down) / 2e-3, rtol=0.02, atol=0.2)
    assert by_weight is None if not classes else by_weight.shape == weights.shape


def test_slopes_follow_weights_that_changed():
    generator = build_generator(256, model_dim=2, kernel_length=9, latent_size=5)
    sampler = GeneratorSampler(generator)
    slopes = sampler.slopes(lambda audio: ops.mean(ops.square(audio), axis=(1, 2)))
    latents = np.random.default_rng(0).uniform(-1, 1, (2, 5)).astype("float32")
    before = slopes(latents)[0]
    generator.set_weights([2 * weight for weight in generator.get_weights()])
    assert not np.allclose(slopes(latents)[0], before)
