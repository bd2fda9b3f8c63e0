"""Data sets that say what is held out by folders or by lists: followed however they are laid out."""

import os
import zipfile

import pytest

from tests.conftest import make
from tests.preprocess.test_convert import files_of
from tests.preprocess.test_labels import labels
from wavegan.cli.preprocess import main
from wavegan.data.schema import SPLITS


def zipped(folder):
    """A zip of a folder and all in it, beside it."""
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return folder.with_suffix(".zip")


SOURCES = pytest.mark.parametrize("as_source", [lambda folder: folder, zipped], ids=["folder", "zip"])
HELD_OUT = pytest.mark.parametrize("name", ["valid", "val", "validation", "Validation"])


@SOURCES
@HELD_OUT
def test_folders_of_splits_at_the_top_are_no_classes(recordings, tmp_path, as_source, name):
    """As Keras' image_dataset_from_directory and Hugging Face's audiofolder expect them."""
    folder = recordings("kit", "train/kick/1.wav", "train/tom/2.wav", f"{name}/kick/3.wav", "test/tom/4.wav")
    info = make(as_source(folder), tmp_path / "out")
    assert info.classes == ["kick", "tom"]
    assert [files_of(tmp_path / "out", split) for split in SPLITS] == [
        {"train/kick/1.wav", "train/tom/2.wav"},
        {f"{name}/kick/3.wav"},
        {"test/tom/4.wav"},
    ]
    found = ", ".join(sorted(["test", "train", name]))
    assert f"folders of kit that are splits, not classes: {found}" in info.report["notes"]


@SOURCES
def test_folders_of_splits_under_each_class_are_no_classes(recordings, tmp_path, as_source):
    names = ["kick/train/1.wav", "kick/val/2.wav", "kick/test/3.wav", "tom/train/4.wav"]
    info = make(as_source(recordings("kit", *names)), tmp_path / "out")
    assert labels(info, tmp_path / "out") == dict(zip(names, ["kick", "kick", "kick", "tom"], strict=True))
    assert [files_of(tmp_path / "out", split) for split in SPLITS] == [{names[0], names[3]}, {names[1]}, {names[2]}]
    note = "folders of kit that are splits, not classes: kick/test, kick/train, kick/val and 1 more"
    assert note in info.report["notes"]


@SOURCES
def test_folders_of_splits_without_classes_give_the_one_class_of_the_source(recordings, tmp_path, as_source):
    info = make(as_source(recordings("kit", "train/1.wav", "test/2.wav")), tmp_path / "out")
    assert info.classes == ["kit"]
    assert [files_of(tmp_path / "out", split) for split in SPLITS] == [{"train/1.wav"}, set(), {"test/2.wav"}]


def test_the_first_folder_is_the_one_below_a_split(recordings, tmp_path):
    info = make(recordings("kit", "train/Kicks/808/1.wav", "test/Kicks/909/2.wav"), tmp_path / "out", label="top")
    assert info.classes == ["Kicks"]


def test_a_class_called_train_stays_one(recordings, tmp_path):
    info = make(recordings("street", "train/1.wav", "plane/1.wav"), tmp_path / "out")
    assert info.classes == ["plane", "train"]


ENCODINGS = pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])


@SOURCES
@ENCODINGS
@pytest.mark.parametrize("place", ["", "corpus/"])
def test_lists_are_followed_in_any_encoding_at_the_top_or_one_folder_below(
    recordings, tmp_path, as_source, encoding, place
):
    """PowerShell's > writes UTF-16 with CRLF, Notepad UTF-8 with a byte order mark."""
    folder = recordings("kit", *(f"{place}größe/{index}.wav" for index in range(6)), "other/1.wav")
    (folder / f"{place}validation_list.txt").write_bytes("größe/2.wav\r\ngröße/3.wav\r\n".encode(encoding))
    (folder / f"{place}testing_list.txt").write_bytes("größe/4.wav\r\n".encode(encoding))
    make(as_source(folder), tmp_path / "out", validation=0, test=99)
    assert files_of(tmp_path / "out", "validation") == {f"{place}größe/2.wav", f"{place}größe/3.wav"}
    # A list says nothing of what does not lie beside it: there the hash decides.
    assert files_of(tmp_path / "out", "test") == {f"{place}größe/4.wav"} | ({"other/1.wav"} if place else set())


@SOURCES
@pytest.mark.parametrize("top", ["kaggle", "kaggle/train"])
def test_kaggle_s_layout_holds_clips_out(recordings, tmp_path, as_source, top):
    """tensorflow-speech-recognition-challenge: train/audio/yes/….wav, and train/testing_list.txt says yes/….wav."""
    names = [f"train/audio/{word}/{index}.wav" for word in ("yes", "no") for index in range(4)]
    folder = recordings("kaggle", *names, "train/audio/_background_noise_/hiss.wav")
    (folder / "train" / "validation_list.txt").write_text("yes/1.wav\nno/1.wav\n")
    (folder / "train" / "testing_list.txt").write_text("yes/2.wav\n")
    info = make(as_source(tmp_path / top), tmp_path / "out")
    held_out = [{os.path.basename(os.path.dirname(p)) for p in files_of(tmp_path / "out", s)} for s in SPLITS[1:]]
    assert (info.classes, held_out) == (["no", "yes"], [{"yes", "no"}, {"yes"}])
    assert [info.splits[split]["clips"] for split in SPLITS] == [5, 2, 1]
    assert [file["reason"] for file in info.report["left_out"]] == ["background noise, which is no class"]


def test_a_class_that_is_only_held_out_is_noted(recordings, tmp_path):
    """Kaggle's test/audio holds recordings without classes."""
    info = make(recordings("kaggle", "train/audio/yes/1.wav", "test/audio/clip_1.wav"), tmp_path / "out")
    assert info.classes == ["audio", "yes"]
    assert "classes without a recording to train on: audio" in info.report["notes"]


@pytest.mark.parametrize(
    ("clips", "flags", "noted"),
    [(49, [], 49), (50, [], None), (0, [], 0), (0, ["--validation", "0", "--test", "0"], None)],
)
def test_too_few_clips_to_compare_with_are_noted(record, tmp_path, capsys, clips, flags, noted):
    """Scores need 50 that are held out."""
    record(tmp_path / "kit" / "train" / "kick" / "1.wav", 256)
    if clips:
        record(tmp_path / "kit" / "test" / "kick" / "2.wav", 256 * clips)
    else:
        record(tmp_path / "kit" / "train" / "kick" / "3.wav", 256)
    flags = ["--sample-rate", "8000", "--length", "256", *flags]
    assert main([str(tmp_path / "kit"), "--out", str(tmp_path / "out"), *flags]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if "held out for testing" in line]
    assert notes == ([] if noted is None else [
        f"note: {noted} clips held out for testing, where scores need 50 that were not trained on: "
        "add recordings, or hold out more with --test"
    ])  # fmt: skip


def test_an_archive_inside_a_folder_is_named_unless_it_is_a_source_itself(recordings, tmp_path, capsys):
    folder = recordings("kit", "kick/1.wav", "kick/2.wav")
    more = zipped(recordings("more toms", "tom/1.wav")).rename(folder / "more toms.zip")
    for sources, noted in (([folder], True), ([folder, more], False)):
        flags = ["--sample-rate", "8000", "--length", "256", "--out", str(tmp_path / f"data {noted}")]
        assert main([*map(str, sources), *flags]) == 0
        said = "note: 1 archive inside the folders not opened, such as more toms.zip: give each as a source of its own"
        assert (said in capsys.readouterr().out.splitlines()) == noted
