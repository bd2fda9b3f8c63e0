"""Numbers about a step: how loud its clips are, how many are silent, how they differ; the size of gradients."""

from keras import ops

from wavegan.backend.autodiff import Tensor


def rms(audio: Tensor) -> Tensor:
    """Root mean square over everything: a scalar in [0, 1] for audio in [-1, 1]."""
    return ops.sqrt(ops.mean(ops.square(audio)))


def silent_share(audio: Tensor, silence: float | Tensor) -> Tensor:
    """The share of clips [..., time, channels] whose RMS is below `silence`: a scalar in [0, 1]."""
    loudness = ops.sqrt(ops.mean(ops.square(audio), axis=(-2, -1)))
    return ops.mean(ops.cast(loudness < silence, "float32"))


def spread(audio: Tensor) -> Tensor:
    """How much clips [batch, time, channels] differ: 1 where they share nothing, 0 where all are alike.

    The root mean square of what is left of the clips without their mean clip, as a share of their own.
    """
    rest = audio - ops.mean(audio, axis=0, keepdims=True)
    return rms(rest) / (rms(audio) + 1e-12)


def global_norm(gradients: list[Tensor]) -> Tensor:
    """The Euclidean norm of all gradients together: a scalar."""
    return ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
