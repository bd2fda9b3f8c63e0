"""What is measured on a GPU in one call: tried on a CPU, with tiny models, and without TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.support import prepared_drums

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_TENSORFLOW = """
import sys
from importlib.machinery import PathFinder


class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "tensorflow" else super().find_spec(name, path, target)


sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""
MEASURED = ["step", "step", "flow", "generate", "layers"]


@pytest.fixture
def data(tmp_path):
    return prepared_drums(tmp_path / "wav")


@pytest.fixture
def measure(tmp_path):
    """Runs the script under JAX, where TensorFlow cannot be imported."""
    pytest.importorskip("jax")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(WITHOUT_TENSORFLOW)

    def run(*words, **environment):
        given = {
            "KERAS_BACKEND": "jax", "PYTHONPATH": f"{tmp_path / 'path'}{os.pathsep}{ROOT}",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip
        script = ["bash", str(ROOT / "benchmarks" / "gpu.sh"), str(tmp_path / "gpu.jsonl"), *map(str, words)]
        return subprocess.run(script, env=os.environ | given | environment, capture_output=True, text=True)

    return run


def test_one_call_measures_both_families_and_trains_without_tensorflow(measure, data, tmp_path):
    done = measure(data, TRY="1", MINUTES="60")
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in (tmp_path / "gpu.jsonl").read_text().splitlines()]
    assert [line["benchmark"] for line in lines] == MEASURED
    assert [line["configuration"].get("loss") for line in lines[:2]] == ["wgan-gp", "non-saturating"]
    trained = [json.loads(line) for line in (tmp_path / "gpu-sounds" / "lines.jsonl").read_text().splitlines()]
    assert [line["recipe"].startswith("train_diffusion.py") for line in trained] == [False, True]
    for line in trained:
        assert line["minutes"] == 0.01 and line["steps"] and line["found"]["fd"]
    (flow,) = (line["figures"] for line in lines if line["benchmark"] == "flow")
    assert flow["times_real_time"] > 0 and flow["peak_memory_gib"] > 0


def test_several_devices_are_measured_by_what_a_step_has_them_tell_each_other(tmp_path):
    pytest.importorskip("jax")
    flags = "--xla_force_host_platform_device_count=4 --xla_backend_optimization_level=0"
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    small = ["--model-dim", "2", "--batch-size", "4", "--length", "256", "--sample-rate", "4000", "--repeats", "1"]
    command = [sys.executable, "-m", "benchmarks", "devices", "--preset", "paper", *small, "--out"]
    command.append(str(tmp_path / "devices.jsonl"))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = json.loads((tmp_path / "devices.jsonl").read_text())["figures"]
    assert [row["devices"] for row in rows] == [1, 2, 4] and all(row["steps_per_second"] > 0 for row in rows)
    told = [row["all_reduce_mib"] for row in rows]
    assert told[0] == 0 < told[1] <= told[2] and rows[2]["exchange_share"] > 0


def test_where_the_time_is_over_the_rest_is_left_out_and_said(measure, data, tmp_path):
    done = measure(data, TRY="1", MINUTES="0")
    assert done.returncode == 1 and not (tmp_path / "gpu.jsonl").exists()
    assert done.stderr.count("left out, because the time is over") == len(MEASURED)


def test_without_a_gpu_nothing_is_measured(measure, data, tmp_path):
    done = measure(data)
    assert done.returncode == 2 and done.stderr.startswith("error: no GPU is visible")
    assert not (tmp_path / "gpu.jsonl").exists()
