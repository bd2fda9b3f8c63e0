"""The part of flow matching that makes sounds: from noise along the velocity, or from a recording mixed with noise.

All of that happens to spectrograms; sound is made of the last one.
"""

from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np
from keras import ops

from wavegan.backend import autodiff, devices
from wavegan.backend.autodiff import Tensor
from wavegan.models.diffusion import flow
from wavegan.models.diffusion.frames import Frames
from wavegan.models.diffusion.networks import build_network
from wavegan.models.diffusion.settings import Sampling, Settings
from wavegan.models.diffusion.spectrogram import Spectrogram
from wavegan.models.family import ClipFormat, Start
from wavegan.models.layers import dtype_policy
from wavegan.models.sampling import SAMPLES_AT_ONCE, batched, check_classes
from wavegan.models.state import set_weights

SAMPLES_AT_ONCE_ON_CPU = 2**16  # where a batch that is half empty costs seconds
INVERTING_STEPS = 32  # of Heun, from a recording to its noise
FOLLOWS = 0.5  # share of what a frame hears, from which on it is as what is kept of it


class FlowSampler:
    """The `models.family.Sampler` of a network, whose weights may go on changing.

    Args:
        network: what `networks.build_network` builds.
        spectrogram: by which it sees clips.
        rms: of the recordings.
        classes: how many there are; 0 for an unconditional network.
        sampling: how sounds are made.
    """

    def __init__(
        self,
        network: keras.Model,
        spectrogram: Spectrogram,
        rms: float,
        classes: int,
        sampling: Sampling | None = None,
    ) -> None:
        self.network, self.spectrogram, self.rms, self.classes = network, spectrogram, rms, classes
        self.sampling = sampling or Sampling()
        self.latent_shape: tuple[int, ...] = spectrogram.frames.shape
        self._sampled = self._by_guidance(self._made)

    def __call__(self, latents: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Audio float32 [n, time, channels] of noise of that shape, and of class weights [n, classes].

        Weights of zeros are those of no class. Raises ValueError for class weights where the network has no classes,
        and the other way round.
        """
        return self._sampled(*self._given(latents, classes))

    def varied(self, latents: np.ndarray, classes: np.ndarray | None, start: Start) -> np.ndarray:
        """As `Sampler.varied`. Source: Meng et al., "SDEdit", arXiv 2108.01073, section 3."""

        def made(guidance: float, noise: Tensor, *classes: Tensor) -> Tensor:
            return self._varied(start, guidance, noise, *classes)

        return self._by_guidance(made)(*self._given(latents, classes))

    def inverted(self, audio: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """As `Sampler.inverted`: the velocity is followed to noise. Source: arXiv 2209.03003, section 2.1."""

        def noise(guidance: float, clips: Tensor, *classes: Tensor) -> Tensor:
            times = flow.schedule(INVERTING_STEPS, 1.0, flow.NEAREST)[::-1].copy()
            points = self.spectrogram(clips / self.rms)
            return flow.integrated(self._field(guidance, *classes), points, times, INVERTING_STEPS, heun=True)

        return self._by_guidance(noise)(*self._given(audio, classes))

    def velocity(self, points: np.ndarray, times: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """The velocity, [n, frames, bands], at points of that shape and times [n], one evaluation of the network."""

        def predicted(points: Tensor, times: Tensor, *classes: Tensor) -> Tensor:
            return flow.predicted(self.network, points, times, *classes)

        points, *weights = self._given(points, classes)
        return self._batched(predicted)(points, times, *weights)

    def times(self, strength: float) -> np.ndarray:
        """Those between which its steps lead, float32 [steps + 1], from `strength` down to 0."""
        return flow.schedule(self.sampling.steps, strength, flow.last_from(self.sampling.evaluations))

    def spread(self, strength: float) -> Tensor:
        """What the spectrograms that its steps lead to are multiplied by, a scalar."""
        return flow.spread(self.spectrogram.near_loss, self.times(strength)[-2])

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """As `Sampler.restore`."""
        set_weights(sampler_weights(self.network, self.spectrogram), arrays)

    def _batched(self, function: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
        at_once = SAMPLES_AT_ONCE if devices.accelerators() else SAMPLES_AT_ONCE_ON_CPU
        length = self.spectrogram.frames.length
        compiled = autodiff.compiled_function(function, self.network, self.spectrogram)
        return batched(compiled, length, max(1, at_once // length))

    def _by_guidance(self, function: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
        """What `function` makes by a guidance, of what it is given first and class weights, [n, …].

        Rows of no class are not guided: it would lead nowhere, and cost as much again.
        """
        guidance = self.sampling.guidance
        free, towards = (self._batched(partial(function, each)) for each in (1.0, guidance))

        def apart(values: np.ndarray, *classes: np.ndarray) -> np.ndarray:
            if not classes or guidance == 1 or not classes[0].any():
                return free(values, *classes)
            guided = classes[0].any(axis=1)
            if guided.all():
                return towards(values, *classes)
            first = free(values[~guided], classes[0][~guided])
            found = np.empty((len(values), *first.shape[1:]), "float32")
            found[~guided], found[guided] = first, towards(values[guided], classes[0][guided])
            return found

        return apart

    def _given(self, latents: np.ndarray, classes: np.ndarray | None) -> list[np.ndarray]:
        check_classes(classes, len(latents), self.classes)
        return [latents] if classes is None else [latents, classes.astype("float32")]

    def _field(self, guidance: float, *classes: Tensor) -> flow.Velocity:
        """The velocity of points, guided towards the classes (arXiv 2207.12598, equation 6)."""

        def field(points: Tensor, t: Tensor) -> Tensor:
            times = ops.broadcast_to(t, (ops.shape(points)[0],))
            if not classes or guidance == 1:
                return flow.predicted(self.network, points, times, *classes)
            twice = [ops.concatenate([each, each]) for each in (points, times)]
            known = ops.concatenate([*classes, ops.zeros_like(classes[0])])
            of_class, of_any = ops.split(flow.predicted(self.network, *twice, known), 2)
            return of_any + guidance * (of_class - of_any)

        return field

    def _integrated(self, field: flow.Velocity, points: Tensor, strength: float) -> Tensor:
        sampling = self.sampling
        return flow.integrated(field, points, self.times(strength), sampling.steps, sampling.solver == "heun")

    def _made(self, guidance: float, noise: Tensor, *classes: Tensor) -> Tensor:
        return self._audio(self.spectrogram.sound(self._points(guidance, noise, *classes) * self.spread(1.0)))

    def _points(self, guidance: float, noise: Tensor, *classes: Tensor) -> Tensor:
        """The spectrograms [n, frames, bands] that noise leads to, before they are spread."""
        return self._integrated(self._field(guidance, *classes), noise, 1.0)

    def _audio(self, clips: Tensor) -> Tensor:
        """Where a clip would be louder than full scale, all of it is softer."""
        audio = self.rms * clips
        return audio / ops.maximum(ops.max(ops.abs(audio), axis=(1, 2), keepdims=True), 1.0)

    def _varied(self, start: Start, guidance: float, noise: Tensor, *classes: Tensor) -> Tensor:
        """Where the recording is kept, its own line is followed, which ends in it."""
        strength, spectrogram, field = start.strength, self.spectrogram, self._field(guidance, *classes)
        clip = (start.audio / self.rms).astype("float32")[None]
        seen, phases = spectrogram(clip), spectrogram.phases(clip, 1.0 - strength)
        if start.kept is None:
            points = self._integrated(field, (1.0 - strength) * seen + strength * noise, strength)
            return self._audio(spectrogram.sound(points * self.spread(strength), phases))
        kept = start.kept.astype("float32")[:, None]
        shares = spectrogram.frames.share(start.kept**2)[:, None]
        follows = shares >= FOLLOWS
        seen = ops.where(follows, spectrogram.of_part(kept * clip, np.maximum(shares, FOLLOWS)), seen)

        def partly(x: Tensor, t: Tensor) -> Tensor:
            return ops.where(follows, flow.velocity(seen, noise), field(x, t))

        points = self._integrated(partly, (1.0 - strength) * seen + strength * noise, strength)
        points = ops.where(follows, points, points * self.spread(strength))
        made = ops.clip(self.rms * spectrogram.sound(points, phases, (kept, clip)), -1.0, 1.0)
        return ops.where(kept == 1.0, start.audio.astype("float32"), made)


def sampler_weights(network: keras.Model, spectrogram: Spectrogram) -> list[keras.Variable]:
    """All that sounds are made with, in the order of a checkpoint."""
    return [*network.weights, *spectrogram.weights]


def sampler(settings: Settings, clip: ClipFormat, sampling: Sampling | None = None) -> FlowSampler:
    """The part of a model that makes sounds; its weights are random."""
    of_clip = network(settings, clip, "float32"), spectrogram(clip)
    return FlowSampler(*of_clip, clip.rms, settings.classes_of(clip), sampling)


def spectrogram(clip: ClipFormat) -> Spectrogram:
    """That of clips such as `clip`, by which no recordings were measured yet."""
    return Spectrogram(Frames.of(clip))


def network(settings: Settings, clip: ClipFormat, precision: str) -> keras.Model:
    """The network that the settings describe, for clips such as `clip`; its weights are random."""
    size = (*Frames.of(clip).shape, settings.classes_of(clip), settings.width, settings.blocks)
    return build_network(*size, dtype_policy(precision))
