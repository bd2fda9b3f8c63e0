"""Settings with flags: a field of a frozen dataclass says its default, its help, its range, and when it may change."""

import argparse
import sys
from collections.abc import Collection, Mapping
from dataclasses import Field, field, fields
from typing import Any

from wavegan.base.errors import UserError


def option(
    default: Any,
    help: str,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] | None = None,
    fixed: bool = True,
    shapes: bool = False,
) -> Any:
    """A dataclass field with a flag.

    Args:
        default: its value where nothing else says one; its type is that of the field.
        help: what it is, in a few words, with its unit.
        least, most: the range of a number, both included.
        choices: the possible texts.
        fixed: whether a run keeps the value that it was made with.
        shapes: whether the shapes of the networks' weights depend on it.
    """
    metadata = {"help": help, "least": least, "most": most, "choices": choices, "fixed": fixed, "shapes": shapes}
    return field(default=default, metadata=metadata)


def options_of(settings: Any) -> list[Field]:
    """The fields of a dataclass, or of an object of one, that have a flag."""
    return [each for each in fields(settings) if each.metadata]


def flag(name: str) -> str:
    """The flag of the setting `name`: `--batch-size` of `batch_size`."""
    return "--" + name.replace("_", "-")


def check(settings: Any) -> None:
    """Raises UserError where a setting is of another type than its field, or outside of its range."""
    for each in options_of(settings):
        _check(each, getattr(settings, each.name))


def add_flags(
    parser: argparse._ActionsContainer,
    settings: type,
    presets: Mapping[str, Mapping[str, Any]],
    only: Collection[str] | None = None,
) -> None:
    """Add a flag to a parser, or a group of one, for every setting, or for those named in `only`.

    A flag that is not typed leaves no attribute behind. `presets` are {name: {setting: value}}, for the help texts.
    """
    for each in options_of(settings):
        if only is not None and each.name not in only:
            continue
        values = ", ".join(f"{values[each.name]} ({name})" for name, values in presets.items() if each.name in values)
        default = f"{each.default}{'; ' + values if values else ''}"
        kind: Any = each.type
        if kind is bool:
            parser.add_argument(
                flag(each.name), action="store_true", default=argparse.SUPPRESS, help=each.metadata["help"]
            )
            continue
        parser.add_argument(
            flag(each.name),
            type=kind,
            choices=each.metadata["choices"],
            default=argparse.SUPPRESS,
            metavar=None if each.metadata["choices"] else kind.__name__.upper(),
            help=f"{each.metadata['help']} (default: {default})",
        )


def _check(each: Field, value: Any) -> None:
    least, most, choices = (each.metadata[key] for key in ("least", "most", "choices"))
    kind: Any = each.type
    kinds = (int, float) if kind is float else (kind,)
    if not isinstance(value, kinds) or isinstance(value, bool) is not (kind is bool):
        raise UserError(f"{flag(each.name)} must be of type {kind.__name__}. Received: {value!r}.")
    if kind is float and not abs(value) <= sys.float_info.max:
        raise UserError(f"{flag(each.name)} must be a finite number. Received: {value}.")
    if choices and value not in choices:
        raise UserError(f"{flag(each.name)} must be one of {', '.join(choices)}. Received: {value}.")
    if least is not None and not value >= least:
        raise UserError(f"{flag(each.name)} must be {least} or more. Received: {value}.")
    if most is not None and not value <= most:
        raise UserError(f"{flag(each.name)} must be {most} or less. Received: {value}.")
