"""The run directory: config.json, checkpoints/, previews/, TensorBoard events.

A checkpoint, `checkpoints/step-00001000.npz`, holds all that a step changes, and the latents of the
previews; its step is also the position in the data.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from wavegan.base.errors import UserError
from wavegan.base.locks import in_turn
from wavegan.base.text import tell
from wavegan.base.typed import typed
from wavegan.runs import checkpoint
from wavegan.runs.config import Config

NAME = re.compile(r"step-(\d{8,})\.npz")
PRETRAINED = Path(__file__).resolve().parents[1] / "pretrained"  # the runs that come with the program


class Damaged(UserError):
    """A checkpoint is not what was written."""


class Run:
    """One run directory.

    Args:
        path: where it is, or will be.
        keep: how many checkpoints stay when a newer one is saved, beside the best one.
    """

    def __init__(self, path: str | os.PathLike, keep: int = 3) -> None:
        self.path = Path(path)
        self.keep = keep
        self.checkpoints = self.path / "checkpoints"
        self.previews = self.path / "previews"
        self.levels = self.path / "levels"  # scores of recordings and noise in TensorBoard; named so in older runs
        self.config_path = self.path / "config.json"
        self.licence_path = self.path / "licence.txt"

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.path.resolve().name

    @property
    def is_pretrained(self) -> bool:
        """Whether it is one of those that come with the program, which nothing is written into."""
        return self.path.resolve().parent == PRETRAINED

    @property
    def title(self) -> str:
        """What a person types to name it: its directory, or the name of one that comes with the program."""
        return self.name if self.is_pretrained else str(self.path)

    def exists(self) -> bool:
        """Whether it was made already."""
        return os.path.exists(self.config_path)  # a name that is too long is none, and no error

    @property
    def licence(self) -> str | None:
        """What its licence.txt says in one line: of whose recordings it learned, and under what its weights are.

        A person puts that file there, or `--finetune` does. Raises UserError where it cannot be read.
        """
        if not self.licence_path.exists():
            return None
        try:
            return " ".join(self.licence_path.read_text(encoding="utf-8-sig").split()) or None
        except (OSError, UnicodeDecodeError) as problem:
            raise UserError(
                f"{self.licence_path} cannot be read ({problem}). Expected text in UTF-8. Mend or remove it."
            ) from None

    def make_folders(self) -> None:
        """Make the directory and those in it. Raises UserError where that cannot be."""
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.previews.mkdir(exist_ok=True)
        except OSError as problem:
            raise self._unwritable(problem) from None

    def create(self, config: Config) -> None:
        """Make the directory and write config.json. Raises UserError where that cannot be."""
        self.make_folders()
        try:
            config.save(self.config_path)
        except OSError as problem:
            raise self._unwritable(problem) from None

    def _unwritable(self, problem: OSError) -> UserError:
        return UserError(f"--run {self.path} cannot be written ({problem.strerror}). Give another folder.")

    def config(self) -> Config:
        """The run's settings. Raises UserError when this is no run."""
        if not self.exists():
            lack = "it has no config.json" if os.path.exists(self.path) else "there is no such folder"
            raise UserError(
                f"{self.path} is not a run: {lack}. Train one: {typed('train')}. Or name one that comes "
                f"with WaveGAN: {', '.join(pretrained())}."
            )
        return Config.load(self.config_path)

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, oldest first."""
        found = (NAME.fullmatch(entry.name) for entry in self.checkpoints.glob("step-*.npz"))
        return sorted(int(match[1]) for match in found if match)

    def checkpoint_path(self, step: int) -> Path:
        """Of the checkpoint of `step`, there or not."""
        return self.checkpoints / f"step-{step:08d}.npz"

    def save(self, step: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the checkpoint of `step`, then drop all but the newest `keep` and the best one.

        Args:
            step: how many were made so far.
            arrays: {name: array}, as `Model.state` gives it.

        Raises UserError where it cannot be written; what was there before is untouched then.
        """
        path = self.checkpoint_path(step)
        try:
            checkpoint.write(path, step, arrays)
        except OSError as problem:
            raise UserError(
                f"checkpoint {path} cannot be written ({problem.strerror}); kept are those of these steps: "
                f"{self._list()}. Make room, then run the same command again."
            ) from None
        best = {max(scores, key=lambda step: scores[step]) for scores in self._scores()}  # by every method
        for old in self.steps()[: -self.keep]:
            if old not in best:
                self.checkpoint_path(old).unlink(missing_ok=True)
        checkpoint.clear_leftovers(self.checkpoints)

    def check(self, step: int) -> None:
        """Raises UserError when there is no checkpoint of `step`."""
        if step not in self.steps():
            raise UserError(f"{self.path} has no checkpoint of step {step}. It has: {self._list()}.")

    def load(self, step: int, prefix: str = "") -> dict[str, np.ndarray]:
        """The arrays of the checkpoint of `step` whose names start with `prefix`, as {name: array}.

        Raises UserError when there is no such checkpoint, and `Damaged` when it is not what was written.
        """
        self.check(step)
        path = self.checkpoint_path(step)
        try:
            return checkpoint.read(path, step, prefix)
        except checkpoint.BROKEN as problem:
            self.check(step)  # a training may have dropped it meanwhile
            raise Damaged(
                f"checkpoint {path} is damaged ({problem}). Others are those of these steps: {self._list(step)}."
            ) from None

    def load_newest(self, prefix: str = "", warn: Callable[[str], object] = tell) -> tuple[int, dict[str, np.ndarray]]:
        """The newest checkpoint that is whole: (step, {name: array}), as `load` gives them.

        Args:
            prefix: of the names that are wanted.
            warn: called with a line for each newer one that is damaged.

        Raises UserError when there is none.
        """
        self.latest()
        tried, damaged = set[int](), False
        while left := [step for step in self.steps() if step not in tried]:
            tried.add(step := left[-1])
            try:
                arrays = self.load(step, prefix)
            except Damaged as problem:
                damaged = True
                warn(f"warning: {str(problem).split(' Others')[0]}")
            except UserError:  # a training has dropped it meanwhile; then it has newer ones
                continue
            else:
                if damaged:
                    warn(f"warning: the checkpoint of step {step} is used instead")
                return step, arrays
        raise UserError(
            f"all checkpoints of {self.path} are damaged ({self._list()}). Put back a copy of one, or start another "
            "run with --run."
        )

    def fingerprint(self, step: int) -> str | None:
        """What the sounds of the checkpoint of `step` depend on, as a text; None where there is no whole checkpoint."""
        try:
            facts = checkpoint.read_facts(self.checkpoint_path(step))
        except checkpoint.BROKEN:
            return None
        return f"{facts['sha256']}, float32"  # scores of sounds in bfloat16, of earlier versions, do not count

    def set_aside(self, step: int) -> None:
        """Rename the checkpoint of `step`, which is damaged, so that it does not count any more."""
        path = self.checkpoint_path(step)
        os.replace(path, path.with_suffix(".damaged"))

    def latest(self) -> int:
        """The newest checkpoint's step. Raises UserError when there is none."""
        if not self.steps():
            raise UserError(
                f"{self.path} has no checkpoint any more. Put back a copy of one, or start another run with --run."
                if self.exists()
                else f"{self.path} has no checkpoint yet. Train: {typed('train', '--run', self.path)}."
            )
        return self.steps()[-1]

    def set_score(self, step: int, score: float, method: str) -> None:
        """Keep with the checkpoint of `step` how good it is.

        Args:
            step: the checkpoint's.
            score: a finite number, higher is better.
            method: how it was found; scores of one method compare.

        Raises UserError where there is no whole checkpoint any more, or its facts cannot be written.
        """
        if not math.isfinite(score):
            raise ValueError(f"Expected a finite score. Received: {score}.")
        path = self.checkpoint_path(step)
        try:
            with in_turn(self.checkpoints):
                facts = checkpoint.read_facts(path)
                scores = facts.get("scores", {}) | {method: float(score)}
                checkpoint.write_facts(path, facts | {"scores": scores})
        except checkpoint.BROKEN as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise UserError(f"the score of checkpoint {path} cannot be kept ({reason}).") from None

    def best(self) -> int | None:
        """The step of the checkpoint with the highest score; None when none has one.

        Of several methods that which scored most checkpoints counts, of these the one of the oldest, for a single new
        one was compared with nothing, and of these the one that scored it last.
        """
        methods = reversed(self._scores())
        scores: dict[int, float] = max(methods, key=lambda scores: (len(scores), -min(scores)), default={})
        return max(scores, key=lambda step: scores[step], default=None)

    def _scores(self) -> list[dict[int, float]]:
        """[{step: score}] of every method."""
        found: dict[str, dict[int, float]] = {}
        for step in self.steps():
            with suppress(*checkpoint.BROKEN):  # damaged: reported when it is loaded
                for method, score in checkpoint.read_facts(self.checkpoint_path(step)).get("scores", {}).items():
                    found.setdefault(method, {})[step] = score
        return [*found.values()]

    def named_step(self, text: str) -> int | None:
        """The step that `--checkpoint` names: a number, "best", or "latest", for which it is None.

        Raises UserError where it is none of these, or "best" and no checkpoint has a score.
        """
        if text == "latest":
            return None  # the newest that is whole
        if text == "best":
            best = self.best()
            if best is None:
                score = typed("evaluate", "--run", self.path, "--checkpoint", "all")
                raise UserError(
                    f"no checkpoint of {self.path} has a score, so none is the best. Give them scores: {score}. "
                    "Or train with --evaluate-every."
                )
            return best
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise UserError(f"--checkpoint must be latest, best or a step (of evaluate.py also all). Received: {text}.")
        return int(text)

    def _list(self, without: int | None = None) -> str:
        return ", ".join(str(step) for step in self.steps() if step != without) or "none"


def pretrained() -> list[str]:
    """The names of the runs that come with the program."""
    return sorted(path.parent.name for path in PRETRAINED.glob("*/config.json"))


def find_run(text: str, root: str | os.PathLike = "runs") -> Run:
    """The run that a person names, there or not.

    Args:
        text: its directory; or its name under `root`, or else that of one that comes with the program.
        root: where a person's runs are.
    """
    run = Run(text)
    if run.exists() or os.path.basename(text) != text:
        return run
    named = (Run(Path(folder, text)) for folder in (root, PRETRAINED))
    return next((other for other in named if other.exists()), run)


def newest_run(root: str | os.PathLike = "runs") -> Run:
    """The run under `root` with the newest checkpoint. Raises UserError when there is none."""
    found = [Run(path.parent) for path in Path(root).glob("*/config.json")]
    found = [run for run in found if run.steps()]
    if not found:
        raise UserError(
            f"no run with a checkpoint under {root}/. Train one: {typed('train')}. Or give --run: its folder, or one "
            f"that comes with WaveGAN: {', '.join(pretrained())}."
        )
    return max(found, key=lambda run: run.checkpoint_path(run.latest()).stat().st_mtime)
