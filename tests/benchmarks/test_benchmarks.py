"""The benchmarks run, compare like with like, and say what they measured. No time is asserted."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from benchmarks import arithmetic, generate, input, measure, plain, scaling, step
from benchmarks.__main__ import BENCHMARKS, CLASSES, MARKS, _marks, main, rows
from wavegan.backend import devices
from wavegan.models.diffusion import muon
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.gan.family import GAN
from wavegan.runs.config import Config
from wavegan.runs.flags import resolve

AUDIO = ["--length", "256", "--sample-rate", "4000", "--repeats", "1"]
TINY = ["--preset", "paper", "--model-dim", "2", "--batch-size", "16", *AUDIO]


@pytest.fixture(autouse=True)
def small_products(monkeypatch):
    """So that the matrix products take no time."""
    monkeypatch.setattr(devices, "accelerators", lambda: [])
    monkeypatch.setattr(measure, "PEAK_SIZES", {"cpu": (64,)})
    monkeypatch.setattr(measure, "PEAK_FLOP", {"cpu": 1e6})


@pytest.mark.parametrize(
    ("benchmark", "expected"),
    [
        ("layers", {"downsample_0", "downsample_1", "upsample_0", "upsample_1"}),
        ("step", {
            "seconds_per_step", "steps_per_second", "audio_seconds_per_second", "gflop_per_second",
                "peak_gflop_per_second", "share_of_peak", "baseline_ratio", "peak_memory_gib",
        }),
        ("input", {"input_seconds_per_step", "seconds_per_step", "clips_per_second", "input_ratio"}),
        ("records", {
            "clips", "seconds_to_open", "memory_mib_to_open", "order_first_step_seconds", "order_seconds_per_step",
            "order_slowest_step_seconds", "order_first_step_seconds_of_10_times_the_clips",
            "order_seconds_per_step_of_10_times_the_clips", "order_slowest_step_seconds_of_10_times_the_clips",
        }),
        ("preprocess", {
            "files", "seconds", "files_per_second", "plain_files_per_second", "baseline_ratio", "peak_memory_gib",
            "memory_ratio_of_4_times_the_files",
        }),
        ("generate", {
            "clips_per_second", "times_real_time", "gflop_per_second", "peak_gflop_per_second", "share_of_peak",
            "seconds_of_50_sounds_whole_process", "seconds_of_importing_tensorflow", "process_ratio",
        }),
    ],
)  # fmt: skip
def test_every_benchmark_prints_a_table_and_adds_a_line(benchmark, expected, tmp_path, capsys, monkeypatch, drum_files):
    out = tmp_path / "new folder" / "results.jsonl"
    words = {
        "preprocess": [str(drum_files), *AUDIO],
        "generate": [*TINY, "--clips", "5", "--batch-size", "2"],
        "records": [*AUDIO, "--clips", "700"],
    }.get(benchmark, TINY)
    for lines in (1, 2):
        if lines == 1 or benchmark == "step":
            assert main([benchmark, *words, "--out", str(out)]) == 0
            assert len(out.read_text().splitlines()) == lines
    line = json.loads(out.read_text().splitlines()[0])
    assert line["benchmark"] == benchmark and line["backend"] == "tensorflow"
    settings = line["configuration"]
    assert settings["length"] == 256 and ("critic_updates" in settings) == (benchmark in ("step", "input"))
    if benchmark not in ("preprocess", "records"):
        assert settings["model_dim"] == 2 and settings["precision"] == "float32"
    own = {"generate": {"clips": 5, "at_once": 2}, "records": {"clips": 700}}
    assert line["timing"] == {"repeats": 1, **own.get(benchmark, {})}
    assert line["machine"]["cores"] > 0 and "keras" in line["versions"]
    assert set(line["figures"]) == expected
    figures = [value.values() if isinstance(value, dict) else [value] for value in line["figures"].values()]
    assert all(value > 0 for values in figures for value in values)
    printed = capsys.readouterr()
    assert all(f"| {name} " in printed.out for name in expected)
    under_way = "making 700 clips" if benchmark == "records" else "timing "
    assert f"added a line to {out}" in printed.out and under_way in printed.err


@pytest.mark.parametrize("benchmark", ["step", "generate"])
def test_bfloat16_is_measured_against_float32(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "whole_process", lambda config, repeats: {})  # measured in the test above
    out = tmp_path / "results.jsonl"
    assert main([benchmark, *TINY, "--precision", "bfloat16", "--out", str(out)]) == 0
    line = json.loads(out.read_text())
    assert line["configuration"]["precision"] == "bfloat16"
    assert line["figures"]["float32_ratio"] > 0


def test_the_input_of_a_data_set_is_measured_at_its_own_size(drums, tmp_path):
    out = tmp_path / "results.jsonl"
    assert main(["input", "--data", str(drums), "--preset", "tiny", "--model-dim", "2", "--out", str(out)]) == 0
    settings = json.loads(out.read_text())["configuration"]
    assert (settings["length"], settings["sample_rate"]) == (1024, 4000)


def test_devices_are_measured_with_jax(tmp_path, capsys):
    assert main(["devices", *TINY, "--out", str(tmp_path / "results.jsonl")]) == 2
    assert (
        "needs JAX: TensorFlow trains on one device. KERAS_BACKEND=jax python -m benchmarks devices"
        in capsys.readouterr().err
    )


def test_a_flag_that_makes_no_difference_is_not_there(capsys):
    for words in ("generate --critic-updates 5", "layers --ema 0.5", "preprocess . --seed 1"):
        with pytest.raises(SystemExit):
            main(words.split())
        assert "unrecognized arguments" in capsys.readouterr().err


def test_a_mark_stands_beside_the_settings_that_it_is_about():
    paper = resolve({"preset": "paper", "model_dim": 32, "batch_size": 16}, GAN, gpu=False).flat() | {"gpu": False}
    assert set(_marks("step", paper)) == {"share_of_peak", "baseline_ratio", "float32_ratio"}
    assert set(_marks("step", paper | {"precision": "bfloat16"})) == {"float32_ratio"}
    assert _marks("step", paper | {"model_dim": 16}) == {}
    on_gpu = paper | {"gpu": True, "precision": "bfloat16", "model_dim": 64, "batch_size": 64}
    assert _marks("step", on_gpu) == {"steps_per_second": "≥ 20"}
    assert rows({"share_of_peak": 0.5}, _marks("step", paper))[1] == ["share_of_peak", 0.5, "≥ 0.60"]
    assert rows({"share_of_peak": 0.5}, {}) == [["figure", "value"], ("share_of_peak", 0.5)]


def test_every_mark_is_about_a_figure_that_there_is():
    """A renamed setting or figure would leave its mark out in silence."""
    settings = {*resolve({}, GAN, gpu=False).flat(), "gpu"}
    for benchmark, marks in MARKS.items():
        source = Path(importlib.util.find_spec(f"benchmarks.{benchmark}").origin).read_text()
        for figure, (_, about) in marks.items():
            assert set(about) <= settings, figure
            if benchmark == "flow":  # whose figures come from others: see `test_flow_matching_is_timed`
                continue
            assert f'"{figure}"' in source or figure.startswith("memory_ratio_of_"), figure


def test_scaling_has_a_point_for_every_size():
    config = resolve({"preset": "tiny"}, GAN, gpu=False, length=4096)
    assert [tuple(point.values()) for point in scaling._points(config)] == [
        (16, 4096, 16), (32, 4096, 16), (64, 4096, 16), (16, 16384, 16), (16, 4096, 32), (16, 4096, 64)
    ]  # fmt: skip


def test_scaling_measures_in_processes_of_their_own_and_outlives_a_failure(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(scaling, "FACTORS", {"model_dim": (1,), "length": (1,), "batch_size": (1, 10**9)})
    out = tmp_path / "results.jsonl"
    assert main(["scaling", *TINY, "--out", str(out)]) == 0
    measured, failed = json.loads(out.read_text())["figures"]
    assert measured["batch_size"] == 16 and measured["seconds_per_step"] > 0 and measured["peak_memory_gib"] > 0.1
    assert failed["batch_size"] == 16 * 10**9 and failed["seconds_per_step"] is None
    printed = capsys.readouterr()
    assert "not measured" in printed.out and "'batch_size': 16000000000}: not measured" in printed.err


def test_the_plain_wavegan_computes_what_ours_does():
    config = resolve({"preset": "paper", "model_dim": 2, "phase_shuffle": 0}, GAN, gpu=False, length=1024)
    ours, theirs = config.build_model(), plain.plain_gan_from(config)
    for gan in (ours, theirs):
        gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))  # an update is minus the gradient
    theirs.generator.set_weights(ours.generator.get_weights())
    theirs.critic.set_weights(ours.critic.get_weights())
    latents = ours.sample_latents(3)
    audio = ours.generator(latents)
    np.testing.assert_allclose(theirs.generator(latents), audio, atol=1e-5)
    np.testing.assert_allclose(theirs.critic(audio), ours.critic(audio), atol=1e-5)
    seed = ours.seed_generator.state.numpy()
    theirs.seed_generator.state.assign(seed)
    facts, expected = theirs.critic_step(audio), ours.critic_step(audio)
    assert float(facts["critic/loss"]) == pytest.approx(float(expected["critic/loss"]), rel=1e-4)
    for one, other in zip(theirs.critic.get_weights(), ours.critic.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_arithmetic_is_the_published_one():
    """0.846 GMAC a clip and about 6.5 TFLOP a step for the paper's model."""
    config = resolve({"preset": "paper"}, GAN, gpu=True)
    assert arithmetic.forward_flop(config) / 2 == pytest.approx(0.846e9, rel=0.01)
    assert arithmetic.step_flop(config) == pytest.approx(6.5e12, rel=0.01)


