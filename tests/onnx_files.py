"""ONNX files for the tests: small ones made here, the operator cases that onnx ships, and real exports."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import onnx
from onnx import TensorProto, helper

ZOO = Path(__file__).resolve().parents[2] / "shared" / "zoo"
"""Real exports; not part of the repository."""


def zoo_paths() -> list[Path]:
    """The real exports that are at hand."""
    return sorted(ZOO.glob("*.onnx"))


def packaged_paths() -> list[Path]:
    """The model files that the installed onnx carries."""
    return sorted(Path(onnx.__file__).parent.rglob("*.onnx"))


@cache
def operator_cases() -> list[tuple[str, bytes]]:
    """The models of onnx's own operator tests, serialized."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    return [(case.name, case.model.SerializeToString()) for case in cases if case.model is not None]


def float_input(name: str, dims: list[int | str | None]) -> onnx.ValueInfoProto:
    """A declared float32 tensor."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto] | None = None,
    outputs: list[onnx.ValueInfoProto] | None = None,
    initializers: list[onnx.TensorProto] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
    functions: list[onnx.FunctionProto] | None = None,
) -> onnx.ModelProto:
    """A model over `nodes`, from `x` to `y` unless it says otherwise."""
    graph = helper.make_graph(
        nodes,
        "g",
        [float_input("x", ["N", 3, "H", "W"])] if inputs is None else inputs,
        [float_input("y", [None, None, None, None])] if outputs is None else outputs,
        initializers or [],
    )
    model = helper.make_model(graph, functions=functions or [], producer_name="tests")
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", opset))
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.ir_version = ir_version
    return model


def conv_net() -> onnx.ModelProto:
    """A convolution and a pool, with weights inline."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], [0.5] * 108)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["c"], ["y"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    return model_of(nodes, initializers=[weights])
