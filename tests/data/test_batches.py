"""Batches come in an order that never changes, from any step on."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest

from wavegan.data import batches
from wavegan.data.batches import EPOCHS_HELD, Order, clips, endless_batches, training_batches


def test_order_visits_every_clip_once_an_epoch_and_no_two_epochs_alike():
    row = Order(10, seed=0)(0, 30).reshape(3, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in row)
    assert len({tuple(epoch) for epoch in row}) == 3


def test_order_is_the_same_from_wherever_it_is_read():
    whole = Order(10, seed=3)(0, 95)
    assert whole.dtype == np.int64
    parts = [Order(10, seed=3)(first, count) for first, count in ((0, 37), (37, 0), (37, 58))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    again = Order(10, seed=3)  # that goes back, too
    for first in (60, 5, 0, 90, 33):
        np.testing.assert_array_equal(again(first, 5), whole[first : first + 5])
    assert not np.array_equal(Order(10, seed=4)(0, 95), whole)


def test_order_on_numpys_generator_is_pinned():
    """From numpy.random.default_rng((0, 0)).permutation(5): a run must go on in the same order with a later NumPy."""
    assert Order(5, seed=0)(0, 5).tolist() == np.random.default_rng((0, 0)).permutation(5).tolist() == GOLDEN


GOLDEN = [2, 4, 3, 0, 1]


def test_order_is_that_of_version_0_1():
    """Computed there: a run that was made by it goes on with the same clips."""
    row = Order(1000, seed=7)(123, 5000)
    assert hashlib.sha256(row.tobytes()).hexdigest()[:16] == "f217f14573bb4926"
    assert Order(1000, seed=7)(998, 5).tolist() == [425, 651, 513, 857, 583]  # from one epoch into the next


def test_order_draws_each_epoch_once_and_holds_two(monkeypatch):
    drawn = []
    original = batches._permutation
    monkeypatch.setattr(
        batches, "_permutation", lambda clips, seed, epoch: drawn.append(epoch) or original(clips, seed, epoch)
    )
    order = Order(100, seed=0)
    for step in range(30):
        order(10 * step, 10)
        assert len(order._drawn) <= EPOCHS_HELD
    assert drawn == [0, 1, 2] or drawn == [0, 1, 2, 3]  # the last one ahead


def test_threads_that_read_at_once_get_the_same_order():
    """tf.data asks for two steps at once; 8 threads and an eager interpreter ask for more."""
    order, expected = Order(50, seed=1), Order(50, seed=1)(0, 4000).reshape(-1, 20)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda step: order(20 * step, 20), range(200)))
    finally:
        sys.setswitchinterval(before)
    np.testing.assert_array_equal(found, expected)


def steps_of(records, info, first=0, last=6, seed=5, batch_size=7, updates=2):
    data = training_batches(records, info, batch_size, updates, seed, first, last)
    return [(step["audio"].numpy(), step["label"].numpy()) for step in data]


def test_a_step_holds_a_fresh_batch_for_every_critic_update(records, info):
    audio, labels = steps_of(records, info)[0]
    assert audio.shape == (7, 2, info.length, 1) and audio.dtype == np.float32
    assert labels.shape == (7, 2)
    assert not np.array_equal(audio[:, 0], audio[:, 1])
    assert np.abs(audio).max() <= 1


def test_batches_from_the_middle_equal_those_of_the_whole(records, info):
    whole, rest = steps_of(records, info), steps_of(records, info, first=4)
    for (audio, labels), (same, same_labels) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(audio, same)
        np.testing.assert_array_equal(labels, same_labels)


def test_processes_that_share_a_batch_read_its_rows_and_no_others(records, info, monkeypatch):
    whole, read = steps_of(records, info, batch_size=8), []
    original = type(records).read
    monkeypatch.setattr(type(records), "read", lambda self, chosen: read.append(len(chosen)) or original(self, chosen))
    for rows in ((0, 4), (4, 8)):
        part = training_batches(records, info, 8, 2, 5, 0, 6, rows=rows)
        for (audio, labels), step in zip(whole, part, strict=True):
            np.testing.assert_array_equal(step["audio"], audio[slice(*rows)])
            np.testing.assert_array_equal(step["label"], labels[slice(*rows)])
            assert step["progress"].shape == (4,)
    assert set(read) == {4 * 2}


def test_another_seed_is_another_order(records, info):
    assert not np.array_equal(steps_of(records, info)[0][1], steps_of(records, info, seed=6)[0][1])


def test_labels_stay_with_their_sounds(records, info):
    """adrianbarahona/conditional_wavegan_knocking_sounds names labels in one order and numbers them in another."""
    stored = clips(records, info, np.arange(len(records)))
    for source, label in zip(stored["source"], stored["label"], strict=True):
        assert source.decode().split("/")[0] == info.classes[label]
    by_sound = {audio.tobytes(): label for audio, label in zip(stored["audio"], stored["label"], strict=True)}
    for audio, labels in steps_of(records, info):
        for clip, label in zip(audio.reshape(-1, info.length, 1), labels.ravel(), strict=True):
            assert by_sound[clip.tobytes()] == label


def test_no_thread_tunes_what_is_fixed(records, info):
    """TensorFlow's sleeps up to a minute, and a training that is stopped waits for it without need."""
    assert training_batches(records, info, 4, 1, seed=0).options().autotune.enabled is False


def test_a_data_set_smaller_than_a_batch_still_makes_batches(records, info):
    """Too few clips for a batch: chrisdonahue/wavegan hangs (issue 55), lmnt-com/diffwave breaks."""
    audio, _ = steps_of(records, info, last=1, batch_size=3 * len(records), updates=1)[0]
    assert audio.shape[0] == 3 * len(records)
    assert len({clip.tobytes() for clip in audio}) == len({clip.tobytes() for clip in audio[: len(records)]})


@pytest.mark.parametrize("group", [1, 2])
def test_batches_without_tensorflow_are_those_of_the_pipeline(records, info, group):
    with_it = training_batches(records, info, 4, 3, seed=5, last_step=9, group=group).as_numpy_iterator()
    for expected, found in zip(with_it, endless_batches(records, info, 4, 3, seed=5, group=group), strict=False):
        assert found.keys() | {"progress"} == expected.keys()
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)
    later = next(endless_batches(records, info, 4, 3, seed=5, group=group, first_step=2))
    third = list(islice(endless_batches(records, info, 4, 3, seed=5, group=group), 3))[2]
    np.testing.assert_array_equal(later["audio"], third["audio"])
