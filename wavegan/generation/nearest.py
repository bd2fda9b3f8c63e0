"""The sound of a run that is nearest to a recording: which latent and which class weights make it.

Many sounds are drawn. From the nearest of them the slope of the distance leads on, through the generator, and what
leaves the latent space on the way is put back (Lipton and Tripathi, "Precise Recovery of Latent Vectors from Generative
Adversarial Networks", arXiv 1702.04782). All is drawn from one seed: the same again finds the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from wavegan.base.progress import Progress
from wavegan.base.quiet import native_stderr_hidden
from wavegan.generation.asked import drawn_classes
from wavegan.generation.distance import Distance
from wavegan.generation.saved import Named
from wavegan.models.classes import parsed
from wavegan.models.family import Sampler, Slopes, SlopingSampler, StartingSampler, family_named
from wavegan.models.latents import LatentSpace
from wavegan.runs.config import Config

DRAWS, STARTS = 2048, 8
COMPARED = 16  # new sounds, with what a way back leads to
STREAM = 7  # of a seed
RATES = (0.1, 0.02)  # how far a step moves a number of a latent at first; every start goes at each of them
STEPS, SIFTED, LEFT = 160, 40, 4  # in all, and after how many of them only the nearest few go on, and how few
CLASS_RATE = 0.2  # of that, for class weights
DISTANCES_AT_ONCE = 1 << 20  # samples
DECAYS, SMALLEST = (0.9, 0.99), 1e-8  # of Adam

Weights = np.ndarray | None  # of classes, [n, classes]; None for a model without


@dataclass(frozen=True)
class Nearest:
    """What was found.

    Args:
        latent: float32 [1, *latent_shape].
        classes: its class weights, float32 [1, classes]; None for a model without classes.
        distance: of its sound from the recording, dB.
        drawn, usual: the least distance and the middle one of the sounds that were drawn at random, dB.
    """

    latent: np.ndarray
    classes: Weights
    distance: float
    drawn: float
    usual: float

    def in_words(self, name: str) -> str:
        """How near it came to the recording `name`."""
        return (
            f"{name}: the nearest sound is {self.distance:.1f} dB away (log-spectral distance; of {DRAWS:,} drawn at "
            f"random the nearest is {self.drawn:.1f} dB away, the middle one {self.usual:.0f})"
        )


def named_like(
    name: str, recording: np.ndarray, sampler: Sampler, config: Config, asked: str | None = None, seed: int = 0
) -> tuple[Named, str]:
    """The latent whose sound is nearest to a recording, under the name of that, and how near it came, in words.

    Args:
        name: of the recording.
        recording: float32 [time, channels], as the clips of the run.
        sampler, config: of the run.
        asked: a class or mixture that it is to be of, as a person writes it.
        seed: of the search.
    """

    def draw_classes(n: int) -> Weights:
        return np.repeat(parsed(asked, config.classes)[None], n, axis=0) if asked else drawn_classes(config, n, seed)

    if family_named(config.family).starts:
        return _inverted(name, recording, sampler, config, asked, draw_classes, seed)
    space = family_named(config.family).latents
    rate, title = config.data.sample_rate, f"searching for {name}"
    found = nearest(sampler, space, recording, rate, draw_classes, asked is not None, seed, title)
    names = config.classes if found.classes is not None else None
    return Named(name, found.latent, classes=found.classes, class_names=names), found.in_words(name)


def _inverted(
    name: str,
    recording: np.ndarray,
    sampler: Sampler,
    config: Config,
    asked: str | None,
    draw_classes: Callable[[int], Weights],
    seed: int,
) -> tuple[Named, str]:
    """As `named_like`, for a sampler that also goes back from sounds to latents; of no class, if none is asked for."""
    space = family_named(config.family).latents
    drawn = space.draw(COMPARED, sampler.latent_shape, (seed, STREAM))
    weights, names = None, config.classes or None
    if names:
        weights = (parsed(asked, names) if asked else np.zeros(len(names), "float32"))[None]
    with native_stderr_hidden():  # compilers print to it
        latent = cast(StartingSampler, sampler).inverted(recording[None], weights)
        made = np.concatenate([sampler(latent, weights), sampler(drawn, draw_classes(COMPARED))])
    away, *new = map(float, Distance(recording, config.data.sample_rate)(made))
    words = (
        f"{name}: what it is made of, made a sound again, is {away:.1f} dB away (log-spectral distance; of {COMPARED} "
        f"new sounds the nearest is {min(new):.1f} dB away, the middle one {np.median(new):.0f})"
    )
    return Named(name, latent, classes=weights, class_names=names), words


def nearest(
    sampler: Sampler,
    space: LatentSpace,
    recording: np.ndarray,
    sample_rate: int,
    draw_classes: Callable[[int], Weights] = lambda n: None,
    fixed: bool = False,
    seed: int = 0,
    title: str = "searching",
) -> Nearest:
    """The sound of `sampler` that is nearest to `recording`.

    Args:
        sampler: of a run.
        space: of its latents.
        recording: float32 [time, channels], as long as the run's clips.
        sample_rate: Hz.
        draw_classes: gives the class weights, [n, classes], of n sounds; None for a model without classes.
        fixed: whether these are to stay as they are; otherwise they are searched for, too.
        seed: of the draws.
        title: of the progress that is shown.
    """
    distance = Distance(recording, sample_rate)

    def distances(latents: np.ndarray, weights: Weights) -> np.ndarray:
        with native_stderr_hidden():  # compilers print to it
            audio = sampler(latents, weights)
        size = max(1, DISTANCES_AT_ONCE // len(recording))
        return np.concatenate([distance(audio[at : at + size]) for at in range(0, len(audio), size)])

    latents = space.draw(DRAWS, sampler.latent_shape, (seed, STREAM))
    weights = draw_classes(DRAWS)
    drawn = distances(latents, weights)
    first = np.argsort(drawn, kind="stable")[:STARTS]
    starts = np.tile(first, len(RATES))
    slopes, given = cast(SlopingSampler, sampler).slopes(distance), (latents[starts], _rows(weights, starts))
    with Progress(STEPS, title, "steps") as progress:
        latents, weights = _descended(slopes, space, *given, fixed, progress)
    left = distances(latents, weights)  # as the sounds are made, in batches of another size
    best = [int(left.argmin())]
    return Nearest(latents[best], _rows(weights, best), float(left.min()), float(drawn.min()), float(np.median(drawn)))


def _descended(
    slopes: Slopes,
    space: LatentSpace,
    latents: np.ndarray,
    weights: Weights,
    fixed: bool,
    progress: Progress,
) -> tuple[np.ndarray, Weights]:
    """The nearest that the best of `latents`, [starts · rates, *shape], came to by the slope, and class weights."""
    rates = np.repeat(RATES, STARTS)
    moves = Adam(rates), Adam(CLASS_RATE * rates)
    least, best, best_weights = np.full(len(latents), np.inf), latents.copy(), _rows(weights, slice(None))
    for step in range(STEPS):
        if step == SIFTED:
            left = np.argsort(least, kind="stable")[:LEFT]
            latents, weights, least, best = latents[left], _rows(weights, left), least[left], best[left]
            best_weights = _rows(best_weights, left)
            for each in moves:
                each.keep(left)
        with native_stderr_hidden():
            losses, by_latent, by_weight = slopes(latents, weights)
        nearer = losses < least
        least[nearer] = losses[nearer]
        share = 1 - step / STEPS
        best[nearer] = latents[nearer]
        if weights is not None and best_weights is not None and by_weight is not None:
            best_weights[nearer] = weights[nearer]
            if not fixed:
                weights = _mixtures(weights + share * moves[1](by_weight))
        latents = space.within(latents + share * moves[0](by_latent))
        progress.update(1, nearest=f"{least.min():.1f} dB")
    return best, best_weights


class Adam:
    """Moves against slopes (Kingma and Ba, arXiv 1412.6980), each row of an array at its own one of `rates` [n]."""

    def __init__(self, rates: np.ndarray) -> None:
        self.rates = rates
        self.steps = 0
        self.mean = self.square = np.zeros((), "float32")

    def keep(self, rows: np.ndarray) -> None:
        """Go on with some of the rows alone."""
        self.rates = self.rates[rows]
        if self.steps:
            self.mean, self.square = self.mean[rows], self.square[rows]

    def __call__(self, slopes: np.ndarray) -> np.ndarray:
        """How far to move, as `slopes` [n, …]."""
        self.steps += 1
        self.mean = DECAYS[0] * self.mean + (1 - DECAYS[0]) * slopes
        self.square = DECAYS[1] * self.square + (1 - DECAYS[1]) * slopes**2
        mean, square = (
            value / (1 - decay**self.steps) for value, decay in zip((self.mean, self.square), DECAYS, strict=True)
        )
        rates = self.rates.reshape(-1, *[1] * (slopes.ndim - 1))
        return (-rates * mean / (np.sqrt(square) + SMALLEST)).astype("float32")


def _mixtures(weights: np.ndarray) -> np.ndarray:
    """The mixtures, none of whose weights is below 0 and which have 1 in all, nearest to `weights` [n, classes].

    Duchi, Shalev-Shwartz, Singer and Chandra, "Efficient Projections onto the l1-Ball", 2008, figure 1.
    """
    falling = -np.sort(-weights, axis=1)
    shifts = (np.cumsum(falling, axis=1) - 1) / np.arange(1, weights.shape[1] + 1)
    last = np.sum(falling > shifts, axis=1, keepdims=True) - 1
    return np.maximum(weights - np.take_along_axis(shifts, last, axis=1), 0).astype("float32")


def _rows(weights: Weights, chosen: Any) -> Weights:
    return None if weights is None else weights[chosen].copy()
