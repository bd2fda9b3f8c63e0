"""Where recordings come from: what all sources share, the folder and the built-in kit. Archives: see `archives`."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from preprocess import names
from preprocess.splits import is_list, parse_list
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError
from wavegan.base.text import printable

_EXTENSIONS = (
    "wav wave bwf bw64 rf64 w64 flac aif aiff aifc au snd caf "
    "ogg oga opus spx mp1 mp2 mp3 mpga aac adts m4a m4b m4r mp4 mov 3gp 3g2 webm weba mka mkv avi flv "
    "wma asf ac3 eac3 ec3 dts amr awb wv ape tta tak mpc shn dsf voc sph nist ra rm oma qoa gsm"
)
AUDIO_EXTENSIONS = frozenset(f".{name}" for name in _EXTENSIONS.split(" "))
KIT = "drums"
NOT_A_FILE = "not a regular file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One audio file of a source.

    Attributes:
        path: relative to the source, with forward slashes.
        size: bytes, as far as known.
        content: what the source needs to find it again.
    """

    path: str
    size: int
    content: Any


# What a worker makes clips of: a file's path, its bytes, a one-shot of the built-in kit, or why there is nothing.
Content: TypeAlias = str | bytes | tuple[str, int] | Unusable


@dataclass
class Listing:
    """All that is in a source.

    Attributes:
        entries: to decode.
        skipped: (path, reason) of recordings that cannot be read.
        left_out: {path: reason} of files and folders that are no recordings by their names.
        other_files: paths of files that are no audio.
        lists: {path of a split list: what it names}.
        root: name of the folder that everything in an archive lies in, which no path begins with; "" for none.
        notes: what a person should know.
    """

    entries: list[Entry] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    other_files: list[str] = field(default_factory=list)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    root: str = ""
    notes: list[str] = field(default_factory=list)

    def leaves_out(self, path: str, is_folder: bool = False) -> bool:
        """Whether what is at `path` is no recording by its name, or only stands for one; keeps the reason."""
        recording = names.in_cloud(path)
        if recording and is_audio(recording) and not names.left_out(recording):
            self.skipped.append((path, names.IN_CLOUD))
            return True
        found = names.left_out(path)
        if found and (is_folder or is_audio(path) or found[0] != path):
            self.left_out.setdefault(*found)
        return found is not None


class Source(Protocol):
    """A folder, an archive or the built-in kit.

    Attributes:
        kind: what it is, in words.
        name: a short one for reports, and for the data set.
        sequential: whether its files can only be read one after the other, from the first on.
    """

    kind: str
    name: str
    sequential: bool

    @property
    def path(self) -> Path | None:
        """Where it lies; None for the kit."""

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all files in a fixed order; calls `tick` for each. Raises UserError where that cannot be done."""

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields every one of `entries`, in their order, with what a worker needs to read it."""


def is_audio(path: str) -> bool:
    """Whether a file's extension is one of audio, in upper or lower case."""
    return os.path.splitext(path)[1].lower() in AUDIO_EXTENSIONS


def names_apart(sources: list[Source]) -> list[str]:
    """The sources' names; those that are equal begin as many folders higher as it takes to tell them apart."""
    apart, depth = [source.name for source in sources], 0
    while len(set(apart)) < len(apart):
        depth += 1
        twice = {name for name in apart if apart.count(name) > 1}
        for index, source in enumerate(sources):
            if apart[index] in twice and source.path is not None:
                apart[index] = "/".join(Path(os.path.realpath(source.path)).parts[-depth:])
    return apart


class Folder:
    """A folder on disk, searched recursively. Links are followed; no folder is visited twice, so loops end."""

    kind = "folder"
    sequential = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.resolve().name

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all files in the order of their paths; calls `tick` for each."""
        listing, folders = Listing(), [""]
        linked: list[str] = []
        visited: set[tuple[int, int]] = set()
        # Real folders come first, so that a link never gives its name to what has one of its own. No recursion: folders
        # can lie in each other deeper than Python's calls may.
        while folders or linked:
            linked.sort()
            self._search(folders.pop() if folders else linked.pop(0), listing, visited, folders, linked, tick)
        listing.entries.sort(key=lambda entry: entry.path)
        listing.skipped.sort()
        listing.other_files.sort()
        for path in listing.other_files:
            if is_list(path) and (self.path / path).is_file():
                listing.lists[path] = parse_list(self._read(path))
        return listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields every entry with what `audio.decode` needs to read it."""
        return ((entry, entry.content) for entry in entries)

    def _read(self, file_name: str) -> bytes:
        try:
            return (self.path / file_name).read_bytes()
        except OSError as error:
            raise UserError(
                f"cannot read {printable(self.path / file_name)}: {error.strerror}. It says which files are held out: "
                "make it readable, or move it away."
            ) from None

    def _search(
        self,
        folder: str,
        listing: Listing,
        visited: set[tuple[int, int]],
        folders: list[str],
        linked: list[str],
        tick: Callable[[], object],
    ) -> None:
        try:
            status = os.stat(self.path / folder)
            children = sorted(os.scandir(self.path / folder), key=lambda child: child.name)
        except OSError as error:
            if not folder:
                raise UserError(f"cannot read the folder {printable(self.path)}: {error.strerror}.") from None
            listing.skipped.append((folder, f"folder cannot be read: {error.strerror}"))
            return
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        if not children and is_audio(folder):
            listing.skipped.append((folder, "an empty folder, not a file"))
        for child in children:
            path = f"{folder}/{child.name}" if folder else child.name
            try:
                if listing.leaves_out(path, child.is_dir()):
                    continue
                if child.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif child.is_dir():
                    linked.append(path)
                else:
                    tick()
                    self._note_file(path, child, listing)
            except OSError as error:  # such as a link to itself
                listing.skipped.append((path, f"cannot be opened: {error.strerror}"))

    def _note_file(self, path: str, child: os.DirEntry[str], listing: Listing) -> None:
        if not is_audio(path):
            listing.other_files.append(path)
        elif not child.is_file():
            broken = child.is_symlink() and not os.path.exists(child.path)
            listing.skipped.append((path, "link to nothing" if broken else NOT_A_FILE))
        else:
            listing.entries.append(Entry(path, child.stat().st_size, os.fspath(child.path)))


class DrumKit:
    """The built-in kit, synthesised at the data set's own rate."""

    kind = "built-in kit"
    sequential = False
    path = None

    def __init__(self) -> None:
        self.name = KIT

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all one-shots, kind by kind; calls `tick` for each."""
        from preprocess import drumkit

        listing = Listing()
        for kind in drumkit.KINDS:
            for index in range(drumkit.COUNT):
                tick()
                listing.entries.append(Entry(f"{kind}/{kind}_{index:04d}.wav", 0, (kind, index)))
        return listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields every entry with what `drumkit.render` needs to make it."""
        return ((entry, entry.content) for entry in entries)
