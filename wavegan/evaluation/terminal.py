"""Scores as lines of text: the tables that the terminal shows."""

from collections.abc import Mapping
from typing import Any

from wavegan.evaluation.judge.embedding import Embedding
from wavegan.evaluation.scores.catalogue import FRECHET
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT, Value

OVER_CHECKPOINTS = (  # keys of the scores that tell most about a training
    "inception_score", FRECHET, "kernel_distance", "ndb", "precision", "recall", "d_self", "d_train"
)  # fmt: skip


def shares(report: Mapping[str, Any]) -> str:
    """The classes' shares of the clips of every set, as lines of text; empty without classes."""
    found = report["histogram"]
    if not found:
        return ""
    classes = next(iter(found.values()))
    return _aligned([["class", *found], *[[c, *(f"{shares[c]:.1%}" for shares in found.values())] for c in classes]])


def described(embedding: Embedding) -> str:
    """The name of an `Embedding`, and how far to trust it."""
    if not embedding.classes:
        return embedding.name
    if embedding.test_accuracy is None:
        return f"{embedding.name}, never tried: no recordings are held out"
    tried = len(embedding.real["test"].embeddings)
    few = ", too few to know how far to trust it" if tried < FEWEST_HELD_OUT else ""
    return f"{embedding.name}, right about {embedding.test_accuracy:.1%} of {tried} held-out clips{few}"


def table(report: Mapping[str, Any]) -> str:
    """The scores of all sets as lines of text."""
    rows = [["", *report["sets"]]]
    for score in report["scores"]:
        rows.append([f"{score['name']}, {score['better']}", *(text(score["values"].get(n)) for n in report["sets"])])
    return _aligned(rows)


def curve(report: Mapping[str, Any]) -> str:
    """A line of text for each checkpoint, with the scores that tell most."""
    keys = [key for key in OVER_CHECKPOINTS if key in report["checkpoints"][0]["scores"]]
    names = {score["key"]: score["name"] for score in report["scores"]}
    rows = [["step", *(names[key] for key in keys), ""]]
    for checkpoint in report["checkpoints"]:
        best = "best" if checkpoint["step"] == report["best_step"] else ""
        rows.append([f"{checkpoint['step']:,}", *(text(checkpoint["scores"][key]) for key in keys), best])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    """Rows of cells as lines of text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "   ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


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
