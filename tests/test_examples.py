"""The examples in docstrings run and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATHS = [path for folder in ("wavegan", "preprocess") for path in sorted((ROOT / folder).rglob("*.py"))]
WITH_EXAMPLES = [path.relative_to(ROOT) for path in PATHS if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=str)
def test_the_examples_of(path):
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    assert doctest.testmod(module).failed == 0
