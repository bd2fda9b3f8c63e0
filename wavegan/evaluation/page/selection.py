"""Which clips the page plays: generated ones, recordings beside them, and pairs that are near to each other."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from wavegan.data.batches import clips
from wavegan.evaluation.features import Features
from wavegan.evaluation.memorised import Nearest
from wavegan.evaluation.page.cards import Clip
from wavegan.evaluation.protocol import Evaluation

SHOWN, PAIRS = 60, 12  # generated clips, and pairs of a generated clip and the recording nearest to it
FEWEST = 8  # generated clips, however long
SAMPLES = 3_000_000  # of all clips but the pairs and the first eight: 8 MB of page


def selected(
    evaluation: Evaluation,
    features: Features,
    synthesize: Callable[[np.ndarray], np.ndarray],
    nearest: Nearest,
    asked: Sequence[str] | None = None,
) -> tuple[list[Clip], list[Clip], list[tuple[Clip, Clip]]]:
    """Generated clips, recordings, and the pairs (generated, recording) that are nearest to each other.

    Args:
        evaluation: of which recordings.
        features: of all generated clips.
        synthesize: indices of generated clips → their audio [any, time, channels].
        nearest: the training clips they come nearest to.
        asked: the class that was asked for, of each; None for an unconditional model. Then they come in its order, of
            every class about as many.
    """
    info = evaluation.info
    shown = max(FEWEST, min(SHOWN, SAMPLES // 2 // (info.length * info.channels)))
    chosen = np.arange(min(shown, evaluation.n)) if asked is None else _of_all(np.array(asked), shown)
    generated = _generated(evaluation, features, synthesize, nearest, chosen, asked)
    real = _real(evaluation, _recordings_of_all_classes(evaluation, shown // 2))
    closest = np.argsort(nearest.distances, kind="stable")[:PAIRS]
    copies = _generated(evaluation, features, synthesize, nearest, closest, asked)
    return generated, real, list(zip(copies, _real(evaluation, nearest.indices[closest]), strict=True))


def _recordings_of_all_classes(evaluation: Evaluation, count: int) -> np.ndarray:
    """Indices of `count` training clips, of every class about as many."""
    drawn = np.random.default_rng((evaluation.seed, 5)).permutation(len(evaluation.train))
    probabilities = evaluation.embedding.real["train"].probabilities
    if probabilities is None:
        return drawn[:count]
    return drawn[_of_all(probabilities[drawn].argmax(axis=1), count)]


def _of_all(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of the first clips of every class, of each about as many, `count` in all; sorted by class."""
    rank = np.zeros(len(labels), int)  # of each clip within its class
    for label in np.unique(labels):
        rank[labels == label] = np.arange(np.sum(labels == label))
    chosen = np.argsort(rank, kind="stable")[:count]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def _generated(
    evaluation: Evaluation,
    features: Features,
    synthesize: Callable[[np.ndarray], np.ndarray],
    nearest: Nearest,
    chosen: np.ndarray,
    asked: Sequence[str] | None,
) -> list[Clip]:
    """The `Clip`s of the generated ones with the indices `chosen`."""
    digits = max(3, len(str(evaluation.n - 1)))
    found = []
    for index, audio in zip(chosen, synthesize(chosen), strict=True):
        label, confidence = None, None
        if features.probabilities is not None:
            probabilities = features.probabilities[index]
            label, confidence = evaluation.embedding.classes[probabilities.argmax()], float(probabilities.max())
        wanted = None if asked is None else asked[index]
        found.append(Clip(f"{index:0{digits}d}", audio, label, confidence, float(nearest.distances[index]), wanted))
    return found


def _real(evaluation: Evaluation, indices: np.ndarray) -> list[Clip]:
    """The `Clip`s of the training clips with these indices."""
    info = evaluation.info
    found = clips(evaluation.train, info, indices)
    named = zip(found["audio"], found["label"], found["source"], strict=True)
    return [Clip(os.fsdecode(source), audio, info.classes[label]) for audio, label, source in named]
