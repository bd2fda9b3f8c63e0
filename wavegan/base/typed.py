"""How a command is typed, in the way this one was started."""

import os
import shlex
import sys
from pathlib import Path

SCRIPTS = {
    "train": "train_wavegan.py",
    "train-diffusion": "train_diffusion.py",
    "generate": "generate.py",
    "evaluate": "evaluate.py",
    "export": "export.py",
}


def typed(name: str, *words: object) -> str:
    """How to type the command `name` ("preprocess", "train", …) with `words`, in the way this one was started.

    As installed (`wavegan-train`), as a script in the folder this one lies in, or as a module. The result can be pasted
    into a POSIX shell: words with spaces are quoted.
    """
    folder, program = os.path.split(sys.argv[0])
    if program.startswith("wavegan-"):
        start = [f"wavegan-{name}"]
    elif name in SCRIPTS:
        start = ["python", os.path.join(folder, SCRIPTS[name]) if program in SCRIPTS.values() else SCRIPTS[name]]
    else:
        start = ["python", "-m", name]
    return shlex.join([*start, *map(str, words)])


def from_here(path: str | Path) -> Path:
    """`path` as a person types it: relative where it lies in the working directory.

    >>> from_here(Path.cwd() / "runs" / "mine").as_posix()
    'runs/mine'
    """
    path, here = Path(path), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def without_places(text: str, path: Path) -> str:
    """`text` with commands, as `typed` gives them, for others to see.

    Where `path` or the scripts were given by an absolute path, that is their name alone.
    """
    folder = os.path.split(sys.argv[0])[0]
    found = [path] if path.is_absolute() else []
    if os.path.isabs(folder):
        found += [Path(folder, script) for script in SCRIPTS.values()]
    for place in found:
        text = text.replace(shlex.quote(str(place)), shlex.quote(place.name))
    return text
