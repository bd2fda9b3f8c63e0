"""Archives made to do harm: each is refused or its members are named, and memory stays bounded."""

import gzip
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from preprocess import archives
from preprocess.archives import Archive
from tests.preprocess.test_archives import ALL_KINDS, add, pack, read
from tests.preprocess.test_sources import paths
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError

ROOT = Path(archives.__file__).parent.parent


def header(name, size=b"\0" * 12, kind=b"0", **facts):
    """A tar header of 512 bytes with any 12 bytes as `size` and a good checksum."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for fact, value in facts.items():
        setattr(info, fact, value)
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT)[-512:])
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def growth(code, *arguments):
    """By how many MiB the memory of a process grows at most while it runs `code`, and what the process printed."""
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from preprocess import archives, clips, workers\n"
        "from wavegan.base.errors import UserError\n"
        "from wavegan.audio import decode\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
        "before = peak()\n"
    )
    command = [sys.executable, "-c", f"{script}{code}\nprint(peak() - before)", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    *printed, grown = done.stdout.splitlines()
    return int(grown), printed


READ_ALL = """
archive = archives.Archive(Path(sys.argv[1]))
try:
    listing = archive.listing()
    for path, reason in listing.skipped:
        print(path, reason)
    for entry, content in archive.contents(listing.entries):
        print(entry.path, content if isinstance(content, decode.Unusable) else len(content))
except UserError as error:
    print(error)
"""


def test_an_archive_in_an_archive_is_left_alone_and_named(tmp_path):
    inner = pack(tmp_path / "inner.zip", {"a/2.wav": b"2"}).read_bytes()
    listing = Archive(pack(tmp_path / "kit.tar.gz", {"a/1.wav": b"1", "a/inner.zip": inner})).listing()
    assert (paths(listing), listing.other_files) == (["a/1.wav"], ["a/inner.zip"])


@ALL_KINDS
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_with_one_name_the_last_counts_as_after_unpacking(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for content in (b"older", b"newer"):
                archive.writestr("a/1.wav", content)
    else:
        with tarfile.open(path, "w" if name == "kit.tar" else "w:gz") as archive:
            for spelling, content in (("a/1.wav", b"older"), ("./a/1.wav", b"newer")):
                add(archive, spelling, content)
    assert read(Archive(path)) == {"a/1.wav": b"newer"}
    expected = [("a/1.wav", "replaced by a later file of the same name in the archive")]
    assert Archive(path).listing().skipped == expected


@pytest.mark.parametrize("name", ["kit.tar", "kit.tar.gz"])
def test_where_an_archive_breaks_off_is_named(tmp_path, name):
    path = pack(tmp_path / name, {f"a/{index}.wav": os.urandom(20_000) for index in range(10)})
    os.truncate(path, 115_000)
    with pytest.raises(UserError, match=r"incomplete or no archive .*, at or after a/[45]\.wav\)"):
        Archive(path).listing()


def test_members_that_are_encrypted_or_compressed_without_bound_are_skipped_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "kit.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/secret.wav", b"x" * 100)
        archive.writestr("a/bzip2.wav", b"x" * 100, zipfile.ZIP_BZIP2)
        archive.writestr("a/lzma.wav", b"x" * 100, zipfile.ZIP_LZMA)
        archive.writestr("a/good.wav", b"good")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # in the directory: encrypted
    path.write_bytes(content)
    method = "compressed by another method than deflate: unpack the archive and name the folder"
    assert read(Archive(path)) == {"a/good.wav": b"good"}
    assert Archive(path).listing().skipped == [
        ("a/secret.wav", "encrypted with a password"), ("a/bzip2.wav", method), ("a/lzma.wav", method)
    ]  # fmt: skip


def lie(path, says, field="size"):
    """Writes `says` over a fact of the first member in a zip's directory; returns the path."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + {"crc": 16, "compressed": 20, "size": 24, "offset": 42}[field]
    content[at : at + 4] = says.to_bytes(4, "little")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("field", "says", "reason"),
    [
        ("size", 999, "Bad CRC-32 for file 'a/lies.wav'"),
        ("size", 5000, "1000 bytes where the directory says 5000"),
        ("compressed", 3, "1000|bytes where|incomplete|Bad CRC"),
        ("crc", 7, "Bad CRC-32 for file 'a/lies.wav'"),
        ("offset", 20_000, "unpack requires a buffer of 30 bytes|Truncated"),
        ("offset", 10, "Bad magic number"),
    ],
)
def test_a_member_that_is_not_what_the_directory_says_is_skipped_and_the_rest_goes_on(tmp_path, field, says, reason):
    path = lie(pack(tmp_path / "kit.zip", {"a/lies.wav": b"x" * 1000, "a/good.wav": b"good"}), says, field)
    contents = read(Archive(path))
    assert isinstance(contents["a/lies.wav"], Unusable)
    assert re.search(f"^damaged in the archive: .*({reason})", str(contents["a/lies.wav"]))
    assert contents["a/good.wav"] == b"good"


