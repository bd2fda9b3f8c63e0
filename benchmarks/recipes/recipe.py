"""A recipe of training: everything that may differ from one training to another, and the recipes that have names."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Everything that may differ from one training to another.

    Attributes:
        loss: "ns" (non-saturating), "pairs" (relativistic) or "wgan-gp".
        conditional: whether generator and critics are asked_for the class, "any" for a share `any_share` of the clips.
        group: clips of one class that stand beside each other in a batch.
        group_spread: whether critics are asked_for how much the clips of a group differ in their last layer.
        projection: "mean" or "flat": what of the critic's last layer meets the class, its mean over time or all of it.
        stages: whether latent and class give every stage of the generator a gain and a bias.
        kernel: of the generator's transposed convolutions (samples).
        noise: whether every stage of the generator adds noise, as loud as it learns.
        loudness: whether critics hear audio divided by the data set's RMS; the spectral ones always do.
        spectral: windows of the spectral critics (samples), with + between; 0 for none.
        gamma, gamma_spectral: weight of R1 of the waveform critic and of a spectral one; of wgan-gp's penalty, twice.
        r2: whether generated clips are penalised, too.
        every: the penalties are computed every so many updates, and count as many times.
        critic_rate, generator_rate, beta_1, beta_2: of Adam.
        fall: what is left of the rates at the end of the run; they fall linearly.
        updates: of the critic, for one of the generator.
        half_life: of the averaged generator (clips).
        augment: any of polarity, gain, shift, cutout, with + between.
        precision: of the networks, float32 or bfloat16.
    """

    loss: str = "ns"
    conditional: bool = True
    any_share: float = 0.1
    group: int = 1
    group_spread: bool = False
    projection: str = "mean"
    stages: bool = False
    kernel: int = 25
    noise: bool = False
    loudness: bool = True
    spectral: str = "256"
    gamma: float = 50.0
    gamma_spectral: float = 10.0
    r2: bool = False
    every: int = 8
    critic_rate: float = 1e-3
    generator_rate: float = 1e-3
    beta_1: float = 0.0
    beta_2: float = 0.99
    fall: float = 0.05
    updates: int = 1
    batch: int = 16
    half_life: float = 2200.0
    augment: str = ""
    model_dim: int = 16
    phase_shuffle: int = 2
    precision: str = "bfloat16"

    @property
    def policy(self):
        """Keras' dtype policy of the networks."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"


WGAN = {"loss": "wgan-gp", "loudness": False, "gamma": 20.0, "gamma_spectral": 20.0, "every": 1, "updates": 2,
        "beta_1": 0.5, "beta_2": 0.9}  # fmt: skip
PLAIN = {"conditional": False, "spectral": "0", "fall": 1.0}
GROUPS = {"group": 4, "group_spread": True}
RECIPES: dict[str, dict] = {
    "wgan-gp": WGAN | PLAIN,  # the preset `tiny`
    "wgan-gp-all": WGAN,  # with classes, spectral critic and falling rates
    "ns-plain": PLAIN,
    "ns": {},
    "pairs": {"loss": "pairs", "r2": True},
    "ns-group": GROUPS | {"projection": "flat", "gamma": 10.0},
    "stages": GROUPS | {"stages": True},
    "best": GROUPS | {"stages": True, "projection": "flat"},
}


def recipe_of(text):
    """The `Recipe` of "name,key=value,…"."""
    name, *changes = text.split(",")
    settings: dict[str, Any] = dict(RECIPES[name])
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Recipe)}
    for change in changes:
        key, value = change.split("=")
        settings[key] = bool(int(value)) if kinds[key] is bool else kinds[key](value)
    return Recipe(**settings)
