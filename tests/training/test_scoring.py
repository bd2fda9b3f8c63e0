"""Scores while a training goes on: what share of its time they take, when they come, and what stays of them."""

import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import TINY
from tests.evaluation.support import prepared_drums, scalars
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import train as train_command
from wavegan.evaluation.protocol import NOISE, TEST, WITHOUT_DISTANCES
from wavegan.evaluation.store import earlier
from wavegan.runs.run import Run
from wavegan.training import scoring


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A data set of three kinds of drums, some 60 of them held out."""
    return prepared_drums(tmp_path_factory.mktemp("kit") / "wav")


class Training:
    """`Evaluations` in a training without networks: a step takes 0.125 s of a clock that is set by hand.

    Args:
        cost: seconds that an evaluation takes.
        every: steps between evaluations.
        compiling: seconds that the very first one takes longer.
    """

    def __init__(self, monkeypatch, folder, cost, every, compiling=0.0):
        self.now, self.cost, self.compiling, self.said, self.at = 1000.0, cost, compiling, [], []
        monkeypatch.setattr(scoring, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(scoring, "save", lambda run, step, model, beside: self.at.append(step))
        monkeypatch.setattr(scoring, "add", lambda folder, step, method, scores: None)
        monkeypatch.setattr(scoring, "say", self.said.append)
        found = {"frechet_distance": {"mean": 1.0, "spread": None}}
        embedding = SimpleNamespace(short_name="x", name="x", classes=())
        evaluation = SimpleNamespace(
            references={TEST: found, NOISE: found}, embedding=embedding, method="x", ranked_by="x",
            named=lambda score: score.name, generated=self._generated, measure=lambda sounds: found,
        )  # fmt: skip
        best = lambda: self.at[0] if self.at else None  # noqa: E731
        run = SimpleNamespace(path=folder, levels=folder, steps=lambda: [], best=best, set_score=lambda *_: None)
        events = SimpleNamespace(scalars=lambda values, step: None)
        self.evaluations = scoring.Evaluations(run, events, evaluation, None, every, dict)
        self.evaluations.set_model(SimpleNamespace(step=0, sampler=lambda: None, stop_training=False))
        self.evaluations.on_train_begin()

    def _generated(self, sampler, latents, classes=None):
        self.now += self.cost + self.compiling
        self.compiling = 0.0

    def steps(self, count):
        for _ in range(count):
            self.now += 0.125
            self.evaluations.on_train_batch_end(0)
        return self

    def share(self):
        return self.evaluations.spent / (self.now - self.evaluations.started)


@pytest.mark.parametrize(("cost", "compiling"), [(2.0, 0.5), (2.0, 60.0), (0.3, 2.0), (8.0, 0.0)])
def test_evaluations_never_take_more_than_a_twentieth_of_the_time_and_hardly_less(
    monkeypatch, tmp_path, cost, compiling
):
    training = Training(monkeypatch, tmp_path, cost, every=10, compiling=compiling)
    for step in range(40_000):
        training.steps(1)
        assert training.share() <= 0.05, step
    assert training.at and training.share() == pytest.approx(0.05, rel=0.1)
    training.evaluations.on_train_end()
    assert re.fullmatch(rf"{len(training.at)} evaluations took (4\.[5-9]|5\.0)% of the time", training.said[-2])
    assert re.fullmatch(rf"best is step {training.at[0]}: .*generate.*--checkpoint best", training.said[-1])


def test_one_that_takes_twice_as_long_as_that_before_does_not_exceed_it_either(monkeypatch, tmp_path):
    training = Training(monkeypatch, tmp_path, cost=1.0, every=10)
    for step in range(4000):
        training.cost = 1.0 + len(training.at) % 2
        training.steps(1)
        assert training.share() <= 0.05, step
    assert len(training.at) > 10


def test_a_training_of_half_a_minute_gets_scores(monkeypatch, tmp_path):
    training = Training(monkeypatch, tmp_path, cost=0.4, every=10, compiling=3.0).steps(260)  # 0.8 s are 5 % of 16 s
    training.evaluations.on_train_end()
    assert training.at == [130, 190, 250]


def test_a_training_that_is_too_short_says_why_and_how_to_get_scores(monkeypatch, tmp_path):
    training = Training(monkeypatch, tmp_path, cost=2.0, every=10).steps(630)  # 79 s; 4 s are 5 % of 80 s
    training.evaluations.on_train_end()
    assert training.at == []
    assert training.said[-2] == "no evaluation was made yet: one takes about 2.0 s, all at most 5% of the time"
    assert re.fullmatch(r"scores now: .*evaluate.*--checkpoint all", training.said[-1])


def test_they_come_at_the_steps_that_were_asked_for(monkeypatch, tmp_path):
    training = Training(monkeypatch, tmp_path, cost=0.01, every=50).steps(1000)
    assert training.at == list(range(50, 1001, 50))
    assert not any("has to wait" in line for line in training.said)
    training = Training(monkeypatch, tmp_path, cost=2.0, every=50).steps(1700)
    assert training.at == [650, 950, 1250, 1600]  # one takes 2 s, which are 5 % of 320 steps


def test_why_they_have_to_wait_and_how_long_is_said_once(monkeypatch, tmp_path):
    training = Training(monkeypatch, tmp_path, cost=2.0, every=10, compiling=1.0).steps(10)
    assert training.said == [
        "quality   every 10 steps, where it fits into 5% of the time; it takes about 2.0 s",
        "quality at step 10 has to wait: an evaluation takes about 2.0 s, and all together may take 5% of the time. If "
        "the training goes on for so long, the next one comes in 1 min 20 s or a little later.",
    ]
    training.steps(2000)
    scored = [re.split("[:,]", line)[0] for line in training.said[2:]]
    assert scored == [f"quality at step {step}" for step in training.at] and len(scored) > 4


def test_a_training_that_is_stopped_does_not_wait_for_a_last_evaluation(monkeypatch, tmp_path):
    for stopped, at in ((True, [900]), (False, [900, 1500])):
        training = Training(monkeypatch, tmp_path, cost=2.0, every=900).steps(1500)
        training.evaluations.model.stop_training = stopped
        training.evaluations.on_train_end()
        assert training.at == at


def test_a_resumed_training_goes_on_with_its_scores(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "SHARE", math.inf)
    monkeypatch.setattr(scoring, "CLIPS", 60)
    data, run = prepared_drums(tmp_path / "wav"), Run(tmp_path / "run")
    flags = ["--data", str(data), "--run", str(run.path), *TINY, "--keep-checkpoints", "1"]
    assert train_command.main([*flags, "--steps", "10", "--evaluate-every", "5"]) == 0
    first = scalars(run.path, "quality/frechet_distance")
    kept = [(row["step"], row["method"]) for row in earlier(run.path / "evaluation" / "evaluation.json")]
    assert [step for step, _ in kept] == [5, 10] and len({method for _, method in kept}) == 1
    assert train_command.main(["--run", str(run.path), "--steps", "20"]) == 0  # the run knows that it is judged
    found = scalars(run.path, "quality/frechet_distance")
    assert list(found) == [5, 10, 15, 20] and first.items() <= found.items()
    assert list(scalars(run.path / "levels" / TEST, "quality/frechet_distance")) == [5, 10, 15, 20]
    best = min(found, key=found.get)
    assert run.best() == best and len(run.steps()) <= 2  # where the last one is the best, that before was until then
    assert {best, 20} <= set(run.steps())
    capsys.readouterr()
    assert train_command.main(["--run", str(run.path), "--steps", "25", "--evaluate-every", "0"]) == 0
    assert "quality" not in capsys.readouterr().err and run.best() == best


def test_scores_of_a_training_and_those_of_evaluate_are_two_methods_and_choose_one_best(
    kit, tmp_path, monkeypatch, capsys
):
    """The first ones are without distances. In a file of version 0.1 they have the text of the others."""
    monkeypatch.setattr(scoring, "SHARE", math.inf)
    monkeypatch.setattr(scoring, "CLIPS", 60)
    run = Run(tmp_path / "run")
    flags = ["--data", str(kit), "--run", str(run.path), *TINY, "--steps", "8", "--evaluate-every", "4"]
    assert train_command.main(flags) == 0
    path = run.path / "evaluation" / "evaluation.json"
    for older in (False, True):
        if older:
            path.write_text(path.read_text().replace(WITHOUT_DISTANCES, ""))
        assert evaluate_command.main(["--run", str(run.path), "--checkpoint", "8", "--n", "60"]) == 0
        report = json.loads(path.read_text())
        assert [(row["step"], "d_self" in row["scores"]) for row in report["checkpoints"]] == [(8, True)]
        assert [(row["step"], "d_self" in row["scores"]) for row in report["others"]] == [(4, False), (8, False)]
        assert len({row["method"] for row in [*report["checkpoints"], *report["others"]]}) == 2
        distances = {row["step"]: row["scores"]["frechet_distance"]["mean"] for row in report["others"]}
        assert report["best_step"] == run.best() == min(distances, key=distances.get)
    # The distance that ranks them is one number in both.
    assert report["checkpoints"][0]["scores"]["frechet_distance"]["mean"] == pytest.approx(distances[8])
    assert [len(scores) for scores in run._scores()] == [2]


def test_too_few_recordings_are_reported_before_there_is_a_run(drum_files, tmp_path, capsys):
    from preprocess.convert import prepare
    from preprocess.options import Options

    prepare([str(drum_files)], tmp_path / "few", Options(sample_rate=4000, length=1024, slices="first", workers=1))
    flags = ["--data", str(tmp_path / "few"), "--run", str(tmp_path / "run"), *TINY, "--evaluate-every", "5"]
    for more in ([], ["--dry-run"]):
        assert train_command.main([*flags, *more]) == 2
        errors = capsys.readouterr().err.splitlines()
        assert re.search(r"few has 2\d training clips: expected 50 or more to compare sounds with", errors[-1])
    assert not (tmp_path / "run").exists()


def test_evaluations_keep_the_best_checkpoint_and_do_not_change_the_training(kit, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "SHARE", math.inf)
    monkeypatch.setattr(scoring, "CLIPS", 60)
    path, plain = tmp_path / "judged", tmp_path / "plain"
    flags = ["--data", str(kit), "--steps", "40", *TINY, "--checkpoint-every", "100"]
    assert train_command.main([*flags, "--run", str(path), "--evaluate-every", "5"]) == 0
    printed = capsys.readouterr().err
    quality = r"quality at step \d+.*FD \(own classifier\) [\d.]+ \(test data [\d.]+, white noise [\d.]+\)"
    assert len(re.findall(quality, printed)) == 8
    assert re.search(r"8 evaluations took [\d.]+% of the time", printed)
    found = scalars(path, "quality/frechet_distance")
    assert list(found) == [5, 10, 15, 20, 25, 30, 35, 40]
    assert Run(path).best() == min(found, key=found.get) and Run(path).best() in Run(path).steps()
    assert len(set(scalars(path / "levels" / "test data", "quality/frechet_distance").values())) == 1

    assert train_command.main([*flags, "--run", str(plain)]) == 0
    for name, array in Run(plain).load(40).items():
        np.testing.assert_array_equal(Run(path).load(40)[name], array)


def test_evaluations_wait_until_they_are_a_twentieth_of_the_time(kit, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "CLIPS", 60)
    flags = ["--data", str(kit), "--run", str(tmp_path / "run"), "--steps", "10", *TINY, "--evaluate-every", "1"]
    assert train_command.main(flags) == 0
    printed = capsys.readouterr().err
    # Compiling counts as time of the training, so that there may be one; how much they take, a set clock tells.
    assert re.search(r"evaluations? took [\d.]+% of the time|no evaluation was made yet: one takes about", printed)
    assert printed.count("has to wait") == 1
