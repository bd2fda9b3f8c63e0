"""Arrays that the tests of the scores share."""

import numpy as np


def one_hot(labels, classes):
    return np.eye(classes)[np.asarray(labels)]


def predictions(n, classes, seed=0, sharpness=2.0):
    """Probabilities as a classifier gives them, float32 [n, classes]."""
    powers = np.exp(sharpness * np.random.default_rng(seed).normal(size=(n, classes)))
    return (powers / powers.sum(axis=1, keepdims=True)).astype("float32")


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def with_moments(mean, root, n, seed=0):
    """Samples [n, d] with exactly this mean and the unbiased covariance root·rootᵀ."""
    samples = normal(n, len(mean), seed)
    samples = np.linalg.qr(samples - samples.mean(axis=0))[0] * np.sqrt(n - 1)  # mean 0, covariance 1
    return samples @ np.transpose(root) + mean


def modes(per_mode, count=10, d=6, seed=0, spread=0.05, kept=None):
    """`count` far-apart modes of `per_mode` points each, or the first `kept` of them."""
    rng = np.random.default_rng(seed)
    centres = 10 * np.random.default_rng(99).normal(size=(count, d))[:kept]
    return np.concatenate([centre + spread * rng.normal(size=(per_mode, d)) for centre in centres])
