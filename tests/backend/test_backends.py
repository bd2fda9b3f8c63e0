"""TensorFlow and JAX: the same step, the same runs, and what is needed to have either."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backend import backend_step
from tests.conftest import TINY
from tests.evaluation.support import prepared_drums
from tests.generation.test_generate import sounds
from wavegan.backend import tensorflow_files
from wavegan.cli import export as export_command
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import cache
from wavegan.generation.export import onnx_graph
from wavegan.generation.generate import load_sampler
from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[test]'")


def python(*words, backend="jax", cwd=ROOT, **environment):
    """Run Python with a backend in a process of its own; returns what it did."""
    names = {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=os.environ | names, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def without_tensorflow(tmp_path_factory):
    """A folder of packages that has keras, jax, numpy and filelock with what they need, and nothing else."""
    folder = tmp_path_factory.mktemp("site-packages")
    wanted, found = ["keras", "jax", "numpy", "filelock"], set()
    while wanted:
        name = re.match(r"[\w.-]+", wanted.pop())[0]
        if name in found:
            continue
        found.add(name)
        distribution = importlib.metadata.distribution(name)
        wanted += [
            line for line in distribution.requires or [] if "extra ==" not in line and "python_version" not in line
        ]
        for top in {file.parts[0] for file in distribution.files if not file.parts[0].startswith("..")}:
            if not (folder / top).exists() and top != "__pycache__":
                (folder / top).symlink_to(distribution.locate_file(top))
    assert "tensorflow" not in found and not (folder / "tensorflow").exists()
    return folder


def isolated(folder, *words):
    """Run Python with KERAS_BACKEND=jax and only the packages in `folder` and this repository."""
    start = f"import sys; sys.path[:0] = {[str(ROOT), str(folder)]!r}; sys.argv = sys.argv[1:]; import runpy; "
    how = "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=False)"
    command = [sys.executable, "-I", "-S", "-c", start + how, *map(str, words)]
    return subprocess.run(
        command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=False, cwd=folder
    )


@pytest.fixture(scope="module")
def one_step(tmp_path_factory, without_tensorflow):
    """What one step on the same weights, batch and noise gives: {backend: arrays}; JAX's without any TensorFlow."""
    folder = tmp_path_factory.mktemp("step")
    rng = np.random.default_rng(0)
    given = {}
    for name, updates in (("paper", 2), ("modern", 1)):
        state = backend_step.gan_of(name).state()
        for key, array in state.items():
            if array.dtype == np.float32 and array.ndim:  # biases and Adam's moments, too, are something
                array = array + np.abs(rng.normal(0, 1e-2, array.shape)).astype("float32")
            given[f"{name}/state/{key}"] = array
        given[f"{name}/audio"] = rng.normal(0, 0.3, (4, updates, backend_step.LENGTH, 1)).astype("float32")
        given[f"{name}/label"] = np.ones((4, updates), "int64")
        given[f"{name}/progress"] = np.zeros(4, "float32")
    noise = {kind: rng.uniform(size=10_000).astype("float32") for kind in ("uniform", "randint")}
    np.savez(folder / "given.npz", **noise, **given)
    runs = {
        "tensorflow": python(
            "-m", "tests.backend.backend_step", folder / "given.npz", folder / "tf.npz", backend="tensorflow"
        ),
        "jax": isolated(without_tensorflow, "tests.backend.backend_step", folder / "given.npz", folder / "jax.npz"),
    }
    for backend, run in runs.items():
        assert run.returncode == 0, (backend, run.stderr[-3000:])
    return {
        "before": {name.replace("/state/", "/"): array for name, array in given.items() if "/state/" in name},
        "tensorflow": dict(np.load(folder / "tf.npz")),
        "jax": dict(np.load(folder / "jax.npz")),
    }


