"""Files that players play, and that decoders shorten, misread or refuse."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.encoding import encoded, tone, written
from wavegan.audio.decode import Unusable, decode
from wavegan.audio.recording import CANCELLED, DAMAGED, FRONT_CHANNELS, Findings

RATE = 16000  # Hz
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


def joined(source, sample_rate=RATE, channels=1, **also):
    return np.concatenate(list(decode(source, sample_rate, channels, **also)))


def hertz(samples, rate=RATE):
    """The strongest frequency, Hz."""
    samples = samples.ravel()
    return np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * rate / len(samples)


def mp3(hertz=440.0, seconds=2.0, rate=24000, channels=1, bits=64_000, level=0.25):
    """An MP3 file without a header that says its length."""
    options = {"b": str(bits)}
    sound = tone(seconds, rate, channels, hertz, level)
    whole = encoded("mp3", "libmp3lame", sound, rate, options, {"write_xing": "0", "id3v2_version": "0"})
    assert whole[0] == 0xFF and b"Xing" not in whole and b"Info" not in whole
    return whole


def test_an_mp3_whose_bit_rate_varies_without_a_word_is_whole():
    """libsndfile takes the length from the first frames: bastibe/python-soundfile issue 274."""
    decoded = joined(mp3(880, 3, bits=160_000) + mp3(440, 12, bits=8_000))
    assert len(decoded) / RATE == pytest.approx(15, abs=0.25)
    assert hertz(decoded[RATE : 2 * RATE]) == pytest.approx(880, abs=2)
    assert hertz(decoded[-5 * RATE : -RATE]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("extra", [b"", b"ID3\x04\0\0\0\0\0\x0aTIT2" + bytes(6)])
def test_mp3_files_joined_to_one_are_all_there(extra):
    whole = encoded("mp3", "libmp3lame", tone(2, 24000), 24000)
    findings = Findings()
    assert len(joined((whole + extra) * 5, findings=findings)) / RATE == pytest.approx(10, abs=0.4)
    assert findings.remarks == set()


def test_an_mp3_that_changes_between_mono_and_stereo_is_whole():
    decoded = joined(mp3(440, 1, channels=1) + mp3(880, 1, channels=2) + mp3(440, 1, channels=1), channels=2)
    assert len(decoded) / RATE == pytest.approx(3, abs=0.3)
    assert hertz(decoded[6000:10000, 0]) == pytest.approx(440, abs=5)
    assert hertz(decoded[RATE + 6000 : RATE + 10000, 1]) == pytest.approx(880, abs=5)


def test_an_mp3_that_changes_its_sample_rate_keeps_pitch_and_length():
    decoded = joined(mp3(440, 1, rate=24000) + mp3(440, 1, rate=48000))
    assert len(decoded) / RATE == pytest.approx(2, abs=0.2)
    for start in (4000, RATE + 6000):
        assert hertz(decoded[start : start + 6000]) == pytest.approx(440, abs=4)


@pytest.mark.parametrize(
    ("write", "container", "codec"), [(encoded, "ogg", "libopus"), (encoded, "ogg", "flac"), (written, "OGG", "VORBIS")]
)
def test_chained_ogg_streams_are_all_there(write, container, codec):
    """As internet radio is cut: xiph/vorbis-tools, chained streams of RFC 3533, section 4."""
    parts = [
        write(container, codec, tone(1, 48000, channels, pitch), 48000) for channels, pitch in ((1, 440), (2, 880))
    ]
    decoded = joined(b"".join(parts * 2))
    assert len(decoded) == pytest.approx(4 * RATE, abs=1500)
    for second, pitch in enumerate((440, 880, 440, 880)):
        assert hertz(decoded[second * RATE + 4000 : second * RATE + 12000]) == pytest.approx(pitch, abs=3)


def test_wav_files_joined_to_one_are_all_there():
    part = written("WAV", "PCM_16", tone(1, RATE), RATE)
    np.testing.assert_allclose(joined(part * 3), np.tile(tone(1, RATE), (3, 1)), atol=1e-4)


def s24_in_4_bytes(samples, shift=0):
    """What `arecord -f S24_LE` writes: 24 bits in the lower part of 32; `shift` bits higher as others do."""
    content = (np.int32(samples * (1 << 23)) << shift).astype("<i4").tobytes()
    fields = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 4, 4, 24)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fields + b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("shift", [0, 8])
@pytest.mark.parametrize("level", [0.9, 0.001])
def test_24_bits_in_4_bytes_have_their_loudness(shift, level):
    """alsa-project/alsa-utils, aplay.c: S24_LE."""
    if shift and level < 0.01:
        pytest.skip("so quiet, nothing in the file says which it is")
    sound = np.concatenate([np.zeros((200_000, 1)), tone(1, RATE, level=level)])
    np.testing.assert_allclose(joined(s24_in_4_bytes(sound, shift)), sound, atol=1e-6)


@pytest.mark.parametrize("riff", ["nothing", "header", "everything", "unknown"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_wav_whose_header_was_never_finished_is_read_to_its_end(riff, order):
    """A recorder that loses its power leaves sizes of 0."""
    sound = tone(1, RATE)
    whole = bytearray(written("WAV", "PCM_16", sound, RATE, "LITTLE" if order == "<" else "BIG"))
    place = whole.index(b"data") + 4
    sizes = {"nothing": 0, "header": place - 4, "everything": len(whole) - 8, "unknown": 0xFFFFFFFF}
    whole[4:8] = struct.pack(f"{order}I", sizes[riff])
    whole[place : place + 4] = bytes(4)
    np.testing.assert_allclose(joined(bytes(whole)), sound, atol=1e-4)


def test_a_wav_that_is_empty_in_truth_stays_empty():
    chunk = b"LIST\x04\0\0\0abcd"
    whole = bytearray(written("WAV", "PCM_16", np.zeros((0, 1)), RATE) + chunk)
    whole[4:8] = struct.pack("<I", len(whole) - 8)
    assert list(decode(bytes(whole), RATE, 1)) == []


def test_a_flac_of_unknown_length_is_whole():
    """What ffmpeg and sox write into a pipe: the number of samples is 0 (RFC 9639, section 8.2)."""
    sound = tone(2, RATE)
    whole = bytearray(written("FLAC", "PCM_16", sound, RATE))
    whole[21] &= 0xF0
    whole[22:26] = bytes(4)
    np.testing.assert_allclose(joined(bytes(whole)), sound, atol=1e-4)


@pytest.mark.parametrize(("write", "codec"), [(encoded, "libopus"), (encoded, "flac"), (written, "VORBIS")])
def test_of_six_channels_in_ogg_two_are_front_left_and_right(write, codec):
    """RFC 7845, section 5.1.1.2, and the Vorbis I specification, 4.3.9: left, centre, right, …"""
    front = [tone(1, 48000, 1, pitch) for pitch in (440, 660, 880, 1100, 1320, 0)]
    # libsndfile takes the channels in the order of the file, FFmpeg in that of WAV.
    order = [0, 2, 1, 4, 5, 3] if write is encoded else range(6)
    sound = np.concatenate([front[index] for index in order], axis=1)
    findings = Findings()
    decoded = joined(write("OGG" if write is written else "ogg", codec, sound, 48000), channels=2, findings=findings)
    assert [round(hertz(decoded[4000:12000, channel]), -1) for channel in (0, 1)] == [440, 880]
    assert findings.remarks == {FRONT_CHANNELS}


def damaged_mp3():
    whole = mp3(440, 10)
    middle = len(whole) // 2
    noise = np.random.default_rng(0).bytes(4000)
    return whole[:middle] + noise + whole[middle + len(noise) :]


def broken_off_flac():
    whole = written("FLAC", "PCM_16", tone(10, RATE) + np.random.default_rng(0).normal(0, 0.01, (10 * RATE, 1)), RATE)
    return whole[: len(whole) * 95 // 100]


def zeros_in_flac():
    whole = written("FLAC", "PCM_16", np.random.default_rng(0).uniform(-0.5, 0.5, (10 * RATE, 1)), RATE)
    return whole[: len(whole) // 2] + bytes(2000) + whole[len(whole) // 2 + 2000 :]


@pytest.mark.parametrize("damaged", [damaged_mp3, broken_off_flac, zeros_in_flac])
def test_of_a_damaged_file_what_decodes_is_kept_and_it_is_remarked(damaged):
    findings = Findings()
    decoded = joined(damaged(), findings=findings)
    assert 8.5 < len(decoded) / RATE < 10
    assert findings.remarks == {DAMAGED}
    assert np.abs(decoded).max() < 0.6  # nothing of the damage sounds


def test_damage_in_a_flac_leaves_the_rest_exact(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (10 * RATE, 1))
    decoded = joined(zeros_in_flac())
    np.testing.assert_allclose(decoded[: 4 * RATE], sound[: 4 * RATE], atol=1e-4)
    np.testing.assert_allclose(decoded[-4 * RATE :], sound[-4 * RATE :], atol=1e-4)


def test_a_git_lfs_pointer_is_said_to_be_one():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    with pytest.raises(Unusable, match="^a Git LFS pointer, not the recording: fetch it by `git lfs pull`$"):
        joined(pointer)


def ogg_page(serial, number, flags, granule, packets):
    """A page of an Ogg stream (RFC 3533, section 6)."""
    lacing = b"".join(bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, number, 0, len(lacing)) + lacing
    page = bytearray(head + b"".join(packets))
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum & 0x80000000 else 0)) & 0xFFFFFFFF
    page[22:26] = struct.pack("<I", checksum)
    return bytes(page)


def test_ogg_speex_plays():
    """No encoder is at hand: a second of random frames of the narrow band's mode of 8 kbit/s."""
    numbers = (80, 8000, 0, 4, 1, -1, 160, 0, 1, 0, 0, 0)
    header = b"Speex   " + b"1.2.0".ljust(20, b"\0") + struct.pack("<13i", 1, *numbers)
    noise = np.random.default_rng(0)
    frames = [bytes([0b0001_1000 | int(noise.integers(8))]) + noise.bytes(19) for _ in range(50)]
    comment = struct.pack("<I", 1) + b"x" + bytes(4)
    pages = [ogg_page(7, 0, 2, 0, [header]), ogg_page(7, 1, 0, 0, [comment]), ogg_page(7, 2, 4, 8000, frames)]
    decoded = joined(b"".join(pages), 8000)
    assert len(decoded) == pytest.approx(8000, abs=320) and np.abs(decoded).max() > 0.001


