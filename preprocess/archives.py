"""Archives as sources: read as a stream, member by member, in memory; nothing is ever unpacked to disk."""

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from preprocess.sources import (
    NOT_A_FILE,
    SPLIT_LISTS,
    Content,
    Entry,
    Listing,
    is_audio,
    is_left_out,
    label_of,
    parse_split_list,
)
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError
from wavegan.base.text import printable

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")
LARGEST_MEMBER = 256 << 20  # bytes; a member is read as a whole
LARGEST_LIST = 1 << 26  # bytes
LARGEST_READ = 1 << 20  # bytes that are asked of a tar file at once, for a header or for a piece of a member
# What Python's readers of archives raise for bytes that nobody foresaw: RuntimeError for headers without end,
# ValueError for names and numbers that are none, OverflowError for sizes that no file can have.
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(EOFError, ValueError, OverflowError, LookupError, RuntimeError),
)


def is_archive(path: Path) -> bool:
    """Whether a file's name is one of an archive that can be read."""
    return path.name.lower().endswith(SUFFIXES)


@dataclass(frozen=True)
class Member:
    """One file in an archive: `path` without a leading `./`, `size` in bytes, `problem` where it must not be read."""

    path: str
    size: int
    problem: str | None
    read: Callable[[], bytes]


class Archive:
    """A tar or zip file, read twice from its start to its end: first the names, then the audio."""

    kind = "archive"

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        suffix = next(suffix for suffix in sorted(SUFFIXES, key=len)[::-1] if path.name.lower().endswith(suffix))
        self.stem = path.name[: -len(suffix)]
        self.name = name or self.stem
        self._reached: str | None = None  # the last member that was seen, to tell where an archive breaks

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all files in the order of the archive; calls `tick` for each.

        Raises:
            UserError: where the archive is damaged, incomplete or no archive, or a split list in it cannot be read.
        """
        listing, lists, paths = Listing(), {}, []
        for index, member in enumerate(self._members()):
            tick()
            if member.problem is None and is_left_out(member.path):
                continue
            path = PurePosixPath(member.path)
            if member.problem is not None:
                listing.skipped.append((member.path, member.problem))
            elif is_audio(member.path):
                paths.append((index, member.path, member.size))
            else:
                listing.other_files.append(member.path)
                if path.name in SPLIT_LISTS and len(path.parts) <= 2 and member.size <= LARGEST_LIST:
                    lists[member.path] = self._read_list(member)
        paths = _last_of_each_name(paths, listing)
        top = _top_folder([path for _, path, _ in paths], lists)
        for index, whole, size in paths:
            # The label comes from the whole path: in an archive of one class the top folder is the class.
            listing.entries.append(Entry(whole.removeprefix(top), label_of(whole, self.stem), size, index))
        for file_name, split in SPLIT_LISTS.items():
            if top + file_name in lists:
                listing.lists[split] = parse_split_list(lists[top + file_name])
        return listing

    def contents(self, entries: list[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields entries with their bytes, in the order of the archive; with an `Unusable` where those are damaged."""
        wanted = {entry.content: entry for entry in entries}
        for index, member in enumerate(self._members()):
            if index not in wanted:
                continue
            try:
                content: Content = self._read(member)
            except Unusable as problem:
                content = problem
            yield wanted.pop(index), content
            if not wanted:
                return

    def _members(self) -> Iterator[Member]:
        self._reached = None
        with self._damage_named():
            members = _zip_members if self.path.name.lower().endswith(".zip") else _tar_members
            for member in members(self.path):
                self._reached = member.path
                yield member

    def _read(self, member: Member) -> bytes:
        with self._damage_named():
            return member.read()

    def _read_list(self, member: Member) -> bytes:
        try:
            return self._read(member)
        except Unusable as problem:
            raise UserError(
                f"{printable(self.path)}: {printable(member.path)}, which says what is held out, is {problem}. "
                "Copy or download the archive again."
            ) from None

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except (*DAMAGE, OSError) as error:
            where = f", at or after {printable(self._reached)}" if self._reached else ""
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise UserError(f"cannot read {printable(self.path)}: {error.strerror or error}{where}.") from None
            raise UserError(
                f"{printable(self.path)} is damaged, incomplete or no archive of the kind its name says "
                f"({printable(str(error))}{where}). Copy or download it again."
            ) from None


