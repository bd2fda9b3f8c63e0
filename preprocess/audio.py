"""Audio as NumPy arrays: decode, mix, resample, cut into clips, convert to 16-bit and back. No TensorFlow."""

import io
import math
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import soundfile
import soxr

from preprocess import UserError

FULL_SCALE = 32768  # 16-bit steps to 1.0; the same factor both ways keeps 16-bit sources bit-exact
BLOCK_SAMPLES = 1 << 17  # decoded at once, over all channels: bounds the memory of files hours long
WAV_HEAD = struct.Struct("<4sI8sIHHIIHH4sI")  # of a file that holds samples and nothing else
SAMPLE_RATES = (100, 10_000_000)  # Hz, of recordings; resampled from further away, a small file fills the memory
# libsndfile's words, and what they mean for a file that was opened before.
CLEARER = {
    "does not exist": "damaged, or another format than its name says",  # of an MP3 file in which it finds no frame
    "SF_INFO struct incomplete": "the header gives no possible sample rate",
    "psf_fseek() failed": "damaged or incomplete",
}
SMALLEST_TAIL = 4  # a last window that holds less than 1/4 of a clip is dropped


class Unusable(Exception):
    """A file that gives no clip, with the reason in words."""


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
    """

    starts: list[int] = field(default_factory=list)
    rms: list[float] = field(default_factory=list)
    peak: float = 0.0
    padded: int = 0
    clipped: int = 0
    silent: int = 0
    cut: bool = False
    dropped_tail: bool = False


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """float samples in [-1, 1] to int16, same shape; what lies outside is clipped to full scale."""
    return np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_pcm16(pcm: np.ndarray) -> np.ndarray:
    """int16 samples to float32 in [-1, 1), same shape."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def write_wav(path: str | os.PathLike, samples: np.ndarray, sample_rate: int) -> None:
    """Writes float `samples` [time, channels] in [-1, 1] as a WAV file, PCM 16, at `sample_rate` (Hz).

    Raises:
        UserError: where the file cannot be written.
    """
    encoded = io.BytesIO()  # libsndfile cannot pass on that a disk is full
    soundfile.write(encoded, to_pcm16(samples), sample_rate, subtype="PCM_16", format="WAV")
    try:
        with open(path, "wb") as file:
            file.write(encoded.getbuffer())
    except OSError as error:
        raise UserError(f"cannot write {os.fspath(path)}: {error.strerror}. Is there room and the right to?") from None


def decode(source: str | bytes | np.ndarray, sample_rate: int, channels: int) -> Iterator[np.ndarray]:
    """Yields a recording block by block, mixed to `channels` and resampled to `sample_rate` (Hz).

    Mono is the mean of a file's channels. Two channels of a mono file are equal; of a file with more than two they are
    the first two, which in every common layout are front left and right.

    Args:
        source: a file's path, an audio file's bytes, or float32 samples [time] that have the right rate already.

    Yields:
        float32 blocks [time, channels]; a few samples can lie beyond [-1, 1] after resampling.

    Raises:
        Unusable: where the file cannot be read or decoded, or holds samples that are not finite.
    """
    if isinstance(source, np.ndarray):
        yield _mix(_finite(source[:, None]), channels)
        return
    try:
        if short := _short_wav(source):
            samples, rate = short
            block = _mix(samples, channels)
            _check_rate(rate)
            yield block if rate == sample_rate else soxr.resample(block, rate, sample_rate)
            return
        with _open(source) as file:
            _check_rate(file.samplerate)
            blocks = (_mix(_finite(block), channels) for block in _raw_blocks(file))
            if file.samplerate == sample_rate:
                yield from blocks
            elif file.frames * file.channels <= BLOCK_SAMPLES:  # one block; the result is the same, the way is shorter
                yield from (_finite(soxr.resample(block, file.samplerate, sample_rate)) for block in blocks)
            else:
                yield from _resample(blocks, file.samplerate, sample_rate, channels)
    except soundfile.SoundFileError as error:
        raise Unusable(f"not readable as audio: {_sentence(error)}") from None
    except OSError as error:
        raise Unusable(f"cannot be opened: {error.strerror}") from None


