"""All scores: their keys, their names, what is better, and what each says."""

from dataclasses import dataclass

FRECHET = "frechet_distance"  # the key of the score that ranks checkpoints
# Its key in evaluation.json, and its tag in TensorBoard's files: by another one a run's curve would break in two.
NEAR_DUPLICATES = "twins"
HIGHER, LOWER, NEAR_TEST = "higher", "lower", "near test"  # what is better


@dataclass(frozen=True)
class Score:
    """A score: its key, its name, what is better (`HIGHER`, `LOWER` or `NEAR_TEST`), and what it says.

    A name with {embedding} takes that of the embedding, for such distances compare within one only; one with {cells}
    the number of cells.
    """

    key: str
    name: str
    better: str
    explanation: str

    def named(self, embedding: str, cells: int) -> str:
        """The whole name, beside an `embedding` of this name and with so many cells."""
        return self.name.format(embedding=embedding, cells=cells)


SCORES = (
    Score(
        "inception_score", "Inception Score", HIGHER,
        "how clearly each clip is of one class, and how evenly the classes come: 1 to the number of classes",
    ),
    Score(
        FRECHET, "FD ({embedding})", LOWER,
        "how far mean and spread of the embeddings are from those of the recordings",
    ),
    Score(
        "kernel_distance", "KD ({embedding})", LOWER,
        "as FD, of the whole distribution; near 0 means the same, whatever the number of clips",
    ),
    Score(
        "modified_inception_score", "modified IS", HIGHER,
        "how much the predictions differ from clip to clip: 1 to 10,000,000, clear ones count most",
    ),
    Score(
        "am_score", "AM", LOWER,
        "how unclear the clips are, plus how far the classes' shares are from those of the recordings",
    ),
    Score(
        "ndb", "NDB/{cells}", LOWER,
        "the share of kinds of sounds (cells) that come too often or too rarely; 0.05 is chance",
    ),
    Score(
        "jsd", "JSD of {cells} cells", LOWER,
        "how much the shares of these kinds differ, 0 to 0.69",
    ),
    Score(
        "precision", "precision", HIGHER,
        "the share of clips that sound like some recording",
    ),
    Score(
        "recall", "recall", HIGHER,
        "the share of recordings that sound like some clip: low where kinds of sounds are missing",
    ),
    Score(
        "density", "density", HIGHER,
        "as precision, but counts how many recordings are that near; may exceed 1",
    ),
    Score(
        "coverage", "coverage", HIGHER,
        "the share of recordings with a clip near them",
    ),
    Score(
        "embedding_self", "self-distance ({embedding})", NEAR_TEST,
        "the distance of a clip to the most similar other one by the embedding, test data being 1: near 0 where all "
        "are alike, whatever their hiss",
    ),
    Score(
        NEAR_DUPLICATES, "near-duplicates ({embedding})", NEAR_TEST,
        "the share of clips that are nearer to another one, by the embedding, than 99 of 100 recordings are: high "
        "where a sound comes again and again, were it silence",
    ),
    Score(
        "d_self", "|D|self", NEAR_TEST,
        "the distance of a clip to the most similar other clip, test data being 1: near 0 where all clips are alike",
    ),
    Score(
        "d_train", "|D|train", NEAR_TEST,
        "the distance of a clip to the most similar recording, test data being 1: near 0 where it was memorised",
    ),
)  # fmt: skip
