"""The run directory: config.json, checkpoints/, previews/, TensorBoard events.

A checkpoint is one NumPy archive, `checkpoints/step-00001000.npz`, with an array for every variable: both networks,
both optimizers, the seeds. It is written beside its place, flushed and moved there, so it is whole or absent; every
array carries a checksum that reading verifies. Nothing in it can execute.
"""

import os
import re
import zipfile
from pathlib import Path

import numpy as np

from preprocess import UserError
from preprocess.command import typed
from wavegan.config import Config

NAME = re.compile(r"step-(\d{8,})\.npz")


class Run:
    """One run directory.

    Args:
        path: where it is, or will be.
        keep: how many checkpoints stay when a newer one is saved.
    """

    def __init__(self, path, keep=3):
        self.path = Path(path)
        self.keep = keep
        self.checkpoints = self.path / "checkpoints"
        self.previews = self.path / "previews"
        self.config_path = self.path / "config.json"

    @property
    def name(self):
        return self.path.resolve().name

    def exists(self):
        return self.config_path.exists()

    def create(self, config):
        """Make the directory and write config.json. Raises UserError where that cannot be."""
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.previews.mkdir(exist_ok=True)
            config.save(self.config_path)
        except OSError as problem:
            raise UserError(f"--run {self.path} cannot be written ({problem.strerror}). Give another folder.") from None

    def config(self):
        """The run's settings. Raises UserError when this is no run."""
        if not self.exists():
            raise UserError(f"{self.path} is not a run: it has no config.json. Train one: {typed('train')}.")
        return Config.load(self.config_path)

    def steps(self):
        """The steps that have a checkpoint, oldest first."""
        found = (NAME.fullmatch(entry.name) for entry in self.checkpoints.glob("step-*.npz"))
        return sorted(int(match[1]) for match in found if match)

    def checkpoint_path(self, step):
        return self.checkpoints / f"step-{step:08d}.npz"

    def save(self, step, arrays):
        """Write the checkpoint of `step`, then drop all but the newest `keep`.

        Args:
            step: generator updates so far.
            arrays: {name: array}, as `WaveGAN.state` gives it.
        """
        path = self.checkpoint_path(step)
        beside = path.with_suffix(".partial")
        try:
            with open(beside, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except OSError as problem:
            beside.unlink(missing_ok=True)
            raise UserError(
                f"checkpoint {path} cannot be written ({problem.strerror}); the one before is kept. "
                "Make room, then run the same command again."
            ) from None
        for old in self.steps()[: -self.keep]:
            self.checkpoint_path(old).unlink()

    def check(self, step):
        """Raises UserError when there is no checkpoint of `step`."""
        if step not in self.steps():
            raise UserError(f"{self.path} has no checkpoint of step {step}. It has: {self._list()}.")

    def load(self, step, prefix=""):
        """The arrays of the checkpoint of `step` whose names start with `prefix`, as {name: array}.

        Raises UserError when there is no such checkpoint or it is damaged.
        """
        self.check(step)
        path = self.checkpoint_path(step)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files if name.startswith(prefix)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError) as problem:
            raise UserError(
                f"checkpoint {path} is damaged ({problem}). Delete it to use the one before. It has: {self._list()}."
            ) from None

    def latest(self):
        """The newest checkpoint's step. Raises UserError when there is none."""
        if not self.steps():
            raise UserError(f"{self.path} has no checkpoint yet. Let {typed('train')} reach its first one.")
        return self.steps()[-1]

    def _list(self):
        return ", ".join(map(str, self.steps())) or "none"


def newest_run(root="runs"):
    """The run under `root` with the newest checkpoint. Raises UserError when there is none."""
    found = [Run(path.parent) for path in Path(root).glob("*/config.json")]
    found = [run for run in found if run.steps()]
    if not found:
        raise UserError(f"no run with a checkpoint under {root}/. Train one: {typed('train')}. Or give --run.")
    return max(found, key=lambda run: run.checkpoint_path(run.latest()).stat().st_mtime)


def free_directory(path):
    """`path`, or the first of `path-2`, `path-3`, … that is not there yet."""
    candidate, number = Path(path), 1
    while candidate.exists():
        number += 1
        candidate = Path(f"{path}-{number}")
    return candidate
