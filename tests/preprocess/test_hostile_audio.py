"""Hostile recordings: whatever lies in a folder, the rest is prepared and each file is named with its reason."""

import io
import os
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import RATE, make
from tests.preprocess.test_hostile_archives import growth
from wavegan.audio import decode
from wavegan.base.quiet import import_tensorflow
from wavegan.base.text import printable
from wavegan.data.schema import DatasetInfo

ROOT = Path(decode.__file__).parents[2]
if sys.platform != "linux":
    pytest.skip("names, links and memory are tested as Linux has them", allow_module_level=True)

KEPT = "kept"
UNREADABLE = "not readable as audio: "
NO_SAMPLES = "holds no samples"
NO_FILE = None  # neither kept nor skipped
NOT_FINITE = "holds samples that are not finite"
WRONG_RATE = "Hz: expected 100 to 10,000,000"
PCM, ADPCM, FLOAT, MP3, EXTENSIBLE = 1, 2, 3, 0x55, 0xFFFE  # formats of a WAV file
WHOLE = 0xFFFFFFFF  # what a chunk of unknown size says
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of every format in an extensible header


def noise(samples=400, channels=1, seed=0):
    """float32 [samples, channels] in [-0.5, 0.5]."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


def chunk(name, content, size=None, order="<"):
    """A chunk of a RIFF or AIFF file, with any `size` (bytes) in its head."""
    return name + struct.pack(f"{order}I", len(content) if size is None else size) + content


def wav(
    *,
    samples=None,
    kind=PCM,
    rate=RATE,
    channels=1,
    bits=16,
    align=None,
    format_extra=b"",
    before=b"",
    size=None,
    whole_size=None,
    order="<",
    name=b"RIFF",
):
    """A WAV file of which every field can lie. `samples`: bytes, 400 frames of noise by default."""
    if samples is None:
        samples = (noise(400 * channels) * 32767).astype(f"{order}i2").tobytes()
    align = channels * bits // 8 if align is None else align
    fields = struct.pack(f"{order}HHIIHH", kind, channels, rate, rate * align & WHOLE, align, bits) + format_extra
    body = b"WAVE" + chunk(b"fmt ", fields, order=order) + before + chunk(b"data", samples, size, order)
    return chunk(name, body, whole_size, order)


def extensible(guid, valid_bits=16, channels=1, mask=4, extra=22, **facts):
    """A WAV file with WAVE_FORMAT_EXTENSIBLE; `guid` is the 2 bytes that name the true format."""
    tail = struct.pack("<HHIH", extra, valid_bits, mask, guid) + GUID_TAIL
    return wav(kind=EXTENSIBLE, channels=channels, format_extra=tail, **facts)


def encoded(container, subtype, samples=None, rate=RATE):
    """A good file of any format that libsndfile writes, in bytes."""
    file = io.BytesIO()
    soundfile.write(file, noise(4000) if samples is None else samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def cut_off(content, part=0.5):
    return content[: int(len(content) * part)]


def flipped(content, bits=40, start=0, seed=0):
    """`content` with `bits` of its bits inverted, all after byte `start`."""
    damaged = bytearray(content)
    for at in np.random.default_rng(seed).integers(start, len(content), bits):
        damaged[at] ^= 1 << (at % 8)
    return bytes(damaged)


def floats(*values):
    samples = np.concatenate([noise(300)[:, 0], np.array(values, np.float32)])
    return wav(samples=samples.astype("<f4").tobytes(), kind=FLOAT, bits=32)


def tagged_mp3(size):
    """A good MP3 behind an ID3 tag of `size` bytes, such as one with a large picture."""
    digits = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    frame = b"APIC" + struct.pack(">I", size - 10) + bytes(2) + bytes(size - 10)
    return b"ID3\x03\0\0" + digits + frame + encoded("MP3", "MPEG_LAYER_III", rate=16000)


def aiff(rate=RATE, frames=400, size=None, bits=16, channels=1):
    """An AIFF file; `rate` (Hz) becomes an 80-bit float."""
    exponent = max(rate.bit_length() - 1, 0)
    number = struct.pack(">HQ", 16383 + exponent if rate else 0, rate << (63 - exponent))
    common = struct.pack(">HIH", channels, frames, bits) + number
    samples = bytes(8) + (noise(400) * 32767).astype(">i2").tobytes()
    return chunk(b"FORM", b"AIFF" + chunk(b"COMM", common, None, ">") + chunk(b"SSND", samples, size, ">"), None, ">")


def link(target):
    return lambda path: os.symlink(target, path)


GOOD = ("good/1.wav", "good/2.wav")
# Under each name its content, or a function that makes it at a path; and why it is skipped, or KEPT, as libsndfile 1.2
# judges it: of a file that is cut off it gives what is there, where the format lets it.
HOSTILE = {
    "zero bytes.wav": (b"", "empty file"),
    "one byte.wav": (b"R", UNREADABLE),
    "header only.wav": (wav()[:44], NO_SAMPLES),
    "header without data.wav": (wav(samples=b""), NO_SAMPLES),
    "header cut off.wav": (wav()[:30], UNREADABLE),
    "data cut off.wav": (cut_off(wav()), KEPT),
    "data larger than the file.wav": (wav(size=1 << 20), KEPT),
    "data of unknown size.wav": (wav(size=WHOLE, whole_size=WHOLE), KEPT),
    "data smaller than the file.wav": (wav(size=100), KEPT),
    "data of odd size.wav": (wav(size=799), KEPT),
    "whole of no size.wav": (wav(whole_size=0), KEPT),
    "a chunk as large as can be.wav": (wav(before=chunk(b"LIST", b"abcd", WHOLE)), UNREADABLE),
    "a chunk of odd size.wav": (wav(before=chunk(b"LIST", b"abc") + b"\0"), KEPT),
    "a chunk of odd size unpadded.wav": (wav(before=chunk(b"LIST", b"abc")), UNREADABLE),
    "one sample.wav": (wav(samples=b"\x01\x02"), KEPT),
    "half a sample.wav": (wav(samples=b"\x01"), NO_SAMPLES),
    "silence.wav": (wav(samples=bytes(800)), "silent: every sample is zero"),
    "nan.wav": (floats(np.nan), NOT_FINITE),
    "infinity.wav": (floats(np.inf), NOT_FINITE),
    "minus infinity.wav": (floats(-np.inf), NOT_FINITE),
    "beyond all measure.wav": (floats(3e38, -3e38), KEPT),  # and clipped, as the report says
    "beyond all measure in stereo.wav": (
        wav(samples=b"\0\0\x7f\x7f" * 600, kind=FLOAT, bits=32, channels=2),
        NOT_FINITE,
    ),
    "nan 64 bit.wav": (wav(samples=np.array([0.5, np.nan]).tobytes(), kind=FLOAT, bits=64), NOT_FINITE),
    "too large for 32 bit.wav": (wav(samples=np.array([0.5, 1e300]).tobytes(), kind=FLOAT, bits=64), NOT_FINITE),
    "64 bit float.wav": (encoded("WAV", "DOUBLE"), KEPT),
    "8 bit.wav": (encoded("WAV", "PCM_U8"), KEPT),
    "24 bit.wav": (encoded("WAV", "PCM_24"), KEPT),
    "7 bit.wav": (wav(bits=7, align=1), KEPT),
    "0 bit.wav": (wav(bits=0, align=0), UNREADABLE),
    "0 Hz.wav": (wav(rate=0), UNREADABLE + "the header gives no possible sample rate"),
    "1 Hz.wav": (wav(rate=1, samples=bytes(range(250)) * 1000), "a sample rate of 1 " + WRONG_RATE),
    "4 GHz.wav": (wav(rate=4_000_000_000), UNREADABLE + "the header gives no possible sample rate"),
    "2 GHz.wav": (wav(rate=2_000_000_000), "a sample rate of 2,000,000,000 " + WRONG_RATE),
    "0 Hz.aiff": (aiff(rate=0), WRONG_RATE),
    "1 Hz.aiff": (aiff(rate=1), WRONG_RATE),
    "0 channels.wav": (wav(channels=0), UNREADABLE),
    "64 channels.wav": (wav(channels=64), KEPT),
    "65535 channels.wav": (wav(channels=65535, align=0), UNREADABLE),
    "block align 0.wav": (wav(align=0), KEPT),
    "block align of another width.wav": (wav(align=7), KEPT),
    "format that nobody knows.wav": (wav(kind=0x7777), UNREADABLE),
    "mp3 in wav.wav": (wav(kind=MP3), UNREADABLE),
    "extensible.wav": (extensible(PCM), KEPT),
    "extensible of no format.wav": (extensible(0x7777), UNREADABLE),
    "extensible cut short.wav": (wav(kind=EXTENSIBLE), UNREADABLE),
    "extensible with more bits than it has room for.wav": (extensible(PCM, valid_bits=99), KEPT),
    "extensible with 32 loudspeakers for one channel.wav": (extensible(PCM, mask=WHOLE), KEPT),
    "ima adpcm.wav": (encoded("WAV", "IMA_ADPCM"), KEPT),
    "ima adpcm cut off.wav": (cut_off(encoded("WAV", "IMA_ADPCM")), KEPT),
    "ms adpcm.wav": (encoded("WAV", "MS_ADPCM"), KEPT),
    "ms adpcm without its table.wav": (wav(kind=ADPCM, bits=4, align=256), UNREADABLE),
    "big-endian.wav": (wav(order=">", name=b"RIFX"), KEPT),
    "long.rf64": (encoded("RF64", "PCM_16"), KEPT),
    "long and cut off.rf64": (cut_off(encoded("RF64", "PCM_16"), 0.1), KEPT),
    "wave64.w64": (encoded("W64", "PCM_16"), KEPT),
    "wave64 cut off.w64": (cut_off(encoded("W64", "PCM_16"), 0.01), UNREADABLE),
    "two files in one.wav": (wav() + wav(), KEPT),
    "text.wav": (b"This is no sound at all, however long one listens.\n" * 20, UNREADABLE + "Format not recognised"),
    "random bytes.wav": (np.random.default_rng(1).bytes(5000), UNREADABLE),
    "random bytes.mp3": (np.random.default_rng(2).bytes(5000), UNREADABLE),
    "random bytes.ogg": (np.random.default_rng(3).bytes(5000), UNREADABLE),
    "a picture.flac": (b"\x89PNG\r\n\x1a\n" + bytes(500), UNREADABLE),
    "cut off.flac": (cut_off(encoded("FLAC", "PCM_16")), UNREADABLE),
    "header only.flac": (encoded("FLAC", "PCM_16")[:42], UNREADABLE),
    "bits flipped.flac": (flipped(encoded("FLAC", "PCM_16"), start=200), UNREADABLE),
    "head flipped.flac": (flipped(encoded("FLAC", "PCM_16")[:42], 60) + encoded("FLAC", "PCM_16")[42:], UNREADABLE),
    "cut off.ogg": (cut_off(encoded("OGG", "VORBIS")), UNREADABLE),
    "bits flipped.ogg": (flipped(encoded("OGG", "VORBIS")), UNREADABLE),
    "cut off.opus": (cut_off(encoded("OGG", "OPUS")), UNREADABLE),
    "cut off.mp3": (cut_off(encoded("MP3", "MPEG_LAYER_III")), KEPT),
    "bits flipped.mp3": (flipped(encoded("MP3", "MPEG_LAYER_III")), KEPT),
    "a tag of 9 MB.mp3": (tagged_mp3(9_000_000), KEPT),
    "a tag and nothing else.mp3": (tagged_mp3(9_000)[:9_010], UNREADABLE),
    "cut off.aiff": (cut_off(encoded("AIFF", "PCM_16")), KEPT),
    "bits flipped.aiff": (flipped(encoded("AIFF", "PCM_16"), 30)[:60] + encoded("AIFF", "PCM_16")[60:], KEPT),
    "sound as large as can be.aiff": (aiff(size=WHOLE), KEPT),
    "four thousand million frames.aiff": (aiff(frames=WHOLE), KEPT),
    "cut off.caf": (cut_off(encoded("CAF", "ALAC_16"), 0.8), UNREADABLE),
    "a folder, empty.wav": (os.mkdir, "an empty folder, not a file"),
    "link to nothing.wav": (link("nowhere"), "link to nothing"),
    "link to itself.wav": (link("link to itself.wav"), "cannot be opened: Too many levels of symbolic links"),
    "link to a link to itself.wav": (link("link to itself.wav"), "cannot be opened: Too many levels of symbolic links"),
    "link to its folder.wav": (link("."), NO_FILE),
    "link to a device.wav": (link("/dev/zero"), "not a regular file"),
    "link that cannot be read.wav": (link("/proc/self/mem"), "cannot be opened: Input/output error"),
    "pipe.wav": (os.mkfifo, "not a regular file"),
    " spaces  .wav": (wav(), KEPT),
    "line\nbreak.wav": (wav(), KEPT),
    "tab\tand\x1b[31mcolour.wav": (b"", "empty file"),
    "🥁🎶.wav": (wav(), KEPT),
    os.fsdecode(b"\xff\xfe no text.wav"): (wav(), KEPT),
    os.fsdecode(b"\xc3\x28 broken.wav"): (b"", "empty file"),
    "-rf.wav": (wav(), KEPT),
    "n" * 251 + ".wav": (wav(), KEPT),
    "a folder.wav/inside.wav": (wav(), KEPT),
    os.fsdecode(b"a\nfolder of \xff/inside.wav"): (wav(), KEPT),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all of HOSTILE, and with two good recordings."""
    folder = tmp_path_factory.mktemp("hostile") / "recordings"
    (folder / "good").mkdir(parents=True)
    for name in GOOD:
        (folder / name).write_bytes(wav())
    for name, (content, _) in HOSTILE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        content(folder / name) if callable(content) else (folder / name).write_bytes(content)
    return folder


