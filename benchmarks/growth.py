"""How time and memory grow with the number of clips: prepared, opened, shuffled, trained on and evaluated."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent
CLASSES = 10
PER_ARCHIVE = 100_000  # recordings
STEPS = 50  # of training
SCORED = 500  # sounds of an evaluation
SHUFFLED = 200  # steps whose clips are read, as a training of batches of 8 does
FIRST_PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(done.stderr[-2000:], file=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
raise SystemExit(done.returncode)
"""
OPEN = """
import sys
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
records = Records(sys.argv[1], DatasetInfo.load(sys.argv[1]))
"""
SHUFFLE = f"""{OPEN}
from wavegan.data.batches import training_batches
for _ in training_batches(records, records.info, 8, 1, seed=0, last_step={SHUFFLED}, group=4):
    pass
"""


def figures(config, repeats, clips):
    """[{stage, clips, seconds, those that its processes computed, peak memory of the largest}] of corpora of `clips`.

    They are short synthetic sounds of ten classes in archives, made for this and removed. Whole commands are timed, so
    their imports are, too; each once, whatever `repeats` says.
    """
    return [row for count in clips for row in _stages(config, count)]


def _stages(config, count):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"making {count:,} recordings", file=sys.stderr)
        archives = _archives(folder, config.data, count)
        data, run = folder / "data", folder / "run"
        shape = ["--sample-rate", config.data.sample_rate, "--length", config.data.length]
        train = ["train_wavegan.py", "--data", data, "--run", run, "--preset", "tiny", "--steps", STEPS]
        commands = {
            "prepare": ["-m", "preprocess", *archives, "--out", data, *shape],
            "open": ["-c", OPEN, data],
            "shuffle": ["-c", SHUFFLE, data],
            "train": train,
            "evaluate": ["evaluate.py", "--run", run, "--n", SCORED],
        }
        for stage, command in commands.items():
            print(f"{stage}: {count:,} clips", file=sys.stderr)
            yield {"stage": stage, "clips": count, **_measured(command)}


def _measured(command):
    """{name: figure} of a command of Python. Raises RuntimeError where it fails."""
    started = time.perf_counter()
    # A child's peak begins with the size of the process that started it: here a small one.
    words = [sys.executable, "-S", "-c", FIRST_PEAK, sys.executable, *map(str, command)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, (computing, memory) = time.perf_counter() - started, map(float, done.stdout.split())
    return {"seconds": seconds, "cpu_seconds": computing, "peak_memory_mib": memory / 2**10}


def _archives(folder, data, count):
    """Tar archives of `count` recordings, each as long as a clip: decaying tones, a class for each range of pitch."""
    random = np.random.default_rng(0)
    seconds = np.arange(data.length) / data.sample_rate
    paths: list[Path] = []
    for first in range(0, count, PER_ARCHIVE):
        paths.append(folder / f"part{len(paths):04d}.tar")
        with tarfile.open(paths[-1], "w") as archive:
            for number in range(first, min(first + PER_ARCHIVE, count)):
                kind = number % CLASSES
                pitch, decay = data.sample_rate / 40 * (1 + kind + random.random()), random.uniform(20, 200)
                sound = random.uniform(0.2, 0.9) * np.sin(2 * np.pi * pitch * seconds) * np.exp(-decay * seconds)
                _add(archive, f"sounds/kind{kind}/{number:07d}.wav", sound, data.sample_rate)
    return paths


def _add(archive, name, sound, sample_rate):
    content = io.BytesIO()
    soundfile.write(content, sound, sample_rate, subtype="PCM_16", format="WAV")
    info = tarfile.TarInfo(name)
    info.size = content.tell()
    content.seek(0)
    archive.addfile(info, content)
