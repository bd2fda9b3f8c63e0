"""Who trains, validates and tests: by the hash of a path, or by a corpus' own lists."""

import pytest

from preprocess import sources
from preprocess.splits import hash_percent, split_by_hash, split_by_lists


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


def test_lists_decide_and_a_file_in_both_never_trains():
    lists = {"validation": frozenset({"a/1.wav", "a/2.wav"}), "test": frozenset({"a/2.wav", "a/9.wav"})}
    assert [split_by_lists(f"a/{index}.wav", lists) for index in (1, 2, 3)] == ["validation", "test", "train"]


def test_a_list_may_come_from_any_system():
    assert sources.parse_split_list(b"./a/1.wav\r\n\r\n b\\2.wav \nc/3.wav") == {"a/1.wav", "b/2.wav", "c/3.wav"}
