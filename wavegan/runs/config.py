"""What a run is made of: its model family, its data, and all settings. They stand in its config.json."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from wavegan.base import settings
from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum, write_whole
from wavegan.base.settings import option
from wavegan.data.lengths import LENGTHS, RULE
from wavegan.models.family import ClipFormat, Family, Model, Sampler, family_named

FORMAT = 2  # of config.json
NOT_IN_0_1 = {"minutes"}  # of a training's settings
PRECISIONS = ("auto", "float32", "bfloat16")
AUDIO = {
    "sample_rate": (range(1, 10**6), "1 to 999,999 Hz"),
    "length": (LENGTHS, RULE),
    "channels": ((1, 2), "1 or 2"),
}


@dataclass(frozen=True)
class Training:
    """The settings of a training that every model family has."""

    preset: str = option("", "sizes and rates that go together")
    steps: int = option(200_000, "steps in all", least=1, fixed=False)
    minutes: float = option(0.0, "train for so long from now on, instead of --steps; 0: not", least=0, fixed=False)
    batch_size: int = option(64, "clips in a batch", least=1)
    seed: int = option(0, "where everything random starts", least=0, most=2**31 - 1)
    precision: str = option(
        "auto", "of the networks' arithmetic; auto: bfloat16 where that is faster", choices=PRECISIONS, fixed=False
    )
    preview_every: int = option(500, "steps between previews (sounds and pictures)", least=1, fixed=False)
    checkpoint_every: int = option(500, "steps between checkpoints", least=1, fixed=False)
    checkpoint_minutes: float = option(5.0, "minutes between checkpoints, if these pass sooner", least=0, fixed=False)
    evaluate_every: int = option(
        0, "steps between evaluations, which keep the best checkpoint; 0: none", 0, fixed=False
    )
    keep_checkpoints: int = option(3, "newest checkpoints kept, beside the best one", least=1, fixed=False)
    deterministic: bool = option(False, "the same bits again from the same seed, slower on a GPU", fixed=False)

    def __post_init__(self) -> None:
        settings.check(self)


@dataclass(frozen=True)
class Data:
    """The data set that a run is trained on: its directory and fingerprint, and what its clips are like.

    Attributes:
        classes: {name: training clips} of its classes; empty in runs of 0.1, which had none.
        rms: of the clips, as in `ClipFormat`.
    """

    directory: str = ""
    fingerprint: str = ""
    sample_rate: int = 16000  # Hz
    length: int = 16384  # samples
    channels: int = 1
    classes: Mapping[str, int] = field(default_factory=dict)
    rms: float = 1.0

    def __post_init__(self) -> None:
        for name, (possible, words) in AUDIO.items():
            value = getattr(self, name)
            if type(value) is not int or value not in possible:
                raise UserError(f"{name} must be {words}. Received: {value!r}.")
        for name in ("directory", "fingerprint"):
            if type(getattr(self, name)) is not str:
                raise UserError(f"{name} must be a text. Received: {getattr(self, name)!r}.")
        if not isinstance(self.classes, dict) or any(type(clips) is not int for clips in self.classes.values()):
            raise UserError(f"classes must be names and numbers of clips. Received: {self.classes!r}.")
        if type(self.rms) is not float or not 0 < self.rms <= 1:
            raise UserError(f"rms must be a number from 0 to 1. Received: {self.rms!r}.")

    @property
    def clip(self) -> ClipFormat:
        """What its clips are like."""
        return ClipFormat(self.sample_rate, self.length, self.channels, tuple(self.classes), self.rms)


@dataclass(frozen=True)
class Config:
    """All settings of a run.

    Attributes:
        family: the name of its model family.
        data: what it is trained on.
        training: the settings that every family has.
        model: the family's own, an object of its `Settings`.
        finetuned_from: the run and step whose weights it started with; empty where it started anew.
        made_with: {package: version} of what made the run; nothing depends on it.
    """

    family: str
    data: Data
    training: Training
    model: Any
    finetuned_from: str = ""
    made_with: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if type(self.finetuned_from) is not str:
            raise UserError(f"finetuned_from must be a text. Received: {self.finetuned_from!r}.")
        if not isinstance(self.made_with, dict) or not all(type(text) is str for text in self.made_with.values()):
            raise UserError(f"made_with must be names and versions of packages. Received: {self.made_with!r}.")
        known = family_named(self.family)
        check_preset(known, self.training.preset)
        known.check(self.model, self.data.clip)
        group = known.group(self.model, self.data.clip)
        if self.training.batch_size % group:
            raise UserError(
                f"--batch-size must be a multiple of {group}, the clips of one class that stand together. Received: "
                f"{self.training.batch_size}."
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that the model can be asked for, in the order of their weights; often none."""
        count = family_named(self.family).classes(self.model, self.data.clip)
        return tuple(self.data.classes)[:count]

    def build_model(self) -> Model:
        """The model, built and compiled, its weights drawn from the seed."""
        family, training = family_named(self.family), self.training
        return family.model(self.model, self.data.clip, training.seed, training.precision)

    def build_sampler(self, sampling: Any = None) -> Sampler:
        """The part of the model that makes sounds alone, its weights to be restored.

        With the defaults of the family's `Sampling` where that is None.
        """
        return family_named(self.family).sampler(self.model, self.data.clip, sampling)

    def sampling_kept(self, sampling: Any = None) -> dict[str, str]:
        """What stands beside saved latents of how their sounds were made; nothing of a family with one way alone."""
        ways = asdict(sampling or family_named(self.family).Sampling())
        return {"sampling": json.dumps(ways)} if ways else {}

    def save(self, path: str | os.PathLike) -> None:
        """Write config.json."""
        write_whole(path, self.as_text().encode())

    def as_text(self) -> str:
        """What config.json holds."""
        values = {"format": FORMAT, **asdict(self)}
        return json.dumps({**values, "checksum": json_checksum(values)}, indent=2) + "\n"

    # By hand, without msgspec: this must import where only Keras, JAX and NumPy are installed.
    @classmethod
    def load(cls, path: str | os.PathLike) -> "Config":
        """Read config.json, also that of an older version.

        Raises UserError when it cannot be read or is not one of ours.
        """
        try:
            return cls.of_text(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError, RecursionError, UserError) as problem:
            reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem).rstrip(".")
            raise UserError(f"{path} cannot be used: {reason}. Restore it, or start a new run with --run.") from None

    @classmethod
    def of_text(cls, text: str) -> "Config":
        """Of what `as_text` gave; for other texts it raises ValueError, TypeError, KeyError or UserError."""
        stored = json.loads(text)
        checksum = json_checksum(stored) if isinstance(stored, dict) else None
        written_as = stored.pop("format", None) if checksum is not None else None
        if written_as not in (1, FORMAT):
            raise ValueError(f"expected a settings file of format 1 or {FORMAT}")
        if stored.pop("checksum", None) != checksum:
            raise ValueError("it was edited by hand: it differs from its checksum")
        return cls._of_values(stored if written_as == FORMAT else _grouped(stored))

    @classmethod
    def _of_values(cls, values: dict[str, Any]) -> "Config":
        parts = {
            "data": Data(**values.pop("data")),
            "training": Training(**values.pop("training")),
            "model": family_named(values["family"]).Settings(**values.pop("model")),
        }
        return cls(**values, **parts)

    def changed(self, values: Mapping[str, Any]) -> "Config":
        """This configuration with other values, {name: value}, of any settings and of what the clips are like."""
        parts = {}
        for part in ("data", "training", "model"):
            own = {each.name for each in fields(getattr(self, part))}
            parts[part] = replace(getattr(self, part), **{name: values[name] for name in own & values.keys()})
        return replace(self, **parts)

    def flat(self) -> dict[str, Any]:
        """{name: value} of all settings; `data` is the directory of the data set."""
        data = {"data" if name == "directory" else name: value for name, value in asdict(self.data).items()}
        data["data_fingerprint"] = data.pop("fingerprint")
        data["classes"] = len(data["classes"])
        own = {"family": self.family, **asdict(self.training), **asdict(self.model)}
        return {**own, **data, "finetuned_from": self.finetuned_from}

    def shown(self) -> dict[str, Any]:
        """As `flat`, for others to see: the data set and the run that it started from by their names alone."""
        return self.flat() | {name: _last_part(self.flat()[name]) for name in ("data", "finetuned_from")}

    def lines(self) -> list[str]:
        """All settings, a line each."""
        values = self.flat()
        width = max(map(len, values))
        return [f"{name:<{width}}  {value}" for name, value in values.items()]


def _last_part(path: str) -> str:
    """The name of a file or folder, whichever system wrote its path."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def _grouped(flat: dict[str, Any]) -> dict[str, Any]:
    """What format 1 held, which knew one family and no groups, as format 2 groups it."""
    data = {"directory": flat.pop("data"), "fingerprint": flat.pop("data_fingerprint")}
    data |= {name: flat.pop(name) for name in AUDIO}
    finetuned_from = flat.pop("finetuned_from")
    training = {each.name: flat.pop(each.name) for each in fields(Training) if each.name not in NOT_IN_0_1}
    return {"family": "gan", "data": data, "training": training, "model": flat, "finetuned_from": finetuned_from}


def check_preset(family: Family, preset: Any) -> None:
    """Raises UserError where the family has no such preset."""
    if preset not in family.presets:
        raise UserError(f"--preset must be one of auto, {', '.join(family.presets)}. Received: {preset}.")
