"""What the previews of a run are the sounds of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wavegan.models.classes import in_turn, in_words
from wavegan.models.family import family_named
from wavegan.runs.config import Config

FEWEST, MOST = 8, 16  # sounds
LATENTS, CLASSES = "previews/latents", "previews/classes"  # in a checkpoint


@dataclass(frozen=True)
class Shown:
    """What the previews of a run are the sounds of, the same for the whole run.

    Attributes:
        latents: [n, ...].
        classes: the class weights of each, [n, classes]; None for an unconditional model.
        names: of the classes.
    """

    latents: np.ndarray
    classes: np.ndarray | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def drawn(cls, config: Config) -> "Shown":
        """For a new run: eight, or where the model has classes one of each, up to sixteen."""
        family, n, weights = family_named(config.family), FEWEST, None
        if config.classes:
            weights = in_turn([config.data.classes[name] for name in config.classes], FEWEST, MOST)
            n = len(weights)
        shape = family.latent_shape(config.model, config.data.clip)
        return cls(family.latents.draw(n, shape, (config.training.seed, 1)), weights, config.classes)

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], config: Config) -> "Shown":
        """Those of a checkpoint that holds `arrays`. Raises KeyError where there are none."""
        return cls(arrays[LATENTS], arrays.get(CLASSES), config.classes)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """As they stand in every checkpoint, {name: array}."""
        return {LATENTS: self.latents, **({} if self.classes is None else {CLASSES: self.classes})}

    @property
    def titles(self) -> list[str]:
        """Of the sounds: a number, and the class."""
        numbers = [f"{number:02d}" for number in range(len(self.latents))]
        if self.classes is None:
            return numbers
        return [f"{n}-{in_words(row, self.names)}" for n, row in zip(numbers, self.classes, strict=True)]
