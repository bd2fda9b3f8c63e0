"""Clips inside an HTML page: a WAV file, a waveform and a mel-spectrogram as text."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from PIL import Image

from wavegan.audio.mel import mel_spectrogram_db
from wavegan.audio.pictures import RANGE_DB, palette
from wavegan.audio.wav import playable, to_pcm16

COLUMNS = 128  # stretches of time that a waveform and a spectrogram are drawn in, at most
HEIGHT = 64  # of a waveform's coordinates: 0 is 1.0, 64 is -1.0
BATCH = 16  # clips analysed at once, which bounds the memory of long ones
PALETTE = palette().tobytes()


@dataclass(frozen=True)
class Clip:
    """A sound on the page.

    Attributes:
        name: a number such as "017", or a training file's path.
        audio: float32 [time, channels] in [-1, 1].
        label: its class: predicted for generated clips, the folder's for real ones; None where there are no classes.
        confidence: of that class, 0 to 1; None where nothing was predicted.
        distance: to the nearest training clip, in units of the test clips' mean distance; None where not measured.
        asked: the class that was asked for; None for real clips, and for those of an unconditional model.
    """

    name: str
    audio: np.ndarray
    label: str | None = None
    confidence: float | None = None
    distance: float | None = None
    asked: str | None = None


@dataclass(frozen=True)
class Card:
    """A clip with what it takes to show and play it.

    Attributes:
        clip: the clip.
        sound: a WAV file as data URI.
        wave: its envelope as path data of an SVG, within `view_box`.
        spectrogram: a PNG picture as data URI.
    """

    clip: Clip
    sound: str
    wave: str
    spectrogram: str
    view_box = f"0 0 {COLUMNS} {HEIGHT}"

    @property
    def short_name(self) -> str:
        """The clip's name without folders."""
        return self.clip.name.rsplit("/", 1)[-1]


def cards(clips: Sequence[Clip], sample_rate: int) -> list[Card]:
    """The cards of `clips` in their order. The spectrograms share one scale, so that loudness compares.

    Args:
        clips: of one length; the mean of the channels is drawn, all channels sound.
        sample_rate: Hz.
    """
    if not clips:
        return []
    mono = np.stack([clip.audio.mean(axis=1) for clip in clips])  # [n, time]
    drawn = zip(clips, _waves(mono), _spectrograms(mono, sample_rate), strict=True)
    return [Card(clip, _wav(clip.audio, sample_rate), wave, spectrogram) for clip, wave, spectrogram in drawn]


def _wav(audio: np.ndarray, sample_rate: int) -> str:
    """`audio` [time, channels] as the data URI of a WAV file, PCM 16."""
    encoded = io.BytesIO()
    audio, rate = playable(audio, sample_rate)
    soundfile.write(encoded, to_pcm16(audio), rate, subtype="PCM_16", format="WAV")
    return _uri("audio/wav", encoded)


def _uri(kind: str, encoded: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(encoded.getbuffer()).decode()}"


def _waves(mono: np.ndarray) -> Iterator[str]:
    """The envelopes of `mono` [n, time] as the path data of an SVG, drawn around and back."""
    columns = min(COLUMNS, mono.shape[1])
    edges = np.arange(columns) * mono.shape[1] // columns
    high, low = (fold.reduceat(mono, edges, axis=1) for fold in (np.maximum, np.minimum))
    across = (np.arange(columns) + 0.5) * COLUMNS / columns
    across = np.concatenate([across, across[::-1]])
    for upper, lower in zip(high, low, strict=True):
        # A silent stretch keeps a line.
        heights = np.concatenate([np.maximum(upper, lower + 0.02), lower[::-1]])
        points = zip(across, np.clip((1 - heights) * HEIGHT / 2, 0, HEIGHT), strict=True)
        yield "M" + " ".join(f"{x:.4g} {y:.3g}" for x, y in points) + "z"


def _spectrograms(mono: np.ndarray, sample_rate: int) -> Iterator[str]:
    """The mel-spectrograms of `mono` [n, time] as data URIs of PNG pictures, low frequencies at the bottom."""
    batches = [mono[start : start + BATCH] for start in range(0, len(mono), BATCH)]
    decibels = np.concatenate([_narrow(mel_spectrogram_db(batch, sample_rate)) for batch in batches])
    top = max(decibels.max(), -60.0)
    shades = np.clip(1 + (decibels - top) / RANGE_DB, 0, 1)  # [n, bins, columns]
    for picture in np.rint(255 * shades[:, ::-1]).astype(np.uint8):
        image = Image.fromarray(picture).convert("P")
        image.putpalette(PALETTE)
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        yield _uri("image/png", encoded)


def _narrow(decibels: np.ndarray) -> np.ndarray:
    """[n, bins, frames] → [n, bins, at most `COLUMNS`]: the loudest of each stretch, as a short hit must not vanish."""
    columns = min(COLUMNS, decibels.shape[2])
    return np.maximum.reduceat(decibels, np.arange(columns) * decibels.shape[2] // columns, axis=2)
