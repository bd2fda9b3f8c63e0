"""What sounds are compared by: a classifier of the data set's own, or statistics where there is nothing to classify.

It is made once of the training clips and kept in the data set's folder as `embedding-<hash>.npz`, the hash being that
of all clips, together with what it makes of the real ones.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from wavegan.audio.mel import LogMel
from wavegan.backend import autodiff
from wavegan.base import files
from wavegan.base.progress import Progress
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import classifier
from wavegan.runs.checkpoint import BROKEN

FORMAT = 1  # counted up whenever something else would come of the same clips
AT_ONCE = 64  # clips in a batch
MOST = 5 << 25  # values of the spectrograms that are learned from, 640 MiB
SAMPLES = 1 << 22  # of real clips in a block
MOST_STANDARD = 4096  # clips whose mean and standard deviation standardise
GRID = (16, 32)  # frames and bins to which the projection averages a spectrogram, at most
CLASSIFIER, PROJECTION = "own classifier", "random projection of log-mel statistics"


@dataclass(frozen=True)
class Real:
    """Real clips of a split: embeddings [n, width] and probabilities [n, classes], None without classes."""

    embeddings: np.ndarray
    probabilities: np.ndarray | None


class Embedding:
    """From log-mel spectrograms to embeddings and, where there are classes, their probabilities.

    Attributes:
        name, short_name: what it is, as it stands beside every score.
        classes: their names; empty where nothing is classified.
        test_accuracy: the share of held-out clips whose class is told right; None where there is none to try.
        content_hash: of the clips it was made of.
        fingerprint: of what it became; other machines learn another classifier of the same clips.
        front: the `LogMel` whose spectrograms it takes.
        real: the `Real` clips of "train" and, where some are held out, "test", in the order of the records.
    """

    def __init__(self, info: DatasetInfo, front: LogMel, content_hash: str, arrays: Mapping[str, np.ndarray]) -> None:
        self.front, self.content_hash = front, content_hash
        digest = hashlib.sha256()
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        self.fingerprint = digest.hexdigest()[:8]
        self.classes = tuple(info.classes) if "accuracy" in arrays else ()
        self.name = CLASSIFIER if self.classes else PROJECTION
        self.short_name = self.name.split(" of ")[0]
        accuracy = float(arrays.get("accuracy", np.nan))
        self.test_accuracy = None if np.isnan(accuracy) else accuracy
        self._forward = self._network(arrays) if self.classes else _projection(arrays)
        self.real = {
            split: Real(arrays[f"{split}/embeddings"], arrays.get(f"{split}/probabilities"))
            for split in ("train", "test")
            if f"{split}/embeddings" in arrays
        }

    def _network(self, arrays: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], Any]:
        network = classifier.build(self.front.shape, len(self.classes), arrays["mean"], arrays["deviation"])
        network.set_weights([array for name, array in sorted(arrays.items()) if name.startswith("weights/")])
        return autodiff.compiled(network)

    def __call__(self, spectrograms: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Embeddings [n, width] and probabilities [n, classes] (None without classes) of [n, frames, bins]."""
        parts = []
        for first in range(0, len(spectrograms), AT_ONCE):
            batch = spectrograms[first : first + AT_ONCE]
            rest = np.zeros((AT_ONCE - len(batch), *batch.shape[1:]), "float32")  # each size would be compiled anew
            made = keras.ops.convert_to_numpy(self._forward(np.concatenate([batch, rest])))
            parts.append(made[: len(batch)].astype("float64"))
        made = np.concatenate(parts)
        if not self.classes:
            return made, None
        logits = made[:, classifier.EMBEDDING :]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return made[:, : classifier.EMBEDDING], powers / powers.sum(axis=1, keepdims=True)


def embedding_of(directory: str | os.PathLike[str], info: DatasetInfo, warn: Callable[[str], object]) -> Embedding:
    """The `Embedding` of the data set in `directory`: from its cache, or made and cached now, with a progress bar.

    Args:
        directory: the data set.
        info: its `DatasetInfo`.
        warn: called with a line when the cache is damaged or cannot be written.

    A data set with two classes and more gets a classifier, any other one a random projection.
    """
    front = LogMel(info.sample_rate, info.length)
    content_hash = _content_hash(directory, info)
    path = Path(directory) / f"embedding-{content_hash}.npz"
    if path.exists():
        try:
            return Embedding(info, front, content_hash, _read(path))
        except BROKEN as problem:
            warn(f"warning: {path} is damaged ({problem}); it is made again")
    arrays = _made(directory, info, front, content_hash)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    try:
        files.write_whole(path, buffer.getvalue())
    except OSError as problem:
        warn(f"note: {path} cannot be written ({problem.strerror}); it will be made again the next time")
    return Embedding(info, front, content_hash, arrays)


