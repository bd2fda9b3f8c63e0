"""What is wrong with a classifier: it knows no classes, or its embedding does not vary."""

from collections.abc import Mapping

import numpy as np

ENOUGH = 50  # held-out clips that tell whether a classifier knows anything; else training clips must
SURE = 3  # standard deviations above chance
ALIVE, STILL = 1 / 4, 0.01  # share of units that must vary; a spread, as a share of the largest, that is none


def fault(arrays: Mapping[str, np.ndarray]) -> str | None:
    """What is wrong with the classifier whose `arrays` an `Embedding` is made of, as a clause; None for nothing."""
    embeddings = arrays["train/embeddings"]
    if not np.isfinite(embeddings).all():
        return "its embedding is not finite"
    spread = embeddings.std(axis=0)
    if np.mean(spread > STILL * max(spread.max(), STILL)) < ALIVE:
        return "its embedding is the same for all recordings"
    held = "test" if len(arrays.get("test/labels", ())) >= ENOUGH else "train"
    labels, guesses = arrays[f"{held}/labels"], arrays[f"{held}/probabilities"].argmax(axis=1)
    right, expected, deviation = balanced_accuracy(labels, guesses)
    if right <= expected + SURE * deviation:
        kind = "held-out" if held == "test" else "training"
        return f"of {len(labels)} {kind} clips it knows the classes no better than chance"
    return None


def balanced_accuracy(labels: np.ndarray, guesses: np.ndarray) -> tuple[float, float, float]:
    """The mean of the classes' shares of right `guesses`; its mean and standard deviation were they made blindly.

    Both are ints [n]. Unlike the plain accuracy, it gives no credit for naming the most frequent class always.
    """
    classes, counts = np.unique(labels, return_counts=True)
    right = np.mean([np.mean(guesses[labels == name] == name) for name in classes])
    named = np.array([np.mean(guesses == name) for name in classes])
    deviation = np.sqrt(np.sum(named * (1 - named) / counts)) / len(classes)
    return float(right), float(named.mean()), float(deviation)
