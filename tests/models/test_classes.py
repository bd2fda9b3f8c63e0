"""Class weights: as a person writes them, drawn as the recordings have them, and in words."""

import numpy as np
import pytest

from wavegan.base.errors import UserError
from wavegan.models import classes

NAMES = ("kick", "rim", "snare", "hi:hat", "a,b")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("kick", [1, 0, 0, 0, 0]),
        ("kick:0.7,snare:0.3", [0.7, 0, 0.3, 0, 0]),
        (" snare : 3 , kick : 1 ", [0.25, 0, 0.75, 0, 0]),
        ("kick,snare", [0.5, 0, 0.5, 0, 0]),
        ("hi:hat", [0, 0, 0, 1, 0]),
        ("hi:hat:2,kick:2", [0.5, 0, 0, 0.5, 0]),
        ("a,b", [0, 0, 0, 0, 1]),
    ],
)
def test_classes_are_read_as_a_person_writes_them(text, expected):
    np.testing.assert_allclose(classes.parsed(text, NAMES), expected, atol=1e-7)


@pytest.mark.parametrize(
    "text, words",
    [
        ("kik", "Received: kik. Did you mean kick?"),
        ("kick:0.7,tom:0.3", "Received: tom:0.3."),
        ("kick:0", "positive weight, such as kick:0.7. Received: kick:0."),
        ("kick:-1", "Received: kick:-1."),
        ("kick:much", "Received: kick:much."),
        ("kick:nan", "Received: kick:nan."),
    ],
)
def test_what_is_no_class_or_weight_is_named(text, words):
    with pytest.raises(UserError) as found:
        classes.parsed(text, NAMES)
    assert words in str(found.value) and "--class" in str(found.value)


def test_of_many_classes_twenty_are_listed():
    with pytest.raises(UserError, match="19 and 480 more. Received: x"):
        classes.parsed("x", [str(number) for number in range(500)])


def test_drawn_classes_have_the_shares_of_the_recordings_and_a_seed_draws_the_same():
    drawn = classes.drawn([900, 100, 0], 5000, seed=3)
    assert drawn.shape == (5000, 3) and (drawn.sum(1) == 1).all()
    np.testing.assert_allclose(drawn.mean(0), [0.9, 0.1, 0], atol=0.02)
    np.testing.assert_array_equal(classes.drawn([900, 100, 0], 7, seed=3), drawn[:7])
    assert not np.array_equal(classes.drawn([900, 100, 0], 5000, seed=4), drawn)


@pytest.mark.parametrize(
    "clips, expected",
    [
        ([5, 9], [0, 0, 0, 0, 1, 1, 1, 1]),
        ([5, 9, 7], [0, 0, 0, 1, 1, 1, 2, 2]),
        (8 * [1], range(8)),
        (12 * [1], range(12)),
        ([1, *(20 * [9])], range(1, 17)),  # those with the most clips
        ([4], 8 * [0]),
    ],
)
def test_previews_go_through_the_classes(clips, expected):
    assert list(classes.in_turn(clips, 8, 16).argmax(1)) == list(expected)


@pytest.mark.parametrize("text", ["kick", "kick:0.7,snare:0.3", "hi:hat", "a,b"])
def test_words_and_weights_go_both_ways(text):
    assert classes.in_words(classes.parsed(text, NAMES), NAMES) == text
