"""From sources to a data set: every file accounted for, the same bytes every time."""

import json
import os
import tarfile

import numpy as np
import pytest
import soundfile

from preprocess import drumkit, shards, workers
from preprocess.convert import prepare
from preprocess.options import DIGITS, Options
from tests.conftest import RATE, make
from wavegan.base.errors import UserError
from wavegan.base.quiet import import_tensorflow
from wavegan.data.schema import SPLITS, DatasetInfo, parse_examples


def clips(out, split="train"):
    """All clips of a split in the order of the files: dictionaries with audio, label, source and start."""
    tf = import_tensorflow()
    info = DatasetInfo.load(out)
    names = [str(out / file["name"]) for file in info.splits[split]["files"]]
    records = [record.numpy() for record in tf.data.TFRecordDataset(names)]
    if not records:
        return []
    batch = {name: value.numpy() for name, value in parse_examples(records, info.length, info.channels).items()}
    return [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]


def all_clips(out):
    return [clip for split in SPLITS for clip in clips(out, split)]


def skipped(info):
    return {file["path"]: file["reason"] for file in info.report["skipped"]}


def files_of(out, split):
    return {os.fsdecode(clip["source"]) for clip in clips(out, split)}


def with_indexes(shards):
    return sorted([*shards, *(name.replace(".tfrecord", ".index") for name in shards)])


# Every file and every sample


def test_every_sample_of_every_file_is_in_the_data_set_once(words, tmp_path):
    """mostafaelaraby/wavegan-pytorch samples the first half of a file; acids-ircam/RAVE drops tails and short files."""
    info = make(words, tmp_path / "out")
    per_file = {}
    for clip in sorted(all_clips(tmp_path / "out"), key=lambda clip: clip["start"]):
        per_file.setdefault(os.fsdecode(clip["source"]), []).append(clip["audio"][:, 0])
    assert len(per_file) == 30
    for name, audio in per_file.items():
        expected, _ = soundfile.read(words / name, dtype="float32")
        audio = np.concatenate(audio)
        kept = min(len(audio), len(expected))
        np.testing.assert_array_equal(audio[:kept], expected[:kept])
        assert not audio[kept:].any() and len(expected) - kept < 64
    tails = [(200 + 80 * index) % 256 for index in range(1, 10)]
    assert info.report["dropped_tails"] == info.report["cut"] == 3 * sum(0 < tail < 64 for tail in tails) > 0


def test_found_is_kept_and_skipped_and_every_skipped_file_is_named(words, tmp_path, record):
    """chrisdonahue/wavegan issues 4 and 9: nothing says what became of the files. Harmonai-org/sample-generator retries
    bad ones for ever.
    """
    (words / "zero" / "text.wav").write_text("not a sound")
    (words / "one" / "empty.wav").touch()
    record(words / "two" / "nan.wav", np.full(500, np.nan), subtype="FLOAT")
    record(words / "two" / "none.wav", np.zeros(0))
    record(words / "two" / "silent.wav", np.zeros(500))
    (words / "notes.txt").write_text("x")
    info = make(words, tmp_path / "out")
    assert skipped(info) == {
        "zero/text.wav": "not readable as audio: Format not recognised",
        "one/empty.wav": "empty file",
        "two/nan.wav": "holds samples that are not finite (NaN or infinity)",
        "two/none.wav": "holds no samples, or too few for one at 8000 Hz",
        "two/silent.wav": "silent: every sample is zero",
    }
    assert (info.report["found"], info.report["kept"], len(info.report["other_files"])) == (35, 30, 1)
    assert len(all_clips(tmp_path / "out")) == info.report["clips"]


