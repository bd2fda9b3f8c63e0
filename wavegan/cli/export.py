"""Take a trained model elsewhere: python export.py --format kit"""

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from wavegan.base.errors import UserError
from wavegan.base.quiet import import_quietly
from wavegan.base.text import tell, warn
from wavegan.cli.command import Parser, at_least, import_backend, not_empty, run
from wavegan.models.family import family_named
from wavegan.runs.config import Config
from wavegan.runs.run import Run, find_run, newest_run

if TYPE_CHECKING:
    import numpy as np

    from wavegan.generation.export.choice import Judge

FORMATS = {
    "web": "a page that makes and plays sounds, one HTML file",
    "onnx": "the network as an ONNX file",
    "tflite": "for LiteRT, a file in a folder",
    "savedmodel": "TensorFlow's format, a folder",
    "kit": "sounds and presets for samplers, in a folder and a zip",
}
FOLDERS = ("kit", "tflite", "savedmodel")
GOES_WITH = {"n": ("kit",), "bits": ("kit",), "seed": ("kit",)}


def parser() -> Parser:
    """Of the command's flags."""
    flags = Parser(description="Take a trained model elsewhere.")
    add = flags.add_argument
    of_format = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    add("--format", required=True, choices=FORMATS, help=of_format)
    of_run = "its folder, or drums or digits, which come with it (default: the newest under runs/)"
    add("--run", type=not_empty, metavar="RUN", help=of_run)
    add("--checkpoint", metavar="STEP", default="latest", help="latest, best or its step (default: latest)")
    out = "where to; nothing is overwritten (default: exported/<run>.html, .onnx, -tflite, …)"
    add("--out", type=not_empty, metavar="PATH", help=out)
    add("--n", type=at_least(1), metavar="INT", help="sounds of every class in a kit (default: 4)")
    add("--bits", type=int, choices=(16, 24), help="of the WAV files of a kit (default: 16)")
    add("--seed", type=at_least(0), metavar="INT", help="of the sounds of a kit (default: new ones)")
    return flags


def main(argv: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    return run(parser(), export_run, argv)


def export_run(flags: argparse.Namespace) -> None:
    """Exports as the flags say, and prints what came of it."""
    for name, formats in GOES_WITH.items():
        if vars(flags)[name] is not None and flags.format not in formats:
            raise UserError(f"--{name} does not go with --format {flags.format}. Leave one of the two out.")
    run = find_run(flags.run) if flags.run else newest_run()
    config = run.config()  # a missing run is reported before the heavy imports
    step = run.named_step(flags.checkpoint)
    run.check(run.latest() if step is None else step)
    family = family_named(config.family)
    if flags.format in family.not_exported:
        raise UserError(
            f"a {family.title} cannot be exported to --format {flags.format}: {family.not_exported[flags.format]}."
        )
    if flags.format in FOLDERS and flags.out and (Path(flags.out).is_file() or Path(flags.out).resolve() == Path.cwd()):
        raise UserError(f"--out must be a new folder. Received: {flags.out}, which is there.")
    if flags.format == "onnx" and not (find_spec("onnx") and find_spec("onnxruntime")):
        raise UserError("--format onnx needs the packages onnx and onnxruntime: python -m pip install onnx onnxruntime")
    import_backend()
    EXPORTS[flags.format](flags, run, config, step)


def _kit(flags: argparse.Namespace, run: Run, config: Config, step: int | None) -> None:
    from wavegan.generation.export.kit import kit

    made = kit(run, flags.n or 4, step, flags.out, flags.seed, flags.bits or 16, _judge(run, config), warn)
    count = sum(sounds for _, sounds in made.sounds.values())
    tell(f"{count} sounds in {made.folder}: WAV files, presets for SFZ and Decent Sampler, and a zip of these")
    tell(f"run {run.title}, step {made.step}")
    for name, (note, sounds) in made.sounds.items():
        tell(f"{name}: {sounds} sounds, {'no key is left' if note is None else f'MIDI key {note}'}")


def _web(flags: argparse.Namespace, run: Run, config: Config, step: int | None) -> None:
    from wavegan.generation.export.web import web

    made = web(run, step, flags.out, warn)
    tell(f"{made.path}, {made.size / 1e6:.1f} MB: open it in a browser, with or without a network")
    tell(f"run {run.title}, step {made.step}; rounding its weights moves sounds by {made.difference:.0e} of full scale")


def _runtime(flags: argparse.Namespace, run: Run, config: Config, step: int | None) -> None:
    if flags.format != "onnx":
        import_quietly("tensorflow")  # which prints to standard error
    from wavegan.generation.export.runtimes import export

    made = export(run, flags.format, step, flags.out, warn)
    *first, last = made.inputs
    given = f"{', '.join(first)} and {last}" if first else last
    tell(f"{made.path}: {given} in, {made.output} out")
    tell(f"run {run.title}, step {made.step}; its {made.output} differs from the trainer's by {made.difference:.0e}")


def _judge(run: Run, config: Config) -> "Judge | None":
    """The classifier of the data set of `run`; None where there is none, with a note where there should be one."""
    from wavegan.generation.export.choice import Judge

    import_quietly("tensorflow")  # which prints to standard error
    from wavegan.data.schema import DatasetInfo, require
    from wavegan.evaluation.judge.cache import embedding_of

    directory = config.data.directory
    try:
        require(directory)
        embedding = embedding_of(directory, DatasetInfo.load(directory), warn)
    except UserError as problem:
        way = f" {run.path / 'README.md'} says how to make it." if run.is_pretrained else ""
        warn(f"note: sounds are chosen by how they differ alone, not by the data set's classifier: {problem}{way}")
        return None

    def probabilities(audio: "np.ndarray") -> "np.ndarray":
        found = embedding(embedding.front(audio))[1]
        assert found is not None  # with classes there are some
        return found

    return Judge(embedding.classes, probabilities) if embedding.classes else None


EXPORTS: dict[str, Callable[[argparse.Namespace, Run, Config, int | None], None]] = {
    "web": _web,
    **dict.fromkeys(("onnx", "tflite", "savedmodel"), _runtime),
    "kit": _kit,
}
