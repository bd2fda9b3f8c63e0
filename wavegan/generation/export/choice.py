"""Which of many sounds go into a kit: those that a classifier is sure of, and of these, ones that differ."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wavegan.audio.mel import LogMel

QUIETEST = 0.01  # peak of a sound that can be heard


@dataclass(frozen=True)
class Judge:
    """Who tells classes apart.

    Attributes:
        classes: their names.
        probabilities: audio [n, time, channels] → of each class, [n, classes].
    """

    classes: tuple[str, ...]
    probabilities: Callable[[np.ndarray], np.ndarray]


def differing(audio: np.ndarray, n: int, front: LogMel) -> list[int]:
    """Indices of `n` sounds, or of all where there are fewer: the first one, and then ever the most different one.

    Args:
        audio: [m, time, channels], the preferred ones first. What cannot be heard is taken where there is nothing else.
        n: 1 or more.
        front: what sounds are compared by.

    How different a sound is, is its smallest distance from those chosen before (T. F. Gonzalez, "Clustering to minimize
    the maximum intercluster distance", 1985).
    """
    audible = np.flatnonzero(np.abs(audio).max(axis=(1, 2)) >= QUIETEST)
    order = audible if len(audible) >= n else np.arange(len(audio))
    features = front(audio[order]).reshape(len(order), -1)
    chosen, nearest = [0], np.linalg.norm(features - features[0], axis=1)
    while len(chosen) < min(n, len(order)):
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return [int(order[each]) for each in chosen]
