"""New sounds from a trained run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.audio import pictures
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.base.files import in_file_name, staged_folder
from wavegan.base.quiet import native_stderr_hidden
from wavegan.base.text import tell
from wavegan.generation.latents import Latents
from wavegan.models import classes
from wavegan.models.family import Sampler, family_named
from wavegan.runs.config import Config
from wavegan.runs.run import Run

PICTURED = 200  # clips on the picture at most


@dataclass(frozen=True)
class Generated:
    """What `generate` made: where, from which checkpoint, and seconds of sound and of computing it (compiling too).

    `loudness` is the RMS of all sounds, as a share of that of the recordings.
    """

    folder: Path
    step: int
    clips: int
    sound_s: float
    compute_s: float
    loudness: float


def load_sampler(
    run: Run,
    step: int | None = None,
    warn: Callable[[str], object] = tell,
    sampling: Any = None,
) -> tuple[Sampler, Config, int]:
    """What makes the sounds of `run` as it was at `step`, the run's config, and the step.

    Args:
        run: the run.
        step: the checkpoint's; the newest that is whole when None.
        warn: called with a line for each newer one that is damaged.
        sampling: how sounds are made, of the family's `Sampling`; its defaults when None.

    Raises UserError when the run or the checkpoint is missing, damaged or of another model.
    """
    config = run.config()
    step, arrays = load_weights(run, step, warn)
    sampler = config.build_sampler(sampling)
    try:
        sampler.restore(arrays)
    except ValueError:
        raise UserError(
            f"{run.checkpoint_path(step)} does not fit {run.config_path}: its networks have other sizes."
        ) from None
    return sampler, config, step


def load_weights(
    run: Run, step: int | None = None, warn: Callable[[str], object] = tell
) -> tuple[int, dict[str, np.ndarray]]:
    """The step, and the arrays of its checkpoint that make sounds; arguments and errors as of `load_sampler`."""
    step, arrays = run.load_newest("sampler/", warn) if step is None else (step, run.load(step, "sampler/"))
    if not arrays:  # an older version's
        arrays = family_named(run.config().family).renamed(run.load(step))
        arrays = {name: array for name, array in arrays.items() if name.startswith("sampler/")}
    return step, arrays


def generate(
    run: Run,
    latents: Latents,
    step: int | None = None,
    folder: str | Path | None = None,
    warn: Callable[[str], object] = tell,
    sampling: Any = None,
) -> Generated:
    """Make the sounds of `latents`: WAV files (PCM 16, the run's rate), `latents.npz`, `sheet.png` in a new folder.

    A latent's WAV file is the same to the last bit whatever others are made with it, on one machine and backend.

    Args:
        run: a `runs.Run`.
        latents: a `latents.Latents`.
        step: the checkpoint's; the newest that is whole when None.
        folder: where to; `generated/<run>/step-<step>` when None. Where it is there already, a number is added.
        warn: called with a line for each newer checkpoint that is damaged.
        sampling: how they are made, of the family's `Sampling`; its defaults when None.

    Returns a `Generated`. Raises UserError when there is nothing to generate from or no place to write to.
    """
    sampler, config, step = load_sampler(run, step, warn, sampling=sampling)
    started = time.monotonic()
    with native_stderr_hidden():  # compilers print to it
        audio = _sounds(sampler, latents, config)
    compute_s = time.monotonic() - started

    folder = folder or Path("generated") / run.name / f"step-{step:08d}"
    try:
        with staged_folder(folder, warn, numbered=True) as staged:
            origin = {"run": str(run.path.resolve()), "step": step, "model": run.fingerprint(step) or ""}
            origin |= config.sampling_kept(sampling)
            _write(staged.partial, audio, latents, config, f"{run.name}, step {step}", origin)
    except OSError as problem:
        raise UserError(f"{folder} cannot be written ({problem.strerror}). Give another folder with --out.") from None
    loudness = float(np.sqrt(np.mean(np.square(audio)))) / config.data.rms
    seconds = len(audio) * config.data.length / config.data.sample_rate
    return Generated(staged.target, step, len(audio), seconds, compute_s, loudness)


def _sounds(sampler: Any, latents: Latents, config: Config) -> np.ndarray:
    if latents.start is None:
        return sampler(latents.values, latents.classes)
    received, taken = latents.start.audio.shape, (config.data.length, config.data.channels)
    if received != taken:
        raise UserError(
            f"the recording of {latents.title} is {' × '.join(map(str, received))} samples, the run's are "
            f"{' × '.join(map(str, taken))}. Give its run."
        )
    return sampler.varied(latents.values, latents.classes, latents.start)


def _write(
    folder: Path, audio: np.ndarray, latents: Latents, config: Config, heading: str, origin: dict[str, Any]
) -> None:
    sample_rate = config.data.sample_rate
    digits = max(3, len(str(len(audio) - 1)))
    names = [f"{number:0{digits}d}" for number in range(len(audio))]
    kinds = [""] * len(audio)
    more: dict[str, Any] = {} if latents.seed is None else {"seed": latents.seed}
    if latents.classes is not None:
        words = [classes.in_words(row, config.classes, most=2) for row in latents.classes]
        kinds = [f"-{in_file_name(each)}" if each else "" for each in words]
        more |= {"classes": latents.classes, "class_names": np.array(config.classes)}
    for name, kind, clip in zip(names, kinds, audio, strict=True):
        write_wav(folder / f"{name}{kind}.wav", clip, sample_rate)
    if latents.start is not None:
        more |= {"recording": latents.start.audio, "strength": latents.start.strength}
        more |= {} if latents.start.kept is None else {"kept": latents.start.kept}
    np.savez(folder / "latents.npz", latents=latents.values, made_of=latents.title, **more, **origin)
    rest = f" (the first {PICTURED})" if len(audio) > PICTURED else ""
    title = f"{heading}, {latents.title}{rest}"
    shown = [f"{name}   {note}" for name, note in zip_longest(names, latents.notes, fillvalue="")][:PICTURED]
    pictures.save(pictures.draw(audio[:PICTURED], sample_rate, title, shown, latents.columns), folder / "sheet.png")
