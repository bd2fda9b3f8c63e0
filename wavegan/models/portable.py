"""A network as a list of simple operations, for programs that have no Keras: the page and the files of `export.py`.

Each takes x, what the one before it made, and changes it. The first one takes the network's first input, and `given`
stands for all other inputs side by side; where no input is as long as a clip, both are all inputs side by side.

dense        x [width] → [channels] by kernel [width, channels] and bias
unit         x [time, channels] at time t → x / √(t² + r²), where r is (1 - t) · deviation; what a point is
             expected to move by, x · (t - r · deviation) / (t² + r²), is kept, too. t, of `given`, is at least `least`.
             Arrays: least [1], deviation [1]
velocity     x → x · deviation / √(t² + r²) of that, plus what was kept last, which is kept no longer. Array: deviation
conditioning changes `given`, [time, class weights], and not x: the time, at least `least` [1], becomes the sines and
             cosines of its products with `frequencies` [waves]; two dense products of that and the class weights
             follow, with SiLU after each. Arrays: least, frequencies, kernel, bias, kernel, bias
modulation   x [time, channels] → x · (1 + gain) + bias, where [gain, bias] is a dense product of `given`
straight     x [time, channels] → x + k · gain, where k was kept last, and is no longer, and gain is such a product
gain         x · exp(g), where g [1] is such a product, too
relu, tanh   of each number
conv         x [time, channels] → [time / stride, filters], a convolution with padding "same", by kernel [taps,
             channels, filters] and bias, if any
upsample     x [time, channels] → [time · stride, filters], a transposed convolution with padding "same", by kernel
             [taps, channels, filters] and bias
unfold       x [time, channels] → [time · stride, filters]: a dense product of each time step, by kernel [channels,
             stride · filters] and bias, becomes `stride` of them
norm         x [time, channels] → x / √(mean of x² + 1e-6), the mean over both
attention    x + a · out, where a [time, channels] is what `heads` heads of attention make of the queries, keys and
             values norm(x) · into. Arrays: into [channels, 3 · channels], out [channels, channels]
keep         x is kept, too
add          x + what was kept last, which is kept no longer
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """One of these, in the order in which they follow each other.

    Attributes:
        kind: its name.
        arrays: kernel and bias, or as above, float32, their last axis that of the output; none where there are no
            weights.
        stride: of "conv", "upsample" and "unfold".
        heads: of "attention".
    """

    kind: str
    arrays: tuple[np.ndarray, ...] = ()
    stride: int = 1
    heads: int = 1


@dataclass(frozen=True)
class Example:
    """What the operations of a model are given, what the trainer makes of it in float32, and what its user must know.

    Attributes:
        given: {input: values [n, …]}, in the order of the inputs.
        output: its name.
        made: values [n, time, channels].
        facts: {name: text or what JSON holds}.
    """

    given: dict[str, np.ndarray]
    output: str
    made: np.ndarray
    facts: dict[str, Any]
