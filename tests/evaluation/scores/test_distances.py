"""Fréchet and kernel distance, beside other ways to compute them."""

import math

import numpy as np
import pytest
import scipy.linalg

from tests.evaluation.scores.support import normal, with_moments
from wavegan.evaluation import scores


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
