"""The steps of a Beam pipeline, as its workers do them: files to clips, clips to their places, places to shards.

A step may be done again, after a failure or beside another attempt. So every attempt writes under a name of its own,
and says in its result which; who reads the results uses those of one attempt.
"""

import hashlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Self, TypeAlias

import apache_beam as beam
import numpy as np

from preprocess import remote
from preprocess.clips import Cutting, Slices
from preprocess.plan import PlannedFile
from preprocess.shards import Layout
from preprocess.sources import Content, Entry, Source
from preprocess.workers import records, slice_files
from wavegan.audio.decode import Unusable
from wavegan.data.tfrecord import ENTRY, FOOTER, HEADER, framed

COPIED_AT_ONCE = 1 << 20  # bytes
OUTCOMES, SHARD = "outcomes-", "shard-"  # how the files of results begin


# A framed record, or where it lies: path, first byte, bytes.
Record: TypeAlias = bytes | tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Portion:
    """Consecutive files of one source, whose clips go into one file of each split.

    Attributes:
        number: its place among all portions.
        source: the place of its source among all sources.
        files: what is read, and as what.
    """

    number: int
    source: int
    files: list[tuple[Entry, PlannedFile]]

    @classmethod
    def stored(cls, path: str) -> "Iterator[Portion]":
        """Yields the portions that are in a file, as dicts."""
        for values in remote.stored(path):
            files = [(_entry(**entry), PlannedFile(**file)) for entry, file in values["files"]]
            yield cls(values["number"], values["source"], files)


def _entry(path: str, size: int, content: Any) -> Entry:
    return Entry(path, size, tuple(content) if isinstance(content, list) else content)


@dataclass(frozen=True, slots=True)
class Clips:
    """A file of clips of one split, in their order.

    Attributes:
        split: which.
        path: where it lies.
        count: how many there are.
        first: how many clips of the split come before these; 0 until that is known.
    """

    split: str
    path: str
    count: int
    first: int = 0

    @classmethod
    def stored(cls, path: str) -> "Iterator[Clips]":
        """Yields those that are in a file, as dicts."""
        for values in remote.stored(path):
            yield cls(**values)


@dataclass(frozen=True, slots=True)
class CutPortion:
    """What became of the files of a portion, in their order, each a reason where it gave nothing; and their clips."""

    number: int
    outcomes: list[Slices | str]
    clips: list[Clips]

    @classmethod
    def stored(cls, path: str) -> "Iterator[CutPortion]":
        """Yields those that are in a file, as dicts."""
        for values in remote.stored(path):
            outcomes = [each if isinstance(each, str) else _slices(**each) for each in values["outcomes"]]
            yield cls(values["number"], outcomes, [Clips(**each) for each in values["clips"]])


def _slices(remarks: list[str], **values: Any) -> Slices:
    return Slices(**values, remarks=frozenset(remarks))


class Cut(beam.DoFn):
    """A portion, or the path of many of one source, to a `CutPortion` each."""

    def __init__(self, cutting: Cutting, labels: dict[str, int], sources: list[Source], folder: str) -> None:
        self.cutting, self.labels, self.sources, self.folder = cutting, labels, sources, folder

    def process(self, element: Portion | str) -> Iterator[CutPortion]:
        """Decodes and cuts the files, and writes their clips."""
        portions = Portion.stored(element) if isinstance(element, str) else iter([element])
        for number, files in groupby(self._contents(portions), key=itemgetter(0)):
            yield self._cut(number, ((file, content) for _, file, content in files))

    def _cut(self, number: int, files: Iterable[tuple[PlannedFile, Content]]) -> CutPortion:
        outcomes: list[Slices | str] = []
        written: dict[str, _Writing] = {}
        with ExitStack() as stack:
            spool = stack.enter_context(tempfile.TemporaryDirectory())
            for file, content in files:
                (result,) = slice_files([content], self.cutting, spool)
                if isinstance(result, Unusable):
                    outcomes.append(str(result))
                    continue
                if file.split not in written:
                    path = remote.unique(self.folder, f"clips-{number:07d}-{file.split}")
                    written[file.split] = stack.enter_context(_Writing(path))
                for record in records(file, *result, self.labels, self.cutting):
                    written[file.split].write(framed(record))
                outcomes.append(result[0])
        return CutPortion(number, outcomes, [Clips(split, each.path, each.count) for split, each in written.items()])

    def _contents(self, portions: Iterator[Portion]) -> Iterator[tuple[int, PlannedFile, Content]]:
        """(number of its portion, file, content) of all files of portions of one source, which is read once."""
        drawn: deque[tuple[int, PlannedFile]] = deque()  # files that were asked for and have not come yet

        def entries(portions: Iterable[Portion]) -> Iterator[Entry]:
            for portion in portions:
                for entry, file in portion.files:
                    drawn.append((portion.number, file))
                    yield entry

        first = next(portions)
        for _, content in self.sources[first.source].contents(entries(chain([first], portions))):
            yield *drawn.popleft(), content


