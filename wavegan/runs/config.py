"""What a run is made of: one frozen dataclass, from which come flags, help texts, validation and config.json."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum, write_whole
from wavegan.data.lengths import LENGTHS

FORMAT = 1  # of config.json
AUDIO = {
    "sample_rate": (range(1, 10**6), "1 to 999,999 Hz"),
    "length": (LENGTHS, "16 × a product of 4s and 2s"),
    "channels": ((1, 2), "1 or 2"),
}


def _option(default, help, least=None, most=None, choices=None, fixed=True):
    """A field with a flag. `fixed` says that a run keeps the value it was made with."""
    metadata = {"help": help, "least": least, "most": most, "choices": choices, "fixed": fixed}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """The settings of a run. The defaults are those of the paper (arXiv 1802.04208, table 2)."""

    preset: str = _option("paper", "sizes and rates that go together", choices=("auto", "paper", "small", "tiny"))
    steps: int = _option(200_000, "generator updates in all", least=1, fixed=False)
    batch_size: int = _option(64, "clips in a batch", least=1)
    model_dim: int = _option(64, "channels of the outermost hidden layer, doubled at every layer further in", least=1)
    kernel_length: int = _option(25, "taps of every convolution (samples)", least=4)
    latent_size: int = _option(100, "width of the latent", least=1)
    phase_shuffle: int = _option(2, "largest shift after each of the critic's layers (time steps), 0 for none", 0, 16)
    critic_updates: int = _option(5, "critic updates in a step, before the generator's one", least=1)
    penalty_weight: float = _option(10.0, "weight of the gradient penalty", least=0)
    critic_learning_rate: float = _option(1e-4, "Adam's learning rate for the critic", least=0)
    generator_learning_rate: float = _option(1e-4, "Adam's learning rate for the generator", least=0)
    ema: float = _option(0.0, "momentum of the averaged generator that makes the sounds, 0 for none", 0, 1)
    seed: int = _option(0, "where everything random starts", least=0, most=2**31 - 1)
    precision: str = _option("float32", "of the networks' arithmetic", choices=("float32", "bfloat16"), fixed=False)
    preview_every: int = _option(500, "steps between previews (sounds and pictures)", least=1, fixed=False)
    checkpoint_every: int = _option(500, "steps between checkpoints", least=1, fixed=False)
    checkpoint_minutes: float = _option(5.0, "minutes between checkpoints, if these pass sooner", least=0, fixed=False)
    evaluate_every: int = _option(
        0, "steps between evaluations, which keep the best checkpoint; 0: none", 0, fixed=False
    )
    keep_checkpoints: int = _option(3, "newest checkpoints kept, beside the best one", least=1, fixed=False)
    deterministic: bool = _option(False, "the same bits again from the same seed, slower on a GPU", fixed=False)

    # Known from the data set; a reader of the run needs them.
    data: str = ""  # the directory
    data_fingerprint: str = ""
    sample_rate: int = 16000  # Hz
    length: int = 16384  # samples
    channels: int = 1
    finetuned_from: str = ""  # the run and step whose weights this run started with

    def __post_init__(self):
        for spec in _flags():
            _check(spec, getattr(self, spec.name))
        for name, (possible, words) in AUDIO.items():
            value = getattr(self, name)
            if type(value) is not int or value not in possible:
                raise UserError(f"{name} must be {words}. Received: {value!r}.")
        for name in ("data", "data_fingerprint", "finetuned_from"):
            if type(getattr(self, name)) is not str:
                raise UserError(f"{name} must be a text. Received: {getattr(self, name)!r}.")

    @property
    def dtype_policy(self):
        """Keras' name of the precision: weights, losses and optimizers stay float32 in both."""
        return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[self.precision]

    def save(self, path):
        """Write config.json."""
        values = {"format": FORMAT, **asdict(self)}
        text = json.dumps({**values, "checksum": json_checksum(values)}, indent=2)
        write_whole(path, (text + "\n").encode())

    @classmethod
    def load(cls, path):
        """Read config.json. Raises UserError when it cannot be read or is not one of ours."""
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            checksum = json_checksum(stored) if isinstance(stored, dict) else None
            if checksum is None or stored.pop("format", None) != FORMAT:
                raise ValueError(f"expected a settings file of format {FORMAT}")
            if stored.pop("checksum", None) != checksum:
                raise ValueError("it was edited by hand: it differs from its checksum")
            return cls(**stored)
        except (OSError, ValueError, TypeError, RecursionError, UserError) as problem:
            reason = str(problem).rstrip(".")
            raise UserError(f"{path} cannot be used: {reason}. Restore it, or start a new run with --run.") from None

    def text(self):
        """All settings, a line each."""
        width = max(len(spec.name) for spec in fields(self))
        return "\n".join(f"{spec.name:<{width}}  {getattr(self, spec.name)}" for spec in fields(self))


SHAPES = ("model_dim", "kernel_length", "latent_size")  # what the networks' weights depend on

