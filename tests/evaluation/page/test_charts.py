"""A score's curve over the checkpoints: where its lines and dots lie, and how it is drawn."""

import math

import pytest

from wavegan.evaluation.page.charts import FRAME, chart
from wavegan.evaluation.page.page import templates
from wavegan.evaluation.protocol import NOISE, TEST


def drawn(curve):
    """A `Chart` as SVG text."""
    return str(templates().get_template("charts.html").module.svg(curve))


def heights(curve):
    return [dot.y for dot in curve.dots]


def test_a_curve_rises_with_its_score_and_is_drawn_to_scale():
    low, middle, high = heights(chart([(0, 1.0, None), (10, 2.0, 0.5), (20, 3.0, None)], {}, None, "x"))
    assert low > middle > high and middle == pytest.approx((low + high) / 2)
    first, second, third = (dot.x for dot in chart([(0, 1.0, 0), (30, 2.0, 0), (40, 1.0, 0)], {}, None, "x").dots)
    assert (second - first) / (third - first) == pytest.approx(0.75)


def test_a_curve_through_decades_is_logarithmic_whatever_lies_at_zero():
    curve = chart([(0, 1000.0, 1), (10, 100.0, 150), (20, 10.0, 1)], {TEST: 0.0, NOISE: 1e5}, None, "x")
    first, second, third = heights(curve)
    assert second - first == pytest.approx(third - second)
    assert [reference.words for reference in curve.below] == ["test data 0.00 ↓"]
    assert "nan" not in drawn(curve) and "inf" not in drawn(curve)


@pytest.mark.parametrize("values", [(0.0, 0.0), (1.0, 1.0), (-3.0, -3.0), (1e-9, 2e-9), (-1e12, 1e12)])
def test_any_curve_can_be_drawn(values):
    points = [(step, value, None) for step, value in enumerate(values)]
    curve = chart(points, {TEST: values[0], NOISE: -1e6}, 0, "x")
    assert all(0 <= height <= FRAME.height for height in heights(curve)) and 2 <= len(curve.ticks) <= 8
    assert "nan" not in drawn(curve) and "inf" not in drawn(curve)


def test_what_is_drawn_is_the_curve_its_band_its_references_and_the_best_step():
    curve = chart([(0, 1.0, 0.5), (100, 2.0, 0.5)], {TEST: 2.5, NOISE: 100.0}, 100, "a <score>")
    assert curve.best == FRAME.right and curve.curve.startswith(f"M{FRAME.left:.1f} ")
    assert curve.band.count("L") == 3 and curve.band.endswith("z")
    (line,) = curve.lines
    assert (line.kind, curve.above[0].kind, curve.above[0].words) == ("real", "noise", "white noise 100 ↑")
    assert [dot.words for dot in curve.dots] == ["step 0: 1.00 ± 0.50", "step 100: 2.00 ± 0.50"]
    svg = drawn(curve)
    for text in (
        'aria-label="a &lt;score&gt; over the checkpoints"', f'd="{curve.curve}"', f'd="{curve.band}"',
        f'<circle cx="{FRAME.right}.0" cy="{curve.dots[1].y:.1f}" r="3"><title>step 100: 2.00 ± 0.50</title>',
        '<tspan class="reference noise">white noise 100 ↑ </tspan>', '<line class="best" x1="314.0" x2="314.0"',
    ):  # fmt: skip
        assert text in svg, text
    assert chart([(0, 1.0, None), (5, 2.0, None)], {}, 9, "x").best is None  # a step that is not on the picture


def test_ticks_are_round_numbers_as_exact_as_they_must_be():
    ticks = chart([(0, 0.02, None), (1, 0.09, None)], {}, None, "x").ticks
    assert [tick.words for tick in ticks] == ["0.02", "0.04", "0.06", "0.08", "0.10"]
    decades = chart([(0, 0.02, None), (1, 5.0, None)], {}, None, "x").ticks
    assert [tick.words for tick in decades] == ["0.01", "0.1", "1", "10"]
    assert all(math.isclose(a.y - b.y, ticks[0].y - ticks[1].y) for a, b in zip(ticks, ticks[1:], strict=False))
