"""What the spectral critic is given: log magnitudes of audio, the same under every backend."""

from keras import ops

from wavegan.backend.autodiff import Tensor

HOPS = 4  # in a window
MIDDLE, SPREAD = -2.5, 1.8  # about the mean and standard deviation of log magnitudes of recordings of RMS 1
QUIETEST = 1e-2  # magnitude below which all is alike


def shape(length: int, channels: int, window: int) -> tuple[int, int]:
    """(frames, bands) of what `log_magnitudes` makes of a clip."""
    return length // (window // HOPS) + 1, channels * (window // 2 + 1)


def log_magnitudes(audio: Tensor, window: int) -> Tensor:
    """Log magnitudes of short Fourier transforms, about standard for audio of RMS 1.

    Both small numbers in it keep the gradient finite where there is silence.

    Args:
        audio: float32 [batch, time, channels].
        window: samples of the Hann window, a power of two; a quarter of it lies between two frames.

    Returns float32 [batch, frames, bands], the bands of the second channel behind those of the first.
    """
    _, length, channels = audio.shape
    frames, bands = shape(length, channels, window)
    x = ops.reshape(ops.transpose(audio, (0, 2, 1)), (-1, length))  # [batch · channels, time]
    x = ops.pad(x, [[0, 0], [window // 2, window // 2]])
    real, imaginary = ops.stft(x, window, window // HOPS, window, window="hann", center=False)
    power = (ops.square(real) + ops.square(imaginary)) / window
    log = (ops.log(ops.sqrt(power + 1e-6) + QUIETEST) - MIDDLE) / SPREAD
    log = ops.reshape(log, (-1, channels, frames, bands // channels))
    return ops.reshape(ops.transpose(log, (0, 2, 1, 3)), (-1, frames, bands))
