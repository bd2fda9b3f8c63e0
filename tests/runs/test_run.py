import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from wavegan.base.errors import UserError
from wavegan.models.gan.family import GAN
from wavegan.runs import checkpoint
from wavegan.runs.flags import resolve
from wavegan.runs.run import Damaged, Run, newest_run

ARRAYS = {"generator/000/kernel": np.arange(6.0).reshape(2, 3), "critic/000/kernel": np.ones(4, "uint32")}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "a run")
    run.create(resolve({}, GAN, gpu=True))
    return run


def test_a_checkpoint_comes_back_as_it_was(run):
    run.save(12, ARRAYS)
    loaded = run.load(12)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert list(run.load(12, prefix="generator/")) == ["generator/000/kernel"]


def test_the_newest_checkpoints_are_kept(run):
    for step in (5, 900, 1000, 20_000, 100_000_000):
        run.save(step, ARRAYS)
    assert run.steps() == [1000, 20_000, 100_000_000]
    assert run.latest() == 100_000_000


def test_only_checkpoints_count_as_checkpoints(run):
    run.save(7, ARRAYS)
    (run.checkpoints / "step-00000009.partial").write_bytes(b"")
    (run.checkpoints / "notes.txt").write_text("mine")
    assert run.steps() == [7]


def damage(path, where):
    data = bytearray(path.read_bytes())
    data[where] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("harm", ["truncated", "flipped", "empty", "text"])
def test_a_damaged_checkpoint_is_named_with_the_others(run, harm):
    run.save(3, ARRAYS)
    run.save(6, ARRAYS)
    path = run.checkpoint_path(6)
    if harm == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    elif harm == "flipped":
        damage(path, 150)  # in the first array's data
    else:
        path.write_bytes(b"" if harm == "empty" else b"hello")
    with pytest.raises(Damaged, match=r"step-00000006.npz is damaged.*Others are those of these steps: 3\."):
        run.load(6)
    assert run.load(3).keys() == ARRAYS.keys()
    lines = []
    assert run.load_newest(warn=lines.append)[0] == 3
    assert (
        "step-00000006.npz is damaged" in lines[0] and lines[1] == "warning: the checkpoint of step 3 is used instead"
    )


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", '{"format": 2, "step": 6, "bytes": 1, "sha256": ""}', "[" * 100_000]
)
def test_a_checkpoint_whose_checksum_is_lost_is_damaged(run, text):
    run.save(6, ARRAYS)
    facts = run.checkpoint_path(6).with_suffix(".json")
    facts.unlink() if text is None else facts.write_text(text)
    with pytest.raises(Damaged, match="step-00000006.npz is damaged"):
        run.load(6)
    assert run.best() is None


def test_a_checkpoint_under_another_step_s_name_is_damaged(run):
    for step in (3, 6):
        run.save(step, ARRAYS)
    for suffix in (".npz", ".json"):
        os.replace(run.checkpoint_path(3).with_suffix(suffix), run.checkpoint_path(6).with_suffix(suffix))
    with pytest.raises(Damaged, match="step-00000006.npz is damaged .it is that of step 3"):
        run.load(6)


def test_every_bit_of_a_checkpoint_counts(run):
    run.save(3, ARRAYS)
    path = run.checkpoint_path(3)
    whole = path.read_bytes()
    for where in np.random.default_rng(0).integers(0, len(whole), 50):
        damage(path, where)
        with pytest.raises(Damaged):
            run.load(3)
        path.write_bytes(whole)
    assert run.load(3).keys() == ARRAYS.keys()


def test_all_checkpoints_damaged_or_gone_is_an_error_that_says_so(run):
    for step in (3, 6):
        run.save(step, ARRAYS)
        run.checkpoint_path(step).write_bytes(b"")
    with pytest.raises(UserError, match="all checkpoints of .* are damaged .3, 6."):
        run.load_newest(warn=lambda line: None)
    for step in (3, 6):
        run.set_aside(step)
    with pytest.raises(UserError, match="has no checkpoint any more. Put back a copy"):
        run.load_newest()


def test_a_checkpoint_that_reads_back_otherwise_is_not_kept(run, monkeypatch):
    """A disk or memory that changes bits is noticed while the arrays are still there."""
    run.save(3, ARRAYS)
    original = np.savez
    flipped = {name: array + 1 for name, array in ARRAYS.items()}
    monkeypatch.setattr(np, "savez", lambda file, **arrays: original(file, **flipped))
    with pytest.raises(UserError, match="cannot be written .what was read back differs"):
        run.save(6, ARRAYS)
    assert run.steps() == [3] and sorted(run.load(3)) == sorted(ARRAYS)


def test_one_checkpoint_that_was_compared_with_nothing_is_not_the_best(run):
    for step in (2, 4):
        run.save(step, ARRAYS)
    run.set_score(2, -30.0, "while training, best of many that are gone")
    run.set_score(4, -20.0, "afterwards")
    assert run.best() == 2
    run.set_score(2, -10.0, "afterwards")
    run.set_score(4, -5.0, "afterwards")
    assert run.best() == 4  # this method compared two


