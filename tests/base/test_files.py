"""Files and folders that are whole or absent, also where two processes write the same and where one is killed."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wavegan.base import files
from wavegan.base.files import sha256, staged_folder, write_whole
from wavegan.base.locks import Held

ROOT = Path(__file__).resolve().parents[2]


def test_a_checksum_is_that_of_the_standard(tmp_path):
    """The first example of FIPS 180-2, appendix B."""
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("problem", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_what_goes_wrong_while_a_file_is_written_leaves_the_one_before_and_nothing_else(tmp_path, monkeypatch, problem):
    write_whole(tmp_path / "file", b"before")

    def fail(file):
        raise problem

    monkeypatch.setattr(files, "to_disk", fail)
    with pytest.raises(type(problem)):
        write_whole(tmp_path / "file", b"after")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"before"


def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_of_one_process_number_write_one_file_and_both_are_whole(tmp_path):
    """As two containers do that share a disk: process numbers are the same in both."""
    contents = [bytes([65 + index]) * 100_000 for index in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for content in [*pool.map(lambda index: write_whole(tmp_path / "file", contents[index % 2]), range(100))]:
            assert content is None
    assert (tmp_path / "file").read_bytes() in contents and os.listdir(tmp_path) == ["file"]


def fill(folder, text="new"):
    (folder / "text").write_text(text)


def test_a_folder_appears_whole_and_its_parents_too(tmp_path):
    with staged_folder(tmp_path / "a" / "b" / "out", pytest.fail) as staged:
        fill(staged.partial)
        assert not (tmp_path / "a" / "b" / "out").exists()
    assert staged.target == tmp_path / "a" / "b" / "out"
    assert os.listdir(staged.target) == ["text"] and os.listdir(staged.target.parent) == ["out"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert staged.target.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("replace", [True, False])
def test_after_an_error_all_is_as_before(tmp_path, replace):
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out", "old")
    for out in (tmp_path / "out", tmp_path / "new" / "er" / "out"):
        with pytest.raises(KeyboardInterrupt), staged_folder(out, pytest.fail, replace) as staged:
            fill(staged.partial)
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out" / "text").read_text() == "old"


def test_only_what_may_be_replaced_is(tmp_path):
    for text, replace in (("first", False), ("second", True)):
        with staged_folder(tmp_path / "out", pytest.fail, replace) as staged:
            fill(staged.partial, text)
    with pytest.raises(OSError), staged_folder(tmp_path / "out", pytest.fail) as staged:
        fill(staged.partial, "third")
    assert (tmp_path / "out" / "text").read_text() == "second" and os.listdir(tmp_path) == ["out"]


def test_a_numbered_folder_takes_the_first_number_that_is_free(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out-2").symlink_to("nowhere")
    with staged_folder(tmp_path / "out", pytest.fail, numbered=True) as staged:
        fill(staged.partial)
    assert staged.target == tmp_path / "out-3" and sorted(os.listdir(tmp_path)) == ["out", "out-2", "out-3"]


WRITE = """
import sys
from wavegan.base.files import staged_folder
with staged_folder(sys.argv[1], print, numbered=sys.argv[2] == "True") as staged:
    (staged.partial / "text").write_text("theirs")
    print("written", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def another(tmp_path):
    """Another process that makes tmp_path/out: `another(numbered)`. It goes on when it gets a line."""
    started = []

    def start(numbered=False):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, tmp_path / "out", str(numbered)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "written\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_second_process_learns_who_makes_a_folder(another, tmp_path):
    first = another()
    with pytest.raises(Held, match=f"^process {first.pid} on "), staged_folder(tmp_path / "out", pytest.fail):
        pass
    first.communicate("go on\n")
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out" / "text").read_text() == "theirs"


def test_two_at_once_in_one_numbered_folder_lose_nothing(another, tmp_path):
    first = another(numbered=True)
    with staged_folder(tmp_path / "out", pytest.fail, numbered=True) as staged:
        fill(staged.partial, "ours")
        assert len([name for name in os.listdir(tmp_path) if "partial" in name]) == 2
    first.communicate("go on\n")
    assert sorted(os.listdir(tmp_path)) == ["out", "out-2"]
    assert [(tmp_path / name / "text").read_text() for name in ("out", "out-2")] == ["theirs", "ours"]


def test_what_a_killed_process_left_is_cleared_away_and_what_a_living_one_writes_is_not(another, tmp_path):
    killed = another()
    killed.kill()
    killed.wait()
    assert len(os.listdir(tmp_path)) == 2
    (tmp_path / ".out.partial-01234567.partial-89abcdef").mkdir()  # of a folder named out.partial-01234567
    with staged_folder(tmp_path / "out", pytest.fail, numbered=True) as staged:
        fill(staged.partial)
    assert sorted(os.listdir(tmp_path)) == [".out.partial-01234567.partial-89abcdef", "out"]
    living = another(numbered=True)  # makes out-2
    with staged_folder(tmp_path / "out", pytest.fail, replace=True) as staged:
        fill(staged.partial)
    living.communicate("go on\n")
    assert (tmp_path / "out-2" / "text").read_text() == "theirs"


def test_a_folder_that_a_killed_process_moved_aside_comes_back(tmp_path):
    (tmp_path / ".out.old-01234567").mkdir()
    fill(tmp_path / ".out.old-01234567", "old")
    with pytest.raises(OSError), staged_folder(tmp_path / "out", pytest.fail) as staged:
        fill(staged.partial)
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out" / "text").read_text() == "old"


def test_without_locks_nothing_is_cleared_away_or_lost(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    notes = []
    with staged_folder(tmp_path / "out", pytest.fail, numbered=True) as first:
        fill(first.partial, "first")
        with staged_folder(tmp_path / "out", notes.append, numbered=True) as second:
            fill(second.partial, "second")
    assert (second.target / "text").read_text() == "second" and second.target == tmp_path / "out"
    assert (first.target / "text").read_text() == "first" and first.target == tmp_path / "out-2"
    (note,) = notes
    assert f"{first.partial} is on a file system without locks; remove it if nobody is making out" in note
    assert sorted(os.listdir(tmp_path)) == ["out", "out-2"]
