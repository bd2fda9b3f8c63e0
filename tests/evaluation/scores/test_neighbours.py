"""Precision, recall, density, coverage and nearest clips, beside all distances at once."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.evaluation.scores.support import modes, normal
from wavegan.evaluation import scores


def manifold_scores(real, fake, k):
    """Precision, recall, density and coverage from all distances at once."""
    real_radii = np.sort(cdist(real, real), axis=1)[:, k]
    fake_radii = np.sort(cdist(fake, fake), axis=1)[:, k]
    between = cdist(real, fake)
    return {
        "precision": np.mean([any(between[i, j] <= real_radii[i] for i in range(len(real))) for j in range(len(fake))]),
        "recall": np.mean([any(between[i, j] <= fake_radii[j] for j in range(len(fake))) for i in range(len(real))]),
        "density": sum(np.count_nonzero(row <= r) for row, r in zip(between, real_radii, strict=True)) / k / len(fake),
        "coverage": np.mean([between[i].min() <= real_radii[i] for i in range(len(real))]),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_its_kin_are_those_of_all_distances_at_once(k, small_blocks):
    real, fake = normal(61, 4), 1.4 * normal(45, 4, seed=1) + 1.2
    expected = manifold_scores(real, fake, k)
    assert scores.precision_recall(real, fake, k) == pytest.approx(expected, rel=1e-12)
    assert all(0.05 < value < 0.95 for value in expected.values()) and len(set(expected.values())) == 4


def test_radii_reach_to_the_nearest_other_points():
    points = normal(300, 3)
    for k in (1, 5, 299):
        np.testing.assert_allclose(scores.radii(points, k), np.sort(cdist(points, points), axis=1)[:, k], rtol=1e-12)


def test_radii_once_computed_serve_again(small_blocks):
    real, fake = normal(40, 3), normal(30, 3, seed=1)
    radii = scores.radii(real, 3)
    np.testing.assert_allclose(radii, np.sort(cdist(real, real), axis=1)[:, 3], rtol=1e-12)
    assert scores.precision_recall(real, fake, 3, radii) == scores.precision_recall(real, fake, 3)
    assert scores.precision_recall(real, fake + 1, 3, 100 * radii)["precision"] == 1.0


@pytest.mark.parametrize("copies", [1, 9])
def test_a_set_has_all_of_itself_even_where_its_points_lie_on_each_other(copies, small_blocks):
    """With nine copies of every point the radii are 0."""
    real = np.tile(normal(30, 300).astype("float32") + 50, (copies, 1))
    found = scores.precision_recall(real, np.random.default_rng(1).permutation(real))
    assert found["precision"] == found["recall"] == found["coverage"] == 1.0
    assert found["density"] == pytest.approx(6 / 5 if copies == 1 else 9 / 5)  # of k + 1 points, or of all copies


def test_sets_of_one_distribution_have_the_expected_density_and_coverage():
    """Naeem et al.: the density is 1, and coverage 1 - Π (n - i) / (2n - i), about 1 - 2⁻ᵏ."""
    found = [scores.precision_recall(normal(400, 3, seed), normal(400, 3, seed + 100)) for seed in range(10)]
    assert np.mean([one["density"] for one in found]) == pytest.approx(1.0, abs=0.02)
    assert np.mean([one["coverage"] for one in found]) == pytest.approx(1 - 2**-5, abs=0.01)


def test_half_of_the_modes_missing_halves_recall_and_coverage_but_not_precision():
    real = modes(100)
    copies = scores.precision_recall(real, real[:500])
    assert (copies["precision"], copies["recall"], copies["coverage"]) == (1.0, 0.5, 0.5)
    whole = scores.precision_recall(real, modes(100, seed=1))
    half = scores.precision_recall(real, modes(200, seed=1, kept=5))
    assert half["precision"] == pytest.approx(whole["precision"], abs=0.03) and whole["precision"] > 0.9
    assert half["recall"] == pytest.approx(whole["recall"] / 2, abs=0.03) and whole["recall"] > 0.9
    assert half["coverage"] == pytest.approx(whole["coverage"] / 2, abs=0.03) and whole["coverage"] > 0.9


def test_far_away_sets_share_nothing():
    found = scores.precision_recall(normal(20, 3), normal(20, 3, seed=1) + 100)
    assert found == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_the_nearest_is_that_of_all_distances_at_once(small_blocks):
    queries, bank = normal(23, 9).astype("float32"), normal(37, 9, seed=1).astype("float32")
    distances, indices = scores.nearest(queries, bank)
    np.testing.assert_array_equal(indices, cdist(queries, bank).argmin(axis=1))
    np.testing.assert_allclose(distances, cdist(queries, bank).min(axis=1), rtol=1e-12)
    assert distances.dtype == np.float64 and indices.dtype.kind == "i"


def test_a_bank_comes_in_blocks_of_any_size(small_blocks):
    queries, bank = normal(23, 9), normal(37, 9, seed=1)
    expected = scores.nearest(queries, bank)
    for cuts in ([1, 2, 30], [10], [20, 20, 36]):  # an empty block among them
        found = scores.nearest(queries, (block for block in np.split(bank, cuts)))
        np.testing.assert_array_equal(found, expected)


def test_a_copy_is_at_distance_0_however_large_its_values():
    """|a|² - 2ab + |b|² would lose all digits: features of 1,000 that differ by 0.01."""
    bank = (1000 + 0.01 * normal(60, 400)).astype("float32")
    distances, indices = scores.nearest(bank[::-1][:20], bank)
    np.testing.assert_array_equal(distances, 0)
    np.testing.assert_array_equal(indices, np.arange(60)[::-1][:20])
    beside = bank[:20] + np.float32(0.001)
    exact = np.linalg.norm(beside.astype("float64") - bank[:20], axis=1)
    np.testing.assert_allclose(scores.nearest(beside, bank)[0], exact, rtol=1e-12)


def test_a_query_may_not_be_its_own_nearest(small_blocks):
    queries = normal(31, 4)
    between = cdist(queries, queries) + np.diag([np.inf] * 31)
    for bank in (queries, iter(np.split(queries, [3, 17]))):
        distances, indices = scores.nearest(queries, bank, skip_self=True)
        np.testing.assert_array_equal(indices, between.argmin(axis=1))
        np.testing.assert_allclose(distances, between.min(axis=1))
    twice = np.repeat(queries, 2, axis=0)
    np.testing.assert_array_equal(scores.nearest(twice, twice, skip_self=True)[0], 0)
