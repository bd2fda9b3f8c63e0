"""What the two decoders share: a recording's bytes, its samples in blocks, and what was found in it on the way."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

BLOCK_SAMPLES = 1 << 17  # decoded at once, over all channels: bounds the memory of files hours long
SAMPLE_RATES = (100, 10_000_000)  # Hz, of recordings; resampled from further away, a small file fills the memory
CANCELS = 10**-1.2  # in energy, 12 dB: two channels whose mean is quieter than they are by more are upside down
NO_SAMPLES = "holds no samples"

# What may be remarked of files that are kept, after "2 files".
DAMAGED = "damaged in places, what decodes is kept"
FRONT_CHANNELS = "with more than two channels, of which front left and right are kept"
BEYOND = "beyond full scale, clipped"
CANCELLED = "whose two channels cancel each other, the first one alone is kept"

Contents: TypeAlias = str | bytes  # a file's path, or an audio file's bytes


class Unusable(Exception):
    """A file that gives no clip, with the reason in words."""


class Block(NamedTuple):
    """Consecutive samples of a recording.

    Attributes:
        samples: float32 [time, channels of the file].
        rate: Hz.
        front: which channels are front left and right, where there are more than two.
        whole: whether this is known to be the whole recording.
    """

    samples: np.ndarray
    rate: int
    front: tuple[int, int] = (0, 1)
    whole: bool = False


Blocks: TypeAlias = Iterator[Block]


@dataclass
class Findings:
    """What was found in a recording while it was decoded.

    Attributes:
        remarks: what a person should know of a file although it is kept.
        loudest: largest magnitude of samples that are stored as floating point; 0 where they are not.
        energy: of both channels of a stereo file that is mixed to one, their mean.
        mixed_energy: of the mix.
        rate: the highest sample rate of the file's parts, Hz.
    """

    remarks: set[str] = field(default_factory=set)
    loudest: float = 0.0
    energy: float = 0.0
    mixed_energy: float = 0.0
    rate: int = 0

    @property
    def cancels(self) -> bool:
        """Whether the channels are so nearly inverted that hardly anything is left of their mean."""
        return self.mixed_energy < CANCELS * self.energy


def check_rate(rate: int) -> int:
    """`rate` (Hz), if a recording can have it. Raises `Unusable` if not."""
    low, high = SAMPLE_RATES
    if not low <= rate <= high:
        raise Unusable(f"a sample rate of {rate:,} Hz: expected {low:,} to {high:,}")
    return rate


def open_contents(source: Contents) -> io.BytesIO | io.FileIO:
    """The bytes of a recording as an unbuffered file. Raises OSError."""
    return io.BytesIO(source) if isinstance(source, bytes) else io.FileIO(source)


class Part(io.RawIOBase):
    """A file's bytes from `start` to `end`, some of them replaced. A damaged header can ask for any place in it."""

    def __init__(
        self, file: io.BytesIO | io.FileIO, start: int = 0, end: int | None = None, replaced: bytes = b""
    ) -> None:
        """`replaced` stands for as many bytes at the start."""
        self.file = file
        self.start = start
        self.size = max(0, (file.seek(0, os.SEEK_END) if end is None else end) - start)
        self.replaced = replaced
        self.place = 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from where it stands."""
        left = max(0, self.size - self.place)
        size = left if size < 0 else min(size, left)
        if self.place < len(self.replaced):
            found = self.replaced[self.place : self.place + size]
        else:
            self.file.seek(self.start + self.place)
            found = self.file.read(size) or b""
        self.place += len(found)
        return found

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # called by libsndfile's wrapper
        """Fills `buffer` as far as there is something; returns how far."""
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target) and (found := self.read(len(target) - done)):
            target[done : done + len(found)] = found
            done += len(found)
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place inside, the nearest one to what was asked for."""
        base = (0, self.place, self.size)[whence]
        self.place = min(max(0, base + offset), self.size)
        return self.place

    def tell(self) -> int:
        """Where it stands."""
        return self.place

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True
