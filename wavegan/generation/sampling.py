"""How sounds are made where a family can make them in several ways: what was asked for, and what was kept of others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wavegan.base.errors import UserError
from wavegan.base.settings import flag, options_of
from wavegan.base.typed import typed
from wavegan.generation.saved import Named
from wavegan.models.family import BUILT_IN, Family, family_named

STARTING = ("strength", "keep")  # flags of families whose samplers begin from a recording


def ways(family: Family) -> set[str]:
    """The names of the flags that say how sounds of `family` are made."""
    return {each.name for each in options_of(family.Sampling)} | (set(STARTING) if family.starts else set())


def sampling_of(given: Mapping[str, Any], run: str, family: Family, sources: Sequence[object]) -> Any:
    """How the sounds of the run `run` are made, of the family's `Sampling`.

    Args:
        given: {name: value} of the flags of a command, of which some may be those of `ways`; None is not given.
        run: its title.
        family: the run's.
        sources: what the sounds are made of; saved ones come as they were made before, but for what is given.

    Raises UserError for the flags of other families.
    """
    families = [family_named(name) for name in BUILT_IN]
    for name in sorted({name for each in families for name in ways(each)} - ways(family)):
        if given.get(name) is not None:
            others = [each for each in families if name in ways(each)]
            raise UserError(
                f"{flag(name)} is for a {' or a '.join(each.title for each in others)}, and run {run} is a "
                f"{family.title}. Name another with --run, train one with {typed(others[0].command)}, or leave "
                f"{flag(name)} out."
            )
    before = next((each.sampling for each in sources if isinstance(each, Named) and each.sampling), {})
    chosen, names = {**before, **given}, {each.name for each in options_of(family.Sampling)}
    return family.Sampling(**{name: value for name, value in chosen.items() if name in names})


def check_guidance(given: Mapping[str, Any], classes: np.ndarray | None, learned: Sequence[str]) -> None:
    """Raises UserError where a guidance is given, and no sound is of a class to which it could lead.

    Args:
        given: as in `sampling_of`.
        classes: the class weights of the sounds, [n, classes]; None where they have none.
        learned: the classes of the run.
    """
    if given.get("guidance") in (None, 1) or (classes is not None and classes.any()):
        return
    way = "Leave it out, or name a --class." if learned else "Leave it out: the run has no classes."
    raise UserError(f"--guidance leads towards classes, and these sounds are of none. {way}")


def unusual(sampling: Any) -> str:
    """The flags of what `sampling`, of a family's `Sampling`, has other than the defaults; else ""."""
    others = [each.name for each in options_of(sampling) if getattr(sampling, each.name) != each.default]
    return " ".join(f"{flag(name)} {getattr(sampling, name)}" for name in others)


def made_otherwise(source: Named, now: object, classes: np.ndarray | None) -> str:
    """The flags that the sounds of saved latents were made with, where that makes others than `now`; else "".

    A guidance makes none where `classes`, as in `check_guidance`, are none.
    """
    guided = classes is not None and classes.any()
    others = {
        name: value
        for name, value in source.sampling.items()
        if getattr(now, name, value) != value and (guided or name != "guidance")
    }
    return " ".join(f"{flag(name)} {value}" for name, value in others.items())
