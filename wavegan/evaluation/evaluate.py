"""How good a run's sounds are: scores of its checkpoints, and the sounds to listen to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.base.errors import UserError
from wavegan.base.locks import in_turn
from wavegan.base.names import part_of_name
from wavegan.base.progress import Progress
from wavegan.base.text import tell
from wavegan.data.schema import DatasetInfo, is_fingerprint_of
from wavegan.evaluation import store
from wavegan.evaluation.answers import answers
from wavegan.evaluation.asked import asked_for
from wavegan.evaluation.features import Features
from wavegan.evaluation.page.page import html
from wavegan.evaluation.page.selection import selected
from wavegan.evaluation.protocol import Evaluation, ScoreValues, goodness
from wavegan.evaluation.results import for_others, results
from wavegan.generation.asked import drawn_classes
from wavegan.generation.generate import load_sampler
from wavegan.models.family import Family, Sampler, family_named
from wavegan.runs.config import Config
from wavegan.runs.run import Run

Warn = Callable[[str], object]


@dataclass(frozen=True)
class Scored:
    """A checkpoint that was scored.

    Attributes:
        step: its.
        latents: of its clips, float32 [n, *latent_shape].
        classes: their class weights, [n, classes]; None for an unconditional model.
        sampler: makes them of these.
        features: of the clips.
        scores: {key: {"mean", "spread"}}.
    """

    step: int
    latents: np.ndarray
    classes: np.ndarray | None
    sampler: Sampler
    features: Features
    scores: ScoreValues

    def sounds(self, chosen: np.ndarray) -> np.ndarray:
        """Audio [chosen, time, channels] of the clips `chosen`."""
        return self.sampler(self.latents[chosen], None if self.classes is None else self.classes[chosen])


def evaluate(
    run: Run, steps: Sequence[int | None], directory: str, info: DatasetInfo, n: int, seed: int = 0, warn: Warn = tell
) -> tuple[dict[str, Any], Path]:
    """Score the checkpoints of `run` and leave evaluation.json, evaluation.html and scalars in its evaluation/.

    By other recordings than those it was trained on, in a folder of their name beside that. Of a run that comes with
    the program, in evaluated/<its name>/.

    Args:
        run: the run.
        steps: those of the checkpoints, at least one; None for the newest that is whole. The sounds on the page are of
            the best one among them.
        directory: the data set.
        info: what it says of itself.
        n: clips a checkpoint, 50 or more.
        seed: of the latents and of everything else random.
        warn: called with a line for what is no error.

    Returns what evaluation.json holds, and the path of evaluation.html. Every checkpoint keeps its `goodness` as its
    score, by which `Run.best` chooses; not those that come with the program.
    Raises UserError where something is missing, does not fit, or cannot be written.
    """
    config = run.config()
    family = family_named(config.family)
    _require_same_clips(run, config, directory, info)
    trained_on = is_fingerprint_of(config.data.fingerprint, directory)
    keeps = trained_on and not run.is_pretrained
    place = Path("evaluated", run.name) if run.is_pretrained else run.path
    folder = place / ("evaluation" if trained_on else f"evaluation by {part_of_name(info.name)}")
    store.make(folder)  # before all the work
    evaluation = Evaluation(directory, info, n, seed, warn)
    best, found = None, {}
    for scored in _each_scored(run, steps, family, evaluation, warn):
        found[scored.step] = scored.scores
        if keeps:
            _keep_score(run, scored, evaluation.ranked_by, warn)
        if best is None or goodness(scored.scores) > goodness(best.scores):
            best = scored
    if best is None:
        raise UserError(f"no checkpoint of {run.title} can be read. Put back a copy of one.")
    nearest = evaluation.nearest_copies(best.features)
    asked = asked_for(evaluation, best.features, best.classes, config.classes)
    report = results(run, config, evaluation, best.step, best.features, best.scores, nearest, trained_on, asked)
    wanted = None if best.classes is None else [config.classes[each] for each in best.classes.argmax(axis=1)]
    clips = selected(evaluation, best.features, best.sounds, nearest, wanted)

    def finished(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any], str]:
        """The report beside the scores `rows` that are there already: ours, that for others to see, and its page."""
        whole = report | store.merged(rows, evaluation.method, found)
        whole["best_step"] = run.best() if keeps else None
        whole["answers"] = answers(whole, run.title, family.advice["collapsed"])
        shown = for_others(whole, run)
        return whole, shown, html(shown, *clips, info.sample_rate)

    return _saved(folder, finished, evaluation), folder / "evaluation.html"


def _saved(
    folder: Path,
    finished: Callable[[Sequence[Mapping[str, Any]]], tuple[dict[str, Any], dict[str, Any], str]],
    evaluation: Evaluation,
) -> dict[str, Any]:
    """Write what `finished` makes of the scores in `folder`, and return the report.

    Nobody has to wait while the page is made; where others have added scores by then, it is made once more.
    """
    path = folder / "evaluation.json"
    rows = store.earlier(path)
    while True:
        report, shown, page = finished(rows)
        with in_turn(folder):
            before, rows = rows, store.earlier(path)
            if rows == before:
                store.save(folder, shown, page)
                store.log(folder, report["checkpoints"], evaluation.references)
                return report


def _require_same_clips(run: Run, config: Config, directory: str, info: DatasetInfo) -> None:
    for name in ("sample_rate", "length", "channels"):
        expected, received = getattr(config.data, name), getattr(info, name)
        if expected != received:
            raise UserError(
                f"{directory} has {name} {received}, {run.title} was trained with {expected}. "
                "Give the data set of the run with --data."
            )


def _each_scored(
    run: Run, steps: Sequence[int | None], family: Family, evaluation: Evaluation, warn: Warn
) -> Iterator[Scored]:
    """Every checkpoint, scored, with a progress bar. One that cannot be scored is passed over, if there are others."""
    config = run.config()  # of every step: their latents, which can be gigabytes, are the same
    latents = family.latents.draw(evaluation.n, family.latent_shape(config.model, config.data.clip), evaluation.seed)
    classes = drawn_classes(config, evaluation.n, evaluation.seed)
    with Progress(len(steps) * evaluation.n, "evaluating", "clips") as progress:
        for step in steps:
            try:
                sampler, _, step = load_sampler(run, step, warn)
                features = evaluation.generated(sampler, latents, progress, classes)
            except UserError as problem:  # damaged, dropped by a training that goes on, or makes no finite sounds
                if len(steps) == 1:
                    raise
                warn(f"warning: step {step} passed over: {problem}")
            else:
                yield Scored(step, latents, classes, sampler, features, evaluation.measure(features))


def _keep_score(run: Run, scored: Scored, ranked_by: str, warn: Warn) -> None:
    try:
        run.set_score(scored.step, goodness(scored.scores), ranked_by)
    except UserError as problem:
        warn(f"note: {problem}")
