"""From settings to a compiled WaveGAN."""

import keras
import numpy as np

from wavegan.models.family import ClipFormat
from wavegan.models.gan import spectrogram
from wavegan.models.gan.losses import LOSSES
from wavegan.models.gan.model import WaveGAN
from wavegan.models.gan.networks import build_critic, build_spectral_critic
from wavegan.models.gan.sampler import generator
from wavegan.models.gan.settings import Settings
from wavegan.models.layers import dtype_policy


def wavegan(settings: Settings, clip: ClipFormat, seed: int, precision: str) -> WaveGAN:
    """The compiled `WaveGAN` that the settings describe, its weights drawn from `seed`."""
    keras.utils.set_random_seed(seed)
    draws = np.random.SeedSequence(seed).generate_state(2)
    size = (clip.length, clip.channels, settings.model_dim, settings.kernel_length)
    policy = dtype_policy(precision)
    classes, modern = settings.classes_of(clip), settings.networks == "modern"
    critic = build_critic(*size, settings.phase_shuffle, int(draws[0] >> 1), policy, classes, modern)
    spectral = None
    if settings.spectral_window:
        pictured = spectrogram.shape(clip.length, clip.channels, settings.spectral_window)
        spectral = build_spectral_critic(*pictured, policy, classes, modern)
    gan = WaveGAN(
        generator(settings, clip, precision),
        critic,
        settings.critic_updates,
        settings.penalty_weight,
        settings.ema,
        int(draws[1] >> 1),
        settings.loss,
        settings.penalty_every,
        spectral,
        settings.spectral_window,
        settings.spectral_penalty_weight,
        clip.rms,
        classes,
        settings.learning_rate_end,
    )
    return compiled_as(settings, gan)


def compiled_as(settings: Settings, gan: WaveGAN) -> WaveGAN:
    """`gan`, compiled with the optimizers of the settings: Adam with the betas that go with the loss."""
    betas = LOSSES[settings.loss].betas
    gan.compile(
        critic_optimizer=keras.optimizers.Adam(settings.critic_learning_rate, *betas),
        generator_optimizer=keras.optimizers.Adam(settings.generator_learning_rate, *betas),
    )
    return gan
