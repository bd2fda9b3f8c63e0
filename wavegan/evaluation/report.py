"""What an evaluation leaves behind: evaluation.json, scalars for TensorBoard, and the table in the terminal."""

import json

from preprocess import UserError
from preprocess.durable import write_whole
from wavegan.evaluation.measure import GENERATED, NOISE, TEST, TRAIN
from wavegan.evaluation.quality import SCORES
from wavegan.events import Events

FORMAT = 1  # of evaluation.json
SETS = (GENERATED, TEST, TRAIN, NOISE)


def earlier(path, report):
    """The checkpoints in an evaluation.json at `path` whose scores compare with those of `report`, else none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        alike = all(found[key] == report[key] for key in ("format", "clips", "clips_at_once", "seed", "embedding"))
        return found["checkpoints"] if alike else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def save(folder, report, page):
    """Write evaluation.json and evaluation.html into `folder`. Raises UserError where that cannot be."""
    try:
        folder.mkdir(exist_ok=True)
        write_whole(folder / "evaluation.json", (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())
        write_whole(folder / "evaluation.html", page.encode())
    except OSError as problem:
        raise UserError(f"evaluation {folder} cannot be written ({problem.strerror}). Make room there.") from None


def log(folder, checkpoints, levels):
    """The scores of all checkpoints, and as levels those of the other sets, as scalars under quality/.

    Each set is a run of its own below `folder`, so that TensorBoard draws them into one chart. What an earlier
    evaluation logged there is replaced.
    """
    for name in (GENERATED, TEST, NOISE):
        for old in (folder / name).glob("events.out.tfevents.*"):
            old.unlink()
        events = Events(folder / name)
        for checkpoint in checkpoints:
            found = checkpoint["scores"] if name == GENERATED else levels.get(name, {})
            events.scalars({f"quality/{key}": value["mean"] for key, value in found.items()}, checkpoint["step"])
        events.close()


def table(report):
    """The scores of all sets as lines of text."""
    sets = report["sets"]
    names = [f"{score['name']} ({score['better']})" for score in report["scores"]]
    width = max(map(len, names))
    lines = [" " * width + "".join(f"{name:>18}" for name in sets)]
    for name, score in zip(names, report["scores"], strict=True):
        lines.append(f"{name:<{width}}" + "".join(f"{text(score['values'].get(each)):>18}" for each in sets))
    return "\n".join(lines)


def curve(report):
    """A line for each checkpoint, with the scores that tell most."""
    keys = [key for key in ("inception_score", "frechet_distance", "kernel_distance", "ndb", "precision", "recall",
            "d_self", "d_train") if key in report["checkpoints"][0]["scores"]]  # fmt: skip
    names = {score.key: score.name for score in SCORES}
    lines = [f"{'step':>10}" + "".join(f"{names[key]:>17}" for key in keys)]
    for checkpoint in report["checkpoints"]:
        best = "  best" if checkpoint["step"] == report["best_step"] else ""
        shown = "".join(f"{text(checkpoint['scores'][key]):>17}" for key in keys)
        lines.append(f"{checkpoint['step']:>10,}{shown}{best}")
    return "\n".join(lines)


def text(value):
    """{"mean", "spread"} with three digits, a dash for None."""
    if value is None:
        return "–"
    mean = figure(value["mean"])
    return mean if value["spread"] is None else f"{mean} ± {figure(value['spread'])}"


def figure(number):
    """A number with three digits that count."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}" if abs(number) >= 0.001 else f"{number:.4f}"
