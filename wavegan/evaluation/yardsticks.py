"""All scores of a set of clips against the training clips, on as many clips of every set."""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from wavegan.evaluation import scores
from wavegan.evaluation.judge.recordings import Real
from wavegan.evaluation.scores.catalogue import FRECHET, SCORES

MOST_REFERENCES = 10_000  # training clips that others are compared with
FEWEST_HELD_OUT = 50  # clips; with fewer, scores of them say nothing
IN_A_CELL = 10  # clips in a cell of NDB and JSD, on average
SPLIT = 100  # clips in a split of the Inception Score, or more


class Value(TypedDict):
    """A score of a set of clips: its mean over parts of the set, and the standard deviation, None of one part."""

    mean: float
    spread: float | None


class Yardstick:
    """Scores embeddings against those of the training clips, in units of how much the latter spread.

    Args:
        train: the `Real` training clips, as the embedding knows them.
        left_out: indices of those that do not belong to the reference, because they are scored themselves.
        at_once: clips that are scored at a time, 6 and more.
        seed: of the cells.
    """

    def __init__(self, train: Real, left_out: Sequence[int] | np.ndarray, at_once: int, seed: int = 0) -> None:
        self.at_once = at_once
        self.middle = train.embeddings.mean(axis=0)
        self.unit = np.sqrt(train.embeddings.var(axis=0).mean()) + 1e-12
        others = np.setdiff1d(np.arange(len(train.embeddings)), left_out)
        chosen = np.random.default_rng(seed).permutation(others)[:MOST_REFERENCES]
        self.embeddings = self.standard(train.embeddings[chosen])
        self.probabilities = None if train.probabilities is None else train.probabilities[chosen]
        self.real = self.embeddings[:at_once]  # coverage asks for sets of one size
        self.radii = scores.radii(self.real)
        self.centres = scores.kmeans_cells(self.embeddings, cells_of(at_once), seed)
        self.counts = scores.cell_counts(self.centres, self.embeddings)

    def standard(self, embeddings: np.ndarray) -> np.ndarray:
        """`embeddings` [n, width] less the mean of the training clips', in units of their spread."""
        return (embeddings - self.middle) / self.unit

    def __call__(self, embeddings: np.ndarray, probabilities: np.ndarray | None) -> dict[str, Value]:
        """{key: {"mean", "spread"}} of the clips with these embeddings [n, width] and probabilities [n, classes].

        They are scored `at_once` at a time, as often as there are so many; the spread is the standard deviation
        over these parts, None where there is one only. That of the Inception Score is over its splits.
        """
        at_once, embeddings = self.at_once, self.standard(embeddings)
        parts = [slice(first, first + at_once) for first in range(0, len(embeddings) - at_once + 1, at_once)]
        found = [self._scores(embeddings[p], None if probabilities is None else probabilities[p]) for p in parts]
        result = {key: summary([each[key] for each in found]) for key in found[0]}
        if probabilities is not None:
            splits = [scores.inception_score(probabilities[p], splits_of(at_once)) for p in parts]
            means, spreads = np.array(splits).T
            # The variance over all splits: that within the parts and that between them.
            spread = math.sqrt(np.mean(spreads**2) + np.var(means))
            alone = len(parts) * splits_of(at_once) == 1
            result["inception_score"] = {"mean": float(means.mean()), "spread": None if alone else spread}
        return {score.key: result[score.key] for score in SCORES if score.key in result}

    def _scores(self, embeddings: np.ndarray, probabilities: np.ndarray | None) -> dict[str, float]:
        counts = scores.cell_counts(self.centres, embeddings)
        found = {
            FRECHET: scores.frechet_distance(embeddings, self.embeddings),
            "kernel_distance": scores.kernel_distance(embeddings, self.embeddings),
            "ndb": scores.different_bins(self.counts, counts),
            "jsd": scores.jensen_shannon_divergence(self.counts, counts),
            **scores.precision_recall(self.real, embeddings, real_radii=self.radii),
        }
        if probabilities is not None and self.probabilities is not None:
            found["modified_inception_score"] = scores.modified_inception_score(probabilities)
            found["am_score"] = scores.am_score(probabilities, self.probabilities)
        return found


def cells_of(clips: int) -> int:
    """Into how many cells so many clips go: 50, but none of fewer than ten on average, or no test finds anything."""
    return max(2, min(50, clips // IN_A_CELL))


def splits_of(clips: int) -> int:
    """Into how many splits so many clips go: ten as in the paper, but none of fewer than 100."""
    return max(1, min(10, clips // SPLIT))


def summary(values: Sequence[float]) -> Value:
    """Mean and, where there are several, standard deviation of `values`."""
    return {"mean": float(np.mean(values)), "spread": float(np.std(values)) if len(values) > 1 else None}
