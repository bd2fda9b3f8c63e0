"""Sounds inside an HTML page: a WAV file, a waveform and a mel-spectrogram as text, and the card that shows them."""

import base64
import io

import numpy as np
import soundfile
import soxr
from matplotlib import colormaps
from PIL import Image

from wavegan.audio.mel import mel_spectrogram_db
from wavegan.audio.pictures import RANGE_DB
from wavegan.audio.wav import to_pcm16
from wavegan.evaluation.page.markup import number, percent, text

COLUMNS = 128  # stretches of time that a waveform and a spectrogram are drawn in, at most
HEIGHT = 64  # of a waveform's coordinates: 0 is 1.0, 64 is -1.0
BATCH = 16  # clips analysed at once, which bounds the memory of long ones
PLAYABLE_HZ = (3000, 192_000)  # browsers refuse sample rates further away
PALETTE = (255 * colormaps["magma"](np.arange(256))[:, :3]).round().astype(np.uint8).tobytes()


def cards(clips, sample_rate):
    """The cards of `clips`, HTML, in their order. The spectrograms share one scale, so that loudness compares.

    Args:
        clips: `page.Clip`s of one length; the mean of the channels is drawn, all channels sound.
        sample_rate: Hz.
    """
    if not clips:
        return []
    mono = np.stack([clip.audio.mean(axis=1) for clip in clips])  # [n, time]
    pictures = zip(_waves(mono), _spectrograms(mono, sample_rate), strict=True)
    return [_card(clip, sample_rate, *drawn) for clip, drawn in zip(clips, pictures, strict=True)]


def _card(clip, sample_rate, wave, spectrogram):
    known = {"label": clip.label, "confidence": clip.confidence, "distance": clip.distance}
    data = "".join(f' data-{key}="{text(value)}"' for key, value in known.items() if value is not None)
    name, short = text(clip.name), text(clip.name.rsplit("/", 1)[-1])
    label = "" if clip.label is None else text(clip.label)
    facts = f'<bdi class="label">{label}</bdi>' if label else ""
    if clip.confidence is not None:
        facts += f'<span title="how sure the classifier is">{percent(clip.confidence, 0)}</span>'
    if clip.distance is not None:
        facts += f'<span title="distance to the nearest training clip">↔ {number(clip.distance, 2)}</span>'
    return (
        f'<article class="clip" data-name="{name}"{data}>'
        f'<button class="play" aria-pressed="false" aria-label="Play {name} {label}" '
        f'data-sound="{_wav(clip.audio, sample_rate)}">'
        f'<svg viewBox="0 0 {COLUMNS} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{wave}"/></svg>'
        f'<img src="{spectrogram}" alt="" loading="lazy" decoding="async"></button>'
        f'<p><bdi class="name" title="{name}">{short}</bdi>{facts}</p></article>'
    )


def _wav(audio, sample_rate):
    """`audio` [time, channels] as the data URI of a WAV file, PCM 16."""
    playable = min(max(sample_rate, PLAYABLE_HZ[0]), PLAYABLE_HZ[1])
    if playable != sample_rate:
        audio = soxr.resample(audio, sample_rate, playable)
    encoded = io.BytesIO()
    soundfile.write(encoded, to_pcm16(audio), playable, subtype="PCM_16", format="WAV")
    return _uri("audio/wav", encoded)


def _uri(kind, encoded):
    return f"data:{kind};base64,{base64.b64encode(encoded.getbuffer()).decode()}"


def _waves(mono):
    """The envelopes of `mono` [n, time] as the path data of an SVG, drawn around and back."""
    columns = min(COLUMNS, mono.shape[1])
    edges = np.arange(columns) * mono.shape[1] // columns
    high, low = (fold.reduceat(mono, edges, axis=1) for fold in (np.maximum, np.minimum))
    across = (np.arange(columns) + 0.5) * COLUMNS / columns
    across = np.concatenate([across, across[::-1]])
    for upper, lower in zip(high, low, strict=True):
        # A silent stretch keeps a line.
        levels = np.concatenate([np.maximum(upper, lower + 0.02), lower[::-1]])
        points = zip(across, np.clip((1 - levels) * HEIGHT / 2, 0, HEIGHT), strict=True)
        yield "M" + " ".join(f"{x:.4g} {y:.3g}" for x, y in points) + "z"


def _spectrograms(mono, sample_rate):
    """The mel-spectrograms of `mono` [n, time] as data URIs of PNG pictures, low frequencies at the bottom."""
    batches = [mono[start : start + BATCH] for start in range(0, len(mono), BATCH)]
    levels = np.concatenate([_narrow(mel_spectrogram_db(batch, sample_rate)) for batch in batches])
    top = max(levels.max(), -60.0)
    shades = np.clip(1 + (levels - top) / RANGE_DB, 0, 1)  # [n, bins, columns]
    for picture in np.rint(255 * shades[:, ::-1]).astype(np.uint8):
        image = Image.fromarray(picture).convert("P")
        image.putpalette(PALETTE)
        encoded = io.BytesIO()
        image.save(encoded, "PNG")
        yield _uri("image/png", encoded)


def _narrow(levels):
    """[n, bins, frames] → [n, bins, at most `COLUMNS`]: the loudest of each stretch, as a short hit must not vanish."""
    columns = min(COLUMNS, levels.shape[2])
    return np.maximum.reduceat(levels, np.arange(columns) * levels.shape[2] // columns, axis=2)
