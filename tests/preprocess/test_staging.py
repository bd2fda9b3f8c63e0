"""All or nothing: a data set is there as a whole, or as it was before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess import convert, shards, workers
from tests.conftest import make
from wavegan.base.errors import UserError
from wavegan.data.schema import DatasetInfo


def test_a_data_set_that_is_there_is_not_touched(words, tmp_path):
    make(words, tmp_path / "out", classes=("one",))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(UserError, match="--out .*out exists. Choose another name, or replace it with --overwrite"):
        make(words, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_overwrite_replaces_a_data_set_when_the_new_one_is_complete(words, tmp_path):
    make(words, tmp_path / "out", classes=("one",))
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError):
        make(tmp_path / "none", tmp_path / "out", overwrite=True)
    assert DatasetInfo.load(tmp_path / "out").classes == ["one"]
    make(words, tmp_path / "out", classes=("two",), overwrite=True)
    assert DatasetInfo.load(tmp_path / "out").classes == ["two"]
    assert sorted(os.listdir(tmp_path)) == ["none", "out", "words"]


def test_overwrite_replaces_nothing_but_data_sets(words, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "final.txt").write_text("years of work")
    with pytest.raises(UserError, match="--overwrite replaces data sets only, and .*thesis holds no dataset.json"):
        make(words, tmp_path / "thesis", overwrite=True)
    with pytest.raises(UserError, match="--out must be a folder to be made. Received the file"):
        make(words, tmp_path / "thesis" / "final.txt", overwrite=True)
    assert (tmp_path / "thesis" / "final.txt").read_text() == "years of work"


def test_out_never_holds_a_source(words, tmp_path):
    for out in (words, tmp_path):
        with pytest.raises(UserError, match="--out .* holds SOURCE"):
            make(words, out, overwrite=True)
    with pytest.raises(UserError, match="every SOURCE can be named once"):
        make([words, words], tmp_path / "out")


@pytest.mark.parametrize("broken", [True, False])
def test_no_usable_clip_is_an_error_and_leaves_nothing(tmp_path, broken):
    """Empty data sets without a word: chrisdonahue/wavegan issues 4 and 16, chaeyoung-lee/cwavegan issue 1."""
    (tmp_path / "in" / "a").mkdir(parents=True)
    for index in range(3):
        (tmp_path / "in" / "a" / f"{index}{'.wav' if broken else '.txt'}").write_text("x")
    message = "no usable clip in .*every audio file was skipped .3 × not readable.*such as a/0.wav"
    with pytest.raises(UserError, match=message if broken else "no audio in .*expected files of .*Received: 3 ×"):
        make(tmp_path / "in", tmp_path / "new" / "er" / "out")
    assert os.listdir(tmp_path) == ["in"]


def test_a_full_disk_is_an_error_and_leaves_nothing(words, tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(UserError, match="cannot write .*out: .*Nothing was kept"):
            make(words, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == ["words"]


def test_a_full_disk_is_one_line_of_the_command(words, tmp_path):
    resource = pytest.importorskip("resource")
    command = [sys.executable, "-m", "preprocess", words, "--out", tmp_path / "out", "--sample-rate", "8000"]
    done = subprocess.run(
        [*command, "--length", "256", "--workers", "1"],
        cwd=Path(convert.__file__).parent.parent,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    error = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert error.startswith(f"error: cannot write {tmp_path}/out: ") and error.endswith(". Nothing was kept.")
    assert os.listdir(tmp_path) == ["words"]


@pytest.mark.parametrize(
    ("problem", "expected"), [(OSError(28, "No space left"), UserError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_what_goes_wrong_while_one_file_is_finished_leaves_nothing(words, tmp_path, monkeypatch, problem, expected):
    original = shards.shuffle_records

    def fail(source, target, seed):
        if "00001-of" in seed:
            raise problem
        return original(source, target, seed)

    monkeypatch.setattr(shards, "shuffle_records", fail)
    with pytest.raises(expected):
        make(words, tmp_path / "out")
    assert os.listdir(tmp_path) == ["words"]


def test_an_interrupted_conversion_leaves_nothing(words, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "write_example", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(words, tmp_path / "new" / "out")
    assert os.listdir(tmp_path) == ["words"]


SLOW = """
import sys, time
from preprocess import convert, workers
from preprocess.options import Options
written, write_example = [], workers.write_example
def slowly(*arguments):
    written.append(1)
    if len(written) == 5:
        print("writing", flush=True)
        time.sleep(60)
    return write_example(*arguments)
workers.write_example = slowly
convert.prepare([sys.argv[1]], sys.argv[2], Options(sample_rate=8000, length=256, workers=1))
"""


def test_a_killed_conversion_leaves_nothing_that_looks_finished_and_the_next_clears_up(words, tmp_path):
    out = tmp_path / "out"
    root = Path(convert.__file__).parent.parent
    process = subprocess.Popen([sys.executable, "-c", SLOW, words, out], cwd=root, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    running = sorted(os.listdir(tmp_path))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [name.split("-")[0] for name in running] == [".out.lock", ".out.partial", "words"]
    assert not out.exists()
    make(words, out)
    assert sorted(os.listdir(tmp_path)) == ["out", "words"]


def test_two_conversions_to_one_place_the_second_names_the_first_and_disturbs_nothing(words, tmp_path):
    command = [sys.executable, "-c", SLOW.replace("time.sleep(60)", "sys.stdin.readline()"), words, tmp_path / "out"]
    root = Path(convert.__file__).parent.parent
    first = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "writing\n"
        running = sorted(os.listdir(tmp_path))
        for overwrite in (True, False):
            complaint = f"--out .*out is being made by process {first.pid} on .* choose another"
            with pytest.raises(UserError, match=complaint):
                make(words, tmp_path / "out", overwrite=overwrite)
        assert sorted(os.listdir(tmp_path)) == running
        make(words, tmp_path / "other")
    finally:
        first.communicate("go on\n")
    assert first.returncode == 0 and sorted(os.listdir(tmp_path)) == ["other", "out", "words"]
    assert DatasetInfo.load(tmp_path / "out").report["kept"] == 30


def test_an_old_data_set_that_a_killed_overwrite_moved_aside_comes_back(words, tmp_path):
    make(words, tmp_path / "out", classes=("one",))
    (tmp_path / "out").rename(tmp_path / ".out.old-01234567")
    with pytest.raises(UserError, match="exists"):
        make(words, tmp_path / "out")
    assert DatasetInfo.load(tmp_path / "out").classes == ["one"]
    assert sorted(os.listdir(tmp_path)) == ["out", "words"]
