"""Flow matching as a model family: what people see of it, what can go wrong with it, and how it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace

import numpy as np

from wavegan.base.errors import UserError
from wavegan.models.diffusion import settings as own
from wavegan.models.diffusion.frames import Frames
from wavegan.models.family import ClipFormat, Fact, Model, Sampler, register
from wavegan.models.latents import Normal
from wavegan.models.portable import Example, Operation

QUIETEST = 0.01  # RMS of the previews, as a share of the recordings'
LEAST_SPREAD = 0.1  # of the previews; healthy ones are near 1
MEASURED = (128, 3)  # width and blocks of what there is to expect
LEARNED = 500  # steps before which previews may be anything

EXPECTATION = (  # in steps, which are the same on every machine
    "of spoken digits 99 % are recognised as the digit asked for after a training of 4,880 steps of the preset small; "
    "of the built-in kit's drums 100 % after one of 7,460. At 8 kHz; longer clips take more"
)

Values = Mapping[str, float]


def _silent(values: Values) -> str | None:
    if values["previews/loudness"] >= QUIETEST:
        return None
    return (
        f"the previews are silent (their RMS is {values['previews/loudness']:.2g} of the recordings'). Start another "
        "run with a lower --learning-rate"
    )


def _alike(values: Values) -> str | None:
    if values["previews/spread"] >= LEAST_SPREAD:
        return None
    return (
        f"the previews are all alike (spread {values['previews/spread']:.2g}, 1 is healthy). Start another run with a "
        "lower --learning-rate"
    )


class Diffusion:
    """Flow matching, see `models.family.Family`."""

    name = "diffusion"
    title = "flow matching model"
    command = "train-diffusion"
    Settings = own.Settings
    Sampling = own.Sampling
    presets = own.PRESETS
    latents = Normal()
    starts = True
    facts = (
        Fact("loss/all", "loss"),
        Fact("loss/quarter_1", "near recordings"),
        Fact("loss/quarter_4", "near noise"),
        Fact("previews/loudness", symptom=_silent, since=LEARNED),
        Fact("previews/spread", symptom=_alike, since=LEARNED),
    )
    advice = {
        "diverged": "start another run (--run) with a lower --learning-rate.",
        "collapsed": "start another run with a lower --learning-rate.",
    }
    not_exported = dict.fromkeys(
        ("web", "tflite", "savedmodel"),
        "a sound takes many evaluations of its network. --format onnx writes the network, --format kit makes sounds",
    )

    def preset(self, gpu: bool) -> str:
        """As `Family.preset`."""
        return "large" if gpu else "small"

    def check(self, settings: own.Settings, clip: ClipFormat) -> None:
        """As `Family.check`: it can make all clips, but attention shares its channels among heads."""
        if settings.width % own.HEADS:
            raise UserError(f"--width must be a multiple of {own.HEADS}. Received: {settings.width}.")

    def settled(self, settings: own.Settings, clip: ClipFormat) -> own.Settings:
        """As `Family.settled`."""
        return replace(settings, conditional="yes" if settings.classes_of(clip) else "no")

    def updates(self, settings: own.Settings) -> int:
        """As `Family.updates`."""
        return 1

    def step_in_words(self, settings: own.Settings) -> str:
        """As `Family.step_in_words`."""
        return "one update"

    def expectation(self, settings: own.Settings) -> str:
        """As `Family.expectation`: from docs/quality.jsonl."""
        return EXPECTATION if settings.conditional == "yes" and (settings.width, settings.blocks) == MEASURED else ""

    def classes(self, settings: own.Settings, clip: ClipFormat) -> int:
        """As `Family.classes`."""
        return settings.classes_of(clip)

    def group(self, settings: own.Settings, clip: ClipFormat) -> int:
        """As `Family.group`."""
        return 1

    def latent_shape(self, settings: own.Settings, clip: ClipFormat) -> tuple[int, ...]:
        """As `Family.latent_shape`: noise for every value of a spectrogram."""
        return Frames.of(clip).shape

    def model(self, settings: own.Settings, clip: ClipFormat, seed: int, precision: str) -> Model:
        """As `Family.model`."""
        from wavegan.models.diffusion.build import flow_matching

        return flow_matching(settings, clip, seed, precision)

    def sampler(self, settings: own.Settings, clip: ClipFormat, sampling: own.Sampling | None = None) -> Sampler:
        """As `Family.sampler`."""
        from wavegan.models.diffusion.sampler import sampler

        return sampler(settings, clip, sampling)

    def operations(
        self, settings: own.Settings, clip: ClipFormat, arrays: Mapping[str, np.ndarray]
    ) -> Iterable[Operation]:
        """As `Family.operations`: one evaluation of the network."""
        from wavegan.models.diffusion.portable import operations

        return operations(settings, clip, arrays)

    def example(self, sampler: Sampler, latents: np.ndarray, classes: np.ndarray | None) -> Example:
        """As `Family.example`: noise at several times, one of its rows of no class."""
        from wavegan.models.diffusion.sampler import FlowSampler

        assert isinstance(sampler, FlowSampler)
        given = {"points": latents, "time": np.linspace(0, 1, len(latents), dtype="float32")}
        if classes is not None:
            given["classes"] = np.concatenate([0 * classes[:1], classes[1:]])
        facts = {
            "latents": {"shape": list(sampler.latent_shape), "distribution": "normal"},
            **{"predicts": "velocity", "rms": sampler.rms, **asdict(sampler.sampling)},
            "times": sampler.times(1.0).tolist(),
            "spread": round(float(sampler.spread(1.0)), 6),
            **sampler.spectrogram.facts(),
        }
        return Example(given, "velocity", sampler.velocity(*given.values()), facts)

    def renamed(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As `Family.renamed`: there is no older version."""
        return dict(arrays)


DIFFUSION = register(Diffusion())
