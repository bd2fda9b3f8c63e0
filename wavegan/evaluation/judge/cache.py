"""The embedding of a data set, made once and kept in its folder as `embedding-<hash>.npz`.

The hash is that of all clips. With it is kept what the embedding makes of the recordings, and so it is known whether
what is loaded is what was kept: another setting of Keras can make another network of the same weights.
"""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.audio.mel import LogMel
from wavegan.base import files
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge.embedding import Embedding, learned
from wavegan.evaluation.judge.faults import fault
from wavegan.evaluation.judge.recordings import real_clips
from wavegan.runs.checkpoint import BROKEN

FORMAT = 4  # counted up whenever something else would come of the same clips
TRIED = 16  # training clips whose embeddings are computed again when a cache is loaded
# The difference that may be, as a share of the embeddings' spread, and of the probabilities. Processors and backends
# differ by less than a thousandth in float32, the shorter numbers of some GPUs by a hundredth, other networks by 1.
FAR = 0.05


def embedding_of(directory: str | os.PathLike[str], info: DatasetInfo, warn: Callable[[str], object]) -> Embedding:
    """The `Embedding` of the data set in `directory`: from its cache, or made and cached now, with a progress bar.

    Args:
        directory: the data set.
        info: its `DatasetInfo`.
        warn: called with a line when the cache is damaged or cannot be written.

    A data set with two classes and more gets a classifier, any other one a random projection.
    Raises UserError where a shard is missing or damaged.
    """
    front = LogMel(info.sample_rate, info.length)
    key = content_hash(directory, info)
    path = Path(directory) / f"embedding-{key}.npz"
    if path.exists():
        try:
            return _loaded(path, directory, info, front, key)
        except BROKEN as problem:
            warn(f"warning: {path} is damaged ({problem}); it is made again")
    elif older := sorted(Path(directory).glob("embedding-*.npz")):
        warn(
            f"note: {older[0]} is of an earlier version or of other recordings: a new one is made, and scores by that "
            "do not compare with scores by this"
        )
    arrays = learned(directory, info, front, key, warn)
    buffer = io.BytesIO()
    np.savez(buffer, **dict[str, Any](arrays))
    try:
        files.write_whole(path, buffer.getvalue())
    except OSError as problem:
        warn(f"note: {path} cannot be written ({problem.strerror}); it will be made again the next time")
    return Embedding(info, front, key, arrays)


def _loaded(path: Path, directory: str | os.PathLike[str], info: DatasetInfo, front: LogMel, key: str) -> Embedding:
    """The embedding that is kept at `path`. Raises one of `BROKEN` where it is not whole, or not what it was."""
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    embedding = Embedding(info, front, key, arrays)
    if embedding.classes and (wrong := fault(arrays)):
        raise ValueError(wrong)
    kept = embedding.real["train"]
    some = np.arange(min(TRIED, len(kept.embeddings)))
    audio = np.concatenate([block["audio"] for block in real_clips(Records(directory, info), info, some)])
    embeddings, probabilities = embedding(front(audio))
    spread = np.sqrt(kept.embeddings.var(axis=0).mean())
    alike = np.sqrt(np.mean((embeddings - kept.embeddings[some]) ** 2)) <= FAR * spread
    if probabilities is not None and kept.probabilities is not None:
        alike = alike and np.abs(probabilities - kept.probabilities[some]).mean(axis=0).sum() <= FAR
    if not alike:  # nor where something is not finite
        raise ValueError("it does not make of the recordings what it made of them when it was kept")
    return embedding


def content_hash(directory: str | os.PathLike[str], info: DatasetInfo) -> str:
    """16 hex digits of the contents of all shards; hashes the files only where dataset.json does not know."""
    digest = hashlib.sha256(f"{FORMAT}".encode())
    for name, split in info.splits.items():
        if split["clips"]:
            Records(directory, info, name)  # says in words what is missing or damaged
        for file in split["files"]:
            if "sha256" in file:
                digest.update(bytes.fromhex(file["sha256"]))
                continue
            with open(Path(directory) / file["name"], "rb") as shard:
                digest.update(hashlib.file_digest(shard, "sha256").digest())
    return digest.hexdigest()[:16]
