"""What the ways to sample do to the sounds of a flow matching run, and how far variations of recordings lead."""

import itertools
import time

import numpy as np

from benchmarks.measure import table
from benchmarks.quality import COLUMNS
from benchmarks.trial import AT_ONCE, generated, of_sounds
from wavegan.base.errors import UserError
from wavegan.base.settings import options_of
from wavegan.base.text import warn
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.protocol import Evaluation
from wavegan.generation.asked import drawn_classes
from wavegan.generation.distance import Distance
from wavegan.generation.generate import load_sampler
from wavegan.models.family import Start, family_named
from wavegan.runs.run import find_run

SHOWN = ("fd", "fd_validation", "fd_test", "is", "precision", "recall", "recognised", "loudness", "near_duplicates")
RECORDINGS, EACH = 16, 2  # held-out ones that are varied, and variations of each


def sampling(flags):
    """Print the table that the flags of `python -m benchmarks sampling` describe."""
    run = find_run(flags.run)
    config, step = run.config(), run.named_step(flags.checkpoint)
    family = family_named(config.family)
    if not options_of(family.Sampling):
        raise UserError(f"run {run.title} is a {family.title}, whose sounds are made in one way. Give another --run.")
    directory = flags.data or config.data.directory
    info = DatasetInfo.load(directory)

    def sampler(**given):
        return load_sampler(run, step, warn, family.Sampling(**given))[0]

    if flags.strength:
        recordings = held_out(directory, info)
        rows = [["strength", "dB", "loudness"]]
        rows += [[strength, *varied(sampler(), config, recordings, strength)] for strength in flags.strength]
    else:
        evaluation = Evaluation(directory, info, flags.n)
        rows = [["solver", "steps", "guidance", *(COLUMNS[name] for name in SHOWN), "seconds"]]
        for solver, steps, guidance in itertools.product(flags.solver, flags.steps, flags.guidance):
            made = sampler(steps=steps, solver=solver, guidance=guidance)
            found, seconds = scored(made, config, evaluation)
            rows.append([solver, steps, guidance, *(found.get(name) for name in SHOWN), seconds])
            warn(f"{solver} {steps} {guidance:g}: FD {found['fd']:.2f}")
    print(table(rows))


def scored(sampler, config, evaluation):
    """{score: value} of the sounds of `sampler`, as of a trial, and the seconds in which they were made."""
    family = family_named(config.family)
    latents = family.latents.draw(evaluation.n, sampler.latent_shape, evaluation.seed)
    classes = drawn_classes(config, evaluation.n, evaluation.seed)
    before = time.monotonic()
    audio = generated(sampler, latents, classes, max(1, AT_ONCE // config.data.length))
    seconds = time.monotonic() - before
    return of_sounds(evaluation, audio, classes, config), seconds


def held_out(directory, info):
    """Some recordings, float32 [n, time, channels], that were not trained on, evenly over all of them."""
    records = Records(directory, info, "test")
    chosen = np.unique(np.linspace(0, len(records) - 1, RECORDINGS).astype(int))
    return clips(records, info, chosen)["audio"].astype("float32")


def varied(sampler, config, recordings, strength):
    """How far variations of no class are from `recordings` in the mean, in dB, and how loud beside these."""
    family, count = family_named(config.family), len(config.classes)
    noise = family.latents.draw(EACH * len(recordings), sampler.latent_shape, 0)
    classes = np.zeros((EACH, count), "float32") if count else None
    distances, levels = [], []
    for number, recording in enumerate(recordings):
        own = noise[EACH * number : EACH * (number + 1)]
        made = sampler.varied(own, classes, Start(recording, strength))
        distances += list(np.asarray(Distance(recording, config.data.sample_rate)(made)))
        levels += list(np.log(np.sqrt(np.mean(made**2, axis=(1, 2)) / np.mean(recording**2))))
    return float(np.mean(distances)), float(np.exp(np.mean(levels)))
