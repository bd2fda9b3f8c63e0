"""What devices that share a batch tell each other in a step: how much, and how long that takes by itself."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wavegan.backend.start import BACKEND, keras

if BACKEND == "jax":
    import jax

# As XLA writes an instruction, or its first half: "… = (f32[25,4]{1,0}, f32[]) all-reduce-start(…".
INSTRUCTION = re.compile(r"= (.*?) (all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute)(?:-start)?\(")
SHAPE = re.compile(r"[a-z]+(\d*)\[([\d,]*)\]")


def exchanged(program: str) -> dict[str, int]:
    """{kind of exchange: bytes that each device has of it at the end} of a compiled `program`, XLA's text.

    >>> exchanged("%x = (f32[2,3]{1,0}, bf16[4]) all-reduce(%y)")
    {'all-reduce': 32}
    """
    found: dict[str, int] = {}
    for shapes, kind in INSTRUCTION.findall(program):
        sizes = [
            int(bits or 8) // 8 * int(np.prod([int(n) for n in dims.split(",") if n]))
            for bits, dims in SHAPE.findall(shapes)
        ]
        found[kind] = found.get(kind, 0) + sum(sizes)
    return found


def program_of_step(model: keras.Model, batch: Mapping[str, np.ndarray]) -> str:
    """XLA's text of the compiled training step of `model` on batches such as `batch`, by the devices that share."""
    sharing = keras.distribution.distribution()
    data = {
        name: jax.device_put(array, sharing.get_data_layout(array.shape).backend_layout)
        for name, array in batch.items()
    }
    groups = [
        model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables
    ]  # fmt: skip
    state = tuple([variable.value for variable in group] for group in groups)
    shardings = tuple([value.sharding for value in values] for values in state)
    return jax.jit(model.train_step, out_shardings=(None, shardings)).lower(state, data).compile().as_text()


def all_reduce(numbers: int) -> Callable[[], Any]:
    """A callable after which each of the devices that share has the sum of as many float32 `numbers` of all of them."""
    sharing = keras.distribution.distribution()
    devices = sharing.device_mesh.devices.size
    layout = sharing.get_data_layout((devices, numbers)).backend_layout
    rows = jax.device_put(np.ones((devices, numbers), "float32"), layout)
    everywhere = jax.sharding.NamedSharding(layout.mesh, jax.sharding.PartitionSpec())
    total = jax.jit(lambda rows: rows.sum(axis=0), out_shardings=everywhere)
    return lambda: total(rows).block_until_ready()
