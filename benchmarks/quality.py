"""What settings do to the sounds at equal time: variants of a run, two seeds and more, scored at intervals."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from wavegan.base.errors import UserError
from wavegan.base.progress import Progress
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.protocol import NOISE, TEST, Evaluation
from wavegan.evaluation.scores.catalogue import SCORES
from wavegan.evaluation.terminal import described, figure
from wavegan.generation.asked import drawn_classes
from wavegan.generation.generate import load_sampler
from wavegan.models.gan.family import GAN
from wavegan.runs.run import Run


def _rates(critic, generator):
    return "--critic-learning-rate", str(critic), "--generator-learning-rate", str(generator)


# The presets small and tiny as they were in 0.1: WGAN-GP, without classes.
WGAN = ("--model-dim", "16", "--batch-size", "16", "--critic-updates", "4", "--ema", "0.995", *_rates(6e-4, 2e-4))
TINY_WGAN = (*WGAN[:4], "--critic-updates", "2", "--ema", "0.99", *_rates(1e-3, 1e-3))
PLAIN = (
    *("--networks", "paper", "--conditional", "no", "--spectral-window", "0", "--loss", "wgan-gp"),
    *("--penalty-weight", "10", "--penalty-every", "1", "--learning-rate-end", "1"),
)

# {comparison: (preset, {variant: (what it is, flags)})}. The generator's average is compared within the runs of the
# first variant.
COMPARISONS: dict[str, tuple[str, dict[str, tuple[str, tuple[str, ...]]]]] = {
    "settings": (
        "paper",
        {
            "base": ("5 critic updates, phase shuffle 2", (*WGAN, "--critic-updates", "5", "--phase-shuffle", "2")),
            "critic2": ("2 critic updates", (*WGAN, "--critic-updates", "2", "--phase-shuffle", "2")),
            "noshuffle": ("phase shuffle 0", (*WGAN, "--critic-updates", "5", "--phase-shuffle", "0")),
        },
    ),
    "tiny": (
        "paper",
        {
            "tiny": ("phase shuffle 0", (*TINY_WGAN, "--phase-shuffle", "0")),
            "shuffle": ("phase shuffle 2", (*TINY_WGAN, "--phase-shuffle", "2")),
        },
    ),
    "rates": (
        "paper",
        {
            "small": ("critic 6e-4, generator 2e-4", (*WGAN, *_rates(6e-4, 2e-4))),
            "mid": ("critic 1e-3, generator 4e-4", (*WGAN, *_rates(1e-3, 4e-4))),
            "high": ("critic 1e-3, generator 1e-3", (*WGAN, *_rates(1e-3, 1e-3))),
        },
    ),
    "default": ("small", {"default": ("as it is", ())}),
    "losses": (
        "small",
        {
            "default": ("non-saturating, R1", ()),
            "relativistic": ("relativistic pairs, R1 and R2", ("--loss", "relativistic")),
            "wgan-gp": ("WGAN-GP, as small was in 0.1", (*WGAN, *PLAIN)),
        },
    ),
}  # fmt: skip
PLOTTED = ("frechet_distance", "kernel_distance", "inception_score", "recall")
TABLE = ("inception_score", "frechet_distance", "kernel_distance", "ndb", "precision", "recall", "d_self", "d_train")


def quality(flags):
    """Train what is not trained yet, score it, and write lines of JSON and a picture; prints a table."""
    info = DatasetInfo.load(flags.data)
    preset, variants = COMPARISONS[flags.compare]
    runs = {
        (variant, seed): Run(Path(flags.runs) / f"{variant}-{seed}") for seed in flags.seeds for variant in variants
    }
    for (variant, seed), run in runs.items():
        _train(run, flags, preset, (*variants[variant][1], "--seed", str(seed)))
    evaluation = Evaluation(flags.data, info, flags.n, warn=lambda line: print(line, file=sys.stderr))
    with Progress(2 * flags.points * len(runs) * evaluation.n, "evaluating", "clips") as progress:
        rows = [row for key, run in runs.items() for row in _scored(*key, run, evaluation, flags, progress)]
    references = {name: _means(found) for name, found in evaluation.references.items()}
    # "levels" is the key in the lines of earlier comparisons.
    report = {"data": info.name, "clips": evaluation.n, "clips_at_once": evaluation.at_once, "minutes": flags.minutes,
              "embedding": described(evaluation.embedding), "levels": references}  # fmt: skip
    out = Path(flags.out)
    out.with_suffix(".jsonl").write_text("".join(json.dumps(line) + "\n" for line in [report, *rows]))
    lines = lines_of(rows, variants)
    title = f"{info.name}, preset {preset}, {flags.minutes:g} minutes each"
    _draw(lines, references, title).savefig(out.with_suffix(".png"))
    print(f"embedding: {report['embedding']}\n\n{markdown(lines, references)}")


def _train(run, flags, preset, given):
    """Train `run` for `flags.minutes`, as many steps as a dry run says, with as many checkpoints as are scored.

    One that is there goes on if it was interrupted.
    """
    if run.exists():
        if run.latest() < run.config().training.steps:
            _called([sys.executable, "train_wavegan.py", "--run", str(run.path)])
        return
    command = [sys.executable, "train_wavegan.py", "--data", flags.data, "--run", str(run.path), "--preset", preset,
               "--precision", flags.precision, *given]  # fmt: skip
    dry = _called([*command, "--dry-run"], stdout=subprocess.PIPE, text=True).stdout
    per_second = float(re.findall(r"([\d.]+) steps/s", dry)[0])
    every = max(1, round(60 * flags.minutes * per_second / flags.points))
    kept = ["--keep-checkpoints", "1000", "--checkpoint-minutes", "1e6"]  # all: an interruption adds some
    intervals = ["--checkpoint-every", str(every), "--preview-every", str(every)]
    _called([*command, *kept, *intervals, "--steps", str(flags.points * every)])


def _called(command, **how):
    done = subprocess.run(command, **how)
    if done.returncode:
        raise UserError(f"stopped with exit code {done.returncode}: {shlex.join(command[1:])}. To go on, start again.")
    return done


def _scored(variant, seed, run, evaluation, flags, progress):
    """Rows of the checkpoints of `run`, with and without the generator's average."""
    config = run.config()
    # One that was interrupted has others, too.
    steps = [step for step in run.steps() if step and step % config.training.checkpoint_every == 0]
    if len(steps) != flags.points:
        raise UserError(
            f"{run.path} has {len(steps)} checkpoints: expected {flags.points}. Delete it, to train it again."
        )
    for step in steps:
        for averaged in (True, False):
            sampler, _, _ = load_sampler(run, step)
            if not averaged and (arrays := run.load(step, "generator/")):
                sampler.restore(arrays)
            latents = GAN.latents.draw(evaluation.n, sampler.latent_shape, evaluation.seed)
            classes = drawn_classes(config, evaluation.n, evaluation.seed)
            sounds = evaluation.generated(sampler, latents, progress, classes)
            yield {
                "variant": variant, "averaged": averaged, "seed": seed, "step": step,
                "minutes": round(flags.minutes * step / steps[-1], 2), "scores": _means(evaluation.measure(sounds)),
            }  # fmt: skip


