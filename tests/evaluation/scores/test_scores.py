"""Every score against a closed form or an independent reference; the references are plain loops or other libraries."""

import math
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.distance import cdist, jensenshannon
from scipy.stats import chi2_contingency, entropy

from wavegan.evaluation import scores
from wavegan.evaluation.scores import arrays, neighbours


def one_hot(labels, classes):
    return np.eye(classes)[np.asarray(labels)]


def predictions(n, classes, seed=0, sharpness=2.0):
    """Probabilities as a classifier gives them, float32 [n, classes]."""
    powers = np.exp(sharpness * np.random.default_rng(seed).normal(size=(n, classes)))
    return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def with_moments(mean, root, n, seed=0):
    """Samples [n, d] with exactly this mean and the unbiased covariance root·rootᵀ."""
    samples = normal(n, len(mean), seed)
    samples = np.linalg.qr(samples - samples.mean(axis=0))[0] * np.sqrt(n - 1)  # mean 0, covariance 1
    return samples @ np.transpose(root) + mean


@pytest.fixture
def small_blocks(monkeypatch):
    """As if a few rows were all that fits, so that small sets go through many blocks."""
    monkeypatch.setattr(arrays, "ROWS", 7)
    monkeypatch.setattr(neighbours, "QUERIES", 5)


# Scores of class probabilities


def test_uniform_predictions_have_an_inception_score_of_1():
    assert scores.inception_score(np.full((100, 8), 1 / 8)) == pytest.approx((1.0, 0.0))


def test_clear_predictions_of_one_class_have_an_inception_score_of_1():
    assert scores.inception_score(one_hot([3] * 100, 8)) == pytest.approx((1.0, 0.0))


def test_clear_and_balanced_predictions_have_an_inception_score_of_the_number_of_classes():
    assert scores.inception_score(one_hot(np.arange(80) % 8, 8), splits=1) == pytest.approx((8.0, 0.0))


def test_clips_sorted_by_class_are_dealt_out_to_the_splits():
    assert scores.inception_score(one_hot(np.repeat(np.arange(8), 100), 8)) == pytest.approx((8.0, 0.0), rel=0.01)


def test_the_inception_score_is_that_of_a_plain_loop():
    p = predictions(230, 6)
    values = []
    for first in range(10):
        part = p[first::10].astype("float64")
        values.append(math.exp(sum(entropy(row, part.mean(axis=0)) for row in part) / len(part)))
    assert scores.inception_score(p) == pytest.approx((np.mean(values), np.std(values)), rel=1e-6)
    assert np.std(values) > 0.01


@pytest.mark.parametrize(("n", "splits"), [(9, 1), (19, 1), (20, 2), (99, 9), (1000, 10)])
def test_every_split_has_10_clips_at_least(n, splits):
    p = predictions(n, 6)
    found = scores.inception_score(p)
    assert found == scores.inception_score(p, splits)
    assert found[1] == 0 if splits == 1 else found != scores.inception_score(p, splits - 1)


def test_the_modified_inception_score_of_two_kinds_of_clips():
    """Half of the pairs are of one kind, KL 0; in the other half it is (2p - 1) ln(p / (1 - p))."""
    p = np.tile([[0.8, 0.2], [0.2, 0.8]], (50, 1))
    assert scores.modified_inception_score(p) == pytest.approx(math.exp(0.5 * 0.6 * math.log(4)))


def test_the_modified_inception_score_is_that_of_a_double_loop():
    p = predictions(25, 5)
    mean = np.mean([[entropy(x, y) for y in p] for x in p])
    assert scores.modified_inception_score(p) == pytest.approx(math.exp(mean), rel=1e-5)


def test_the_modified_inception_score_is_1_for_equal_clips_and_finite_for_clear_ones():
    assert scores.modified_inception_score(one_hot([2] * 9, 4)) == pytest.approx(1.0)
    assert scores.modified_inception_score(one_hot([0, 1], 2)) == pytest.approx(1e7**0.5, rel=1e-4)


