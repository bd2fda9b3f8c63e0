"""What networks of several families are made of, and the precision that they compute in."""

from typing import Any, TypeAlias

import keras
from keras import ops

from wavegan.backend.autodiff import Tensor

Shape: TypeAlias = tuple[Any, ...]  # of whole numbers; None: a batch of any size


def dtype_policy(precision: str) -> str:
    """Keras' name of a precision: weights, losses and optimizers stay float32 in both."""
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


@keras.saving.register_keras_serializable("wavegan")
class Modulation(keras.layers.Layer):
    """Gives every channel of a feature map a gain and a bias that depend on latent and class.

    x · (1 + gain) + bias, both a linear function of what is given, which starts at zero: then nothing is changed.
    Source: Perez et al., "FiLM", arXiv 1709.07871, section 2.

    Call arguments: `x` [batch, time, channels], `given` [batch, width]. Returns the shape of `x`.
    """

    def build(self, x_shape: Shape, given_shape: Shape) -> None:
        width, channels = given_shape[-1], x_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(width, 2 * channels), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(2 * channels,), initializer="zeros")

    def call(self, x: Tensor, given: Tensor) -> Tensor:
        both = ops.expand_dims(ops.matmul(given, self.kernel) + self.bias, 1)
        gain, bias = ops.split(both, 2, axis=-1)
        return x * (1 + gain) + bias

    def compute_output_shape(self, x_shape: Shape, given_shape: Shape) -> Shape:
        return x_shape
