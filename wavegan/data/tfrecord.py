"""How a TFRecord file frames its records, without TensorFlow; and the index that says where each of them lies."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import numpy as np

HEADER = 12  # bytes of a record before its data: length (8) and that length's checksum (4)
FOOTER = 4  # bytes after it: the data's checksum
# An entry of an index: the first byte of a record's header, and the checksum in its footer. Packed: 12 bytes.
ENTRY = np.dtype([("offset", "<i8"), ("crc", "<u4")])


def masked_crc(data: bytes) -> bytes:
    """The checksum that a TFRecord file stores of a record and of its length: a masked CRC-32C, 4 bytes."""
    crc = google_crc32c.value(data)
    return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def header_of(size: int) -> bytes:
    """What stands before a record of `size` bytes."""
    length = size.to_bytes(8, "little")
    return length + masked_crc(length)


def framed(data: bytes) -> bytes:
    """A record as it stands in a TFRecord file: header, `data`, footer."""
    return header_of(len(data)) + data + masked_crc(data)


def framed_records(content: bytes) -> Iterator[tuple[int, int, bytes | None]]:
    """Yields (first byte, end, data) of the records in a TFRecord file, None for data that are damaged.

    Where a length is damaged the rest is. A last record that is half written is left out.
    """
    start = 0
    while start + HEADER <= len(content):
        length = content[start : start + 8]
        if masked_crc(length) != content[start + 8 : start + HEADER]:
            yield start, len(content), None
            return
        data_end = start + HEADER + int.from_bytes(length, "little")
        end = data_end + FOOTER
        if end > len(content):
            return
        data = content[start + HEADER : data_end]
        yield start, end, data if masked_crc(data) == content[data_end:end] else None
        start = end


def index_path(shard: Path) -> Path:
    """Where the index of a shard lies: beside it."""
    return shard.with_suffix(".index")


def save_index(shard: Path, index: np.ndarray) -> str:
    """Writes the `index` of a shard, `ENTRY` [records] in their order in the file. Returns its SHA-256 in hex digits.

    Raises OSError where the disk is full.
    """
    content = index.tobytes()
    index_path(shard).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_index(shard: Path, sha256: str) -> np.ndarray:
    """The index of a shard, `ENTRY` [records], read only.

    Raises OSError where it cannot be read, and ValueError where it is not the one whose SHA-256 is `sha256`.
    """
    content = index_path(shard).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256 or len(content) % ENTRY.itemsize:
        raise ValueError("it differs from its checksum in dataset.json")
    return np.frombuffer(content, ENTRY)


def data_sizes(index: np.ndarray, end: int) -> np.ndarray:
    """Bytes of the data of every record in a shard of `end` bytes that `index` is of: int64 [records]."""
    return np.diff(index["offset"], append=end) - (HEADER + FOOTER)
