"""Which latents become sounds: new ones, saved ones, a path between two, or what lies around one."""

import secrets
from dataclasses import dataclass, field

import numpy as np

from wavegan.generation.saved import Named, fitting
from wavegan.models.latents import sample_latents


@dataclass(frozen=True)
class Latents:
    """Latents and what they are.

    Args:
        values: float32 [n, latent_size] in [-1, 1].
        title: what they are, in words.
        notes: where each of them lies, in a few letters; empty where there is nothing to say.
        seed: of the draws, where there were any.
    """

    values: np.ndarray
    title: str
    notes: list[str] = field(default_factory=list)
    seed: int | None = None


def new(n, latent_size, seed=None):
    """`n` new `Latents`; a seed is drawn, and kept, when None."""
    seed = secrets.randbits(31) if seed is None else seed
    return Latents(sample_latents(n, latent_size, seed), f"seed {seed}", seed=seed)


def again(source, latent_size):
    """The `Latents` of `source`, a `saved.Named`. Raises UserError, as the others do, where they are of other width."""
    return Latents(_values(source, latent_size), source.name, seed=source.seed)


def between(sources, steps, path, latent_size):
    """`steps` `Latents` from the one to the other of two `sources`, both as they are, the others evenly between.

    Args:
        sources: two `saved.Named` of one latent each.
        steps: at least 2.
        path: "spherical" or "linear", the functions below.
        latent_size: width of the latents.
    """
    start, end = (_values(source, latent_size)[0] for source in sources)
    shares = np.linspace(0, 1, steps)
    values = np.array([PATHS[path](start, end, share) for share in shares], "float32")  # the ends are exact
    title = f"{sources[0].name} → {sources[1].name}, {path}"
    return Latents(values, title, [f"{share:.0%}" for share in shares])


def around(source, n, spread, latent_size, seed=None):
    """The latent of `source`, as it is, and `n` - 1 variations of it, as `Latents`.

    Args:
        source: a `saved.Named` of one latent.
        n: how many in all, at least 1.
        spread: the farthest that each number of a latent moves, in (0, 2]; the move is uniform, and the range of the
            numbers, -1 to 1, is 2 wide. What would leave it is reflected at its end, so that variations of uniform
            latents are uniform, too; those of spread 2 know nothing of the latent any more.
        latent_size: width of the latents.
        seed: of the variations; drawn, and kept, when None. Its first ones are the same for every `n`.
    """
    seed = secrets.randbits(31) if seed is None else seed
    start = _values(source, latent_size)
    draws = np.random.default_rng((seed, 3))  # another stream than that of the latents of the same seed
    moved = start + draws.uniform(-spread, spread, (n - 1, latent_size))
    moved = np.where(np.abs(moved) > 1, np.sign(moved) * 2 - moved, moved)
    values = np.concatenate([start, np.clip(moved, -1, 1).astype("float32")])
    distances = np.sqrt(np.mean((values - start) ** 2, axis=1))  # root mean square, in the units of the spread
    title = f"around {source.name}, spread {spread:g}, seed {seed}"
    return Latents(values, title, [f"{distance:.2f} away" for distance in distances], seed)


def linear(start, end, share):
    """The point of the straight line from `start` to `end`, [latent_size] each, at `share` of the way in [0, 1].

    It stays in [-1, 1], but halfway between two draws the numbers have half of the variance that training showed the
    generator: the sounds there are quieter and more alike.
    """
    return (1 - share) * start.astype("float64") + share * end.astype("float64")


def spherical(start, end, share):
    """The point of the arc around the origin from `start` to `end`, [latent_size] each, at `share` of the way.

    Its length stays that of a uniform draw, as linear ones' does not (T. White, "Sampling Generative Networks", arXiv
    1609.04468, section 2.1). One number in twelve leaves [-1, 1] halfway between two draws, and is put back on its
    end, which takes 4 % of the length. Where there is no one arc, the same direction or opposite ones, it is `linear`.
    """
    start, end = start.astype("float64"), end.astype("float64")
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / lengths, -1, 1)) if lengths else 0.0
    if np.sin(angle) < 1e-6:
        return linear(start, end, share)
    point = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return np.clip(point, -1, 1)


PATHS = {"spherical": spherical, "linear": linear}


def _values(source: Named, latent_size):
    return sample_latents(1, latent_size, source.seed) if source.values is None else fitting(source, latent_size)
