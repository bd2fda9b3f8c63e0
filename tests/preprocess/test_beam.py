"""`--runner beam` makes what the local runner makes, byte for byte, and says so in one line where it cannot."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("apache_beam", reason="the extra beam is not installed")
from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.localfilesystem import LocalFileSystem

import preprocess
from preprocess import beam, convert, runner, shards, steps
from preprocess import elsewhere as other_places
from preprocess.options import Options
from tests.conftest import RATE
from wavegan.base.errors import UserError
from wavegan.cli.preprocess import main
from wavegan.data.schema import DatasetInfo

ROOT = Path(preprocess.__file__).parent.parent
SMALL = Options(sample_rate=RATE, length=256, validation=20, workers=1)
FLAGS = ["--sample-rate", str(RATE), "--length", "256"]
RETRYING = "--runner=BundleBasedDirectRunner"  # the direct runner that does what failed again


class Elsewhere(FileSystem):
    """A folder of this machine as the file system `elsewhere://`: as a store of objects, or one that has folders."""

    root = Path()
    folders = False
    local = LocalFileSystem(None)

    @classmethod
    def scheme(cls):
        return "elsewhere"

    def has_dirs(self):
        return self.folders

    def place(self, path):
        assert path.startswith("elsewhere://")
        return str(self.root / path.removeprefix("elsewhere://"))

    def _url_dirname(self, path):
        return path if path.endswith("/") else path.rpartition("/")[0]

    def _list(self, folder):
        """With folders, what is right in one: as Beam's of Hadoop does, which raises for what is none."""
        place = Path(self.place(folder))
        found = sorted(place.iterdir() if self.folders else place.parent.rglob("*"))
        for path in found:
            if self.folders or path.is_file():
                size = path.stat().st_size if path.is_file() else 0
                yield FileMetadata(f"elsewhere://{path.relative_to(self.root)}", size)

    def open(self, path, mime_type="", compression_type="auto"):
        return self.local.open(self.place(path), compression_type=compression_type)

    def create(self, path, mime_type="", compression_type="auto"):
        return self.local.create(self.place(path), compression_type=compression_type)

    def rename(self, sources, targets):
        for source, target in zip(sources, targets, strict=True):
            os.rename(self.place(source), self.place(target))

    def delete(self, paths):
        for path in paths:
            place = Path(self.place(path))
            place.unlink() if place.is_file() or not self.folders else shutil.rmtree(place)

    def exists(self, path):
        return os.path.isfile(self.place(path)) or self.folders and os.path.isdir(self.place(path))

    def join(self, folder, *parts):
        return "/".join([folder.rstrip("/"), *parts])

    def split(self, path):
        return path.rpartition("/")[::2]

    def mkdirs(self, path):
        os.makedirs(self.place(path), exist_ok=True)

    checksum = copy = last_updated = metadata = size = None