def test_turns_are_taken_and_the_first_is_not_counted():
    order = []
    times = measure.in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=2)
    assert order == ["a", "b"] * 3
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 2, "b": 2}
    assert measure.median_ratio([2.0, 9.0, 4.0], [1.0, 1.0, 1.0]) == 4.0


def test_the_peak_is_counted_in_full(monkeypatch):
    monkeypatch.setattr(measure, "PEAK_SIZES", {"cpu": (32, 64)})
    monkeypatch.setattr(measure, "PEAK_FLOP", {"cpu": 2 * 64**3 * 6})
    monkeypatch.setattr(measure, "available_cores", lambda: 2)
    products, flop = measure.matrix_products("float32", repeats=1)
    assert flop in (2 * 64**3 * 6, 2 * 32**3 * 48)
    products()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["step", "--batch-size", "0"], "--batch-size must be 1 or more. Received: 0"),
        (["step", "--length", "1000"], "--length must be 16 × a power of two, such as 1024. Received: 1000"),
        (["step", "--channels", "3"], "channels must be 1 or 2. Received: 3"),
        (["preprocess", "nowhere"], "FOLDER must be a folder of recordings. Received: nowhere"),
        (["nothing"], "invalid choice: 'nothing'"),
        (["step", "--repeats", "0"], "must be a whole number of 1 or more. Received: 0"),
    ],
)
def test_what_cannot_be_measured_is_one_line(words, complaint, capsys):
    try:
        code = main(words)
    except SystemExit as exit:
        code = exit.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2 and len(lines) == 1 and complaint in lines[0]


