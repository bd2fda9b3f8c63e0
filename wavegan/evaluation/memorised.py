"""Whether a generator repeats its training clips: distances to them, and what these say."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np
from scipy.stats import betabinom

from wavegan.evaluation import scores

# Values of the training clips' spectrograms that stay in memory, and of their `copy_features`: half a GiB.
IN_MEMORY = 1 << 27
AT_ONCE = 1 << 14  # training clips whose `copy_features` are compared at a time
DEPTH_NATS = 50 / 20 * np.log(10)  # 50 dB: what lies farther below a clip's loudest spot does not count
FRAMES, BINS = 4, 2  # that are averaged: 32 ms, so that a copy may be a little early or late
NEAR = 0.01  # the share of unseen clips that are very near to a training clip
FEWEST_NEAR = 2  # of them, at least: the nearest one of all may be a copy itself
SUSPICIOUS = 0.1  # the share of generated clips, above that, that are so near: more is a sign of much memorising
FALSE_ALARM = 1e-3  # the probability that a generator which copies nothing is said to copy
COPIES = 0.05  # as near as this, in units of the mean distance of unseen clips, are copies


def copy_features(spectrograms: np.ndarray) -> np.ndarray:
    """What a copy has in common with its original, float32 [n, d], of log-mel [n, frames, bins].

    Relative to the clip's loudest spot, without what lies 50 dB below it, averaged over 32 ms and two bins: a copy with
    a little noise, in another loudness or a few milliseconds later is still near. The silence that pads recordings, in
    which a generator always leaves a trace, does not count.
    """
    loudest = spectrograms.max(axis=(1, 2), keepdims=True)
    shown = np.maximum(spectrograms - loudest + DEPTH_NATS, 0.0)
    for axis, width in ((1, FRAMES), (2, BINS)):
        firsts = np.arange(0, shown.shape[axis], width)
        sizes = np.diff([*firsts, shown.shape[axis]])
        shown = np.add.reduceat(shown, firsts, axis=axis) / np.expand_dims(sizes, [0, 3 - axis])
    return shown.reshape(len(shown), -1).astype("float32")


def flattened(spectrograms: np.ndarray) -> np.ndarray:
    """Log-mel [n, frames, bins] as [n, frames × bins], whose Euclidean distances are those of arXiv 1802.04208."""
    return spectrograms.reshape(len(spectrograms), -1)


class Distances:
    """Distances to the training clips, by their log-mel spectrograms and by their `copy_features`.

    Args:
        spectrograms: called without arguments; the training clips' log-mel, an iterable of blocks [n, frames, bins].
        count: of the training clips.
        shape: (frames, bins).
    """

    def __init__(self, spectrograms: Callable[[], Iterable[np.ndarray]], count: int, shape: tuple[int, int]) -> None:
        self.spectrograms = spectrograms
        self.fits = count * np.prod(shape) <= IN_MEMORY
        self._kept: list[np.ndarray] | None = None
        self._copy_features: np.ndarray | None = None

    def _log_mel(self) -> Iterator[np.ndarray]:
        """The training clips' log-mel in blocks [n, d]. The first time it is kept, if it fits, and `copy_features`."""
        if self._kept:
            yield from self._kept
            return
        kept, rows = list[np.ndarray](), _Rows()
        for block in self.spectrograms():
            if self._copy_features is None:
                rows.add(copy_features(block))
            if self.fits:
                kept.append(flattened(block))
            yield flattened(block)
        self._kept = kept
        if self._copy_features is None:
            self._copy_features = rows.array()

    def nearest(self, log_mel: np.ndarray, left_out: Sequence[int] | np.ndarray = ()) -> np.ndarray:
        """The log-mel distance of each clip to the nearest training clip: float64 [n].

        Args:
            log_mel: [n, d], as `flattened` gives it.
            left_out: indices of training clips that do not count.
        """
        return scores.nearest(log_mel, _without(self._log_mel(), left_out))[0]

    def nearest_copy(
        self, features: np.ndarray, left_out: Sequence[int] | np.ndarray = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """The distance of each clip's `copy_features` [n, d] to the nearest training clip, float64 [n].

        And the index of that training clip, int [n]. Training clips with the indices `left_out` do not count.
        """
        bank = self._all_copy_features()
        blocks = (bank[first : first + AT_ONCE] for first in range(0, len(bank), AT_ONCE))
        distances, indices = scores.nearest(features, _without(blocks, left_out))
        return distances, np.setdiff1d(np.arange(len(bank)), left_out)[indices]

    def _all_copy_features(self) -> np.ndarray:
        """Those of all training clips, [count, d]."""
        while self._copy_features is None:
            for _ in self._log_mel():
                pass
        return self._copy_features


class _Rows:
    """An array float32 [n, width] in the making; in a file without a name where it is large, which is mapped."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        self.file: BinaryIO | None = None
        self.values = 0

    def add(self, block: np.ndarray) -> None:
        """Adds rows [any, width]. Raises OSError where the disk is full."""
        self.blocks.append(block)
        self.values += block.size
        if self.values > IN_MEMORY:
            self.file = self.file or tempfile.TemporaryFile()  # noqa: SIM115  # as long as the array
            self.file.write(np.concatenate(self.blocks).tobytes())
            self.blocks = [block[:0]]

    def array(self) -> np.ndarray:
        """All rows."""
        if self.file is None:
            return np.concatenate(self.blocks)
        self.file.flush()
        return np.memmap(self.file, "float32", "r").reshape(-1, self.blocks[0].shape[1])


def _without(blocks: Iterable[np.ndarray], left_out: Sequence[int] | np.ndarray) -> Iterator[np.ndarray]:
    """The rows of the blocks in order, but for those at the indices `left_out`."""
    first = 0
    for block in blocks:
        mine = [index - first for index in left_out if first <= index < first + len(block)]
        first += len(block)
        yield np.delete(block, mine, axis=0) if mine else block


@dataclass(frozen=True)
class Nearest:
    """The training clip nearest to each generated clip, by `copy_features`.

    Attributes:
        distances: to it, [n], 1 being the mean distance of recordings that the generator has not seen; 0 is a copy.
        indices: of it among the training clips, int [n].
        unseen: the distances of those recordings, [m], in the same unit.
        compared: as `distances`, to the same training clips as those of `unseen`: where some training clips stand for
            unseen ones, they are nobody's neighbours.
    """

    distances: np.ndarray
    indices: np.ndarray
    unseen: np.ndarray
    compared: np.ndarray


def nearest_copies(
    distances: np.ndarray, indices: np.ndarray, unseen: np.ndarray, compared: np.ndarray | None = None
) -> Nearest:
    """What `Distances.nearest_copy` found of generated clips, in units of the mean of that of `unseen` recordings."""
    unit = max(unseen.mean(), 1e-9)
    compared = distances if compared is None else compared
    return Nearest(distances / unit, indices, unseen / unit, compared / unit)


@dataclass(frozen=True)
class VeryNear:
    """How many generated clips are very near to a training clip, and how many of them would be no accident.

    Attributes:
        threshold: the distance below which a clip is very near.
        share: of the generated clips that are.
        usual: the share of unseen recordings that are, the one at the threshold included.
        sign: the least share of generated clips that is a sign of copies, above 1 where none is.
    """

    threshold: float
    share: float
    usual: float
    sign: float


def very_near(unseen: np.ndarray, distances: np.ndarray) -> VeryNear:
    """How many clips are nearer to a training clip than 1 % of the recordings that were not trained on.

    The threshold is the k-th smallest of m distances, so it is itself left to chance. Where generated clips are like
    unseen ones, the number of n that lie below it has the beta-binomial distribution of n, k and m + 1 - k, whatever
    that of the distances (E. J. Gumbel, H. von Schelling, The distribution of the number of exceedances, 1950).

    Args:
        unseen: distances of recordings that the generator has not seen, [m], 2 or more.
        distances: those of the generated clips, [n], in the same unit, to the same training clips.
    """
    m, n = len(unseen), len(distances)
    k = max(FEWEST_NEAR, round(NEAR * m))
    threshold = float(np.partition(unseen, k - 1)[k - 1])
    return VeryNear(threshold, float(np.mean(distances < threshold)), k / m, _fewest_for_a_sign(n, m, k) / n)


@cache
def _fewest_for_a_sign(n: int, m: int, k: int) -> int:
    """How many of n clips, or more, lie below the k-th smallest of m by chance with `FALSE_ALARM` at most."""
    return int(betabinom.isf(FALSE_ALARM, n, k, m + 1 - k)) + 1


def verdict(near: VeryNear, held_out: bool = True, trained_on: bool = True) -> str:
    """Whether the generator memorised its training clips, in words.

    Args:
        near: what `very_near` says.
        held_out: whether the threshold comes from recordings that were held out; else they are training clips.
        trained_on: whether the generator was trained on the recordings at all.
    """
    words = "held-out recordings" if held_out else "other recordings"
    if not trained_on:
        return "Unknown: it was trained on other recordings than these."
    if near.threshold <= COPIES:
        return f"Unknown: some {words} are copies of training recordings."
    found = f"{near.share:.1%} of the clips are very near to a training recording, of {words} {near.usual:.1%}"
    if near.share < near.sign:
        return f"No sign of memorising: {found}; a sign would be {near.sign:.1%} or more."
    if near.share > near.usual + SUSPICIOUS:
        return f"Perhaps: {found}. Listen to the pairs; more recordings, fewer steps or a smaller model help."
    return f"Perhaps a few: {found}, which is hardly an accident. Listen to the pairs."
