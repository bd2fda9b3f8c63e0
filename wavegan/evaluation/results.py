"""What evaluation.json holds of a checkpoint: its scores beside those of recordings and noise, and what to know."""

import time
from dataclasses import asdict
from typing import Any

from wavegan.base.typed import typed, without_places
from wavegan.evaluation import scores, store
from wavegan.evaluation.features import Features
from wavegan.evaluation.judge.recordings import held_out
from wavegan.evaluation.memorised import Nearest, verdict, very_near
from wavegan.evaluation.protocol import GENERATED, NOISE, SETS, Evaluation, ScoreValues, reference_set
from wavegan.evaluation.scores.catalogue import HIGHER, LOWER, SCORES, Score
from wavegan.evaluation.terminal import WEAK, described
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT
from wavegan.runs.config import Config
from wavegan.runs.run import Run


def results(
    run: Run,
    config: Config,
    evaluation: Evaluation,
    step: int,
    features: Features,
    values: ScoreValues,
    nearest: Nearest,
    trained_on: bool,
    asked: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What evaluation.json holds of one checkpoint of `run`: all but the other checkpoints and the answers.

    Args:
        run: the run.
        config: its configuration.
        evaluation: what the clips were scored against.
        step: the checkpoint's.
        features: of its clips.
        values: their scores.
        nearest: the training clips they come nearest to.
        trained_on: whether the run was trained on the recordings of the evaluation.
        asked: what `asked.asked_for` found.
    """
    embedding, all_values = evaluation.embedding, {GENERATED: values, **evaluation.references}
    sets = [name for name in SETS if name in all_values]
    near = very_near(nearest.unseen, nearest.compared)
    return {
        "format": store.FORMAT,
        "run": run.name,
        "step": step,
        "data": evaluation.info.name,
        "clips": evaluation.n,
        "clips_at_once": evaluation.at_once,
        "subsets": evaluation.n // evaluation.at_once,
        "cells": len(evaluation.yardstick.centres),
        "seed": evaluation.seed,
        "made": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "embedding": {
            "name": embedding.name,
            "description": described(embedding),
            "test_accuracy": embedding.test_accuracy,
            "classes": list(embedding.classes),
            "clips": embedding.content_hash,
        },
        "sets": sets,
        "scores": [
            {**asdict(score), "name": evaluation.named(score)}
            | {"values": {name: all_values[name][score.key] for name in sets}}
            for score in SCORES
            if score.key in values
        ],
        "histogram": _class_shares(evaluation, features),
        "asked": asked,
        "memorised": {**asdict(near), "verdict": verdict(near, evaluation.has_test, trained_on)},
        "config": config.shown(),
        "notes": _notes(run, evaluation, step, trained_on),
    }


def for_others(report: dict[str, Any], run: Run) -> dict[str, Any]:
    """The report as others may see it: the commands in it name no folder of this machine where `run` or a script lie.

    Those are the ones that a person typed with a path from the root.
    """
    answers = [{**each, "answer": without_places(each["answer"], run.path)} for each in report["answers"]]
    return report | {"answers": answers, "notes": [without_places(note, run.path) for note in report["notes"]]}


def _class_shares(evaluation: Evaluation, features: Features) -> dict[str, dict[str, float]]:
    """{set: {class: share of the clips}}; empty without classes."""
    found = {}
    for name, those in {GENERATED: features, **evaluation.sets}.items():
        if those.probabilities is not None:
            counts = scores.class_histogram(those.probabilities)
            found[name] = dict(zip(evaluation.embedding.classes, (counts / counts.sum()).tolist(), strict=True))
    return found


def _notes(run: Run, evaluation: Evaluation, step: int, trained_on: bool) -> list[str]:
    """What a reader of the scores must know."""
    embedding, at_once = evaluation.embedding, evaluation.at_once
    again = ["--run", run.title, "--checkpoint", step, "--seed", evaluation.seed, "--n", evaluation.n]
    notes = [
        f"Scores compare within one embedding ({embedding.name}) and one number of clips ({at_once:,}) only.",
        f"The sounds again: {typed('generate', *again)}",
    ]
    if not trained_on:
        notes.insert(0, "These are not the recordings that the run was trained on; no checkpoint gets a score.")
    if evaluation.has_test and held_out(evaluation.info) == "validation":
        notes.append("Test data are the recordings held out for validation: none are held out for testing.")
    if not evaluation.has_test:
        notes.append(
            f"Fewer than {FEWEST_HELD_OUT} recordings are held out: there is no column of test data, and some training "
            "recordings stand for unseen ones where distances are measured. A larger --test of "
            f"{typed('preprocess')} holds out more."
        )
    if len(evaluation.info.classes) > 1 and not embedding.classes:
        notes.append(
            f"No classifier could tell the classes of {evaluation.info.name} apart: a {embedding.name} compares the "
            "sounds, and there are no scores by class."
        )
    if embedding.test_accuracy is not None and embedding.test_accuracy < WEAK:
        notes.append(
            f"The classifier is right about {embedding.test_accuracy:.0%} of the test clips only: scores by class say "
            "little here."
        )
    if uninformative := [evaluation.named(score) for score in SCORES if _is_uninformative(evaluation, score)]:
        names = ", ".join(uninformative)
        notes.append(f"Do not look at {names}: white noise scores as well as recordings do here.")
    return notes


def _is_uninformative(evaluation: Evaluation, score: Score) -> bool:
    """Whether white noise is as good as recordings by this score."""
    recordings = evaluation.references[reference_set(evaluation.references)]
    if score.better not in (HIGHER, LOWER) or score.key not in recordings:
        return False
    real, noise = recordings[score.key]["mean"], evaluation.references[NOISE][score.key]["mean"]
    return noise >= real if score.better == HIGHER else noise <= real
