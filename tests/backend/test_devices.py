"""What is known of the processor, and how its cores are used."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from wavegan.backend import devices


@pytest.mark.parametrize(
    ("vendor", "flags", "faster"),
    [
        ("AuthenticAMD", "fpu avx512f avx512_bf16", True),
        ("AuthenticAMD", "fpu avx2", False),
        ("GenuineIntel", "fpu avx512f avx512_bf16", False),
        ("GenuineIntel", "fpu avx512f avx512_bf16 amx_bf16", True),
    ],
)
def test_bfloat16_is_for_processors_that_are_faster_in_it(monkeypatch, tmp_path, vendor, flags, faster):
    first, second = (f"processor\t: {core}\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n" for core in range(2))
    path = tmp_path / "cpuinfo"
    path.write_text(f"{first}\n{second}")
    monkeypatch.setattr(devices, "Path", lambda name: path if name == "/proc/cpuinfo" else None)
    monkeypatch.setattr(devices, "accelerators", lambda: [])
    monkeypatch.setattr(devices, "BACKEND", "tensorflow")
    assert devices.computes_bfloat16() == faster
    monkeypatch.setattr(devices, "BACKEND", "jax")
    assert not devices.computes_bfloat16()
    path.unlink()
    monkeypatch.setattr(devices, "BACKEND", "tensorflow")
    assert not devices.computes_bfloat16()


@pytest.mark.parametrize(
    ("circumstances", "told"),
    [
        ({}, [1]),
        ({"cores": 1}, []),
        ({"cores": 8}, []),
        ({"gpus": ["NVIDIA H100"]}, []),
        ({"backend": "jax"}, []),
        ({"environment": "2"}, []),
    ],
)
def test_two_cores_compute_an_operation_each(monkeypatch, circumstances, told):
    here = {"backend": "tensorflow", "cores": 2, "gpus": [], "environment": None} | circumstances
    asked = []
    threads = SimpleNamespace(set_intra_op_parallelism_threads=asked.append)
    monkeypatch.setattr(devices, "tf", SimpleNamespace(config=SimpleNamespace(threading=threads)), raising=False)
    monkeypatch.setattr(devices, "BACKEND", here["backend"])
    monkeypatch.setattr(devices, "available_cores", lambda: here["cores"])
    monkeypatch.setattr(devices, "accelerators", lambda: here["gpus"])
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    if here["environment"]:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", here["environment"])
    devices.one_core_an_operation()
    assert asked == told


def test_a_training_settles_it_before_anything_is_computed(drums, tmp_path):
    """TensorFlow's threads are there from the first operation on, and the same until the process ends."""
    program = (
        "import tensorflow as tf; from wavegan.backend import devices; from wavegan.cli import train; "
        "devices.available_cores = lambda: 2; "
        f"code = train.main(['--data', {str(drums)!r}, '--run', {str(tmp_path / 'run')!r}, '--dry-run']); "
        "print(code, tf.config.threading.get_intra_op_parallelism_threads())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 1", done.stderr
