"""TensorFlow and JAX: the same step of flow matching, the same sounds, and a run that goes on."""

import numpy as np
import pytest
import soundfile

from tests.backend import flow_step
from tests.backend.test_backends import ROOT, python
from tests.conftest import SMALL_FLOW
from wavegan.cli import export as export_command
from wavegan.runs.run import Run

pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[test]'")


def test_both_backends_make_the_same_step_and_sounds(tmp_path):
    rng = np.random.default_rng(0)
    state = {
        name: array + np.abs(rng.normal(0, 1e-2, array.shape)).astype("float32")
        if array.dtype == np.float32 and array.ndim
        else array
        for name, array in flow_step.model_of().state().items()
        if not name.startswith("seed/")
    }
    given = {"noise": rng.normal(size=(8, 8, 65)).astype("float32"), "times": np.linspace(0.05, 0.95, 8)}
    given["times"] = given["times"].astype("float32")
    np.savez(tmp_path / "given.npz", **given, **{f"state/{name}": array for name, array in state.items()})
    found = {}
    for backend in ("tensorflow", "jax"):
        words = ["-m", "tests.backend.flow_step", tmp_path / "given.npz", tmp_path / f"{backend}.npz"]
        done = python(*words, backend=backend)
        assert done.returncode == 0, done.stderr[-3000:]
        found[backend] = dict(np.load(tmp_path / f"{backend}.npz"))
    ours, theirs = found["tensorflow"], found["jax"]
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        scale = max(np.abs(array).max(), 1e-3)
        np.testing.assert_allclose(theirs[name], array, rtol=1e-3, atol=2e-3 * scale, err_msg=name)
    assert any(np.abs(ours[f"state/{name}"] - array).max() > 5e-4 for name, array in state.items() if "network" in name)


@pytest.fixture(scope="module")
def jax_runs(drums, tmp_path_factory):
    """A folder of runs of 2 steps: "stopped", which was, "whole", and "coarse" in bfloat16. Read only."""
    folder = tmp_path_factory.mktemp("runs")
    for name, stops, precision in (
        ("stopped", (1, 2), "float32"),
        ("whole", (2,), "float32"),
        ("coarse", (2,), "bfloat16"),
    ):
        for steps in stops:
            words = ["--data", drums, "--run", folder / name, "--steps", steps, *SMALL_FLOW, "--precision", precision]
            done = python(ROOT / "train_diffusion.py", *words)
            assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_a_run_is_made_stopped_and_continued_with_jax_as_without_a_stop(jax_runs):
    stopped, whole = Run(jax_runs / "stopped").load(2), Run(jax_runs / "whole").load(2)
    for name, array in whole.items():
        np.testing.assert_array_equal(stopped[name], array, err_msg=name)
    sound, _ = soundfile.read(jax_runs / "stopped" / "previews" / "step-00000002" / "00-kick.wav")
    assert np.abs(sound).max() > 0


def test_jax_computes_nearly_the_same_in_bfloat16(jax_runs):
    runs = [Run(jax_runs / name) for name in ("whole", "coarse")]
    begun = runs[0].load(0)
    names = [name for name in begun if name.startswith("network/")]
    fine, coarse = (
        np.concatenate([np.ravel(run.load(2)[name] - begun[name]) for name in names]).astype("float64") for run in runs
    )
    assert np.isfinite(coarse).all() and not np.array_equal(fine, coarse)
    assert fine @ coarse > 0.9 * np.linalg.norm(fine) * np.linalg.norm(coarse)


TRACED = """
import sys
from pathlib import Path
from keras import ops
from wavegan.backend import profiling
profiling.begin(Path(sys.argv[1]))
with profiling.step(1):
    float(ops.sum(ops.ones(3)))
profiling.end()
assert "tensorflow" not in sys.modules
"""


def test_jax_writes_a_trace_that_perfetto_opens(tmp_path):
    done = python("-c", TRACED, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path.name for path in tmp_path.glob("plugins/profile/*/*")} >= {"perfetto_trace.json.gz"}


EXPORTED = """
import sys
from wavegan.cli.export import main
assert main(sys.argv[1:]) == 0
assert "tensorflow" not in sys.modules
"""


def test_a_run_made_with_jax_becomes_the_same_onnx_file_by_either_backend(jax_runs, tmp_path):
    """And JAX does it alone."""
    words = ["--format", "onnx", "--run", str(jax_runs / "whole"), "--out"]
    done = python("-c", EXPORTED, *words, tmp_path / "jax.onnx")
    assert done.returncode == 0 and "in, velocity out" in done.stdout, done.stderr[-3000:]
    assert export_command.main([*words, str(tmp_path / "tensorflow.onnx")]) == 0
    assert (tmp_path / "jax.onnx").read_bytes() == (tmp_path / "tensorflow.onnx").read_bytes()
