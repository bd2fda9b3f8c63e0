"""The generator as operations for programs that have no Keras, see `models.portable`."""

from collections.abc import Iterator, Mapping

import numpy as np

from wavegan.models.family import ClipFormat
from wavegan.models.gan.networks import strides_for
from wavegan.models.gan.settings import Settings
from wavegan.models.portable import Operation


def operations(settings: Settings, clip: ClipFormat, arrays: Mapping[str, np.ndarray]) -> Iterator[Operation]:
    """What `networks.build_generator` builds, with the weights of a checkpoint, in the order of its layers."""
    weights = iter(arrays.values())
    yield Operation("dense", (next(weights), next(weights)))
    for stride in strides_for(clip.length):
        if settings.networks == "modern":
            yield Operation("modulation", (next(weights), next(weights)))
        yield Operation("relu")
        kernel, bias = next(weights), next(weights)
        yield Operation("upsample", (np.swapaxes(kernel, 1, 2), bias), stride)
    if settings.sound_gain == "yes":
        yield Operation("gain", (next(weights), next(weights)))
    yield Operation("tanh")
