"""Pictures of sounds: waveforms over mel-spectrograms, many clips on one sheet."""

import os
import textwrap
from collections.abc import Sequence

import numpy as np

from wavegan.audio.mel import mel_spectrogram_db
from wavegan.base.caches import caches_ready
from wavegan.base.text import printable

with caches_ready():
    from matplotlib import colormaps
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

RANGE_DB = 80.0  # what is this far below the loudest spot of the sheet is black
LETTERS_AN_INCH = 14  # of a heading
COLOURS = "magma"  # of spectrograms, Matplotlib's name
GAP = 0.06  # space between clips, as a share of a clip


def draw(
    audio: np.ndarray, sample_rate: int, title: str = "", names: Sequence[str] | None = None, columns: int = 8
) -> Figure:
    """A sheet of clips, each with its waveform above its mel-spectrogram, as a matplotlib figure.

    Args:
        audio: [n, time, channels] in [-1, 1], one clip or more; the mean of the channels is shown.
        sample_rate: Hz.
        title: heading of the sheet.
        names: one per clip; their numbers when None.
        columns: clips side by side.
    """
    mono = np.asarray(audio, np.float32).mean(axis=-1)  # [n, time]
    count, seconds = len(mono), mono.shape[1] / sample_rate
    columns = min(columns, count)
    rows = -(-count // columns)
    names = [str(number) for number in range(count)] if names is None else names
    spectrograms = mel_spectrogram_db(mono, sample_rate)
    top = max(spectrograms.max(), -60.0)

    width = 1.9 * columns + 0.6  # inches
    heading = textwrap.wrap(printable(title), int(LETTERS_AN_INCH * width))
    figure = Figure(figsize=(width, 1.9 * rows + 0.5 + 0.15 * len(heading[1:])), dpi=80, layout="constrained")
    grid = figure.subplots(2 * rows, 1, squeeze=False, gridspec_kw={"height_ratios": [2, 3] * rows})[:, 0]
    for row in range(rows):
        clips = range(row * columns, min((row + 1) * columns, count))
        waves, mels = grid[2 * row], grid[2 * row + 1]
        for column, clip in enumerate(clips):
            left = column * (1 + GAP)
            _draw_wave(waves, mono[clip], left, names[clip])
            mels.imshow(
                spectrograms[clip], extent=(left, left + 1, 0, 1), origin="lower", aspect="auto",
                cmap=COLOURS, vmin=top - RANGE_DB, vmax=top, interpolation="nearest",
            )  # fmt: skip
        _frame(waves, mels, columns, seconds, sample_rate)  # last, because a picture changes the limits
    if heading:
        figure.suptitle("\n".join(heading), fontsize=9, parse_math=False)
    return figure


def _frame(waves: Axes, mels: Axes, columns: int, seconds: float, sample_rate: int) -> None:
    """Limits and ticks of a row's axes; a clip is 1 wide, and the first one's time and frequencies are labelled."""
    for axes in (waves, mels):
        axes.set_xlim(0, columns * (1 + GAP) - GAP)
        axes.tick_params(labelsize=6, length=2)
        for side in axes.spines.values():
            side.set_visible(False)
    waves.set_ylim(-1.05, 1.05)
    waves.set_xticks([])
    waves.set_yticks([-1, 0, 1])
    mels.set_ylim(0, 1)
    mels.set_xticks([0, 0.5, 1], ["0", f"{seconds / 2:.2g}", f"{seconds:.2g} s"])
    mels.set_yticks([0, 1], ["0", f"{sample_rate / 2000:g} kHz"])


def _draw_wave(axes: Axes, wave: np.ndarray, left: float, name: str) -> None:
    """The envelope of `wave` [time]: the least and greatest sample of each of some 250 stretches."""
    per_stretch = max(1, len(wave) // 250)
    stretches = wave[: len(wave) // per_stretch * per_stretch].reshape(-1, per_stretch)
    across = left + (np.arange(len(stretches)) + 0.5) / len(stretches)
    axes.fill_between(across, stretches.min(axis=1), stretches.max(axis=1), linewidth=0.4, color="#2a6f97")
    axes.text(left, 1.0, printable(name), fontsize=6, va="bottom", color="#444444", parse_math=False)


def palette() -> np.ndarray:
    """The colours of a spectrogram from the least to the greatest level: uint8 [256, 3]."""
    return (255 * colormaps[COLOURS](np.arange(256))[:, :3]).round().astype(np.uint8)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG. Raises OSError where the file cannot be written."""
    figure.savefig(path, format="png")


def pixels(figure: Figure) -> np.ndarray:
    """A figure as uint8 [height, width, 3]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
