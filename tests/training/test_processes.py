"""A training by two processes of two devices each: killed, stopped, continued by one device, it is that of one."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.support import prepared_drums, scalars
from wavegan.models.updates import STEPS_BEFORE
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    *("--preset", "paper", "--model-dim", "2", "--batch-size", "8", "--kernel-length", "9", "--critic-updates", "1"),
    *("--phase-shuffle", "2", "--preview-every", "100", "--seed", "3"),
    *("--checkpoint-every", "5", "--keep-checkpoints", "9", "--steps", "20"),
]

pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[test]'")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A function: starts a training with `flags` on so many forced CPU devices; returns the process."""
    cache = tmp_path_factory.mktemp("compiled")

    def start(devices, *flags, command="train"):
        environment = os.environ | {
            "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_COMPILATION_CACHE_DIR": str(cache),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0",
        }  # fmt: skip
        words = [sys.executable, "-m", "tests.training.one_of_several", command, *map(str, flags)]
        return subprocess.Popen(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


@pytest.fixture(scope="module")
def by_one(start, drums, tmp_path_factory):
    """The run of 20 steps by one device, which nobody stopped."""
    run = Run(tmp_path_factory.mktemp("runs") / "one")
    process = start(1, "--data", drums, "--run", run.path, *SMALL)
    assert process.wait() == 0, process.stderr.read()[-3000:]
    return run


def two(start, *flags, **more):
    """Two processes of two devices each; the first one is process 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hosts = f"127.0.0.1:{free.getsockname()[1]}"
    return [start(2, "--hosts", hosts, "--processes", 2, "--process", each, *flags, **more) for each in (0, 1)]


def wait_for(process, step):
    """Until a process has made `step`."""
    for line in process.stdout:
        if line == f"step {step}\n":
            return
    pytest.fail(process.stderr.read()[-3000:])


@pytest.mark.slow
def test_two_processes_killed_and_stopped_end_as_one_device_that_was_not(start, by_one, drums, tmp_path):
    """From the middle of a run of one device; a dead process is named, and the same command goes on."""
    run = Run(shutil.copytree(by_one.path, tmp_path / "run"))
    for step in (10, 15, 20):
        run.checkpoint_path(step).unlink()
    flags = ["--data", drums, "--run", run.path]
    for victim, step in ((1, 7), (0, 11)):
        processes = two(start, *flags)
        wait_for(processes[victim], step)
        processes[victim].kill()
        other = processes[1 - victim]
        _, said = other.communicate(timeout=300)
        assert other.wait() == 1
        assert re.search(rf"^error: process {victim} on \S+ ended, or cannot be reached any more", said, re.M), said
        assert "Traceback" not in said
    assert run.latest() == 10
    processes = two(start, *flags)
    wait_for(processes[1], 12)
    processes[1].send_signal(signal.SIGTERM)  # one of them: both stop, at the same step
    (_, of_first), (out, err) = (process.communicate(timeout=300) for process in processes)
    assert [process.returncode for process in processes] == [130, 130], of_first + err
    assert "shared    each batch of 8 clips by 4 devices of 2 processes" in of_first
    assert "shared" not in err and "data set" not in out  # one process writes and prints
    stopped = run.latest()
    assert 12 < stopped < 20
    process = start(1, *flags)
    assert process.wait() == 0, process.stderr.read()[-3000:]
    expected, found = by_one.load(20), run.load(20)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        if array.dtype.kind != "f":
            np.testing.assert_array_equal(found[name], array, err_msg=name)
        elif "optimizer" not in name and not name.startswith("logs/"):
            np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_two_processes_start_from_a_run_train_it_by_the_minute_and_score_it(start, tmp_path):
    """Flow matching: what one process measures, reads and scores is so for both."""
    small = ["--width", 8, "--blocks", 1, "--batch-size", 8, "--preview-every", 1000]
    drums, first = prepared_drums(tmp_path / "wav"), Run(tmp_path / "first")
    process = start(1, "--data", drums, "--run", first.path, "--steps", 3, *small, command="train-diffusion")
    assert process.wait() == 0, process.stderr.read()[-3000:]
    run = Run(tmp_path / "second")
    flags = ["--data", drums, "--run", run.path, "--finetune", first.path, "--minutes", 0.02, "--evaluate-every", 5]
    processes = two(start, *flags, *small, command="train-diffusion")
    (out, of_first), (_, of_second) = (process.communicate(timeout=600) for process in processes)
    assert [process.returncode for process in processes] == [0, 0], of_first + of_second
    assert re.search(r"^time      0\.02 minutes are about \d+ steps here", of_first, re.M), of_first
    last = max(int(step) for step in re.findall(r"^step (\d+)$", out, re.M))
    assert run.latest() == last >= 5
    assert scalars(run.path, "quality/frechet_distance")
    before, after = first.load(3), run.load(last)
    assert after[STEPS_BEFORE] == 3 and before.keys() == after.keys()
