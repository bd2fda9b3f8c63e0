"""How time and memory of a step grow with model dim, clip length and batch size; each point in a process of its own."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from wavegan.data.lengths import LENGTHS

FIGURES = (
    "seconds_per_step", "steps_per_second", "audio_seconds_per_second", "gflop_per_second", "peak_memory_gib"
)  # fmt: skip
FACTORS = {"model_dim": (1, 2, 4), "length": (1, 4), "batch_size": (1, 2, 4)}


def figures(config, repeats):
    """[{the three settings, and the figures of `benchmarks.step` without comparisons}], None for what failed."""
    rows = []
    for settings in _points(config):
        rows.append(settings | dict.fromkeys(FIGURES))
        try:
            # A process of its own, because a peak of memory never goes down again.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                rows[-1] |= pool.submit(_point, config.changed(settings), repeats).result()
        except Exception as problem:  # such as lack of memory: the other points still count
            print(f"{settings}: not measured ({type(problem).__name__}: {problem})", file=sys.stderr)
    return rows


def _points(config):
    """The settings of every point: the configured ones, and each of them multiplied by its factors."""
    base = {name: config.flat()[name] for name in FACTORS}
    points = [base | {name: base[name] * factor} for name, factors in FACTORS.items() for factor in factors]
    return [point for number, point in enumerate(points) if point not in points[:number] and point["length"] in LENGTHS]


def _point(config, repeats):
    from wavegan.base.quiet import import_quietly

    import_quietly("wavegan.backend.autodiff")
    from benchmarks import step

    return step.figures(config, repeats, against_others=False)
