"""From recordings to clips: windows without losses, as exact 16-bit samples."""

import io

import numpy as np
import pytest
import soundfile

from preprocess.clips import Cutting, slice_recording, windows
from wavegan.audio import sndfile
from wavegan.audio.decode import Unusable
from wavegan.audio.wav import to_pcm16

RATE = 8000  # Hz


class Sink(io.BytesIO):
    """Clips in memory."""

    def clear(self):
        self.seek(0)
        self.truncate()


def cut(source, **cutting):
    """The slices and clips int16 [clips, length, channels] of a source."""
    cutting = Cutting(**{"sample_rate": RATE, "length": 256} | cutting)
    sink = Sink()
    slices = slice_recording(str(source) if not isinstance(source, np.ndarray) else source, cutting, sink)
    return slices, np.frombuffer(sink.getvalue(), "<i2").reshape(-1, cutting.length, cutting.channels)


def noise(samples, level=0.5, seed=0):
    return np.random.default_rng(seed).uniform(-level, level, samples).astype(np.float32)


def test_a_16_bit_file_at_the_data_set_s_rate_is_stored_bit_exactly(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32768, 512, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", pcm, RATE)
    np.testing.assert_array_equal(cut(tmp_path / "a.wav")[1].ravel(), pcm)


def test_stereo_clips_are_interleaved(tmp_path, record):
    record(tmp_path / "a.wav", 256, channels=2)
    stored = soundfile.read(tmp_path / "a.wav", dtype="int16")[0]
    np.testing.assert_array_equal(cut(tmp_path / "a.wav", channels=2)[1][0], stored)


@pytest.mark.parametrize("blocks", [[1000], [1] * 1000, [255, 1, 256, 488], [0, 1000, 0]])
def test_windows_lose_no_sample_whatever_the_blocks(blocks):
    samples = np.arange(1000)
    cuts = list(windows(np.split(samples, np.cumsum(blocks)[:-1]), 256))
    assert [start for start, _ in cuts] == [0, 256, 512, 768]
    np.testing.assert_array_equal(np.concatenate([window for _, window in cuts]), samples)


@pytest.mark.parametrize(
    ("samples", "clips", "padded", "dropped"),
    [(1, 1, 1, 0), (63, 1, 1, 0), (255, 1, 1, 0), (256, 1, 0, 0), (257, 1, 0, 1), (319, 1, 0, 1), (320, 2, 1, 0),
     (512, 2, 0, 0), (1000, 4, 1, 0)],
)  # fmt: skip
def test_all_windows_are_kept_but_a_last_one_less_than_a_quarter_full(samples, clips, padded, dropped):
    """mostafaelaraby/wavegan-pytorch samples the first half only, and crashes where a file is one sample longer than a
    window. acids-ircam/RAVE drops tails and short files without a word.
    """
    slices, pcm = cut(noise(samples))
    assert (len(pcm), slices.padded, slices.dropped_tail, slices.cut) == (clips, padded, dropped, dropped)
    assert slices.starts == [256 * index for index in range(clips)]
    kept = min(samples, 256 * clips)
    np.testing.assert_array_equal(pcm.ravel()[:kept], to_pcm16(noise(samples))[:kept])


def test_short_clips_are_padded_with_silence_at_the_end():
    """chrisdonahue/wavegan issues 16 and 55: clips shorter than a slice are left out, and training hangs."""
    pcm = cut(noise(100))[1].ravel()
    np.testing.assert_array_equal(pcm[:100], to_pcm16(noise(100)))
    assert not pcm[100:].any()


@pytest.mark.parametrize(("samples", "is_cut"), [(255, False), (256, False), (257, True), (5000, True)])
def test_first_keeps_one_window_and_says_whether_there_was_more(samples, is_cut):
    slices, pcm = cut(noise(samples), slices="first")
    assert (len(pcm), slices.cut, slices.dropped_tail) == (1, is_cut, False)


def test_first_stops_decoding_after_what_is_needed(monkeypatch, tmp_path, record):
    record(tmp_path / "a.wav", 100_000)
    monkeypatch.setattr(sndfile, "BLOCK_SAMPLES", 1000)
    read = []
    original = soundfile.SoundFile.read
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *a, **k: read.append(1) or original(*a, **k))
    cut(tmp_path / "a.wav", slices="first")
    assert len(read) <= 2


