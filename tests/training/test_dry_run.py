"""A dry run says what a training would be, and leaves nothing on the disk."""

from pathlib import Path

import pytest

from tests.conftest import TINY
from wavegan.cli import train as train_command


def files(*folders):
    """{path: when it was changed} of all that is in some folders, themselves included."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {path: path.stat().st_mtime_ns for path in paths}


@pytest.fixture
def watched(drums, trained, tmp_path, monkeypatch):
    """The folders that a training may write to: where it runs, the temporary one, the data set, the runs."""
    (tmp_path / "here").mkdir()
    (tmp_path / "temp").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path, drums, trained


@pytest.mark.parametrize("words", [TINY, ["--run", "RUN"], ["--finetune", "RUN", "--run", "new", "--preset", "tiny"]])
def test_a_dry_run_shows_everything_and_writes_not_a_byte(drums, trained, watched, room, capsys, words):
    before = files(*watched)
    room(0)  # no file can grow, wherever it is
    code = train_command.main(["--data", str(drums), "--dry-run", *[str(trained) if w == "RUN" else w for w in words]])
    room(-1)
    shown = capsys.readouterr().out
    assert code == 0 and files(*watched) == before
    assert "model_dim                2" in shown and "generator parameters" in shown and "steps/s" in shown


def test_without_a_data_set_a_dry_run_makes_none(watched, capsys):
    """It prepared the drum kit, 126 MB."""
    before = files(*watched)
    assert train_command.main(["--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "error: no data set under data/, and --dry-run makes none. Make one: python -m preprocess drums. Or give "
        "--data."
    )
    assert files(*watched) == before and not list(Path().iterdir())
