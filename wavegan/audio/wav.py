"""16-bit samples, and WAV files of 16 or 24 bits."""

import io
import os

import numpy as np
import soundfile
import soxr

from wavegan.base.errors import UserError

PLAYABLE_HZ = (3000, 192_000)  # by every browser
RAISED_HZ = 8000  # the least that lower rates are raised to
FULL_SCALE = 32768  # 16-bit steps to 1.0; the same factor both ways keeps 16-bit sources bit-exact
FULL_SCALE_24 = 1 << 23


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """float samples in [-1, 1] to int16, same shape: rounded to the nearest step, clipped to full scale outside.

    >>> to_pcm16(np.array([0.0, 0.5, -1.0, 1.0, 7.0], np.float32)).tolist()
    [0, 16384, -32768, 32767, 32767]
    """
    return np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_pcm16(pcm: np.ndarray) -> np.ndarray:
    """int16 samples to float32 in [-1, 1), same shape. `to_pcm16` gives the same int16 samples back.

    >>> from_pcm16(np.array([0, 16384, -32768], np.int16)).tolist()
    [0.0, 0.5, -1.0]
    """
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def playable(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
    """A sound as a browser plays it: `audio` [time, channels] and `sample_rate` (Hz), resampled where it must be.

    Below 3,000 Hz to the first multiple of the rate from 8,000 Hz on; above 192,000 Hz to the first whole part of the
    rate that is not more. Chromium 156 refuses rates below 3,000 and above 768,000 Hz; 192,000 is the sound cards' end.

    >>> playable(np.zeros((1000, 1), np.float32), 2000)[1]
    8000
    """
    low, high = PLAYABLE_HZ
    if low <= sample_rate <= high:
        return audio, sample_rate
    if sample_rate < low:
        rate = sample_rate * -(-RAISED_HZ // sample_rate)
        return soxr.resample(audio, sample_rate, rate), rate
    rate = sample_rate // -(-sample_rate // high)
    return soxr.resample(audio, sample_rate, rate), rate


def _to_pcm24(samples: np.ndarray) -> np.ndarray:
    """As `to_pcm16`, in the upper 24 bits of int32, which is where libsndfile takes them from."""
    steps = np.rint(samples * np.float64(FULL_SCALE_24))
    return np.clip(steps, -FULL_SCALE_24, FULL_SCALE_24 - 1).astype(np.int32) << 8


def write_wav(path: str | os.PathLike[str], samples: np.ndarray, sample_rate: int, bits: int = 16) -> None:
    """Writes float `samples` [time, channels] in [-1, 1] as a WAV file, at `sample_rate` (Hz), of 16 or 24 bits.

    Raises:
        UserError: where the file cannot be written.
    """
    encoded = io.BytesIO()  # libsndfile cannot pass on that a disk is full
    pcm = to_pcm16(samples) if bits == 16 else _to_pcm24(samples)
    soundfile.write(encoded, pcm, sample_rate, subtype=f"PCM_{bits}", format="WAV")
    try:
        with open(path, "wb") as file:
            file.write(encoded.getbuffer())
    except OSError as error:
        raise UserError(
            f"cannot write {os.fspath(path)}: {error.strerror}. Is the disk full, or the folder read-only?"
        ) from None
