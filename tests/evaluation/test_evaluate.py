"""The command that evaluates a run: what it scores, says and leaves behind, and what it refuses."""

import json
import re
import shutil
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from preprocess import drumkit
from preprocess.convert import prepare
from preprocess.options import Options
from tests.conftest import TINY
from tests.evaluation.page.support import sounds
from tests.evaluation.support import (
    LENGTH,
    RATE,
    mean,
    prepared_drums,
    scalars,
)
from wavegan.audio.wav import write_wav
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import train as train_command
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN
from wavegan.runs.run import Run


def test_all_checkpoints_are_scored_and_the_best_is_found(kit, run, capsys):
    flags = ["--run", str(run), "--checkpoint", "all", "--n", "60"]
    assert evaluate_command.main(flags) == 0
    printed, told = capsys.readouterr()
    assert told.startswith(f"scoring sounds of run {run} beside the recordings of {kit}, which takes a while …")
    assert "right about" in printed and "white noise" in printed and "FD (own classifier), lower" in printed
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert [row["step"] for row in report["checkpoints"]] == [0, 4, 8]
    distances = {row["step"]: mean(row["scores"], "frechet_distance") for row in report["checkpoints"]}
    assert set(report["histogram"]) == {GENERATED, TEST, TRAIN, NOISE} and "class" in printed
    assert report["best_step"] == report["step"] == Run(run).best() == min(distances, key=distances.get)
    for score in report["scores"]:
        assert set(score["values"]) == {GENERATED, TEST, TRAIN, NOISE}, score["key"]
    page = (run / "evaluation" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("<audio") + page.count("data:audio") > 50
    logged = scalars(run / "evaluation" / GENERATED, "quality/frechet_distance")
    assert logged == pytest.approx(distances, rel=1e-5)

    evaluate_command.main(flags)
    assert json.loads((run / "evaluation" / "evaluation.json").read_text())["scores"] == report["scores"]
    assert scalars(run / "evaluation" / GENERATED, "quality/frechet_distance") == logged


def test_what_was_evaluated_before_stays_on_the_curve(run, capsys):
    for step in ("4", "8"):
        assert evaluate_command.main(["--run", str(run), "--checkpoint", step, "--n", "60"]) == 0
    steps = [row["step"] for row in json.loads((run / "evaluation" / "evaluation.json").read_text())["checkpoints"]]
    assert steps == [4, 8]
    evaluate_command.main(["--run", str(run), "--checkpoint", "8", "--n", "61", "--seed", "1"])  # these do not compare
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    steps, kept = ([row["step"] for row in report[key]] for key in ("checkpoints", "others"))
    assert (steps, kept) == ([8], [4, 8])
    evaluate_command.main(["--run", str(run), "--checkpoint", "8", "--n", "60"])
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert [len(report[key]) for key in ("checkpoints", "others")] == [2, 1]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--checkpoint", "best"], "has a score"),
        (["--checkpoint", "7"], "no checkpoint of step 7"),
        (["--checkpoint", "newest"], "must be latest, best"),
        (["--n", "10"], "must be a whole number of 50 or more"),
        (["--data", "nowhere"], "no data set in nowhere"),
    ],
)
def test_a_wrong_flag_is_one_line(run, flags, complaint, capsys):
    with pytest.raises(SystemExit) if flags[0] == "--n" else nullcontext() as stopped:
        code = evaluate_command.main(["--run", str(run), *flags])
    assert (stopped.value.code if flags[0] == "--n" else code) == 2
    assert complaint in capsys.readouterr().err


def test_another_kind_of_data_and_too_few_recordings_are_reported(kit, run, trained, drum_files, tmp_path, capsys):
    prepare([str(drum_files)], tmp_path / "other", Options(sample_rate=RATE, length=4096, slices="first", workers=1))
    assert evaluate_command.main(["--run", str(run), "--data", str(tmp_path / "other")]) == 2
    assert "has length 4096" in capsys.readouterr().err
    assert evaluate_command.main(["--run", str(trained)]) == 2
    assert re.search("has 2[0-9] training clips: expected 50 or more", capsys.readouterr().err)


def test_a_checkpoint_that_vanishes_or_is_damaged_is_passed_over(run, capsys):
    path = Run(run).checkpoint_path(4)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    assert evaluate_command.main(["--run", str(run), "--checkpoint", "all", "--n", "50"]) == 0
    assert "passed over" in capsys.readouterr().err
    assert [row["step"] for row in json.loads((run / "evaluation" / "evaluation.json").read_text())["checkpoints"]] == [
        0,
        8,
    ]