def test_scores_that_two_set_at_once_are_all_kept(run):
    run.save(1, ARRAYS)
    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda number: run.set_score(1, float(number), f"method {number}"), range(40)))
    assert len(checkpoint.read_facts(run.checkpoint_path(1))["scores"]) == 40


def test_the_best_checkpoint_stays(run):
    assert run.best() is None
    with pytest.raises(ValueError, match="Expected a finite score. Received: nan"):
        run.set_score(1, float("nan"), "x")
    for step in (1, 2, 3, 4, 5, 6):
        run.save(step, ARRAYS)
        if step in (2, 3):
            run.set_score(step, 10.0 - step, "x")
    assert run.steps() == [2, 4, 5, 6] and run.best() == 2
    assert run.load(2).keys() == ARRAYS.keys()
    assert {path.suffix for path in run.checkpoints.glob("[!.]*")} == {".npz", ".json"}
    assert len(list(run.checkpoints.glob("[!.]*"))) == 8


def test_what_a_killed_process_left_is_cleared_away(run):
    for name in ("step-00000009.partial", "step-00000009.json", "step-00000009.json.partial"):
        (run.checkpoints / name).write_text("{")
    run.save(12, ARRAYS)
    assert sorted(path.name for path in run.checkpoints.glob("[!.]*")) == ["step-00000012.json", "step-00000012.npz"]


TRAIN = """
import sys
import numpy as np
from wavegan.runs.run import Run
run = Run(sys.argv[1])
for step in range(1, 41):
    run.save(step, {"weight": np.zeros(9)})
    run.set_score(step, 1.0, "256 clips")
"""


def test_a_training_and_an_evaluation_that_keep_scores_at_once_lose_none(run):
    """A checkpoint may be dropped meanwhile; nothing else may go wrong, and what one writes the other keeps."""
    root = Path(__file__).resolve().parents[2]
    training = subprocess.Popen([sys.executable, "-c", TRAIN, run.path], cwd=root)
    ended = False
    while not ended:
        ended = training.poll() is not None  # and then once more
        for step in run.steps():
            try:
                run.set_score(step, 2.0, "2048 clips")
            except UserError as problem:
                assert "which holds its checksum, is missing" in str(problem)
            time.sleep(0.01)  # whoever waits for the lock looks every 0.02 s
    assert training.returncode == 0 and len(run.steps()) >= 3
    facts = [checkpoint.read_facts(run.checkpoint_path(step)) for step in run.steps()]
    assert [set(found["scores"]) for found in facts] == [{"256 clips", "2048 clips"}] * len(facts)
    assert not [path for path in run.checkpoints.iterdir() if path.suffix == ".partial"]


def test_a_checkpoint_that_a_training_drops_meanwhile_is_missing_and_not_damaged(run, monkeypatch):
    read = checkpoint.read

    def after_the_training(path, step, prefix):
        if step < 4:
            run.save(4, ARRAYS)
        return read(path, step, prefix)

    run.keep = 1
    run.save(3, ARRAYS)
    monkeypatch.setattr(checkpoint, "read", after_the_training)
    with pytest.raises(UserError, match="has no checkpoint of step 3. It has: 4") as error:
        run.load(3)
    assert not isinstance(error.value, Damaged)
    run.checkpoint_path(4).unlink()
    run.save(3, ARRAYS)
    assert run.load_newest(warn=pytest.fail)[0] == 4


def test_a_checkpoint_that_would_run_code_is_refused(run, monkeypatch):
    monkeypatch.setattr(checkpoint, "_compare", lambda path, arrays: None)  # which would refuse to write it
    run.save(1, {"generator/000/kernel": np.array([print], object)})
    with pytest.raises(Damaged, match="is damaged .Object arrays cannot be loaded"):
        run.load(1)


def test_a_missing_checkpoint_names_those_there_are(run):
    run.save(3, ARRAYS)
    with pytest.raises(UserError, match="no checkpoint of step 4. It has: 3"):
        run.load(4)


def test_a_write_that_fails_leaves_the_checkpoint_before(run, monkeypatch):
    run.save(3, ARRAYS)

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match="cannot be written.*No space left on device.*kept are those of these steps: 3"):
        run.save(4, ARRAYS)
    assert sorted(path.name for path in run.checkpoints.glob("[!.]*")) == ["step-00000003.json", "step-00000003.npz"]


def test_no_run_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="is not a run: it has no config.json. Train one"):
        Run(tmp_path).config()
    for absent in ("absent", 300 * "n"):  # a name that is too long is none
        with pytest.raises(UserError, match="is not a run: there is no such folder. Train one"):
            Run(tmp_path / absent).config()
    with pytest.raises(UserError, match="no run with a checkpoint.*python train_wavegan.py"):
        newest_run(tmp_path)


def test_the_newest_run_is_the_one_with_the_newest_checkpoint(tmp_path):
    for age, name in enumerate(["new", "older", "without"]):
        run = Run(tmp_path / name)
        run.create(resolve({}, GAN, gpu=True))
        if name != "without":
            run.save(1, ARRAYS)
            os.utime(run.checkpoint_path(1), (10_000 - age, 10_000 - age))
    assert newest_run(tmp_path).name == "new"
