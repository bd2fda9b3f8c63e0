"""The tables in the terminal."""

from types import SimpleNamespace

import numpy as np
import pytest

from wavegan.evaluation import terminal
from wavegan.evaluation.judge.recordings import Real
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN


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
    assert [line.split() for line in terminal.table(report)] == [
        ["generated", "test", "data", "white", "noise"], ["recall,", "higher", "1", "–", "3"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.curve(report)] == [
        ["step", "recall"], ["1,000", "0.25", "best"], ["2,000", "0.5"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.shares(report)] == [
        ["class", "generated", "white", "noise"], ["kick", "25.0%", "100.0%"], ["tom", "75.0%", "0.0%"]
    ]  # fmt: skip
    assert terminal.shares({"histogram": {}}) == []


def test_a_classifier_is_described_by_the_held_out_clips_it_was_tried_on():
    held = {"train": Real(np.empty((90, 2)), None), "test": Real(np.empty((40, 2)), None)}
    for accuracy, words in ((0.975, "right about 97.5% of 40 "), (0.0, "right about 0.0% of 40 "), (None, "never tri")):
        known = SimpleNamespace(name="judge", classes=("a", "b"), test_accuracy=accuracy, real=held)
        assert words in terminal.described(known)
        assert ("a weak judge" in terminal.described(known)) == (accuracy == 0.0)
    assert terminal.described(SimpleNamespace(name="judge", classes=())) == "judge"


def test_of_many_classes_the_terminal_shows_the_dozen_farthest_from_the_recordings_and_the_dozen_nearest():
    classes = [f"class {number:03d}" for number in range(500)]
    random = np.random.default_rng(0)
    made, train, test = (random.dirichlet(np.ones(500)) for _ in range(3))
    histogram = {
        name: dict(zip(classes, values, strict=True))
        for name, values in ((GENERATED, made), (TEST, test), (TRAIN, train))
    }
    lines = terminal.shares({"histogram": histogram})
    order = np.argsort(-np.abs(made - train))
    shown = [line[:9] for line in lines if line[6:9].isdigit()]
    assert shown == [classes[number] for number in [*order[:12], *order[:-13:-1]]] and len(lines) == 27
    assert lines[0] == "of 500 classes the 12 whose share is farthest from that of the train data"
    assert lines[14].endswith("all of them are in evaluation.json and on the page")
    few = {name: dict(list(shares.items())[:24]) for name, shares in histogram.items()}
    assert [line[:9] for line in terminal.shares({"histogram": few})[1:]] == classes[:24]


def test_a_score_that_an_earlier_file_lacks_is_a_dash():
    rows = [{"step": step, "scores": {"recall": {"mean": 0.5, "spread": None}}} for step in (1, 2)]
    rows[1]["scores"]["d_self"] = {"mean": 0.25, "spread": None}
    scores = [{"key": key, "name": key} for key in ("recall", "d_self")]
    lines = terminal.curve({"checkpoints": rows, "scores": scores, "best_step": None})
    assert [line.split() for line in lines] == [["step", "recall", "d_self"], ["1", "0.5", "–"], ["2", "0.5", "0.25"]]


def test_the_name_of_a_class_cannot_move_what_stands_beside_it():
    shares = {"kick\n\x1b[2J": 0.25, "tom": 0.75}
    lines = terminal.shares({"histogram": {GENERATED: shares}})
    assert [line.split() for line in lines[1:]] == [["kick\\n\\x1b[2J", "25.0%"], ["tom", "75.0%"]]
    assert len({len(line) for line in lines}) == 1
