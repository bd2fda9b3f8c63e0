"""Keras' settings, JAX's devices, a GPU's memory: what files and the environment say, and what counts here."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TINY
from tests.generation.test_generate import sounds
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]


def python(*words, **environment):
    """Runs Python in a process of its own, with an environment that says nothing of backends but what is given."""
    theirs = ("KERAS_", "JAX_", "XLA_", "TF_FORCE_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    environment = clean | {"PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in environment.items()}
    return subprocess.run([sys.executable, *map(str, words)], env=environment, capture_output=True, text=True)


def keras_home(folder, content):
    """A folder with a keras.json, for KERAS_HOME."""
    folder.mkdir()
    (folder / "keras.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


# What networks give that start from the same seeds, and what Keras was told; then two steps more, and sounds.
COMPUTED = """
import sys
import numpy as np
out, data, run, *words = sys.argv[1:]
from wavegan.models.gan.networks import build_critic
import keras
from wavegan.evaluation.judge import classifier
made = {"settings": np.array([keras.config.image_data_format(), keras.config.floatx(), str(keras.config.epsilon()),
                              keras.config.dtype_policy().name])}
noise = np.random.default_rng(0).normal(0, 0.3, (3, 1024)).astype("float32")
keras.utils.set_random_seed(0)
critic = build_critic(1024, model_dim=4, kernel_length=9, seed=0)
made["critic"] = keras.ops.convert_to_numpy(critic(noise[..., None]))
classifier.passes = lambda clips: 320
network = classifier.build((32, 32), 3, np.zeros(32, "float32"), np.ones(32, "float32"))
classifier.train(network, noise.reshape(3, 32, 32), np.arange(3), lambda done, total: None)
made["classifier"] = keras.ops.convert_to_numpy(network(noise.reshape(3, 32, 32)))
np.savez(out, **made)
from wavegan.cli import generate, train
assert train.main(["--data", data, "--run", run, *words]) == 0
assert generate.main(["--run", run, "--n", "2", "--seed", "1", "--out", f"{out}.sounds"]) == 0
"""


@pytest.fixture(scope="module")
def computed(trained, drums, tmp_path_factory):
    """A function: the content of keras.json → arrays, weights and sounds that a process makes of the same seeds."""
    folder = tmp_path_factory.mktemp("settings")

    def compute(name, content):
        run = shutil.copytree(trained, folder / f"run {name}")
        words = [folder / f"{name}.npz", drums, run, "--steps", "12"]
        home = keras_home(folder / f"home {name}", content)
        done = python("-c", COMPUTED, *words, KERAS_HOME=home)
        assert done.returncode == 0, done.stderr[-3000:]
        return dict(np.load(words[0])), Run(run).load(12), sounds(folder / f"{name}.npz.sounds")

    return compute


def test_the_settings_of_keras_json_change_nothing(computed):
    """Channels first made another critic of the same weights, and another classifier; other floats, a traceback."""
    asked = {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-3}
    for expected, received in zip(computed("usual", {}), computed("other", asked), strict=True):
        assert expected.keys() == received.keys()
        for name in expected:
            np.testing.assert_array_equal(received[name], expected[name], err_msg=name)


def test_keras_json_still_chooses_the_backend_and_the_environment_before_it(tmp_path):
    if find_spec("jax") is None:
        pytest.skip("JAX is not installed: pip install -e '.[test]'")
    # The last one needs Flax, which is not installed, in Keras itself.
    home = keras_home(tmp_path / "home", {"backend": "jax", "floatx": "float64", "nnx_enabled": True})
    code = "from wavegan.backend import devices, start; print(devices.version()[:3], start.keras.config.floatx())"
    assert python("-c", code, KERAS_HOME=home).stdout == "JAX float32\n"
    assert python("-c", code, KERAS_HOME=home, KERAS_BACKEND="tensorflow").stdout == "Ten float32\n"


@pytest.mark.parametrize("content", ["[1]", '{"floatx": "float8"}', '{"epsilon": "small"}'])
def test_a_keras_json_that_keras_cannot_read_is_one_line(trained, tmp_path, content):
    home = keras_home(tmp_path / "home", content)
    done = python(ROOT / "generate.py", "--run", trained, "--out", tmp_path / "x", KERAS_HOME=home)
    line = done.stderr.splitlines()[-1]
    assert (
        done.returncode == 2
        and "Traceback" not in done.stderr
        and line.startswith(f"error: Keras cannot read {home}/keras.json (")
    )


@pytest.mark.parametrize("command", ["train_wavegan", "evaluate"])
@pytest.mark.parametrize("backend", ["nonsense", "torch"])
def test_a_wrong_backend_comes_before_data_are_read_or_made(command, backend, trained, tmp_path):
    """A data set of millions of clips takes minutes to read; here, reading it is what would be complained of."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "dataset.json").write_text("not read yet")
    words = ["--data", data] + (["--run", trained] if command == "evaluate" else ["--run", tmp_path / "run"])
    done = python(ROOT / f"{command}.py", *words, KERAS_BACKEND=backend)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: KERAS_BACKEND must be tensorflow or jax")


def test_a_wrong_backend_comes_before_the_drum_kit_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = python(ROOT / "train_wavegan.py", *TINY, KERAS_BACKEND="nonsense")
    assert done.returncode == 2 and done.stderr.startswith("error: KERAS_BACKEND must be tensorflow or jax")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "platforms"), [("train_wavegan", "cuda"), ("generate", "cuda"), ("evaluate", "x")])
def test_a_device_that_is_not_there_is_one_line(command, platforms, trained, drums, tmp_path):
    if find_spec("jax") is None or os.path.exists("/dev/nvidiactl"):
        pytest.skip("JAX is not installed, or here is a GPU")
    words = ["--data", drums, "--run", tmp_path / "run", *TINY] if "train" in command else ["--run", trained]
    done = python(ROOT / f"{command}.py", *words, KERAS_BACKEND="jax", JAX_PLATFORMS=platforms)
    line = done.stderr.splitlines()[-1]
    assert (
        done.returncode == 2
        and "Traceback" not in done.stderr
        and line.startswith("error: JAX has nothing to compute on. Expected a device for")
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "growth", "preallocate"),
    [
        ({}, "true", "false"),
        ({"TF_FORCE_GPU_ALLOW_GROWTH": "false", "XLA_PYTHON_CLIENT_PREALLOCATE": "true"}, "false", "true"),
        ({"XLA_PYTHON_CLIENT_MEM_FRACTION": ".5"}, "true", None),  # which JAX takes at once
        ({"XLA_CLIENT_MEM_FRACTION": ".5"}, "true", None),
    ],
)
def test_a_gpu_is_shared_unless_the_environment_says_otherwise(monkeypatch, given, growth, preallocate):
    """By what TensorFlow and JAX read when they first use the GPU."""
    from importlib import reload

    from wavegan.backend import start

    names = ["TF_FORCE_GPU_ALLOW_GROWTH", "XLA_PYTHON_CLIENT_PREALLOCATE"]
    for name in [*names, "XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    reload(start)
    assert [os.environ.get(name) for name in names] == [growth, preallocate]
