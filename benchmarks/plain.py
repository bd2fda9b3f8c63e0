"""The WaveGAN that one would write first: Keras' own convolutions, and a critic that is called for each batch."""

import keras

from wavegan.backend import autodiff
from wavegan.models.gan import losses
from wavegan.models.gan.build import compiled_as
from wavegan.models.gan.layers import PhaseShuffle
from wavegan.models.gan.model import WaveGAN
from wavegan.models.gan.networks import LEAKY_SLOPE, SEED_LENGTH, strides_for
from wavegan.models.layers import dtype_policy


def plain_generator(config):
    """As `networks.build_generator`, of `keras.layers.Conv1DTranspose`. The weights are in the same order."""
    strides = strides_for(config.data.length)
    width, dtype = config.model.model_dim * 2 ** (len(strides) - 1), dtype_policy(config.training.precision)
    latents = keras.Input((config.model.latent_size,))
    x = keras.layers.Dense(SEED_LENGTH * width, dtype=dtype)(latents)
    x = keras.layers.Reshape((SEED_LENGTH, width), dtype=dtype)(x)
    for depth, stride in enumerate(strides):
        x = keras.layers.ReLU(dtype=dtype)(x)
        width //= 2
        filters = config.data.channels if depth == len(strides) - 1 else width
        x = keras.layers.Conv1DTranspose(filters, config.model.kernel_length, stride, padding="same", dtype=dtype)(x)
    return keras.Model(latents, keras.layers.Activation("tanh", dtype="float32")(x))


def plain_critic(config):
    """As `networks.build_critic`, of `keras.layers.Conv1D`. The weights are in the same order."""
    strides, dtype = strides_for(config.data.length)[::-1], dtype_policy(config.training.precision)
    audio = keras.Input((config.data.length, config.data.channels))
    x, width = audio, config.model.model_dim
    for depth, stride in enumerate(strides):
        x = keras.layers.Conv1D(width, config.model.kernel_length, stride, padding="same", dtype=dtype)(x)
        x = keras.layers.LeakyReLU(LEAKY_SLOPE, dtype=dtype)(x)
        if config.model.phase_shuffle and depth < len(strides) - 1:
            x = PhaseShuffle(config.model.phase_shuffle, seed=depth, dtype=dtype)(x)
        width *= 2
    x = keras.layers.Flatten(dtype=dtype)(x)
    return keras.Model(audio, keras.layers.Dense(1, dtype="float32")(x))


class PlainWaveGAN(WaveGAN):
    """A WaveGAN whose critic is called for reals, for fakes and for what is between them."""

    def critic_step(self, real, classes=None):
        count = real.shape[0]
        fake = self.generator(self.sample_latents(count), training=False)
        weights = keras.random.uniform((count, 1, 1), seed=self.seed_generator)
        between = losses.interpolate(real, fake, weights)

        def loss():
            distance = losses.wasserstein_distance(self.critic(real, training=True), self.critic(fake, training=True))
            gradients = autodiff.input_gradient(lambda clips: self.critic(clips, training=True), between)
            total = self.penalty_weight * losses.gradient_penalty(gradients) - distance
            return total, {"critic/loss": total}

        variables = self.critic.trainable_variables
        _, facts, gradients = autodiff.value_and_gradients(loss, variables, self.critic.variables)
        self.critic_optimizer.apply(gradients, variables)
        return facts


def plain_gan_from(config):
    """The plain counterpart of `wavegan.models.gan.build.wavegan`."""
    gan = PlainWaveGAN(
        plain_generator(config),
        plain_critic(config),
        config.model.critic_updates,
        config.model.penalty_weight,
        config.model.ema,
        seed=0,
    )
    return compiled_as(config.model, gan)
