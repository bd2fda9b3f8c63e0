"""The ONNX file makes the trainer's sounds, for every kind of WaveGAN, and says what it is."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.generation.export.support import a_model
from wavegan.cli import export as export_command
from wavegan.generation.export import onnx_file as exported
from wavegan.generation.export.onnx_file import graph, onnx_file, run_by_onnx
from wavegan.generation.generate import load_sampler
from wavegan.models.latents import Uniform
from wavegan.runs.run import Run

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    "model",
    [
        {"networks": "paper"},
        {"networks": "modern", "classes": 3, "channels": 2},
        {"networks": "modern", "length": 8192, "kernel_length": 24},
        {"networks": "paper", "length": 512, "kernel_length": 9, "latent_size": 7, "classes": 2},
        {"networks": "modern", "length": 1024, "kernel_length": 4},
        {"networks": "modern", "length": 256, "kernel_length": 33, "model_dim": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [1, 5])
def test_it_makes_the_sounds_of_the_trainer(model, n):
    sampler, operations = a_model(**model)
    latents = Uniform().draw(n, sampler.latent_shape, 1)
    count = model.get("classes", 0)
    weights = np.random.default_rng(1).dirichlet(np.ones(count), n).astype("float32") if count else None
    expected = sampler(latents, weights)
    facts = {"length": expected.shape[1], "channels": expected.shape[2]}
    content = graph(operations, latents.shape[1], count, facts)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(run_by_onnx(content, latents, weights), expected, atol=1e-5)


def test_it_is_one_file_that_says_what_it_is(trained_by_class, tmp_path, capsys):
    words = ["--format", "onnx", "--run", str(trained_by_class), "--out", str(tmp_path / "sounds.onnx")]
    assert export_command.main(words) == export_command.main(words) == 0
    assert "latents and classes in, audio out" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sounds-2.onnx", "sounds.onnx"]
    model = onnx.load(tmp_path / "sounds.onnx")
    facts = {each.key: each.value for each in model.metadata_props}
    assert (facts["run"], facts["step"], facts["sample_rate"]) == ("by class", "4", "4000")
    assert json.loads(facts["classes"]) == ["kick", "snare", "tom"]
    assert json.loads(facts["latents"]) == {"size": 100, "distribution": "uniform", "range": [-1, 1]}
    shapes = {each.name: each.type.tensor_type.shape.dim for each in (*model.graph.input, *model.graph.output)}
    assert {name: [dim.dim_param or dim.dim_value for dim in dims] for name, dims in shapes.items()} == {
        **{"latents": ["n", 100], "classes": ["n", 3], "audio": ["n", 1024, 1]}
    }


def test_a_file_that_makes_other_sounds_is_not_written(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exported, "run_by_onnx", lambda content, latents, weights: np.full((16, 1024, 1), 0.5))
    out = tmp_path / "sounds.onnx"
    assert export_command.main(["--format", "onnx", "--run", str(trained), "--out", str(out)]) == 2
    assert "makes other sounds than the trainer" in capsys.readouterr().err and not out.exists()


def test_packages_that_are_missing_are_one_line(trained, monkeypatch, capsys):
    monkeypatch.setattr(export_command, "find_spec", lambda name: None)
    assert export_command.main(["--format", "onnx", "--run", str(trained)]) == 2
    assert capsys.readouterr().err.startswith("error: --format onnx needs the packages onnx and onnxruntime")


def test_the_example_of_the_documentation_runs(trained_by_class, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    onnx_file(Run(trained_by_class), out="exported/drums-8k.onnx")
    code = re.search(r"```python\n(import json, numpy.*?)```", (DOCS / "export.md").read_text(encoding="utf-8"), re.S)
    names = {}
    exec(code[1], names)
    assert len([*tmp_path.glob("kick-*.wav")]) == 8
    sampler, *_ = load_sampler(Run(trained_by_class))
    np.testing.assert_allclose(names["audio"], sampler(names["latents"], names["classes"]), atol=1e-5)
