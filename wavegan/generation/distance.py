"""How far sounds are from one recording, in decibels: a log-spectral distance that can be differentiated."""

import numpy as np
from keras import ops

from wavegan.audio.mel import LogMel
from wavegan.backend.autodiff import Tensor

WINDOWS_S = (0.064, 0.016)  # long enough to tell pitches, short enough to tell when it sounds
FLOOR = 10**-2.5  # mean magnitude of a band, 50 dB below noise of RMS 1: what is softer is silence
SMALLEST = 1e-6  # that keeps the slope of a square root finite
SILENCE = 1e-10  # mean square


class Distance:
    """The distance of sounds from `target`, float32 [time, channels], at `sample_rate` (Hz).

    The root mean square difference of log magnitudes, over all frames and mel bands, and its mean over two lengths of
    the window (log-spectral distance: Gray and Markel, "Distance Measures for Speech Processing", 1976). All sounds
    have RMS 1 first: a recording that is softer is no farther.

    Its call: audio float32 [n, time, channels] → [n], in dB, each of its own sound alone.
    """

    def __init__(self, target: np.ndarray, sample_rate: int) -> None:
        self.fronts = [LogMel(sample_rate, len(target), window_s, window_s / 4) for window_s in WINDOWS_S]
        self.targets = [self._decibels(ops.convert_to_tensor(target[None]), front) for front in self.fronts]
        self.targets = [ops.convert_to_numpy(each) for each in self.targets]

    def __call__(self, audio: Tensor) -> Tensor:
        found = []
        for front, target in zip(self.fronts, self.targets, strict=True):
            squares = ops.square(self._decibels(audio, front) - target)
            found.append(ops.sqrt(ops.mean(squares, axis=(1, 2)) + SMALLEST))
        return sum(found) / len(found)

    def _decibels(self, audio: Tensor, front: LogMel) -> Tensor:
        """[n, frames, bands] of audio [n, time, channels]."""
        mono = ops.mean(audio, axis=-1)
        mono = mono / ops.sqrt(ops.mean(ops.square(mono), axis=1, keepdims=True) + SILENCE)
        mono = ops.pad(mono, [[0, 0], [front.size // 2, front.size // 2]])
        real, imaginary = ops.stft(mono, front.window, front.hop, front.size, center=False)
        power = (ops.square(real) + ops.square(imaginary)) / front.window
        filters = (front.filters / front.filters.sum(axis=1, keepdims=True)).T
        bands = ops.matmul(ops.sqrt(power + SMALLEST * FLOOR), filters)  # mean magnitudes
        return 20 / np.log(10) * ops.log(bands + FLOOR)
