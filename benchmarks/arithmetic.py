"""How many operations the networks need when nothing is wasted: kernels as long as configured, no padding counted."""

from typing import NamedTuple

from wavegan.models.gan.networks import SEED_LENGTH, strides_for


def forward_flop(config):
    """FLOP of one clip through the generator (the critic mirrors it): two for each multiply-accumulate."""
    inner = convolutions(config)
    dense = config.model.latent_size * inner[0].steps * inner[0].wide
    return 2 * dense + sum(layer.flop for layer in inner)


class Convolution(NamedTuple):
    """A convolution of either network: `steps` × `wide` on its inner side, `steps * stride` × `narrow` on its outer."""

    steps: int
    stride: int
    wide: int
    narrow: int
    flop: int  # of one clip


def convolutions(config):
    """Those of the generator from the latent outwards, which are the critic's from the score outwards."""
    strides = strides_for(config.data.length)
    found, steps, wide = [], SEED_LENGTH, config.model.model_dim * 2 ** (len(strides) - 1)
    for depth, stride in enumerate(strides):
        narrow = config.data.channels if depth == len(strides) - 1 else wide // 2
        found.append(Convolution(steps, stride, wide, narrow, 2 * steps * config.model.kernel_length * wide * narrow))
        steps, wide = steps * stride, wide // 2
    return found


def step_flop(config):
    """FLOP of one step, in forward passes of a clip:

    A critic update takes 1 for the fakes, 2 forward and 2 + 2 backward for fakes and reals, and 4 for the penalty
    (forward, the input gradient, and the two products of the gradient of that; leaky ReLU has no second derivative, so
    nothing flows on): 11. The generator's update takes 1 + 1 forward, and 1 + 1 + 1 backward: 5.
    """
    return config.training.batch_size * (11 * config.model.critic_updates + 5) * forward_flop(config)
