"""Text from files and names, made safe to print."""

from pathlib import Path

import pytest

from wavegan.base.text import printable, tell, warn


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kick 1 größe 太鼓.wav", "kick 1 größe 太鼓.wav"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff", "\\udcff"),  # a byte of a file name that is no UTF-8
        ("\u202egnp.exe", "\\u202egnp.exe"),  # turns the direction of writing
    ],
)
def test_what_is_no_printable_character_becomes_an_escape(name, expected):
    assert printable(name) == expected
    assert printable(Path("folder") / name) == f"folder/{expected}"
    printable(name).encode()  # fits into any file


def test_whatever_is_told_is_lines_of_printable_text(capsys):
    tell("a plain line", "", "a name\x1b]0;title\x07 with\nerror: a line of its own")
    assert capsys.readouterr().out == "a plain line\n\na name\\x1b]0;title\\x07 with\\nerror: a line of its own\n"
    warn("note: \u202egnp.exe")
    assert capsys.readouterr().err == "note: \\u202egnp.exe\n"
