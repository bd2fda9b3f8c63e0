"""What becomes of which file, settled before any is decoded: its class, its split and its name in the data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress

from preprocess.labels import FOLDER_RULES, beside_folders_note, common_classes_note, label_of, shared_names_note
from preprocess.names import normal
from preprocess.options import DIGITS, Options
from preprocess.sources import Content, Entry, Listing, Source
from preprocess.splits import Splits
from wavegan.base.errors import UserError
from wavegan.base.text import printable

MOST_NAMES = 12  # in one line of an error
EXAMPLES = 3  # folders in a note


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
        chosen: the names that were asked for; None for all.
        entries: for each source the files to decode.
        skipped: (name, reason) of the files that are known to be unusable already.
        left_out: (name, reason) of files and folders that are no recordings by their names.
        other_files: names of the files that are no audio.
        other_classes: how many audio files are of no class that was asked for.

    Raises:
        UserError: where a class was asked for that is not there.
    """

    def __init__(self, names: list[str], sources: list[Source], listings: list[Listing], options: Options) -> None:
        self.names, self.sources, self.listings, self.options = names, sources, listings, options
        self.skipped, self.left_out = list[tuple[str, str]](), list[tuple[str, str]]()
        self.other_files: list[str] = []
        for source, listing in zip(sources, listings, strict=True):
            self.skipped += [(self._name(source, path), reason) for path, reason in listing.skipped]
            self.left_out += [(self._name(source, path), reason) for path, reason in listing.left_out.items()]
            self.other_files += [self._name(source, path) for path in listing.other_files]
        self._splits = [
            Splits([entry.path for entry in listing.entries], listing.lists, options.validation, options.test)
            for listing in listings
        ]
        # Two lists of one length for each source: a dictionary would take as much memory again as what is in it.
        pairs = [self._planned_files(index) for index in range(len(sources))]
        found = sorted({file.label for _, files in pairs for file in files})
        self.chosen = None if options.classes is None else _named_classes(options.classes, found)
        self.classes = found if self.chosen is None else _chosen_classes(self.chosen, found)
        kept = set(self.classes)
        labelled = sum(len(files) for _, files in pairs)
        if kept < set(found):
            pairs = [_of_classes(kept, *pair) for pair in pairs]
        self.entries = [entries for entries, _ in pairs]
        self._files = [files for _, files in pairs]
        self.other_classes = labelled - sum(map(len, self.entries))

    def all_entries(self) -> list[Entry]:
        """The files to decode, of all sources."""
        return [entry for entries in self.entries for entry in entries]

    def files(self) -> Iterator[tuple[PlannedFile, Content]]:
        """Yields the files to decode, each with what a worker needs to read it."""
        for source, files, entries in zip(self.sources, self._files, self.entries, strict=True):
            for file, (_, content) in zip(files, source.contents(entries), strict=True):
                yield file, content

    def by_source(self) -> Iterator[tuple[Source, Iterator[tuple[Entry, PlannedFile]]]]:
        """Yields every source with the files to decode of it, in the order of `files`, without reading them."""
        for source, files, entries in zip(self.sources, self._files, self.entries, strict=True):
            yield source, zip(entries, files, strict=True)

    def notes(self) -> list[str]:
        """What a person should know about names, splits and labels."""
        notes = [note for listing in self.listings for note in listing.notes]
        for source, splits in zip(self.sources, self._splits, strict=True):
            if not splits.lists_match:
                notes.append(f"the split lists of {printable(source.name)} name none of its files")
            if folders := sorted(splits.folders):
                more = f" and {len(folders) - EXAMPLES} more" if len(folders) > EXAMPLES else ""
                some = ", ".join(map(printable, folders[:EXAMPLES]))
                notes.append(f"folders of {printable(source.name)} that are splits, not classes: {some}{more}")
        trained = {file.label for files in self._files for file in files if file.split == "train"}
        if trained and (untrained := [name for name in self.classes if name not in trained]):
            notes.append(f"classes without a recording to train on: {', '.join(untrained[:MOST_NAMES])}")
        if self.options.label == "parent" and (note := shared_names_note(self._folders())):
            notes.append(note)
        if self.options.label in FOLDER_RULES and (note := beside_folders_note(self._folders())):
            notes.append(note)
        if len(self.sources) > 1 and self.chosen is None and (note := self._common_classes_note()):
            notes.append(note)
        return notes

    def _common_classes_note(self) -> str | None:
        if len(self.classes) == 1:
            return f"all sources hold the one class {self.classes[0]}: --label '([^/]+)' makes a class of each source"
        return common_classes_note(self._folders()) if self.options.label in FOLDER_RULES else None

    def _folders(self) -> Iterator[tuple[str, str, str]]:
        """(class, source, folder) of all files to decode."""
        for (source, pairs), splits in zip(self.by_source(), self._splits, strict=True):
            for entry, file in pairs:
                yield file.label, source.name, splits.without_folders(entry.path).rpartition("/")[0]

    def _planned_files(self, index: int) -> tuple[list[Entry], list[PlannedFile]]:
        """A source's audio files that have a class, and what becomes of them."""
        source, listing, splits = self.sources[index], self.listings[index], self._splits[index]
        root, before = normal(listing.root or source.name), normal(self._name(source, ""))
        entries, files, labels = list[Entry](), list[PlannedFile](), dict[str, str]()
        for entry in listing.entries:
            name, path = self._name(source, entry.path), splits.without_folders(entry.path)
            label = label_of(path, root, self.options.label, before + path)
            if label is None:
                self.skipped.append((name, "--label finds no class in its path"))
            else:
                label = labels.setdefault(label, label)  # one text for all files of the class
                entries.append(entry)
                files.append(PlannedFile(name, label, splits.of(entry.path), entry.size))
        return entries, files

    def _name(self, source: Source, path: str) -> str:
        return f"{source.name}/{path}" if len(self.sources) > 1 else path


def _of_classes(
    classes: set[str], entries: list[Entry], files: list[PlannedFile]
) -> tuple[list[Entry], list[PlannedFile]]:
    """Those of `classes`."""
    kept = [file.label in classes for file in files]
    return list(compress(entries, kept)), list(compress(files, kept))


def _named_classes(classes: tuple[str, ...], found: list[str]) -> list[str]:
    """What `--classes` names, each time: one class whose name may have commas, or several with commas between."""
    names: list[str] = []
    for text in classes:
        whole = printable(normal(text.strip()))
        names += [whole] if whole in found else [name.strip() for name in text.split(",") if name.strip()]
    return names


def _chosen_classes(wanted: list[str], found: list[str]) -> list[str]:
    names: list[str] = []
    for name in wanted:
        names += DIGITS if name == "digits" and name not in found else [printable(normal(name))]
    unknown = [name for name in dict.fromkeys(names) if name not in found]
    if unknown:
        some = ", ".join(found[:MOST_NAMES]) or "there are none"
        more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
        received = ", ".join(unknown[:MOST_NAMES])
        raise UserError(f"--classes must name classes that are there: {some}{more}. Not there: {received}.")
    return sorted(set(names))
