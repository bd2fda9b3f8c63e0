"""`tf.train.Example` messages, encoded without TensorFlow: whoever prepares data does not wait for it.

Protocol Buffers' encoding of this one message: a field is its number and type, the length of what it holds, and that.
A map is a field for each entry, which holds its key as field 1 and its value as field 2.
"""

from collections.abc import Mapping
from functools import lru_cache

BYTES_LIST, INT64_LIST = 1, 3  # the fields of tf.train.Feature
LENGTH_DELIMITED = 2  # the only type of field here


def encoded(features: Mapping[str, bytes | int]) -> bytes:
    """The serialised `tf.train.Example` of features with one value each: bytes, or a whole number of 0 or more.

    They stand in the order of their names, so that the same features make the same bytes.
    """
    parts = []  # joined once, at the end: the samples are copied once
    for name, value in sorted(features.items()):
        number, content = (BYTES_LIST, value) if isinstance(value, bytes) else (INT64_LIST, _varint(value))
        parts += [_before(name, number, len(content)), content]
    return b"".join([_start(1, sum(map(len, parts))), *parts])


@lru_cache(1024)  # of a data set's clips nearly all are of the same sizes
def _before(name: str, number: int, size: int) -> bytes:
    """What stands before the content, `size` bytes, of the feature `name`, whose field is `number`."""
    key = name.encode()
    start = _start(1, size)  # the value, in a list
    start = _start(number, len(start) + size) + start  # in a feature
    start = _start(1, len(key)) + key + _start(2, len(start) + size) + start  # in an entry of the map
    return _start(1, len(start) + size) + start


def _start(number: int, size: int) -> bytes:
    """The start of the field `number`, which holds `size` bytes."""
    return bytes([number << 3 | LENGTH_DELIMITED]) + _varint(size)


def _varint(number: int) -> bytes:
    """`number` with seven bits to a byte, the lowest first; all bytes but the last have the high bit."""
    if number < 0:
        raise ValueError(f"Expected 0 or more. Received: {number}.")
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
