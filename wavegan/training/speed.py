"""How fast the steps of a training are, and how many of them fit into a time."""

import math
import time
from typing import Any

import keras

from wavegan.backend import processes
from wavegan.backend.processes import SameStep
from wavegan.models.family import Model
from wavegan.runs.config import Config
from wavegan.training.callbacks import say

STEPS_MEASURED = 48  # whole rounds of those with and without a penalty
SECONDS_MEASURED = 30.0  # that measuring may take
OVERHEAD = 0.1  # of the time: previews, checkpoints, and what is logged; measuring takes no more than that, either
EVALUATED = 0.05  # of the time, with evaluations


class StepClock(keras.callbacks.Callback):
    """Measures steps, but for the first one, which is mostly the compiler's; ends the training after `most` seconds."""

    def __init__(self, most: float = math.inf) -> None:
        super().__init__()
        self.most, self.times, self.together = most, list[float](), SameStep()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """As Keras calls it."""
        self.times.append(time.monotonic())
        enough = len(self.times) > 2 and self.times[-1] - self.times[0] > self.most
        if self.together(len(self.times), enough):
            self.model.stop_training = True

    @property
    def seconds_per_step(self) -> float:
        """The mean of those that were measured, by the clock of the first process."""
        return processes.by_first(lambda: (self.times[-1] - self.times[0]) / (len(self.times) - 1))


def with_steps_for_its_minutes(config: Config, model: Model, batches: Any, start: int) -> Config:
    """`config` with as many steps as fit into its minutes from the step `start` on, by the speed of some steps.

    From then on the run is one of so many steps: its learning rates fall by them, and it can go on as any other. The
    steps on `batches` are made to no effect: what they changed in `model` is put back.
    """
    say("measuring the speed …")
    minutes, evaluated = config.training.minutes, EVALUATED if config.training.evaluate_every else 0.0
    state, clock = model.state(), StepClock(min(SECONDS_MEASURED, 60 * minutes * OVERHEAD))
    model.fit(batches, steps_per_epoch=1 + STEPS_MEASURED, shuffle=False, verbose=0, callbacks=[clock])
    model.restore(state)
    steps = max(1, round(60 * minutes * (1 - OVERHEAD) * (1 - evaluated) / clock.seconds_per_step))
    length, speed = f"{minutes:g} minute{'s' * (minutes != 1)}", f"{1 / clock.seconds_per_step:.3g} steps/s"
    say(f"time      {length} are about {steps:,} steps here ({speed})")
    return config.changed({"steps": start + steps})
