"""A training that kills itself, as a script: python -m tests.training.killed_training DATA RUN STEPS LOG [WHAT COUNT]

WHAT is a moment: the COUNT-th call of one of `MOMENTS` ends the process by SIGKILL, with half of the file written where
the call writes one; "time" does so COUNT milliseconds after the first step. "terminate" sends SIGTERM at step COUNT,
after which the training saves and ends. Every step is noted in LOG as it ends.
"""

import os
import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

from wavegan.base.quiet import import_quietly

MOMENTS = ("fsync", "replace", "savez", "write_wav", "save_picture", "log_audio", "step")


def die(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)


def half_written(file, *arguments, **keywords):
    """Stands in for what writes `file`, a path or an open one: writes a beginning of something."""
    with open(file, "wb") if isinstance(file, str | os.PathLike) else nullcontext(file) as opened:
        opened.write(b"PK\x03\x04" + bytes(1000))
        opened.flush()
        die()


def half_saved(figure, path):
    half_written(path)


def at(count, original, instead=die):
    """`original`, but its `count`-th call is `instead`."""
    calls = []

    def call(*arguments, **keywords):
        calls.append(1)
        return (instead if len(calls) == count else original)(*arguments, **keywords)

    return call


def prepare_to_die(what, count):
    import numpy as np
    import tensorflow as tf

    from wavegan.audio import pictures
    from wavegan.training import previews

    if what == "fsync":
        os.fsync = at(count, os.fsync)
    elif what == "replace":
        os.replace = at(count, os.replace)
    elif what == "savez":
        np.savez = at(count, np.savez, half_written)
    elif what == "write_wav":
        previews.write_wav = at(count, previews.write_wav, half_written)
    elif what == "save_picture":
        pictures.save = at(count, pictures.save, half_saved)
    elif what == "log_audio":
        tf.summary.audio = at(count, tf.summary.audio)


def main(data, run, steps, log, what=None, count="0"):
    import_quietly("wavegan.backend.autodiff")
    import keras

    from wavegan.data.schema import DatasetInfo
    from wavegan.models.gan.family import GAN
    from wavegan.runs.run import Run
    from wavegan.training.loop import train

    count = int(count)
    prepare_to_die(what, count)

    class Note(keras.callbacks.Callback):
        done = 0

        def on_train_batch_end(self, batch, logs=None):
            self.done += 1
            with open(log, "a") as file:
                file.write(f"{self.model.step}\n")
            if what == "time" and self.done == 1:
                threading.Timer(count / 1000, die).start()
            if what == "step" and self.done == count:
                die()
            if what == "terminate" and self.done == count:
                os.kill(os.getpid(), signal.SIGTERM)

    settings = {
        "preset": "tiny", "model_dim": 2, "batch_size": 4, "critic_updates": 1, "kernel_length": 9, "phase_shuffle": 2,
        "ema": 0.9, "preview_every": 10, "checkpoint_every": 3, "deterministic": True, "steps": int(steps),
    }  # fmt: skip
    train(Run(run), Path(data), DatasetInfo.load(data), settings, GAN, callbacks=[Note()])


if __name__ == "__main__":
    main(*sys.argv[1:])
