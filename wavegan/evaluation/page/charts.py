"""Scores over a training's checkpoints, as inline SVG."""

import math

from wavegan.evaluation.page.markup import decimals_for, finite, number, text
from wavegan.evaluation.protocol import NOISE

WIDTH, HEIGHT = 320, 180
LEFT, RIGHT, TOP, BOTTOM = 44, 314, 16, 154  # the frame of the curve
STRETCH = 2.0  # a level that would make the range more than this much larger is named, not drawn
DECADES = 1.0  # a curve that moves through more than this is drawn on a logarithmic scale


def chart(points, levels, best_step, name):
    """One curve as SVG text.

    Args:
        points: [(step, mean, spread)], at least two, steps ascending; the spread can be None.
        levels: {set: mean} of the horizontal lines.
        best_step: the step that is marked, or None.
        name: what is drawn, for screen readers.
    """
    scale = _logarithm if _wide(points) else float
    low, high, outside = _range(points, levels, scale)
    ticks = _decades(low, high) if scale is _logarithm else _round_numbers(low, high)
    low, high = min(low, scale(ticks[0])), max(high, scale(ticks[-1]))
    first, last = points[0][0], points[-1][0]

    def x(step):
        return LEFT + (step - first) / (last - first) * (RIGHT - LEFT)

    def y(value):
        return BOTTOM - min(max((scale(value) - low) / (high - low), 0), 1) * (BOTTOM - TOP)

    parts = [_axes(ticks, y, (first, last))]
    if best_step is not None and first <= best_step <= last:
        parts.append(f'<line class="best" x1="{x(best_step):.1f}" x2="{x(best_step):.1f}" y1="{TOP}" y2="{BOTTOM}"/>')
    for level, value in levels.items():
        if level not in outside:
            kind, height = _kind(level), f"{y(value):.1f}"
            parts.append(f'<line class="level {kind}" x1="{LEFT}" x2="{RIGHT}" y1="{height}" y2="{height}"/>')
    parts += [_curve(points, x, y), _names({level: levels[level] for level in outside}, points)]
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{text(name)} over the checkpoints">{"".join(parts)}</svg>'
    )


def _logarithm(value):
    return math.log10(value) if value > 0 else -math.inf


def _wide(points):
    means = [mean for _, mean, _ in points]
    return min(means) > 0 and math.log10(max(means) / min(means)) > DECADES


def _range(points, levels, scale):
    """The least and greatest value to draw, on the scale, and which levels lie too far outside.

    The level of white noise can be a hundred times what a training moves in.
    """
    values = [scale(mean + side * (spread or 0)) for _, mean, spread in points for side in (-1, 0, 1)]
    values = [value for value in values if math.isfinite(value)]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - abs(low) / 10 - 1e-3, high + abs(high) / 10 + 1e-3
    most, outside = STRETCH * (high - low), []
    for level, value in levels.items():
        if max(high, scale(value)) - min(low, scale(value)) > most:
            outside.append(level)
        else:
            low, high = min(low, scale(value)), max(high, scale(value))
    return low, high, outside


def _round_numbers(low, high):
    """Three to seven multiples of 1, 2 or 5 times a power of ten, from `low` or below to `high` or above."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [step * count for count in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def _decades(low, high):
    """The powers of ten from 10 to `low` or below to 10 to `high` or above."""
    return [10.0**power for power in range(math.floor(low), math.ceil(high) + 1)]


def _axes(ticks, y, steps):
    lines = ""
    for tick in ticks:
        # The distance to the next one says how exact a number must be; on a logarithmic scale it is the number itself.
        gap = tick if ticks[0] > 0 and ticks[1] / ticks[0] > 9 else ticks[1] - ticks[0]
        words = number(tick, min(max(0, -math.floor(math.log10(gap) + 1e-9)), 6))
        lines += f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        lines += f'<text x="{LEFT - 6}" y="{y(tick) + 3.5:.1f}" text-anchor="end">{words}</text>'
    first, last = (number(step, 0) for step in steps)
    lines += f'<text x="{LEFT}" y="{BOTTOM + 18}">step {first}</text>'
    return lines + f'<text x="{RIGHT}" y="{BOTTOM + 18}" text-anchor="end">{last}</text>'


def _kind(level):
    return "noise" if level == NOISE else "real"


def _names(levels, points):
    """The levels outside the frame, in words at the edge behind which they lie."""
    highest = max(mean for _, mean, _ in points)
    above, below = "", ""
    for level, value in levels.items():
        arrow = "↑" if value > highest else "↓"
        words = f"{text(level)} {number(value, decimals_for([value]))} {arrow} "
        span = f'<tspan class="level {_kind(level)}">{words}</tspan>'
        above, below = (above + span, below) if arrow == "↑" else (above, below + span)
    middle = (LEFT + RIGHT) / 2
    return (
        f'<text x="{middle}" y="{TOP - 5}" text-anchor="middle">{above}</text>'
        f'<text x="{middle}" y="{BOTTOM + 18}" text-anchor="middle">{below}</text>'
    )


def _curve(points, x, y):
    upper = [f"{x(step):.1f} {y(mean + (spread or 0)):.1f}" for step, mean, spread in points]
    lower = [f"{x(step):.1f} {y(mean - (spread or 0)):.1f}" for step, mean, spread in points]
    middle = [f"{x(step):.1f} {y(mean):.1f}" for step, mean, _ in points]
    decimals = decimals_for(mean for _, mean, _ in points)
    dots = ""
    for step, mean, spread in points:
        beside = f" ± {number(spread, decimals)}" if finite(spread) else ""
        words = f"step {number(step, 0)}: {number(mean, decimals)}{beside}"
        dots += f'<circle cx="{x(step):.1f}" cy="{y(mean):.1f}" r="3"><title>{words}</title></circle>'
    band = f'<path class="band" d="M{"L".join(upper + lower[::-1])}z"/>'
    return f'{band}<path class="curve" d="M{"L".join(middle)}"/>{dots}'
