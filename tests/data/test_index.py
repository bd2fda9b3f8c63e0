"""The index beside every shard: it says where records lie and which they are, and is never believed unchecked."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preprocess import drumkit
from tests.conftest import make
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.data.batches import Order
from wavegan.data.records import Records
from wavegan.data.schema import SPLITS, DatasetInfo, fingerprint, is_fingerprint_of
from wavegan.data.tfrecord import ENTRY, framed_records, index_path, load_index, save_index

OF_0_1 = Path(__file__).resolve().parents[1] / "data_of_0_1" / "drums"


@pytest.fixture
def data(drums, tmp_path):
    return Path(shutil.copytree(drums, tmp_path / "data"))


def shards(data, split="train"):
    return [data / file["name"] for file in DatasetInfo.load(data).splits[split]["files"]]


def swap(one, other):
    aside = one.with_suffix(".aside")
    for source, target in ((one, aside), (other, one), (aside, other)):
        os.rename(source, target)


def test_preprocess_writes_the_checksum_and_the_index_of_every_shard(drums):
    listed = [file for split in DatasetInfo.load(drums).splits.values() for file in split["files"]]
    assert len(listed) >= 4
    for file in listed:
        content = (drums / file["name"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        index = load_index(drums / file["name"], file["index_sha256"])
        frames = list(framed_records(content))
        assert index["offset"].tolist() == [start for start, _, _ in frames]
        assert index["crc"].tobytes() == b"".join(content[end - 4 : end] for _, end, _ in frames)
        assert index_path(drums / file["name"]).stat().st_size == 12 * file["clips"]


def test_records_are_the_same_with_and_without_an_index(drums):
    info = DatasetInfo.load(drums)
    indexed, walked = Records(drums, info), Records(drums, replace(info, format=2))
    np.testing.assert_array_equal(indexed.index, walked.index)
    every = np.arange(len(indexed))
    assert indexed.read(every).tolist() == walked.read(every).tolist()


def alike(data):
    """Two shards of train of one size and count, whose records differ. Returns their paths."""
    info = DatasetInfo.load(data)
    first, second = info.splits["train"]["files"][:2]
    content = bytearray((data / first["name"]).read_bytes())
    frames = list(framed_records(bytes(content)))
    order = [*frames[1:], frames[0]]
    rotated = b"".join(bytes(content[start:end]) for start, end, _ in order)
    path = data / second["name"]
    path.write_bytes(rotated)
    ends = np.cumsum([end - start for start, end, _ in order])
    crcs = [int.from_bytes(content[end - 4 : end], "little") for _, end, _ in order]
    index = np.array(list(zip([0, *ends[:-1].tolist()], crcs, strict=True)), ENTRY)
    second |= {"clips": first["clips"], "bytes": first["bytes"], "sha256": hashlib.sha256(rotated).hexdigest()}
    second["index_sha256"] = save_index(path, index)
    info.save(data)
    return data / first["name"], path


def test_two_shards_of_one_size_that_change_places_are_noticed_at_once(data):
    one, other = alike(data)
    before = Records(data, DatasetInfo.load(data))
    assert len(before.read(np.arange(len(before)))) == len(before)
    swap(one, other)
    text = f"{one} holds the records of {other.name}: files have changed places. Give them back their names"
    with pytest.raises(UserError) as caught:
        Records(data, DatasetInfo.load(data))
    assert str(caught.value).startswith(text)
    swap(index_path(one), index_path(other))
    with pytest.raises(UserError, match=rf"{index_path(one).name} is damaged: it differs from its checksum"):
        Records(data, DatasetInfo.load(data))


def test_records_that_change_places_inside_a_shard_are_noticed_when_they_are_read(data):
    """Both are whole: only the index knows which of them was where."""
    (shard, *_), content = shards(data), shards(data)[0].read_bytes()
    frames = list(framed_records(content))
    sizes = [end - start for start, end, _ in frames]
    a, b = next((i, j) for i in range(1, len(sizes)) for j in range(i + 1, len(sizes)) if sizes[i] == sizes[j])
    order = list(range(len(frames)))
    order[a], order[b] = b, a
    shard.write_bytes(b"".join(content[frames[i][0] : frames[i][1]] for i in order))
    records = Records(data, DatasetInfo.load(data))
    for number in (a, b):
        with pytest.raises(UserError, match=f"is damaged: record {number} differs from its checksum"):
            records.read([number])
    assert len(records.read([0, *range(len(sizes), len(records))])) > 1


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda path: path.unlink(), r"cannot be read \(No such file or directory\)"),
        (lambda path: path.write_bytes(b""), "is damaged: it differs from its checksum in dataset.json"),
        (lambda path: os.truncate(path, path.stat().st_size - 12), "is damaged: it differs from its checksum"),
        (lambda path: os.truncate(path, path.stat().st_size - 1), "is damaged: it differs from its checksum"),
        (lambda path: path.write_bytes(path.read_bytes()[::-1]), "is damaged: it differs from its checksum"),
        (lambda path: path.write_bytes(2 * path.read_bytes()), "is damaged: it differs from its checksum"),
    ],
)
def test_an_index_that_is_not_what_was_written_is_one_line(data, harm, complaint):
    path = index_path(shards(data)[1])
    harm(path)
    with pytest.raises(UserError, match=f"{path.name} {complaint}.*Make the data set again") as caught:
        Records(data, DatasetInfo.load(data))
    assert "\n" not in str(caught.value)


def shifted(index):
    index["offset"][1] += 1


def reversed_(index):
    index[:] = index[::-1].copy()


def beyond(index):
    index["offset"][-1] = 2**62


def before(index):
    index["offset"][0] = -5


def twice(index):
    index["offset"][2] = index["offset"][1]


def other_crc(index):
    index["crc"][1] ^= 1


def short(index):
    return index[:-1]


@pytest.mark.parametrize("lie", [shifted, reversed_, beyond, before, twice, other_crc, short])
def test_an_index_that_lies_with_good_checksums_gives_no_wrong_clip(data, lie):
    """Index and dataset.json agree, the shard does not: what is read is right, or an error that names a file."""
    info = DatasetInfo.load(data)
    shard, file = shards(data)[0], info.splits["train"]["files"][0]
    right = Records(data, info).read(np.arange(file["clips"])).tolist()
    index = load_index(shard, file["index_sha256"]).copy()
    changed = lie(index)
    file["index_sha256"] = save_index(shard, index if changed is None else changed)
    info.save(data)
    wrong = 0
    for number in range(file["clips"]):
        try:
            assert Records(data, DatasetInfo.load(data)).read([number]).tolist() == [right[number]]
        except UserError as problem:
            assert shard.stem in str(problem)
            wrong += 1
    assert wrong


# What a data set is


def test_the_fingerprint_is_of_the_contents(drums, data):
    """Neither what the data set is called, nor what was skipped, nor a later version's fields make it another one."""
    assert fingerprint(data) == fingerprint(drums) and len(fingerprint(data)) == 16
    info = DatasetInfo.load(data)
    replace(info, name="renamed", report={"kept": 0}, options={}).save(data)
    values = json.loads((data / "dataset.json").read_text()) | {"colour": "blue"}
    (data / "dataset.json").write_text(json.dumps(values | {"checksum": json_checksum(values)}))
    assert fingerprint(data) == fingerprint(drums)


