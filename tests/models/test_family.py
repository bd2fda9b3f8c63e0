"""A model family that is registered here trains, resumes, generates and is evaluated: nothing knows the WaveGAN."""

import json
import re
from dataclasses import dataclass
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import soundfile
from keras import ops

from tests.conftest import make
from wavegan.backend import autodiff
from wavegan.base.errors import UserError
from wavegan.base.settings import check, option
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import generate as generate_command
from wavegan.data.schema import DatasetInfo
from wavegan.generation import nearest
from wavegan.models.family import Fact, family_named, register
from wavegan.models.gan.family import GAN
from wavegan.models.latents import Normal
from wavegan.runs.flags import resolve
from wavegan.runs.run import Run
from wavegan.training.loop import train

RATE, LENGTH = 4000, 256
LATENT = (3, 2)


class MeanSampler:
    """The mean clip, as loud as a latent says."""

    latent_shape = LATENT

    def __init__(self, mean):
        self.mean = mean

    def __call__(self, latents, classes=None):
        return np.tanh(latents.mean(axis=(1, 2)))[:, None, None] * np.asarray(ops.convert_to_numpy(self.mean))

    def slopes(self, loss):
        def slopes(latents, classes=None):
            weight = autodiff.keras.Variable(latents)

            def total():
                loudness = ops.tanh(ops.mean(weight, axis=(1, 2)))[:, None, None]
                losses = loss(loudness * self.mean)
                return ops.sum(losses), {"losses": losses}

            _, facts, (gradients,) = autodiff.value_and_gradients(total, [weight], [weight])
            return ops.convert_to_numpy(facts["losses"]), ops.convert_to_numpy(gradients), None

        return slopes

    def restore(self, arrays):
        self.mean = arrays["sampler/mean"]


class MeanModel(keras.Model):
    """Learns the mean of all clips."""

    def __init__(self, clip, rate):
        super().__init__()
        self.mean = self.add_weight(shape=(clip.length, clip.channels), initializer="zeros", name="mean")
        self.compile(optimizer=keras.optimizers.SGD(rate), jit_compile=autodiff.JIT_COMPILE)
        self.optimizer.build(self.trainable_variables)
        self.built = True

    def train_step(self, *arguments):
        return autodiff.carried(self, self.learn, *arguments)  # in the form that the backend's trainer calls

    def learn(self, data):
        difference = self.mean - ops.mean(data["audio"], axis=(0, 1))
        self.optimizer.apply([difference], [self.mean])
        return {"mean/distance": ops.mean(ops.square(difference))}

    step = property(lambda self: int(self.optimizer.iterations))

    def state(self):
        return {"sampler/mean": ops.convert_to_numpy(self.mean), "steps": np.array(self.step)}

    def restore(self, arrays):
        self.mean.assign(arrays["sampler/mean"])
        self.optimizer.iterations.assign(int(arrays["steps"]))

    def adapt(self, read):
        audio = read()
        assert audio.shape[1:] == self.mean.shape and np.abs(audio).max() > 0.1

    def start_from(self, arrays):
        self.mean.assign(arrays["sampler/mean"])

    def sampler(self):
        return MeanSampler(self.mean)

    def sizes(self):
        return {"mean": self.count_params()}


@dataclass(frozen=True)
class MeanSettings:
    rate: float = option(0.5, "of learning", least=0)

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class NothingToChoose:
    """Its sounds are made in one way."""


def far(values):
    return f"the mean is {values['mean/distance']:.2g} away. Learn faster" if values["mean/distance"] > 1e-9 else None


def check_clip(settings, clip):
    if clip.channels != 1:
        raise UserError(f"--channels must be 1. Received: {clip.channels}.")


