"""How a command is typed."""

import sys

import pytest

from wavegan.base.typed import typed


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


def test_the_module_is_named_as_a_module(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_wavegan.py"])
    assert typed("preprocess") == "python -m preprocess"
