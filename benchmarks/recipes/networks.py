"""The networks of a recipe: generator, waveform critic and spectral critics, and what is done to their inputs."""

import keras
import tensorflow as tf
from keras import layers

from wavegan.backend.autodiff import input_gradient
from wavegan.models.gan import networks, spectrogram
from wavegan.models.gan.layers import GroupSpread, Modulation, TransposedConv1D


class Noise(layers.Layer):
    """Adds the same normal noise to all channels of `x` [batch, time, channels], in each as loud as it learns."""

    def build(self, shape):
        self.loudness = self.add_weight(name="loudness", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        drawn = tf.random.normal((tf.shape(x)[0], x.shape[1], 1), dtype=x.dtype)
        return x + drawn * self.loudness


def build_generator(info, recipe, size):
    """[batch, size], latents beside class weights → audio, by the layers of `networks.build_generator`."""
    policy, strides = recipe.policy, networks.strides_for(info.length)
    width = recipe.model_dim * 2 ** (len(strides) - 1)
    given = keras.Input((size,))
    x = layers.Dense(networks.SEED_LENGTH * width, dtype=policy)(given)
    x = layers.Reshape((networks.SEED_LENGTH, width), dtype=policy)(x)
    for depth, stride in enumerate(strides):
        if recipe.stages:
            x = Modulation(dtype=policy)(x, given)
        if recipe.noise:
            x = Noise(dtype=policy)(x)
        x = layers.ReLU(dtype=policy)(x)
        width //= 2
        filters = info.channels if depth == len(strides) - 1 else width
        x = TransposedConv1D(filters, recipe.kernel, stride, dtype=policy)(x)
    return keras.Model(given, layers.Activation("tanh", dtype="float32")(x))


class Critic:
    """A network that scores what `view` makes of audio, given the class weights.

    Args:
        view: audio [batch, time, channels] → the network's input.
        features: a Keras model from that input to its last layer, [batch, time, channels].
        gamma: weight of the penalty on the slope by the network's input.
        recipe: a `Recipe`.
        kinds: number of classes, "any" among them.
    """

    def __init__(self, view, features, gamma, recipe, kinds):
        self.view, self.gamma = view, gamma
        asked_for, last = keras.Input((kinds,)), features.output
        if recipe.group_spread:
            last = GroupSpread(recipe.group, dtype="float32")(last)
        whole = layers.Flatten(dtype="float32")(last)
        scores = layers.Dense(1, dtype="float32")(whole)
        if recipe.conditional:
            met = whole if recipe.projection == "flat" else layers.GlobalAveragePooling1D(dtype="float32")(last)
            wanted = layers.Dense(met.shape[-1], use_bias=False, kernel_initializer="zeros", dtype="float32")(asked_for)
            scores = scores + layers.Dot(1, dtype="float32")([met, wanted])
        self.network = keras.Model([features.input, asked_for], scores)

    def __call__(self, x, asked_for):
        return self.network([x, asked_for], training=True)

    def slope(self, x, asked_for):
        """The squared length of the scores' gradient by each input: [batch]."""
        gradient = input_gradient(lambda inputs: self(inputs, asked_for), x)
        return tf.reduce_sum(gradient**2, axis=list(range(1, len(x.shape))))


def build_critics(info, recipe, kinds, unit, seed):
    """The waveform critic and the spectral ones, [`Critic`]. `unit` is the RMS that audio is divided by."""
    plain = networks.build_critic(
        info.length, info.channels, recipe.model_dim, phase_shuffle=recipe.phase_shuffle, seed=seed, dtype=recipe.policy
    )
    features = keras.Model(plain.input, plain.layers[-3].output)
    viewed = unit if recipe.loudness else 1.0
    critics = [Critic(lambda audio: audio / viewed, features, recipe.gamma, recipe, kinds)]
    for window in filter(None, map(int, recipe.spectral.split("+"))):
        plain = networks.build_spectral_critic(*spectrogram.shape(info.length, 1, window), recipe.policy)
        view = lambda audio, window=window: spectrogram.log_magnitudes(audio / unit, window)  # noqa: E731
        features = keras.Model(plain.input, plain.layers[-3].output)
        critics.append(Critic(view, features, recipe.gamma_spectral, recipe, kinds))
    return critics


def augmented(audio, kinds):
    """Clips [batch, time, channels], each changed as a recording could differ; `kinds` as in `Recipe.augment`."""
    count, length = tf.shape(audio)[0], audio.shape[1]
    shape, steps = (count, 1, 1), tf.range(length)[None]
    if "polarity" in kinds:
        audio *= tf.sign(tf.random.uniform(shape, -1, 1))
    if "gain" in kinds:  # 6 dB
        audio *= 10 ** (tf.random.uniform(shape, -6, 6) / 20)
    if "shift" in kinds:  # an eighth
        source = steps - tf.random.uniform((count, 1), -length // 8, length // 8 + 1, tf.int32)
        inside = tf.cast((source >= 0) & (source < length), audio.dtype)
        audio = tf.gather(audio, tf.clip_by_value(source, 0, length - 1), batch_dims=1) * inside[..., None]
    if "cutout" in kinds:  # a quarter
        first = tf.random.uniform((count, 1), -length // 4, length, tf.int32)
        audio *= tf.cast((steps < first) | (steps >= first + length // 4), audio.dtype)[..., None]
    return audio
