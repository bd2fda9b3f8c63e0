"""What all scores have in common: no order, no chance, little memory, and errors that say what is wrong."""

import tracemalloc

import numpy as np
import pytest

from tests.evaluation.scores.support import normal, predictions
from wavegan.evaluation import scores
from wavegan.evaluation.scores import arrays, neighbours

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
