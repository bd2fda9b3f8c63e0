"""Audio: every format in, exact 16-bit out, windows without losses."""

import io
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from preprocess.clips import Cutting, slice_recording, windows
from wavegan.audio import decode as decoder
from wavegan.audio.decode import Unusable, decode
from wavegan.audio.wav import from_pcm16, to_pcm16, write_wav
from wavegan.base.errors import UserError

RATE = 8000


def joined(source, sample_rate=RATE, channels=1):
    return np.concatenate(list(decode(source, sample_rate, channels)))


def cut(source, **cutting):
    """The slices and clips int16 [clips, length, channels] of a source."""
    cutting = Cutting(**{"sample_rate": RATE, "length": 256} | cutting)
    sink = io.BytesIO()
    slices = slice_recording(str(source) if not isinstance(source, np.ndarray) else source, cutting, sink)
    return slices, np.frombuffer(sink.getvalue(), "<i2").reshape(-1, cutting.length, cutting.channels)


def noise(samples, level=0.5, seed=0):
    return np.random.default_rng(seed).uniform(-level, level, samples).astype(np.float32)


def test_every_16_bit_value_survives_both_ways():
    pcm = np.arange(-32768, 32768, dtype=np.int16)
    np.testing.assert_array_equal(to_pcm16(from_pcm16(pcm)), pcm)


def test_to_pcm16_rounds_to_the_nearest_step_and_clips_to_full_scale():
    samples = np.array([0.0, 0.6 / 32768, -0.6 / 32768, 0.4 / 32768, 1.0, 1.5, -1.0, -1.5], np.float32)
    assert to_pcm16(samples).tolist() == [0, 1, -1, 0, 32767, 32767, -32768, -32768]


def test_a_16_bit_file_at_the_data_set_s_rate_is_stored_bit_exactly(tmp_path):
    pcm = np.random.default_rng(0).integers(-32768, 32768, 512, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", pcm, RATE)
    np.testing.assert_array_equal(cut(tmp_path / "a.wav")[1].ravel(), pcm)


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1 / 100),
        ("a.wav", "PCM_16", 1 / 30000),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-6),
        ("a.wav", "FLOAT", 1e-7),
        ("a.wav", "DOUBLE", 1e-7),
        ("a.flac", "PCM_16", 1 / 30000),
        ("a.flac", "PCM_24", 1e-6),
        ("a.aiff", "PCM_16", 1 / 30000),
        ("a.au", "PCM_16", 1 / 30000),
    ],
)
def test_lossless_formats_decode_to_the_samples_written(tmp_path, record, name, subtype, tolerance):
    written = record(tmp_path / name, 3000, RATE, subtype=subtype)
    np.testing.assert_allclose(joined(str(tmp_path / name)), written, atol=tolerance)


@pytest.mark.parametrize(("name", "subtype"), [("a.ogg", "VORBIS"), ("a.ogg", "OPUS"), ("a.mp3", "MPEG_LAYER_III")])
def test_lossy_formats_decode_to_the_sound_written(tmp_path, record, name, subtype):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    record(tmp_path / name, tone, 16000, subtype=subtype)
    decoded = joined(str(tmp_path / name), 16000)[:, 0]
    spectrum = np.abs(np.fft.rfft(decoded[4000:12000] * np.hanning(8000)))
    assert abs(np.argmax(spectrum) * 2 - 440) <= 2  # bins of 2 Hz
    assert np.sqrt(np.mean(decoded[4000:12000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_the_content_decides_about_the_format_not_the_extension(tmp_path, record):
    """A peer guessed the extension from the fourth file."""
    written = record(tmp_path / "flac_in_truth.wav", 500, RATE, container="FLAC")
    np.testing.assert_allclose(joined(str(tmp_path / "flac_in_truth.wav")), written, atol=1 / 30000)


def test_bytes_and_path_decode_alike(tmp_path, record):
    record(tmp_path / "a.ogg", 4000, RATE, subtype="VORBIS")
    np.testing.assert_array_equal(joined((tmp_path / "a.ogg").read_bytes()), joined(str(tmp_path / "a.ogg")))


def test_file_names_need_not_be_text(tmp_path, record):
    record(tmp_path / "a.wav", 300)
    odd = bytes(tmp_path) + b"/\xff\xfe odd \xc3\xa9.wav"
    (tmp_path / "a.wav").rename(odd.decode("utf-8", "surrogateescape"))
    assert len(joined(odd.decode("utf-8", "surrogateescape"))) == 300


@pytest.mark.parametrize("rate", [4000, 11025, 16000, 22050, 44100, 48000, 96000])
def test_resampling_keeps_pitch_and_duration(tmp_path, record, rate):
    record(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate), rate)
    resampled = joined(str(tmp_path / "a.wav"))[:, 0]
    assert abs(len(resampled) - RATE) <= 1
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(resampled[400:-400], expected[400 : len(resampled) - 400], atol=2e-3)


@pytest.mark.parametrize("samples", [1000, 300_000])
def test_blocks_are_resampled_as_the_whole_would_be(tmp_path, record, samples):
    written = record(tmp_path / "a.wav", samples, 11025, subtype="FLOAT", channels=2)
    np.testing.assert_array_equal(joined(str(tmp_path / "a.wav"), RATE, 2), soxr.resample(written, 11025, RATE))


def test_mono_is_the_mean_of_all_channels(tmp_path, record):
    written = record(tmp_path / "a.wav", 700, channels=5, subtype="FLOAT")
    np.testing.assert_allclose(joined(str(tmp_path / "a.wav"))[:, 0], written.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize(("channels", "taken"), [(1, [0, 0]), (2, [0, 1]), (6, [0, 1])])
def test_two_channels_are_the_first_two_or_mono_twice(tmp_path, record, channels, taken):
    written = record(tmp_path / "a.wav", 700, channels=channels, subtype="FLOAT")
    np.testing.assert_array_equal(joined(str(tmp_path / "a.wav"), channels=2), written[:, taken])


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
    """Peers crashed at length − window = 1, sampled only the first half, dropped tails and short files silently."""
    slices, pcm = cut(noise(samples))
    assert (len(pcm), slices.padded, slices.dropped_tail, slices.cut) == (clips, padded, dropped, dropped)
    assert slices.starts == [256 * index for index in range(clips)]
    kept = min(samples, 256 * clips)
    np.testing.assert_array_equal(pcm.ravel()[:kept], to_pcm16(noise(samples))[:kept])


def test_short_clips_are_padded_with_silence_at_the_end():
    """A peer's training hung on clips shorter than its slices."""
    pcm = cut(noise(100))[1].ravel()
    np.testing.assert_array_equal(pcm[:100], to_pcm16(noise(100)))
    assert not pcm[100:].any()


@pytest.mark.parametrize(("samples", "is_cut"), [(255, False), (256, False), (257, True), (5000, True)])
def test_first_keeps_one_window_and_says_whether_there_was_more(samples, is_cut):
    slices, pcm = cut(noise(samples), slices="first")
    assert (len(pcm), slices.cut, slices.dropped_tail) == (1, is_cut, False)


def test_first_stops_decoding_after_what_is_needed(monkeypatch, tmp_path, record):
    record(tmp_path / "a.wav", 100_000)
    monkeypatch.setattr(decoder, "BLOCK_SAMPLES", 1000)
    read = []
    original = soundfile.SoundFile.read
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *a, **k: read.append(1) or original(*a, **k))
    cut(tmp_path / "a.wav", slices="first")
    assert len(read) <= 2


def test_peak_scales_every_file_to_full_scale(tmp_path, record):
    """A peer's --data_normalize did nothing."""
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


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "^empty file$"), (b"this is a text", "not readable as audio: Format not recognised"), (b"RIFF", "not read")],
)
def test_what_is_no_audio_is_unusable_with_the_reason(tmp_path, content, reason):
    """Peers swallowed decoder errors, or said something else."""
    (tmp_path / "a.wav").write_bytes(content)
    for source in (str(tmp_path / "a.wav"), content):
        with pytest.raises(Unusable, match=reason):
            joined(source)