def test_peak_scales_every_file_to_full_scale(tmp_path, record):
    """In chrisdonahue/wavegan, --data_normalize does nothing."""
    quiet = noise(600, level=0.01)
    slices, pcm = cut(quiet, normalize="peak")
    assert np.abs(pcm.astype(int)).max() == 32767 and slices.clipped == 0
    np.testing.assert_allclose(pcm.ravel()[:600] / 32767, quiet / np.abs(quiet).max(), atol=2e-5)
    assert np.abs(cut(quiet)[1]).max() < 400


def test_peak_keeps_the_balance_between_the_windows_of_a_file():
    soft_then_loud = np.concatenate([noise(256, 0.1), noise(256, 0.5)])
    pcm = cut(soft_then_loud, normalize="peak")[1].astype(int)
    assert np.abs(pcm[0]).max() / np.abs(pcm[1]).max() == pytest.approx(0.2, abs=0.01)


def test_peak_looks_at_what_is_kept_only():
    loud_later = np.concatenate([noise(256, 0.1), noise(256, 0.9)])
    assert np.abs(cut(loud_later, normalize="peak", slices="first")[1].astype(int)).max() == 32767


def test_clips_above_full_scale_are_clipped_and_counted(tmp_path, record):
    slices, pcm = cut(np.concatenate([noise(256, 0.9), np.full(256, 1.5, np.float32), np.ones(256, np.float32)]))
    assert slices.clipped == 1
    assert pcm[1].min() == 32767


def test_loudness_is_that_of_the_clip_as_stored():
    slices, pcm = cut(noise(100))
    stored = pcm.astype(np.float64) / 32768
    assert slices.rms == [pytest.approx(np.sqrt(np.mean(stored**2)), rel=1e-12)]
    assert slices.peak == np.abs(stored).max()


def test_a_file_whose_first_window_is_silent_says_so():
    with pytest.raises(Unusable, match="silent: every sample of the first window is zero"):
        cut(np.concatenate([np.zeros(256, np.float32), noise(256)]), slices="first")


def test_silent_windows_are_left_out_and_counted():
    silence = np.zeros(512, np.float32)
    slices, pcm = cut(np.concatenate([noise(256), silence, noise(256, seed=1)]))
    assert (slices.starts, slices.silent, len(pcm)) == ([0, 768], 2, 2)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(300, np.float32), "silent: every sample is zero"),
        (np.zeros(0, np.float32), "holds no samples"),
        (np.array([0.1, np.nan], np.float32), "not finite"),
        (np.array([0.1, np.inf], np.float32), "not finite"),
    ],
)
@pytest.mark.parametrize("normalize", ["none", "peak"])
def test_recordings_without_sound_are_unusable_with_the_reason(samples, reason, normalize, tmp_path, record):
    record(tmp_path / "a.wav", samples, subtype="FLOAT")
    with pytest.raises(Unusable, match=reason):
        cut(tmp_path / "a.wav", normalize=normalize)


def test_one_nan_after_minutes_makes_a_file_unusable(tmp_path, record):
    samples = noise(300_000)
    samples[290_000] = np.nan
    record(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(Unusable, match="not finite"):
        cut(tmp_path / "a.wav")


def test_one_sample_that_does_not_survive_resampling_is_unusable(tmp_path, record):
    record(tmp_path / "a.wav", 1, 44100)
    with pytest.raises(Unusable, match="too few for one at 8000 Hz"):
        cut(tmp_path / "a.wav")