def test_both_backends_make_the_same_step(one_step):
    before, ours, theirs = one_step["before"], one_step["tensorflow"], one_step["jax"]
    assert ours.keys() == theirs.keys()
    for name in ours:
        if not name.endswith("seed_generator_state"):
            np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-4, atol=1e-4, err_msg=name)
    assert ours["modern/slopes/2"].shape == (4, 2)  # by class weights
    for name in [name for name in ours if "/slopes/" in name]:
        np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-3, atol=np.abs(ours[name]).max() / 1e3)
    for name in (
        *("paper/generator/002/kernel", "paper/critic/000/kernel", "paper/sampler/002/kernel"),
        *("modern/generator/000/kernel", "modern/critic/000/kernel", "modern/spectral_critic/000/kernel"),
    ):
        moved = np.abs(ours[name] - before[name]).max()
        assert moved > 5e-4, name  # so that 1e-4 says something
        np.testing.assert_allclose(theirs[name], ours[name], atol=moved / 20, err_msg=name)


def test_jax_carries_everything_that_a_step_changes(one_step):
    before, after = one_step["before"], one_step["jax"]
    still = [name for name in before if np.array_equal(before[name], after[name]) and "learning_rate" not in name]
    # The noise was given, so that nobody drew from the seeds; what was trained before stays what it was.
    assert [name for name in still if not name.endswith(("seed_generator_state", "steps_before/000/steps"))] == []
    assert int(after["paper/critic_optimizer/000/iteration"]) == 2


def test_the_benchmarks_of_the_core_need_no_tensorflow(without_tensorflow, tmp_path):
    flags = ["--preset", "tiny", "--model-dim", "2", "--length", "256", "--repeats", "1", "--out", tmp_path / "x.jsonl"]
    run = isolated(without_tensorflow, "tests.backend.small_benchmark", "step", *flags, "--precision", "bfloat16")
    assert run.returncode == 0, run.stderr[-3000:]
    assert "JAX" in run.stdout and "float32_ratio" in run.stdout
    assert '"backend": "jax"' in (tmp_path / "x.jsonl").read_text()


@pytest.fixture(scope="module")
def jax_run(drums, tmp_path_factory):
    """A run of 6 steps by the real command with JAX, stopped after 3 and continued. Read only."""
    run = tmp_path_factory.mktemp("runs") / "with JAX"
    made = []
    for steps in (3, 6):
        done = python(
            ROOT / "train_wavegan.py", "--data", drums, "--run", run, "--steps", steps, *TINY, "--checkpoint-every", 3
        )
        assert done.returncode == 0, done.stderr[-3000:]
        made.append(done)
    assert "JAX" in made[0].stderr and "going on at step 3" in made[1].stderr
    return run


def test_a_run_made_with_jax_has_sounds_and_pictures_like_any_other(jax_run):
    for step in (0, 6):
        folder = jax_run / "previews" / f"step-{step:08d}"
        assert len(list(folder.glob("*.wav"))) == 8 and (folder / "sheet.png").exists()
    assert list(jax_run.glob("events.out.tfevents.*"))


@pytest.mark.parametrize(("made_with", "with_other"), [("jax", "tensorflow"), ("tensorflow", "jax")])
def test_a_run_made_with_one_backend_generates_with_the_other(made_with, with_other, jax_run, trained, tmp_path):
    run = {"jax": jax_run, "tensorflow": trained}[made_with]
    words = ["--run", str(run), "--n", "3", "--seed", "4", "--out"]
    assert generate_command.main([*words, str(tmp_path / "tensorflow")]) == 0  # the backend of this process
    done = python(ROOT / "generate.py", *words, tmp_path / "jax")
    assert done.returncode == 0 and re.fullmatch(r"making 3 sounds, seed 4: .*\n", done.stderr), done.stderr[-3000:]
    one, other = (sounds(tmp_path / backend) for backend in (made_with, with_other))
    assert len(one) == 3
    for name in one:
        assert np.abs(one[name].astype(int) - other[name]).max() <= 2  # steps of 16 bits


