"""Names in archives as the programs of all systems write them: folders, characters, and what is no recording."""

import struct
import zipfile
import zlib

import pytest

from preprocess.archives import Archive
from preprocess.members import zip_members
from preprocess.names import decoded
from tests.conftest import make
from tests.preprocess.test_archives import ALL_KINDS, pack
from tests.preprocess.test_sources import paths
from wavegan.cli.preprocess import main


def zip_of_bytes(path, names, *, system=0, extra=lambda name: b""):
    """Writes a zip whose members have these bytes as names, without the flag of UTF-8, and their index as content."""
    stand_ins = {chr(ord("A") + index) * len(name): name for index, name in enumerate(names)}
    with zipfile.ZipFile(path, "w") as archive:
        for index, (stand_in, name) in enumerate(stand_ins.items()):
            info = zipfile.ZipInfo(stand_in)
            info.create_system, info.extra = system, extra(name)
            archive.writestr(info, bytes([index]))
    content = path.read_bytes()
    for stand_in, name in stand_ins.items():
        content = content.replace(stand_in.encode(), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("system", [0, 3], ids=["Windows", "as if of Unix"])
def test_backslashes_part_folders(tmp_path, system):
    """Windows PowerShell and .NET before 4.6.1 write them (PowerShell/Microsoft.PowerShell.Archive issue 48)."""
    names = rb"kit\kick\1.wav", rb"kit\tom\.2.wav", rb"kit\tom\3.wav", rb"kit\testing_list.txt", b"kit\\empty\\"
    listing = Archive(zip_of_bytes(tmp_path / "kit.zip", names, system=system)).listing()
    assert paths(listing) == ["kick/1.wav", "tom/3.wav"]
    assert listing.left_out == {"kit/tom/.2.wav": "hidden: the name begins with a dot"}
    assert (list(listing.lists), listing.other_files) == (["testing_list.txt"], ["kit/testing_list.txt"])


def test_backslashes_lead_out_of_no_archive(tmp_path):
    path = zip_of_bytes(tmp_path / "kit.zip", [rb"..\up.wav", rb"C:\1.wav", rb"\\host\1.wav", rb"a\1.wav"])
    listing = Archive(path).listing()
    assert [reason for _, reason in listing.skipped] == ["path points outside the archive"] * 3
    assert paths(listing) == ["a/1.wav"]


def test_a_zip_of_windows_gives_the_classes_of_its_folders(tmp_path, record):
    record(tmp_path / "1.wav", 256)
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        for name in ("kick\\1.wav", "kick\\2.wav", "tom\\1.wav"):
            archive.write(tmp_path / "1.wav", name)
    assert make(tmp_path / "kit.zip", tmp_path / "out").classes == ["kick", "tom"]


def test_names_of_files_unpacked_without_regard_to_backslashes_give_their_classes(tmp_path, record):
    r"""Python's own zipfile makes files called kick\1.wav of such an archive."""
    record(tmp_path / "kit" / "kick\\1.wav", 256)
    record(tmp_path / "kit" / "tom\\1.wav", 256)
    assert make(tmp_path / "kit", tmp_path / "out").classes == ["kick", "tom"]


JAPANESE = ["スネア/表.wav", "キック/ソロ.wav", "予約/１.wav"]  # 表, ソ and 予 hold a byte that is a backslash in ASCII


@pytest.mark.parametrize("separator", [b"/", b"\\"])
def test_names_in_shift_jis_are_read_and_noted(tmp_path, separator):
    """Windows' own archives in Japan."""
    names = [separator.join(part.encode("cp932") for part in name.split("/")) for name in JAPANESE]
    listing = Archive(zip_of_bytes(tmp_path / "kit.zip", names)).listing()
    assert paths(listing) == JAPANESE
    assert listing.notes == [
        "kit does not say how its names are encoded: read as Shift-JIS, such as スネア/表.wav. "
        "If they look wrong, unpack it with a program that knows them and name the folder"
    ]


def test_names_in_utf_8_are_read_where_no_flag_says_so(tmp_path):
    """As macOS' Finder and old Info-ZIP write them."""
    names = ["größe/é.wav", "スネア/1.wav"]
    listing = Archive(zip_of_bytes(tmp_path / "kit.zip", [name.encode() for name in names])).listing()
    assert (paths(listing), listing.notes) == (names, [])


def test_the_name_in_unicode_beside_another_counts_where_it_belongs_to_that(tmp_path):
    """Info-ZIP's extra field 0x7075 (APPNOTE.TXT 4.6.9)."""

    def field(name):
        known = "大鼓/1.wav".encode()
        checksum = zlib.crc32(name) if b"1" in name else 0
        return struct.pack("<HHBL", 0x7075, 5 + len(known), 1, checksum) + known

    names = ["大鼓/1.wav".encode("gbk"), b"snare/2.wav"]
    listing = Archive(zip_of_bytes(tmp_path / "kit.zip", names, extra=field)).listing()
    assert (paths(listing), listing.notes) == (["大鼓/1.wav", "snare/2.wav"], [])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("大鼓/军鼓.wav", "gbk"), ("킥/스네어.wav", "cp949"), ("бочка/удар.wav", "cp866"), ("Château/été.wav", "cp437"),
     ("größe/für Elise.wav", "cp437"), ("Âme/Béla.wav", "cp1252"), ("大鼓/軍鼓.wav", "big5")],
)  # fmt: skip
def test_other_encodings_are_never_taken_for_shift_jis_but_noted(tmp_path, text, encoding):
    names, read_as = decoded([text.encode(encoding)])
    assert (names, read_as) == ([text.encode(encoding).decode("cp437")], "code page 437")
    notes = Archive(zip_of_bytes(tmp_path / "kit.zip", [b"a/1.wav", text.encode(encoding)])).listing().notes
    assert len(notes) == 1 and "kit does not say how its names are encoded: read as code page 437" in notes[0]


