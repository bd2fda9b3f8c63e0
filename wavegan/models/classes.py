"""Which classes are asked for: class weights, float32 [n, classes], a row for each sound.

A row of a one and zeros is a class, any other row a mixture of classes.
"""

import difflib
import math
from collections.abc import Sequence

import numpy as np

from wavegan.base.errors import UserError
from wavegan.models.family import ClipFormat
from wavegan.models.latents import Seed

CONDITIONAL = ("auto", "yes", "no")  # whether a model learns classes, as people say it
MOST = 1000  # that "auto" lets a model learn


def learned(conditional: str, clip: ClipFormat) -> int:
    """How many classes a model of such clips learns, by a word of `CONDITIONAL`; 0 for an unconditional one."""
    count = len(clip.classes)
    if conditional == "auto":
        return count if 2 <= count <= MOST else 0
    return count if conditional == "yes" else 0


def rows(indices: np.ndarray, count: int) -> np.ndarray:
    """The class weights, [n, count], of the classes `indices` [n]."""
    return np.eye(count, dtype="float32")[indices]


def drawn(clips: Sequence[int], n: int, seed: Seed = None) -> np.ndarray:
    """The weights of `n` classes, drawn as often as there are `clips` of each. A seed's first ones are the same."""
    shares = np.array(clips, "float64")
    chosen = np.random.default_rng(seed).choice(len(clips), n, p=shares / shares.sum())
    return rows(chosen, len(clips))


def in_turn(clips: Sequence[int], least: int, most: int) -> np.ndarray:
    """The weights of `least` classes to `most`, as many as there are: each once, sorted, or each several times.

    Where there are more than `most`, they are those with the most clips.
    """
    chosen = np.sort(np.argsort(-np.array(clips), kind="stable")[:most])
    n = max(least, len(chosen))
    return rows(chosen[np.arange(n) * len(chosen) // n], len(clips))


def parsed(text: str, names: Sequence[str]) -> np.ndarray:
    """The weights [classes], whose sum is 1, of a class or mixture as a person writes it.

    Args:
        text: "kick", or "kick:0.7,snare:0.3". A name that has a comma or colon in it is understood as itself.
        names: of all classes.

    Raises UserError where a class has another name or a weight is not a positive number.
    """
    weights = np.zeros(len(names), "float32")
    for part in [text] if text in names else text.split(","):
        name, weight = part.strip(), "1"
        if name not in names and ":" in name:
            name, _, weight = (each.strip() for each in name.rpartition(":"))
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"--class must name classes of the run: {_listed(names)}. Received: {part}.{meant}")
        weights[list(names).index(name)] += _positive(weight, part)
    return weights / weights.sum()


def _positive(text: str, part: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise UserError(f"--class must give each class a positive weight, such as kick:0.7. Received: {part}.")
    return weight


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def in_words(weights: np.ndarray, names: Sequence[str], most: int | None = None) -> str:
    """A row of class weights as `parsed` reads it: "kick", or "kick:0.7,snare:0.3"; the small ones are left out.

    With `most` only so many are named, those with the largest weights.

    >>> in_words(np.array([0.7, 0.0, 0.3]), ["kick", "rim", "snare"])
    'kick:0.7,snare:0.3'
    """
    order = [each for each in np.argsort(-weights, kind="stable") if weights[each] >= 0.01]
    if len(order) == 1:
        return names[order[0]]
    return ",".join(f"{names[each]}:{weights[each]:.2g}" for each in order[:most])
