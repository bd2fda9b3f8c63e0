"""The network of flow matching as ONNX tells what the trainer's does, and ten lines make generate.py's sounds of it."""

import json
import re

import numpy as np
import onnx
import pytest
from keras import ops

from tests.generation.export.support import a_flow_model
from tests.generation.export.test_runtimes import DOCS
from wavegan.cli import export as export_command
from wavegan.generation.export import onnx_graph
from wavegan.generation.export.runtimes import export
from wavegan.generation.generate import load_sampler
from wavegan.models.diffusion.flow import NEAREST
from wavegan.models.diffusion.settings import Sampling
from wavegan.runs.run import Run

MODELS = [
    {},
    {"length": 1024, "classes": 3, "blocks": 2},
    {"channels": 2, "classes": 2},
    {"length": 4096, "channels": 2},
    {"length": 16384, "classes": 10},
]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_onnx_tells_what_the_trainers_network_tells(model):
    operations, example = a_flow_model(**model)
    content = onnx_graph.graph(operations, example, example.facts)
    largest = np.abs(example.made).max()
    assert largest > 1
    for n in (1, 16):
        given = {name: values[:n] for name, values in example.given.items()}
        np.testing.assert_allclose(onnx_graph.run_graph(content, given), example.made[:n], atol=1e-5 * largest)


def test_what_was_not_learned_is_what_was_learned_nearest_to_it():
    operations, example = a_flow_model(classes=2)
    content = onnx_graph.graph(operations, example, {})
    told = [
        onnx_graph.run_graph(content, {**example.given, "time": np.full(16, time, "float32")})
        for time in (0, NEAREST, 2 * NEAREST)
    ]
    np.testing.assert_array_equal(told[0], told[1])
    assert np.abs(told[2] - told[1]).max() > 1e-3


def test_it_is_one_file_that_says_what_it_is(flow_run, tmp_path, capsys):
    assert export_command.main(["--format", "onnx", "--run", str(flow_run), "--out", str(tmp_path / "f.onnx")]) == 0
    said = capsys.readouterr().out
    assert "points, time and classes in, velocity out" in said and "its velocity differs from the trainer's by" in said
    model = onnx.load(tmp_path / "f.onnx")
    facts = {each.key: each.value for each in model.metadata_props}
    config = Run(flow_run).config()
    expected = {"family": "diffusion", "predicts": "velocity", "step": "6", "steps": "4", "solver": "heun"}
    assert facts.items() >= expected.items() and float(facts["rms"]) == config.data.rms
    assert len(json.loads(facts["times"])) == 5
    assert json.loads(facts["classes"]) == ["kick", "snare", "tom"]
    assert json.loads(facts["latents"]) == {"shape": [16, 129], "distribution": "normal"}
    shapes = {each.name: each.type.tensor_type.shape.dim for each in (*model.graph.input, *model.graph.output)}
    assert {name: [dim.dim_param or dim.dim_value for dim in dims] for name, dims in shapes.items()} == {
        **{"points": ["n", 16, 129], "time": ["n"], "classes": ["n", 3], "velocity": ["n", 16, 129]}
    }


def test_what_tells_something_else_is_not_kept(flow_run, tmp_path, monkeypatch, capsys):
    right = onnx_graph.run_graph
    monkeypatch.setattr(onnx_graph, "run_graph", lambda content, given: right(content, given) + 1e-3)
    assert export_command.main(["--format", "onnx", "--run", str(flow_run), "--out", str(tmp_path / "f.onnx")]) == 2
    assert "makes other sounds than the trainer" in capsys.readouterr().err and [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("kind", ["web", "tflite", "savedmodel"])
def test_other_formats_name_those_that_do(flow_run, tmp_path, capsys, kind):
    assert export_command.main(["--format", kind, "--run", str(flow_run), "--out", str(tmp_path / "x")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"cannot be exported to --format {kind}" in line and "--format onnx" in line and "--format kit" in line


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(steps=30, guidance=3.0)], ids=str)
def test_the_ten_lines_of_the_documentation_make_the_sounds_of_generate(flow_run, tmp_path, monkeypatch, sampling):
    monkeypatch.chdir(tmp_path)
    export(Run(flow_run), "onnx", out="exported/drums-8k-diffusion.onnx")
    section = (DOCS / "export.md").read_text(encoding="utf-8").partition("## Flow matching as ONNX")[2]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    ten = code.partition("\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(ten) == 10 and max(map(len, ten)) <= 120
    names_of_facts = 'names, times, guidance = (json.loads(facts[name]) for name in ("classes", "times", "guidance"))\n'
    assert names_of_facts in code
    sampler, *_ = load_sampler(Run(flow_run), sampling=sampling)
    names, asked = {}, f"times, guidance = {sampler.times(1.0).tolist()}, {sampling.guidance}\n"
    asked += f'facts["spread"] = {float(sampler.spread(1.0))}\n'
    if sampling == Sampling():
        asked = ""
    exec(code.replace(names_of_facts, names_of_facts + asked), names)
    given = names["noise"], names["classes"]
    expected = np.array(sampler._points(sampler.sampling.guidance, *map(ops.convert_to_tensor, given)))
    expected = expected * float(sampler.spread(1.0))
    np.testing.assert_allclose(names["x"], expected, atol=1e-4)
    assert np.abs(expected - names["noise"]).max() > 1e-2  # to which a network leads that tells nothing
    audio = sampler(*given)
    assert names["audio"].shape == audio.shape
    seen, theirs = (np.array(sampler.spectrogram(each / np.float32(sampler.rms))) for each in (audio, names["audio"]))
    silence = np.array(sampler.spectrogram(np.zeros_like(audio)))
    assert np.sqrt(np.mean((seen - theirs) ** 2)) < 0.3 * np.sqrt(np.mean((seen - silence) ** 2))  # phases are alike
    assert len([*tmp_path.glob("kick-*.wav")]) == 8
