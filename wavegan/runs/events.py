"""TensorBoard's event files of a run: one writer that says in words when it cannot write, and a way back to a step."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from wavegan.audio.wav import playable
from wavegan.backend import devices
from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.quiet import native_stderr_hidden
from wavegan.data.tfrecord import framed_records

devices.keep_gpu_from(tf)

PATTERN = "events.out.tfevents.*"


class Events:
    """Writes summaries to `folder`. Use `with events.at(step): tf.summary.scalar(…)`.

    Raises UserError where the folder cannot be written, as all methods but `close` do.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        with _explained(self.folder):
            self.writer = tf.summary.create_file_writer(str(folder))

    @contextmanager
    def at(self, step: int) -> Iterator[None]:
        """A block whose summaries are those of `step`, on disk at its end. Raises UserError where they cannot be."""
        # TensorFlow complains about strings where there is nothing to do.
        with _explained(self.folder), native_stderr_hidden(), self.writer.as_default(step):
            yield
            self.writer.flush()

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Numbers {name: value}."""
        with self.at(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def clips(
        self, name: str, audio: np.ndarray, sample_rate: int, picture: np.ndarray, step: int, titles: Sequence[str]
    ) -> None:
        """Audio [n, time, channels] as players `name/title`, and its picture uint8 [height, width, 3] as `name`.

        At a rate that browsers play.
        """
        with self.at(step):
            for title, clip in zip(titles, audio, strict=True):
                heard, rate = playable(clip, sample_rate)
                tf.summary.audio(f"{name}/{title}", heard[None], rate)
            tf.summary.image(name, picture[None])

    def text(self, name: str, text: str, step: int) -> None:
        """Markdown under `name`."""
        with self.at(step):
            tf.summary.text(name, text)

    def close(self) -> None:
        """Ends writing. What could not be written was reported before."""
        with suppress(tf.errors.OpError):
            self.writer.close()


def forget_after(folder: str | os.PathLike[str], step: int, warn: Callable[[str], object]) -> None:
    """Removes from the event files in `folder` what was logged after `step`; everything where `step` is 0.

    A training that was killed logged more than its last checkpoint knows. It makes these steps once more, and a step
    must not be in TensorBoard twice. What is no whole event goes, too; `warn` is called with a line where that is not
    a last one, half written.

    Raises UserError where the files cannot be written.
    """
    with _explained(folder):
        for path in sorted(Path(folder).glob(PATTERN)):
            _keep_until(path, step, warn)


def _keep_until(path: Path, step: int, warn: Callable[[str], object]) -> None:
    if step == 0:
        path.unlink()
        return
    content = path.read_bytes()
    kept = []
    for start, end, event in framed_records(content):
        if event is None:
            warn(f"warning: {path} is damaged; TensorBoard may lack some of the steps before {step}")
        elif tf.compat.v1.Event.FromString(event).step <= step:
            kept.append(content[start:end])
    if (whole := b"".join(kept)) != content:
        write_whole(path, whole)


@contextmanager
def _explained(folder: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (tf.errors.OpError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or getattr(problem, "message", "") or type(problem).__name__
        raise UserError(
            f"TensorBoard's events in {folder} cannot be written ({reason.splitlines()[0]}). The last checkpoint is "
            "kept: make room, then run the same command again."
        ) from None