def test_counts_of_splits_and_classes_are_those_of_the_records(words, tmp_path):
    info = make(words, tmp_path / "out", validation=20, test=20)
    for split in SPLITS:
        facts, found = info.splits[split], clips(tmp_path / "out", split)
        labels = [info.classes[clip["label"]] for clip in found]
        assert facts["clips"] == len(found) == sum(file["clips"] for file in facts["files"])
        assert facts["clips_per_class"] == {name: labels.count(name) for name in info.classes}
        assert facts["hours"] == pytest.approx(len(found) * 256 / RATE / 3600, abs=1e-6)
    assert sum(info.splits[split]["clips"] for split in SPLITS) == info.report["clips"]


def test_loudness_is_that_of_the_clips_in_train(words, tmp_path):
    info = make(words, tmp_path / "out")
    audio = np.stack([clip["audio"] for clip in clips(tmp_path / "out")]).astype(np.float64)
    rms = np.sqrt(np.mean(audio**2, axis=(1, 2)))
    expected = {"rms_mean": rms.mean(), "rms_p50": np.median(rms), "peak": np.abs(audio).max()}
    for name, value in expected.items():
        assert info.loudness[name]["linear"] == pytest.approx(value, abs=1e-6)
        assert info.loudness[name]["dbfs"] == pytest.approx(20 * np.log10(value), abs=0.01)


def test_what_is_stored_is_what_is_returned(words, tmp_path):
    info = make(words, tmp_path / "out", classes=("zero", "one"), slices="first", normalize="peak", channels=2)
    assert DatasetInfo.load(tmp_path / "out") == info
    assert (info.name, info.sample_rate, info.length, info.channels) == ("out", RATE, 256, 2)
    repeated = Options(**info.options | {"classes": tuple(info.options["classes"])})
    again = prepare([source["source"] for source in info.sources], tmp_path / "again", repeated)
    assert (again.splits, again.loudness, again.report) == (info.splits, info.loudness, info.report)


# Labels


def test_labels_are_the_sorted_folder_names_and_stick_to_their_files(words, tmp_path):
    """adrianbarahona/conditional_wavegan_knocking_sounds names labels in one order and numbers them in another;
    chaeyoung-lee/cwavegan compares numbers with strings.
    """
    info = make(words, tmp_path / "out")
    assert info.classes == ["one", "two", "zero"]
    for clip in all_clips(tmp_path / "out"):
        assert os.fsdecode(clip["source"]).split("/")[0] == info.classes[clip["label"]]


def test_classes_keeps_the_folders_named_and_numbers_them_anew(words, tmp_path):
    info = make(words, tmp_path / "out", classes=("zero", "two", "zero"))
    assert info.classes == ["two", "zero"]
    assert {int(clip["label"]) for clip in all_clips(tmp_path / "out")} == {0, 1}
    assert (info.report["found"], info.report["other_classes"]) == (20, 10)


def test_digits_stands_for_the_ten_of_sc09(words, tmp_path, record):
    for word in ("three", "four", "five", "six", "seven", "eight", "nine", "cat"):
        record(words / word / "0.wav")
    info = make(words, tmp_path / "out", classes=("digits", "cat"))
    assert info.classes == sorted((*DIGITS, "cat"))


def test_a_class_that_is_not_there_is_an_error_naming_those_that_are(words, tmp_path):
    message = "--classes must name classes that are there: one, two, zero. Not there: zwei, drei."
    with pytest.raises(UserError, match=message):
        make(words, tmp_path / "out", classes=("zwei", "one", "drei"))


def test_a_class_without_a_usable_file_keeps_its_number_and_is_noted(words, tmp_path):
    (words / "broken").mkdir()
    (words / "broken" / "a.wav").write_text("not a sound")
    info = make(words, tmp_path / "out")
    assert info.classes == ["broken", "one", "two", "zero"]
    assert {int(clip["label"]) for clip in all_clips(tmp_path / "out")} == {1, 2, 3}
    assert info.report["notes"] == ["class broken is without clips: none of its files was usable"]


# Splits


def test_all_windows_of_a_file_are_in_one_split(words, tmp_path):
    make(words, tmp_path / "out", validation=20, test=20)
    found = [files_of(tmp_path / "out", split) for split in SPLITS]
    assert all(found) and sum(map(len, found)) == len(set.union(*found)) == 30


