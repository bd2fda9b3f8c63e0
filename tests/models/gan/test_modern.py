"""What is newer than the paper: losses, classes, penalties at some steps, the spectral critic, falling rates."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from wavegan.models.family import ClipFormat
from wavegan.models.gan import layers, losses, spectrogram
from wavegan.models.gan.build import wavegan
from wavegan.models.gan.settings import GROUP, Settings

LENGTH, BATCH = 256, 2 * GROUP
CLIP = ClipFormat(8000, LENGTH, 1, ("kick", "rim", "snare"), 0.2)
SMALL = {
    "model_dim": 2, "kernel_length": 9, "latent_size": 8, "networks": "modern", "conditional": "yes", "ema": 0.5,
    "spectral_window": 32, "loss": "non-saturating", "critic_updates": 1, "penalty_weight": 3.0, "phase_shuffle": 0,
    "spectral_penalty_weight": 2.0, "sound_gain": "yes",
}  # fmt: skip


def small(clip=CLIP, **changes):
    return wavegan(Settings(**SMALL | changes), clip, seed=0, precision="float32")


def drawn(shape=(BATCH, LENGTH, 1), seed=0):
    return np.random.default_rng(seed).normal(0, 0.2, shape).astype("float32")


def labelled(audio, kinds=(0, 2), progress=0.0):
    labels = np.repeat(kinds, GROUP)[:, None]
    step = {"audio": audio[:, None], "label": labels, "progress": np.full(len(audio), progress, "float32")}
    return {name: tf.constant(value) for name, value in step.items()}


def formula(loss, real, fake):
    """Each pair of losses written out in float64: of the critic, and of the generator."""
    log = lambda x: -np.log1p(np.exp(-x))  # noqa: E731  of the logistic function
    return {
        "wgan-gp": (fake.mean() - real.mean(), -fake.mean()),
        "non-saturating": (-log(real).mean() - log(-fake).mean(), -log(fake).mean()),
        "dcgan": (-log(real).mean() - log(-fake).mean(), -log(fake).mean()),
        "relativistic": (-log(real - fake).mean(), -log(fake - real).mean()),
        "lsgan": ((((real - 1) ** 2).mean() + (fake**2).mean()) / 2, ((fake - 1) ** 2).mean() / 2),
    }[loss]


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_loss_is_its_formula(name):
    random = np.random.default_rng(0)
    real, fake = random.normal(1, 2, (2, 7, 1))
    loss = losses.LOSSES[name]
    scores = [ops.convert_to_tensor(each) for each in (real, fake)]
    found = [float(each(*scores)) for each in (loss.critic, loss.generator)]
    assert found == pytest.approx(formula(name, real, fake), rel=1e-5)


def slopes(critic, inputs, classes):
    """The squared length of the gradient of each clip's score by its own group's inputs."""
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(critic.network([inputs, classes], training=True))
    return tf.reduce_sum(tape.gradient(total, inputs) ** 2, axis=(1, 2)).numpy()


@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_the_penalty_is_half_the_squared_slope_by_what_each_critic_is_given(loss):
    """R1 at recordings, R2 at generated clips (arXiv 1801.04406, section 4.1), by audio of RMS 1 and spectrograms."""
    gan, real = small(loss=loss, penalty_every=1), drawn()
    classes = tf.one_hot(np.repeat([0, 2], GROUP), 3)
    seeds = gan.seed_generator.state.numpy()
    fake = gan.generator(gan._given(BATCH, classes)).numpy()
    gan.seed_generator.state.assign(seeds)
    views = [(real / 0.2, fake / 0.2), [spectrogram.log_magnitudes(tf.constant(x / 0.2), 32) for x in (real, fake)]]
    expected = []
    for critic, (of_real, of_fake) in zip(gan.critics, views, strict=True):
        penalty = slopes(critic, of_real, classes).mean() / 2
        expected.append(penalty + (slopes(critic, of_fake, classes).mean() / 2 if loss == "relativistic" else 0.0))
    facts = gan.critic_step(tf.constant(real), classes)
    names = ("critic/gradient_penalty", "spectral_critic/gradient_penalty")
    assert [float(facts[name]) for name in names] == pytest.approx(expected, rel=1e-4)


def moved(gan, audio):
    """How a step changes the weights of the critic."""
    before = gan.critic.get_weights()
    gan.adversarial_step(audio)
    return [now - was for was, now in zip(before, gan.critic.get_weights(), strict=True)]


def test_a_penalty_at_every_third_step_counts_three_times_there_and_not_elsewhere():
    """Karras et al., arXiv 1912.04958, section 3.1."""
    audio, found = labelled(drawn()), {}
    for every, weight in ((1, 0.0), (1, 1.0), (3, 0.0), (3, 1.0)):
        gan = small(penalty_every=every, penalty_weight=weight, spectral_penalty_weight=weight)
        gan.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(0.0))
        found[every, weight] = moved(gan, audio), gan
    of_penalty = [a - b for a, b in zip(found[1, 1.0][0], found[1, 0.0][0], strict=True)]
    of_three = [a - b for a, b in zip(found[3, 1.0][0], found[3, 0.0][0], strict=True)]
    assert max(np.abs(each).max() for each in of_penalty) > 1e-6
    for one, three in zip(of_penalty, of_three, strict=True):
        np.testing.assert_allclose(three, 3 * one, atol=1e-7)
    with_penalty, without = found[3, 1.0][1], found[3, 0.0][1]
    for _ in range(2):  # the second step and the third
        without.restore(with_penalty.state())
        for one, other in zip(moved(with_penalty, audio), moved(without, audio), strict=True):
            np.testing.assert_array_equal(one, other)
    without.restore(with_penalty.state())
    pairs = zip(moved(with_penalty, audio), moved(without, audio), strict=True)
    assert any(np.abs(one - other).max() > 1e-6 for one, other in pairs)


def test_the_last_penalty_is_shown_at_every_step_and_stays_in_the_checkpoint():
    gan, audio = small(penalty_every=3), labelled(drawn())
    shown = [float(gan.adversarial_step(audio)["critic/gradient_penalty"]) for _ in range(4)]
    assert shown[0] == shown[1] == shown[2] > 0 and shown[3] != shown[2]
    again = small(penalty_every=3)
    again.restore(gan.state())
    assert float(again.adversarial_step(audio)["critic/gradient_penalty"]) == shown[3]


def test_both_learning_rates_fall_evenly_to_the_share_that_is_left():
    gan = small(critic_learning_rate=4e-3, generator_learning_rate=2e-3, learning_rate_end=0.1)
    for progress, left in ((0.0, 1.0), (0.5, 0.55), (1.0, 0.1)):
        gan.adversarial_step(labelled(drawn(), progress=progress))
        rates = [float(each.learning_rate) for each in (gan.critic_optimizer, gan.optimizer)]
        assert rates == pytest.approx([4e-3 * left, 2e-3 * left])


def test_a_saved_model_falls_from_where_its_rates_began(tmp_path):
    gan = small(critic_learning_rate=4e-3, generator_learning_rate=2e-3, learning_rate_end=0.1)
    gan.adversarial_step(labelled(drawn(), progress=0.9))
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    again.adversarial_step(labelled(drawn(), progress=0.5))
    assert float(again.critic_optimizer.learning_rate) == pytest.approx(4e-3 * 0.55)


def test_generated_clips_are_of_the_class_of_the_recordings_beside_them(monkeypatch):
    """The critic must not be able to tell them apart by their classes."""
    gan, seen = small(), []
    given = gan._given
    monkeypatch.setattr(gan, "_given", lambda count, classes: seen.append(np.array(classes)) or given(count, classes))
    gan.adversarial_step(labelled(drawn(), kinds=(1, 0)))
    assert [list(each.argmax(1)) for each in seen] == 2 * [GROUP * [1] + GROUP * [0]]  # both networks' updates


def test_class_and_latent_act_on_every_layer_by_weights_that_start_at_zero():
    gan = small()
    given = np.random.default_rng(0).uniform(-1, 1, (5, 11)).astype("float32")
    plain = gan.generator(given).numpy()
    for name in ("modulation_0", "modulation_1"):
        layer = gan.generator.get_layer(name)
        assert not np.any(layer.kernel.numpy())
        layer.kernel.assign(0.1 * np.ones(layer.kernel.shape))
        changed = gan.generator(given).numpy()
        assert not np.allclose(changed, plain)
        plain = changed


def test_the_gain_of_a_sound_starts_at_one_and_belongs_to_its_latent_and_class():
    gan = small()
    given = np.random.default_rng(0).uniform(-1, 1, (5, 11)).astype("float32")
    plain = gan.generator(given).numpy()
    np.testing.assert_array_equal(plain, small(sound_gain="no").generator(given).numpy())
    layer = gan.generator.get_layer("sound_gain")
    layer.kernel.assign(np.linspace(-1, 1, 11, dtype="float32")[:, None])
    gain = np.exp(given @ np.linspace(-1, 1, 11))[:, None, None]
    np.testing.assert_allclose(np.arctanh(gan.generator(given).numpy()), gain * np.arctanh(plain), rtol=1e-4, atol=1e-6)


def test_a_critic_scores_all_classes_alike_at_first_and_then_apart():
    gan, audio = small(), drawn() / 0.2
    eye = np.eye(3, dtype="float32")
    of_class = [gan.critic([audio, np.repeat(row[None], BATCH, 0)]).numpy() for row in eye]
    np.testing.assert_array_equal(of_class[0], of_class[2])
    gan.fit(tf.data.Dataset.from_tensors(labelled(drawn())).repeat(2), verbose=0)
    of_class = [gan.critic([audio, np.repeat(row[None], BATCH, 0)]).numpy() for row in eye]
    assert not np.allclose(of_class[0], of_class[2])


def test_the_spread_of_a_group_is_its_standard_deviation_averaged_over_channels():
    x = np.random.default_rng(0).normal(size=(2 * GROUP, 5, 3))
    x[:GROUP] = x[0]
    found = np.array(layers.GroupSpread(GROUP, dtype="float64")(x))
    np.testing.assert_array_equal(found[..., :3], x)
    expected = x.reshape(2, GROUP, 5, 3).std(axis=1).mean(axis=-1)
    np.testing.assert_allclose(found[..., 3], np.repeat(expected, GROUP, 0), atol=2e-4)
    assert found[0, 0, 3] == pytest.approx(1e-4, rel=0.01)  # of clips that are all alike, with a finite gradient


@pytest.mark.parametrize("channels", [1, 2])
def test_log_magnitudes_are_those_of_numpy(channels):
    audio, window = drawn((2, LENGTH, channels)), 64
    found = np.array(spectrogram.log_magnitudes(ops.convert_to_tensor(audio), window))
    assert found.shape == (2, *spectrogram.shape(LENGTH, channels, window))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(audio[1, :, -1], window // 2)
    frames = np.array([padded[start : start + window] * hann for start in range(0, LENGTH + 1, window // 4)])
    magnitude = np.sqrt(np.abs(np.fft.rfft(frames)) ** 2 / window + 1e-6)
    np.testing.assert_allclose(found[1, :, -33:], (np.log(magnitude + 1e-2) + 2.5) / 1.8, atol=1e-4)


def test_the_gradient_of_log_magnitudes_is_finite_in_silence():
    silence = tf.zeros((1, LENGTH, 1))
    with tf.GradientTape() as tape:
        tape.watch(silence)
        total = tf.reduce_sum(spectrogram.log_magnitudes(silence, 32))
    assert np.isfinite(tape.gradient(total, silence)).all()


def test_weights_of_other_classes_give_new_classes_their_mean():
    source = small()
    source.fit(tf.data.Dataset.from_tensors(labelled(drawn())).repeat(3), verbose=0)
    wider = small(ClipFormat(8000, LENGTH, 1, tuple("abcde"), 0.2))
    wider.start_from(source.state())
    theirs, mine = (gan.generator.get_layer("seed").kernel.numpy() for gan in (source, wider))
    np.testing.assert_array_equal(mine[:8], theirs[:8])  # the latent's
    np.testing.assert_allclose(mine[8:], np.repeat(theirs[8:].mean(0, keepdims=True), 5, 0), atol=1e-7)
    theirs, mine = (gan.critic.get_layer("class_score").kernel.numpy() for gan in (source, wider))
    np.testing.assert_allclose(mine, np.repeat(theirs.mean(0, keepdims=True), 5, 0), atol=1e-7)


@pytest.mark.parametrize("loss", losses.LOSSES)
@pytest.mark.parametrize("networks, conditional, window", [("paper", "no", 0), ("modern", "yes", 32)])
def test_every_loss_trains_with_both_forms_of_networks(loss, networks, conditional, window):
    gan = small(loss=loss, networks=networks, conditional=conditional, spectral_window=window, penalty_every=2)
    facts = gan.adversarial_step(labelled(drawn()))
    assert all(np.isfinite(float(value)) for value in facts.values())
    assert ("critic/wasserstein_distance" in facts) == (loss == "wgan-gp")


def test_a_saved_keras_model_keeps_its_classes_and_critics(tmp_path):
    gan = small(penalty_every=2)
    gan.fit(tf.data.Dataset.from_tensors(labelled(drawn())), verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    state = again.state()
    assert all(np.array_equal(state[name], array) for name, array in gan.state().items() if "seed" not in name)
    assert again.get_config().keys() == gan.get_config().keys()
    again.fit(tf.data.Dataset.from_tensors(labelled(drawn())), verbose=0)
    assert again.step == 2
