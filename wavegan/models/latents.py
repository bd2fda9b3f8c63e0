"""Where latents come from: their distribution, the way between two, and what lies around one."""

from typing import Protocol

import numpy as np

Seed = int | tuple[int, ...] | None  # what NumPy's generators take; None for another one every time
PATHS = ("spherical", "linear")
FARTHEST = 2  # the largest spread: what lies that far from a latent knows nothing of it any more


class LatentSpace(Protocol):
    """A distribution of latents; a latent is an array of any shape."""

    def draw(self, n: int, shape: tuple[int, ...], seed: Seed = None) -> np.ndarray:
        """`n` latents, float32 [n, *shape]. A seed's first ones are the same for every `n`."""

    def between(self, start: np.ndarray, end: np.ndarray, share: float, path: str) -> np.ndarray:
        """The point at `share` of the way, in [0, 1], from one latent to another: of the shape of both."""

    def around(self, latent: np.ndarray, n: int, spread: float, seed: Seed) -> np.ndarray:
        """`n` variations of a latent, float32 [n, *shape], `spread` in (0, 2]. A seed's first ones are the same."""

    def within(self, values: np.ndarray) -> np.ndarray:
        """The latents nearest to `values`, float32 [n, *shape]: what a search that left the space goes on from."""

    def complaint(self, values: np.ndarray) -> str | None:
        """What latents must be that these are not, such as "finite and in [-1, 1]"; None where all is well."""


def linear(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The point of the straight line from `start` to `end`, of one shape, at `share` of the way in [0, 1]: float64.

    Halfway between two draws the numbers have half of the variance that the model saw in training: the sounds
    there are quieter and more alike.
    """
    return (1 - share) * start.astype("float64") + share * end.astype("float64")


def spherical(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The point of the arc around the origin from `start` to `end`, of one shape, at `share` of the way: float64.

    Its length stays that of a draw, which that of a point of the straight line does not (T. White, "Sampling Generative
    Networks", arXiv 1609.04468, section 2.1). Where there is no one arc, the same direction or opposite ones, it is
    `linear`.
    """
    start, end = start.astype("float64"), end.astype("float64")
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(np.vdot(start, end) / lengths, -1, 1)) if lengths else 0.0
    if np.sin(angle) < 1e-6:
        return linear(start, end, share)
    return (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)


def _on(path: str, start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    return {"spherical": spherical, "linear": linear}[path](start, end, share)


class Uniform:
    """Every number uniform in [-1, 1], as in the paper (arXiv 1802.04208, table 3)."""

    def draw(self, n: int, shape: tuple[int, ...], seed: Seed = None) -> np.ndarray:
        """As `LatentSpace.draw`."""
        return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype("float32")

    def between(self, start: np.ndarray, end: np.ndarray, share: float, path: str) -> np.ndarray:
        """As `LatentSpace.between`.

        On an arc, one number in twelve leaves [-1, 1] halfway between two draws. It is put back on its end, which takes
        4 % of the length.
        """
        return np.clip(_on(path, start, end, share), -1, 1).astype("float32")

    def around(self, latent: np.ndarray, n: int, spread: float, seed: Seed) -> np.ndarray:
        """As `LatentSpace.around`. `spread` is the farthest that each number moves; its move is uniform.

        What would leave [-1, 1] is reflected at its end, so that variations of uniform latents are uniform, too.
        """
        moved = latent + np.random.default_rng(seed).uniform(-spread, spread, (n, *latent.shape))
        moved = np.where(np.abs(moved) > 1, np.sign(moved) * 2 - moved, moved)
        return np.clip(moved, -1, 1).astype("float32")

    def within(self, values: np.ndarray) -> np.ndarray:
        """As `LatentSpace.within`: what is beyond an end of [-1, 1] is put on it."""
        return np.clip(values, -1, 1).astype("float32")

    def complaint(self, values: np.ndarray) -> str | None:
        """As `LatentSpace.complaint`."""
        inside = (np.abs(values) <= 1).all()  # what is not a number is not inside, either
        return None if inside else "finite and in [-1, 1]"


class Normal:
    """Every number normal, of mean 0 and variance 1."""

    def draw(self, n: int, shape: tuple[int, ...], seed: Seed = None) -> np.ndarray:
        """As `LatentSpace.draw`."""
        generator, drawn = np.random.default_rng(seed), np.empty((n, *shape), "float32")
        for each in drawn:  # one at a time: what is drawn is float64
            each[...] = generator.standard_normal(shape)
        return drawn

    def between(self, start: np.ndarray, end: np.ndarray, share: float, path: str) -> np.ndarray:
        """As `LatentSpace.between`."""
        return _on(path, start, end, share).astype("float32")

    def around(self, latent: np.ndarray, n: int, spread: float, seed: Seed) -> np.ndarray:
        """As `LatentSpace.around`: on the arc towards another draw, a quarter turn for a `spread` of 2.

        So variations of normal latents are normal, too.
        """
        angle = spread / FARTHEST * np.pi / 2
        draws = np.random.default_rng(seed).standard_normal((n, *latent.shape))
        return (np.cos(angle) * latent + np.sin(angle) * draws).astype("float32")

    def within(self, values: np.ndarray) -> np.ndarray:
        """As `LatentSpace.within`: what is longer than a draw is made as long.

        Draws differ little in their length: it is near the square root of how many numbers they have.
        """
        axes = tuple(range(1, values.ndim))
        length = np.sqrt(np.mean(np.square(values), axis=axes, keepdims=True))
        return (values / np.maximum(length, 1)).astype("float32")

    def complaint(self, values: np.ndarray) -> str | None:
        """As `LatentSpace.complaint`."""
        return None if np.isfinite(values).all() else "finite"
