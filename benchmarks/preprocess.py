"""`python -m preprocess` against the loop that one would write first."""

import io
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import tensorflow as tf

from benchmarks.measure import in_turns, median_ratio
from preprocess.convert import open_source, prepare
from preprocess.options import Options
from wavegan.base.progress import Progress

COPIES = 4  # of all files, where the growth of memory is measured


def figures(config, repeats, source):
    """{name: figure} of converting the folder `source` at the configured rate and length (first window of a file)."""
    silent = partial(Progress, stream=io.StringIO())
    options = Options(sample_rate=config.data.sample_rate, length=config.data.length, slices="first")
    listing = open_source(source).listing(lambda *_: None)
    files = [Path(source) / entry.path for entry in listing.entries]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        # Both replace what they wrote the round before.
        timed = {
            "ours": lambda: prepare([source], folder / "ours", replace(options, overwrite=True), silent),
            "plain": lambda: plain_loop(files, folder / "plain", config),
        }
        times = in_turns(timed, repeats)
        once, often = folder / "once", folder / "often"
        for copies, place in ((1, once), (COPIES, often)):
            for copy in range(copies):
                shutil.copytree(source, place / str(copy))
        memory = {place: _peak_memory(place, folder / f"{place.name}-records", options) for place in (once, often)}
    seconds = statistics.median(times["ours"])
    return {
        "files": len(files),
        "seconds": seconds,
        "files_per_second": len(files) / seconds,
        "plain_files_per_second": len(files) / statistics.median(times["plain"]),
        "baseline_ratio": median_ratio(times["plain"], times["ours"]),
        "peak_memory_gib": memory[once] / 2**30,
        f"memory_ratio_of_{COPIES}_times_the_files": memory[often] / memory[once],
    }


def plain_loop(files, path, config):
    """librosa.load → pad → TFRecordWriter, a float list for each clip."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for file in files:
            clip, _ = librosa.load(file, sr=config.data.sample_rate)
            clip = np.pad(clip[: config.data.length], (0, max(0, config.data.length - len(clip))))
            floats = tf.train.Feature(float_list=tf.train.FloatList(value=clip))
            example = tf.train.Example(features=tf.train.Features(feature={"audio": floats}))
            writer.write(example.SerializeToString())


def _peak_memory(source, out, options):
    """Bytes of the largest process of the command."""
    flags = ["--sample-rate", str(options.sample_rate), "--length", str(options.length), "--slices", "first"]
    command = [sys.executable, "-m", "preprocess", str(source), "--out", str(out), *flags]
    # A child's peak begins with the size of the process that started it: here a small one.
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    measured = subprocess.run([sys.executable, "-S", "-c", code, *command], check=True, capture_output=True, text=True)
    return int(measured.stdout) * 1024
