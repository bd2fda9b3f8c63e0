"""The part of a WaveGAN that makes sounds: the generator alone."""

from collections.abc import Callable, Mapping

import keras
import numpy as np

from wavegan.backend import autodiff
from wavegan.models.family import ClipFormat, Slopes
from wavegan.models.gan.networks import build_generator
from wavegan.models.gan.settings import Settings
from wavegan.models.layers import dtype_policy
from wavegan.models.sampling import batched, check_classes
from wavegan.models.state import set_weights


class GeneratorSampler:
    """The `models.family.Sampler` of a generator, whose weights may go on changing.

    Args:
        generator: what `networks.build_generator` builds.
        classes: how many there are; 0 for an unconditional generator.
        follows: another one, whose weights it takes over before it makes sounds; None for its own.
    """

    def __init__(self, generator: keras.Model, classes: int = 0, follows: keras.Model | None = None) -> None:
        self.generator, self.classes, self.follows = generator, classes, follows
        self.latent_shape: tuple[int, ...] = (generator.input_shape[-1] - classes,)
        self._sampled = batched(autodiff.compiled(generator), generator.output_shape[1])

    def __call__(self, latents: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Audio float32 [n, time, channels] of latents [n, latent_size], and of class weights [n, classes].

        Raises ValueError for class weights where the generator has no classes, and the other way round.
        """
        return self._sampled(self._given(latents, classes))

    def slopes(self, loss: Callable[[autodiff.Tensor], autodiff.Tensor]) -> Slopes:
        """As `Sampler.slopes`."""
        compiled = autodiff.compiled_slopes(self.generator, loss)

        def slopes(latents: np.ndarray, classes: np.ndarray | None = None) -> tuple:
            losses, by_all = map(keras.ops.convert_to_numpy, compiled(self._given(latents, classes)))
            width = latents.shape[1]
            return losses, by_all[:, :width], None if classes is None else by_all[:, width:]

        return slopes

    def _given(self, latents: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        """What the generator takes, [n, latent_size + classes]."""
        check_classes(classes, len(latents), self.classes)
        if self.follows:
            self.generator.set_weights(self.follows.get_weights())
        return latents if classes is None else np.concatenate([latents, classes], axis=1, dtype="float32")

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """As `Sampler.restore`."""
        set_weights(self.generator.weights, arrays)


def generator(settings: Settings, clip: ClipFormat, precision: str) -> keras.Model:
    """The generator that the settings describe, for clips such as `clip`; its weights are random."""
    size = (clip.length, clip.channels, settings.model_dim, settings.kernel_length)
    policy, modern = dtype_policy(precision), settings.networks == "modern"
    classes, gain = settings.classes_of(clip), settings.sound_gain == "yes"
    return build_generator(*size, settings.latent_size, policy, classes, modern, gain)
