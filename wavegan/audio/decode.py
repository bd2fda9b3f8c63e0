"""Recordings as NumPy arrays: decode, mix, resample. No TensorFlow."""

import io
import math
import os
import struct
from collections.abc import Iterable, Iterator

import numpy as np
import soundfile
import soxr

from wavegan.audio.wav import from_pcm16

BLOCK_SAMPLES = 1 << 17  # decoded at once, over all channels: bounds the memory of files hours long
WAV_HEAD = struct.Struct("<4sI8sIHHIIHH4sI")  # of a file that holds samples and nothing else
SAMPLE_RATES = (100, 10_000_000)  # Hz, of recordings; resampled from further away, a small file fills the memory
# libsndfile's words, and what they mean for a file that was opened before.
CLEARER = {
    "does not exist": "damaged, or another format than its name says",  # of an MP3 file in which it finds no frame
    "SF_INFO struct incomplete": "the header gives no possible sample rate",
    "psf_fseek() failed": "damaged or incomplete",
}


class Unusable(Exception):
    """A file that gives no clip, with the reason in words."""


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

    >>> blocks = decode(np.array([0.5, -0.25], np.float32), sample_rate=8000, channels=2)
    >>> np.concatenate(list(blocks)).tolist()
    [[0.5, 0.5], [-0.25, -0.25]]
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


def _short_wav(source: str | bytes) -> tuple[np.ndarray, int] | None:
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


def _open(source: str | bytes) -> soundfile.SoundFile:
    if isinstance(source, bytes):
        return soundfile.SoundFile(_Bytes(source))
    # A file name need not be valid text; its bytes always work.
    return soundfile.SoundFile(os.fsencode(source) if os.name == "posix" else source)


class _Bytes(io.BytesIO):
    """Bytes as a file. A damaged header can ask for a place before the start: an error there would be printed."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


def _sentence(error: Exception) -> str:
    """What libsndfile says, without its prefix, which repeats the path."""
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return next((clearer for words, clearer in CLEARER.items() if words in text), text)


def _check_rate(rate: int) -> None:
    low, high = SAMPLE_RATES
    if not low <= rate <= high:
        raise Unusable(f"a sample rate of {rate:,} Hz: expected {low:,} to {high:,}")


def _raw_blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    frames = max(1, BLOCK_SAMPLES // file.channels)
    left = file.frames if file.seekable() else math.inf  # only where it can seek is a file's own count relied on
    while left > 0 and len(block := file.read(min(frames, left), dtype="float32", always_2d=True)):
        left -= len(block)
        yield block


def _mix(block: np.ndarray, channels: int) -> np.ndarray:
    """[time, any] → [time, channels]"""
    if channels == 1:
        if block.shape[1] == 1:
            return block
        with np.errstate(over="ignore"):  # `_finite` names it
            return _finite(block.mean(axis=1, keepdims=True))
    return np.repeat(block, channels, axis=1) if block.shape[1] == 1 else block[:, :channels]


def _finite(block: np.ndarray) -> np.ndarray:
    if not np.isfinite(block).all():
        raise Unusable("holds samples that are not finite (NaN or infinity)")
    return block


def _resample(blocks: Iterable[np.ndarray], rate_in: int, rate_out: int, channels: int) -> Iterator[np.ndarray]:
    resampler = soxr.ResampleStream(rate_in, rate_out, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield _finite(resampler.resample_chunk(np.ascontiguousarray(block)))
    yield _finite(resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True))