Elsewhere.__abstractmethods__ = frozenset()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(Elsewhere, "root", tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


@pytest.fixture
def sources(words, record, tmp_path, monkeypatch):
    """A folder, a recording and an archive with a list of what is held out; files that give nothing in each."""
    # Many portions of few files in few lists, and shards of many parts.
    monkeypatch.setattr(beam, "PORTION_FILES", 4)
    monkeypatch.setattr(beam, "MOST_FILES", 2)
    monkeypatch.setattr(shards, "PART_BYTES", 3000)
    (words / "zero" / "broken.wav").write_text("not a sound")
    (words / "notes.txt").write_text("x")
    kit = tmp_path / "kit"
    for index in range(9):
        record(kit / ("kick" if index % 2 else "snare") / f"{index}.wav", 300 * index, seed=index)
    (kit / "testing_list.txt").write_text("kick/1.wav\nsnare/4.wav\n")
    with tarfile.open(tmp_path / "kit.tar.gz", "w:gz") as archive:
        archive.add(kit, "kit")
    record(tmp_path / "one" / "alone.wav", 2000, seed=99)
    return [str(words), str(tmp_path / "one" / "alone.wav"), str(tmp_path / "kit.tar.gz")]


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def local_and_beam(sources, tmp_path, *flags, options=SMALL):
    """The files of both data sets: one name, in two folders."""
    convert.prepare(sources, tmp_path / "local" / "data", options)
    beam.prepare(sources, str(tmp_path / "beam" / "data"), options, list(flags))
    assert os.listdir(tmp_path / "beam") == ["data"]
    return content(tmp_path / "local" / "data"), content(tmp_path / "beam" / "data")


def test_the_data_set_is_that_of_the_local_runner_byte_for_byte(sources, tmp_path):
    expected, made = local_and_beam(sources, tmp_path)
    assert made == expected and len(made) == 13
    info = DatasetInfo.load(tmp_path / "beam" / "data")
    assert {file["path"] for file in info.report["skipped"]} == {"words/zero/broken.wav", "kit/snare/0.wav"}


def test_so_it_is_with_several_worker_processes(sources, tmp_path):
    several = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    expected, made = local_and_beam(sources, tmp_path, *several)
    assert made == expected


def test_so_it_is_where_nothing_is_left_to_train_on(recordings, tmp_path):
    """Then all splits become train's, which changes the names of the files and so the order in them."""
    options = Options(sample_rate=RATE, length=256, validation=60, test=39.9, workers=1)
    folder = recordings("few", *(f"kick/{index}.wav" for index in range(6)))
    expected, made = local_and_beam([str(folder)], tmp_path, options=options)
    assert made == expected and not any(name.startswith("test") for name in made)


def test_what_fails_once_is_done_again_without_a_clip_too_many(sources, tmp_path, monkeypatch):
    failed = set()

    def fails_once(function, step):
        def call(*arguments):
            result = function(*arguments)
            if step not in failed:  # at the end, when its file is written
                failed.add(step)
                raise OSError("a machine was taken away")
            return result

        return call

    for name in ("Cut", "KeepOutcomes", "WritePart", "JoinParts"):
        step = getattr(steps, name)
        whole = lambda self, element, process=step.process: list(process(self, element))  # noqa: E731
        monkeypatch.setattr(step, "process", fails_once(whole, name))
    expected, made = local_and_beam(sources, tmp_path, RETRYING)
    assert made == expected and len(failed) == 4


@pytest.mark.parametrize("folders", [False, True])
def test_sources_and_data_set_may_lie_on_another_file_system(sources, elsewhere, tmp_path, monkeypatch, folders):
    monkeypatch.setattr(Elsewhere, "folders", folders)
    words, _, archive = sources
    (Path(words) / "two" / "empty.wav").touch()
    shutil.copytree(words, elsewhere / "mine" / "words")
    shutil.copy(archive, elsewhere / "mine" / "kit.tar.gz")
    convert.prepare([words, archive], tmp_path / "local" / "data", SMALL)
    url = "elsewhere://mine/data"
    names = ["elsewhere://mine/words", "elsewhere://mine/*.tar.gz"]
    for options in (SMALL, replace(SMALL, overwrite=True)):
        beam.prepare(names, url, options, [])
    expected, made = content(tmp_path / "local" / "data"), content(elsewhere / "mine" / "data")
    assert made.keys() == expected.keys()
    assert {name for name in made if made[name] != expected[name]} == {"dataset.json"}  # it names the sources
    infos = [DatasetInfo.load(folder / "data") for folder in (tmp_path / "local", elsewhere / "mine")]
    assert infos[0].splits == infos[1].splits and infos[0].report == infos[1].report
    with pytest.raises(UserError, match="--out elsewhere://mine/data exists. Choose another name, or replace it"):
        beam.prepare(names, url, SMALL, [])
    with pytest.raises(UserError, match="--out elsewhere://mine holds SOURCE elsewhere://mine/words"):
        beam.prepare(names, "elsewhere://mine", SMALL, [])
    with pytest.raises(UserError, match="(SOURCE|cannot read) elsewhere://mine/nothing"):
        beam.prepare(["elsewhere://mine/nothing"], "elsewhere://mine/other", SMALL, [])


def test_large_files_elsewhere_are_not_held_in_memory(elsewhere, monkeypatch):
    (elsewhere / "long.wav").write_bytes(b"RIFF" * 5)
    monkeypatch.setattr(other_places, "SPOOL_BYTES", 10)
    with other_places.fetched("elsewhere://long.wav", 20) as copy:
        assert Path(copy).read_bytes() == b"RIFF" * 5
    assert not Path(copy).exists()


def test_a_pipeline_that_fails_leaves_nothing(sources, elsewhere, tmp_path, monkeypatch):
    def fail(self, element):
        raise OSError("the disk is gone")

    monkeypatch.setattr(steps.JoinParts, "process", fail)
    for out, place in ((str(tmp_path / "new" / "data"), tmp_path / "new"), ("elsewhere://a/data", elsewhere / "a")):
        with pytest.raises(UserError, match="the Beam pipeline failed: .*the disk is gone.*Nothing was kept"):
            beam.prepare(sources, out, SMALL, [])
        assert [path for path in place.rglob("*") if path.is_file()] == []


KILLED = """
import os, signal, sys
from preprocess import steps
steps.write_shards = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
from wavegan.cli.preprocess import main
main(sys.argv[1:])
"""


def test_a_killed_command_leaves_nothing_that_looks_whole_and_the_next_one_clears_up(words, tmp_path):
    arguments = [str(words), "--out", str(tmp_path / "new" / "data"), *FLAGS, "--runner", "beam"]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert not list(tmp_path.rglob("dataset.json")) and os.listdir(tmp_path / "new")
    assert main(arguments) == 0
    assert os.listdir(tmp_path / "new") == ["data"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["words", "--", "--colour=red"], "Beam has no option --colour=red."),
        (["words", "--", "--direct_num_workers=x"], "Beam does not take these options: .*int value: 'x'."),
        (["words", "--", "--runner=DataflowRunner"], "Beam does not take these options: .*temp_location"),
        (["words", "--", "--runner=Nobody"], "Beam has no runner Nobody: Unexpected pipeline runner"),
        (["words", "--workers", "2"], "--workers is for --runner local. Give options of Beam after --"),
        (["words", "gs://a/b"], r"SOURCE gs://a/b needs a file system of Beam for gs://: .*apache-beam\[gcp\]"),
        (["x://a/*"], r"SOURCE x://a/\* needs a file system of Beam for x://."),
        (["words", "--out", "s3://a/b"], r"--out s3://a/b needs a file system of Beam for s3://.*\[aws\]"),
        (["words/one", "--out", "words/two"], "--out words/two exists. Choose another name, or replace it"),
        (["gs://a/b", "--runner", "local"], "SOURCE gs://a/b is not on this machine. Give --runner beam"),
    ],
)
def test_a_mistake_is_one_line(words, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(words.parent)
    assert main(["--out", "new", *FLAGS, "--runner", "beam", *arguments]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert re.match(f"error: {message}", line) and captured.out == ""
    assert os.listdir() == ["words"]


def test_without_beam_one_line_says_what_to_install(words, monkeypatch):
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"--runner beam needs the package apache-beam: .*\[beam\]' installs it"):
        beam.prepare([str(words)], "new", SMALL, [])


def test_what_comes_after_two_dashes_is_a_source_elsewhere(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(words.parent)
    words.rename("-words")
    assert main(["--out", "new", *FLAGS, "--", "-words"]) == 0