def _last_of_each_name(paths: list[tuple[int, str, int]], listing: Listing) -> list[tuple[int, str, int]]:
    """Of members with one name the last, as after unpacking: `tar -r` adds a newer copy of a file so."""
    last = {path: index for index, path, _ in paths}
    for index, path, _ in paths:
        if last[path] != index:
            listing.skipped.append((path, "replaced by a later file of the same name in the archive"))
    return [(index, path, size) for index, path, size in paths if last[path] == index]


def _top_folder(paths: list[str], lists: Iterable[str]) -> str:
    """The single folder that everything lies in, with a slash, or "". So `kit.zip` with `kit/kick/1.wav` equals `kit/`.

    A folder that holds the audio itself is a class and no wrapping, unless split lists lie beside the classes.
    """
    tops = {path.split("/", 1)[0] for path in paths}
    if len(tops) != 1 or any("/" not in path for path in paths):
        return ""
    top = tops.pop() + "/"
    wrapped = all("/" in path.removeprefix(top) for path in paths) or any(path.startswith(top) for path in lists)
    return top if wrapped else ""


def _checked(name: str, size: int) -> tuple[str, str | None]:
    """A member's path without a leading `./`, and what is wrong with it, if anything."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        return name, "path points outside the archive"
    if size > LARGEST_MEMBER:
        return "/".join(parts), f"larger than {LARGEST_MEMBER >> 20} MiB: unpack the archive and name the folder"
    return "/".join(parts), None


def _tar_members(path: Path) -> Iterator[Member]:
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if zipped else raw as stream, tarfile.open(fileobj=_Pieces(stream), mode="r:") as tar:
            while (info := tar.next()) is not None:
                # It would keep every member it has seen.
                tar.members = []  # type: ignore[attr-defined]  # a name that the library's hints lack
                if info.size < 0 or tar.offset <= info.offset:  # it would read the same header again and again
                    raise tarfile.ReadError(f"{info.name} of {info.size} bytes")
                if info.isdir():
                    continue
                name, problem = _checked(info.name, info.size)
                if problem is None and not info.isreg():
                    problem = "a link, not a file" if info.issym() or info.islnk() else NOT_A_FILE
                yield Member(name, info.size, problem, partial(_tar_read, tar, info))
            _check_end(stream, tar.offset)


class _Pieces(io.RawIOBase):
    """A tar file's bytes for `tarfile`, which would read a header of any size into memory at once."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self.stream = stream

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"header of {size} bytes")
        return self.stream.read(size)


def _tar_read(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    content, member = io.BytesIO(), tar.extractfile(info)
    assert member is not None  # of a regular file
    shutil.copyfileobj(member, content, min(LARGEST_READ, info.size))
    return content.getvalue()


def _check_end(stream: io.BufferedIOBase, offset: int) -> None:
    """tarfile takes a broken header for the end of the archive; at its true end there are zeros, or nothing."""
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"broken header at byte {offset}")
    while stream.read(1 << 20):  # to the very end, where gzip keeps its checksum
        pass


def _zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            name, problem = _checked(info.filename, info.file_size)
            mode = info.external_attr >> 16
            if problem is None and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                problem = "a link, not a file" if stat.S_ISLNK(mode) else NOT_A_FILE
            if problem is None and info.flag_bits & 1:
                problem = "encrypted with a password"
            if problem is None and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Python decompresses these without any bound.
                problem = "compressed by another method than deflate: unpack the archive and name the folder"
            yield Member(name, info.file_size, problem, partial(_zip_read, archive, info))


def _zip_read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as file:
            # Without a number it would decompress 2 GiB at once, whatever the directory says.
            content = file.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise zipfile.BadZipFile(f"{len(content)} bytes where the directory says {info.file_size}")
        return content
    except DAMAGE as error:
        raise Unusable(f"damaged in the archive: {printable(str(error))}") from None
