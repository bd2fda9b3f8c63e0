"""How many sounds are of the class that was asked for: in the report, the terminal, the answers and on the page."""

from types import SimpleNamespace

import numpy as np
import pytest

from wavegan.evaluation.answers import _asked as in_words
from wavegan.evaluation.asked import FEWEST, asked_for
from wavegan.evaluation.features import Features
from wavegan.evaluation.page.selection import _of_all
from wavegan.evaluation.terminal import asked as lines

NAMES = ("kick", "snare", "tom")  # of the model; the classifier knows them in another order
KNOWN = ("tom", "kick", "snare")


def scored(asked, taken, width=3, real=3 * [2 * FEWEST]):
    """What is reported of clips asked to be of the classes `asked`, and taken for those of `taken`, by name."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), real)
    train = SimpleNamespace(embeddings=random.normal(size=(len(labels), width)), probabilities=np.eye(3)[labels])
    evaluation = SimpleNamespace(
        embedding=SimpleNamespace(classes=list(KNOWN), real={"train": train}),
        yardstick=SimpleNamespace(standard=lambda embeddings: embeddings),
        seed=0,
    )
    nothing = np.empty((0, 0), "float32")
    probabilities = np.eye(3)[[KNOWN.index(name) for name in taken]]
    features = Features(nothing, nothing, random.normal(size=(len(taken), width)), probabilities)
    weights = None if asked is None else np.eye(3)[[NAMES.index(name) for name in asked]]
    return asked_for(evaluation, features, weights, NAMES)


def test_the_share_of_all_and_of_every_class_is_counted_by_name():
    found = scored(4 * ["kick"] + 2 * ["tom"], ["kick", "kick", "snare", "kick", "tom", "kick"])
    assert found["recognised"] == pytest.approx(4 / 6)
    assert {name: (each["clips"], each["recognised"]) for name, each in found["classes"].items()} == {
        "kick": (4, 0.75),
        "tom": (2, 0.5),
    }


def test_distances_need_enough_clips_of_the_class_and_stand_beside_those_of_recordings():
    few, enough = (scored(n * ["kick"], n * ["kick"])["classes"]["kick"] for n in (FEWEST - 1, FEWEST))
    assert few["frechet_distance"] is few["recordings"] is None
    assert 0 <= enough["recordings"] < 0.3 and 0 <= enough["frechet_distance"] < 0.3  # of one distribution
    lacking = scored(FEWEST * ["kick"], FEWEST * ["kick"], real=[9, 9, 9])["classes"]["kick"]
    assert lacking["frechet_distance"] is None


def test_an_unconditional_model_has_no_such_part():
    assert scored(None, ["kick"]) is None


def report(shares, accuracy=0.97):
    found = {
        name: {"clips": 9, "recognised": share, "frechet_distance": None, "recordings": 0.5}
        for name, share in shares.items()
    }
    mean = float(np.mean(list(shares.values())))
    return {"asked": {"recognised": mean, "classes": found}, "embedding": {"test_accuracy": accuracy}}


@pytest.mark.parametrize(
    ("share", "start"), [(0.9, "Yes: 90% of the sounds"), (0.5, "Often: 50%"), (0.1, "Hardly: 10%")]
)
def test_the_answer_says_how_many_and_which_least_often(share, start):
    words = in_words(report({"kick": share, "tom": share}))
    assert words.startswith(start) and "(of held-out recordings 97%)" in words
    assert words.endswith(f"Least often: kick ({share:.0%}), tom ({share:.0%}).")


@pytest.mark.parametrize(
    ("shares", "start", "end"),
    [
        ({"kick": 1.0, "tom": 0.95, "cowbell": 0.46}, "Yes, but for some classes: 80%", "cowbell (46%), tom (95%)."),
        ({"kick": 1.0, "tom": 0.95, "cowbell": 0.6}, "Yes: 85%", "Least often: cowbell (60%), tom (95%)."),
        ({"kick": 1.0, "tom": 1.0}, "Yes: 100%", "as the class that was asked for (of held-out recordings 97%)."),
    ],
)
def test_a_class_that_fails_among_many_that_do_not_is_an_exception_to_the_answer(shares, start, end):
    """Nobody looks for a class where all of it was well made."""
    words = in_words(report(shares))
    assert words.startswith(start) and words.endswith(end)


def test_the_terminal_shows_the_worst_classes_first_and_not_all_of_five_hundred():
    many = lines(report({str(number): number / 500 for number in range(500)}))
    assert len(many) == 25 and many[1].split()[:3] == ["0", "9", "0%"]
    assert lines({"asked": None}) == []


def test_the_page_plays_as_many_of_every_class_in_their_order():
    labels = np.array(["tom", "kick", "kick", "kick", "snare", "tom", "kick"])
    chosen = _of_all(labels, 5)
    assert labels[chosen].tolist() == ["kick", "kick", "snare", "tom", "tom"]