def outcomes(info, names):
    """For each of `names` its reason for being skipped, else KEPT."""
    reasons = {skipped["path"]: skipped["reason"] for skipped in info.report["skipped"]}
    assert reasons.keys() <= {printable(name) for name in names}
    return {name: reasons.get(printable(name), KEPT) for name in names}


def surprises(info, expected):
    """Those files that did not become what was expected: name → (expected, received)."""
    received = outcomes(info, expected)
    return {name: (hope, received[name]) for name, hope in expected.items() if (hope or KEPT) not in received[name]}


def sources(directory):
    """For each file that is in the records its clips, int16 [time] back to back."""
    tf = import_tensorflow()
    clips = {}
    for record in tf.data.TFRecordDataset(sorted(map(str, directory.glob("*.tfrecord")))).as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        name = os.fsdecode(features["source"].bytes_list.value[0])
        clips.setdefault(name, {})[features["start"].int64_list.value[0]] = features["pcm"].bytes_list.value[0]
    return {name: np.frombuffer(b"".join(dict(sorted(parts.items())).values()), "<i2") for name, parts in clips.items()}


def test_every_hostile_file_is_kept_or_named_with_its_reason_and_the_good_ones_are_exact(folder, tmp_path):
    info = make(folder, tmp_path / "out")
    expected = {name: hope for name, (_, hope) in HOSTILE.items()} | dict.fromkeys(GOOD, KEPT)
    assert surprises(info, expected) == {}
    kept = {name for name, hope in expected.items() if hope == KEPT}
    assert info.report["kept"] == len(kept) and info.report["found"] == sum(
        hope is not NO_FILE for hope in expected.values()
    )
    stored = sources(tmp_path / "out")
    assert stored.keys() == kept
    written = np.frombuffer(wav()[44:], "<i2")
    for name in GOOD:
        np.testing.assert_array_equal(stored[name], np.pad(written, (0, 512 - len(written))))