def test_every_benchmark_has_a_word_of_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in BENCHMARKS)


def test_a_step_of_the_modern_form_is_counted_with_both_critics_and_its_rare_penalty():
    """Beside the paper's: the spectral critic, one update of each, and a penalty at recordings in one step of eight."""
    config = resolve({"preset": "tiny", "model_dim": 16}, GAN, gpu=False, length=4096)
    forward, spectral = arithmetic.forward_flop(config), arithmetic.spectral_flop(config)
    frames = [33, 17, 9]  # of 65, until 16 or fewer
    assert spectral == 2 * 5 * 64 * (frames[0] * 129 + (frames[1] + frames[2]) * 64)
    critic, generator = 6 + 4 / 8 + 2, 1 + 3
    assert arithmetic.step_flop(config) == pytest.approx(16 * (critic * (forward + spectral) + generator * forward))


def test_the_modern_form_has_no_plain_counterpart_and_is_timed_all_the_same(tmp_path, capsys):
    words = ["step", "--preset", "tiny", "--model-dim", "2", *AUDIO, "--out", str(tmp_path / "x.jsonl")]
    assert main(words) == 0
    line = json.loads((tmp_path / "x.jsonl").read_text())
    assert "baseline_ratio" not in line["figures"] and line["figures"]["share_of_peak"] > 0
    assert (line["configuration"]["conditional"], line["configuration"]["classes"]) == ("yes", 10)


class Model:
    """One that takes a second for a step, and eight more for the first of every eight, which has the penalty."""

    seconds, steps, batches = 0.0, 0, ()

    def train_on_batch(self, batch, return_dict):
        Model.seconds += 9.0 if self.steps % 8 == 0 else 1.0
        self.steps, Model.batches = self.steps + 1, (*Model.batches, batch)


