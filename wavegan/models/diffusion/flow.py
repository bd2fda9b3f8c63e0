"""Rectified flow: the way from recordings to noise, what a network learns of it, and the way back. Pure functions.

The spectrogram x of a clip and noise ε of the same shape are joined by a straight line, x_t = (1 - t) x +
t ε. The network learns the velocity ε - x at its points, on average over all lines through them, and sounds are made by
following it from noise at t = 1 back to t = 0. Source: Liu, Gong and Liu, "Flow Straight and Fast", arXiv 2209.03003,
section 2.1; Lipman et al., "Flow Matching for Generative Modeling", arXiv 2210.02747.

The values of a spectrogram say nearly the same many times over, so that what is said is heard through noise much louder
than each of them. Therefore they have a deviation of `DEVIATION`, where noise has 1, and noise of all the loudnesses
that matter lies between t = 0 and t = 1 (Chen, "On the Importance of Noise Scheduling for Diffusion Models", arXiv
2301.10972, section 2.2). What the network itself is given, and what it is to tell, has a deviation of 1 at every t:
of the velocity, what does not follow from the point alone (Karras et al., arXiv 2206.00364, section 5).
"""

from collections.abc import Callable

import numpy as np
from keras import ops

from wavegan.backend.autodiff import Tensor

DEVIATION = 1 / 12  # of spectrograms
NEAREST = 0.02  # the least t that is learned
LOGITS = 1.5  # their deviation, of the times that are learned
LAST = 0.2  # where the last step begins at most
FINER = 1.6  # over one more than the evaluations: where it begins when there are many
FARTHEST = 0.91  # where the second step begins at most
OPEN = 0.5  # share of the variance that is left open by the last step at most
NEARER = 7  # the power by which steps get shorter where noise is soft
Velocity = Callable[[Tensor, Tensor], Tensor]  # of points [n, frames, bands] at t, a scalar
Network = Callable[[list[Tensor]], Tensor]


def noised(clips: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """The points x_t [batch, frames, bands] of the lines from `clips` to `noise` at `times` [batch], in [0, 1]."""
    t = ops.reshape(times, (-1, 1, 1))
    return (1.0 - t) * clips + t * noise


def velocity(clips: Tensor, noise: Tensor) -> Tensor:
    """That of all points of the lines, [batch, frames, bands]."""
    return noise - clips


def stratified_times(count: int | Tensor, offset: Tensor) -> Tensor:
    """`count` times t [count] in [NEAREST, 1), whose logits are normal.

    One lies in each of as many equally likely stretches, so that each batch has times of all kinds. Source of the
    distribution: Esser et al., "Scaling Rectified Flow Transformers", arXiv 2403.03206, section 3.1, with m = 0 and
    s = LOGITS.

    Args:
        count: how many.
        offset: [count], uniform in [0, 1): where in its stretch each lies.
    """
    shares = (ops.arange(count, dtype="float32") + offset) / ops.cast(count, "float32")
    shares = ops.clip(shares, 1e-6, 1.0 - 1e-6)
    return ops.maximum(ops.sigmoid(LOGITS * np.sqrt(2.0) * ops.erfinv(2.0 * shares - 1.0)), NEAREST)


def loudness(times: Tensor) -> Tensor:
    """The deviation of points at `times`, of the shape of these."""
    return ops.sqrt(ops.square(times) + ops.square(DEVIATION * (1.0 - times)))


def _expected(times: Tensor) -> Tensor:
    """The multiple of a point at `times` that is nearest to its velocity, for clips that are as noise."""
    return (times - (1.0 - times) * DEVIATION**2) / ops.square(loudness(times))


def target(clips: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """What the network is to tell [batch, frames, bands] on the lines from `clips` to `noise` at `times` [batch].

    That is what is left of the velocity when `_expected` of the point is taken away, brought to a deviation of 1.
    """
    t = ops.reshape(times, (-1, 1, 1))
    return ((1.0 - t) * DEVIATION * noise - t / DEVIATION * clips) / loudness(t)


def output(network: Network, points: Tensor, times: Tensor, *classes: Tensor) -> Tensor:
    """What `network` tells [batch, frames, bands] of `points`.

    Args:
        network: [points of deviation 1, times [batch, 1], class weights [batch, classes] where there are some] →
            [batch, frames, bands].
        points: [batch, frames, bands].
        times: [batch].
        classes: their weights, at most one tensor.
    """
    return network([points / loudness(ops.reshape(times, (-1, 1, 1))), ops.expand_dims(times, 1), *classes])


def predicted(network: Network, points: Tensor, times: Tensor, *classes: Tensor) -> Tensor:
    """The velocity [batch, frames, bands] at `points`, by what `network` says; arguments as those of `output`.

    Before `NEAREST` it is that there.
    """
    times = ops.maximum(times, NEAREST)
    t = ops.reshape(times, (-1, 1, 1))
    return _expected(t) * points + output(network, points, times, *classes) * DEVIATION / loudness(t)


def last_from(evaluations: int) -> float:
    """Where the last step begins, `LAST` down to `NEAREST`, of so many evaluations on the way: nearer for more."""
    return max(NEAREST, min(LAST, FINER / (evaluations + 1)))


def spread(loss: Tensor, time: float) -> Tensor:
    """What spectrograms are multiplied by, at least 1, when the last step to them began at `time`.

    It leads to the mean of all that its point can be of, and means vary less than what they are of: by the share of the
    variance that the point leaves open, see `target`.

    Args:
        loss: the mean square by which the network misses its target there.
        time: in [0, 1].
    """
    of_noise = np.float32(time) / loudness(np.float32(time))
    left_open = loss * ops.square(of_noise)
    return ops.rsqrt(1.0 - ops.minimum(left_open, OPEN))


def schedule(steps: int, start: float, last: float) -> np.ndarray:
    """Times from `start` down to 0, float32 [steps + 1], the last step from `last` on.

    Those before are dense where noise is soft: evenly by a root of what noise is to the clip. Source: Karras et al.,
    arXiv 2206.00364, equation 5, with ρ = NEARER.

    Args:
        steps: 1 or more; the one of a single step leads from `start` to 0.
        start: 0 to 1. From one that is no more than `last`, a single step leads on; the others stay there.
        last: 0 to 1.
    """
    ends = np.minimum([start, min(start, last)], FARTHEST)
    first, end = (ends / (1.0 - ends)) ** (1 / NEARER)
    ratios = np.linspace(first, end, steps) ** NEARER
    return np.array([start, *(ratios / (1.0 + ratios))[1:], 0.0], "float32")


def integrated(field: Velocity, points: Tensor, times: Tensor, steps: int, heun: bool = False) -> Tensor:
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