def _short_wav(source):
    """The samples float32 [time, channels] and the rate (Hz) of a short 16-bit WAV file without extras; None of others.

    Most data sets are made of these, and libsndfile takes several times as long to give the same samples.
    """
    # libsndfile says "System error." for everything that can go wrong here.
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb", buffering=0) as file:
        head = file.read(WAV_HEAD.size)
        if not head:
            raise Unusable("empty file")
        if len(head) < WAV_HEAD.size:
            return None
        *_, channels, rate, _, _, _, _, size = WAV_HEAD.unpack(head)
        frame = 2 * channels  # bytes
        if channels not in (1, 2) or not 0 < rate < 1 << 24 or not 0 < size <= 2 * BLOCK_SAMPLES or size % frame:
            return None
        form = (16, 1, channels, rate, frame * rate, frame, 16)
        if head != WAV_HEAD.pack(b"RIFF", 36 + size, b"WAVEfmt ", *form, b"data", size):
            return None
        pcm = file.read(size + 1)
    return (from_pcm16(np.frombuffer(pcm, "<i2").reshape(-1, channels)), rate) if len(pcm) == size else None


def _open(source):
    if isinstance(source, bytes):
        return soundfile.SoundFile(_Bytes(source))
    # A file name need not be valid text; its bytes always work.
    return soundfile.SoundFile(os.fsencode(source) if os.name == "posix" else source)


class _Bytes(io.BytesIO):
    """Bytes as a file. A damaged header can ask for a place before the start: an error there would be printed."""

    def seek(self, offset, whence=os.SEEK_SET):
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


def _sentence(error):
    """What libsndfile says, without its prefix, which repeats the path."""
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return next((clearer for words, clearer in CLEARER.items() if words in text), text)


def _check_rate(rate):
    low, high = SAMPLE_RATES
    if not low <= rate <= high:
        raise Unusable(f"a sample rate of {rate:,} Hz: expected {low:,} to {high:,}")


def _raw_blocks(file):
    frames = max(1, BLOCK_SAMPLES // file.channels)
    left = file.frames if file.seekable() else math.inf  # only where it can seek is a file's own count relied on
    while left > 0 and len(block := file.read(min(frames, left), dtype="float32", always_2d=True)):
        left -= len(block)
        yield block


def _mix(block, channels):
    """[time, any] → [time, channels]"""
    if channels == 1:
        if block.shape[1] == 1:
            return block
        with np.errstate(over="ignore"):  # `_finite` names it
            return _finite(block.mean(axis=1, keepdims=True))
    return np.repeat(block, channels, axis=1) if block.shape[1] == 1 else block[:, :channels]


def _finite(block):
    if not np.isfinite(block).all():
        raise Unusable("holds samples that are not finite (NaN or infinity)")
    return block


def _resample(blocks, rate_in, rate_out, channels):
    resampler = soxr.ResampleStream(rate_in, rate_out, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield _finite(resampler.resample_chunk(np.ascontiguousarray(block)))
    yield _finite(resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True))


def windows(blocks: Iterable[np.ndarray], length: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields consecutive `(start, window)` of `length` samples; the last window is as long as what is left."""
    start, held, count = 0, [], 0
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


def slice_recording(source: str | bytes | np.ndarray, cutting: Cutting, sink) -> Slices:
    """Cuts a recording into clips and writes them to `sink` as little-endian int16 [length, channels], back to back.

    Args:
        source: as in `decode`.
        sink: anything with `write(bytes)`.

    Raises:
        Unusable: as in `decode`, and where not one sample is left or every sample is zero.
    """
    scale = np.float32(1)
    if cutting.normalize == "peak":
        peak = max((float(np.abs(window).max()) for _, window in _chosen(source, cutting, Slices())), default=0.0)
        # Full scale is one step below 1.0 in 16 bits: 1.0 itself would count as clipped.
        scale = np.float32((FULL_SCALE - 1) / FULL_SCALE / peak) if peak else scale
    slices = Slices()
    for start, window in _chosen(source, cutting, slices):
        _write_clip(start, window if scale == 1 else window * scale, cutting, slices, sink)
    if not slices.starts:
        if slices.silent:
            where = " of the first window" if cutting.slices == "first" and slices.cut else ""
            raise Unusable(f"silent: every sample{where} is zero")
        raise Unusable(f"holds no samples, or too few for one at {cutting.sample_rate} Hz")
    return slices


def _chosen(source, cutting, slices):
    """The windows that become clips; notes in `slices` what of the file's end does not."""
    everything = windows(decode(source, cutting.sample_rate, cutting.channels), cutting.length)
    for start, window in everything:
        if start > 0 and len(window) * SMALLEST_TAIL < cutting.length:
            slices.cut = slices.dropped_tail = True
            return
        yield start, window
        if cutting.slices == "first":
            slices.cut = next(everything, None) is not None
            return


def _write_clip(start, window, cutting, slices, sink):
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
