"""How a person names latents that are there already: FILE.npz:INDEX, a sound that was made of one, or a seed."""

import json
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.base.errors import UserError
from wavegan.base.typed import from_here
from wavegan.models.family import Start
from wavegan.runs.run import PRETRAINED, Run

NUMBER = re.compile(r"[0-9]{1,18}")
SOUND = re.compile(r"([0-9]{1,18})(-.*)?")  # the name of a WAV file: its number, and its class
PREVIEW = re.compile(r"step-([0-9]{1,18})")  # a folder of a run's previews
BROKEN = (ValueError, EOFError, RuntimeError, MemoryError, OverflowError, TypeError, zlib.error, zipfile.BadZipFile)
NAMES = "FILE.npz:INDEX, FILE.npz, a folder or a WAV file that generate.py made, a preview's WAV file, or a seed"


@dataclass(frozen=True)
class Origin:
    """What made the sounds of saved latents.

    Args:
        run: the run's directory.
        step: the checkpoint's; None where the latents are those of all previews.
        model: its fingerprint (`runs.Run.fingerprint`); None where that was not kept.
    """

    run: str
    step: int | None = None
    model: str | None = None

    def __str__(self) -> str:
        return f"run {Run(from_here(self.run)).title}" + ("" if self.step is None else f", --checkpoint {self.step}")

    def found(self) -> Run:
        """The `Run`. Raises UserError where it is not where it was, nor in the folder runs/, nor with the program."""
        path = Path(self.run)
        places = [path, Path("runs", path.name)]  # a whole project may move
        if path.parent.name == PRETRAINED.name:
            places.append(PRETRAINED / path.name)
        for place in places:
            if Run(place).exists():
                return Run(from_here(place))
        raise UserError(f"{self.run}, the run that made the saved sounds, is not there any more. Give it with --run.")

    def is_of(self, run: Run) -> bool:
        """Whether `run` is the one: in its place, or a copy of it that still has the checkpoint."""
        if Path(self.run) == run.path.resolve():
            return True
        return self.model is not None and self.step is not None and self.model == run.fingerprint(self.step)

    def kept_step(self, run: Run) -> int | None:
        """The step of the checkpoint, None for the newest. Raises UserError where `run` does not have it."""
        if self.step is None or self.step in run.steps():
            return self.step
        if self.model is None:  # a preview's: nothing tells whether there ever was one
            raise UserError(
                f"{run.title} has no checkpoint of step {self.step}, which made the preview. It has: "
                f"{', '.join(map(str, run.steps())) or 'none'}. A training keeps the newest --keep-checkpoints, and "
                "makes one every --checkpoint-every steps. With --checkpoint latest the same latents make other sounds."
            )
        raise UserError(
            f"the checkpoint of step {self.step}, which made the saved sounds, is not kept in {run.title} any more. "
            "With --checkpoint latest the same latents make other sounds."
        )


@dataclass(frozen=True)
class Named:
    """Latents under the name that a person gave them.

    Args:
        name: theirs, short enough for a heading.
        values: float32 [n, ...]; None for a seed, whose latent is still to be drawn.
        seed: the seed, where that is the name.
        origin: what made their sounds; None where nothing is known of it.
        classes, class_names: the class weights of their sounds, [n, classes], and whose they are; None without.
        start: the recording that their sounds began from, if any.
        sampling: {name: value}, how these were made, of a family that can make them in several ways.
    """

    name: str
    values: np.ndarray | None
    seed: int | None = None
    origin: Origin | None = None
    classes: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    start: Start | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)

    def sounds_as_saved(self, run: Run, step: int) -> bool:
        """Whether the checkpoint of `step` of `run` makes the sounds that were saved with these latents, if any."""
        origin = self.origin
        if origin is None or origin.step is None:
            return True
        return origin.model == run.fingerprint(step) if origin.model else origin.is_of(run) and origin.step == step


def named(text: str) -> Named:
    """What `text` names, as `Named`: all latents of a file, one of them, or a seed.

    Args:
        text: `FILE.npz:INDEX`, `FILE.npz`, a folder with a `latents.npz`, `FOLDER:INDEX`, a WAV file beside a
            `latents.npz` or among a run's previews, whose number is the index; or a whole number, a seed.

    Raises UserError where there are no such latents.
    """
    if NUMBER.fullmatch(text):
        return Named(f"seed {int(text)}", None, int(text))
    path, index, step = _place(text)
    found = _read(path, text)
    if step is not None and found.origin:
        found = replace(found, origin=replace(found.origin, step=step))
    values, weights, name = _checked(path, found.values), found.classes, "/".join(path.absolute().parts[-2:])
    if index is None:
        return replace(found, name=name, values=values)
    if index >= len(values):
        raise UserError(f"{path} holds the latents 0 to {len(values) - 1}. Received: {text}.")
    chosen = slice(index, index + 1)
    weights = None if weights is None else weights[chosen]
    return replace(found, name=f"{name}:{index}", values=values[chosen], classes=weights)


