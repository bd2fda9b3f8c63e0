"""Timing in turns, the matrix-product peak, and how results are printed and kept."""

import json
import logging
import os
import platform
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import distributions
from multiprocessing import get_context
from pathlib import Path

import keras
from keras import ops

from wavegan.backend import autodiff, devices
from wavegan.base.machine import available_cores

# Every layer is compiled anew, which TensorFlow takes for a mistake.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

PEAK_SIZES = {"cpu": (1024, 2048, 4096), "accelerator": (4096, 8192, 16384)}
PEAK_FLOP = {"cpu": 1e11, "accelerator": 4e13}  # of one timing: long enough for the clock, short enough to wait for
PACKAGES = ("tensorflow", "jax", "jaxlib", "keras", "numpy", "librosa", "soundfile", "soxr")


def in_turns(functions, repeats):
    """Times `functions`, {name: callable}, one after the other, `repeats` rounds after one that is not counted.

    So a machine that is slower for a while is slower for all of them. Says on standard error what is being timed, with
    a dot for each round. Returns {name: [seconds of each round]}.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    print(f"timing {', '.join(functions)} ", end="", file=sys.stderr, flush=True)
    for round in range(1 + repeats):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if round:
                times[name].append(time.perf_counter() - started)
        print(".", end="" if round < repeats else "\n", file=sys.stderr, flush=True)
    return times


def median_ratio(above, below):
    """The median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def waiting(forward, x):
    """A callable that computes `forward(x)` and returns when the result is here."""
    return lambda: ops.convert_to_numpy(forward(x))


def apart(function, *arguments):
    """What `function` of a module returns in a process of its own, whose threads a training has not settled."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


class Products(keras.layers.Layer):
    """`count` products of a square matrix with another, one after the other; and `rows` such rows side by side."""

    def __init__(self, size, count, rows, precision):
        super().__init__(dtype=precision)
        self.count, self.rows = count, rows
        deviation = keras.initializers.RandomNormal(stddev=size**-0.5)  # so that products of products stay in range
        self.matrix = self.add_weight(shape=(size, size), initializer=deviation)

    def call(self, x, training=False):
        ends = []
        for row in range(self.rows):
            each = x * (1 + row)  # of others, or they would be computed once
            for _ in range(self.count):
                each = ops.matmul(each, self.matrix)
            ends.append(ops.mean(each))
        return ops.cast(sum(ends), "float32")  # NumPy knows no bfloat16


def matrix_products(precision, repeats=3):
    """The fastest size of matrix product in `precision` on this device: (a callable that computes some, their FLOP).

    On a CPU as many at once as it has cores: all of them are busy, whether or not a single product is shared out.
    """
    kind, rows = ("accelerator", 1) if devices.accelerators() else ("cpu", available_cores())
    found = []
    for size in PEAK_SIZES[kind]:
        count = max(1, round(PEAK_FLOP[kind] / (2 * size**3) / rows))
        forward = autodiff.compiled(Products(size, count, rows, precision))
        x = keras.random.normal((size, size), dtype=precision, seed=0)
        flop = 2 * size**3 * count * rows
        products = waiting(forward, x)
        seconds = statistics.median(in_turns({f"products of {size}": products}, repeats)[f"products of {size}"])
        found.append((flop / seconds, products, flop))
    return max(found, key=lambda each: each[0])[1:]


def peak_memory():
    """Bytes: of the accelerator where there is one, else of this process."""
    on_device = devices.peak_memory()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if on_device is None else on_device


def machine():
    """What the figures depend on and a reader cannot see."""
    return {
        "processor": _processor(),
        "cores": available_cores(),
        "accelerators": devices.accelerators(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor():
    """The processor's name, and its fast instructions as far as they matter here."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & set(facts.get("flags", "").split())
    return " ".join([facts.get("model name", platform.processor()), *sorted(known)])


def versions():
    """{package: version} of what does the computing."""
    installed = {distribution.name.lower(): distribution.version for distribution in distributions()}
    return {"python": platform.python_version()} | {name: installed[name] for name in PACKAGES if name in installed}


def keep(path, benchmark, settings, timing, figures):
    """Append one line of JSON to `path`.

    Args:
        path: of the file.
        benchmark: the sub-command.
        settings: {name: value} of what was measured.
        timing: {name: value} of the benchmark's own flags, such as "repeats".
        figures: as the benchmark returned them.
    """
    line = {
        "benchmark": benchmark,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "backend": autodiff.BACKEND,
        "configuration": settings,
        "timing": timing,
        "figures": figures,
    }
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def table(rows):
    """`rows` of cells, the first the heads, as a Markdown table."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cell(value):
    if value is None:
        return "not measured"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
