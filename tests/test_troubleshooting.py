"""docs/troubleshooting.md says what to do about every error, warning and note, and about no other text."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [*ROOT.glob("*.py"), *(ROOT / "preprocess").glob("*.py"), *(ROOT / "wavegan").rglob("*.py")]
ERRORS = {"UserError", "Damaged", "Diverged", "Unusable", "ArgumentTypeError"}


def texts(node):
    """The texts an expression can have, with … for what is not known before it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        return ["".join(parts)]
    return []


def trees():
    """The name and the syntax tree of every file of the program."""
    for path in FILES:
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def error_texts():
    """{text: where} of every error that a user can meet."""
    found = {}
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in ERRORS and node.args:
                found |= {text: f"{name}:{node.lineno}" for text in texts(node.args[0])}
    return found


def called(node):
    return getattr(node.func, "id", getattr(node.func, "attr", None))


def strings(node):
    """The strings in a tree, whole: not the parts of a formatted one. No docstrings."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield node
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def note_texts():
    """{text: where} of every warning and note: what begins with that word, and what a function `_notes` lists.

    Those that only hand on another text are left out.
    """
    found = {}
    for name, tree in trees():
        listing = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_notes"]
        listed = {node for function in listing for part in function.body for node in strings(part)}
        for node in strings(tree):
            for text in texts(node):
                rest = re.sub("^(note|warning):?|…", "", text).strip()
                if len(rest) >= 6 and (text.startswith(("note:", "warning")) or node in listed and " " in rest):
                    found[text] = f"{name}:{node.lineno}"
    return found


def documented():
    """What is written as code in the introduction and in the first cells of the tables."""
    intro, *rows = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8").split("\n|")
    spans = re.findall(r"`([^`]+)`", intro + "\n".join(row.split(" | ")[0] for row in rows))
    return [" ".join(span.split()) for span in spans]


def says(span, text):
    """Whether the fragments of `span` between its … come in `text` in this order."""
    place = 0
    for fragment in (part.strip() for part in span.split("…")):
        place = text.find(fragment, place)
        if place < 0:
            return False
        place += len(fragment)
    return True


@pytest.mark.parametrize(("collected", "fewest"), [(error_texts, 70), (note_texts, 15)])
def test_every_text_is_in_the_troubleshooting_tables(collected, fewest):
    spans = [span for span in documented() if len(span.replace("…", "").strip()) >= 6]
    missing = {text: where for text, where in collected().items() if not any(says(span, text) for span in spans)}
    assert len(collected()) > fewest and missing == {}


def test_every_text_in_the_troubleshooting_tables_is_one_that_comes():
    known = {"error:", "SOURCE", "--overwrite", "ResourceExhaustedError", "… must be … Received: …"}
    source = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    collected = [*error_texts(), *note_texts()]
    for span in documented():
        comes = any(says(span, text) for text in collected)
        assert comes or span in known or all(part.strip() in source for part in span.split("…")), span
