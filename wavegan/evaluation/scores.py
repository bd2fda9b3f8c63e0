"""The scores by which generated sounds are judged: pure functions of NumPy arrays.

A classifier's probabilities [n, classes] and its embeddings [n, d] go in. All but the search of `nearest` is computed
in float64. Every function raises ValueError where an array has the wrong shape, too few rows or values that are not
finite. Only `kmeans_cells` draws random numbers. Those by nearest neighbours have a file of their own.
"""

import numpy as np
from scipy.special import entr, ndtri, rel_entr
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from wavegan.evaluation.arrays import (
    blocks,
    distributions,
    matrix,
    pair,
    same_width,
    square_norms,
    squared_distances,
    two_counts,
)
from wavegan.evaluation.neighbours import nearest, precision_recall, radii

__all__ = [
    "inception_score", "modified_inception_score", "am_score", "class_histogram",
    "frechet_distance", "kernel_distance",
    "kmeans_cells", "cell_counts", "different_bins", "jensen_shannon_divergence",
    "radii", "precision_recall", "nearest",
]  # fmt: skip

FEWEST_IN_A_SPLIT = 10  # clips
FEWEST_IN_A_CELL = 5  # clips of the reference, on average
LEAST_PROBABILITY = 1e-7  # about what float32 loses beside 1; keeps logarithms finite


def inception_score(probabilities, splits=10):
    """Mean and standard deviation over splits of exp(E KL(p(y|x) ‖ p(y))): Salimans et al., arXiv 1606.03498.

    From 1 (all clips look alike) to the number of classes (every clip is clear, and the classes come equally often).
    It grows a little with the clips in a split, so that only scores of equally many compare.

    Args:
        probabilities: [n, classes].
        splits: at most; fewer where one would have less than 10 clips, and 1 at least. Clips are dealt out like cards,
            so that every split has its share of clips that are sorted by class.
    """
    p = distributions("probabilities", probabilities)
    if splits < 1:
        raise ValueError(f"Expected 1 or more splits. Received: {splits}.")
    splits = max(1, min(splits, len(p) // FEWEST_IN_A_SPLIT))
    parts = [p[first::splits] for first in range(splits)]
    scores = [np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean()) for part in parts]
    return float(np.mean(scores)), float(np.std(scores))


def modified_inception_score(probabilities):
    """exp(E E' KL(p(y|x) ‖ p(y|x'))) over all pairs of clips: Gurumurthy et al., arXiv 1706.02071.

    1 where all clips look alike. Probabilities [n, classes] below 1e-7 count as 1e-7, since a single 0 would make the
    score infinite; it is 1e7 at most.
    """
    p = np.maximum(distributions("probabilities", probabilities), LEAST_PROBABILITY)
    p /= p.sum(axis=1, keepdims=True)
    same = (p * np.log(p)).sum(axis=1).mean()
    crossed = p.mean(axis=0) @ np.log(p).mean(axis=0)  # the mean over all pairs of Σ p(y|x) log p(y|x')
    return float(np.exp(same - crossed))


def am_score(probabilities, training_probabilities):
    """KL(mean training prediction ‖ mean prediction) + mean entropy of the predictions: Zhou et al., arXiv 1703.02000.

    In nats; 0 is best: every clip is clear, and the classes come as often as in training. Both arguments are
    [n, classes]. A mean prediction below 1e-7 counts as 1e-7: a class that never comes costs much, but not everything.
    """
    p = distributions("probabilities", probabilities)
    training = distributions("training_probabilities", training_probabilities)
    same_width("training_probabilities", training, p)
    mean = np.maximum(p.mean(axis=0), LEAST_PROBABILITY)
    return float(rel_entr(training.mean(axis=0), mean).sum() + entr(p).sum(axis=1).mean())


def class_histogram(probabilities):
    """How many clips of `probabilities` [n, classes] are most likely of each class: int [classes]."""
    p = distributions("probabilities", probabilities)
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1])


