"""A classifier that knows nothing, or is not what was kept, is never used: no score comes of it."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.evaluation.support import KINDS, normal, prepared_drums
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import cache, classifier
from wavegan.evaluation.judge.faults import balanced_accuracy, fault
from wavegan.evaluation.protocol import NOISE, TRAIN, Evaluation
from wavegan.evaluation.results import _notes


@pytest.fixture
def drums(tmp_path, monkeypatch):
    """Three kinds of drums, 75 clips for training, whose classifier is learned in a second."""
    monkeypatch.setattr(classifier, "passes", lambda _: 960)
    return prepared_drums(tmp_path / "wav", count=30)


def arrays_of(guesses, labels, embeddings=None, held_out=0):
    """The arrays of a classifier with these guesses at the training clips, and at some held-out ones."""
    embeddings = normal(len(labels), 8) if embeddings is None else embeddings
    train = {"embeddings": embeddings, "labels": labels, "probabilities": np.eye(10)[guesses]}
    test = {key: array[:held_out] for key, array in train.items()}
    return {f"{name}/{key}": array for name, part in {"train": train, "test": test}.items()
            for key, array in part.items()} | {"accuracy": np.array(np.nan)}  # fmt: skip


LABELS = np.arange(200) % 10


@pytest.mark.parametrize("held_out", [0, 60])
def test_a_classifier_at_chance_is_at_fault_and_one_that_knows_something_is_not(held_out):
    random = np.random.default_rng(0)
    blind = random.integers(10, size=200)
    assert re.search("no better than chance", fault(arrays_of(blind, LABELS, held_out=held_out)))
    assert re.search("no better than chance", fault(arrays_of(np.full(200, 3), LABELS, held_out=held_out)))
    weak = np.where(random.random(200) < 0.4, LABELS, blind)
    assert fault(arrays_of(weak, LABELS, held_out=held_out)) is None


def test_a_classifier_that_always_names_the_most_frequent_class_is_at_chance():
    labels = np.where(np.arange(200) < 190, 0, 1)
    assert balanced_accuracy(labels, np.zeros(200, int)) == (0.5, 0.5, 0)
    assert fault(arrays_of(np.zeros(200, int), labels)) and fault(arrays_of(labels, labels)) is None


def test_few_classifiers_that_guess_blindly_pass():
    """Three standard deviations: 1.3 in 1,000, if the shares were normal."""
    random, passed = np.random.default_rng(1), 0
    for _ in range(1000):
        right, expected, deviation = balanced_accuracy(random.integers(8, size=100), random.integers(8, size=100))
        passed += right > expected + 3 * deviation
    assert passed <= 10


def test_an_embedding_that_says_nothing_is_a_fault_however_right_the_classifier():
    dead, few, broken = np.zeros((200, 8)), normal(200, 8), normal(200, 8)
    few[:, 1:] = 0
    broken[7, 3] = np.nan
    assert fault(arrays_of(LABELS, LABELS, dead)) == fault(arrays_of(LABELS, LABELS, few))
    assert re.search("same for all recordings", fault(arrays_of(LABELS, LABELS, dead)))
    assert re.search("not finite", fault(arrays_of(LABELS, LABELS, broken)))


def dying(monkeypatch, times):
    """Let the next trainings, so many, end with a network whose embedding is 0; the attempts that were made."""
    attempts, real = [], classifier.train

    def train(network, features, labels, progress, attempt=0, check=None):
        attempts.append(attempt)
        if len(attempts) > times:
            return real(network, features, labels, progress, attempt, check)
        return network.set_weights([np.zeros_like(array) for array in network.get_weights()])

    monkeypatch.setattr(classifier, "train", train)
    return attempts


def test_one_that_died_is_trained_again_in_another_way_and_never_kept(drums, monkeypatch):
    attempts, warnings = dying(monkeypatch, times=1), []
    info = DatasetInfo.load(drums)
    judge = cache.embedding_of(drums, info, warnings.append)
    assert attempts == [0, 1] and judge.classes == KINDS
    assert len(warnings) == 1 and re.search("came to nothing: .*; it is trained again in another way", warnings[0])
    again = cache.embedding_of(drums, info, pytest.fail)
    assert attempts == [0, 1] and again.fingerprint == judge.fingerprint


def test_another_attempt_starts_elsewhere_and_at_a_lower_rate(monkeypatch):
    monkeypatch.setattr(classifier, "passes", lambda _: 32)
    weights, drawn = [], []
    monkeypatch.setattr(classifier, "augmented", lambda features, *_: drawn.append(features) or features)
    for attempt in range(2):
        arrays = classifier.fit(normal(40, 72).reshape(40, 9, 8).astype("float32"), np.arange(40) % 2, 2, attempt)
        weights.append(arrays["weights/000"])
    assert np.abs(weights[0] - weights[1]).max() > 0.1 and np.abs(drawn[0] - drawn[1]).max() > 0.1
    assert classifier.rate(500, 50, 900, 1000, attempt=1) < classifier.rate(500, 50, 900, 1000) / 2


def test_where_none_knows_the_classes_a_projection_takes_its_place(drums, monkeypatch):
    attempts, warnings = dying(monkeypatch, times=9), []
    info = DatasetInfo.load(drums)
    judge = cache.embedding_of(drums, info, warnings.append)
    assert attempts == [0, 1, 2] and not judge.classes and judge.name.startswith("random projection")
    assert re.search("no scores are taken by it", warnings[-1])
    scores = Evaluation(drums, info, 50, distances=False, embedding=judge).references["train data"]
    assert scores["frechet_distance"]["mean"] > 0 and "inception_score" not in scores
    assert not cache.embedding_of(drums, info, pytest.fail).classes and attempts == [0, 1, 2]


@pytest.mark.parametrize(("classes", "known", "said"), [(("a", "b"), (), True), (("a",), (), False),
                                                        (("a", "b"), ("a", "b"), False)])  # fmt: skip
def test_the_results_say_that_no_classifier_knew_the_classes(classes, known, said):
    judge = SimpleNamespace(name="random projection of log-mel statistics", classes=known, test_accuracy=None)
    evaluation = SimpleNamespace(
        embedding=judge, at_once=50, seed=0, n=50, has_test=False, references={TRAIN: {}, NOISE: {}},
        info=SimpleNamespace(name="tones", classes=classes),
    )  # fmt: skip
    notes = "\n".join(_notes(SimpleNamespace(title="runs/x"), evaluation, 0, True))
    assert ("No classifier could tell the classes of tones apart: a random projection" in notes) == said


def changed(path, **arrays):
    """Replace arrays in the cache at `path`."""
    with np.load(path) as stored:
        found = {name: stored[name] for name in stored.files}
    buffer = io.BytesIO()
    np.savez(buffer, **(found | {name: change(found) for name, change in arrays.items()}))
    path.write_bytes(buffer.getvalue())


SHUFFLED = {"weights/000": lambda found: found["weights/000"][::-1]}
DEAD = {"train/embeddings": lambda found: 0 * found["train/embeddings"]}
BLIND = {"train/probabilities": lambda found: np.roll(found["train/probabilities"], 1, axis=1)}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [(SHUFFLED, "not make of the recordings what it made"), (DEAD, "same for all"), (BLIND, "no better than chance")],
)
def test_a_bad_cache_does_not_survive(drums, change, complaint):
    info, warnings = DatasetInfo.load(drums), []
    first = cache.embedding_of(drums, info, pytest.fail)
    (path,) = drums.glob("embedding-*.npz")
    changed(path, **change)
    again = cache.embedding_of(drums, info, warnings.append)
    assert len(warnings) == 1 and re.search(f"is damaged .*{complaint}.*; it is made again", warnings[0])
    assert again.fingerprint == first.fingerprint
    assert cache.embedding_of(drums, info, pytest.fail).fingerprint == first.fingerprint


def test_a_little_rounding_is_no_fault(drums):
    info = DatasetInfo.load(drums)
    cache.embedding_of(drums, info, pytest.fail)
    (path,) = drums.glob("embedding-*.npz")
    rounded = lambda found: found["weights/000"].astype("float16").astype("float32")  # noqa: E731
    changed(path, **{"weights/000": rounded})
    cache.embedding_of(drums, info, pytest.fail)


def test_one_of_an_earlier_version_is_not_used_and_said_to_be_another(drums):
    info, warnings = DatasetInfo.load(drums), []
    (drums / "embedding-0123456789abcdef.npz").write_bytes(b"of old")
    cache.embedding_of(drums, info, warnings.append)
    assert len(warnings) == 1 and re.search("earlier version.*do not compare", warnings[0])
