"""New sounds from a trained run."""

import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from preprocess import UserError
from preprocess.audio import write_wav
from preprocess.records import native_stderr_hidden
from wavegan import pictures
from wavegan.runs import free_directory
from wavegan.synthesis import sample_latents, synthesize
from wavegan.training import generator_from

PICTURED = 200  # clips on the picture at most


@dataclass(frozen=True)
class Generated:
    """What `generate` made: where, from which checkpoint, and seconds of sound and of computing it (compiling too)."""

    folder: Path
    step: int
    clips: int
    sound_s: float
    compute_s: float
    seed: int


def load_generator(run, step=None, warn=print):
    """The generator of `run` as it was at `step`, the run's config, and the step.

    Args:
        run: a `runs.Run`.
        step: the checkpoint's; the newest that is whole when None.
        warn: called with a line for each newer one that is damaged.

    Raises UserError when the run or the checkpoint is missing, damaged or of another model.
    """
    config = run.config()
    prefix = "averaged_generator/" if config.ema else "generator/"
    step, arrays = run.load_newest(prefix, warn) if step is None else (step, run.load(step, prefix))
    generator = generator_from(config)
    shapes = [tuple(weight.shape) for weight in generator.weights]
    if shapes != [array.shape for array in arrays.values()]:
        raise UserError(f"{run.checkpoint_path(step)} does not fit {run.config_path}: its networks have other sizes.")
    generator.set_weights(list(arrays.values()))
    return generator, config, step


def generate(run, n, seed=None, step=None, folder=None, batch_size=None, warn=print):
    """Make `n` sounds: WAV files (PCM 16, the run's rate), `latents.npz` and `sheet.png` in a new folder.

    Args:
        run: a `runs.Run`.
        n: how many.
        seed: of the latents; drawn when None, and stored either way.
        step: the checkpoint's; the newest that is whole when None.
        folder: where to; `generated/<run>/step-<step>` when None. Where it is there already, a number is added.
        batch_size: clips computed at once; memory grows with it. About a million samples when None.
        warn: called with a line for each newer checkpoint that is damaged.

    Returns a `Generated`. Raises UserError when there is nothing to generate from or no place to write to.
    """
    generator, config, step = load_generator(run, step, warn)
    seed = secrets.randbits(31) if seed is None else seed
    latents = sample_latents(n, config.latent_size, seed)
    started = time.monotonic()
    with native_stderr_hidden():  # compilers talk
        audio = synthesize(generator, latents, batch_size)
    compute_s = time.monotonic() - started

    folder = free_directory(folder or Path("generated") / run.name / f"step-{step:08d}")
    beside = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        beside.mkdir(parents=True)
        _write(beside, audio, latents, config.sample_rate, {"seed": seed, "step": step, "run": run.name})
        beside.rename(folder)
    except OSError as problem:
        raise UserError(f"{folder} cannot be written ({problem.strerror}). Give another folder with --out.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Generated(folder, step, n, n * config.length / config.sample_rate, compute_s, seed)


def _write(folder, audio, latents, sample_rate, facts):
    digits = max(3, len(str(len(audio) - 1)))
    names = [f"{number:0{digits}d}" for number in range(len(audio))]
    for name, clip in zip(names, audio, strict=True):
        write_wav(folder / f"{name}.wav", clip, sample_rate)
    np.savez(folder / "latents.npz", latents=latents, **facts)
    shown = audio[:PICTURED]
    more = f" (the first {PICTURED})" if len(audio) > PICTURED else ""
    title = f"{facts['run']}, step {facts['step']}, seed {facts['seed']}{more}"
    pictures.save(pictures.draw(shown, sample_rate, title, names[:PICTURED]), folder / "sheet.png")
