"""Archives: listed and read without being unpacked, with all that can lie in them."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from preprocess import archives
from preprocess.archives import Archive
from tests.preprocess.test_sources import paths
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError

ROOT = Path(archives.__file__).parent.parent


def pack(path, members):
    """Writes a tar or zip archive with {name: bytes}."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, content in members.items():
            add(archive, name, content)
    return path


def add(archive, name, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    archive.addfile(info, io.BytesIO(content))


def read(archive):
    listing = archive.listing()
    return {entry.path: content for entry, content in archive.contents(listing.entries)}


ALL_KINDS = pytest.mark.parametrize("name", ["kit.tar", "kit.tar.gz", "kit.tgz", "kit.zip"])


@ALL_KINDS
def test_an_archive_gives_its_audio(tmp_path, name):
    members = {"./b/1.wav": b"one", "./a/2.wav": b"two" * 99999, "./README": b"x", "./_background_noise_/n.wav": b"n"}
    archive = Archive(pack(tmp_path / name, members))
    assert read(archive) == {"b/1.wav": b"one", "a/2.wav": b"two" * 99999}
    assert len(archive.listing().other_files) == 1


@ALL_KINDS
@pytest.mark.parametrize("top", ["", "./", "kit/", "./kit/"])
def test_an_archive_equals_the_folder_it_was_made_of(tmp_path, name, top):
    members = {f"{top}validation_list.txt": b"kick/2.wav\n", f"{top}kick/2.wav": b"2", f"{top}tom/1.wav": b"1"}
    listing = Archive(pack(tmp_path / name, members)).listing()
    assert paths(listing) == ["kick/2.wav", "tom/1.wav"]
    assert listing.lists == {"validation_list.txt": {"kick/2.wav"}}


def test_an_archive_of_one_class_keeps_its_name(tmp_path):
    listing = Archive(pack(tmp_path / "sounds.zip", {"kick/1.wav": b"", "kick/2.wav": b""})).listing()
    assert paths(listing) == ["kick/1.wav", "kick/2.wav"]


def test_the_folder_that_all_of_an_archive_lies_in_gives_its_name(tmp_path):
    members = {"my loops/testing_list.txt": b"2.wav", "my loops/1.wav": b"", "my loops/2.wav": b""}
    listing = Archive(pack(tmp_path / "download.zip", members)).listing()
    assert (paths(listing), listing.root) == (["1.wav", "2.wav"], "my loops")


def test_hostile_members_are_skipped_with_the_reason_and_written_nowhere(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    with tarfile.open(inside / "kit.tar", "w") as tar:
        add(tar, "../up.wav", b"x")
        add(tar, "a/../../up.wav", b"x")
        add(tar, str(tmp_path / "absolute.wav"), b"x")
        add(tar, "a/soft.wav", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(tar, "a/hard.wav", type=tarfile.LNKTYPE, linkname="a/good.wav")
        add(tar, "a/device.wav", type=tarfile.CHRTYPE)
        add(tar, "a/good.wav", b"good")
    before = sorted(tmp_path.rglob("*"))
    archive = Archive(inside / "kit.tar")
    assert read(archive) == {"a/good.wav": b"good"}
    assert [reason for _, reason in archive.listing().skipped] == [
        *["path points outside the archive"] * 3, *["a link, not a file"] * 2, "not a regular file"
    ]  # fmt: skip
    assert sorted(tmp_path.rglob("*")) == before


def test_hostile_zip_members_are_skipped_with_the_reason(tmp_path):
    link = zipfile.ZipInfo("a/link.wav")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        archive.writestr("../up.wav", b"x")
        archive.writestr("/absolute.wav", b"x")
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a/good.wav", b"good")
    listing = Archive(tmp_path / "kit.zip").listing()
    assert [reason for _, reason in listing.skipped] == [*["path points outside the archive"] * 2, "a link, not a file"]
    assert paths(listing) == ["a/good.wav"]


@ALL_KINDS
def test_a_member_that_is_too_large_is_skipped_unread(tmp_path, name, monkeypatch):
    monkeypatch.setattr("preprocess.members.LARGEST_MEMBER", 1000)
    listing = Archive(pack(tmp_path / name, {"a/bomb.wav": bytes(1001), "a/good.wav": bytes(1000)})).listing()
    assert paths(listing) == ["a/good.wav"]
    assert "larger than" in listing.skipped[0][1]


@pytest.mark.parametrize("name", ["kit.tar", "kit.tar.gz"])
@pytest.mark.parametrize("kept", [0.21, 0.52, 0.97])
def test_an_archive_that_breaks_off_is_an_error(tmp_path, name, kept):
    noise = {f"a/{index}.wav": os.urandom(3000) for index in range(20)}
    path = pack(tmp_path / name, noise)
    size = 20 * 3584 if name == "kit.tar" else path.stat().st_size  # a tar ends with zeros, which nobody needs
    os.truncate(path, int(size * kept))
    with pytest.raises(UserError, match="kit.*is damaged, incomplete or no archive.*Copy or download it again"):
        read(Archive(path))


def test_a_broken_header_is_not_taken_for_the_end_of_an_archive(tmp_path):
    path = pack(tmp_path / "kit.tar", {f"a/{index}.wav": bytes(100) for index in range(20)})
    content = bytearray(path.read_bytes())
    content[10 * 1024 : 10 * 1024 + 100] = b"?" * 100
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged.*broken header"):
        read(Archive(path))


@ALL_KINDS
def test_what_is_no_archive_is_an_error(tmp_path, name):
    for content in (b"", b"this is a text", b"\x1f\x8b then a text"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name} is damaged, incomplete or no archive"):
            read(Archive(tmp_path / name))


def test_a_damaged_zip_member_is_skipped_and_the_rest_goes_on(tmp_path):
    path = pack(tmp_path / "kit.zip", {"a/1.wav": bytes(1000), "a/2.wav": b"good"})
    content = bytearray(path.read_bytes())
    content[content.index(b"a/1.wav") + len("a/1.wav")] ^= 0xFF
    path.write_bytes(content)
    contents = read(Archive(path))
    assert isinstance(contents["a/1.wav"], Unusable) and "damaged" in str(contents["a/1.wav"])
    assert contents["a/2.wav"] == b"good"


def test_an_archive_gives_only_what_was_asked_for(tmp_path):
    archive = Archive(pack(tmp_path / "kit.tar", {f"a/{index}.wav": bytes([index]) for index in range(9)}))
    chosen = archive.listing().entries[3:5]
    assert [content for _, content in archive.contents(chosen)] == [b"\x03", b"\x04"]


def test_the_real_corpus_sample_is_listed(shared_data):
    listing = Archive(shared_data / "speech_commands_v0.01_sample.tar.gz").listing()
    assert len(listing.entries) == 300 and len({path.split("/")[0] for path in paths(listing)}) == 30
    assert len(listing.other_files) == 4 and listing.skipped == []
    assert {path: len(names) for path, names in listing.lists.items()} == {
        "validation_list.txt": 6798,
        "testing_list.txt": 6835,
    }
