"""From settings to a compiled WaveGAN."""

import keras
import numpy as np

from wavegan.models.family import ClipFormat
from wavegan.models.gan.model import WaveGAN
from wavegan.models.gan.networks import build_critic
from wavegan.models.gan.sampler import dtype_policy, generator
from wavegan.models.gan.settings import Settings


def wavegan(settings: Settings, clip: ClipFormat, seed: int, precision: str) -> WaveGAN:
    """The compiled `WaveGAN` that the settings describe, its weights drawn from `seed`."""
    keras.utils.set_random_seed(seed)
    draws = np.random.SeedSequence(seed).generate_state(2)
    size = (clip.length, clip.channels, settings.model_dim, settings.kernel_length)
    critic = build_critic(*size, settings.phase_shuffle, int(draws[0] >> 1), dtype_policy(precision))
    gan = WaveGAN(
        generator(settings, clip, precision), critic, settings.critic_updates, settings.penalty_weight, settings.ema,
        int(draws[1] >> 1),
    )  # fmt: skip
    return compiled_as(settings, gan)


def compiled_as(settings: Settings, gan: WaveGAN) -> WaveGAN:
    """`gan`, compiled with the optimizers of the settings: Adam with the betas of the paper (table 2)."""
    gan.compile(
        critic_optimizer=keras.optimizers.Adam(settings.critic_learning_rate, beta_1=0.5, beta_2=0.9),
        generator_optimizer=keras.optimizers.Adam(settings.generator_learning_rate, beta_1=0.5, beta_2=0.9),
    )
    return gan
