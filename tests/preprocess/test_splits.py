"""Who trains, validates and tests: by the hash of a path, by lists, or by folders. Whole data sets: test_layouts."""

import pytest

from preprocess.splits import Splits, hash_percent, is_list, parse_list, split_by_hash, split_folders


@pytest.mark.parametrize(
    ("path", "percent"),
    [("zero/0a7c2a8d_nohash_0.wav", 13.5425), ("kick/kick_0000.wav", 22.9042), ("größe/laut.wav", 38.3337)],
)
def test_the_hash_of_a_path_never_changes(path, percent):
    """Golden, from sha1sum: the first 16 hex digits over 2^64, in percent.

    magenta/ddsp splits by Python's `hash()`, which differs from process to process.
    """
    assert hash_percent(path) == pytest.approx(percent, abs=1e-4)


def test_all_takes_of_a_speaker_and_word_stay_together():
    assert len({hash_percent(f"zero/0a7c2a8d_nohash_{take}.wav") for take in range(5)}) == 1
    assert hash_percent("zero/0a7c2a8d_nohash_0.wav") != hash_percent("one/0a7c2a8d_nohash_0.wav")


def test_the_hash_is_the_same_whichever_system_wrote_the_path():
    assert hash_percent("gr\u00f6ße/a.wav") == hash_percent("gro\u0308ße/a.wav") == hash_percent("./größe/a.wav")


def test_shares_are_as_asked_for():
    names = [split_by_hash(f"a/{index}.wav", 10, 20) for index in range(5000)]
    assert [names.count(split) / 50 for split in ("validation", "test", "train")] == pytest.approx([10, 20, 70], abs=2)


def test_more_held_out_moves_no_file_from_one_held_out_split_to_train():
    for index in range(500):
        if split_by_hash(f"{index}.wav", 5, 0) == "validation":
            assert split_by_hash(f"{index}.wav", 10, 5) == "validation"


def splits(paths, **lists):
    """The split of each path; `lists` maps a list's file name, without its end, to the names in it."""
    found = {f"{name}.txt": frozenset(names) for name, names in lists.items()}
    by = Splits(paths, found, 0, 0)
    return [by.of(path) for path in paths]


def test_lists_decide_and_a_file_in_both_never_trains():
    lists = {"validation_list": ["a/1.wav", "a/2.wav"], "testing_list": ["a/2.wav", "a/9.wav"]}
    assert splits(["a/1.wav", "a/2.wav", "a/3.wav"], **lists) == ["validation", "test", "train"]


def test_a_list_decides_against_a_folder():
    assert splits(["train/1.wav", "train/2.wav", "test/1.wav"], testing_list=["train/2.wav"]) == [
        "train",
        "test",
        "test",
    ]


def test_where_a_list_fits_as_it_stands_it_says_nothing_of_folders_below():
    assert splits(["a/1.wav", "b/a/1.wav"], testing_list=["a/1.wav"]) == ["test", "train"]
    assert splits(["x/a/1.wav", "b/a/1.wav", "b/c/1.wav"], testing_list=["a/1.wav"]) == ["test", "test", "train"]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "UTF-16", "UTF-16 BE", "UTF-16 LE without BOM", "UTF-16 BE without BOM"],
)
def test_a_list_may_come_from_any_system(encode):
    text = "./a/1.wav\r\n\r\n b\\2.wav \ngro\u0308ße/3.wav"
    assert parse_list(encode(text)) == {"a/1.wav", "b/2.wav", "größe/3.wav"}
    assert parse_list(encode("")) == frozenset()


def test_a_list_lies_at_the_top_or_one_folder_below():
    assert is_list("testing_list.txt") and is_list("kit/validation_list.txt")
    assert not is_list("a/b/testing_list.txt") and not is_list("a/list.txt")


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["train/kick/1.wav", "test/kick/2.wav"], {"train", "test"}),
        (["Train/1.wav", "VAL/2.wav", "Testing/3.wav", "extra/4.wav"], {"Train", "VAL", "Testing"}),
        (["kit/train/a/1.wav", "kit/valid/a/2.wav"], {"kit/train", "kit/valid"}),
        (["kick/train/1.wav", "kick/test/2.wav", "tom/train/3.wav"], {"kick/train", "kick/test", "tom/train"}),
        (["kick/train/1.wav", "kick/test/2.wav", "hum/train/3.wav", "hum/plane/4.wav"], {"kick/train", "kick/test"}),
        (["train/1.wav", "plane/2.wav"], set()),
        (["train/audio/yes/1.wav"], set()),
        (["train/train/1.wav", "train/plane/2.wav", "test/train/3.wav"], {"train", "test"}),
        (["test/1.wav", "validation/2.wav"], set()),
    ],
)  # fmt: skip
def test_which_folders_are_splits(paths, folders):
    """A class may be called train (ESC-50 has one, karolpiczak/ESC-50): it has no test beside it."""
    assert split_folders(paths) == folders
