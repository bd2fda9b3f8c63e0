"""Scores over a training's checkpoints: where the lines, dots and words of each curve lie on its picture."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from wavegan.evaluation.page.numbers import decimals_for, finite, number
from wavegan.evaluation.protocol import NOISE

LEFT, RIGHT, TOP, BOTTOM = 44, 314, 16, 154
FRAME = SimpleNamespace(
    width=320, height=180, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM, middle=(LEFT + RIGHT) / 2
)  # the picture, and in it the frame of the curve
STRETCH = 2.0  # a reference that would make the range more than this much larger is named, not drawn
DECADES = 1.0  # a curve that moves through more than this is drawn on a logarithmic scale

Point = tuple[int, float, float | None]  # step, mean, spread
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Words:
    """Words at a place on the picture."""

    words: str
    y: float
    x: float = LEFT


@dataclass(frozen=True)
class Reference:
    """A score of recordings ("real") or white noise ("noise"): a horizontal line at `y`, or words outside the frame."""

    kind: str
    y: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Chart:
    """A curve on a picture of the size of `frame`.

    Attributes:
        name: what is drawn, for screen readers.
        steps: the first and the last one.
        ticks: horizontal lines with their numbers.
        best: where the best step lies, x; None where it is not on the picture.
        lines: references inside the frame.
        above, below: references outside, in words at the edge behind which they lie.
        band, curve: path data of an SVG.
        dots: the checkpoints.
    """

    name: str
    steps: tuple[int, int]
    ticks: list[Words]
    best: float | None
    lines: list[Reference]
    above: list[Reference]
    below: list[Reference]
    band: str
    curve: str
    dots: list[Words]
    frame = FRAME


def chart(points: Sequence[Point], references: Mapping[str, float], best_step: int | None, name: str) -> Chart:
    """The `Chart` of one score.

    Args:
        points: [(step, mean, spread)], at least two, steps ascending; the spread can be None.
        references: {set: mean} of the horizontal lines.
        best_step: the step that is marked, or None.
        name: what is drawn.
    """
    scale = _logarithm if _wide(points) else float
    low, high, outside = _range(points, references, scale)
    ticks = _decades(low, high) if scale is _logarithm else _round_numbers(low, high)
    low, high = min(low, scale(ticks[0])), max(high, scale(ticks[-1]))
    first, last = points[0][0], points[-1][0]

    def x(step: float) -> float:
        return LEFT + (step - first) / (last - first) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - min(max((scale(value) - low) / (high - low), 0), 1) * (BOTTOM - TOP)

    above, below = _outside({name: references[name] for name in outside}, points)
    upper, middle, lower = _lines(points, x, y)
    return Chart(
        name=name,
        steps=(first, last),
        ticks=[Words(words, y(tick)) for tick, words in zip(ticks, _tick_words(ticks), strict=True)],
        best=x(best_step) if best_step is not None and first <= best_step <= last else None,
        lines=[Reference(_kind(name), y(value)) for name, value in references.items() if name not in outside],
        above=above,
        below=below,
        band=f"M{'L'.join(upper + lower[::-1])}z",
        curve=f"M{'L'.join(middle)}",
        dots=_dots(points, x, y),
    )


def _logarithm(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


def _wide(points: Sequence[Point]) -> bool:
    means = [mean for _, mean, _ in points]
    return min(means) > 0 and math.log10(max(means) / min(means)) > DECADES


def _range(points: Sequence[Point], references: Mapping[str, float], scale: Scale) -> tuple[float, float, list[str]]:
    """The least and greatest value to draw, on the scale, and which references lie too far outside.

    That of white noise can be a hundred times what a training moves in.
    """
    values = [scale(mean + side * (spread or 0)) for _, mean, spread in points for side in (-1, 0, 1)]
    values = [value for value in values if math.isfinite(value)]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - abs(low) / 10 - 1e-3, high + abs(high) / 10 + 1e-3
    most, outside = STRETCH * (high - low), []
    for name, value in references.items():
        if max(high, scale(value)) - min(low, scale(value)) > most:
            outside.append(name)
        else:
            low, high = min(low, scale(value)), max(high, scale(value))
    return low, high, outside


def _round_numbers(low: float, high: float) -> list[float]:
    """Three to seven multiples of 1, 2 or 5 times a power of ten, from `low` or below to `high` or above."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [step * count for count in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """The powers of ten from 10 to `low` or below to 10 to `high` or above."""
    return [10.0**power for power in range(math.floor(low), math.ceil(high) + 1)]


def _tick_words(ticks: Sequence[float]) -> list[str]:
    """The numbers beside the ticks, as exact as they must be."""
    # The distance to the next one says how exact; on a logarithmic scale it is the number itself.
    logarithmic = ticks[0] > 0 and ticks[1] / ticks[0] > 9
    gaps = ticks if logarithmic else [ticks[1] - ticks[0]] * len(ticks)
    decimals = [min(max(0, -math.floor(math.log10(gap) + 1e-9)), 6) for gap in gaps]
    return [number(tick, places) for tick, places in zip(ticks, decimals, strict=True)]


def _kind(name: str) -> str:
    return "noise" if name == NOISE else "real"


def _outside(references: Mapping[str, float], points: Sequence[Point]) -> tuple[list[Reference], list[Reference]]:
    """The references outside the frame, in words: those above it, and those below."""
    highest = max(mean for _, mean, _ in points)
    above: list[Reference] = []
    below: list[Reference] = []
    for name, value in references.items():
        side, arrow = (above, "↑") if value > highest else (below, "↓")
        side.append(Reference(_kind(name), words=f"{name} {number(value, decimals_for([value]))} {arrow}"))
    return above, below


def _lines(
    points: Sequence[Point], x: Callable[[float], float], y: Callable[[float], float]
) -> tuple[list[str], list[str], list[str]]:
    """The coordinates of mean + spread, mean, and mean - spread, "x y" for each point."""

    def line(side: int) -> list[str]:
        return [f"{x(step):.1f} {y(mean + side * (spread or 0)):.1f}" for step, mean, spread in points]

    return line(1), line(0), line(-1)


def _dots(points: Sequence[Point], x: Callable[[float], float], y: Callable[[float], float]) -> list[Words]:
    decimals, dots = decimals_for(mean for _, mean, _ in points), []
    for step, mean, spread in points:
        beside = f" ± {number(spread, decimals)}" if finite(spread) else ""
        dots.append(Words(f"step {number(step, 0)}: {number(mean, decimals)}{beside}", y(mean), x(step)))
    return dots
