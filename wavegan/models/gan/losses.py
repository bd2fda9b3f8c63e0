"""The losses of a GAN and the penalties on its critic's gradients: pure functions of tensors, and a table of them.

Scores are [batch, 1], any real numbers, higher for what is more like the recordings. Where a loss compares a recording
with a generated clip, both stand in the same row. Every function returns a scalar.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keras import ops

from wavegan.backend.autodiff import Tensor

EPSILON = 1e-12  # keeps the gradient of the square root finite where the critic is flat


def wasserstein_distance(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The critic's estimate of the distance between real and generated: mean score of reals less that of fakes.

    >>> float(wasserstein_distance(ops.array([[3.0], [1.0]]), ops.array([[0.5], [-0.5]])))
    2.0
    """
    return ops.mean(real_scores) - ops.mean(fake_scores)


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

    `gradients` is [batch, time, channels]. A linear critic with weights w has (‖w‖ - 1)². Source: Gulrajani et al.,
    "Improved Training of Wasserstein GANs", arXiv 1704.00028, section 4.

    >>> round(float(gradient_penalty(ops.full((2, 9, 1), 1.0))), 6)  # of norm 3
    4.0
    """
    norms = ops.sqrt(ops.sum(ops.square(gradients), axis=(1, 2)) + EPSILON)  # [batch]
    return ops.mean(ops.square(norms - 1.0))


def zero_centred_penalty(gradients: Tensor) -> Tensor:
    """Half the mean of ‖gradient‖₂² over the batch, for the critic's gradients at the clips themselves.

    `gradients` is [batch, time, channels]. Source: Mescheder et al., "Which Training Methods for GANs do actually
    Converge?", arXiv 1801.04406, section 4.1; times γ that is their R1 at recordings and R2 at generated clips.

    >>> round(float(zero_centred_penalty(ops.full((2, 9, 1), 1.0))), 6)  # of norm 3
    4.5
    """
    return ops.mean(ops.sum(ops.square(gradients), axis=(1, 2))) / 2.0


@dataclass(frozen=True)
class Loss:
    """A pair of losses and what goes with it.

    Attributes:
        critic: (scores of recordings, scores of generated clips) → what the critic minimises, without a penalty.
        generator: (the same) → what the generator minimises.
        penalised: where the slope of the critic is penalised: at points "between" by `gradient_penalty`; at
            "recordings", or at "both" kinds of clips, by `zero_centred_penalty`; or nowhere, "".
        betas: Adam's.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    penalised: str
    betas: tuple[float, float]

    @property
    def normalised(self) -> bool:
        """Whether critics get audio divided by the recordings' RMS: one weight of the penalty serves all data then."""
        return self.penalised in ("recordings", "both")


def _wasserstein(real: Tensor, fake: Tensor) -> Tensor:
    return -wasserstein_distance(real, fake)


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


def _least_squares(real: Tensor, fake: Tensor) -> Tensor:
    return (ops.mean(ops.square(real - 1.0)) + ops.mean(ops.square(fake))) / 2.0


# Adam's betas: those of arXiv 1802.04208, table 2; of arXiv 2501.05441, appendix; and of arXiv 1511.06434, section 4.
LOSSES: dict[str, Loss] = {
    # Gulrajani et al., arXiv 1704.00028, algorithm 1
    "wgan-gp": Loss(_wasserstein, lambda real, fake: -ops.mean(fake), "between", (0.5, 0.9)),
    # Goodfellow et al., arXiv 1406.2661, section 3, with R1
    "non-saturating": Loss(_cross_entropy, lambda real, fake: ops.mean(ops.softplus(-fake)), "recordings", (0.0, 0.99)),
    # Jolicoeur-Martineau, arXiv 1807.00734, section 4, with R1 and R2 as in Huang et al., arXiv 2501.05441, section 2
    "relativistic": Loss(
        lambda real, fake: ops.mean(ops.softplus(fake - real)),
        lambda real, fake: ops.mean(ops.softplus(real - fake)),
        "both",
        (0.0, 0.99),
    ),
    # Mao et al., arXiv 1611.04076, equation 9
    "lsgan": Loss(_least_squares, lambda real, fake: ops.mean(ops.square(fake - 1.0)) / 2.0, "", (0.5, 0.999)),
    # Radford et al., arXiv 1511.06434, with the loss of Goodfellow et al.
    "dcgan": Loss(_cross_entropy, lambda real, fake: ops.mean(ops.softplus(-fake)), "", (0.5, 0.999)),
}
