"""Scores as lines of text: the tables that the terminal shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from wavegan.base.text import printable
from wavegan.evaluation.judge.embedding import Embedding
from wavegan.evaluation.protocol import GENERATED, TRAIN
from wavegan.evaluation.scores.catalogue import FRECHET
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT, Value

WEAK = 0.8  # share of held-out clips about which a classifier must be right, or it is a poor judge
OVER_CHECKPOINTS = (  # keys of the scores that tell most about a training
    "inception_score", FRECHET, "kernel_distance", "ndb", "precision", "recall", "d_self", "d_train"
)  # fmt: skip
MOST_CLASSES = 12  # the worst, and as many of the best, where there are more than both


def shares(report: Mapping[str, Any]) -> list[str]:
    """The classes' shares of the clips of every set, a line each; none without classes.

    Of many classes those whose shares are farthest from those of the recordings, and those whose are nearest.
    """
    found = report["histogram"]
    if not found:
        return []
    classes = list(next(iter(found.values())))
    if len(classes) <= 2 * MOST_CLASSES:
        return _aligned([["class", *found], *_share_rows(found, classes)])
    made, real = found[GENERATED], found[TRAIN]
    classes.sort(key=lambda name: -abs(made[name] - real[name]))
    worst, best = classes[:MOST_CLASSES], classes[: -MOST_CLASSES - 1 : -1]
    lines = _aligned([["class", *found], *_share_rows(found, worst), *_share_rows(found, best)])
    return [
        f"of {len(classes):,} classes the {MOST_CLASSES} whose share is farthest from that of the {TRAIN}",
        *lines[: 1 + MOST_CLASSES],
        f"and the {MOST_CLASSES} whose share is nearest; all of them are in evaluation.json and on the page",
        *lines[1 + MOST_CLASSES :],
    ]


def _share_rows(found: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> list[list[str]]:
    return [[name, *(f"{shares[name]:.1%}" for shares in found.values())] for name in classes]


def asked(report: Mapping[str, Any]) -> list[str]:
    """How many sounds are of the class that was asked for, a line for each class, the worst first; none without."""
    found = report.get("asked")
    if not found:
        return []
    rows = [["class asked for", "clips", "recognised", "FD", "FD of recordings"]]
    order = sorted(found["classes"], key=lambda name: found["classes"][name]["recognised"])
    for name in order[: 2 * MOST_CLASSES]:
        each = found["classes"][name]
        distances = ["–" if each[key] is None else figure(each[key]) for key in ("frechet_distance", "recordings")]
        rows.append([name, f"{each['clips']:,}", f"{each['recognised']:.0%}", *distances])
    return _aligned(rows)


def described(embedding: Embedding) -> str:
    """The name of an `Embedding`, and how far to trust it."""
    if not embedding.classes:
        return embedding.name
    if embedding.test_accuracy is None:
        return f"{embedding.name}, never tried: no recordings are held out"
    tried = len(embedding.real["test"].embeddings)
    weak = ", a weak judge" if embedding.test_accuracy < WEAK else ""
    few = ", too few to know how far to trust it" if tried < FEWEST_HELD_OUT else ""
    return f"{embedding.name}, right about {embedding.test_accuracy:.1%} of {tried} held-out clips{weak}{few}"


def table(report: Mapping[str, Any]) -> list[str]:
    """The scores of all sets, a line each."""
    rows = [["", *report["sets"]]]
    for score in report["scores"]:
        rows.append([f"{score['name']}, {score['better']}", *(text(score["values"].get(n)) for n in report["sets"])])
    return _aligned(rows)


def curve(report: Mapping[str, Any]) -> list[str]:
    """A line of text for each checkpoint, with the scores that tell most."""
    keys = [key for key in OVER_CHECKPOINTS if any(key in row["scores"] for row in report["checkpoints"])]
    names = {score["key"]: score["name"] for score in report["scores"]}
    rows = [["step", *(names[key] for key in keys), ""]]
    for checkpoint in report["checkpoints"]:
        best = "best" if checkpoint["step"] == report["best_step"] else ""
        rows.append([f"{checkpoint['step']:,}", *(text(checkpoint["scores"].get(key)) for key in keys), best])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of cells as lines of text: the first column to the left, the others to the right."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "   ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return [line.rstrip() for line in lines]


def text(value: Value | None) -> str:
    """{"mean", "spread"} with three digits that count; a dash for None."""
    if value is None:
        return "–"
    mean = figure(value["mean"])
    return mean if value["spread"] is None else f"{mean} ± {figure(value['spread'], 2)}"


def figure(number: float, digits: int = 3) -> str:
    """A number with so many digits that count, but no more than four behind the point."""
    if "e+" in f"{number:.{digits}g}":
        return f"{number:,.0f}"
    return f"{round(number, 4) + 0:.{digits}g}"  # + 0: no figure is "-0"
