"""The file with a page: where it is written, what stands in it, and how its weights are rounded."""

import json
import re

import numpy as np
import pytest

from wavegan.cli import export as export_command
from wavegan.generation.export.web import _packed, _unpacked, web
from wavegan.models.family import family_named
from wavegan.runs.run import Run


def inside(path):
    """What the page knows of its model."""
    found = re.search(r'<script type="application/json" id="model">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(found[1])


def test_the_page_is_one_file_that_loads_nothing(trained_by_class, tmp_path):
    made = web(Run(trained_by_class), out=tmp_path / "new" / "page.html")
    text = made.path.read_text(encoding="utf-8")
    assert made.size == len(text.encode()) and [*made.path.parent.iterdir()] == [made.path]
    assert not re.search(r"https?://(?!www\.w3\.org)", text) and "src=" not in text and "@import" not in text
    assert "default-src 'none'" in text and made.difference < 1e-4
    model = inside(made.path)
    assert (model["run"], model["step"], model["rate"], model["length"]) == ("by class", 4, 4000, 1024)
    assert model["classes"] == ["kick", "snare", "tom"] and model["notes"] == [36, 38, 45]
    assert model["first"] == [0, 1, 2, 0, 1, 2, 0, 1] and str(trained_by_class.parent) not in text


def test_nothing_is_overwritten(trained, tmp_path, capsys):
    words = ["--format", "web", "--run", str(trained), "--out", str(tmp_path / "page.html")]
    assert export_command.main(words) == export_command.main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page-2.html", "page.html"]
    assert (tmp_path / "page-2.html").read_bytes() == (tmp_path / "page.html").read_bytes()
    assert "open it in a browser" in capsys.readouterr().out
    assert inside(tmp_path / "page.html")["classes"] == []


def test_an_earlier_checkpoint_is_another_model(trained, tmp_path):
    pages = [inside(web(Run(trained), step, tmp_path / "page.html").path) for step in (4, None)]
    assert [page["step"] for page in pages] == [4, 10] and pages[0]["model"] != pages[1]["model"]


def test_weights_are_rounded_to_less_than_a_step_of_each_channel():
    weights = np.random.default_rng(0).standard_normal((25, 8, 6)).astype("float32") * np.logspace(-6, 2, 6)
    weights[..., 3] = 0
    rounded = _unpacked(*_packed(weights.astype("float32")))
    largest = np.abs(weights).max(axis=(0, 1))
    assert (np.abs(rounded - weights) <= 0.51 / 32767 * largest + 1e-12).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--n", "4"], "--n does not go with --format web"),
        (["--bits", "24"], "--bits does not go with --format web"),
        (["--out", "/proc/nowhere/page.html"], "cannot be written"),
        (["--checkpoint", "best"], "has a score"),
    ],
)
def test_a_mistake_is_one_line(trained, words, expected, capsys):
    assert export_command.main(["--format", "web", "--run", str(trained), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and expected in line


def test_a_rate_that_browsers_do_not_play_is_reported(trained, tmp_path, capsys):
    import shutil
    from dataclasses import replace

    run = Run(shutil.copytree(trained, tmp_path / "run"))
    config = run.config()
    replace(config, data=replace(config.data, sample_rate=2000)).save(run.config_path)
    assert export_command.main(["--format", "web", "--run", str(run.path), "--out", str(tmp_path / "page.html")]) == 2
    assert "a page needs a sample rate from 3,000 to 192,000 Hz" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_what_a_family_cannot_be_exported_to_is_one_line(trained, monkeypatch, capsys):
    monkeypatch.setattr(family_named("gan"), "not_exported", {"web": "it would take minutes there"}, raising=True)
    assert export_command.main(["--format", "web", "--run", str(trained)]) == 2
    expected = "error: a WaveGAN cannot be exported to --format web: it would take minutes there.\n"
    assert capsys.readouterr().err == expected
