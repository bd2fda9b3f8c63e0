"""The page in docs/ is that of the drums that come with the program, and plays them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.generation.export.page.support import click, made, opened, said, sounds
from wavegan.generation.export.web import _facts, _html
from wavegan.generation.generate import load_sampler
from wavegan.runs.run import PRETRAINED, Run

PAGE = Path(__file__).resolve().parents[4] / "docs" / "drums.html"
DRUMS = Run(PRETRAINED / "drums")
# Random numbers by Park and Miller's generator ("Random number generators: good ones are hard to find", 1988).
SEEDED = "let seed = 1; Math.random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;"
ANEW = "rm docs/drums.html && python export.py --run drums --format web --out docs/drums.html"


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def model(text):
    """What the page knows of its model."""
    return json.loads(re.search(r'<script type="application/json" id="model">(.*?)</script>', text)[1])


def test_it_is_the_page_that_is_made_today(text, model):
    facts = {**model, **_facts(DRUMS, DRUMS.config(), DRUMS.latest())}
    same = text == _html(DRUMS.name, facts, DRUMS.licence)
    assert same, f"docs/drums.html is of another version. Make it anew: {ANEW}"


def test_it_is_small_and_of_the_checkpoint_that_is_installed(text, model):
    assert len(text.encode()) <= 6_000_000
    assert (model["run"], model["step"], model["rate"]) == ("drums", DRUMS.latest(), 16000)
    assert tuple(model["classes"]) == DRUMS.config().classes


@pytest.fixture(scope="module")
def page(browser):
    """The page, with the same draws each time."""
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SEEDED})
    yield opened(browser, PAGE.as_uri())
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_it_opens_from_disk_and_makes_their_sounds(page):
    assert page.complaints("WARNING", "SEVERE") == []
    assert float(re.search(r"differs from the trainer's sound by (\S+?)\.$", said(page))[1]) < 1e-3
    latents = np.array(page.execute_script("return state.voices.map(({latent}) => Array.from(latent))"), "float32")
    weights = np.array(page.execute_script("return state.voices.map(({classes}) => classes)"), "float32")
    expected = load_sampler(DRUMS)[0](latents / 127, weights / 100)
    np.testing.assert_allclose(sounds(page), expected[:, :, 0], atol=1e-3)


def test_its_picture_shows_all_of_it_as_it_plays(page):
    """It is the one in the documents."""
    click(page, "vary")
    page.wait(lambda: len(page.all("#variations .picture")) == 7, "seven pictures")
    made(page)
    click(page, "play")
    page.wait(lambda: page.all(".step.now"), "a step is marked")
    page.execute_script("follow = () => mark(12, 0)")
    page.wait(lambda: len(page.all(".step:nth-child(13).now")) == 8, "the thirteenth step stays marked")
    whole = page.execute_script("return document.documentElement.scrollHeight")
    page.width(1280, whole)
    assert page.execute_script("return innerHeight") == whole
    page.keep("machine")
    click(page, "play")
