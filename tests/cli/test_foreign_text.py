"""What a stranger's files say never reaches the terminal as it is: it could move the cursor, or look like our lines."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import generate as generate_command
from wavegan.cli import preprocess as preprocess_command
from wavegan.cli import train as train_command
from wavegan.runs.run import Run

ESCAPES = "\x1b]0;title\x07\x1b[2J\nerror: made up\r\x9b31m\u202e"
SHOWN = "\\x1b]0;title\\x07\\x1b[2J\\nerror: made up\\r\\x9b31m\\u202e"


def printed(capsys):
    """What came on both streams, all of it printable lines."""
    out, err = capsys.readouterr()
    assert all(line.isprintable() for line in (out + err).split("\n"))
    assert "\nerror: made up" not in out + err
    return out + err


@pytest.fixture
def foreign(trained, tmp_path):
    """A copy of a run whose config.json holds escape sequences."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    config = replace(run.config(), finetuned_from=ESCAPES, made_with={ESCAPES: ESCAPES})
    replace(config, data=replace(config.data, directory=f"/nowhere/{ESCAPES}")).save(run.config_path)
    return run.path


def test_of_saved_latents(trained, tmp_path, capsys):
    latents = np.load(trained / "preview_latents.npz")["latents"]
    np.savez(tmp_path / "latents.npz", latents=latents, run=f"/nowhere/{ESCAPES}", step=1, model=ESCAPES)
    saved = ["--from", f"{tmp_path / 'latents.npz'}:0"]
    assert generate_command.main(saved) == 2
    assert SHOWN in printed(capsys)
    assert generate_command.main([*saved, "--run", str(trained), "--out", str(tmp_path / "out")]) == 0
    assert f"note: these are not the saved sounds: those are of run /nowhere/{SHOWN}" in printed(capsys)


def test_of_a_config(foreign, drums, capsys):
    assert evaluate_command.main(["--run", str(foreign)]) == 2
    assert SHOWN in printed(capsys)
    assert train_command.main(["--run", str(foreign), "--data", str(drums), "--dry-run"]) == 0
    shown = printed(capsys)
    assert any(line.split()[0] == "finetuned_from" and line.endswith(SHOWN) for line in shown.splitlines() if line)
    assert f"{SHOWN} {SHOWN}" in shown


def test_of_names_that_a_shell_may_have_filled_in(trained, tmp_path, capsys):
    for command, flags in (
        (train_command, ["--data", ESCAPES]),
        (evaluate_command, ["--run", ESCAPES]),
        (evaluate_command, ["--run", str(trained), "--data", ESCAPES]),
        (generate_command, ["--from", f"{ESCAPES}.npz"]),
        (preprocess_command, [ESCAPES, "--out", str(tmp_path / "data")]),
    ):
        assert command.main(flags) == 2
        assert "title" in printed(capsys)
    for command in (train_command, generate_command, evaluate_command, preprocess_command):
        more = ["x", "--out", "y"] if command is preprocess_command else []
        with pytest.raises(SystemExit):
            command.main([f"--{ESCAPES.replace(' ', '')}", *more])
        assert "title" in printed(capsys)


def test_of_recordings(tmp_path, record, capsys):
    for number in range(3):
        record(tmp_path / "sounds" / f"kick\x1b[2J{number}" / f"{ESCAPES.replace('/', '')}{number}.wav", 400)
    (tmp_path / "sounds" / f"{ESCAPES}.mp3").write_bytes(b"no sound")
    flags = ["--out", str(tmp_path / "data"), "--sample-rate", "8000", "--length", "256", "--workers", "1"]
    assert preprocess_command.main([str(tmp_path / "sounds"), *flags]) == 0
    assert "kick\\x1b[2J1" in printed(capsys)
