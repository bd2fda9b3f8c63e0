"""Sounds of the same latents as a training goes on: WAV files and pictures in the run, and both in TensorBoard."""

import math
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from wavegan.audio import pictures
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.base.quiet import native_stderr_hidden
from wavegan.runs.events import Events
from wavegan.training.callbacks import Logs, StepCallback

FIRST_PREVIEW_S = 30.0  # a first preview comes at the latest this long after the first step


class Previews(StepCallback):
    """The sounds of the same latents every `every` steps: TensorBoard audio and pictures, WAV files in the run.

    Args:
        events: an `events.Events`.
        folder: where `step-00000500/` folders with WAV files and `sheet.png` go.
        latents: [n, ...], the same for the whole run.
        sample_rate: Hz.
        every: steps between previews; one more comes within the first minute.
    """

    def __init__(self, events: Events, folder: Path, latents: np.ndarray, sample_rate: int, every: int) -> None:
        super().__init__()
        self.events, self.folder, self.latents = events, folder, latents
        self.sample_rate, self.every = sample_rate, every

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self.sampler = self.model.sampler()  # as generate.py does: the same, to the last bit
        self.early_at: float | None = None
        if self.step == 0:
            self.preview(0)

    def on_step(self, step: int, logs: Logs) -> None:
        now = time.monotonic()
        if self.early_at is None:
            self.early_at = now + FIRST_PREVIEW_S
        early = now >= self.early_at
        if early or step % self.every == 0:
            self.early_at = math.inf
            self.preview(step)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        if self.step % self.every and not self.model.stop_training:  # somebody who stops it does not want to wait
            self.preview(self.step)

    def preview(self, step: int) -> None:
        """Make, write and log the preview of `step`."""
        _ = self.model  # asking for it is what brings its variables up to date under JAX
        with native_stderr_hidden():  # compilers print to it
            audio = self.sampler(self.latents)
        folder = self.folder / f"step-{step:08d}"
        sheet = preview_sheet(audio, self.sample_rate, f"generated, step {step}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number, clip in enumerate(audio):
                write_wav(folder / f"{number:02d}.wav", clip, self.sample_rate)
            pictures.save(sheet, folder / "sheet.png")
        except OSError as problem:
            raise UserError(f"preview {folder} cannot be written ({problem.strerror}). Make room there.") from None
        self.events.clips("generated", audio, self.sample_rate, pictures.pixels(sheet), step)


def preview_sheet(audio: np.ndarray, sample_rate: int, title: str) -> Figure:
    """A sheet of clips [n, time, channels], four to a row: TensorBoard's cards are narrow."""
    return pictures.draw(audio, sample_rate, title, columns=4)
