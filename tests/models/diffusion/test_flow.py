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
    """arXiv 2403.03206, equation 19, with m = 0 and s = LOGITS."""
    offsets = np.random.default_rng(0).uniform(size=64).astype("float32")
    times = np.array(flow.stratified_times(64, offsets), "float64")
    shares = norm.cdf(np.log(times / (1 - times)) / flow.LOGITS)
    np.testing.assert_allclose(shares, (np.arange(64) + offsets) / 64, atol=1e-5)
    assert np.array(flow.stratified_times(64, 0 * offsets))[0] == np.float32(flow.NEAREST)  # and none is nearer


def test_of_a_velocity_the_network_tells_what_points_do_not_and_all_of_that_has_a_deviation_of_one():
    """arXiv 2206.00364, equations 117 to 138, for the velocity instead of the recording."""
    rng = np.random.default_rng(0)
    clips, noise = flow.DEVIATION * rng.normal(size=(6, 400, 500)), rng.normal(size=(6, 400, 500))
    times = np.array([0.02, 0.1, 0.3, 0.6, 0.9, 1.0])
    points, velocities = flow.noised(clips, noise, times), flow.velocity(clips, noise)
    told = np.array(flow.target(clips, noise, times))
    seen = []

    def network(given):
        seen.extend(given)
        return told

    np.testing.assert_allclose(flow.predicted(network, points, times), velocities, atol=1e-6)
    np.testing.assert_allclose(np.std(seen[0], axis=(1, 2)), 1, rtol=0.01)
    np.testing.assert_array_equal(seen[1], times[:, None])
    np.testing.assert_allclose(np.std(told, axis=(1, 2)), 1, rtol=0.01)
    np.testing.assert_allclose(np.mean(told * np.array(points), axis=(1, 2)), 0, atol=0.01)


@pytest.mark.parametrize("time", [0.1, 0.2])
def test_sounds_of_the_last_step_are_spread_as_far_as_recordings_are(time):
    """Of clips half of which is known: what is found of the rest is a mean, which varies less."""
    rng = np.random.default_rng(0)
    known, unknown, noise = rng.normal(size=(3, 400_000, 1, 1)) * np.array([0.9, 0.19**0.5, 1]).reshape(3, 1, 1, 1)
    clips, times = flow.DEVIATION * (known + unknown), np.full(len(noise), time)
    points = np.array(flow.noised(clips, noise, times))
    beside = points - (1 - time) * flow.DEVIATION * known  # noise, and what is unknown: both normal
    of_noise = time**2 / (time**2 + 0.19 * ((1 - time) * flow.DEVIATION) ** 2)  # share of its variance
    mean_noise = of_noise * beside / time
    found = (points - time * mean_noise) / (1 - time)
    best = np.array(flow.target(found, mean_noise, times))  # what the best network tells
    loss = np.mean(np.square(best - flow.target(clips, noise, times)))
    means = points - time * np.array(flow.predicted(lambda _: best, points, times))
    np.testing.assert_allclose(means, found, atol=1e-9)
    assert np.std(means) < 0.95 * flow.DEVIATION
    assert np.std(means) * float(flow.spread(loss, time)) == pytest.approx(flow.DEVIATION, rel=0.01)


def test_what_is_certain_is_not_spread_and_a_network_that_knows_nothing_does_not_make_it_loud():
    assert float(flow.spread(0.0, 0.2)) == float(flow.spread(1.0, 0.0)) == 1
    assert 1 < float(flow.spread(1.0, 0.01)) < float(flow.spread(1.0, 0.05)) < 1.42
    assert float(flow.spread(1.0, 1.0)) == float(flow.spread(5.0, 0.2)) == pytest.approx(2**0.5)


def test_no_velocity_is_asked_for_nearer_than_was_learned():
    def network(given):
        points, times, classes = given
        assert points.shape == (2, 8, 1) and classes.shape == (2, 3)
        return ops.reshape(times, (2, 1, 1)) * points

    nearer, nearest, farther = (
        np.array(flow.predicted(network, np.ones((2, 8, 1)), np.array([time, 0.5]), np.zeros((2, 3))))
        for time in (flow.NEAREST / 2, flow.NEAREST, 2 * flow.NEAREST)
    )
    np.testing.assert_array_equal(nearer, nearest)
    assert np.abs(farther[0] - nearest[0]).min() > 0.1


@pytest.mark.parametrize(("heun", "factors"), [(False, [0.75] * 4), (True, [1 - 0.25 + 0.25**2 / 2] * 3 + [0.75])])
def test_steps_are_those_of_euler_and_heun(heun, factors):
    """Along dx/dt = x, back from 1 to 0 in four steps."""
    points = np.random.default_rng(0).normal(size=(2, 3, 1))
    times = np.array([1, 0.75, 0.5, 0.25, 0])
    found = flow.integrated(lambda x, t: x, ops.convert_to_tensor(points), ops.convert_to_tensor(times), 4, heun)
    np.testing.assert_allclose(found, points * np.prod(factors), rtol=1e-12)


def test_times_fall_as_in_their_formula_to_where_the_last_step_begins():
    """arXiv 2206.00364, equation 5, of t / (1 - t), which has an end where only noise is left."""
    times = flow.schedule(5, 1.0, 0.2)
    assert (times[0], times[-1]) == (1, 0) and times[4] == pytest.approx(0.2) and (np.diff(times) < 0).all()
    largest, least = (share / (1 - share) for share in (flow.FARTHEST, 0.2))
    for place in (1, 2, 3):
        ratio = (largest ** (1 / 7) + place / 4 * (least ** (1 / 7) - largest ** (1 / 7))) ** 7
        assert times[place] == pytest.approx(ratio / (1 + ratio), rel=1e-6)
    assert [flow.last_from(count) for count in (1, 7, 15, 1000)] == [0.2, 0.2, 0.1, flow.NEAREST]
    fewer = flow.schedule(3, 0.5, 0.2)
    assert (fewer[0], fewer[-1]) == (np.float32(0.5), 0) and fewer[2] == pytest.approx(0.2)
    np.testing.assert_allclose(flow.schedule(3, 0.1, 0.2), [0.1, 0.1, 0.1, 0])
    np.testing.assert_allclose(flow.schedule(1, 1.0, 0.2), [1, 0])
    assert not flow.schedule(3, 0.0, 0.2).any()
