"""Log-mel distances between clips and recordings: the paper's, and one that finds copies."""

import numpy as np

from wavegan.evaluation import scores

HELD = 1 << 27  # values of the training clips' spectrograms that stay in memory, half a GiB
HEARD_NATS = 50 / 20 * np.log(10)  # 50 dB: what lies farther below a clip's loudest spot does not count
FRAMES, BINS = 4, 2  # that are averaged: 32 ms, so that a copy may be a little early or late


def heard(spectrograms):
    """What copies have in common, [n, d], of log-mel [n, frames, bins].

    Relative to the clip's loudest spot, without what lies 50 dB below it, averaged over 32 ms and two bins: a copy with
    a little noise, in another loudness or a few milliseconds later is still near. The silence that pads recordings, in
    which a generator always leaves a trace, does not count.
    """
    loudest = spectrograms.max(axis=(1, 2), keepdims=True)
    shown = np.maximum(spectrograms - loudest + HEARD_NATS, 0.0)
    for axis, width in ((1, FRAMES), (2, BINS)):
        firsts = np.arange(0, shown.shape[axis], width)
        sizes = np.diff([*firsts, shown.shape[axis]])
        shown = np.add.reduceat(shown, firsts, axis=axis) / np.expand_dims(sizes, [0, 3 - axis])
    return shown.reshape(len(shown), -1).astype("float32")


def rows(spectrograms):
    """Log-mel [n, frames, bins] as [n, frames × bins], whose Euclidean distances are the paper's."""
    return spectrograms.reshape(len(spectrograms), -1)


class Distances:
    """Distances to training clips.

    Args:
        spectrograms: called without arguments; the training clips' log-mel, an iterable of blocks [n, frames, bins].
        count: of the training clips.
        shape: (frames, bins).
    """

    def __init__(self, spectrograms, count, shape):
        self.spectrograms = spectrograms
        self.fits = count * np.prod(shape) <= HELD
        self._kept, self._heard = None, None

    def _rows(self):
        """The training clips' rows in blocks. The first time, what is heard of them is kept, and they, if they fit."""
        if self._kept:
            yield from self._kept
            return
        kept, parts = [], []
        for block in self.spectrograms():
            if self._heard is None:
                parts.append(heard(block))
            if self.fits:
                kept.append(rows(block))
            yield rows(block)
        self._kept = kept
        if parts:
            self._heard = np.concatenate(parts)

    def nearest(self, queries, left_out=()):
        """The paper's distance [n] of `queries`, as `rows` gives them, to the nearest training clip.

        Training clips with the indices `left_out` do not count.
        """
        return scores.nearest(queries, _without(self._rows(), left_out))[0]

    def nearest_heard(self, queries, left_out=()):
        """The distance [n] of `queries`, as `heard` gives them, to the nearest training clip, and its index [n]."""
        if self._heard is None:
            for _ in self._rows():
                pass
        kept = np.setdiff1d(np.arange(len(self._heard)), left_out)
        distances, indices = scores.nearest(queries, self._heard[kept] if len(left_out) else self._heard)
        return distances, kept[indices]


def _without(blocks, left_out):
    """The rows of the blocks in order, but for those at the indices `left_out`."""
    first = 0
    for block in blocks:
        mine = [index - first for index in left_out if first <= index < first + len(block)]
        first += len(block)
        yield np.delete(block, mine, axis=0) if mine else block
