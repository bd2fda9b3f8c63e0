"""What goes wrong in a training is named with its step, in the terminal and in TensorBoard."""

import numpy as np
import pytest

from tests.training.test_callbacks import FakeModel, drive
from wavegan.models import facts
from wavegan.models.gan.family import GAN
from wavegan.training import health
from wavegan.training.callbacks import Diverged

WELL = {
    "critic/wasserstein_distance": 1.0,
    "critic/loss": 1.0, "critic/gradient_norm": 3.0, "generator/gradient_norm": 5.0,
    "audio/rms_generated": 0.05, "audio/rms_real": 0.06, "audio/spread": 0.9,
    "audio/silent_generated": 0.35, "audio/silent_real": 0.1,
}  # fmt: skip


class FakeEvents:
    """Stands in for the event files."""

    def __init__(self):
        self.texts = []

    def text(self, name, text, step):
        assert name == "warnings"
        self.texts.append((step, text))


def reported(logs, capsys, start=100):
    """What `Health` says of these steps: lines of the terminal, and what TensorBoard got."""
    events = FakeEvents()
    drive(health.Health(events, GAN.facts), logs, FakeModel(step=start))
    return [line for line in capsys.readouterr().err.splitlines() if line], events.texts


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_first_value_that_is_not_finite_names_its_term_and_step(value):
    events = FakeEvents()
    with pytest.raises(Diverged, match=f"critic/loss became {value} at step 13"):
        drive(health.Health(events, GAN.facts), [WELL, WELL, WELL | {"critic/loss": value}], FakeModel(step=10))
    assert events.texts == [(13, f"critic/loss became {value}; the training was stopped")]


def test_a_healthy_training_gives_no_warning(capsys):
    assert reported([WELL] * 200, capsys) == ([], [])


@pytest.mark.parametrize(
    ("ill", "first", "words"),
    [
        ({"critic/gradient_norm": 2e4}, 101, "the critic's gradients grew to a norm of 2e+04"),
        ({"generator/gradient_norm": 2e4}, 101, "the generator's gradients grew to a norm of 2e+04"),
        ({"audio/rms_generated": 0.0005}, 150, "the generator has gone silent (RMS 0.0005, the recordings' is 0.06)"),
        ({"audio/rms_generated": 0.95}, 150, "the generator is stuck at full scale (RMS 0.95"),
        ({"audio/spread": 0.04}, 150, "the generated clips are all alike (spread 0.04"),
    ],
)
def test_a_symptom_is_reported_once_with_its_step(ill, first, words, capsys):
    lines, texts = reported([WELL | ill] * 120, capsys)
    assert len(lines) == 1 and len(texts) == 1
    assert lines[0].startswith(f"warning at step {first}: {words}")
    assert texts[0][0] == first and texts[0][1] in lines[0]


def test_a_rare_penalty_may_have_larger_gradients(capsys):
    """It counts eight times in one step of eight: 50,000 at step 9 of a training that goes well."""
    others = {name: value for name, value in WELL.items() if name != "critic/wasserstein_distance"}
    assert reported([others | {"critic/gradient_norm": 5e4}] * 5, capsys) == ([], [])
    lines, _ = reported([others | {"critic/gradient_norm": 2e6}], capsys)
    assert len(lines) == 1 and "the critic's gradients grew" in lines[0]


def test_silent_clips_are_usual_at_first_and_reported_when_they_stay(capsys):
    """A third of them is silent for some 400 steps of a training that goes well."""
    lines, texts = reported([WELL | {"audio/silent_generated": 0.8}] * 450, capsys)
    words = "many of the generated clips are silent (80%, of the recordings 10%)"
    assert lines[0].startswith(f"warning at step 500: {words}") and len(lines) == len(texts) == 1


@pytest.mark.parametrize("interrupted", [30, 70])
def test_a_symptom_is_logged_once_at_its_step_wherever_the_training_was_interrupted(interrupted, capsys):
    events, logs = FakeEvents(), [WELL | {"audio/spread": 0.04}] * 120
    before = drive(health.Health(events, GAN.facts), logs[:interrupted], FakeModel(step=100))
    after = health.Health(events, GAN.facts)
    after.set_state(before.state())
    drive(after, logs[interrupted:], FakeModel(step=100 + interrupted))
    assert [step for step, _ in events.texts] == [150]
    said = [line.split(":")[0] for line in capsys.readouterr().err.splitlines() if line]
    assert said == ["warning at step 150", *["warning at step 171"] * (interrupted == 70)]  # who goes on is told again


def test_a_short_silence_is_none(capsys):
    logs = [WELL | {"audio/rms_generated": 0.0, "audio/spread": 0.0}] * 40 + [WELL] * 40
    assert reported(logs, capsys) == ([], [])


def test_silence_is_not_reported_as_sameness(capsys):
    lines, _ = reported([WELL | {"audio/rms_generated": 0.0, "audio/spread": 0.0}] * 120, capsys)
    assert len(lines) == 1 and "silent" in lines[0]


def test_recordings_that_are_silent_as_often_are_no_reason(capsys):
    assert reported([WELL | {"audio/silent_generated": 0.9, "audio/silent_real": 0.65}] * 120, capsys) == ([], [])


def test_silent_clips_are_those_below_a_loudness():
    audio = np.float32([0.0, 0.01, 0.02, 0.5])[:, None, None] * np.ones((4, 64, 1), "float32")
    assert float(facts.silent_share(audio, 0.015)) == 0.5
    assert float(facts.silent_share(audio[None], 0.4)) == 0.75 and float(facts.silent_share(audio, 0.0)) == 0.0


def test_one_clip_at_a_time_has_no_spread(capsys):
    logs = {name: value for name, value in WELL.items() if name != "audio/spread"}
    assert reported([logs] * 120, capsys) == ([], [])


def test_the_spread_is_0_for_equal_clips_and_1_for_clips_that_share_nothing():
    clip = np.sin(np.arange(64.0))[None, :, None].astype("float32")
    assert float(facts.spread(np.repeat(clip, 4, axis=0))) == pytest.approx(0.0, abs=1e-6)
    assert float(facts.spread(np.concatenate([clip, -clip]))) == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(size=(16, 1024, 1)).astype("float32")
    assert float(facts.spread(noise)) == pytest.approx(np.sqrt(15 / 16), abs=0.01)
    assert float(facts.spread(np.zeros((2, 8, 1), "float32"))) == 0.0


def test_the_norm_is_over_all_gradients_together():
    assert float(facts.global_norm([np.float32([3.0]), np.float32([[4.0], [12.0]])])) == pytest.approx(13.0)
