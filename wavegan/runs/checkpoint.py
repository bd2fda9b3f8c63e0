"""One checkpoint on disk: a NumPy archive with an array for every variable, and a small file with its checksum.

Beside `step-00001000.npz` lies `step-00001000.json`: its size, its SHA-256 and, once somebody judged it, its scores.
Both are written beside their places, flushed to disk, read back and compared, and then moved there, the archive last:
a checkpoint is whole or absent. Nothing in it can execute.
"""

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.base import files
from wavegan.base.locks import in_turn

FORMAT = 1  # of the small file
SCALE = ":scale"  # ends the name of what an array of whole numbers is multiplied by, for each channel of its output
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError)  # what reading one may raise


def write(path: Path, step: int, arrays: Mapping[str, np.ndarray], compressed: bool = False) -> None:
    """Write {name: array} of `step` to `path`. Raises OSError where that cannot be, and leaves nothing of it then."""
    save = np.savez_compressed if compressed else np.savez
    beside = path.with_suffix(".partial")
    try:
        with open(beside, "wb") as file:
            save(file, **dict[str, Any](arrays))
            files.to_disk(file)
        _compare(beside, arrays)
        write_facts(path, {"step": step, "bytes": beside.stat().st_size, "sha256": files.sha256(beside)})
        files.move(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        clear_leftovers(path.parent)
        raise


def read(path: Path, step: int, prefix: str = "") -> dict[str, np.ndarray]:
    """The arrays of `step` at `path` whose names start with `prefix`, as {name: array}. Raises one of `BROKEN`."""
    facts = read_facts(path)
    if facts["step"] != step:
        raise ValueError(f"it is that of step {facts['step']}")
    if path.stat().st_size != facts["bytes"]:
        raise ValueError(f"expected {facts['bytes']:,} bytes. Received: {path.stat().st_size:,}")
    if files.sha256(path) != facts["sha256"]:
        raise ValueError("its checksum is another")
    with np.load(path, allow_pickle=False) as stored:
        names = [name for name in stored.files if name.startswith(prefix) and not name.endswith(SCALE)]
        scaled = {name for name in names if name + SCALE in stored.files}
        return {name: stored[name] * stored[name + SCALE] if name in scaled else stored[name] for name in names}


def rounded(arrays: Mapping[str, np.ndarray], bits: Mapping[str, int]) -> dict[str, np.ndarray]:
    """`arrays` with whole numbers and scales, which `read` multiplies again, in the place of kernels: few bytes.

    Args:
        arrays: {name: array}.
        bits: {beginning of a name: of its kernels}, 16 at most; others stay as they are, as vectors do.
    """
    found = dict(arrays)
    for name, array in arrays.items():
        wanted = next((each for start, each in bits.items() if name.startswith(start)), None)
        if wanted and array.ndim > 1 and array.dtype == "float32":
            steepest = 2 ** (wanted - 1) - 1
            scale = np.abs(array).max(axis=tuple(range(array.ndim - 1)), keepdims=True) / steepest
            scale = np.where(scale > 0, scale, 1).astype("float32")
            found[name] = np.rint(array / scale).astype("int8" if wanted <= 8 else "int16")
            found[name + SCALE] = scale
    return found


def read_facts(path: Path) -> dict[str, Any]:
    """What is known of the archive at `path`: "step", "bytes", "sha256", perhaps "scores". Raises one of `BROKEN`."""
    beside = _beside(path)
    if not beside.exists():
        raise ValueError(f"{beside.name}, which holds its checksum, is missing")
    facts = json.loads(beside.read_text(encoding="utf-8"))  # checked by hand: it is a handful of lines
    kinds = {"format": int, "step": int, "bytes": int, "sha256": str}
    if not isinstance(facts, dict) or any(type(facts.get(name)) is not kind for name, kind in kinds.items()):
        raise ValueError(f"{beside.name} does not hold its step, size and checksum")
    if facts["format"] != FORMAT:
        raise ValueError(f"{beside.name}: format must be {FORMAT}. Received: {facts['format']}")
    scores = facts.get("scores", {})
    if not isinstance(scores, dict) or any(type(s) is not float or not math.isfinite(s) for s in scores.values()):
        raise ValueError(f"{beside.name}: scores must be finite numbers. Received: {scores}")
    return facts


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Write what is known of the archive at `path`, whole or not at all. Raises OSError."""
    files.write_whole(_beside(path), json.dumps({"format": FORMAT, **facts}).encode() + b"\n")


def clear_leftovers(folder: Path) -> None:
    """Remove from `folder` what a process that was killed while it wrote or dropped a checkpoint left behind."""
    with in_turn(folder):  # others may keep a score
        for facts in folder.glob("step-*.json"):
            if not facts.with_suffix(".npz").exists():
                facts.unlink(missing_ok=True)
        for partial in [*folder.glob("step-*.partial"), *folder.glob(".step-*.partial")]:
            partial.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _compare(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises OSError where the archive at `path` does not hold `arrays`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            same = all(np.array_equal(stored[name], array) for name, array in arrays.items())
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        same = False
    if not same:
        raise OSError(0, "what was read back differs from what was written")
