"""What kind of file a recording is, by its content: which decoder is right for it, and where one of several ends."""

import io
import struct
from typing import NamedTuple

from wavegan.audio.recording import Unusable

HEAD_BYTES = 512  # enough to tell every format, and for the header of most WAV files
MOST_CHUNKS = 1000  # before a WAV file's samples
MOST_PAGES = 1_000_000  # of an Ogg file that are looked at: hours of sound
LFS = b"version https://git-lfs.github.com/spec/"
WAV_NAMES = {b"RIFF": "<", b"RIFX": ">"}
PCM, EXTENSIBLE = 1, 0xFFFE
SUBFORMAT = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"  # behind the tag, in an extensible header
MPEG = (b"\x50\0", b"\x55\0")  # MP2 and MP3 in a WAV file
SAMPLE_DUMP = b"\xf0\x7e"  # a MIDI sample dump (SDS)
PLAIN = struct.Struct("<4xI12xHHIIHH4sI")  # the header of a WAV file that holds samples and nothing else
UNKNOWN = 0xFFFFFFFF  # what a chunk of unknown size says


class Wav(NamedTuple):
    """What a RIFF or RIFX header says.

    Attributes:
        order: of the bytes, as in `struct`.
        kind: the format's tag, 1 for integers; of an extensible header the one that it holds.
        channels: how many.
        rate: Hz.
        align: bytes of one sample of all channels.
        bits: of a sample that hold something.
        bits_place: where the header says that, bytes.
        data: where the samples start, bytes.
        size: of the samples, bytes, as the header says.
        end: of this file's own bytes, as the header says.
    """

    order: str
    kind: int
    channels: int
    rate: int
    align: int
    bits: int
    bits_place: int
    data: int
    size: int
    end: int

    @property
    def is_narrow(self) -> bool:
        """Whether its samples are integers of fewer bits than the 32 of their containers."""
        return self.kind in (PCM, EXTENSIBLE) and 16 < self.bits < 32 and self.align == 4 * self.channels


def refuse_pointer(head: bytes) -> None:
    """Raises `Unusable` for a file that stands for a recording that was never fetched."""
    if head.startswith(LFS):
        raise Unusable("a Git LFS pointer, not the recording: fetch it by `git lfs pull`")


def suits_libsndfile(head: bytes) -> bool:
    """Whether libsndfile reads this format to its end; all others are FFmpeg's."""
    if head[:4] == b"RIFF" and head[12:16] == b"fmt " and head[20:22] in MPEG:
        return False
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return True
    if head[:4] == b"riff" and head[24:28] == b"wave":  # W64
        return True
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return True
    if head[:4] in (b".snd", b"dns."):
        return True
    if head[:4] == b"fLaC":
        return int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF > 0  # the number of samples: 0 where it was not known
    # Of more than two channels libsndfile does not say which is which.
    return head[:4] == b"OggS" and head[28:35] == b"\x01vorbis" and head[39:40] in (b"\x01", b"\x02")


def wav_header(file: io.BytesIO | io.FileIO, head: bytes) -> Wav | None:
    """What the header of a WAV file says; None of other files, and where there are no samples or no format."""
    if (order := WAV_NAMES.get(head[:4])) is None or head[8:12] != b"WAVE":
        return None
    if order == "<" and head[12:20] == b"fmt \x10\0\0\0" and head[36:40] == b"data" and len(head) >= PLAIN.size:
        whole, kind, channels, rate, _, align, bits, _, size = PLAIN.unpack_from(head)  # most files, in one go
        return Wav(order, kind, channels, rate, align, bits, 34, data=PLAIN.size, size=size, end=whole + 8)
    (whole,) = struct.unpack(f"{order}I", head[4:8])
    fields, place = None, 12
    for _ in range(MOST_CHUNKS):
        start = _bytes_at(file, head, place, 8)
        if len(start) < 8:
            return None
        name, size = start[:4], struct.unpack(f"{order}I", start[4:])[0]
        if name == b"data":
            return None if fields is None else Wav(order, *fields, data=place + 8, size=size, end=whole + 8)
        if name == b"fmt ":
            content = _bytes_at(file, head, place + 8, max(16, min(size, 40)))
            if len(content) < 16:
                return None
            kind, channels, rate, _, align, bits = struct.unpack_from(f"{order}HHIIHH", content)
            if kind == EXTENSIBLE and content[26:] == SUBFORMAT:
                (kind,) = struct.unpack_from(f"{order}H", content, 24)
            fields = (kind, channels, rate, align, bits, place + 8 + 14)
        place += 8 + size + size % 2
    return None


def _bytes_at(file: io.BytesIO | io.FileIO, head: bytes, place: int, size: int) -> bytes:
    if place + size <= len(head):
        return head[place : place + size]
    file.seek(place)
    return file.read(size) or b""


def is_unfinished(wav: Wav, file: io.BytesIO | io.FileIO, head: bytes) -> bool:
    """Whether the samples go on to the end of the file although the header says that there are none.

    So ends a recorder that loses its power: it writes the sizes last. An empty file with more chunks behind is no such.
    """
    if wav.size > 0 or not (following := _bytes_at(file, head, wav.data, 8)):
        return False
    if wav.end <= wav.data or wav.end == UNKNOWN + 8 or len(following) < 8:
        return True
    (size,) = struct.unpack(f"{wav.order}I", following[4:])
    is_chunk = all(32 <= letter < 127 for letter in following[:4]) and wav.data + 8 + size <= wav.end
    return not is_chunk


def parts(file: io.BytesIO | io.FileIO, head: bytes, size: int) -> list[tuple[int, int]]:
    """Where each of the recordings starts and ends that a file of `size` bytes holds one after the other."""
    starts = [0]
    if head[:4] == b"OggS":
        starts = _ogg_starts(file, size)
    elif head[:4] in WAV_NAMES:
        place = 0
        start = head[:12]
        while len(start) == 12 and start[:4] == head[:4] and start[8:] == b"WAVE":
            starts += [place] * (place > 0)
            place += 8 + struct.unpack(f"{WAV_NAMES[head[:4]]}I", start[4:8])[0]
            start = _bytes_at(file, head, place, 12) if place + 12 <= size else b""
    return list(zip(starts, [*starts[1:], size], strict=True))


def _ogg_starts(file: io.BytesIO | io.FileIO, size: int) -> list[int]:
    """Where chained streams start: at a page that begins a stream, after one that does not."""
    starts, place, after_begin = [0], 0, True
    for _ in range(MOST_PAGES):
        file.seek(place)
        page = file.read(27 + 255) or b""
        if page[:4] != b"OggS" or len(page) < 27:
            if (place := _next_page(file, place + 1, size)) < 0:
                break
            continue
        begins = bool(page[5] & 2)
        if begins and not after_begin:
            starts.append(place)
        after_begin = begins
        segments = page[26]
        place += 27 + segments + sum(page[27 : 27 + segments])
        if place >= size:
            break
    return starts


def _next_page(file: io.BytesIO | io.FileIO, place: int, size: int) -> int:
    """The place of the next Ogg page at or after `place`; -1 where there is none."""
    while place < size:
        file.seek(place)
        piece = file.read(1 << 16) or b""
        if (found := piece.find(b"OggS")) >= 0:
            return place + found
        if len(piece) < 4:
            break
        place += len(piece) - 3
    return -1