class _Writing:
    """A file of clips in the making, and how many are in it."""

    def __init__(self, path: str) -> None:
        self.path, self.count = path, 0
        self.file = remote.created(path)

    def write(self, record: bytes) -> None:
        """Adds a framed record."""
        self.file.write(record)
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


class Place(beam.DoFn):
    """The clips of a file, each as ((name of its shard, part of it), (what it is sorted by, `Record`)).

    Where a worker can read from the middle of a file at once, the runner gets to know where a clip lies, and its
    samples stay there: a runner on one machine holds all that it groups in memory.
    """

    def __init__(self, layout: Layout, samples_stay: bool) -> None:
        self.layout, self.samples_stay = layout, samples_stay

    def process(self, clips: Clips) -> Iterator[tuple[tuple[str, int], tuple[bytes, Record]]]:
        """Reads the file from its start to its end."""
        offset = 0
        with remote.opened(clips.path) as file:
            for number in range(clips.first, clips.first + clips.count):
                name, part, key = self.layout.place(clips.split, number)
                header = file.read(HEADER)
                rest = int.from_bytes(header[:8], "little") + FOOTER
                if self.samples_stay:
                    yield (name, part), (key, (clips.path, offset, HEADER + rest))
                    file.seek(rest, os.SEEK_CUR)
                    offset += HEADER + rest
                else:
                    yield (name, part), (key, header + file.read(rest))


def _framed_records(clips: Iterable[tuple[bytes, Record]]) -> list[bytes]:
    """The framed records of clips by what they are sorted by, in that order; one of each."""
    found = {key: record for key, record in clips if isinstance(record, bytes)}
    apart = sorted((record, key) for key, record in clips if not isinstance(record, bytes))
    for path, group in groupby(apart, key=lambda each: each[0][0]):
        with remote.opened(path) as file:
            for (_, offset, size), key in group:
                file.seek(offset)
                found[key] = file.read(size)
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class Part:
    """A sorted piece of a shard: its place, its SHA-256, and of each record its bytes and checksum, `ENTRY` [n]."""

    number: int
    path: str
    sha256: str
    records: bytes


