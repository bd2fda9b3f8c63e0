"""Players for notebooks: the sounds are in the page, whole."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from wavegan.audio.players import Players

EMBEDDED = re.compile(r'src="data:audio/flac;base64,([^"]+)"')


def embedded(players):
    files = [io.BytesIO(base64.b64decode(text)) for text in EMBEDDED.findall(players._repr_html_())]
    return [soundfile.read(file, dtype="int16", always_2d=True) for file in files]


@pytest.mark.parametrize("channels", [1, 2])
def test_every_sample_is_in_the_page(channels):
    steps = np.random.default_rng(0).integers(-32768, 32768, (3, 500, channels))
    found = embedded(Players(steps / 32768, 4000))
    assert len(found) == 3
    for expected, (audio, rate) in zip(steps, found, strict=True):
        assert rate == 4000
        np.testing.assert_array_equal(audio, expected)


def test_a_rate_that_browsers_refuse_is_raised():
    ((audio, rate),) = embedded(Players(np.zeros((1, 1000, 1)), 1000))
    assert (len(audio), rate) == (8000, 8000)


def test_titles_are_text_and_no_html():
    """They come from the names of folders."""
    page = Players(np.zeros((2, 9, 1)), 8000, ["<b>kick</b>", "a\nb"])._repr_html_()
    assert "&lt;b&gt;kick&lt;/b&gt;" in page and "a\\nb" in page and "<b>" not in page


def test_without_titles_sounds_are_numbered():
    page = Players(np.zeros((2, 9, 1)), 8000)._repr_html_()
    assert re.findall("<figcaption>(.*?)</figcaption>", page) == ["0", "1"]
    with pytest.raises(ValueError):
        Players(np.zeros((2, 9, 1)), 8000, ["one"])._repr_html_()
