"""Pictures of sounds, and the mel spectrograms on them."""

import warnings

import librosa
import numpy as np
import pytest

from wavegan.audio import mel, pictures


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


@pytest.mark.parametrize(("sample_rate", "length"), [(1000, 256), (44100, 256), (192000, 1024)])
def test_pictures_of_short_clips_at_odd_rates_come_without_warnings(sample_rate, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mel.mel_spectrogram_db(np.ones((2, length), "float32"), sample_rate)


def test_the_mel_spectrogram_shows_a_tone_where_it_is():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8192) / 16000, dtype="float32")
    spectrogram = mel.mel_spectrogram_db(tone[None], 16000)[0]
    bins = librosa.mel_frequencies(mel.PICTURE_MEL_BINS + 2, fmin=0, fmax=8000)[1:-1]
    loudest = spectrogram.mean(axis=1).argmax()
    assert bins[loudest] == pytest.approx(1000, rel=0.05)
    assert spectrogram.max() - spectrogram[loudest // 3].mean() > 40
