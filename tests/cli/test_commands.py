"""The real commands, tiny: what a person types, sees and gets."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TINY
from wavegan.base.errors import UserError
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]


def command(*words, cwd=ROOT, **kwargs):
    """Start a command of ours as a person would; PYTHONPATH stands in for an installation."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )


def train(*words):
    return train_command.main([*TINY, *words])


def weights(run):
    run = Run(run)
    return run.load(run.latest())


@pytest.mark.parametrize(
    "script", ["train_wavegan", "train_diffusion", "generate", "evaluate", "export", "preprocess.__main__"]
)
def test_help_needs_no_heavy_import(script):
    code = (
        f"import sys; from {script} import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "print(*{'tensorflow', 'keras', 'librosa', 'matplotlib', 'soundfile'} & set(sys.modules))"
    )
    done = command("-c", code)
    output, errors = done.communicate()
    assert done.returncode == 0, errors
    assert output.startswith("usage: ")
    assert output.splitlines()[-1] == ""


@pytest.mark.parametrize(
    "words", [["train_wavegan.py"], ["generate.py"], ["evaluate.py"], ["export.py"], ["-m", "preprocess", "drums"]]
)
def test_an_environment_that_is_not_activated_is_reported_in_one_line(words):
    done = subprocess.run([sys.executable, "-S", *words], cwd=ROOT, capture_output=True, text=True)  # -S: no packages
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("error: the package numpy is not installed for")
    assert ". .venv/bin/activate" in line


@pytest.mark.parametrize("words", [["--steps", "4"], ["--from", "nowhere.npz"], ["--checkpoint", "best"]])
def test_what_cannot_be_generated_is_reported_before_the_heavy_imports(trained, words):
    code = (
        f"import sys; from wavegan.cli import generate; code = generate.main({['--run', str(trained), *words]!r})\n"
        "print(code, *{'tensorflow', 'keras', 'librosa', 'matplotlib', 'soundfile'} & set(sys.modules))"
    )
    output, errors = command("-c", code).communicate()
    assert output.split() == ["2"], errors


def test_the_whole_path_from_another_folder_with_spaces_and_umlauts(drum_files, tmp_path):
    folder = tmp_path / "ein Ordner für Töne"
    folder.mkdir()
    steps = [
        ("-m", "preprocess", str(drum_files), "--sample-rate", "4000", "--length", "1024", "--out", "data/é è"),
        (str(ROOT / "train_wavegan.py"), "--steps", "3", *TINY),
        (str(ROOT / "generate.py"), "--n", "3"),
    ]
    shown = []
    for words in steps:
        process = command(*words, cwd=folder)
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "Traceback" not in errors and "\r" not in errors
        shown.append(output + errors)
    assert len(list((folder / "generated").rglob("*.wav"))) == 3
    assert "é è" in shown[1] and "tensorboard --logdir" in shown[1]
    assert "E0000" not in shown[1] and "cuInit" not in shown[1]  # none of TensorFlow's start-up noise
    assert len(shown[1].splitlines()) < 20


def test_resuming_equals_never_stopping(drums, trained, tmp_path):
    run = tmp_path / "in two goes"
    assert train("--data", str(drums), "--run", str(run), "--steps", "6") == 0
    assert train_command.main(["--data", str(drums), "--run", str(run), "--steps", "10"]) == 0
    straight, resumed = weights(trained), weights(run)
    assert straight.keys() == resumed.keys()
    for name, array in straight.items():
        np.testing.assert_allclose(resumed[name], array, atol=1e-5, err_msg=name)


def test_a_finished_run_says_so_and_stays_as_it_is(drums, trained, capsys):
    before = weights(trained)
    assert train("--data", str(drums), "--run", str(trained)) == 0
    shown = capsys.readouterr()
    assert "is at step 10, and --steps is 10. To go on, give more with --steps" in shown.err
    assert all(np.array_equal(before[name], array) for name, array in weights(trained).items())


