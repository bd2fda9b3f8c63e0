"""How good a run's sounds are: scores of its checkpoints, and the sounds to listen to."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from wavegan.base.errors import UserError
from wavegan.base.locks import in_turn
from wavegan.base.progress import Progress
from wavegan.base.typed import typed
from wavegan.data.batches import clips
from wavegan.data.schema import fingerprint
from wavegan.evaluation import scores, store, terminal
from wavegan.evaluation.answers import answers
from wavegan.evaluation.judge.embedding import held_out
from wavegan.evaluation.page.page import Clip, html
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN, Evaluation
from wavegan.evaluation.scores.catalogue import SCORES
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT
from wavegan.generation.generate import load_sampler
from wavegan.models.family import family_named

SHOWN, PAIRS = 60, 12  # clips on the page, and pairs of a generated clip and the recording nearest to it
SAMPLES_SHOWN = 3_000_000  # on the page, but for the pairs and the first eight: 8 MB
NEAR, NEAR_OF_FEW = 0.01, 0.05  # the share of held-out clips (of fewer than 200) that are near to a training clip
SUSPICIOUS = 0.1  # the share of generated clips, above that, that are so near: more is a sign of memorising
CHANCE = 1e-3  # the probability below which a share is no accident
COPIES = 0.05  # as near as this, in units of the mean distance of held-out clips, are copies
WEAK = 0.8  # a classifier that is right less often is a poor judge


@dataclass(frozen=True)
class Made:
    """What a checkpoint made: its latents, how they become audio, their `measure.Sounds`, and its scores."""

    step: int
    latents: np.ndarray
    sampler: object
    sounds: object
    scores: dict


def evaluate(run, steps, directory, info, n, seed=0, warn=print):
    """Score the checkpoints of `run` and leave evaluation.json, evaluation.html and scalars in its evaluation/.

    By other recordings than those it was trained on, in a folder of their name beside that.

    Args:
        run: a `runs.Run`.
        steps: those of the checkpoints, at least one; None for the newest that is whole. The sounds on the page are of
            the best one among them.
        directory: the data set.
        info: its `DatasetInfo`.
        n: clips a checkpoint, 50 or more.
        seed: of the latents and of everything else random.
        warn: called with a line for what is no error.

    Returns what evaluation.json holds, and the path of evaluation.html. Every checkpoint keeps its `goodness` as its
    score, by which `Run.best` chooses.
    Raises UserError where something is missing, does not fit, or cannot be written.
    """
    config = run.config()
    for name in ("sample_rate", "length", "channels"):
        expected, received = getattr(config.data, name), getattr(info, name)
        if expected != received:
            raise UserError(
                f"{directory} has {name} {received}, {run.path} was trained with {expected}. "
                "Give the data set of the run with --data."
            )
    trained_on = fingerprint(directory) == config.data.fingerprint
    folder = run.path / ("evaluation" if trained_on else f"evaluation by {info.name}")
    store.make(folder)  # before all the work
    evaluation = Evaluation(directory, info, n, seed, warn)
    evaluation.trained_on = trained_on
    best, found = None, {}
    for made in _each_made(run, steps, config, evaluation, warn):
        found[made.step] = made.scores
        if evaluation.trained_on:
            _keep_score(run, made, evaluation.method, warn)
        if best is None or goodness(made.scores) > goodness(best.scores):
            best = made
    if best is None:
        raise UserError(f"no checkpoint of {run.path} can be read. Put back a copy of one.")
    report, generated, real, pairs = _report(run, config, evaluation, best)
    with in_turn(folder):  # others may add scores
        report |= _checkpoints(store.earlier(folder / "evaluation.json"), evaluation.method, found)
        report["best_step"] = run.best() if trained_on else None
        report["answers"] = answers(report, run.path)
        store.save(folder, report, html(report, generated, real, pairs, info.sample_rate))
        store.log(folder, report["checkpoints"], evaluation.levels)
    return report, folder / "evaluation.html"


def _each_made(run, steps, config, evaluation, warn):
    """Of every checkpoint what it `Made`, with a progress bar. What cannot be scored is told, if there are others."""
    with Progress(len(steps) * evaluation.n, "evaluating", "clips") as progress:
        for step in steps:
            try:
                sampler, _, step = load_sampler(run, step, warn)
                latents = family_named(config.family).latents.draw(evaluation.n, sampler.latent_shape, evaluation.seed)
                sounds = evaluation.generated(sampler, latents, progress)
            except UserError as problem:  # damaged, dropped by a training that goes on, or makes no finite sounds
                if len(steps) == 1:
                    raise
                warn(f"warning: step {step} passed over: {problem}")
            else:
                yield Made(step, latents, sampler, sounds, evaluation.measure(sounds))


def _checkpoints(earlier, method, found):
    """The scores by `method`, {step: scores} of them `found` now, and those by other methods."""
    rows = {row["step"]: row["scores"] for row in earlier if row["method"] == method} | found
    checkpoints = [{"step": step, "method": method, "scores": row} for step, row in sorted(rows.items())]
    return {"checkpoints": checkpoints, "others": [row for row in earlier if row["method"] != method]}


def _keep_score(run, made, method, warn):
    try:
        run.set_score(made.step, goodness(made.scores), method)
    except UserError as problem:
        warn(f"note: {problem}")


def goodness(scores):
    """By what checkpoints are ranked, higher is better: the Fréchet distance with its sign changed."""
    return -scores["frechet_distance"]["mean"]


def _report(run, config, evaluation, made):
    """What evaluation.json holds, but for the checkpoints, and the clips of the page: generated, real, pairs."""
    info, embedding = evaluation.info, evaluation.embedding
    distances, nearest = evaluation.distances.nearest_heard(made.sounds.heard)
    unit = max(evaluation.held_heard.mean(), 1e-9)
    threshold, share = _memorised(evaluation.held_heard / unit, distances := distances / unit)
    sets = [GENERATED, *(name for name in store.SETS if name in evaluation.levels)]
    values = {GENERATED: made.scores, **evaluation.levels}
    report = {
        "format": store.FORMAT,
        "run": run.name,
        "step": made.step,
        "data": info.name,
        "clips": evaluation.n,
        "clips_at_once": evaluation.at_once,
        "subsets": evaluation.n // evaluation.at_once,
        "cells": len(evaluation.yardstick.centres),
        "seed": evaluation.seed,
        "made": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "embedding": {
            "name": embedding.name,
            "description": terminal.described(embedding),
            "test_accuracy": embedding.test_accuracy,
            "classes": list(embedding.classes),
            "clips": embedding.content_hash,
        },
        "sets": sets,
        "scores": [
            {**asdict(score), "name": evaluation.named(score)}
            | {"values": {name: values[name][score.key] for name in sets}}
            for score in SCORES
            if score.key in made.scores
        ],
        "histogram": _histogram(evaluation, made),
        "memorised": {"share": share, "threshold": threshold, "verdict": _verdict(evaluation, threshold, share)},
        "config": {**config.flat(), "data": Path(config.data.directory).name},
        "notes": _notes(evaluation, run, made.step),
    }
    shown = max(8, min(SHOWN, SAMPLES_SHOWN // 2 // (info.length * info.channels)))
    generated = _generated_clips(evaluation, made, distances, np.arange(min(shown, evaluation.n)))
    real = _real_clips(evaluation, _shown_recordings(evaluation, shown // 2))
    closest = np.argsort(distances, kind="stable")[:PAIRS]
    pairs = zip(
        _generated_clips(evaluation, made, distances, closest), _real_clips(evaluation, nearest[closest]), strict=True
    )
    return report, generated, real, list(pairs)


def _memorised(held, distances):
    """The distance that `_near` of the `held` ones do not exceed, and the share of `distances` that do not."""
    threshold = float(np.quantile(held, _near(held)))
    return threshold, float(np.mean(distances <= threshold))


def _near(held):
    return NEAR if len(held) >= 200 else NEAR_OF_FEW


def _verdict(evaluation, threshold, share):
    unseen = "held-out recordings" if evaluation.has_test else "other recordings"
    near = _near(evaluation.held_heard)
    if not evaluation.trained_on:
        return "Whether it memorised cannot be told: it was trained on other recordings than these."
    if threshold <= COPIES:
        return f"Whether it memorised cannot be told: some {unseen} are copies of training recordings."
    found = f"{share:.1%} of the clips are very near to a training recording, of {unseen} {near:.0%}"
    if share > near + SUSPICIOUS:
        return f"Perhaps: {found}. Listen to the pairs; more recordings, fewer steps or a smaller model help."
    if binomtest(round(share * evaluation.n), evaluation.n, near, "greater").pvalue < CHANCE:
        return f"Perhaps a few: {found}. Listen to the pairs."
    return f"No sign of memorising: {found}."


def _histogram(evaluation, made):
    """{set: {class: share of the clips}}; empty without classes."""
    classes = evaluation.embedding.classes
    if not classes:
        return {}
    found = {}
    for name, sounds in {GENERATED: made.sounds, **evaluation.sets}.items():
        counts = scores.class_histogram(sounds.probabilities)
        found[name] = dict(zip(classes, (counts / counts.sum()).tolist(), strict=True))
    return found


def _shown_recordings(evaluation, count):
    """Indices of training clips to listen to, of every class about as many."""
    drawn = np.random.default_rng((evaluation.seed, 5)).permutation(len(evaluation.train))
    probabilities = evaluation.embedding.real["train"].probabilities
    if probabilities is None:
        return drawn[:count]
    labels = probabilities[drawn].argmax(axis=1)
    rank = np.zeros(len(drawn), int)  # of each clip within its class
    for label in np.unique(labels):
        rank[labels == label] = np.arange(np.sum(labels == label))
    return drawn[np.argsort(rank, kind="stable")[:count]]


def _notes(evaluation, run, step):
    """What a reader of the scores must know."""
    embedding, at_once = evaluation.embedding, evaluation.at_once
    again = ["generate", "--run", run.path, "--checkpoint", step, "--seed", evaluation.seed, "--n", evaluation.n]
    notes = [
        f"Scores compare within one embedding ({embedding.name}) and one number of clips ({at_once:,}) only.",
        f"The sounds again: {typed(*again)}",
    ]
    if not evaluation.trained_on:
        notes.insert(0, "These are not the recordings that the run was trained on; no checkpoint gets a score.")
    if evaluation.has_test and held_out(evaluation.info) == "validation":
        notes.append("Test data are the recordings held out for validation: none are held out for testing.")
    if not evaluation.has_test:
        notes.append(
            f"Fewer than {FEWEST_HELD_OUT} recordings are held out: there is no column of test data, and some training "
            "recordings stand for unseen ones where distances are measured. A larger --test of python -m preprocess "
            "holds out more."
        )
    if embedding.test_accuracy is not None and embedding.test_accuracy < WEAK:
        notes.append(
            f"The classifier is right about {embedding.test_accuracy:.0%} of the test clips only: scores by class say "
            "little here."
        )
    blind = [evaluation.named(score) for score in SCORES if _blind(evaluation, score)]
    if blind:
        notes.append(f"Do not look at {', '.join(blind)}: white noise scores as well as recordings do here.")
    return notes


def _blind(evaluation, score):
    """Whether white noise is as good as recordings by this score."""
    levels = evaluation.levels[TEST if evaluation.has_test else TRAIN], evaluation.levels[NOISE]
    if score.better not in ("higher", "lower") or score.key not in levels[0]:
        return False
    real, noise = (level[score.key]["mean"] for level in levels)
    return noise >= real if score.better == "higher" else noise <= real


def _generated_clips(evaluation, made, distances, chosen):
    """The `Clip`s of some of what was generated."""
    classes, probabilities = evaluation.embedding.classes, made.sounds.probabilities
    digits = max(3, len(str(evaluation.n - 1)))
    audio = made.sampler(made.latents[chosen])
    return [
        Clip(
            f"{index:0{digits}d}",
            audio[number],
            classes[probabilities[index].argmax()] if classes else None,
            float(probabilities[index].max()) if classes else None,
            float(distances[index]),
        )
        for number, index in enumerate(chosen)
    ]


def _real_clips(evaluation, indices):
    """The `Clip`s of some training clips."""
    info = evaluation.info
    found = clips(evaluation.train, info, indices)
    named = zip(found["audio"], found["label"], found["source"], strict=True)
    return [Clip(os.fsdecode(source), audio, info.classes[label]) for audio, label, source in named]
