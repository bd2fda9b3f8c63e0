"""Records: what is written is what is read, and dataset.json says clearly when it is not one."""

import json
import os
from contextlib import suppress

import numpy as np
import pytest

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.base.quiet import import_tensorflow
from wavegan.data.example import decoded
from wavegan.data.schema import SPLITS, DatasetInfo, complaint, parse_examples, read_examples, read_label, write_example


def file(**changes):
    """What dataset.json says of a shard."""
    hashes = {"sha256": "0123456789abcdef" * 4, "index_sha256": "f" * 64}
    return {"name": "train-00000-of-00001.tfrecord", "clips": 2, "bytes": 300, **hashes} | changes


def info(**changes):
    split = {"files": [], "clips": 0, "hours": 0.0, "clips_per_class": {"one": 0, "zwei ü": 0}}
    values = {
        "name": "numbers",
        "sample_rate": 8000,
        "length": 8192,
        "channels": 1,
        "classes": ["one", "zwei ü"],
        "splits": {"train": train(), "validation": split, "test": split},
        "loudness": {"peak": {"linear": 0.5, "dbfs": -6.02}},
        "report": {"found": 2, "skipped": []},
        "options": {"slices": "all"},
        "sources": [{"source": "numbers", "kind": "folder", "files": 2}],
    }
    return DatasetInfo(**(values | changes))


def train(**changes):
    return {"files": [file(**changes)], "clips": 2, "hours": 0.25, "clips_per_class": {"one": 2, "zwei ü": 0}}


@pytest.mark.parametrize("channels", [1, 2])
def test_a_clip_reads_back_as_it_was_written(channels):
    pcm = np.random.default_rng(0).integers(-32768, 32768, (3, 256, channels), dtype=np.int16)
    odd = b"w\xc3\xb6rter/\xff odd.wav".decode("utf-8", "surrogateescape")
    names = ["a.wav", "zero/b c.wav", odd]
    written = [write_example(pcm[i].tobytes(), i, name, 256 * i) for i, name in enumerate(names)]
    batch = parse_examples(import_tensorflow().constant(written), 256, channels)
    np.testing.assert_array_equal(batch["audio"], pcm.astype(np.float32) / 32768)
    assert batch["audio"].shape == (3, 256, channels)
    assert batch["label"].numpy().tolist() == [0, 1, 2]
    assert batch["start"].numpy().tolist() == [0, 256, 512]
    assert [os.fsdecode(source) for source in batch["source"].numpy()] == names


def test_records_are_read_alike_with_and_without_tensorflow():
    tf, random = import_tensorflow(), np.random.default_rng(1)
    records = [
        example(pcm=random.bytes(1024), label=[number], source=b"w\xff.wav", start=[2**40 * number])
        for number in range(5)
    ]
    expected, read = parse_examples(tf.constant(records), 256, 2), read_examples(records, 256, 2)
    for name, values in expected.items():
        np.testing.assert_array_equal(read[name], values.numpy(), strict=name != "source")
    assert [read_label(record) for record in records] == [0, 1, 2, 3, 4]


def test_every_feature_of_bytes_and_whole_numbers_is_decoded():
    given = {"a": [0, -1, 2**62, -(2**63)], "b": b"", "c": [], "größe": b"\x00\xff" * 70_000}
    assert decoded(example(**given)) == {**given, "b": [b""], "größe": [given["größe"]]}


