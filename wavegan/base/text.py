"""Text from files and names, made safe to print. All that the commands print goes through `tell`."""

import os
import sys
from typing import TextIO


def printable(text: str | os.PathLike[str]) -> str:
    r"""A path, a name or a message as text that is safe to print and to store.

    What is no printable character, such as a line break or half of a character, is written as an escape.

    >>> printable("kick\n\x1b[2J.wav")
    'kick\\n\\x1b[2J.wav'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(text))


def tell(*lines: str, stream: TextIO | None = None) -> None:
    """Prints lines as `printable` text, whatever files, names and other programs have put into them.

    A terminal would take escape sequences for commands. A line break inside of a line becomes an escape, too: what
    looks like another line of ours is one.

    Args:
        lines: without their ends; none prints nothing.
        stream: a text stream instead of standard output.
    """
    for line in lines:
        print(printable(line), file=stream or sys.stdout, flush=True)


def warn(line: str) -> None:
    """Prints a line to standard error, as `tell` does."""
    tell(line, stream=sys.stderr)
