"""Mel spectrograms: log-mel for all scores (arXiv 1802.04208, appendix B), and decibels for pictures."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from wavegan.base.caches import caches_ready

with caches_ready():
    import librosa

WINDOW_S, HOP_S = 0.064, 0.008
MEL_BINS = 128
LOWEST_HZ, HIGHEST_HZ = 40.0, 7800.0
FLOOR = 1e-6  # added to a bin's magnitude before the logarithm
AT_ONCE = 1 << 20  # samples in a block, which bounds the memory
THREADS = min(4, os.cpu_count() or 1)
PICTURE_MEL_BINS = 64
PICTURE_WINDOW_S = 0.032  # short enough to show a hit, long enough to show a pitch


class LogMel:
    """Log-mel magnitudes of clips of one kind.

    Args:
        sample_rate: Hz.
        length: of a clip, samples.
        window_s, hop_s: of a frame, and from one to the next, seconds.

    Windows of 64 ms every 8 ms where nothing else is asked for, 128 mel bins from 40 to 7,800 Hz, log(x + 1e-6). Below
    16 kHz the bins end at 97.5 % of half the sample rate, and there are fewer of them where one would be narrower than
    the analysis can tell apart.

    Attributes:
        hop: samples from one frame to the next.
        window: of a frame, samples.
        size: of the Fourier transform, samples: `window` or the next power of two.
        filters: the mel filters, float32 [bins, size / 2 + 1].
        shape: of a clip's result, (frames, bins).

    >>> log_mel = LogMel(sample_rate=16000, length=16384)
    >>> log_mel(np.zeros((3, 16384, 1), np.float32)).shape
    (3, 129, 128)
    """

    def __init__(self, sample_rate: int, length: int, window_s: float = WINDOW_S, hop_s: float = HOP_S) -> None:
        self.hop = max(1, round(hop_s * sample_rate))
        self.window = max(16, round(window_s * sample_rate))
        self.size = 1 << (self.window - 1).bit_length()
        highest = min(HIGHEST_HZ, 0.975 * sample_rate / 2)
        lowest = min(LOWEST_HZ, highest / 4)
        bins = int(np.clip(distinct_bins(sample_rate, self.size, lowest, highest), 1, MEL_BINS))
        self.filters = librosa.filters.mel(sr=sample_rate, n_fft=self.size, n_mels=bins, fmin=lowest, fmax=highest)
        self.shape = (1 + length // self.hop, bins)

    def __call__(self, audio: np.ndarray) -> np.ndarray:
        """float32 [n, frames, bins] of `audio` [n, time, channels] in [-1, 1]; channels are averaged first."""
        with ThreadPoolExecutor(THREADS) as pool:  # NumPy computes outside of Python's lock
            blocks = list(pool.map(self._block, in_blocks(audio, AT_ONCE)))
        return np.concatenate(blocks) if blocks else np.empty((0, *self.shape), "float32")

    def _block(self, audio: np.ndarray) -> np.ndarray:
        mono = np.asarray(audio, "float32").mean(axis=-1)
        short = max(0, self.size - mono.shape[1])  # librosa warns of windows longer than the clip
        mono = np.pad(mono, ((0, 0), (0, short)))
        spectra = librosa.stft(mono, n_fft=self.size, hop_length=self.hop, win_length=self.window)
        magnitudes = np.abs(spectra[..., : self.shape[0]]).transpose(0, 2, 1)  # [n, frames, size / 2 + 1]
        rows = magnitudes.reshape(-1, magnitudes.shape[-1])  # one product: many small ones take ten times as long
        return np.log(rows @ self.filters.T + FLOOR).reshape(len(audio), *self.shape)


def in_blocks(audio: np.ndarray, samples: int = AT_ONCE) -> Iterator[np.ndarray]:
    """`audio` [n, time, ...] in parts of at most `samples` time steps, at least one clip each.

    >>> [len(block) for block in in_blocks(np.zeros((5, 100, 1)), samples=200)]
    [2, 2, 1]
    """
    clips = max(1, samples // max(1, audio.shape[1]))
    return (audio[first : first + clips] for first in range(0, len(audio), clips))


def distinct_bins(sample_rate: int, size: int, lowest_hz: float, highest_hz: float) -> int:
    """How many mel bins an analysis of `size` samples can tell apart between two frequencies.

    On the mel scale's straight part, below 1 kHz, a mel is 200 / 3 Hz: no bin may be narrower than the analysis.
    """
    span = _mel(highest_hz) - _mel(lowest_hz)
    return int(span * 200 / 3 * size / sample_rate)


def mel_spectrogram_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mel power spectrogram of `audio` [n, time] in [-1, 1] for a picture: float32 [n, bins, frames] in dB.

    `sample_rate` in Hz. Windows of about 32 ms, a quarter of a window apart; up to 64 mel bins from 0 Hz to half the
    sample rate. 0 dB is a power of 1; the least is -100 dB. As librosa's, but without it: what it compiles when it is
    used for the first time takes 20 s, which nobody should wait for who makes a first sound.
    """
    longest = int(np.log2(audio.shape[-1]))
    size = 2 ** int(np.clip(np.round(np.log2(PICTURE_WINDOW_S * sample_rate)), 5, longest))
    bins = int(np.clip(distinct_bins(sample_rate, size, 0.0, sample_rate / 2) - 1, 1, PICTURE_MEL_BINS))
    filters = _mel_filters(sample_rate, size, bins)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    spectrograms = []
    for clip in np.pad(audio, ((0, 0), (size // 2, size // 2))):  # one by one, for the memory
        frames = np.lib.stride_tricks.sliding_window_view(clip, size)[:: size // 4]  # [frames, size]
        power = filters @ (np.abs(np.fft.rfft(window * frames)) ** 2).T
        spectrograms.append(10 * np.log10(np.maximum(1e-10, power)))
    return np.stack(spectrograms).astype("float32")


def _mel_filters(sample_rate: int, size: int, bins: int) -> np.ndarray:
    """Triangles of equal area, [bins, size / 2 + 1], on the mel scale from 0 Hz to half the sample rate.

    Source: M. Slaney, "Auditory Toolbox" (1998), and so librosa's default.
    """
    edges = _hz(np.linspace(0, _mel(sample_rate / 2), bins + 2))[:, None]
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])


def _mel(hz: float) -> float:
    """Slaney's mel scale: straight up to 1 kHz, which is 15 mel, and logarithmic from there."""
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _hz(mel: np.ndarray) -> np.ndarray:
    """The other way."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
