import numpy as np
import pytest

from preprocess import UserError
from preprocess.records import DatasetInfo
from wavegan.dataset import Records, clips, order, training_batches


@pytest.fixture(scope="module")
def info(drums):
    return DatasetInfo.load(drums)


@pytest.fixture(scope="module")
def records(drums, info):
    return Records(drums, info)


def batches(records, info, first=0, last=6, seed=5, batch_size=7, updates=2):
    data = training_batches(records, info, batch_size, updates, seed, first, last)
    return [(step["audio"].numpy(), step["label"].numpy()) for step in data]


def test_order_visits_every_clip_once_an_epoch_and_no_two_epochs_alike():
    row = order(10, 0, 30, seed=0).reshape(3, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in row)
    assert len({tuple(epoch) for epoch in row}) == 3


def test_order_is_the_same_from_wherever_it_is_read():
    whole = order(10, 0, 95, seed=3)
    np.testing.assert_array_equal(np.concatenate([order(10, 0, 37, 3), order(10, 37, 58, 3)]), whole)
    assert not np.array_equal(order(10, 0, 95, seed=4), whole)


def test_order_on_numpys_generator_is_pinned():
    """From numpy.random.default_rng((0, 0)).permutation(5): a run must go on in the same order with a later NumPy."""
    assert order(5, 0, 5, seed=0).tolist() == np.random.default_rng((0, 0)).permutation(5).tolist() == GOLDEN


GOLDEN = [2, 4, 3, 0, 1]


def test_a_step_holds_a_fresh_batch_for_every_critic_update(records, info):
    audio, labels = batches(records, info)[0]
    assert audio.shape == (2, 7, info.length, 1) and audio.dtype == np.float32
    assert labels.shape == (2, 7)
    assert not np.array_equal(audio[0], audio[1])
    assert np.abs(audio).max() <= 1


def test_batches_from_the_middle_equal_those_of_the_whole(records, info):
    whole, rest = batches(records, info), batches(records, info, first=4)
    for (audio, labels), (same, same_labels) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(audio, same)
        np.testing.assert_array_equal(labels, same_labels)


def test_another_seed_is_another_order(records, info):
    assert not np.array_equal(batches(records, info)[0][1], batches(records, info, seed=6)[0][1])


def test_labels_stay_with_their_sounds(records, info):
    """KN names labels in one order and numbers them in another."""
    stored = clips(records, info, np.arange(len(records)))
    for source, label in zip(stored["source"], stored["label"], strict=True):
        assert source.decode().split("/")[0] == info.classes[label]
    by_sound = {audio.tobytes(): label for audio, label in zip(stored["audio"], stored["label"], strict=True)}
    for audio, labels in batches(records, info):
        for clip, label in zip(audio.reshape(-1, info.length, 1), labels.ravel(), strict=True):
            assert by_sound[clip.tobytes()] == label


def test_a_data_set_smaller_than_a_batch_still_makes_batches(records, info):
    """CD hangs, DW breaks where there are fewer clips than a batch needs."""
    audio, _ = batches(records, info, last=1, batch_size=3 * len(records), updates=1)[0]
    assert audio.shape[1] == 3 * len(records)
    assert len({clip.tobytes() for clip in audio[0]}) == len({clip.tobytes() for clip in audio[0][: len(records)]})


def test_reading_agrees_with_tensorflows_own_reader(drums, info, records):
    import tensorflow as tf

    names = [str(drums / listed["name"]) for listed in info.splits["train"]["files"]]
    expected = [record.numpy() for record in tf.data.TFRecordDataset(names)]
    assert records.read(np.arange(len(records))).tolist() == expected


def broken_copy(drums, folder, change):
    for path in drums.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    shard = sorted(folder.glob("train-*"))[0]
    change(shard)
    return shard


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda shard: shard.unlink(), "cannot be read"),
        (lambda shard: shard.write_bytes(b""), "holds 0 clips where dataset.json expects"),
        (lambda shard: shard.write_bytes(shard.read_bytes()[:-9]), "ends in the middle of record"),
        (lambda shard: shard.write_bytes(b"\xff" * 40), "ends in the middle of record 0"),
    ],
)
def test_a_damaged_shard_is_named(drums, tmp_path, change, complaint):
    shard = broken_copy(drums, tmp_path, change)
    with pytest.raises(UserError, match=complaint) as caught:
        Records(tmp_path, DatasetInfo.load(tmp_path))
    assert shard.name in str(caught.value)
