"""The settings of a WaveGAN, with those of the paper (arXiv 1802.04208, table 2) as defaults, and its presets."""

from dataclasses import dataclass
from typing import Any

from wavegan.base.errors import UserError
from wavegan.base.settings import check, option
from wavegan.models.classes import CONDITIONAL, learned
from wavegan.models.family import ClipFormat

LOSSES = ("wgan-gp", "non-saturating", "relativistic", "lsgan", "dcgan")  # those of `losses.LOSSES`, which needs Keras
GROUP = 4  # clips of one class that stand beside each other in a batch, where the networks are modern


@dataclass(frozen=True)
class Sampling:
    """How sounds are made of a WaveGAN: there is nothing to choose."""


@dataclass(frozen=True)
class Settings:
    """What a WaveGAN is made of, and how it is updated. Raises UserError for a value out of its range."""

    model_dim: int = option(
        64, "channels of the outermost hidden layer, doubled at every layer further in", least=1, shapes=True
    )
    kernel_length: int = option(25, "taps of every convolution (samples)", least=4, shapes=True)
    latent_size: int = option(100, "width of the latent", least=1, shapes=True)
    networks: str = option(
        "paper",
        "as in the paper, or modern: latent and class act on every layer, critics see how clips of a class differ",
        choices=("paper", "modern"),
        shapes=True,
    )
    sound_gain: str = option(
        "no", "whether latent and class give each whole sound a gain", choices=("no", "yes"), shapes=True
    )
    conditional: str = option(
        "no", "whether it learns the classes, to be asked for; auto: with two or more", choices=CONDITIONAL,
        shapes=True,
    )  # fmt: skip
    spectral_window: int = option(
        0, "samples of the spectrograms that a second, small critic sees, a power of two; 0 for none", 0, 4096,
        shapes=True,
    )  # fmt: skip
    phase_shuffle: int = option(2, "largest shift after each of the critic's layers (time steps), 0 for none", 0, 16)
    loss: str = option("wgan-gp", "what critic and generator minimise", choices=LOSSES)
    critic_updates: int = option(5, "critic updates in a step, before the generator's one", least=1)
    penalty_weight: float = option(10.0, "weight of the gradient penalty", least=0)
    spectral_penalty_weight: float = option(10.0, "weight of the gradient penalty of the spectral critic", least=0)
    penalty_every: int = option(1, "steps from one with the gradient penalty to the next", least=1)
    critic_learning_rate: float = option(1e-4, "Adam's learning rate for the critic", least=0)
    generator_learning_rate: float = option(1e-4, "Adam's learning rate for the generator", least=0)
    learning_rate_end: float = option(1.0, "share of both learning rates that is left at the last step", 0, 1)
    ema: float = option(0.0, "momentum of the averaged generator that makes the sounds, 0 for none", 0, 1)

    def __post_init__(self) -> None:
        check(self)
        if self.spectral_window and (self.spectral_window < 32 or self.spectral_window & (self.spectral_window - 1)):
            raise UserError(
                f"--spectral-window must be 0 or a power of two from 32 to 4096. Received: {self.spectral_window}."
            )

    def classes_of(self, clip: ClipFormat) -> int:
        """How many classes the model of such clips can be asked for; 0 for an unconditional one."""
        return learned(self.conditional, clip)


MODERN: dict[str, Any] = {
    "batch_size": 8,
    "networks": "modern",
    "sound_gain": "yes",
    "conditional": "auto",
    "spectral_window": 256,
    "loss": "non-saturating",
    "critic_updates": 1,
    "penalty_weight": 50.0,
    "penalty_every": 8,
    "critic_learning_rate": 1e-3,
    "generator_learning_rate": 1e-3,
    "learning_rate_end": 0.05,
    "ema": 0.9985,  # half of it goes in 4,000 clips
}

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"precision": "float32"},
    "small": {**MODERN, "model_dim": 16, "steps": 60_000, "preview_every": 1000, "checkpoint_every": 1000},
    "tiny": {
        **MODERN,
        "batch_size": 16,  # two cores make half as many clips again in a second as in batches of 8
        "sound_gain": "no",  # hits are about equally loud: it gains nothing there
        "model_dim": 16,
        "steps": 5_000,
        "preview_every": 500,
        "checkpoint_every": 500,
        "ema": 0.995,
    },
    "large": {
        **MODERN,
        "batch_size": 32,
        "model_dim": 64,
        "steps": 100_000,
        "spectral_window": 512,
        "critic_learning_rate": 5e-4,
        "generator_learning_rate": 5e-4,
        "ema": 0.995,
    },
}
