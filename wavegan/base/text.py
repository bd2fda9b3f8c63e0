"""Text from files and names, made safe to print."""

import os


def printable(text: str | os.PathLike[str]) -> str:
    r"""A path, a name or a message as text that is safe to print and to store.

    What is no printable character, such as a line break or half of a character, is written as an escape.

    >>> printable("kick\n\x1b[2J.wav")
    'kick\\n\\x1b[2J.wav'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(text))
