"""What the page shows of a report, as its templates take it: tiles, menus, class shares, curves, settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wavegan.evaluation.answers import scored_rows
from wavegan.evaluation.page.cards import Clip
from wavegan.evaluation.page.charts import Chart, Point, chart
from wavegan.evaluation.page.numbers import decimals_for, finite, number, percent
from wavegan.evaluation.protocol import GENERATED, NOISE, reference_set
from wavegan.evaluation.scores.catalogue import HIGHER, LOWER, NEAR_TEST

DIRECTIONS = {
    HIGHER: "higher is better",
    LOWER: "lower is better",
    NEAR_TEST: "near the test data is better",
    "": "describes, does not judge",
}
ARROWS = {HIGHER: "↑", LOWER: "↓", NEAR_TEST: "≈", "": "·"}
ORDERS = {  # value of the sorting menu: (what a person reads, what the clips must have for it)
    "asked": ("class asked for", "asked"),
    "label": ("class", "label"),
    "confidence-down": ("certainty, surest first", "confidence"),
    "confidence-up": ("certainty, least sure first", "confidence"),
    "distance-up": ("distance to training data, nearest first", "distance"),
    "distance-down": ("distance to training data, farthest first", "distance"),
    "name": ("name", "name"),
}
TILES = 3  # scores that are shown large, the first of the catalogue


@dataclass(frozen=True)
class Tile:
    """A figure that is shown large: its name, its value, lines of small print, and where a click leads."""

    name: str
    value: str
    lines: tuple[str, ...]
    target: str


def tiles(report: Mapping[str, Any]) -> list[Tile]:
    """The first scores, what was memorised and the best checkpoint."""
    found = [_score_tile(score, report["sets"]) for score in report["scores"][:TILES]]
    near = report["memorised"]
    words = ("of the generated clips", f"{reference_set(report['sets'])} {percent(near['usual'])}")
    found.append(Tile("Very near to a recording", percent(near["share"]), words, "#memorised"))
    if len(scored_rows(report)) < 2:
        alone = ("step; the only one that was scored this way",)
        found.append(Tile("Checkpoint", number(report["step"], 0), alone, "#checkpoints"))
    elif report["best_step"] is not None:
        here = "this one" if report["best_step"] == report["step"] else f"this page: {number(report['step'], 0)}"
        found.append(Tile("Best checkpoint", number(report["best_step"], 0), (f"step; {here}",), "#checkpoints"))
    return found


def _score_tile(score: Mapping[str, Any], sets: Sequence[str]) -> Tile:
    means = {name: number(score["values"].get(name, {}).get("mean"), decimals(score)) for name in sets}
    others = [f"{name} {means[name]}" for name in sets if name in (reference_set(sets), NOISE)]
    return Tile(score["name"], means[GENERATED], (DIRECTIONS[score["better"]], *others), "#scores")


def decimals(score: Mapping[str, Any]) -> int:
    """How many decimals a score is shown with, the same for every set."""
    values = score["values"]
    return decimals_for(values.get(name, {}).get("mean") for name in (GENERATED, reference_set(values)))


def orders(generated: Sequence[Clip]) -> list[tuple[str, str]]:
    """The sorting menu, [(value, words)]: all orders for which any of the clips has what it takes."""
    return [
        (value, words)
        for value, (words, needed) in ORDERS.items()
        if needed == "name" or any(getattr(clip, needed) is not None for clip in generated)
    ]


def classes(generated: Sequence[Clip], real: Sequence[Clip]) -> list[tuple[str, int]]:
    """The classes to choose from, [(class, number of generated clips)]; none where generated clips have no class."""
    made = [kind for clip in generated if (kind := clip.asked or clip.label)]
    labels = {*made, *(clip.label for clip in real if clip.label is not None)} if made else set()
    return [(label, made.count(label)) for label in sorted(labels)]


@dataclass(frozen=True)
class Shares:
    """The share of every class in every set: the sets, and [(class, [(set, share, width of its bar in percent)])]."""

    sets: list[str]
    rows: list[tuple[str, list[tuple[str, float, float]]]]


def shares(histogram: Mapping[str, Mapping[str, float]]) -> Shares | None:
    """The `Shares` of {set: {class: share, 0 to 1}}; None where there are no classes."""
    if not histogram:
        return None
    labels = sorted({label for set_shares in histogram.values() for label in set_shares})
    most = max(share for set_shares in histogram.values() for share in set_shares.values()) or 1
    rows = []
    for label in labels:
        found = [(name, set_shares.get(label, 0)) for name, set_shares in histogram.items()]
        rows.append((label, [(name, share, 100 * share / most) for name, share in found]))
    return Shares(list(histogram), rows)


def curves(report: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Chart]]:
    """[(score, its `Chart`)] of every score that at least two checkpoints have."""
    found = []
    for score in report["scores"]:
        points, values = _points(score, report), score["values"]
        if len(points) > 1:
            means = {name: values.get(name, {}).get("mean") for name in (reference_set(values), NOISE)}
            references = {name: mean for name, mean in means.items() if finite(mean)}
            found.append((score, chart(points, references, report["best_step"], score["name"])))
    return found


def _points(score: Mapping[str, Any], report: Mapping[str, Any]) -> list[Point]:
    """[(step, mean, spread)] of the checkpoints that have this score, steps ascending."""
    found = [(checkpoint["step"], checkpoint["scores"].get(score["key"], {})) for checkpoint in report["checkpoints"]]
    points = [(step, value["mean"], value.get("spread")) for step, value in found if finite(value.get("mean"))]
    return sorted((step, mean, spread if finite(spread) else None) for step, mean, spread in points)


def legend(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """[(kind of line, its words)] of all curves."""
    keys = [("generated", GENERATED), ("real", reference_set(report["sets"])), ("noise", NOISE)]
    if report["best_step"] is not None:
        keys.append(("best", f"best checkpoint, step {number(report['best_step'], 0)}"))
    return keys


def method(report: Mapping[str, Any]) -> dict[str, Any]:
    """{name: value} of how it was evaluated."""
    embedding = report["embedding"]
    found = {
        "clips": report["clips"],
        "clips at once": report["clips_at_once"],
        "subsets": report["subsets"],
        "seed": report["seed"],
        "compared by": embedding["name"],
    }
    if embedding["test_accuracy"] is not None:
        found["right about test clips"] = percent(embedding["test_accuracy"])
    return found
