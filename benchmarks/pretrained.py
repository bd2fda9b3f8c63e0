"""A run as one that comes with the program: a small folder, its card, and its page, all made anew from the run's files.

The weights are those that make sounds, in 12 bits, and those of the critics in 8. The sounds are scored as they are
after that, beside the run itself. The card is a README.md: what a person wrote stays, and what was measured stands
between two marks.
"""

import json
import re
import shlex
import shutil
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.curves import read
from preprocess.options import Options
from wavegan.audio.wav import to_pcm16
from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.settings import flag, options_of
from wavegan.base.text import warn
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.evaluate import evaluate
from wavegan.evaluation.scores.catalogue import FRECHET, NEAR_TEST
from wavegan.generation.export.web import web
from wavegan.generation.generate import load_sampler
from wavegan.models.family import family_named
from wavegan.runs import checkpoint
from wavegan.runs.config import Config, Training
from wavegan.runs.run import PRETRAINED, Run

COMPARED = 256  # sounds of the run and of its small copy
BITS = {"sampler/": 12, "critic/": 8, "spectral_critic/": 8}  # of the kernels of what is kept
KEPT = (*BITS, "generator_optimizer/000/", "steps_before/")  # and how often it was updated
MARKS = ("<!-- measured -->", "<!-- until here -->")
SHOWN = ("frechet_distance", "inception_score", "ndb", "precision", "recall", "twins")  # scores in a card


def pretrained(flags):
    """Make the folder of a run that comes with the program, for `python -m benchmarks pretrained`."""
    run, card = Run(flags.run), PRETRAINED / flags.name / "README.md"
    config, step = run.config(), run.named_step(flags.checkpoint) or run.latest()
    text = _text(card)
    directory = flags.data or config.data.directory
    info = DatasetInfo.load(directory)
    with TemporaryDirectory() as folder:
        small = shrunk(run, step, Path(folder, flags.name), info)
        licence = run.licence or Run(card.parent).licence
        if licence:
            small.licence_path.write_text(f"{licence}\n", encoding="utf-8")
        made = {
            "machine": flags.machine,
            "minutes": _minutes(run, step),
            "recordings": recordings(info),
            "bytes": small.checkpoint_path(step).stat().st_size,
            "largest_difference": _difference(run, small, step),
            "frechet_distance_of_the_run": _distance(run, step, directory, info, flags.n),
        }
        evaluate(small, [step], directory, info, flags.n, warn=warn)
        _write_sound_test(small, step)
        for path in {*small.path.glob("evaluation/*"), *small.path.glob("**/.lock")}:
            if path.name != "evaluation.json":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        small.previews.rmdir()
        (small.path / "made.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        (small.path / "README.md").write_text(with_figures(text, measured(small.path)), encoding="utf-8")
        if flags.page:
            page = web(small, step, Path(folder, "page.html"), warn)
            write_whole(flags.page, page.path.read_bytes())
        shutil.rmtree(card.parent)
        shutil.copytree(small.path, card.parent)
    print(f"{card.parent}: {sum(path.stat().st_size for path in card.parent.rglob('*')) / 1e6:.2f} MB")


def _text(card):
    """What a person wrote of the run. Raises UserError where it is not there, or has no place for what is measured."""
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    if [text.count(mark) for mark in MARKS] != [1, 1]:
        raise UserError(
            f"{card} must be there, with {' and '.join(MARKS)} around what is measured. Write in it what the "
            "recordings are and who made them, their licence, and what the model cannot do."
        )
    return text


def shrunk(run, step, path, info):
    """A small copy of `run` at `step`, in `path`: what makes its sounds, in few bits; it names no machine's folder."""
    config, defaults = run.config(), Training()
    preset = family_named(config.family).presets[config.training.preset]
    free = [each.name for each in options_of(defaults) if not each.metadata["fixed"] and each.name != "minutes"]
    values = {name: preset.get(name, getattr(defaults, name)) for name in free if name not in ("steps", "precision")}
    training = replace(config.training, **values, precision="float32")  # the same sounds on every machine
    data = replace(config.data, directory=f"data/{info.name}")
    small = Run(path)
    small.create(replace(config, training=training, data=data, finetuned_from=""))
    arrays = {name: array for name, array in run.load(step).items() if name.startswith(KEPT)}
    checkpoint.write(small.checkpoint_path(step), step, checkpoint.rounded(arrays, BITS), compressed=True)
    return small


def _sounds(run, step, n, classes=None):
    """Latents, class weights and sounds [n, time, channels] of `run`, computed in float32: of all classes in turn."""
    sampler, config, _ = load_sampler(run, step, warn)
    latents = family_named(config.family).latents.draw(n, sampler.latent_shape, 0)
    if classes is None and config.classes:
        classes = np.eye(len(config.classes), dtype="float32")[np.arange(n) % len(config.classes)]
    return latents, classes, sampler(latents, classes)


def _difference(run, small, step):
    """The largest between a sound of `run` and that of its small copy, where 1 is full scale."""
    sounds = [_sounds(each, step, COMPARED)[-1] for each in (run, small)]
    return float(np.abs(sounds[0] - sounds[1]).max())


def _write_sound_test(small, step):
    """A sound of every class, by which a test knows that what is installed makes the same ones."""
    latents, classes, audio = _sounds(small, step, max(1, len(small.config().classes)))
    given = {} if classes is None else {"classes": classes}
    np.savez_compressed(small.path / "sounds.npz", latents=latents, audio=to_pcm16(audio), **given)


def _distance(run, step, directory, info, n):
    """FD of the run itself, scored in the same way; as in its evaluation.json, or scored now."""
    report, page = evaluate(run, [step], directory, info, n, warn=warn)
    return next(row["scores"][FRECHET]["mean"] for row in report["checkpoints"] if row["step"] == step)


def _minutes(run, step):
    """Of the training until `step`, from the speeds that it logged."""
    steps, speeds = read(run.path, step)[0]["speed/steps_per_second"]
    return float(np.sum(np.diff(steps, prepend=0) / speeds) / 60)


def recordings(info):
    """How a person makes the data set, as a command."""
    sources = [each["source"] if each["kind"] == "built-in kit" else "path/to/recordings" for each in info.sources]
    words = [*sources, "--sample-rate", info.sample_rate, "--length", info.length]
    for each in fields(Options):
        value = info.options.get(each.name, each.default)
        if each.name not in ("sample_rate", "length") and value != each.default:
            words += [flag(each.name), ",".join(value) if each.name == "classes" else value]
    words += ["--out", f"data/{info.name}"]
    return shlex.join(["python", "-m", "preprocess", *map(str, words)])


def training(config):
    """How a person trains such a run, as a command: the settings that differ from its preset."""
    preset = family_named(config.family).presets[config.training.preset]
    words = ["--data", config.data.directory, "--preset", config.training.preset]
    free = {each.name for each in options_of(config.training) if not each.metadata["fixed"]} - {"minutes", "steps"}
    for part in (config.training, config.model):
        for each in fields(part):
            usual = preset.get(each.name, each.default)
            value = getattr(part, each.name)
            if each.name not in {"preset", *free} and value != usual and usual != "auto":
                words += [flag(each.name), f"{value:g}" if isinstance(value, float) else value]
    if config.training.minutes:
        at = words.index("--steps") if "--steps" in words else len(words)
        del words[at : at + 2]  # follow from the minutes
    return shlex.join(["python", "train_wavegan.py", *map(str, words)])


def with_figures(text, figures):
    """The card `text` with `figures` between its marks."""
    start, end = MARKS
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}\n\n{figures}\n\n{end}", text, flags=re.DOTALL)


