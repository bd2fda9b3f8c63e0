"""What a set of sounds is measured by: every score, and those of recordings and of white noise to compare with."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from preprocess import UserError
from wavegan.dataset import Records
from wavegan.evaluation import scores
from wavegan.evaluation.embedding import embedding_of, held_out, real_audio
from wavegan.evaluation.features import in_blocks
from wavegan.evaluation.quality import FEWEST_HELD_OUT, Yardstick, summary
from wavegan.latents import sample_latents

GENERATED, TEST, TRAIN, NOISE = "generated", "test data", "train data", "white noise"
COMPARED = 1000  # clips whose distances are taken, as in the paper
HELD = 1 << 27  # values of the training clips' spectrograms that stay in memory, half a GiB
AT_ONCE = 1 << 22  # samples that are made before they are looked at


@dataclass(frozen=True)
class Sounds:
    """Clips as the scores need them: log-mel rows [n, frames × bins], embeddings, probabilities (None: no classes)."""

    rows: np.ndarray
    embeddings: np.ndarray
    probabilities: np.ndarray | None


class Evaluation:
    """What sounds are scored against: the recordings, and white noise.

    Every set is scored `at_once` clips at a time, as many as there are held-out recordings and `n` at most, as often
    as it has so many: scores of different numbers of clips do not compare.

    Args:
        directory: the data set.
        info: its `DatasetInfo`.
        n: generated clips that will be scored, 50 or more.
        seed: of everything random.
        distances: whether log-mel distances are taken, too; they need all training clips.
        warn: called with lines about the cached embedding.

    Attributes:
        embedding: an `embedding.Embedding`.
        unit: with `distances`, the mean log-mel distance of a held-out clip to the nearest training clip.
        held_distances: with `distances`, that of each held-out clip, in this unit.
        levels: {set: {key: {"mean", "spread"}}} of "test data" if enough is held out, "train data", "white noise".
    """

    def __init__(self, directory, info, n, seed=0, warn=print, distances=True):
        self.info, self.n, self.seed, self.distances = info, n, seed, distances
        self.train = Records(directory, info)
        self.embedding = embedding_of(directory, info, warn)
        test = self.embedding.real.get("test")
        self.has_test = test is not None and len(test.embeddings) >= FEWEST_HELD_OUT
        if len(self.train) < FEWEST_HELD_OUT:
            raise UserError(
                f"{directory} has {len(self.train)} training clips: expected {FEWEST_HELD_OUT} or more to compare "
                "sounds with. Add recordings, or let your ears judge."
            )
        self.at_once = min(n, len(test.embeddings) if self.has_test else len(self.train))
        self.yardstick = Yardstick(self.embedding.real["train"], self.at_once, seed)
        train, noise = self._real("train", self.train), self._noise()
        self.test = self._real("test", Records(directory, info, held_out(info))) if self.has_test else None
        if distances:
            # Without held-out recordings, the distance between training clips stands for both of theirs.
            own, nearest = self._distances(self.test) if self.has_test else (self._distances(train)[0],) * 2
            self.own_unit, self.unit = own.mean(), nearest.mean()
            self.held_distances = nearest / self.unit
        sets = {TEST: self.test, TRAIN: train, NOISE: noise}
        self.levels = {name: self.measure(sounds) for name, sounds in sets.items() if sounds is not None}

    def sounds(self, audio):
        """The `Sounds` of clips `audio` [n, time, channels]."""
        made = [self._sounds(block) for block in in_blocks(audio)]
        return joined(made)

    def _sounds(self, audio):
        spectrograms = self.embedding.front(audio)
        return Sounds(spectrograms.reshape(len(audio), -1), *self.embedding(spectrograms))

    def measure(self, sounds):
        """{key: {"mean", "spread"}} of `Sounds`, by the keys of `quality.SCORES`."""
        found = self.yardstick(sounds.embeddings, sounds.probabilities)
        if not self.distances:
            return found
        own, train = self._distances(sounds)
        distances = {"d_self": own.mean() / self.own_unit, "d_train": train.mean() / self.unit}
        return found | {name: summary([value]) for name, value in distances.items()}

    def _distances(self, sounds):
        """Of the first clips to the nearest other one of them, and to the nearest training clip: two arrays."""
        rows = sounds.rows[: min(COMPARED, self.at_once)]
        own, _ = scores.nearest(rows, rows, skip_self=True)
        return own, self.nearest_recordings(rows)[0]

    def nearest_recordings(self, rows):
        """Log-mel distance [n] of each of the `rows` to the nearest training clip, and the latter's index [n]."""
        return scores.nearest(rows, self._bank)

    @cached_property
    def _kept(self):
        return list(self._spectrograms())

    @property
    def _bank(self):
        fits = len(self.train) * np.prod(self.embedding.front.shape) <= HELD
        return self._kept if fits else self._spectrograms()

    def _spectrograms(self):
        return (self.embedding.front(audio).reshape(len(audio), -1) for audio in real_audio(self.train, self.info))

    def _real(self, name, records):
        """`Sounds` of a draw from real clips, whose embeddings are known."""
        real = self.embedding.real[name]
        parts = max(1, min(self.n, len(records)) // self.at_once)
        chosen = np.random.default_rng((self.seed, 3)).permutation(len(records))[: parts * self.at_once]
        audio = np.concatenate(list(real_audio(records, self.info, chosen[:COMPARED])))
        probabilities = None if real.probabilities is None else real.probabilities[chosen]
        return Sounds(self.sounds(audio).rows, real.embeddings[chosen], probabilities)

    def _noise(self):
        """White noise as loud as the recordings are on average."""
        count = min(2, self.n // self.at_once) * self.at_once
        noise = np.random.default_rng((self.seed, 4)).normal(size=(count, self.info.length, self.info.channels))
        return self.sounds((noise * self.info.loudness["rms_mean"]["linear"]).clip(-1, 1))

    def generated(self, synthesize, latent_size, progress=None):
        """`n` clips, float32 [n, time, channels], and their `Sounds`.

        Args:
            synthesize: latents [any, latent_size] → audio [any, time, channels], as arrays.
            latent_size: width of the latents.
            progress: its `update` is called with the number of clips that are done since the last call.
        """
        latents = sample_latents(self.n, latent_size, self.seed)
        audio, sounds = [], []
        for block in in_blocks(latents, AT_ONCE * latent_size // self.info.length):
            audio.append(synthesize(block))
            sounds.append(self.sounds(audio[-1]))
            if progress:
                progress.update(len(block))
        return np.concatenate(audio), joined(sounds)


def joined(parts):
    """One `Sounds` of several."""
    rows, embeddings, probabilities = zip(*((p.rows, p.embeddings, p.probabilities) for p in parts), strict=True)
    classes = None if probabilities[0] is None else np.concatenate(probabilities)
    return Sounds(np.concatenate(rows), np.concatenate(embeddings), classes)
