"""What the network of flow matching is made of, beside Keras' own layers."""

from typing import Any

import keras
import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor
from wavegan.models.layers import Shape

WAVES = 16  # of each kind
FREQUENCIES = np.geomspace(np.pi, 64 * np.pi, WAVES).astype("float32")


@keras.saving.register_keras_serializable("wavegan")
class Waves(keras.layers.Layer):
    """Times as waves that a network can tell them by: sines and cosines of half a turn to 32 turns.

    Call argument: `times` [batch, 1] in [0, 1]. Returns [batch, 2 · WAVES]. Source: Vaswani et al., arXiv 1706.03762,
    section 3.5.
    """

    def call(self, times: Tensor) -> Tensor:
        angles = times * FREQUENCIES
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], 2 * WAVES)


@keras.saving.register_keras_serializable("wavegan")
class ClipNorm(keras.layers.Layer):
    """Divides a clip by its root mean square, over time and channels: what is loud in it and what is soft stays so.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", arXiv 1910.07467, without a gain.

    Call argument: `x` [batch, time, channels]. Returns the same shape.
    """

    def call(self, x: Tensor) -> Tensor:
        return _normed(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@keras.saving.register_keras_serializable("wavegan")
class Attention(keras.layers.Layer):
    """Every time step looks at all others and takes from them: a residual layer that starts by changing nothing.

    Source: Vaswani et al., "Attention Is All You Need", arXiv 1706.03762, section 3.2.

    Args:
        heads: a divisor of the channels.

    Call argument: `x` [batch, time, channels]. Returns the same shape.
    """

    def __init__(self, heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        if channels % self.heads:
            raise ValueError(f"Attention of {self.heads} heads needs a multiple of channels. Received: {channels}.")
        self.into = self.add_weight(name="into", shape=(channels, 3 * channels), initializer="glorot_uniform")
        self.out = self.add_weight(name="out", shape=(channels, channels), initializer="zeros")

    def call(self, x: Tensor) -> Tensor:
        _, time, channels = x.shape
        width = channels // self.heads
        three = ops.reshape(ops.matmul(_normed(x), self.into), (-1, time, 3, self.heads, width))
        asked, keys, values = ops.unstack(ops.transpose(three, (2, 0, 3, 1, 4)), 3)  # each [batch, heads, time, width]
        shares = ops.softmax(ops.matmul(asked, ops.transpose(keys, (0, 1, 3, 2))) / np.float32(np.sqrt(width)))
        taken = ops.reshape(ops.transpose(ops.matmul(shares, values), (0, 2, 1, 3)), (-1, time, channels))
        return x + ops.matmul(taken, self.out)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def _normed(x: Tensor) -> Tensor:
    exact = ops.cast(x, "float32")  # which on a CPU is also faster
    mean = ops.mean(ops.square(exact), axis=(-2, -1), keepdims=True)
    return ops.cast(exact * ops.rsqrt(mean + 1e-6), x.dtype)
