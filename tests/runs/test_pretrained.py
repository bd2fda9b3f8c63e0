"""The runs that come with the program: whole, small, found by their names, and installed with it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pretrained import MARKS, measured
from wavegan.audio.mel import LogMel
from wavegan.audio.wav import from_pcm16
from wavegan.base.errors import UserError
from wavegan.generation.generate import load_sampler
from wavegan.models.family import family_named
from wavegan.runs import run as runs
from wavegan.runs.run import PRETRAINED, Run, find_run, pretrained

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 4_000_000
of_each = pytest.mark.parametrize("name", pretrained())


def test_drums_and_digits_come_with_it():
    assert {"drums", "digits"} <= set(pretrained())
    assert (Run(PRETRAINED / "drums").config().data.sample_rate, len(Run(PRETRAINED / "drums").config().classes)) == (
        16000,
        8,
    )
    assert len(Run(PRETRAINED / "digits").config().classes) == 10


@of_each
def test_each_is_small_and_holds_nothing_of_the_machine_that_made_it(name):
    files = [path for path in (PRETRAINED / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert {path.relative_to(PRETRAINED / name).parts[0] for path in files} == {
        *("README.md", "checkpoints", "config.json", "evaluation", "made.json", "sounds.npz"),
        *(["licence.txt"] if name == "digits" else []),
    }
    for path in files:
        if path.suffix in (".json", ".md"):
            assert not re.search(r"/(home|root|work|tmp|Users)/", path.read_text(encoding="utf-8")), path


def test_what_is_made_of_recordings_of_others_names_them():
    assert Run(PRETRAINED / "drums").licence is None  # the project's own
    for part in ("Free Spoken Digit Dataset", "Zohar Jackson", "CC BY-SA 4.0", "26eb9aa"):
        assert part in Run(PRETRAINED / "digits").licence, part


@of_each
def test_the_figures_of_a_card_are_those_of_the_files_beside_it(name):
    text = (PRETRAINED / name / "README.md").read_text(encoding="utf-8")
    figures = text.split(MARKS[0])[1].split(MARKS[1])[0].strip()
    assert figures == measured(PRETRAINED / name)
    report = json.loads((PRETRAINED / name / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    run = Run(PRETRAINED / name)
    assert (report["step"], report["run"]) == (run.latest(), name) and run.best() == run.latest()
    assert report["asked"]["recognised"] > 3 / len(run.config().classes)
    assert report["sets"] == ["generated", "test data", "train data", "white noise"]
    for part in (
        "| recordings |",
        "| trained by |",
        "| steps, time |",
        "FD (own classifier)",
        "## Licence",
        "## What it cannot",
    ):
        assert part in text, part


@of_each
def test_the_same_latents_make_the_sounds_that_it_was_shipped_with(name):
    sampler, config, _ = load_sampler(Run(PRETRAINED / name))
    with np.load(PRETRAINED / name / "sounds.npz") as kept:
        made, expected = sampler(kept["latents"], kept["classes"]), from_pcm16(kept["audio"])
    assert len(expected) == len(config.classes)
    np.testing.assert_allclose(made, expected, atol=1e-3)


@of_each
def test_its_sounds_are_heard_and_differ_by_class_and_latent(name):
    sampler, config, _ = load_sampler(Run(PRETRAINED / name))
    count, n = len(config.classes), 12
    latents = family_named(config.family).latents.draw(n, sampler.latent_shape, 1)
    audio = sampler(np.repeat(latents, count, axis=0), np.tile(np.eye(count, dtype="float32"), (n, 1)))
    assert audio.shape == (n * count, config.data.length, config.data.channels) and np.isfinite(audio).all()
    loudness = np.sqrt(np.mean(audio**2, axis=(1, 2))) / config.data.rms
    assert (loudness > 0.02).mean() > 0.9 and np.abs(audio).max() <= 1 and 0.3 < np.sqrt(np.mean(loudness**2)) < 3
    mel = LogMel(config.data.sample_rate, config.data.length)(audio).reshape(n, count, -1)
    by_class, by_latent = mel.std(axis=1).mean(), mel.std(axis=0).mean()  # nepers
    assert by_class > 0.5 and by_latent > 0.3, (by_class, by_latent)


def test_a_path_and_a_run_of_one_s_own_come_before_the_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_run("drums").path == PRETRAINED / "drums" and find_run("drums").title == "drums"
    (tmp_path / "drums").mkdir()  # recordings, perhaps
    assert find_run("drums").is_pretrained and not find_run("./drums").is_pretrained
    shutil.copytree(PRETRAINED / "digits", tmp_path / "runs" / "drums")
    own = find_run("drums")
    assert (own.path, own.title, own.is_pretrained) == (Path("runs/drums"), "runs/drums", False)
    shutil.copy(PRETRAINED / "drums" / "config.json", tmp_path / "drums")
    assert find_run("drums").path == Path("drums")


def test_a_wrong_name_is_told_those_that_come_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("drum", "runs/drums", ""):
        with pytest.raises(UserError, match="is not a run.*Or name one that comes with WaveGAN: digits, drums"):
            find_run(name).config()
    with pytest.raises(UserError, match="Or give --run.*digits, drums"):
        runs.newest_run()


def test_a_wheel_has_them_and_makes_sounds_from_there(tmp_path):
    source, unpacked = tmp_path / "source", tmp_path / "unpacked"
    for folder in ("wavegan", "preprocess"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(source / done.stdout.splitlines()[-1], unpacked, "zip")
    installed = unpacked / "wavegan" / "pretrained"
    expected = {path.relative_to(PRETRAINED) for path in PRETRAINED.rglob("*") if path.is_file()}
    assert {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()} == expected
    command = ["-c", "from wavegan.cli.generate import main; raise SystemExit(main(['--run', 'drums', '--n', '2']))"]
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("generated/drums/*/*.wav"))) == 2
