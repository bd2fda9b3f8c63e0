"""What a person sees and hears of a training: Keras callbacks for the terminal, TensorBoard, previews and checkpoints.

Each counts steps by itself, from the step the model starts at, so all of them work in the `fit` of any model.
"""

import contextlib
import math
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from wavegan.backend import processes
from wavegan.backend.processes import SameStep
from wavegan.backend.start import keras
from wavegan.base.errors import UserError
from wavegan.base.progress import Progress
from wavegan.base.signals import to_handle
from wavegan.base.text import printable
from wavegan.models.family import Fact, Model
from wavegan.runs.run import Run

if TYPE_CHECKING:  # which brings TensorFlow
    from wavegan.runs.events import Events

Logs = Mapping[str, float]
Beside = Callable[[], Mapping[str, np.ndarray]]  # what a checkpoint holds beside the model, as it is now


class Diverged(UserError):
    """A number that a step returns, or a weight, is no longer finite."""


class StepCallback(keras.callbacks.Callback):
    """A callback that gets the number of steps so far: `on_step(step, logs)`."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        self.step = self.model.step

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        self.step += 1
        self.on_step(self.step, logs or {})

    def on_step(self, step: int, logs: Logs) -> None:
        """Called after every step with its logs, {name: float}."""

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint keeps of it, so that what it logs does not depend on interruptions: {"logs/…": array}."""
        return {}

    def set_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` gave, before the training; {name: array} of an older version may lack it."""


class ProgressBar(StepCallback):
    """Step, total, steps per second, time left and the losses, on standard error."""

    def __init__(self, total: int, facts: Iterable[Fact]) -> None:
        super().__init__()
        self.total = total
        self.shown = {fact.key: fact.short for fact in facts if fact.short}
        self.progress: Progress | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self.started = time.monotonic()
        say("compiling the training step; the first one takes a little longer …")

    def on_step(self, step: int, logs: Logs) -> None:
        facts = {short: f"{logs[name]:.3g}" for name, short in self.shown.items() if name in logs}
        if self.progress is None:
            shown = ", ".join(map(" ".join, facts.items()))
            say(f"step {step} after {time.monotonic() - self.started:.1f} s: {shown}")
            self.progress = Progress(self.total, "training", "steps", initial=step)
            self.progress.update(0, **facts)
        else:
            self.progress.update(1, **facts)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        self.close()

    def close(self) -> None:
        """End the bar, also when training ends by an error."""
        if self.progress is not None:
            self.progress.close()
            self.progress = None


class Scalars(StepCallback):
    """Means of every log over each `every` steps, and the speed, to TensorBoard.

    All but the speed, which is the clock's, are the same wherever the training was interrupted.

    Args:
        events: an `events.Events`.
        every: steps of a mean; step 1 is one by itself.
        last: the step the training ends at, which gets the mean of what it has of these steps.
    """

    SUMS, COUNT = "logs/scalars/sums/", "logs/scalars/count"  # in a checkpoint

    def __init__(self, events: "Events", every: int = 10, last: int | None = None) -> None:
        super().__init__()
        self.events, self.every, self.last = events, every, last
        self.sums: dict[str, float] = {}
        self.count = 0  # of steps in the sums

    def state(self) -> dict[str, np.ndarray]:
        """As `StepCallback.state`."""
        sums = {f"{self.SUMS}{name}": np.array(total) for name, total in self.sums.items()}
        return {self.COUNT: np.array(self.count), **sums}

    def set_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """As `StepCallback.set_state`."""
        self.count = int(arrays.get(self.COUNT, 0))
        self.sums = {
            name.removeprefix(self.SUMS): float(total) for name, total in arrays.items() if name.startswith(self.SUMS)
        }

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self._start_clock()

    def _start_clock(self) -> None:
        self.timed, self.since = 0, time.monotonic()

    def on_step(self, step: int, logs: Logs) -> None:
        for name, value in logs.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        self.timed += 1
        complete = step == 1 or step % self.every == 0
        if complete or step == self.last:
            self._write(step)
        if complete:  # not at the end: a training that is given more steps goes on as if it had not ended there
            self.sums, self.count = {}, 0

    def _write(self, step: int) -> None:
        values = {name: total / self.count for name, total in self.sums.items()}
        if step > 1:  # the first one is mostly the compiler's
            values["speed/steps_per_second"] = self.timed / (time.monotonic() - self.since)
        self.events.scalars(values, step)
        self._start_clock()


class Checkpoints(StepCallback):
    """Saves everything to the run, also at the end, but never a broken state.

    Not after an error: where the data for a step fail, TensorFlow may have drawn that step's random numbers already.

    Args:
        run: a `runs.Run`.
        every: steps between checkpoints.
        minutes: between checkpoints, if these pass sooner.
        beside: gives {name: array} of what belongs to a checkpoint beside the model.
    """

    def __init__(self, run: Run, every: int, minutes: float = math.inf, beside: Beside = dict) -> None:
        super().__init__()
        self.run, self.every, self.seconds, self.beside = run, every, 60 * minutes, beside

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self.saved_at = time.monotonic()

    def on_step(self, step: int, logs: Logs) -> None:
        if step % self.every == 0 or time.monotonic() - self.saved_at >= self.seconds:
            self.save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        self.save()

    def save(self) -> None:
        """Write a checkpoint of this step, unless there is one. Raises `Diverged` for weights that are not finite."""
        self.saved_at = time.monotonic()
        if self.step not in self.run.steps():
            save(self.run, self.step, self.model, self.beside())


class StopOnInterrupt(StepCallback):
    """Ctrl-C, `kill` or a terminal that closes ends the training after the step it is in; a second Ctrl-C at once.

    Where several processes train together, a signal to one of them ends all, after one step more. It answers the
    signals until `restore` is called, so that none of them comes between the training and its saving.
    """

    def __init__(self) -> None:
        super().__init__()
        self.interrupted = False
        self.together = SameStep()
        self.before: dict[int, Any] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self.before = {number: signal.signal(number, self._interrupt) for number in to_handle()}

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(number, self.before[number])
        if not self.interrupted:
            self.interrupted = True  # a signal comes at any time: the model is touched between steps only
            say("stopping after this step …")

    def on_step(self, step: int, logs: Logs) -> None:
        if self.together(step, self.interrupted):
            self.model.stop_training = True

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self.before.items():
            signal.signal(number, handler)


def save(run: Run, step: int, model: Model, beside: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint of `model` as it is at `step`, with {name: array} `beside` it.

    Raises `Diverged` for weights that are not finite, UserError where it cannot be written.
    """
    arrays = model.state()
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise Diverged(f"{name} is no longer finite after step {step}")
    run.save(step, {**arrays, **beside})


def say(line: str) -> None:
    """A line to standard error, above a progress bar where there is one; printable, as `base.text.tell` prints.

    Of several processes that train together only the first one says it.
    """
    if not processes.first():
        return
    with contextlib.suppress(OSError):  # nobody reads any more, or a log file is full; the training goes on
        tqdm.write(printable(line), file=sys.stderr)
        sys.stderr.flush()
