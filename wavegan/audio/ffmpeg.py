"""FFmpeg's decoder, through PyAV: MP3, AAC, Opus, WMA and all else that it reads.

A file is untrusted: FFmpeg gets its bytes and nothing else (no address, no other file), tries only containers of sound
and video, and has a bounded time.
"""

import errno
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from wavegan.audio.recording import (
    BLOCK_SAMPLES,
    DAMAGED,
    NO_SAMPLES,
    Block,
    Blocks,
    Findings,
    Part,
    Unusable,
    check_rate,
)

SECONDS = 10.0  # of processor time that a file may take, and for each MiB of it
# Containers that are tried: no playlists, which name other files, no subtitles, no pictures, no devices.
FORMATS = (
    "3g2,3gp,aa,aac,ac3,ac4,act,adx,aea,aiff,alp,amr,amrnb,amrwb,apac,ape,apm,aptx,asf,asf_o,ast,au,avi,avr,binka,bonk,"
    "brstm,bfstm,caf,codec2,daud,dsf,dss,dts,dtshd,eac3,epaf,flac,flv,fsb,g723_1,g729,genh,gsm,hca,hcom,iamf,"
    "iff,ilbc,ircam,kvag,loas,m4a,matroska,mca,mj2,mlp,mmf,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,msf,mtaf,"
    "mxf,nistsphere,nsv,nut,ogg,oma,osq,paf,pvf,qcp,qoa,rka,rm,rso,sbc,sds,sdx,shn,sln,sox,swf,tak,truehd,"
    "tta,vag,voc,vpk,vqf,w64,wav,wavarc,webm,wsaud,wsd,wtv,wv,wve,xa,xvag,xwma"
)
OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
LARGEST_FRAME = 1 << 21  # samples of one channel; Monkey's Audio needs 1,179,648
# Whose frames have checksums; without `explode` FFmpeg would give noise for a damaged one.
CHECKED = frozenset(("ape", "flac", "tak", "tta", "wavpack"))
TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")  # between frames of MP3 files: no sound, and no damage
# Containers that say how long the sound is, exactly; others guess.
EXACT = frozenset(["ape", "caf", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "ogg", "tta", "wv"])
MISSING = (
    0.05,
    0.2,
)  # share and seconds of what such a container says, both of which may be missing from an undamaged one

Result = TypeVar("Result")


def blocks(part: Part, findings: Findings) -> Blocks:
    """Yields a recording block by block; the rate may change on the way.

    Raises:
        Unusable: where FFmpeg cannot read it.
    """
    file = _Input(part)
    try:
        with file.call(lambda: av.open(file, container_options=OPTIONS, io_open=_refuse, **_QUIET)) as opened:
            yield from _decoded(file, opened, findings)
    except (av.FFmpegError, LookupError, ValueError, RuntimeError) as error:  # PyAV adds all but the first
        raise Unusable(f"not readable as audio: {_sentence(error)}") from None


_QUIET: dict[str, Any] = {"metadata_errors": "replace", "buffer_size": 1 << 16}


def _sentence(error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError | av.error.ArgumentError | PermissionError | EOFError):
        return "Format not recognised"
    if getattr(error, "errno", None) in (errno.EIO, errno.ENOMEM):  # of what is in the file, not of this computer
        return "damaged or incomplete"
    return str(getattr(error, "strerror", error))


def _refuse(url: str, flags: int, options: dict[str, str]) -> None:
    """Another file or address that a recording names is never opened."""
    raise PermissionError(url)


class _Input:
    """The bytes for FFmpeg. What goes wrong here cannot pass through it: it is kept, and raised by `call`."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.problem: BaseException | None = None
        self.left = SECONDS * (1 + part.size / (1 << 20))
        self.since = time.thread_time()

    def read(self, size: int) -> bytes:
        try:
            self._check()
            return self.part.read(size)
        except BaseException as problem:
            self.problem = self.problem or problem
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self.part.seek(offset, whence)
        except BaseException as problem:
            self.problem = self.problem or problem
            return 0

    def tell(self) -> int:
        return self.part.tell()

    def call(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, which lets FFmpeg read; its time is counted."""
        self.since = time.thread_time()
        try:
            result = work()
        except (av.FFmpegError, LookupError, ValueError, RuntimeError):
            if self.problem is not None:
                raise self.problem from None
            raise
        finally:
            self.left -= time.thread_time() - self.since
        if self.problem is not None:
            raise self.problem
        if self.left < 0:
            self._check()
        return result

    def _check(self) -> None:
        if time.thread_time() - self.since > self.left:
            raise Unusable(f"takes longer to decode than {SECONDS:g} s, and as long for each MiB: it is damaged")


