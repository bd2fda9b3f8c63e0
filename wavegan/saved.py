"""How a person names latents that are there already: FILE.npz:INDEX, a sound that was generated, or a seed."""

import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from preprocess import UserError

NUMBER = re.compile(r"[0-9]{1,18}")
BROKEN = (ValueError, EOFError, RuntimeError, MemoryError, OverflowError, TypeError, zlib.error, zipfile.BadZipFile)
NAMES = "FILE.npz:INDEX, FILE.npz, a folder or a WAV file that generate.py made, or a seed"


@dataclass(frozen=True)
class Named:
    """Latents under the name that a person gave them.

    Args:
        name: theirs, short enough for a heading.
        values: float32 [n, latent_size] in [-1, 1]; None for a seed, whose latent is still to be drawn.
        seed: the seed, where that is the name.
        sounded: (run, step) of the sounds that were made of them; None where nothing is known of it.
    """

    name: str
    values: np.ndarray | None
    seed: int | None = None
    sounded: tuple[str, int] | None = None


def named(text, latent_size):
    """What `text` names, as `Named`: all latents of a file, one of them, or a seed.

    Args:
        text: `FILE.npz:INDEX`, `FILE.npz`, a folder with a `latents.npz`, `FOLDER:INDEX`, a WAV file beside a
            `latents.npz`, whose number is the index; or a whole number, a seed.
        latent_size: width of the latents that the generator takes.

    Raises UserError where there are no such latents, or they are not for this generator.
    """
    if NUMBER.fullmatch(text):
        return Named(f"seed {int(text)}", None, int(text))
    path, index = _place(text)
    values, sounded = _read(path, text)
    _check(path, values, latent_size)
    name = "/".join(path.absolute().parts[-2:])
    if index is None:
        return Named(name, values.astype("float32"), None, sounded)
    if index >= len(values):
        raise UserError(f"{path} holds the latents 0 to {len(values) - 1}. Received: {text}.")
    return Named(f"{name}:{index}", values[index : index + 1].astype("float32"), None, sounded)


def one(text, latent_size):
    """As `named`, for a name that must be that of a single latent."""
    found = named(text, latent_size)
    if found.values is not None and len(found.values) > 1:
        raise UserError(f"{text} holds {len(found.values)} latents. Say which one: {text}:0, for example.")
    return found


def _place(text):
    """The archive that `text` names, and the index in it; None for all."""
    before, _, after = text.rpartition(":")
    text, index = (before, after) if before and NUMBER.fullmatch(after) else (text, None)
    path = Path(text)
    if index is None and path.suffix == ".wav" and NUMBER.fullmatch(path.stem):
        path, index = path.parent, path.stem
    if os.path.isdir(path):
        path = path / "latents.npz"
    return path, index if index is None else int(index)


def _read(path, text):
    """The array "latents" of the archive at `path`, and the (run, step) of its sounds."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            values = np.asarray(stored["latents"])
            known = {"run", "step"} <= set(stored.files)
            return values, (str(stored["run"]), int(stored["step"])) if known else None
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


def _check(path, values, latent_size):
    """Raises UserError where `values` of `path` are no latents for a generator that takes them `latent_size` wide."""
    if values.ndim != 2 or not len(values) or values.dtype.kind != "f":
        raise UserError(
            f"the latents of {path} must be floats [n, {latent_size}]. Received: {values.dtype} {list(values.shape)}."
        )
    if values.shape[1] != latent_size:
        raise UserError(
            f"the latents of {path} are {values.shape[1]} wide, the run takes {latent_size}: they are of another "
            "model. Give the run they were made with by --run."
        )
    if not (np.abs(values) <= 1).all():  # numbers that are none are not, either
        raise UserError(f"the latents of {path} must be finite and in [-1, 1]. Received: others. Take another file.")
