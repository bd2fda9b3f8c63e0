"""Clips as the scores need them: arrays of features, made block by block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavegan.evaluation.judge.embedding import Embedding
from wavegan.evaluation.memorised import copy_features, flattened


@dataclass(frozen=True)
class Features:
    """What is known of n clips.

    Attributes:
        log_mel: [n or fewer, frames × bins], of the first clips; without rows where no log-mel distances are taken.
        copy_features: [n, d], by which copies are found; without rows where no log-mel distances are taken.
        embeddings: [n, width].
        probabilities: [n, classes]; None without classes.
    """

    log_mel: np.ndarray
    copy_features: np.ndarray
    embeddings: np.ndarray
    probabilities: np.ndarray | None

    def with_log_mel_of(self, count: int) -> "Features":
        """The same, but for the log-mel of all but the first `count` clips: of long clips it is large."""
        return replace(self, log_mel=self.log_mel[:count].copy())


def features_of(audio: np.ndarray, embedding: Embedding) -> Features:
    """The `Features` of clips `audio` [n, time, channels] by the data set's `embedding`."""
    spectrograms = embedding.front(audio)
    return Features(flattened(spectrograms), copy_features(spectrograms), *embedding(spectrograms))


def joined(parts: Sequence[Features]) -> Features:
    """The `Features` of all clips of several, in their order."""
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return Features(
        np.concatenate([part.log_mel for part in parts]),
        np.concatenate([part.copy_features for part in parts]),
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate(probabilities) if probabilities else None,
    )
