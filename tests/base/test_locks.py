"""One training at a time in a run directory."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wavegan.base import locks
from wavegan.base.errors import UserError
from wavegan.base.locks import only_one
from wavegan.evaluation.store import earlier

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from wavegan.base.locks import only_one
with only_one(sys.argv[1], print):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder):
    """A process that holds the lock of `folder`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, folder], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_second_is_told_who_the_first_is_and_a_dead_one_holds_nothing(tmp_path):
    first = hold(tmp_path / "run")
    try:
        expected = f"run is being trained by process {first.pid} on {socket.gethostname()}"
        with pytest.raises(UserError, match=expected), only_one(tmp_path / "run", pytest.fail):
            pass
    finally:
        first.kill()
        first.communicate()
    (tmp_path / "run" / "config.json").touch()
    with only_one(tmp_path / "run", pytest.fail):
        assert (tmp_path / "run" / "lock").read_text() == f"process {os.getpid()} on {socket.gethostname()}"
    with only_one(tmp_path / "run", pytest.fail):
        pass


def test_a_folder_into_which_nothing_came_goes_again(tmp_path):
    with pytest.raises(UserError, match="bad data"), only_one(tmp_path / "new" / "run", pytest.fail):
        raise UserError("bad data")
    assert not (tmp_path / "new" / "run").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="--run .*file/run cannot be written"),
        only_one(tmp_path / "file" / "run", print),
    ):
        pass


@pytest.mark.parametrize("missing", ["module", "support"])
def test_where_there_are_no_locks_somebody_is_told(tmp_path, monkeypatch, missing):
    def unsupported(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(*(locks, "fcntl", None) if missing == "module" else (locks.fcntl, "flock", unsupported))
    lines = []
    with only_one(tmp_path, lines.append):
        pass
    assert len(lines) == 1 and "a file system without locks" in lines[0]


WRITE = """
import sys
from pathlib import Path
from wavegan.evaluation.store import add
for step in range(int(sys.argv[2]), int(sys.argv[3])):
    add(Path(sys.argv[1]), step, "x", {})
"""


def test_writers_in_one_folder_take_turns_and_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITE, tmp_path / "evaluation"]
    writers = [subprocess.Popen([*command, str(first), str(first + 60)], cwd=ROOT) for first in (0, 60)]
    assert [writer.wait() for writer in writers] == [0, 0]
    kept = earlier(tmp_path / "evaluation" / "evaluation.json")
    assert sorted(row["step"] for row in kept) == list(range(120))