def test_names_in_ascii_or_with_the_flag_need_no_note(tmp_path):
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        archive.writestr("größe/1.wav", b"")
        archive.writestr("kick/1.wav", b"")
    with open(tmp_path / "kit.zip", "rb") as file:
        assert [member.encoding for member in zip_members(file)] == [None, None]
    assert Archive(tmp_path / "kit.zip").listing().notes == []


@ALL_KINDS
def test_what_is_left_out_of_an_archive_is_in_the_account(tmp_path, name):
    """macOS' Compress adds __MACOSX/._1.wav for every 1.wav."""
    members = {"kit/a/1.wav": b"", "kit/a/.2.wav": b"", "__MACOSX/kit/a/._1.wav": b"", "kit/.git/HEAD": b""}
    members |= {"kit/a/.3.wav.icloud": b"", "kit/.DS_Store": b""}
    listing = Archive(pack(tmp_path / name, members)).listing()
    dot = "hidden: the name begins with a dot"
    assert listing.left_out == {
        "kit/a/.2.wav": dot, "__MACOSX": "macOS' notes about other files, no sound", "kit/.git": dot
    }  # fmt: skip
    assert listing.skipped == [("kit/a/.3.wav.icloud", "not downloaded from iCloud: download it in the Finder first")]
    assert paths(listing) == ["a/1.wav"]


def test_the_report_says_what_was_left_out(tmp_path, record, capsys):
    record(tmp_path / "in" / "a" / "1.wav", 256)
    for name in (".2.wav", "._1.wav", ".3.wav.icloud"):
        (tmp_path / "in" / "a" / name).write_bytes(b"x")
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--length", "256"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "files    2 found, 1 kept, 1 skipped" in lines
    at = lines.index("left out by their names")
    assert lines[at - 1] == "       1 × not downloaded from iCloud: download it in the Finder first: a/.3.wav.icloud"
    assert set(lines[at + 1 : at + 3]) == {
        "       1 × hidden: the name begins with a dot: a/.2.wav",
        "       1 × macOS' notes about other files, no sound: a/._1.wav",
    }
