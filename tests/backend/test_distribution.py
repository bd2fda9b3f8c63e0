"""Several devices make the steps of one, whatever is shared out; several processes agree, or say who differs."""

import os
import re
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.backend.many_devices import CLASSES, KINDS, LENGTH, STEPS
from tests.backend.test_backends import ROOT, python
from tests.conftest import TINY
from wavegan.backend import distribution
from wavegan.backend.exchange import exchanged
from wavegan.base.errors import UserError
from wavegan.cli import train as train_command
from wavegan.data.schema import fingerprint
from wavegan.models.family import family_named
from wavegan.models.gan.spectrogram import shape as spectrogram_shape
from wavegan.runs.run import Run
from wavegan.training.setup import what_all_share

pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[test]'")

# Of the compiler: what is compiled once for 20 small steps need not be fast.
FOUR = {
    "XLA_FLAGS": "--xla_force_host_platform_device_count=4 --xla_backend_optimization_level=0",
    "JAX_PLATFORMS": "cpu",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """{name: array}, as `many_devices` describes them."""
    out = tmp_path_factory.mktemp("devices") / "found.npz"
    done = python("-m", "tests.backend.many_devices", out, **FOUR)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(out))


def of(found, kind, devices, prefix=""):
    start = f"{kind}/{devices}/{prefix}"
    return {name.removeprefix(start): array for name, array in found.items() if name.startswith(start)}


several = pytest.mark.parametrize(
    ("kind", "devices"), [(kind, each) for kind, (_, _, counts) in KINDS.items() for each in counts[1:]]
)


@several
def test_each_device_holds_its_part_of_the_batch(found, kind, devices):
    """`keras.distribution.DataParallel` shares out the first axis: it must be the batch, not the critic's updates."""
    size, updates = KINDS[kind][1]["batch_size"], KINDS[kind][1].get("critic_updates", 1)
    assert of(found, kind, devices)["held"].tolist() == [size // devices, updates, LENGTH, 1]


@several
def test_several_devices_make_the_losses_and_weights_of_one(found, kind, devices):
    """To 1e-5 after 20 steps: the order of sums is all that differs, and no device repeats the latents of another."""
    one, many = (of(found, kind, each, "state/") for each in (1, devices))
    assert one.keys() == many.keys()
    for name, array in one.items():
        if array.dtype.kind != "f":  # steps, seeds
            np.testing.assert_array_equal(many[name], array, err_msg=name)
        elif "optimizer" not in name:
            np.testing.assert_allclose(many[name], array, rtol=1e-5, atol=1e-5, err_msg=name)
    one, many = (of(found, kind, each, "fact/") for each in (1, devices))
    for name in [name for name in one if "loss" in name]:
        assert len(one[name]) == STEPS
        np.testing.assert_allclose(many[name], one[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("kind", "views"), [("gan", 2), ("paper", 0), ("flow", 0)])
def test_no_device_is_brought_the_frames_of_the_others(found, kind, views):
    """XLA would have every device transform all clips; what the spectral critic sees of them changes places twice."""
    (gathered,) = of(found, kind, KINDS[kind][2][-1], "gathered").values()
    clips = KINDS[kind][1]["batch_size"]
    seen = 4 * clips * np.prod(spectrogram_shape(LENGTH, 1, 64)) * views  # bytes
    classes = 4 * clips * len(CLASSES)
    assert gathered <= seen + (classes if views else 0)


def test_the_command_takes_all_devices_and_the_run_does_not_know(drums, tmp_path):
    run = Run(tmp_path / "run")
    words = ["--data", drums, "--run", run.path, *TINY, "--steps"]
    done = python(ROOT / "train_wavegan.py", *words, "2", "--devices", "all", **FOUR)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "shared    each batch of 4 clips by 4 devices" in done.stderr and run.latest() == 2
    assert train_command.main([*map(str, words), "3"]) == 0  # with one, and TensorFlow
    assert run.latest() == 3


def test_a_batch_that_does_not_divide_is_one_line(monkeypatch):
    for devices, batch_size, fitting in ((4, 6, 3), (8, 4, 4), (8, 20, 5)):
        monkeypatch.setattr(distribution, "count", lambda devices=devices: devices)
        expected = f"a batch of {batch_size} clips cannot be shared out evenly among {devices} devices. Give --devices "
        with pytest.raises(UserError, match=f"{expected}{fitting}"):
            distribution.check_batch(batch_size)
        distribution.check_batch(3 * devices)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--devices", "all"], "--devices needs JAX: TensorFlow trains on one device. KERAS_BACKEND=jax "),
        (["--devices", "none"], "must be all, or a whole number of 1 or more. Received: none"),
        (["--devices", "0"], "must be all, or a whole number of 1 or more. Received: 0"),
        (["--hosts", "here"], "must be ADDRESS:PORT, such as 10.0.0.1:1234. Received: here"),
        (["--hosts", "a:1", "--processes", "2"], "--hosts, --processes and --process go together"),
        (["--hosts", "a:1", "--processes", "2", "--process", "2"], "--process must be from 0 to 1. Received: 2"),
    ],
)
def test_flags_that_say_nothing_of_use_are_one_line(flags, complaint, drums, tmp_path, capsys):
    try:
        code = train_command.main(["--data", str(drums), "--run", str(tmp_path / "run"), *TINY, *flags])
    except SystemExit as end:
        code = end.code
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2 and line.startswith("error: ") and complaint in line
    assert not (tmp_path / "run").exists()