class WritePart(beam.DoFn):
    """All clips of a part of a shard to (name of the shard, `Part`)."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def process(self, element: tuple[tuple[str, int], Iterable[tuple[bytes, Record]]]) -> Iterator[tuple[str, Part]]:
        """Sorts and writes them. Raises RuntimeError where a clip comes twice."""
        (name, number), clips = element[0], list(element[1])
        framed_records = _framed_records(clips)
        if len(framed_records) < len(clips):
            raise RuntimeError(f"a clip of {name} came twice")
        path, digest = remote.unique(self.folder, f"part-{number:05d}-{name}"), hashlib.sha256()
        for record in framed_records:
            digest.update(record)
        remote.write(path, framed_records)
        sizes = [(len(record), int.from_bytes(record[-FOOTER:], "little")) for record in framed_records]
        yield name, Part(number, path, digest.hexdigest(), np.array(sizes, ENTRY).tobytes())


class JoinParts(beam.DoFn):
    """The parts of a shard to the shard, its index, and a file beside them that says what they are.

    Its values are those that `Shards.finish` returns of a file, with `path` and `index_path` of where they lie.
    """

    def __init__(self, layout: Layout, folder: str) -> None:
        self.layout, self.folder = layout, folder

    def process(self, element: tuple[str, Iterable[Part]]) -> Iterator[None]:
        """Writes them one after the other. Raises RuntimeError where clips are missing."""
        name, parts = element[0], sorted(element[1], key=lambda part: part.number)
        index = np.concatenate([np.frombuffer(part.records, ENTRY) for part in parts])
        if len(index) != self.layout.clips[name]:
            raise RuntimeError(f"{len(index)} clips came for {name}, where there are {self.layout.clips[name]}")
        ends = np.cumsum(index["offset"])  # a part has sizes there
        index["offset"] = ends - index["offset"]
        path, sha256 = (parts[0].path, parts[0].sha256) if len(parts) == 1 else self._joined(name, parts)
        index_path = remote.unique(self.folder, f"index-{name}")
        remote.write(index_path, [index.tobytes()])
        facts = {
            "name": name,
            "clips": len(index),
            "bytes": int(ends[-1]),
            "sha256": sha256,
            "index_sha256": hashlib.sha256(index.tobytes()).hexdigest(),
            "path": path,
            "index_path": index_path,
        }
        remote.write_whole(remote.unique(self.folder, f"{SHARD}{name}"), [json.dumps(facts).encode()])
        yield from ()

    def _joined(self, name: str, parts: list[Part]) -> tuple[str, str]:
        path, digest = remote.unique(self.folder, f"joined-{name}"), hashlib.sha256()

        def blocks() -> Iterator[bytes]:
            for part in parts:
                with remote.opened(part.path) as file:
                    while block := file.read(COPIED_AT_ONCE):
                        digest.update(block)
                        yield block

        remote.write(path, blocks())
        return path, digest.hexdigest()


class KeepOutcomes(beam.DoFn):
    """What became of the portions of a range, (its number, `CutPortion`s), to a file."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def process(self, element: tuple[int, Iterable[CutPortion]]) -> Iterator[None]:
        """Writes it in the order of the portions."""
        number, portions = element
        path = remote.unique(self.folder, f"{OUTCOMES}{number:05d}")
        remote.store(path, map(asdict, sorted(portions, key=lambda portion: portion.number)))
        yield from ()


def cut(pipeline: beam.Pipeline, cut: Cut, spread: list[str], whole: list[str], portions_at_once: int) -> None:
    """Cuts the recordings of all portions, and keeps what became of them in files `OUTCOMES`.

    Args:
        pipeline: to which the steps are added.
        cut: the first of them.
        spread: paths of files of portions, each of which any worker may take.
        whole: paths of files of portions of one source each, which one worker reads from its start to its end.
        portions_at_once: that one of these files of results is about.
    """
    anywhere = pipeline | "spread" >> beam.Create(spread) | beam.FlatMap(Portion.stored) | "shuffle" >> beam.Reshuffle()
    in_turn = pipeline | "whole" >> beam.Create(whole) | "shuffle whole" >> beam.Reshuffle()
    (
        (anywhere, in_turn)
        | beam.Flatten()
        | "cut" >> beam.ParDo(cut)
        | beam.Map(lambda portion: (portion.number // portions_at_once, portion))
        | beam.GroupByKey()
        | "keep outcomes" >> beam.ParDo(KeepOutcomes(cut.folder))
    )


def write_shards(pipeline: beam.Pipeline, layout: Layout, clips: list[str], folder: str) -> None:
    """Brings all clips to their places, and keeps the shards in files that a file `SHARD` of each names.

    Args:
        pipeline: to which the steps are added.
        layout: where clips go.
        clips: paths of files of `Clips`.
        folder: for all that is written.
    """
    (
        pipeline
        | beam.Create(clips)
        | beam.FlatMap(Clips.stored)
        | beam.Reshuffle()
        | "place"
        >> beam.ParDo(Place(layout, not remote.is_remote(folder))).with_output_types(
            tuple[tuple[str, int], tuple[bytes, Any]]
        )
        | "group" >> beam.GroupByKey()
        | "write parts" >> beam.ParDo(WritePart(folder)).with_output_types(tuple[str, Any])
        | "group parts" >> beam.GroupByKey()
        | "join parts" >> beam.ParDo(JoinParts(layout, folder))
    )
