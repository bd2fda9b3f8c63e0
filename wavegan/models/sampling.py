"""From latents to audio in batches of one size: what generating, previews and everything that judges sounds share."""

from collections.abc import Callable

import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor

SAMPLES_AT_ONCE = 2**20  # of all clips computed at once, where nothing else is asked for


def batched(forward: Callable[..., Tensor], length: int, batch_size: int | None = None) -> Callable[..., np.ndarray]:
    """A function: arrays such as latents, each [n, ...], n at least 1 → audio float32 [n, time, channels].

    A latent's audio is the same to the last bit whatever others are computed with it, and how many, as long as the
    batch size is the same: how a matrix product is summed up depends on its shape alone.

    Args:
        forward: a compiled function that makes audio [batch, time, channels] of as many arrays [batch, ...].
        length: of a clip, samples.
        batch_size: clips computed at once; the last batch is filled up with zeros. Memory grows with it. When None,
            what makes about a million samples.
    """
    size = batch_size or max(1, SAMPLES_AT_ONCE // length)

    def sampled(*given: np.ndarray) -> np.ndarray:
        n = len(given[0])
        padded = [np.concatenate([each, np.zeros((-n % size, *each.shape[1:]), "float32")]) for each in given]
        audio, underway = [], None
        for first in range(0, n, size):
            # A GPU computes this one while the one before is copied.
            ahead = forward(*(each[first : first + size] for each in padded))
            if underway is not None:
                audio.append(ops.convert_to_numpy(underway))
            underway = ahead
        return np.concatenate([*audio, ops.convert_to_numpy(underway)])[:n]

    return sampled


def check_classes(classes: np.ndarray | None, n: int, count: int) -> None:
    """Raises ValueError where `classes` are not the weights [n, count] of `count` classes, or None for no classes."""
    if classes is not None and not count:
        raise ValueError("Expected no classes: this model is unconditional.")
    received = None if classes is None else classes.shape
    if count and received != (n, count):
        raise ValueError(f"Expected class weights of shape [{n}, {count}]. Received: {received}.")
