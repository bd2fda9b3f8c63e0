"""What all commands share: flags that answer in one line, and exit codes instead of tracebacks."""

import argparse
import math
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NoReturn

from wavegan.base import quiet
from wavegan.base.errors import UserError
from wavegan.base.streams import lasting_output
from wavegan.base.text import warn


def _say_missing(package: str) -> None:
    warn(
        f"error: the package {package} is not installed for {sys.executable}. Activate the environment (after make: "
        ". .venv/bin/activate), or install: python -m pip install -e ."
    )


for needed in ("numpy", "filelock"):  # by what commands import before they can catch anything
    if find_spec(needed) is None:
        _say_missing(needed)
        raise SystemExit(2)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line `error: …` on standard error, exit code 2."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Prints `message` as one line and ends the process with exit code 2."""
        warn(f"error: {message}. See {self.prog} --help.")
        sys.exit(2)


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of `least` or more.

    >>> at_least(1)("12")
    12
    """

    def whole_number(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of {least} or more. Received: {text}")
        return number

    return whole_number


def number_up_to(most: float) -> Callable[[str], float]:
    """An argparse type: a number above 0, `most` at most."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"must be a number above 0, {most} at most. Received: {text}")
        return value

    return number


def number_from_0_to(most: float, unit: str) -> Callable[[str], float]:
    """An argparse type: a number from 0 to `most`, of a `unit`, which may be empty.

    >>> number_from_0_to(1, "")("0.5")
    0.5
    """

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from 0 to {most:,g}{unit}. Received: {text}")
        return value

    return number


def not_empty(text: str) -> str:
    """An argparse type: a text that is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("is empty, perhaps an unset variable")
    return text


def run(parser: Parser, command: Callable[[argparse.Namespace], object], argv: list[str] | None) -> int:
    """A whole command: parses `argv` (the process' own arguments when None), runs its body, returns its exit code.

    The work is done, and the exit code is that of the work, where standard output or error are closed or nobody reads
    them any more; 1 where the disk that they are written to is full.
    """
    with lasting_output() as out:
        if hasattr(out, "reconfigure"):
            out.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's alphabet
        code = exit_code(command, parser.parse_args(argv))
        out.flush()
        if code == 0 and out.problem:
            reason = out.problem.strerror
            warn(f"error: the work is done, but standard output cannot be written ({reason}).")
            return 1
        return code


def import_backend() -> None:
    """Imports Keras and what it computes with, before the work begins and without the lines that these print.

    Raises UserError where the backend is another, is not installed, or finds no device.
    """
    quiet.import_quietly("wavegan.backend.autodiff")
    from wavegan.backend import devices

    with quiet.native_stderr_hidden():
        devices.accelerators()


def exit_code(command: Callable[..., object], *arguments: object) -> int:
    """Runs a command's body, `command(*arguments)`, and returns its exit code.

    0, or 2 after a user's mistake (one line), 130 after Ctrl-C.
    """
    try:
        command(*arguments)
    except UserError as mistake:
        warn(f"error: {mistake}")
        return 2
    except ModuleNotFoundError as problem:
        if not problem.name or find_spec(problem.name.partition(".")[0]) is not None:
            raise  # not missing, but broken
        _say_missing(problem.name)
        return 2
    except KeyboardInterrupt:
        warn("stopped.")
        return 130
    return 0
