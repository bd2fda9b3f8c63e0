"""The files in a tar or zip archive, one after the other, and what must not be read of them."""

# The standard library's readers, as streams: unpacking first would need the room, and trust the archive's paths.

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeAlias

from preprocess.names import decoded
from preprocess.sources import NOT_A_FILE
from wavegan.audio.decode import Unusable
from wavegan.base.text import printable

LARGEST_MEMBER = 256 << 20  # bytes; a member is read as a whole
UTF8_NAME = 0x800  # the flag of a zip member whose name is in UTF-8
LARGEST_READ = 1 << 20  # bytes that are asked of a tar file at once, for a header or for a piece of a member
# What Python's readers of archives raise for bytes that nobody foresaw: RuntimeError for headers without end,
# ValueError for names and numbers that are none, OverflowError for sizes that no file can have.
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(EOFError, ValueError, OverflowError, LookupError, RuntimeError),
)


_Stream: TypeAlias = BinaryIO | gzip.GzipFile


@dataclass(frozen=True)
class Member:
    """One file in an archive.

    Attributes:
        path: with forward slashes, without a leading `./`.
        size: bytes.
        problem: why it must not be read; None where it may be.
        read: returns its bytes.
        encoding: the one its name was read in, where the archive does not say and another is possible.
    """

    path: str
    size: int
    problem: str | None
    read: Callable[[], bytes]
    encoding: str | None = None


def _checked(name: str, size: int) -> tuple[str, str | None]:
    """A member's path without a leading `./`, and what is wrong with it, if anything.

    Programs of Windows write backslashes (Compress-Archive of PowerShell 5, .NET before 4.6.1), although the zip format
    has slashes alone.
    """
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        return name, "path points outside the archive"
    if size > LARGEST_MEMBER:
        return "/".join(parts), f"larger than {LARGEST_MEMBER >> 20} MiB: unpack the archive and name the folder"
    return "/".join(parts), None


def tar_members(raw: BinaryIO) -> Iterator[Member]:
    """Yields the files of an open tar archive, gzipped or not, in its order.

    Each can be read until the next is asked for. Raises an exception of `DAMAGE` or OSError where the archive is
    damaged or cannot be read.
    """
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

    def __init__(self, stream: _Stream) -> None:
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


def _check_end(stream: _Stream, offset: int) -> None:
    """tarfile takes a broken header for the end of the archive; at its true end there are zeros, or nothing."""
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"broken header at byte {offset}")
    while stream.read(1 << 20):  # to the very end, where gzip keeps its checksum
        pass


def zip_members(raw: BinaryIO) -> Iterator[Member]:
    """Yields the files of an open zip archive in the order of its directory, as `tar_members` does."""
    with zipfile.ZipFile(raw) as archive:
        names, encoding = _zip_names(archive.infolist())
        for info, whole in zip(archive.infolist(), names, strict=True):
            if whole.endswith(("/", "\\")):
                continue
            name, problem = _checked(whole, info.file_size)
            mode = info.external_attr >> 16
            if problem is None and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                problem = "a link, not a file" if stat.S_ISLNK(mode) else NOT_A_FILE
            if problem is None and info.flag_bits & 1:
                problem = "encrypted with a password"
            if problem is None and info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Python decompresses these without any bound.
                problem = "compressed by another method than deflate: unpack the archive and name the folder"
            guessed = None if whole.isascii() or _says_encoding(info) else encoding
            yield Member(name, info.file_size, problem, partial(_zip_read, archive, info), guessed)


def _zip_names(members: list[zipfile.ZipInfo]) -> tuple[list[str], str | None]:
    """All members' names up to their first zero, and the encoding of those that do not say theirs; None for UTF-8."""
    raw = {m: m.orig_filename.encode("cp437") for m in members if not _says_encoding(m)}
    names, encoding = decoded(list(raw.values()))
    known = dict(zip(raw, names, strict=True))
    whole = [_unicode_name(member) or known.get(member, member.orig_filename) for member in members]
    return [name.split("\0", 1)[0] for name in whole], None if encoding == "UTF-8" else encoding


def _says_encoding(member: zipfile.ZipInfo) -> bool:
    return bool(member.flag_bits & UTF8_NAME) or _unicode_name(member) is not None


def _unicode_name(member: zipfile.ZipInfo) -> str | None:
    """The name in Info-ZIP's field 0x7075, which stands beside one in another encoding, where it belongs to that."""
    extra = member.extra
    while len(extra) >= 4 and not member.flag_bits & UTF8_NAME:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 0x7075 and len(field) > 5:
            version, checksum = struct.unpack("<BL", field[:5])
            if version == 1 and checksum == zlib.crc32(member.orig_filename.encode("cp437")):
                return field[5:].decode("utf-8", "replace")
    return None


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