def frechet_distance(a, b):
    """The squared Fréchet distance between Gaussians with the moments of `a` [n, d] and `b` [m, d], at least 0.

    ‖μa - μb‖² + tr(Ca + Cb - 2 √(Ca Cb)): Heusel et al., arXiv 1706.08500. n and m are 2 at least, and may be
    less than d. It falls with n and m, so that only distances of equally many clips compare.
    """
    a, b = pair("a", a, "b", b, rows=2)
    (a_mean, a_factor), (b_mean, b_factor) = _moments(a), _moments(b)
    traces = np.square(a_factor).sum() + np.square(b_factor).sum()
    root = np.linalg.svd(a_factor @ b_factor.T, compute_uv=False).sum()  # the trace of √(RaᵀRa RbᵀRb), never complex
    return float(max(0.0, np.square(a_mean - b_mean).sum() + traces - 2 * root))


def _moments(x):
    """The mean [d] of `x` [n, d], and R [min(n, d), d] with RᵀR the unbiased covariance."""
    mean = x.mean(axis=0, dtype="float64")
    return mean, np.linalg.qr(x - mean, mode="r") / np.sqrt(len(x) - 1)


def kernel_distance(a, b):
    """The unbiased squared MMD of `a` [n, d] and `b` [m, d] with the kernel (x·y / d + 1)³.

    Its expectation does not depend on n and m, which are 2 at least, and is 0 for sets of one distribution: a value may
    lie below 0. Bińkowski et al., arXiv 1801.01401.
    """
    a, b = pair("a", a, "b", b, rows=2)
    within = [(_kernel_sum(x, x) - _kernel(square_norms(x), x).sum()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float(sum(within) - 2 * _kernel_sum(a, b) / (len(a) * len(b)))


def _kernel(products, x):
    """Of pairs of rows like those of `x` [n, d], from their scalar products."""
    base = products / x.shape[1] + 1
    return base * base * base


def _kernel_sum(a, b):
    """Of the kernel, over all pairs of a row of `a` and a row of `b`."""
    pairs = ((a[rows].astype("float64"), b[others].astype("float64")) for rows in blocks(a) for others in blocks(b))
    return sum(_kernel(these @ those.T, a).sum() for these, those in pairs)


def kmeans_cells(embeddings, cells=50, seed=0):
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


def cell_counts(centres, embeddings):
    """How many rows of `embeddings` [n, d] are nearest to each of the `centres` [k, d]: int [k]."""
    centres, embeddings = pair("centres", centres, "embeddings", embeddings)
    cells = [squared_distances(embeddings[rows], centres).argmin(axis=1) for rows in blocks(embeddings)]
    return np.bincount(np.concatenate(cells), minlength=len(centres))


def different_bins(reference_counts, counts, level=0.05):
    """NDB/K, the share of cells whose shares of the clips differ: Richardson and Weiss, arXiv 1805.12462.

    By a two-proportion z-test with a pooled standard error in each cell. A share of `level` differs by chance. A cell
    that is empty on both sides does not differ.

    Args:
        reference_counts, counts: clips in each cell, [k], not all 0.
        level: of significance, above 0 and below 1.
    """
    reference, counts = two_counts(reference_counts, counts)
    if not 0 < level < 1:
        raise ValueError(f"Expected a level above 0 and below 1. Received: {level}.")
    n, m = reference.sum(), counts.sum()
    pooled = (reference + counts) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(np.mean(np.abs(reference / n - counts / m) > ndtri(1 - level / 2) * error))


def jensen_shannon_divergence(reference_counts, counts):
    """Between the shares of the clips in each cell, in nats: 0 (equal) to ln 2 (no cell in common).

    Both arguments are clips in each cell, [k], not all 0.
    """
    p, q = (count / count.sum() for count in two_counts(reference_counts, counts))
    middle = (p + q) / 2
    return float((rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2)
