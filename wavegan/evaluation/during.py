"""Scores while a training goes on, for a twentieth of its time, and the best checkpoint kept."""

import time

from preprocess import UserError
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
SHARE = 0.05  # of the run's time, at most
TOLD = ("frechet_distance", "kernel_distance", "inception_score", "recall")


class Evaluations(StepCallback):
    """Scores a few hundred clips every `every` steps, later where it would take more than 5 % of the time.

    The scores go to TensorBoard under quality/, beside those of test data and white noise as runs of their own, and to
    the terminal. Each scored step gets a checkpoint with its score; the run keeps the best one.

    Args:
        run: a `runs.Run`.
        events: an `events.Events`, the run's.
        evaluation: a `measure.Evaluation` without distances.
        every: steps.
        beside: {name: array} of what belongs to every checkpoint beside the model.
        spent: seconds that it took to prepare this.
    """

    def __init__(self, run, events, evaluation, every, beside, spent=0.0):
        super().__init__()
        self.run, self.events, self.evaluation, self.every, self.beside = run, events, evaluation, every, beside
        self.spent, self.cost, self.count = spent, None, 0
        self.levels = {}  # of each set beside the generated one its events

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for name in (ceiling(self.evaluation.levels), NOISE):
            folder = self.run.path / "levels" / name
            forget_after(folder, self.step, warn=say)
            self.levels[name] = Events(folder)
        self.started, self.due, self.last = time.monotonic() - self.spent, False, self.step
        self.told = False  # that they have to wait
        before = time.monotonic()
        self.synthesize = synthesizer(self.model.averaged_generator)
        self._made()  # compiles, and tells what an evaluation costs
        self._count(before)

    def on_step(self, step, logs):
        self.due = self.due or step % self.every == 0
        if self.due and (wait := self._wait()) > 0 and not self.told:
            self.told = True
            say(
                f"quality at step {step} has to wait: an evaluation takes {self.cost:.1f} s, {self.spent:.1f} s went "
                f"into preparing and others, and all together may take {SHARE:.0%} of the time. The next one comes in "
                f"{clock(wait)}, and others as they fit."
            )
        elif self.due and wait <= 0:
            self.evaluate(step)

    def _wait(self):
        """Seconds until one more evaluation takes no more than its share of the time; 0 or less: now."""
        return (self.spent + self.cost) / SHARE - (time.monotonic() - self.started)

    def on_train_end(self, logs=None):
        stopped = self.model.stop_training  # somebody who stops it does not want to wait
        if self.step > self.last and self._wait() <= 0 and not stopped:
            self.evaluate(self.step)
        share = self.spent / (time.monotonic() - self.started)
        if self.count:
            say(f"{self.count} evaluations took {share:.1%} of the time")
        else:
            say(f"no evaluation was made: the training is too short for one in {SHARE:.0%} of its time")
        for events in self.levels.values():
            events.close()

    def evaluate(self, step):
        """Score what the generator makes at `step`, and keep a checkpoint with the score."""
        before = time.monotonic()
        self.due, self.last = False, step
        try:
            found = self.evaluation.measure(self._made())
        except UserError as problem:  # the training matters more
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
        return self.evaluation.generated(self.synthesize, latent_size)[1]

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
    before = time.monotonic()
    evaluation = Evaluation(config.data, info, CLIPS, config.seed, say, distances=False)
    return Evaluations(run, events, evaluation, config.evaluate_every, beside, time.monotonic() - before)
