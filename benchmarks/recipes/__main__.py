"""What recipes of training do to the sounds at equal CPU time: one recipe from scratch, scored at minutes of its own.

    python -m benchmarks.recipes --data data/drums-8k --recipe stages,gamma=10 --minutes 2,5,10

A recipe is a name of `RECIPES`, with settings of `Recipe` that differ from it. One core computes; the clock counts its
CPU time and stands still while something is compiled or scored. Every mark adds a line of JSON; lines that are there
already are not made again.

Sources: non-saturating loss, Goodfellow et al., arXiv 1406.2661, section 3; R1 and R2, Mescheder et al., arXiv
1801.04406, section 4.1; penalties at some steps only, Karras et al., arXiv 1912.04958, section 3.1; pairs, Jolicoeur-
Martineau, arXiv 1807.00734, and Huang et al., arXiv 2501.05441; WGAN-GP, Gulrajani et al., arXiv 1704.00028;
projection, Miyato and Koyama, arXiv 1802.05637; augmentation of both sides, Zhao et al., arXiv 2006.10738.
"""

import argparse
import json
import logging
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.recipes.recipe import RECIPES, recipe_of
from benchmarks.recipes.trainer import LATENT_SIZE, Trainer
from wavegan.audio import pictures
from wavegan.backend.autodiff import compiled
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.protocol import TEST, Evaluation
from wavegan.models.latents import Uniform
from wavegan.models.sampling import batched

SCORED = 1000  # sounds, or somewhat fewer: see `Evaluation.n`
SCORES = {"fd": "frechet_distance", "is": "inception_score", "kd": "kernel_distance"} | {
    name: name for name in ("twins", "precision", "recall", "coverage")
}


class Judge:
    """Scores of the averaged generator, by the data set's own classifier (`Evaluation`)."""

    def __init__(self, directory, info, labels):
        self.info, self.evaluation = info, Evaluation(directory, info, SCORED, distances=False)
        self.latents = Uniform().draw(self.evaluation.n, (LATENT_SIZE,), seed=0)
        self.asked = np.random.default_rng(0).choice(labels, self.evaluation.n)  # classes as often as in the recordings

    def __call__(self, sampled, conditional):
        """{score: value}, and the audio that was scored, of a function: latents beside class weights → audio."""
        kinds = np.eye(len(self.info.classes) + 1, dtype="float32")
        audio = sampled(np.concatenate([self.latents, kinds[self.asked]], 1) if conditional else self.latents)
        sounds = self.evaluation.features(audio)
        found = self._scores(sounds) | {"least_class": self._least(sounds)}
        if conditional:
            probabilities: Any = sounds.probabilities  # there are classes
            right = probabilities.argmax(1) == self.asked
            found["recognised"] = round(float(right.mean()), 3)
            found["recognised_by_class"] = {
                name: round(float(right[self.asked == kind].mean()), 2)
                for kind, name in enumerate(self.info.classes)
                if kind in self.asked
            }
            free = np.concatenate([self.latents, np.repeat(kinds[-1:], len(self.latents), 0)], 1)
            sounds = self.evaluation.features(sampled(free))
            found |= {"fd_any": self._scores(sounds)["fd"], "least_any": self._least(sounds)}
        return found | {"rms_generated": round(float(np.sqrt(np.mean(audio**2))), 4)}, audio

    def _least(self, sounds):
        """The share of the class that is recognised least often."""
        kinds = np.bincount(sounds.probabilities.argmax(1), minlength=len(self.info.classes))
        return round(float(kinds.min() / kinds.sum()), 4)

    def _scores(self, sounds):
        return _short(self.evaluation.measure(sounds))

    def facts(self):
        """What the scores stand on: the classifier's accuracy, and the same scores of held-out recordings."""
        references = self.evaluation.references
        held_out = _short(references.get(TEST, next(iter(references.values()))))
        return {"judge": self.evaluation.embedding.test_accuracy, "held_out": held_out}


def _short(found):
    return {name: round(found[key]["mean"], 4) for name, key in SCORES.items()}


