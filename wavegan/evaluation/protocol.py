"""What a set of sounds is measured by: every score, and those of recordings and of white noise to compare with."""

from dataclasses import dataclass, replace

import numpy as np

from wavegan.audio.mel import in_blocks
from wavegan.base.errors import UserError
from wavegan.base.quiet import native_stderr_hidden
from wavegan.data.records import Records
from wavegan.evaluation import scores
from wavegan.evaluation.judge.embedding import embedding_of, held_out, real_audio
from wavegan.evaluation.memorised import Distances, heard, rows
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT, Yardstick, summary

GENERATED, TEST, TRAIN, NOISE = "generated", "test data", "train data", "white noise"
COMPARED = 1000  # clips whose distances are taken, as in the paper
TWINS = 0.01  # the share of recordings that are so near to another one
AT_ONCE = 1 << 22  # samples that are made before they are looked at


@dataclass(frozen=True)
class Sounds:
    """Clips as the scores need them: `distances.rows` and `heard`, embeddings, probabilities (None: no classes)."""

    rows: np.ndarray
    heard: np.ndarray
    embeddings: np.ndarray
    probabilities: np.ndarray | None


def require_enough(directory, info):
    """Raises UserError where the data set in `directory` has too few training clips to compare sounds with."""
    count = info.splits["train"]["clips"]
    if count < FEWEST_HELD_OUT:
        raise UserError(
            f"{directory} has {count} training clips: expected {FEWEST_HELD_OUT} or more to compare sounds with. Add "
            "recordings, or let your ears judge."
        )


