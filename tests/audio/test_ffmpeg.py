"""FFmpeg gets bytes that anybody may have made: no address, no other file, a bounded time, nothing printed."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.audio.encoding import encoded, tone
from wavegan.audio import ffmpeg
from wavegan.audio.decode import Unusable, decode
from wavegan.audio.recording import Findings, Part, open_contents

ROOT = Path(ffmpeg.__file__).parents[2]
RATE = 48000  # Hz


def joined(source, channels=1):
    return np.concatenate(list(decode(source, RATE, channels)))


@pytest.fixture
def listener():
    """A port on the loopback address, and how often somebody called."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while True:
                try:
                    calls.append(server.accept()[0].close())
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1], calls
        server.shutdown(socket.SHUT_RDWR)


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{place}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{place}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 0\na=control:{place}\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
    'mimeType="audio/mp4"><Representation><BaseURL>{place}</BaseURL></Representation></AdaptationSet></Period></MPD>',
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.wav"])
def test_a_playlist_opens_neither_an_address_nor_a_file(tmp_path, listener, kind, name, monkeypatch):
    """CVE-2016-1897 and CVE-2016-1898: a playlist that is named like a recording."""
    port, calls = listener
    (tmp_path / "secret.mp3").write_bytes(encoded("mp3", "libmp3lame", tone(1), RATE))
    monkeypatch.chdir(tmp_path)
    for place in (f"http://127.0.0.1:{port}/a.mp3", "secret.mp3", str(tmp_path / "secret.mp3"), "file:secret.mp3"):
        (tmp_path / name).write_text(PLAYLISTS[kind].format(place=place))
        for source in (str(tmp_path / name), (tmp_path / name).read_bytes()):
            with pytest.raises(Unusable, match="not readable as audio"):
                joined(source)
    assert calls == []


def test_a_file_that_takes_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(ffmpeg, "SECONDS", 0.0)
    with pytest.raises(Unusable, match="takes longer to decode than"):
        list(ffmpeg.blocks(Part(open_contents(encoded("mp3", "libmp3lame", tone(5), RATE))), Findings()))


def test_time_that_passes_between_the_blocks_does_not_count(monkeypatch):
    """Whoever takes the blocks may be slow."""
    monkeypatch.setattr(ffmpeg, "SECONDS", 1.0)
    for _ in ffmpeg.blocks(Part(open_contents(encoded("mp3", "libmp3lame", tone(20), RATE))), Findings()):
        end = ffmpeg.time.thread_time() + 0.5
        while ffmpeg.time.thread_time() < end:
            pass


def test_ctrl_c_while_ffmpeg_reads_is_not_lost(monkeypatch):
    """What is raised inside FFmpeg's callback would be printed and forgotten."""
    file = Part(open_contents(encoded("mp3", "libmp3lame", tone(60), RATE)))
    read, original = [], file.read

    def interrupted(size):
        read.append(size)
        if len(read) == 3:
            raise KeyboardInterrupt
        return original(size)

    monkeypatch.setattr(file, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(ffmpeg.blocks(file, Findings()))


def test_a_broken_disk_is_named(monkeypatch):
    file = Part(open_contents(encoded("mp3", "libmp3lame", tone(60), RATE)))

    def broken(size):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(file, "read", broken)
    with pytest.raises(OSError, match="Input/output error"):
        list(ffmpeg.blocks(file, Findings()))


@pytest.mark.parametrize("channels", [9, 16, 64])
def test_many_channels_are_mixed(channels):
    """PyAV looks for planes beyond the eighth where there may be none."""
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, channels)).astype(np.float32)
    file = io_caf(sound)
    np.testing.assert_allclose(joined(file), sound.mean(axis=1, keepdims=True), atol=1e-5)


def io_caf(sound):
    import io

    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format="CAF", subtype="FLOAT")
    return file.getvalue()


def test_pictures_alone_are_no_sound():
    import io

    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        output.mux(stream.encode(None))
    with pytest.raises(Unusable, match="^holds pictures and no sound$"):
        joined(file.getvalue())


ALONE = """
import sys
from wavegan.audio.decode import decode
list(decode(sys.argv[1], 8000, 1))
assert "av" not in sys.modules
from wavegan.audio import ffmpeg
assert not {"tensorflow", "keras", "PIL"} & sys.modules.keys()
"""


def test_a_wav_file_imports_no_ffmpeg_and_ffmpeg_imports_no_tensorflow_and_prints_nothing(tmp_path, record):
    record(tmp_path / "a.wav", 4000, 11025, subtype="PCM_24")
    command = [sys.executable, "-c", ALONE, str(tmp_path / "a.wav")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
