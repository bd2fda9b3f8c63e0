"""Standard output and error that are closed, full, or unread: the work is done, and the exit code says so."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TINY
from wavegan.base.streams import Output
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")


def shell(redirection, *words):
    """Runs Python with these words in a shell, with a redirection behind them; the exit code is Python's."""
    line = f"set -o pipefail; {shlex.join([sys.executable, *map(str, words)])} {redirection}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "| true", "2>&1 | true"])
def test_a_data_set_is_made_where_nobody_reads(words, tmp_path, redirection):
    shape = ["--sample-rate", "8000", "--length", "256", "--workers", "1"]
    done = shell(redirection, "-m", "preprocess", words, "--out", tmp_path / "out", *shape)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "dataset.json").is_file()
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@FULL
def test_a_report_that_does_not_fit_on_the_disk_is_no_success(words, tmp_path):
    shape = ["--sample-rate", "8000", "--length", "256", "--workers", "1"]
    done = shell(">/dev/full", "-m", "preprocess", words, "--out", tmp_path / "out", *shape)
    assert done.returncode == 1 and (tmp_path / "out" / "dataset.json").is_file()
    assert done.stderr.splitlines()[-1].startswith("error: the work is done, but standard output cannot be written")


@pytest.mark.parametrize("words", [["train_wavegan.py", "--help"], ["-m", "benchmarks", "step", "--help"]])
def test_help_that_nobody_reads_is_no_error(words):
    if words[0] != "-m":
        words = [ROOT / words[0], *words[1:]]
    done = shell("| true", *words)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("redirection", [">&- 2>&-", "2>&1 | true"])
def test_a_training_goes_on_where_nobody_reads(drums, tmp_path, redirection):
    """Where descriptor 2 is free, the next file gets it, and all that TensorFlow writes to standard error."""
    words = ["--data", drums, "--run", tmp_path / "run", "--steps", "5", *TINY]
    done = shell(redirection, ROOT / "train_wavegan.py", *words)
    assert (done.returncode, done.stderr) == (0, "")
    run = Run(tmp_path / "run")
    assert run.latest() == 5 and run.load(5)


@FULL
def test_what_is_lost_for_lack_of_room_is_remembered_and_what_nobody_wanted_is_not():
    with open("/dev/full", "w") as full:
        out = Output(full)
        print("a line", file=out, flush=True)
        print("another one", file=out, flush=True)
        assert "No space left" in out.problem.strerror
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as unread:
        out = Output(unread)
        print("a line", file=out, flush=True)
        assert out.problem is None and not out.isatty()


def test_a_training_that_was_told_to_outlive_its_terminal_does(capsys):
    """`nohup` has it ignore the hang-up."""
    from tests.training.test_callbacks import drive
    from wavegan.training.callbacks import StopOnInterrupt

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        callback = drive(StopOnInterrupt(), [{}])
        os.kill(os.getpid(), signal.SIGHUP)
        callback.on_train_batch_end(1, {})
        assert not callback.interrupted and not callback.model.stop_training
        callback.restore()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
