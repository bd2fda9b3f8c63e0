"""A run as one ONNX file: latents and class weights in, audio out, for any number of sounds at a time.

The graph is written from the operations of `models.portable`, so it is the same from every backend.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import wavegan
from wavegan.base.errors import UserError
from wavegan.base.files import numbered, write_whole
from wavegan.base.text import tell
from wavegan.generation.generate import load_sampler, load_weights
from wavegan.models import classes
from wavegan.models.family import family_named
from wavegan.models.portable import Operation
from wavegan.runs.run import Run

OPSET = 17  # of 2022, which every runtime in use reads
FORMAT = 8  # of the file, which goes with it
EXACT = 1e-5  # the largest difference from the trainer's sounds


@dataclass(frozen=True)
class OnnxFile:
    """What `onnx_file` made: where, from which checkpoint, its bytes, and its difference from the trainer's sounds."""

    path: Path
    step: int
    size: int
    difference: float


def onnx_file(
    run: Run, step: int | None = None, out: str | Path | None = None, warn: Callable[[str], object] = tell
) -> OnnxFile:
    """Write the ONNX file of a run; arguments and errors as of `web.web`, but `exported/<run>.onnx`.

    ONNX Runtime makes 16 sounds by it before it is written, which are compared with those of the sampler in float32.
    Raises UserError also where these differ by more than 1e-5.
    """
    step, arrays = load_weights(run, step, warn)
    sampler, config, _ = load_sampler(run, step, warn, "float32")
    family = family_named(config.family)
    facts: dict[str, Any] = {
        **{"run": run.name, "step": step, "version": wavegan.__version__, "classes": list(config.classes)},
        **{"sample_rate": config.data.sample_rate, "length": config.data.length, "channels": config.data.channels},
        "latents": {"size": int(np.prod(sampler.latent_shape)), "distribution": "uniform", "range": [-1, 1]},
    }
    operations = list(family.operations(config.model, config.data.clip, arrays))
    content = graph(operations, facts["latents"]["size"], len(config.classes), facts)

    latents = family.latents.draw(16, sampler.latent_shape, 0)
    weights = classes.drawn([1] * len(config.classes), 16, 0) if config.classes else None
    difference = float(np.abs(run_by_onnx(content, latents, weights) - sampler(latents, weights)).max())
    if not difference <= EXACT:
        raise UserError(
            f"the ONNX file of {run.path} makes other sounds than the trainer: they differ by {difference:.1e}, "
            f"expected {EXACT} at most. Try other versions of onnxruntime."
        )
    out = Path(out or Path("exported") / f"{run.name}.onnx")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        path = next(name for name in numbered(out) if not name.exists())
        write_whole(path, content)
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}). Give another file with --out.") from None
    return OnnxFile(path, step, len(content), difference)


def run_by_onnx(content: bytes, latents: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The audio [n, time, channels] that ONNX Runtime makes by a file of latents [n, size] and class weights."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {"latents": latents} | ({} if weights is None else {"classes": weights})
    return session.run(["audio"], given)[0]


def graph(operations: Sequence[Operation], latent_size: int, classes: int, facts: dict[str, Any]) -> bytes:
    """The file's bytes.

    Args:
        operations: from latent and class weights to audio.
        latent_size: numbers of a latent.
        classes: how many there are; 0 without.
        facts: what stands in its metadata, {name: value}: texts as they are, all else as JSON.
    """
    writer = _Writer()
    inputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["n", latent_size])]
    given = "latents"
    if classes:
        inputs.append(helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", classes]))
        given = writer.node("Concat", ["latents", "classes"], axis=1)
    x = given
    for place, operation in enumerate(operations):
        x = writer.operation(operation, x, given)
        if operation.kind == "dense":  # [n, time · channels] becomes [n, channels, time]
            shape = writer.constant(np.array([0, -1, _channels(operations[place + 1 :])], "int64"))
            x = writer.node("Transpose", [writer.node("Reshape", [x, shape])], perm=[0, 2, 1])
    writer.nodes.append(helper.make_node("Transpose", [x], ["audio"], perm=[0, 2, 1]))
    output = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["n", facts["length"], facts["channels"]])
    made = helper.make_graph(writer.nodes, "generator", inputs, [output], writer.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="WaveGAN")
    model.ir_version = FORMAT
    helper.set_model_props(model, {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _channels(operations: Sequence[Operation]) -> int:
    """The channels of the feature map that `operations` begin with: those of the next kernel [taps, channels, …]."""
    return next(each.arrays[0].shape[1] for each in operations if each.kind == "upsample")


class _Writer:
    """Nodes and constants in the making; every one has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: Iterator[str] = (f"x{number}" for number in range(10**6))

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output, and returns that."""
        name = next(self.names)
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        name = next(self.names)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def operation(self, operation: Operation, x: str, given: str) -> str:
        """What an operation makes of a feature map `x` [n, channels, time] and of what was given at first."""
        weights = [np.asarray(array, "float32") for array in operation.arrays]
        if operation.kind == "upsample":
            kernel, bias = weights
            taps, padding = kernel.shape[0], (kernel.shape[0] - operation.stride) // 2
            return self.node(
                "ConvTranspose",
                [x, self.constant(kernel.transpose(1, 2, 0)), self.constant(bias)],
                strides=[operation.stride],
                pads=[padding, taps - operation.stride - padding],
            )
        if operation.kind == "modulation":
            both = self.node("Gemm", [given, *map(self.constant, weights)])
            both = self.node("Unsqueeze", [both, self.constant(np.array([2], "int64"))])  # [n, 2 · channels, 1]
            half = weights[1].shape[0] // 2
            axis = self.constant(np.array([1], "int64"))
            edges = [self.constant(np.array([edge], "int64")) for edge in (0, half, 2 * half)]
            gain, bias_of_it = (self.node("Slice", [both, edges[i], edges[i + 1], axis]) for i in (0, 1))
            gain = self.node("Add", [gain, self.constant(np.array(1, "float32"))])
            return self.node("Add", [self.node("Mul", [x, gain]), bias_of_it])
        if operation.kind == "dense":
            return self.node("Gemm", [x, *map(self.constant, weights)])
        return self.node({"relu": "Relu", "tanh": "Tanh"}[operation.kind], [x])
