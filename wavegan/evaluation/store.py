"""What an evaluation leaves on disk: evaluation.json, evaluation.html and scalars for TensorBoard."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.locks import in_turn
from wavegan.base.text import tell
from wavegan.evaluation.protocol import GENERATED, NOISE, WITHOUT_DISTANCES, ScoreValues, reference_set
from wavegan.evaluation.scores.catalogue import FRECHET
from wavegan.runs.events import Events, forget_after

FORMAT = 1  # of evaluation.json


def earlier(path: Path) -> list[dict[str, Any]]:
    """The checkpoints in an evaluation.json at `path`, [{"step", "method", "scores"}]; none where there is no such one.

    Scores of one method compare. Those of others are kept, so that nothing is lost where somebody tries fewer clips.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [*found["checkpoints"], *found["others"]] if found["format"] == FORMAT else []
        return [_checked(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _checked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of an evaluation.json as `earlier` gives it. Raises what reading anything else raises.

    Whether there are distances among its scores is what they say, not the method: of version 0.1 that is one text.
    """
    step, method, scores = row["step"], row["method"], row["scores"]
    values = [value[key] for value in scores.values() for key in ("mean", "spread")]
    numbers = [value for value in values if value is not None]
    if type(step) is not int or not all(type(value) in (int, float) and math.isfinite(value) for value in numbers):
        raise ValueError("Expected a step and finite scores.")
    if scores[FRECHET]["mean"] is None:
        raise ValueError("Expected a Fréchet distance.")
    method = method.removesuffix(WITHOUT_DISTANCES) + ("" if "d_self" in scores else WITHOUT_DISTANCES)
    return {"step": step, "method": method, "scores": scores}


def merged(
    rows: Sequence[Mapping[str, Any]], method: str, found: Mapping[int, ScoreValues]
) -> dict[str, list[dict[str, Any]]]:
    """{"checkpoints", "others"} of evaluation.json: the scores by `method`, and those by other methods.

    Args:
        rows: the scores that are there already, as `earlier` gives them.
        method: that of the scores `found` now.
        found: {step: scores}; they replace those of the same steps.
    """
    scores = {row["step"]: row["scores"] for row in rows if row["method"] == method} | dict(found)
    checkpoints = [{"step": step, "method": method, "scores": row} for step, row in sorted(scores.items())]
    return {"checkpoints": checkpoints, "others": [dict(row) for row in rows if row["method"] != method]}


def add(folder: Path, step: int, method: str, scores: ScoreValues) -> None:
    """Keep the scores of a checkpoint among those of other methods in the evaluation.json in `folder`.

    Raises UserError where that cannot be.
    """
    make(folder)
    path = folder / "evaluation.json"
    try:
        with in_turn(folder):
            rows = earlier(path)
            report: dict[str, Any] = {"format": FORMAT, "checkpoints": []}
            if rows:
                report = json.loads(path.read_text(encoding="utf-8"))
            shown = {row["method"] for row in report["checkpoints"]} - {method}
            kept = [row for row in rows if (row["step"], row["method"]) != (step, method)]
            report["checkpoints"] = [row for row in kept if row["method"] in shown]
            others = [row for row in kept if row["method"] not in shown]
            report["others"] = [*others, {"step": step, "method": method, "scores": scores}]
            write_whole(path, _json(report))
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def _unwritable(folder: Path, problem: OSError) -> UserError:
    return UserError(f"evaluation {folder} cannot be written ({problem.strerror}). Make room there.")


def _json(report: Mapping[str, Any]) -> bytes:
    return (json.dumps(report, indent=2, allow_nan=False) + "\n").encode()


def make(folder: Path) -> None:
    """Make the `folder` of evaluations. Raises UserError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def save(folder: Path, report: Mapping[str, Any], page: str) -> None:
    """Write evaluation.json and evaluation.html into `folder`. Raises UserError where that cannot be."""
    try:
        write_whole(folder / "evaluation.json", _json(report))
        write_whole(folder / "evaluation.html", page.encode())
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def log(folder: Path, checkpoints: Sequence[Mapping[str, Any]], references: Mapping[str, ScoreValues]) -> None:
    """The scores of all checkpoints, and beside them those of recordings and white noise, as scalars under quality/.

    Each set is a run of its own below `folder`, so that TensorBoard draws them into one chart. What an earlier
    evaluation logged there is replaced.

    Args:
        folder: of the evaluation.
        checkpoints: [{"step", "scores"}], steps ascending.
        references: {set: scores}.
    """
    for name in (GENERATED, reference_set(references), NOISE):
        forget_after(folder / name, 0, warn=tell)
        events = Events(folder / name)
        for checkpoint in checkpoints:
            found = checkpoint["scores"] if name == GENERATED else references.get(name, {})
            events.scalars({f"quality/{key}": value["mean"] for key, value in found.items()}, checkpoint["step"])
        events.close()
