"""Scores of a classifier's probabilities: pure functions of arrays [n, classes]."""

import numpy as np
from scipy.special import entr, rel_entr

from wavegan.evaluation.scores.arrays import (
    distributions,
    same_width,
)

FEWEST_IN_A_SPLIT = 10  # clips
LEAST_PROBABILITY = 1e-7  # about what float32 loses beside 1; keeps logarithms finite


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation over splits of exp(E KL(p(y|x) ‖ p(y))): Salimans et al., arXiv 1606.03498.

    From 1 (all clips look alike) to the number of classes (every clip is clear, and the classes come equally often).
    It grows a little with the clips in a split, so that only scores of equally many compare.

    Args:
        probabilities: [n, classes].
        splits: at most; fewer where one would have less than 10 clips, and 1 at least. Clips are dealt out like cards,
            so that every split has its share of clips that are sorted by class.

    >>> mean, deviation = inception_score(np.eye(4), splits=1)  # four clips, each clearly of another class
    >>> round(mean, 6), deviation
    (4.0, 0.0)
    """
    p = distributions("probabilities", probabilities)
    if splits < 1:
        raise ValueError(f"Expected 1 or more splits. Received: {splits}.")
    splits = max(1, min(splits, len(p) // FEWEST_IN_A_SPLIT))
    parts = [p[first::splits] for first in range(splits)]
    scores = [np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean()) for part in parts]
    return float(np.mean(scores)), float(np.std(scores))


def modified_inception_score(probabilities: np.ndarray) -> float:
    """exp(E E' KL(p(y|x) ‖ p(y|x'))) over all pairs of clips: Gurumurthy et al., arXiv 1706.02071.

    1 where all clips look alike. Probabilities [n, classes] below 1e-7 count as 1e-7, since a single 0 would make the
    score infinite; it is 1e7 at most.
    """
    p = np.maximum(distributions("probabilities", probabilities), LEAST_PROBABILITY)
    p /= p.sum(axis=1, keepdims=True)
    same = (p * np.log(p)).sum(axis=1).mean()
    crossed = p.mean(axis=0) @ np.log(p).mean(axis=0)  # the mean over all pairs of Σ p(y|x) log p(y|x')
    return float(np.exp(same - crossed))


def am_score(probabilities: np.ndarray, training_probabilities: np.ndarray) -> float:
    """KL(mean training prediction ‖ mean prediction) + mean entropy of the predictions: Zhou et al., arXiv 1703.02000.

    In nats; 0 is best: every clip is clear, and the classes come as often as in training. Both arguments are
    [n, classes]. A mean prediction below 1e-7 counts as 1e-7: a class that never comes costs much, but not everything.
    """
    p = distributions("probabilities", probabilities)
    training = distributions("training_probabilities", training_probabilities)
    same_width("training_probabilities", training, p)
    mean = np.maximum(p.mean(axis=0), LEAST_PROBABILITY)
    return float(rel_entr(training.mean(axis=0), mean).sum() + entr(p).sum(axis=1).mean())


def class_histogram(probabilities: np.ndarray) -> np.ndarray:
    """How many clips of `probabilities` [n, classes] are most likely of each class: int [classes]."""
    p = distributions("probabilities", probabilities)
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1])
