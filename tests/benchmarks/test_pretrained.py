"""From a run to one that comes with the program (`python -m benchmarks pretrained`), and what can be done with it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pretrained as tool
from benchmarks.__main__ import main
from tests.conftest import TINY
from tests.evaluation.support import prepared_drums
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import export as export_command
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.generation import saved
from wavegan.generation.generate import load_sampler
from wavegan.models.family import family_named
from wavegan.runs import run as runs
from wavegan.runs.config import Config
from wavegan.runs.run import Run, find_run

CARD = "# little\n\nWritten by hand.\n\n<!-- measured -->\nold figures\n<!-- until here -->\n\n## Licence\n\nNone.\n"


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A data set of three kinds of drums, some 60 of them held out, whose classifier is trained already."""
    return prepared_drums(tmp_path_factory.mktemp("kit") / "wav")


@pytest.fixture(scope="module")
def trained(kit, tmp_path_factory):
    """A run that learned the classes, in 12 steps, of a preset and its own settings."""
    path = tmp_path_factory.mktemp("runs") / "run"
    words = [*TINY, "--conditional", "auto", "--critic-updates", "1", "--checkpoint-every", "7", "--seed", "3"]
    assert train_command.main(["--data", str(kit), "--run", str(path), "--steps", "12", *words]) == 0
    return path


@pytest.fixture(scope="module")
def made(kit, trained, tmp_path_factory):
    """The folder in which the run "little" comes with the program, and the file of its page."""
    folder, patch = tmp_path_factory.mktemp("program") / "pretrained", pytest.MonkeyPatch()
    card, page = folder / "little" / "README.md", folder.parent / "little.html"
    card.parent.mkdir(parents=True)
    card.write_text(CARD, encoding="utf-8")
    (card.parent / "of an earlier one").touch()
    page.write_text("an earlier one", encoding="utf-8")
    words = ["pretrained", "--run", str(trained), "--name", "little", "--machine", "an abacus", "--n", "60"]
    with patch.context() as patched:
        patched.setattr(tool, "PRETRAINED", folder)
        assert main([*words, "--page", str(page)]) == 0
    return folder, page


