"""Clips as what flow matching learns of them, magnitudes over time and frequency, and the way back to sound.

Phases are not learned: but for what an ear does not hear they follow from magnitudes of frames that overlap, and the
fast algorithm of Griffin and Lim finds them. Source: Perraudin, Balazs and Søndergaard, "A Fast Griffin-Lim Algorithm",
WASPAA 2013, algorithm 2.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor
from wavegan.models.diffusion.flow import DEVIATION
from wavegan.models.diffusion.frames import OVERLAP, Frames
from wavegan.models.layers import Shape

POWER = 0.5  # of magnitudes: what is soft counts, too
ITERATIONS = 32  # in which phases are found
MOMENTUM = 0.99  # of these
LEAST_DEVIATION = 0.1  # of a band's values, as a share of that of all bands
AT_ONCE = 64  # clips that are measured at a time

Spectra = tuple[Tensor, Tensor]  # real and imaginary parts, each [n, channels, frames, bins]


class Spectrogram(keras.layers.Layer):
    """Magnitudes of a clip's short Fourier transform, to the power of `POWER`, in each band of the same deviation.

    That is `flow.DEVIATION`, less in bands that are nearly silent (`LEAST_DEVIATION`), and their mean is 0.

    Args:
        frames: of the clips.

    Call argument: `audio` [n, time, channels], divided by the recordings' RMS. Returns [n, frames, bands].

    Attributes:
        near_loss: a variable, the mean loss near recordings of the network that sees them so. What it makes is spread
            by that, see `flow.spread`.
    """

    def __init__(self, frames: Frames, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs})
        self.frames = frames
        bands = frames.shape[1:]
        self.mean = self.add_weight(name="mean", shape=bands, initializer="zeros", trainable=False)
        self.deviation = self.add_weight(name="deviation", shape=bands, initializer="ones", trainable=False)
        self.near_loss = self.add_weight(name="near_loss", shape=(), initializer="zeros", trainable=False)
        self.built = True

    def adapt(self, audio: np.ndarray) -> None:
        """Measure mean and deviation of each band in recordings [n, time, channels], divided by their RMS.

        Values are divided by the one as a multiple of the other that they are to have.
        """
        blocks = [audio[first : first + AT_ONCE] for first in range(0, len(audio), AT_ONCE)]
        values = [ops.convert_to_numpy(self._values(each)).reshape(-1, self.frames.shape[1]) for each in blocks]
        mean = sum(each.sum(axis=0, dtype="float64") for each in values) / sum(map(len, values))
        squares = sum(np.sum((each - mean) ** 2, axis=0) for each in values) / sum(map(len, values))
        self.mean.assign(mean)
        least = LEAST_DEVIATION * np.sqrt(squares.mean()) or 1.0  # of silence: nothing to divide by
        self.deviation.assign(np.maximum(np.sqrt(squares), least) / DEVIATION)

    def call(self, audio: Tensor) -> Tensor:
        return self._scaled(self._values(audio))

    def of_part(self, audio: Tensor, shares: np.ndarray) -> Tensor:
        """As the call, of clips of which only a part is there, the rest of `audio` being 0.

        What is missing is taken to be as loud, in each frame, as what is there.

        Args:
            audio: as the call's.
            shares: [frames, 1], above 0: what is there of what each frame hears, by energy.
        """
        return self._scaled(self._values(audio) / shares ** (POWER / 2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.frames.shape)

    def facts(self) -> dict[str, Any]:
        """What a program without Keras must know to make sounds of spectrograms, {name: what JSON holds}."""
        mean, deviation = (np.round(each, 6).tolist() for each in self.get_weights()[:2])
        return {"hop": self.frames.hop, "power": POWER, "mean": mean, "deviation": deviation}

    def phases(self, audio: Tensor, share: float = 1.0) -> Spectra:
        """Those of `audio` for that `share`, and for the rest those that sounds begin from where none are known."""
        real, imaginary = _unit(*self._spectra(audio))
        return _unit(share * real + (1.0 - share), share * imaginary)

    def sound(self, points: Tensor, phases: Spectra | None = None, kept: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """The audio [n, time, channels] whose spectrogram is nearly `points` [n, frames, bands].

        Args:
            points: such as the call returns.
            phases: from which its own are searched for.
            kept: (shares [time, 1], audio): where shares are 1 the sound is this audio, where they are 0 it is free.
        """
        frames = self.frames
        values = ops.maximum(points * self.deviation + self.mean, 0.0)
        values = ops.reshape(values, (-1, frames.count, frames.channels, frames.bins))
        magnitudes = ops.transpose(values ** (1 / POWER), (0, 2, 1, 3))
        zeros = ops.zeros_like(magnitudes)
        begin = [zeros + part for part in phases or (1.0, 0.0)]

        def made(real: Tensor, imaginary: Tensor) -> Tensor:
            audio = self._audio(magnitudes * real, magnitudes * imaginary)
            return audio if kept is None else kept[0] * kept[1] + (1.0 - kept[0]) * audio

        def better(_: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            *found, last_real, last_imaginary = state
            real, imaginary = self._spectra(made(*found))
            share = MOMENTUM / (1 + MOMENTUM)
            return (*_unit(real - share * last_real, imaginary - share * last_imaginary), real, imaginary)

        found = ops.fori_loop(0, ITERATIONS, better, (*begin, zeros, zeros))
        return made(*found[:2])

    def _scaled(self, values: Tensor) -> Tensor:
        return (values - self.mean) / self.deviation

    def _values(self, audio: Tensor) -> Tensor:
        magnitudes = ops.transpose(_size(*self._spectra(audio)), (0, 2, 1, 3))
        return ops.reshape(magnitudes, (-1, *self.frames.shape)) ** POWER

    def _spectra(self, audio: Tensor) -> Spectra:
        """[n, time, channels] → those of its frames."""
        frames, beside = self.frames, self.frames.beside
        padded = ops.pad(ops.transpose(audio, (0, 2, 1)), [[0, 0], [0, 0], [beside, beside]])
        hops = ops.reshape(padded, (-1, frames.channels, frames.count + OVERLAP - 1, frames.hop))
        parts = [hops[:, :, first : first + frames.count] for first in range(OVERLAP)]
        return ops.rfft(ops.concatenate(parts, axis=3) * frames.window)

    def _audio(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """The audio [n, time, channels] whose spectra are nearest to these."""
        frames, beside = self.frames, self.frames.beside
        parts = ops.irfft((real, imaginary), OVERLAP * frames.hop) * frames.window
        parts = ops.reshape(parts, (-1, frames.channels, frames.count, OVERLAP, frames.hop))
        hops = sum(
            ops.pad(parts[:, :, :, place], [[0, 0], [0, 0], [place, OVERLAP - 1 - place], [0, 0]])
            for place in range(OVERLAP)
        )
        audio = ops.reshape(hops, (-1, frames.channels, frames.length + 2 * beside))
        audio = audio[:, :, beside : beside + frames.length] / frames.weights
        return ops.transpose(audio, (0, 2, 1))


def _size(real: Tensor, imaginary: Tensor) -> Tensor:
    return ops.sqrt(ops.square(real) + ops.square(imaginary))


def _unit(real: Tensor, imaginary: Tensor) -> Spectra:
    size = _size(real, imaginary) + 1e-9
    return real / size, imaginary / size