def test_a_corpus_own_lists_decide_and_may_name_files_that_are_not_there(words, tmp_path):
    (words / "validation_list.txt").write_text("one/1.wav\nnowhere/1.wav\n")
    (words / "testing_list.txt").write_text("./two/2.wav\r\nzero/99.wav\r\n")
    info = make(words, tmp_path / "out")
    assert files_of(tmp_path / "out", "validation") == {"one/1.wav"}
    assert files_of(tmp_path / "out", "test") == {"two/2.wav"}
    assert len(info.report["other_files"]) == 2 and info.report["notes"] == []


def test_lists_that_name_nothing_that_is_there_are_noted(words, tmp_path):
    (words / "testing_list.txt").write_text("elsewhere/2.wav\n")
    info = make(words, tmp_path / "out")
    assert info.report["notes"] == ["the split lists of words name none of its files"]


def test_the_split_of_a_file_does_not_depend_on_the_other_files(words, tmp_path):
    make(words, tmp_path / "all", validation=20, test=20)
    make(words, tmp_path / "zeros", validation=20, test=20, classes=("zero",))
    for split in SPLITS:
        zeros = {name for name in files_of(tmp_path / "all", split) if name.startswith("zero/")}
        assert files_of(tmp_path / "zeros", split) == zeros


def test_train_is_never_empty(tmp_path, record):
    for index in range(2):
        record(tmp_path / "few" / f"{index}.wav", 700)
    info = make(tmp_path / "few", tmp_path / "out", validation=49.9, test=50)
    assert [info.splits[split]["clips"] for split in SPLITS] == [6, 0, 0]
    assert info.splits["train"]["clips_per_class"] == {"few": 6}
    assert len(clips(tmp_path / "out")) == 6 and info.splits["test"]["files"] == []
    assert [note.split(":")[0] for note in info.report["notes"]] == ["too few files to split"]
    names = [file["name"] for file in info.splits["train"]["files"]]
    assert sorted(os.listdir(tmp_path / "out")) == ["dataset.json", *with_indexes(names)]


# Files


def test_shards_are_named_and_mix_the_classes(tmp_path, record):
    for word in ("a", "b"):
        for index in range(40):
            record(tmp_path / "words" / word / f"{index}.wav", 256)
    info = make(tmp_path / "words", tmp_path / "out", test=0, validation=0)
    names = [file["name"] for file in info.splits["train"]["files"]]
    assert names == [f"train-{index:05d}-of-00004.tfrecord" for index in range(4)]
    assert sorted(os.listdir(tmp_path / "out")) == ["dataset.json", *with_indexes(names)]
    labels = [int(clip["label"]) for clip in clips(tmp_path / "out")]
    # Every file of 20 is as mixed at its beginning as at its end.
    assert all(2 <= sum(labels[start : start + 10]) <= 8 for start in range(0, 80, 10))


def test_large_data_sets_get_more_shards():
    assert shards.shard_count(1, fewest=4) == 4
    assert shards.shard_count(33_000 * 65_000, fewest=4) == 32
    assert shards.shard_count(10**15) == 256


def test_the_same_input_makes_the_same_bytes_with_any_number_of_workers(words, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_FILES", 0)
    monkeypatch.setattr(workers, "CHUNK_FILES", 3)
    (words / "zero" / "text.wav").write_text("not a sound")
    for count in (1, 2):
        make(words, tmp_path / str(count) / "out", workers=count)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / str(n) / "out").iterdir()} for n in (1, 2))
    assert one == two and len(one) >= 5


