"""TFRecord files in the making: clips go to them in turn; a complete file is shuffled, hashed and indexed."""

import hashlib
import mmap
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from wavegan.data.tfrecord import ENTRY, FOOTER, HEADER, framed, save_index

SHARD_BYTES = 64 << 20  # about what one file holds
PART_BYTES = 64 << 20  # of a shard, that are sorted at a time
TRAIN_SHARDS = (4, 256)  # the fewest and the most files of train
FINISHED_AT_ONCE = 2  # files that are shuffled beside each other; each needs its room twice meanwhile


def shard_count(expected_bytes: int, fewest: int = 1) -> int:
    """How many files `expected_bytes` are spread over."""
    return min(max(fewest, -(-expected_bytes // SHARD_BYTES)), TRAIN_SHARDS[1])


def file_names(files: dict[str, int], merged_into_train: bool) -> dict[str, list[tuple[str, str, int]]]:
    """What the files of a data set are called, given how many each split has while they are written.

    Returns:
        For each split (name, split it was written for, number there) of all its files; `merged_into_train`, all are
        train's.
    """
    written: dict[str, list[tuple[str, int]]] = {split: [] for split in files}
    for split, count in files.items():
        written["train" if merged_into_train else split] += [(split, number) for number in range(count)]
    return {
        split: [(f"{split}-{number:05d}-of-{len(each):05d}.tfrecord", *file) for number, file in enumerate(each)]
        for split, each in written.items()
    }


def order_key(name: str, index: int) -> bytes:
    """What the clips of a file are sorted by, given its name and how many were written to it before.

    Folders and archives list class after class; a reader that goes through a file from its start needs them mixed.
    """
    return hashlib.sha1(f"{name}/{index}".encode()).digest()


@dataclass(frozen=True)
class Layout:
    """Where each clip of a split goes: the same place as where `Shards` writes it.

    Attributes:
        spread: for each split over how many files its clips go in turn.
        names: what the file of (split, number) is called in the end.
        clips: how many each of these gets.
        parts: into how many pieces the work on each is divided, so that each piece fits into memory.
    """

    spread: dict[str, int]
    names: dict[tuple[str, int], str]
    clips: dict[str, int]
    parts: dict[str, int]

    @classmethod
    def of(cls, written: dict[str, int], spread: dict[str, int], merged_into_train: bool, clip_bytes: int) -> Self:
        """The layout of splits of which so many clips were `written`, each of about `clip_bytes`."""
        files = {split: min(spread[split], count) for split, count in written.items()}
        named = [each for files in file_names(files, merged_into_train).values() for each in files]
        clips = {name: -(-(written[split] - number) // spread[split]) for name, split, number in named}
        parts = {name: -(-count * clip_bytes // PART_BYTES) for name, count in clips.items()}
        return cls(spread, {(split, number): name for name, split, number in named}, clips, parts)

    def place(self, split: str, number: int) -> tuple[str, int, bytes]:
        """(name of the file, part of it, what its clips are sorted by) of clip `number` of a split."""
        index, file = divmod(number, self.spread[split])
        name = self.names[split, file]
        key = order_key(name, index)
        # A part is a range of keys, so the sorted parts one after the other are sorted.
        return name, int.from_bytes(key[:8]) * self.parts[name] >> 64, key


class Shards:
    """Writes records to the files of every split in turn.

    Args:
        directory: where to.
        counts: how many files for each split. A split gets fewer where it has fewer records, and none without any.
    """

    def __init__(self, directory: Path, counts: dict[str, int]) -> None:
        self.directory = directory
        self.counts = counts
        self.opened = ExitStack()  # closes all, also where one of them raises
        self.files: dict[str, list[IO[bytes]]] = {split: [] for split in counts}
        self.clips: dict[str, list[int]] = {split: [] for split in counts}  # records in each file
        self.written = dict.fromkeys(counts, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # An error on the way out would hide the one that brought us here.
        with suppress(OSError):
            self.close()

    def write(self, split: str, record: bytes) -> None:
        """Adds a serialised record. Raises OSError where the disk is full."""
        index = self.written[split] % self.counts[split]
        if index == len(self.files[split]):
            self.files[split].append(self._open(split, index))
            self.clips[split].append(0)
        self.files[split][index].write(framed(record))
        self.clips[split][index] += 1
        self.written[split] += 1

    def close(self) -> None:
        """Closes all files. Raises OSError where the disk is full."""
        self.opened.close()

    def finish(self, merged_into_train: bool = False) -> dict[str, list[dict]]:
        """Closes all files, shuffles each and gives it its final name; `merged_into_train`, all become train's.

        Returns:
            For each split its files: `name`, `clips`, `bytes`, `sha256` and `index_sha256` of each.
        """
        self.close()
        named = file_names({split: len(clips) for split, clips in self.clips.items()}, merged_into_train)
        with ThreadPoolExecutor(FINISHED_AT_ONCE) as pool:
            return {split: list(pool.map(self._finish_file, files)) for split, files in named.items()}

    def _open(self, split: str, index: int) -> IO[bytes]:
        return self.opened.enter_context(open(self._path(split, index), "wb"))

    def _path(self, split: str, index: int) -> Path:
        return self.directory / f"{split}.{index}.unshuffled"

    def _finish_file(self, file: tuple[str, str, int]) -> dict[str, Any]:
        name, split, number = file
        path, clips = self._path(split, number), self.clips[split][number]
        sha256, index = shuffle_records(path, self.directory / name, name)
        path.unlink()
        return {
            "name": name,
            "clips": clips,
            "bytes": (self.directory / name).stat().st_size,
            "sha256": sha256,
            "index_sha256": save_index(self.directory / name, index),
        }


def shuffle_records(source: Path, target: Path, name: str) -> tuple[str, np.ndarray]:
    """Copies a TFRecord file with its records in the order of `order_key`.

    Returns:
        The SHA-256 of `target` in hex digits, and its index, `tfrecord.ENTRY` [records].
    """
    digest, index, written = hashlib.sha256(), [], 0
    with (
        open(source, "rb") as file,
        open(target, "wb") as shuffled,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as records,
    ):
        spans, offset = [], 0
        while offset < len(records):
            size = HEADER + int.from_bytes(records[offset : offset + 8], "little") + FOOTER
            spans.append((offset, size))
            offset += size
        keys = [order_key(name, index) for index in range(len(spans))]
        for _, (offset, size) in sorted(zip(keys, spans, strict=True)):
            record = bytes(records[offset : offset + size])
            shuffled.write(record)
            digest.update(record)
            index.append((written, int.from_bytes(record[-FOOTER:], "little")))
            written += size
    return digest.hexdigest(), np.array(index, ENTRY)
