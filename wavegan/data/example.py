"""`tf.train.Example` messages, written and read without TensorFlow: whoever prepares data does not wait for it.

Protocol Buffers' encoding of this one message: a field is its number and type, the length of what it holds, and that.
A map is a field for each entry, which holds its key as field 1 and its value as field 2.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

BYTES_LIST, INT64_LIST = 1, 3  # the fields of tf.train.Feature
VARINT, LENGTH_DELIMITED = 0, 2  # the types of field here


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


def decoded(record: bytes) -> dict[str, list[bytes | int]]:
    """The features of a serialised `tf.train.Example`, each a list of bytes or of whole numbers.

    Raises ValueError where `record` is no such message, or has a feature of another kind.
    """
    return dict(features(record))


def features(record: bytes) -> Iterator[tuple[str, list[bytes | int]]]:
    """As `decoded`, one after the other as they stand in `record`: whoever needs the first need not read the rest."""
    for those in _contents(record, 1):
        for entry in _contents(those, 1):
            name = b"".join(_contents(entry, 1)).decode()
            yield name, [value for feature in _contents(entry, 2) for value in _values(feature)]


def _values(feature: bytes) -> Iterator[bytes | int]:
    """The values of a `tf.train.Feature`."""
    for kind, values in _fields(feature):
        if not isinstance(values, bytes) or kind not in (BYTES_LIST, INT64_LIST):
            raise ValueError(f"expected bytes or whole numbers, received a feature of kind {kind}")
        for _, value in _fields(values):
            if kind == INT64_LIST and isinstance(value, bytes):  # packed, one after the other
                place = 0
                while place < len(value):
                    number, place = _number(value, place)
                    yield _signed(number)
            else:
                yield value if isinstance(value, bytes) else _signed(value)


def _contents(message: bytes, number: int) -> Iterator[bytes]:
    """What the fields `number` of a message hold."""
    for each, value in _fields(message):
        if each == number:
            if not isinstance(value, bytes):
                raise ValueError(f"expected a field {number} of bytes, received a number")
            yield value


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(number, value) of the fields of a message."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        if key & 7 not in (VARINT, LENGTH_DELIMITED):
            raise ValueError(f"expected a number or bytes, received a field of type {key & 7}")
        value, place = _number(message, place)
        if key & 7 == VARINT:
            yield key >> 3, value
            continue
        if place + value > len(message):
            raise ValueError(f"expected {value} bytes, received {len(message) - place}")
        yield key >> 3, message[place : place + value]
        place += value


def _number(message: bytes, place: int) -> tuple[int, int]:
    """The number of `_varint` at a place of a message, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place == len(message):
            break
        byte = message[place]
        number, place = number | (byte & 0x7F) << shift, place + 1
        if byte < 0x80:
            return number, place
    raise ValueError("expected the end of a number, received none")


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
