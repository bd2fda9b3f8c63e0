"""What the tests of exported generators share."""

import keras
import numpy as np

from wavegan.models.family import ClipFormat, family_named
from wavegan.models.gan.settings import Settings


def a_model(length=4096, channels=1, classes=0, seed=0, **settings):
    """A sampler with random weights, everywhere, and its operations."""
    keras.utils.set_random_seed(seed)
    names = tuple(map(str, range(classes)))
    settings = Settings(**{"model_dim": 2, "conditional": "yes" if classes else "no", **settings})
    clip = ClipFormat(8000, length, channels, names)
    family = family_named("gan")
    sampler = family.sampler(settings, clip, "float32")
    rng = np.random.default_rng(seed)
    arrays = {}
    for place, weight in enumerate(sampler.generator.weights):
        values = np.asarray(weight)
        scale = 0.02 if "sound_gain" in weight.path else 0.1  # a gain multiplies rounding, too
        arrays[f"sampler/{place:03d}"] = values + scale * rng.standard_normal(values.shape).astype("float32")
    sampler.restore(arrays)
    return sampler, list(family.operations(settings, clip, arrays))
