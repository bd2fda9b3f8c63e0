"""The recordings of a data set, read block by block, and what an embedding makes of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo

SAMPLES = 1 << 22  # of real clips in a block


@dataclass(frozen=True)
class Real:
    """Real clips of a split: embeddings [n, width] and probabilities [n, classes], None without classes."""

    embeddings: np.ndarray
    probabilities: np.ndarray | None


def held_out(info: DatasetInfo) -> str | None:
    """The split that stands for the recordings a generator has not seen: "test", "validation", or None."""
    return next((split for split in ("test", "validation") if info.splits[split]["clips"]), None)


def real_audio(records: Records, info: DatasetInfo, indices: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """The clips of `records` at `indices` (all when None) in blocks [n, time, channels], 4 million samples at most."""
    return (block["audio"] for block in real_clips(records, info, indices))


def real_clips(
    records: Records, info: DatasetInfo, indices: np.ndarray | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """As `real_audio`, with all that is known of the clips: {"audio", "label", …}."""
    indices = np.arange(len(records)) if indices is None else indices
    at_once = max(1, SAMPLES // (info.length * info.channels))
    return (clips(records, info, indices[first : first + at_once]) for first in range(0, len(indices), at_once))
