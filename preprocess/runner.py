"""Whoever runs Beam's pipelines: a runner by its name, with its options checked."""

import argparse
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from typing import Any

from preprocess.remote import one_line
from wavegan.base.errors import UserError
from wavegan.base.text import printable

DEFAULT = "FnApiRunner"  # in this process; "DirectRunner" would look for a program on the net first
# Runners that ask a server which options there are besides Beam's own.
ASKING = ("flink", "portable", "prism", "spark")


class Runner:
    """Runs pipelines as Beam's own options say.

    Args:
        flags: those options, such as `["--runner=FlinkRunner", "--parallelism=8"]`.

    Attributes:
        name: of the runner.

    Raises:
        UserError: without Beam, for flags that it does not know or understand, and for a runner that is not there.
    """

    def __init__(self, flags: list[str]) -> None:
        if find_spec("apache_beam") is None:
            raise UserError(
                "--runner beam needs the package apache-beam: python -m pip install -e '.[beam]' installs it."
            )
        with _warnings_hidden():  # about what is not installed beside it
            from apache_beam.io.filesystems import FileSystems
            from apache_beam.options.pipeline_options import PipelineOptions
            from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
            from apache_beam.runners.runner import create_runner

        known, unknown = _parsed(flags, PipelineOptions)
        self.name = known.runner or DEFAULT
        if unknown and not self.name.lower().startswith(ASKING):
            raise UserError(f"Beam has no option {printable(unknown[0])}. Those it has stand in Beam's documentation.")
        try:
            self.runner = create_runner(self.name)
        except (AttributeError, ImportError, ValueError) as problem:
            raise UserError(f"Beam has no runner {printable(self.name)}: {printable(one_line(problem))}.") from None
        self.options = PipelineOptions(flags)
        if missing := PipelineOptionsValidator(self.options, self.runner).validate():
            text = "; ".join(each.rstrip(".") for each in missing)
            raise UserError(f"Beam does not take these options: {printable(text)}.")
        FileSystems.set_options(self.options)

    def run(self, build: Callable[[Any], object]) -> None:
        """Runs the pipeline that `build` adds steps to, and waits for its end.

        Raises:
            UserError: where it fails.
        """
        import apache_beam

        pipeline = apache_beam.Pipeline(runner=self.runner, options=self.options)
        build(pipeline)
        try:
            result = pipeline.run()
            try:
                state = result.wait_until_finish()
            except KeyboardInterrupt:
                result.cancel()  # it would go on elsewhere
                raise
        except Exception as problem:  # a runner raises what it likes, with the traceback of a worker in its text
            raise UserError(f"the Beam pipeline failed: {printable(one_line(problem))}. Nothing was kept.") from problem
        if state not in (None, "DONE"):
            raise UserError(f"the Beam pipeline ended as {printable(str(state))}. Nothing was kept.")


@contextmanager
def _warnings_hidden() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _parsed(flags: list[str], options: Any) -> tuple[argparse.Namespace, list[str]]:
    """Beam's options, and what is none of them."""
    parser = argparse.ArgumentParser(prog="beam", allow_abbrev=False, add_help=False)
    for kind in options.__subclasses__():
        kind._add_argparse_args(parser)
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            return parser.parse_known_args(flags)
    except SystemExit:
        reason = told.getvalue().rpartition("error: ")[2].strip()
        raise UserError(f"Beam does not take these options: {printable(reason)}.") from None
