"""From flags to the configuration of a run: a new one, one that goes on, or one that starts from another's weights."""

import argparse
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from wavegan.base import settings
from wavegan.base.errors import UserError
from wavegan.base.settings import flag, options_of
from wavegan.models.family import Family, family_named
from wavegan.runs.config import Config, Data, Training, check_preset


def resolve(given: Mapping[str, Any], family: Family, gpu: bool, fast_bfloat16: bool = False, **data: Any) -> Config:
    """The configuration for the flags that were given, on this machine, for this data set.

    Args:
        given: {name: value} of the flags a person typed; they win over the preset.
        family: the model's.
        gpu: whether there is a GPU; decides what the preset "auto" means.
        fast_bfloat16: whether bfloat16 is faster; decides what the precision "auto" means.
        data: values of `Data`.

    Raises UserError for a value that is not possible.
    """
    preset = given.get("preset", "auto")
    if preset == "auto":
        preset = family.preset(gpu)
    check_preset(family, preset)
    chosen = {"precision": "auto", **family.presets[preset], **given, "preset": preset}
    if chosen["precision"] == "auto":
        chosen["precision"] = "bfloat16" if fast_bfloat16 else "float32"
    own = {each.name for each in options_of(family.Settings)}
    of_data = Data(**data)
    return Config(
        family.name,
        of_data,
        Training(**{name: value for name, value in chosen.items() if name not in own}),
        family.settled(family.Settings(**{name: value for name, value in chosen.items() if name in own}), of_data.clip),
    )


def continued(stored: Config, given: Mapping[str, Any]) -> Config:
    """The configuration of a run that goes on: as stored, with the changes of `given` that a run may undergo.

    Raises UserError for a flag that a run keeps for life and that differs from the stored value.
    """
    for each in _options(stored):
        now = stored.flat()[each.name]
        wanted = given.get(each.name, now)
        if each.metadata["fixed"] and wanted not in (now, "auto"):
            raise UserError(
                f"{flag(each.name)} was {now} when this run was made. Received: {wanted}. Leave {flag(each.name)} out "
                "to go on, or start another run with --run."
            )
    changeable = {each.name for each in _options(stored) if not each.metadata["fixed"]}
    return stored.changed({name: value for name, value in given.items() if name in changeable and value != "auto"})


def finetuned(stored: Config, given: Mapping[str, Any], data: Data, fast_bfloat16: bool = False) -> Config:
    """The configuration of a new run on other data that starts with the weights of the run `stored` is of.

    Args:
        stored: that run's.
        given: {name: value} of the flags a person typed.
        data: of the new run.
        fast_bfloat16: whether bfloat16 is faster on this machine; decides what the precision "auto" of a preset means.

    Raises UserError for a flag or data that would make other networks.
    """
    for name in ("length", "channels"):
        if getattr(data, name) != getattr(stored.data, name):
            raise UserError(
                f"the data set has {name} {getattr(data, name)}, the run to start from has "
                f"{getattr(stored.data, name)}: its networks do not fit. Prepare the data with "
                f"--sample-rate {stored.data.sample_rate} --length {stored.data.length} --channels "
                f"{stored.data.channels}."
            )
    family = family_named(stored.family)
    shape_here, shape_there = (family.latent_shape(stored.model, each.clip) for each in (data, stored.data))
    if shape_here != shape_there:
        raise UserError(
            f"the data set is at {data.sample_rate} Hz, the run to start from at {stored.data.sample_rate} Hz: the "
            f"networks of a {family.title} do not fit. Prepare the data with --sample-rate {stored.data.sample_rate}."
        )
    shapes = {each.name for each in _options(stored) if each.metadata["shapes"]}
    for name in sorted(shapes & given.keys()):
        now = getattr(stored.model, name)
        if given[name] not in (now, "auto"):
            raise UserError(
                f"{flag(name)} is {now} in the run to start from. Received: {given[name]}. Leave {flag(name)} out."
            )
    preset = given.get("preset", "auto")
    presets = family.presets
    if preset == "auto":
        chosen, preset = {}, stored.training.preset
    else:
        check_preset(family, preset)
        chosen = {name: value for name, value in presets[preset].items() if name not in shapes}
    if presets[preset].get("precision", "auto") == "auto":
        chosen["precision"] = "bfloat16" if fast_bfloat16 else "float32"
    chosen |= {name: value for name, value in given.items() if value != "auto"}
    return replace(stored.changed({**chosen, "preset": preset}), data=data, made_with={})


def _options(stored: Config) -> list:
    return [*options_of(stored.training), *options_of(stored.model)]


def names(family: Family) -> list[str]:
    """The names of all settings that have a flag."""
    return [each.name for each in (*options_of(Training), *options_of(family.Settings))]


def add_flags(parser: argparse.ArgumentParser, family: Family, only: Collection[str] | None = None) -> None:
    """Add a flag for every setting of `family`, or those named in `only`, to a parser: the shared ones, and its own.

    A flag that is not typed leaves no attribute behind.
    """
    groups = {"training": Training, family.title: family.Settings}
    for title, group in groups.items():
        if any(only is None or each.name in only for each in options_of(group)):
            settings.add_flags(parser.add_argument_group(title), group, family.presets, only)
    if only is None or "preset" in only:
        (preset,) = (action for action in parser._actions if action.dest == "preset")
        preset.choices, preset.metavar = ("auto", *family.presets), None
        preset.help = "sizes and rates that go together (default: auto)"


def given_flags(arguments: argparse.Namespace, family: Family) -> dict[str, Any]:
    """{name: value} of the settings that were typed."""
    return {name: getattr(arguments, name) for name in names(family) if hasattr(arguments, name)}