@pytest.mark.parametrize("steps", ["5", "10"])
def test_a_run_that_has_the_steps_already_has_nothing_to_do(drums, trained, tmp_path, capsys, steps):
    """It was not stopped by a signal, which exit code 130 says."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    run.create(run.config().changed({"steps": 100}))
    assert train_command.main(["--data", str(drums), "--run", str(run.path), "--steps", steps]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1].endswith(
        f"at step 10, and --steps is {steps}. To go on, give more with --steps, or --minutes 10."
    )
    of = " of 10" if steps == "10" else ""
    assert f"at step 10{of}. Make sounds: " in shown.out and "To go on" not in shown.out
    assert shown.out.splitlines()[-1].startswith("How good are they? ")
    assert run.config().training.steps == 100 and run.latest() == 10


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGHUP]])
def test_ctrl_c_and_termination_save_and_say_how_to_go_on(drums, tmp_path, numbers):
    """Some supervisors terminate twice, once the process and once its group."""
    run = tmp_path / "run"
    words = ["--data", str(drums), "--run", str(run), "--steps", "100000", *TINY]
    process = command(str(ROOT / "train_wavegan.py"), *words)
    try:
        for line in process.stderr:
            if line.startswith("step 1 after"):
                break
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.02)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors  # so that `train && generate` does not go on
    assert "stopping after this step" in errors
    assert f"To go on: python {ROOT / 'train_wavegan.py'} --run {run}" in output
    stopped = Run(run).latest()
    assert 1 <= stopped < 100_000
    assert train_command.main(["--data", str(drums), "--run", str(run), "--steps", str(stopped + 1)]) == 0
    assert Run(run).latest() == stopped + 1


def test_a_diverging_training_stops_at_once_and_keeps_the_last_good_checkpoint(drums, tmp_path, capsys):
    """MZ goes on with losses of 1e20."""
    run = tmp_path / "wild"
    assert train("--data", str(drums), "--run", str(run), "--steps", "4") == 0
    good = weights(run)
    assert all(np.isfinite(array).all() for array in good.values())
    rate = next(name for name in good if name.startswith("critic_optimizer/") and name.endswith("learning_rate"))
    Run(run).save(4, good | {rate: np.float32(1e30)})
    capsys.readouterr()
    assert train_command.main(["--data", str(drums), "--run", str(run), "--steps", "9"]) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert complaint.startswith("error: ") and "at step" in complaint
    assert "The weights in the checkpoint of step 4 are finite, which says nothing of its sounds" in complaint
    assert Run(run).steps() == [0, 4]


def test_training_takes_the_newest_data_set(drums, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for age, name in enumerate(["newest", "older"]):
        shutil.copytree(drums, tmp_path / "data" / name)
        os.utime(tmp_path / "data" / name / "dataset.json", (9000 - age, 9000 - age))
    assert train_command.newest_dataset() == Path("data/newest")


def test_without_any_data_the_drum_kit_is_prepared(tmp_path, monkeypatch, capsys):
    from preprocess import drumkit
    from wavegan.data.schema import DatasetInfo

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drumkit, "COUNT", 10)
    assert train_command.newest_dataset() == Path("data/drums")
    assert "preparing the built-in drum kit" in capsys.readouterr().out
    assert DatasetInfo.load(Path("data/drums")).classes == list(drumkit.KINDS)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--steps", "0"], "--steps must be 1 or more. Received: 0"),
        (["--steps", "x"], "argument --steps: invalid int value: 'x'"),
        (["--preset", "huge"], "argument --preset: invalid choice: 'huge'"),
        (["--stepz", "4"], "unrecognized arguments: --stepz 4"),
        (["--data", "nowhere"], "nowhere"),
        (["--critic-learning-rate", "nan"], "--critic-learning-rate must be a finite number"),
    ],
)
def test_a_wrong_flag_is_one_line(tmp_path, monkeypatch, capsys, words, complaint):
    monkeypatch.chdir(tmp_path)
    try:
        code = train_command.main(words)
    except SystemExit as exit:
        code = exit.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith("error: ") and complaint in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_a_run_keeps_its_model_and_its_kind_of_data(drums, trained, tmp_path, capsys):
    flags = ["--data", str(drums), "--run", str(trained)]
    assert train_command.main([*flags, "--model-dim", "3"]) == 2
    assert "--model-dim was 2 when this run was made. Received: 3" in capsys.readouterr().err
    other = tmp_path / "other"
    shutil.copytree(drums, other)
    replace(DatasetInfo.load(drums), sample_rate=8000).save(other)
    assert train_command.main(["--data", str(other), "--run", str(trained)]) == 2
    complaint = capsys.readouterr().err
    assert f"was made with the data set {drums}. Received: --data {other}, which differs" in complaint


SHARD = "train-00001-of-00004.tfrecord"


def edited(data):
    return (data / "dataset.json").read_text().replace('"sample_rate": 4000', '"sample_rate": 8000')


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: os.truncate(data / SHARD, 5000), f"{SHARD} has 5000 bytes where dataset.json expects"),
        (lambda data: (data / SHARD).unlink(), f"{SHARD} cannot be read (No such file or directory)"),
        (lambda data: (data / "dataset.json").write_text(edited(data)), "dataset.json was edited by hand"),
    ],
)
def test_a_damaged_data_set_is_reported_in_one_line_before_the_first_step(drums, tmp_path, capsys, change, complaint):
    data = tmp_path / "data"
    shutil.copytree(drums, data)
    change(data)
    assert train_command.main(["--data", str(data), "--run", str(tmp_path / "run")]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and complaint in errors[0]
    assert not (tmp_path / "run").exists()


def test_a_data_set_made_anew_is_reported_as_such(drums, tmp_path, capsys):
    shutil.copytree(drums, tmp_path / "data")
    words = ["--data", str(tmp_path / "data"), "--run", str(tmp_path / "run")]
    assert train(*words, "--steps", "1") == 0
    description = tmp_path / "data" / "dataset.json"
    description.write_text(description.read_text() + " ")  # the same contents
    assert train_command.main(words) == 0
    info = DatasetInfo.load(drums)
    replace(info, classes=[*info.classes, "zither"]).save(tmp_path / "data")
    assert train_command.main(words) == 2
    assert "was made anew, with other contents" in capsys.readouterr().err


def test_a_run_remembers_its_data_set(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # with no data/ to choose from
    assert train_command.main(["--run", str(trained)]) == 0
    assert "is at step 10, and --steps is 10" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    directory = Run(trained).config().data.directory
    monkeypatch.chdir(Path(directory).parent)
    assert train_command.main(["--run", str(trained)]) == 0
    assert f"data set  {Path(directory).name}: " in capsys.readouterr().out


def test_an_error_before_the_first_step_is_reported_as_it_is(drums, tmp_path, monkeypatch):
    from wavegan.training import previews

    def fail(self, step):
        raise UserError("preview cannot be written. Make room.")

    monkeypatch.setattr(previews.Previews, "preview", fail)
    before = signal.getsignal(signal.SIGINT)
    assert train("--data", str(drums), "--run", str(tmp_path / "run"), "--steps", "3") == 2
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("clips", [1, 2, 3])
def test_a_handful_of_stereo_clips_trains_and_generates(clips, tmp_path):
    import soundfile

    from wavegan.cli import generate as generate_command
    from wavegan.cli.preprocess import main as preprocess

    for number in range(clips):
        (tmp_path / "in").mkdir(exist_ok=True)
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, (300, 2))
        soundfile.write(tmp_path / "in" / f"{number}.wav", noise, 4000)
    data, run, out = (str(tmp_path / name) for name in ("data", "run", "out"))
    shape = ["--sample-rate", "4000", "--length", "256", "--channels", "2"]
    assert preprocess([str(tmp_path / "in"), "--out", data, *shape]) == 0
    assert train("--data", data, "--run", run, "--steps", "2") == 0
    assert generate_command.main(["--run", run, "--n", "2", "--out", out]) == 0
    assert soundfile.info(Path(out) / "001.wav").channels == 2


def test_a_closed_pipe_is_no_traceback(tmp_path):
    process = command("-m", "preprocess", "--help")
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait()


def test_the_installed_commands_are_the_same_functions():
    import configparser
    import importlib

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].strip().splitlines()
    scripts = dict(line.replace(" ", "").split("=") for line in lines)
    names = ("preprocess", "train", "train-diffusion", "generate", "evaluate", "export")
    assert set(scripts) == {f"wavegan-{name}" for name in names}
    for target in scripts.values():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert module.startswith("wavegan.cli.") and "wavegan.*" in setup["options.packages.find"]["include"].split()
    assert "py_modules" not in setup["options"]  # Hugging Face has a package named evaluate


def test_a_run_in_bfloat16_trains_goes_on_in_float32_and_generates(drums, tmp_path, capsys):
    run = tmp_path / "run"
    words = ["--data", str(drums), "--run", str(run)]
    assert train(*words, "--steps", "3", "--precision", "bfloat16") == 0
    assert "bfloat16" in capsys.readouterr().err and Run(run).config().training.precision == "bfloat16"
    assert all(np.isfinite(array).all() for array in weights(run).values())
    assert generate_command.main(["--run", str(run), "--n", "2", "--out", str(tmp_path / "sounds")]) == 0
    assert train(*words, "--steps", "4", "--precision", "float32") == 0
    assert Run(run).config().training.precision == "float32" and Run(run).latest() == 4


@pytest.mark.parametrize(("rms", "said"), [(0.99, True), (1e-4, False)])
def test_sounds_much_softer_than_the_recordings_get_a_note(trained, tmp_path, capsys, rms, said):
    """A model that was trained for a minute: nothing is broken, and nobody would know."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    config = run.config()
    run.create(replace(config, data=replace(config.data, rms=rms)))
    assert generate_command.main(["--run", str(run.path), "--n", "2", "--out", str(tmp_path / "out")]) == 0
    assert ("as loud as recordings; a model begins softly" in capsys.readouterr().out) == said
