"""What the scores mean, in words."""

import numpy as np
import pytest

from tests.evaluation.support import LENGTH, recordings
from wavegan.evaluation.answers import answers
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN

ADVICE = "start another run with fewer dragons."


def score(key, generated, test=1.0, train=1.0, noise=1.0):
    values = {GENERATED: generated, TEST: test, TRAIN: train, NOISE: noise}
    return {"key": key, "values": {name: {"mean": mean} for name, mean in values.items() if mean is not None}}


def report(
    distance=30.0,
    test=1.0,
    noise=80.0,
    alike=0.9,
    twins=0.02,
    recall=0.9,
    shares=(0.5, 0.3, 0.2),
    steps=(50.0,),
    best=100,
    right=0.9,
):
    """A report of checkpoints every 100 steps, with these Fréchet distances."""
    histogram = {GENERATED: dict(zip("abc", shares or (), strict=False)), TRAIN: {"a": 0.5, "b": 0.3, "c": 0.2}}
    return {
        "step": best,
        "clips": 200,
        "embedding": {"test_accuracy": right},
        "scores": [
            score("frechet_distance", distance, test, 2.0, noise),
            score("embedding_self", alike),
            score("twins", twins, None if test is None else 0.01, 0.03, 0.9),
            score("recall", recall, None if test is None else 0.98, 0.97, 0.0),
        ],
        "histogram": histogram if shares else {},
        "memorised": {"verdict": "No sign of memorising."},
        "checkpoints": [
            {"step": 100 * (n + 1), "scores": {"frechet_distance": {"mean": mean}}} for n, mean in enumerate(steps)
        ],
        "others": [],
        "best_step": best,
    }


def answer(number, **facts):
    return answers(report(**facts), "runs/x", ADVICE)[number]["answer"]


def test_a_classifier_that_is_often_wrong_says_so_in_every_answer_that_stands_on_it():
    care = "With care, for the classifier is right about 67% of held-out clips only: "
    usual, weak = (answers(report(right=right), "runs/x", ADVICE) for right in (0.8, 0.67))
    for number, (before, after) in enumerate(zip(usual, weak, strict=True)):
        assert after["answer"] == ("" if number == 2 else care) + before["answer"], before["question"]
    assert answers(report(right=None), "runs/x", ADVICE) == usual  # never tried, or a projection


def test_five_questions_are_answered():
    found = answers(report(), "runs/x", ADVICE)
    assert [each["question"] for each in found] == [
        "Is it any good yet?", "Is it collapsing?", "Did it memorise?", "When to stop?", "Which checkpoint is best?",
    ]  # fmt: skip
    assert found[2]["answer"] == "No sign of memorising."
    assert all(each["answer"].endswith(".") for each in found)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"distance": 80.0}, "No: by FD it is hardly nearer to the recordings (80) than white noise (80)."),
        ({"distance": 95.0}, "No: by FD it is farther from the recordings (95) than white noise (80)."),
        ({"distance": 49.0}, "No: by FD it is hardly nearer"),
        ({"distance": 48.0}, "On its way: 25% of the way from white noise to test data, by the square root of FD, "
         "which is 48 (of white noise 80, of test data 1)."),
        ({"distance": 8.0}, "On its way: 77% of the way"),
        ({"distance": 3.2}, "Near the recordings, so ears decide: 90% of the way"),
        ({"distance": 4.0, "test": None}, "Near the recordings, so ears decide: 92% of the way from white noise to "
         "train data"),
        ({"noise": 0.9}, "Unknown: by FD, white noise is as near"),
    ],
)  # fmt: skip
def test_how_good_it_is_lies_between_white_noise_and_recordings(facts, words):
    assert answer(0, **facts).startswith(words)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "No: the sounds differ from each other about as recordings do (self-distance 0.9, of recordings 1)."),
        ({"alike": 0.02}, "Yes: the sounds are all the same (self-distance 0.02"),
        ({"alike": 0.44, "shares": (1, 0, 0)}, "Yes: the sounds are much more alike than recordings are (self-"),
        ({"shares": (0.75, 0.04, 0.21)}, "In part: there are none, or hardly any, of the classes b. Early"),
        ({"shares": (1.0, 0.0, 0.0)}, "Yes: there are none, or hardly any, of the classes b, c. Early"),
        ({"shares": (0.7, 0.1, 0.2)}, "No: "),
        ({"twins": 0.12}, "In part: 12% of the sounds are nearly the same as another one (of test data 1%). Early"),
        ({"twins": 0.1}, "No: "),
        ({"twins": 0.12, "test": None}, "No: "),  # of train data 3 %
        ({"twins": 0.6}, "Yes: 60% of the sounds are nearly the same as another one"),
        ({"twins": 0.3, "shares": (0.75, 0.04, 0.21)}, "In part: 30% of the sounds are nearly the same as another one "
         "(of test data 1%), and there are none, or hardly any, of the classes b. Early"),
        ({"shares": None}, "No: the sounds differ"),
        ({"recall": 0.08}, "No: the sounds differ from each other about as recordings do (self-distance 0.9, of "
         "recordings 1), but much of what the recordings have is still missing (recall 0.08, of test data 0.98)."),
        ({"recall": 0.04}, "Perhaps: hardly anything of what the recordings have is there (recall 0.04, of test data "
         "0.98; self-distance 0.9, of recordings 1). Early, that is usual: train on."),
        ({"recall": 0.5}, "No: the sounds differ from each other about as recordings do (self-distance 0.9, of "
         "recordings 1)."),
        ({"recall": 0.08, "test": None}, "No: the sounds differ from each other about as recordings do (self-distance "
         "0.9, of recordings 1), but much of what the recordings have is still missing (recall 0.08, of train data "
         "0.97)."),
    ],
)  # fmt: skip
def test_collapse_is_sameness_or_classes_that_are_missing(facts, words):
    assert answer(1, **facts).startswith(words)


