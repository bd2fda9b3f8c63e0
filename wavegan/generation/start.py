"""Recordings of a person's own as what new sounds begin from, for families whose samplers can do so."""

import math
from itertools import accumulate

import numpy as np

from wavegan.base.errors import UserError
from wavegan.models.family import ClipFormat, Start

FADE_S = 0.005  # seconds beside what is kept, in which new sound takes over: shorter ones click


def start(
    audio: np.ndarray, clip: ClipFormat, strength: float | None, keep: str | None, length: int | None = None
) -> Start:
    """What sounds like the recording `audio` [time, channels] begin from.

    Args:
        audio: as the clips of the run.
        clip: what these are like.
        strength: how much of it is replaced, 0 to 1; when None half, or all of it beside what is kept.
        keep: "START:END" in seconds, the part that stays; what is left out is an end of the recording. Several are
            separated by commas.
        length: how many samples of `audio` are the recording's, when None all of them; after them is silence.

    Where a recording is kept up to its end, it goes on backwards while new sound takes over, or silence would. Strength
    0 is the recording, whatever is kept of it.

    Raises UserError where these are no times of the recording, leave too short a gap to fill, or nothing to be new.
    """
    if keep is None:
        return Start(audio, 0.5 if strength is None else strength)
    length = clip.length if length is None else length
    parts = sorted(_samples(part, keep, clip, length) for part in keep.split(","))
    ends = accumulate((last for _, last in parts), max)
    for end, (begin, _) in zip(ends, parts[1:], strict=False):
        if 0 < begin - end < 2 * FADE_S * clip.sample_rate:
            raise UserError(
                f"--keep leaves a gap of {1000 * (begin - end) / clip.sample_rate:.3g} ms, {2000 * FADE_S:g} or more "
                f"can be filled. Received: {keep}. Keep less beside it."
            )
    kept = np.max([_kept(*part, clip) for part in parts], axis=0)
    if kept.all():
        raise UserError(f"--keep leaves nothing of the {_seconds(clip.length, clip)} s to be new. Received: {keep}.")
    if strength == 0:
        return Start(audio, strength)
    fade = math.ceil(FADE_S * clip.sample_rate)
    if max(last for _, last in parts) > length - fade:
        audio = audio.copy()
        turned = audio[max(0, length - fade) : length][::-1][: clip.length - length]
        audio[length : length + len(turned)] = turned
    return Start(audio, 1.0 if strength is None else strength, kept)


def _kept(first: int, last: int, clip: ClipFormat) -> np.ndarray:
    """How much of each sample is kept, float32 [time] from 0 to 1, of a part from `first` to before `last`."""
    away = np.maximum(first - np.arange(clip.length), np.arange(clip.length) - (last - 1))  # samples from the part
    return np.clip(1 - away / (FADE_S * clip.sample_rate), 0, 1).astype("float32")


def _samples(part: str, keep: str, clip: ClipFormat, length: int) -> tuple[int, int]:
    """The first sample of a part, and the one after it, at most `length`; `keep` is what was typed."""
    begin, colon, end = part.partition(":")
    try:
        times = float(begin or 0), float(end or length / clip.sample_rate)
    except ValueError:
        times = math.nan, math.nan
    first, last = (round(each * clip.sample_rate) if math.isfinite(each) else -1 for each in times)
    if not colon or not 0 <= first < last <= length:
        wrong = "" if part == keep else f", in which {part or 'an empty one'} is none"
        quarter, half, whole = (_seconds(share * length, clip) for share in (0.25, 0.5, 1))
        raise UserError(
            f"--keep must be START:END in seconds, within the {whole} s that are heard of the recording, such as "
            f"0:{half} or, to fill a gap, :{quarter},{half}:. Received: {keep}{wrong}."
        )
    return first, last


def _seconds(samples: float, clip: ClipFormat) -> str:
    """So many samples in seconds, rounded down, so that what a complaint names is possible."""
    return f"{math.floor(1000 * samples / clip.sample_rate) / 1000:g}"
