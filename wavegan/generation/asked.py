"""Which classes latents become sounds of: those a person asks for, those that were saved with them, or drawn ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wavegan.base.errors import UserError
from wavegan.generation.latents import COLUMNS, Latents
from wavegan.generation.saved import Named
from wavegan.models import classes
from wavegan.runs.config import Config

STREAM = 5  # of a seed, for the classes of what it draws
LONG = 20  # characters of a note, for which a picture of all columns has no room


def with_classes(
    latents: Latents, config: Config, sources: Sequence[Named], asked: str | None = None, per_class: int | None = None
) -> Latents:
    """`latents` with the class weights that they become sounds of; as they are, where the run knows no classes.

    Args:
        latents: what is to become sounds.
        config: of the run.
        sources: the saved latents that they come from: none, one, or two with a path between them.
        asked: a class or mixture, as a person writes it, for all of them.
        per_class: how many there are of each class, one after the other; `latents` has that many for all.

    Without `asked` and `per_class`, the classes are those saved with the sources, and between two of them the mixtures
    on the way; new ones are drawn, as often as the recordings have them, and sounds that begin from a recording are of
    no class.
    Raises UserError for classes that the run does not know, or where it knows none.
    """
    check(config, asked, per_class)
    if not config.classes:
        return latents
    n, count = len(latents.values), len(config.classes)
    if asked:
        weights = np.repeat(classes.parsed(asked, config.classes)[None], n, axis=0)
    elif per_class:
        weights = classes.rows(np.repeat(np.arange(count), per_class), count)
    elif latents.start is not None and not sources:
        weights = np.zeros((n, count), "float32")  # the recording says what it is
    elif sources:
        weights = _between([_saved(source, config) for source in sources], n)
    else:
        weights = classes.drawn(_clips(config), n, (latents.seed or 0, STREAM))
    names = [classes.in_words(row, config.classes, most=2) for row in weights]
    notes = [" ".join(filter(None, both)) for both in zip(names, latents.notes or [""] * n, strict=True)]
    title = f"{latents.title}, {asked}" if asked else latents.title
    columns = min(per_class or COLUMNS, COLUMNS)  # a row of each class, where a row has place for it
    if max(map(len, notes), default=0) > LONG:
        columns = min(columns, COLUMNS // 2)
    return replace(latents, classes=weights, notes=notes, title=title, columns=columns)


def check(config: Config, asked: str | None = None, per_class: int | None = None) -> None:
    """Raises UserError for classes that the run does not know, or where it knows none."""
    if asked and config.classes:
        classes.parsed(asked, config.classes)
    elif (asked or per_class) and not config.classes:
        flag = "--class" if asked else "--per-class"
        raise UserError(
            f"{flag} needs a run that learned classes. This one did not: leave {flag} out, or train with "
            "--conditional yes on recordings in a folder for each class."
        )


def drawn_classes(config: Config, n: int, seed: int) -> np.ndarray | None:
    """The class weights, float32 [n, classes], that `n` new sounds of a seed have; None without classes."""
    return classes.drawn(_clips(config), n, (seed, STREAM)) if config.classes else None


def _clips(config: Config) -> list[int]:
    return [config.data.classes[name] for name in config.classes]


def _between(ends: list[np.ndarray], n: int) -> np.ndarray:
    """`n` rows on the straight way from the first row of `ends` to the last; those of a single one as they are."""
    if len(ends) == 1:
        return np.resize(ends[0], (n, ends[0].shape[1]))
    shares = np.linspace(0, 1, n, dtype="float32")[:, None]
    return (1 - shares) * ends[0][:1] + shares * ends[1][:1]


def _saved(source: Named, config: Config) -> np.ndarray:
    """The class weights, [n, classes], of saved latents; drawn for a seed, and for those of a model without classes."""
    if source.classes is None or source.class_names is None:
        n = 1 if source.values is None else len(source.values)
        return classes.drawn(_clips(config), n, (source.seed or 0, STREAM))
    lacking = [name for name in source.class_names if name not in config.classes]
    if lacking:
        raise UserError(
            f"the sounds of {source.name} are of classes that the run does not know, such as {lacking[0]}. Say what "
            "they are to become with --class."
        )
    weights = np.zeros((len(source.classes), len(config.classes)), "float32")
    weights[:, [config.classes.index(name) for name in source.class_names]] = source.classes
    return weights
