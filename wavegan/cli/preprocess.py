"""The command line: `python -m preprocess SOURCE… --out DIR`. Parse, call, print the report."""

import argparse
import os
import re
import sys
from types import FrameType
from typing import Any, NoReturn

from preprocess.options import Options
from wavegan.base.errors import UserError
from wavegan.base.signals import ENDING, handled_by
from wavegan.base.text import tell, warn
from wavegan.base.typed import typed
from wavegan.cli.command import Parser, run
from wavegan.data.lengths import RULE
from wavegan.data.schema import SPLITS

MODULE = "python -m preprocess"

EPILOG = """\
examples:
  %(prog)s drums --out data/drums
  %(prog)s recordings/ --out data/mine --slices all --normalize peak
  %(prog)s speech-commands --classes digits --out data/sc09
  %(prog)s gs://mine/recordings --out gs://mine/data --runner beam -- --runner=DataflowRunner
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command with `argv` (the process' own arguments by default) and returns its exit code."""
    return run(_parser(_program()), prepare_and_report, argv)


def prepare_and_report(flags: argparse.Namespace) -> None:
    """Makes the data set and prints what became of every file, and the command to go on with."""
    options = _options(flags)
    if flags.runner == "beam" and flags.workers is not None:
        raise UserError(
            "--workers is for --runner local. Give options of Beam after --, such as -- --runner=FlinkRunner."
        )
    with handled_by(_end, *ENDING[1:]):  # they clean up as Ctrl-C does
        # Imported late: --help and a wrong flag are answered without waiting for NumPy and the rest.
        from preprocess import beam, convert
        from preprocess.report import format_report
        from preprocess.sources import KIT

        if KIT in flags.source and os.path.isdir(KIT):
            warn(f"note: {KIT} is the built-in kit; for the folder of this name type ./{KIT}")
        if flags.runner == "beam":
            info = beam.prepare(flags.source, flags.out, options, flags.beam_options)
        else:
            info = convert.prepare(flags.source, flags.out, options)
    gan, flow = (typed(name, "--data", flags.out) for name in ("train", "train-diffusion"))
    others = f"or:   {flow}   (on a CPU better sounds, each of which takes longer)"
    tell(*format_report(info, flags.out), "", f"next: {gan}", others)


def _program() -> str:
    name = os.path.basename(sys.argv[0])
    return name if name.startswith("wavegan") else MODULE


class _BeforeBeam(Parser):
    """Takes what comes after -- for options of Beam where --runner is beam, and for sources elsewhere."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse."""
        given, beam_options = list(sys.argv[1:] if args is None else args), list[str]()
        if "--" in given:
            ours, after = given[: given.index("--")], given[given.index("--") + 1 :]
            if re.search("--runner[ =]beam( |$)", " ".join(ours)):
                given, beam_options = ours, after
        flags, unknown = super().parse_known_args(given, namespace)
        flags.beam_options = beam_options
        return flags, unknown


def _parser(prog: str) -> Parser:
    parser = _BeforeBeam(
        prog=prog,
        description="Turn recordings into a data set to train on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="a folder, searched recursively; a recording; a .tar, .tar.gz, .tgz or .zip archive; drums, the built-in "
        "kit; speech-commands or speech-commands-v2, which are downloaded once; tfds:NAME[/CONFIG], a data "
        "set of tensorflow_datasets",
    )
    add = parser.add_argument
    add("--out", required=True, metavar="DIR", help="the data set to make; must not exist")
    add("--sample-rate", type=int, metavar="HZ", help=f"sample rate of the data set (default: {Options.sample_rate})")
    length = f"length of every clip: {RULE} (default: one second, rounded up to the next of these)"
    add("--length", type=int, metavar="SAMPLES", help=length)
    channels = "1: the mean of a file's channels (default); 2: front left and right, a mono file twice"
    add("--channels", type=int, metavar="{1,2}", help=channels)
    slices = "take every consecutive window of a long file (all, the default) or only the first"
    add("--slices", metavar="{first,all}", help=slices)
    add("--normalize", metavar="{none,peak}", help="peak: scale every file to full scale (default: none)")
    label = "a file's class: the folder it lies in (parent, the default), the first folder under SOURCE (top), or the "
    label += "group of a regular expression over its path, such as '([a-z]+)_'; train/, valid/ and test/ are no classes"
    add("--label", metavar="{parent,top,PATTERN}", help=label)
    classes = "classes to keep, with commas between, or a flag for each; digits stands for zero … nine (default: all)"
    add("--classes", action="append", metavar="NAMES", help=classes)
    for split in SPLITS[1:]:
        held_out = f"of the files, where no list or folder says it (default: {getattr(Options, split):g})"
        add(f"--{split}", type=float, metavar="PERCENT", help=held_out)
    add("--workers", type=int, metavar="N", help="processes; the result is the same for any (default: all cores)")
    runner = "local, this machine (default), or beam: Apache Beam's workers, its own options coming after --"
    add("--runner", choices=("local", "beam"), default="local", metavar="{local,beam}", help=runner)
    add("--overwrite", action="store_true", default=None, help="replace the data set that is at --out")
    return parser


def _options(flags: argparse.Namespace) -> Options:
    others = ("source", "out", "runner", "beam_options")
    chosen = {name: value for name, value in vars(flags).items() if value is not None and name not in others}
    if "classes" in chosen:
        chosen["classes"] = tuple(chosen["classes"])
    return Options(**chosen)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
