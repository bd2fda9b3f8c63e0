"""No folder that can be written for caches: the commands do their work, and say nothing of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preprocess.download import cache_directory
from tests.conftest import TINY
from tests.evaluation.support import prepared_drums
from wavegan.base import caches
from wavegan.base.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "/dev/null/home"  # nobody can make it, not even root

# Numba also tries the folder that a module is installed in, which belongs to somebody else on such machines.
COMMANDS = """
import sys, tempfile
original = tempfile.TemporaryFile

def refused_where_packages_are(*arguments, dir=None, **keywords):
    if str(dir).endswith("__pycache__"):
        raise PermissionError(13, "Permission denied")
    return original(*arguments, dir=dir, **keywords)

tempfile.TemporaryFile = refused_where_packages_are
from wavegan.cli import evaluate, generate, preprocess, train
recordings, data, folder, *tiny = sys.argv[1:]
run = f"{folder}/run"
assert preprocess.main([recordings, "--out", f"{folder}/made", "--length", "1024", "--workers", "1"]) == 0
assert train.main(["--data", data, "--run", run, "--steps", "2", *tiny]) == 0
from wavegan.evaluation.judge import classifier
classifier.passes = lambda clips: 320
assert generate.main(["--run", run, "--n", "2", "--out", f"{folder}/sounds"]) == 0
print("evaluation", evaluate.main(["--run", run, "--n", "50"]))
"""


def homeless(code, *words, tmp, **more):
    """Runs Python where neither home nor caches can be written, and temporary files go to `tmp`."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL", "NUMBA_"))}
    environment = keep | {"HOME": NOWHERE, "TMPDIR": str(tmp), "PYTHONPATH": str(ROOT)} | more
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, cwd=tmp, env=environment, capture_output=True, text=True)


def test_all_commands_work_without_a_home_and_leave_no_temporary_files(drum_files, tmp_path):
    (tmp_path / "tmp").mkdir()
    data = prepared_drums(tmp_path / "wav", count=60)
    done = homeless(COMMANDS, drum_files, data, tmp_path, *TINY, tmp=tmp_path / "tmp")
    assert done.returncode == 0 and "evaluation 0" in done.stdout, done.stderr[-3000:]
    for complaint in ("Traceback", "Matplotlib", "mkdir", "MPLCONFIGDIR", "Fontconfig", "Numba"):
        assert complaint not in done.stderr
    assert os.listdir(tmp_path / "tmp") == []


def test_caches_that_a_person_chose_are_kept_where_they_can_be_written(tmp_path, monkeypatch):
    for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with caches.caches_ready():
        assert all(os.environ[name] == str(tmp_path / name) for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR"))
    monkeypatch.setenv("XDG_CACHE_HOME", NOWHERE)
    monkeypatch.setenv("NUMBA_CACHE_DIR", NOWHERE)
    with caches.caches_ready():
        assert os.environ["MPLCONFIGDIR"] == str(tmp_path / "MPLCONFIGDIR")
        assert NOWHERE not in (os.environ["NUMBA_CACHE_DIR"], os.environ["XDG_CACHE_HOME"])
    assert os.environ["XDG_CACHE_HOME"] == NOWHERE  # downloads are not for a temporary folder


def test_no_temporary_folder_either_is_one_line(monkeypatch):
    def full(**arguments):
        raise FileNotFoundError(2, "No usable temporary directory found")

    for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setattr(caches.tempfile, "mkdtemp", full)
    caches._temporary.cache_clear()
    expected = "no folder for temporary files can be written.*Set TMPDIR"
    with pytest.raises(UserError, match=expected), caches.caches_ready():
        pass


def test_a_user_without_a_home_is_told_where_downloads_can_go(monkeypatch):
    def nobody(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(caches.Path, "home", classmethod(nobody))
    for name in ("XDG_CACHE_HOME", "WAVEGAN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="this user has no home folder. Set WAVEGAN_CACHE"):
        cache_directory()
