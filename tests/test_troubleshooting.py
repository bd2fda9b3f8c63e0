"""docs/troubleshooting.md says what to do about every error text, and about no other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ERRORS = {"UserError", "Damaged", "Diverged", "Unusable"}


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


def error_texts():
    """{text: where} of every error that a user can meet."""
    found = {}
    for path in [*ROOT.glob("*.py"), *(ROOT / "preprocess").glob("*.py"), *(ROOT / "wavegan").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
                found |= {text: f"{path.name}:{node.lineno}" for text in texts(node.args[0])}
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


def test_every_error_text_is_in_the_troubleshooting_tables():
    spans = [span for span in documented() if len(span.replace("…", "").strip()) >= 6]
    missing = {text: where for text, where in error_texts().items() if not any(says(span, text) for span in spans)}
    assert len(error_texts()) > 70 and missing == {}


def test_every_text_in_the_troubleshooting_tables_is_one_that_comes():
    known = {"error:", "SOURCE", "--overwrite", "ResourceExhaustedError", "… must be … Received: …"}
    files = [*ROOT.glob("*.py"), *(ROOT / "preprocess").glob("*.py"), *(ROOT / "wavegan").rglob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for span in documented():
        comes = any(says(span, text) for text in error_texts())
        assert comes or span in known or all(part.strip() in source for part in span.split("…")), span
