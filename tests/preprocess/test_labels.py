"""Which class a recording is of: by its folder, the first folder, or a pattern over its path."""

import os

import pytest

from preprocess.labels import few_clips_note, shared_names_note
from tests.conftest import make
from tests.preprocess.test_convert import all_clips, skipped
from wavegan.base.errors import UserError
from wavegan.cli.preprocess import main
from wavegan.data.schema import DatasetInfo


def labels(info, out):
    """{file: class} of a data set."""
    return {os.fsdecode(clip["source"]): info.classes[clip["label"]] for clip in all_clips(out)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("parent", ["my kit", "Acoustic", "Acoustic", "808-bd", "loops", "größe"]),
        ("top", ["my kit", "Kicks", "Snares", "808-bd", "loops", "größe"]),
        (r"([a-z]+)[-_/ 0-9]*\.wav", ["kick", "hard", "soft", "b", "break", "tief"]),
    ],
)
def test_the_label_is_the_folder_or_the_first_folder_or_what_a_pattern_finds(recordings, tmp_path, rule, expected):
    """Sample packs name the instrument in any of these places; a label by the folder alone made Acoustic a class."""
    names = ["kick_01.wav", "Kicks/Acoustic/hard.wav", "Snares/Acoustic/soft.wav", "808-bd/b 01.wav"]
    names += ["loops/break.wav", "gro\u0308ße/tief.wav"]  # decomposed, as macOS writes it
    info = make(recordings("my kit", *names), tmp_path / "out", label=rule)
    assert labels(info, tmp_path / "out") == dict(zip(names, expected, strict=True))


def test_the_first_group_that_takes_part_is_the_label(recordings, tmp_path):
    info = make(recordings("kit", "bd01.wav", "sd01.wav"), tmp_path / "out", label="(bd)|(sd)")
    assert info.classes == ["bd", "sd"]


def test_a_file_that_the_pattern_does_not_find_a_class_for_is_skipped_with_the_reason(recordings, tmp_path):
    folder = recordings("kit", "kick_01.wav", "tom_01.wav", "01.wav")
    info = make(folder, tmp_path / "out", label="([a-z]+)_", classes=("kick",))
    assert skipped(info) == {"01.wav": "--label finds no class in its path"}
    assert (info.report["found"], info.report["kept"], info.report["other_classes"]) == (2, 1, 1)
    with pytest.raises(UserError, match="every audio file was skipped .3 × --label finds no class in its path"):
        make(folder, tmp_path / "none", label="(x+)")


def test_a_pattern_is_an_option_of_the_data_set(recordings, tmp_path):
    folder = recordings("kit", "kick_01.wav", "tom_01.wav")
    command = [str(folder), "--out", str(tmp_path / "out"), "--length", "256", "--label", "([a-z]+)_"]
    assert main(command) == 0
    info = DatasetInfo.load(tmp_path / "out")
    assert (info.classes, info.options["label"]) == (["kick", "tom"], "([a-z]+)_")


def test_files_beside_the_folders_of_the_others_are_noted(recordings, tmp_path):
    """A recording that somebody left there became a class without a word."""
    folder = recordings("kit", "demo.wav", *(f"{name}/{i}.wav" for name in ("kick", "snare") for i in range(5)))
    (note,) = (each for each in make(folder, tmp_path / "out").report["notes"] if "beside" in each)
    assert note == (
        "class kit is 1 file that lies beside the folders of the other classes: move what is of one of them there, or "
        "leave the class out with --classes"
    )


def test_a_source_of_files_alone_is_no_class_beside_others(recordings, tmp_path):
    sources = [recordings("claps", "a.wav", "b.wav"), recordings("kit", "kick/a.wav", "train/snare/b.wav")]
    assert not any("beside" in each for each in make(sources, tmp_path / "out").report["notes"])
    assert not any("beside" in each for each in make(sources[:1], tmp_path / "out2").report["notes"])


def test_one_name_for_two_folders_is_noted(recordings, tmp_path):
    folder = recordings("kit", *(f"{k}/{a}/{i}.wav" for k in ("Kicks", "Toms") for a in "AB" for i in range(5)))
    info = make(folder, tmp_path / "out")
    assert info.report["notes"] == [
        "class A is 2 folders, such as Kicks/A and Toms/A (other such classes: 1): "
        "--label top takes the first folder as the class"
    ]
    assert make(folder, tmp_path / "top", label="top").report["notes"] == []
    assert shared_names_note([("kick", "a", "kick"), ("kick", "b", "kick")]) is None


