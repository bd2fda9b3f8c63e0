"""libsndfile's decoder: WAV, FLAC, AIFF, AU, W64 and Ogg Vorbis, where it is the faster one."""

import io
import math
import os
import struct
from collections.abc import Iterator

import numpy as np
import soundfile

from wavegan.audio.containers import PCM, UNKNOWN, Wav, is_unfinished, wav_header
from wavegan.audio.recording import (
    BLOCK_SAMPLES,
    DAMAGED,
    Block,
    Blocks,
    Contents,
    Findings,
    Part,
    Unusable,
    check_rate,
)
from wavegan.audio.wav import from_pcm16

# libsndfile's words, and what they mean for a file that was opened before.
CLEARER = {
    "does not exist": "damaged, or another format than its name says",  # of an MP3 file in which it finds no frame
    "SF_INFO struct incomplete": "the header gives no possible sample rate",
    "psf_fseek() failed": "damaged or incomplete",
}


def short_wav(file: io.BytesIO | io.FileIO, head: bytes) -> Block | None:
    """All samples of a short WAV file of 16 or 24 bits; None of others, and of those that are not whole.

    Most data sets are made of these, and libsndfile takes several times as long to give the same samples.

    Args:
        file: any place of it; `head` are its first bytes.
    """
    wav = wav_header(file, head)
    if wav is None or wav.kind != PCM or wav.order != "<" or wav.channels not in (1, 2):
        return None
    width = wav.align // wav.channels  # bytes of a sample
    if (wav.bits, wav.align) not in ((16, 2 * wav.channels), (24, 3 * wav.channels)) or not 0 < wav.rate < 1 << 24:
        return None
    if not 0 < wav.size <= width * BLOCK_SAMPLES or wav.size % wav.align:
        return None
    file.seek(wav.data)
    pcm = file.read(wav.size + 2) or b""
    end, behind = wav.data + wav.size, len(pcm) - wav.size
    if behind == 2:  # other chunks, perhaps
        behind = file.seek(0, os.SEEK_END) - end
    if not 0 <= behind <= wav.end + 1 - end:
        return None
    samples = from_pcm16(np.frombuffer(pcm, "<i2", wav.size // 2)) if width == 2 else _from_pcm24(pcm[: wav.size])
    return Block(samples.reshape(-1, wav.channels), check_rate(wav.rate), whole=True)


def _from_pcm24(pcm: bytes) -> np.ndarray:
    """Little-endian samples of 24 bits as float32 [samples] in [-1, 1)."""
    wide = np.zeros((len(pcm) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
    return wide.view("<i4")[:, 0].astype(np.float32) * np.float32(2**-31)


def blocks(source: Contents, file: io.BytesIO | io.FileIO, head: bytes, findings: Findings) -> Blocks:
    """Yields a recording block by block.

    Args:
        source: the recording.
        file: the same as a file; `head` are its first bytes.
        findings: gets what is to be said of the file.

    Raises:
        Unusable: where libsndfile cannot read it, or cannot read on.
    """
    wav = wav_header(file, head)
    opened: Contents | Part = source
    if wav and (wav.is_narrow or is_unfinished(wav, file, head)):
        opened = _with_a_right_header(wav, file, is_unfinished(wav, file, head))
    try:
        with _open(opened, file) as sound:
            check_rate(sound.samplerate)
            if wav and wav.is_narrow:
                scale = _scale(sound, wav)
                sound.seek(0)
            else:
                scale = 1
            yield from _blocks(sound, scale, findings)
    except soundfile.SoundFileError as error:
        raise Unusable(f"not readable as audio: {_sentence(error)}") from None


def _with_a_right_header(wav: Wav, file: io.BytesIO | io.FileIO, unfinished: bool) -> Part:
    """The file with the sizes that it would have been given at the end, and the bits of its containers."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = bytearray(file.read(wav.data) or b"")
    if unfinished:
        header[4:8] = struct.pack(f"{wav.order}I", min(size - 8, UNKNOWN))
        header[-4:] = struct.pack(f"{wav.order}I", min(size - wav.data, UNKNOWN))
    if wav.is_narrow:  # or libsndfile guesses from a few samples what they are
        header[wav.bits_place : wav.bits_place + 2] = struct.pack(f"{wav.order}H", 32)
    return Part(file, 0, size, bytes(header))


def _scale(sound: soundfile.SoundFile, wav: Wav) -> int:
    """What samples of fewer bits than their containers have are multiplied by to have the loudness they were given.

    `arecord -f S24_LE` puts 24 bits into the lower part of 32, others into the upper part, and the header is the same:
    only the samples tell.
    """
    lower = 1 << (32 - wav.bits)
    peak = max((float(np.abs(samples).max()) for samples in _raw(sound, Findings())), default=0.0)
    return lower if peak * lower <= 1 else 1


def _blocks(sound: soundfile.SoundFile, scale: int, findings: Findings) -> Blocks:
    whole = sound.seekable() and sound.frames * sound.channels <= BLOCK_SAMPLES
    is_float = sound.subtype in ("FLOAT", "DOUBLE")
    for samples in _raw(sound, findings):
        if is_float:
            findings.loudest = max(findings.loudest, float(np.abs(samples).max()))
        yield Block(samples * np.float32(scale) if scale != 1 else samples, sound.samplerate, whole=whole)


def _raw(sound: soundfile.SoundFile, findings: Findings) -> Iterator[np.ndarray]:
    frames = max(1, BLOCK_SAMPLES // sound.channels)
    left = sound.frames if sound.seekable() else math.inf  # only where it can seek is a file's own count relied on
    try:
        while left > 0 and len(samples := sound.read(min(frames, left), dtype="float32", always_2d=True)):
            left -= len(samples)
            yield samples
    except soundfile.SoundFileError:
        findings.remarks.add(DAMAGED)
        raise


def _open(source: Contents | Part, file: io.BytesIO | io.FileIO) -> soundfile.SoundFile:
    if isinstance(source, bytes):
        return soundfile.SoundFile(_Bytes(source))
    if isinstance(source, Part):
        return soundfile.SoundFile(source)
    if os.name == "posix":  # the open file: a second opening would cost as much as all of the decision
        file.seek(0)
        return soundfile.SoundFile(file.fileno(), closefd=False)
    return soundfile.SoundFile(source)


class _Bytes(io.BytesIO):
    """Bytes as a file. A damaged header can ask for a place before the start: an error there would be printed."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


def _sentence(error: Exception) -> str:
    """What libsndfile says, without its prefix, which repeats the path."""
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return next((clearer for words, clearer in CLEARER.items() if words in text), text)