def test_bytes_that_are_no_example_are_refused_and_nothing_else_happens():
    whole, random = example(**GOOD), np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(whole[: random.integers(1, len(whole) + 1)])
        damaged[random.integers(len(damaged))] = random.integers(256)
        with suppress(ValueError):  # a subclass where a name is no text
            decoded(bytes(damaged))


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**62])
@pytest.mark.parametrize("size", [0, 1, 127, 128, 40_000])
def test_a_record_has_the_bytes_that_tensorflow_gives_it(number, size):
    """Protocol buffers keep maps in an order that differs from process to process, unless asked for the sorted one."""
    pcm, source = np.random.default_rng(size).bytes(size), "größe/" + size % 200 * "x"
    example = import_tensorflow().train.Example()
    features = example.features.feature
    features["pcm"].bytes_list.value.append(pcm)
    features["label"].int64_list.value.append(number)
    features["source"].bytes_list.value.append(source.encode())
    features["start"].int64_list.value.append(number // 3)
    assert write_example(pcm, number, source, number // 3) == example.SerializeToString(deterministic=True)


def test_dataset_json_reads_back_as_it_was_written(tmp_path):
    info().save(tmp_path)
    assert DatasetInfo.load(tmp_path) == info()


def test_dataset_json_is_for_people_too(tmp_path):
    info().save(tmp_path)
    text = (tmp_path / "dataset.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "format": 3,\n  "name": "numbers",') and "zwei ü" in text


def test_format_2_is_read_as_it_was(tmp_path):
    """Without checksums of shards, and saved as what it is."""
    files = [{"name": "train-00000-of-00001.tfrecord", "clips": 2, "bytes": 300}]
    older = info(format=2, splits={**info().splits, "train": {**train(), "files": files}})
    older.save(tmp_path)
    assert DatasetInfo.load(tmp_path) == older


def test_a_later_version_may_add_fields(tmp_path):
    info().save(tmp_path)
    values = json.loads((tmp_path / "dataset.json").read_text())
    values["colour"] = "blue"
    values["checksum"] = json_checksum(values)
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    assert DatasetInfo.load(tmp_path) == info()


def test_a_directory_without_dataset_json_is_no_data_set(tmp_path):
    with pytest.raises(UserError, match=r"no data set in .*expected .*dataset\.json"):
        DatasetInfo.load(tmp_path)
    with pytest.raises(UserError, match="no data set in"):
        DatasetInfo.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "no valid JSON"),
        (b"", "no valid JSON"),
        (b'{"format": 1', "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b"[1, 2]", "must hold an object. Received: a list"),
        (b"{}", "format must be 2 or 3. Received: null"),
    ],
)
def test_a_broken_dataset_json_is_named(tmp_path, content, message):
    (tmp_path / "dataset.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "format must be 2 or 3. Received: 1"),
        ({"format": 4}, "format must be 2 or 3. Received: 4"),
        ({"sample_rate": "8000"}, "sample_rate must be a whole number. Received: a text"),
        ({"sample_rate": True}, "sample_rate must be a whole number. Received: true"),
        ({"length": 0}, "length must be 1 or more. Received: 0"),
        ({"classes": []}, "classes must be a list of names"),
        ({"classes": [1]}, "classes must be a list of names"),
        ({"splits": {}}, "splits.train is missing"),
        ({"splits": {"train": {}}}, "splits.train.files is missing"),
        (
            {"splits": {"train": {"files": ["x"], "clips": 1, "hours": 1, "clips_per_class": {}}}},
            "objects with name, clips, bytes, sha256, index_sha256. Received: .x",
        ),
        ({"splits": {"train": train(sha256=None)}}, "objects with name, clips, bytes, sha256, index_sha256"),
        ({"splits": {"train": train(sha256="0" * 63)}}, "must have checksums of 64 hex digits. Received: .*00"),
        ({"splits": {"train": train(index_sha256="G" * 64)}}, "must have checksums of 64 hex digits. Received: .*GG"),
        ({"splits": {"train": train(clips=0)}}, "must have 1 clip or more"),
        ({"splits": {"train": train(clips=True)}}, "objects with name, clips, bytes, sha256, index_sha256"),
        ({"format": 2, "splits": {"train": train(bytes="9")}}, "objects with name, clips, bytes. Received"),
    ],
)
def test_what_is_wrong_in_dataset_json_is_named(tmp_path, change, message):
    info().save(tmp_path)
    values = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(values | change))
    with pytest.raises(UserError, match=f"dataset.json.*{message}.*again"):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("sample_rate", 8001), ("classes", ["one"]), ("colour", "blue")])
