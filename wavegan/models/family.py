"""What a model family is: all that data, runs, monitoring, generation and evaluation know of a model."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wavegan.base.errors import UserError
from wavegan.models.latents import LatentSpace
from wavegan.models.portable import Example, Operation

BUILT_IN = {
    "gan": "wavegan.models.gan.family",
    "diffusion": "wavegan.models.diffusion.family",
}  # the modules that register the families of this package
_registered: dict[str, "Family"] = {}


@dataclass(frozen=True)
class ClipFormat:
    """What the clips of a data set are like.

    Attributes:
        sample_rate: Hz.
        length: samples.
        channels: 1 or 2.
        classes: their names; without any, a model is unconditional.
        rms: root mean square of all samples, in (0, 1].
    """

    sample_rate: int
    length: int
    channels: int
    classes: tuple[str, ...] = ()
    rms: float = 1.0


@dataclass(frozen=True)
class Fact:
    """One of the numbers that a step returns.

    Args:
        key: its name in TensorBoard, such as "loss/total". Beside what a step returns there are
            "previews/loudness", the RMS of a preview's sounds as a share of the recordings', and "previews/spread", how
            much these sounds differ (`facts.spread`).
        short: its name in the progress bar; empty where it is not shown there.
        symptom: called with {key: value}, returns a warning, with advice, or None where all is well.
        lasting: whether the values are means over the last steps; otherwise they are those of a single one. Of the
            lasting symptoms only the first in the order of the family's facts is reported.
        since: the step before which the symptom is usual, and not reported.
    """

    key: str
    short: str = ""
    symptom: Callable[[Mapping[str, float]], str | None] | None = None
    lasting: bool = True
    since: int = 0


@dataclass(frozen=True)
class Start:
    """A recording that new sounds begin from.

    Attributes:
        audio: float32 [time, channels], as the clips of the run; full scale is 1.
        strength: how much of it is replaced: 0 gives it back, 1 nothing of it.
        kept: [time], the share of it that stays in its place: 1 where it is kept, 0 where sound is new; None for new
            sound everywhere.
    """

    audio: np.ndarray
    strength: float
    kept: np.ndarray | None = None


Slopes = Callable[[np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray, np.ndarray | None]]


class Sampler(Protocol):
    """From latents to audio. What generation, evaluation and export need of a model.

    Attributes:
        latent_shape: of one latent.
    """

    latent_shape: tuple[int, ...]

    def __call__(self, latents: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Audio float32 [n, time, channels] of latents [n, *latent_shape], n at least 1.

        A latent's audio is the same to the last bit whatever others are made with it. Weights that changed since the
        last call count. `classes` are weights [n, classes], for a conditional model: a one-hot row is a class, any
        other row a mixture.
        """

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the arrays of a checkpoint whose names start with "sampler/". Raises ValueError where they don't fit."""


class SlopingSampler(Sampler, Protocol):
    """One that tells how its sounds change with what they are made of, so that a sound can be searched for."""

    def slopes(self, loss: Callable[[Any], Any]) -> Slopes:
        """A compiled function of latents and class weights, as the call takes: losses [n], and each one's slopes.

        Args:
            loss: of `keras.ops`; the tensor of audio [n, time, channels] → losses [n], each of its own sound alone.

        The slopes are those by the latents and by the class weights, of the shapes of these; None without classes.
        """