@pytest.fixture
def slow_penalty(monkeypatch):
    """Configurations build a `Model`, by whose seconds all is timed; products take a second and are one FLOP."""
    monkeypatch.setattr(Model, "seconds", 0.0)
    monkeypatch.setattr(Model, "batches", ())
    monkeypatch.setattr(Config, "build_model", lambda config: Model())
    monkeypatch.setattr(measure.time, "perf_counter", lambda: Model.seconds)

    def products():
        Model.seconds += 1.0

    monkeypatch.setattr(step, "matrix_products", lambda precision: (products, 1))


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_step_is_timed_with_its_share_of_the_rare_penalty(slow_penalty, repeats):
    """Seven steps of a second and one of nine: two seconds each, whichever of them are counted."""
    given = {"preset": "tiny", "precision": "float32", "model_dim": 2}
    config = resolve(given, GAN, gpu=False, length=256, sample_rate=128, classes=CLASSES)
    found = step.figures(config, repeats)
    flop = arithmetic.step_flop(config)
    assert (found["seconds_per_step"], found["steps_per_second"]) == (2.0, 0.5)
    assert (found["audio_seconds_per_second"], found["share_of_peak"]) == (16 * 2 * 0.5, flop / 2)
    assert found["gflop_per_second"] == pytest.approx(flop / 2 / 1e9)
    labels = {int(label) for batch in Model.batches for label in np.ravel(batch["label"])}
    assert len(labels) > 1 and labels <= set(range(10)) and len(Model.batches) == 8 * (2 + repeats)


def test_the_input_is_measured_against_steps_with_their_share_of_the_rare_penalty(slow_penalty, drums, monkeypatch):
    def read(*arguments):
        Model.seconds += 5.0
        return SimpleNamespace(take=lambda count: [None] * count)

    monkeypatch.setattr(input, "training_batches", read)
    given = {"preset": "tiny", "precision": "float32", "model_dim": 2}
    found = input.figures(resolve(given, GAN, gpu=False, length=1024, sample_rate=4000), 1, drums)
    assert found["input_seconds_per_step"] == 5.0 / input.STEPS and found["seconds_per_step"] == 2.0
    assert found["input_ratio"] == pytest.approx(2.0 / (5.0 / input.STEPS))


def test_only_what_computes_the_same_is_compared_with_the_plain_wavegan():
    paper = {"preset": "paper", "model_dim": 2}
    for given, same in (({}, True), ({"penalty_every": 8}, False), ({"conditional": "yes"}, False)):
        config = resolve(paper | given, GAN, gpu=False, length=256, classes=CLASSES)
        assert step._has_plain(config) == same, given


def test_a_step_of_flow_matching_is_counted_by_its_layers():
    """Forward once and backward twice through every product of its network, but for what it is told."""
    config = resolve({"preset": "small", "width": 16, "blocks": 2}, DIFFUSION, gpu=False, length=8192, sample_rate=8000)
    network, expected = config.build_model().network, 0
    for layer in network.layers:
        shape = layer.output.shape
        if layer.name.endswith("_attention"):
            _, time, width = shape
            expected += 2 * time * (layer.into.shape[1] + width) * width + 2 * 2 * time * time * width
        elif isinstance(layer, (keras.layers.Dense, keras.layers.Conv1D)) and len(shape) == 3:
            expected += 2 * shape[1] * int(np.prod(layer.kernel.shape))
    assert arithmetic.flow_flop(config) == expected
    assert arithmetic.step_flop(config) == 3 * config.training.batch_size * expected + arithmetic.muon_flop(config)


def test_products_of_muon_are_counted_as_they_are_made(monkeypatch):
    config = resolve({"preset": "small", "width": 8}, DIFFUSION, gpu=False, length=4096, sample_rate=8000)
    found, matmul = [], keras.ops.matmul

    def counted(one, other):
        made = matmul(one, other)
        found.append(2 * made.shape[0] * made.shape[1] * one.shape[1])
        return made

    monkeypatch.setattr(keras.ops, "matmul", counted)
    model = config.build_model()
    hidden = [each for each in model.network.trainable_variables if not model.optimizer.by_adam(each)]
    found.clear()
    for kernel in hidden:
        muon.orthogonal(keras.ops.reshape(kernel, (-1, kernel.shape[-1])))
    assert len(hidden) > 8
    assert arithmetic.muon_flop(config) == sum(found)


def test_flow_matching_is_timed(tmp_path):
    words = ["flow", "--preset", "small", "--width", "8", *AUDIO, "--out", str(tmp_path / "x.jsonl")]
    assert main(words) == 0
    line = json.loads((tmp_path / "x.jsonl").read_text())
    assert all(line["figures"][figure] > 0 for figure in MARKS["flow"])
    assert "baseline_ratio" not in line["figures"] and line["configuration"]["width"] == 8
