"""The networks of WaveGAN, for any clip length of 16 × a product of strides 4 and 2.

Source: Donahue, McAuley, Puckette, "Adversarial Audio Synthesis", arXiv 1802.04208, section 3 and tables 3 and 4. The
"modern" form adds to that what each function says.
"""

import keras

from wavegan.backend.autodiff import Tensor
from wavegan.data.lengths import RULE
from wavegan.models.gan.layers import GroupSpread, PhaseShuffle, SoundGain, StridedConv1D, TransposedConv1D
from wavegan.models.gan.settings import GROUP
from wavegan.models.layers import Modulation

SEED_LENGTH = 16  # time steps of the innermost feature map
LEAKY_SLOPE = 0.2
BAND_CHANNELS = 64  # of the spectral critic's layers
BAND_TAPS = 5  # of their kernels
LAST_FRAMES = 16  # the most that the spectral critic ends with


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
    classes: int = 0,
    modern: bool = False,
    sound_gain: bool = False,
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
        classes: how many there are; 0 for an unconditional one. Their weights stand behind the latent:
            [batch, latent_size + classes].
        modern: whether latent and class also give every layer its gain and bias, see `Modulation`.
        sound_gain: whether they give the whole sound one, see `SoundGain`.

    Raises ValueError for a length that `strides_for` refuses, and a kernel shorter than a stride.

    >>> build_generator(length=4096, model_dim=4).output_shape
    (None, 4096, 1)
    """
    strides = strides_for(length)
    width = model_dim * 2 ** (len(strides) - 1)
    given = keras.Input((latent_size + classes,), name="latents_and_classes" if classes else "latents")
    x = keras.layers.Dense(SEED_LENGTH * width, name="seed", dtype=dtype)(given)
    x = keras.layers.Reshape((SEED_LENGTH, width), dtype=dtype)(x)
    for depth, stride in enumerate(strides):
        if modern:
            x = Modulation(name=f"modulation_{depth}", dtype=dtype)(x, given)
        x = keras.layers.ReLU(dtype=dtype)(x)
        width //= 2
        filters = channels if depth == len(strides) - 1 else width
        x = TransposedConv1D(filters, kernel_length, stride, name=f"upsample_{depth}", dtype=dtype)(x)
    if sound_gain:
        x = SoundGain(name="sound_gain", dtype="float32")(x, given)
    audio = keras.layers.Activation("tanh", name="audio", dtype="float32")(x)  # [batch, length, channels]
    return keras.Model(given, audio, name="generator")


def build_critic(
    length: int = 16384,
    channels: int = 1,
    model_dim: int = 64,
    kernel_length: int = 25,
    phase_shuffle: int = 2,
    seed: int | None = None,
    dtype: str | None = None,
    classes: int = 0,
    modern: bool = False,
) -> keras.Model:
    """Audio [batch, length, channels] → scores [batch, 1]; higher means more like the recordings.

    Args:
        length, channels, model_dim, kernel_length: as for `build_generator`, which this mirrors.
        phase_shuffle: largest shift (time steps) after every convolution but the last; 0 leaves it out.
        seed: where the shifts' draws start.
        dtype: as for `build_generator`. The scores are float32 either way.
        classes: how many there are; with some, the input is [audio, class weights [batch, classes]].
        modern: whether the last layer gets the spread of the clips of a group, see `GroupSpread`.

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
    return _scored(audio, x, "critic", dtype, classes, modern)


def build_spectral_critic(
    frames: int, bands: int, dtype: str | None = None, classes: int = 0, modern: bool = False
) -> keras.Model:
    """Spectrograms [batch, frames, bands] → scores [batch, 1], as `build_critic`.

    Strided convolutions over time, the bands being channels, until few frames are left. Source of the idea: Yamamoto et
    al., "Parallel WaveGAN", arXiv 1910.11480, whose critics see a spectrogram only by a loss; a critic on it beside one
    on the waveform is that of Jang et al., "UnivNet", arXiv 2106.07889, section 2.2.
    """
    spectrogram = x = keras.Input((frames, bands), name="spectrogram")
    depth = 0
    while depth == 0 or x.shape[1] > LAST_FRAMES:
        name = f"band_{depth}"
        x = keras.layers.Conv1D(BAND_CHANNELS, BAND_TAPS, strides=2, padding="same", name=name, dtype=dtype)(x)
        x = keras.layers.LeakyReLU(LEAKY_SLOPE, dtype=dtype)(x)
        depth += 1
    return _scored(spectrogram, x, "spectral_critic", dtype, classes, modern)


def _scored(given: Tensor, x: Tensor, name: str, dtype: str | None, classes: int, modern: bool) -> keras.Model:
    """The critic `name` from its input `given` and its last feature map `x` [batch, time, channels].

    With classes, their weights meet all of the last layer (Miyato and Koyama, arXiv 1802.05637, section 3, where they
    meet its sum over time), by weights that start at zero.
    """
    if modern:
        x = GroupSpread(GROUP, name="group_spread", dtype="float32")(x)
        dtype = "float32"
    x = keras.layers.Flatten(dtype=dtype)(x)
    scores = keras.layers.Dense(1, name="score", dtype="float32")(x)
    if not classes:
        return keras.Model(given, scores, name=name)
    weights = keras.Input((classes,), name="classes")
    wanted = keras.layers.Dense(
        x.shape[-1], use_bias=False, kernel_initializer="zeros", name="class_score", dtype="float32"
    )(weights)
    of_class = keras.layers.Dot(1, dtype="float32")([x, wanted])
    scores = keras.layers.Add(dtype="float32")([scores, of_class])
    return keras.Model([given, weights], scores, name=name)
