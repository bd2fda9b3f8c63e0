"""A WaveGAN that starts with the networks of another one."""

from collections.abc import Mapping

import numpy as np

from wavegan.models.updates import STEPS_BEFORE, fitted


def started_from(
    arrays: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], averaged: bool, latent_size: int
) -> dict[str, np.ndarray]:
    """The state of a model that takes over the networks of another one; its optimizers and seeds stay its own.

    Args:
        arrays: the state of the other one, {name: array}. Where only one of the two has an averaged generator, it
            starts as the generator, or the other way round.
        own: that of the model itself.
        averaged: whether it has an averaged generator.
        latent_size: width of the latents of both.

    It counts the steps of the other one, by which its average remembers as long as if that one had gone on.
    """
    state = dict(own)
    sources = {
        "critic": ("critic",),
        "spectral_critic": ("spectral_critic",),
        "sampler": ("sampler", "generator"),
        "generator": ("generator", "sampler"),
    }
    if not averaged:
        sources["sampler"] = ("generator", "sampler")
    for network, names in sources.items():
        if mine := _weights(own, network):
            theirs = next(found for name in names if (found := _weights(arrays, name)))
            shared = 0 if "critic" in network else latent_size
            pairs = zip(mine.items(), theirs.values(), strict=True)
            state |= {name: fitted(array, other, shared) for (name, array), other in pairs}
    (made,) = (array for name, array in arrays.items() if name.startswith("generator_optimizer/000/"))
    return state | {STEPS_BEFORE: np.array(arrays.get(STEPS_BEFORE, 0) + made, "int32")}


def _weights(arrays: Mapping[str, np.ndarray], network: str) -> dict[str, np.ndarray]:
    """Those of a network among {name: array}, in their order: their numbers also count seeds."""
    own = {name: array for name, array in arrays.items() if name.startswith(f"{network}/")}
    return {name: array for name, array in own.items() if "seed" not in name}
