import io
import itertools
import json
import os
import signal
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from wavegan.models.gan.family import GAN
from wavegan.runs.events import Events
from wavegan.runs.run import Run
from wavegan.training import callbacks, previews

SCALARS = {
    "critic/score_difference", "critic/gradient_penalty", "critic/loss", "generator/loss",
    "audio/rms_real", "audio/rms_generated", "audio/spread", "audio/silent_generated", "audio/silent_real",
    "critic/gradient_norm", "generator/gradient_norm", "speed/steps_per_second",
}  # fmt: skip


class FakeModel:
    """Stands in for a WaveGAN that did `step` updates."""

    def __init__(self, step=0, arrays=None):
        self.step = step
        self.stop_training = False
        self.arrays = {"w": np.ones(2)} if arrays is None else arrays

    def state(self):
        return self.arrays

    def sampler(self):
        return None


def drive(callback, logs, model=None):
    """Run a callback through one step per entry of `logs`."""
    callback.set_model(model or FakeModel())
    callback.on_train_begin()
    for batch, log in enumerate(logs):
        callback.on_train_batch_end(batch, log)
    return callback


def test_a_broken_state_is_never_saved(tmp_path):
    run = Run(tmp_path)
    run.checkpoints.mkdir()
    checkpoints = drive(callbacks.Checkpoints(run, every=2), [{}, {}, {}])
    assert run.steps() == [2]
    checkpoints.model.arrays = {"generator/000/kernel": np.array([1.0, np.nan])}
    with pytest.raises(callbacks.Diverged, match="generator/000/kernel is no longer finite after step 4"):
        checkpoints.on_train_batch_end(3, {})
    assert run.steps() == [2]