def _short(score):
    return score.named("", "K").removesuffix(" ()").removesuffix(" of K cells")


def _means(found):
    return {key: value["mean"] for key, value in found.items()}


def lines_of(rows, variants):
    """{name: rows} of what is compared: the variants with the average, and the first one without it."""
    found = {}
    for number, (key, (name, _)) in enumerate(variants.items()):
        found[name if number else f"{name}, average"] = [r for r in rows if r["variant"] == key and r["averaged"]]
    first = next(iter(variants))
    return found | {"no average": [row for row in rows if row["variant"] == first and not row["averaged"]]}


def markdown(lines, references):
    """The scores at the end of each line as a table: every seed, mean first."""
    names = {score.key: _short(score).replace("|", "\\|") for score in SCORES}
    keys = [key for key in TABLE if key in next(iter(references.values()))]
    table = ["| | " + " | ".join(names[key] for key in keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for name, those in lines.items():
        last = [row["scores"] for row in those if row["step"] == max(r["step"] for r in those)]
        table.append("| " + " | ".join([name, *(_cell([scores[key] for scores in last]) for key in keys)]) + " |")
    for name, found in references.items():
        table.append("| " + " | ".join([name, *(figure(found[key]) for key in keys)]) + " |")
    return "\n".join(table)


def _cell(values):
    """The mean of some seeds, and each of them where there are several."""
    return figure(np.mean(values)) + (f" ({', '.join(map(figure, values))})" if len(values) > 1 else "")


def _draw(lines, references, title):
    """Scores over the minutes of training: a thin line for each seed, a thick one for their mean."""
    keys = [key for key in PLOTTED if key in next(iter(references.values()))]
    sheet = Figure(figsize=(3.6 * len(keys), 3.4), dpi=80, layout="constrained")
    names = {score.key: f"{_short(score)} ({score.better} is better)" for score in SCORES}
    for axes, key in zip(sheet.subplots(1, len(keys), squeeze=False)[0], keys, strict=True):
        for color, (name, those) in zip(("C0", "C1", "C2", "C3"), lines.items(), strict=False):
            seeds = [[row for row in those if row["seed"] == seed] for seed in sorted({row["seed"] for row in those})]
            curves = [([row["minutes"] for row in each], [row["scores"][key] for row in each]) for each in seeds]
            for minutes, values in curves:
                axes.plot(minutes, values, color=color, linewidth=0.7, alpha=0.6)
            axes.plot(curves[0][0], np.mean([v for _, v in curves], axis=0), color=color, linewidth=2, label=name)
        for name, style in ((TEST, ":"), (NOISE, "--")):
            if name in references:
                axes.axhline(references[name][key], color="black", linewidth=0.8, linestyle=style, label=name)
        axes.set_title(names[key], fontsize=9)
        axes.set_xlabel("minutes of training", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))  # the kernel distance may be below 0
    sheet.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    sheet.suptitle(title, fontsize=10, parse_math=False)
    return sheet
