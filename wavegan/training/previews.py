"""Sounds of the same latents as a training goes on: WAV files and pictures in the run, and both in TensorBoard."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from wavegan.audio import pictures
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.base.files import in_file_name
from wavegan.base.quiet import native_stderr_hidden
from wavegan.runs.events import Events
from wavegan.training.callbacks import Logs, StepCallback
from wavegan.training.shown import Shown

# So that a slow machine and a fast one both have something to hear within the first minute. By steps and not by the
# clock: a training that is interrupted must show the same.
EARLY_STEPS = (4, 16, 64, 256)
FOLDER = re.compile(r"step-(\d{8,})")
FILE = re.compile(r"\d+(-.*)?\.wav|sheet\.png")


class Previews(StepCallback):
    """The sounds of the same latents at some steps: TensorBoard audio and pictures, WAV files in the run.

    Args:
        events: an `events.Events`.
        folder: where `step-00000500/` folders with WAV files and `sheet.png` go.
        shown: what becomes sounds.
        sample_rate: Hz.
        every: steps between previews; of `EARLY_STEPS`, those up to half of it have one, too.
        last: the step the training ends at, which has one.
        heard: called with the step and the audio [n, time, channels] of every preview.
    """

    def __init__(
        self,
        events: Events,
        folder: Path,
        shown: Shown,
        sample_rate: int,
        every: int,
        last: int | None = None,
        heard: Callable[[int, np.ndarray], None] = lambda step, audio: None,
    ) -> None:
        super().__init__()
        self.heard = heard
        self.events, self.folder, self.shown = events, folder, shown
        self.sample_rate, self.every, self.last = sample_rate, every, last

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """As Keras calls it."""
        super().on_train_begin(logs)
        self.sampler = self.model.sampler()  # as generate.py does: the same, to the last bit
        if self.step == 0:
            self.preview(0)

    def on_step(self, step: int, logs: Logs) -> None:
        early = step in EARLY_STEPS and 2 * step <= self.every
        if early or step % self.every == 0 or step == self.last:
            self.preview(step)

    def preview(self, step: int) -> None:
        """Make, write and log the preview of `step`."""
        _ = self.model  # asking for it is what brings its variables up to date under JAX
        with native_stderr_hidden():  # compilers print to it
            audio = self.sampler(self.shown.latents, self.shown.classes)
        folder = self.folder / f"step-{step:08d}"
        sheet = preview_sheet(audio, self.sample_rate, f"generated, step {step}", self.shown.titles)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for title, clip in zip(self.shown.titles, audio, strict=True):
                write_wav(folder / f"{in_file_name(title)}.wav", clip, self.sample_rate)
            pictures.save(sheet, folder / "sheet.png")
        except OSError as problem:
            raise UserError(f"preview {folder} cannot be written ({problem.strerror}). Make room there.") from None
        self.events.clips("generated", audio, self.sample_rate, pictures.pixels(sheet), step, self.shown.titles)
        self.heard(step, audio)


def forget_previews_after(folder: Path, step: int) -> None:
    """Removes the previews in `folder` of what comes after `step`: these steps will be made once more.

    Other files in their folders stay. Raises UserError where they cannot be removed.
    """
    try:
        for preview in folder.glob("step-*"):
            match = FOLDER.fullmatch(preview.name)
            if match and int(match[1]) > step:
                for file in [each for each in preview.iterdir() if FILE.fullmatch(each.name)]:
                    file.unlink()
                with suppress(OSError):  # somebody put something into it
                    preview.rmdir()
    except OSError as problem:
        raise UserError(f"preview {preview} cannot be written ({problem.strerror}). Make room there.") from None


def preview_sheet(audio: np.ndarray, sample_rate: int, title: str, names: list[str]) -> pictures.Figure:
    """A sheet of clips [n, time, channels] with their names, four to a row: TensorBoard's cards are narrow."""
    return pictures.draw(audio, sample_rate, title, names, columns=4)
