"""Random access to the clips of a data set, through memory maps."""

import mmap
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from wavegan.backend import devices
from wavegan.base.errors import UserError
from wavegan.data.schema import complaint
from wavegan.data.tfrecord import FOOTER, HEADER, masked_crc

devices.keep_gpu_from(tf)

LARGEST_REST = 1 << 16  # bytes of a record beside its samples, at most
AGAIN = "Make the data set again with python -m preprocess … --overwrite."


class Records:
    """Random access to the memory-mapped records of one split. Every read is compared with its checksum.

    Args:
        directory: a data set made by `python -m preprocess`.
        info: its `DatasetInfo`.
        split: "train", "validation" or "test".

    Raises UserError, which names the file and where there is one the record: at once for a file that is missing, is not
    as long as `dataset.json` says, or holds another number of records or records of another kind; and from `read` for
    damaged data.
    """

    def __init__(self, directory, info, split="train"):
        self.info = info
        self.problem = None  # what a read raised last; see `explained`
        listed = info.splits[split]["files"]
        self.paths = [Path(directory) / file["name"] for file in listed]
        for path, file in zip(self.paths, listed, strict=True):
            _check_size(path, file["bytes"], _size(path))
        self.files = [_map(path) for path in self.paths]
        spans = [self._spans(shard, file["clips"], file["bytes"]) for shard, file in enumerate(listed)]
        # [shard, number in it, first byte, bytes] of each record
        places = [(shard, number, *span) for shard, found in enumerate(spans) for number, span in enumerate(found)]
        self.places = np.array(places, np.int64).reshape(-1, 4)
        for first in np.flatnonzero(self.places[:, 1] == 0):
            self._check_clip(first)

    def __len__(self):
        return len(self.places)

    def read(self, indices):
        """The serialised records at `indices` [n], an object array of bytes [n]. Raises UserError for damaged ones."""
        try:
            places = self.places[indices]
            for shard in np.unique(places[:, 0]):
                # A map of a file that has been cut off since would end the process, without a word.
                _check_size(self.paths[shard], len(self.files[shard]), self.files[shard].size())
            return np.array([self._record(*place) for place in places.tolist()], object)
        except UserError as problem:
            self.problem = problem
            raise

    @contextmanager
    def explained(self):
        """Raises the UserError behind an error about these records that TensorFlow raises inside the block.

        What goes wrong inside a `tf.data` pipeline comes out of it as one of TensorFlow's own errors.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError:
            raise
        except (tf.errors.OpError, UnicodeDecodeError):  # the latter where its text quotes a record's bytes
            self.raise_problem()
            raise

    def raise_problem(self):
        """Raises the UserError that a read raised last, or else that of the first record that is damaged or no clip.

        Returns where there is none: all records are read and parsed to find that out.
        """
        if self.problem is not None:
            raise self.problem from None
        for index in range(len(self)):
            self._check_clip(index)

    def _spans(self, shard, clips, end):
        """[(first byte, bytes)] of every record in a shard of `end` bytes, from the lengths alone."""
        path, spans, position = self.paths[shard], [], 0
        samples = 2 * self.info.length * self.info.channels
        while position < end:
            header = self._bytes(shard, len(spans), position, HEADER)
            if masked_crc(header[:8]) != header[8:]:
                raise UserError(
                    f"{path} is damaged: the length of record {len(spans)} differs from its checksum. {AGAIN}"
                )
            size = int.from_bytes(header[:8], "little")
            if not samples <= size < samples + LARGEST_REST:
                raise self._no_clip(path, len(spans), f"it has {size} bytes")
            start = position + HEADER
            position = start + size + FOOTER
            if position > end:
                raise UserError(f"{path} ends in the middle of record {len(spans)}. {AGAIN}")
            spans.append((start, size))
        if len(spans) != clips:
            raise UserError(f"{path} holds {len(spans)} clips where dataset.json expects {clips}. {AGAIN}")
        return spans

    def _record(self, shard, number, start, size):
        data = self._bytes(shard, number, start, size)
        if masked_crc(data) != self._bytes(shard, number, start + size, FOOTER):
            path = self.paths[shard]
            raise UserError(f"{path} is damaged: record {number} differs from its checksum. {AGAIN}")
        return data

    def _bytes(self, shard, number, start, count):
        """`count` bytes of the file from `start` on, where record `number` of it lies."""
        found = self.files[shard][start : start + count]
        if len(found) < count:
            raise UserError(f"{self.paths[shard]} ends in the middle of record {number}. {AGAIN}")
        return found

    def _check_clip(self, index):
        shard, number, start, size = self.places[index].tolist()
        if problem := complaint(self._record(shard, number, start, size), self.info.length, self.info.channels):
            raise self._no_clip(self.paths[shard], number, problem)

    def _no_clip(self, path, number, problem):
        expected = f"a clip of {self.info.length} samples and {self.info.channels} channels, as dataset.json expects"
        return UserError(f"{path}: record {number} is not {expected}: {problem}. {AGAIN}")


def _size(path):
    try:
        return path.stat().st_size
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _check_size(path, expected, size):
    if size != expected:
        raise UserError(f"{path} has {size} bytes where dataset.json expects {expected}. {AGAIN}")


def _map(path):
    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _unreadable(path, problem):
    return UserError(f"{path} cannot be read ({problem.strerror}). {AGAIN}")
