"""Distances between the distributions of two sets of embeddings [n, d]: Fréchet and kernel distance."""

import numpy as np

from wavegan.evaluation.scores.arrays import (
    blocks,
    pair,
    square_norms,
)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The squared Fréchet distance between Gaussians with the moments of `a` [n, d] and `b` [m, d], at least 0.

    ‖μa - μb‖² + tr(Ca + Cb - 2 √(Ca Cb)): Heusel et al., arXiv 1706.08500. n and m are 2 at least, and may be
    less than d. It falls with n and m, so that only distances of equally many clips compare.

    >>> points = np.random.default_rng(0).normal(size=(100, 3))
    >>> round(frechet_distance(points, points + [2, 0, 0]), 6)
    4.0
    """
    a, b = pair("a", a, "b", b, rows=2)
    (a_mean, a_factor), (b_mean, b_factor) = _moments(a), _moments(b)
    traces = np.square(a_factor).sum() + np.square(b_factor).sum()
    root = np.linalg.svd(a_factor @ b_factor.T, compute_uv=False).sum()  # the trace of √(RaᵀRa RbᵀRb), never complex
    return float(max(0.0, np.square(a_mean - b_mean).sum() + traces - 2 * root))


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [d] of `x` [n, d], and R [min(n, d), d] with RᵀR the unbiased covariance."""
    mean = x.mean(axis=0, dtype="float64")
    return mean, np.linalg.qr(x - mean, mode="r") / np.sqrt(len(x) - 1)


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased squared MMD of `a` [n, d] and `b` [m, d] with the kernel (x·y / d + 1)³.

    Its expectation does not depend on n and m, which are 2 at least, and is 0 for sets of one distribution: a value may
    lie below 0. Bińkowski et al., arXiv 1801.01401.
    """
    a, b = pair("a", a, "b", b, rows=2)
    within = [(_kernel_sum(x, x) - _kernel(square_norms(x), x).sum()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float(sum(within) - 2 * _kernel_sum(a, b) / (len(a) * len(b)))


def _kernel(products: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Of pairs of rows like those of `x` [n, d], from their scalar products."""
    base = products / x.shape[1] + 1
    return base * base * base


def _kernel_sum(a: np.ndarray, b: np.ndarray) -> float:
    """Of the kernel, over all pairs of a row of `a` and a row of `b`."""
    pairs = ((a[rows].astype("float64"), b[others].astype("float64")) for rows in blocks(a) for others in blocks(b))
    return sum(_kernel(these @ those.T, a).sum() for these, those in pairs)
