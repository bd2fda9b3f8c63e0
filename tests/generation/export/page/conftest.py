"""The browser, and the page of a conditional run, that the tests of the page share."""

import pytest

from tests.chromium import started
from tests.generation.export.page.support import opened
from wavegan.cli import export as export_command


@pytest.fixture(scope="session")
def browser():
    yield from started()


@pytest.fixture(scope="session")
def address(trained_by_class, tmp_path_factory):
    """Of the page, in a folder with a name that no one would choose."""
    path = tmp_path_factory.mktemp("a page #1 with spaces & ümlauts?") / "the page.html"
    assert export_command.main(["--format", "web", "--run", str(trained_by_class), "--out", str(path)]) == 0
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    return opened(browser, address)