def test_in_an_archive_the_same_files_are_kept_and_skipped_for_the_same_reasons(folder, tmp_path):
    files = {name: hope for name, (content, hope) in HOSTILE.items() if not callable(content)}
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in (*GOOD, *files):
            archive.add(folder / name, name)
    info = make(tmp_path / "all.tar", tmp_path / "out")
    assert surprises(info, files) == {}


def test_the_real_command_ends_well_on_them_and_says_the_same(folder, tmp_path):
    command = [sys.executable, "-m", "preprocess", str(folder), "--out", str(tmp_path / "out")]
    command += ["--sample-rate", str(RATE), "--length", "256", "--workers", "1"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}  # a terminal that knows no letter but those of English
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "\x1b" not in done.stdout + done.stderr
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == {"listing recordings", "converting"}
    info = DatasetInfo.load(tmp_path / "out")
    assert surprises(info, {name: hope for name, (_, hope) in HOSTILE.items()}) == {}
    assert f"{len(info.report['skipped'])} skipped" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_and_a_folder_without_permission_are_named(tmp_path, record):
    record(tmp_path / "in" / "good.wav")
    for name in ("file.wav", "closed/1.wav", "listed/2.wav"):
        record(tmp_path / "in" / name)
    (tmp_path / "in" / "file.wav").chmod(0)
    (tmp_path / "in" / "closed").chmod(0)
    (tmp_path / "in" / "listed").chmod(0o400)
    try:
        info = make(tmp_path / "in", tmp_path / "out")
    finally:
        for name in ("closed", "listed"):
            (tmp_path / "in" / name).chmod(0o700)
    assert {skipped["path"]: skipped["reason"] for skipped in info.report["skipped"]} == {
        "file.wav": "cannot be opened: Permission denied",
        "closed": "folder cannot be read: Permission denied",
        "listed/2.wav": "cannot be opened: Permission denied",
    }


DECODE_ALL = """
try:
    clips.slice_recording(sys.argv[1], clips.Cutting(8000, 16384), workers.Clips(str(Path(sys.argv[1]).parent)))
except decode.Unusable as reason:
    print(reason)
"""


def test_hours_of_silence_in_a_small_file_stay_small_in_memory(tmp_path):
    hours = 3
    with soundfile.SoundFile(tmp_path / "silence.flac", "w", RATE, 1, "PCM_16") as file:
        for _ in range(hours * 60):
            file.write(np.zeros(RATE * 60, np.int16))
    assert (tmp_path / "silence.flac").stat().st_size < 1 << 20
    grown, printed = growth(DECODE_ALL, tmp_path / "silence.flac")
    assert printed == ["silent: every sample is zero"]
    assert grown < 60  # MiB, of 330 that the samples would take


def test_a_small_file_of_a_low_rate_is_not_blown_up(tmp_path):
    (tmp_path / "slow.wav").write_bytes(wav(rate=1, samples=bytes(range(250)) * 1000))
    grown, printed = growth(DECODE_ALL, tmp_path / "slow.wav")
    assert printed == ["a sample rate of 1 Hz: expected 100 to 10,000,000"]
    assert grown < 60
