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

    def heard(self, clip: ClipFormat) -> np.ndarray:
        """Its sound, float32 [length, channels] at the rate of `clip`, padded with silence at its end.

        Of a longer one that many samples from where its sound begins, if that is within the first minute.
        Raises UserError where it cannot be read, or is silent.
        """
        return self.cut(clip)[0]

    def cut(self, clip: ClipFormat) -> tuple[np.ndarray, str]:
        """As `heard`, and in words what was made of it."""
        from wavegan.audio.decode import decode  # heavy, and most commands hear nothing
        from wavegan.audio.recording import CANCELLED, Findings, Unusable

        most, findings, remark = max(clip.length, MOST_S * clip.sample_rate), Findings(), ""

        def decoded(first_channel: bool) -> np.ndarray:
            blocks, count = [np.empty((0, clip.channels), "float32")], 0
            for block in decode(self.path, clip.sample_rate, clip.channels, findings, first_channel):
                blocks.append(block)
                count += len(block)
                if count >= most:
                    break
            return np.concatenate(blocks)[:most]

        try:
            samples = decoded(first_channel=False)
            if findings.cancels:
                samples, remark = decoded(first_channel=True), f" ({CANCELLED})"
        except Unusable as reason:
            raise UserError(f"{self.path} cannot be used as a recording: {reason}. Give another one.") from None
        loudness = np.abs(samples).max(axis=1, initial=0)
        if loudness.max(initial=0) < QUIETEST:
            raise UserError(f"{self.path} cannot be used as a recording: it is silent. Give another one.")
        start = 0
        if len(samples) > clip.length:
            onset = int(np.argmax(loudness >= ONSET * loudness.max()))
            start = max(0, onset - round(BEFORE_S * clip.sample_rate))
        heard = samples[start : start + clip.length]
        rate = clip.sample_rate
        words = f"{self.name}: {len(heard) / rate:.2f} s from {start / rate:.2f} s on, at {rate} Hz{remark}"
        return np.pad(heard, ((0, clip.length - len(heard)), (0, 0))), words