@pytest.fixture
def little(made, tmp_path, monkeypatch):
    """That run, found by its name, and an empty working directory."""
    folder = Path(shutil.copytree(made[0], tmp_path / "pretrained"))
    for module in (runs, saved):
        monkeypatch.setattr(module, "PRETRAINED", folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    yield find_run("little")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before  # nothing writes into it


def test_the_folder_is_made_anew_with_what_a_person_wrote(made, trained, kit):
    folder, page = made[0] / "little", made[1]
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    checkpoint = {"checkpoints/step-00000012.json", "checkpoints/step-00000012.npz"}
    assert names == {"README.md", "config.json", "evaluation/evaluation.json", "made.json", "sounds.npz", *checkpoint}
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# little\n\nWritten by hand.") and text.endswith("## Licence\n\nNone.\n")
    assert "old figures" not in text and text == tool.with_figures(CARD, tool.measured(folder))
    assert "12 in 0 minutes of an abacus" in text and "Recognised as the class asked for" in text
    command = "`python train_wavegan.py --data data/wav --preset tiny --steps 12 --batch-size 4 --seed 3 --model-dim 2 "
    assert command in text.replace(f"data/{kit.name}", "data/wav")
    assert b'"run": "little"' in page.read_bytes() or b'"run":"little"' in page.read_bytes()
    for path in (*folder.rglob("*.json"), folder / "README.md", page):
        assert str(trained.parent) not in path.read_text(encoding="utf-8"), path


def test_its_settings_are_those_of_the_run_but_for_places_and_rhythms(made, trained):
    config, own = Config.load(made[0] / "little" / "config.json"), Run(trained).config()
    assert (config.model, config.data.fingerprint, config.classes) == (own.model, own.data.fingerprint, own.classes)
    assert (config.training.seed, config.training.steps, config.training.checkpoint_every) == (3, 12, 500)
    assert not Path(config.data.directory).is_absolute() and config.training.precision == "float32"


def test_its_sounds_are_those_of_the_run(made, trained):
    """But for rounding, which the card tells."""
    figures = json.loads((made[0] / "little" / "made.json").read_text(encoding="utf-8"))
    latents = family_named("gan").latents.draw(8, (100,), 5)
    classes = np.eye(3, dtype="float32")[np.arange(8) % 3]
    own, small = (load_sampler(Run(path))[0](latents, classes) for path in (trained, made[0] / "little"))
    assert 0 < np.abs(own - small).max() < 0.01 * np.abs(own).max() and 0 < figures["largest_difference"] < 0.01


def test_all_that_another_run_starts_from_is_kept_in_few_bits(made, trained):
    own, small = Run(trained).load(12), Run(made[0] / "little").load(12)
    networks = ("sampler/", "critic/", "spectral_critic/")
    expected = {name for name in own if name.startswith((*networks, "generator_optimizer/000/", "steps_before/"))}
    assert small.keys() == expected and len(expected) > 30
    for name in expected:
        steepest = np.abs(own[name]).max(axis=tuple(range(max(0, own[name].ndim - 1))))
        steps = 2047 if name.startswith("sampler/") else 127
        assert small[name].dtype == own[name].dtype or name.startswith(networks), name
        assert (np.abs(small[name] - own[name]) <= 0.51 * steepest / steps * (own[name].ndim > 1)).all(), name


def test_a_card_without_a_place_for_figures_is_one_line(made, trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "PRETRAINED", tmp_path)
    assert main(["pretrained", "--run", str(trained), "--name", "none", "--machine", "an abacus"]) == 2
    assert "must be there, with <!-- measured --> and" in capsys.readouterr().err and not [*tmp_path.iterdir()]


def test_it_makes_sounds_and_a_page_by_its_name(little, capsys):
    assert generate_command.main(["--run", "little", "--n", "3", "--seed", "0"]) == 0
    assert "run little, step 12" in capsys.readouterr().out
    sounds = sorted(Path("generated/little/step-00000012").glob("*.wav"))
    assert len(sounds) == 3
    assert generate_command.main(["--from", str(sounds[0]), "--out", "again"]) == 0
    output = capsys.readouterr().out
    assert "run little, step 12" in output and "not the saved sounds" not in output
    assert next(Path("again").glob("*.wav")).read_bytes() == sounds[0].read_bytes()
    assert export_command.main(["--run", "little", "--format", "web"]) == 0
    assert [path.name for path in Path("exported").iterdir()] == ["little.html"]


def test_it_is_evaluated_beside_the_work_and_not_in_the_program(little, kit, capsys):
    assert evaluate_command.main(["--run", "little", "--n", "60"]) == 2
    complaint = capsys.readouterr().err
    assert "the data set of little, is not there" in complaint and "README.md says how to make it" in complaint
    assert evaluate_command.main(["--run", "little", "--n", "60", "--data", str(kit)]) == 0
    report = json.loads(Path("evaluated/little/evaluation/evaluation.json").read_text(encoding="utf-8"))
    shipped = json.loads((little.path / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert [row["scores"] for row in report["checkpoints"]] == [row["scores"] for row in shipped["checkpoints"]]
    assert "--run little" in json.dumps(report["notes"])


def test_a_new_run_starts_from_it(little, drums_like_it, capsys):
    words = ["--finetune", "little", "--run", "new", "--data", str(drums_like_it), "--steps", "2"]
    assert train_command.main([*words, "--precision", "float32"]) == 0
    new, own = Run("new").load(0), little.load(12)
    for network in ("generator", "sampler", "critic", "spectral_critic"):
        theirs = weights(own, "sampler" if network == "generator" else network)
        for (name, array), kept in zip(weights(new, network), theirs, strict=True):
            np.testing.assert_array_equal(array, kept[1], err_msg=name)
    assert Run("new").config().finetuned_from == f"{little.path.resolve()}, step 12"
    assert new["steps_before/000/steps"] == 12
    assert train_command.main([*words[:-1], "3", "--precision", "float32"]) == 0  # it goes on
    assert train_command.main(["--finetune", "littl", "--run", "newer", "--data", str(drums_like_it)]) == 2
    assert "Or name one that comes with WaveGAN: little" in capsys.readouterr().err


@pytest.fixture(scope="module")
def drums_like_it(kit, tmp_path_factory):
    """Other recordings, of the same form and classes."""
    return prepared_drums(tmp_path_factory.mktemp("others") / "wav", count=60)


def weights(arrays, network):
    return [(name, array) for name, array in arrays.items() if name.startswith(f"{network}/") and "seed" not in name]
