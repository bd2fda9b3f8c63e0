"""What a dry run prints: the configuration, the sizes of the networks, and the time that a step takes."""

from typing import Any

from wavegan.backend import processes
from wavegan.base.text import tell
from wavegan.models.family import Model
from wavegan.runs.config import Config
from wavegan.training.speed import StepClock

STEPS = 16  # that are timed, after a first one, which is mostly the compiler's


def print_dry_run(model: Model, batches: Any, config: Config) -> None:
    """Print what `config` says of `model`, and the time of a few steps on `batches`. Nothing is written."""
    lines = [*config.lines()]
    lines.append(f"{'made with':<20}  {', '.join(map(' '.join, config.made_with.items())) or 'an older version'}")
    lines += [f"{f'{name} parameters':<20}  {count:,}" for name, count in model.sizes().items()]
    if processes.first():
        tell(*lines)
    clock = StepClock()
    model.fit(batches, steps_per_epoch=1 + STEPS, shuffle=False, verbose=0, callbacks=[clock])
    seconds, steps = clock.seconds_per_step, config.training.steps
    minutes = seconds * steps / 60
    total = f"{minutes:.1f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    if processes.first():
        tell(f"time for a step       {seconds:.3g} s, {1 / seconds:.3g} steps/s; {steps:,} steps: {total}")
