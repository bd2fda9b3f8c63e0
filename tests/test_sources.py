"""Sources: folders, archives and downloads, with all that can lie in them."""

import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from preprocess import UserError, archives, download, sources
from preprocess.archives import Archive
from preprocess.audio import Unusable
from preprocess.convert import open_source
from preprocess.sources import DrumKit, Folder
from preprocess.splits import hash_percent, split_by_hash, split_by_lists

# Folders


def paths(listing):
    return [entry.path for entry in listing.entries]


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_is_searched_recursively_and_listed_in_order(tmp_path):
    """A peer's glob went one level deep."""
    touch(tmp_path, "b/2.wav", "b/1.wav", "a/deep/er/3.flac", "top.ogg")
    assert paths(Folder(tmp_path).listing()) == ["a/deep/er/3.flac", "b/1.wav", "b/2.wav", "top.ogg"]


def test_files_that_are_no_audio_are_counted_and_left_alone(tmp_path):
    """A peer's glob took non-audio along."""
    touch(tmp_path, "README.md", "a/notes.txt", "a/cover.jpg", "a/noextension", "a/1.wav", "a/2.MP3", "a/3.Aiff")
    listing = Folder(tmp_path).listing()
    assert paths(listing) == ["a/1.wav", "a/2.MP3", "a/3.Aiff"]
    assert (len(listing.other_files), listing.skipped) == (4, [])


def test_hidden_files_and_background_noise_are_left_out(tmp_path):
    touch(tmp_path, ".hidden/1.wav", "a/.2.wav", "a/._3.wav", "_background_noise_/4.wav", "__MACOSX/5.wav", "a/6.wav")
    listing = Folder(tmp_path).listing()
    assert (paths(listing), listing.other_files, listing.skipped) == (["a/6.wav"], [], [])


def test_a_hidden_folder_can_be_the_source_itself(tmp_path):
    touch(tmp_path / ".hidden", "a/1.wav")
    assert paths(Folder(tmp_path / ".hidden").listing()) == ["a/1.wav"]


def test_a_label_is_the_parent_folder_s_name(tmp_path):
    touch(tmp_path / "my kit", "top.wav", "kick/1.wav", "acoustic/kick/2.wav", "größe/3.wav")
    labels = {entry.path: entry.label for entry in Folder(tmp_path / "my kit").listing().entries}
    assert labels == {"top.wav": "my kit", "kick/1.wav": "kick", "acoustic/kick/2.wav": "kick", "größe/3.wav": "größe"}


def test_a_label_is_the_same_whichever_system_wrote_the_name(tmp_path):
    touch(tmp_path, "gro\u0308ße/1.wav")  # as macOS writes it
    assert Folder(tmp_path).listing().entries[0].label == "größe"


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
    listing = Folder(tmp_path).listing()
    assert listing.skipped == [("gone.wav", "link to nothing"), ("pipe.wav", "not a regular file")]
    assert paths(listing) == []


def test_a_source_is_known_by_what_it_is(tmp_path, monkeypatch):
    touch(tmp_path, "folder/1.wav", "a.TAR.GZ", "b.zip", "c.wav", "d.rar")
    assert isinstance(open_source(str(tmp_path / "folder")), Folder)
    assert isinstance(open_source(str(tmp_path / "a.TAR.GZ")), Archive)
    assert isinstance(open_source(str(tmp_path / "b.zip")), Archive)
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_source("drums"), DrumKit)
    for name, message in [
        ("nowhere", "nowhere does not exist. Expected a folder, an archive"),
        ("c.wav", "Received the file c.wav: name the folder it lies in"),
        ("d.rar", "Received the file d.rar: unpack it"),
    ]:
        with pytest.raises(UserError, match=message):
            open_source(name)


# Archives


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
    assert [entry.label for entry in archive.listing().entries] == ["b", "a"]


@ALL_KINDS
@pytest.mark.parametrize("top", ["", "./", "kit/", "./kit/"])
def test_an_archive_equals_the_folder_it_was_made_of(tmp_path, name, top):
    members = {f"{top}validation_list.txt": b"kick/2.wav\n", f"{top}kick/2.wav": b"2", f"{top}tom/1.wav": b"1"}
    listing = Archive(pack(tmp_path / name, members)).listing()
    assert paths(listing) == ["kick/2.wav", "tom/1.wav"]
    assert listing.lists == {"validation": {"kick/2.wav"}}


def test_an_archive_of_one_class_keeps_its_name(tmp_path):
    listing = Archive(pack(tmp_path / "sounds.zip", {"kick/1.wav": b"", "kick/2.wav": b""})).listing()
    assert [(entry.path, entry.label) for entry in listing.entries] == [("kick/1.wav", "kick"), ("kick/2.wav", "kick")]


