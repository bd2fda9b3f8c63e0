"""A flow matching run by the real command: stopped and continued, previews, TensorBoard, warnings."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import soundfile
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import SMALL_FLOW
from wavegan.cli import generate as generate_command
from wavegan.cli import train as train_command
from wavegan.models.diffusion.family import DIFFUSION, EXPECTATION
from wavegan.runs.run import Run
from wavegan.training.health import Health

QUALITY = Path(__file__).resolve().parents[2] / "docs" / "quality.jsonl"


def test_a_run_that_was_stopped_is_the_one_that_was_not(drums, flow_run, tmp_path, capsys):
    """A trace of its steps changes nothing."""
    run = tmp_path / "stopped"
    for steps, more in (("1", []), ("6", ["--profile", "9"])):
        words = ["--data", str(drums), "--run", str(run), "--steps", steps, "--deterministic", *SMALL_FLOW, *more]
        (run / "preview_latents.npz").unlink(missing_ok=True)  # what a version of other ways left is written anew
        assert train_command.main_diffusion(words) == 0
    assert json.loads(str(np.load(run / "preview_latents.npz")["sampling"]))["solver"] == "heun"
    assert f"profile   2 steps in {run}" in capsys.readouterr().err  # of five, three are not traced
    assert [*run.glob("plugins/profile/*/*.xplane.pb")]
    for name, array in Run(flow_run).load(6).items():
        np.testing.assert_array_equal(Run(run).load(6)[name], array, err_msg=name)


def test_a_run_whose_rates_fall_goes_on_from_a_checkpoint_to_the_same_end(drums, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    words = ["--data", str(drums), "--steps", "6", "--deterministic", *SMALL_FLOW, "--learning-rate-end", "0.05"]
    assert train_command.main_diffusion([*words, "--run", str(whole)]) == 0
    shutil.copytree(whole, stopped)
    Run(stopped).checkpoint_path(6).unlink()
    assert Run(stopped).latest() == 4
    assert train_command.main_diffusion([*words, "--run", str(stopped)]) == 0
    for name, array in Run(whole).load(6).items():
        np.testing.assert_array_equal(Run(stopped).load(6)[name], array, err_msg=name)


def test_a_trace_of_no_steps_is_told(drums, flow_run, tmp_path, capsys):
    words = ["--data", str(drums), "--run", str(tmp_path / "short"), "--steps", "2", "--profile", "1", *SMALL_FLOW]
    assert train_command.main_diffusion(words) == 0
    assert "profile   none, for this training had no steps after its first 3" in capsys.readouterr().err
    assert not (tmp_path / "short" / "plugins").exists()
    assert train_command.main_diffusion([*words, "--dry-run"]) == 2
    assert "--profile does not go with --dry-run" in capsys.readouterr().err


def test_previews_are_what_generate_makes_of_their_latents(flow_run, tmp_path):
    folder = flow_run / "previews" / "step-00000006"
    assert len([*folder.glob("*.wav")]) == 8 and (folder / "sheet.png").exists()
    words = ["--run", str(flow_run), "--from", str(folder / "03-snare.wav"), "--out", str(tmp_path / "again")]
    assert generate_command.main(words) == 0
    (again,) = (tmp_path / "again").glob("*.wav")
    np.testing.assert_array_equal(soundfile.read(again)[0], soundfile.read(folder / "03-snare.wav")[0])


def test_what_is_logged_can_be_looked_at_and_listened_to(flow_run):
    tags = EventAccumulator(str(flow_run)).Reload().Tags()["tensors"]
    parts = {"loss/all", *(f"loss/quarter_{part}" for part in (1, 2, 3, 4)), "previews/loudness", "previews/spread"}
    assert parts <= {*tags}
    of_previews = {plugin: [*_of_plugin(flow_run, plugin)] for plugin in ("audio", "images")}
    assert len([tag for tag in of_previews["audio"] if tag.startswith("generated")]) == 8
    assert any(tag.startswith("generated") for tag in of_previews["images"])


def _of_plugin(run, plugin):
    """The tags of a plugin."""
    found = EventAccumulator(str(run)).Reload()
    return [tag for tag in found.Tags()["tensors"] if found.SummaryMetadata(tag).plugin_data.plugin_name == plugin]


def test_a_loss_that_is_not_finite_ends_the_training_with_advice(drums, tmp_path, capsys):
    words = ["--data", str(drums), "--run", str(tmp_path / "far"), "--steps", "60", *SMALL_FLOW]
    assert train_command.main_diffusion([*words, "--learning-rate", "1e30"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "start another run (--run) with a lower --learning-rate." in said


def test_what_to_expect_is_what_was_measured():
    """Each share and its steps beside the line of that training."""
    lines = [json.loads(line) for line in QUALITY.read_text(encoding="utf-8").splitlines()]
    told = re.findall(r"(\d+) %[^%]* after (?:a training of |one of )([\d,]+)", EXPECTATION)
    for data, (share, steps) in zip(("digits-8k", "drums-8k"), told, strict=True):
        steps = int(steps.replace(",", ""))
        of_today = [line for line in lines if line["recipe"] == "train_diffusion.py" and "changed" not in line]
        near = [line for line in of_today if line["data"] == data and abs(steps / line["steps"] - 1) < 0.01]
        measured = [line["found"]["recognised"] for line in near]
        assert measured and round(100 * min(measured)) == int(share)


def test_it_is_named_by_the_command_that_goes_on_with_it(drums, flow_run, capsys):
    words = ["--data", str(drums), "--run", str(flow_run), "--steps", "8"]
    assert train_command.main(words) == 2
    assert "is a flow matching model, not a WaveGAN" in capsys.readouterr().err


class Events:
    """Keeps what is logged."""

    def __init__(self):
        self.values, self.texts = {}, []

    def scalars(self, values, step):
        self.values |= values

    def text(self, name, text, step):
        self.texts.append(text)


def test_silent_and_equal_previews_are_told_and_healthy_ones_are_not(capsys):
    rng = np.random.default_rng(0)
    healthy = 0.1 * rng.normal(size=(8, 256, 1)).astype("float32")
    for audio, words in (
        (healthy, ""),
        (1e-5 * healthy, "are silent"),
        (healthy[:1].repeat(8, axis=0), "are all alike"),
    ):
        events = Events()
        Health(events, DIFFUSION.facts, rms=0.1).heard(1000, audio)
        assert len(events.texts) == bool(words) and all(words in text for text in events.texts)
        assert set(events.values) == {"previews/loudness", "previews/spread"}
    events = Events()
    Health(events, DIFFUSION.facts, rms=0.1).heard(10, 0 * healthy)  # nothing can be expected yet
    assert events.texts == []
