import keras
import numpy as np
import pytest

from wavegan.models.gan.networks import build_critic, build_generator, strides_for


def test_the_paper_generator_has_its_19_1_million_parameters():
    generator = build_generator(length=16384, model_dim=64)
    dense = 100 * 16 * 1024 + 16 * 1024
    convolutions = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64) + 512 + 256 + 128 + 64 + 1
    assert generator.count_params() == dense + convolutions == 19_065_345
    assert f"{generator.count_params() / 1e6:.1f}" == "19.1"  # as listed in arXiv 2312.00752, table 4


def test_the_paper_critic_mirrors_it():
    critic = build_critic(length=16384, model_dim=64)
    convolutions = 25 * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1024) + 64 + 128 + 256 + 512 + 1024
    trainable = sum(int(np.prod(weight.shape)) for weight in critic.trainable_variables)
    assert trainable == convolutions + 16 * 1024 + 1


@pytest.mark.parametrize("length", [4096, 8192, 16384, 32768, 65536])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_length_and_channel_count_goes_through(length, channels):
    generator = build_generator(length, channels, model_dim=2)
    critic = build_critic(length, channels, model_dim=2)
    latents = np.random.default_rng(0).uniform(-1, 1, (2, 100)).astype("float32")
    audio = generator(latents)
    assert audio.shape == (2, length, channels)
    assert np.abs(audio).max() <= 1
    assert critic(audio).shape == (2, 1)


def test_strides_are_fours_with_the_odd_two_innermost():
    assert strides_for(4096) == [4, 4, 4, 4]
    assert strides_for(8192) == [2, 4, 4, 4, 4]
    assert strides_for(16384) == [4, 4, 4, 4, 4]
    assert strides_for(32768) == [2, 4, 4, 4, 4, 4]
    assert strides_for(65536) == [4, 4, 4, 4, 4, 4]


@pytest.mark.parametrize("length", [20000, 16000, 16, 0, 24576])
def test_a_length_the_model_cannot_make_is_refused(length):
    with pytest.raises(ValueError, match=f"length must be 16 × a power of two.*Received: {length}"):
        strides_for(length)


def test_phase_shuffle_follows_every_convolution_of_the_critic_but_the_last():
    """mostafaelaraby/wavegan-pytorch applies it only where the radius is 0, where it returns its input."""
    names = [layer.name for layer in build_critic(model_dim=2, phase_shuffle=2).layers]
    assert [name for name in names if "phase_shuffle" in name] == [f"phase_shuffle_{depth}" for depth in range(4)]
    for depth in range(4):
        assert names.index(f"phase_shuffle_{depth}") == names.index(f"downsample_{depth}") + 2
    assert not any("phase_shuffle" in layer.name for layer in build_critic(model_dim=2, phase_shuffle=0).layers)


def test_the_critic_moves_while_training_and_rests_otherwise():
    critic = build_critic(4096, model_dim=2, phase_shuffle=2, seed=0)
    audio = np.random.default_rng(0).normal(size=(2, 4096, 1)).astype("float32")
    training = {np.asarray(critic(audio, training=True)).tobytes() for _ in range(10)}
    resting = {np.asarray(critic(audio, training=False)).tobytes() for _ in range(3)}
    assert len(training) > 1
    assert len(resting) == 1


def test_the_critics_scores_are_unbounded():
    """N11K6 ends its critic in a sigmoid, which is no Wasserstein critic."""
    critic = build_critic(4096, model_dim=2)
    assert critic.layers[-1].activation is keras.activations.linear
