"""Into what frames and frequencies clips are cut: sizes alone, without Keras."""

import math
from dataclasses import dataclass

import numpy as np

from wavegan.models.family import ClipFormat

HOP_S = 0.016  # seconds from one frame to the next, as near as a power of two of samples comes
OVERLAP = 4  # frames in which each sample stands
FEWEST = 8  # frames of a clip, which has 16 samples or more


@dataclass(frozen=True)
class Frames:
    """Those of clips of one format: each takes `OVERLAP` hops of samples, the outermost partly beside the clip.

    Attributes:
        length: of a clip, samples, a power of two.
        channels: 1 or 2.
        hop: samples from one frame to the next, a divisor of the length.
    """

    length: int
    channels: int
    hop: int

    @classmethod
    def of(cls, clip: ClipFormat) -> "Frames":
        """With hops of about `HOP_S`.

        >>> Frames.of(ClipFormat(8000, 4096, 1)), Frames.of(ClipFormat(8000, 4096, 1)).shape
        (Frames(length=4096, channels=1, hop=128), (32, 257))
        """
        hop = 2 ** round(math.log2(HOP_S * clip.sample_rate))
        return cls(clip.length, clip.channels, max(2, min(hop, clip.length // FEWEST)))

    @property
    def count(self) -> int:
        """How many a clip has."""
        return self.length // self.hop

    @property
    def bins(self) -> int:
        """Frequencies of a frame, from 0 to half of the sample rate, both included."""
        return OVERLAP * self.hop // 2 + 1

    @property
    def shape(self) -> tuple[int, int]:
        """[frames, bins of all channels, one channel behind the other]."""
        return (self.count, self.channels * self.bins)

    @property
    def beside(self) -> int:
        """Samples before a clip, and as many after it, that frames reach to."""
        return (OVERLAP - 1) * self.hop // 2

    @property
    def window(self) -> np.ndarray:
        """Hann's, float32 [OVERLAP · hop], its squares' sum 1."""
        samples = np.arange(OVERLAP * self.hop)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * samples / len(samples))
        return (hann / np.sqrt(np.sum(hann**2))).astype("float32")

    @property
    def weights(self) -> np.ndarray:
        """What each sample of a clip counts in all frames together, float32 [length]: the sum of squared windows."""
        total = np.zeros(self.length + 2 * self.beside, "float32")
        for frame in range(self.count):
            total[frame * self.hop : (frame + OVERLAP) * self.hop] += self.window**2
        return total[self.beside : self.beside + self.length]

    def share(self, of_samples: np.ndarray) -> np.ndarray:
        """What each frame holds, [frames], of what samples do, [length], by how much it hears of them."""
        padded = [np.pad(each, self.beside) for each in (of_samples.astype("float64"), np.ones(self.length))]
        held, all_of_it = (
            np.array([self.window**2 @ each[first : first + OVERLAP * self.hop] for first in self._firsts])
            for each in padded
        )
        return (held / all_of_it).astype("float32")

    @property
    def _firsts(self) -> range:
        return range(0, self.length, self.hop)
