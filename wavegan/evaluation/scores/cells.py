"""Scores of the shares of k-means cells: NDB and the Jensen-Shannon divergence."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, rel_entr
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from wavegan.evaluation.scores.arrays import (
    blocks,
    matrix,
    pair,
    squared_distances,
    two_counts,
)

FEWEST_IN_A_CELL = 5  # clips of the reference, on average


def kmeans_cells(embeddings: np.ndarray, cells: int = 50, seed: int = 0) -> np.ndarray:
    """The centres, float64 [k, d], of k-means cells of a reference, `embeddings` [n, d].

    k is `cells`, or n // 5 where that is less, and 1 at least: a test of shares wants some clips in every cell. The
    same rows in the same order and the same seed give the same centres.
    """
    embeddings = matrix("embeddings", embeddings)
    if cells < 1:
        raise ValueError(f"Expected 1 or more cells. Received: {cells}.")
    k = max(1, min(cells, len(embeddings) // FEWEST_IN_A_CELL))
    with threadpool_limits(1, user_api="openmp"):  # several threads add up in any order
        return KMeans(k, n_init=1, random_state=seed).fit(embeddings.astype("float64")).cluster_centers_


def cell_counts(centres: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """How many rows of `embeddings` [n, d] are nearest to each of the `centres` [k, d]: int [k]."""
    centres, embeddings = pair("centres", centres, "embeddings", embeddings)
    cells = [squared_distances(embeddings[rows], centres).argmin(axis=1) for rows in blocks(embeddings)]
    return np.bincount(np.concatenate(cells), minlength=len(centres))


def different_bins(reference_counts: ArrayLike, counts: ArrayLike, level: float = 0.05) -> float:
    """NDB/K, the share of cells whose shares of the clips differ: Richardson and Weiss, arXiv 1805.12462.

    By a two-proportion z-test with a pooled standard error in each cell. A share of `level` differs by chance. A cell
    that is empty on both sides does not differ.

    Args:
        reference_counts, counts: clips in each cell, [k], not all 0.
        level: of significance, above 0 and below 1.

    >>> different_bins([50, 50, 0], [52, 24, 24])
    0.6666666666666666
    """
    reference, compared = two_counts(reference_counts, counts)
    if not 0 < level < 1:
        raise ValueError(f"Expected a level above 0 and below 1. Received: {level}.")
    n, m = reference.sum(), compared.sum()
    pooled = (reference + compared) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(np.mean(np.abs(reference / n - compared / m) > ndtri(1 - level / 2) * error))


def jensen_shannon_divergence(reference_counts: ArrayLike, counts: ArrayLike) -> float:
    """Between the shares of the clips in each cell, in nats: 0 (equal) to ln 2 (no cell in common).

    Both arguments are clips in each cell, [k], not all 0.

    >>> jensen_shannon_divergence([1, 1], [5, 5])
    0.0
    """
    p, q = (count / count.sum() for count in two_counts(reference_counts, counts))
    middle = (p + q) / 2
    return float((rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2)
