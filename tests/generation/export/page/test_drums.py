"""The page in docs/ is that of the drums that come with the program, and plays them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.chromium import started
from tests.generation.export.page.support import opened, said, sounds
from wavegan.generation.generate import load_sampler
from wavegan.runs.run import PRETRAINED, Run

PAGE = Path(__file__).resolve().parents[4] / "docs" / "drums.html"
DRUMS = Run(PRETRAINED / "drums")


@pytest.fixture(scope="module")
def browser():
    yield from started()


def test_it_is_small_and_of_the_checkpoint_that_is_installed():
    text = PAGE.read_text(encoding="utf-8")
    model = json.loads(re.search(r'<script type="application/json" id="model">(.*?)</script>', text)[1])
    assert len(text.encode()) <= 6_000_000
    assert (model["run"], model["step"], model["rate"]) == ("drums", DRUMS.latest(), 16000)
    assert tuple(model["classes"]) == DRUMS.config().classes


def test_it_opens_from_disk_and_makes_their_sounds(browser):
    page = opened(browser, PAGE.as_uri())
    assert page.complaints("WARNING", "SEVERE") == []
    assert float(re.search(r"differs from the trainer's sound by (\S+?)\.$", said(page))[1]) < 1e-3
    latents = np.array(page.execute_script("return state.voices.map(({latent}) => Array.from(latent))"), "float32")
    weights = np.array(page.execute_script("return state.voices.map(({classes}) => classes)"), "float32")
    expected = load_sampler(DRUMS)[0](latents / 127, weights / 100)
    np.testing.assert_allclose(sounds(page), expected[:, :, 0], atol=1e-3)
    page.keep("drums")
