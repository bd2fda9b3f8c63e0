"""Rectified flow: the way from recordings to noise, what a network learns of it, and the way back. Pure functions.

The spectrogram x of a clip and noise ε of the same shape are joined by a straight line, x_t = (1 - t) x +
t ε. The network learns the velocity ε - x at its points, on average over all lines through them, and sounds are made by
following it from noise at t = 1 back to t = 0. Source: Liu, Gong and Liu, "Flow Straight and Fast", arXiv 2209.03003,
section 2.1; Lipman et al., "Flow Matching for Generative Modeling", arXiv 2210.02747.
"""

from collections.abc import Callable

import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor

NEAREST = 0.05  # the least t that is learned: from there one step leads to the recording
Velocity = Callable[[Tensor, Tensor], Tensor]  # of points [n, frames, bands] at t, a scalar


def noised(clips: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """The points x_t [batch, frames, bands] of the lines from `clips` to `noise` at `times` [batch], in [0, 1]."""
    t = ops.reshape(times, (-1, 1, 1))
    return (1.0 - t) * clips + t * noise


def velocity(clips: Tensor, noise: Tensor) -> Tensor:
    """That of all points of the lines, [batch, frames, bands]."""
    return noise - clips


def spread_times(count: int | Tensor, offset: Tensor) -> Tensor:
    """`count` times t [count] in [NEAREST, 1), whose logits are normal.

    One lies in each of as many equally likely stretches, so that each batch has times of all kinds. Source of the
    distribution: Esser et al., "Scaling Rectified Flow Transformers", arXiv 2403.03206, section 3.1, with m = 0, s = 1.

    Args:
        count: how many.
        offset: [count], uniform in [0, 1): where in its stretch each lies.
    """
    shares = (ops.arange(count, dtype="float32") + offset) / ops.cast(count, "float32")
    shares = ops.clip(shares, 1e-6, 1.0 - 1e-6)
    return ops.maximum(ops.sigmoid(np.sqrt(2.0) * ops.erfinv(2.0 * shares - 1.0)), NEAREST)


def predicted(network: Callable[[list[Tensor]], Tensor], points: Tensor, times: Tensor, *classes: Tensor) -> Tensor:
    """The velocity [batch, frames, bands] that `network` tells of at `points`.

    Args:
        network: [points, times [batch, 1], class weights [batch, classes] where there are some] → [batch,
            frames, bands].
        points: [batch, frames, bands].
        times: [batch]; before `NEAREST` the velocity is that there.
        classes: their weights, at most one tensor.
    """
    return network([points, ops.expand_dims(ops.maximum(times, NEAREST), 1), *classes])


def schedule(steps: int, start: float = 1.0) -> np.ndarray:
    """Times from `start` down to 0, float32 [steps + 1]: evenly, but the last step is not shorter than `NEAREST`."""
    last = max(start / steps, min(NEAREST, start))
    return np.append(np.linspace(start, last, steps), 0.0).astype("float32")


def followed(field: Velocity, points: Tensor, times: Tensor, steps: int, heun: bool = False) -> Tensor:
    """Where `points` [n, frames, bands] come to at the last of `times` when they follow the velocity `field`.

    Args:
        field: of points, and a scalar t.
        points: at the first of the times.
        times: [steps + 1], falling or rising.
        steps: how many.
        heun: whether each step is Heun's, of two evaluations, or Euler's, of one. The last one is Euler's, for the
            velocity at its end is not learned (arXiv 2206.00364, algorithm 1).
    """

    def euler(step: Tensor, x: Tensor) -> Tensor:
        t, after = ops.take(times, step), ops.take(times, step + 1)
        return x + (after - t) * field(x, t)

    def heuns(step: Tensor, x: Tensor) -> Tensor:
        t, after = ops.take(times, step), ops.take(times, step + 1)
        here = field(x, t)
        there = field(x + (after - t) * here, after)
        return x + (after - t) * (here + there) / 2.0

    if not heun:
        return ops.fori_loop(0, steps, euler, points)
    return euler(steps - 1, ops.fori_loop(0, steps - 1, heuns, points))
