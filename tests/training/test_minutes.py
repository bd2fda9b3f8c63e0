"""A training for so many minutes is one of so many steps: measured first, and then like any other."""

import pytest

from tests.conftest import TINY
from wavegan.cli import train as train_command
from wavegan.runs.run import Run
from wavegan.training import speed


@pytest.fixture
def quickly(monkeypatch):
    """The clock says that a step takes half a second."""
    monkeypatch.setattr(speed.StepClock, "seconds_per_step", property(lambda self: 0.5))
    monkeypatch.setattr(speed, "STEPS_MEASURED", 2)


def train(drums, run, *flags):
    return train_command.main(["--data", str(drums), "--run", str(run), *TINY, *flags])


def test_minutes_become_steps_and_change_nothing_else(drums, tmp_path, quickly, capsys):
    timed, counted = Run(tmp_path / "timed"), Run(tmp_path / "counted")
    assert train(drums, timed.path, "--minutes", "0.05", "--deterministic") == 0
    steps = timed.config().training.steps
    assert steps == 5  # of 0.05 minutes, some are for previews and checkpoints
    assert "0.05 minutes are about 5 steps here (2 steps/s)" in capsys.readouterr().err
    assert train(drums, counted.path, "--steps", "5", "--deterministic") == 0
    one, other = (run.load(5) for run in (timed, counted))
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(("minutes", "most"), [("0.5", 3), ("3", 18), ("60", 30)])
def test_measuring_takes_a_tenth_of_the_time_at_most(drums, tmp_path, quickly, monkeypatch, minutes, most):
    clocks, begin = [], speed.StepClock.__init__
    monkeypatch.setattr(speed.StepClock, "__init__", lambda clock, *most: clocks.append(most) or begin(clock, *most))
    assert train(drums, tmp_path / "dry", "--minutes", minutes, "--dry-run") == 0
    assert clocks[0] == (pytest.approx(most),)


def test_a_run_goes_on_for_minutes_more_and_without_them_to_its_last_step(drums, tmp_path, quickly, capsys):
    run = Run(tmp_path / "run")
    assert train(drums, run.path, "--steps", "2") == 0
    assert train_command.main(["--run", str(run.path), "--minutes", "0.025"]) == 0
    assert run.latest() == run.config().training.steps == 2 + 3
    assert train_command.main(["--run", str(run.path)]) == 0
    assert run.latest() == 5


def test_hours_are_sixty_minutes_and_steps_do_not_go_with_them(drums, tmp_path, quickly, capsys):
    assert train(drums, tmp_path / "dry", "--hours", "0.5", "--dry-run") == 0
    assert "30 minutes are about 3,240 steps here" in capsys.readouterr().err
    assert train(drums, tmp_path / "dry", "--minutes", "1", "--steps", "3") == 2
    assert "--steps does not go with --minutes and --hours" in capsys.readouterr().err
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize(("flags", "there"), [(["--conditional", "yes"], True), (["--networks", "paper"], False)])
def test_a_training_says_what_to_expect_when_where_that_was_measured(drums, tmp_path, capsys, flags, there):
    assert train(drums, tmp_path / "dry", *flags, "--dry-run") == 0
    assert ("expect    of the built-in kit's drums 90 % are recognised" in capsys.readouterr().err) == there
