"""What the tests of exported generators share."""

import keras
import numpy as np

from wavegan.models.diffusion.sampler import sampler_weights
from wavegan.models.family import ClipFormat, family_named
from wavegan.models.gan.settings import Settings


def a_model(length=4096, channels=1, classes=0, seed=0, **settings):
    """A sampler with random weights, everywhere, and its operations."""
    keras.utils.set_random_seed(seed)
    names = tuple(map(str, range(classes)))
    settings = Settings(**{"model_dim": 2, "conditional": "yes" if classes else "no", **settings})
    clip = ClipFormat(8000, length, channels, names)
    family = family_named("gan")
    sampler = family.sampler(settings, clip)
    rng = np.random.default_rng(seed)
    arrays = {}
    for place, weight in enumerate(sampler.generator.weights):
        values = np.asarray(weight)
        scale = 0.02 if "sound_gain" in weight.path else 0.1  # a gain multiplies rounding, too
        arrays[f"sampler/{place:03d}"] = values + scale * rng.standard_normal(values.shape).astype("float32")
    sampler.restore(arrays)
    return sampler, list(family.operations(settings, clip, arrays))


def a_flow_model(length=256, channels=1, classes=0, seed=0, **settings):
    """The operations of a flow matching network with random weights, everywhere, and an example of what it tells."""
    keras.utils.set_random_seed(seed)
    family = family_named("diffusion")
    clip = ClipFormat(8000, length, channels, tuple(map(str, range(classes))), 0.1)
    settings = family.settled(family.Settings(**{"width": 8, "blocks": 1, **settings}), clip)
    sampler, rng = family.sampler(settings, clip), np.random.default_rng(seed)
    shapes = [weight.shape for weight in sampler_weights(sampler.network, sampler.spectrogram)]
    arrays = {
        f"sampler/{place:03d}": (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:1]))).astype("float32")
        for place, shape in enumerate(shapes)
    }
    sampler.restore(arrays)
    weights = rng.dirichlet(np.ones(classes), 16).astype("float32") if classes else None
    example = family.example(sampler, family.latents.draw(16, sampler.latent_shape, seed), weights)
    return list(family.operations(settings, clip, arrays)), example
