"""What an evaluation leaves behind: evaluation.json, scalars for TensorBoard, and the table in the terminal."""

import json

from preprocess import UserError
from preprocess.durable import write_whole
from wavegan.evaluation.measure import GENERATED, NOISE, TEST, TRAIN
from wavegan.evaluation.quality import FEWEST_HELD_OUT
from wavegan.evaluation.tables import ceiling
from wavegan.events import Events, forget_after
from wavegan.lock import in_turn

FORMAT = 1  # of evaluation.json
SETS = (GENERATED, TEST, TRAIN, NOISE)
TELLING = (
    "inception_score", "frechet_distance", "kernel_distance", "ndb", "precision", "recall", "d_self", "d_train"
)  # fmt: skip


def earlier(path):
    """The checkpoints in an evaluation.json at `path`, [{"step", "method", "scores"}]; none where there is no such one.

    Scores of one method compare. Those of others are kept, so that nothing is lost where somebody tries fewer clips.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [*found["checkpoints"], *found["others"]] if found["format"] == FORMAT else []
        return [{key: row[key] for key in ("step", "method", "scores")} for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def add(folder, step, method, scores):
    """Keep the scores of a checkpoint among those of other methods in the evaluation.json in `folder`.

    Raises UserError where that cannot be.
    """
    make(folder)
    path = folder / "evaluation.json"
    try:
        with in_turn(folder):
            rows = earlier(path)
            report = json.loads(path.read_text(encoding="utf-8")) if rows else {"format": FORMAT, "checkpoints": []}
            replaced = [row for row in report.get("others", []) if (row["step"], row["method"]) != (step, method)]
            report["others"] = [*replaced, {"step": step, "method": method, "scores": scores}]
            write_whole(path, _json(report))
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def _unwritable(folder, problem):
    return UserError(f"evaluation {folder} cannot be written ({problem.strerror}). Make room there.")


def _json(report):
    return (json.dumps(report, indent=2, allow_nan=False) + "\n").encode()


def make(folder):
    """Make the `folder` of evaluations. Raises UserError where that cannot be."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def save(folder, report, page):
    """Write evaluation.json and evaluation.html into `folder`. Raises UserError where that cannot be."""
    try:
        write_whole(folder / "evaluation.json", _json(report))
        write_whole(folder / "evaluation.html", page.encode())
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def shares(report):
    """The classes' shares of the clips of every set, as lines of text; empty without classes."""
    found = report["histogram"]
    if not found:
        return ""
    classes = next(iter(found.values()))
    return _aligned([["class", *found], *[[c, *(f"{shares[c]:.1%}" for shares in found.values())] for c in classes]])


def log(folder, checkpoints, levels):
    """The scores of all checkpoints, and as levels those of the other sets, as scalars under quality/.

    Each set is a run of its own below `folder`, so that TensorBoard draws them into one chart. What an earlier
    evaluation logged there is replaced.
    """
    for name in (GENERATED, ceiling(levels), NOISE):
        forget_after(folder / name, 0, warn=print)
        events = Events(folder / name)
        for checkpoint in checkpoints:
            found = checkpoint["scores"] if name == GENERATED else levels.get(name, {})
            events.scalars({f"quality/{key}": value["mean"] for key, value in found.items()}, checkpoint["step"])
        events.close()


def described(embedding):
    """The name of an `embedding.Embedding`, and how far to trust it."""
    if not embedding.classes:
        return embedding.name
    if embedding.test_accuracy is None:
        return f"{embedding.name}, never tried: no recordings are held out"
    tried = len(embedding.real["test"].embeddings)
    few = ", too few to know how far to trust it" if tried < FEWEST_HELD_OUT else ""
    return f"{embedding.name}, right about {embedding.test_accuracy:.1%} of {tried} held-out clips{few}"


def table(report):
    """The scores of all sets as lines of text."""
    rows = [["", *report["sets"]]]
    for score in report["scores"]:
        rows.append([f"{score['name']}, {score['better']}", *(text(score["values"].get(n)) for n in report["sets"])])
    return _aligned(rows)


def curve(report):
    """A line of text for each checkpoint, with the scores that tell most."""
    keys = [key for key in TELLING if key in report["checkpoints"][0]["scores"]]
    names = {score["key"]: score["name"] for score in report["scores"]}
    rows = [["step", *(names[key] for key in keys), ""]]
    for checkpoint in report["checkpoints"]:
        best = "best" if checkpoint["step"] == report["best_step"] else ""
        rows.append([f"{checkpoint['step']:,}", *(text(checkpoint["scores"][key]) for key in keys), best])
    return _aligned(rows)


def _aligned(rows):
    """Rows of cells as lines of text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "   ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def text(value):
    """{"mean", "spread"} with three digits that count; a dash for None."""
    if value is None:
        return "–"
    mean = figure(value["mean"])
    return mean if value["spread"] is None else f"{mean} ± {figure(value['spread'], 2)}"


def figure(number, digits=3):
    """A number with so many digits that count, but no more than four behind the point."""
    if "e+" in f"{number:.{digits}g}":
        return f"{number:,.0f}"
    return f"{round(number, 4) + 0:.{digits}g}"  # + 0: no figure is "-0"
