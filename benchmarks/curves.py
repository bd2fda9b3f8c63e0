"""The pictures of docs/guide.md: curves of runs, from TensorBoard's event files, and sheets beside each other."""

import sys
import textwrap
from pathlib import Path

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from PIL import Image

from wavegan.audio.pictures import pixels
from wavegan.base.errors import UserError
from wavegan.data.tfrecord import framed_records
from wavegan.runs.events import PATTERN

# The panels: {title: (tags of the solid and the dashed curve, whether the scale is logarithmic)}. One is drawn where a
# run has the solid curve: which there are depends on the model family and on the loss.
DIFFERENCES = ("critic/score_difference", "spectral_critic/score_difference")
PANELS = {
    "critic/wasserstein_distance": (("critic/wasserstein_distance",), False),
    "critic/score_difference  (dashed: spectral_critic/…)": (DIFFERENCES, False),
    "critic/gradient_penalty": (("critic/gradient_penalty",), True),
    "generator/loss": (("generator/loss",), False),
    "audio/rms_generated  (dashed: audio/rms_real)": (("audio/rms_generated", "audio/rms_real"), False),
    "audio/spread  (dashed: audio/silent_generated)": (("audio/spread", "audio/silent_generated"), False),
    "critic/gradient_norm  (dashed: generator/…)": (("critic/gradient_norm", "generator/gradient_norm"), True),
    "loss/all": (("loss/all",), False),
    "loss/quarter_1  (dashed: loss/quarter_2)": (("loss/quarter_1", "loss/quarter_2"), False),
    "loss/quarter_3  (dashed: loss/quarter_4)": (("loss/quarter_3", "loss/quarter_4"), False),
    "network/gradient_norm": (("network/gradient_norm",), True),
    "previews/loudness": (("previews/loudness",), False),
    "previews/spread": (("previews/spread",), False),
}
MOST_SCORES = 4  # panels of tags under quality/
COLUMNS = 3
STYLES = ("-", "--")
COLOURS = ("#2a6f97", "#e07a1f", "#4c956c", "#9d4edd", "#b23a48", "#6c757d")  # of runs
PALETTE = 64  # colours of a picture: enough for lines and spectrograms, and small


def read(run, until=None):
    """What TensorBoard shows of `run` itself, and its scores; of the steps up to `until` where given.

    Returns ({tag: (steps [n], values [n])}, [(step, text) of each warning]). Raises UserError where there is nothing.
    """
    points: dict[str, dict[int, float]] = {}
    warnings = []
    for event in [*_events(Path(run) / "evaluation" / "generated"), *_events(run)]:  # the run's own scores count
        if until is not None and event.step > until:
            continue
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                points.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor).item()
            elif value.tag == "warnings":
                warnings.append((event.step, tf.make_ndarray(value.tensor).item().decode()))
    if not points:
        raise UserError(f"RUN must be a folder with TensorBoard's events of a training. Received: {run}.")
    return {tag: np.array(sorted(found.items())).T for tag, found in points.items()}, warnings


def _events(run):
    for path in sorted(Path(run).glob(PATTERN)):
        for _, _, event in framed_records(path.read_bytes()):
            if event is None:
                print(f"warning: {path} is damaged; the curves lack some of its steps", file=sys.stderr)
            else:
                yield tf.compat.v1.Event.FromString(event)


def smoothed(values):
    """The mean of `values` [n] over a stretch of a twentieth of them around each, at the ends over what there is."""
    stretch = np.ones(len(values) // 40 * 2 + 1)  # odd: as many before as after
    return np.convolve(values, stretch, "same") / np.convolve(np.ones(len(values)), stretch, "same")


def draw(runs, title=""):
    """Panels of curves, as a matplotlib figure: every value thin, their running mean thick, warnings as upright lines.

    `runs` is {name: what `read` returned}.
    """
    panels = {title: panel for title, panel in PANELS.items() if any(panel[0][0] in each for each, _ in runs.values())}
    panels |= {tag: ((tag,), False) for tag in _scores(runs)}
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.3 * rows + 0.6), dpi=80, layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).flat
    for (name, (tags, logarithmic)), axes in zip(panels.items(), grid, strict=False):
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter(
                LogFormatter(minor_thresholds=(1.5, 0.5))
            )  # 0.02, where there are no decades
            axes.yaxis.set_major_formatter(LogFormatter())
            axes.tick_params(which="minor", labelsize=7)
        for (curves, warnings), colour in zip(runs.values(), COLOURS, strict=False):
            _draw_run(axes, curves, warnings, tags, colour)
    for axes in grid:  # what is left of the last row
        axes.axis("off")
    _explain(figure, runs)
    if title:
        figure.suptitle(title, fontsize=11, parse_math=False)
    return figure


def _scores(runs):
    """The first tags under quality/ that any of the runs has."""
    return sorted({tag for curves, _ in runs.values() for tag in curves if tag.startswith("quality/")})[:MOST_SCORES]


def _draw_run(axes, curves, warnings, tags, colour):
    for tag, style in zip(tags, STYLES, strict=False):
        if tag in curves:
            steps, values = curves[tag]
            axes.plot(steps, values, linewidth=0.6, alpha=0.4, color=colour)
            axes.plot(steps, smoothed(values), style, linewidth=1.8, color=colour)
    for step, _ in warnings:
        axes.axvline(step, linewidth=1.2, linestyle=":", color=colour)


def _explain(figure, runs):
    """A legend under the panels: the names of several runs, and the text of each warning."""
    handles, words = [], []
    for (name, (_, warnings)), colour in zip(runs.items(), COLOURS, strict=False):
        axes = figure.axes[0]
        if len(runs) > 1:
            handles.append(axes.plot([], [], linewidth=1.8, color=colour)[0])
            words.append(name)
        for step, text in warnings:
            handles.append(axes.plot([], [], linewidth=1.2, linestyle=":", color=colour)[0])
            words.append(textwrap.fill(f"warning at step {step}: {text}", 150))
    if words:
        figure.legend(handles, words, loc="outside lower left", fontsize=8, frameon=False)


def curves(flags):
    """The command `curves`: --out is a picture of the runs' curves."""
    if len(flags.pictured) > len(COLOURS):
        raise UserError(f"RUN can be given {len(COLOURS)} times. Received: {len(flags.pictured)}.")
    runs = {Path(run).name or run: read(run, flags.until) for run in flags.pictured}
    _save(Image.fromarray(pixels(draw(runs, flags.title))), flags.out)


def sheets(flags):
    """The command `sheets`: --out shows pictures in rows of two, without changing their size."""
    try:
        pictures = [Image.open(path).convert("RGB") for path in flags.pictured]
    except OSError as problem:
        raise UserError(f"SHEET must be a picture. {problem}.") from None
    width, height = (max(sizes) for sizes in zip(*(picture.size for picture in pictures), strict=True))
    whole = Image.new("RGB", (width * min(2, len(pictures)), height * -(-len(pictures) // 2)), "white")
    for number, picture in enumerate(pictures):
        whole.paste(picture, (number % 2 * width, number // 2 * height))
    _save(whole, flags.out)


def _save(picture, path):
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        picture.quantize(PALETTE, dither=Image.Dither.NONE).save(path, format="png", optimize=True)
    except OSError as problem:
        raise UserError(f"--out {path} cannot be written ({problem.strerror}). Give another file.") from None
    print(f"wrote {path}")
