"""Scores of embeddings against those of the training clips: in which parts, cells, splits and units."""

import numpy as np
import pytest

from tests.evaluation.support import mean, normal, predictions
from wavegan.evaluation import scores
from wavegan.evaluation.judge.recordings import Real
from wavegan.evaluation.yardsticks import Yardstick, cells_of


@pytest.mark.parametrize(("clips", "cells"), [(6, 2), (60, 6), (499, 49), (500, 50), (5000, 50)])
def test_cells_are_50_from_500_clips_at_once_on_and_fewer_below(clips, cells):
    assert cells_of(clips) == cells


@pytest.mark.parametrize(("at_once", "cells"), [(60, 6), (500, 50)])
def test_kinds_of_sounds_are_counted_in_these_cells(at_once, cells):
    judge = Yardstick(Real(normal(600), None), (), at_once)
    assert judge.centres.shape == (cells, 4) and judge.counts.sum() == 600
    found = judge(normal(at_once, seed=1) + 1, None)
    counts = scores.cell_counts(judge.centres, judge.standard(normal(at_once, seed=1) + 1))
    assert mean(found, "ndb") == scores.different_bins(judge.counts, counts) > 0.2
    assert mean(found, "jsd") == scores.jensen_shannon_divergence(judge.counts, counts) > 0.05


def test_scores_do_not_depend_on_the_units_of_the_embeddings():
    train, clips = normal(300), normal(100, seed=1) + 0.5
    plain = Yardstick(Real(train, None), (), 100)(clips, None)
    other = Yardstick(Real(1000 * train + 70, None), (), 100)(1000 * clips + 70, None)
    assert {key: value["mean"] for key, value in other.items()} == pytest.approx(
        {key: value["mean"] for key, value in plain.items()}, rel=1e-6
    )


def test_recordings_are_a_reference_all_of_them_but_those_that_are_scored_themselves():
    train, scored = normal(300), np.arange(0, 300, 3)
    train[scored] += 30
    judge = Yardstick(Real(train, None), scored, 100)
    assert mean(judge(train[scored], None), "precision") == 0
    others = judge.standard(np.delete(train, scored, axis=0))
    expected = scores.frechet_distance(judge.standard(train[scored]), others)
    assert mean(judge(train[scored], None), "frechet_distance") == pytest.approx(expected)


def test_only_their_predictions_say_how_often_classes_come():
    scored = np.arange(0, 300, 3)
    labels = np.where(np.isin(np.arange(300), scored), 0, 1 + np.arange(300) // 150)
    judge = Yardstick(Real(normal(300), np.eye(3)[labels]), scored, 100)
    found = judge(normal(100, seed=1), np.eye(3)[1 + np.arange(100) // 50])
    assert mean(found, "am_score") == pytest.approx(0, abs=1e-9)
    found = judge(normal(100, seed=1), np.tile([0, 0.75, 0.25], (100, 1)))
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert mean(found, "am_score") == pytest.approx(entropy + 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))


def test_precision_and_recall_are_of_sets_of_one_size_drawn_from_all_recordings():
    """As many recordings as clips: coverage is that of equal sets. In the order of classes the first are of one."""
    train = normal(1000)
    train[500:] += 20
    clips = np.concatenate([normal(50, seed=1), normal(50, seed=2) + 20])
    found = Yardstick(Real(train, None), (), 100)(clips, None)
    assert mean(found, "coverage") == pytest.approx(1 - 2**-5, abs=0.04)
    assert mean(found, "precision") > 0.9 and mean(found, "recall") > 0.9
    half = Yardstick(Real(train, None), (), 100)(clips[:50].repeat(2, axis=0) + 0.01 * normal(100, seed=3), None)
    assert mean(half, "precision") > 0.9 and mean(half, "recall") < 0.6


def test_a_score_is_the_mean_of_its_parts_and_its_spread_theirs():
    judge = Yardstick(Real(normal(200), predictions(200)), (), 40)
    embeddings = normal(120, seed=1) + np.arange(120)[:, None] / 60
    probabilities = predictions(120, seed=1)
    parts = [judge(embeddings[first : first + 40], probabilities[first : first + 40]) for first in (0, 40, 80)]
    whole = judge(embeddings, probabilities)
    for key, found in whole.items():
        alone = [mean(part, key) for part in parts]
        assert found == pytest.approx({"mean": np.mean(alone), "spread": np.std(alone)}) and found["spread"] > 0, key
        assert parts[0][key]["spread"] is None, key
    longer = np.concatenate([embeddings, normal(39, seed=2) + 9]), np.concatenate([probabilities, predictions(39)])
    assert judge(*longer) == whole  # a part that is not full does not count


def test_the_spread_of_the_inception_score_is_over_its_splits_of_100():
    probabilities = predictions(400)
    found = Yardstick(Real(normal(200), predictions(200)), (), 200)(normal(400), probabilities)["inception_score"]
    splits = [probabilities[first : first + 200][split::2] for first in (0, 200) for split in (0, 1)]
    alone = [scores.inception_score(split, 1)[0] for split in splits]
    assert found == pytest.approx({"mean": np.mean(alone), "spread": np.std(alone)})
    one = Yardstick(Real(normal(200), predictions(200)), (), 200)(normal(200), probabilities[:200])
    assert one["inception_score"]["spread"] > 0 and one["am_score"]["spread"] is None
