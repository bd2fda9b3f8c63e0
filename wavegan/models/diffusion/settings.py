"""The settings of a flow matching model, and its presets."""

from dataclasses import dataclass
from typing import Any

from wavegan.base.settings import check, option
from wavegan.models.classes import CONDITIONAL, learned
from wavegan.models.family import ClipFormat

HEADS = 4  # of attention, which share the channels
SOLVERS = ("euler", "heun")


@dataclass(frozen=True)
class Sampling:
    """How sounds are made of a flow matching model. Raises UserError for a value out of its range."""

    steps: int = option(4, "from noise to sound: more are finer, which pays after hours of training", 1, 1000)
    solver: str = option(
        "heun",
        "what a step is; heun takes two evaluations for each but the last, euler one, of which it needs some 12 steps",
        choices=SOLVERS,
    )
    guidance: float = option(1.5, "above 1, the class is more distinct and its sounds more alike", 0, 20)

    def __post_init__(self) -> None:
        check(self)

    @property
    def evaluations(self) -> int:
        """How often the velocity is evaluated on the way."""
        return 2 * self.steps - 1 if self.solver == "heun" else self.steps


@dataclass(frozen=True)
class Settings:
    """What a flow matching model is made of, and how it is updated. Raises UserError for a value out of its range."""

    width: int = option(128, "channels of the outermost level, doubled at every level further in", least=4, shapes=True)
    blocks: int = option(3, "residual blocks of a level, on the way in and on the way out", 1, 8, shapes=True)
    conditional: str = option(
        "auto", "whether it learns the classes, to be asked for; auto: with two or more", choices=CONDITIONAL,
        shapes=True,
    )  # fmt: skip
    learning_rate: float = option(2e-3, "of Muon and Adam", least=0)
    learning_rate_end: float = option(0.05, "share of the learning rate that is left at the last step", 0, 1)
    ema: float = option(0.9999, "momentum of the averaged network that makes the sounds", 0, 1)

    def __post_init__(self) -> None:
        check(self)

    def classes_of(self, clip: ClipFormat) -> int:
        """How many classes the model of such clips can be asked for; 0 for an unconditional one."""
        return learned(self.conditional, clip)


PRESETS: dict[str, dict[str, Any]] = {
    "small": {"batch_size": 16, "steps": 20_000, "preview_every": 1000, "checkpoint_every": 1000},
    "large": {"batch_size": 64, "width": 256, "learning_rate": 3e-4},
}
