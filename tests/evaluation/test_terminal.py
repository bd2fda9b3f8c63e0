"""The tables in the terminal."""

from types import SimpleNamespace

import numpy as np
import pytest

from wavegan.evaluation import terminal
from wavegan.evaluation.judge.recordings import Real
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [
        (12.345, None, "12.3"),
        (12.345, 0.0, "12.3 ± 0"),
        (0.5, 0.0123, "0.5 ± 0.012"),
        (123.4, 99.7, "123 ± 100"),
        (-1234567.8, None, "-1,234,568"),
        (-0.0012345, None, "-0.0012"),
        (0.00002, None, "0"),
        (-0.00002, None, "0"),
        (0.00006, None, "0.0001"),
        (999.96, None, "1,000"),
    ],
)
def test_a_figure_has_the_digits_that_count(mean, spread, shown):
    assert terminal.text({"mean": mean, "spread": spread}) == shown


def test_the_tables_have_a_column_for_every_set_in_their_order():
    def scored(number):
        return {"mean": number, "spread": None}

    values = {NOISE: scored(3.0), GENERATED: scored(1.0)}
    report = {
        "sets": [GENERATED, TEST, NOISE],
        "scores": [{"key": "recall", "name": "recall", "better": "higher", "values": values}],
        "checkpoints": [{"step": step, "scores": {"recall": scored(step / 4000)}} for step in (1000, 2000)],
        "step": 2000,
        "best_step": 1000,
        "histogram": {GENERATED: {"kick": 0.25, "tom": 0.75}, NOISE: {"kick": 1.0, "tom": 0.0}},
    }
    assert [line.split() for line in terminal.table(report).splitlines()] == [
        ["generated", "test", "data", "white", "noise"], ["recall,", "higher", "1", "–", "3"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.curve(report).splitlines()] == [
        ["step", "recall"], ["1,000", "0.25", "best"], ["2,000", "0.5"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.shares(report).splitlines()] == [
        ["class", "generated", "white", "noise"], ["kick", "25.0%", "100.0%"], ["tom", "75.0%", "0.0%"]
    ]  # fmt: skip
    assert terminal.shares({"histogram": {}}) == ""


def test_a_classifier_is_described_by_the_held_out_clips_it_was_tried_on():
    held = {"train": Real(np.empty((90, 2)), None), "test": Real(np.empty((40, 2)), None)}
    for accuracy, words in ((0.975, "right about 97.5% of 40 "), (0.0, "right about 0.0% of 40 "), (None, "never tri")):
        known = SimpleNamespace(name="judge", classes=("a", "b"), test_accuracy=accuracy, real=held)
        assert words in terminal.described(known)
    assert terminal.described(SimpleNamespace(name="judge", classes=())) == "judge"
