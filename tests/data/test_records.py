"""Records are read as they were written or not at all, and batches come in an order that never changes."""

import os
import re

import numpy as np
import pytest
import tensorflow as tf

from preprocess.splits import SPLITS
from wavegan.base.errors import UserError
from wavegan.data.batches import clips, order, training_batches
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo, write_example


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
    assert audio.shape == (7, 2, info.length, 1) and audio.dtype == np.float32
    assert labels.shape == (7, 2)
    assert not np.array_equal(audio[:, 0], audio[:, 1])
    assert np.abs(audio).max() <= 1


def test_batches_from_the_middle_equal_those_of_the_whole(records, info):
    whole, rest = batches(records, info), batches(records, info, first=4)
    for (audio, labels), (same, same_labels) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(audio, same)
        np.testing.assert_array_equal(labels, same_labels)


def test_another_seed_is_another_order(records, info):
    assert not np.array_equal(batches(records, info)[0][1], batches(records, info, seed=6)[0][1])


def test_labels_stay_with_their_sounds(records, info):
    """adrianbarahona/conditional_wavegan_knocking_sounds names labels in one order and numbers them in another."""
    stored = clips(records, info, np.arange(len(records)))
    for source, label in zip(stored["source"], stored["label"], strict=True):
        assert source.decode().split("/")[0] == info.classes[label]
    by_sound = {audio.tobytes(): label for audio, label in zip(stored["audio"], stored["label"], strict=True)}
    for audio, labels in batches(records, info):
        for clip, label in zip(audio.reshape(-1, info.length, 1), labels.ravel(), strict=True):
            assert by_sound[clip.tobytes()] == label


def test_a_data_set_smaller_than_a_batch_still_makes_batches(records, info):
    """Too few clips for a batch: chrisdonahue/wavegan hangs (issue 55), lmnt-com/diffwave breaks."""
    audio, _ = batches(records, info, last=1, batch_size=3 * len(records), updates=1)[0]
    assert audio.shape[0] == 3 * len(records)
    assert len({clip.tobytes() for clip in audio}) == len({clip.tobytes() for clip in audio[: len(records)]})


def test_reading_agrees_with_tensorflows_own_reader(drums, info, records):
    names = [str(drums / listed["name"]) for listed in info.splits["train"]["files"]]
    expected = [record.numpy() for record in tf.data.TFRecordDataset(names)]
    assert records.read(np.arange(len(records))).tolist() == expected


SAMPLES = 256


def clip(number, samples=SAMPLES):
    return write_example(np.full(samples, number + 1, "<i2").tobytes(), 0, f"{number}.wav", 0)


def write_shards(folder, *shards, **listed):
    """A data set of clips of 256 samples with the given serialised records; `listed` changes what the first is said
    to have. Written by TensorFlow, an independent reference of the checksums. Returns its `DatasetInfo`.
    """
    files = []
    for number, payloads in enumerate(shards):
        path = folder / f"train-{number:05d}-of-{len(shards):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for payload in payloads:
                writer.write(payload)
        files.append({"name": path.name, "clips": len(payloads), "bytes": path.stat().st_size})
    files[0] |= listed
    split = {"files": files, "clips": sum(map(len, shards)), "hours": 0.1, "clips_per_class": {"one": 1}}
    DatasetInfo("x", 8000, SAMPLES, 1, ["one"], dict.fromkeys(SPLITS, split), {}, {}, {}, []).save(folder)
    return DatasetInfo.load(folder)


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


