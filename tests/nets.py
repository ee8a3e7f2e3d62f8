"""A small builder of ONNX models for the scenes: one line a layer, weights of zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence

Dim = int | str | None


class Net:
    """Collects nodes; every method returns the name of the value that it makes, which is also the node's name."""

    def __init__(self, opset: int = 17, **domains: int) -> None:
        self.opsets = {"": opset, **domains}
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.functions: list[onnx.FunctionProto] = []

    def input(self, name: str, *dims: Dim, dtype: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, dtype, list(dims)))
        return name

    def output(self, name: str, *dims: Dim, dtype: int = TensorProto.FLOAT) -> None:
        """An output; without dims of undeclared rank."""
        self.outputs.append(helper.make_tensor_value_info(name, dtype, list(dims) or None))

    def const(self, name: str, values: Any, dtype: Any = np.int64) -> str:
        self.weights.append(numpy_helper.from_array(np.array(values, dtype=dtype), name))
        return name

    def node(self, op: str, inputs: Sequence[str], name: str, *, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, domain=domain, **attributes))
        return name

    # -- layers --------------------------------------------------------------------------------------------------

    def conv(
        self, x: str, name: str, entering: int = 1, leaving: int = 1, k: int = 3, s: int = 1, p: int = 1, nd: int = 2
    ) -> str:
        self.weight(f"{name}.w", leaving, entering, k, nd)
        return self.node("Conv", [x, f"{name}.w"], name, strides=[s] * nd, pads=[p] * 2 * nd)

    def deconv(
        self, x: str, name: str, entering: int = 1, leaving: int = 1, k: int = 2, s: int = 2, nd: int = 2, **more: Any
    ) -> str:
        self.weight(f"{name}.w", entering, leaving, k, nd)
        return self.node("ConvTranspose", [x, f"{name}.w"], name, strides=[s] * nd, **more)

    def pool(self, x: str, name: str, k: int = 2, s: int = 2, nd: int = 2, **more: Any) -> str:
        return self.node("MaxPool", [x], name, kernel_shape=[k] * nd, strides=[s] * nd, **more)

    def weight(self, name: str, first: int, second: int, k: int, nd: int) -> None:
        self.const(name, np.zeros([first, second, *[k] * nd]), np.float32)

    def unet(self, x: str, depth: int, prefix: str = "", nd: int = 2) -> str:
        """One channel all the way: pooled `depth` times, undone by transposed convolutions, added to the skips."""
        skips = []
        for level in range(1, depth + 1):
            skips.append(x)
            x = self.pool(x, f"{prefix}pool{level}", nd=nd)
        for level in range(depth, 0, -1):
            x = self.deconv(x, f"{prefix}up{level}", nd=nd)
            x = self.node("Concat", [skips[level - 1], x], f"{prefix}join{level}", axis=1)
            x = self.conv(x, f"{prefix}dec{level}", entering=2, nd=nd)
        return x

    def model(self, *outputs: str) -> onnx.ModelProto:
        """The model; `outputs` of undeclared shape are added to those declared."""
        for name in outputs:
            self.output(name)
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        return helper.make_model(graph, opset_imports=opsets, functions=self.functions, ir_version=10)