def test_the_am_score_is_0_for_clear_predictions_as_frequent_as_in_training():
    p = one_hot([0, 0, 1, 2], 3)
    assert scores.am_score(p, np.tile(p, (5, 1))) == pytest.approx(0.0)


def test_the_am_score_adds_entropy_and_divergence():
    assert scores.am_score(np.full((6, 4), 0.25), one_hot(range(4), 4)) == pytest.approx(math.log(4))
    assert scores.am_score(one_hot([0, 0, 0, 1], 2), one_hot([0, 1], 2)) == pytest.approx(
        0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    )
    p, training = predictions(60, 5), predictions(90, 5, seed=1)
    expected = entropy(training.mean(axis=0), p.mean(axis=0)) + np.mean([entropy(row) for row in p])
    assert scores.am_score(p, training) == pytest.approx(expected, rel=1e-5)


def test_rounded_probabilities_are_made_to_sum_to_1():
    thirds = np.full((9, 3), 1 / 3, "float16")
    assert scores.am_score(thirds, thirds) == pytest.approx(math.log(3), rel=1e-12)


def test_a_class_that_never_comes_leaves_the_am_score_finite():
    score = scores.am_score(one_hot([0, 0], 2), one_hot([0, 1], 2))
    assert score == pytest.approx(0.5 * math.log(0.5) + 0.5 * math.log(0.5 / 1e-7), rel=1e-6)


def test_the_class_histogram_counts_every_class():
    histogram = scores.class_histogram([[0.7, 0.2, 0.1, 0], [0.1, 0.2, 0.7, 0], [0.4, 0.3, 0.3, 0]])
    np.testing.assert_array_equal(histogram, [2, 0, 1, 0])
    assert histogram.dtype.kind == "i"


# Distances between sets of embeddings


def test_the_frechet_distance_of_two_gaussians_with_known_moments():
    """With diagonal covariances it is ‖μa - μb‖² + Σ (σa - σb)²."""
    a = with_moments([0.0, 1.0, 2.0], np.diag([1.0, 2.0, 3.0]), 50)
    b = with_moments([1.0, 1.0, 0.0], np.diag([2.0, 2.0, 0.5]), 80, seed=1)
    assert scores.frechet_distance(a, b) == pytest.approx((1 + 0 + 4) + (1 + 0 + 6.25), rel=1e-10)
    assert scores.frechet_distance(b, a) == pytest.approx(12.25, rel=1e-10)


def test_the_frechet_distance_turns_with_its_covariances():
    """In two dimensions tr √(CaCb) is √(tr CaCb + 2 √det CaCb)."""
    a_root, b_root = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[3.0, 1.0], [0.0, 1.0]])
    ca, cb = a_root @ a_root.T, b_root @ b_root.T
    root = math.sqrt(np.trace(ca @ cb) + 2 * math.sqrt(np.linalg.det(ca @ cb)))
    a, b = with_moments([0, 0], a_root, 30), with_moments([0, 0], b_root, 30, seed=1)
    assert scores.frechet_distance(a, b) == pytest.approx(np.trace(ca + cb) - 2 * root, rel=1e-10)


def frechet_by_sqrtm(a, b):
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    root = np.trace(scipy.linalg.sqrtm(product)).real
    traces = np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False))
    return np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + traces - 2 * root


def test_the_frechet_distance_is_that_by_the_square_root_of_a_matrix():
    a, b = normal(300, 20), 1.5 * normal(200, 20, seed=1) @ normal(20, 20, seed=2) + 0.3
    assert scores.frechet_distance(a, b) == pytest.approx(frechet_by_sqrtm(a, b), rel=1e-9)


def test_the_frechet_distance_holds_where_there_are_more_columns_than_clips():
    """Both lie in a few of the columns, where the full-rank distance is known."""
    a, b = normal(12, 3), normal(15, 3, seed=1) * 2 + 1
    turn = np.linalg.qr(normal(40, 40, seed=2))[0][:3]
    assert scores.frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_by_sqrtm(a, b), rel=1e-9)


