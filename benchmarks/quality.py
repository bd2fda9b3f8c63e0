"""What recipes of training do to the sounds at equal time, on data sets and with seeds: a sweep that drops the worst.

A recipe is the flags of train_wavegan.py, or another command that trains and its flags. Every recipe is trained on
every data set with every seed for the first of some times and scored; the better half of them, by one half of the
recordings that were held out, is trained from scratch for the next time, and so on. The other half is for telling how
good the chosen ones are. From scratch, because learning rates fall over the very run. What was trained stands in a
file, line by line, and is not trained again; the sweep goes on where it was stopped.

Source of the halving: Jamieson and Talwalkar, "Non-stochastic best arm identification", arXiv 1502.07943, section 2.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavegan.base.caches import caches_ready
from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.locks import in_turn
from wavegan.base.quiet import import_quietly
from wavegan.cli.command import Parser, run
from wavegan.data.schema import DatasetInfo, fingerprint
from wavegan.models.family import family_named
from wavegan.runs import flags as settings_flags

WGAN_GP = (
    "--preset paper --precision auto --model-dim 16 --batch-size 16 --critic-updates {updates} --ema {ema} "
    "--critic-learning-rate {critic} --generator-learning-rate {generator}"
)
WAS_SMALL = WGAN_GP.format(updates=4, ema=0.995, critic=6e-4, generator=2e-4)
WAS_TINY = WGAN_GP.format(updates=2, ema=0.99, critic=1e-3, generator=1e-3)

# {comparison: {recipe: its flags}}
COMPARISONS = {
    "presets": {
        "small": "--preset small",
        "tiny": "--preset tiny",
        "small of 0.1": WAS_SMALL,
        "tiny of 0.1": WAS_TINY,
    },
    "losses": {
        "non-saturating": "--preset small",
        "relativistic": "--preset small --loss relativistic",
        "WGAN-GP": "--preset small --loss wgan-gp --penalty-weight 10 --penalty-every 1 --critic-updates 2",
        "LSGAN": "--preset small --loss lsgan",
        "DCGAN": "--preset small --loss dcgan",
    },
    "networks": {
        "small": "--preset small",
        "as in the paper": "--preset small --networks paper",
        "no spectral critic": "--preset small --spectral-window 0",
        "no classes": "--preset small --conditional no",
        "no phase shuffle": "--preset small --phase-shuffle 0",
        "float32": "--preset small --precision float32",
    },
}
COLUMNS = {
    "fd": "FD", "fd_validation": "FD, validation", "fd_test": "FD, test", "is": "IS",
    "precision": "precision", "recall": "recall", "coverage": "coverage", "near_duplicates": "near-duplicates",
    "very_near": "very near a recording", "recognised": "recognised", "worst_recognised": "worst class",
    "least_frequent": "least frequent", "loudness": "loudness",
}  # fmt: skip
FAMILIES = {"train_wavegan.py": "gan", "train_diffusion.py": "diffusion"}  # of the commands that a recipe may name
IN_PERCENT = {"near_duplicates", "very_near", "recognised", "worst_recognised", "least_frequent"}


@dataclass(frozen=True)
class Trial:
    """One training: the data set's folder, the recipe's flags, minutes, seed, and how many sounds are scored."""

    data: str
    recipe: str
    minutes: float
    seed: int
    n: int

    def key(self, fingerprints):
        """What a line of results has in common with this trial, and with no other one."""
        return {
            "data": Path(self.data).name, "fingerprint": fingerprints[self.data], "recipe": self.recipe,
            "minutes": self.minutes, "seed": self.seed, "n": self.n,
        }  # fmt: skip


def recipe(text):
    """The model family of a recipe, and {name: value} of the settings that it gives.

    Raises UserError where they are not possible.
    """
    words, command = shlex.split(text), "train_wavegan.py"
    if words and words[0] in FAMILIES:
        command, *words = words
    family, flags = family_named(FAMILIES[command]), Parser(prog=command, add_help=False)
    settings_flags.add_flags(flags, family)
    try:
        given = settings_flags.given_flags(flags.parse_args(words), family)
    except SystemExit:
        raise UserError(f"--recipe {text} is no recipe: expected flags of {command}.") from None
    for name in ("steps", "minutes", "seed"):
        if name in given:
            raise UserError(f"--recipe {text} has --{name}, which the sweep decides. Leave it out.")
    settings_flags.resolve(given, family, gpu=False)
    return family, given


def quality(flags):
    """Make the sweep that the flags describe, and write its table, curves and sheets."""
    recipes = {text: text for text in flags.recipe} if flags.recipe else COMPARISONS[flags.compare]
    for text in recipes.values():
        recipe(text)
    fingerprints = {}
    for folder in flags.data:
        DatasetInfo.load(folder)
        fingerprints[folder] = fingerprint(folder)
    names = [Path(folder).name for folder in flags.data]
    if len(set(names)) < len(names):
        raise UserError(f"--data takes folders of different names. Received: {', '.join(names)}.")
    out = Path(flags.out)
    out.mkdir(parents=True, exist_ok=True)
    on_cores(flags.cores)
    left, minutes = dict(recipes), sorted(set(flags.minutes))
    for number, length in enumerate(minutes):
        trials = [Trial(data, text, length, seed, flags.n)
                  for seed in flags.seeds for data in flags.data for text in left.values()]  # fmt: skip
        lines = [_line(trial, fingerprints, out) for trial in trials]
        _write(out, recipes, fingerprints)
        if number < len(minutes) - 1 and not flags.keep_all:
            left = better_half(left, lines)
            print(f"after {length:g} minutes, these go on: {', '.join(left)}", file=sys.stderr)
    print((out / "table.md").read_text(encoding="utf-8"))


def on_cores(count):
    """Compute on the last `count` of the cores that this process may use, where the system can say so."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def lines_of(out):
    """The lines of a sweep so far."""
    path = Path(out) / "lines.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _line(trial, fingerprints, out):
    """The line of a trial, which is made where it is not there."""
    key = trial.key(fingerprints)
    for line in lines_of(out):
        if key.items() <= line.items():
            return line
    sheet = out / "sheets" / (re.sub(r"[^\w.=-]+", " ", f"{key['data']} {trial.recipe}").strip().replace(" ", "_")
                              + f"_{trial.minutes:g}min_seed{trial.seed}.png")  # fmt: skip
    sheet.parent.mkdir(exist_ok=True)
    asked = {"data": trial.data, "text": trial.recipe, "minutes": trial.minutes, "seed": trial.seed, "n": trial.n}
    command = [sys.executable, "-m", "benchmarks.quality", json.dumps(asked | {"sheet": str(sheet)})]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError(
            f"the training of {trial.recipe} stopped with exit code {done.returncode}, see above. To go on with the "
            "sweep, start it again."
        )
    line = key | json.loads(done.stdout.splitlines()[-1])
    with in_turn(out):  # another sweep may write there
        lines = [*lines_of(out), line]
        write_whole(out / "lines.jsonl", "".join(json.dumps(each) + "\n" for each in lines).encode())
    return line


