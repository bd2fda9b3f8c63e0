"""One recording as a source."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from preprocess.sources import Content, Entry, Listing
from wavegan.base.errors import UserError
from wavegan.base.text import printable


class Recording:
    """A single file, treated as if it were alone in its folder, whose name is its label."""

    kind = "recording"
    sequential = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.resolve().parent.name or path.stem

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists the file. Raises UserError where that cannot be done."""
        tick()
        try:
            size = os.stat(self.path).st_size
        except OSError as error:
            raise UserError(f"cannot read {printable(self.path)}: {error.strerror}.") from None
        return Listing([Entry(self.path.name, size, os.fspath(self.path))])

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields the file with its path."""
        return ((entry, entry.content) for entry in entries)
