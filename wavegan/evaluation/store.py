"""What an evaluation leaves behind: evaluation.json, scalars for TensorBoard, and the table in the terminal."""

import json

from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.locks import in_turn
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN, ceiling
from wavegan.runs.events import Events, forget_after

FORMAT = 1  # of evaluation.json
SETS = (GENERATED, TEST, TRAIN, NOISE)


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
