"""Small models that several test modules share."""

import numpy as np
import pytest

from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.family import ClipFormat

CLIP = ClipFormat(4000, 256, 1, ("kick", "snare", "tom"), 0.25)
SETTINGS = {"width": 8, "blocks": 1, "learning_rate": 1e-3, "learning_rate_end": 1.0}


@pytest.fixture
def build():
    """`build(clip=…, seed=…, precision=…, **settings)`: a small compiled model."""

    def build(clip=CLIP, seed=3, precision="float32", **settings):
        chosen = DIFFUSION.settled(DIFFUSION.Settings(**{**SETTINGS, **settings}), clip)
        model = DIFFUSION.model(chosen, clip, seed, precision)
        model.adapt(lambda: batch_of(0, clip, 64)["audio"][:, 0])
        return model

    return build


def batch_of(number, clip=CLIP, size=8):
    """The batch of a step: decaying tones, whose pitch is that of their class."""
    rng = np.random.default_rng(number)
    labels = rng.integers(0, max(1, len(clip.classes)), (size, 1))
    time = np.arange(clip.length) / clip.sample_rate
    pitch = 200 * (1 + labels) * rng.uniform(0.95, 1.05, (size, 1))
    tones = 0.9 * np.exp(-time * 20) * np.sin(2 * np.pi * pitch * time)
    audio = np.repeat(tones[:, None, :, None], clip.channels, axis=3).astype("float32")
    return {"audio": audio, "label": labels, "progress": np.full(size, number / 1000, "float32")}


def train(model, steps, first=0, clip=CLIP):
    """So many steps of `model`; returns what the last one said."""
    facts = {}
    for number in range(first, first + steps):
        facts = model.train_on_batch(batch_of(number, clip), return_dict=True)
    return facts
