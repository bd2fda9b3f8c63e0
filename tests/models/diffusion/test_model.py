"""What a step of flow matching does, and all that it changes."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.diffusion.conftest import CLIP, batch_of, train
from wavegan.models.diffusion import flow
from wavegan.models.diffusion.flow import DEVIATION
from wavegan.models.diffusion.model import QUARTERS

SEEN = (8, 65)  # frames, bands
TWO_LEVELS = replace(CLIP, length=8192)


def kernels(model):
    """The layers with kernels that Adam steps, and with those that Muon does."""
    found = {True: set(), False: set()}
    for each in model.network.trainable_variables:
        if len(each.shape) > 1:
            found[model.optimizer.by_adam(each)].add(each.path.split("/")[-2])
    return found[True], found[False]


def missed(clips, noise, times):
    """Of the velocity, what the point's share of it does not give, divided by its deviation (arXiv 2206.00364, 5)."""
    t = times[:, None, None].astype("float64")
    points, power = (1 - t) * clips + t * noise, t**2 + ((1 - t) * DEVIATION) ** 2
    return (noise - clips - (t - (1 - t) * DEVIATION**2) / power * points) * np.sqrt(power) / DEVIATION


def test_the_loss_is_the_mean_square_of_what_was_to_be_told_and_at_first_all_of_it(build):
    """A network that tells nothing yet is wrong by all of it; what it sees of recordings has DEVIATION or less."""
    rng = np.random.default_rng(0)
    clips, noise = rng.normal(size=(2, 8, *SEEN)).astype("float32")
    times, classes = np.linspace(0.05, 0.95, 8).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2] * 2 + [0, 1]]
    model = build()
    facts = {
        name: float(value)
        for name, value in model.update(*map(ops.convert_to_tensor, (clips, noise, times, classes))).items()
    }
    of_clips = np.mean(missed(clips, noise, times) ** 2, axis=(1, 2))
    assert facts["loss/all"] == pytest.approx(of_clips.mean(), rel=1e-5)
    for quarter in range(QUARTERS):
        inside = (times >= quarter / 4) & (times < (quarter + 1) / 4)
        assert facts[f"loss/quarter_{quarter + 1}"] == pytest.approx(of_clips[inside].mean(), rel=1e-5)
    model = build()
    seen = np.array(model.spectrogram(batch_of(0)["audio"][:, 0] / CLIP.rms))
    assert 0.3 * DEVIATION < np.std(seen) <= 1.1 * DEVIATION
    times = np.array(flow.stratified_times(1000, np.full(1000, 0.5, "float32")))
    expected = ((1 - times) * DEVIATION) ** 2 + times**2 * np.mean(seen**2) / DEVIATION**2
    expected = np.mean(expected / (((1 - times) * DEVIATION) ** 2 + times**2))
    assert train(model, 1)["loss/all"] == pytest.approx(expected, rel=0.1)


def test_recordings_are_divided_by_their_rms_before_they_are_measured(build):
    """Soft recordings and loud ones are the same to it."""
    soft, loud = build(clip=replace(CLIP, rms=0.1)), build(clip=replace(CLIP, rms=0.2))
    tones = batch_of(0, size=64)["audio"][:, 0]
    soft.adapt(lambda: tones / 2)
    loud.adapt(lambda: tones)
    for weight in ("mean", "deviation"):
        np.testing.assert_allclose(*(getattr(each.spectrogram, weight) for each in (soft, loud)), rtol=1e-5)
    assert not np.allclose(soft.spectrogram.mean, build().spectrogram.mean, rtol=0.1)


def test_a_quarter_without_clips_keeps_its_last_loss(build):
    model = build()
    given = [np.zeros((2, *SEEN), "float32"), np.ones((2, *SEEN), "float32"), np.array([0.1, 0.9], "float32")]
    facts = model.update(*map(ops.convert_to_tensor, (*given, np.zeros((2, 3), "float32"))))
    first = np.mean(missed(*(each[:1] for each in given)) ** 2)
    assert float(facts["loss/quarter_1"]) == pytest.approx(first, rel=1e-4) and float(facts["loss/quarter_2"]) == 0
    given[2] = np.array([0.3, 0.9], "float32")
    facts = model.update(*map(ops.convert_to_tensor, (*given, np.zeros((2, 3), "float32"))))
    assert float(facts["loss/quarter_1"]) == pytest.approx(first, rel=1e-4) and float(facts["loss/quarter_2"]) > 0


def test_it_learns(build):
    model = build(learning_rate=1e-2)
    losses = [train(model, 1, number)["loss/all"] for number in range(60)]
    assert np.mean(losses[-10:]) < 0.7 * losses[0]


def test_one_class_in_ten_is_not_told(build):
    model = build()
    labels = ops.convert_to_tensor(np.arange(6000) % 3)
    (weights,) = model._class_weights(labels, 6000)
    weights = np.array(weights)
    told = weights.sum(axis=1)
    assert set(np.unique(told)) == {0, 1}
    assert np.mean(told == 0) == pytest.approx(0.1, abs=0.015)
    np.testing.assert_array_equal(weights[told == 1].argmax(axis=1), (np.arange(6000) % 3)[told == 1])