def test_a_checkpoint_comes_after_some_steps_or_some_minutes_whichever_is_first(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    saved = []
    monkeypatch.setattr(callbacks, "save", lambda run, step, model, beside: saved.append((step, now[0])))
    checkpoints = callbacks.Checkpoints(Run(tmp_path), every=10, minutes=5)
    checkpoints.set_model(FakeModel())
    checkpoints.on_train_begin()
    for batch in range(22):
        now[0] += 20.0 if batch < 12 else 130.0
        checkpoints.on_train_batch_end(batch, {})
    assert saved == [(10, 200.0), (14, 500.0), (17, 890.0), (20, 1280.0)]


def test_the_end_is_saved_whatever_the_interval(tmp_path):
    run = Run(tmp_path)
    run.checkpoints.mkdir()
    drive(callbacks.Checkpoints(run, every=100), [{}] * 3, FakeModel(step=40)).on_train_end()
    assert run.steps() == [43]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_the_training_after_its_step(number, capsys):
    before = signal.getsignal(number)
    callback = drive(callbacks.StopOnInterrupt(), [{}])
    for _ in range(1 if number == signal.SIGINT else 3):
        os.kill(os.getpid(), number)
        time.sleep(0.05)
    assert callback.interrupted and not callback.model.stop_training  # a JAX model must not be touched in its step
    callback.on_train_batch_end(1, {})
    assert callback.model.stop_training
    second = signal.getsignal(number)  # a second Ctrl-C ends it at once; a second termination changes nothing
    assert (second is before) == (number == signal.SIGINT)
    callback.on_train_end()
    assert signal.getsignal(number) is second  # what is saved now must not be interrupted, either
    callback.restore()
    assert signal.getsignal(number) is before
    assert capsys.readouterr().err.count("stopping after this step") == 1


def test_a_log_file_gets_lines_and_no_redrawn_bar(capsys):
    logs = {"critic/score_difference": 1.25, "critic/gradient_penalty": 0.5, "generator/loss": -3.0}
    drive(callbacks.ProgressBar(total=40, facts=GAN.facts), [logs] * 40).on_train_end()
    shown = capsys.readouterr().err
    assert "\r" not in shown
    assert "step 1 after" in shown and "difference 1.25, penalty 0.5, generator -3" in shown
    assert "40 of 40 steps (100 %)" in shown
    assert len(shown.splitlines()) <= 5


def events(folder):
    """{(tag, step): tensor} of all event files in a folder."""
    found = {}
    for path in sorted(folder.glob("events*")):
        for record in tf.compat.v1.io.tf_record_iterator(str(path)):
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                found.setdefault((value.tag, event.step), []).append(tf.make_ndarray(value.tensor))
    return found


def test_scalars_are_means_over_their_stretch(tmp_path):
    writer = Events(tmp_path)
    drive(callbacks.Scalars(writer, every=4, last=10), [{"critic/loss": float(n)} for n in range(1, 11)])
    writer.close()
    assert losses(tmp_path) == {1: 1.0, 4: 3.0, 8: 6.5, 10: 9.5}


def losses(folder):
    return {step: float(values[0]) for (tag, step), values in events(folder).items() if tag == "critic/loss"}


@pytest.mark.parametrize("interrupted", [1, 9, 15, 20])
def test_scalars_do_not_depend_on_where_the_training_was_interrupted(tmp_path, interrupted):
    """A training that went on from step 15 showed the mean of steps 16 to 20 at step 20: 18.0 instead of 15.5."""
    logs, writer = [{"critic/loss": float(n)} for n in range(1, 26)], Events(tmp_path)
    before = drive(callbacks.Scalars(writer, last=25), logs[:interrupted])
    before.on_train_end()
    after = callbacks.Scalars(writer, last=25)
    after.set_state({name: np.array(array) for name, array in before.state().items()})
    drive(after, logs[interrupted:], FakeModel(step=interrupted)).on_train_end()
    writer.close()
    assert losses(tmp_path) == {1: 1.0, 10: 6.0, 20: 15.5, 25: 23.0}


def test_a_training_that_gets_more_steps_goes_on_with_its_means(tmp_path):
    logs, writer = [{"critic/loss": float(n)} for n in range(1, 21)], Events(tmp_path)
    before = drive(callbacks.Scalars(writer, last=15), logs[:15])
    after = callbacks.Scalars(writer, last=20)
    after.set_state(before.state())
    drive(after, logs[15:], FakeModel(step=15))
    writer.close()
    assert losses(tmp_path) == {1: 1.0, 10: 6.0, 15: 13.0, 20: 15.5}


def test_a_training_logs_all_that_was_promised(trained):
    logged = events(trained)
    tags = {tag for tag, _ in logged}
    assert tags >= SCALARS | {"configuration", "real", "generated"}
    for clip in range(8):
        assert f"real/{clip:02d}" in tags and f"generated/{clip:02d}" in tags
    assert {step for tag, step in logged if tag == "generated/00"} == {0, 5, 10}
    assert {step for tag, step in logged if tag == "real/00"} == {0}
    for name in SCALARS - {"speed/steps_per_second"}:
        assert {step for tag, step in logged if tag == name} == {1, 10}
    assert all(len(values) == 1 for values in logged.values())  # no step twice
    table = logged["configuration", 0][0].item().decode()
    assert "| model_dim | 2 |" in table and "| sample_rate | 4000 |" in table
    assert "| data | little drums |" in table  # for others to see: no folder of this machine


def test_real_clips_in_tensorboard_are_the_recordings(trained, drums):
    from wavegan.data.batches import clips
    from wavegan.data.records import Records
    from wavegan.data.schema import DatasetInfo

    info = DatasetInfo.load(drums)
    records = Records(drums, info)
    stored = clips(records, info, np.arange(len(records)))["audio"]
    encoded = events(trained)["real/03", 0][0][0, 0]
    played, sample_rate = soundfile.read(io.BytesIO(encoded), dtype="int16")
    assert sample_rate == info.sample_rate
    steps_apart = np.abs(np.round(stored[:, :, 0] * 32768) - played).max(axis=1)
    assert steps_apart.min() <= 1


def test_previews_are_wav_files_of_the_same_latents(trained):
    for step in (0, 5, 10):
        folder = trained / "previews" / f"step-{step:08d}"
        assert sorted(path.name for path in folder.glob("*.wav")) == [f"{clip:02d}.wav" for clip in range(8)]
        assert soundfile.info(folder / "00.wav").samplerate == 4000
        assert (folder / "sheet.png").exists()
    assert (trained / "previews" / "recordings.png").exists()


def test_previews_in_tensorboard_are_named_by_class_and_are_the_files_of_these_names(trained_by_class):
    logged = events(trained_by_class)
    kinds = ["kick"] * 3 + ["snare"] * 3 + ["tom"] * 2
    names = [f"{number:02d}-{kind}" for number, kind in enumerate(kinds)]
    for step in (0, 4):
        tags = {tag.removeprefix("generated/") for tag, at in logged if tag.startswith("generated/") and at == step}
        assert sorted(tags) == names
        for name in names:
            played, _ = soundfile.read(io.BytesIO(logged[f"generated/{name}", step][0][0, 0]), dtype="int16")
            preview, _ = soundfile.read(
                trained_by_class / "previews" / f"step-{step:08d}" / f"{name}.wav", dtype="int16"
            )
            assert np.abs(played.astype(int) - preview).max() <= 1


@pytest.mark.parametrize(
    ("every", "last", "expected"),
    [
        (500, 1100, [0, 4, 16, 64, 500, 1000, 1100]),
        (1000, 1000, [0, 4, 16, 64, 256, 1000]),
        (5, 12, [0, 5, 10, 12]),
    ],
)
def test_previews_come_soon_and_then_evenly_wherever_the_training_is_interrupted(monkeypatch, every, last, expected):
    """So at 15 s a step and at 20 steps a second there is something to hear within the first minute."""
    shown = []
    monkeypatch.setattr(previews.Previews, "preview", lambda self, step: shown.append(step))
    for start, end in itertools.pairwise([0, 3, 7, last - 1, last]):
        callback = previews.Previews(None, None, None, 8000, every=every, last=last)
        drive(callback, [{}] * (end - start), FakeModel(step=start)).on_train_end()
    assert shown == expected


def test_previews_that_will_be_made_again_are_removed_and_other_files_stay(tmp_path):
    for step in (4, 8, 12, 100_000_000):
        (tmp_path / f"step-{step:08d}").mkdir()
        for name in ("00.wav", "sheet.png"):
            (tmp_path / f"step-{step:08d}" / name).touch()
    mine = tmp_path / "step-00000012" / "loved.mp3"
    mine.touch()
    (tmp_path / "recordings.png").touch()
    previews.forget_previews_after(tmp_path, 8)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    assert left == {
        "step-00000004/00.wav", "step-00000004/sheet.png", "step-00000008/00.wav", "step-00000008/sheet.png",
        "step-00000012/loved.mp3", "recordings.png",
    }  # fmt: skip


def fetch(address, path, **query):
    with urllib.request.urlopen(f"{address}/data/plugin/{path}?{urllib.parse.urlencode(query)}") as answer:
        return answer.read()


def test_tensorboard_plays_what_was_generated(tensorboard, trained):
    name = trained.name
    tags = json.loads(fetch(tensorboard, "audio/tags"))[name]
    tag = next(tag for tag in tags if tag.startswith("generated/00"))
    entries = json.loads(fetch(tensorboard, "audio/audio", run=name, tag=tag, sample=0))
    assert [entry["step"] for entry in entries] == [0, 5, 10]
    query = urllib.parse.parse_qs(entries[-1]["query"])
    sound = fetch(tensorboard, "audio/individualAudio", **{key: values[0] for key, values in query.items()})
    played, sample_rate = soundfile.read(io.BytesIO(sound), dtype="int16")
    preview, _ = soundfile.read(trained / "previews" / "step-00000010" / "00.wav", dtype="int16")
    assert sample_rate == 4000
    assert np.abs(played.astype(int) - preview).max() <= 1


def test_tensorboard_shows_pictures_scalars_and_configuration(tensorboard, trained):
    name = trained.name
    assert {"generated", "real"} <= set(json.loads(fetch(tensorboard, "images/tags"))[name])
    assert set(json.loads(fetch(tensorboard, "scalars/tags"))[name]) >= SCALARS
    assert "configuration" in json.loads(fetch(tensorboard, "text/tags"))[name]