PRESETS = {
    "paper": {},
    "small": {
        "steps": 20_000,
        "batch_size": 16,
        "model_dim": 16,
        "critic_updates": 4,
        "critic_learning_rate": 6e-4,
        "generator_learning_rate": 2e-4,
        "ema": 0.995,
        "preview_every": 250,
        "checkpoint_every": 250,
    },
    "tiny": {
        "steps": 1_650,
        "batch_size": 16,
        "model_dim": 16,
        "critic_updates": 2,
        "critic_learning_rate": 1e-3,
        "generator_learning_rate": 1e-3,
        "ema": 0.99,
        "preview_every": 250,
        "checkpoint_every": 250,
    },
}


def resolve(given, gpu, **data):
    """The configuration for the flags that were given, on this machine, for this data set.

    Args:
        given: {name: value} of the flags a person typed; they win over the preset.
        gpu: whether there is a GPU; decides what the preset "auto" means.
        data: data, data_fingerprint, sample_rate (Hz), length (samples), channels.
    """
    preset = given.get("preset", "auto")
    if preset == "auto":
        preset = "paper" if gpu else "small"
    return Config(**{**PRESETS[preset], **given, "preset": preset, **data})


def continued(stored, given):
    """The configuration of a run that goes on: as stored, with the changes of `given` that a run may undergo.

    Raises UserError for a flag that a run keeps for life and that differs from the stored value.
    """
    for spec in _flags():
        wanted = given.get(spec.name, getattr(stored, spec.name))
        if spec.metadata["fixed"] and wanted not in (getattr(stored, spec.name), "auto"):
            raise UserError(
                f"{_flag(spec)} was {getattr(stored, spec.name)} when this run was made. Received: {wanted}. "
                f"Leave {_flag(spec)} out to go on, or start another run with --run."
            )
    return replace(stored, **{name: value for name, value in given.items() if name in _changeable()})


def finetuned(stored, given, **data):
    """The configuration of a new run on other data that starts with the weights of the run `stored` is of.

    Raises UserError for a flag or data that would make other networks.
    """
    for name in ("length", "channels"):
        if data[name] != getattr(stored, name):
            raise UserError(
                f"the data set has {name} {data[name]}, the run to start from has {getattr(stored, name)}: its "
                f"networks do not fit. Prepare the data with --{name} {getattr(stored, name)}."
            )
    for spec in _flags():
        wanted = given.get(spec.name, getattr(stored, spec.name))
        if spec.name in SHAPES and wanted != getattr(stored, spec.name):
            raise UserError(
                f"{_flag(spec)} is {getattr(stored, spec.name)} in the run to start from. Received: {wanted}. Leave "
                f"{_flag(spec)} out."
            )
    preset = given.get("preset", "auto")
    chosen = {} if preset == "auto" else {n: v for n, v in PRESETS[preset].items() if n not in SHAPES}
    kept = {"preset": stored.preset if preset == "auto" else preset}
    return replace(stored, **{**chosen, **given, **kept, **data})


def names():
    """The names of all settings that have a flag."""
    return [spec.name for spec in _flags()]


def add_flags(parser, only=None):
    """Add a flag for every setting, or those named in `only`, to an argparse parser.

    A flag that is not typed leaves no attribute behind.
    """
    for spec in _flags():
        if only is not None and spec.name not in only:
            continue
        presets = ", ".join(f"{values[spec.name]} ({name})" for name, values in PRESETS.items() if spec.name in values)
        default = "auto" if spec.name == "preset" else f"{spec.default}{'; ' + presets if presets else ''}"
        if spec.type is bool:
            parser.add_argument(_flag(spec), action="store_true", default=argparse.SUPPRESS, help=spec.metadata["help"])
            continue
        parser.add_argument(
            _flag(spec),
            type=spec.type,
            choices=spec.metadata["choices"],
            default=argparse.SUPPRESS,
            metavar=None if spec.metadata["choices"] else spec.type.__name__.upper(),
            help=f"{spec.metadata['help']} (default: {default})",
        )


def given_flags(arguments):
    """{name: value} of the settings that were typed, from an argparse namespace."""
    return {spec.name: getattr(arguments, spec.name) for spec in _flags() if hasattr(arguments, spec.name)}


def _flags():
    return [spec for spec in fields(Config) if spec.metadata]


def _changeable():
    return {spec.name for spec in _flags() if not spec.metadata["fixed"]}


def _flag(spec):
    return "--" + spec.name.replace("_", "-")


def _check(spec, value):
    least, most, choices = (spec.metadata[key] for key in ("least", "most", "choices"))
    kinds = (int, float) if spec.type is float else (spec.type,)
    if not isinstance(value, kinds) or isinstance(value, bool) is not (spec.type is bool):
        raise UserError(f"{_flag(spec)} must be of type {spec.type.__name__}. Received: {value!r}.")
    if spec.type is float and not abs(value) <= sys.float_info.max:
        raise UserError(f"{_flag(spec)} must be a finite number. Received: {value}.")
    if choices and value not in choices:
        raise UserError(f"{_flag(spec)} must be one of {', '.join(choices)}. Received: {value}.")
    if least is not None and not value >= least:
        raise UserError(f"{_flag(spec)} must be {least} or more. Received: {value}.")
    if most is not None and not value <= most:
        raise UserError(f"{_flag(spec)} must be {most} or less. Received: {value}.")
