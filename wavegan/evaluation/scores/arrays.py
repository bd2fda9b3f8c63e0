"""What the scores ask of their arrays, and the blocks of rows in which they go through large ones."""

import numpy as np
from numpy.typing import ArrayLike

ROWS = 1024  # in a block, at most
VALUES = 2**22  # in a block of rows, at most: 32 MiB in float64
LOST_DIGITS = 1e-12  # squared distances below this share of the squared norms are rounding: both points are one


def matrix(name: str, x: ArrayLike, rows: int = 1) -> np.ndarray:
    """`x` as an array [n, d]; ValueError unless its values are finite, n is at least `rows` and d at least 1."""
    x = np.asarray(x)
    if x.ndim != 2 or len(x) < rows or x.shape[1] < 1:
        raise ValueError(f"Expected {name} of shape [{rows} or more, 1 or more]. Received: {list(x.shape)}.")
    if not (finite := np.isfinite(x)).all():
        raise ValueError(f"Expected {name} of finite values. Received: {finite.size - finite.sum()} that are not.")
    return x


def same_width(name: str, x: np.ndarray, other: np.ndarray) -> None:
    """Raises ValueError unless `x` [n, d] has the columns of `other` [m, d]."""
    if x.shape[1] != other.shape[1]:
        raise ValueError(f"Expected {name} of {other.shape[1]} columns. Received: {x.shape[1]}.")


def pair(name: str, a: ArrayLike, other_name: str, b: ArrayLike, rows: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays [n, d] and [m, d], each as `matrix`."""
    a, b = matrix(name, a, rows), matrix(other_name, b, rows)
    same_width(other_name, b, a)
    return a, b


def distributions(name: str, p: ArrayLike) -> np.ndarray:
    """`p` [n, classes] in float64; ValueError unless its rows are 0 or more and sum to 1, which is made exact."""
    rows = matrix(name, p).astype("float64")
    sums = rows.sum(axis=1, keepdims=True)
    if rows.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        received = f"values from {rows.min():.3g} and sums from {sums.min():.3g} to {sums.max():.3g}"
        raise ValueError(f"Expected {name} of 0 or more with rows that sum to 1. Received: {received}.")
    return rows / sums


def two_counts(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [k]; ValueError unless they are 0 or more, with a sum above 0, and equally long."""
    counts = np.asarray(first, "float64"), np.asarray(second, "float64")
    if counts[0].ndim != 1 or counts[0].shape != counts[1].shape:
        shapes = " and ".join(str(list(count.shape)) for count in counts)
        raise ValueError(f"Expected counts of shape [k], twice the same k. Received: {shapes}.")
    for count in counts:
        if not np.isfinite(count).all() or count.min(initial=0) < 0 or count.sum() <= 0:
            raise ValueError(f"Expected counts of 0 or more with a sum above 0. Received: {count}.")
    return counts


def blocks(x: np.ndarray) -> list[slice]:
    """Slices of the rows of `x` [n, d], in order, each of a size that computes fast and fits into memory."""
    size = max(1, min(ROWS, VALUES // x.shape[1]))
    return [slice(first, first + size) for first in range(0, len(x), size)]


def square_norms(x: np.ndarray) -> np.ndarray:
    """Of the rows of `x` [n, d]: float64 [n]."""
    return np.einsum("nd,nd->n", x, x, dtype="float64")


def squared_distances(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Of the rows of `a` [n, d] to those of `b` [m, d]: float64 [n, m], exactly 0 between equal rows."""
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    norms = square_norms(a)[:, None] + square_norms(b)
    squared = norms - 2 * (a @ b.T)
    squared[squared < LOST_DIGITS * norms] = 0
    return squared
