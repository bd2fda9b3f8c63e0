"""Folders where libraries keep what they made, for users without a home or cache folder that can be written."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from wavegan.base.errors import UserError


def user_folder(variable: str, below_home: str) -> Path | None:
    """The folder that the environment's `variable` names, or else `below_home` in the user's home; None without one."""
    if named := os.environ.get(variable):
        return Path(named)
    try:
        return Path.home() / below_home
    except RuntimeError:  # the user has none, as in a container that was given the number of a user
        return None


@contextmanager
def caches_ready() -> Iterator[None]:
    """Gives Matplotlib, Numba and Fontconfig a folder for their caches, for imports of what needs these in the block.

    The user's own where it can be written, and else a temporary one, which goes with the process: Numba refuses to be
    imported without one, and the others print complaints. Only Fontconfig's, `XDG_CACHE_HOME`, is set for the block
    alone: others look there, too, for what they would not like to lose, such as downloads.

    Raises UserError where there is no temporary folder, either.
    """
    before = os.environ.get("XDG_CACHE_HOME")
    caches, settings = user_folder("XDG_CACHE_HOME", ".cache"), user_folder("XDG_CONFIG_HOME", ".config")
    for variable, usual in {"MPLCONFIGDIR": (caches, settings), "NUMBA_CACHE_DIR": (caches,)}.items():
        named = os.environ.get(variable)
        if not all(map(_writable, (Path(named),) if named else usual)):
            os.environ[variable] = os.path.join(_temporary(), variable)
    if not _writable(caches):
        os.environ["XDG_CACHE_HOME"] = _temporary()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("XDG_CACHE_HOME", None)
        else:
            os.environ["XDG_CACHE_HOME"] = before


def _writable(folder: Path | None) -> bool:
    """Whether a file can be made in `folder`, which is made where it is not there."""
    if folder is None:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def _temporary() -> str:
    """A folder of this process, removed at its end."""
    try:
        folder = tempfile.mkdtemp(prefix="wavegan-")
    except OSError:
        raise UserError(
            "no folder for temporary files can be written, nor the user's for caches. Set TMPDIR to one that can."
        ) from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
