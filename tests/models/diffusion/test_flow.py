"""Rectified flow against its formulas, in float64."""

import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

from wavegan.models.diffusion import flow


@pytest.fixture
def lines():
    """Clips, noise [6, 8, 2], and times [6]."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 8, 2)), rng.normal(size=(6, 8, 2)), np.array([0.06, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_points_lie_on_straight_lines_and_move_at_their_velocity(lines):
    clips, noise, times = lines
    for clip, far, t, point in zip(*lines, np.array(flow.noised(clips, noise, times)), strict=True):
        np.testing.assert_allclose(point, (1 - t) * clip + t * far, rtol=1e-12)
    step = 1e-6
    moved = np.array(flow.noised(clips, noise, times + step)) - np.array(flow.noised(clips, noise, times))
    np.testing.assert_allclose(moved / step, np.array(flow.velocity(clips, noise)), rtol=1e-6, atol=1e-8)


def test_the_logits_of_times_are_normal_and_one_lies_in_each_of_as_many_likely_stretches():
    """arXiv 2403.03206, equation 19, with m = 0 and s = 1."""
    offsets = np.random.default_rng(0).uniform(size=64).astype("float32")
    times = np.array(flow.spread_times(64, offsets), "float64")
    shares = norm.cdf(np.log(times / (1 - times)))
    np.testing.assert_allclose(shares, (np.arange(64) + offsets) / 64, atol=1e-5)
    assert np.array(flow.spread_times(64, 0 * offsets))[0] == np.float32(flow.NEAREST)  # and none is nearer


def test_the_velocity_is_what_the_network_tells_and_none_is_asked_for_nearer_than_was_learned():
    def network(given):
        points, times, classes = given
        assert points.shape == (2, 8, 1) and classes.shape == (2, 3)
        return ops.reshape(times, (2, 1, 1)) * points

    times = np.array([0.01, 0.5])
    found = flow.predicted(network, np.ones((2, 8, 1)), times, np.zeros((2, 3)))
    np.testing.assert_allclose(found, np.broadcast_to([[[flow.NEAREST]], [[0.5]]], (2, 8, 1)))


@pytest.mark.parametrize(("heun", "factors"), [(False, [0.75] * 4), (True, [1 - 0.25 + 0.25**2 / 2] * 3 + [0.75])])
def test_steps_are_those_of_euler_and_heun(heun, factors):
    """Along dx/dt = x, back from 1 to 0 in four steps."""
    points = np.random.default_rng(0).normal(size=(2, 3, 1))
    times = flow.schedule(4).astype("float64")
    found = flow.followed(lambda x, t: x, ops.convert_to_tensor(points), ops.convert_to_tensor(times), 4, heun)
    np.testing.assert_allclose(found, points * np.prod(factors), rtol=1e-12)


def test_times_fall_evenly_from_where_they_start():
    np.testing.assert_allclose(flow.schedule(4), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(flow.schedule(2, 0.5), [0.5, 0.25, 0])
    many = flow.schedule(100)
    assert len(many) == 101 and many[-2] == np.float32(flow.NEAREST) and many[-1] == 0
    np.testing.assert_allclose(np.diff(many[:-1]), -0.95 / 99, rtol=1e-4)
    assert not flow.schedule(3, 0.0).any()
