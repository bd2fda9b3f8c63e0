"""Scores of the shares of k-means cells."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist, jensenshannon
from scipy.stats import chi2_contingency

from tests.evaluation.scores.support import modes, normal
from wavegan.evaluation import scores


def test_cells_find_the_modes_and_their_counts():
    reference = modes(40)
    counts = scores.cell_counts(scores.kmeans_cells(reference, cells=10), reference)
    assert counts.sum() == 400 and counts.dtype.kind == "i" and len(counts) == 10


def test_counts_are_those_of_the_nearest_centre(small_blocks):
    centres, points = normal(6, 3), normal(50, 3, seed=1).astype("float32")
    expected = np.bincount(cdist(points, centres).argmin(axis=1), minlength=6)
    np.testing.assert_array_equal(scores.cell_counts(centres, points), expected)
    np.testing.assert_array_equal(scores.cell_counts([[0.0], [1.0], [9.0]], [[0.4], [0.6], [0.7]]), [1, 2, 0])


@pytest.mark.parametrize(("n", "k"), [(4, 1), (14, 2), (249, 49), (300, 50)])
def test_few_clips_have_fewer_cells(n, k):
    assert scores.kmeans_cells(normal(n, 3)).shape == (k, 3)


def test_same_seed_same_cells():
    points = normal(300, 4).astype("float32")
    np.testing.assert_array_equal(scores.kmeans_cells(points, seed=3), scores.kmeans_cells(points, seed=3))
    assert not np.array_equal(scores.kmeans_cells(points, seed=3), scores.kmeans_cells(points, seed=4))


def test_different_bins_are_those_of_a_chi_squared_test():
    """The pooled two-proportion z-test is Pearson's test of a 2 × 2 table: z² is its χ²."""
    rng = np.random.default_rng(0)
    reference, counts = rng.integers(1, 60, 200), rng.integers(0, 15, 200)
    tables = [
        [[r, reference.sum() - r], [c, counts.sum() - c]] for r, c in zip(reference, counts, strict=True)
    ]  # fmt: skip
    p = np.array([chi2_contingency(table, correction=False).pvalue for table in tables])
    assert scores.different_bins(reference, counts) == np.mean(p < 0.05)
    assert scores.different_bins(reference, counts, level=0.3) == np.mean(p < 0.3) > np.mean(p < 0.05)


def test_equal_shares_are_no_difference_and_empty_cells_neither():
    assert scores.different_bins([10, 20, 30, 0], [20, 40, 60, 0]) == 0.0
    assert scores.different_bins([500, 500, 0, 0], [0, 500, 500, 0]) == 0.5
    assert scores.different_bins([7], [900]) == 0.0


def test_the_level_is_the_share_that_differs_by_chance():
    rng = np.random.default_rng(0)
    shares = [
        scores.different_bins(rng.multinomial(5000, [0.02] * 50), rng.multinomial(2000, [0.02] * 50))
        for _ in range(200)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01)


def test_the_divergence_is_that_of_scipy_from_0_to_the_logarithm_of_2():
    rng = np.random.default_rng(0)
    reference, counts = rng.integers(0, 9, 50), rng.integers(0, 9, 50)
    assert scores.jensen_shannon_divergence(reference, counts) == pytest.approx(jensenshannon(reference, counts) ** 2)
    assert scores.jensen_shannon_divergence([1, 2, 0], [3, 6, 0]) == pytest.approx(0.0, abs=1e-15)
    assert scores.jensen_shannon_divergence([4, 0], [0, 9]) == pytest.approx(math.log(2))


def test_half_of_the_modes_missing_shows_in_the_cells():
    real = modes(100)
    cells = scores.kmeans_cells(real)
    reference = scores.cell_counts(cells, real)
    whole = scores.cell_counts(cells, modes(100, seed=1))
    half = scores.cell_counts(cells, modes(200, seed=1, kept=5))
    assert scores.different_bins(reference, whole) < 0.2 < 0.8 < scores.different_bins(reference, half)
    assert scores.jensen_shannon_divergence(reference, whole) < 0.02
    full_or_empty = 0.75 * math.log(4 / 3)  # half of equal shares twice as large, the others 0
    assert scores.jensen_shannon_divergence([1] * 10, [2] * 5 + [0] * 5) == pytest.approx(full_or_empty)
    assert scores.jensen_shannon_divergence(reference, half) == pytest.approx(full_or_empty, abs=0.02)
