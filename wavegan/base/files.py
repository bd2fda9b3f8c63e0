"""Files that are whole or absent, whatever happens while they are written, and that tell an edit by hand."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Writes `content` beside `path`, flushes it to disk, and moves it there.

    Raises OSError; `path` is as it was then.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")  # another process may write the same
    try:
        with open(beside, "wb") as file:
            file.write(content)
            to_disk(file)
        move(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def to_disk(file) -> None:
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


def json_checksum(values: dict) -> str:
    """SHA-256 of all values but the checksum itself, however the file is laid out."""
    content = {name: value for name, value in values.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
