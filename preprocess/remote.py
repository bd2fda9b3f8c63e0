"""Files wherever Apache Beam's file systems reach, such as gs://, s3:// and hdfs://."""

import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, BinaryIO

from wavegan.base.errors import UserError
from wavegan.base.text import printable

SCHEME = re.compile(r"([a-zA-Z][\w.+-]*)://")
# {scheme: (extra of the package apache-beam, a package that comes with it)}
EXTRAS = {"gs": ("gcp", "apitools"), "s3": ("aws", "boto3"), "hdfs": ("hadoop", "hdfs"), "azfs": ("azure", "azure")}


def is_remote(name: str) -> bool:
    """Whether a name is that of a place on another file system than this machine's own."""
    return SCHEME.match(name) is not None


def check_scheme(name: str, flag: str) -> None:
    """Raises `UserError` where no file system of Beam that is installed opens `name`, which was given as `flag`."""
    scheme = name.partition("://")[0]
    extra, needs = EXTRAS.get(scheme, ("", ""))
    try:
        _systems().get_filesystem(name)
        if needs and find_spec(needs) is None:  # some file systems are there and do not work
            raise ValueError
    except ValueError:
        known = f": python -m pip install 'apache-beam[{extra}]' installs it" if extra else ""
        raise UserError(f"{flag} {printable(name)} needs a file system of Beam for {scheme}://{known}.") from None


def opened(path: str) -> BinaryIO:
    """The file at `path`, local or not, open for reading its bytes as they are. Raises OSError."""
    return _buffered(_systems().open(path, compression_type="uncompressed"))


def created(path: str) -> BinaryIO:
    """A new file at `path`, local or not, open for writing. Raises OSError."""
    return _systems().create(path, compression_type="uncompressed")


def write(path: str, blocks: Iterable[bytes]) -> None:
    """Writes a file, local or not. Where this fails, a part of it may be left."""
    with created(path) as file:
        for block in blocks:
            file.write(block)


def write_whole(path: str, blocks: Iterable[bytes]) -> None:
    """Writes a new file that is there as a whole or not at all. Another of the same name must not be there."""
    partial = f"{path}.partial"
    write(partial, blocks)
    _systems().rename([partial], [path])


def join(folder: str, *parts: str) -> str:
    """The path of a file in a folder."""
    return str(_systems().join(folder, *parts))


def unique(folder: str, name: str) -> str:
    """A path in `folder` that nobody else writes to, not even another attempt at the same."""
    return join(folder, f"{name}.{secrets.token_hex(8)}")


def files_in(folder: str) -> list[str]:
    """The paths of all files right in a folder, local or not, sorted; none where it is not there. Raises OSError."""
    if not is_remote(folder):
        return sorted(os.path.join(folder, name) for name in os.listdir(folder))  # its name may hold a *
    system = _systems().get_filesystem(folder)
    if system.has_dirs() and not system.exists(folder):
        return []
    return [path for path, _ in matches(join(folder, "*"))]


def files_below(folder: str) -> list[tuple[str, int]]:
    """(path, bytes) of all files in a folder elsewhere, at any depth. Raises OSError."""
    if not _systems().get_filesystem(folder).has_dirs():
        return matches(join(folder, "**"))
    # Where there are folders, Beam lists what is right in one, and does not say which are folders themselves.
    found, files = matches(join(folder, "*")), list[tuple[str, int]]()
    while found:
        path, size = found.pop()
        try:
            inside = [] if size else matches(join(path, "*"))
        except OSError:  # an empty file
            inside = []
        found += [each for each in inside if each[0] != path]
        files += [] if inside else [(path, size)]
    return sorted(files)


def rename(sources: list[str], targets: list[str]) -> None:
    """Moves files within one file system. Raises OSError."""
    _systems().rename(sources, targets)


def make_folder(path: str) -> None:
    """Makes a folder that is not there, and those above it. Raises OSError."""
    _systems().mkdirs(path)


def remove(paths: list[str]) -> None:
    """Removes files on another file system. Raises OSError."""
    _systems().delete(paths)


def remove_folder(path: str) -> None:
    """Removes a folder, local or not, with the files in it. Raises OSError."""
    if is_remote(path):
        remove(files_in(path))
        with suppress(OSError):  # where there are no folders, it went with its files
            remove([path])
    else:
        shutil.rmtree(path)


def store(path: str, values: Iterable[dict[str, Any]]) -> None:
    """Writes a new file of JSON lines, whole or not at all. A set becomes a sorted list."""
    write_whole(path, (json.dumps(value, default=sorted).encode() + b"\n" for value in values))


def stored(path: str) -> Iterator[dict[str, Any]]:
    """Yields the values that `store` wrote."""
    with opened(path) as file:
        yield from map(json.loads, file)


def read(url: str) -> bytes:
    """The bytes of a file. Raises OSError."""
    with opened(url) as file:
        return file.read()


def matches(pattern: str) -> list[tuple[str, int]]:
    """(path, bytes) of all files elsewhere whose paths are like `pattern`, sorted. Raises OSError."""
    (found,) = _systems().match([pattern])
    return sorted((each.path, each.size_in_bytes) for each in found.metadata_list)


def explained(url: str, call: Callable[[], Any]) -> Any:
    """What `call` returns; a `UserError` where it cannot read `url`."""
    try:
        return call()
    except Exception as problem:  # every file system has errors of its own
        raise UserError(f"cannot read {printable(url)}: {printable(one_line(problem))}.") from problem


def one_line(problem: BaseException) -> str:
    """What an error of a library says, without the lines of its traceback: its last line is the one for people."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return (lines[-1] if lines else type(problem).__name__).rstrip(".: ")


def _buffered(file: Any) -> BinaryIO:
    return file if isinstance(file, io.BufferedIOBase) else io.BufferedReader(file)  # type: ignore[return-value]


def _systems() -> Any:
    # Late, because it takes seconds and need not be installed.
    from apache_beam.io.filesystems import FileSystems

    return FileSystems