def test_classes_of_hardly_a_clip_are_noted(recordings, tmp_path):
    """A folder for every recording, as of takes or of dates."""
    folder = recordings("kit", *(f"take {index}/kick.wav" for index in range(3)))
    assert make(folder, tmp_path / "out", validation=0, test=0).report["notes"] == [
        "3 of 3 classes hold fewer than 5 clips: if these are no classes, --label takes others from the path"
    ]
    assert few_clips_note({"a": 4, "b": 5}) is None and few_clips_note({"a": 1}) is None
    assert few_clips_note({"a": 4, "b": 4, "c": 5}).startswith("2 of 3 classes")


@pytest.mark.parametrize(
    ("flags", "classes"),
    [
        (["--classes", "Drums, acoustic", "--classes", "kick"], ["Drums, acoustic", "kick"]),
        (["--classes", "Drums, acoustic"], ["Drums, acoustic"]),
        (["--classes", "kick,tom"], ["kick", "tom"]),
        (["--classes", "tom", "--classes", "kick, tom"], ["kick", "tom"]),
    ],
)
def test_a_class_may_have_commas_in_its_name(recordings, tmp_path, flags, classes):
    folder = recordings("kit", "Drums, acoustic/1.wav", "kick/1.wav", "tom/1.wav", "noise/1.wav")
    assert main([str(folder), "--out", str(tmp_path / "out"), "--length", "256", *flags]) == 0
    info = DatasetInfo.load(tmp_path / "out")
    assert info.classes == classes
    again = make(folder, tmp_path / "again", classes=tuple(info.options["classes"]))
    assert again.classes == classes


def test_sources_of_one_name_keep_their_files_and_their_classes_apart(recordings, tmp_path):
    sources = [recordings("kicks/wav", "1.wav"), recordings("snares/wav", "1.wav")]
    info = make(sources, tmp_path / "out", validation=0, test=0)
    assert info.classes == ["kicks/wav", "snares/wav"]
    assert labels(info, tmp_path / "out") == {"kicks/wav/1.wav": "kicks/wav", "snares/wav/1.wav": "snares/wav"}


def test_sources_of_one_class_are_noted_and_a_pattern_tells_them_apart(recordings, tmp_path):
    sources = [recordings("kicks", "wav/1.wav"), recordings("snares", "wav/1.wav")]
    note = "all sources hold the one class wav: --label '([^/]+)' makes a class of each source"
    assert make(sources, tmp_path / "one").report["notes"] == [note]
    assert make(sources, tmp_path / "two", label="([^/]+)").classes == ["kicks", "snares"]


def test_a_class_of_several_sources_is_noted_and_a_pattern_keeps_them_apart(recordings, tmp_path):
    """Two packs with a folder kick are of one class, but their unsorted ones need not be."""
    sources = [
        recordings(pack, *(f"{folder}/{index}.wav" for folder in folders for index in range(5)))
        for pack, folders in (("packA", ("kick", "unsorted")), ("packB", ("kick", "unsorted", "tom")))
    ]
    info = make(sources, tmp_path / "one")
    assert info.classes == ["kick", "tom", "unsorted"]
    assert sorted(labels(info, tmp_path / "one").items())[0] == ("packA/kick/0.wav", "kick")
    assert info.report["notes"] == [
        "class kick is folders of 2 sources, such as packA and packB (other such classes: 1): "
        "--label '(.+)/' keeps the folders of each source apart"
    ]
    assert make(sources, tmp_path / "chosen", classes=("kick", "tom")).report["notes"] == []  # that was asked for
    apart = make(sources, tmp_path / "apart", label="(.+)/")
    assert apart.classes == ["packA/kick", "packA/unsorted", "packB/kick", "packB/tom", "packB/unsorted"]
    assert apart.report["notes"] == []


def test_a_pattern_does_not_see_the_folders_that_are_splits(recordings, tmp_path):
    sources = [recordings(pack, "train/kick/1.wav", "test/kick/2.wav") for pack in ("packA", "packB")]
    info = make(sources, tmp_path / "out", label="(.+)/")
    assert info.classes == ["packA/kick", "packB/kick"]
    assert [info.splits[split]["clips"] for split in ("train", "test")] == [2, 2]
