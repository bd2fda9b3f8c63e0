"""Scores by nearest neighbours: precision, recall, density and coverage, and the distance to the nearest sound.

Neither ever holds n × m numbers: both go through their arrays in blocks of rows.
"""

# Our own: as fast as scikit-learn's brute force, which wants all rows in memory and finds copies at distances above 0.

from collections.abc import Iterable, Iterator

import numpy as np

from wavegan.evaluation.scores.arrays import blocks, matrix, pair, same_width, square_norms, squared_distances

TIE = 1 + 1e-9  # squared distances this close are equal: rounding differs from block to block
QUERIES = 4096  # at once: the larger a matrix product, the faster


def radii(points: np.ndarray, neighbours: int = 5) -> np.ndarray:
    """The distance from each of the `points` [n, d] to its `neighbours`-th nearest other one: float64 [n]."""
    if neighbours < 1:
        raise ValueError(f"Expected 1 or more neighbours. Received: {neighbours}.")
    points = matrix("points", points, rows=neighbours + 1)
    found = []
    for rows in blocks(points):
        least = np.empty((len(points[rows]), 0))  # one more than `neighbours`: the nearest is the point itself
        for others in blocks(points):
            least = np.hstack([least, squared_distances(points[rows], points[others])])
            least = np.partition(least, min(neighbours, least.shape[1] - 1), axis=1)[:, : neighbours + 1]
        found.append(np.sqrt(least.max(axis=1)))
    return np.concatenate(found)


def precision_recall(
    real: np.ndarray, fake: np.ndarray, neighbours: int = 5, real_radii: np.ndarray | None = None
) -> dict[str, float]:
    """How much of the fake is real, and how much of the real is there.

    Every point has a ball that reaches to its `neighbours`-th nearest other point of its set, its surface included.
    Precision is the share of fakes in any real ball, recall the share of reals in any fake ball (Kynkäänniemi et al.,
    arXiv 1904.06991). Density is the mean number of real balls around a fake, over `neighbours`, and may exceed 1;
    coverage is the share of real balls around any fake (Naeem et al., arXiv 2002.09797).

    Args:
        real, fake: [m, d] and [n, d], both of more than `neighbours` rows.
        real_radii: `radii(real, neighbours)`, [m], to compute them only once where several sets meet the same one.

    Returns:
        {"precision", "recall", "density", "coverage"}, floats; all but the density in [0, 1].
    """
    real, fake = pair("real", real, "fake", fake, rows=neighbours + 1)
    real_radii = radii(real, neighbours) if real_radii is None else np.asarray(real_radii, "float64")
    if real_radii.shape != (len(real),):
        raise ValueError(f"Expected real_radii of shape [{len(real)}]. Received: {list(real_radii.shape)}.")
    real_reach, fake_reach = TIE * real_radii**2, TIE * radii(fake, neighbours) ** 2
    balls = np.zeros(len(fake), int)  # the real ones around each fake
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for those in blocks(real):
        for these in blocks(fake):
            squared = squared_distances(real[those], fake[these])  # [real, fake]
            in_real_balls = squared <= real_reach[those, None]
            balls[these] += in_real_balls.sum(axis=0)
            covered[those] |= in_real_balls.any(axis=1)
            recalled[those] |= (squared <= fake_reach[these]).any(axis=1)
    shares = {"precision": balls > 0, "recall": recalled, "density": balls / neighbours, "coverage": covered}
    return {name: float(values.mean()) for name, values in shares.items()}


def nearest(
    queries: np.ndarray, bank: np.ndarray | Iterable[np.ndarray], skip_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The Euclidean distance from each query to its nearest row of the bank, and which row that is.

    The mean distance is |D|train where the bank is the training set, and |D|self where it is the queries themselves
    with `skip_self`; the paper gives both relative to those of its test set (Donahue et al., arXiv 1802.04208,
    section 5). Rows are compared in float32, so that of two almost equally far ones either may be taken; the distance
    to the one that is taken is exact, and that to a copy 0.

    Args:
        queries: [n, d]; a float32 copy is held.
        bank: [m, d], or an iterable of its blocks in order, each [any, d], where it does not fit in memory.
        skip_self: query i is row i of the bank, and that row does not count for it; n is at least 2.

    Returns:
        Distances float64 [n], and indices of rows of the bank, int [n].

    >>> distances, indices = nearest(np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[9.0, 9.0], [3.0, 4.0]]))
    >>> distances.tolist(), indices.tolist()
    ([5.0, 0.0], [1, 0])
    """
    queries = matrix("queries", queries)
    middle = queries.mean(axis=0, dtype="float64").astype("float32")
    centred = np.asarray(queries, "float32") - middle  # small norms, so that their differences keep their digits
    least = np.full(len(queries), np.inf, "float32")  # half the squared distance, less half the query's squared norm
    distances, indices, rows = np.full(len(queries), np.inf), np.zeros(len(queries), int), 0
    for part in _parts(bank, queries):
        others = np.asarray(part, "float32") - middle
        half_norms = (square_norms(others) / 2).astype("float32")
        for first in range(0, len(queries), QUERIES):
            these = slice(first, first + QUERIES)
            halves = half_norms - centred[these] @ others.T
            if skip_self:
                halves[np.eye(len(halves), len(others), k=first - rows, dtype=bool)] = np.inf
            better = np.flatnonzero(halves.min(axis=1) < least[these])
            taken, where = halves[better].argmin(axis=1), first + better
            least[where], indices[where] = halves[better, taken], rows + taken
            distances[where] = [_distance(queries[i], part[j]) for i, j in zip(where, taken, strict=True)]
        rows += len(part)
    if rows == 0:
        raise ValueError("Expected a bank of 1 or more rows. Received: 0.")
    if skip_self and not 1 < rows == len(queries):
        raise ValueError(f"Expected 2 or more queries, all in the bank. Received: {len(queries)}, and {rows} rows.")
    return distances, indices


def _distance(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.linalg.norm(np.subtract(x, y, dtype="float64")))


def _parts(bank: np.ndarray | Iterable[np.ndarray], queries: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of the bank in blocks that are not too large, checked."""
    for block in [bank] if isinstance(bank, np.ndarray) else bank:
        block = np.asarray(block)
        if block.ndim != 2:
            raise ValueError(f"Expected a bank or blocks of it of shape [m, d]. Received: {list(block.shape)}.")
        same_width("the bank", block, queries)
        for rows in blocks(block):
            yield matrix("the bank", block[rows])
