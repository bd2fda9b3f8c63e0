"""The run directory: config.json, checkpoints/, previews/, TensorBoard events.

A checkpoint is one NumPy archive, `checkpoints/step-00001000.npz`, with an array for every variable: both networks,
both optimizers, the seeds; and the latents of the previews. The step is also the position in the data. Beside it
`step-00001000.json` holds its size, its SHA-256 and, once somebody judged it, its score. Both are written beside their
places, flushed to disk, read back and compared, and then moved there, the archive last: a checkpoint is whole or
absent. Nothing in it can execute.
"""

import hashlib
import json
import math
import os
import re
import zipfile
from pathlib import Path

import numpy as np

from preprocess import UserError
from preprocess.command import typed
from wavegan.config import Config

NAME = re.compile(r"step-(\d{8,})\.npz")
FORMAT = 1  # of what lies beside a checkpoint


class Damaged(UserError):
    """A checkpoint is not what was written."""


class Run:
    """One run directory.

    Args:
        path: where it is, or will be.
        keep: how many checkpoints stay when a newer one is saved, beside the best one.
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

    def make_folders(self):
        """Make the directory and those in it. Raises UserError where that cannot be."""
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.previews.mkdir(exist_ok=True)
        except OSError as problem:
            raise self._unwritable(problem) from None

    def create(self, config):
        """Make the directory and write config.json. Raises UserError where that cannot be."""
        self.make_folders()
        try:
            config.save(self.config_path)
        except OSError as problem:
            raise self._unwritable(problem) from None

    def _unwritable(self, problem):
        return UserError(f"--run {self.path} cannot be written ({problem.strerror}). Give another folder.")

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
        """Write the checkpoint of `step`, then drop all but the newest `keep` and the best one.

        Args:
            step: generator updates so far.
            arrays: {name: array}, as `WaveGAN.state` gives it.

        Raises UserError where it cannot be written; what was there before is untouched then.
        """
        path = self.checkpoint_path(step)
        beside = path.with_suffix(".partial")
        try:
            with open(beside, "wb") as file:
                np.savez(file, **arrays)
                _to_disk(file)
            _compare(beside, arrays)
            self._write_facts(step, {"bytes": beside.stat().st_size, "sha256": _sha256(beside)})
            os.replace(beside, path)
            _folder_to_disk(self.checkpoints)
        except OSError as problem:
            for left in (beside, self._facts_path(step)):
                left.unlink(missing_ok=True)
            raise UserError(
                f"checkpoint {path} cannot be written ({problem.strerror}); the one before is kept. "
                "Make room, then run the same command again."
            ) from None
        self._drop_old()

    def _drop_old(self):
        best = self.best()
        for old in self.steps()[: -self.keep]:
            if old != best:
                self.checkpoint_path(old).unlink()
        for facts in self.checkpoints.glob("step-*.json"):
            if not facts.with_suffix(".npz").exists():
                facts.unlink()
        for partial in self.checkpoints.glob("step-*.partial"):  # of a process that was killed
            partial.unlink()

    def check(self, step):
        """Raises UserError when there is no checkpoint of `step`."""
        if step not in self.steps():
            raise UserError(f"{self.path} has no checkpoint of step {step}. It has: {self._list()}.")

    def load(self, step, prefix=""):
        """The arrays of the checkpoint of `step` whose names start with `prefix`, as {name: array}.

        Raises UserError when there is no such checkpoint, and `Damaged` when it is not what was written.
        """
        self.check(step)
        path = self.checkpoint_path(step)
        try:
            facts = self._facts(step)
            if path.stat().st_size != facts["bytes"]:
                raise ValueError(f"expected {facts['bytes']:,} bytes. Received: {path.stat().st_size:,}")
            if _sha256(path) != facts["sha256"]:
                raise ValueError("its checksum is another")
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files if name.startswith(prefix)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError) as problem:
            raise Damaged(
                f"checkpoint {path} is damaged ({problem}). Delete it to use another. It has: {self._list()}."
            ) from None

    def load_newest(self, prefix="", warn=print):
        """The newest checkpoint that is whole: (step, {name: array}), as `load` gives them.

        Args:
            prefix: of the names that are wanted.
            warn: called with a line for each newer one that is damaged.

        Raises UserError when there is none.
        """
        newest = self.latest()
        for step in reversed(self.steps()):
            try:
                arrays = self.load(step, prefix)
            except Damaged as problem:
                warn(f"warning: {str(problem).split(' Delete')[0]}")
            else:
                if step != newest:
                    warn(f"warning: the checkpoint of step {step} is used instead")
                return step, arrays
        raise UserError(
            f"all checkpoints of {self.path} are damaged ({self._list()}). Put back a copy of one, or start another "
            "run with --run."
        )

    def set_aside(self, step):
        """Rename the checkpoint of `step`, which is damaged, so that it does not count any more."""
        path = self.checkpoint_path(step)
        os.replace(path, path.with_suffix(".damaged"))

    def latest(self):
        """The newest checkpoint's step. Raises UserError when there is none."""
        if not self.steps():
            raise UserError(
                f"{self.path} has no checkpoint any more. Put back a copy of one, or start another run with --run."
                if self.exists()
                else f"{self.path} has no checkpoint yet. Train: {typed('train', '--run', self.path)}."
            )
        return self.steps()[-1]

    def set_score(self, step, score):
        """Keep with the checkpoint of `step` how good it is: a finite number, higher is better."""
        self._write_facts(step, self._facts(step) | {"score": float(score)})

    def best(self):
        """The step of the checkpoint with the highest score; None when none has one."""
        scores = {}
        for step in self.steps():
            try:
                scores[step] = self._facts(step).get("score", -math.inf)
            except (OSError, ValueError, RuntimeError):  # damaged: told when it is loaded
                scores[step] = -math.inf
        best = max(scores, key=scores.get, default=None)
        return None if best is None or scores[best] == -math.inf else best

    def _facts_path(self, step):
        return self.checkpoint_path(step).with_suffix(".json")

    def _facts(self, step):
        """What lies beside a checkpoint. Raises ValueError or OSError when that is not what was written."""
        path = self._facts_path(step)
        if not path.exists():
            raise ValueError(f"{path.name}, which holds its checksum, is missing")
        facts = json.loads(path.read_text(encoding="utf-8"))
        kinds = {"format": int, "bytes": int, "sha256": str}
        if not isinstance(facts, dict) or any(type(facts.get(name)) is not kind for name, kind in kinds.items()):
            raise ValueError(f"{path.name} does not hold its size and checksum")
        if facts["format"] != FORMAT:
            raise ValueError(f"{path.name}: format must be {FORMAT}. Received: {facts['format']}")
        score = facts.get("score", 0.0)
        if type(score) is not float or not math.isfinite(score):
            raise ValueError(f"{path.name}: score must be a finite number. Received: {score}")
        return facts

    def _write_facts(self, step, facts):
        path = self._facts_path(step)
        beside = path.with_suffix(".json.partial")
        with open(beside, "w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT, **facts}) + "\n")
            _to_disk(file)
        os.replace(beside, path)

    def _list(self):
        return ", ".join(map(str, self.steps())) or "none"


def _to_disk(file):
    file.flush()
    os.fsync(file.fileno())


def _folder_to_disk(folder):
    """After this, what was moved into `folder` is there also when the power fails."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _compare(path, arrays):
    """Raises OSError where the archive at `path` does not hold `arrays`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            same = all(np.array_equal(stored[name], array) for name, array in arrays.items())
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        same = False
    if not same:
        raise OSError(0, "what was read back differs from what was written")


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
