"""A trace of what the machine does in some steps, by the backend's own profiler."""

from contextlib import AbstractContextManager
from pathlib import Path

from wavegan.backend.start import BACKEND

if BACKEND == "tensorflow":
    import tensorflow as tf
else:
    import jax


def begin(folder: Path) -> None:
    """Trace from now on, for `plugins/profile/` in `folder`, where TensorBoard looks; with JAX for Perfetto, too."""
    if BACKEND == "tensorflow":
        tf.profiler.experimental.start(str(folder))
    else:
        jax.profiler.start_trace(str(folder), create_perfetto_trace=True)


def step(number: int) -> AbstractContextManager:
    """What happens inside is a step of this number in the trace."""
    if BACKEND == "tensorflow":
        return tf.profiler.experimental.Trace("train", step_num=number, _r=1)
    return jax.profiler.StepTraceAnnotation("train", step_num=number)


def end() -> None:
    """Write what was traced."""
    if BACKEND == "tensorflow":
        tf.profiler.experimental.stop()
    else:
        jax.profiler.stop_trace()