def test_files_at_an_archive_s_top_are_named_after_it(tmp_path):
    listing = Archive(pack(tmp_path / "my loops.tar.gz", {"1.wav": b""})).listing()
    assert listing.entries[0].label == "my loops"


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
    monkeypatch.setattr(archives, "LARGEST_MEMBER", 1000)
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
    assert len(listing.entries) == 300 and len({entry.label for entry in listing.entries}) == 30
    assert len(listing.other_files) == 4 and listing.skipped == []
    assert {split: len(names) for split, names in listing.lists.items()} == {"validation": 6798, "test": 6835}


# Splits


@pytest.mark.parametrize(
    ("path", "percent"),
    [("zero/0a7c2a8d_nohash_0.wav", 13.5425), ("kick/kick_0000.wav", 22.9042), ("größe/laut.wav", 38.3337)],
)
def test_the_hash_of_a_path_never_changes(path, percent):
    """Golden, from sha1sum: the first 16 hex digits over 2^64, in percent. A peer used the randomised `hash()`."""
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


# Downloads

CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at /corpus.tar.gz; `breaks` holds how many bytes each coming answer sends before it closes."""

    def __init__(self):
        self.breaks, self.ranges, self.resumable, self.status = [], [], True, 200
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/corpus.tar.gz"

    def handle_error(self, request, client_address):
        pass


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        start = int(self.headers["Range"][6:-1]) if server.resumable and "Range" in self.headers else 0
        if server.status != 200:
            self.send_error(server.status)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        end = start + server.breaks.pop(0) if server.breaks else None
        self.wfile.write(CONTENT[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("WAVEGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE", 0)
    server = Server()
    monkeypatch.setattr(download, "CORPORA", {"corpus": (server.url, hashlib.sha256(CONTENT).hexdigest())})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_corpus_is_downloaded_once(server, tmp_path, capsys):
    path = download.fetch_corpus("corpus")
    assert path == tmp_path / "cache" / "corpus.tar.gz" and path.read_bytes() == CONTENT
    assert "downloading corpus.tar.gz: 1.0 of 1.0 MB (100 %)" in capsys.readouterr().err
    assert download.fetch_corpus("corpus") == path
    assert server.ranges == [None]
    assert os.listdir(tmp_path / "cache") == ["corpus.tar.gz"]


def test_a_broken_connection_is_resumed_where_it_broke_off(server):
    server.breaks = [300_000, 400_000]
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=700000-"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.breaks = [300_000, 0]
    with pytest.raises(UserError, match="the connection broke off. 0.3 MB are kept, and the same command goes on"):
        download.fetch_corpus("corpus")
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=300000-"


def test_a_server_that_cannot_resume_starts_again(server):
    server.resumable = False
    server.breaks = [300_000]
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_part_that_is_longer_than_the_file_is_dropped(server, tmp_path):
    touch(tmp_path, "cache/corpus.tar.gz.part")
    (tmp_path / "cache" / "corpus.tar.gz.part").write_bytes(bytes(len(CONTENT) + 5))
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT


def test_a_wrong_checksum_removes_the_file(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "CORPORA", {"corpus": (server.url, "0" * 64)})
    with pytest.raises(UserError, match=f"Expected SHA-256 {'0' * 64}. Received: [0-9a-f]{{64}}. Try again"):
        download.fetch_corpus("corpus")
    assert os.listdir(tmp_path / "cache") == []


def test_a_missing_file_is_not_asked_for_again_and_again(server):
    server.status = 404
    with pytest.raises(UserError, match="corpus.tar.gz answers 404 Not Found.*name it as SOURCE"):
        download.fetch_corpus("corpus")
    assert len(server.ranges) == 1


def test_a_server_in_trouble_is_given_time(server):
    server.status = 503
    with pytest.raises(UserError, match="503 Service Unavailable"):
        download.fetch_corpus("corpus")
    assert len(server.ranges) == download.ATTEMPTS


def test_an_unreachable_server_is_named(server, monkeypatch):
    monkeypatch.setattr(download, "CORPORA", {"corpus": ("http://127.0.0.1:9/corpus.tar.gz", "0" * 64)})
    with pytest.raises(UserError, match="cannot download http://127.0.0.1:9/corpus.tar.gz: Connection refused"):
        download.fetch_corpus("corpus")


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    touch(tmp_path, "file")
    monkeypatch.setenv("WAVEGAN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="cannot keep the download in .*WAVEGAN_CACHE"):
        download.fetch_corpus("corpus")


def test_a_corpus_is_a_source(server, tmp_path):
    source = open_source("corpus")
    assert (source.name, source.path) == ("corpus", tmp_path / "cache" / "corpus.tar.gz")


def test_known_corpora_are_those_of_the_documentation():
    assert sorted(download.CORPORA) == ["speech-commands", "speech-commands-v2"]
    assert all(len(sha256) == 64 and Path(url).name.endswith(".tar.gz") for url, sha256 in download.CORPORA.values())
