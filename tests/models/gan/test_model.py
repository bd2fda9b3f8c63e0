import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain import plain_critic
from wavegan.backend import autodiff, devices
from wavegan.models.gan import losses
from wavegan.models.gan.family import GAN
from wavegan.models.gan.model import WaveGAN
from wavegan.models.gan.networks import build_critic, build_generator
from wavegan.runs.flags import resolve

LENGTH, BATCH, UPDATES = 256, 3, 2
SMALL = {"preset": "paper", "model_dim": 4, "kernel_length": 9, "latent_size": 8, "critic_updates": 2}


def small_gan(seed=0, critic_updates=UPDATES, phase_shuffle=2, ema=0.9, penalty_weight=10.0):
    keras.utils.set_random_seed(seed)
    gan = WaveGAN(
        build_generator(LENGTH, 1, model_dim=4, kernel_length=9, latent_size=8),
        build_critic(LENGTH, 1, model_dim=4, kernel_length=9, phase_shuffle=phase_shuffle, seed=seed),
        critic_updates=critic_updates,
        penalty_weight=penalty_weight,
        ema=ema,
        seed=seed,
    )
    gan.compile(keras.optimizers.Adam(1e-3, 0.5, 0.9), keras.optimizers.Adam(1e-3, 0.5, 0.9))
    return gan


def steps_of_audio(steps, updates=UPDATES, seed=0):
    audio = np.random.default_rng(seed).normal(0, 0.1, (steps, BATCH, updates, LENGTH, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices({"audio": audio})


def test_the_critic_step_is_the_papers_formula():
    """Against the loss of arXiv 1704.00028, algorithm 1, written out one clip at a time."""
    gan = small_gan(phase_shuffle=0)
    real = np.random.default_rng(1).normal(0, 0.1, (BATCH, LENGTH, 1)).astype("float32")
    seeds = gan.seed_generator.state.numpy()
    fake = gan.generator(gan.sample_latents(BATCH)).numpy()
    weights = keras.random.uniform((BATCH, 1, 1), seed=gan.seed_generator).numpy()
    assert weights.min() >= 0 and weights.max() <= 1 and len(set(weights.ravel())) == BATCH
    gan.seed_generator.state.assign(seeds)

    distance, penalty = 0.0, 0.0
    for x, g, e in zip(real, fake, weights, strict=True):
        distance += float(gan.critic(x[None])[0, 0] - gan.critic(g[None])[0, 0]) / BATCH
        between = tf.constant(((1 - e) * x + e * g)[None])
        with tf.GradientTape() as tape:
            tape.watch(between)
            score = gan.critic(between)
        penalty += (float(tf.norm(tape.gradient(score, between))) - 1) ** 2 / BATCH

    facts = gan.critic_step(tf.constant(real))
    assert float(facts["critic/wasserstein_distance"]) == pytest.approx(distance, abs=1e-5)
    assert float(facts["critic/gradient_penalty"]) == pytest.approx(penalty, abs=1e-5)
    assert float(facts["critic/loss"]) == pytest.approx(-distance + 10 * penalty, abs=1e-4)


def test_the_critics_update_follows_the_gradient_of_the_papers_formula():
    """Against Keras' own convolutions, separate calls and the loss as it stands in arXiv 1704.00028, algorithm 1."""
    config = resolve(SMALL | {"phase_shuffle": 0}, GAN, gpu=False, length=1024)
    gan = config.build_model()
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))  # an update is minus the gradient
    real = tf.random.normal((BATCH, 1024, 1), stddev=0.1, seed=1)
    seeds = gan.seed_generator.state.numpy()
    fake = gan.generator(gan.sample_latents(BATCH))
    weights = keras.random.uniform((BATCH, 1, 1), seed=gan.seed_generator)
    gan.seed_generator.state.assign(seeds)

    critic = plain_critic(config)
    critic.set_weights(gan.critic.get_weights())
    with tf.GradientTape() as tape:
        between = weights * fake + (1 - weights) * real
        with tf.GradientTape() as inner:
            inner.watch(between)
            scores = critic(between)
        norms = tf.norm(tf.reshape(inner.gradient(scores, between), (BATCH, -1)), axis=1)
        loss = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real)) + 10 * tf.reduce_mean((norms - 1) ** 2)
    expected = tape.gradient(loss, [variable.value for variable in critic.trainable_variables])

    before = gan.critic.get_weights()
    facts = gan.critic_step(real)
    assert float(facts["critic/loss"]) == pytest.approx(float(loss), rel=1e-4)
    for was, now, gradient in zip(before, gan.critic.get_weights(), expected, strict=True):
        np.testing.assert_allclose(was - now, gradient, atol=1e-5 * np.abs(gradient).max() + 1e-6)


