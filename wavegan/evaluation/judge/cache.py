"""The embedding of a data set, made once and kept in its folder as `embedding-<hash>.npz`.

The hash is that of all clips. With it is kept what the embedding makes of the recordings.
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
from wavegan.runs.checkpoint import BROKEN

FORMAT = 1  # counted up whenever something else would come of the same clips


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
            return Embedding(info, front, key, _read(path))
        except BROKEN as problem:
            warn(f"warning: {path} is damaged ({problem}); it is made again")
    arrays = learned(directory, info, front, key)
    buffer = io.BytesIO()
    np.savez(buffer, **dict[str, Any](arrays))
    try:
        files.write_whole(path, buffer.getvalue())
    except OSError as problem:
        warn(f"note: {path} cannot be written ({problem.strerror}); it will be made again the next time")
    return Embedding(info, front, key, arrays)


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


def _read(path: Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
