"""The WaveGAN as a model family: what people see of it, what can go wrong with it, and how it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from wavegan.models.family import ClipFormat, Fact, Model, Sampler, register
from wavegan.models.gan import settings as own
from wavegan.models.latents import Uniform
from wavegan.models.portable import Example, Operation

# Of the gradients of a network. Healthy ones of WGAN-GP stay below 100; of the others below 2,000 on average, but a
# step with a rare penalty, which counts many times, may reach 50,000 at first.
LARGEST_NORM, LARGEST_NORM_OF_OTHERS = 1e4, 1e6
LOUDEST = 0.7  # RMS of what is generated; a sine at full scale has 0.71, a square wave 1
QUIETEST = 0.01  # RMS of what is generated, as a share of the recordings'
SILENT_CLIPS = 0.3  # share of what is generated that may be silent, beside the recordings' share
AUDIBLE = 500  # steps, after which even the modern form has found its loudness
LEAST_SPREAD = 0.1  # of the clips of a batch; healthy ones are near 1

ADVICE = "lower learning rates (with --loss wgan-gp also more --critic-updates)"

EXPECTATION = (  # in steps, which are the same on every machine; the lowest of the seeds
    "of the built-in kit's drums 90 % are recognised as the kind asked for after some 2,230 steps of the preset tiny, "
    "98 % after 15,500 of small, 99 % after 54,000; of spoken digits 85 % after 10,000, 94 % after 42,000. At 8 kHz; "
    "longer clips take more"
)

Values = Mapping[str, float]


def _exploding(network: str, values: Values) -> str | None:
    norm = values[f"{network}/gradient_norm"]
    if norm <= (LARGEST_NORM if "critic/wasserstein_distance" in values else LARGEST_NORM_OF_OTHERS):
        return None
    return (
        f"the {network}'s gradients grew to a norm of {norm:.3g}: the training is about to diverge. Start another run "
        f"with a lower --{network}-learning-rate"
    )


def _loud(values: Values) -> str | None:
    rms, real = values["audio/rms_generated"], values["audio/rms_real"]
    if rms <= max(LOUDEST, real):
        return None
    return (
        f"the generator is stuck at full scale (RMS {rms:.2g}, the recordings' is {real:.2g}). Start another "
        "run with a lower --generator-learning-rate"
    )


def _silent(values: Values) -> str | None:
    rms, real = values["audio/rms_generated"], values["audio/rms_real"]
    if rms >= QUIETEST * real:
        return None
    return (
        f"the generator has gone silent (RMS {rms:.2g}, the recordings' is {real:.2g}). If it stays so for "
        f"some hundred steps, start another run with {ADVICE}"
    )


def _silent_clips(values: Values) -> str | None:
    share, of_real = values["audio/silent_generated"], values["audio/silent_real"]
    if share - of_real <= SILENT_CLIPS:
        return None
    return (
        f"many of the generated clips are silent ({share:.0%}, of the recordings {of_real:.0%}). If it stays "
        f"so for some hundred steps, start another run with {ADVICE}"
    )


def _alike(values: Values) -> str | None:
    spread = values["audio/spread"]
    if spread >= LEAST_SPREAD:
        return None
    return (
        f"the generated clips are all alike (spread {spread:.2g}, 1 is healthy). If it stays so for some "
        f"hundred steps, start another run with {ADVICE}"
    )


class Gan:
    """The WaveGAN of Donahue, McAuley and Puckette (arXiv 1802.04208), see `models.family.Family`."""

    name = "gan"
    title = "WaveGAN"
    command = "train"
    Settings = own.Settings
    Sampling = own.Sampling
    presets = own.PRESETS
    latents = Uniform()
    starts = False
    facts = (
        Fact("critic/wasserstein_distance", "distance"),
        Fact("critic/score_difference", "difference"),
        Fact("spectral_critic/score_difference", "spectral"),
        Fact("critic/gradient_penalty", "penalty"),
        Fact("generator/loss", "generator"),
        Fact("audio/rms_generated", "rms", _loud),
        Fact("audio/rms_generated", symptom=_silent),
        Fact("audio/silent_generated", symptom=_silent_clips, since=AUDIBLE),
        Fact("audio/spread", symptom=_alike),
        Fact("critic/gradient_norm", symptom=lambda values: _exploding("critic", values), lasting=False),
        Fact("generator/gradient_norm", symptom=lambda values: _exploding("generator", values), lasting=False),
    )
    advice = {
        "diverged": "start another run (--run) with lower --critic-learning-rate and --generator-learning-rate.",
        "collapsed": f"start another run with {ADVICE}.",
    }

    not_exported: Mapping[str, str] = {}

    def preset(self, gpu: bool) -> str:
        """As `Family.preset`: the paper's setting needs a GPU."""
        return "paper" if gpu else "small"

    def check(self, settings: own.Settings, clip: ClipFormat) -> None:
        """As `Family.check`: it makes clips of all lengths that a data set can have, mono and stereo."""

    def settled(self, settings: own.Settings, clip: ClipFormat) -> own.Settings:
        """As `Family.settled`."""
        return replace(settings, conditional="yes" if settings.classes_of(clip) else "no")

    def updates(self, settings: own.Settings) -> int:
        """As `Family.updates`: every update of the critic takes its own recordings."""
        return settings.critic_updates

    def step_in_words(self, settings: own.Settings) -> str:
        """As `Family.step_in_words`."""
        return f"{settings.critic_updates} + 1 updates"

    def expectation(self, settings: own.Settings) -> str:
        """As `Family.expectation`: from docs/quality.jsonl."""
        return EXPECTATION if settings.networks == "modern" and settings.conditional == "yes" else ""

    def classes(self, settings: own.Settings, clip: ClipFormat) -> int:
        """As `Family.classes`."""
        return settings.classes_of(clip)

    def group(self, settings: own.Settings, clip: ClipFormat) -> int:
        """As `Family.group`."""
        return own.GROUP if settings.networks == "modern" else 1

    def latent_shape(self, settings: own.Settings, clip: ClipFormat) -> tuple[int, ...]:
        """As `Family.latent_shape`."""
        return (settings.latent_size,)

    def model(self, settings: own.Settings, clip: ClipFormat, seed: int, precision: str) -> Model:
        """As `Family.model`."""
        from wavegan.models.gan.build import wavegan

        return wavegan(settings, clip, seed, precision)

    def sampler(self, settings: own.Settings, clip: ClipFormat, sampling: own.Sampling | None = None) -> Sampler:
        """As `Family.sampler`."""
        from wavegan.models.gan.sampler import GeneratorSampler, generator

        return GeneratorSampler(generator(settings, clip, "float32"), settings.classes_of(clip))

    def operations(
        self, settings: own.Settings, clip: ClipFormat, arrays: Mapping[str, np.ndarray]
    ) -> Iterable[Operation]:
        """As `Family.operations`."""
        from wavegan.models.gan.portable import operations

        return operations(settings, clip, arrays)

    def example(self, sampler: Sampler, latents: np.ndarray, classes: np.ndarray | None) -> Example:
        """As `Family.example`."""
        given = {"latents": latents} | ({} if classes is None else {"classes": classes})
        facts = {"latents": {"size": latents.shape[1], "distribution": "uniform", "range": [-1, 1]}}
        return Example(given, "audio", sampler(latents, classes), facts)

    def renamed(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As `Family.renamed`: until 0.1 what makes sounds was "averaged_generator/…", or "generator/…" without one."""
        if any(name.startswith("sampler/") for name in arrays):
            return dict(arrays)
        averaged = any(name.startswith("averaged_generator/") for name in arrays)
        before = "averaged_generator/" if averaged else "generator/"
        return {
            f"sampler/{name.removeprefix(before)}" if name.startswith(before) else name: array
            for name, array in arrays.items()
        }


GAN = register(Gan())
