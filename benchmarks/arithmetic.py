"""How many operations the networks need when nothing is wasted: kernels as long as configured, no padding counted."""

import math
from typing import NamedTuple

from wavegan.models.diffusion.build import optimizer
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.diffusion.frames import Frames
from wavegan.models.diffusion.muon import ITERATIONS
from wavegan.models.diffusion.networks import ATTENTION, KERNEL, STRIDE, levels
from wavegan.models.diffusion.sampler import network
from wavegan.models.gan import spectrogram
from wavegan.models.gan.losses import LOSSES
from wavegan.models.gan.networks import BAND_CHANNELS, BAND_TAPS, LAST_FRAMES, SEED_LENGTH, strides_for


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


def spectral_flop(config):
    """FLOP of one clip through the spectral critic; its Fourier transforms are not counted."""
    if not config.model.spectral_window:
        return 0
    frames, width = spectrogram.shape(config.data.length, config.data.channels, config.model.spectral_window)
    found = 0
    while not found or frames > LAST_FRAMES:
        frames = -(-frames // 2)
        found += 2 * frames * BAND_TAPS * width * BAND_CHANNELS
        width = BAND_CHANNELS
    return found


def flow_flop(config):
    """FLOP of one clip through the network of flow matching, but for what it is told, which is little."""
    frames, bands = Frames.of(config.data.clip).shape
    found = 2 * 2 * frames * bands * config.model.width  # into it and out of it
    for level, time in enumerate(levels(frames)):
        width = config.model.width * 2**level
        convolutions = config.model.blocks * 2 * 2 * time * KERNEL * width**2
        attention = (2 * time * 4 * width**2 + 4 * time**2 * width) * (time <= ATTENTION)
        across = 2 * time * (STRIDE * width // 2) * width * (level > 0)  # from the level before, or to it
        found += 2 * (convolutions + attention + across)  # on the way in and on the way out
    return found


def muon_flop(config):
    """FLOP of one step of all hidden kernels, see `diffusion.muon.orthogonal`, whose first factor takes no product."""
    found, made = 0, optimizer(0.0)
    for kernel in network(config.model, config.data.clip, "float32").trainable_variables:
        if not made.by_adam(kernel):
            columns = kernel.shape[-1]
            small, large = sorted((math.prod(kernel.shape) // columns, columns))
            found += 2 * (2 * small**2 * large + (4 * ITERATIONS - 3) * small**3)
    return found


def step_flop(config):
    """FLOP of one step, in forward passes of a clip: of flow matching 1 forward and 2 backward, and Muon. Of a WaveGAN:

    An update of a critic takes 2 forward and 2 + 2 backward for fakes and reals, and 4 for the penalty of one kind of
    clips (forward, the input gradient, and the two products of the gradient of that; leaky ReLU has no second
    derivative, so nothing flows on); the generator takes 1 for the fakes. The generator's update takes 1 forward and 1
    backward of a critic, one more where recordings are compared with, and 1 + 2 of the generator.
    """
    if config.family == DIFFUSION.name:
        return 3 * config.training.batch_size * flow_flop(config) + muon_flop(config)
    model, loss = config.model, LOSSES[config.model.loss]
    penalty = {"": 0, "between": 4, "recordings": 4, "both": 8}[loss.penalised] / model.penalty_every
    critic = model.critic_updates * (6 + penalty) + 2 + (model.loss == "relativistic")
    generator = model.critic_updates + 3
    of_clip = critic * (forward_flop(config) + spectral_flop(config)) + generator * forward_flop(config)
    return round(config.training.batch_size * of_clip)