def test_in_bfloat16_the_networks_compute_and_nothing_else():
    gan = resolve(SMALL | {"precision": "bfloat16"}, GAN, gpu=False, length=1024).build_model()
    computing = {layer.name: layer.compute_dtype for layer in gan.generator.layers + gan.critic.layers}
    exact = {name for name, dtype in computing.items() if dtype == "float32"}
    assert exact == {"latents", "audio", "score"}
    assert set(computing.values()) == {"bfloat16", "float32"}
    facts = gan.adversarial_step({"audio": tf.random.normal((BATCH, 2, 1024, 1), stddev=0.1, seed=1)})
    assert {fact.dtype for fact in facts.values()} == {tf.float32}
    floating = [array for array in gan.state().values() if array.dtype.kind != "i"]
    assert {array.dtype for array in floating} == {np.dtype("float32")}
    assert gan(gan.sample_latents(2)).dtype == tf.float32


@pytest.mark.parametrize("scale", [1, 1.65, 1.7, 3])  # weights as they start, slopes at 1 as in training, steep ones
def test_in_bfloat16_the_penalty_differs_by_less_than_2_percent(scale):
    """Where every slope is 1 the penalty is 0 and a share of it says nothing: there the difference is below 1e-4."""
    share = 0.02 if devices.computes_bfloat16() else 0.04  # which rounds more often, and is not what auto takes there
    clips = tf.random.normal((16, 4096, 1), stddev=0.1, seed=1)
    penalties = {}
    for precision in ("float32", "bfloat16"):
        settings = {"preset": "paper", "model_dim": 16, "precision": precision, "phase_shuffle": 0}
        critic = resolve(settings, GAN, gpu=False, length=4096).build_model().critic
        critic.set_weights([scale * weight for weight in critic.get_weights()])
        penalties[precision] = float(losses.gradient_penalty(autodiff.input_gradient(critic, clips)))
    assert penalties["bfloat16"] == pytest.approx(penalties["float32"], rel=share, abs=1e-4)
    assert penalties["bfloat16"] != penalties["float32"]


def test_a_step_updates_the_critic_often_and_the_generator_once():
    gan = small_gan()
    gan.fit(steps_of_audio(3), verbose=0)
    assert int(gan.critic_optimizer.iterations) == 3 * UPDATES
    assert int(gan.optimizer.iterations) == gan.step == 3


def test_each_network_is_changed_by_its_own_update_alone():
    gan = small_gan()
    real = tf.random.normal((BATCH, LENGTH, 1), stddev=0.1, seed=0)
    generator, critic = gan.generator.get_weights(), [v.numpy() for v in gan.critic.trainable_variables]
    gan.critic_step(real)
    assert all(np.array_equal(a, b) for a, b in zip(generator, gan.generator.get_weights(), strict=True))
    after = [v.numpy() for v in gan.critic.trainable_variables]
    assert not any(np.array_equal(a, b) for a, b in zip(critic[::2], after[::2], strict=True))  # the kernels
    gan.generator_step(BATCH)
    still = [v.numpy() for v in gan.critic.trainable_variables]
    assert all(np.array_equal(a, b) for a, b in zip(after, still, strict=True))
    assert not np.array_equal(generator[0], gan.generator.get_weights()[0])


def test_every_critic_update_sees_its_own_real_batch(monkeypatch):
    """The WGAN-GP example of keras.io uses one real batch for all critic updates of a step."""
    gan = small_gan()
    seen = []
    monkeypatch.setattr(gan, "critic_step", lambda real, classes: seen.append(real.numpy()) or {"critic/loss": 0.0})
    audio = next(iter(steps_of_audio(1)))
    gan.train_step(audio)
    assert len(seen) == UPDATES
    np.testing.assert_array_equal(np.stack(seen, axis=1), audio["audio"])


