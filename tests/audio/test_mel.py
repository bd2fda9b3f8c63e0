"""Mel spectrograms: the log-mel front end at any rate and length, and decibels for pictures."""

import subprocess
import sys
import warnings

import librosa
import numpy as np
import pytest

from tests.evaluation.support import LENGTH, RATE
from wavegan.audio.mel import PICTURE_MEL_BINS, LogMel, in_blocks, mel_spectrogram_db


def test_log_mel_is_the_papers():
    """One frame against the formula: 64 ms, Hann, magnitudes, 128 bins from 40 to 7,800 Hz, log(x + 1e-6)."""
    front = LogMel(16000, 16384)
    assert front.shape == (129, 128)
    audio = np.random.default_rng(0).uniform(-1, 1, (2, 16384, 1)).astype("float32")
    frame = 64  # its window is centred at 64 × 128 samples
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    spectrum = np.abs(np.fft.rfft(window * audio[1, frame * 128 - 512 : frame * 128 + 512, 0]))
    np.testing.assert_allclose(front(audio)[1, frame], np.log(front.filters @ spectrum + 1e-6), atol=1e-3)
    frequencies = np.fft.rfftfreq(1024, 1 / 16000)
    kept = frequencies[front.filters.sum(axis=0) > 0]
    assert 40 <= kept.min() < 60 and 7700 < kept.max() <= 7800


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(("rate", "length"), [(100, 64), (1000, 256), (8000, 8192), (16000, 64), (44100, 4096)])
def test_log_mel_of_any_rate_and_length_has_no_empty_bins(rate, length):
    front = LogMel(rate, length)
    assert (front.filters.sum(axis=1) > 0).all()
    made = front(np.zeros((3, length, 2), "float32"))
    assert made.shape == (3, *front.shape) and made.dtype == np.float32
    np.testing.assert_allclose(made, np.log(1e-6), rtol=1e-6)


def test_channels_are_averaged():
    front, audio = LogMel(RATE, LENGTH), np.random.default_rng(0).normal(size=(2, LENGTH, 2)).astype("float32")
    np.testing.assert_array_equal(front(audio), front(audio.mean(axis=2, keepdims=True)))


@pytest.mark.parametrize("loudness", [1.0, 1e-5])
def test_a_window_that_is_no_power_of_2_is_padded_and_a_quiet_clip_stands_on_the_floor(loudness):
    front, audio = LogMel(11025, 8192), np.random.default_rng(0).uniform(-1, 1, (1, 8192, 1)).astype("float32")
    frame, hop, width, size = 40, round(0.008 * 11025), round(0.064 * 11025), 1024
    window = np.pad(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width), (size - width) // 2)
    first = frame * hop - size // 2
    magnitudes = front.filters @ np.abs(np.fft.rfft(window * loudness * audio[0, first : first + size, 0]))
    np.testing.assert_allclose(front(loudness * audio)[0, frame], np.log(magnitudes + 1e-6), atol=1e-3)
    assert loudness == 1 or 1e-7 < magnitudes.min() < magnitudes.max() < 1e-4


def test_blocks_are_whole_clips_one_at_least_and_all_of_them():
    for samples, sizes in ((250, [2, 2, 1]), (50, [1] * 5), (1000, [5])):
        assert [len(block) for block in in_blocks(np.empty((5, 100, 2)), samples)] == sizes
    front = LogMel(RATE, LENGTH)
    assert front(np.empty((0, LENGTH, 1))).shape == (0, *front.shape)


# For pictures


@pytest.mark.parametrize(("sample_rate", "length"), [(1000, 256), (44100, 256), (192000, 1024)])
def test_pictures_of_short_clips_at_odd_rates_come_without_warnings(sample_rate, length):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mel_spectrogram_db(np.ones((2, length), "float32"), sample_rate)


def test_the_mel_spectrogram_shows_a_tone_where_it_is():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8192) / 16000, dtype="float32")
    spectrogram = mel_spectrogram_db(tone[None], 16000)[0]
    bins = librosa.mel_frequencies(PICTURE_MEL_BINS + 2, fmin=0, fmax=8000)[1:-1]
    loudest = spectrogram.mean(axis=1).argmax()
    assert bins[loudest] == pytest.approx(1000, rel=0.05)
    assert spectrogram.max() - spectrogram[loudest // 3].mean() > 40


@pytest.mark.parametrize(("sample_rate", "length"), [(1000, 256), (8000, 8192), (16000, 8192), (44100, 4096)])
def test_the_mel_spectrogram_is_librosas(sample_rate, length):
    audio = np.random.default_rng(0).normal(0, 0.1, (2, length)).astype("float32")
    audio[1, length // 2 :] = 0
    made = mel_spectrogram_db(audio, sample_rate)
    size = 2 ** int(np.clip(np.round(np.log2(0.032 * sample_rate)), 5, np.log2(length)))
    power = librosa.feature.melspectrogram(
        y=audio, sr=sample_rate, n_fft=size, hop_length=size // 4, n_mels=made.shape[1], power=2.0
    )
    expected = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    assert made.dtype == np.float32 and made.min() == -100
    np.testing.assert_allclose(made, expected, atol=0.01)


def test_pictures_are_drawn_without_what_compiles_for_20_s_the_first_time():
    code = (
        "import sys, numpy as np; from wavegan.audio import pictures; "
        "pictures.draw(np.ones((2, 1024, 1), 'float32'), 4000, 'title', ['a', 'b']); print('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True).stdout == "False\n"
