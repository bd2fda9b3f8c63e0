"""Sources on other file systems than this machine's own: folders, recordings and archives, read where they lie."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from preprocess.archives import Archive, is_archive
from preprocess.remote import check_scheme, explained, files_below, is_remote, matches, opened, read
from preprocess.sources import Content, Entry, Listing, Source, is_audio
from preprocess.splits import is_list, parse_list
from preprocess.workers import SPOOL_BYTES
from wavegan.base.errors import UserError
from wavegan.base.text import printable


def expanded(names: list[str]) -> list[str]:
    """Sources with a * in their name as what they stand for; no shell does that for another file system."""
    found: list[str] = []
    for name in names:
        if is_remote(name) and "*" in name:
            check_scheme(name, "SOURCE")
            paths = [path for path, _ in explained(name, partial(matches, name))]
            if not paths:
                raise UserError(f"SOURCE {printable(name)} stands for no file. Check the name.")
            found += paths
        else:
            found.append(name)
    return found


def open_remote(url: str) -> Source:
    """The source at `url`: an archive or a recording by its name, or else a folder. Raises UserError without Beam."""
    check_scheme(url, "SOURCE")
    if is_archive(Path(url)):
        return RemoteArchive(url)
    if is_audio(url):
        return RemoteRecording(url)
    return RemoteFolder(url)


class RemoteFolder:
    """All files whose paths begin with that of a folder."""

    kind = "folder"
    sequential = False

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.path = Path(self.url)
        self.name = self.path.name

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all files in the order of their paths; calls `tick` for each. Raises UserError where there is none."""
        listing = Listing()
        files = explained(self.url, partial(files_below, self.url))
        if not files:
            raise UserError(f"SOURCE {printable(self.url)} holds no file. Check the name.")
        for url, size in files:
            path = url.removeprefix(self.url).lstrip("/")
            tick()
            if not path or path.endswith("/") or listing.leaves_out(path):  # some stores have objects for folders
                continue
            if is_audio(path):
                listing.entries.append(Entry(path, size, url))
            else:
                listing.other_files.append(path)
                if is_list(path):
                    listing.lists[path] = parse_list(explained(url, partial(read, url)))
        listing.entries.sort(key=lambda entry: entry.path)
        return listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields every entry with its bytes, or with a copy of it on this machine that is there until the next."""
        for entry in entries:
            with fetched(entry.content, entry.size) as content:
                yield entry, content


class RemoteRecording(RemoteFolder):
    """A single file, treated as if it were alone in its folder."""

    kind = "recording"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.name = self.path.parent.name

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists the file. Raises UserError where that cannot be done."""
        tick()
        files = explained(self.url, partial(matches, self.url))
        if not files:
            raise UserError(f"SOURCE {printable(self.url)} is not there. Check the name.")
        return Listing([Entry(self.path.name, size, url) for url, size in files])


class RemoteArchive(Archive):
    """An archive that is read where it lies."""

    def __init__(self, url: str) -> None:
        super().__init__(Path(url))
        self.place = url

    def opened(self) -> BinaryIO:
        """The archive as a file that is open for reading. Raises OSError."""
        return opened(self.place)


@contextmanager
def fetched(url: str, size: int) -> Iterator[bytes | str]:
    """The bytes of a file, or the path of a copy on this machine where it is large (`size` is in bytes)."""
    if size <= SPOOL_BYTES:
        yield read(url)
        return
    with tempfile.NamedTemporaryFile() as copy, opened(url) as file:
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        yield copy.name
