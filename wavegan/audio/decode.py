"""Recordings as NumPy arrays: decode, mix, resample. No TensorFlow."""

import io
import os
from collections.abc import Iterator

import numpy as np
import soxr

from wavegan.audio import sndfile
from wavegan.audio.containers import HEAD_BYTES, SAMPLE_DUMP, parts, refuse_pointer, suits_libsndfile
from wavegan.audio.recording import (
    FRONT_CHANNELS,
    NO_SAMPLES,
    Block,
    Blocks,
    Contents,
    Findings,
    Part,
    Unusable,
    open_contents,
)


def decode(
    source: Contents | np.ndarray,
    sample_rate: int,
    channels: int,
    findings: Findings | None = None,
    first_channel: bool = False,
) -> Iterator[np.ndarray]:
    """Yields a recording block by block, mixed to `channels` and resampled to `sample_rate` (Hz).

    Mono is the mean of a file's channels, or its first one. Two channels of a mono file are equal; of a file with more
    than two they are front left and right, which are the first two where the file does not say.

    Args:
        source: a file's path, an audio file's bytes, or float32 samples [time] that have the right rate already.
        findings: gets what was found on the way.
        first_channel: take the first channel instead of the mean.

    Yields:
        float32 blocks [time, channels]; a few samples can lie beyond [-1, 1] after resampling.

    Raises:
        Unusable: where the file cannot be read or decoded, or holds samples that are not finite.

    >>> blocks = decode(np.array([0.5, -0.25], np.float32), sample_rate=8000, channels=2)
    >>> np.concatenate(list(blocks)).tolist()
    [[0.5, 0.5], [-0.25, -0.25]]
    """
    findings = Findings() if findings is None else findings
    if isinstance(source, np.ndarray):
        yield _mix(Block(source[:, None], sample_rate), channels, findings, first_channel)
        return
    try:
        # libsndfile says "System error." for everything that can go wrong here.
        with open_contents(source) as file:
            head = file.read(HEAD_BYTES) or b""
            if short := sndfile.short_wav(file, head):
                samples = _mix(short, channels, findings, first_channel, finite=True)
                yield samples if short.rate == sample_rate else soxr.resample(samples, short.rate, sample_rate)
                return
            found = _blocks(source, file, head, findings)
            mixed = ((_mix(block, channels, findings, first_channel), block.rate, block.whole) for block in found)
            yield from _resampled(mixed, sample_rate, channels)
    except OSError as error:
        raise Unusable(f"cannot be opened: {error.strerror}") from None


def _blocks(source: Contents, file: io.BytesIO | io.FileIO, head: bytes, findings: Findings) -> Blocks:
    """Yields all blocks of a recording, by the decoder that is right for it; `head` are its first bytes."""
    if not head:
        raise Unusable("empty file")
    refuse_pointer(head)
    places = parts(file, head, file.seek(0, os.SEEK_END))
    if len(places) > 1:
        for start, end in places:
            yield from _ffmpeg(Part(file, start, end), findings)
    elif suits_libsndfile(head):
        yield from _with_second_opinion(source, file, head, findings)
    else:
        yield from _with_last_resort(source, file, head, findings)


def _ffmpeg(part: Part, findings: Findings) -> Blocks:
    from wavegan.audio import ffmpeg  # a tenth of a second, which folders of WAV files need not take

    return ffmpeg.blocks(part, findings)


def _with_second_opinion(source: Contents, file: io.BytesIO | io.FileIO, head: bytes, findings: Findings) -> Blocks:
    """libsndfile's blocks; where it refuses the file, or cannot read on, FFmpeg goes on at that sample."""
    given = 0
    try:
        for block in sndfile.blocks(source, file, head, findings):
            given += len(block.samples)
            yield block
        if given or head[8:12] == b"WAVE":
            return
        refused = Unusable(NO_SAMPLES)
    except Unusable as problem:
        refused = problem
    try:
        for block in _ffmpeg(Part(file), findings):
            skipped = min(given, len(block.samples))
            given -= skipped
            if skipped < len(block.samples):
                yield Block(block.samples[skipped:], block.rate, block.front)
    except Unusable:
        raise refused from None


def _with_last_resort(source: Contents, file: io.BytesIO | io.FileIO, head: bytes, findings: Findings) -> Blocks:
    """FFmpeg's blocks, or libsndfile's of the rare formats that only it knows."""
    given = False
    try:
        for block in _ffmpeg(Part(file), findings):
            given = True
            yield block
    except Unusable as problem:
        if given:
            raise
        refused = problem
        if head.startswith(SAMPLE_DUMP):  # libsndfile prints to standard output for each damaged packet of one
            raise
    else:
        return
    try:
        for block in sndfile.blocks(source, file, head, findings):
            given = True
            yield block
    except Unusable:
        raise refused from None
    if not given:
        raise refused


def _mix(block: Block, channels: int, findings: Findings, first_channel: bool, finite: bool = False) -> np.ndarray:
    """The samples of a block, `finite` or not, as float32 [time, channels]."""
    samples = block.samples if finite else _finite(block.samples)
    findings.rate = max(findings.rate, block.rate)
    if channels == 1:
        if samples.shape[1] == 1:
            return samples
        if first_channel:
            return samples[:, :1]
        if samples.shape[1] == 2:
            return _mean_of_two(samples, findings)
        with np.errstate(over="ignore"):  # `_finite` names it
            return _finite(samples.mean(axis=1, keepdims=True))
    if samples.shape[1] > channels:
        findings.remarks.add(FRONT_CHANNELS)
        return samples[:, block.front]
    return np.repeat(samples, channels, axis=1) if samples.shape[1] == 1 else samples


def _mean_of_two(samples: np.ndarray, findings: Findings) -> np.ndarray:
    """[time, 2] → [time, 1]; several times as fast as `mean`, with the same result."""
    with np.errstate(over="ignore"):
        mean = samples[:, 0] + samples[:, 1]
        mean *= np.float32(0.5)
        every = samples.ravel()
        findings.energy += float(np.einsum("i,i->", every, every)) / 2  # not `np.dot`, which would start threads
        findings.mixed_energy += float(np.einsum("i,i->", mean, mean))
    return _finite(mean)[:, None]


def _finite(samples: np.ndarray) -> np.ndarray:
    if not np.isfinite(samples).all():
        raise Unusable("holds samples that are not finite (NaN or infinity)")
    return samples


def _resampled(mixed: Iterator[tuple[np.ndarray, int, bool]], sample_rate: int, channels: int) -> Iterator[np.ndarray]:
    """Resamples consecutive (block, its rate, whether it is all); where the rate changes, each part by itself."""
    stream, stream_rate = None, 0
    for samples, rate, whole in mixed:
        if stream is not None and (whole or rate != stream_rate):
            yield _finite(stream.resample_chunk(np.zeros((0, channels), np.float32), last=True))
            stream = None
        if rate == sample_rate:
            yield samples
        elif whole:  # the result is the same, the way is shorter
            yield _finite(soxr.resample(samples, rate, sample_rate))
        else:
            if stream is None:
                stream = soxr.ResampleStream(rate, sample_rate, channels, dtype="float32", quality="HQ")
                stream_rate = rate
            yield _finite(stream.resample_chunk(np.ascontiguousarray(samples)))
    if stream is not None:
        yield _finite(stream.resample_chunk(np.zeros((0, channels), np.float32), last=True))
