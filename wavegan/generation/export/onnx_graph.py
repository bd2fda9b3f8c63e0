"""A network as an ONNX file, written from the operations of `models.portable`: the same from every backend."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from wavegan.models.portable import Example, Operation

OPSET = 17  # of 2022, which every runtime in use reads
FORMAT = 8  # of the file, which goes with it


def run_graph(content: bytes, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """What ONNX Runtime makes by a file of what its inputs are given, [n, time, channels]."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, dict(given))[0]


def graph(operations: Sequence[Operation], example: Example, facts: Mapping[str, Any]) -> bytes:
    """The file's bytes.

    Args:
        operations: from the inputs to the output.
        example: says what these are called, and their shapes; n is free.
        facts: what stands in the file's metadata, {name: value}: texts as they are, all else as JSON.
    """
    writer = _Writer(example.given)
    for place, operation in enumerate(operations):
        writer.operation(operation)
        if operation.kind == "dense":
            writer.as_feature_map(_channels(operations[place + 1 :]))
    writer.nodes.append(helper.make_node("Transpose", [writer.x], [example.output], perm=[0, 2, 1]))
    inputs, output = (
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *values.shape[1:]])
            for name, values in named.items()
        ]
        for named in (example.given, {example.output: example.made})
    )
    made = helper.make_graph(writer.nodes, "network", inputs, output, writer.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="WaveGAN")
    model.ir_version = FORMAT
    helper.set_model_props(model, {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _channels(operations: Sequence[Operation]) -> int:
    """The channels of the feature map that `operations` begin with: those of the next kernel [taps, channels, …]."""
    return next(each.arrays[0].shape[1] for each in operations if each.kind == "upsample")


class _Writer:
    """Nodes and constants in the making; every one has a name of its own.

    Attributes:
        x: the name of what the operations so far have made: a feature map [n, channels, time], or [n, width].
        given: of what stands beside it, [n, width].
        kept: of feature maps.
        loudness: of points at their time, [n, 1, 1], for a network that is told one.
    """

    loudness: str

    def __init__(self, inputs: Mapping[str, np.ndarray]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: Iterator[str] = (f"x{number}" for number in range(10**6))
        self.kept: list[str] = []
        maps = [name for name, values in inputs.items() if values.ndim == 3]
        given = [
            self.node("Unsqueeze", [name, self.whole(1)]) if values.ndim == 1 else name
            for name, values in inputs.items()
            if name not in maps
        ]
        self.given = given[0] if len(given) == 1 else self.node("Concat", given, axis=1)
        self.x = self.node("Transpose", maps, perm=[0, 2, 1]) if maps else self.given

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output, and returns that."""
        name = next(self.names)
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        name = next(self.names)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def whole(self, *numbers: int) -> str:
        """A constant of whole numbers."""
        return self.constant(np.array(numbers, "int64"))

    def part(self, x: str, first: int, last: int) -> str:
        """What lies from `first` to before `last` in the second axis."""
        return self.node("Slice", [x, *map(self.whole, (first, last, 1))])

    def as_feature_map(self, channels: int) -> None:
        """[n, time · channels] becomes [n, channels, time]."""
        self.x = self.node("Reshape", [self.x, self.whole(0, -1, channels)])
        self.x = self.node("Transpose", [self.x], perm=[0, 2, 1])

    def operation(self, operation: Operation) -> None:
        """Changes x as the operation does."""
        weights = [np.asarray(array, "float32") for array in operation.arrays]
        if operation.kind in ("relu", "tanh"):
            self.x = self.node(operation.kind.capitalize(), [self.x])
        elif operation.kind in ("conv", "upsample", "unfold"):
            getattr(self, f"_{operation.kind}")(operation.stride, *weights)
        elif operation.kind == "attention":
            self._attention(operation.heads, *weights)
        else:
            getattr(self, f"_{operation.kind}")(*weights)

    def _dense(self, *weights: np.ndarray) -> None:
        self.x = self.node("Gemm", [self.x, *map(self.constant, weights)])

    def _unit(self, least: np.ndarray, deviation: np.ndarray) -> None:
        t = self.node("Unsqueeze", [self._time(least), self.whole(2)])  # [n, 1, 1]
        of_sounds = self.constant(deviation)
        rest = self.node("Mul", [self.node("Sub", [self.constant(np.array([1], "float32")), t]), of_sounds])
        square = self.node("Add", [self.node("Mul", [t, t]), self.node("Mul", [rest, rest])])
        expected = self.node("Div", [self.node("Sub", [t, self.node("Mul", [rest, of_sounds])]), square])
        self.kept.append(self.node("Mul", [self.x, expected]))
        self.loudness = self.node("Sqrt", [square])
        self.x = self.node("Div", [self.x, self.loudness])

    def _velocity(self, deviation: np.ndarray) -> None:
        self.x = self.node("Mul", [self.x, self.node("Div", [self.constant(deviation), self.loudness])])
        self._add()

    def _time(self, least: np.ndarray) -> str:
        """[n, 1]."""
        return self.node("Max", [self.part(self.given, 0, 1), self.constant(least)])

    def _conditioning(self, least: np.ndarray, frequencies: np.ndarray, *weights: np.ndarray) -> None:
        angles = self.node("Mul", [self._time(least), self.constant(frequencies)])
        classes = len(weights[0]) - 2 * len(frequencies)
        beside = [self.part(self.given, 1, 1 + classes)] if classes else []
        x = self.node("Concat", [self.node("Sin", [angles]), self.node("Cos", [angles]), *beside], axis=1)
        for kernel_and_bias in (weights[:2], weights[2:]):
            x = self.node("Gemm", [x, *map(self.constant, kernel_and_bias)])
            x = self.node("Mul", [x, self.node("Sigmoid", [x])])
        self.given = x

    def _modulation(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        both = self.node("Gemm", [self.given, self.constant(kernel), self.constant(bias)])
        both = self.node("Unsqueeze", [both, self.whole(2)])  # [n, 2 · channels, 1]
        half = bias.shape[0] // 2
        gain = self.node("Add", [self.part(both, 0, half), self.constant(np.array(1, "float32"))])
        self.x = self.node("Add", [self.node("Mul", [self.x, gain]), self.part(both, half, 2 * half)])

    def _gain(self, *weights: np.ndarray) -> None:
        gain = self.node("Exp", [self.node("Gemm", [self.given, *map(self.constant, weights)])])
        self.x = self.node("Mul", [self.x, self.node("Unsqueeze", [gain, self.whole(2)])])

    def _straight(self, *weights: np.ndarray) -> None:
        gain = self.node("Gemm", [self.given, *map(self.constant, weights)])
        gained = self.node("Mul", [self.kept.pop(), self.node("Unsqueeze", [gain, self.whole(2)])])
        self.x = self.node("Add", [self.x, gained])

    def _conv(self, stride: int, kernel: np.ndarray, *bias: np.ndarray) -> None:
        weights = (kernel.transpose(2, 1, 0), *bias)
        pads = _pads(len(kernel), stride)
        self.x = self.node("Conv", [self.x, *map(self.constant, weights)], strides=[stride], pads=pads)

    def _upsample(self, stride: int, kernel: np.ndarray, bias: np.ndarray) -> None:
        weights = (kernel.transpose(1, 2, 0), bias)
        pads = _pads(len(kernel), stride)
        self.x = self.node("ConvTranspose", [self.x, *map(self.constant, weights)], strides=[stride], pads=pads)

    def _unfold(self, stride: int, kernel: np.ndarray, bias: np.ndarray) -> None:
        filters = len(bias) // stride
        x = self.node("MatMul", [self.constant(kernel.T), self.x])
        x = self.node("Add", [x, self.constant(bias[:, None])])  # [n, stride · filters, time]
        x = self.node("Reshape", [x, self.whole(0, stride, filters, -1)])
        x = self.node("Transpose", [x], perm=[0, 2, 3, 1])
        self.x = self.node("Reshape", [x, self.whole(0, filters, -1)])

    def _norm(self) -> None:
        square = self.node("ReduceMean", [self.node("Mul", [self.x, self.x])], axes=[1, 2])
        square = self.node("Add", [square, self.constant(np.array(1e-6, "float32"))])
        self.x = self.node("Div", [self.x, self.node("Sqrt", [square])])

    def _attention(self, heads: int, into: np.ndarray, out: np.ndarray) -> None:
        self._keep()
        self._norm()
        width = len(out) // heads
        three = self.node("MatMul", [self.constant(into.T), self.x])
        three = self.node("Reshape", [three, self.whole(0, 3, heads, width, -1)])
        asked, keys, values = (self.part(three, place, place + 1) for place in range(3))
        asked = self.node("Transpose", [asked], perm=[0, 1, 2, 4, 3])  # [n, 1, heads, time, width]
        asked = self.node("Div", [asked, self.constant(np.array(np.sqrt(width), "float32"))])
        shares = self.node("Softmax", [self.node("MatMul", [asked, keys])], axis=-1)
        shares = self.node("Transpose", [shares], perm=[0, 1, 2, 4, 3])
        taken = self.node("Reshape", [self.node("MatMul", [values, shares]), self.whole(0, len(out), -1)])
        self.x = self.node("MatMul", [self.constant(out.T), taken])
        self._add()

    def _keep(self) -> None:
        self.kept.append(self.x)

    def _add(self) -> None:
        self.x = self.node("Add", [self.kept.pop(), self.x])


def _pads(taps: int, stride: int) -> list[int]:
    """Of a convolution whose padding is "same", on either side."""
    return [(taps - stride) // 2, taps - stride - (taps - stride) // 2]