@pytest.fixture
def together():
    """A function: two processes do together what `joined` says of a word: [(exit code, output, error output)].

    Each has two devices.

    With a `victim`, that one is killed when it has made five steps.
    """

    def run(what, victim=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        flags = FOUR["XLA_FLAGS"].replace("count=4", "count=2")
        environment = os.environ | FOUR | {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags}
        words = [sys.executable, "-m", "tests.backend.joined", str(port), "2"]
        what = str(what)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        both = [subprocess.Popen([*words, str(each), what], cwd=ROOT, env=environment, **pipes) for each in (0, 1)]
        if victim is not None:
            assert "step 5\n" in iter(both[victim].stdout.readline, "")
            both[victim].kill()
        said = [process.communicate(timeout=300) for process in both]
        return [(process.returncode, *lines) for process, lines in zip(both, said, strict=True)]

    return run


def test_two_processes_make_the_losses_and_weights_of_one_device(found, together, tmp_path):
    """Each reads only its own rows of a step; the spectral critic is among what they train."""
    (code, _, said), (other_code, _, other) = together(tmp_path / "four.npz")
    assert (code, other_code) == (0, 0), said[-3000:] + other[-3000:]
    four, one = dict(np.load(tmp_path / "four.npz")), of(found, "gan", 1)
    assert four.pop("held").tolist() == [KINDS["gan"][1]["batch_size"] // 4, 1, LENGTH, 1]
    compared = [name for name in one if name == "fact/critic/loss" or name.startswith("state/")]
    assert four.keys() >= set(compared) and len(compared) > 20
    for name in compared:
        if one[name].dtype.kind != "f":
            np.testing.assert_array_equal(four[name], one[name], err_msg=name)
        elif "optimizer" not in name:
            np.testing.assert_allclose(four[name], one[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_processes_agree_and_end_at_the_same_step(together):
    found = together("stop")
    assert [code for code, _, _ in found] == [0, 0], found
    for _, out, _ in found:
        assert "['told by', 0] float64 [0.0, 1.0, 2.0] [True]" in out and "ends at 4" in out


def test_a_process_with_other_settings_is_one_line_in_each_and_exit_code_2(together):
    found = together("other")
    assert [code for code, _, _ in found] == [2, 2], found
    expected = (
        r"error: all processes need the same --seed. Expected that of process 0 on \S+: 0. Received from process 1"
    )
    for _, out, error in found:
        assert re.match(expected, error) and len(error.splitlines()) == 1 and "step" not in out


def test_why_a_process_ends_is_said_by_the_others(together):
    (code, _, error), (other_code, _, own) = together("mistake")
    assert (code, other_code) == (1, 2)
    assert own == "error: the disk is full.\n" and re.fullmatch(r"error: process 1 on \S+: the disk is full\.\n", error)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_is_named_by_the_other_in_one_line(together, victim):
    """JAX aborts with a page of text when process 0 is gone; of process 1 it says nothing for minutes."""
    code, _, error = together("count", victim)[1 - victim]
    (line,) = error.splitlines()
    assert code == 1 and re.match(rf"error: process {victim} on \S+ ended, or cannot be reached any more: ", line)


def test_all_processes_must_share_data_settings_and_versions(drums):
    facts = what_all_share(drums, {"batch_size": 8}, family_named("gan"))
    assert facts["data set"] == fingerprint(drums) and facts["--batch-size"] == 8
    assert facts["kind of model"] == "gan" and {"keras", "wavegan"} < facts.keys()


def test_what_a_program_exchanges_is_read_from_its_text():
    program = """
      %all-reduce.1 = (f32[25,4]{1,0}, f32[]) all-reduce(%a, %b), replica_groups={{0,1}}, to_apply=%add
      %gathered = bf16[8,16]{1,0} all-gather(%c), dimensions={0}
      %started = f32[6]{0} all-reduce-start(%d)
      %done = f32[6]{0} all-reduce-done(%started)
      %sum = f32[6]{0} add(%done, %done)
    """
    assert exchanged(program) == {"all-reduce": 4 * (100 + 1 + 6), "all-gather": 2 * 128}