def test_a_run_made_with_jax_becomes_the_same_onnx_file_by_either_backend(jax_run, tmp_path):
    words = ["--format", "onnx", "--run", str(jax_run), "--out"]
    done = python(ROOT / "export.py", *words, tmp_path / "jax.onnx")
    assert done.returncode == 0, done.stderr[-3000:]
    assert export_command.main([*words, str(tmp_path / "tensorflow.onnx")]) == 0
    content = (tmp_path / "jax.onnx").read_bytes()
    assert content == (tmp_path / "tensorflow.onnx").read_bytes()
    sampler, *_ = load_sampler(Run(jax_run))
    latents = GAN.latents.draw(5, sampler.latent_shape, 1)
    audio = onnx_graph.run_graph(content, {"latents": latents})
    np.testing.assert_allclose(audio, sampler(latents), atol=1e-5)
    assert np.abs(audio).max() > 1e-3


@pytest.mark.parametrize("kind", ["tflite", "savedmodel"])
def test_tensorflows_formats_that_jax_wrote_make_the_sounds_of_the_trainer(kind, jax_run, tmp_path):
    done = python(ROOT / "export.py", "--format", kind, "--run", jax_run, "--out", tmp_path / kind)
    assert done.returncode == 0, done.stderr[-3000:]
    sampler, *_ = load_sampler(Run(jax_run))
    latents = GAN.latents.draw(5, sampler.latent_shape, 1)
    if kind == "tflite":
        audio = tensorflow_files.run_lite_model((tmp_path / kind / "model.tflite").read_bytes(), {"latents": latents})
    else:
        audio = tensorflow_files.run_model(tmp_path / kind, {"latents": latents})
    np.testing.assert_allclose(audio, sampler(latents), atol=1e-5)
    assert np.abs(audio).max() > 1e-3