@pytest.mark.parametrize("difference", [0, 0.01])
def test_the_mean_of_channels_that_cancel_is_noticed(difference):
    left = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 1))
    file = io.BytesIO()
    soundfile.write(file, np.concatenate([left, difference - left], axis=1), RATE, format="WAV")
    findings = Findings()
    joined(file.getvalue(), findings=findings)
    assert findings.cancels
    np.testing.assert_allclose(joined(file.getvalue(), first_channel=True), left, atol=1e-4)
    assert "cancel" in CANCELLED


def test_wide_stereo_does_not_cancel():
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 2)), RATE, format="WAV")
    findings = Findings()
    joined(file.getvalue(), findings=findings)
    assert findings.energy > 0 and not findings.cancels


@pytest.mark.parametrize(
    ("name", "seconds", "decibels"),
    [
        ("s24_le-in-32-bit.wav", 1, -15),
        ("concatenated.mp3", 10.27, None),
        ("vbr-without-xing.mp3", 15.05, None),
        ("chained.opus", 5, None),
        ("unfinished-data0-riff0.wav", 1, None),
    ],
)
def test_files_of_real_programs_have_their_length_and_loudness(name, seconds, decibels):
    if not (CASES / name).exists():
        pytest.skip("the small files are not beside the repository")
    decoded = joined(str(CASES / name))
    assert len(decoded) / RATE == pytest.approx(seconds, abs=0.01)
    if decibels is not None:
        assert 10 * np.log10(np.mean(decoded**2)) == pytest.approx(decibels, abs=1)
