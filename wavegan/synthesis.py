"""From latents to audio: what generating and everything that judges a generator share. Needs keras and numpy alone."""

import numpy as np
from keras import ops

from wavegan import autodiff

SAMPLES_AT_ONCE = 2**20  # of all clips computed at once, where nothing else is asked for


def sample_latents(n, latent_size, seed=None):
    """`n` latents, uniform in [-1, 1]: float32 [n, latent_size]. A seed's first ones are the same for every `n`."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, latent_size)).astype("float32")


def synthesize(generator, latents, batch_size=None):
    """Audio float32 [n, time, channels] of `latents` [n, latent_size], n at least 1.

    Args:
        generator: a model that makes audio [batch, time, channels] of latents.
        latents: float32 [n, latent_size].
        batch_size: clips computed at once, at most; memory grows with it. About a million samples when None.
    """
    return in_batches(autodiff.compiled(generator), latents, batch_size, generator.output_shape[1])


def in_batches(forward, latents, batch_size, length):
    """As `synthesize`, for a compiled generator of clips of `length` samples."""
    at_most = batch_size or max(1, SAMPLES_AT_ONCE // length)
    size = -(-len(latents) // -(-len(latents) // at_most))  # batches of one size: each size is compiled anew
    padded = np.concatenate([latents, np.zeros((-len(latents) % size, latents.shape[1]), "float32")])
    audio, underway = [], None
    for batch in padded.reshape(-1, size, latents.shape[1]):
        ahead = forward(batch)  # a GPU computes this one while the one before is copied
        if underway is not None:
            audio.append(ops.convert_to_numpy(underway))
        underway = ahead
    return np.concatenate([*audio, ops.convert_to_numpy(underway)])[: len(latents)]