def real_audio(records: Records, info: DatasetInfo, indices: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """The clips of `records` at `indices` (all when None) in blocks [n, time, channels], 4 million samples at most."""
    return (block["audio"] for block in _blocks(records, info, indices))


def _blocks(records: Records, info: DatasetInfo, indices: np.ndarray | None = None) -> Iterator[dict[str, np.ndarray]]:
    indices = np.arange(len(records)) if indices is None else indices
    at_once = max(1, SAMPLES // (info.length * info.channels))
    return (clips(records, info, indices[first : first + at_once]) for first in range(0, len(indices), at_once))


def _content_hash(directory, info):
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


def _read(path):
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _made(directory, info, front, content_hash):
    """All that an `Embedding` is made of, {name: array}."""
    splits = {"train": "train", "test": held_out(info)}
    # Opened once: every map of the files counts as memory.
    records = {name: Records(directory, info, split) for name, split in splits.items() if split}
    train = records["train"]
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[: MOST // int(np.prod(front.shape))])
    spectrograms, labels = np.empty((len(chosen), *front.shape), "float32"), np.empty(len(chosen), int)
    done = 0
    for block in _blocks(train, info, chosen):
        these = slice(done, done := done + len(block["label"]))
        spectrograms[these], labels[these] = front(block["audio"]), block["label"]
    if len(np.unique(labels)) > 1:
        arrays = _trained(front, spectrograms, labels, len(info.classes))
    else:
        arrays = _projected(spectrograms)
    del spectrograms
    embedding = Embedding(info, front, content_hash, arrays)
    for name, those in records.items():
        arrays |= {f"{name}/{key}": value for key, value in _embedded(those, info, embedding).items()}
    if "test/labels" in arrays and "accuracy" in arrays:
        arrays["accuracy"] = np.mean(arrays["test/probabilities"].argmax(axis=1) == arrays["test/labels"])
    return arrays


def held_out(info: DatasetInfo) -> str | None:
    """The split that stands for the recordings a generator has not seen: "test", "validation", or None."""
    return next((split for split in ("test", "validation") if info.splits[split]["clips"]), None)


def _embedded(records: Records, info: DatasetInfo, embedding: Embedding) -> dict[str, np.ndarray]:
    made, labels = [], []
    for block in _blocks(records, info):
        made.append(embedding(embedding.front(block["audio"])))
        labels.append(block["label"])
    embeddings, probabilities = zip(*made, strict=True)
    arrays = {"embeddings": np.concatenate(embeddings), "labels": np.concatenate(labels)}
    return arrays if probabilities[0] is None else {**arrays, "probabilities": np.concatenate(probabilities)}


def _standard(values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and standard deviation of `values` [n, ..., d] over all but the last axis, the latter never near 0.

    Of 4,096 of them at most, evenly spaced: NumPy makes a copy for it.
    """
    axes, some = tuple(range(values.ndim - 1)), values[:: -(-len(values) // MOST_STANDARD)]
    return {"mean": some.mean(axis=axes), "deviation": some.std(axis=axes) + 1e-3}


def _trained(front: LogMel, spectrograms: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    standard = _standard(spectrograms)
    network = classifier.build(front.shape, classes, **standard)
    progress = Progress(classifier.passes(len(spectrograms)), "classifier, once for this data set", "clips")
    try:
        classifier.train(network, spectrograms, labels, progress.update)
    finally:
        progress.close()
    weights = {f"weights/{number:03d}": array for number, array in enumerate(network.get_weights())}
    return {**standard, **weights, "accuracy": np.array(np.nan)}


def _projected(spectrograms: np.ndarray) -> dict[str, np.ndarray]:
    averages = _averaged(spectrograms)
    random = np.random.default_rng(0)
    matrix = random.normal(size=(averages.shape[1], classifier.EMBEDDING)) / np.sqrt(averages.shape[1])
    return {**_standard(averages), "matrix": matrix.astype("float32")}


def _projection(arrays: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    def forward(spectrograms: np.ndarray) -> np.ndarray:
        return (_averaged(spectrograms) - arrays["mean"]) / arrays["deviation"] @ arrays["matrix"]

    return forward


def _averaged(spectrograms: np.ndarray) -> np.ndarray:
    """Spectrograms [n, frames, bins] as means over a coarse grid: [n, at most 16 × 32]."""
    for axis, most in enumerate(GRID, start=1):
        parts = np.array_split(spectrograms, min(most, spectrograms.shape[axis]), axis=axis)
        spectrograms = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return spectrograms.reshape(len(spectrograms), -1)
