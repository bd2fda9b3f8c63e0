"""Files and folders that are whole or absent, whatever happens while they are written, and their checksums."""

import hashlib
import itertools
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wavegan.base.locks import Held, locked
from wavegan.base.text import printable


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Writes `content` beside `path`, flushes it to disk, and moves it there.

    Raises OSError; `path` is as it was then.
    """
    path = Path(path)
    # Another process may write the same. Not by `tempfile`, whose files nobody but their owner may read.
    beside = path.with_name(f".{path.name}.{_token()}.partial")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            to_disk(file)
        move(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_new(path: Path, content: bytes) -> Path:
    """As `write_whole`, but over nothing: under the first free name of page.html, page-2.html, …, which it returns.

    The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    names = (Path(f"{name}{path.suffix}") for name in _names(path.with_suffix("")))
    free = next(name for name in names if not name.exists())
    write_whole(free, content)
    return free


def to_disk(file: BinaryIO) -> None:
    """Flushes an open file to disk, and forgets what is in memory of it: who reads it now reads the disk."""
    file.flush()
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def move(source: Path, target: Path) -> None:
    """Moves a file over another in the same folder; afterwards it is there also when the power fails."""
    os.replace(source, target)
    if os.name == "posix":
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some file systems know no such thing
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass
class Staged:
    """A folder in the making.

    Attributes:
        partial: where it is written.
        target: where it will be. Final only when the block has ended.
    """

    partial: Path
    target: Path


@contextmanager
def staged_folder(
    out: str | os.PathLike, warn: Callable[[str], object], replace: bool = False, numbered: bool = False
) -> Iterator[Staged]:
    """Gives a new folder beside `out` and moves it there at the end of the block; removes it if anything goes wrong.

    While it is written, the file .OUT.lock beside it is locked. So whoever gets that lock knows that what others left
    there for the same `out` is of processes that were killed, on whatever host: it is cleared away, and an older folder
    that one of them had just moved aside comes back.

    Args:
        out: its parents are made where they are not there, and removed again after an error.
        warn: called with a line for what may be left of a killed process, where the file system knows no locks.
        replace: whether a folder that is there is replaced. It stays untouched until then.
        numbered: whether `out` gets the first number, as in out-2, that is neither there nor being made by another.

    Raises:
        Held: where another process makes `out`, and it is not to be numbered. The text names the process.
        OSError: where it cannot be written, or is there and may not be replaced.
    """
    out = Path(out)
    made = _make_parents(out.parent)
    try:
        with ExitStack() as stack:
            target = _claim(stack, out, warn, numbered)
            staged = Staged(_beside(target, "partial", _token()), target)
            try:
                staged.partial.mkdir()  # in here, so that a signal just after it finds somebody who cleans up
                yield staged
                if numbered and os.path.lexists(target):  # without locks, another may have been faster
                    staged.target = next(name for name in _names(out) if not os.path.lexists(name))
                _move_folder(staged.partial, staged.target, replace)
            finally:
                shutil.rmtree(staged.partial, ignore_errors=True)
    except BaseException:
        for folder in made:
            with suppress(OSError):  # another process has put something into it
                folder.rmdir()
        raise


def _claim(stack: ExitStack, out: Path, warn: Callable[[str], object], numbered: bool) -> Path:
    """Takes the lock of `out`, or of the first number of it that is free, and clears up there. Returns which."""
    names = _names(out)
    while True:
        target = next(names)
        if numbered and os.path.lexists(target):
            continue
        with ExitStack() as attempt:
            try:
                held = attempt.enter_context(locked(target.with_name(f".{target.name}.lock"), keep=False))
            except Held:
                if numbered:
                    continue
                raise
            _clear_leftovers(target, held, warn)
            if not numbered or not os.path.lexists(target):  # it may have come before the lock did
                stack.push(attempt.pop_all())
                return target


def _names(path: Path) -> Iterator[Path]:
    return itertools.chain([path], (Path(f"{path}-{number}") for number in itertools.count(2)))


def _token() -> str:
    return secrets.token_hex(4)


def _beside(target: Path, role: str, token: str) -> Path:
    return target.with_name(f".{target.name}.{role}-{token}")


def _make_parents(folder: Path) -> list[Path]:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _move_folder(partial: Path, target: Path, replace: bool) -> None:
    if not replace or not target.exists():
        os.rename(partial, target)
        return
    old = _beside(target, "old", _token())
    os.rename(target, old)
    try:
        os.rename(partial, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _clear_leftovers(target: Path, held: bool, warn: Callable[[str], object]) -> None:
    for role in ("old", "partial"):
        name = re.compile(re.escape(f".{target.name}.{role}-") + "[0-9a-f]{8}")
        for leftover in [path for path in target.parent.iterdir() if name.fullmatch(path.name)]:
            if not held:
                warn(
                    f"note: {printable(leftover)} is on a file system without locks; remove it if nobody is making "
                    f"{printable(target.name)}"
                )
            elif role == "old" and not os.path.lexists(target):
                os.rename(leftover, target)
            else:
                shutil.rmtree(leftover, ignore_errors=True)


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file's content, hexadecimal. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_checksum(values: dict) -> str:
    """SHA-256 of all values but the checksum itself, however the file is laid out."""
    content = {name: value for name, value in values.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def in_file_name(text: str) -> str:
    """`text` as a part of a file's name that every file system takes, short; letters of all scripts stay.

    >>> in_file_name("kick:0.7,snare:0.3"), in_file_name("../Große Trommel")
    ('kick-0.7-snare-0.3', 'Große_Trommel')
    """
    plain = re.sub(r"[^\w.,:+-]+", "_", unicodedata.normalize("NFC", text)).replace(":", "-").replace(",", "-")
    return plain.strip("._-")[:40].rstrip("._-") or "class"
