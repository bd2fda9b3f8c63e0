"""Generation: its share of the matrix-product peak, times real time, and `generate.py` as a whole process."""

import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.arithmetic import forward_flop
from benchmarks.measure import in_turns, matrix_products, median_ratio
from wavegan.backend import autodiff, devices
from wavegan.models.gan.family import GAN
from wavegan.models.gan.sampler import generator
from wavegan.models.sampling import batched
from wavegan.runs.run import Run

SOUNDS = 50  # of the whole process
SCRIPT = Path(__file__).resolve().parent.parent / "generate.py"


def figures(config, repeats, clips, at_once=None):
    """{name: figure} of the generator that `config` describes.

    Args:
        config: a `wavegan.runs.config.Config`.
        repeats: rounds of timing.
        clips: how many are made in one timing.
        at_once: clips computed at once; what `generate.py` takes by itself when None.
    """
    latents = GAN.latents.draw(clips, (config.model.latent_size,), seed=0)
    products, products_flop = matrix_products(config.training.precision)
    timed = {"clips": _maker(config, latents, at_once), "products": products}
    if config.training.precision != "float32":
        timed["float32"] = _maker(config.changed({"precision": "float32"}), latents, at_once)
    times = in_turns(timed, repeats)
    seconds = statistics.median(times["clips"])
    flop = clips * forward_flop(config)
    found = {
        "clips_per_second": clips / seconds,
        "times_real_time": clips * config.data.length / config.data.sample_rate / seconds,
        "gflop_per_second": flop / seconds / 1e9,
        "peak_gflop_per_second": products_flop / statistics.median(times["products"]) / 1e9,
        "share_of_peak": flop / products_flop * median_ratio(times["products"], times["clips"]),
    }
    if "float32" in times:
        found["float32_ratio"] = median_ratio(times["float32"], times["clips"])
    return found | whole_process(config, repeats)


def _maker(config, latents, at_once):
    made = generator(config.model, config.data.clip, config.training.precision)
    sampled = batched(autodiff.compiled(made), config.data.length, at_once)
    return lambda: sampled(latents)


def whole_process(config, repeats):
    """{name: figure} of `generate.py --n 50` for a run of `config`, beside importing TensorFlow; none with a GPU."""
    # Without TensorFlow there is nothing to compare with, and two processes do not share the memory of a GPU.
    if not find_spec("tensorflow") or devices.accelerators():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        run.create(config)
        run.save(0, config.build_model().state())
        words = ["--n", str(SOUNDS), "--run", run.path, "--out", Path(folder) / "sounds"]
        times = in_turns(
            {
                "generate": lambda: _process(SCRIPT, *words),
                "import": lambda: _process("-c", "import tensorflow"),
            },
            repeats,
        )
    return {
        f"seconds_of_{SOUNDS}_sounds_whole_process": statistics.median(times["generate"]),
        "seconds_of_importing_tensorflow": statistics.median(times["import"]),
        "process_ratio": median_ratio(times["generate"], times["import"]),
    }


def _process(*words):
    subprocess.run([sys.executable, *map(str, words)], check=True, capture_output=True)