def test_other_contents_have_another_fingerprint(drums, data):
    info, found = DatasetInfo.load(data), {fingerprint(drums)}
    files = info.splits["train"]["files"]
    changed = [{**files[0], "sha256": "0" * 64}, *files[1:]]
    for other in (
        replace(info, sample_rate=8000),
        replace(info, channels=2),
        replace(info, classes=[*info.classes, "zither"]),
        replace(info, splits={**info.splits, "train": {**info.splits["train"], "files": changed}}),
        replace(info, splits={**info.splits, "train": {**info.splits["train"], "files": files[::-1]}}),
    ):
        other.save(data)
        found.add(fingerprint(data))
    assert len(found) == 6


# Data sets of version 0.1


def test_a_data_set_of_version_0_1_is_read_as_it_was():
    """The hash is of what 0.1 read."""
    info = DatasetInfo.load(OF_0_1)
    assert info.format == 2 and [info.splits[split]["clips"] for split in SPLITS] == [65, 3, 4]
    records = Records(OF_0_1, info)
    assert len(records) == 65
    content = b"".join(records.read(Order(65, seed=7)(0, 1000)))
    assert hashlib.sha256(content).hexdigest()[:16] == "be164e53b51240d6"


KEPT = "c8b173b4412291a9"  # the fingerprint that a run of 0.1 on it kept


def test_a_data_set_of_version_0_1_keeps_its_fingerprint(drums):
    assert fingerprint(OF_0_1) == KEPT and is_fingerprint_of(KEPT, OF_0_1)
    assert not is_fingerprint_of(KEPT, drums)


def test_a_data_set_made_again_since_version_0_1_is_the_same_to_a_run(tmp_path, monkeypatch):
    for kind in ("kick", "snare", "tom"):
        (tmp_path / "hits" / kind).mkdir(parents=True)
        for index in range(24):
            audio = drumkit.render(kind, index, 4000)[:, None]
            write_wav(tmp_path / "hits" / kind / f"{index}.wav", audio, 4000)
    monkeypatch.chdir(tmp_path)
    make("hits", tmp_path / "drums", sample_rate=4000, slices="first", validation=5, test=5)
    for path in OF_0_1.glob("*.tfrecord"):
        assert (tmp_path / "drums" / path.name).read_bytes() == path.read_bytes()
    assert fingerprint(tmp_path / "drums") != KEPT and is_fingerprint_of(KEPT, tmp_path / "drums")
    replace(DatasetInfo.load(tmp_path / "drums"), classes=["kick", "snare", "tam"]).save(tmp_path / "drums")
    assert not is_fingerprint_of(KEPT, tmp_path / "drums")
