"""What is heard of a recording of a person's own."""

import numpy as np
import pytest
import soundfile

from wavegan.base.errors import UserError
from wavegan.generation.recording import Recording
from wavegan.models.family import ClipFormat

CLIP = ClipFormat(8000, 1024, 1)


def written(path, samples, rate=8000):
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return Recording(str(path))


def test_a_short_recording_is_heard_from_its_beginning_with_silence_after_it(tmp_path):
    samples = np.concatenate([np.zeros(300), np.linspace(0.1, 1, 200)]).astype("float32")
    heard = written(tmp_path / "a.wav", samples).cut(CLIP).audio
    assert heard.shape == (1024, 1) and heard.dtype == np.float32
    np.testing.assert_array_equal(heard[:500, 0], samples)
    assert not heard[500:].any()


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_a_longer_one_is_heard_from_where_its_sound_begins(tmp_path, seconds):
    hiss = np.random.default_rng(0).uniform(-0.001, 0.001, round(seconds * 8000))
    tone = 0.3 * np.sin(np.arange(900))
    heard = written(tmp_path / "a.wav", np.concatenate([hiss, tone, hiss])).cut(CLIP).audio
    assert np.abs(heard[:15]).max() <= 0.001
    np.testing.assert_allclose(heard[15:915, 0], tone, atol=1e-6)


def test_it_has_the_rate_and_the_channels_of_the_run(tmp_path):
    left = 0.9 * np.sin(2 * np.pi * 200 * np.arange(4000) / 44_100)
    recording = written(tmp_path / "a.wav", np.stack([left, np.zeros(4000)], axis=1), 44_100)
    mono, stereo = recording.cut(CLIP).audio, recording.cut(ClipFormat(8000, 1024, 2)).audio
    assert mono.shape == (1024, 1) and stereo.shape == (1024, 2)
    np.testing.assert_allclose(mono[:, 0], stereo[:, 0] / 2, atol=1e-6)
    expected = 0.9 * np.sin(2 * np.pi * 200 * np.arange(600) / 8000)
    np.testing.assert_allclose(stereo[50:600, 0], expected[50:], atol=0.01)


@pytest.mark.parametrize("difference", [0, 0.01])
def test_of_channels_that_cancel_each_other_the_first_one_is_heard(tmp_path, difference):
    left = 0.5 * np.sin(2 * np.pi * 200 * np.arange(800) / 8000)
    recording = written(tmp_path / "a.wav", np.stack([left, difference - left], axis=1))
    mono, both = recording.cut(CLIP), recording.cut(ClipFormat(8000, 1024, 2))
    np.testing.assert_allclose(mono.audio[:800, 0], left, atol=1e-6)
    assert "whose two channels cancel each other, the first one alone is kept" in mono.words
    np.testing.assert_allclose(both.audio[:800, 1], difference - left, atol=1e-6)
    assert "cancel" not in both.words


def test_it_is_heard_from_the_second_that_was_asked_for(tmp_path):
    samples = np.linspace(0.1, 1, 5000).astype("float32")
    recording = written(tmp_path / "a.wav", samples)
    for at, first in ((0.0, 0), (0.25, 2000), (0.6, 4800)):
        cut = recording.cut(CLIP, at)
        assert cut.length == min(1024, 5000 - first)
        np.testing.assert_array_equal(cut.audio[: cut.length, 0], samples[first : first + 1024])
        assert not cut.audio[cut.length :].any()
        assert f"a.wav: {cut.length / 8000:.2f} s from {at:.2f} s on" in cut.words
    with pytest.raises(UserError, match=r"--at is beyond the 0\.62 s of .*a\.wav\. Received: 0\.7\."):
        recording.cut(CLIP, 0.7)
    minutes = written(tmp_path / "c.wav", np.zeros(8000 * 61))
    with pytest.raises(UserError, match=r"its first 60 s are silent\. Give another one, or its place with --at\."):
        minutes.cut(CLIP)
    silence = written(tmp_path / "b.wav", np.concatenate([samples, np.zeros(3000)]))
    with pytest.raises(UserError, match=r"it is silent from 0\.7 s on\. Give another --at\."):
        silence.cut(CLIP, 0.7)


def test_hours_are_not_read_to_their_end(tmp_path, monkeypatch):
    from wavegan.audio import decode

    read = []

    def endless(path, rate, channels, findings, first_channel):
        while len(read) < 1000:
            read.append(1)
            yield np.full((rate, channels), 0.5, "float32")

    monkeypatch.setattr(decode, "decode", endless)
    Recording(str(tmp_path / "a.wav")).cut(CLIP)
    assert len(read) == 60


def test_what_is_no_recording_is_one_line(tmp_path):
    for path, reason in ((tmp_path / "gone.wav", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UserError, match=f"cannot be used as a recording: cannot be opened: {reason}"):
            Recording(str(path)).cut(CLIP)
    with pytest.raises(UserError, match="it is silent"):
        written(tmp_path / "empty.wav", np.full(5000, 1e-5)).cut(CLIP)