@pytest.mark.parametrize("shape", [(60, 5), (5, 60)])
def test_a_set_is_at_no_frechet_distance_from_itself(shape):
    a = normal(*shape).astype("float32") + 100
    assert 0 <= scores.frechet_distance(a, a[::-1]) < 1e-9
    assert 0 <= scores.frechet_distance(np.ones((4, 3)), np.ones((5, 3))) < 1e-20


def test_shifting_a_set_shows_in_the_frechet_distance_alone_by_its_square():
    a = normal(50, 4)
    assert scores.frechet_distance(a, a + [3, 0, 0, 4]) == pytest.approx(25.0)


def test_the_kernel_distance_is_that_of_a_double_loop(small_blocks):
    a, b = normal(17, 3), normal(23, 3, seed=1) + 0.5

    def kernel(x, y):
        return (float(x @ y) / 3 + 1) ** 3

    aa = np.mean([kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    bb = np.mean([kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    ab = np.mean([kernel(x, y) for x in a for y in b])
    assert scores.kernel_distance(a, b) == pytest.approx(aa + bb - 2 * ab, rel=1e-9)


def test_the_kernel_distance_is_0_on_average_however_few_the_clips():
    found = [scores.kernel_distance(normal(8, 4, seed), normal(8, 4, seed + 1000)) for seed in range(400)]
    assert abs(np.mean(found)) < 3 * np.std(found) / math.sqrt(len(found))
    assert min(found) < 0 < max(found)


# Cells


def modes(per_mode, count=10, d=6, seed=0, spread=0.05, kept=None):
    """`count` far-apart modes of `per_mode` points each, or the first `kept` of them."""
    rng = np.random.default_rng(seed)
    centres = 10 * np.random.default_rng(99).normal(size=(count, d))[:kept]
    return np.concatenate([centre + spread * rng.normal(size=(per_mode, d)) for centre in centres])


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


# Nearest neighbours


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


# All of them


SETS = {
    "inception_score": lambda order: scores.inception_score(predictions(90, 5)[order], splits=1),
    "modified_inception_score": lambda order: scores.modified_inception_score(predictions(90, 5)[order]),
    "am_score": lambda order: scores.am_score(predictions(90, 5)[order], predictions(50, 5, 1)),
    "class_histogram": lambda order: scores.class_histogram(predictions(90, 5)[order]),
    "frechet_distance": lambda order: scores.frechet_distance(normal(90, 5)[order], normal(50, 5, 1) + 1),
    "kernel_distance": lambda order: scores.kernel_distance(normal(90, 5)[order], normal(50, 5, 1) + 1),
    "cell_counts": lambda order: scores.cell_counts(normal(7, 5, 1), normal(90, 5)[order]),
    "precision_recall": lambda order: list(scores.precision_recall(normal(50, 5, 1), normal(90, 5)[order]).values()),
    "nearest": lambda order: scores.nearest(normal(90, 5)[order], normal(50, 5, 1))[0].mean(),
}


@pytest.mark.parametrize("score", SETS.values(), ids=SETS)
def test_the_order_of_the_clips_does_not_matter_and_a_second_time_gives_the_same_bits(score):
    expected = score(np.arange(90))
    np.testing.assert_array_equal(score(np.arange(90)), expected)
    np.testing.assert_allclose(score(np.random.default_rng(0).permutation(90)), expected, rtol=1e-9)


def test_doubling_every_clip_leaves_what_depends_on_shares_alone():
    p, points = predictions(100, 5), normal(100, 5)
    twice = np.tile(p, (2, 1))
    assert scores.inception_score(twice, 1) == pytest.approx(scores.inception_score(p, 1))
    assert scores.modified_inception_score(twice) == pytest.approx(scores.modified_inception_score(p))
    assert scores.am_score(twice, p) == pytest.approx(scores.am_score(p, p))
    counts = scores.cell_counts(points[:9], points)
    assert scores.jensen_shannon_divergence(counts, 2 * counts) == pytest.approx(0.0, abs=1e-15)


def test_sets_of_any_size_take_little_memory(monkeypatch):
    monkeypatch.setattr(arrays, "ROWS", 128)
    monkeypatch.setattr(neighbours, "QUERIES", 128)
    real, fake = normal(1500, 16).astype("float32"), normal(1500, 16, seed=1).astype("float32")
    all_distances = 4 * 1500 * 1500  # bytes, in float32
    for score in (scores.precision_recall, scores.kernel_distance, scores.nearest):
        tracemalloc.start()
        score(real, fake)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < all_distances / 4, score.__name__


POINTS, P = normal(20, 3), predictions(20, 3)
NOT_FINITE = np.where(np.eye(20, 3) > 0, np.nan, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scores.inception_score(P[0]), r"probabilities of shape \[1 or more, 1 or more\]. Received: \[3\]"),
        (lambda: scores.inception_score(P[:0]), r"Received: \[0, 3\]"),
        (lambda: scores.inception_score(P, splits=0), "Expected 1 or more splits. Received: 0"),
        (lambda: scores.inception_score(2 * P), "0 or more with rows that sum to 1. Received: .* sums from 2 to 2"),
        (lambda: scores.class_histogram([[1.5, -0.5]]), "Received: values from -0.5"),
        (lambda: scores.modified_inception_score(NOT_FINITE), "of finite values. Received: 3 that are not"),
        (lambda: scores.am_score(P, P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)), "of 3 columns. Received: 2"),
        (lambda: scores.frechet_distance(POINTS, POINTS[:1]), r"Expected b of shape \[2 or more, 1 or more\]"),
        (lambda: scores.frechet_distance(POINTS, POINTS[:, :2]), "Expected b of 3 columns. Received: 2"),
        (lambda: scores.frechet_distance(NOT_FINITE, POINTS), "Expected a of finite values"),
        (lambda: scores.kernel_distance(POINTS[:1], POINTS), r"Expected a of shape \[2 or more"),
        (lambda: scores.kmeans_cells(POINTS, cells=0), "Expected 1 or more cells. Received: 0"),
        (lambda: scores.cell_counts(POINTS[:, :2], POINTS), "Expected embeddings of 2 columns. Received: 3"),
        (lambda: scores.different_bins([1, 2], [1, 2, 3]), r"twice the same k. Received: \[2\] and \[3\]"),
        (lambda: scores.different_bins([1, 2], [0, 0]), "counts of 0 or more with a sum above 0. Received: .0. 0."),
        (lambda: scores.different_bins([1, 2], [-1, 2]), "counts of 0 or more"),
        (lambda: scores.different_bins([1, 2], [1, 2], level=1.0), "level above 0 and below 1. Received: 1.0"),
        (lambda: scores.jensen_shannon_divergence([1, np.inf], [1, 2]), "counts of 0 or more"),
        (lambda: scores.radii(POINTS[:5]), r"Expected points of shape \[6 or more"),
        (lambda: scores.radii(POINTS, 0), "Expected 1 or more neighbours. Received: 0"),
        (lambda: scores.precision_recall(POINTS, POINTS[:5]), r"Expected fake of shape \[6 or more"),
        (lambda: scores.precision_recall(POINTS, NOT_FINITE), "Expected fake of finite values"),
        (lambda: scores.precision_recall(POINTS, POINTS, real_radii=[1.0]), r"of shape \[20\]. Received: \[1\]"),
        (lambda: scores.nearest(POINTS, POINTS[:, :2]), "Expected the bank of 3 columns. Received: 2"),
        (lambda: scores.nearest(POINTS, [POINTS, NOT_FINITE]), "Expected the bank of finite values. Received: 3"),
        (lambda: scores.nearest(POINTS, [POINTS[0]]), r"shape \[m, d\]. Received: \[3\]"),
        (lambda: scores.nearest(POINTS, []), "Expected a bank of 1 or more rows. Received: 0"),
        (lambda: scores.nearest(POINTS, POINTS[1:], skip_self=True), "all in the bank. Received: 20, and 19 rows"),
        (lambda: scores.nearest(POINTS[:1], POINTS[:1], skip_self=True), "Expected 2 or more queries"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_says_so(call, message):
    with pytest.raises(ValueError, match=message):
        call()
