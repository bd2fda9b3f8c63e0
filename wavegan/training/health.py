"""What goes wrong in a GAN without anybody being told: numbers that blow up, silence, sounds that are all alike."""

import math
from collections import deque

from wavegan.training.callbacks import Diverged, StepCallback, say

STRETCH = 50  # steps over which a symptom must last
LARGEST_NORM = 1e4  # of the gradients of a network; healthy ones stay far below 100
LOUDEST = 0.7  # RMS of what is generated; a sine at full scale has 0.71, a square wave 1
QUIETEST = 0.01  # RMS of what is generated, as a share of the recordings'
SILENT_CLIPS = 0.3  # share of what is generated that may be silent, beside the recordings' share
LEAST_SPREAD = 0.1  # of the clips of a batch; healthy ones are near 1


class Health(StepCallback):
    """Stops at the first number that is not finite; warns once of every other illness.

    Args:
        events: an `events.Events`, which gets the warnings, too.
    """

    def __init__(self, events):
        super().__init__()
        self.events = events
        self.told = set()
        self.recent = {}  # of each fact the values of the last steps

    def on_step(self, step, logs):
        for name, value in logs.items():
            if not math.isfinite(value):
                self.events.text("warnings", f"{name} became {value}; the training was stopped", step)
                raise Diverged(f"{name} became {value} at step {step}")
            self.recent.setdefault(name, deque(maxlen=STRETCH)).append(value)
        for network in ("critic", "generator"):
            if logs.get(f"{network}/gradient_norm", 0.0) > LARGEST_NORM:
                self._warn(f"{network}/gradient_norm", step, (
                    f"the {network}'s gradients grew to a norm of {logs[f'{network}/gradient_norm']:.3g}: the training "
                    f"is about to diverge. Start another run with a lower --{network}-learning-rate"
                ))  # fmt: skip
        rms, real = self._mean("audio/rms_generated"), self._mean("audio/rms_real")
        if rms is not None and rms > max(LOUDEST, real):
            self._warn("loud", step, (
                f"the generator is stuck at full scale (RMS {rms:.2g}, the recordings' is {real:.2g}). Start another "
                "run with a lower --generator-learning-rate"
            ))  # fmt: skip
        elif rms is not None and rms < QUIETEST * real:
            self._warn("silent", step, (
                f"the generator has gone silent (RMS {rms:.2g}, the recordings' is {real:.2g}). If it stays so for "
                "some hundred steps, start another run with lower learning rates or more --critic-updates"
            ))  # fmt: skip
        elif self._silent_clips() > SILENT_CLIPS:
            share, of_real = self._mean("audio/silent_generated"), self._mean("audio/silent_real")
            self._warn("silent clips", step, (
                f"many of the generated clips are silent ({share:.0%}, of the recordings {of_real:.0%}). If it stays "
                "so for some hundred steps, start another run with lower learning rates, more --critic-updates or "
                "--phase-shuffle 2"
            ))  # fmt: skip
        elif (spread := self._mean("audio/spread")) is not None and spread < LEAST_SPREAD:
            self._warn("alike", step, (
                f"the generated clips are all alike (spread {spread:.2g}, 1 is healthy). If it stays so for some "
                "hundred steps, start another run with lower learning rates or more --critic-updates"
            ))  # fmt: skip

    def _silent_clips(self):
        """How much larger the share of silent clips is among the generated ones than among the recordings."""
        generated, real = self._mean("audio/silent_generated"), self._mean("audio/silent_real")
        return 0.0 if generated is None or real is None else generated - real

    def _mean(self, name):
        """Over the last stretch; None before there is one."""
        values = self.recent.get(name, ())
        return sum(values) / STRETCH if len(values) == STRETCH else None

    def _warn(self, what, step, text):
        if what not in self.told:
            self.told.add(what)
            say(f"warning at step {step}: {text}.")
            self.events.text("warnings", text, step)
