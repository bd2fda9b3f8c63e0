"""Train a model: python train_wavegan.py, python train_diffusion.py"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from wavegan.base.errors import UserError
from wavegan.base.text import tell
from wavegan.base.typed import from_here, typed
from wavegan.cli.command import Parser, at_least, not_empty, number_up_to, run
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
    flags.add_argument(
        "--devices",
        type=_devices,
        metavar="all|N",
        help="share every batch among all devices of this machine, or the first N of them; needs JAX (default: one "
        "device trains)",
    )
    flags.add_argument(
        "--hosts",
        type=_address,
        metavar="ADDRESS:PORT",
        help="the same command is given for several processes, such as one on each host: where process 0 listens",
    )
    flags.add_argument("--processes", type=at_least(1), metavar="N", help="with --hosts: how many processes")
    flags.add_argument("--process", type=at_least(0), metavar="K", help="with --hosts: which one this is, from 0")
    flags.add_argument(
        "--profile",
        type=at_least(1),
        metavar="STEPS",
        help="trace so many steps of this training, after the first three",
    )
    flags.add_argument("--dry-run", action="store_true", help="print configuration, sizes and speed, and train nothing")
    add_flags(flags, family)
    flags.add_argument(
        "--hours", type=number_up_to(10_000), metavar="FLOAT", help="as --minutes, in hours; of both, the sum"
    )
    return flags


def _devices(text: str) -> int:
    """An argparse type: how many devices, as `distribution.shared` takes it."""
    if text == "all":
        return 0
    try:
        return at_least(1)(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"must be all, or a whole number of 1 or more. Received: {text}") from None


def _address(text: str) -> str:
    """An argparse type: HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise argparse.ArgumentTypeError(f"must be ADDRESS:PORT, such as 10.0.0.1:1234. Received: {text}")
    return text


def _check_processes(flags: argparse.Namespace) -> None:
    given = [flags.hosts, flags.processes, flags.process]
    if any(each is not None for each in given):
        if any(each is None for each in given):
            raise UserError("--hosts, --processes and --process go together. Give all three, or none.")
        if flags.process >= flags.processes:
            raise UserError(f"--process must be from 0 to {flags.processes - 1}. Received: {flags.process}.")
        if flags.devices is None:
            flags.devices = 0  # all


def main(argv: list[str] | None = None) -> int:
    """The command that trains a WaveGAN; returns its exit code."""
    return _train("gan", argv)


def main_diffusion(argv: list[str] | None = None) -> int:
    """The command that trains a flow matching model; returns its exit code."""
    return _train("diffusion", argv)


def _train(name: str, argv: list[str] | None) -> int:
    family = family_named(name)
    code = run(parser(family), partial(train_on_data, family), argv)
    if code and "wavegan.backend.processes" in sys.modules:
        sys.modules["wavegan.backend.processes"].end_at_once(code)
    return code


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
    if flags.profile and flags.dry_run:
        raise UserError("--profile does not go with --dry-run, which trains nothing. Leave one of them out.")
    resolve(given, family, gpu=False)  # a wrong value is reported before the heavy imports
    _check_processes(flags)

    from wavegan.base.quiet import import_quietly
    from wavegan.data.schema import require

    finetune = find_run(flags.finetune) if flags.finetune else None
    if finetune:
        finetune.config()  # a missing one is reported before the heavy imports
        if not flags.run or Path(flags.run).resolve() == finetune.path.resolve():
            raise UserError("--finetune needs the name of a new run with --run, such as --run runs/finetuned.")
    run = Run(flags.run) if flags.run else None
    stored = run.config() if run and run.exists() else None
    if stored:
        continued(stored, given)
    known: str | Path | None = flags.data or (from_here(stored.data.directory) if stored else None)
    if known:
        require(known)
    import_quietly("wavegan.backend.autodiff")  # what is wrong with it comes before data are read, or made
    if flags.devices is None:
        _train_on(family, flags, given, run, known, finetune)
        return
    from wavegan.backend import distribution, processes

    distribution.require_jax(typed(family.command, "--devices", "all"))
    with processes.joined(flags.hosts, flags.processes, flags.process):
        _train_on(family, flags, given, run, known, finetune)


def _train_on(
    family: Family,
    flags: argparse.Namespace,
    given: dict[str, Any],
    run: Run | None,
    known: str | Path | None,
    finetune: Run | None,
) -> None:
    """Trains `run`, or that of the data set, on the data set `known`, or the newest; prints how to go on."""
    from wavegan.backend import processes
    from wavegan.base.quiet import import_quietly
    from wavegan.data.schema import DatasetInfo

    import_quietly("tensorflow")  # which prints to standard error
    nobody = "several processes make none" if processes.size() > 1 else "--dry-run makes none" * flags.dry_run
    directory = Path(known or newest_dataset(nobody))
    info = DatasetInfo.load(directory)
    run = run or Run(Path("runs") / _name(family, directory.resolve().name))
    if run.exists():
        continued(run.config(), given)
    say = tell if processes.first() else lambda *lines: None
    seconds = info.length / info.sample_rate
    clips = info.splits["train"]["clips"]
    say(f"data set  {directory}: {clips:,} clips of {seconds:.2f} s at {info.sample_rate} Hz")

    from wavegan.training.loop import train
    from wavegan.training.profile import Profile

    traced = [Profile(run, flags.profile)] if flags.profile and processes.first() else []
    steps = train(run, directory, info, given, family, flags.dry_run, traced, finetune, flags.devices)
    if not flags.dry_run:
        total = given.get("steps") or processes.by_first(lambda: run.config().training.steps)
        of_total = f" of {total:,}" if steps <= total else ""
        say(f"at step {steps:,}{of_total}. Make sounds: {typed('generate', '--run', run.path)}")
        if not processes.by_first(lambda: run.config().training.evaluate_every):  # which says it, too
            say(f"How good are they? {typed('evaluate', '--run', run.path)}")
        if steps < total:
            say(f"To go on: {typed(family.command, '--run', run.path)}")
            raise SystemExit(130)  # stopped by a signal: what waits for the end of the training must not start


def newest_dataset(nobody: str = "") -> Path:
    """The newest data set under data/; the built-in drum kit, made now, where there is none.

    Raises UserError where it would have to be made, and `nobody` says who makes none.
    """
    found = sorted(DATA.glob("[!.]*/dataset.json"), key=lambda path: path.stat().st_mtime)
    if found:
        return found[-1].parent
    if nobody:
        kit = typed("preprocess", "drums")
        raise UserError(f"no data set under {DATA}/, and {nobody}. Make one: {kit}. Or give --data.")

    from preprocess.convert import Options, prepare

    tell(f"no data set under {DATA}/: preparing the built-in drum kit in {DATA / 'drums'}")
    prepare(["drums"], DATA / "drums", Options())
    return DATA / "drums"
