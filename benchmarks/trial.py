"""One training from scratch for so many minutes, and the scores of its sounds.

The minutes are CPU time, or by the clock where a GPU computes. They stand still while steps are compiled and sounds are
scored, and learning rates fall by them: these are at their end when the time is over. A training that was interrupted
goes on from what was kept of it last.
"""

import io
import json
import math
import time
from pathlib import Path

import keras
import numpy as np

from benchmarks.measure import machine, peak_memory
from benchmarks.quality import recipe
from wavegan import __version__
from wavegan.audio import pictures
from wavegan.backend import devices
from wavegan.base.files import write_whole
from wavegan.base.machine import keep_freed
from wavegan.base.progress import Progress
from wavegan.base.text import warn
from wavegan.data.batches import endless_batches, evenly
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import scores
from wavegan.evaluation.asked import asked_for
from wavegan.evaluation.memorised import very_near
from wavegan.evaluation.protocol import TEST, Evaluation
from wavegan.evaluation.scores.catalogue import FRECHET, NEAR_DUPLICATES
from wavegan.generation.asked import drawn_classes
from wavegan.models.family import family_named
from wavegan.training.setup import new_config

SHOWN = 48  # clips on a sheet
KEPT_EVERY = 300  # seconds of a training
COMPILED = 2  # steps that are made before the clock starts
AT_ONCE = 1 << 19  # samples that are generated at a time
SCORES = {
    FRECHET: "fd", "inception_score": "is", "precision": "precision", "recall": "recall", "coverage": "coverage",
    NEAR_DUPLICATES: "near_duplicates", "kernel_distance": "kd", "modified_inception_score": "modified_is",
    "am_score": "am", "ndb": "ndb", "jsd": "jsd", "density": "density", "embedding_self": "self_distance",
    "d_self": "d_self", "d_train": "d_train",
}  # fmt: skip


class Clock(keras.callbacks.Callback):
    """Ends a training when its time is over.

    Args:
        minutes: of the training.
        progress: where seconds are counted, of that.
        now: seconds since whenever; None for those of this machine's kind.

    Attributes:
        steps: that were made.
        before: (steps, seconds) of a training that goes on.
    """

    def __init__(self, minutes, progress=None, now=None):
        super().__init__()
        self.seconds, self.progress = 60 * minutes, progress
        self.now = now or (time.monotonic if devices.accelerators() else time.process_time)
        self.steps, self.started, self.ended, self.before = 0, math.inf, None, (0, 0.0)

    def on_train_begin(self, logs=None):
        self.started = self.now() - self.before[1]

    def on_train_batch_end(self, batch, logs=None):
        self.steps = self.before[0] + batch + 1
        if self.progress:
            self.progress.update(max(0, round(min(self.spent, self.seconds)) - self.progress.done))
        if self.spent >= self.seconds:
            self.model.stop_training, self.ended = True, self.now()

    @property
    def spent(self):
        """Seconds of the training so far."""
        return max(0.0, (self.ended or self.now()) - self.started)

    @property
    def share(self):
        """Of its time, 0 to 1."""
        return min(1.0, self.spent / self.seconds)


class Unfinished(keras.callbacks.Callback):
    """Keeps a training in a file every few minutes, until it is over.

    Args:
        path: of the file.
        clock: of the training; comes after it in the row of callbacks.
        config: of the training.
    """

    def __init__(self, path, clock, config):
        super().__init__()
        self.path, self.clock, self.next = path, clock, KEPT_EVERY
        self.of = json.dumps({"version": __version__, **config.flat()})

    def take_up(self, model):
        """Go on with `model` from what the file has, where it is there and of the same training."""
        if self.path.exists():
            with np.load(self.path) as kept:
                arrays = dict(kept)
            if str(arrays.pop("of", "")) != self.of:
                warn(f"note: {self.path} is of another training, which is begun anew.")
                return
            self.clock.before = int(arrays.pop("steps")), float(arrays.pop("seconds"))
            self.next = self.clock.before[1] + KEPT_EVERY
            model.restore(arrays)

    def on_train_batch_end(self, batch, logs=None):
        if self.clock.spent >= self.next:
            self.next += KEPT_EVERY
            content = io.BytesIO()
            np.savez(content, of=self.of, steps=self.clock.steps, seconds=self.clock.spent, **self.model.state())
            write_whole(self.path, content.getvalue())


