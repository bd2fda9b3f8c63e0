"""What steps of several families have in common: the average of the weights, and a beginning with those of others."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor

STEPS_BEFORE = "steps_before/000/steps"  # in a state: those of the models that its weights come from


def average(
    averages: Sequence[keras.Variable], weights: Sequence[keras.Variable], momentum: float, steps: Tensor
) -> None:
    """Moves exponential averages towards the weights that they are of.

    Args:
        averages, weights: in the same order.
        momentum: of the averages. Its early values are smaller, so that they keep up: min(momentum, (1 + steps) / (10 +
            steps)), by which they look back on about a tenth of the training.
        steps: how many were made, this one among them.
    """
    steps = ops.cast(steps, "float32")
    share = 1.0 - ops.minimum(momentum, (1.0 + steps) / (10.0 + steps))
    for mean, weight in zip(averages, weights, strict=True):
        mean.assign(mean + share * (weight - mean))


def copy_of(network: keras.Model) -> keras.Model:
    """A network with the same weights, which no optimizer changes and which computes in float32.

    It makes the sounds, and those of bfloat16 have a hiss that the weights do not have.
    """
    copy = keras.models.clone_model(network)
    for layer in copy.layers:
        layer.dtype_policy = "float32"
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def fitted(mine: np.ndarray, theirs: np.ndarray, shared: int) -> np.ndarray:
    """`theirs`, where it is of the same shape.

    Otherwise its first `shared` rows, and for each of my classes the mean of the rest, which are those of other ones.
    """
    if mine.shape == theirs.shape or mine.shape[1:] != theirs.shape[1:]:
        return theirs
    rest = theirs[shared:].mean(axis=0, keepdims=True)
    return np.concatenate([theirs[:shared], np.repeat(rest, len(mine) - shared, axis=0)])
