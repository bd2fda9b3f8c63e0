"""What is scored against what: generated clips, recordings and white noise, all in the same way."""

import os
from collections.abc import Callable, Container, Iterator

import numpy as np

from wavegan.audio.mel import in_blocks
from wavegan.base.errors import UserError
from wavegan.base.progress import Progress
from wavegan.base.quiet import native_stderr_hidden
from wavegan.base.text import tell
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import scores
from wavegan.evaluation.features import Features, features_of, joined
from wavegan.evaluation.judge.cache import embedding_of
from wavegan.evaluation.judge.embedding import Embedding
from wavegan.evaluation.judge.recordings import held_out, real_audio
from wavegan.evaluation.memorised import Distances, Nearest, copy_features, flattened, nearest_copies
from wavegan.evaluation.scores.catalogue import FRECHET, NEAR_DUPLICATES, Score
from wavegan.evaluation.yardsticks import FEWEST_HELD_OUT, Value, Yardstick, summary
from wavegan.models.family import Sampler

# The sets of clips that are scored, by the names that people read and that stand in evaluation.json.
GENERATED, TEST, TRAIN, NOISE = "generated", "test data", "train data", "white noise"
SETS = (GENERATED, TEST, TRAIN, NOISE)  # in the order of every table
COMPARED = 1000  # clips whose distances are taken, as in arXiv 1802.04208
WITHOUT_DISTANCES = ", without distances"  # at the end of a method
DUPLICATES = 0.01  # the share of recordings that count as near-duplicates of another one
AT_ONCE = 1 << 22  # samples that are made before they are looked at

ScoreValues = dict[str, Value]  # {key of a score: its mean and spread}


def reference_set(sets: Container[str]) -> str:
    """Which of the `sets` of clips stands for recordings: held-out ones, or the training's where none are held out."""
    return TEST if TEST in sets else TRAIN


def goodness(values: ScoreValues) -> float:
    """By what checkpoints are ranked, higher is better: the Fréchet distance with its sign changed."""
    return -values[FRECHET]["mean"]


def require_enough(directory: str | os.PathLike[str], info: DatasetInfo) -> None:
    """Raises UserError where the data set in `directory` has too few training clips to compare sounds with."""
    count = info.splits["train"]["clips"]
    if count < FEWEST_HELD_OUT:
        raise UserError(
            f"{directory} has {count} training clips: expected {FEWEST_HELD_OUT} or more to compare sounds with. Add "
            "recordings, or let your ears judge."
        )