class StartingSampler(Sampler, Protocol):
    """One whose sounds can begin from a recording. Class weights of zeros stand for no class."""

    def varied(self, latents: np.ndarray, classes: np.ndarray | None, start: Start) -> np.ndarray:
        """Audio float32 [n, time, channels] that begins from a recording, another one for each latent."""

    def inverted(self, audio: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """The latents [n, *latent_shape] whose sounds are nearly `audio` [n, time, channels]."""


class Model(Protocol):
    """A compiled `keras.Model` that `fit` trains, and that can be restored before its first step.

    An element of its data is {"audio": float32 [batch, updates, time, channels] in [-1, 1), "label": int [batch,
    updates], "progress": float32 [batch], the share of the run that is done}. A step returns {name: scalar}, the
    family's facts among them; `train_step` gives it to the backend's trainer by `backend.autodiff.carried`.
    """

    step: int  # so far

    def fit(self, batches: Any, **keywords: Any) -> Any:
        """As `keras.Model.fit`."""

    def state(self) -> dict[str, np.ndarray]:
        """All that a step changes, {name: array}. What makes sounds has names that start with "sampler/".

        None starts with "previews/" or "logs/": under these a checkpoint holds what is not the model's.
        """

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` gave. Raises ValueError where names or shapes are others."""

    def adapt(self, read: Callable[[], np.ndarray]) -> None:
        """Measure what it must know of recordings before its first step, if anything.

        `read` gives some of them, float32 [n, time, channels] in [-1, 1).
        """

    def start_from(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over the weights from the state of another model of the same sizes; optimizers and seeds stay."""

    def sampler(self) -> Sampler:
        """One that makes the sounds of the weights as they are whenever it is called."""

    def sizes(self) -> dict[str, int]:
        """{network: how many parameters it has}."""


class Family(Protocol):
    """A kind of model. Importing one must not import Keras: commands ask it for its flags.

    Attributes:
        name: as it stands in config.json.
        title: as people read it.
        command: that trains it, as `base.typed.typed` takes it.
        Settings: a frozen dataclass of its own settings, fields made by `base.settings.option`.
        Sampling: likewise of how sounds are made, the defaults being those of previews and evaluations.
        starts: whether its samplers are a `StartingSampler`.
        presets: {name: {setting: value}}, values of its own and of the shared settings.
        facts: what a step returns, with what is shown and what is a symptom of something wrong.
        latents: where latents come from.
        advice: what to change, as the end of a sentence: {"diverged": …, "collapsed": …}.
        not_exported: why some formats of `export.py` are not possible, as the end of a sentence: {"web": …}.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def command(self) -> str: ...

    @property
    def Settings(self) -> type: ...

    @property
    def Sampling(self) -> type: ...

    @property
    def starts(self) -> bool: ...

    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]: ...

    @property
    def facts(self) -> tuple[Fact, ...]: ...

    @property
    def latents(self) -> LatentSpace: ...

    @property
    def advice(self) -> Mapping[str, str]: ...

    @property
    def not_exported(self) -> Mapping[str, str]: ...

    def preset(self, gpu: bool) -> str:
        """The preset for a machine with or without a GPU."""

    def check(self, settings: Any, clip: ClipFormat) -> None:
        """Raises UserError where it cannot make such clips."""

    def settled(self, settings: Any, clip: ClipFormat) -> Any:
        """The settings with "auto" replaced by what that means for such clips."""

    def updates(self, settings: Any) -> int:
        """How many batches of recordings a step takes."""

    def step_in_words(self, settings: Any) -> str:
        """What a step is, for the line that a training begins with."""

    def expectation(self, settings: Any) -> str:
        """What may be heard after how many steps, in words, as it was measured; empty where it was not."""

    def classes(self, settings: Any, clip: ClipFormat) -> int:
        """How many classes its sampler is to be given weights of; 0 for an unconditional model."""

    def group(self, settings: Any, clip: ClipFormat) -> int:
        """How many clips of one class stand beside each other in a batch; 1 where clips come as they are shuffled."""

    def latent_shape(self, settings: Any, clip: ClipFormat) -> tuple[int, ...]:
        """Of one latent."""

    def model(self, settings: Any, clip: ClipFormat, seed: int, precision: str) -> Model:
        """The model, built and compiled, its weights drawn from `seed`. `precision` is "float32" or "bfloat16"."""

    def sampler(self, settings: Any, clip: ClipFormat, sampling: Any = None) -> Sampler:
        """The part that makes sounds alone, to be restored: nothing of training is built.

        `sampling` is an object of its `Sampling`; None for the defaults.
        """

    def operations(self, settings: Any, clip: ClipFormat, arrays: Mapping[str, np.ndarray]) -> Iterable[Operation]:
        """Its network, with the arrays of a checkpoint, for programs without Keras (`models.portable`).

        What makes sounds, or for "onnx" any part of that; only of a family that does not have all of "web", "onnx",
        "tflite" and "savedmodel" in `not_exported`. Those of "web", "tflite" and "savedmodel" are dense, modulation,
        gain, relu, upsample and tanh.
        """

    def example(self, sampler: Sampler, latents: np.ndarray, classes: np.ndarray | None) -> Example:
        """What the operations make of such latents and class weights, as the trainer computes it; as `operations`."""

    def renamed(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays of a checkpoint that an older version wrote, under the names of today."""


def register(family: Family) -> Family:
    """Makes a family known by its name, and returns it."""
    _registered[family.name] = family
    return family


def family_named(name: str) -> Family:
    """The family of this name. Raises UserError where there is none."""
    if name not in _registered and name in BUILT_IN:
        importlib.import_module(BUILT_IN[name])
    if name not in _registered:
        known = ", ".join(sorted({*BUILT_IN, *_registered}))
        raise UserError(f"the model family must be one of {known}. Received: {name}.")
    return _registered[name]
