"""The page in Firefox: from disk, the trainer's sounds, a beat on its grid, an address that brings all of it back."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from tests import firefox
from wavegan.cli import export as export_command
from wavegan.generation.generate import load_sampler
from wavegan.runs.run import Run

SOUNDS = "audios.map((audio) => Array.from(audio))"
STEPS = "Array.from(document.querySelectorAll('#voices .step'), (one) => one.ariaPressed)"
MADE = "generator.waiting.size === 0"
# One voice at its steps, as a click; what the page would save is caught, as text.
LOOP = """(() => {
  audios[0] = audios[0].map((_, place) => (place ? 0 : 0.5));
  for (const voice of state.voices.slice(1)) voice.muted = true;
  Object.assign(state.voices[0], { level: 100, pitch: 0 });
  const text = (content) => Array.from(content, (one) => String.fromCharCode(one)).join("");
  window.save = (name, content) => (window.saved = btoa(text(content)));
  document.getElementById("save-loop").click();
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from firefox.started(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def page(browser, trained_by_class, tmp_path_factory):
    """The browser at the page of a conditional run, and its address."""
    path = tmp_path_factory.mktemp("a page #1 & more") / "the page.html"
    assert export_command.main(["--format", "web", "--run", str(trained_by_class), "--out", str(path)]) == 0
    return opened(browser, path.as_uri()), path.as_uri()


def opened(browser, address):
    browser.get("about:blank")  # so that another hash is another page
    browser.get(address)
    browser.wait("document.documentElement.dataset.ready", "the page is ready")
    return browser


def test_it_opens_from_disk_and_makes_the_sounds_of_the_run(page, trained_by_class):
    page, _ = page
    said = page.run("document.getElementById('status').textContent")
    assert float(re.search(r"differs from the trainer's sound by (\S+?)\.$", said)[1]) < 1e-3
    assert page.run("generator.inPage") is False and page.complaints == []
    latents = np.array(page.run("state.voices.map(({latent}) => Array.from(latent))"), "float32")
    weights = np.array(page.run("state.voices.map(({classes}) => classes)"), "float32")
    expected = load_sampler(Run(trained_by_class))[0](latents / 127, weights / 100)
    np.testing.assert_allclose(np.array(page.run(SOUNDS), "float32"), expected[:, :, 0], atol=1e-3)


def test_new_sounds_and_their_beat_come_back_by_the_address(page):
    page, address = page
    first = page.run(SOUNDS)
    page.run("document.getElementById('all-new').click()")
    page.wait(MADE, "new sounds")
    page.run("document.querySelectorAll('#voices .step')[5].click()")
    new, hash = page.run(SOUNDS), page.run("(keep(), location.hash)")
    pressed = page.run(STEPS)
    assert new != first
    opened(page, address + hash)
    assert page.run(SOUNDS) == new and page.run(STEPS) == pressed and page.complaints == []


def test_the_saved_loop_keeps_to_the_grid(page):
    page, address = page
    opened(page, address)
    page.run(LOOP)
    audio, rate = soundfile.read(io.BytesIO(base64.b64decode(page.wait("window.saved", "the loop"))), dtype="float32")
    mono = audio if audio.ndim == 1 else audio[:, 0]
    loud = np.flatnonzero(mono > 0.1)
    onsets = loud[np.insert(np.diff(loud) > rate / 200, 0, True)] / rate
    pressed = page.run(f"{STEPS}.slice(0, 16)")
    steps = [place for place, one in enumerate(pressed) if one == "true"]
    assert len(steps) >= 2
    np.testing.assert_allclose(onsets, np.array(steps) * 15 / page.run("state.tempo"), atol=0.002)
