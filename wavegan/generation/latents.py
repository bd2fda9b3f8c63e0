"""Which latents become sounds: new ones, saved ones, a path between two, or what lies around one.

Every function takes the family's `models.latents.LatentSpace` and the shape of a latent of the run, and raises
UserError where saved latents are of another shape or not of that space.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from wavegan.base.errors import UserError
from wavegan.generation.saved import Named
from wavegan.models.family import Start
from wavegan.models.latents import LatentSpace

COLUMNS = 8  # of a picture, where nothing speaks for fewer


@dataclass(frozen=True)
class Latents:
    """Latents and what they are.

    Args:
        values: float32 [n, *shape].
        title: what they are, in words.
        notes: where each of them lies, in a few letters; empty where there is nothing to say.
        seed: of the draws, where there were any.
        classes: the class weights of each, float32 [n, classes]; None for an unconditional model.
        columns: how many stand side by side in a picture.
        start: the recording that their sounds begin from, if any.
    """

    values: np.ndarray
    title: str
    notes: list[str] = field(default_factory=list)
    seed: int | None = None
    classes: np.ndarray | None = None
    columns: int = COLUMNS
    start: Start | None = None


def new(n: int, space: LatentSpace, shape: tuple[int, ...], seed: int | None = None) -> Latents:
    """`n` new latents; a seed is drawn, and kept, when None."""
    seed = secrets.randbits(31) if seed is None else seed
    return Latents(space.draw(n, shape, seed), f"seed {seed}", seed=seed)


def again(source: Named, space: LatentSpace, shape: tuple[int, ...]) -> Latents:
    """The latents of `source`, as they are."""
    return Latents(_values(source, space, shape), source.name, seed=source.seed, start=source.start)


def like(
    name: str, start: Start, n: int, space: LatentSpace, shape: tuple[int, ...], seed: int | None = None
) -> Latents:
    """`n` new latents, whose sounds begin from the recording `name`; a seed is drawn, and kept, when None."""
    found = new(n, space, shape, seed)
    kept = "" if start.kept is None else f", {np.mean(start.kept == 1):.0%} of each sound kept"
    return replace(found, title=f"like {name}, strength {start.strength:g}{kept}, {found.title}", start=start)


def check_ends(sources: Iterable[Named]) -> None:
    """Raises UserError where `sources` are not latents that there is a way between."""
    for source in sources:
        if source.start is not None:
            raise UserError(
                f"the sounds of {source.name} began from a recording: there is no way from one to another. Give a "
                "recording, or sounds that are new."
            )


def between(sources: list[Named], steps: int, path: str, space: LatentSpace, shape: tuple[int, ...]) -> Latents:
    """`steps` latents, 2 or more, from one to the other of two `sources`: both as they are, the rest evenly between.

    `path` is "spherical" or "linear", see `models.latents`.
    """
    check_ends(sources)
    start, end = (_values(source, space, shape)[0] for source in sources)
    shares = np.linspace(0, 1, steps)
    inner = [space.between(start, end, share, path) for share in shares[1:-1]]
    values = np.array([start, *inner, end], "float32")
    title = f"{sources[0].name} → {sources[1].name}, {path}"
    return Latents(values, title, [f"{share:.0%}" for share in shares])


def around(
    source: Named, n: int, spread: float, space: LatentSpace, shape: tuple[int, ...], seed: int | None = None
) -> Latents:
    """The latent of `source`, as it is, and `n` - 1 variations of it.

    Args:
        source: of one latent.
        n: how many in all, at least 1.
        spread: how far the variations lie from it, in (0, 2], see `LatentSpace.around`.
        space, shape: as everywhere here.
        seed: of the variations; drawn, and kept, when None. Its first ones are the same for every `n`.
    """
    seed = secrets.randbits(31) if seed is None else seed
    start = _values(source, space, shape)
    moved = space.around(start[0], n - 1, spread, (seed, 3))  # another stream than that of the latents of the same seed
    values = np.concatenate([start, moved])
    distances = np.sqrt(np.mean((values - start) ** 2, axis=tuple(range(1, values.ndim))))  # in the units of a latent
    title = f"around {source.name}, spread {spread:g}, seed {seed}"
    notes = [f"{distance:.2f} away" for distance in distances]
    return Latents(values, title, notes, seed, start=source.start)


def _values(source: Named, space: LatentSpace, shape: tuple[int, ...]) -> np.ndarray:
    """The latents of `source`, [n, *shape]."""
    if source.values is None:
        return space.draw(1, shape, source.seed)
    if source.values.shape[1:] != tuple(shape):
        received, taken = _size(source.values.shape[1:]), _size(shape)
        raise UserError(
            f"the latents of {source.name} are {received} wide, the run takes {taken}: they are of another model. Give "
            "the run they were made with by --run."
        )
    if expected := space.complaint(source.values):
        raise UserError(f"the latents of {source.name} must be {expected}. Received: others. Take another file.")
    return source.values


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
