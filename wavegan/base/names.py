"""Names that files hold: whether they can be those of files, and how they become part of a path."""

import re

LONGEST = 1530  # characters: 255 bytes, of which each may be written as an escape
FORBIDDEN = frozenset('<>:"/\\|?*')  # by one system or another, in the name of a file
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # by Windows, for devices
SHORT = 60  # characters, which are 240 bytes at most


def is_name(text: str) -> bool:
    """Whether `text` can be the name of one file or folder, and no way to another folder.

    >>> [is_name(text) for text in ("little drums", "../../x", "/etc", "..", "")]
    [True, False, False, False, False]
    """
    return 0 < len(text) <= LONGEST and text not in (".", "..") and not set("/\0") & set(text)


def part_of_name(text: str) -> str:
    """`text` as the end of a file's name, on whatever system: 60 characters at most, none that is forbidden.

    >>> part_of_name("a/../b\\n: c?. ")
    'a_.._b__ c_'
    """
    allowed = ("_" if c in FORBIDDEN or not c.isprintable() else c for c in text[:SHORT])
    return "".join(allowed).rstrip(". ")
