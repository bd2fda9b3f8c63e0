"""Scores while a training goes on, for a twentieth of its time, and the best checkpoint kept."""

import time

import numpy as np

from wavegan.base.errors import UserError
from wavegan.base.progress import clock
from wavegan.base.typed import typed
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.features import Features
from wavegan.evaluation.judge.cache import embedding_of
from wavegan.evaluation.protocol import NOISE, Evaluation, ScoreValues, goodness, reference_set
from wavegan.evaluation.scores.catalogue import FRECHET, SCORES
from wavegan.evaluation.store import add
from wavegan.evaluation.terminal import described, text
from wavegan.evaluation.yardsticks import Value
from wavegan.generation.asked import drawn_classes
from wavegan.models.family import family_named
from wavegan.runs.config import Config
from wavegan.runs.events import Events
from wavegan.runs.run import Run
from wavegan.training.callbacks import Beside, Logs, StepCallback, save, say

CLIPS = 256
SHARE = 0.05  # of the training's time, at most
LONGER = 2  # times as long as the last one the next may take, on a machine that is busy
REPORTED = (FRECHET, "kernel_distance", "inception_score", "recall")


class Evaluations(StepCallback):
    """Scores a few hundred clips every `every` steps, but not where that would be more than 5 % of the time so far.

    The scores go to TensorBoard under quality/, beside those of test data and white noise as runs of their own, and to
    the terminal. Each scored step gets a checkpoint with its score; the run keeps the best one.

    Args:
        run: a `runs.Run`.
        events: an `events.Events`, the run's.
        evaluation: a `protocol.Evaluation` without distances.
        latents: of the clips that are scored, [n, ...].
        every: steps.
        beside: gives {name: array} of what belongs to a checkpoint beside the model.
        classes: the class weights of these clips, [n, classes]; None for an unconditional model.
    """

    def __init__(
        self,
        run: Run,
        events: Events,
        evaluation: Evaluation,
        latents: np.ndarray,
        every: int,
        beside: Beside,
        classes: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.run, self.events, self.evaluation, self.latents = run, events, evaluation, latents
        self.every, self.beside, self.classes = every, beside, classes
        self.spent, self.cost, self.count = 0.0, 0.0, 0  # cost: seconds of the last one
        self.references: dict[str, Events] = {}  # {set: events} of recordings and white noise
        self.has_waited = False  # that they have to wait

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it: compiles, and measures what an evaluation takes."""
        super().on_train_begin(logs)
        for name in (reference_set(self.evaluation.references), NOISE):
            self.references[name] = Events(self.run.levels / name)
        self.sampler = self.model.sampler()
        self.evaluation.measure(self._made())  # compiles
        before = time.monotonic()
        self.evaluation.measure(self._made())  # tells what one takes
        self.started, self.last = time.monotonic(), self.step
        self.cost = self.started - before
        fits = f"where it fits into {SHARE:.0%} of the time"
        say(f"quality   every {self.every} steps, {fits}; it takes about {clock(self.cost)}")

    def on_step(self, step: int, logs: Logs) -> None:
        if step % self.every == 0:
            self._evaluate_in_time(step)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        if self.step > self.last and not self.model.stop_training:  # somebody who stops it does not want to wait
            self._evaluate_in_time(self.step)
        if self.count:
            share = self.spent / (time.monotonic() - self.started)
            say(f"{self.count} evaluation{'s' * (self.count > 1)} took {share:.1%} of the time")
        else:
            say(f"no evaluation was made yet: one takes about {clock(self.cost)}, all at most {SHARE:.0%} of the time")
        if (best := self.run.best()) is not None:
            say(f"best is step {best}: {typed('generate', '--run', self.run.path, '--checkpoint', 'best')}")
        else:
            say(f"scores now: {typed('evaluate', '--run', self.run.path, '--checkpoint', 'all')}")
        for events in self.references.values():
            events.close()

    def _evaluate_in_time(self, step: int) -> None:
        wait = (self.spent + LONGER * self.cost) / SHARE - (time.monotonic() - self.started)
        if wait <= 0:
            self.evaluate(step)
        elif not self.has_waited:
            self.has_waited = True
            say(
                f"quality at step {step} has to wait: an evaluation takes about {clock(self.cost)}, and all together "
                f"may take {SHARE:.0%} of the time. If the training goes on for so long, the next one comes in "
                f"{clock(wait)} or a little later."
            )

    def evaluate(self, step: int) -> None:
        """Score the sounds of `step`, and keep a checkpoint with the score."""
        before = time.monotonic()
        self.last = step
        try:
            found = self.evaluation.measure(self._made())
        except UserError as problem:
            say(f"warning: {problem}")
            self._count(before)
            return
        self.events.scalars(_scalars(found), step)
        for name, events in self.references.items():
            events.scalars(_scalars(self.evaluation.references[name]), step)
        if step not in self.run.steps():
            save(self.run, step, self.model, self.beside())
        try:
            self.run.set_score(step, goodness(found), self.evaluation.ranked_by)
            add(self.run.path / "evaluation", step, self.evaluation.method, found)
        except UserError as problem:
            say(f"warning: {problem}")
        self.count += 1
        self._count(before)
        best = ", the best so far" if self.run.best() == step else ""
        say(f"quality at step {step}{best}: {self._in_words(found)}")

    def _made(self) -> Features:
        _ = self.model  # asking for it is what brings its variables up to date under JAX
        return self.evaluation.generated(self.sampler, self.latents, classes=self.classes)

    def _count(self, before: float) -> None:
        self.cost = time.monotonic() - before
        self.spent += self.cost

    def _in_words(self, found: ScoreValues) -> str:
        """The scores in words, each with those of test data and white noise."""
        parts = []
        for score in SCORES:
            if score.key in REPORTED and score.key in found:
                beside = ", ".join(f"{name} {text(self._reference(name, score.key))}" for name in self.references)
                parts.append(f"{self.evaluation.named(score)} {text(found[score.key])} ({beside})")
        return f"{'; '.join(parts)}. Embedding: {described(self.evaluation.embedding)}"

    def _reference(self, name: str, key: str) -> Value:
        return self.evaluation.references[name][key] | {"spread": None}


def _scalars(found: ScoreValues) -> dict[str, float]:
    return {f"quality/{key}": value["mean"] for key, value in found.items()}


def evaluations(
    run: Run,
    info: DatasetInfo,
    config: Config,
    events: Events,
    latent_shape: tuple[int, ...],
    beside: Beside,
) -> Evaluations:
    """The callback for a training of `run` with `config` on the data set that `info` describes.

    What it needs is made before the training begins, and is not counted: the classifier of the data set, perhaps.
    """
    before = time.monotonic()
    directory, seed = config.data.directory, config.training.seed
    embedding = embedding_of(directory, info, say)
    evaluation = Evaluation(directory, info, CLIPS, seed, say, distances=False, embedding=embedding)
    say(f"quality   ready after {clock(time.monotonic() - before)}. Embedding: {described(embedding)}")
    latents = family_named(config.family).latents.draw(evaluation.n, latent_shape, seed)
    classes = drawn_classes(config, evaluation.n, seed)
    return Evaluations(run, events, evaluation, latents, config.training.evaluate_every, beside, classes)