def _decoded(file: _Input, opened: Any, findings: Findings) -> Blocks:
    stream = opened.streams.best("audio")
    if stream is None or stream.codec_context is None:
        stream = next((other for other in opened.streams.audio if other.codec_context is not None), None)
    if stream is None:
        if opened.streams.audio:
            raise Unusable("holds sound of a kind that FFmpeg cannot decode")
        raise Unusable("holds pictures and no sound")
    decoder = stream.codec_context
    decoder.thread_count = 1
    decoder.options = {"max_samples": str(LARGEST_FRAME)}
    if decoder.name in CHECKED:
        decoder.options |= {"err_detect": "crccheck+explode"}
    if (opened.format.name, decoder.name) == ("caf", "alac"):
        decoder.options |= {"flags2": "+skip_manual"}  # the last frame is short already; FFmpeg would cut it once more
    is_float = decoder.name.startswith("pcm_f")
    converter: _Converter | None = None
    progress = _Progress()
    for frame in _frames(file, opened, stream, progress):
        if converter is None or not converter.fits(frame):
            yield from converter.rest() if converter else ()
            converter = _Converter(frame, findings if is_float else None)
        yield from converter.blocks(frame)
    yield from converter.rest() if converter else ()
    expected = float(stream.duration * stream.time_base) if stream.duration and opened.format.name in EXACT else 0.0
    progress.judge(expected, findings)


class _Progress:
    """How much of a file decoded."""

    def __init__(self) -> None:
        self.frames = self.faults = self.inner_faults = 0
        self.seconds = 0.0

    def note(self, frame: AudioFrame) -> None:
        self.frames += 1
        self.seconds += frame.samples / frame.sample_rate
        self.inner_faults = self.faults

    def judge(self, expected: float, findings: Findings) -> None:
        """Raises `Unusable` where too little decoded; remarks damage. At the end, half a frame is no damage."""
        if not self.frames:
            raise Unusable("not readable as audio: nothing in it decodes" if self.faults else NO_SAMPLES)
        if self.faults > self.frames:
            raise Unusable("not readable as audio: most of it does not decode")
        if self.inner_faults or self.faults > 1 or expected - self.seconds > max(MISSING[0] * expected, MISSING[1]):
            findings.remarks.add(DAMAGED)


def _frames(file: _Input, opened: Any, stream: Any, progress: _Progress) -> Iterator[AudioFrame]:
    for packet in _packets(file, opened, stream, progress):
        try:
            frames = file.call(partial(stream.decode, packet))
        except av.FFmpegError:
            progress.faults += not (packet is not None and bytes(packet).startswith(TAGS))
            continue
        for frame in frames:
            if frame.samples and frame.layout.nb_channels:
                check_rate(frame.sample_rate)
                progress.faults += frame.is_corrupt
                progress.note(frame)
                yield frame


def _packets(file: _Input, opened: Any, stream: Any, progress: _Progress) -> Iterator[Any]:
    """Yields what is to be decoded; None for what the decoder still holds at the end."""
    packets = opened.demux(stream)
    while True:
        try:
            packet = file.call(partial(next, packets, None))
        except (av.FFmpegError, IndexError):  # the latter of PyAV, where a damaged file seems to have more streams
            progress.faults += 1
            yield None
            return
        if packet is None:
            yield None
            return
        if packet.size:  # one without bytes would end the decoder
            yield packet


class _Converter:
    """Frames of one format as blocks of float32."""

    def __init__(self, frame: AudioFrame, findings: Findings | None) -> None:
        self.form = _form(frame)
        self.rate = frame.sample_rate
        self.findings = findings
        self.channels = frame.layout.nb_channels
        names = [channel.name for channel in frame.layout.channels] if self.channels > 2 else []
        self.front = (names.index("FL"), names.index("FR")) if "FL" in names and "FR" in names else (0, 1)
        size = max(1, BLOCK_SAMPLES // self.channels)
        self.resampler = AudioResampler("flt", frame.layout, frame.sample_rate, size)

    def fits(self, frame: AudioFrame) -> bool:
        return _form(frame) == self.form

    def blocks(self, frame: AudioFrame | None) -> Blocks:
        for converted in self.resampler.resample(frame):
            count = converted.samples * self.channels
            samples = np.frombuffer(converted.planes[0], np.float32, count).reshape(-1, self.channels)
            if self.findings is not None:
                self.findings.loudest = max(self.findings.loudest, float(np.abs(samples).max()))
            yield Block(samples, self.rate, self.front)

    def rest(self) -> Blocks:
        return self.blocks(None)


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
