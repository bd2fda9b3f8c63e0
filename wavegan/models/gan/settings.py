"""The settings of a WaveGAN, with those of the paper (arXiv 1802.04208, table 2) as defaults, and its presets."""

from dataclasses import dataclass
from typing import Any

from wavegan.base.settings import check, option


@dataclass(frozen=True)
class Settings:
    """What a WaveGAN is made of, and how it is updated. Raises UserError for a value out of its range."""

    model_dim: int = option(
        64, "channels of the outermost hidden layer, doubled at every layer further in", least=1, shapes=True
    )
    kernel_length: int = option(25, "taps of every convolution (samples)", least=4, shapes=True)
    latent_size: int = option(100, "width of the latent", least=1, shapes=True)
    phase_shuffle: int = option(2, "largest shift after each of the critic's layers (time steps), 0 for none", 0, 16)
    critic_updates: int = option(5, "critic updates in a step, before the generator's one", least=1)
    penalty_weight: float = option(10.0, "weight of the gradient penalty", least=0)
    critic_learning_rate: float = option(1e-4, "Adam's learning rate for the critic", least=0)
    generator_learning_rate: float = option(1e-4, "Adam's learning rate for the generator", least=0)
    ema: float = option(0.0, "momentum of the averaged generator that makes the sounds, 0 for none", 0, 1)

    def __post_init__(self) -> None:
        check(self)


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "small": {
        "steps": 20_000,
        "batch_size": 16,
        "model_dim": 16,
        "critic_updates": 4,
        "critic_learning_rate": 6e-4,
        "generator_learning_rate": 2e-4,
        "ema": 0.995,
        "preview_every": 250,
        "checkpoint_every": 250,
    },
    "tiny": {
        "steps": 1_650,
        "batch_size": 16,
        "model_dim": 16,
        "critic_updates": 2,
        "critic_learning_rate": 1e-3,
        "generator_learning_rate": 1e-3,
        "ema": 0.99,
        "preview_every": 250,
        "checkpoint_every": 250,
    },
}