TOY = register(
    SimpleNamespace(
        name="toy",
        title="Toy",
        command="train",
        Sampling=NothingToChoose,
        starts=False,
        Settings=MeanSettings,
        presets={"plain": {"steps": 6, "batch_size": 4, "preview_every": 3, "checkpoint_every": 3, "rate": 0.25}},
        facts=(Fact("mean/distance", "distance", far, lasting=False),),
        latents=Normal(),
        advice={"diverged": "learn slower.", "collapsed": "take another model."},
        preset=lambda gpu: "plain",
        check=check_clip,
        settled=lambda settings, clip: settings,
        expectation=lambda settings: "",
        classes=lambda settings, clip: 0,
        group=lambda settings, clip: 1,
        updates=lambda settings: 2,
        step_in_words=lambda settings: "one update",
        latent_shape=lambda settings, clip: LATENT,
        model=lambda settings, clip, seed, precision: MeanModel(clip, settings.rate),
        sampler=lambda settings, clip, sampling=None: MeanSampler(np.zeros((clip.length, clip.channels), "float32")),
        renamed=dict,
    )
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """80 clips of one class: bursts of noise at the same place."""
    folder = tmp_path_factory.mktemp("bursts")
    random = np.random.default_rng(0)
    envelope = np.exp(-np.arange(LENGTH) / 30)
    for number in range(80):
        samples = 0.3 * envelope * (1 + 0.2 * random.standard_normal(LENGTH))
        soundfile.write(folder / f"{number}.wav", samples, RATE)
    make(folder, folder / "data", sample_rate=RATE, length=LENGTH, validation=0, test=0)
    return folder / "data"


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A run of it, of 6 steps. Read only."""
    run = Run(tmp_path_factory.mktemp("runs") / "toy")
    assert train(run, data, DatasetInfo.load(data), {}, TOY) == 6
    return run


def test_the_sound_nearest_to_a_recording_is_found_by_its_slopes(run, tmp_path, monkeypatch, capsys):
    """Its sounds differ in their loudness alone, which does not count: all are equally near."""
    monkeypatch.setattr(nearest, "STEPS", 3)
    mean, _ = soundfile.read(run.previews / "step-00000006" / "05.wav")
    soundfile.write(tmp_path / "mine.wav", mean, RATE)
    words = ["--run", str(run.path), "--out", str(tmp_path / "out"), "--n", "2", "--like", str(tmp_path / "mine.wav")]
    assert generate_command.main(words) == 0
    found = re.search(r"mine.wav: the nearest sound is ([0-9.]+) dB away", capsys.readouterr().out)
    assert float(found[1]) < 1
    latents = np.load(tmp_path / "out" / "latents.npz")["latents"]
    assert latents.shape == (2, *LATENT) and np.isfinite(latents).all()


def test_it_trains_previews_and_warns_in_its_own_words(data, tmp_path, capsys):
    run = Run(tmp_path / "toy")
    assert train(run, data, DatasetInfo.load(data), {"steps": 3}, TOY) == 3
    shown = capsys.readouterr().err
    assert "model     Toy, preset plain: mean 0.00 M parameters, 256 samples a clip" in shown
    assert "training  3 steps of one update, batches of 4" in shown
    assert shown.count("warning at step 1: the mean is ") == 1 and "away. Learn faster." in shown
    assert "distance" in shown and "critic" not in shown and "generator" not in shown
    config = run.config()
    assert (config.family, config.model.rate, config.training.preset) == ("toy", 0.25, "plain")
    latents = np.load(run.path / "preview_latents.npz")["latents"]
    assert latents.shape == (8, *LATENT)
    sampler = TOY.sampler(config.model, config.data.clip)
    sampler.restore(run.load(3, "sampler/"))
    preview, _ = soundfile.read(run.previews / "step-00000003" / "05.wav", dtype="float32", always_2d=True)
    np.testing.assert_allclose(preview, sampler(latents)[5], atol=1 / 32768)


def test_it_resumes(data, run, tmp_path):
    stopped = Run(tmp_path / "toy")
    for steps in (2, 6):
        assert train(stopped, data, DatasetInfo.load(data), {"steps": steps}, TOY) == steps
    for name, array in run.load(6).items():
        np.testing.assert_array_equal(stopped.load(6)[name], array, err_msg=name)


def test_it_generates_also_around_and_between_its_normal_latents(run, tmp_path, capsys):
    def made(name, *words):
        assert generate_command.main(["--run", str(run.path), "--out", str(tmp_path / name), *words]) == 0
        return np.load(tmp_path / name / "latents.npz")["latents"]

    new = made("new", "--n", "5", "--seed", "1")
    np.testing.assert_array_equal(new, np.random.default_rng(1).standard_normal((5, *LATENT)).astype("float32"))
    source = str(tmp_path / "new" / "003.wav")
    np.testing.assert_array_equal(made("again", "--from", source)[0], new[3])
    np.testing.assert_array_equal(made("around", "--around", source, "--n", "4")[0], new[3])
    way = made("way", "--interpolate", source, "7", "--steps", "3")
    assert way.shape == (3, *LATENT) and np.array_equal(way[0], new[3])
    np.savez(tmp_path / "wide.npz", latents=np.zeros((1, 100)))
    assert generate_command.main(["--run", str(run.path), "--from", str(tmp_path / "wide.npz")]) == 2
    assert "are 100 wide, the run takes 3 × 2" in capsys.readouterr().err


def test_it_is_evaluated_as_it_trains_and_afterwards(data, tmp_path, capsys, monkeypatch):
    from wavegan.training import scoring

    monkeypatch.setattr(scoring, "SHARE", 1e9)
    monkeypatch.setattr(scoring, "CLIPS", 60)
    run = Run(tmp_path / "toy")
    assert train(run, data, DatasetInfo.load(data), {"evaluate_every": 3, "keep_checkpoints": 9}, TOY) == 6
    assert "quality at step 3" in capsys.readouterr().err
    assert evaluate_command.main(["--run", str(run.path), "--checkpoint", "all", "--n", "60"]) == 0
    report = json.loads((run.path / "evaluation" / "evaluation.json").read_text())
    assert [row["step"] for row in report["checkpoints"]] == [0, 3, 6] and report["best_step"] in (0, 3, 6)
    assert report["config"]["family"] == "toy" and report["config"]["rate"] == 0.25
    collapsing = next(each["answer"] for each in report["answers"] if "collapsing" in each["question"])
    assert "--critic-updates" not in collapsing


def test_another_family_s_run_is_refused(data, run, tmp_path, capsys):
    with pytest.raises(UserError, match="is a Toy, not a WaveGAN. Train it with the command that made it"):
        train(run, data, DatasetInfo.load(data), {}, GAN)
    with pytest.raises(UserError, match="is a Toy, not a WaveGAN. --finetune starts from a WaveGAN"):
        train(Run(tmp_path / "new"), data, DatasetInfo.load(data), {}, GAN, finetune=run)


def test_finetuning_starts_from_its_weights(data, run, tmp_path):
    tuned = Run(tmp_path / "tuned")
    given = {"steps": 1, "rate": 0.0}
    assert train(tuned, data, DatasetInfo.load(data), given, TOY, finetune=run) == 1
    np.testing.assert_array_equal(tuned.load(1)["sampler/mean"], run.load(6)["sampler/mean"])


def test_what_it_cannot_make_is_refused_before_anything_is_built():
    with pytest.raises(UserError, match="--channels must be 1. Received: 2"):
        resolve({}, TOY, gpu=False, length=256, channels=2)


def test_an_unknown_family_is_named_with_the_known_ones():
    with pytest.raises(UserError, match="the model family must be one of diffusion, gan, toy. Received: vae"):
        family_named("vae")
