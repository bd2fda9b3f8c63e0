"""From latents to audio: what generating and everything that judges a generator share. Needs keras and numpy alone."""

import numpy as np
from keras import ops

from wavegan.backend import autodiff

SAMPLES_AT_ONCE = 2**20  # of all clips computed at once, where nothing else is asked for


def synthesizer(generator, batch_size=None):
    """A function: latents [n, latent_size], n at least 1 → audio float32 [n, time, channels]. It is compiled once.

    A latent's audio is the same to the last bit whatever others are computed with it, and how many, as long as the
    batch size is the same: how a matrix product is summed up depends on its shape alone. Weights that change between
    two calls count.

    Args:
        generator: a model that makes audio [batch, time, channels] of latents.
        batch_size: clips computed at once; the last batch is filled up with zeros. Memory grows with it. When None,
            what makes about a million samples.
    """
    forward = autodiff.compiled(generator)
    size = batch_size or max(1, SAMPLES_AT_ONCE // generator.output_shape[1])

    def synthesized(latents):
        padded = np.concatenate([latents, np.zeros((-len(latents) % size, latents.shape[1]), "float32")])
        audio, underway = [], None
        for batch in padded.reshape(-1, size, latents.shape[1]):
            ahead = forward(batch)  # a GPU computes this one while the one before is copied
            if underway is not None:
                audio.append(ops.convert_to_numpy(underway))
            underway = ahead
        return np.concatenate([*audio, ops.convert_to_numpy(underway)])[: len(latents)]

    return synthesized
