"""The distribution that latents are drawn from."""

import numpy as np


def sample_latents(n, latent_size, seed=None):
    """`n` latents, uniform in [-1, 1]: float32 [n, latent_size]. A seed's first ones are the same for every `n`."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, latent_size)).astype("float32")
