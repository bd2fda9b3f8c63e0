"""Every row of docs/formats.md: a file of that kind is made and decoded, by the decoder that the page names."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.audio.encoding import encoded, written
from wavegan.audio import sndfile
from wavegan.audio.decode import decode
from wavegan.audio.recording import Findings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
LIBSNDFILE, FFMPEG = "libsndfile", "FFmpeg"
EXACT, NEAR = 1 / 30000, 0.02  # how far samples may be away: rounding to 16 bits; loss
SAME_START = 0  # lossy, but the first sample is in its place
SPEECH = range(-64, 65)  # a coder that follows no waveform

# Name on the page → how it is written, container, codec or subtype, rate in Hz, decoder, and either by how much samples
# may differ, or by how many samples the sound comes later, because such files do not say where it starts.
FORMATS = {
    "WAV, PCM 16": (written, "WAV", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "WAV, PCM 24": (written, "WAV", "PCM_24", 48000, LIBSNDFILE, EXACT),
    "WAV, PCM 32": (written, "WAV", "PCM_32", 48000, LIBSNDFILE, EXACT),
    "WAV, PCM unsigned 8": (written, "WAV", "PCM_U8", 8000, LIBSNDFILE, 0.01),
    "WAV, float 32": (written, "WAV", "FLOAT", 48000, LIBSNDFILE, EXACT),
    "WAV, float 64": (written, "WAV", "DOUBLE", 48000, LIBSNDFILE, EXACT),
    "WAV, A-law": (written, "WAV", "ALAW", 8000, LIBSNDFILE, NEAR),
    "WAV, µ-law": (written, "WAV", "ULAW", 8000, LIBSNDFILE, NEAR),
    "WAV, IMA ADPCM": (written, "WAV", "IMA_ADPCM", 16000, LIBSNDFILE, 0.06),
    "WAV, Microsoft ADPCM": (written, "WAV", "MS_ADPCM", 16000, LIBSNDFILE, 0.06),
    "WAV, MP3": (encoded, "wav", "libmp3lame", 48000, FFMPEG, 1105),
    "RF64": (written, "RF64", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "W64": (written, "W64", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "FLAC, 16 bits": (written, "FLAC", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "FLAC, 24 bits": (written, "FLAC", "PCM_24", 48000, LIBSNDFILE, EXACT),
    "AIFF": (written, "AIFF", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "AIFF, PCM 24": (written, "AIFF", "PCM_24", 48000, LIBSNDFILE, EXACT),
    "AIFF-C, float 32": (written, "AIFF", "FLOAT", 48000, LIBSNDFILE, EXACT),
    "AU": (written, "AU", "PCM_16", 16000, LIBSNDFILE, EXACT),
    "Ogg Vorbis": (written, "OGG", "VORBIS", 48000, LIBSNDFILE, SAME_START),
    "Ogg Opus": (encoded, "ogg", "libopus", 48000, FFMPEG, SAME_START),
    "Ogg FLAC": (encoded, "ogg", "flac", 48000, FFMPEG, EXACT),
    "MP3": (encoded, "mp3", "libmp3lame", 48000, FFMPEG, SAME_START),
    "MP3, by libsndfile": (written, "MP3", "MPEG_LAYER_III", 44100, FFMPEG, SAME_START),
    "MP2": (encoded, "mp2", "mp2", 48000, FFMPEG, 481),
    "M4A, AAC": (encoded, "ipod", "aac", 48000, FFMPEG, SAME_START),
    "M4A, Apple Lossless": (encoded, "ipod", "alac", 48000, FFMPEG, EXACT),
    "MP4, AAC": (encoded, "mp4", "aac", 44100, FFMPEG, SAME_START),
    "MP4, Opus": (encoded, "mp4", "libopus", 48000, FFMPEG, SAME_START),
    "MP4, FLAC": (encoded, "mp4", "flac", 48000, FFMPEG, EXACT),
    "MP4, AC-3": (encoded, "mp4", "ac3", 48000, FFMPEG, SAME_START),
    "MP4, MP3": (encoded, "mp4", "libmp3lame", 48000, FFMPEG, SAME_START),
    "MOV, AAC": (encoded, "mov", "aac", 44100, FFMPEG, SAME_START),
    "MOV, PCM": (encoded, "mov", "pcm_s16le", 48000, FFMPEG, EXACT),
    "3GP, AMR-NB": (encoded, "3gp", "libopencore_amrnb", 8000, FFMPEG, SPEECH),
    "AMR-NB": (encoded, "amr", "libopencore_amrnb", 8000, FFMPEG, SPEECH),
    "AAC, ADTS": (encoded, "adts", "aac", 48000, FFMPEG, 1024),
    "AAC, LATM": (encoded, "latm", "aac", 48000, FFMPEG, 1024),
    "WebM, Opus": (encoded, "webm", "libopus", 48000, FFMPEG, SAME_START),
    "Matroska, AAC": (encoded, "matroska", "aac", 48000, FFMPEG, SAME_START),
    "Matroska, FLAC": (encoded, "matroska", "flac", 48000, FFMPEG, EXACT),
    "Matroska, MP3": (encoded, "matroska", "libmp3lame", 48000, FFMPEG, SAME_START),
    "WMA 1": (encoded, "asf", "wmav1", 48000, FFMPEG, -2048),
    "WMA 2": (encoded, "asf", "wmav2", 48000, FFMPEG, -2048),
    "AC-3": (encoded, "ac3", "ac3", 48000, FFMPEG, 256),
    "E-AC-3": (encoded, "eac3", "eac3", 48000, FFMPEG, 256),
    "AVI, PCM": (encoded, "avi", "pcm_s16le", 48000, FFMPEG, EXACT),
    "AVI, MP3": (encoded, "avi", "libmp3lame", 48000, FFMPEG, 1105),
    "FLV, AAC": (encoded, "flv", "aac", 48000, FFMPEG, 1024),
    "MPEG-TS, AAC": (encoded, "mpegts", "aac", 48000, FFMPEG, 1024),
    "MPEG-PS, MP2": (encoded, "mpeg", "mp2", 48000, FFMPEG, 481),
    "CAF, PCM": (encoded, "caf", "pcm_s16be", 48000, FFMPEG, EXACT),
    "CAF, float 32": (encoded, "caf", "pcm_f32le", 48000, FFMPEG, EXACT),
    "CAF, Apple Lossless": (written, "CAF", "ALAC_16", 48000, FFMPEG, 1 / 16000),
    "WavPack": (encoded, "wv", "wavpack", 48000, FFMPEG, EXACT),
    "True Audio": (encoded, "tta", "tta", 48000, FFMPEG, EXACT),
    "RealMedia, AC-3": (encoded, "rm", "ac3", 48000, FFMPEG, 256),
    "VOC": (encoded, "voc", "pcm_u8", 8000, FFMPEG, 0.01),
    "NIST SPHERE": (written, "NIST", "PCM_16", 16000, FFMPEG, EXACT),
    "SoX": (encoded, "sox", "pcm_s32le", 48000, FFMPEG, EXACT),
    "IRCAM": (written, "IRCAM", "PCM_16", 16000, FFMPEG, EXACT),
    "SDS": (written, "SDS", "PCM_16", 16000, FFMPEG, EXACT),
    "PVF": (written, "PVF", "PCM_16", 16000, FFMPEG, EXACT),
    "PAF": (written, "PAF", "PCM_16", 16000, FFMPEG, EXACT),
    "AVR": (written, "AVR", "PCM_16", 16000, FFMPEG, EXACT),
    "MATLAB 5": (written, "MAT5", "PCM_16", 16000, LIBSNDFILE, EXACT),
}


def noise(rate, channels=1):
    """Noise below a fifth of the rate, float32 [half a second, channels]: it is like itself at one place only."""
    white = np.random.default_rng(3).uniform(-1, 1, (rate // 2 + 8, channels))
    return (0.3 * np.mean([white[k : k + rate // 2] for k in range(8)], axis=0)).astype(np.float32)


def delay(decoded, original):
    """By how many samples one comes later than the other."""
    size = 1 << (len(decoded) + len(original)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size)))
    place = int(np.argmax(likeness))
    return place if place < size // 2 else place - size


def level(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_every_format_decodes_to_the_sound_in_its_place(name, monkeypatch):
    write, container, codec, rate, decoder, tolerance = FORMATS[name]
    used = []
    original_blocks = sndfile._blocks
    monkeypatch.setattr(sndfile, "_blocks", lambda *a: used.append(LIBSNDFILE) or original_blocks(*a))
    monkeypatch.setattr(sndfile, "short_wav", lambda file, head: None)
    sound, findings = noise(rate), Findings()
    decoded = np.concatenate(list(decode(write(container, codec, sound, rate), rate, 1, findings)))[:, 0]
    assert (used or [FFMPEG]) == [decoder]
    assert findings == Findings(loudest=findings.loudest, rate=rate)
    if isinstance(tolerance, float):
        assert len(sound) <= len(decoded) <= len(sound) + 2048  # whole blocks of ADPCM
        np.testing.assert_allclose(decoded[: len(sound)], sound[:, 0], atol=tolerance)
        return
    expected = tolerance if isinstance(tolerance, range) else [tolerance]
    assert delay(decoded, sound[:, 0]) in expected
    middle = slice(rate // 8, rate * 3 // 8)
    assert level(decoded[middle]) == pytest.approx(level(sound[middle]), abs=2)


def test_the_page_has_every_format_and_no_other():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines()]
    documented = {row[0]: row[1] for row in rows if len(row) > 2 and row[1] in (LIBSNDFILE, FFMPEG)}
    assert documented == {name: facts[4] for name, facts in FORMATS.items()}


def test_the_page_has_every_extension():
    from preprocess.sources import AUDIO_EXTENSIONS

    assert set(re.findall(r"`(\.[a-z0-9]+)`", PAGE.read_text())) == AUDIO_EXTENSIONS