class Evaluation:
    """What generated clips are scored against: recordings, and white noise as a baseline.

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
        embedding: a `judge.Embedding`.
        sets: {set: `Features`} of TEST if enough is held out, TRAIN and NOISE.
        references: {set: {key: {"mean", "spread"}}}, the scores of these.
        method: what scores must have in common to stand in one table, a text.
        ranked_by: what they must have in common for `goodness` to compare: that needs no distances.
        unseen_distances: with `distances`, those of recordings that stand for unseen ones to the nearest training clip.
        left_out: with `distances`, the indices of the training clips that stand for unseen ones and are nobody's
            neighbours there; none where enough are held out.

    Raises UserError where there are too few training clips, or the data set cannot be read.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        info: DatasetInfo,
        n: int,
        seed: int = 0,
        warn: Callable[[str], object] = tell,
        distances: bool = True,
        embedding: Embedding | None = None,
    ) -> None:
        self.info, self.seed = info, seed
        require_enough(directory, info)
        self.embedding = embedding or embedding_of(directory, info, warn)
        self.train = Records(directory, info)
        real = self.embedding.real
        self.has_test = "test" in real and len(real["test"].embeddings) >= FEWEST_HELD_OUT
        self.at_once = min(n, len(self.train) // 2, len(real["test"].embeddings) if self.has_test else n)
        self.n = n // self.at_once * self.at_once
        judge = f"{self.embedding.content_hash}-{self.embedding.fingerprint}"
        self.ranked_by = f"{judge}, {self.n} clips, {self.at_once} at once, seed {seed}"
        self.method = self.ranked_by if distances else self.ranked_by + WITHOUT_DISTANCES
        self.distances: Distances | None = None
        if distances:
            self.distances = Distances(self._spectrograms, len(self.train), self.embedding.front.shape)
        drawn = self._drawn(self.train, len(self.train) // 2)
        self.yardstick = Yardstick(real["train"], drawn, self.at_once, seed)
        self.sets = self._reference_sets(directory, drawn)
        nearest = self._take_units(self.distances, drawn) if self.distances else {}
        alike = self._alike(self.sets[reference_set(self.sets)])
        self.alike_unit, self.duplicate_radius = max(alike.mean(), 1e-9), np.quantile(alike, DUPLICATES)
        self.references = {name: self.measure(features, nearest.get(name)) for name, features in self.sets.items()}

    def _reference_sets(self, directory: str | os.PathLike[str], drawn: np.ndarray) -> dict[str, Features]:
        """The `Features` of the sets to compare with; `drawn` are the indices of the training clips among them."""
        sets, split = {}, held_out(self.info)
        if self.has_test and split is not None:
            held = Records(directory, self.info, split)
            sets[TEST] = self._real("test", held, self._drawn(held, len(held)))
        return sets | {TRAIN: self._real("train", self.train, drawn), NOISE: self._noise()}

    def _drawn(self, records: Records, most: int) -> np.ndarray:
        """Indices of real clips that are scored: as many parts as generated ones have, `most` clips at most."""
        parts = max(1, min(self.n, most) // self.at_once)
        return np.random.default_rng((self.seed, 3)).permutation(len(records))[: parts * self.at_once]

    def _take_units(self, distances: Distances, drawn: np.ndarray) -> dict[str, np.ndarray]:
        """Set the units of distances: those of recordings that the training did not see, or of training clips.

        Returns {set: the distance of each of its first clips to the nearest training clip}.
        """
        first = {name: features.log_mel[:COMPARED] for name, features in self.sets.items()}
        # All at once: to go through a large training set takes a while.
        to_nearest = distances.nearest(np.concatenate([*first.values()]))
        ends = np.cumsum([len(log_mel) for log_mel in first.values()])[:-1]
        found = dict(zip(first, np.split(to_nearest, ends), strict=True))
        # Without held-out recordings, a few training clips stand for them, and do not count as training clips.
        held = self.sets[reference_set(self.sets)]
        self.left_out = drawn[:0] if self.has_test else drawn[: min(COMPARED, len(self.train) // 5)]
        count = COMPARED if self.has_test else len(self.left_out)
        unseen = found[TEST] if self.has_test else distances.nearest(held.log_mel[:count], self.left_out)
        self.own_unit = max(self._own(held).mean(), 1e-9)
        self.unit = max(unseen.mean(), 1e-9)
        self.unseen_distances = distances.nearest_copy(held.copy_features[:count], self.left_out)[0]
        return found

    def features(self, audio: np.ndarray) -> Features:
        """The `Features` of clips `audio` [n, time, channels]."""
        return joined([features_of(block, self.embedding) for block in in_blocks(audio, AT_ONCE)])

    def measure(self, features: Features, nearest: np.ndarray | None = None) -> ScoreValues:
        """The scores of clips, {key: {"mean", "spread"}} by the keys of `catalogue.SCORES`.

        Args:
            features: of the clips, `at_once` or more.
            nearest: the log-mel distances of the first clips to the nearest training clip, where they are known.
        """
        found = self.yardstick(features.embeddings, features.probabilities)
        alike = self._alike(features)
        found["embedding_self"] = summary([alike.mean() / self.alike_unit])
        found[NEAR_DUPLICATES] = summary([np.mean(alike <= self.duplicate_radius)])
        if self.distances is None:
            return found
        if nearest is None:
            nearest = self.distances.nearest(features.log_mel[: self._compared])
        train = nearest[: self._compared].mean() / self.unit
        return found | {"d_self": summary([self._own(features).mean() / self.own_unit]), "d_train": summary([train])}

    def nearest_copies(self, features: Features) -> Nearest:
        """Which training clip each clip comes nearest to, and how near, beside recordings that were not seen.

        Raises ValueError without `distances`.
        """
        if self.distances is None:
            raise ValueError("Expected an evaluation with distances to the training clips.")
        distances, indices = self.distances.nearest_copy(features.copy_features)
        # Who has fewer training clips around is farther from the nearest one.
        others = self.distances.nearest_copy(features.copy_features, self.left_out)[0] if len(self.left_out) else None
        return nearest_copies(distances, indices, self.unseen_distances, others)

    def named(self, score: Score) -> str:
        """The name of a `catalogue.Score` as it stands beside its values."""
        return score.named(self.embedding.short_name, len(self.yardstick.centres))

    @property
    def _compared(self) -> int:
        return min(COMPARED, self.at_once)

    def _own(self, features: Features) -> np.ndarray:
        """The log-mel distance of each of the first clips to the nearest other one of them."""
        first = features.log_mel[: self._compared]
        return scores.nearest(first, first, skip_self=True)[0]

    def _alike(self, features: Features) -> np.ndarray:
        """The distance of each of the first clips to the nearest other one of them, by the embedding."""
        first = self.yardstick.standard(features.embeddings[: self._compared])
        return scores.nearest(first, first, skip_self=True)[0]

    def _spectrograms(self) -> Iterator[np.ndarray]:
        return (self.embedding.front(audio) for audio in real_audio(self.train, self.info))

    def _real(self, name: str, records: Records, drawn: np.ndarray) -> Features:
        """The `Features` of real clips, whose embeddings are known."""
        real = self.embedding.real[name]
        probabilities = None if real.probabilities is None else real.probabilities[drawn]
        if self.distances is None:
            nothing = np.empty((0, 0), "float32")
            return Features(nothing, nothing, real.embeddings[drawn], probabilities)
        blocks = [self.embedding.front(audio) for audio in real_audio(records, self.info, drawn[:COMPARED])]
        spectrograms = np.concatenate(blocks)
        return Features(flattened(spectrograms), copy_features(spectrograms), real.embeddings[drawn], probabilities)

    def _noise(self) -> Features:
        """White noise as loud as the recordings are on average."""
        random = np.random.default_rng((self.seed, 4))
        shape = (self.info.length, self.info.channels)
        loudness = np.float32(self.info.loudness["rms_mean"]["linear"])
        parts = []
        for block in in_blocks(np.empty((min(2, self.n // self.at_once) * self.at_once, shape[0]), "int8"), AT_ONCE):
            noise = loudness * random.standard_normal((len(block), *shape), "float32")
            parts.append(features_of(noise.clip(-1, 1), self.embedding))
        return joined(parts)

    def generated(
        self,
        sampler: Sampler,
        latents: np.ndarray,
        progress: Progress | None = None,
        classes: np.ndarray | None = None,
    ) -> Features:
        """The `Features` of `n` generated clips. Raises UserError where a clip is not finite.

        Args:
            sampler: latents → audio [any, time, channels].
            latents: of the clips, [n, *latent_shape].
            progress: its `update` is called with the number of clips that are done since the last call.
            classes: their class weights, [n, classes]; None for an unconditional model.
        """
        parts, done, at_once = [], 0, max(1, AT_ONCE // self.info.length)
        for first in range(0, len(latents), at_once):
            block = latents[first : first + at_once]
            asked = () if classes is None else (classes[first : first + at_once],)
            with native_stderr_hidden():  # compilers print to it
                audio = sampler(block, *asked)
            if not np.isfinite(audio).all():
                raise UserError("the checkpoint makes sounds that are not finite. Take another one.")
            parts.append(self.features(audio).with_log_mel_of(max(0, COMPARED - done)))
            done += len(block)
            if progress:
                progress.update(len(block))
        return joined(parts)
