"""The network as operations for programs without Keras, see `models.portable`."""

from collections.abc import Iterator, Mapping

import numpy as np

from wavegan.models.diffusion.flow import DEVIATION, NEAREST
from wavegan.models.diffusion.layers import FREQUENCIES
from wavegan.models.diffusion.networks import ATTENTION, HEADS, STRIDE, levels
from wavegan.models.diffusion.sampler import sampler
from wavegan.models.diffusion.settings import Settings
from wavegan.models.family import ClipFormat
from wavegan.models.portable import Operation

Weights = Mapping[str, list[np.ndarray]]  # of each layer, by its name


def operations(settings: Settings, clip: ClipFormat, arrays: Mapping[str, np.ndarray]) -> Iterator[Operation]:
    """What `flow.predicted` makes of `networks.build_network`, with a checkpoint's weights: from points to velocity."""
    restored = sampler(settings, clip)
    restored.restore(arrays)
    weights = {layer.name: layer.get_weights() for layer in restored.network.layers}
    steps = levels(restored.latent_shape[0])
    yield Operation("unit", (_number(NEAREST), _number(DEVIATION)))
    yield _conditioning(weights)
    yield Operation("keep")
    yield _regrouped(weights["bands"], 1)
    for level, time in enumerate(steps):
        if level:
            yield Operation("keep")
            yield _regrouped(weights[f"in_{level}"], STRIDE)
        yield from _blocks(weights, f"in_{level}", settings.blocks, time)
    for level, time in reversed([*enumerate(steps)]):
        yield from _blocks(weights, f"out_{level}", settings.blocks, time)
        if level:
            yield Operation("unfold", tuple(weights[f"out_{level}"]), STRIDE)
            yield Operation("add")
    yield Operation("modulation", tuple(weights["velocity_modulation"]))
    yield Operation("unfold", tuple(weights["velocity"]), 1)
    yield Operation("straight", tuple(weights["points_gain"]))
    yield Operation("velocity", (_number(DEVIATION),))


def _number(value: float) -> np.ndarray:
    return np.array([value], "float32")


def _conditioning(weights: Weights) -> Operation:
    kernel, bias = weights["time"]
    kernel = np.concatenate([kernel, *weights.get("class", [])])  # of time and class weights side by side
    return Operation("conditioning", (_number(NEAREST), FREQUENCIES, kernel, bias, *weights["conditioning"]))


def _regrouped(weights: list[np.ndarray], stride: int) -> Operation:
    """Every `stride` time steps become one: a convolution that is as long as its stride."""
    kernel, bias = weights
    return Operation("conv", (kernel.reshape(stride, -1, kernel.shape[1]), bias), stride)


def _blocks(weights: Weights, name: str, count: int, time: int) -> Iterator[Operation]:
    for number in range(count):
        here = f"{name}_{number}"
        yield from (Operation("keep"), Operation("norm"), Operation("conv", tuple(weights[f"{here}_first"])))
        yield from (Operation("modulation", tuple(weights[f"{here}_modulation"])), Operation("relu"))
        yield from (Operation("conv", tuple(weights[f"{here}_second"])), Operation("add"))
    if time <= ATTENTION:
        yield Operation("attention", tuple(weights[f"{name}_attention"]), heads=HEADS)
