"""What version 0.1 made goes on: a run with config.json of format 1, its checkpoint, and its data set of format 2."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.runs.run import Run

KEPT = Path(__file__).resolve().parents[1] / "data_of_0_1"
EXPECTED = KEPT / "expected"  # the previews of step 8, where version 0.1 itself trained on from step 4 to step 8


@pytest.fixture
def old(tmp_path):
    """The run at step 4, and its data set, in a place where they may change."""
    shutil.copytree(KEPT / "run", tmp_path / "run")
    shutil.copytree(KEPT / "drums", tmp_path / "drums")
    return Run(tmp_path / "run"), tmp_path / "drums"


def clips(folder):
    return np.stack([soundfile.read(path, dtype="int16")[0] for path in sorted(folder.glob("*.wav"))]).astype(int)


def test_a_run_goes_on_as_it_would_have_with_the_version_that_made_it(old, capsys):
    """To rounding: other processors and numbers of cores add up in other orders, the same ones give the same bits."""
    run, data = old
    assert train_command.main(["--data", str(data), "--run", str(run.path), "--steps", "8"]) == 0
    assert "going on at step 4" in capsys.readouterr().err
    preview = clips(run.previews / "step-00000008")
    assert preview.shape == (8, 256) and np.abs(preview - clips(EXPECTED)).max() <= 2  # of 32,768
    assert np.abs(preview - clips(run.previews / "step-00000004")).max() > 100  # it learned something in between
    assert json.loads(run.config_path.read_text())["format"] == 2 and run.config().training.steps == 8
    assert {name.split("/")[0] for name in run.load(8)} == {
        "sampler", "generator", "critic", "generator_optimizer", "critic_optimizer", "seed", "steps_before",
        "previews", "logs",
    }  # fmt: skip


def test_its_previews_are_made_again_and_varied(old, tmp_path, capsys):
    run, _ = old
    preview = run.previews / "step-00000004"
    assert generate_command.main(["--from", str(preview), "--out", str(tmp_path / "again")]) == 0
    assert np.abs(clips(tmp_path / "again") - clips(preview)).max() <= 1
    words = ["--around", str(preview / "03.wav"), "--n", "2", "--out", str(tmp_path / "around")]
    assert generate_command.main(words) == 0
    assert "note" not in capsys.readouterr().out


def test_it_is_evaluated_on_its_own_data(old, capsys):
    run, data = old
    assert evaluate_command.main(["--run", str(run.path), "--data", str(data), "--n", "50"]) == 0
    report = json.loads((run.path / "evaluation" / "evaluation.json").read_text())
    assert report["step"] == 4 and report["best_step"] == 4
    assert not any("not the recordings that the run was trained on" in note for note in report["notes"])


def test_another_run_starts_from_its_weights(old, tmp_path):
    run, data = old
    words = ["--data", str(data), "--finetune", str(run.path), "--run", str(tmp_path / "tuned"), "--steps", "1"]
    words += ["--keep-checkpoints", "2"]
    assert train_command.main(words) == 0
    begun = Run(tmp_path / "tuned").load(0)
    assert begun["steps_before/000/steps"] == 4
    with np.load(run.checkpoint_path(4)) as source:
        for name in source.files:
            if name.startswith(("averaged_generator/", "critic/", "generator/")) and "seed" not in name:
                same = begun[name.replace("averaged_generator/", "sampler/")]
                np.testing.assert_array_equal(same, source[name], err_msg=name)


def test_a_setting_that_a_run_keeps_is_still_kept(old, capsys):
    run, data = old
    assert train_command.main(["--data", str(data), "--run", str(run.path), "--model-dim", "9"]) == 2
    assert "--model-dim was 2 when this run was made. Received: 9" in capsys.readouterr().err
