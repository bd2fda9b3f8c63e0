"""Downloads of known corpora, from a server on this machine that breaks in every way."""

import hashlib
import http.server
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from preprocess import download
from preprocess.convert import open_source
from tests.conftest import make
from wavegan.base.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at /corpus.tar.gz; `breaks` holds how many bytes each coming answer sends before it closes."""

    def __init__(self):
        self.breaks, self.ranges, self.resumable, self.status = [], [], True, 200
        self.go_on = threading.Event()  # an answer waits for it in its middle
        self.go_on.set()
        self.content, self.length = CONTENT, None  # what is sent, and what is said about its size instead of the truth
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
        content = server.content
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start) if server.length is None else server.length)
        self.end_headers()
        end = start + server.breaks.pop(0) if server.breaks else None
        middle = (start + len(content)) // 2
        self.wfile.write(content[start:middle][: None if end is None else end - start])
        server.go_on.wait(60)
        self.wfile.write(content[middle:end])

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


def test_a_part_that_is_complete_already_is_verified_and_used(server, tmp_path):
    """As where a process was killed while it verified what it had downloaded."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "corpus.tar.gz.part").write_bytes(CONTENT)
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT
    assert server.ranges == [] and os.listdir(tmp_path / "cache") == ["corpus.tar.gz"]


FETCH = """
import sys
from pathlib import Path
from preprocess.download import fetch
print(fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
"""


@pytest.mark.parametrize("killed", [False, True])
def test_two_downloads_of_one_file_one_waits_and_both_have_it(server, tmp_path, killed):
    """Without that, both would append to one file."""
    server.go_on.clear()
    words = [sys.executable, "-c", FETCH, server.url, hashlib.sha256(CONTENT).hexdigest(), tmp_path / "cache"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen(words, cwd=ROOT, **pipes)
    part = tmp_path / "cache" / "corpus.tar.gz.part"
    while not (part.exists() and part.stat().st_size) and first.poll() is None:
        time.sleep(0.02)
    second = subprocess.Popen(words, cwd=ROOT, **pipes)
    note = second.stderr.readline()
    assert note == f"note: corpus.tar.gz is being downloaded by process {first.pid} on {socket.gethostname()}; " + (
        "waiting for it\n"
    )
    if killed:
        first.kill()
        first.wait()
    server.go_on.set()
    outputs = [process.communicate()[0] for process in (first, second)]
    path = tmp_path / "cache" / "corpus.tar.gz"
    assert outputs == ["" if killed else f"{path}\n", f"{path}\n"]
    assert path.read_bytes() == CONTENT and os.listdir(tmp_path / "cache") == ["corpus.tar.gz"]
    assert len(server.ranges) == 1 + killed


def test_a_server_that_cannot_resume_starts_again(server):
    server.resumable = False
    server.breaks = [300_000]
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


@pytest.mark.parametrize("longer", [0, 5])
def test_a_part_that_is_as_long_as_the_file_or_longer_but_another_is_dropped(server, tmp_path, longer):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "corpus.tar.gz.part").write_bytes(bytes(len(CONTENT) + longer))
    assert download.fetch_corpus("corpus").read_bytes() == CONTENT


def test_a_wrong_checksum_removes_the_file(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "CORPORA", {"corpus": (server.url, "0" * 64)})
    with pytest.raises(UserError, match=f"Expected SHA-256 {'0' * 64}. Received: [0-9a-f]{{64}}. Try again"):
        download.fetch_corpus("corpus")
    assert os.listdir(tmp_path / "cache") == []


@pytest.fixture
def archive(server, tmp_path, record):
    """The server holds an archive with four recordings, and the checksum is its own."""
    with tarfile.open(tmp_path / "corpus.tar.gz", "w:gz") as tar:
        for index in range(4):
            record(tmp_path / "one" / f"{index}.wav", seed=index)
            tar.add(tmp_path / "one" / f"{index}.wav", f"one/{index}.wav")
    server.content = (tmp_path / "corpus.tar.gz").read_bytes()
    download.CORPORA["corpus"] = (server.url, hashlib.sha256(server.content).hexdigest())
    return server.content


def test_a_download_that_is_what_was_expected_becomes_a_data_set(archive, tmp_path):
    assert make("corpus", tmp_path / "out").report["kept"] == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-5],
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
        lambda content: content + b"more",
        lambda content: b"<html>Please log in to this network</html>",
    ],
    ids=["short", "one bit", "longer", "another"],
)
@pytest.mark.parametrize("length", [None, "", "many", "-1"])  # what the server says about its size
def test_a_wrong_file_never_reaches_preprocessing(archive, server, tmp_path, damage, length):
    server.content, server.length = damage(archive), length
    with pytest.raises(UserError, match="is not the file that was expected, and was removed"):
        make("corpus", tmp_path / "out")
    assert os.listdir(tmp_path / "cache") == [] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_a_cached_file_that_was_damaged_is_downloaded_again(archive, tmp_path, kept, capsys):
    path = download.fetch_corpus("corpus")
    os.truncate(path, kept if kept >= 0 else len(archive) - 1)
    assert make("corpus", tmp_path / "out").report["kept"] == 4
    assert f"note: {path} is damaged, or another file; it is downloaded again" in capsys.readouterr().err
    assert path.read_bytes() == archive


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
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAVEGAN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="cannot keep the download in .*WAVEGAN_CACHE"):
        download.fetch_corpus("corpus")


def test_a_corpus_is_a_source(server, tmp_path):
    source = open_source("corpus")
    assert (source.name, source.path) == ("corpus", tmp_path / "cache" / "corpus.tar.gz")


def test_known_corpora_are_those_of_the_documentation():
    assert sorted(download.CORPORA) == ["speech-commands", "speech-commands-v2"]
    assert all(len(sha256) == 64 and Path(url).name.endswith(".tar.gz") for url, sha256 in download.CORPORA.values())