def test_a_kit_that_jax_made_holds_the_sounds_that_tensorflow_makes_of_its_latents(jax_run, tmp_path):
    done = python(ROOT / "export.py", "--format", "kit", "--run", jax_run, "--n", "3", "--out", tmp_path / "kit")
    assert done.returncode == 0, done.stderr[-3000:]
    assert list((tmp_path / "kit").glob("*.sfz")) and list((tmp_path / "kit").glob("*.zip"))
    latents = tmp_path / "kit" / "samples" / "latents.npz"
    assert generate_command.main(["--from", str(latents), "--run", str(jax_run), "--out", str(tmp_path / "again")]) == 0
    made, again = sounds(tmp_path / "kit" / "samples"), sounds(tmp_path / "again")
    assert 3 <= len(made) == len(again) <= 9  # as many of the three kinds as the classifier takes for one, of noise
    for one, other in zip(made.values(), again.values(), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 2  # steps of 16 bits


COMMANDS = """
import sys
from wavegan.cli import generate
run, folder = sys.argv[1:]
for name, words in {
    "fifty": ["--n", "50", "--seed", "1"],
    "nine": ["--n", "9", "--seed", "1"],
    "one": ["--from", f"{folder}/fifty/latents.npz:17"],
    "way": ["--interpolate", f"{folder}/fifty/latents.npz:17", f"{folder}/fifty/latents.npz:3"],
    "near": ["--around", f"{folder}/fifty/latents.npz:17", "--n", "40"],
}.items():
    assert generate.main(["--run", run, "--out", f"{folder}/{name}", *words]) == 0
"""


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A run of a size where a batch of another size gives other bits. Read only."""
    run = Run(tmp_path_factory.mktemp("runs") / "untrained")
    config = resolve({"preset": "tiny"}, GAN, gpu=False, length=4096, sample_rate=8000)
    run.create(config)
    run.make_folders()
    state = config.build_model().state()
    louder = {name: 2 * array if name.endswith("kernel") else array for name, array in state.items()}
    run.save(0, louder)
    return run.path


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_saved_latent_gives_its_sound_again_to_the_bit(backend, untrained, tmp_path):
    done = python("-c", COMMANDS, untrained, tmp_path, backend=backend)
    assert done.returncode == 0, done.stderr[-3000:]
    before = (tmp_path / "fifty" / "017.wav").read_bytes()
    for name in ("one/000.wav", "way/000.wav", "near/000.wav"):
        assert (tmp_path / name).read_bytes() == before, name
    for path in (tmp_path / "nine").glob("*.wav"):
        assert path.read_bytes() == (tmp_path / "fifty" / path.name).read_bytes(), path.name
    assert (tmp_path / "way" / "007.wav").read_bytes() == (tmp_path / "fifty" / "003.wav").read_bytes()


JUDGED = """
import sys, math
from wavegan.cli import evaluate, generate, train
from wavegan.evaluation.judge import classifier
from wavegan.training import scoring
data, run, out, *words = sys.argv[1:]
scoring.SHARE, scoring.CLIPS, classifier.passes = math.inf, 60, lambda clips: 960
assert train.main(["--data", data, "--run", run, *words]) == 0
assert evaluate.main(["--run", run, "--checkpoint", "all", "--n", "60"]) == 0
assert generate.main(["--from", f"{run}/previews/step-00000004", "--out", out]) == 0
"""


def test_a_training_with_jax_is_judged_as_it_goes_and_its_previews_come_back(tmp_path):
    """The weights are those of the step, not those that the step began with."""
    data, run = prepared_drums(tmp_path / "wav", count=60), tmp_path / "run"
    words = [*TINY, "--steps", "4", "--evaluate-every", "2", "--checkpoint-every", "2", "--preview-every", "2"]
    done = python("-c", JUDGED, data, run, tmp_path / "again", *words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(re.findall(r"quality at step [24]\b.*FD", done.stderr)) == 2
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert [row["step"] for row in report["checkpoints"]] == [0, 2, 4] and report["best_step"] in (0, 2, 4)
    stored, again = sounds(run / "previews" / "step-00000004"), sounds(tmp_path / "again")
    for old, new in zip(stored.values(), again.values(), strict=True):
        np.testing.assert_array_equal(old, new)
    judge = cache.embedding_of(data, DatasetInfo.load(data), pytest.fail)  # TensorFlow finds it as it was kept
    spread = judge.real["train"].embeddings.std(axis=0)
    assert judge.classes and np.mean(spread > 0.1 * spread.max()) > 0.75  # half of it was dead, on other data all


def test_a_run_made_with_one_backend_goes_on_with_the_other(jax_run, trained, drums, tmp_path):
    for name, made in {"jax": jax_run, "tensorflow": trained}.items():
        shutil.copytree(made, tmp_path / name)
    words = ["--data", str(drums), "--steps", "12", "--run"]
    assert train_command.main([*words, str(tmp_path / "jax")]) == 0  # the backend of this process is TensorFlow
    done = python(ROOT / "train_wavegan.py", *words, tmp_path / "tensorflow")
    assert done.returncode == 0 and "going on at step 10" in done.stderr, done.stderr[-3000:]
    for name in ("jax", "tensorflow"):
        run = Run(tmp_path / name)
        assert run.latest() == 12
        assert all(np.isfinite(array).all() for array in run.load(12).values())


@pytest.mark.parametrize(("backend", "complaint"), [("torch", "Received: torch"), ("tensorflo", "Received: tensorflo")])
def test_another_backend_is_one_line(backend, complaint, trained, tmp_path):
    done = python(ROOT / "generate.py", "--run", trained, "--out", tmp_path / "x", backend=backend)
    assert done.returncode == 2
    _, line = done.stderr.splitlines()  # the first one says what is being made
    assert line.startswith("error: KERAS_BACKEND must be tensorflow or jax") and complaint in line
