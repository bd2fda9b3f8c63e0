"""Sounds to listen to in a notebook: a player for each, with its title, inside the page."""

import base64
import html
import io
from collections.abc import Iterable, Sequence

import numpy as np
import soundfile

from wavegan.audio.wav import playable, to_pcm16
from wavegan.base.text import printable

WIDTH = 9  # of a player, em: its button and its time


class Players:
    """Players of clips, which a notebook shows where this is the value of a cell or is given to `display`.

    The sounds are FLAC files of 16 bits inside the HTML, so they stay in a notebook that is saved or sent.

    Args:
        audio: clips, each float [time, channels] in [-1, 1].
        sample_rate: Hz.
        titles: of the clips; their numbers when None.
    """

    def __init__(self, audio: Iterable[np.ndarray], sample_rate: int, titles: Sequence[str] | None = None) -> None:
        self.audio, self.sample_rate = list(audio), sample_rate
        self.titles = [str(number) for number in range(len(self.audio))] if titles is None else list(titles)

    def _repr_html_(self) -> str:
        """As Jupyter asks for it."""
        return "\n".join(
            f'<figure style="display: inline-block; margin: 0.3em"><figcaption>{html.escape(printable(title))}'
            f'</figcaption><audio controls preload="auto" style="width: {WIDTH}em" '
            f'src="data:audio/flac;base64,{flac(clip, self.sample_rate)}"></audio></figure>'
            for clip, title in zip(self.audio, self.titles, strict=True)
        )


def flac(clip: np.ndarray, sample_rate: int) -> str:
    """`clip` [time, channels] in [-1, 1] as a FLAC file of 16 bits, in base64, at a rate that browsers play."""
    heard, rate = playable(clip, sample_rate)
    file = io.BytesIO()
    soundfile.write(file, to_pcm16(heard), rate, subtype="PCM_16", format="FLAC")
    return base64.b64encode(file.getvalue()).decode()
