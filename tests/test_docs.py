"""The pages agree with the program: the flags, files, sections and commands that they name exist."""

import re
from pathlib import Path

import pytest

from wavegan.cli import evaluate, generate, preprocess, train

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FOREIGN = {"--logdir", "--samples_per_plugin"}  # TensorBoard's

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def anchors(path):
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = (page.parent / file) if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pages
def test_flags_exist(page):
    ours = [train.parser(), generate.parser(), evaluate.parser(), preprocess._parser("preprocess")]
    known = {flag for parser in ours for action in parser._actions for flag in action.option_strings} | FOREIGN
    for path in (ROOT / "benchmarks").glob("*.py"):
        known |= set(re.findall(r'"(--[a-z][\w-]*)"', path.read_text(encoding="utf-8")))
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8")))
    assert named - known == set()