@pytest.mark.parametrize("count", [1, 2])
def test_a_long_recording_waits_on_disk_not_in_memory(tmp_path, record, monkeypatch, count):
    monkeypatch.setattr(workers, "SPOOL_BYTES", 10_000)
    monkeypatch.setattr(workers, "FEWEST_FILES", 0)
    written = record(tmp_path / "long" / "a.wav", 256 * 300, subtype="FLOAT")
    record(tmp_path / "long" / "b.wav", 256)
    make(tmp_path / "long", tmp_path / "out", validation=0, test=0, workers=count)
    found = sorted((c for c in clips(tmp_path / "out") if c["source"] == b"a.wav"), key=lambda clip: clip["start"])
    np.testing.assert_allclose(np.concatenate([clip["audio"] for clip in found]), written, atol=1 / 60000)


def test_a_worker_that_dies_is_an_error_and_leaves_nothing(words, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "FEWEST_FILES", 0)
    monkeypatch.setattr(workers, "slice_files", die)
    with pytest.raises(UserError, match="a worker process died.*--workers 1"):
        make(words, tmp_path / "out", workers=2)
    assert os.listdir(tmp_path) == ["words"]


def die(contents, cutting, directory):
    os._exit(9)


def test_archive_and_folder_make_the_same_data_set(words, tmp_path):
    with tarfile.open(tmp_path / "words.tar.gz", "w:gz") as archive:
        archive.add(words, "words")
    make(words, tmp_path / "a" / "out")
    make(tmp_path / "words.tar.gz", tmp_path / "b" / "out")
    order = lambda clip: (clip["source"], clip["start"])  # noqa: E731
    for split in SPLITS:
        a, b = (sorted(clips(tmp_path / name / "out", split), key=order) for name in "ab")
        assert [order(clip) for clip in a] == [order(clip) for clip in b]
        assert all((x["audio"] == y["audio"]).all() and x["label"] == y["label"] for x, y in zip(a, b, strict=True))


def test_several_sources_make_one_data_set(words, tmp_path, record):
    record(tmp_path / "more" / "zero" / "0.wav", 256)
    record(tmp_path / "more" / "cat" / "0.wav", 256)
    info = make([words, tmp_path / "more"], tmp_path / "out")
    assert info.classes == ["cat", "one", "two", "zero"]
    assert {b"words/zero/0.wav", b"more/zero/0.wav"} <= {clip["source"] for clip in all_clips(tmp_path / "out")}


def test_the_built_in_kit_needs_no_files(tmp_path, monkeypatch):
    monkeypatch.setattr(drumkit, "COUNT", 3)
    info = prepare(["drums"], tmp_path / "out", Options(sample_rate=4000, workers=1))
    assert (info.length, info.classes, info.report["kept"]) == (4096, list(drumkit.KINDS), 3 * len(drumkit.KINDS))
    with pytest.raises(UserError, match="--sample-rate must be 4000 Hz or more for drums. Received: 2000"):
        prepare(["drums"], tmp_path / "low", Options(sample_rate=2000))


def test_the_real_digits_are_all_kept(shared_data, tmp_path):
    info = prepare([str(shared_data / "fsdd")], tmp_path / "out", Options(sample_rate=8000))
    assert (info.report["found"], info.report["kept"], info.report["skipped"]) == (3000, 3000, [])
    assert info.classes == sorted(DIGITS)
    assert [len(files_of(tmp_path / "out", split)) for split in SPLITS] == [2520, 180, 300]


def test_dataset_json_holds_no_infinity_or_nan(words, tmp_path):
    make(words, tmp_path / "out")
    json.loads((tmp_path / "out" / "dataset.json").read_text(), parse_constant=pytest.fail)


def test_a_long_recording_that_turns_out_unusable_at_its_end_leaves_nothing(tmp_path, record):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 9_000_000).astype(np.float32)
    samples[-1] = np.nan
    record(tmp_path / "in" / "a.wav", samples, RATE, subtype="FLOAT")
    record(tmp_path / "in" / "b.wav", 300)
    info = make(tmp_path / "in", tmp_path / "out", length=8192)
    assert [skipped["path"] for skipped in info.report["skipped"]] == ["a.wav"]
    assert not (tmp_path / "out" / "spool").exists()
