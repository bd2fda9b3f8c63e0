"""Clips as spectrograms, against a library's, and the way back to sound."""

import librosa
import numpy as np
import pytest

from wavegan.models.diffusion import spectrogram as module
from wavegan.models.diffusion.flow import DEVIATION
from wavegan.models.diffusion.frames import OVERLAP, Frames
from wavegan.models.diffusion.spectrogram import POWER, Spectrogram
from wavegan.models.family import ClipFormat


def tones(length, channels=1, count=3):
    """Tones [n, time, channels] that rise and fall, about as loud as recordings that were divided by their RMS."""
    time = np.arange(length)[:, None]
    pitch = np.linspace(0.02, 0.2, count * channels).reshape(count, 1, channels)
    return (2 * np.sin(np.pi * time / length) ** 2 * np.sin(2 * np.pi * pitch * time)).astype("float32")


def spectrogram(length, channels=1, rate=8000):
    return Spectrogram(Frames.of(ClipFormat(rate, length, channels)))


@pytest.mark.parametrize(("rate", "length", "hop", "frames"), [
    (8000, 4096, 128, 32), (16000, 16384, 256, 64), (44100, 65536, 512, 128), (48000, 65536, 1024, 64),
    (8000, 64, 8, 8), (48000, 16, 2, 8), (50, 256, 2, 128),
])  # fmt: skip
def test_frames_are_sixteen_thousandths_of_a_second_apart_where_the_clip_is_long_enough(rate, length, hop, frames):
    found = Frames.of(ClipFormat(rate, length, 2))
    assert (found.hop, found.count) == (hop, frames)
    assert found.shape == (frames, 2 * (2 * hop + 1))
    audio = tones(length, 2)
    made = spectrogram(length, 2, rate)
    np.testing.assert_allclose(made._audio(*made._spectra(audio)), audio, atol=1e-5)


def test_values_are_the_magnitudes_of_a_library_to_their_power():
    audio, layer = tones(4096, 2), spectrogram(4096, 2)
    frames = layer.frames
    window = OVERLAP * frames.hop
    padded = np.pad(audio, [(0, 0), (frames.beside, frames.beside), (0, 0)])
    theirs = np.abs(librosa.stft(padded.transpose(0, 2, 1), n_fft=window, hop_length=frames.hop, center=False))
    hann = librosa.filters.get_window("hann", window)
    theirs = (theirs / np.sqrt(np.sum(hann**2))) ** POWER  # [n, channels, bins, frames]
    theirs = theirs.transpose(0, 3, 1, 2).reshape(3, *frames.shape)
    np.testing.assert_allclose(layer(audio), theirs, atol=2e-3)  # the root of what is nearly 0 is rounded coarsely
    layer.adapt(audio)
    np.testing.assert_allclose(layer.mean, theirs.mean(axis=(0, 1)), atol=1e-3)
    deviation = theirs.std(axis=(0, 1))
    floor = 0.1 * np.sqrt(np.mean(deviation**2))
    assert (deviation < floor).any() and (deviation > floor).any()
    np.testing.assert_allclose(layer.deviation, np.maximum(deviation, floor) / DEVIATION, rtol=1e-2)
    heard = deviation > floor
    np.testing.assert_allclose(np.std(layer(audio), axis=(0, 1))[heard], DEVIATION, rtol=1e-2)


def test_silence_can_be_measured():
    layer = spectrogram(256)
    layer.adapt(np.zeros((2, 256, 1), "float32"))
    assert not np.array(layer(np.zeros((2, 256, 1), "float32"))).any()
    np.testing.assert_allclose(layer.deviation, 1 / DEVIATION, rtol=1e-6)


def test_sound_with_its_own_phases_is_the_sound():
    audio, layer = tones(1024, 2), spectrogram(1024, 2)
    layer.adapt(audio)
    np.testing.assert_allclose(layer.sound(layer(audio), layer.phases(audio)), audio, atol=1e-4)


def test_phases_are_found_as_a_library_finds_them():
    """By the fast algorithm of Griffin and Lim, as many times: sounds are as near to the magnitudes that were asked."""
    audio, layer = tones(8192), spectrogram(8192)
    frames, asked = layer.frames, np.array(layer(audio))
    made = np.array(layer.sound(asked))
    theirs = librosa.griffinlim(
        (asked ** (1 / POWER)).transpose(0, 2, 1), n_iter=module.ITERATIONS, momentum=module.MOMENTUM,
        n_fft=OVERLAP * frames.hop, hop_length=frames.hop, center=False, init=None,
    )  # fmt: skip
    hann = librosa.filters.get_window("hann", OVERLAP * frames.hop)
    theirs = np.sqrt(np.sum(hann**2)) * theirs[:, frames.beside : frames.beside + 8192, None]
    ours, other = (np.sqrt(np.mean((np.array(layer(each)) - asked) ** 2)) for each in (made, theirs.astype("float32")))
    assert ours < 1.1 * other and ours < 0.25 * np.sqrt(np.mean(asked**2))


def test_what_is_kept_stays_and_the_rest_is_made():
    audio, other = tones(1024, count=2)[:, :, :1]
    layer = spectrogram(1024)
    kept = (np.arange(1024) < 500).astype("float32")[:, None]
    made = np.array(layer.sound(layer(other[None]), None, (kept, audio[None])))[0]
    np.testing.assert_array_equal(made[:500], audio[:500])
    assert np.abs(made[600:] - audio[600:]).max() > 0.05
    share = layer.frames.share(kept[:, 0])
    assert (np.diff(share) < 1e-6).all() and share[0] == 1 and share[-1] == 0 and 0 < share[500 // layer.frames.hop] < 1
