"""Scores of a classifier's probabilities, beside plain loops and known values."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from tests.evaluation.scores.support import one_hot, predictions
from wavegan.evaluation import scores


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
