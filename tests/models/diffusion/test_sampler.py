"""How sounds are made by flow matching: new ones, variations of a recording, and parts of it that are kept."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from tests.models.diffusion.conftest import CLIP, SETTINGS, batch_of, train
from wavegan.generation.start import start
from wavegan.models.diffusion import flow
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.diffusion.sampler import FlowSampler
from wavegan.models.diffusion.settings import Sampling
from wavegan.models.family import ClipFormat, Start

NONE = np.zeros((4, 3), "float32")


@pytest.fixture(scope="module")
def model():
    """A model after some steps. Read only."""
    chosen = DIFFUSION.settled(DIFFUSION.Settings(**{**SETTINGS, "learning_rate": 3e-3}), CLIP)
    model = DIFFUSION.model(chosen, CLIP, 0, "float32")
    model.adapt(lambda: batch_of(0, size=64)["audio"][:, 0])
    train(model, 300)
    return model


@pytest.fixture(scope="module")
def sampler(model):
    return model.sampler()


@pytest.fixture
def noise():
    return np.random.default_rng(1).standard_normal((4, 8, 65)).astype("float32")


@pytest.fixture
def recording():
    return batch_of(7)["audio"][0, 0]


@pytest.fixture
def whole_way(monkeypatch):
    """Steps go all the way that was learned, before one leads to the sound."""
    monkeypatch.setattr(flow, "LAST", flow.NEAREST)


def sampler_of(model, sampling):
    return FlowSampler(model.averaged, model.spectrogram, CLIP.rms, 3, sampling)


def led_to(model, sampling, noise, classes):
    """The spectrograms that noise leads to."""
    given = map(ops.convert_to_tensor, (noise, classes))
    return np.array(sampler_of(model, sampling)._points(sampling.guidance, *given))


def seen(sampler, audio):
    """Its spectrogram [n, frames, bands]."""
    return np.array(sampler.spectrogram(audio / CLIP.rms))


def rms(values):
    return np.sqrt(np.mean(values**2))


def test_sounds_do_not_depend_on_those_made_with_them(sampler, noise):
    classes = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    together = sampler(noise, classes)
    assert together.shape == (4, 256, 1) and together.dtype == "float32" and np.abs(together).max() <= 1
    np.testing.assert_array_equal(sampler(noise[2:3], classes[2:3]), together[2:3])
    assert not np.array_equal(sampler(noise, NONE), together)


def test_sounds_of_no_class_are_made_beside_those_of_one_and_are_not_guided(model, sampler, noise, monkeypatch):
    classes = np.eye(3, dtype="float32")[[0, 1, 2, 0]] * np.array([[1], [0], [1], [0]], "float32")
    together = sampler(noise, classes)
    for row in range(4):
        np.testing.assert_array_equal(sampler(noise[row : row + 1], classes[row : row + 1]), together[row : row + 1])
    free = sampler_of(model, Sampling(guidance=1))
    np.testing.assert_array_equal(together[[1, 3]], free(noise, classes)[[1, 3]])
    assert not np.array_equal(together[0], free(noise, classes)[0])
    evaluated, predicted = [], flow.predicted

    def counted(network, points, *given):
        evaluated.append(points.shape[0])
        return predicted(network, points, *given)

    monkeypatch.setattr(flow, "predicted", counted)
    counts = {}
    for name, of_class in (("none", NONE), ("class", np.eye(3, dtype="float32")[[0, 1, 2, 0]])):
        evaluated.clear()
        sampler_of(model, Sampling())(noise, of_class)
        (counts[name],) = {*evaluated}
    assert counts["class"] == 2 * counts["none"]


def test_the_part_that_makes_sounds_alone_makes_the_same(model, sampler, noise):
    chosen = DIFFUSION.settled(DIFFUSION.Settings(**SETTINGS), CLIP)
    alone = DIFFUSION.sampler(chosen, CLIP)
    alone.restore({name: array for name, array in model.state().items() if name.startswith("sampler/")})
    np.testing.assert_array_equal(alone(noise, NONE), sampler(noise, NONE))
    with pytest.raises(ValueError, match="expected weights of the shapes"):
        alone.restore({})


def test_a_model_of_bfloat16_makes_its_sounds_in_float32(build, noise):
    exact, coarse = build(), build(precision="bfloat16")
    state = exact.state()
    for name in [name for name in state if name.startswith("sampler/")]:
        state[name] = 0.1 * np.cos(np.arange(state[name].size)).reshape(state[name].shape)
    exact.restore(state)
    coarse.restore(state)
    np.testing.assert_array_equal(coarse.sampler()(noise, NONE), exact.sampler()(noise, NONE))


def test_class_weights_are_there_where_classes_are(sampler, noise):
    with pytest.raises(ValueError, match=r"Expected class weights of shape \[4, 3\]"):
        sampler(noise)


def test_guidance_is_its_formula(model, noise):
    """arXiv 2207.12598, equation 6, in a single step from noise: where it leads is the noise less the velocity."""
    classes = np.eye(3, dtype="float32")[[0, 1, 2, 0]]

    def points(classes, guidance):
        return led_to(model, Sampling(steps=1, guidance=guidance), noise, classes)

    of_class, of_none = points(classes, 1.0), points(NONE, 1.0)
    assert np.abs(of_class - of_none).max() > 0.01
    np.testing.assert_allclose(points(classes, 3.0), of_none + 3 * (of_class - of_none), atol=1e-4)
    np.testing.assert_allclose(points(classes, 0.0), of_none, atol=1e-4)


def test_more_steps_come_nearer_to_where_many_lead_and_heun_is_the_finer_way(model, noise, whole_way):
    def points(steps, solver):
        return led_to(model, Sampling(steps, solver), noise, NONE)

    exact = points(200, "heun")
    distances = [rms(points(steps, "euler") - exact) for steps in (2, 16, 64)]
    assert distances[0] > 2 * distances[1] > 4 * distances[2]
    assert rms(points(64, "heun") - exact) < 0.5 * distances[2]


def test_sounds_are_made_of_what_is_spread_as_far_as_recordings_are(model, sampler, noise):
    spread, classes = float(sampler.spread(1.0)), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    assert spread == float(flow.spread(model.spectrogram.near_loss, flow.LAST)) > 1.02
    points = ops.convert_to_tensor(np.float32(spread) * led_to(model, sampler.sampling, noise, classes))
    expected = 0.1 * np.array(model.spectrogram.sound(points))
    soft = FlowSampler(model.averaged, model.spectrogram, 0.1, 3)
    np.testing.assert_allclose(soft(noise, classes), expected, atol=1e-4)
    assert float(sampler.spread(0.0)) == 1 < float(sampler.spread(0.1)) < spread
    assert float(sampler_of(model, Sampling(8)).spread(1.0)) < spread  # whose last step is shorter


def test_sounds_beyond_full_scale_are_made_softer_and_not_clipped(model, noise):
    soft, loud = (FlowSampler(model.averaged, model.spectrogram, rms, 3)(noise, NONE) for rms in (0.1, 1.0))
    assert np.abs(soft).max() < 1
    np.testing.assert_allclose(np.abs(loud).max(axis=(1, 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(loud, soft / np.abs(soft).max(axis=(1, 2), keepdims=True), atol=1e-5)


def test_strength_0_gives_the_recording_back_and_more_of_it_leads_farther_away(sampler, recording):
    """In the mean over noises; one alone can happen to lead back."""
    distances, none = [], np.zeros((64, 3), "float32")
    noise = np.random.default_rng(1).standard_normal((64, *sampler.latent_shape)).astype("float32")
    for strength in (0, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1):
        made = sampler.varied(noise, none, Start(recording, strength))
        distances.append(rms(seen(sampler, made) - seen(sampler, recording[None])))
        if strength == 0:
            np.testing.assert_allclose(made, np.repeat(recording[None], 64, axis=0), atol=1e-3)
    assert (np.diff(distances) > 0).all()
    np.testing.assert_array_equal(sampler.varied(noise, none, Start(recording, 1.0)), sampler(noise, none))


@pytest.mark.parametrize(
    ("kept", "parts"),
    [
        ("0:0.03", [(0, 120)]),
        ("0.03:0.05", [(120, 200)]),
        ("0.03:", [(120, 256)]),
        (":0.015,0.035:", [(0, 60), (140, 256)]),
    ],
)
def test_what_is_kept_is_the_recordings_and_the_seams_do_not_click(sampler, noise, recording, kept, parts):
    made = sampler.varied(noise, NONE, start(recording, CLIP, None, kept))
    away = np.full(CLIP.length, CLIP.length)
    for first, end in parts:
        np.testing.assert_array_equal(made[:, first:end], np.repeat(recording[None, first:end], 4, axis=0))
        away = np.minimum(away, np.abs(np.arange(CLIP.length)[:, None] - np.arange(first, end)).min(axis=1))
    beside = away > 30
    assert np.abs(made[:, beside] - recording[beside]).max() > 0.01  # and the rest is new
    jumps, own = np.abs(np.diff(made, axis=1)), np.abs(np.diff(recording, axis=0))
    for seam in {*np.ravel(parts)} - {0, CLIP.length}:
        fade, beside = slice(seam - 20, seam + 20), slice(max(0, seam - 60), seam + 60)  # 5 ms, and 15
        assert jumps[:, fade].max() <= own.max()
        assert jumps[:, fade].max() <= 1.1 * max(own[beside].max(), jumps[:, seam + 20 : seam + 60].max())


@pytest.mark.parametrize("kept", [":", ":0.036", "0.01:"])
def test_a_recording_that_ends_at_full_height_goes_on_without_a_click(sampler, noise, kept):
    """It is kept to its end or nearly so; behind it the clip is silent."""
    length, tone = 150, 0.4 * np.cos(2 * np.pi * 200 / 4000 * (np.arange(150) - 149))
    recording = np.pad(tone, (0, CLIP.length - length)).astype("float32")[:, None]
    made = sampler.varied(noise, NONE, start(recording, CLIP, None, kept, length))
    np.testing.assert_array_equal(made[:, 40:144], np.repeat(recording[None, 40:144], 4, axis=0))
    jumps = np.abs(np.diff(made, axis=1))
    assert jumps[:, 140:170].max() <= 1.1 * max(np.abs(np.diff(tone)).max(), jumps[:, 170:].max())
    assert np.abs(np.diff(made[:, 150:170], axis=0)).max() > 0.001  # and it is new


def test_what_is_replaced_is_not_heard_in_what_replaces_it(sampler, noise, recording):
    """Such as the click that is to be repaired: 5 ms from what is kept, where its fade has an end."""
    part = start(recording, CLIP, None, ":0.015,0.035:")
    clicks = recording.copy()
    clicks[80:120] = np.random.default_rng(0).uniform(-1, 1, (40, 1))
    np.testing.assert_array_equal(
        sampler.varied(noise, NONE, replace(part, audio=clicks)), sampler.varied(noise, NONE, part)
    )


def test_two_channels_without_classes_are_varied_and_kept_each_for_itself(build):
    clip = ClipFormat(4000, 256, 2, (), 0.25)
    recording = np.concatenate([batch_of(number)["audio"][0, 0] for number in (7, 8)], axis=1)
    sampler = build(clip).sampler()
    noise = np.random.default_rng(1).standard_normal((2, *sampler.latent_shape)).astype("float32")
    same = sampler.varied(noise, None, Start(recording, 0.0))
    np.testing.assert_allclose(same, np.repeat(recording[None], 2, axis=0), atol=1e-3)
    kept = sampler.varied(noise, None, start(recording, clip, None, ":0.03"))
    np.testing.assert_array_equal(kept[:, :120], np.repeat(recording[None, :120], 2, axis=0))
    assert np.abs(np.diff(kept[:, 150:], axis=0)).max() > 0.01
    np.testing.assert_array_equal(sampler.varied(noise, None, Start(recording, 1.0)), sampler(noise))
    assert sampler.inverted(recording[None]).shape == (1, *sampler.latent_shape)


def test_a_recordings_noise_becomes_the_recording_again(model, sampler, recording, whole_way):
    """Nearly: its spectrogram, and of it a sound of other phases."""
    latent = sampler.inverted(recording[None], NONE[:1])
    unguided = sampler_of(model, Sampling(guidance=1)).inverted(recording[None], NONE[:1])
    np.testing.assert_array_equal(latent, unguided)  # of no class: there is nothing to be guided to
    shown = seen(sampler, recording[None])
    assert latent.shape == (1, 8, 65) and rms(latent) > 4 * rms(shown)
    finer = Sampling(64, "heun")
    assert rms(led_to(model, finer, latent, NONE[:1]) - shown) < 0.05 * rms(shown)
    assert rms(seen(sampler, sampler_of(model, finer)(latent, NONE[:1])) - shown) < 0.3 * rms(shown)
