"""A directory that appears complete or not at all."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wavegan.base.errors import UserError
from wavegan.base.text import printable
from wavegan.data.schema import FILE_NAME


def check_destination(out: Path, overwrite: bool) -> None:
    """Raises `UserError` where `out` exists, unless it is a data set (or empty) that may be overwritten."""
    text = printable(out)
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise UserError(f"--out must be a folder to be made. Received the file {text}.")
    if not overwrite:
        raise UserError(f"--out {text} exists. Choose another name, or replace it with --overwrite.")
    if any(out.iterdir()) and not (out / FILE_NAME).is_file():
        raise UserError(f"--overwrite replaces data sets only, and {text} holds no {FILE_NAME}. Choose another name.")


@contextmanager
def staged(out: Path, overwrite: bool) -> Iterator[Path]:
    """Gives a new directory beside `out` and moves it there at the end; removes it where anything goes wrong.

    What `out` held before stays untouched until then.

    Raises:
        UserError: as in `check_destination`.
    """
    out = out.resolve()
    made = _make_parents(out.parent)
    _remove_leftovers(out)
    check_destination(out, overwrite)  # an older data set may just have come back
    partial = _neighbour(out, "partial", os.getpid())
    try:
        partial.mkdir()  # in here, so that a signal just after it finds somebody who cleans up
        yield partial
        _move_into_place(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in made:
            folder.rmdir()
        raise


def _neighbour(out, role, pid):
    # With the host's name, because on a shared disk another machine's process can have the same number.
    return out.parent / f".{out.name}.{role}-{socket.gethostname()}-{pid}"


def _make_parents(folder):
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _move_into_place(partial, out):
    if not out.exists():
        os.replace(partial, out)
        return
    old = _neighbour(out, "old", os.getpid())
    os.replace(out, old)
    try:
        os.replace(partial, out)
    except BaseException:
        os.replace(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove_leftovers(out):
    """Clears away what a killed run left, and puts back an old data set that it had just moved aside."""
    for role in ("old", "partial"):
        prefix = _neighbour(out, role, "").name
        for leftover in [path for path in out.parent.iterdir() if path.name.startswith(prefix)]:
            pid = leftover.name.removeprefix(prefix)
            if not pid.isdigit() or _is_running(int(pid)):
                continue
            if role == "old" and not out.exists():
                os.replace(leftover, out)
            else:
                shutil.rmtree(leftover, ignore_errors=True)


def _is_running(pid):
    if pid == os.getpid():
        return False  # the same number again, after a restart
    try:
        with suppress(PermissionError):  # who may not signal it has found it all the same
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
