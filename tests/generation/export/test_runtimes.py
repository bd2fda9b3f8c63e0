"""Files for other runtimes make the trainer's sounds, for every kind of WaveGAN, and say what they are."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.generation.export.support import a_model
from wavegan.backend import tensorflow_files
from wavegan.cli import export as export_command
from wavegan.generation.export import onnx_graph
from wavegan.generation.export.runtimes import export
from wavegan.generation.generate import load_sampler
from wavegan.models.latents import Uniform
from wavegan.models.portable import Example
from wavegan.runs.run import Run

DOCS = Path(__file__).resolve().parents[3] / "docs"
MODELS = [
    {"networks": "paper"},
    {"networks": "modern", "sound_gain": "yes", "classes": 3, "channels": 2},
    {"networks": "modern", "length": 8192, "kernel_length": 24},
    {"networks": "paper", "length": 512, "kernel_length": 9, "latent_size": 7, "classes": 2},
    {"networks": "modern", "sound_gain": "yes", "length": 1024, "kernel_length": 4},
    {"networks": "modern", "length": 256, "kernel_length": 33, "model_dim": 3},
]


def sounds(model, n):
    """Operations, what they are given, and what the trainer makes of that."""
    sampler, operations = a_model(**model)
    given = {"latents": Uniform().draw(n, sampler.latent_shape, 1)}
    if count := model.get("classes", 0):
        given["classes"] = np.random.default_rng(1).dirichlet(np.ones(count), n).astype("float32")
    expected = sampler(given["latents"], given.get("classes"))
    assert np.abs(expected).max() > 0.05
    return operations, given, expected


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_onnx_makes_the_sounds_of_the_trainer(model):
    for n in (1, 5):
        operations, given, expected = sounds(model, n)
        content = onnx_graph.graph(operations, Example(given, "audio", expected, {}), {})
        np.testing.assert_allclose(onnx_graph.run_graph(content, given), expected, atol=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_tensorflows_formats_make_the_sounds_of_the_trainer(model, tmp_path):
    for n in (1, 5):
        operations, given, expected = sounds(model, n)
        sizes = given["latents"].shape[1], model.get("classes", 0)
        content = tensorflow_files.lite_model(operations, *sizes)
        np.testing.assert_allclose(tensorflow_files.run_lite_model(content, given), expected, atol=1e-5)
        tensorflow_files.save_model(operations, *sizes, tmp_path / str(n))
        np.testing.assert_allclose(tensorflow_files.run_model(tmp_path / str(n), given), expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "file"), [("tflite", "model.tflite"), ("savedmodel", "saved_model.pb")])
def test_a_folder_holds_the_model_and_what_it_is(trained_by_class, tmp_path, capsys, kind, file):
    words = ["--format", kind, "--run", str(trained_by_class), "--out", str(tmp_path / "sounds")]
    assert export_command.main(words) == export_command.main(words) == 0
    assert "latents and classes in, audio out" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sounds", "sounds-2"]
    facts = json.loads((tmp_path / "sounds" / "facts.json").read_text(encoding="utf-8"))
    assert (facts["run"], facts["sample_rate"], facts["classes"]) == ("by class", 4000, ["kick", "snare", "tom"])
    assert (tmp_path / "sounds" / file).is_file()


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


@pytest.mark.parametrize(
    ("kind", "runner"), [("onnx", (onnx_graph, "run_graph")), ("tflite", (tensorflow_files, "run_lite_model"))]
)
def test_what_makes_other_sounds_is_not_kept(trained, tmp_path, monkeypatch, capsys, kind, runner):
    monkeypatch.setattr(*runner, lambda content, given: np.full((16, 1024, 1), 0.5))
    out = tmp_path / "sounds"
    assert export_command.main(["--format", kind, "--run", str(trained), "--out", str(out)]) == 2
    assert "makes other sounds than the trainer" in capsys.readouterr().err and [*tmp_path.iterdir()] == []


def test_packages_that_are_missing_are_one_line(trained, monkeypatch, capsys):
    monkeypatch.setattr(export_command, "find_spec", lambda name: None)
    assert export_command.main(["--format", "onnx", "--run", str(trained)]) == 2
    assert capsys.readouterr().err.startswith("error: --format onnx needs the packages onnx and onnxruntime")


def test_the_examples_of_the_documentation_run(trained_by_class, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, name in (("onnx", ".onnx"), ("tflite", "-tflite"), ("savedmodel", "-savedmodel")):
        export(Run(trained_by_class), kind, out=f"exported/drums-8k{name}")
    page = (DOCS / "export.md").read_text(encoding="utf-8")
    by_onnx, others = re.findall(r"```python\n(.*?)```", page.partition("## Flow matching")[0], re.DOTALL)
    first = "from ai_edge_litert.interpreter import Interpreter"  # which need not be installed
    assert first in others
    by_lite, by_tensorflow = others.replace(first, "from tensorflow import lite; Interpreter = lite.Interpreter").split(
        "import tensorflow\n"
    )
    names, made = {}, []
    for code in (by_onnx, by_lite, f"import tensorflow\n{by_tensorflow}"):
        exec(code, names)
        made.append(names["audio"])
    assert len([*tmp_path.glob("kick-*.wav")]) == 8
    sampler, *_ = load_sampler(Run(trained_by_class))
    for audio in made:
        np.testing.assert_allclose(audio, sampler(names["latents"], names["classes"]), atol=1e-5)