def measured(folder):
    """What a card says in figures, of the files in `folder`: config.json, evaluation.json and made.json."""
    config, report, made = (
        Config.load(folder / "config.json"),
        json.loads((folder / "evaluation" / "evaluation.json").read_text(encoding="utf-8")),
        json.loads((folder / "made.json").read_text(encoding="utf-8")),
    )
    return "\n\n".join([_facts(config, report, made), _scores(report), _asked(report)])


def _facts(config, report, made):
    data, step = config.data, report["step"]
    versions = ", ".join(f"{name} {version}" for name, version in config.made_with.items())
    rows = {
        "sounds": f"{data.length / data.sample_rate:.2f} s at {data.sample_rate:,} Hz, "
        + ("mono" if data.channels == 1 else "stereo"),
        "classes, training clips of each": ", ".join(f"{name} {clips}" for name, clips in data.classes.items()),
        "recordings": f"`{made['recordings']}` (contents {data.fingerprint})",
        "trained by": f"`{training(config)}`",
        "steps, time": f"{step:,} in {made['minutes']:.0f} minutes of {made['machine']} ({versions})",
        "weights": f"in 12 bits, those of the critics in 8: {made['bytes'] / 1e6:.1f} MB. "
        f"Rounding moves a sound by {made['largest_difference']:.5f} of full scale at most; FD of the run itself: "
        f"{made['frechet_distance_of_the_run']:.3g}",
    }
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def _scores(report):
    sets = report["sets"]
    lines = [f"| | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    for score in report["scores"]:
        if score["key"] in SHOWN:
            cells = [f"{score['values'][name]['mean']:.3g}" for name in sets]
            better = "as test data" if score["better"] == NEAR_TEST else f"{score['better']} is better"
            lines.append(f"| {score['name']}, {better} | {' | '.join(cells)} |")
    embedding = report["embedding"]["description"]
    return "\n".join([*lines, "", f"{report['clips']:,} sounds, {report['clips_at_once']} at a time; {embedding}."])


def _asked(report):
    asked = report["asked"]
    if not asked:
        return ""
    of_class = ", ".join(f"{name} {each['recognised']:.0%}" for name, each in asked["classes"].items())
    verdict = report["memorised"]["verdict"]
    return f"Recognised as the class asked for: {asked['recognised']:.0%} ({of_class}). {verdict}"
