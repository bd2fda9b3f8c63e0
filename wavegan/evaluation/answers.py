"""What the scores mean, in words: is it any good, does it collapse, did it memorise, when to stop, which is best?"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from wavegan.base.typed import typed
from wavegan.evaluation.protocol import GENERATED, NOISE, TRAIN, reference_set
from wavegan.evaluation.scores.catalogue import FRECHET, NEAR_DUPLICATES
from wavegan.evaluation.terminal import MOST_CLASSES, WEAK, figure

# Shares of the way from white noise to recordings, by the root of FD, which is a squared distance.
NEAR, FAR = 0.9, 0.25
# Self-distances below which sounds are much alike, and the same; recordings have 1, white noise 0.2 to 0.4.
ALIKE, SAME = 0.45, 0.1
# Shares of the sounds that are near-duplicates of others, beyond that of the recordings: some, and most.
SOME, MOST = 0.1, 0.5
OBEYS, OFTEN = 0.8, 0.4  # shares of the sounds that are recognised as the class asked for
HALF = 0.5  # share of the sounds of one class below which it is an exception
NAMED = 3  # of the classes that are worst, at most
LITTLE = 0.05  # recall, as a share of that of recordings, below which nothing can be said of more kinds than a few
RARE, EXPECTED = 0.2, 10  # of a class's share among the recordings; clips of it that must be expected to say so
EARLY, LATE = "Early, that is usual: train on. If it stays so, {advice}", "What came later is no better: {advice}"
PATIENCE, SINCE = 3, 0.25  # checkpoints without progress, and their steps as a share of those before

Report: TypeAlias = Mapping[str, Any]  # what evaluation.json holds


def answers(report: Report, path: str | Path, advice: str) -> list[dict[str, str]]:
    """[{"question", "answer"}] about a run.

    Args:
        report: what evaluation.json holds of it.
        path: the run's folder.
        advice: what helps a run that gets no further, a clause that ends with a full stop: "start another run with …".
    """
    care = _care(report)
    found = {
        "Is it any good yet?": care + _good(report) + _which(report),
        **({"Is it what one asks for?": care + _asked(report)} if report.get("asked") else {}),
        "Is it collapsing?": care + _collapsing(report, advice),
        "Did it memorise?": report["memorised"]["verdict"],  # the classifier has no part in it
        "When to stop?": care + _stop(report, path),
        "Which checkpoint is best?": care + _best(report, path),
    }
    return [{"question": question, "answer": answer} for question, answer in found.items()]


def _care(report: Report) -> str:
    """A sentence to begin with where a weak classifier compared the sounds."""
    right = report["embedding"]["test_accuracy"]
    if right is None or right >= WEAK:
        return ""
    return f"With care, for the classifier is right about {right:.0%} of held-out clips only: "


def _means(report: Report, key: str) -> tuple[dict[str, float], str]:
    """{set: mean} of the score `key`; the name of the recordings to compare with."""
    values = next(score["values"] for score in report["scores"] if score["key"] == key)
    return {name: value["mean"] for name, value in values.items()}, reference_set(values)


def _good(report: Report) -> str:
    means, real = _means(report, FRECHET)
    made, best, worst = means[GENERATED], means[real], means[NOISE]
    if worst <= best:
        return "Unknown: by FD, white noise is as near to the recordings as recordings are."
    way = (math.sqrt(worst) - math.sqrt(made)) / (math.sqrt(worst) - math.sqrt(best))
    if made > worst:
        return f"No: by FD it is farther from the recordings ({figure(made)}) than white noise ({figure(worst)})."
    if way < FAR:
        return f"No: by FD it is hardly nearer to the recordings ({figure(made)}) than white noise ({figure(worst)})."
    start = "Near the recordings, so ears decide" if way >= NEAR else "On its way"
    return (
        f"{start}: {way:.0%} of the way from white noise to {real}, by the square root of FD, which is {figure(made)} "
        f"(of white noise {figure(worst)}, of {real} {figure(best)})."
    )


def _which(report: Report) -> str:
    """A sentence where what is judged is not all that was scored."""
    return f" This is about step {report['step']:,}, as the next two are." if len(scored_rows(report)) > 1 else ""


def _collapsing(report: Report, advice: str) -> str:
    best, _, done = _since(scored_rows(report))
    advice = (LATE if done and best == report["step"] else EARLY).format(advice=advice)
    alike = _means(report, "embedding_self")[0][GENERATED]
    distance = f"self-distance {figure(alike)}, of recordings 1"
    if alike < SAME:
        return f"Yes: the sounds are all the same ({distance}). {advice}"
    if alike < ALIKE:
        return f"Yes: the sounds are much more alike than recordings are ({distance}). {advice}"
    signs, most = _signs_of_collapse(report)
    if signs:
        return f"{'Yes' if most else 'In part'}: {', and '.join(signs)}. {advice}"
    recall, real = _means(report, "recall")
    lacking = f"recall {figure(recall[GENERATED])}, of {real} {figure(recall[real])}"
    if recall[GENERATED] < LITTLE * recall[real]:
        return f"Perhaps: hardly anything of what the recordings have is there ({lacking}; {distance}). {advice}"
    differ = f"No: the sounds differ from each other about as recordings do ({distance})"
    if recall[GENERATED] < recall[real] / 2:
        return f"{differ}, but much of what the recordings have is still missing ({lacking})."
    return f"{differ}."


def _asked(report: Report) -> str:
    share, found = report["asked"]["recognised"], report["asked"]["classes"]
    start = "Yes" if share >= OBEYS else "Often" if share >= OFTEN else "Hardly"
    accuracy = report["embedding"]["test_accuracy"]
    real = "" if accuracy is None else f" (of held-out recordings {accuracy:.0%})"
    worst = sorted(found, key=lambda name: found[name]["recognised"])
    seldom = [name for name in worst if found[name]["recognised"] < HALF]
    if seldom and share >= OBEYS:
        start = "Yes, but for some classes"
    words = f"{start}: {share:.0%} of the sounds are recognised as the class that was asked for{real}"
    named = [f"{name} ({found[name]['recognised']:.0%})" for name in worst if found[name]["recognised"] < 1][:NAMED]
    return f"{words}. Least often: {', '.join(named)}." if named else f"{words}."


def _signs_of_collapse(report: Report) -> tuple[list[str], bool]:
    """What shows that some sounds come too often, in words; and whether that is so of most."""
    signs, rare = [], _rare(report)
    duplicates, real = _means(report, NEAR_DUPLICATES)
    if duplicates.get(TRAIN, 0.0) - duplicates[real] > SOME / 2:  # the classifier draws its training clips together
        real = TRAIN
    share, usual = duplicates[GENERATED], duplicates[real]
    if share - usual > SOME:
        signs.append(f"{share:.0%} of the sounds are nearly the same as another one (of {real} {usual:.0%})")
    if rare:
        more = f" and {len(rare) - MOST_CLASSES:,} others" if len(rare) > MOST_CLASSES else ""
        signs.append(f"there are none, or hardly any, of the classes {', '.join(rare[:MOST_CLASSES])}{more}")
    return signs, share - usual > MOST or len(rare) > len(report["histogram"].get(GENERATED, {})) / 2


def _rare(report: Report) -> list[str]:
    """The classes that come less than a fifth as often as in the training data."""
    made, train = (report["histogram"].get(name, {}) for name in (GENERATED, TRAIN))
    return [name for name in made if made[name] < RARE * train[name] and train[name] * report["clips"] >= EXPECTED]


def scored_rows(report: Report) -> list[dict[str, Any]]:
    """The scored checkpoints: those of this evaluation, or of that other method which scored most, if these are few."""
    others: dict[str, list[dict[str, Any]]] = {}
    for row in report["others"]:
        others.setdefault(row["method"], []).append(row)
    most: list[dict[str, Any]] = max(others.values(), key=len, default=[])
    rows = report["checkpoints"] if len(report["checkpoints"]) >= min(PATIENCE, len(most)) else most
    return sorted(rows, key=lambda row: row["step"])


def _since(rows: list[dict[str, Any]]) -> tuple[int, int, bool]:
    """The best of the scored checkpoints by FD, how many are newer, and whether that is long enough to stop."""
    best = min(rows, key=lambda row: row["scores"][FRECHET]["mean"])
    newer = sum(row["step"] > best["step"] for row in rows)
    since = (rows[-1]["step"] - best["step"]) / max(1, best["step"])
    return best["step"], newer, newer >= PATIENCE and since >= SINCE


def _stop(report: Report, path: str | Path) -> str:
    rows = scored_rows(report)
    if len(rows) < PATIENCE:
        again = typed("evaluate", "--run", path, "--checkpoint", "all")
        return (
            f"For an answer, {PATIENCE} checkpoints or more must be scored: {again} scores all that are kept. To "
            "have more of them, train with --keep-checkpoints or --evaluate-every."
        )
    best, newer, done = _since(rows)
    if not newer:
        return f"Not yet: of {len(rows)} that were scored, the newest checkpoint is the best by FD."
    if not done:
        return f"Perhaps soon: what came after step {best:,} is no better by FD. Go on for as long again, and listen."
    return f"Now, or change something: {newer} checkpoints after step {best:,} are no better by FD."


def _best(report: Report, path: str | Path) -> str:
    if report["best_step"] is None:
        return "No checkpoint has a score: that takes the recordings that the run was trained on."
    if len(scored_rows(report)) < 2:
        return f"One was scored, that of step {report['step']:,}: score the others, too."
    best = typed("generate", "--run", path, "--checkpoint", "best")
    return f"That of step {report['best_step']:,}, by FD: {best}"
