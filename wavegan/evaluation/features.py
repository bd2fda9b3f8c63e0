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
        log_mel: [n or fewer, frames × bins], of the first clips; None where no log-mel distances are taken.
        copy_features: [n, d], by which copies are found; None where no log-mel distances are taken.
        embeddings: [n, width].
        probabilities: [n, classes]; None without classes.
    """

    log_mel: np.ndarray | None
    copy_features: np.ndarray | None
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
    columns = zip(*((p.log_mel, p.copy_features, p.embeddings, p.probabilities) for p in parts), strict=True)
    return Features(*(None if column[0] is None else np.concatenate(column) for column in columns))
