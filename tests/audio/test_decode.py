"""Recordings as arrays: every format, rate and number of channels, and the reason where one cannot be read."""

import io
from contextlib import suppress

import numpy as np
import pytest
import soundfile
import soxr

from wavegan.audio import sndfile
from wavegan.audio.decode import Unusable, decode

RATE = 8000


def joined(source, sample_rate=RATE, channels=1):
    return np.concatenate(list(decode(source, sample_rate, channels)))


def noise(samples, level=0.5, seed=0):
    return np.random.default_rng(seed).uniform(-level, level, samples).astype(np.float32)


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
    """MaxHolmberg96/WaveGAN guesses the extension of all files from that of the fourth."""
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


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "^empty file$"), (b"this is a text", "not readable as audio: Format not recognised"), (b"RIFF", "not read")],
)
def test_what_is_no_audio_is_unusable_with_the_reason(tmp_path, content, reason):
    """Such an error says something else in chrisdonahue/wavegan issue 47 and acids-ircam/RAVE issues 160 and 318."""
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


def with_a_chunk(wav, place):
    """The bytes of a WAV file with one more chunk at `place`."""
    chunk = b"LIST\x04\x00\x00\x00abcd"
    return wav[:4] + (len(wav) + len(chunk) - 8).to_bytes(4, "little") + wav[8:place] + chunk + wav[place:]


WAVS = {
    "one": ("WAV", "PCM_16", 1, None),
    "two": ("WAV", "PCM_16", 2, None),
    "three": ("WAV", "PCM_16", 3, None),
    "24 bits": ("WAV", "PCM_24", 1, None),
    "24 bits, two": ("WAV", "PCM_24", 2, None),
    "extensible": ("WAVEX", "PCM_16", 2, None),
    "extensible, 24 bits": ("WAVEX", "PCM_24", 1, None),
    "a chunk before": ("WAV", "PCM_16", 1, 36),
    "a chunk behind": ("WAV", "PCM_16", 1, 144),
}


@pytest.mark.parametrize("kind", WAVS)
def test_a_wav_file_is_read_as_libsndfile_reads_it_wherever_it_is_damaged(tmp_path, record, kind, monkeypatch):
    """Every byte of the head changed, every length cut off: the same samples, or unusable for the same reason."""
    container, subtype, channels, place = WAVS[kind]
    record(tmp_path / "a.wav", 50, channels=channels, subtype=subtype, container=container)
    whole = (tmp_path / "a.wav").read_bytes()
    whole = with_a_chunk(whole, place) if place else whole
    head = whole.index(b"data") + 8
    used = []
    monkeypatch.setattr(sndfile, "_blocks", lambda *_: used.append("libsndfile") or iter(()))
    next(decode(whole, RATE, 1), None)
    assert bool(used) == (channels > 2)
    monkeypatch.undo()
    damaged = [whole[:size] for size in range(len(whole) + 1)] + [whole + bytes(3), whole + b"LIST\x04\x00\x00\x00abcd"]
    damaged += [whole[:at] + bytes([byte]) + whole[at + 1 :] for at in range(head) for byte in (0, 1, 2, 255)]

    def outcomes():
        for content in damaged:
            try:
                yield b"".join(block.tobytes() for block in decode(content, RATE, 1))
            except Unusable as problem:
                yield str(problem)

    ours = list(outcomes())
    monkeypatch.setattr(sndfile, "short_wav", lambda file, head: None)
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
