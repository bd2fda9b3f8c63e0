"""A trace of some steps of a training, to see where their time goes."""

from contextlib import ExitStack

from wavegan.backend import profiling
from wavegan.runs.run import Run
from wavegan.training.callbacks import Logs, StepCallback, say

BEFORE = 3  # steps that are not traced: the first one is mostly the compiler's


class Profile(StepCallback):
    """Traces `steps` steps of this training after its first `BEFORE`, or those that there are, and says where it is.

    Previews and checkpoints of these steps are in the trace, too.

    Args:
        run: in whose folder the trace is written, where TensorBoard looks for it.
        steps: how many.
    """

    def __init__(self, run: Run, steps: int) -> None:
        super().__init__()
        self.run, self.steps, self.traced = run, steps, -BEFORE
        self.under_way = ExitStack()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        if self.traced == 0:
            profiling.begin(self.run.path)
        if 0 <= self.traced < self.steps:
            self.under_way.enter_context(profiling.step(self.step))

    def on_step(self, step: int, logs: Logs) -> None:
        self.under_way.close()
        self.traced += 1
        if self.traced == self.steps:
            self._written()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """As Keras calls it, also where it was interrupted."""
        self.under_way.close()
        if 0 < self.traced < self.steps:
            self._written()
        elif self.traced <= 0:
            say(f"profile   none, for this training had no steps after its first {BEFORE}")

    def _written(self) -> None:
        profiling.end()
        (newest,) = sorted(self.run.path.glob("plugins/profile/*"))[-1:]
        steps = f"{self.traced} step{'s' * (self.traced != 1)}"
        say(f"profile   {steps} in {newest} (how to look at it: docs/performance.md)")