def trial(data, text, minutes, seed, n, sheet):
    """Train the recipe `text` on the data set in `data`, and score `n` sounds or somewhat fewer.

    Returns a dict: the machine, bytes of memory, the steps, how fast they were, the precision, the scores of the sounds
    ("found") and of recordings, and how often the classifier is right. A picture of some sounds is written to `sheet`;
    beside it is the training, until it is over.
    """
    devices.one_core_an_operation()
    info = DatasetInfo.load(data)
    records = Records(data, info)
    family, given = recipe(text)
    config = new_config(data, info, {**given, "seed": seed}, family, records)
    evaluation = Evaluation(data, info, n)  # first: it trains the classifier where there is none
    model = config.build_model()
    model.adapt(lambda: evenly(records, info))
    with Progress(round(60 * minutes), f"{info.name}: {text}, seed {seed}", "s") as progress:
        clock = Clock(minutes, progress)
        unfinished = Unfinished(Path(sheet).with_suffix(".npz"), clock, config)
        train(model, config, records, info, clock, unfinished)
    memory = peak_memory()
    sampler = model.sampler()
    latents = family.latents.draw(evaluation.n, sampler.latent_shape, evaluation.seed)
    classes = drawn_classes(config, evaluation.n, evaluation.seed)
    audio = generated(sampler, latents, classes, max(1, AT_ONCE // info.length))
    title = f"{text}, seed {seed}, {minutes:g} minutes"
    pictures.save(drawn(audio, classes, info, title), sheet)
    found = of_sounds(evaluation, audio, classes, config)
    unfinished.path.unlink(missing_ok=True)
    return {
        "machine": machine(),
        "memory": memory,
        "steps": clock.steps,
        "steps_per_second": clock.steps / clock.spent,
        "precision": config.training.precision,
        "clips": evaluation.n,
        "clips_at_once": evaluation.at_once,
        "judge": evaluation.embedding.test_accuracy,
        "found": found,
        "recordings": {name: named(values) for name, values in evaluation.references.items()},
    }


def train(model, config, records, info, clock, unfinished):
    """Train `model` until the `clock` says so, from what is `unfinished`; its learning rates fall by the clock, too."""
    keep_freed()
    family, size = family_named(config.family), config.training.batch_size

    def batches():
        steps = endless_batches(
            records, info, size, family.updates(config.model), config.training.seed,
            group=family.group(config.model, config.data.clip), first_step=clock.before[0],
        )  # fmt: skip
        for step in steps:
            yield ({**step, "progress": np.full(size, clock.share, "float32")},)

    state = model.state()
    with records.explained():  # under TensorFlow, what the generator raises comes out as an error of its own
        model.fit(batches(), steps_per_epoch=COMPILED, shuffle=False, verbose=0)
        model.restore(state)
        unfinished.take_up(model)
        endless = 2**40  # steps
        model.fit(batches(), steps_per_epoch=endless, shuffle=False, verbose=0, callbacks=[clock, unfinished])


def generated(sampler, latents, classes, at_once):
    """Audio [n, time, channels] of latents and, where the model has classes, their weights."""
    given = [each for each in (latents, classes) if each is not None]
    blocks = [[each[first : first + at_once] for each in given] for first in range(0, len(latents), at_once)]
    return np.concatenate([sampler(*block) for block in blocks])


def of_sounds(evaluation, audio, classes, config):
    """{score: value} of sounds [n, time, channels] that were asked for by `classes` [n, classes], or by none.

    "fd" is the distance to training recordings; with it are those to the two halves of the held-out ones.
    """
    features = evaluation.features(audio)
    found = named(evaluation.measure(features))
    near = evaluation.nearest_copies(features)
    very = very_near(near.unseen, near.compared)
    found |= {"very_near": very.share, "very_near_sign": very.sign}
    if TEST in evaluation.sets:
        standard = evaluation.yardstick.standard
        held_out = evaluation.embedding.real["test"].embeddings
        found |= held_out_distances(standard(features.embeddings), standard(held_out))
    found["loudness"] = float(np.sqrt(np.mean(audio**2))) / config.data.rms
    if features.probabilities is not None:
        kinds = scores.class_histogram(features.probabilities)
        found["least_frequent"] = float(kinds.min() / kinds.sum())
    asked = asked_for(evaluation, features, classes, config.classes)
    if asked:
        of_class = {name: each["recognised"] for name, each in asked["classes"].items()}
        worst = min(of_class, key=lambda name: of_class[name])
        found |= {"recognised": asked["recognised"], "worst_class": worst, "worst_recognised": of_class[worst]}
    return found


def held_out_distances(sounds, recordings):
    """{name: Fréchet distance} of embeddings [n, width] of sounds to two halves of those of held-out recordings.

    Recipes are chosen by "fd_validation", by every other recording from the first; what is to be reported of the chosen
    ones is "fd_test", by the others. Distances to fewer recordings are larger: they compare with each other alone.
    """
    halves = {"fd_validation": recordings[::2], "fd_test": recordings[1::2]}
    return {name: float(scores.frechet_distance(sounds, half)) for name, half in halves.items()}


def named(values):
    """{short name: mean} of the scores that a comparison keeps."""
    return {name: values[key]["mean"] for key, name in SCORES.items() if key in values}


def drawn(audio, classes, info, title):
    """A sheet of some clips, by class where one was asked for."""
    chosen, names = np.arange(min(SHOWN, len(audio))), None
    if classes is not None:
        asked, each = classes.argmax(axis=1), max(1, SHOWN // len(info.classes))
        chosen = np.concatenate([np.flatnonzero(asked == kind)[:each] for kind in range(len(info.classes))])[:SHOWN]
        names = [info.classes[asked[clip]] for clip in chosen]
    return pictures.draw(audio[chosen], info.sample_rate, title, names)
