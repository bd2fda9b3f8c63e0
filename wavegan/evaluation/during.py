"""Scores while a training goes on, for a twentieth of its time, and the best checkpoint kept."""

import time
from functools import partial

from preprocess import UserError
from preprocess.command import typed
from preprocess.progress import clock
from wavegan.evaluation.embedding import embedding_of
from wavegan.evaluation.evaluate import goodness
from wavegan.evaluation.measure import NOISE, Evaluation
from wavegan.evaluation.quality import SCORES
from wavegan.evaluation.report import add, described, text
from wavegan.evaluation.tables import ceiling
from wavegan.events import Events, forget_after
from wavegan.monitoring import StepCallback, save, say
from wavegan.synthesis import synthesizer

CLIPS = 256
SHARE = 0.05  # of the training's time, at most
PREPARING_S = 3.0  # about what it takes to be ready for the first evaluation, before that is known
TOLD = ("frechet_distance", "kernel_distance", "inception_score", "recall")


class Evaluations(StepCallback):
    """Scores a few hundred clips every `every` steps, but not where that would be more than 5 % of the time so far.

    What evaluations need is prepared when there is time for it, and counts. The scores go to TensorBoard under
    quality/, beside those of test data and white noise as runs of their own, and to the terminal. Each scored step gets
    a checkpoint with its score; the run keeps the best one.

    Args:
        run: a `runs.Run`.
        events: an `events.Events`, the run's.
        prepare: makes the `measure.Evaluation`, without distances.
        every: steps.
        beside: {name: array} of what belongs to every checkpoint beside the model.
    """

    def __init__(self, run, events, prepare, every, beside):
        super().__init__()
        self.run, self.events, self.prepare, self.every, self.beside = run, events, prepare, every, beside
        self.evaluation, self.levels = None, {}  # levels: of each set beside the generated one its events
        self.spent, self.cost, self.count = 0.0, PREPARING_S, 0  # cost: of what comes next
        self.told, self.failed = False, False  # told: that they have to wait

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for folder in (self.run.path / "levels").glob("*"):
            forget_after(folder, self.step, warn=say)
        self.started, self.last = time.monotonic(), self.step

    def on_step(self, step, logs):
        if step % self.every == 0:
            self._evaluate_in_time(step)

    def on_train_end(self, logs=None):
        if self.step > self.last and not self.model.stop_training:  # somebody who stops it does not want to wait
            self._evaluate_in_time(self.step)
        if self.count:
            say(f"{self.count} evaluations took {self.spent / (time.monotonic() - self.started):.1%} of the time")
        elif not self.failed:
            say(f"no evaluation was made: the training is too short for one in {SHARE:.0%} of its time")
        if (best := self.run.best()) is not None:
            say(f"best is step {best}: {typed('generate', '--run', self.run.path, '--checkpoint', 'best')}")
        else:
            say(f"scores now: {typed('evaluate', '--run', self.run.path, '--checkpoint', 'all')}")
        for events in self.levels.values():
            events.close()

    def _evaluate_in_time(self, step):
        if self.evaluation is None and not self.failed and not self._waits(step):
            self._prepare()
        if self.evaluation is not None and not self._waits(step):
            self.evaluate(step)

    def _waits(self, step):
        """Whether there is no time yet for what comes next; says so the first time."""
        wait = (self.spent + self.cost) / SHARE - (time.monotonic() - self.started)
        if wait > 0 and not self.told:
            self.told = True
            say(
                f"quality at step {step} has to wait: evaluations may take {SHARE:.0%} of the time, and to be ready "
                f"for the first takes about {clock(self.cost)}. It comes in {clock(wait)} or a little later."
            )
        return wait > 0

    def _prepare(self):
        before, self.told = time.monotonic(), True
        try:
            self.evaluation = self.prepare()
            for name in (ceiling(self.evaluation.levels), NOISE):
                self.levels[name] = Events(self.run.path / "levels" / name)
            self.synthesize = synthesizer(self.model.averaged_generator)
            prepared = time.monotonic()
            self.evaluation.measure(self._made())  # compiles
        except UserError as problem:  # the training matters more
            say(f"warning: {problem} There are no evaluations.")
            self.failed = True
            return
        self._count(before)
        self.cost = time.monotonic() - prepared
        say(f"quality   ready after {clock(self.spent)}; an evaluation takes {clock(self.cost)} of the {SHARE:.0%}")

    def evaluate(self, step):
        """Score what the generator makes at `step`, and keep a checkpoint with the score."""
        before = time.monotonic()
        self.last = step
        try:
            found = self.evaluation.measure(self._made())
        except UserError as problem:
            say(f"warning: {problem}")
            self._count(before)
            return
        self.events.scalars(_scalars(found), step)
        for name, events in self.levels.items():
            events.scalars(_scalars(self.evaluation.levels[name]), step)
        if step not in self.run.steps():
            save(self.run, step, self.model, self.beside)
        try:
            self.run.set_score(step, goodness(found), self.evaluation.method)
            add(self.run.path / "evaluation", step, self.evaluation.method, found)
        except UserError as problem:
            say(f"warning: {problem}")
        self.count += 1
        self._count(before)
        best = ", the best so far" if self.run.best() == step else ""
        say(f"quality at step {step}{best}: {self._told(found)}")

    def _made(self):
        latent_size = self.model.generator.input_shape[-1]  # which also brings the model up to date under JAX
        return self.evaluation.generated(self.synthesize, latent_size)

    def _count(self, before):
        self.cost = time.monotonic() - before
        self.spent += self.cost

    def _told(self, found):
        """The scores in words, each with those of test data and white noise."""
        parts = []
        for score in SCORES:
            if score.key in TOLD and score.key in found:
                beside = ", ".join(f"{name} {text(self._level(name, score.key))}" for name in self.levels)
                parts.append(f"{self.evaluation.named(score)} {text(found[score.key])} ({beside})")
        return f"{'; '.join(parts)}. Embedding: {described(self.evaluation.embedding)}"

    def _level(self, name, key):
        return self.evaluation.levels[name][key] | {"spread": None}


def _scalars(found):
    return {f"quality/{key}": value["mean"] for key, value in found.items()}


def evaluations(run, info, config, events, beside):
    """The callback for a training of `run` with `config` on the data set that `info` describes.

    What the data set needs once is made first, and is not counted: a classifier, perhaps.
    """
    embedding = embedding_of(config.data, info, say)
    say(f"quality   every {config.evaluate_every} steps, with an embedding: {described(embedding)}")
    prepare = partial(Evaluation, config.data, info, CLIPS, config.seed, say, distances=False)
    return Evaluations(run, events, prepare, config.evaluate_every, beside)