def batch_of(labels, recipe, random):
    """Indices of clips, and the class the networks are given, [updates, batch] each; the last one is "any"."""
    classes, chosen, asked_for = labels.max() + 1, [], []
    for _ in range(recipe.updates * recipe.batch // recipe.group):
        kind = random.choice(labels)
        free = random.random() < recipe.any_share
        mixed = free or not recipe.conditional
        chosen.append(random.choice(len(labels) if mixed else np.flatnonzero(labels == kind), recipe.group))
        asked_for += recipe.group * [classes if free else kind]
    shape = (recipe.updates, recipe.batch)
    return np.reshape(chosen, shape), np.reshape(asked_for, shape)


def sheet(audio, asked, info, conditional, title):
    """A picture of some 48 clips, sorted by class where one was asked for."""
    chosen = np.arange(48)
    if conditional:
        each = max(1, 48 // len(info.classes))
        chosen = np.concatenate([np.flatnonzero(asked == kind)[:each] for kind in range(len(info.classes))])
    names = [info.classes[asked[clip]] for clip in chosen] if conditional else None
    return pictures.draw(audio[chosen], info.sample_rate, title, names)


def machine():
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    words = next((line for line in lines if line.startswith("flags")), "").split()
    return {"cpu": model, "bf16": bool({"avx512_bf16", "amx_bf16"} & set(words)), "tensorflow": tf.__version__}


def run(flags, text):
    """Train and score the recipe `text`, and add its lines."""
    info, recipe = DatasetInfo.load(flags.data), recipe_of(text)
    marks = sorted(float(mark) for mark in flags.minutes.split(","))
    key = {"data": Path(flags.data).name, "recipe": text, "seed": flags.seed, "of_minutes": marks[-1]}
    out = Path(flags.out)
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    there = {line["minutes"] for line in lines if key.items() <= line.items()}
    if there >= set(marks):
        return
    records = Records(flags.data, info)
    data = clips(records, info, np.arange(len(records)))
    unit = float(np.sqrt(np.mean(data["audio"] ** 2)))
    judge, random = Judge(flags.data, info, data["label"]), np.random.default_rng(flags.seed)
    trainer = Trainer(info, recipe, unit, flags.seed)
    sampled = batched(compiled(trainer.averaged), info.length, 64)

    def step(number, rate=1.0):
        chosen, asked_for = batch_of(data["label"], recipe, random)
        return trainer(number, tf.constant(data["audio"][chosen]), tf.constant(asked_for), rate)

    for number in range(3):  # both kinds of steps are compiled now; these are not counted
        step(number)
    scores: deque = deque(maxlen=100)
    number, started = 0, time.process_time()
    for mark in marks:
        while (minutes := (time.process_time() - started) / 60) < mark:
            scores.append(step(number, 1 - (1 - recipe.fall) * minutes / marks[-1]))
            number += 1
        paused = time.process_time()
        found, audio = judge(sampled, recipe.conditional)
        line = {**key, "minutes": mark, "steps": number, "steps_per_second": round(number / mark / 60, 2), **found,
                "rms_real": round(unit, 4), "critic_scores": np.mean(scores, 0).round(3).tolist(),
                **judge.facts(), "settings": asdict(recipe), **machine()}  # fmt: skip
        if mark not in there:
            with out.open("a") as file:
                file.write(json.dumps(line) + "\n")
        shown = ("steps", "fd", "is", "recall", "recognised", "least_class", "fd_any", "critic_scores")
        print(f"{text}, seed {flags.seed}, {mark:g} minutes:", {k: line.get(k) for k in shown}, flush=True)
        name = f"{key['data']}-{text}-{flags.seed}-{mark:g}of{marks[-1]:g}"
        if flags.sounds:
            np.savez(Path(flags.sounds) / f"{name}.npz", audio=audio.astype("float16"), asked=judge.asked)
        if flags.sheets:
            picture = sheet(audio, judge.asked, info, recipe.conditional, f"{name}, FD {line['fd']:.1f}")
            pictures.save(picture, Path(flags.sheets) / f"{name}.png")
        started += time.process_time() - paused


def parser():
    """Of the command's flags."""
    flags = argparse.ArgumentParser(description="Train recipes from scratch at equal CPU time, and score them.")
    flags.add_argument("--data", required=True, metavar="DIR", help="a data set")
    flags.add_argument("--recipe", required=True, nargs="+", metavar="NAME,KEY=VALUE", help=", ".join(RECIPES))
    flags.add_argument("--minutes", default="2", metavar="N,N", help="CPU minutes when it is scored (default: 2)")
    flags.add_argument("--seed", type=int, default=0, metavar="INT")
    flags.add_argument("--out", default="docs/recipes.jsonl", metavar="FILE", help="where lines are added")
    flags.add_argument("--sheets", metavar="DIR", help="where pictures of the sounds are written")
    flags.add_argument("--sounds", metavar="DIR", help="where the scored sounds are kept (NPZ)")
    return flags


def main():
    """Train and score what the flags name."""
    flags = parser().parse_args()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for text in flags.recipe:
        run(flags, text)


if __name__ == "__main__":
    main()