class Evaluation:
    """What sounds are scored against: the recordings, and white noise.

    Every set is scored `at_once` clips at a time, as many as there are held-out recordings and `n` at most, as often
    as it has so many: scores of different numbers of clips do not compare. The training clips that are scored
    themselves do not belong to those that sets are scored against.

    Args:
        directory: the data set.
        info: its `DatasetInfo`.
        n: generated clips that may be scored, 50 or more.
        seed: of everything random.
        warn: called with lines about the cached embedding.
        distances: whether log-mel distances are taken, too; they need all training clips.
        embedding: the data set's, where it is there already.

    Attributes:
        n: generated clips that are scored, a multiple of `at_once`.
        embedding: an `embedding.Embedding`.
        sets: {set: `Sounds`} of "test data" if enough is held out, "train data", "white noise".
        levels: {set: {key: {"mean", "spread"}}} of the same.
        method: what scores must have in common to compare, a text.
        trained_on: whether these are the recordings that the generator was trained on.
        held_heard: with `distances`, those of recordings that stand for unseen ones to the nearest training clip.
    """

    def __init__(self, directory, info, n, seed=0, warn=print, distances=True, embedding=None):
        self.info, self.seed, self.trained_on = info, seed, True
        require_enough(directory, info)
        self.embedding = embedding or embedding_of(directory, info, warn)
        self.train = Records(directory, info)
        real = self.embedding.real
        self.has_test = "test" in real and len(real["test"].embeddings) >= FEWEST_HELD_OUT
        self.at_once = min(n, len(self.train) // 2, len(real["test"].embeddings) if self.has_test else n)
        self.n = n // self.at_once * self.at_once
        judge = f"{self.embedding.content_hash}-{self.embedding.fingerprint}"
        self.method = f"{judge}, {self.n} clips, {self.at_once} at once, seed {seed}"
        self.distances = None
        if distances:
            self.distances = Distances(self._spectrograms, len(self.train), self.embedding.front.shape)
        drawn = self._drawn(self.train, len(self.train) // 2)
        self.yardstick = Yardstick(real["train"], drawn, self.at_once, seed)
        self.sets = {}
        if self.has_test:
            held = Records(directory, info, held_out(info))
            self.sets[TEST] = self._real("test", held, self._drawn(held, len(held)))
        self.sets |= {TRAIN: self._real("train", self.train, drawn), NOISE: self._noise()}
        nearest = self._take_units(drawn) if distances else {}
        alike = self._alike(self.sets[ceiling(self.sets)])
        self.alike_unit, self.twins_within = max(alike.mean(), 1e-9), np.quantile(alike, TWINS)
        self.levels = {name: self.measure(sounds, nearest.get(name)) for name, sounds in self.sets.items()}

    def _drawn(self, records, most):
        """Indices of real clips that are scored: as many parts as generated ones have, `most` clips at most."""
        parts = max(1, min(self.n, most) // self.at_once)
        return np.random.default_rng((self.seed, 3)).permutation(len(records))[: parts * self.at_once]

    def _take_units(self, drawn):
        """Set the units of distances: those of recordings that the training did not see, or of training clips.

        Returns {set: the distance of each of its first clips to the nearest training clip}.
        """
        first = {name: sounds.rows[:COMPARED] for name, sounds in self.sets.items()}
        # All at once: to go through a large training set takes a while.
        distances = self.distances.nearest(np.concatenate([*first.values()]))
        ends = np.cumsum([len(rows) for rows in first.values()])[:-1]
        found = dict(zip(first, np.split(distances, ends), strict=True))
        # Without held-out recordings, a few training clips stand for them, and do not count as training clips.
        held = self.sets[ceiling(self.sets)]
        left_out = () if self.has_test else drawn[: min(COMPARED, len(self.train) // 5)]
        count = COMPARED if self.has_test else len(left_out)
        unseen = found[TEST] if self.has_test else self.distances.nearest(held.rows[:count], left_out)
        self.own_unit = max(self._own(held).mean(), 1e-9)
        self.unit = max(unseen.mean(), 1e-9)
        self.held_heard = self.distances.nearest_heard(held.heard[:count], left_out)[0]
        return found

    def sounds(self, audio):
        """The `Sounds` of clips `audio` [n, time, channels]."""
        return joined([self._sounds(block) for block in in_blocks(audio, AT_ONCE)])

    def _sounds(self, audio):
        spectrograms = self.embedding.front(audio)
        return Sounds(rows(spectrograms), heard(spectrograms), *self.embedding(spectrograms))

    def measure(self, sounds, nearest=None):
        """{key: {"mean", "spread"}} of `Sounds`, by the keys of `quality.SCORES`.

        `nearest` are the distances of its first clips to the nearest training clip, where they are known already.
        """
        found = self.yardstick(sounds.embeddings, sounds.probabilities)
        alike = self._alike(sounds)
        found["embedding_self"] = summary([alike.mean() / self.alike_unit])
        found["twins"] = summary([np.mean(alike <= self.twins_within)])
        if self.distances is None:
            return found
        if nearest is None:
            nearest = self.distances.nearest(sounds.rows[: self._compared])
        train = nearest[: self._compared].mean() / self.unit
        return found | {"d_self": summary([self._own(sounds).mean() / self.own_unit]), "d_train": summary([train])}

    def named(self, score):
        """The name of a `quality.Score` as it stands beside its values."""
        return score.named(self.embedding.short_name, len(self.yardstick.centres))

    @property
    def _compared(self):
        return min(COMPARED, self.at_once)

    def _own(self, sounds):
        """The distance of each of the first clips to the nearest other one of them."""
        first = sounds.rows[: self._compared]
        return scores.nearest(first, first, skip_self=True)[0]

    def _alike(self, sounds):
        """The distance of each of the first clips to the nearest other one of them, by the embedding."""
        first = self.yardstick.standard(sounds.embeddings[: self._compared])
        return scores.nearest(first, first, skip_self=True)[0]

    def _spectrograms(self):
        return (self.embedding.front(audio) for audio in real_audio(self.train, self.info))

    def _real(self, name, records, drawn):
        """`Sounds` of real clips, whose embeddings are known."""
        real = self.embedding.real[name]
        probabilities = None if real.probabilities is None else real.probabilities[drawn]
        if self.distances is None:
            return Sounds(None, None, real.embeddings[drawn], probabilities)
        blocks = [self.embedding.front(audio) for audio in real_audio(records, self.info, drawn[:COMPARED])]
        spectrograms = np.concatenate(blocks)
        return Sounds(rows(spectrograms), heard(spectrograms), real.embeddings[drawn], probabilities)

    def _noise(self):
        """White noise as loud as the recordings are on average."""
        random = np.random.default_rng((self.seed, 4))
        shape = (self.info.length, self.info.channels)
        loudness = np.float32(self.info.loudness["rms_mean"]["linear"])
        parts = []
        for block in in_blocks(np.empty((min(2, self.n // self.at_once) * self.at_once, shape[0]), "int8"), AT_ONCE):
            noise = loudness * random.standard_normal((len(block), *shape), "float32")
            parts.append(self._sounds(noise.clip(-1, 1)))
        return joined(parts)

    def generated(self, sampler, latents, progress=None):
        """The `Sounds` of `n` clips; only the first have `rows`. Raises UserError where a clip is not finite.

        Args:
            sampler: latents [any, ...] → audio [any, time, channels], as arrays.
            latents: [n, ...].
            progress: its `update` is called with the number of clips that are done since the last call.
        """
        sounds = []
        at_once = max(1, AT_ONCE // self.info.length)
        for block in (latents[first : first + at_once] for first in range(0, len(latents), at_once)):
            with native_stderr_hidden():  # compilers talk
                audio = sampler(block)
            if not np.isfinite(audio).all():
                raise UserError("the generator makes sounds that are not finite. Take another checkpoint.")
            made = self.sounds(audio)
            compared = max(0, COMPARED - sum(len(each.embeddings) for each in sounds))
            sounds.append(replace(made, rows=made.rows[:compared].copy()))  # of long clips they are large
            if progress:
                progress.update(len(block))
        return joined(sounds)


def joined(parts):
    """One `Sounds` of several."""
    columns = zip(*((p.rows, p.heard, p.embeddings, p.probabilities) for p in parts), strict=True)
    return Sounds(*(None if column[0] is None else np.concatenate(column) for column in columns))


def ceiling(sets):
    """Which of the sets real sounds are compared with: held-out recordings, where there are any."""
    return "test data" if "test data" in sets else "train data"
