"""The two networks of WaveGAN, for any clip length of 16 × a product of strides 4 and 2.

Source: Donahue, McAuley, Puckette, "Adversarial Audio Synthesis", arXiv 1802.04208, section 3 and tables 3 and 4.
"""

import keras

from wavegan.data.lengths import RULE
from wavegan.models.gan.layers import PhaseShuffle, StridedConv1D, TransposedConv1D

SEED_LENGTH = 16  # time steps of the innermost feature map
LEAKY_SLOPE = 0.2


def strides_for(length: int) -> list[int]:
    """The strides from the innermost feature map (16 steps) out to a clip of `length` samples.

    Fours wherever possible; an odd power of two takes its one stride of 2 innermost, where it costs least.
    Raises ValueError when `length` is not 16 × a power of two.

    >>> strides_for(16384), strides_for(8192)
    ([4, 4, 4, 4, 4], [2, 4, 4, 4, 4])
    """
    ratio, rest = divmod(length, SEED_LENGTH)
    if rest or ratio < 4 or ratio & (ratio - 1):
        raise ValueError(f"length must be {RULE}, such as 16384. Received: {length}.")
    doublings = ratio.bit_length() - 1
    return [2] * (doublings % 2) + [4] * (doublings // 2)


def build_generator(
    length: int = 16384,
    channels: int = 1,
    model_dim: int = 64,
    kernel_length: int = 25,
    latent_size: int = 100,
    dtype: str | None = None,
) -> keras.Model:
    """Latents [batch, latent_size] in [-1, 1] → audio [batch, length, channels] in (-1, 1).

    Args:
        length: samples of a clip, 16 × a power of two.
        channels: 1 (mono) or 2 (stereo).
        model_dim: channels of the outermost hidden layer; each layer further in has twice as many.
        kernel_length: taps of every transposed convolution.
        latent_size: width of a latent.
        dtype: Keras' dtype policy of the layers, such as "mixed_bfloat16"; None for Keras' global one. The audio is
            float32 either way.

    Raises ValueError for a length that `strides_for` refuses, and a kernel shorter than a stride.

    >>> build_generator(length=4096, model_dim=4).output_shape
    (None, 4096, 1)
    """
    strides = strides_for(length)
    width = model_dim * 2 ** (len(strides) - 1)
    latents = keras.Input((latent_size,), name="latents")
    x = keras.layers.Dense(SEED_LENGTH * width, name="seed", dtype=dtype)(latents)
    x = keras.layers.Reshape((SEED_LENGTH, width), dtype=dtype)(x)
    for depth, stride in enumerate(strides):
        x = keras.layers.ReLU(dtype=dtype)(x)
        width //= 2
        filters = channels if depth == len(strides) - 1 else width
        x = TransposedConv1D(filters, kernel_length, stride, name=f"upsample_{depth}", dtype=dtype)(x)
    audio = keras.layers.Activation("tanh", name="audio", dtype="float32")(x)  # [batch, length, channels]
    return keras.Model(latents, audio, name="generator")


def build_critic(
    length: int = 16384,
    channels: int = 1,
    model_dim: int = 64,
    kernel_length: int = 25,
    phase_shuffle: int = 2,
    seed: int | None = None,
    dtype: str | None = None,
) -> keras.Model:
    """Audio [batch, length, channels] → scores [batch, 1]; higher means more like the recordings.

    Args:
        length, channels, model_dim, kernel_length: as for `build_generator`, which this mirrors.
        phase_shuffle: largest shift (time steps) after every convolution but the last; 0 leaves it out.
        seed: where the shifts' draws start.
        dtype: as for `build_generator`. The scores are float32 either way.

    Raises ValueError as `build_generator` does.
    """
    strides = strides_for(length)[::-1]
    audio = keras.Input((length, channels), name="audio")
    x, width = audio, model_dim
    for depth, stride in enumerate(strides):
        x = StridedConv1D(width, kernel_length, stride, name=f"downsample_{depth}", dtype=dtype)(x)
        x = keras.layers.LeakyReLU(LEAKY_SLOPE, dtype=dtype)(x)
        if phase_shuffle and depth < len(strides) - 1:
            layer_seed = None if seed is None else seed + depth
            x = PhaseShuffle(phase_shuffle, seed=layer_seed, name=f"phase_shuffle_{depth}", dtype=dtype)(x)
        width *= 2
    x = keras.layers.Flatten(dtype=dtype)(x)  # [batch, 16 · widest]
    scores = keras.layers.Dense(1, name="score", dtype="float32")(x)
    return keras.Model(audio, scores, name="critic")