def better_half(recipes, lines):
    """Those of {name: flags} that go on: the half with the lower FD, or one more.

    FD is the geometric mean over data sets and seeds, so that each data set counts alike, whatever its scale. It is the
    distance to the validation half of the recordings that were held out; of a data set with lines that lack it, because
    too few are held out or they are of an older version, it is that to training recordings for all its lines.
    """
    compared = [line for line in lines if line["recipe"] in recipes.values()]
    without = {line["data"] for line in compared if "fd_validation" not in line["found"]}
    distances: dict[str, list[float]] = {text: [] for text in recipes.values()}
    for line in compared:
        distance = line["found"]["fd" if line["data"] in without else "fd_validation"]
        distances[line["recipe"]].append(np.log(max(distance, 1e-9)))
    ranked = sorted(recipes, key=lambda name: np.mean(distances[recipes[name]]))
    chosen = ranked[: -(-len(ranked) // 2)]
    return {name: text for name, text in recipes.items() if name in chosen}


def _write(out, recipes, fingerprints):
    """The table and the curves of what was trained so far, of the data sets and recipes of this sweep."""
    shown = {(Path(folder).name, mark) for folder, mark in fingerprints.items()}
    lines = [line for line in lines_of(out) if (line["data"], line["fingerprint"]) in shown]
    lines = [line for line in lines if line["recipe"] in recipes.values()]
    write_whole(out / "table.md", tables(lines, recipes).encode())
    drawing(lines, recipes).savefig(out / "curves.png")


def tables(lines, recipes):
    """The tables in Markdown, one for each data set and time: a row for each recipe, the best FD first."""
    parts = []
    for data, minutes in sorted({(line["data"], line["minutes"]) for line in lines}):
        those = [line for line in lines if (line["data"], line["minutes"]) == (data, minutes)]
        rows = {name: [line for line in those if line["recipe"] == text] for name, text in recipes.items()}
        rows = {name: each for name, each in rows.items() if each}
        shown = [key for key in COLUMNS if any(key in line["found"] for line in those)]
        ranked = sorted(rows, key=lambda name: np.mean([line["found"]["fd"] for line in rows[name]]))
        table = [f"### {data}, {minutes:g} minutes", ""]
        table.append("| | steps/s | " + " | ".join(COLUMNS[key] for key in shown) + " |")
        table.append("|---" * (len(shown) + 2) + "|")
        for name in ranked:
            speed = _cell([line["steps_per_second"] for line in rows[name]])
            cells = [_cell([line["found"].get(key) for line in rows[name]], key in IN_PERCENT) for key in shown]
            table.append("| " + " | ".join([name, speed, *cells]) + " |")
        for name, found in those[0]["recordings"].items():
            cells = [_cell([found.get(key)], key in IN_PERCENT) for key in shown]
            table.append("| " + " | ".join([f"*{name}*", "", *cells]) + " |")
        judge = those[0]["judge"]
        right = f", whose classifier is right about {judge:.1%} of held-out recordings" if judge else ""
        table += ["", f"{those[0]['clips']} sounds, {those[0]['clips_at_once']} scored at a time{right}. Seeds, in "
                  f"turn: {', '.join(str(line['seed']) for line in max(rows.values(), key=len))}."]  # fmt: skip
        parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


def _cell(values, percent=False):
    return ", ".join("" if value is None else f"{value:.0%}" if percent else f"{value:.3g}" for value in values)


def drawing(lines, recipes):
    """A figure: FD over minutes, a panel for each data set, a line for each recipe; its points are the seeds' mean."""
    with caches_ready():
        from matplotlib.figure import Figure

    names = sorted({line["data"] for line in lines})
    figure = Figure(figsize=(5 * len(names), 4), dpi=80, layout="constrained")
    for axes, data in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        those = [line for line in lines if line["data"] == data]
        for number, (name, text) in enumerate(recipes.items()):
            found: dict[float, list[float]] = {}
            for line in those:
                if line["recipe"] == text:
                    found.setdefault(line["minutes"], []).append(line["found"]["fd"])
            if found:
                minutes = sorted(found)
                style = {"color": f"C{number % 10}", "marker": "o", "markersize": 4}
                axes.plot(minutes, [np.mean(found[each]) for each in minutes], label=name, **style)
                for each in minutes:
                    axes.plot([each] * len(found[each]), found[each], "_", color=style["color"])
        for name, scores in those[0]["recordings"].items():
            if name == "test data":
                axes.axhline(scores["fd"], color="black", linewidth=0.8, linestyle=":", label="held-out recordings")
        axes.set(xscale="log", yscale="log", title=data, xlabel="minutes of training", ylabel="FD (lower is better)")
        axes.legend(fontsize=7)
    return figure


def one(asked):
    """Make the trial that a text of JSON asks for, and print its line."""
    print(json.dumps(import_quietly("benchmarks.trial").trial(**json.loads(asked))), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(run(Parser(), lambda _: one(sys.argv[1]), []))