def test_scores_of_another_method_do_not_choose_the_best(run):
    run = Run(run)
    run.set_score(0, -5.0, "many")
    run.set_score(4, -4.0, "many")
    run.set_score(8, -6.0, "many")
    run.set_score(8, 99.0, "few")
    assert run.best() == 4
    for step in (0, 4, 8):
        run.set_score(step, step / 10, "as many, later")
    assert run.best() == 8


def test_the_best_by_every_method_stays(run):
    run = Run(run, keep=1)
    run.set_score(0, 1.0, "few")
    for step in (4, 8):
        run.set_score(step, step / 10, "many")
    run.save(9, run.load(8))
    assert run.steps() == [0, 8, 9]


def test_other_recordings_than_those_of_the_training_are_reported_and_give_no_score(run, tmp_path, capsys):
    other = prepared_drums(tmp_path / "wav", ("kick", "tom"))
    assert evaluate_command.main(["--run", str(run), "--data", str(other), "--n", "50"]) == 0
    printed = capsys.readouterr().out
    assert "note: These are not the recordings that the run was trained on" in printed
    assert "Did it memorise? Unknown" in printed and Run(run).best() is None
    assert "Which checkpoint is best? No checkpoint has a score: that takes the recordings" in printed
    # What is known by the run's own recordings stays as it is.
    assert (run / "evaluation by data" / "evaluation.html").exists() and not (run / "evaluation").exists()


def test_a_data_set_that_is_gone_is_reported_with_the_flag_that_helps(run, tmp_path, capsys):
    config = Run(run).config()
    replace(config, data=replace(config.data, directory=str(tmp_path / "moved"))).save(run / "config.json")
    assert evaluate_command.main(["--run", str(run)]) == 2
    assert re.search("moved, the data set of .*, is not there any more. Give it with --data", capsys.readouterr().err)


def test_a_folder_that_cannot_be_made_is_reported_before_the_work(run, monkeypatch, capsys):
    (run / "evaluation").write_text("in the way")
    monkeypatch.setattr("wavegan.evaluation.evaluate.Evaluation", lambda *_, **__: pytest.fail("worked first"))
    assert evaluate_command.main(["--run", str(run)]) == 2
    assert "evaluation cannot be written" in capsys.readouterr().err


def test_sounds_that_are_not_finite_are_passed_over_or_reported(run, capsys):
    arrays = Run(run).load(8)
    broken = {name: np.full_like(array, np.inf) if "sampler/" in name else array for name, array in arrays.items()}
    Run(run).save(8, broken)
    assert evaluate_command.main(["--run", str(run), "--checkpoint", "all", "--n", "50"]) == 0
    assert "step 8 passed over: the checkpoint makes sounds that are not finite" in capsys.readouterr().err
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: the checkpoint makes sounds that are not finite")


def test_a_missing_shard_of_held_out_clips_is_reported(kit, run, tmp_path, capsys):
    data = shutil.copytree(kit, tmp_path / "data")
    next(data.glob("test-*.tfrecord")).unlink()
    assert evaluate_command.main(["--run", str(run), "--data", str(data)]) == 2
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err.splitlines()[-1]


def test_a_stereo_run_is_scored_and_its_page_is_stereo(tmp_path, capsys):
    random = np.random.default_rng(0)
    (tmp_path / "wav").mkdir()
    for index in range(80):
        drum = drumkit.render("tom", index, RATE)[:, None] * [1, random.uniform(0.1, 0.9)]
        write_wav(tmp_path / "wav" / f"{index}.wav", drum.astype("float32"), RATE)
    prepare([str(tmp_path / "wav")], tmp_path / "data",
            Options(sample_rate=RATE, length=LENGTH, channels=2, slices="first", workers=1))  # fmt: skip
    run = tmp_path / "run"
    assert train_command.main(["--data", str(tmp_path / "data"), "--run", str(run), "--steps", "1", *TINY]) == 0
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 0, capsys.readouterr().err
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert report["config"]["channels"] == 2 and {score["key"] for score in report["scores"]} >= {"recall", "d_train"}
    shown = sounds((run / "evaluation" / "evaluation.html").read_text(encoding="utf-8"))
    assert len(shown) > 50 and all(samples.shape == (LENGTH, 2) and rate == RATE for samples, rate in shown)
    assert any((samples[:, 0] != samples[:, 1]).any() for samples, _ in shown)
