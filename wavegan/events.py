"""TensorBoard's event files of a run: one writer that says in words when it cannot write, and a way back to a step."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

import tensorflow as tf

from preprocess import UserError
from preprocess.records import native_stderr_hidden

PATTERN = "events.out.tfevents.*"


class Events:
    """Writes summaries to `folder`. Use `with events.at(step): tf.summary.scalar(…)`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        with _told(self.folder):
            self.writer = tf.summary.create_file_writer(str(folder))

    @contextmanager
    def at(self, step):
        """A block whose summaries are those of `step`, on disk at its end. Raises UserError where they cannot be."""
        # TensorFlow complains about strings where there is nothing to do.
        with _told(self.folder), native_stderr_hidden(), self.writer.as_default(step):
            yield
            self.writer.flush()

    def text(self, name, text, step):
        """Markdown under `name`."""
        with self.at(step):
            tf.summary.text(name, text)

    def close(self):
        """Ends writing. What could not be written was told before."""
        with suppress(tf.errors.OpError):
            self.writer.close()


def forget_after(folder, step):
    """Remove from the event files in `folder` what was logged after `step`; everything where `step` is 0.

    A training that was killed logged more than its last checkpoint knows. It makes these steps once more, and a step
    must not be in TensorBoard twice. A last event that is half written goes, too.
    """
    with _told(folder):
        for path in sorted(Path(folder).glob(PATTERN)):
            _keep_until(path, step)


def _keep_until(path, step):
    if step == 0:
        path.unlink()
        return
    kept, complete = [], True
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                complete = False
    except tf.errors.DataLossError:
        complete = False
    if complete:
        return
    beside = path.with_name(".rewritten")
    try:
        with tf.io.TFRecordWriter(str(beside)) as writer:
            for record in kept:
                writer.write(record)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _told(folder):
    try:
        yield
    except (tf.errors.OpError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or getattr(problem, "message", "") or type(problem).__name__
        raise UserError(
            f"TensorBoard's events in {folder} cannot be written ({reason.splitlines()[0]}). The last checkpoint is "
            "kept: make room, then run the same command again."
        ) from None
