"""Archives as sources: read as a stream, member by member, in memory; nothing is ever unpacked to disk."""

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from preprocess.members import DAMAGE, Member, tar_members, zip_members
from preprocess.sources import Content, Entry, Listing, is_audio
from preprocess.splits import is_list, parse_list
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError
from wavegan.base.text import printable

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")
LARGEST_LIST = 1 << 26  # bytes


def is_archive(path: Path) -> bool:
    """Whether a file's name is one of an archive that can be read."""
    return path.name.lower().endswith(SUFFIXES)


class Archive:
    """A tar or zip file, read twice from its start to its end: first the names, then the audio."""

    kind = "archive"
    sequential = True

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.place = os.fspath(path)  # as errors call it
        suffix = next(suffix for suffix in sorted(SUFFIXES, key=len)[::-1] if path.name.lower().endswith(suffix))
        self.name = name or path.name[: -len(suffix)]
        self._reached: str | None = None  # the last member that was seen, to tell where an archive breaks

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all files in the order of the archive; calls `tick` for each.

        Raises:
            UserError: where the archive is damaged, incomplete or no archive, or a split list in it cannot be read.
        """
        listing, lists, paths = Listing(), {}, []
        guessed: dict[str, str] = {}  # encoding: the first name in it
        for index, member in enumerate(self._members()):
            tick()
            if member.problem is None and listing.leaves_out(member.path):
                continue
            if member.encoding is not None:
                guessed.setdefault(member.encoding, member.path)
            if member.problem is not None:
                listing.skipped.append((member.path, member.problem))
            elif is_audio(member.path):
                paths.append((index, member.path, member.size))
            else:
                listing.other_files.append(member.path)
                inside = member.path.partition("/")[2]  # where everything lies in one folder
                if (is_list(member.path) or is_list(inside)) and member.size <= LARGEST_LIST:
                    lists[member.path] = self._read_list(member)
        paths = _last_of_each_name(paths, listing)
        top = _top_folder([path for _, path, _ in paths], lists)
        listing.root = top.removesuffix("/")
        listing.entries = [Entry(path.removeprefix(top), size, index) for index, path, size in paths]
        for path, text in lists.items():
            if path.startswith(top) and is_list(path.removeprefix(top)):
                listing.lists[path.removeprefix(top)] = parse_list(text)
        listing.notes = [_encoding_note(self.name, *found) for found in guessed.items()]
        return listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields entries with their bytes, in the order of the archive; with an `Unusable` where those are damaged."""
        members = enumerate(self._members())
        for entry in entries:
            member = next((member for index, member in members if index == entry.content), None)
            try:
                content: Content = self._read(member) if member else Unusable("the archive has changed meanwhile")
            except Unusable as problem:
                content = problem
            yield entry, content

    def _members(self) -> Iterator[Member]:
        self._reached = None
        with self._damage_named():
            members = zip_members if self.path.name.lower().endswith(".zip") else tar_members
            with self.opened() as file:
                for member in members(file):
                    self._reached = member.path
                    yield member

    def opened(self) -> BinaryIO:
        """The archive as a file that is open for reading. Raises OSError."""
        return open(self.path, "rb")

    def _read(self, member: Member) -> bytes:
        with self._damage_named():
            return member.read()

    def _read_list(self, member: Member) -> bytes:
        try:
            return self._read(member)
        except Unusable as problem:
            raise UserError(
                f"{printable(self.place)}: {printable(member.path)}, which says what is held out, is {problem}. "
                "Copy or download the archive again."
            ) from None

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except (*DAMAGE, OSError) as error:
            where = f", at or after {printable(self._reached)}" if self._reached else ""
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise UserError(f"cannot read {printable(self.place)}: {error.strerror or error}{where}.") from None
            raise UserError(
                f"{printable(self.place)} is damaged, incomplete or no archive of the kind its name says "
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
    wrapped = all("/" in path.removeprefix(top) for path in paths) or any(
        f"{path.rpartition('/')[0]}/" == top for path in lists
    )
    return top if wrapped else ""


def _encoding_note(name: str, encoding: str, example: str) -> str:
    return (
        f"{printable(name)} does not say how its names are encoded: read as {encoding}, such as {printable(example)}. "
        "If they look wrong, unpack it with a program that knows them and name the folder"
    )
