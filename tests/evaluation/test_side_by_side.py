"""Two commands at once, a test for each pair: neither loses, damages or removes what is the other's.

One of them runs in a process of its own and stops at the worst moment, until the other one is through. The pairs of
`python -m preprocess` and of downloads are in `tests/preprocess/test_staging.py` and `test_download.py`.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TINY
from tests.generation.test_generate import sounds
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import generate as generate_command
from wavegan.cli import preprocess as preprocess_command
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.store import earlier
from wavegan.runs import checkpoint
from wavegan.runs.run import Run

WRITING_CHECKPOINT = "wavegan.runs.checkpoint:_compare"  # of which half is on disk then


class Other:
    """The other process, `tests.evaluation.beside`."""

    def __init__(self):
        root, pipe = Path(__file__).resolve().parents[2], subprocess.PIPE
        words = [sys.executable, "-m", "tests.evaluation.beside"]
        self.process = subprocess.Popen(words, cwd=root, stdin=pipe, stdout=pipe, text=True)
        self.is_busy = False

    def start(self, command, *words, stop, about=""):
        """Begins a command, and returns when it has come to the function `stop`, with `about` in its arguments."""
        self.is_busy = True
        words = [str(word) for word in words]
        self._tell(json.dumps({"command": command, "words": words, "stop": stop, "about": about}))
        assert self._answer() == {"stopped": True}

    def go_on(self):
        """Lets it end; returns its exit code and what it printed."""
        self._tell("go on")
        answer = self._answer()
        self.is_busy = False
        return answer["code"], answer["text"]

    def _tell(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _answer(self):
        answer = json.loads(self.process.stdout.readline())
        return self._answer() if "ready" in answer else answer


@pytest.fixture(scope="module")
def others():
    started = [Other()]
    yield started
    for other in started:
        other.process.kill()
        other.process.communicate()


@pytest.fixture
def other(others):
    if others[-1].is_busy:  # a test has failed
        others.append(Other())
    return others[-1]


def words(kit, run, steps):
    return ["--data", str(kit), "--run", str(run), "--steps", str(steps), *TINY]


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_training_and_a_training_of_one_run(other, kit, tmp_path, capsys):
    other.start("train", *words(kit, tmp_path / "run", 8), stop=WRITING_CHECKPOINT, about="step-00000004")
    before = names(tmp_path)
    assert train_command.main(words(kit, tmp_path / "run", 12)) == 2
    assert f"run is being trained by process {other.process.pid} on " in capsys.readouterr().err
    assert names(tmp_path) == before
    assert other.go_on()[0] == 0 and Run(tmp_path / "run").load_newest(warn=pytest.fail)[0] == 8


def test_a_training_and_an_evaluation(other, kit, run, evaluation):
    """The evaluation has a file beside the checkpoint's when the training clears up there."""
    flags = ["--run", run, "--checkpoint", "4", "--n", "60"]
    other.start("evaluate", *flags, stop="wavegan.base.files:move", about="step-00000004.json")
    ended = []

    def let_it_end():
        while 12 not in Run(run).steps():
            time.sleep(0.02)
        time.sleep(0.3)  # in which a training that did not wait for it would clear up
        ended.append(other.go_on())

    thread = threading.Thread(target=let_it_end)
    thread.start()
    assert train_command.main(words(kit, run, 12)) == 0
    thread.join()
    ((code, text),) = ended
    assert (code, Run(run).best()) == (0, 4) and "cannot be kept" not in text
    assert not list((run / "checkpoints").glob("*.partial"))


def test_an_evaluation_and_an_evaluation_of_one_run(other, kit, run, evaluation):
    flags = ["--run", str(run), "--n", "60", "--checkpoint"]
    other.start("evaluate", *flags, "4", stop="wavegan.evaluation.evaluate:selected")
    assert evaluate_command.main([*flags, "8"]) == 0
    assert other.go_on()[0] == 0
    assert [row["step"] for row in earlier(run / "evaluation" / "evaluation.json")] == [4, 8]
    assert not [name for name in names(run) if name.endswith(".partial")]


def test_a_training_and_a_generation(other, kit, run, tmp_path, monkeypatch, capsys):
    make = ["--run", str(run), "--n", "2", "--seed", "1"]
    other.start("train", *words(kit, run, 20), stop=WRITING_CHECKPOINT, about="step-00000012")
    assert generate_command.main([*make, "--out", str(tmp_path / "now")]) == 0
    assert ", step 8, seed" in capsys.readouterr().out

    def read(path, step, prefix, original=checkpoint.read):
        if step == 4:  # which is dropped then
            assert other.go_on()[0] == 0
        return original(path, step, prefix)

    monkeypatch.setattr(checkpoint, "read", read)
    assert generate_command.main([*make, "--out", str(tmp_path / "then"), "--checkpoint", "4"]) == 2
    assert f"{run} has no checkpoint of step 4. It has: 12, 16, 20." in capsys.readouterr().err
    assert generate_command.main([*make, "--out", str(tmp_path / "then")]) == 0
    assert ", step 20, seed" in capsys.readouterr().out
    assert not np.array_equal(sounds(tmp_path / "then")["000.wav"], sounds(tmp_path / "now")["000.wav"])


def test_a_generation_and_a_generation_into_one_folder(other, run, tmp_path):
    make = ["--run", str(run), "--n", "2", "--out", str(tmp_path / "out"), "--seed"]
    other.start("generate", *make, "1", stop="wavegan.generation.generate:write_wav", about="001.wav")
    assert generate_command.main([*make, "2"]) == 0
    code, text = other.go_on()
    assert code == 0 and f"2 sounds in {tmp_path / 'out'}: WAV" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out-2", "run"]
    first, second = (sounds(tmp_path / name) for name in ("out", "out-2"))
    assert list(first) == list(second) == ["000.wav", "001.wav"]
    assert not np.array_equal(first["000.wav"], second["000.wav"])


def test_a_data_set_that_is_made_anew_and_a_training_on_it(other, kit, run_of_8, drum_files, tmp_path, capsys):
    """The training keeps to the clips that it began with."""
    data = Path(shutil.copytree(kit, tmp_path / "data"))
    other.start("train", *words(data, tmp_path / "run", 8), stop=WRITING_CHECKPOINT, about="step-00000004")
    flags = ["--sample-rate", "4000", "--length", "1024", "--workers", "1", "--overwrite"]
    assert preprocess_command.main([str(drum_files), "--out", str(data), *flags]) == 0
    assert other.go_on()[0] == 0
    undisturbed, disturbed = Run(run_of_8).load(8), Run(tmp_path / "run").load(8)
    for name, array in undisturbed.items():
        np.testing.assert_array_equal(disturbed[name], array, err_msg=name)
    assert DatasetInfo.load(data).report["found"] == 24
    capsys.readouterr()
    assert train_command.main(words(data, tmp_path / "run", 12)) == 2
    assert "was made anew, with other contents" in capsys.readouterr().err
