import keras
import numpy as np
import pytest
import tensorflow as tf

from wavegan.backend import autodiff
from wavegan.models.gan import losses


def test_wasserstein_distance_is_the_difference_of_the_mean_scores():
    real, fake = np.array([[3.0], [5.0]], "float32"), np.array([[1.0], [2.0]], "float32")
    assert float(losses.wasserstein_distance(real, fake)) == 2.5
    assert float(losses.LOSSES["wgan-gp"].generator(real, fake)) == -1.5


def test_interpolation_runs_from_real_to_fake_one_weight_per_example():
    real, fake = np.zeros((3, 4, 1), "float32"), np.ones((3, 4, 1), "float32")
    weights = np.array([0.0, 0.25, 1.0], "float32").reshape(3, 1, 1)
    between = np.asarray(losses.interpolate(real, fake, weights))
    np.testing.assert_array_equal(between[:, :, 0], np.repeat([[0.0], [0.25], [1.0]], 4, axis=1))


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_a_linear_critics_penalty_is_its_norm_less_one_squared(norm):
    w = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    w *= norm / np.linalg.norm(w)
    x = tf.random.normal((5, 8, 2), seed=1)
    gradients = autodiff.input_gradient(lambda x: tf.einsum("btc,tc->b", x, w), x)
    assert float(losses.gradient_penalty(gradients)) == pytest.approx((norm - 1) ** 2, abs=1e-5)


def test_the_penalty_of_a_flat_critic_has_a_finite_gradient():
    """The WGAN-GP example of keras.io takes a bare square root, whose gradient at 0 is NaN."""
    w = keras.Variable(np.zeros((8, 1), "float32"))
    x = tf.random.normal((5, 8, 1), seed=1)

    def loss():
        gradients = autodiff.input_gradient(lambda x: tf.einsum("btc,tc->b", x, w.value), x)
        return losses.gradient_penalty(gradients), {}

    value, _, (gradient,) = autodiff.value_and_gradients(loss, [w], [w])
    assert float(value) == pytest.approx(1.0, abs=1e-5)
    assert np.all(np.isfinite(gradient))