def test_a_step_learns_to_tell_real_from_fake():
    gan = small_gan(critic_updates=5)
    tone = 0.5 * np.sin(np.arange(LENGTH) / 5, dtype="float32")
    audio = np.broadcast_to(tone[None, None, None, :, None], (60, BATCH, 5, LENGTH, 1))
    history = []
    gan.fit(
        tf.data.Dataset.from_tensor_slices({"audio": audio}),
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: history.append(dict(logs)))],
    )
    distances = [logs["critic/wasserstein_distance"] for logs in history]
    assert max(distances) > 10 * abs(distances[0])
    assert history[0]["audio/rms_real"] == pytest.approx(np.sqrt(np.mean(tone**2)), rel=1e-4)
    assert set(history[0]) == {
        "critic/loss", "critic/wasserstein_distance", "critic/gradient_penalty",
        "generator/loss", "audio/rms_generated", "audio/rms_real", "audio/spread", "audio/silent_generated",
        "audio/silent_real", "critic/gradient_norm", "generator/gradient_norm",
    }  # fmt: skip


def test_a_step_counts_clips_below_a_tenth_of_the_recordings_loudness():
    gan = small_gan()
    tone = 0.5 * np.sin(np.arange(LENGTH) / 5, dtype="float32")[:, None]
    audio = np.broadcast_to(tone, (BATCH, UPDATES, LENGTH, 1)).copy()
    audio[:1] *= 0.05
    for weight, silent in ((1.0, 0.0), (0.0, 1.0)):
        gan.generator.set_weights([weight * array for array in gan.generator.get_weights()])
        facts = gan.train_step({"audio": tf.constant(0.001 * audio)})
        assert float(facts["audio/silent_real"]) == pytest.approx(1 / BATCH)
        assert float(facts["audio/silent_generated"]) == silent


def test_anybodys_keras_callback_works(tmp_path):
    gan = small_gan()
    history = gan.fit(
        steps_of_audio(9),
        epochs=3,
        steps_per_epoch=3,
        verbose=0,
        callbacks=[
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
            keras.callbacks.ModelCheckpoint(tmp_path / "whole.keras"),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
            keras.callbacks.EarlyStopping(monitor="critic/wasserstein_distance", mode="min", patience=9),
            keras.callbacks.TerminateOnNaN(),
        ],
    )
    assert len(history.history["generator/loss"]) == 3
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    assert (tmp_path / "3.weights.h5").exists()
    assert float(gan.optimizer.learning_rate) == pytest.approx(1e-3 / 8)


def test_batches_of_a_size_that_tensorflow_does_not_know_train_as_known_ones():
    audio = np.random.default_rng(0).normal(0, 0.1, (7, UPDATES, LENGTH, 1)).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices({"audio": audio}).batch(BATCH)  # the last one is a single clip
    assert batches.element_spec["audio"].shape[0] is None
    unknown, known = small_gan(), small_gan()
    unknown.fit(batches, verbose=0)
    for batch in batches:
        known.train_on_batch({"audio": batch["audio"].numpy()})
    for name, array in known.state().items():
        np.testing.assert_allclose(unknown.state()[name], array, atol=1e-6, err_msg=name)
    assert unknown.predict(np.zeros((5, 8), "float32"), verbose=0).shape == (5, LENGTH, 1)


@pytest.mark.parametrize("training", [False, True])
def test_both_networks_take_batches_of_an_unknown_size(training):
    gan = small_gan()
    for network in (gan.generator, gan.critic):
        shape = network.input_shape[1:]

        @tf.function(input_signature=[tf.TensorSpec((None, *shape))])
        def call(x, network=network):
            return network(x, training=training)

        assert call.get_concrete_function().output_shapes[1:] == network.output_shape[1:]
        assert call(tf.zeros((5, *shape))).shape == (5, *network.output_shape[1:])


