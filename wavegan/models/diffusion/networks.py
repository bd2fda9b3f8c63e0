"""The network of flow matching: a U-Net over the frames of spectrograms, as many as a power of two.

Source: Schneider et al., "Moûsai", arXiv 2301.11757, section 3.2, for a U-Net over time; Ho et al., arXiv
2006.11239, appendix B, for blocks that are conditioned on the time.
"""

import keras

from wavegan.backend.autodiff import Tensor
from wavegan.models.diffusion.layers import Attention, ClipNorm, Waves
from wavegan.models.diffusion.settings import HEADS
from wavegan.models.layers import Modulation

KERNEL = 7  # taps of the convolutions
STRIDE = 4  # from one level to the next
INNERMOST = 64  # time steps of the innermost level at most
ATTENTION = 64  # time steps of a level with attention at most
EMBEDDING = 128  # numbers that time and class become for the blocks


def levels(frames: int) -> list[int]:
    """The time steps of each level of the network of so many frames, from the outermost on.

    >>> levels(64), levels(512)
    ([64], [512, 128, 32])
    """
    steps = [frames]
    while steps[-1] > INNERMOST:
        steps.append(steps[-1] // STRIDE)
    return steps


def build_network(
    frames: int,
    bands: int,
    classes: int,
    width: int,
    blocks: int,
    dtype: str | None = None,
) -> keras.Model:
    """[points [batch, frames, bands], times [batch, 1], class weights [batch, classes] if any] → what it tells of them.

    Points have a deviation of 1. What it tells is float32 of their shape, at first 0 everywhere; `flow.predicted` makes
    the velocity of it.

    Args:
        frames: of a spectrogram, a power of two.
        bands: values of a frame.
        classes: how many there are; 0 for an unconditional network. Weights of zeros stand for no class.
        width: channels of the outermost level; each level further in has twice as many.
        blocks: residual blocks of a level, on the way in and on the way out.
        dtype: Keras' dtype policy of the layers, such as "mixed_bfloat16"; None for Keras' global one.
    """
    points, times = keras.Input((frames, bands), name="points"), keras.Input((1,), name="times")
    given = [points, times, *([keras.Input((classes,), name="classes")] if classes else [])]
    conditioning = _conditioning(*given[1:])
    steps = levels(frames)
    x = keras.layers.Dense(width, name="bands", dtype=dtype)(points)
    kept = []
    for level in range(len(steps)):
        if level:
            kept.append(x)
            x = _regrouped(x, width * 2**level, f"in_{level}", dtype)
        x = _blocks(x, conditioning, blocks, f"in_{level}", dtype)
    for level in reversed(range(len(steps))):
        x = _blocks(x, conditioning, blocks, f"out_{level}", dtype)
        if level:
            x = keras.layers.Dense(STRIDE * width * 2 ** (level - 1), name=f"out_{level}", dtype=dtype)(x)
            x = keras.layers.Reshape((steps[level - 1], -1), dtype=dtype)(x)
            x = keras.layers.Add(dtype=dtype)([x, kept.pop()])
    x = Modulation(name="velocity_modulation", dtype=dtype)(x, conditioning)
    x = keras.layers.Dense(bands, kernel_initializer="zeros", name="velocity", dtype=dtype)(x)
    x = keras.layers.Activation("linear", dtype="float32")(x)
    return keras.Model(given, _straight(x, points, conditioning), name="network")


def _conditioning(times: Tensor, *classes: Tensor) -> Tensor:
    """What the blocks are conditioned on: time and class weights as [batch, EMBEDDING]."""
    x = keras.layers.Dense(EMBEDDING, name="time", dtype="float32")(Waves(dtype="float32")(times))
    for weights in classes:
        of_class = keras.layers.Dense(EMBEDDING, use_bias=False, name="class", dtype="float32")(weights)
        x = keras.layers.Add(dtype="float32")([x, of_class])
    x = keras.layers.Activation("silu", dtype="float32")(x)
    return keras.layers.Dense(EMBEDDING, activation="silu", name="conditioning", dtype="float32")(x)


def _straight(x: Tensor, points: Tensor, conditioning: Tensor) -> Tensor:
    """`x` and the points themselves, each band with a gain that depends on time and class.

    Soft noise has as many dimensions as there are bands, more than what goes through `width` channels.
    """
    gain = keras.layers.Dense(points.shape[-1], kernel_initializer="zeros", name="points_gain", dtype="float32")(
        conditioning
    )
    gain = keras.layers.Reshape((1, -1), dtype="float32")(gain)
    return keras.layers.Add(dtype="float32")([x, keras.layers.Multiply(dtype="float32")([points, gain])])


def _regrouped(x: Tensor, width: int, name: str, dtype: str | None) -> Tensor:
    """Every `STRIDE` time steps become one, of `width` channels: a convolution that is as long as its stride."""
    _, time, channels = x.shape
    x = keras.layers.Reshape((time // STRIDE, STRIDE * channels), dtype=dtype)(x)
    return keras.layers.Dense(width, name=name, dtype=dtype)(x)


def _blocks(x: Tensor, conditioning: Tensor, count: int, name: str, dtype: str | None) -> Tensor:
    """Residual blocks, which start by changing nothing, and attention where few time steps are left."""
    _, time, channels = x.shape
    for number in range(count):
        here = f"{name}_{number}"
        h = ClipNorm(dtype=dtype)(x)
        h = keras.layers.Conv1D(channels, KERNEL, padding="same", use_bias=False, name=f"{here}_first", dtype=dtype)(h)
        h = Modulation(name=f"{here}_modulation", dtype=dtype)(h, conditioning)
        h = keras.layers.ReLU(dtype=dtype)(h)
        h = keras.layers.Conv1D(
            channels, KERNEL, padding="same", kernel_initializer="zeros", name=f"{here}_second", dtype=dtype
        )(h)
        x = keras.layers.Add(dtype=dtype)([x, h])
    return Attention(HEADS, name=f"{name}_attention", dtype=dtype)(x) if time <= ATTENTION else x
