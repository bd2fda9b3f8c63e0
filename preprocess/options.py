"""What a user can choose, with defaults and checks. Imports nothing heavy, so that a wrong flag is answered at once."""

import re
from dataclasses import dataclass

from preprocess.labels import FOLDER_RULES
from wavegan.base.errors import UserError
from wavegan.base.text import printable
from wavegan.data.lengths import check_length, default_length

SAMPLE_RATES = (1000, 192_000)  # Hz, the lowest and the highest
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Options:
    """How recordings become clips.

    Args:
        sample_rate: of the data set, Hz.
        length: of every clip, samples; None for one second, rounded up to the next length the model can make.
        channels: 1 (the mean of a file's channels) or 2.
        slices: `"first"` window of a file, or `"all"` consecutive ones.
        normalize: `"none"`, or `"peak"` to scale every file to full scale.
        label: what a file's class is: the name of the folder it lies in (`"parent"`), of the first folder under its
            source (`"top"`), or what the first group of a regular expression finds in its path.
        classes: names of the classes to keep; None for all. `digits` stands for zero … nine. What is no class as a
            whole is taken for several with commas between.
        validation: percent of the files held out for validation, where neither a list nor a folder says it.
        test: percent of the files held out for testing, likewise.
        workers: processes; None for as many as there are cores. Has no influence on the result.
        overwrite: whether an existing data set may be replaced.

    Raises:
        UserError: for a value out of its range.
    """

    sample_rate: int = 16_000
    length: int | None = None
    channels: int = 1
    slices: str = "all"
    normalize: str = "none"
    label: str = "parent"
    classes: tuple[str, ...] | None = None
    validation: float = 5.0
    test: float = 5.0
    workers: int | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        low, high = SAMPLE_RATES
        if not low <= self.sample_rate <= high:
            raise UserError(f"--sample-rate must be between {low} and {high} Hz. Received: {self.sample_rate}.")
        if self.length is not None:
            check_length(self.length)
        _check_choice("--channels", self.channels, (1, 2))
        _check_choice("--slices", self.slices, ("first", "all"))
        _check_choice("--normalize", self.normalize, ("none", "peak"))
        if self.label not in FOLDER_RULES and not _groups(self.label):
            raise UserError(
                "--label must be parent, top, or a regular expression with a group, such as '([a-z]+)_'. "
                f"Received: {printable(self.label)}."
            )
        if self.classes is not None and not any(name.strip(" ,") for name in self.classes):
            raise UserError("--classes must name at least one folder, such as kick,snare. Received: nothing.")
        for flag, percent in (("--validation", self.validation), ("--test", self.test)):
            if not 0 <= percent < 100:
                raise UserError(f"{flag} must be a percentage from 0 to below 100. Received: {percent:g}.")
        if self.validation + self.test >= 100:
            total = f"{self.validation:g} + {self.test:g}"
            raise UserError(f"--validation and --test must leave something to train on. Received: {total} percent.")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"--workers must be 1 or more. Received: {self.workers}.")

    @property
    def clip_length(self) -> int:
        """Length of every clip, samples, with the default filled in."""
        return self.length or default_length(self.sample_rate)


def _groups(expression: str) -> int:
    """How many groups a regular expression has; 0 where it is none."""
    try:
        return re.compile(expression).groups
    except (re.error, OverflowError, RecursionError):
        return 0


def _check_choice(flag: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        expected = " or ".join(str(choice) for choice in choices)
        raise UserError(f"{flag} must be {expected}. Received: {value}.")
