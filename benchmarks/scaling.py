"""How time and memory of a step grow with model dim, clip length and batch size; each point in a process of its own."""

import multiprocessing
from dataclasses import replace

from wavegan.config import Config

FACTORS = {"model_dim": (1, 2, 4), "length": (1, 4), "batch_size": (1, 2, 4)}


def figures(config, repeats):
    """[{the setting that differs, its value, and the figures of `benchmarks.step` without comparisons}]."""
    points = [{name: getattr(config, name) * factor} for name, factors in FACTORS.items() for factor in factors]
    unique = [point for number, point in enumerate(points) if number == 0 or replace(config, **point) != config]
    return [{**_settings(config, point), **_alone(replace(config, **point), repeats)} for point in unique]


def _settings(config: Config, point):
    return {name: getattr(config, name) for name in FACTORS} | point


def _alone(config, repeats):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_point, (config, repeats))


def _point(config, repeats):
    from preprocess.records import import_quietly

    import_quietly("wavegan.autodiff")
    from benchmarks import step

    return step.figures(config, repeats, against_others=False)
