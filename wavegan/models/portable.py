"""A generator as a list of simple operations, for programs that have no Keras: the page and the files of `export.py`.

dense        given [width] → [channels] by kernel [width, channels] and bias
modulation   x [time, channels] → x · (1 + gain) + bias, where [gain, bias] is a dense product of what was given at
             first
gain         x · exp(g), where g [1] is such a product, too
relu, tanh   of each number
upsample     x [time, channels] → [time · stride, filters], a transposed convolution with padding "same", by kernel
             [taps, channels, filters] and bias
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Operation:
    """One of these, in the order in which they follow each other.

    Attributes:
        kind: "dense", "modulation", "gain", "relu", "upsample" or "tanh".
        arrays: kernel and bias, float32, their last axis that of the output; none where there are no weights.
        stride: of "upsample".
    """

    kind: str
    arrays: tuple[np.ndarray, ...] = ()
    stride: int = 1