def is_recording(text: str) -> bool:
    """Whether `text` names a file that is no saved sound: there are no latents beside it, nor are these in it."""
    place = _place(text)[0]
    return os.path.isfile(text) and not (place.suffix.lower() == ".npz" and place.exists())


def one(text: str) -> Named:
    """As `named`, for a name that must be that of a single latent."""
    found = named(text)
    if found.values is not None and len(found.values) > 1:
        raise UserError(f"{text} holds {len(found.values)} latents. Say which one: {text}:0, for example.")
    return found


def _place(text: str) -> tuple[Path, int | None, int | None]:
    """The archive that `text` names, the index in it, None for all, and the step of a preview, else None."""
    before, _, after = text.rpartition(":")
    text, index = (before, after) if before and NUMBER.fullmatch(after) else (text, None)
    path = Path(text)
    if index is None and path.suffix == ".wav" and (sound := SOUND.fullmatch(path.stem)):
        path, index = path.parent, sound[1]
    step = None
    if os.path.isdir(path):
        folder, path = path.absolute(), path / "latents.npz"
        of_run = folder.parent.parent / "preview_latents.npz"
        match = PREVIEW.fullmatch(folder.name)
        if match and folder.parent.name == "previews" and of_run.exists() and not path.exists():
            path, step = of_run, int(match[1])
    return path, index if index is None else int(index), step


def _read(path: Path, text: str) -> Named:
    """What the archive at `path` holds, without a name, unchecked."""
    if os.path.isfile(text) and (path.suffix.lower() != ".npz" or not path.exists()):
        raise UserError(
            f"{text} cannot be read as latents: a sound is known by its number and the latents.npz beside it, as "
            "generate.py and a training left them. Name it there, under its own name; or find the nearest sound to it "
            "with --like."
        )
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            values = np.asarray(stored["latents"])
            weights, names = _classes(stored, len(values))
            sampling = _sampling(stored)
            found = Named("", values, None, None, weights, names, _start(stored), sampling)
            if {"run", "step", "model"} <= set(stored.files):
                return replace(found, origin=Origin(str(stored["run"]), int(stored["step"]), str(stored["model"])))
    except OSError as problem:
        raise UserError(
            f"{path} cannot be read as latents ({problem.strerror or problem}). Expected {NAMES}, a whole number. "
            f"Received: {text}."
        ) from None
    except KeyError:
        raise UserError(f"{path} holds no latents. Expected a latents.npz or preview_latents.npz.") from None
    except BROKEN as problem:
        reason = " ".join(str(problem).split(". If you trust")[0].split())[:200] or type(problem).__name__
        raise UserError(
            f"{path} is damaged, or no archive of latents ({reason}). Expected a latents.npz or preview_latents.npz."
        ) from None
    folder = path.resolve().parent
    return replace(found, origin=Origin(str(folder))) if (folder / "config.json").exists() else found


def _sampling(stored: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """How the sounds of an archive were made. Raises ValueError where that is no {name: value}."""
    sampling = json.loads(str(stored["sampling"])) if "sampling" in stored else {}
    if not isinstance(sampling, dict):
        raise ValueError(f"its sampling is {sampling!r}")
    return sampling


def _start(stored: Mapping[str, np.ndarray]) -> Start | None:
    """The recording that sounds began from, in an archive. Raises ValueError where it is none."""
    if "recording" not in stored:
        return None
    audio, strength = np.asarray(stored["recording"], "float32"), float(stored["strength"])
    kept = np.asarray(stored["kept"], "float32") if "kept" in stored else None
    if audio.ndim != 2 or not np.isfinite(audio).all() or not 0 <= strength <= 1:
        raise ValueError("its recording is none")
    if kept is not None and (kept.shape != audio.shape[:1] or not ((kept >= 0) & (kept <= 1)).all()):
        raise ValueError("what is kept of its recording is not a part of it")
    return Start(audio, strength, kept)


def _classes(stored: Mapping[str, np.ndarray], n: int) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """The class weights [n, classes] in an archive, and the names; None where it has none. Raises ValueError."""
    if "classes" not in stored:
        return None, None
    weights, names = np.asarray(stored["classes"], "float32"), tuple(map(str, stored["class_names"]))
    if weights.shape != (n, len(names)) or not np.isfinite(weights).all():
        raise ValueError(f"its classes are {list(weights.shape)}, expected [{n}, {len(names)}]")
    return weights, names


def _checked(path: Path, values: np.ndarray | None) -> np.ndarray:
    """`values` of `path` as float32. Raises UserError where they are no latents."""
    values = np.asarray(values)
    if values.ndim < 2 or not len(values) or values.dtype.kind != "f":
        raise UserError(
            f"the latents of {path} must be floats [n, width]. Received: {values.dtype} {list(values.shape)}."
        )
    return values.astype("float32")
