"""One training at a time in a run directory, one writer at a time in a folder, whatever happens to who holds it."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wavegan.base.errors import UserError
from wavegan.base.locks import Held, in_turn, locked, only_one
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


def test_the_second_learns_who_the_first_is_and_a_dead_one_holds_nothing(tmp_path):
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
        assert (tmp_path / "run" / "lock").read_text().strip() == f"process {os.getpid()} on {socket.gethostname()}"
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


@pytest.fixture(params=["ENOSYS", "EOPNOTSUPP", "ENOLCK"])
def without_locks(request, monkeypatch):
    """As on a file system that knows no locks."""
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*arguments):
        raise OSError(getattr(errno, request.param), "no locks here")

    monkeypatch.setattr(fcntl, "flock", unsupported)


def test_where_there_are_no_locks_a_line_says_so_and_nothing_is_held(tmp_path, without_locks):
    lines = []
    with only_one(tmp_path, lines.append), only_one(tmp_path, lines.append), in_turn(tmp_path):
        pass
    assert len(lines) == 2 and "a file system without locks" in lines[0]


def test_a_folder_without_the_right_to_make_a_lock_there_holds_nobody_up(tmp_path):
    (tmp_path / ".lock").mkdir()
    with in_turn(tmp_path), in_turn(tmp_path):
        assert os.listdir(tmp_path) == [".lock"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError), locked(tmp_path / "none" / "lock"):
        pass
    assert os.listdir(tmp_path) == []


FORK = """
import os, sys, time
from pathlib import Path
from wavegan.base.locks import locked
with locked(Path(sys.argv[1])):
    if not os.fork():
        print(os.getpid(), flush=True)  # by the child, which has given up by now what it was not to have
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_what_a_killed_holder_has_forked_holds_nothing(tmp_path):
    """A plain flock goes on to forked children, and would stay with a worker that outlives its parent."""
    command = [sys.executable, "-c", FORK, tmp_path / "lock"]
    holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(holder.stdout.readline())
    with pytest.raises(Held, match=f"^process {holder.pid} on "), locked(tmp_path / "lock"):
        pass
    holder.kill()
    holder.wait()
    try:
        with locked(tmp_path / "lock") as held:
            assert held
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()


COUNT = """
import sys
from pathlib import Path
from wavegan.base.locks import locked
folder = Path(sys.argv[1])
for _ in range(200):
    with locked(folder / "lock", wait=True, keep=sys.argv[2] == "True"):
        count = int((folder / "count").read_text())
        (folder / "count").write_text(str(count + 1))
"""


@pytest.mark.parametrize("keep", [True, False])
def test_never_do_two_hold_a_lock_also_where_its_file_goes_each_time(tmp_path, keep):
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT, tmp_path, str(keep)]
    counters = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [counter.wait() for counter in counters] == [0, 0]
    assert (tmp_path / "count").read_text() == "400"
    assert (tmp_path / "lock").exists() == keep


def test_a_file_that_goes_is_removed_while_it_is_held(tmp_path, monkeypatch):
    """After the release another process may hold it, and a third would make a new one."""
    removed, unlink = [], Path.unlink

    def remove(path):
        with pytest.raises(Held), locked(path):
            pass
        removed.append(path)
        unlink(path)

    monkeypatch.setattr(Path, "unlink", remove)
    with locked(tmp_path / "lock", keep=False):
        pass
    assert removed == [tmp_path / "lock"] and os.listdir(tmp_path) == []


def test_no_module_needs_the_locks_of_one_operating_system():
    for path in [*(ROOT / "wavegan").rglob("*.py"), *(ROOT / "preprocess").rglob("*.py")]:
        assert not re.search(r"\b(fcntl|msvcrt)\b", path.read_text(encoding="utf-8")), path


WRITE = """
import sys
from pathlib import Path
from wavegan.evaluation.store import add
for step in range(int(sys.argv[2]), int(sys.argv[3])):
    add(Path(sys.argv[1]), step, "x", {"frechet_distance": {"mean": 1.0, "spread": None}})
"""


def test_writers_in_one_folder_take_turns_and_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITE, tmp_path / "evaluation"]
    writers = [subprocess.Popen([*command, str(first), str(first + 60)], cwd=ROOT) for first in (0, 60)]
    assert [writer.wait() for writer in writers] == [0, 0]
    kept = earlier(tmp_path / "evaluation" / "evaluation.json")
    assert sorted(row["step"] for row in kept) == list(range(120))
