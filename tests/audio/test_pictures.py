"""Pictures of sounds: any number of clips, of any kind, with any heading."""

import numpy as np
import pytest

from wavegan.audio import pictures


def test_pictures_show_every_clip_and_take_stereo_and_silence():
    audio = np.random.default_rng(0).uniform(-1, 1, (11, 4096, 2)).astype("float32")
    audio[3] = 0
    sheet = pictures.pixels(pictures.draw(audio, 8000, "eleven"))
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    assert sheet.std() > 20
    silent = pictures.pixels(pictures.draw(np.zeros((1, 4096, 1), "float32"), 8000))
    assert np.isfinite(silent).all()


@pytest.mark.parametrize("count", range(1, 10))
def test_a_picture_has_pixels_for_any_number_of_clips(count):
    sheet = pictures.draw(
        np.zeros((count, 256, 1), "float32"), 4000, "costs $5 or $6", [f"$\\{n}$" for n in range(count)]
    )
    assert pictures.pixels(sheet).ndim == 3


def test_a_long_heading_fits_over_a_single_clip():
    figure = pictures.draw(np.zeros((1, 1024, 1)), 4000, "drums-8k, step 12000, step-00012000/latents.npz:17")
    pictures.pixels(figure)  # lays it out
    heading, sheet = figure._suptitle.get_window_extent(), figure.bbox
    assert heading.x0 >= 0 and heading.x1 <= sheet.x1 and heading.y1 <= sheet.y1
