"""How a command is typed."""

import sys
from pathlib import Path

import pytest

from wavegan.base.typed import from_here, typed, without_places


@pytest.mark.parametrize(
    ("started_as", "expected"),
    [
        ("train_wavegan.py", "python generate.py --run 'my run'"),
        ("../code/train_wavegan.py", "python ../code/generate.py --run 'my run'"),
        ("/usr/bin/wavegan-train", "wavegan-generate --run 'my run'"),
        ("/code/preprocess/__main__.py", "python generate.py --run 'my run'"),
    ],
)
def test_commands_are_named_as_the_person_started_this_one(monkeypatch, started_as, expected):
    monkeypatch.setattr(sys, "argv", [started_as])
    assert typed("generate", "--run", "my run") == expected


def test_a_path_in_this_folder_is_named_from_here_and_another_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "runs" / "mine") == from_here("runs/mine") == Path("runs/mine")
    assert from_here("/elsewhere/mine") == Path("/elsewhere/mine")
    assert from_here(tmp_path.parent) == tmp_path.parent


def test_the_module_is_named_as_a_module(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_wavegan.py"])
    assert typed("preprocess") == "python -m preprocess"


@pytest.mark.parametrize(
    ("started_as", "run", "expected"),
    [
        ("/home/ann/wave gan/evaluate.py", "/home/ann/runs/it's mine", "python generate.py --run 'it'\"'\"'s mine'"),
        ("evaluate.py", "/home/ann/runs/mine", "python generate.py --run mine"),
        ("/usr/bin/wavegan-evaluate", "runs/mine", "wavegan-generate --run runs/mine"),
        ("../code/evaluate.py", "runs/mine", "python ../code/generate.py --run runs/mine"),
    ],
)
def test_a_command_for_others_names_no_folder_of_this_machine(monkeypatch, started_as, run, expected):
    monkeypatch.setattr(sys, "argv", [started_as])
    assert without_places(f"Again: {typed('generate', '--run', run)}.", Path(run)) == f"Again: {expected}."
