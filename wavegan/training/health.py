"""What goes wrong in a training: numbers that are not finite, and the symptoms that the model family knows of."""

import math
from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np
from keras import ops

from wavegan.models.facts import rms, spread
from wavegan.models.family import Fact
from wavegan.runs.events import Events
from wavegan.training.callbacks import Diverged, StepCallback, say

STRETCH = 50  # steps over which a lasting symptom must last


class Health(StepCallback):
    """Stops at the first number that is not finite; warns once of every symptom, in the terminal once per start.

    Args:
        events: an `events.Events`, which gets the warnings, too.
        facts: the family's. Of the lasting symptoms the first one counts, in their order.
        rms: of the recordings.
    """

    RECENT, WARNED = "logs/health/recent/", "logs/health/warned"  # in a checkpoint

    def __init__(self, events: Events, facts: Iterable[Fact], rms: float = 1.0) -> None:
        super().__init__()
        self.events, self.rms = events, rms
        self.symptoms = [(fact, fact.symptom) for fact in facts if fact.symptom]
        self.said: set[Fact] = set()  # in the terminal, by this process
        self.warned: set[Fact] = set()  # in TensorBoard, ever
        self.recent: dict[str, deque[float]] = {}  # of each number the values of the last steps

    def state(self) -> dict[str, np.ndarray]:
        """As `StepCallback.state`."""
        recent = {f"{self.RECENT}{name}": np.array(values, "float64") for name, values in self.recent.items()}
        return {self.WARNED: np.array([fact in self.warned for fact, _ in self.symptoms], bool), **recent}

    def set_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """As `StepCallback.set_state`."""
        warned = arrays.get(self.WARNED, ())
        if len(warned) == len(self.symptoms):  # another version may know other symptoms
            self.warned = {fact for (fact, _), before in zip(self.symptoms, warned, strict=True) if before}
        for name, values in arrays.items():
            if name.startswith(self.RECENT):
                self.recent[name.removeprefix(self.RECENT)] = deque(values.tolist(), maxlen=STRETCH)

    def on_step(self, step: int, logs: Mapping[str, float]) -> None:
        """Looks at the numbers of a step."""
        for name, value in logs.items():
            if not math.isfinite(value):
                self.events.text("warnings", f"{name} became {value}; the training was stopped", step)
                raise Diverged(f"{name} became {value} at step {step}")
            self.recent.setdefault(name, deque(maxlen=STRETCH)).append(value)
        means = {name: sum(values) / STRETCH for name, values in self.recent.items() if len(values) == STRETCH}
        lasting = False
        for fact, symptom in self.symptoms:
            values = means if fact.lasting else logs
            if fact.key not in values or (lasting and fact.lasting) or step < fact.since:
                continue
            if text := symptom(values):
                lasting |= fact.lasting
                self._warn(fact, step, text)

    def heard(self, step: int, audio: np.ndarray) -> None:
        """Looks at the sounds of a preview, [n, time, channels], where the family's facts are about these."""
        if not any(fact.key.startswith("previews/") for fact, _ in self.symptoms):
            return
        loudness, differing = (float(ops.convert_to_numpy(each(audio))) for each in (rms, spread))
        values = {"previews/loudness": loudness / self.rms, "previews/spread": differing}
        self.events.scalars(values, step)
        for fact, symptom in self.symptoms:
            if fact.key in values and step >= fact.since and (text := symptom(values)):
                self._warn(fact, step, text)

    def _warn(self, fact: Fact, step: int, text: str) -> None:
        if fact not in self.said:
            self.said.add(fact)
            say(f"warning at step {step}: {text}.")
        if fact not in self.warned:
            self.warned.add(fact)
            self.events.text("warnings", text, step)
