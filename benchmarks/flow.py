"""A step of flow matching: its share of the matrix-product peak; how fast sounds are made; `generate.py` as a whole."""

import statistics

import numpy as np

from benchmarks import generate, step
from benchmarks.measure import in_turns
from wavegan.models.family import family_named

AT_ONCE = 64  # sounds


def figures(config, repeats):
    """{name: figure} of the step that `config` describes, and of its sounds. Arguments as of `benchmarks.step`."""
    return step.figures(config, repeats) | _sounds(config, repeats) | generate.whole_process(config, repeats)


def _sounds(config, repeats):
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
