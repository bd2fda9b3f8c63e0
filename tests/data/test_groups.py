"""Clips of one class beside each other: which ones come, how often, and with which share of the run done."""

import numpy as np
import pytest

from tests.conftest import make
from wavegan.data.batches import Groups, Order, clips, rms_of, training_batches
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo

LABELS = np.array([0] * 9 + [1] * 4 + [2] * 3)


@pytest.fixture
def little(words, tmp_path):
    """The records of a small data set of three classes, and what describes it."""
    make(words, tmp_path / "data")
    info = DatasetInfo.load(tmp_path / "data")
    return Records(tmp_path / "data", info), info


def test_every_group_is_of_one_class_and_every_clip_comes_in_every_epoch():
    groups = Groups(LABELS, 4)
    assert len(groups) == 12 + 4 + 4  # what does not come out even is filled up
    for epoch in range(3):
        row = groups(7, epoch)
        assert (LABELS[row].reshape(-1, 4) == LABELS[row].reshape(-1, 4)[:, :1]).all()
        counts = np.bincount(row, minlength=len(LABELS))
        assert set(counts) == {1, 2} and counts[9:13].tolist() == [1, 1, 1, 1]
    assert not np.array_equal(groups(7, 0), groups(7, 1)) and not np.array_equal(groups(7, 0), groups(8, 0))


def test_groups_change_their_members_from_epoch_to_epoch():
    groups = Groups(np.zeros(40, int), 4)
    first, second = ({tuple(sorted(group)) for group in groups(0, epoch).reshape(-1, 4)} for epoch in (0, 1))
    assert len(first & second) < 3


def test_a_class_of_one_clip_is_a_group_of_it():
    row = Groups(np.array([0, 1, 1, 1, 1]), 4)(0, 0)
    assert sorted(map(tuple, row.reshape(-1, 4)))[0] == (0, 0, 0, 0)


def test_the_order_in_groups_is_the_same_from_wherever_it_is_read():
    whole = Order(len(LABELS), 3, Groups(LABELS, 4))(0, 95)
    again = Order(len(LABELS), 3, Groups(LABELS, 4))
    for first in (60, 5, 0, 90, 33):
        np.testing.assert_array_equal(again(first, 5), whole[first : first + 5])


def test_labels_and_loudness_are_those_of_the_clips(little):
    records, info = little
    found = clips(records, info, np.arange(len(records)))
    np.testing.assert_array_equal(records.labels, found["label"])
    assert records.labels is records.labels  # read once
    assert rms_of(records, info) == pytest.approx(np.sqrt(np.mean(found["audio"].astype("float64") ** 2)), rel=1e-6)


def test_a_batch_holds_its_groups_one_after_the_other_in_every_update(little):
    records, info = little
    steps = list(training_batches(records, info, 8, 2, seed=0, last_step=4, group=4))
    for number, step in enumerate(steps):
        labels = step["label"].numpy()  # [batch, updates]
        assert labels.shape == (8, 2)
        assert (labels.reshape(2, 4, 2) == labels.reshape(2, 4, 2)[:, :1]).all()
        np.testing.assert_allclose(step["progress"], np.full(8, number / 4), atol=1e-7)
    later = next(iter(training_batches(records, info, 8, 2, seed=0, first_step=2, last_step=4, group=4)))
    np.testing.assert_array_equal(later["audio"], steps[2]["audio"])


def test_an_endless_training_makes_no_progress(little):
    step = next(iter(training_batches(*little, 4, 1, seed=0, first_step=1000)))
    assert not step["progress"].numpy().any()