def test_a_damaged_split_list_is_an_error(tmp_path):
    """Without it, other files would be held out than those that the corpus names."""
    path = pack(tmp_path / "kit.zip", {"testing_list.txt": b"a/1.wav\n", "a/1.wav": b"1"})
    with pytest.raises(UserError, match="kit.zip: testing_list.txt, which says what is held out, is damaged"):
        Archive(lie(path, 7, "crc")).listing()


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in kB on Linux only")
def test_a_zip_bomb_is_decompressed_no_further_than_its_directory_says(tmp_path):
    with zipfile.ZipFile(tmp_path / "kit.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/bomb.wav", bytes(300 << 20))
        archive.writestr("a/good.wav", b"good")
    assert (tmp_path / "kit.zip").stat().st_size < 1 << 20
    grown, printed = growth(READ_ALL, lie(tmp_path / "kit.zip", 1000))
    assert printed == ["a/bomb.wav damaged in the archive: Bad CRC-32 for file 'a/bomb.wav'", "a/good.wav 4"]
    assert grown < 50


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in kB on Linux only")
@pytest.mark.parametrize(
    ("first", "said"),
    [
        (header("a/1.wav", b"%011o\0" % (1 << 31)), "damaged.*unexpected end of data, at or after a/1.wav"),
        (header("longname", b"%011o\0" % (300 << 20), b"L"), "damaged.*header of 314572800 bytes"),
        (header("pax", b"%011o\0" % (300 << 20), b"x"), "damaged.*header of 314572800 bytes"),
    ],
)
def test_a_tar_gz_bomb_stays_small_in_memory(tmp_path, first, said):
    with gzip.open(tmp_path / "kit.tar.gz", "wb", 1) as file:
        file.write(first)
        for _ in range(300):
            file.write(bytes(1 << 20))
    grown, printed = growth(READ_ALL, tmp_path / "kit.tar.gz")
    assert re.search(said, printed[-1])
    assert grown < 50


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        # Numbers above 8 GiB and below zero are stored with a first byte of 0x80 and 0xff.
        (header("a/back.wav", b"\xff" * 10 + b"\xfc\x00"), "a/back.wav of -1024 bytes"),
        (header("a/back.wav", b"\xff" * 10 + b"\xfe\x00"), "a/back.wav of -512 bytes"),
        (header("long", b"\xff" * 10 + b"\xfe\x00", b"L"), "header of -512 bytes"),
        (header("a/huge.wav", b"\x80" + b"\x7f" * 11), "at or after a/huge.wav"),
        (header("a/big.wav", b"\x80" + b"\0" * 4 + b"\x7f" * 7), "after a/big.wav"),
        (header("long", b"%011o\0" % 0, b"L") * 3000, "recursion"),
        (header("sparse", b"00000001000\0", b"x") + b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".ljust(512, b"\0")
         + header("a/1.wav", b"00000001000\0") + b"?" * 512, "not enough values"),
    ],
    ids=["back to its own header", "its own header again", "header of less than nothing", "huge", "big", "long names",
         "sparse"],
)  # fmt: skip
def test_a_tar_header_that_lies_is_an_error_and_no_endless_loop(tmp_path, blocks, reason):
    (tmp_path / "kit.tar").write_bytes(header("a/0.wav") + blocks + bytes(1024))
    grown, printed = growth(READ_ALL, tmp_path / "kit.tar")
    assert re.search(f"(kit.tar is damaged|cannot read .*kit.tar: Invalid argument), .*{reason}", printed[-1])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"\xc3\xbc", b"\xff\xff"),  # names that are no UTF-8, although a flag says so
        lambda content: content.replace(b"PK\x01\x02\x14\x03", b"PK\x01\x02\xff\xff").replace(b"\x14\0\0", b"\xff\0\0"),
        lambda content: content[:-10],
    ],
)
def test_a_broken_zip_directory_is_an_error(tmp_path, change):
    path = pack(tmp_path / "kit.zip", {"ü/1.wav": b"1"})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match="kit.zip is damaged, incomplete or no archive of the kind its name says"):
        Archive(path).listing()