@pytest.mark.parametrize(
    "shape", [(BATCH, LENGTH, 1), (BATCH, UPDATES, LENGTH // 2, 1), (None, UPDATES, None, 1), (None, None, LENGTH, 1)]
)
def test_data_of_another_shape_is_named(shape):
    with pytest.raises(ValueError) as problem:
        small_gan().fit(dataset_of(tf.TensorSpec(shape)), verbose=0)
    expected = "shape [batch, critic_updates=2, time, channels], for this critic [batch, 2, 256, 1], where only the"
    assert expected in str(problem.value) and f"Received: {shape}" in str(problem.value)


def test_data_of_a_number_of_axes_that_is_not_known_are_named():
    with pytest.raises(ValueError, match=r"Expected data\['audio'\] of shape .* Received: None"):
        small_gan().fit(dataset_of(tf.TensorSpec(None)), verbose=0)


def dataset_of(spec):
    return tf.data.Dataset.from_generator(lambda: iter([]), output_signature={"audio": spec})


def test_a_restored_model_goes_on_as_if_never_stopped():
    """MaxHolmberg96/WaveGAN loses Adam's state when a training is resumed."""
    straight = small_gan()
    straight.fit(steps_of_audio(6), verbose=0)

    first = small_gan()
    first.fit(steps_of_audio(6).take(3), verbose=0)
    second = small_gan(seed=99)
    second.restore(first.state())
    assert second.step == 3
    second.fit(steps_of_audio(6).skip(3), verbose=0)

    assert straight.state().keys() == second.state().keys()
    for name, array in straight.state().items():
        np.testing.assert_allclose(second.state()[name], array, atol=1e-6, err_msg=name)


def test_the_state_of_another_model_is_refused():
    other = small_gan().state()
    other["critic/000/kernel"] = np.zeros((1, 2, 3))
    with pytest.raises(ValueError, match=r"critic/000/kernel: expected shape \(9, 1, 4\). Received: \(1, 2, 3\)"):
        small_gan().restore(other)


def test_one_seed_makes_one_model():
    config = resolve({"preset": "tiny", "model_dim": 2}, GAN, gpu=False, sample_rate=8000, length=4096, channels=1)
    one, again = config.build_model().state(), config.build_model().state()
    assert all(np.array_equal(one[name], again[name]) for name in one)
    other = resolve({"preset": "tiny", "model_dim": 2, "seed": 1}, GAN, False, length=4096).build_model().state()
    assert not np.array_equal(one["sampler/000/kernel"], other["sampler/000/kernel"])


def test_the_penalty_weight_is_used():
    gan = small_gan(phase_shuffle=0, penalty_weight=0.0)
    facts = gan.critic_step(tf.random.normal((BATCH, LENGTH, 1), seed=0))
    assert float(facts["critic/loss"]) == pytest.approx(-float(facts["critic/wasserstein_distance"]))


def test_the_average_follows_the_generator_as_its_formula_says():
    gan = small_gan(ema=0.9)
    average = gan.generator.get_weights()[0].astype("float64")
    for step in range(1, 8):
        gan.generator_step(BATCH)
        momentum = min(0.9, (1 + step) / (10 + step))
        average = momentum * average + (1 - momentum) * gan.generator.get_weights()[0]
    np.testing.assert_allclose(gan.averaged_generator.get_weights()[0], average, atol=1e-6)
    assert not np.allclose(gan.generator.get_weights()[0], average, atol=1e-4)


def test_the_average_of_a_model_that_starts_from_another_is_not_forgotten():
    """With a warm-up that starts anew, three steps leave 1 % of it."""
    source, gan = small_gan(ema=0.9).state(), small_gan(seed=1, ema=0.9)
    source["generator_optimizer/000/iteration"] = np.int32(1000)
    rng = np.random.default_rng(0)
    source |= {name: rng.normal(size=a.shape) for name, a in source.items() if name.startswith("sampler/")}
    gan.start_from(source)
    average = source["sampler/002/kernel"]
    for _ in range(3):
        gan.generator_step(BATCH)
        average = 0.9 * average + 0.1 * gan.generator.get_weights()[2]
    kept = gan.averaged_generator.get_weights()[2]
    np.testing.assert_allclose(kept, average, atol=1e-5)
    from_source, from_generator = (np.abs(kept - other).mean() for other in
                                   (source["sampler/002/kernel"], gan.generator.get_weights()[2]))  # fmt: skip
    assert from_source < 0.4 * from_generator
    again = small_gan(seed=2, ema=0.9)
    again.start_from(gan.state())
    assert int(again.steps_before) == 1003 and again.step == 0


def test_a_state_of_before_knows_no_steps_of_another_model():
    gan = small_gan()
    older = {name: array for name, array in gan.state().items() if not name.startswith("steps_before/")}
    gan.steps_before.assign(7)
    gan.restore(older)
    assert int(gan.steps_before) == 0
    gan.load_own_variables({})  # that of a .keras file


def test_the_model_sounds_like_its_average_and_trains_with_its_generator():
    gan = small_gan(ema=0.9)
    latents = gan.sample_latents(2)
    gan.generator_step(BATCH)
    np.testing.assert_array_equal(gan(latents), gan.averaged_generator(latents))
    assert not np.array_equal(gan(latents), gan.generator(latents))
    assert not gan.averaged_generator.trainable_variables


def test_without_an_average_there_is_no_second_generator():
    gan = small_gan(ema=0.0)
    assert gan.averaged_generator is gan.generator
    assert not any(name.startswith("generator/") for name in gan.state())


def test_a_saved_keras_model_goes_on_where_it_was(tmp_path):
    gan = small_gan()
    gan.fit(steps_of_audio(2), verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert gan.state().keys() == again.state().keys()
    for name, array in gan.state().items():
        if not name.endswith("seed_generator_state"):  # Keras keeps no layer's seeds in its files
            np.testing.assert_array_equal(again.state()[name], array, err_msg=name)
    again.fit(steps_of_audio(1, seed=1), verbose=0)
    assert again.step == 3


def shuffle_seeds(gan):
    return [
        tuple(np.asarray(layer.seed_generator.state)) for layer in gan.critic.layers if "phase_shuffle" in layer.name
    ]


def test_phase_shuffle_works_in_both_steps_and_differs_from_layer_to_layer():
    """mostafaelaraby/wavegan-pytorch never applies phase shuffle."""
    gan = small_gan(phase_shuffle=2)
    start = shuffle_seeds(gan)
    assert start and len(set(start)) == len(start)
    gan.critic_step(tf.zeros((BATCH, LENGTH, 1)))
    after_critic = shuffle_seeds(gan)
    gan.generator_step(BATCH)
    after_both = shuffle_seeds(gan)
    draws = [
        [int(b[1]) - int(a[1]) for a, b in zip(*pair, strict=True)]
        for pair in [(start, after_critic), (after_critic, after_both)]
    ]
    # Twice in a critic step, for the batch of fakes and reals and for the penalty; once in a generator step.
    assert draws == [[2] * len(start), [1] * len(start)]


def test_every_setting_reaches_the_model():
    given = {
        "preset": "paper", "model_dim": 3, "kernel_length": 9, "latent_size": 7, "phase_shuffle": 1,
        "critic_updates": 3, "penalty_weight": 4.5, "critic_learning_rate": 3e-4, "generator_learning_rate": 2e-4,
        "ema": 0.5,
    }  # fmt: skip
    gan = resolve(given, GAN, gpu=False, sample_rate=8000, length=1024, channels=2).build_model()
    assert gan.generator.input_shape == (None, 7) and gan.generator.output_shape == (None, 1024, 2)
    assert gan.critic.get_layer("downsample_0").kernel.shape == (9, 2, 3)
    assert gan.critic.get_layer("phase_shuffle_0").radius == 1
    assert (gan.critic_updates, gan.penalty_weight, gan.ema) == (3, 4.5, 0.5)
    assert float(gan.critic_optimizer.learning_rate) == pytest.approx(3e-4)
    assert float(gan.optimizer.learning_rate) == pytest.approx(2e-4)
    for optimizer in (gan.critic_optimizer, gan.optimizer):
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.9)  # the paper's
    assert not any(
        "phase_shuffle" in layer.name
        for layer in resolve(given | {"phase_shuffle": 0}, GAN, gpu=False, length=1024).build_model().critic.layers
    )
