"""Files of every format that FFmpeg and libsndfile can write, made in memory."""

import io

import av
import numpy as np
import soundfile

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def encoded(container, codec, samples, rate, options=None, container_options=None):
    """float32 `samples` [time, channels] as the bytes of a file, by FFmpeg."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=container_options or {}) as output:
        stream = output.add_stream(codec, rate=rate, layout=LAYOUTS[samples.shape[1]], options=options or {})
        stream.codec_context.format = best_format(codec)
        if not options:
            stream.bit_rate = {"libopencore_amrnb": 12200}.get(codec, 128000)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.reshape(1, -1), np.float32), "flt", LAYOUTS[samples.shape[1]]
        )
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(stream.codec_context.format, stream.codec_context.layout, rate)
        for converted in resampler.resample(frame) + resampler.resample(None):
            output.mux(stream.encode(converted))
        output.mux(stream.encode(None))
    return file.getvalue()


def best_format(codec):
    """The sample format with the most bits that a codec takes."""
    names = [form.name for form in av.Codec(codec, "w").audio_formats]
    order = ["fltp", "flt", "s32p", "s32", "s16p", "s16", "u8p", "u8"]
    return next((name for name in order if name in names), names[0])


def written(container, subtype, samples, rate, endian=None):
    """The same by libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=container, endian=endian)
    return file.getvalue()


def tone(seconds=1.0, rate=48000, channels=1, hertz=440.0, level=0.25):
    """float32 [time, channels]."""
    one = level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(one[:, None], channels, axis=1).astype(np.float32)
