"""Whether the sounds of a conditional model are of the classes that were asked for."""

from typing import Any

import numpy as np

from wavegan.evaluation import scores
from wavegan.evaluation.features import Features
from wavegan.evaluation.protocol import Evaluation

FEWEST = 50  # clips of a class, generated and of recordings, for a Fréchet distance of it


def asked_for(
    evaluation: Evaluation, features: Features, classes: np.ndarray | None, names: tuple[str, ...]
) -> dict[str, Any] | None:
    """What evaluation.json says of the classes asked for; None for an unconditional model, or without a classifier.

    Args:
        evaluation: what the clips are scored by.
        features: of the generated clips.
        classes: the class weights they were made with, one-hot rows [n, classes]; None for an unconditional model.
        names: of the classes, in the order of the weights.

    Returns {"recognised": share of all, "classes": {name: {"clips", "recognised", "frechet_distance", "recordings"}}}:
    of each class that was asked for how many clips, the share that the classifier takes for it, the distance of their
    embeddings from those of the recordings of the class, and that of half of these recordings from the other half; both
    None where there are too few.
    """
    known = list(evaluation.embedding.classes)
    if classes is None or features.probabilities is None:
        return None
    asked = np.array([known.index(names[each]) if names[each] in known else -1 for each in classes.argmax(axis=1)])
    right = features.probabilities.argmax(axis=1) == asked
    found = {}
    for each in np.unique(asked[asked >= 0]):
        chosen = asked == each
        distances = _distances(evaluation, features.embeddings[chosen], each)
        found[known[each]] = {"clips": int(chosen.sum()), "recognised": float(right[chosen].mean()), **distances}
    return {"recognised": float(right.mean()), "classes": found}


def _distances(evaluation: Evaluation, embeddings: np.ndarray, kind: int) -> dict[str, float | None]:
    train = evaluation.embedding.real["train"]
    standard = evaluation.yardstick.standard
    none: dict[str, float | None] = {"frechet_distance": None, "recordings": None}
    if train.probabilities is None:
        return none
    real = standard(train.embeddings[train.probabilities.argmax(axis=1) == kind])
    if min(len(embeddings), len(real) // 2) < FEWEST:
        return none
    mixed = np.random.default_rng((evaluation.seed, 6)).permutation(len(real))
    halves = np.array_split(real[mixed], 2)
    found = {
        "frechet_distance": scores.frechet_distance(standard(embeddings), real),
        "recordings": scores.frechet_distance(*halves),
    }
    return {name: float(value) for name, value in found.items()}
