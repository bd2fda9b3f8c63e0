"""A recording of a person's own as a clip, as the sounds of a run are."""

import os
from dataclasses import dataclass

import numpy as np

from wavegan.base.errors import UserError
from wavegan.models.family import ClipFormat

MOST_S = 60  # of a recording, seconds, in which its sound is looked for
ONSET = 0.02  # of the peak, -34 dB: where the sound of a longer recording begins
BEFORE_S = 0.002  # that stay before it
QUIETEST = 1e-4  # peak, -80 dBFS: what a converter leaves where there is no sound


@dataclass(frozen=True)
class Recording:
    """A file with sound. Its name is short enough for a heading."""

    path: str

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def cut(self, clip: ClipFormat, at: float | None = None) -> "Cut":
        """Its sound at the rate of `clip`, with its channels and as long.

        Of a longer one that is what begins at the second `at`; when None, where its sound begins, if that is within the
        first minute. Raises UserError where it cannot be read, ends before, or is silent.
        """
        from wavegan.audio.decode import decode  # heavy, and most commands hear nothing
        from wavegan.audio.recording import BEYOND, CANCELLED, Findings, Unusable

        rate = clip.sample_rate
        first = 0 if at is None else round(at * rate)
        most, findings = max(first + clip.length, MOST_S * rate if at is None else 0), Findings()

        def decoded(first_channel: bool) -> np.ndarray:
            """From `first` on."""
            blocks, count = [np.empty((0, clip.channels), "float32")], 0
            for block in decode(self.path, rate, clip.channels, findings, first_channel):
                blocks.append(block[max(0, first - count) :])
                count += len(block)
                if count >= most:
                    break
            if 0 < count <= first:
                raise UserError(f"--at is beyond the {count / rate:.2f} s of {self.path}. Received: {at:g}.")
            return np.concatenate(blocks)[: most - first]

        try:
            samples = decoded(first_channel=False)
            if findings.cancels:
                samples = decoded(first_channel=True)
                findings.remarks.add(CANCELLED)
        except Unusable as reason:
            raise UserError(f"{self.path} cannot be used as a recording: {reason}. Give another one.") from None
        loudness, start = np.abs(samples).max(axis=1, initial=0), 0
        if at is None and len(samples) > clip.length:
            onset = int(np.argmax(loudness >= ONSET * loudness.max()))
            start = max(0, onset - round(BEFORE_S * rate))
        heard = np.clip(samples[start : start + clip.length], -1, 1)  # as clips are stored
        if (peak := loudness[start : start + clip.length].max(initial=0)) > 1 and findings.loudest > 1:
            findings.remarks.add(BEYOND)
        if peak < QUIETEST:
            if at is not None:
                what, way = f"it is silent from {at:g} s on", "Give another --at"
            elif len(samples) < MOST_S * rate:
                what, way = "it is silent", "Give another one"
            else:
                what, way = f"its first {MOST_S} s are silent", "Give another one, or its place with --at"
            raise UserError(f"{self.path} cannot be used as a recording: {what}. {way}.")
        remarks = "".join(f" ({each})" for each in sorted(findings.remarks))
        words = f"{self.name}: {len(heard) / rate:.2f} s from {(first + start) / rate:.2f} s on, at {rate} Hz{remarks}"
        return Cut(np.pad(heard, ((0, clip.length - len(heard)), (0, 0))), len(heard), words)


@dataclass(frozen=True)
class Cut:
    """A part of a recording as a clip.

    Args:
        audio: float32 [time, channels], silent from `length` on.
        length: how many samples of it are the recording's.
        words: what was made of the recording.
    """

    audio: np.ndarray
    length: int
    words: str

    @property
    def rms(self) -> float:
        """Of all of the clip, full scale being 1."""
        return float(np.sqrt(np.mean(self.audio**2)))
