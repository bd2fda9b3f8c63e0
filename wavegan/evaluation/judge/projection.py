"""A random projection of log-mel statistics: the embedding of a data set that has nothing to classify."""

from collections.abc import Callable, Mapping

import numpy as np

from wavegan.evaluation.judge.classifier import EMBEDDING, standard

GRID = (16, 32)  # frames and bins to which a spectrogram is averaged, at most


def fit(spectrograms: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a projection of clips like `spectrograms`, log-mel [n, frames, bins]; always the same matrix."""
    averages = averaged(spectrograms)
    random = np.random.default_rng(0)
    matrix = random.normal(size=(averages.shape[1], EMBEDDING)) / np.sqrt(averages.shape[1])
    return {**standard(averages), "matrix": matrix.astype("float32")}


def forward(arrays: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The projection with these arrays, a function: log-mel [n, frames, bins] → embeddings [n, 64]."""

    def project(spectrograms: np.ndarray) -> np.ndarray:
        return (averaged(spectrograms) - arrays["mean"]) / arrays["deviation"] @ arrays["matrix"]

    return project


def averaged(spectrograms: np.ndarray) -> np.ndarray:
    """Spectrograms [n, frames, bins] as means over a coarse grid: [n, at most 16 × 32]."""
    for axis, most in enumerate(GRID, start=1):
        parts = np.array_split(spectrograms, min(most, spectrograms.shape[axis]), axis=axis)
        spectrograms = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return spectrograms.reshape(len(spectrograms), -1)
