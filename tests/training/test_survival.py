"""Trainings that are killed, stopped, or out of room: the same command goes on, and nothing is lost."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.base.test_locks import hold
from tests.conftest import TINY
from tests.training.killed_training import MOMENTS
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.runs.run import Run
from wavegan.training import previews

ROOT = Path(__file__).resolve().parents[2]
EVERY = 3  # steps between the checkpoints of `killed_training`


def training(drums, folder, backend, steps, *moment):
    """Run the training of `killed_training` in `folder`; returns its exit code."""
    words = [drums, folder / "run", steps, folder / "log", *moment]
    command = [sys.executable, "-m", "tests.training.killed_training", *map(str, words)]
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=300).returncode


def shown(run):
    """What TensorBoard has of a run, {(tag, step): [value]}; of the speed, which is the clock's, no values."""
    found = defaultdict(list)
    for path in Path(run).glob("events.out.tfevents.*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                kept = None if value.tag.startswith("speed/") else value.SerializeToString()
                found[value.tag, event.step].append(kept)
    return found


def moments(count, seed):
    """`count` moments to die at, of all kinds."""
    draw = random.Random(seed)
    kinds = [*MOMENTS, "time"]
    chosen = draw.sample(kinds * (count // len(kinds) + 1), count)
    return [(kind, draw.randrange(500) if kind == "time" else draw.randint(1, 4)) for kind in chosen]


def assert_survives(drums, folder, backend, steps, deaths):
    """A training that is killed at `deaths` loses an interval at most, and ends as one that was not killed."""
    run, log = Run(folder / "run"), folder / "log"
    for moment in deaths:
        code = 0 if moment[0] == "terminate" else -signal.SIGKILL
        assert training(drums, folder, backend, steps, *moment) == code, moment
        reached = int(log.read_text().split()[-1]) if log.exists() else 0
        kept = run.load_newest(warn=pytest.fail)[0] if run.exists() else 0
        assert kept >= reached - EVERY, moment
    assert training(drums, folder, backend, steps) == 0

    (folder / "straight").mkdir()
    assert training(drums, folder / "straight", backend, steps) == 0
    assert (folder / "straight" / "log").read_text().split() == [str(step) for step in range(1, steps + 1)]
    straight = Run(folder / "straight" / "run")
    arrays, expected = run.load(steps), straight.load(steps)
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    expected = shown(straight.path)
    assert shown(run.path) == expected  # nothing is lacking, nothing is there twice, and the values are the same
    assert {len(values) for values in expected.values()} == {1}
    assert {step for tag, step in expected if tag == "generated"} >= {0, 4, 10, steps}
    assert {step for tag, step in expected if tag == "critic/loss"} == {1, *range(10, steps + 1, 10)}
    made, wanted = ({path.relative_to(each.previews) for path in each.previews.rglob("*")} for each in (run, straight))
    assert made == wanted
    for path in straight.previews.rglob("*.*"):
        assert (run.previews / path.relative_to(straight.previews)).read_bytes() == path.read_bytes()


def test_a_training_that_is_killed_again_and_again_ends_as_if_never_killed(drums, tmp_path):
    """A restart lost whole runs of mazzzystar/WaveGAN-pytorch and Harmonai-org/sample-generator."""
    assert_survives(drums, tmp_path, "tensorflow", 120, [("terminate", 6), *moments(5, seed=1)])


@pytest.mark.slow
def test_thirty_kills_lose_nothing(drums, tmp_path):
    assert_survives(drums, tmp_path, "tensorflow", 900, moments(30, seed=2))


@pytest.mark.slow
def test_a_termination_ends_the_small_preset_within_10_seconds(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = [sys.executable, ROOT / "train_wavegan.py", "--preset", "small"]  # on the built-in kit
    process = subprocess.Popen(script, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    next(line for line in process.stderr if line.startswith("step 1 after"))
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 130
    run = Run(tmp_path / "runs" / "drums")
    assert run.latest() >= 2 and run.load_newest(warn=pytest.fail)[0] == run.latest()


def test_with_jax_too_a_killed_training_ends_as_if_never_killed(drums, tmp_path):
    pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[test]'")
    assert_survives(drums, tmp_path, "jax", 40, [("step", 8), ("savez", 3), ("terminate", 4), ("step", 9)])


@pytest.fixture
def continued(trained, tmp_path):
    """A copy of the run of 10 steps."""
    return Run(shutil.copytree(trained, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("limit", "words", "complaint"),
    [
        (100_000, ["--checkpoint-every", "12", "--preview-every", "1000"], r"checkpoint .*step-00000012.npz cannot be"),
        (20_000, ["--checkpoint-every", "1000", "--preview-every", "11"], r"preview .*step-00000011 cannot be written"),
        (3_000, ["--checkpoint-every", "1000", "--preview-every", "1000"], r"TensorBoard's events in .*copy cannot be"),
    ],
    ids=["checkpoint", "preview", "events"],
)
def test_a_full_disk_is_one_line_and_the_checkpoint_before_is_whole(
    continued, drums, room, capsys, monkeypatch, limit, words, complaint
):
    monkeypatch.setattr(previews, "EARLY_STEPS", ())  # of which one would be the first to find no room
    words = ["--data", str(drums), "--run", str(continued.path), "--steps", "90", *words]
    room(limit)
    code = train_command.main(words)
    room(-1)
    errors = capsys.readouterr().err
    assert code == 2 and "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert re.search(complaint, last)
    assert continued.load_newest(warn=pytest.fail)[0] == 10
    assert train_command.main(["--data", str(drums), "--run", str(continued.path), "--steps", "12"]) == 0
    assert continued.latest() == 12


def test_a_full_disk_at_the_very_start_is_one_line(drums, room, tmp_path, capsys):
    for limit in (0, 100, 10_000):
        room(limit)
        code = train_command.main(["--data", str(drums), "--run", str(tmp_path / "run"), "--steps", "2", *TINY])
        room(-1)
        errors = capsys.readouterr().err
        assert code == 2 and "Traceback" not in errors and errors.strip().splitlines()[-1].startswith("error: ")
    assert train_command.main(["--data", str(drums), "--run", str(tmp_path / "run"), "--steps", "2", *TINY]) == 0


def test_a_broken_newest_checkpoint_is_named_and_the_one_before_goes_on(continued, drums, capsys):
    path = continued.checkpoint_path(10)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert train_command.main(["--data", str(drums), "--run", str(continued.path), "--steps", "12"]) == 0
    errors = capsys.readouterr().err
    assert "step-00000010.npz is damaged (its checksum is another)" in errors
    assert "going on at step 8" in errors
    assert continued.steps() == [4, 8, 12]
    assert path.with_suffix(".damaged").exists()
    assert {len(values) for values in shown(continued.path).values()} == {1}


def test_a_flipped_bit_in_the_data_names_its_shard_and_record_and_the_run_is_whole(drums, tmp_path, capsys):
    """Nothing but the record's own checksum knows: file sizes and lengths are right."""
    data = shutil.copytree(drums, tmp_path / "data")
    shard = data / DatasetInfo.load(data).splits["train"]["files"][1]["name"]
    content = bytearray(shard.read_bytes())
    content[-200] ^= 1  # among the samples of its last record
    shard.write_bytes(content)
    words = ["--data", str(data), "--run", str(tmp_path / "run"), "--steps", "50", *TINY]
    assert train_command.main(words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"error: .*{shard.name} is damaged: record \d+ differs from its checksum", last)
    shutil.copy(drums / shard.name, shard)
    assert train_command.main([*words[:4], "--steps", "12"]) == 0
    assert Run(tmp_path / "run").latest() == 12


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_run_that_lost_all_checkpoints_never_starts_from_zero(continued, drums, capsys, harm):
    for step in continued.steps():
        path = continued.checkpoint_path(step)
        path.unlink() if harm == "gone" else path.write_bytes(path.read_bytes()[:-1])
    before = sorted(str(path) for path in continued.path.rglob("*"))
    assert train_command.main(["--data", str(drums), "--run", str(continued.path), "--steps", "12"]) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert ("all checkpoints of" in complaint) if harm == "damaged" else ("has no checkpoint any more" in complaint)
    after = sorted(str(path) for path in continued.path.rglob("*") if path.name != "lock")
    assert after == [path for path in before if not path.endswith("/lock")]


def test_a_run_that_lost_its_settings_never_starts_from_zero(continued, drums, capsys):
    continued.config_path.unlink()
    assert train_command.main(["--data", str(drums), "--run", str(continued.path), *TINY]) == 2
    assert "has checkpoints but has lost its config.json" in capsys.readouterr().err.splitlines()[-1]
    assert continued.steps() == [4, 8, 10]


def test_a_new_run_leaves_alone_what_is_in_its_folder(drums, tmp_path):
    theirs = tmp_path / "run" / "events.out.tfevents.1.somebody"
    theirs.parent.mkdir()
    theirs.write_bytes(b"")
    words = ["--data", str(drums), "--run", str(tmp_path / "run"), "--steps", "1", *TINY]
    assert train_command.main(words) == 0 and theirs.exists()


def test_two_trainings_in_one_run_directory(continued, drums, capsys):
    first = hold(continued.path)
    try:
        assert train_command.main(["--data", str(drums), "--run", str(continued.path), "--steps", "12"]) == 2
    finally:
        first.kill()
        first.communicate()
    assert f"is being trained by process {first.pid} on " in capsys.readouterr().err
    assert continued.latest() == 10


def test_another_run_s_weights_begin_a_new_run_on_other_data(trained, drums, drum_files, tmp_path, capsys):
    from tests.conftest import make

    other = tmp_path / "other data"
    make(drum_files / "kick", other, sample_rate=4000, length=1024)
    words = ["--data", str(other), "--finetune", str(trained), "--run", str(tmp_path / "tuned")]
    assert train_command.main([*words, "--steps", "1", "--critic-learning-rate", "1e-9"]) == 0
    assert train_command.main([*words, "--steps", "2"]) == 0
    tuned = Run(tmp_path / "tuned")
    assert tuned.config().finetuned_from == f"{trained.resolve()}, step 10"
    assert tuned.config().model.model_dim == 2 and tuned.config().model.critic_learning_rate == 1e-9
    begun, source = tuned.load(0), Run(trained).load(10)
    for name, array in source.items():
        if name.startswith(("generator/", "critic/", "sampler/")) and "seed" not in name:
            np.testing.assert_array_equal(begun[name], array, err_msg=name)
    assert begun["steps_before/000/steps"] == tuned.load(2)["steps_before/000/steps"] == 10  # how old its average is
    momenta = [name for name in begun if name.startswith("generator_optimizer/") and "momentum" in name]
    assert momenta and not any(begun[name].any() for name in momenta)
    assert train_command.main(["--data", str(other), "--run", str(trained)]) == 2
    assert "which differs" in capsys.readouterr().err


def test_weights_of_other_networks_are_no_start_and_no_run_begins(trained, drums, tmp_path, capsys):
    """As of a version whose networks were others: neither --finetune nor going on is a traceback."""
    old, new = Run(tmp_path / "old"), Run(tmp_path / "new")
    old.create(Run(trained).config())
    arrays = {name: array for name, array in Run(trained).load(10).items() if not name.startswith("critic/000")}
    old.save(10, arrays)
    words = ["--data", str(drums), "--finetune", str(old.path), "--run", str(new.path)]
    assert train_command.main(words) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: the weights of ") and "old, step 10 do not fit the networks" in line
    assert not new.exists()
    assert train_command.main(["--data", str(drums), "--run", str(old.path), "--steps", "12"]) == 2
    assert "does not fit" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("before", "after"), [([], ["--phase-shuffle", "0"]), (["--ema", "0"], ["--ema", "0.9"])])
def test_finetuning_takes_the_weights_whatever_else_differs(drums, tmp_path, capsys, before, after):
    """Seeds are counted among the weights, and one of the runs may have no averaged generator."""
    old, new = Run(tmp_path / "old"), Run(tmp_path / "new")
    assert train_command.main(["--data", str(drums), "--run", str(old.path), "--steps", "2", *TINY, *before]) == 0
    old.licence_path.write_text("Sounds of a friend.\n", encoding="utf-8")
    words = ["--data", str(drums), "--run", str(new.path), "--finetune", str(old.path), "--seed", "5", *after]
    assert train_command.main([*words, "--steps", "1"]) == 0
    assert new.licence == "Sounds of a friend."  # which goes with them
    shown = capsys.readouterr().err
    assert f"begins    with the weights of {old.path} at step 2\n" in shown
    source, begun = old.load(2), new.load(0)
    for network in ("generator", "critic", "sampler"):
        theirs = network if any(name.startswith(f"{network}/") for name in source) else "sampler"
        if not any(name.startswith(f"{network}/") for name in begun):
            continue
        taken = [a for name, a in begun.items() if name.startswith(f"{network}/") and "seed" not in name]
        given = [a for name, a in source.items() if name.startswith(f"{theirs}/") and "seed" not in name]
        assert len(taken) == len(given) > 2
        assert all(np.array_equal(one, other) for one, other in zip(taken, given, strict=True))
    assert not np.array_equal(begun["seed/000/seed_generator_state"], source["seed/000/seed_generator_state"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--run", "NEW", "--model-dim", "9"], "--model-dim is 2 in the run to start from. Received: 9"),
        ([], "--finetune needs the name of a new run with --run"),
        (["--run", "OLD"], "--finetune needs the name of a new run with --run"),
        (["--run", "NEW", "--finetune", "nowhere"], "nowhere is not a run"),
    ],
)
def test_finetuning_that_cannot_be_is_one_line(trained, drums, tmp_path, capsys, words, complaint):
    names = {"NEW": str(tmp_path / "new"), "OLD": str(trained)}
    words = ["--data", str(drums), "--finetune", str(trained), *[names.get(word, word) for word in words]]
    assert train_command.main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and complaint in lines[0]
    assert not (tmp_path / "new").exists()
