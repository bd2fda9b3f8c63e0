"""Random access to the clips of a data set, through memory maps."""

import hashlib
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from wavegan.base.errors import UserError
from wavegan.data.schema import DatasetInfo, complaint, read_label
from wavegan.data.tfrecord import ENTRY, FOOTER, HEADER, data_sizes, header_of, index_path, load_index, masked_crc

LABELS_AT_ONCE = 1024  # records that are read at a time
LARGEST_REST = 1 << 16  # bytes of a record beside its samples, at most
Parsed = TypeVar("Parsed")
AGAIN = "Make the data set again with python -m preprocess … --overwrite."


class Records:
    """Random access to the memory-mapped records of one split.

    Every record that is read is compared with its checksums, the shard's own and the index's: it is the one that was
    written there, or an error.

    Args:
        directory: a data set made by `python -m preprocess`.
        info: its `DatasetInfo`.
        split: "train", "validation" or "test".

    Raises UserError, which names the file and where there is one the record: at once for a shard or index that is
    missing, is not as long as `dataset.json` says, holds another number of records, begins with a record of another
    kind, or is another shard's; and from `read` for damaged data. Data sets of format 2 have no index: there all
    records are walked over at once, and shards of one size that change places are not noticed.
    """

    def __init__(self, directory: str | os.PathLike, info: DatasetInfo, split: str = "train") -> None:
        self.info = info
        self.problem: UserError | None = None  # what a read raised last; see `explained`
        listed = info.splits[split]["files"]
        self.paths = [Path(directory) / file["name"] for file in listed]
        for path, file in zip(self.paths, listed, strict=True):
            _check_size(path, file["bytes"], _size(path))
        self.files = [_map(path) for path in self.paths]
        indexes = [self._index(shard, file) for shard, file in enumerate(listed)]
        self.firsts = np.cumsum([0, *map(len, indexes)])  # [shards + 1] the index of each shard's first record
        self.index = np.concatenate([np.empty(0, ENTRY), *indexes])
        sizes = [data_sizes(index, file["bytes"]) for index, file in zip(indexes, listed, strict=True)]
        self.sizes = np.concatenate([np.empty(0, np.int64), *sizes])
        for first in self.firsts[:-1]:
            self._check_clip(first)

    def __len__(self) -> int:
        return len(self.index)

    def read(self, indices: npt.ArrayLike) -> np.ndarray:
        """The serialised records at `indices` [n], each from 0 to below `len(self)`.

        Returns an object array of bytes [n]. Raises UserError for damaged ones.
        """
        try:
            places = self._places(np.asarray(indices, np.int64))
            for shard in {shard for shard, *_ in places}:
                # A map of a file that has been cut off since would end the process, without a word.
                _check_size(self.paths[shard], len(self.files[shard]), self.files[shard].size())
            return np.array([self._record(*place) for place in places], object)
        except UserError as problem:
            self.problem = problem
            raise

    @cached_property
    def labels(self) -> np.ndarray:
        """The label of every record, int64 [n]; all are read for it, once. Raises UserError for damaged ones."""
        found = [np.empty(0, np.int64)]
        for first in range(0, len(self), LABELS_AT_ONCE):
            some = np.arange(first, min(first + LABELS_AT_ONCE, len(self)))
            found.append(self.parsed(lambda read: np.array([read_label(each) for each in read], np.int64), some))
        return np.concatenate(found)

    def parsed(self, parse: Callable[[np.ndarray], Parsed], indices: npt.ArrayLike) -> Parsed:
        """What `parse` makes of the serialised records at `indices`; a ValueError of it becomes a UserError."""
        serialized = self.read(indices)
        try:
            return parse(serialized)
        except ValueError:
            self.raise_problem()
            raise

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raises the UserError behind an error about these records that TensorFlow raises inside the block.

        What goes wrong inside a `tf.data` pipeline comes out of it as one of TensorFlow's own errors.
        """
        try:
            yield
        except Exception as problem:
            if (tf := sys.modules.get("tensorflow")) is not None:  # else nothing is raised that `read` does not raise
                # The latter where an error's text quotes a record's bytes.
                of_records = isinstance(problem, (tf.errors.OpError, UnicodeDecodeError))
                if of_records and not isinstance(problem, tf.errors.ResourceExhaustedError):
                    self.raise_problem()
            raise

    def raise_problem(self) -> None:
        """Raises the UserError that a read raised last, or else that of the first record that is damaged or no clip.

        Returns where there is none: all records are read and parsed to find that out.
        """
        if self.problem is not None:
            raise self.problem from None
        for index in range(len(self)):
            self._check_clip(index)

    def _index(self, shard: int, file: dict) -> np.ndarray:
        """Where the records of a shard lie, `ENTRY` [clips]."""
        if self.info.format < 3:
            index = np.fromiter(self._walk(shard, file["bytes"]), ENTRY)
            if len(index) != file["clips"]:
                raise self._miscounted(shard, len(index), file["clips"])
            return index
        path = index_path(self.paths[shard])
        try:
            index = load_index(self.paths[shard], file["index_sha256"])
        except OSError as problem:
            raise _unreadable(path, problem) from None
        except ValueError as problem:
            raise UserError(f"{path} is damaged: {problem}. {AGAIN}") from None
        if len(index) != file["clips"]:
            raise self._miscounted(shard, len(index), file["clips"])
        if index["offset"][0] != 0 or not self._is_size(data_sizes(index, file["bytes"])).all():
            raise UserError(f"{path} is damaged: its records do not fill {self.paths[shard].name}. {AGAIN}")
        return index

    def _walk(self, shard: int, end: int) -> Iterator[tuple[int, int]]:
        """Yields the entries of an index for a shard of `end` bytes that has none, from lengths and footers alone."""
        path, number, position = self.paths[shard], 0, 0
        while position < end:
            header = self._bytes(shard, number, position, HEADER)
            if masked_crc(header[:8]) != header[8:]:
                raise UserError(f"{path} is damaged: the length of record {number} differs from its checksum. {AGAIN}")
            size = int.from_bytes(header[:8], "little")
            if not self._is_size(size):
                raise self._no_clip(path, number, f"it has {size} bytes")
            footer = self._bytes(shard, number, position + HEADER + size, FOOTER)
            yield position, int.from_bytes(footer, "little")
            number, position = number + 1, position + HEADER + size + FOOTER

    def _is_size(self, size: Any) -> Any:
        """Whether a clip of this data set can have `size` bytes as a record; number or array."""
        samples = 2 * self.info.length * self.info.channels
        return (samples <= size) & (size < samples + LARGEST_REST)

    def _places(self, indices: np.ndarray) -> list[tuple[int, int, int, int, int]]:
        """[(shard, number in it, first byte of its header, bytes of its data, their checksum)] of records."""
        shards = np.searchsorted(self.firsts, indices, side="right") - 1
        numbers, entries = indices - self.firsts[shards], self.index[indices]
        columns = (shards, numbers, entries["offset"], self.sizes[indices], entries["crc"])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _record(self, shard: int, number: int, offset: int, size: int, crc: int) -> bytes:
        start = offset + HEADER
        data, footer = self._bytes(shard, number, start, size), crc.to_bytes(FOOTER, "little")
        frame = self._bytes(shard, number, offset, HEADER) + self._bytes(shard, number, start + size, FOOTER)
        if frame != header_of(size) + footer or masked_crc(data) != footer:
            raise self._damaged(shard, number)
        return data

    def _bytes(self, shard: int, number: int, start: int, count: int) -> bytes:
        """`count` bytes of the file from `start` on, where record `number` of it lies."""
        found = self.files[shard][start : start + count]
        if len(found) < count:
            raise UserError(f"{self.paths[shard]} ends in the middle of record {number}. {AGAIN}")
        return found

    def _check_clip(self, index: int) -> None:
        ((shard, number, *place),) = self._places(np.array([index]))
        if problem := complaint(self._record(shard, number, *place), self.info.length, self.info.channels):
            raise self._no_clip(self.paths[shard], number, problem)

    def _no_clip(self, path: Path, number: int, problem: str) -> UserError:
        expected = f"a clip of {self.info.length} samples and {self.info.channels} channels, as dataset.json expects"
        return UserError(f"{path}: record {number} is not {expected}: {problem}. {AGAIN}")

    def _miscounted(self, shard: int, found: int, expected: int) -> UserError:
        return UserError(f"{self.paths[shard]} holds {found} clips where dataset.json expects {expected}. {AGAIN}")

    def _damaged(self, shard: int, number: int) -> UserError:
        """The error for a record that is not what was written; says so where the whole file is another's."""
        path, sha256 = self.paths[shard], hashlib.sha256(self.files[shard]).hexdigest()
        for split in self.info.splits.values():
            for file in split["files"]:
                if file.get("sha256") == sha256 and file["name"] != path.name:
                    return UserError(
                        f"{path} holds the records of {file['name']}: files have changed places. Give them back their "
                        "names, or make the data set again with python -m preprocess … --overwrite."
                    )
        return UserError(f"{path} is damaged: record {number} differs from its checksum. {AGAIN}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _check_size(path: Path, expected: int, size: int) -> None:
    if size != expected:
        raise UserError(f"{path} has {size} bytes where dataset.json expects {expected}. {AGAIN}")


def _map(path: Path) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _unreadable(path: Path, problem: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({problem.strerror}). {AGAIN}")
