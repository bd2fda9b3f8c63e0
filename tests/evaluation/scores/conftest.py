"""Fixtures of the tests of the scores."""

import pytest

from wavegan.evaluation.scores import arrays, neighbours


@pytest.fixture
def small_blocks(monkeypatch):
    """As if a few rows were all that fits, so that small sets go through many blocks."""
    monkeypatch.setattr(arrays, "ROWS", 7)
    monkeypatch.setattr(neighbours, "QUERIES", 5)
