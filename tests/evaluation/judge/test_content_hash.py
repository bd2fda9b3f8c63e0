"""Which recordings a judge was made of: known without reading them, and never confused."""

import copy
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import cache

OF_0_1 = Path(__file__).resolve().parents[2] / "data_of_0_1" / "drums"


def without_checksums(info):
    """The same data set as `info` is of, as if dataset.json did not know the contents of its shards."""
    splits = copy.deepcopy(info.splits)
    for file in files(splits):
        file.pop("sha256")
    return replace(info, splits=splits)


def files(splits):
    return [file for split in splits.values() for file in split["files"]]


def test_the_checksums_in_dataset_json_give_the_hash_that_the_files_would(drums, monkeypatch):
    info = DatasetInfo.load(drums)
    of_the_files = cache.content_hash(drums, without_checksums(info))
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("a shard was hashed"))
    assert cache.content_hash(drums, info) == of_the_files


def test_other_contents_of_any_file_have_another_hash(drums, monkeypatch):
    info, hashes = DatasetInfo.load(drums), set()
    for number in range(len(files(info.splits))):
        other = replace(info, splits=copy.deepcopy(info.splits))
        files(other.splits)[number]["sha256"] = "0" * 64
        hashes.add(cache.content_hash(drums, other))
    hashes.add(cache.content_hash(drums, info))
    monkeypatch.setattr(cache, "FORMAT", -1)
    hashes.add(cache.content_hash(drums, info))
    assert len(hashes) == len(files(info.splits)) + 2 > 4


def test_the_files_of_a_data_set_of_version_0_1_are_read_since_it_does_not_know_their_checksums(tmp_path, monkeypatch):
    """The hash as 0.1 computed it, for the format of its classifiers."""
    monkeypatch.setattr(cache, "FORMAT", 1)
    data = Path(shutil.copytree(OF_0_1, tmp_path / "drums"))
    info = DatasetInfo.load(data)
    assert cache.content_hash(data, info) == "ad0080a6a43b737f"
    shard = data / info.splits["test"]["files"][0]["name"]
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert cache.content_hash(data, info) != "ad0080a6a43b737f"
