"""A generator as an ONNX file, written from the operations of `models.portable`: the same from every backend."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from wavegan.models.portable import Operation

OPSET = 17  # of 2022, which every runtime in use reads
FORMAT = 8  # of the file, which goes with it


def run_graph(content: bytes, given: dict[str, np.ndarray]) -> np.ndarray:
    """The audio [n, time, channels] that ONNX Runtime makes by a file of what its inputs are given."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
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
        if operation.kind == "gain":
            gain = self.node("Exp", [self.node("Gemm", [given, *map(self.constant, weights)])])
            return self.node("Mul", [x, self.node("Unsqueeze", [gain, self.constant(np.array([2], "int64"))])])
        if operation.kind == "dense":
            return self.node("Gemm", [x, *map(self.constant, weights)])
        return self.node({"relu": "Relu", "tanh": "Tanh"}[operation.kind], [x])