def test_what_to_do_about_a_collapse_depends_on_what_came_later():
    early, late = "Early, that is usual", "What came later is no better"
    for steps, judged, words in (
        ((50.0, 40.0), 200, early),
        ((40.0, 50.0), 100, early),  # too soon to stop
        ((40.0, 50.0, 50.0, 50.0), 100, late),
        ((50.0, 40.0, 50.0, 50.0, 50.0), 100, early),
    ):
        assert words in answer(1, twins=0.6, steps=steps, best=judged), (steps, judged)
    assert "This is about step 100, as the next two are." in answer(0, steps=(40.0, 50.0), best=100)


def test_a_class_is_called_missing_only_where_some_clips_of_it_were_to_be_expected():
    few = report(shares=(0.7, 0.3, 0.0)) | {"clips": 49}  # 9.8 of the third one
    assert answers(few, "x", ADVICE)[1]["answer"].startswith("No: ")
    assert "classes c" in answers(few | {"clips": 50}, "x", ADVICE)[1]["answer"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((50.0, 40.0), "For an answer, 3 checkpoints or more must be scored: "),
        ((50.0, 40.0, 30.0), "Not yet: of 3 that were scored, the newest checkpoint is the best by FD."),
        ((50.0, 30.0, 40.0), "Perhaps soon: what came after step 200 is no better by FD."),
        ((50.0, 30.0, 40.0, 31.0), "Perhaps soon: "),
        ((60.0,) * 12 + (30.0, 31.0, 32.0, 33.0), "Perhaps soon: "),  # 300 steps after 1,300
        ((50.0, 30.0, 40.0, 31.0, 32.0), "Now, or change something: 3 checkpoints after step 200 are no better by FD."),
    ],
)
def test_it_is_time_to_stop_when_three_checkpoints_are_no_better(steps, words):
    assert answer(3, steps=steps).startswith(words)


def test_scores_of_the_training_count_where_these_are_few():
    others = [
        {"step": step, "method": "x", "scores": {"frechet_distance": {"mean": mean}}}
        for step, mean in ((300, 40.0), (100, 60.0), (200, 50.0))
    ]
    few = report() | {"others": [*others, {**others[0], "method": "y"}], "best_step": 300}
    assert answers(few, "x", ADVICE)[3]["answer"].startswith("Not yet: of 3 that were scored, the newest")
    assert answers(few, "x", ADVICE)[4]["answer"].startswith("That of step 300, by FD: ")
    many = report(steps=(50.0, 30.0, 40.0)) | {"others": others}
    assert answers(many, "x", ADVICE)[3]["answer"].startswith("Perhaps soon: what came after step 200")


def test_the_best_checkpoint_is_named_with_the_command_that_takes_it():
    assert answer(4) == "One was scored, that of step 100: score the others, too."
    text = answer(4, steps=(50.0, 40.0), best=1200)
    assert text.startswith("That of step 1,200, by FD: ") and text.endswith("--run runs/x --checkpoint best")


def answered(evaluation, audio):
    """What is said of `audio`: whether it is any good, whether it collapses."""
    found = {GENERATED: evaluation.measure(evaluation.features(audio.astype("float32"))), **evaluation.references}
    report = {
        "scores": [{"key": key, "values": {name: each[key] for name, each in found.items()}} for key in found[TEST]],
        **{
            "embedding": {"test_accuracy": evaluation.embedding.test_accuracy},
            "histogram": {},
            "memorised": {"verdict": ""},
            "checkpoints": [{"step": 1, "scores": found[GENERATED]}],
            "others": [],
            "best_step": None,
            "step": 1,
        },
    }
    return [each["answer"] for each in answers(report, "x", ADVICE)[:2]]


def test_neither_silence_nor_noise_nor_hiss_misleads(kit, evaluation):
    random, found = np.random.default_rng(0), recordings(kit, "test")["audio"]
    noise = random.standard_normal((evaluation.n, LENGTH, 1))
    for hiss in (0.0, 0.003, 0.01):
        three = np.repeat(found[::20][:3], -(-evaluation.n // 3), axis=0)[: evaluation.n] + hiss * noise
        assert answered(evaluation, three)[1].startswith(("Yes: ", "In part: ", "Perhaps: hardly")), hiss
    for share, words in ((0.3, "In part: "), (0.7, "Yes: ")):
        some = np.arange(evaluation.n) < share * evaluation.n
        for other in (0.0, found[0]):  # silence, or one sound, beside good ones
            mixed = np.where(some[:, None, None], other, found[np.arange(evaluation.n) % len(found)])
            assert answered(evaluation, mixed)[1].startswith(words), (share, other)
    for good, collapsing in (answered(evaluation, 0 * noise), answered(evaluation, 0.3 * noise)):
        assert good.startswith("No: ") and collapsing.startswith(("Yes: ", "In part: ", "Perhaps: "))
    good, collapsing = answered(evaluation, recordings(kit)["audio"][: evaluation.n])
    assert good.startswith("Near the recordings") and collapsing.startswith("No: ")