def test_noise_named_mp3_is_unusable_with_a_reason_that_is_true(tmp_path):
    """libsndfile says that such a file does not exist."""
    (tmp_path / "a.mp3").write_bytes(np.random.default_rng(0).bytes(3000))
    with pytest.raises(Unusable, match="not readable as audio: (damaged, or another format|Format not recognised)"):
        joined(str(tmp_path / "a.mp3"))


def test_a_file_that_is_gone_is_unusable_with_the_reason(tmp_path):
    with pytest.raises(Unusable, match="cannot be opened: No such file"):
        joined(str(tmp_path / "gone.wav"))


def test_a_flac_that_breaks_off_is_unusable(tmp_path, record):
    record(tmp_path / "a.flac", 50_000)
    whole = (tmp_path / "a.flac").read_bytes()
    with pytest.raises(Unusable, match="not readable as audio"):
        joined(whole[: len(whole) // 2])


def test_one_sample_that_does_not_survive_resampling_is_unusable(tmp_path, record):
    record(tmp_path / "a.wav", 1, 44100)
    with pytest.raises(Unusable, match="too few for one at 8000 Hz"):
        cut(tmp_path / "a.wav")


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


def test_workers_need_neither_tensorflow_nor_librosa():
    heavy = "{'tensorflow', 'librosa', 'keras'} & {*sys.modules}"
    code = f"import sys, preprocess.workers, preprocess.drumkit; print(*{heavy})"
    root = Path(decoder.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_wav_file_is_read_as_libsndfile_reads_it_wherever_it_is_damaged(tmp_path, record, channels, monkeypatch):
    """Every byte of the head changed, every length cut off: the same samples, or unusable for the same reason."""
    record(tmp_path / "a.wav", 50, channels=channels)
    whole = (tmp_path / "a.wav").read_bytes()
    damaged = [whole[:size] for size in range(len(whole) + 1)] + [whole + bytes(3), whole + b"LIST\x04\x00\x00\x00abcd"]
    damaged += [whole[:at] + bytes([byte]) + whole[at + 1 :] for at in range(44) for byte in (0, 1, 2, 255)]

    def outcomes():
        for content in damaged:
            try:
                yield b"".join(block.tobytes() for block in decode(content, RATE, 1))
            except Unusable as problem:
                yield str(problem)

    ours = list(outcomes())
    monkeypatch.setattr(decoder, "_short_wav", lambda source: None)
    for content, mine, theirs in zip(damaged, ours, outcomes(), strict=True):
        assert mine == theirs or (not content and mine == "empty file")


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_header_in_an_archive_prints_nothing():
    """AIFF's chunk sizes can lead to a place before the start of the file."""
    file = io.BytesIO()
    soundfile.write(file, noise(300), RATE, format="AIFF")
    for position in range(100):
        for bit in range(8):
            content = bytearray(file.getvalue())
            content[position] ^= 1 << bit
            with suppress(Unusable, ValueError):  # a reason, or nothing to join: both are answers
                joined(bytes(content))
