"""Sources: folders, with all that can lie in them."""

import os
import subprocess
from pathlib import Path

import pytest

from preprocess.archives import Archive
from preprocess.convert import open_source
from preprocess.single import Recording
from preprocess.sources import DrumKit, Folder, names_apart
from wavegan.base.errors import UserError


def paths(listing):
    return [entry.path for entry in listing.entries]


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_is_searched_recursively_and_listed_in_order(tmp_path):
    """In chrisdonahue/wavegan the search is not recursive."""
    touch(tmp_path, "b/2.wav", "b/1.wav", "a/deep/er/3.flac", "top.ogg")
    assert paths(Folder(tmp_path).listing()) == ["a/deep/er/3.flac", "b/1.wav", "b/2.wav", "top.ogg"]


def test_files_that_are_no_audio_are_counted_and_left_alone(tmp_path):
    """In chrisdonahue/wavegan the search takes files along that are no audio."""
    touch(tmp_path, "README.md", "a/notes.txt", "a/cover.jpg", "a/noextension", "a/1.wav", "a/2.MP3", "a/3.Aiff")
    listing = Folder(tmp_path).listing()
    assert paths(listing) == ["a/1.wav", "a/2.MP3", "a/3.Aiff"]
    assert (len(listing.other_files), listing.skipped) == (4, [])


def test_what_is_hidden_and_background_noise_is_left_out_with_the_reason(tmp_path):
    """A person who counts 1,000 files and gets 998 wants to know which two."""
    touch(tmp_path, ".hidden/1.wav", "a/.2.wav", "a/._3.wav", "_background_noise_/4.wav", "__MACOSX/5.wav", "a/6.wav")
    touch(tmp_path, ".DS_Store", ".git/HEAD", "a/.gitignore")
    listing = Folder(tmp_path).listing()
    assert (paths(listing), listing.other_files, listing.skipped) == (["a/6.wav"], [], [])
    dot, mac = "hidden: the name begins with a dot", "macOS' notes about other files, no sound"
    assert listing.left_out == {
        ".git": dot,
        ".hidden": dot,
        "__MACOSX": mac,
        "_background_noise_": "background noise, which is no class",
        "a/.2.wav": dot,
        "a/._3.wav": mac,
    }


def test_a_placeholder_of_icloud_is_skipped_with_the_reason(tmp_path):
    """macOS before Sonoma replaces a file that it has moved to iCloud by a hidden property list of its name."""
    touch(tmp_path, "a/1.wav", "a/.2.wav.icloud", "a/.notes.txt.icloud", ".hidden/.3.wav.icloud")
    listing = Folder(tmp_path).listing()
    assert listing.skipped == [("a/.2.wav.icloud", "not downloaded from iCloud: download it in the Finder first")]
    assert list(listing.left_out) == [".hidden"]


def test_a_hidden_folder_can_be_the_source_itself(tmp_path):
    touch(tmp_path / ".hidden", "a/1.wav")
    assert paths(Folder(tmp_path / ".hidden").listing()) == ["a/1.wav"]


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["kicks/wav", "snares/wav"], ["kicks/wav", "snares/wav"]),
        (["a/kit", "b/kit.zip", "tom"], ["kit", "kit.zip", "tom"]),
        (["a/kit.zip", "a/kit.tar", "b/kit.zip"], ["a/kit.zip", "kit.tar", "b/kit.zip"]),
        (["drums", "a/drums"], ["drums", "a/drums"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_sources_of_one_name_are_told_apart_by_the_folders_they_lie_in(tmp_path, monkeypatch, places, names):
    """Else two recordings have one name, and files that lie in no folder become one class."""
    monkeypatch.chdir(tmp_path)
    for place in places:
        touch(Path(), place if "." in place else f"{place}/1.wav")
    assert names_apart([open_source(place) for place in places]) == names


def test_links_are_followed_and_loops_end(tmp_path):
    touch(tmp_path, "elsewhere/1.wav", "root/b/2.wav")
    root = tmp_path / "root"
    (root / "a").symlink_to(root / "b")
    (root / "b" / "loop").symlink_to(root)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "b" / "3.wav").symlink_to(tmp_path / "elsewhere" / "1.wav")
    # b keeps its own name, although the link to it comes first.
    assert paths(Folder(root).listing()) == ["b/2.wav", "b/3.wav", "linked/1.wav"]


def test_links_to_nothing_and_what_is_no_file_are_skipped_with_the_reason(tmp_path):
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "itself.wav").symlink_to(tmp_path / "itself.wav")
    listing = Folder(tmp_path).listing()
    assert listing.skipped == [
        ("folder.wav", "an empty folder, not a file"),
        ("gone.wav", "link to nothing"),
        ("itself.wav", "cannot be opened: Too many levels of symbolic links"),
        ("pipe.wav", "not a regular file"),
    ]
    assert paths(listing) == []


def test_folders_may_lie_in_each_other_deeper_than_calls_may(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1100):
        os.mkdir("a")
        os.chdir("a")
    touch(Path(), "1.wav")
    os.chdir(tmp_path)
    try:
        assert paths(Folder(Path()).listing()) == ["a/" * 1100 + "1.wav"]
    finally:
        subprocess.run(["rm", "-rf", "a"])  # pytest's own way to remove it is a recursion


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no file here that exists and cannot be read")
def test_a_split_list_that_cannot_be_read_is_an_error(tmp_path):
    """Without it, other files would be held out than those that the corpus names."""
    touch(tmp_path, "a/1.wav")
    (tmp_path / "testing_list.txt").symlink_to("/proc/self/mem")
    with pytest.raises(UserError, match="cannot read .*testing_list.txt: .*It says which files are held out"):
        Folder(tmp_path).listing()


def test_a_source_is_known_by_what_it_is(tmp_path, monkeypatch):
    touch(tmp_path, "folder/1.wav", "a.TAR.GZ", "b.zip", "c.wav", "d.rar")
    assert isinstance(open_source(str(tmp_path / "folder")), Folder)
    assert isinstance(open_source(str(tmp_path / "a.TAR.GZ")), Archive)
    assert isinstance(open_source(str(tmp_path / "b.zip")), Archive)
    assert isinstance(open_source(str(tmp_path / "c.wav")), Recording)
    monkeypatch.chdir(tmp_path)
    os.symlink("itself", "itself")
    assert isinstance(open_source("drums"), DrumKit)
    for name, message in [
        ("nowhere", "nowhere does not exist. Expected a folder, a recording, an archive"),
        ("itself", "itself does not exist. Expected a folder, a recording, an archive"),
        ("n" * 300, "nnn does not exist. Expected a folder, a recording, an archive"),
        ("d.rar", "Received the file d.rar. If it is an archive, unpack it"),
    ]:
        with pytest.raises(UserError, match=message):
            open_source(name)
