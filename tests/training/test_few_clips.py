"""Training on whatever data somebody has: without classes, of one class, of classes of three clips each."""

import numpy as np
import pytest

from tests.conftest import TINY, make
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.runs.run import Run

KINDS = ("clap", "kick", "snare", "tom")
MODERN = [*TINY, "--conditional", "auto", "--critic-updates", "1"]


@pytest.fixture
def no_class(recordings, tmp_path):
    """Twelve recordings that lie in no folder of their own."""
    return made(recordings("sounds", *(f"{number}.wav" for number in range(12))), tmp_path)


@pytest.fixture
def one_class(recordings, tmp_path):
    """Twelve recordings of one kind."""
    return made(recordings("sounds", *(f"kick/{number}.wav" for number in range(12))), tmp_path)


@pytest.fixture
def four_classes(recordings, tmp_path):
    """Three recordings of each of four kinds, fewer than there stand together in a batch."""
    return made(recordings("sounds", *(f"{kind}/{number}.wav" for kind in KINDS for number in range(3))), tmp_path)


def made(folder, tmp_path):
    make(folder, tmp_path / "data", validation=0, test=0)
    return tmp_path / "data"


@pytest.mark.parametrize(("data", "classes"), [("no_class", ()), ("one_class", ()), ("four_classes", KINDS)])
def test_few_clips_of_any_classes_are_trained_on_and_become_sounds(data, classes, request, tmp_path, capsys):
    """Two kinds are enough to ask for one of them; one is nothing to ask for."""
    folder, sounds = tmp_path / "run", tmp_path / "made"
    words = ["--data", str(request.getfixturevalue(data)), "--run", str(folder), "--steps", "3", *MODERN]
    assert train_command.main(words) == 0
    run = Run(folder)
    assert run.config().classes == classes and run.latest() == 3
    before, after = run.load(0), run.load(3)
    assert all(np.isfinite(array).all() for array in after.values())
    for network in ("generator", "critic", "spectral_critic"):
        kernels = [name for name in after if name.startswith(f"{network}/") and name.endswith("/kernel")]
        assert kernels and all((before[name] != after[name]).any() for name in kernels)
    asked = ["--per-class", "1"] if classes else ["--n", "4"]
    assert generate_command.main(["--run", str(folder), "--out", str(sounds), *asked]) == 0
    names = sorted(path.stem for path in sounds.glob("*.wav"))
    assert len(names) == 4 and [name.partition("-")[2] for name in names] == list(classes or 4 * [""])
    capsys.readouterr()
    one = ["--run", str(folder), "--out", str(tmp_path / "one"), "--class", "kick"]
    assert generate_command.main(one) == (0 if classes else 2)


@pytest.mark.parametrize("command", ["main", "main_diffusion"])
def test_a_class_whose_only_recording_is_held_out_is_noted_and_in_nobodys_way(recordings, tmp_path, capsys, command):
    names = [f"{kind}/{number}.wav" for kind in KINDS for number in range(3)]
    folder = recordings("pack", *names, "loose/0.wav")
    (folder / "testing_list.txt").write_text("loose/0.wav\n")
    info = make(folder, tmp_path / "data")
    assert "classes without a recording to train on: loose" in info.report["notes"]
    flags = MODERN if command == "main" else ["--preset", "small", "--width", "8", "--batch-size", "2"]
    words = ["--data", str(tmp_path / "data"), "--run", str(tmp_path / "run"), "--steps", "1", *flags]
    assert getattr(train_command, command)(words) == 0
    assert Run(tmp_path / "run").config().classes == (*sorted([*KINDS, "loose"]),)


def test_five_hundred_classes_are_learned_and_asked_for(recordings, tmp_path, capsys):
    """One recording of each: more kinds than any list or picture has room for."""
    names = [f"kind {number:03d}" for number in range(500)]
    data = made(recordings("sounds", *(f"{name}/a.wav" for name in names)), tmp_path)
    folder, sounds = tmp_path / "run", tmp_path / "made"
    assert train_command.main(["--data", str(data), "--run", str(folder), "--steps", "2", *MODERN]) == 0
    assert Run(folder).config().classes == tuple(names)
    assert len(list((folder / "previews").rglob("*.wav"))) <= 2 * 2 * 16  # a class each, of generated and real ones
    asked = ["--class", "kind 007:0.5,kind 499:0.5", "--n", "2", "--run", str(folder), "--out", str(sounds)]
    assert generate_command.main(asked) == 0 and len(list(sounds.glob("*.wav"))) == 2
    capsys.readouterr()
    assert generate_command.main([*asked[2:], "--class", "kind 500"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