def test_a_dataset_json_edited_by_hand_is_reported_as_such(tmp_path, name, value):
    """Each of these is a valid value of its kind: nothing but the checksum can tell."""
    info().save(tmp_path)
    values = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(values | {name: value}))
    with pytest.raises(UserError, match=r"dataset\.json was edited by hand.*Restore it, or make the data set again"):
        DatasetInfo.load(tmp_path)


def test_the_layout_of_dataset_json_is_no_edit(tmp_path):
    info().save(tmp_path)
    values = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(dict(reversed(values.items()))))
    assert DatasetInfo.load(tmp_path) == info()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", ".", "", "a/b", "a\0b", "x" * 5000])
def test_the_name_of_a_data_set_is_that_of_a_folder(tmp_path, name):
    info(name=name).save(tmp_path)
    with pytest.raises(
        UserError, match="dataset.json: name must be that of a folder, without others.*Received: "
    ) as error:
        DatasetInfo.load(tmp_path)
    assert len(str(error.value)) < 400 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["../other.tfrecord", "/etc/passwd", "a/b", "..", "", ".hidden", "a\0b", "c:d", "CON", "nul.tfrecord"]
)
def test_a_shard_lies_beside_dataset_json(tmp_path, name):
    info(splits=dict.fromkeys(SPLITS, train(name=name))).save(tmp_path)
    with pytest.raises(UserError, match=r"splits\.train\.files must be names of files beside dataset\.json"):
        DatasetInfo.load(tmp_path)


def example(**features):
    """A serialised record with any features: bytes or lists of whole numbers."""
    tf = import_tensorflow()
    made = tf.train.Example()
    for name, value in features.items():
        if isinstance(value, bytes):
            made.features.feature[name].bytes_list.value.append(value)
        else:
            made.features.feature[name].int64_list.value.extend(value)
    return made.SerializeToString()


GOOD = {"pcm": bytes(512), "label": [0], "source": b"a.wav", "start": [0]}


def test_a_clip_gives_no_complaint():
    assert complaint(write_example(bytes(512), 3, "a/b.wav", 7), 256, 1) is None
    assert complaint(example(**GOOD), 128, 2) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pcm": bytes(510)}, "its pcm has 510 bytes where 512 are expected"),
        ({"pcm": bytes(1024)}, "its pcm has 1024 bytes where 512 are expected"),
        ({"pcm": [1]}, "its pcm is no single value of type bytes"),
        ({"label": b"kick"}, "its label is no single value of type int64"),
        ({"start": [0, 1]}, "its start is no single value of type int64"),
        ({"start": []}, "its start is no single value of type int64"),
    ],
)
def test_a_record_of_another_schema_is_reported_in_words(change, message):
    assert complaint(example(**GOOD | change), 256, 1) == message


@pytest.mark.parametrize("name", GOOD)
def test_a_record_without_a_feature_is_reported_in_words(name):
    without = {other: value for other, value in GOOD.items() if other != name}
    assert complaint(example(**without), 256, 1) == f"it has no {name}"


def test_bytes_that_are_no_record_are_reported_in_words():
    assert complaint(b"\xff" * 600, 256, 1).startswith("it cannot be parsed")


def test_two_clips_of_half_the_length_are_not_one():
    tf = import_tensorflow()
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_examples([example(**GOOD)] * 2, 512, 1)


@pytest.mark.parametrize("name", ["name", "sample_rate", "classes", "splits", "report"])
def test_what_is_missing_in_dataset_json_is_named(tmp_path, name):
    info().save(tmp_path)
    values = json.loads((tmp_path / "dataset.json").read_text())
    del values[name]
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=f"{name} is missing"):
        DatasetInfo.load(tmp_path)