FRAMED = 12 + len(clip(0)) + 4  # bytes of a record and what surrounds it


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda shard: shard.unlink(), "cannot be read (No such file or directory)"),
        (lambda shard: shard.write_bytes(b""), f"has 0 bytes where dataset.json expects {2 * FRAMED}"),
        (lambda shard: os.truncate(shard, 2 * FRAMED - 9), f"has {2 * FRAMED - 9} bytes where dataset.json expects"),
        (lambda shard: shard.write_bytes(2 * shard.read_bytes()), f"has {4 * FRAMED} bytes where dataset.json expects"),
        (lambda shard: flip(shard, FRAMED + 2), "is damaged: the length of record 1 differs from its checksum"),
        (lambda shard: flip(shard, 100), "is damaged: record 0 differs from its checksum"),
        (lambda shard: shard.write_bytes(bytes(2 * FRAMED)), "is damaged: the length of record 0 differs"),
    ],
)
def test_a_damaged_shard_is_named_before_the_first_step(tmp_path, change, complaint):
    info = write_shards(tmp_path, [clip(0), clip(1)], [clip(2), clip(3)])
    shard = tmp_path / info.splits["train"]["files"][1]["name"]
    change(shard)
    with pytest.raises(UserError, match=f"{re.escape(f'{shard} {complaint}')}.*Make the data set again") as caught:
        Records(tmp_path, info)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("payloads", "listed", "complaint"),
    [
        ([clip(0), clip(1)], {"clips": 3}, "holds 2 clips where dataset.json expects 3"),
        ([clip(0), clip(1, 128)], {}, "record 1 is not a clip of 256 samples and 1 channels"),
        ([clip(0, 512), clip(1, 512)], {}, "its pcm has 1024 bytes where 512 are expected"),
        (
            [b"\xff" * 600],
            {},
            "record 0 is not a clip of 256 samples and 1 channels, as dataset.json expects: it cannot",
        ),
        ([clip(0), clip(1)], {"bytes": FRAMED + 9}, "has .* bytes where dataset.json expects"),
    ],
)
def test_records_that_are_no_clips_of_this_data_set_are_named_before_the_first_step(
    tmp_path, payloads, listed, complaint
):
    info = write_shards(tmp_path, payloads, **listed)
    with pytest.raises(UserError, match=rf"train-00000-of-00001\.tfrecord.*{complaint}.*Make the data set again"):
        Records(tmp_path, info)


def test_a_shard_cut_between_two_records_of_the_listed_size_is_named(tmp_path):
    """The list agrees with the size, so that the walk over the records has to find it."""
    info = write_shards(tmp_path, [clip(0), clip(1)], bytes=2 * FRAMED - 9)
    os.truncate(tmp_path / info.splits["train"]["files"][0]["name"], 2 * FRAMED - 9)
    with pytest.raises(UserError, match="ends in the middle of record 1"):
        Records(tmp_path, info)


def test_a_flipped_byte_is_named_with_its_record_and_the_others_stay_readable(tmp_path):
    info = write_shards(tmp_path, [clip(0), clip(1)], [clip(2), clip(3), clip(4)])
    shard = tmp_path / info.splits["train"]["files"][1]["name"]
    flip(shard, FRAMED + 300)
    records = Records(tmp_path, info)
    with pytest.raises(UserError, match=rf"{shard.name} is damaged: record 1 differs from its checksum"):
        records.read(np.array([0, 3]))
    assert records.read(np.array([4, 0])).tolist() == [clip(4), clip(0)]


def test_a_shard_that_shrinks_while_it_is_read_is_named(tmp_path):
    info = write_shards(tmp_path, [clip(0), clip(1)])
    records = Records(tmp_path, info)
    os.truncate(records.paths[0], FRAMED + 20)
    with pytest.raises(UserError, match=f"has {FRAMED + 20} bytes where dataset.json expects {2 * FRAMED}"):
        records.read(np.array([1]))


def test_a_data_set_replaced_while_it_is_read_goes_on_as_it_was(tmp_path):
    """--overwrite puts another folder in its place; records of both must not mix."""
    info = write_shards(tmp_path, [clip(0), clip(1)])
    records = Records(tmp_path, info)
    records.paths[0].unlink()
    write_shards(tmp_path, [clip(7), clip(8)])
    assert records.read(np.array([0, 1])).tolist() == [clip(0), clip(1)]


def one_step(records, info):
    with records.explained():
        batches(records, info, last=1, batch_size=len(records), updates=1)


def test_what_tensorflow_makes_of_a_flipped_byte_is_told_as_it_is(tmp_path):
    info = write_shards(tmp_path, [clip(0), clip(1)])
    flip(tmp_path / info.splits["train"]["files"][0]["name"], FRAMED + 300)
    records = Records(tmp_path, info)
    with pytest.raises(UserError, match="tfrecord is damaged: record 1 differs from its checksum"):
        one_step(records, info)


@pytest.mark.parametrize("stranger", [clip(2, 320), clip(2).replace(b"start", b"stars"), b"\xff" * 600])
def test_what_tensorflow_makes_of_a_strange_record_is_told_as_it_is(tmp_path, stranger):
    info = write_shards(tmp_path, [clip(0)], [clip(1), stranger])
    records = Records(tmp_path, info)
    complaint = r"train-00001-of-00002\.tfrecord: record 1 is not a clip of 256 samples"
    with pytest.raises(UserError, match=complaint):
        one_step(records, info)
    with pytest.raises(UserError, match=complaint):
        clips(records, info, [0, 1, 2])


def test_an_error_that_the_records_are_not_to_blame_for_stays_what_it_is(records):
    with pytest.raises(tf.errors.InvalidArgumentError), records.explained():
        tf.reshape(tf.zeros(3), [2])
