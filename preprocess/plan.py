"""What becomes of which file, settled before any is decoded: its class, its split and its name in the data set."""

from collections.abc import Iterator
from dataclasses import dataclass

from preprocess.options import DIGITS, Options
from preprocess.sources import Content, Entry, Listing, Source, normal
from preprocess.splits import split_by_hash, split_by_lists
from wavegan.base.errors import UserError
from wavegan.base.text import printable

MOST_NAMES = 12  # in one line of an error


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One audio file: its name in records and reports, its class, its split, and its size in bytes."""

    name: str
    label: str
    split: str
    size: int


class Plan:
    """Which files are decoded, and as what.

    Args:
        names: the sources as the user named them.
        sources: the opened sources.
        listings: of the sources.
        options: what the user chose.

    Attributes:
        classes: sorted names; a record's label is an index into them. A class keeps its number even where none of its
            files turns out usable.
        entries: for each source the files to decode.
        skipped: (name, reason) of the files that are known to be unusable already.
        other_files: names of the files that are no audio.
        other_classes: how many audio files are of no class that was asked for.

    Raises:
        UserError: where a class was asked for that is not there.
    """

    def __init__(self, names: list[str], sources: list[Source], listings: list[Listing], options: Options) -> None:
        self.names, self.sources, self.listings, self.options = names, sources, listings, options
        found = sorted({entry.label for listing in listings for entry in listing.entries})
        self.classes = found if options.classes is None else _chosen_classes(options.classes, found)
        kept = set(self.classes)
        self.entries = [[entry for entry in listing.entries if entry.label in kept] for listing in listings]
        self.skipped = [
            (self._name(source, path), reason)
            for source, listing in zip(sources, listings, strict=True)
            for path, reason in listing.skipped
        ]
        self.other_files = [
            self._name(source, path)
            for source, listing in zip(sources, listings, strict=True)
            for path in listing.other_files
        ]
        self.other_classes = sum(len(listing.entries) for listing in listings) - len(self.all_entries())

    def all_entries(self) -> list[Entry]:
        """The files to decode, of all sources."""
        return [entry for entries in self.entries for entry in entries]

    def files(self) -> Iterator[tuple[PlannedFile, Content]]:
        """Yields the files to decode, each with what a worker needs to read it."""
        for source, listing, entries in zip(self.sources, self.listings, self.entries, strict=True):
            for entry, content in source.contents(entries):
                name, split = self._name(source, entry.path), self._split(entry, listing.lists)
                yield PlannedFile(name, entry.label, split, entry.size), content

    def unmatched_lists(self) -> list[str]:
        """The sources whose own split lists name none of their files."""
        return [
            source.name
            for source, listing in zip(self.sources, self.listings, strict=True)
            if listing.lists and not any(split_by_lists(e.path, listing.lists) != "train" for e in listing.entries)
        ]

    def _name(self, source: Source, path: str) -> str:
        return f"{source.name}/{path}" if len(self.sources) > 1 else path

    def _split(self, entry: Entry, lists: dict[str, frozenset[str]]) -> str:
        if lists:
            return split_by_lists(entry.path, lists)
        return split_by_hash(entry.path, self.options.validation, self.options.test)


def _chosen_classes(wanted: tuple[str, ...], found: list[str]) -> list[str]:
    names: list[str] = []
    for name in wanted:
        names += DIGITS if name == "digits" and name not in found else [printable(normal(name))]
    unknown = [name for name in dict.fromkeys(names) if name not in found]
    if unknown:
        some = ", ".join(found[:MOST_NAMES]) or "there are none"
        more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
        received = ", ".join(unknown[:MOST_NAMES])
        raise UserError(f"--classes must name folders that hold audio: {some}{more}. Not there: {received}.")
    return sorted(set(names))
