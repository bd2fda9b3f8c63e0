"""From settings to a compiled flow matching model."""

import keras
import numpy as np

from wavegan.models.diffusion.model import FlowMatching
from wavegan.models.diffusion.muon import Muon
from wavegan.models.diffusion.sampler import network, spectrogram
from wavegan.models.diffusion.settings import Settings
from wavegan.models.family import ClipFormat

BETAS = (0.9, 0.99)  # Adam's
# Layers: the first ones of time and class, and the last one with its scale.
NOT_HIDDEN = ("time", "class", "velocity_modulation", "velocity")


def flow_matching(settings: Settings, clip: ClipFormat, seed: int, precision: str) -> FlowMatching:
    """The compiled `FlowMatching` that the settings describe, its weights drawn from `seed`."""
    keras.utils.set_random_seed(seed)
    draws = np.random.SeedSequence(seed).generate_state(1)
    model = FlowMatching(
        network(settings, clip, precision),
        spectrogram(clip),
        clip.rms,
        settings.classes_of(clip),
        settings.ema,
        settings.learning_rate_end,
        int(draws[0] >> 1),
    )
    model.compile(optimizer(settings.learning_rate))
    return model


def optimizer(learning_rate: float) -> Muon:
    """What makes the steps of a network."""
    return Muon(learning_rate, BETAS, adam_for=NOT_HIDDEN)