def test_the_average_follows_the_weights_as_its_formula_says(build):
    """As far back as a tenth of the training, and no farther than the momentum."""
    model = build(ema=0.3)
    average = [np.array(weight) for weight in model.averaged.weights]
    for step in range(1, 6):
        train(model, 1, step)
        momentum = min(0.3, (1 + step) / (10 + step))
        now = [np.array(weight) for weight in model.network.weights]
        average = [momentum * mean + (1 - momentum) * weight for mean, weight in zip(average, now, strict=True)]
    for mean, expected in zip(model.averaged.weights, average, strict=True):
        np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-6)


def test_muon_steps_hidden_kernels_alone(build):
    """Not those that time and class come in by, nor the last one."""
    by_adam, by_muon = kernels(build(clip=TWO_LEVELS))
    assert by_adam == {"time", "class", "velocity_modulation", "velocity"}
    blocks = {f"{way}_{level}_0_{part}" for way in ("in", "out") for level in (0, 1) for part in ("first", "second")}
    assert blocks < by_muon and {"bands", "conditioning", "in_1", "out_1"} < by_muon


def test_the_rate_falls_with_progress(build):
    model = build(learning_rate=1e-2, learning_rate_end=0.1)
    train(model, 1, 500)  # half of the run
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-2 * (1 - 0.9 * 0.5), rel=1e-5)


def test_the_loss_near_recordings_is_averaged_like_the_weights_for_those_who_make_sounds(build):
    model = build()
    assert float(model.spectrogram.near_loss) == 0  # nothing is known of it
    expected = 0.0
    for step in range(1, 6):
        facts = train(model, 1, step)
        expected += (1 - (1 + step) / (10 + step)) * (facts["loss/quarter_1"] - expected)
    assert float(model.spectrogram.near_loss) == pytest.approx(expected, rel=1e-4)
    (name,) = (name for name in model.state() if name.endswith("near_loss"))
    assert name.startswith("sampler/") and model.state()[name] == np.float32(model.spectrogram.near_loss)


@pytest.mark.parametrize(("clip", "precision"), [(CLIP, "float32"), (CLIP, "bfloat16"), (TWO_LEVELS, "float32")])
def test_a_restored_model_goes_on_with_the_same_bits(build, clip, precision):
    model, again = build(clip=clip, precision=precision), build(clip=clip, seed=4, precision=precision)
    train(model, 3, clip=clip)
    again.restore(model.state())
    assert again.step == 3
    assert train(model, 2, 3, clip) == train(again, 2, 3, clip)
    for name, array in model.state().items():
        np.testing.assert_array_equal(again.state()[name], array, err_msg=name)
        assert array.dtype.kind in "iu" or array.dtype == "float32", name  # weights are float32 in both


def test_the_same_seed_is_the_same_training_and_another_one_is_not(build):
    states = []
    for seed in (3, 3, 4):
        model = build(seed=seed)
        train(model, 2)
        states.append(model.state())
    assert all(np.array_equal(states[1][name], array) for name, array in states[0].items())
    assert not np.array_equal(states[2]["network/000/kernel"], states[0]["network/000/kernel"])


def test_what_does_not_fit_is_not_restored(build):
    model = build()
    with pytest.raises(ValueError, match="expected shape"):
        model.restore(build(width=12).state())


def test_it_starts_from_another_one_also_of_other_classes(build):
    source = build()
    train(source, 3)
    source.adapt(lambda: batch_of(1, size=64)["audio"][:, 0])
    model = build(clip=replace(CLIP, classes=("clap", "hat", "rim", "ride")))
    model.start_from(source.state())
    known, new = source.state(), model.state()
    (of_class,) = (name for name, array in known.items() if name.startswith("sampler/") and array.shape[:1] == (3,))
    np.testing.assert_allclose(new[of_class], np.repeat(known[of_class].mean(axis=0, keepdims=True), 4, axis=0))
    others = [name for name in known if name.startswith(("sampler/", "network/")) and known[name].shape[:1] != (3,)]
    assert {"sampler", "network"} == {name.split("/")[0] for name in others}
    np.testing.assert_array_equal(model.spectrogram.mean, source.spectrogram.mean)  # what the weights were learned for
    assert all(np.array_equal(known[name], new[name]) for name in others)
    assert model.step == 0 and int(model.steps_before) == 3


def test_stereo_and_no_classes(build):
    clip = replace(CLIP, channels=2, classes=())
    model = build(clip=clip)
    facts = model.train_on_batch(batch_of(0, clip), return_dict=True)
    assert np.isfinite(facts["loss/all"])
    assert model.sampler()(np.zeros((1, 8, 130), "float32")).shape == (1, 256, 2)
    assert isinstance(model, keras.Model)
