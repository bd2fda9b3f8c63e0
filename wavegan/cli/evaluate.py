"""Tell how good the sounds of a trained model are: python evaluate.py"""

import argparse
import os

from wavegan.base.errors import UserError
from wavegan.base.text import tell, warn
from wavegan.base.typed import from_here
from wavegan.cli.command import Parser, at_least, import_backend, not_empty, run
from wavegan.runs.run import find_run, newest_run

FEWEST = 50


def parser() -> Parser:
    """Of the command's flags."""
    flags = Parser(
        description="Score the sounds of a run beside recordings and white noise: a table, a page to listen to "
        "(evaluation.html), evaluation.json and scalars for TensorBoard, in the run's folder evaluation/."
    )
    of_run = "its folder, or drums or digits, which come with it (default: the newest under runs/)"
    flags.add_argument("--run", type=not_empty, metavar="RUN", help=of_run)
    flags.add_argument(
        "--checkpoint", metavar="STEP", default="latest", help="latest, best, all, or its step (default: latest)"
    )
    n = f"sounds per checkpoint, {FEWEST} or more (default: 2048)"
    flags.add_argument("--n", type=at_least(FEWEST), default=2048, metavar="INT", help=n)
    flags.add_argument("--data", type=not_empty, metavar="DIR", help="the data set (default: the run's)")
    flags.add_argument("--seed", type=at_least(0), default=0, metavar="INT", help="seed of the latents (default: 0)")
    return flags


def main(argv: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    return run(parser(), evaluate_run, argv)


def evaluate_run(flags: argparse.Namespace) -> None:
    """Scores as the flags say, and prints the tables and answers."""
    run = find_run(flags.run) if flags.run else newest_run()
    config = run.config()  # a missing run is reported before the heavy imports
    steps = run.steps() if flags.checkpoint == "all" else [run.named_step(flags.checkpoint)]
    run.check(steps[-1] if steps and steps[-1] is not None else run.latest())

    from wavegan.base.quiet import import_quietly
    from wavegan.data.schema import DatasetInfo, require

    directory = flags.data or str(from_here(config.data.directory))
    if not flags.data and not os.path.isdir(directory):
        raise UserError(
            f"{directory}, the data set of {run.title}, is not there. {run.path / 'README.md'} says how to make it."
            if run.is_pretrained
            else f"{directory}, the data set of {run.path}, is not there any more. Give it with --data."
        )
    require(directory)
    import_backend()
    warn(f"scoring sounds of run {run.title} beside the recordings of {directory}, which takes a while …")
    import_quietly("tensorflow")  # which prints to standard error
    info = DatasetInfo.load(directory)
    from wavegan.evaluation.evaluate import evaluate
    from wavegan.evaluation.terminal import asked, curve, shares, table

    report, page = evaluate(run, steps, directory, info, flags.n, flags.seed, warn)
    tell(
        f"run {run.title}, step {report['step']}: {report['clips']:,} clips, {report['clips_at_once']:,} at a time",
        f"embedding: {report['embedding']['description']}",
    )
    for lines in (
        table(report),
        shares(report),
        asked(report),
        curve(report) if len(report["checkpoints"]) > 1 else [],
    ):
        if lines:
            tell("", *lines)
    tell("", *(f"{each['question']} {each['answer']}" for each in report["answers"]))
    tell("", *(f"note: {note}" for note in report["notes"]), f"listen: {page}")
