"""Records are read as they were written or not at all."""

import os
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import listed
from wavegan.base.errors import UserError
from wavegan.data.batches import clips, training_batches
from wavegan.data.records import Records
from wavegan.data.schema import SPLITS, DatasetInfo, write_example


def test_reading_agrees_with_tensorflows_own_reader(drums, info, records):
    names = [str(drums / file["name"]) for file in info.splits["train"]["files"]]
    expected = [record.numpy() for record in tf.data.TFRecordDataset(names)]
    assert records.read(np.arange(len(records))).tolist() == expected


SAMPLES = 256


def clip(number, samples=SAMPLES):
    return write_example(np.full(samples, number + 1, "<i2").tobytes(), 0, f"{number}.wav", 0)


@pytest.fixture(params=[2, 3], ids=["format 2", "format 3"])
def format(request):
    return request.param


def write_shards(folder, *shards, format=3, **changes):
    """A data set of clips of 256 samples with the given serialised records; `changes` are to what is said of the first
    shard. Written by TensorFlow, an independent reference of the checksums. Returns its `DatasetInfo`.
    """
    files = []
    for number, payloads in enumerate(shards):
        path = folder / f"train-{number:05d}-of-{len(shards):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for payload in payloads:
                writer.write(payload)
        files.append(listed(path, format))
    files[0] |= changes
    split = {"files": files, "clips": sum(map(len, shards)), "hours": 0.1, "clips_per_class": {"one": 1}}
    DatasetInfo("x", 8000, SAMPLES, 1, ["one"], dict.fromkeys(SPLITS, split), {}, {}, {}, [], format).save(folder)
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
        (lambda shard: flip(shard, 100), "is damaged: record 0 differs from its checksum"),
        (lambda shard: shard.write_bytes(bytes(2 * FRAMED)), "is damaged: "),
    ],
)
def test_a_damaged_shard_is_named_before_the_first_step(tmp_path, format, change, complaint):
    info = write_shards(tmp_path, [clip(0), clip(1)], [clip(2), clip(3)], format=format)
    shard = tmp_path / info.splits["train"]["files"][1]["name"]
    change(shard)
    with pytest.raises(UserError, match=f"{re.escape(f'{shard} {complaint}')}.*Make the data set again") as caught:
        Records(tmp_path, info)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("payloads", "changes", "complaint"),
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
    tmp_path, payloads, changes, complaint
):
    """Of format 2, where all records are walked over; format 3 begins with the first of every shard."""
    info = write_shards(tmp_path, payloads, format=2, **changes)
    with pytest.raises(UserError, match=rf"train-00000-of-00001\.tfrecord.*{complaint}.*Make the data set again"):
        Records(tmp_path, info)


def test_a_shard_cut_between_two_records_of_the_listed_size_is_named(tmp_path):
    """The list agrees with the size, so that the walk over the records has to find it."""
    info = write_shards(tmp_path, [clip(0), clip(1)], format=2, bytes=2 * FRAMED - 9)
    os.truncate(tmp_path / info.splits["train"]["files"][0]["name"], 2 * FRAMED - 9)
    with pytest.raises(UserError, match="ends in the middle of record 1"):
        Records(tmp_path, info)


def test_a_flipped_length_is_named_with_its_record(tmp_path, format):
    info = write_shards(tmp_path, [clip(0), clip(1)], format=format)
    flip(tmp_path / info.splits["train"]["files"][0]["name"], FRAMED + 2)
    text = "the length of record 1 differs" if format == 2 else "record 1 differs from its checksum"
    with pytest.raises(UserError, match=f"tfrecord is damaged: {text}.*Make the data set again"):
        Records(tmp_path, info).read([0, 1])


def test_every_byte_of_a_shard_is_checked_when_it_is_read(tmp_path):
    info = write_shards(tmp_path, [clip(0), clip(1)])
    records = Records(tmp_path, info)
    for position in range(FRAMED, 2 * FRAMED, 7):
        flip(records.paths[0], position)
        assert records.read([0]).tolist() == [clip(0)]
        with pytest.raises(UserError, match="record 1 differs from its checksum"):
            records.read([1])
        flip(records.paths[0], position)


def test_a_flipped_byte_is_named_with_its_record_and_the_others_stay_readable(tmp_path, format):
    info = write_shards(tmp_path, [clip(0), clip(1)], [clip(2), clip(3), clip(4)], format=format)
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
        next(iter(training_batches(records, info, len(records), updates=1, seed=5)))


def test_what_tensorflow_makes_of_a_flipped_byte_is_reported_as_it_is(tmp_path):
    info = write_shards(tmp_path, [clip(0), clip(1)])
    flip(tmp_path / info.splits["train"]["files"][0]["name"], FRAMED + 300)
    records = Records(tmp_path, info)
    with pytest.raises(UserError, match="tfrecord is damaged: record 1 differs from its checksum"):
        one_step(records, info)


@pytest.mark.parametrize("stranger", [clip(2, 320), clip(2).replace(b"start", b"stars"), b"\xff" * 600])
def test_what_tensorflow_makes_of_a_strange_record_is_reported_as_it_is(tmp_path, format, stranger):
    info = write_shards(tmp_path, [clip(0)], [clip(1), stranger], format=format)
    records = Records(tmp_path, info)
    complaint = r"train-00001-of-00002\.tfrecord: record 1 is not a clip of 256 samples"
    with pytest.raises(UserError, match=complaint):
        one_step(records, info)
    with pytest.raises(UserError, match=complaint):
        clips(records, info, [0, 1, 2])


def test_an_error_that_the_records_are_not_to_blame_for_stays_what_it_is(records):
    with pytest.raises(tf.errors.InvalidArgumentError), records.explained():
        tf.reshape(tf.zeros(3), [2])
