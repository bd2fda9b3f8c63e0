"""From one recording to clips: windows of one length, as 16-bit samples."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from wavegan.audio.decode import Unusable, decode
from wavegan.audio.recording import CANCELLED, Findings
from wavegan.audio.wav import FULL_SCALE, to_pcm16

SMALLEST_TAIL = 4  # a last window that holds less than 1/4 of a clip is dropped
NEARLY_SILENT = 4 / FULL_SCALE  # peak, -78 dBFS: what a converter and dither leave where there is no sound

# What may be remarked of files that are kept, besides what `audio.recording` has.
BEYOND = "beyond full scale, clipped; --normalize peak keeps them whole"
QUIET = "nearly silent, below -78 dBFS, as --normalize peak leaves it"


@dataclass(frozen=True)
class Cutting:
    """How a recording becomes clips: `sample_rate` (Hz), `length` (samples), `channels`, and as in `Options`."""

    sample_rate: int
    length: int
    channels: int = 1
    slices: str = "all"
    normalize: str = "none"


@dataclass
class Slices:
    """What one file gave.

    Attributes:
        starts: each clip's first sample, counted in the resampled file.
        rms: each clip's root mean square, linear in [0, 1].
        peak: the largest magnitude of all clips, linear in [0, 1].
        padded: clips that were completed with silence at their end.
        clipped: clips with samples that were above full scale.
        silent: windows left out because every sample in them is zero.
        cut: whether a part of the file's end is in no clip.
        dropped_tail: whether that part is a last window less than a quarter full.
        rate: the file's sample rate, Hz.
        remarks: what else a person should know of the file.
    """

    starts: list[int] = field(default_factory=list)
    rms: list[float] = field(default_factory=list)
    peak: float = 0.0
    padded: int = 0
    clipped: int = 0
    silent: int = 0
    cut: bool = False
    dropped_tail: bool = False
    rate: int = 0
    remarks: frozenset[str] = frozenset()


class Sink(Protocol):
    """What takes clips, each as bytes, and can be emptied again."""

    def write(self, clip: bytes, /) -> object: ...

    def clear(self) -> object: ...


def windows(blocks: Iterable[np.ndarray], length: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields consecutive `(start, window)` of `length` samples; the last window is as long as what is left.

    >>> [(start, window.tolist()) for start, window in windows([np.arange(3), np.arange(3, 5)], length=2)]
    [(0, [0, 1]), (2, [2, 3]), (4, [4])]
    """
    start, count = 0, 0
    held: list[np.ndarray] = []
    for block in blocks:
        held.append(block)
        count += len(block)
        if count >= length:
            joined = np.concatenate(held)
            for end in range(length, count + 1, length):
                yield start, joined[end - length : end]
                start += length
            held = [joined[count - count % length :]]
            count %= length
    if count:
        yield start, np.concatenate(held)


def slice_recording(source: str | bytes | np.ndarray, cutting: Cutting, sink: Sink) -> Slices:
    """Cuts a recording into clips and writes them to `sink` as little-endian int16 [length, channels], back to back.

    Args:
        source: as in `decode`.
        sink: where the clips go, such as an open file.

    Raises:
        Unusable: as in `decode`, and where not one sample is left or every sample is zero.
    """
    found = Findings()
    slices = _slice(source, cutting, sink, found)
    if found.cancels:
        sink.clear()
        slices = _slice(source, cutting, sink, found, first_channel=True)
        found.remarks.add(CANCELLED)
    if not slices.starts:
        if slices.silent:
            where = " of the first window" if cutting.slices == "first" and slices.cut else ""
            raise Unusable(f"silent: every sample{where} is zero")
        raise Unusable(f"holds no samples, or too few for one at {cutting.sample_rate} Hz")
    if slices.clipped and found.loudest > 1:
        found.remarks.add(BEYOND)
    slices.rate, slices.remarks = found.rate, frozenset(found.remarks)
    return slices


def _slice(
    source: str | bytes | np.ndarray, cutting: Cutting, sink: Sink, found: Findings, first_channel: bool = False
) -> Slices:
    """Writes the clips of a recording to `sink`."""
    scale = np.float32(1)
    if cutting.normalize == "peak":
        first = _chosen(source, cutting, Slices(), found, first_channel)
        peak = max((float(np.abs(window).max()) for _, window in first), default=0.0)
        if found.cancels and not first_channel:
            return Slices()
        if peak > NEARLY_SILENT:
            # Full scale is one step below 1.0 in 16 bits: 1.0 itself would count as clipped.
            scale = np.float32((FULL_SCALE - 1) / FULL_SCALE / peak)
        elif peak:
            found.remarks.add(QUIET)
    slices = Slices()
    for start, window in _chosen(source, cutting, slices, found, first_channel):
        _write_clip(start, window if scale == 1 else window * scale, cutting, slices, sink)
    return slices


def _chosen(
    source: str | bytes | np.ndarray, cutting: Cutting, slices: Slices, found: Findings, first_channel: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """The windows that become clips; notes in `slices` what of the file's end does not."""
    blocks = decode(source, cutting.sample_rate, cutting.channels, found, first_channel)
    everything = windows(blocks, cutting.length)
    for start, window in everything:
        if start > 0 and len(window) * SMALLEST_TAIL < cutting.length:
            slices.cut = slices.dropped_tail = True
            return
        yield start, window
        if cutting.slices == "first":
            slices.cut = next(everything, None) is not None
            return


def _write_clip(start: int, window: np.ndarray, cutting: Cutting, slices: Slices, sink: Sink) -> None:
    pcm = to_pcm16(window)
    peak = max(int(pcm.max()), -int(pcm.min()))
    if peak == 0:
        slices.silent += 1
        return
    if peak >= FULL_SCALE - 1:
        slices.clipped += bool(window.max() > 1 or window.min() < -1)
    # The sum of squared 16-bit integers is exact in float64, in whatever order a processor adds them. Not `np.dot`: its
    # threads cost far more than this sum.
    energy = np.square(pcm, dtype=np.float64).sum()
    slices.rms.append(math.sqrt(energy / (cutting.length * cutting.channels)) / FULL_SCALE)
    slices.peak = max(slices.peak, peak / FULL_SCALE)
    slices.starts.append(start)
    slices.padded += len(pcm) < cutting.length
    sink.write(pcm.astype("<i2", copy=False).tobytes().ljust(2 * cutting.length * cutting.channels, b"\0"))
