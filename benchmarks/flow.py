"""A step of flow matching: its share of the matrix-product peak; how fast sounds are made; `generate.py` as a whole."""

import statistics

import numpy as np

from benchmarks import generate, step
from benchmarks.measure import apart, in_turns
from wavegan.backend import devices
from wavegan.models.family import family_named

AT_ONCE = 64  # sounds


def figures(config, repeats):
    """{name: figure} of the step that `config` describes, and of its sounds. Arguments as of `benchmarks.step`."""
    found = step.figures(config, repeats)
    found |= sounds(config, repeats) if devices.accelerators() else apart(sounds, config, repeats)
    return found | generate.whole_process(config, repeats)


def sounds(config, repeats):
    """{name: figure} of the sounds that the model makes."""
    family = family_named(config.family)
    sampler = family.sampler(config.model, config.data.clip)
    latents = family.latents.draw(AT_ONCE, sampler.latent_shape, 0)
    known = len(config.classes)
    classes = np.eye(known, dtype="float32")[np.arange(AT_ONCE) % known] if known else None
    seconds = statistics.median(in_turns({"sounds": lambda: sampler(latents, classes)}, repeats)["sounds"])
    return {
        "clips_per_second": AT_ONCE / seconds,
        "times_real_time": AT_ONCE * config.data.length / config.data.sample_rate / seconds,
    }
