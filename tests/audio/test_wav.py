"""16-bit samples and WAV files: exact, and clear where they cannot be written."""

import numpy as np
import pytest
import soundfile

from wavegan.audio.wav import from_pcm16, to_pcm16, write_wav
from wavegan.base.errors import UserError

RATE = 8000  # Hz


def test_every_16_bit_value_survives_both_ways():
    pcm = np.arange(-32768, 32768, dtype=np.int16)
    np.testing.assert_array_equal(to_pcm16(from_pcm16(pcm)), pcm)


def test_to_pcm16_rounds_to_the_nearest_step_and_clips_to_full_scale():
    samples = np.array([0.0, 0.6 / 32768, -0.6 / 32768, 0.4 / 32768, 1.0, 1.5, -1.0, -1.5], np.float32)
    assert to_pcm16(samples).tolist() == [0, 1, -1, 0, 32767, 32767, -32768, -32768]


def test_write_wav_and_decode_are_inverse(tmp_path):
    stereo = from_pcm16(np.random.default_rng(0).integers(-32768, 32768, (500, 2), dtype=np.int16))
    write_wav(tmp_path / "a b.wav", stereo, 22050)
    assert soundfile.info(tmp_path / "a b.wav").subtype == "PCM_16"
    samples, rate = soundfile.read(tmp_path / "a b.wav", dtype="float32")
    assert rate == 22050
    np.testing.assert_array_equal(samples, stereo)


def test_write_wav_says_in_one_line_where_it_cannot_write(tmp_path):
    with pytest.raises(UserError, match="cannot write .*nowhere.*No such file"):
        write_wav(tmp_path / "nowhere" / "a.wav", np.zeros((10, 1), np.float32), RATE)
