"""Train a model: python train_wavegan.py, python train_diffusion.py"""

import argparse
from functools import partial
from pathlib import Path

from wavegan.base.errors import UserError
from wavegan.base.text import tell
from wavegan.base.typed import from_here, typed
from wavegan.cli.command import Parser, not_empty, number_up_to, run
from wavegan.models.family import Family, family_named
from wavegan.runs.flags import add_flags, continued, given_flags, resolve
from wavegan.runs.run import Run, find_run

DATA = Path("data")


def parser(family: Family) -> Parser:
    """Of the flags of the command that trains a model of `family`."""
    flags = Parser(
        description=f"Train a {family.title} on a data set made by python -m preprocess. The same command continues a "
        "run.",
    )
    flags.add_argument(
        "--data", type=not_empty, metavar="DIR", help="the data set (default: the newest under data/, or a drum kit)"
    )
    default = _name(family, "<data set>")
    flags.add_argument("--run", type=not_empty, metavar="DIR", help=f"the run (default: runs/{default})")
    flags.add_argument(
        "--finetune",
        type=not_empty,
        metavar="RUN",
        help="start a new run, given with --run, from the weights of this one: its folder, or drums or digits",
    )
    flags.add_argument("--dry-run", action="store_true", help="print configuration, sizes and speed, and train nothing")
    add_flags(flags, family)
    flags.add_argument("--hours", type=number_up_to(10_000), metavar="FLOAT", help="as --minutes, in hours")
    return flags


def main(argv: list[str] | None = None) -> int:
    """The command that trains a WaveGAN; returns its exit code."""
    return _train("gan", argv)


def main_diffusion(argv: list[str] | None = None) -> int:
    """The command that trains a flow matching model; returns its exit code."""
    return _train("diffusion", argv)


def _train(name: str, argv: list[str] | None) -> int:
    family = family_named(name)
    return run(parser(family), partial(train_on_data, family), argv)


def _name(family: Family, data: str) -> str:
    """Of a new run on a data set of the name `data`."""
    return data + family.command.removeprefix("train")


def train_on_data(family: Family, flags: argparse.Namespace) -> None:
    """Trains as the flags say, and prints how to go on."""
    given = given_flags(flags, family)
    if flags.hours:
        given["minutes"] = 60.0 * flags.hours + given.get("minutes", 0.0)
    if given.get("minutes") and "steps" in given:
        raise UserError("--steps does not go with --minutes and --hours. Leave one of them out.")
    resolve(given, family, gpu=False)  # a wrong value is reported before the heavy imports

    from wavegan.base.quiet import import_quietly
    from wavegan.data.schema import DatasetInfo, require

    finetune = find_run(flags.finetune) if flags.finetune else None
    if finetune:
        finetune.config()  # a missing one is reported before the heavy imports
        if not flags.run or Path(flags.run).resolve() == finetune.path.resolve():
            raise UserError("--finetune needs the name of a new run with --run, such as --run runs/finetuned.")
    run = Run(flags.run) if flags.run else None
    stored = run.config() if run and run.exists() else None
    if stored:
        continued(stored, given)
    if known := flags.data or (stored and from_here(stored.data.directory)):
        require(known)
    import_quietly("wavegan.backend.autodiff")  # what is wrong with it comes before data are read, or made
    import_quietly("tensorflow")  # which prints to standard error
    directory = Path(known or newest_dataset(make=not flags.dry_run))
    info = DatasetInfo.load(directory)
    run = run or Run(Path("runs") / _name(family, directory.resolve().name))
    if run.exists():
        continued(run.config(), given)
    seconds = info.length / info.sample_rate
    clips = info.splits["train"]["clips"]
    tell(f"data set  {directory}: {clips:,} clips of {seconds:.2f} s at {info.sample_rate} Hz")

    from wavegan.training.loop import train

    steps = train(run, directory, info, given, family, dry_run=flags.dry_run, finetune=finetune)
    if not flags.dry_run:
        total = given.get("steps", run.config().training.steps)
        of_total = f" of {total:,}" if steps <= total else ""
        tell(f"at step {steps:,}{of_total}. Make sounds: {typed('generate', '--run', run.path)}")
        if steps < total:
            tell(f"To go on: {typed(family.command, '--run', run.path)}")
            raise SystemExit(130)  # stopped by a signal: what waits for the end of the training must not start


def newest_dataset(make: bool = True) -> Path:
    """The newest data set under data/; the built-in drum kit, made now, where there is none.

    Raises UserError where it would have to be made and `make` is false.
    """
    found = sorted(DATA.glob("[!.]*/dataset.json"), key=lambda path: path.stat().st_mtime)
    if found:
        return found[-1].parent
    if not make:
        kit = typed("preprocess", "drums")
        raise UserError(f"no data set under {DATA}/, and --dry-run makes none. Make one: {kit}. Or give --data.")

    from preprocess.convert import Options, prepare

    tell(f"no data set under {DATA}/: preparing the built-in drum kit in {DATA / 'drums'}")
    prepare(["drums"], DATA / "drums", Options())
    return DATA / "drums"
