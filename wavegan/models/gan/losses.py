"""The losses of a Wasserstein GAN with gradient penalty: pure functions of tensors.

Source: Gulrajani et al., "Improved Training of Wasserstein GANs", arXiv 1704.00028, section 4.
"""

from keras import ops

from wavegan.backend.autodiff import Tensor

EPSILON = 1e-12  # keeps the gradient of the square root finite where the critic is flat


def wasserstein_distance(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The critic's estimate of the distance between real and generated: mean score of reals less that of fakes.

    Both arguments are [batch, 1], any real numbers. Returns a scalar; the critic maximises it.

    >>> float(wasserstein_distance(ops.array([[3.0], [1.0]]), ops.array([[0.5], [-0.5]])))
    2.0
    """
    return ops.mean(real_scores) - ops.mean(fake_scores)


def generator_loss(fake_scores: Tensor) -> Tensor:
    """The generator's loss, minus the mean score of its fakes. `fake_scores` is [batch, 1]; returns a scalar."""
    return -ops.mean(fake_scores)


def interpolate(real: Tensor, fake: Tensor, weights: Tensor) -> Tensor:
    """Points on the lines between real and fake clips, where the gradient penalty is measured.

    Args:
        real, fake: [batch, time, channels].
        weights: [batch, 1, 1], uniform in [0, 1], one per example: 0 gives the real clip, 1 the fake one.

    Returns [batch, time, channels].
    """
    return real + weights * (fake - real)


def gradient_penalty(gradients: Tensor) -> Tensor:
    """Mean of (‖gradient‖₂ - 1)² over the batch, for the critic's gradients at the interpolated clips.

    `gradients` is [batch, time, channels]; returns a scalar. A linear critic with weights w has (‖w‖ - 1)².

    >>> round(float(gradient_penalty(ops.full((2, 9, 1), 1.0))), 6)  # of norm 3
    4.0
    """
    norms = ops.sqrt(ops.sum(ops.square(gradients), axis=(1, 2)) + EPSILON)  # [batch]
    return ops.mean(ops.square(norms - 1.0))
