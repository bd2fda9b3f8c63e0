"""How a TFRecord file frames its records: lengths and checksums, read without TensorFlow."""

from collections.abc import Iterator

import google_crc32c

HEADER = 12  # bytes of a record before its data: length (8) and that length's checksum (4)
FOOTER = 4  # bytes after it: the data's checksum


def masked_crc(data: bytes) -> bytes:
    """The checksum that a TFRecord file stores of a record and of its length: a masked CRC-32C, 4 bytes."""
    crc = google_crc32c.value(data)
    return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


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
