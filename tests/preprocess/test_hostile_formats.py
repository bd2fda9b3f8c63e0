"""Damaged files of every format that FFmpeg reads: clips, or a reason for people; never an error, never without end."""

import ctypes

import numpy as np
import pytest

from preprocess.clips import Cutting
from preprocess.workers import slice_files
from tests.audio.encoding import encoded, tone, written
from tests.preprocess.test_hostile_archives import growth
from tests.preprocess.test_hostile_audio import DECODE_ALL, cut_off, flipped
from wavegan.audio.decode import Unusable

KINDS = {
    "mp3": ("mp3", "libmp3lame", 48000),
    "mp2": ("mp2", "mp2", 48000),
    "m4a": ("ipod", "aac", 48000),
    "alac": ("ipod", "alac", 48000),
    "mov": ("mov", "pcm_s16le", 48000),
    "3gp": ("3gp", "libopencore_amrnb", 8000),
    "aac": ("adts", "aac", 48000),
    "latm": ("latm", "aac", 48000),
    "opus": ("ogg", "libopus", 48000),
    "ogg flac": ("ogg", "flac", 48000),
    "webm": ("webm", "libopus", 48000),
    "mkv": ("matroska", "flac", 48000),
    "wma": ("asf", "wmav2", 48000),
    "ac3": ("ac3", "ac3", 48000),
    "avi": ("avi", "libmp3lame", 48000),
    "flv": ("flv", "aac", 48000),
    "mpegts": ("mpegts", "aac", 48000),
    "caf": ("caf", "alac", 48000),
    "wavpack": ("wv", "wavpack", 48000),
    "tta": ("tta", "tta", 48000),
    "amr": ("amr", "libopencore_amrnb", 8000),
    "rm": ("rm", "ac3", 48000),
}
REASONS = ("not readable as audio: ", "holds ", "silent: ", "a sample rate of ", "takes longer to decode")
CUTTING = Cutting(8000, 1024)


def damaged(whole):
    """Cut off anywhere, bits flipped everywhere or in the head alone, zeros in it, every field as large as can be."""
    yield from (cut_off(whole, part) for part in (0, 0.01, 0.1, 0.5, 0.9, 0.999))
    yield from (flipped(whole, bits, seed=seed) for bits in (1, 10, 100, 1000) for seed in range(3))
    yield from (flipped(whole[:200], bits, seed=seed) + whole[200:] for bits in (1, 5, 50) for seed in range(5))
    yield from (whole[:at] + bytes(300) + whole[at + 300 :] for at in range(0, len(whole), len(whole) // 5 + 1))
    for at in range(0, min(400, len(whole)), 8):
        yield whole[:at] + b"\xff\xff\xff\x7f" + whole[at + 4 :]
    yield whole[len(whole) // 2 :]
    yield whole + whole
    yield np.random.default_rng(0).bytes(50) + whole


@pytest.mark.parametrize("kind", KINDS)
def test_every_damaged_file_gives_clips_or_a_reason(kind, tmp_path):
    container, codec, rate = KINDS[kind]
    whole = encoded(container, codec, tone(0.7, rate), rate)
    assert len(slice_files([whole], CUTTING, str(tmp_path))[0][0].starts) > 4
    contents = [content for content in damaged(whole) if content]
    outcomes = slice_files(contents, CUTTING, str(tmp_path))
    reasons = {str(outcome) for outcome in outcomes if isinstance(outcome, Unusable)}
    assert [reason for reason in reasons if not reason.startswith(REASONS)] == []
    assert len(reasons) < len(outcomes) and not all(isinstance(outcome, Unusable) for outcome in outcomes)


def test_an_hour_of_chained_streams_stays_small_in_memory(tmp_path):
    minute = encoded("ogg", "libopus", np.zeros((60 * 48000, 1), np.float32), 48000, {"b": "6000", "vbr": "on"})
    (tmp_path / "silence.opus").write_bytes(minute * 60)
    grown, _ = growth(DECODE_ALL, tmp_path / "silence.opus")
    assert grown < 120  # MiB, FFmpeg itself among them, of 660 that the samples would take


@pytest.mark.parametrize("kind", ["webm", "mkv"])
def test_a_file_that_ends_in_its_header_is_no_error_of_the_disk(kind, tmp_path):
    """FFmpeg's own words are "Input/output error"."""
    container, codec, rate = KINDS[kind]
    (outcome,) = slice_files([cut_off(encoded(container, codec, tone(0.7, rate), rate), 0.01)], CUTTING, str(tmp_path))
    assert str(outcome) == "not readable as audio: damaged or incomplete"


def test_a_damaged_sample_dump_prints_nothing(capfd):
    """libsndfile writes a line to standard output for every packet with a wrong checksum (its sds.c)."""
    whole = written("SDS", "PCM_16", tone(0.7, 16000), 16000)
    outcomes = slice_files([*damaged(whole)], CUTTING, "")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr() == ("", "")
    assert {type(outcome) for outcome in outcomes} == {tuple, Unusable}
