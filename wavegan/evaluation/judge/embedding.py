"""What sounds are compared by: a classifier of the data set's own, or statistics where there is nothing to classify."""

import hashlib
import os
from collections.abc import Callable, Mapping

import keras
import numpy as np

from wavegan.audio.mel import LogMel
from wavegan.base.progress import Progress
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import classifier, projection
from wavegan.evaluation.judge.faults import fault
from wavegan.evaluation.judge.recordings import Real, held_out, real_clips

AT_ONCE = 64  # clips in a batch
MOST = 5 << 25  # values of the spectrograms that are learned from, 640 MiB
ATTEMPTS = 3  # at a classifier that knows the classes
CHECKED = 20, 256  # validation clips by which a training sees that it gains no more, at least and at most
CLASSIFIER, PROJECTION = "own classifier", "random projection of log-mel statistics"


class Embedding:
    """From log-mel spectrograms to embeddings and, where there are classes, their probabilities.

    Attributes:
        name, short_name: what it is, as it stands beside every score.
        classes: their names; empty where nothing is classified.
        test_accuracy: the share of held-out clips whose class is recognised; None where there is none to try.
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
        self._forward = (
            classifier.forward(front.shape, len(self.classes), arrays) if self.classes else projection.forward(arrays)
        )
        self.real = {
            split: Real(arrays[f"{split}/embeddings"], arrays.get(f"{split}/probabilities"))
            for split in ("train", "test")
            if f"{split}/embeddings" in arrays
        }

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


def learned(
    directory: str | os.PathLike[str],
    info: DatasetInfo,
    front: LogMel,
    content_hash: str,
    warn: Callable[[str], object],
) -> dict[str, np.ndarray]:
    """All that an `Embedding` of the data set in `directory` is made of, {name: array}.

    A classifier that is at fault is trained again, with other random numbers and a lower rate; a random projection
    takes its place where that does not help, either. `warn` is called with a line about that.
    """
    splits = {"train": "train", "test": held_out(info)}
    # Opened once: every map of the files counts as memory.
    records = {name: Records(directory, info, split) for name, split in splits.items() if split}
    train = records["train"]
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[: MOST // int(np.prod(front.shape))])
    spectrograms, labels = np.empty((len(chosen), *front.shape), "float32"), np.empty(len(chosen), int)
    done = 0
    for block in real_clips(train, info, chosen):
        these = slice(done, done := done + len(block["label"]))
        spectrograms[these], labels[these] = front(block["audio"]), block["label"]
    attempts = ATTEMPTS if len(np.unique(labels)) > 1 else 0
    check = _validation(directory, info, front) if attempts else None
    for attempt in range(attempts):
        arrays = classifier.fit(spectrograms, labels, len(info.classes), attempt, check)
        arrays |= _made_of(records, info, Embedding(info, front, content_hash, arrays))
        if (wrong := fault(arrays)) is None:
            return arrays
        again = "it is trained again in another way" if attempt + 1 < attempts else "no scores are taken by it"
        warn(f"note: the classifier of {directory} came to nothing: {wrong}; {again}")
    arrays = projection.fit(spectrograms)
    return arrays | _made_of(records, info, Embedding(info, front, content_hash, arrays))


def _validation(
    directory: str | os.PathLike[str], info: DatasetInfo, front: LogMel
) -> tuple[np.ndarray, np.ndarray] | None:
    """Log-mel and classes of validation clips; None where there are too few, or where they stand for test clips."""
    fewest, most = CHECKED
    if held_out(info) != "test" or info.splits["validation"]["clips"] < fewest:
        return None
    records = Records(directory, info, "validation")
    chosen = np.sort(np.random.default_rng(0).permutation(len(records))[:most])
    blocks = [(front(block["audio"]), block["label"]) for block in real_clips(records, info, chosen)]
    spectrograms, labels = zip(*blocks, strict=True)
    return np.concatenate(spectrograms), np.concatenate(labels)


def _made_of(records: Mapping[str, Records], info: DatasetInfo, embedding: Embedding) -> dict[str, np.ndarray]:
    """What `embedding` makes of the `records` of "train" and "test", and how often it knows the class of the latter."""
    arrays: dict[str, np.ndarray] = {}
    for name, those in records.items():
        arrays |= {f"{name}/{key}": value for key, value in _embedded(those, info, embedding).items()}
    if embedding.classes and "test/labels" in arrays:
        arrays["accuracy"] = np.asarray(np.mean(arrays["test/probabilities"].argmax(axis=1) == arrays["test/labels"]))
    return arrays


def _embedded(records: Records, info: DatasetInfo, embedding: Embedding) -> dict[str, np.ndarray]:
    made, labels = [], []
    with Progress(len(records), "recordings, once for this data set", "clips") as progress:
        for block in real_clips(records, info):
            made.append(embedding(embedding.front(block["audio"])))
            labels.append(block["label"])
            progress.update(len(block["label"]))
    embeddings, probabilities = zip(*made, strict=True)
    arrays = {"embeddings": np.concatenate(embeddings), "labels": np.concatenate(labels)}
    return arrays if probabilities[0] is None else {**arrays, "probabilities": np.concatenate(probabilities)}
