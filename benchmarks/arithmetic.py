"""How many operations the networks need when nothing is wasted: kernels as long as configured, no padding counted."""

from wavegan.models import SEED_LENGTH, strides_for


def forward_flop(config):
    """FLOP of one clip through the generator (the critic mirrors it): two for each multiply-accumulate."""
    strides = strides_for(config.length)
    time, width = SEED_LENGTH, config.model_dim * 2 ** (len(strides) - 1)
    products = config.latent_size * time * width
    for depth, stride in enumerate(strides):
        narrower = config.channels if depth == len(strides) - 1 else width // 2
        products += time * config.kernel_length * width * narrower
        time, width = time * stride, width // 2
    return 2 * products


def step_flop(config):
    """FLOP of one step, in forward passes of a clip:

    A critic update takes 1 for the fakes, 2 forward and 2 + 2 backward for fakes and reals, and 4 for the penalty
    (forward, the input gradient, and the two products of the gradient of that; leaky ReLU has no second derivative, so
    nothing flows on): 11. The generator's update takes 1 + 1 forward, and 1 + 1 + 1 backward: 5.
    """
    return config.batch_size * (11 * config.critic_updates + 5) * forward_flop(config)
