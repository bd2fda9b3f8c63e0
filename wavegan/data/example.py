"""`tf.train.Example` messages, encoded without TensorFlow: whoever prepares data does not wait for it.

Protocol Buffers' encoding of this one message: a field is its number and type, the length of what it holds, and that.
A map is a field for each entry, which holds its key as field 1 and its value as field 2.
"""

from collections.abc import Mapping

BYTES_LIST, INT64_LIST = 1, 3  # the fields of tf.train.Feature
LENGTH_DELIMITED = 2  # the only type of field here


def encoded(features: Mapping[str, bytes | int]) -> bytes:
    """The serialised `tf.train.Example` of features with one value each: bytes, or a whole number of 0 or more.

    They stand in the order of their names, so that the same features make the same bytes.
    """
    entries = []
    for name, value in sorted(features.items()):
        number, content = (BYTES_LIST, value) if isinstance(value, bytes) else (INT64_LIST, _varint(value))
        feature = _field(number, _field(1, [content]))
        entries += _field(1, _field(1, [name.encode()]) + _field(2, feature))
    return b"".join(_field(1, entries))


def _field(number: int, parts: list[bytes]) -> list[bytes]:
    """A field that holds `parts`, in parts itself: joined once, at the end, the samples are copied once."""
    return [bytes([number << 3 | LENGTH_DELIMITED]) + _varint(sum(map(len, parts))), *parts]


def _varint(number: int) -> bytes:
    """`number` with seven bits to a byte, the lowest first; all bytes but the last have the high bit."""
    if number < 0:
        raise ValueError(f"Expected 0 or more. Received: {number}.")
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
