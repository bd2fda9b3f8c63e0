"""What the scores mean, in words: is it any good, does it collapse, did it memorise, when to stop, which is best?"""

from preprocess.command import typed
from wavegan.evaluation.measure import GENERATED, NOISE, TEST, TRAIN
from wavegan.evaluation.report import figure

NEAR = 0.9  # of the way from white noise to recordings
FAR = 0.1
ALIKE, SAME = 0.5, 0.1  # |D|self below which sounds are much alike, and the same
RARE, EXPECTED = 0.2, 10  # of a class's share among the recordings; clips of it that must be expected to say so
PATIENCE = 3  # checkpoints without progress


def answers(report, path):
    """[{"question", "answer"}] about the run at `path`, from what evaluation.json holds of it."""
    found = {
        "Is it any good yet?": _good(report),
        "Is it collapsing?": _collapsing(report),
        "Did it memorise?": report["memorised"]["verdict"],
        "When to stop?": _stop(report, path),
        "Which checkpoint is best?": _best(report, path),
    }
    return [{"question": question, "answer": answer} for question, answer in found.items()]


def _means(report, key):
    """{set: mean} of the score `key`; the name of the recordings to compare with."""
    values = next(score["values"] for score in report["scores"] if score["key"] == key)
    return {name: value["mean"] for name, value in values.items()}, TEST if TEST in values else TRAIN


def _good(report):
    means, real = _means(report, "frechet_distance")
    made, best, worst = means[GENERATED], means[real], means[NOISE]
    if worst <= best:
        return "That cannot be told: by FD, white noise is as near to the recordings as recordings are."
    way = (worst - made) / (worst - best)
    if made > worst:
        return f"No: by FD it is farther from the recordings ({figure(made)}) than white noise ({figure(worst)})."
    if way < FAR:
        return f"No: by FD it is hardly nearer to the recordings ({figure(made)}) than white noise ({figure(worst)})."
    start = "Near the recordings, so ears decide" if way >= NEAR else "On its way"
    return (
        f"{start}: FD {figure(made)} is {way:.0%} of the way from white noise ({figure(worst)}) to {real} "
        f"({figure(best)})."
    )


def _collapsing(report):
    alike = _means(report, "d_self")[0][GENERATED]
    distance = f"|D|self {figure(alike)}, of recordings 1"
    if alike < SAME:
        return f"Yes: the sounds are all the same ({distance})."
    if alike < ALIKE:
        return f"Yes: the sounds are much more alike than recordings are ({distance})."
    if rare := _rare(report):
        return f"In part: there are none, or hardly any, of the classes {', '.join(rare)}."
    differ = f"No: the sounds differ from each other about as recordings do ({distance})"
    recall, real = _means(report, "recall")
    if recall[GENERATED] < recall[real] / 2:
        lacking = f"recall {figure(recall[GENERATED])}, of {real} {figure(recall[real])}"
        return f"{differ}, but much of what the recordings have is still missing ({lacking})."
    return f"{differ}."


def _rare(report):
    """The classes that come less than a fifth as often as in the training data."""
    made, train = (report["histogram"].get(name, {}) for name in (GENERATED, TRAIN))
    return [name for name in made if made[name] < RARE * train[name] and train[name] * report["clips"] >= EXPECTED]


def _stop(report, path):
    rows = report["checkpoints"]
    if len(rows) < PATIENCE:
        again = typed("evaluate", "--run", path, "--checkpoint", "all")
        return (
            f"To tell, {PATIENCE} checkpoints or more must be scored: {again}, after a training with "
            "--keep-checkpoints. Or train with --evaluate-every."
        )
    distances = [row["scores"]["frechet_distance"]["mean"] for row in rows]
    best = min(range(len(rows)), key=distances.__getitem__)
    newer, step = len(rows) - 1 - best, f"{rows[best]['step']:,}"
    if not newer:
        return f"Not yet: of {len(rows)} that were scored, the newest checkpoint is the best by FD."
    if newer < PATIENCE:
        return f"Perhaps soon: what came after step {step} is no better by FD. Go on for as long again, and listen."
    return f"Now, or change something: {newer} checkpoints after step {step} are no better by FD."


def _best(report, path):
    if report["best_step"] is None or len(report["checkpoints"]) < 2:
        return f"One was scored, that of step {report['step']:,}: score the others, too."
    best = typed("generate", "--run", path, "--checkpoint", "best")
    return f"That of step {report['best_step']:,}, by FD: {best}"
