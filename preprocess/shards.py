"""TFRecord files in the making: clips go to them in turn; a complete file is shuffled, hashed and indexed."""

import hashlib
import mmap
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from wavegan.data.tfrecord import ENTRY, FOOTER, HEADER, framed, save_index

SHARD_BYTES = 64 << 20  # about what one file holds
TRAIN_SHARDS = (4, 256)  # the fewest and the most files of train
FINISHED_AT_ONCE = 2  # files that are shuffled beside each other; each needs its room twice meanwhile


def shard_count(expected_bytes: int, fewest: int = 1) -> int:
    """How many files `expected_bytes` are spread over."""
    return min(max(fewest, -(-expected_bytes // SHARD_BYTES)), TRAIN_SHARDS[1])


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
        files: dict[str, list[tuple[Path, int]]] = {split: [] for split in self.counts}
        for split, clips in self.clips.items():
            files["train" if merged_into_train else split] += [
                (self._path(split, index), count) for index, count in enumerate(clips)
            ]
        with ThreadPoolExecutor(FINISHED_AT_ONCE) as pool:
            return {
                split: list(pool.map(partial(self._finish_file, split, paths), range(len(paths))))
                for split, paths in files.items()
            }

    def _open(self, split: str, index: int) -> IO[bytes]:
        return self.opened.enter_context(open(self._path(split, index), "wb"))

    def _path(self, split: str, index: int) -> Path:
        return self.directory / f"{split}.{index}.unshuffled"

    def _finish_file(self, split: str, files: list[tuple[Path, int]], number: int) -> dict[str, Any]:
        path, clips = files[number]
        name = f"{split}-{number:05d}-of-{len(files):05d}.tfrecord"
        sha256, index = shuffle_records(path, self.directory / name, name)
        path.unlink()
        return {
            "name": name,
            "clips": clips,
            "bytes": (self.directory / name).stat().st_size,
            "sha256": sha256,
            "index_sha256": save_index(self.directory / name, index),
        }


def shuffle_records(source: Path, target: Path, seed: str) -> tuple[str, np.ndarray]:
    """Copies a TFRecord file with its records in another order, which depends on `seed` and their number alone.

    Folders and archives list class after class; a reader that goes through a file from its start needs them mixed.

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
        keys = [hashlib.sha1(f"{seed}/{index}".encode()).digest() for index in range(len(spans))]
        for _, (offset, size) in sorted(zip(keys, spans, strict=True)):
            record = bytes(records[offset : offset + size])
            shuffled.write(record)
            digest.update(record)
            index.append((written, int.from_bytes(record[-FOOTER:], "little")))
            written += size
    return digest.hexdigest(), np.array(index, ENTRY)
