"""Older versions of operators against `onnx.shape_inference`, on the shipped cases with other sizes.

A case is moved to an older opset (inputs that were attributes then become attributes), the sizes of its inputs are
drawn anew, equal ones alike, and what shape inference says of the outputs is compared where propagation says that the
node runs. Left out are the disagreements of FORMULAS.md, section 10, in which shape inference is known to err.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from shapelint.ops.call import Tensor
from shapelint.propagate import propagate
from shapelint.size import Table
from shapelint.source.errors import Unreadable
from shapelint.source.onnx import read_model

if TYPE_CHECKING:
    from onnx.backend.test.case.test_case import TestCase

ONCE_ATTRIBUTES: dict[str, dict[int, str]] = {
    "Slice": {1: "starts", 2: "ends", 3: "axes"},
    "Split": {1: "split"},
    "TopK": {1: "k"},
    "Pad": {1: "pads", 2: "value"},
    "Clip": {1: "min", 2: "max"},
    "Dropout": {1: "ratio"},
    "DFT": {2: "axis"},
    "Squeeze": {1: "axes"},
    "Unsqueeze": {1: "axes"},
}
"""By operator, the inputs that older versions have as attributes; of every Reduce*, the axes."""

SCALARS = frozenset({"k", "value", "min", "max", "ratio", "axis"})

TRIALS = 6000
KNOWN_TO_ERR = frozenset({"ConvTranspose", "Resize", "Upsample", "Col2Im", "MaxUnpool", "DeformConv", "STFT"})
"""Shape inference gives these sizes that no runtime gives (FORMULAS.md, D1, D2, D5, D8, D11); STFT's `onesided` it
takes for 0 where it is left out."""


@cache
def single_nodes() -> list[TestCase]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    return [
        case
        for case in cases
        if case.model is not None
        and case.data_sets
        and "_expanded" not in case.name
        and len(case.model.graph.node) == 1
        and case.model.graph.node[0].domain == ""
        and case.model.graph.node[0].op_type not in KNOWN_TO_ERR
        and all(item.type.HasField("tensor_type") for item in case.model.graph.input)
    ]


def moved(case: TestCase, opset: int, draw: random.Random) -> onnx.ModelProto | None:
    """The case at an older opset, with other sizes; None where that version cannot say it."""
    node = onnx.NodeProto()
    node.CopyFrom(case.model.graph.node[0])
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
    except onnx.defs.SchemaError:
        return None
    arrays = [np.asarray(value) for value in case.data_sets[0][0] if not isinstance(value, onnx.TensorProto)]
    if len(arrays) != len(case.model.graph.input):
        return None
    by_name = {item.name: value for item, value in zip(case.model.graph.input, arrays, strict=True)}
    attributes = {1: "axes"} if node.op_type.startswith("Reduce") else ONCE_ATTRIBUTES.get(node.op_type, {})
    names = list(node.input)
    for place, name in sorted(attributes.items(), reverse=True):
        if name in schema.attributes and place < len(names) and schema.max_input <= place:
            value = by_name.get(names[place])
            if value is not None:
                made = value.reshape(-1).tolist()
                if not made:
                    return None
                node.attribute.append(helper.make_attribute(name, made[0] if name in SCALARS else made))
            del names[place]
    del node.input[:]
    node.input.extend(names)
    if not schema.min_input <= len(names) <= schema.max_input or len(node.output) > schema.max_output:
        return None
    if any(item.name not in schema.attributes for item in node.attribute):
        return None
    sizes: dict[int, int] = {}
    scale = draw.random() < 0.7
    inputs, constants = [], []
    for item in case.model.graph.input:
        if item.name not in names:
            continue
        value = by_name[item.name]
        dtype = item.type.tensor_type.elem_type
        if value.ndim <= 1 and value.size <= 64 and value.dtype.kind in "iufb":
            tensor = numpy_helper.from_array(value, item.name)
            tensor.data_type = dtype
            constants.append(tensor)
            continue
        shape = [
            size if size <= 1 or not scale else sizes.setdefault(size, draw.randint(1, 12)) for size in value.shape
        ]
        inputs.append(helper.make_tensor_value_info(item.name, dtype, shape))
    outputs = [onnx.ValueInfoProto(name=item.name) for item in case.model.graph.output]
    graph = helper.make_graph([node], "g", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def inferred(model: onnx.ModelProto) -> list[tuple[int, list[int | None] | None]] | None:
    """What shape inference says of the outputs; None where it refuses."""
    try:
        found = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception:  # its errors are of several kinds
        return None
    answer: list[tuple[int, list[int | None] | None]] = []
    for item in found.graph.output:
        kind = item.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
        answer.append((kind.elem_type, dims if kind.HasField("shape") else None))
    return answer


def errs(node: onnx.NodeProto, opset: int, dims: list[int | None] | None) -> bool:
    """Whether shape inference is known to be wrong here."""
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    pooled = node.op_type in ("MaxPool", "AveragePool", "LpPool") and opset < 22 and attributes.get("ceil_mode", 0)
    # Before opset 11 there are no negative axes; shape inference takes them, and gives another shape.
    backwards = opset < 11 and any(axis < 0 for axis in attributes.get("axes", ()))
    return bool(pooled or backwards) or any(dim is not None and dim < 0 for dim in dims or ())


def test_older_versions_agree_with_shape_inference() -> None:
    """No size and no type differs, of operators from opset 7 on."""
    draw = random.Random(7)
    newest = onnx.defs.onnx_opset_version()
    compared: Counter[str] = Counter()
    versions: Counter[int] = Counter()
    refused: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(TRIALS):
        case = draw.choice(single_nodes())
        opset = draw.randint(7, newest)
        model = moved(case, opset, draw)
        if model is None:
            continue
        answer = inferred(model)
        if answer is None:
            continue
        try:
            read = read_model(model.SerializeToString())
        except Unreadable:
            continue
        feeds = {
            item.name: Tensor(item.dtype, item.dims)  # type: ignore[arg-type]
            for item in read.graph.inputs
        }
        shapes = propagate(read.graph, feeds, Table(), concrete=True)
        node = model.graph.node[0]
        if any(requirement.held is False for requirement in shapes.requirements):
            refused[node.op_type] += 1
            continue
        for item, (dtype, dims) in zip(read.graph.outputs, answer, strict=True):
            found = shapes.tensors.get(item.name, Tensor())
            label = f"{case.name} at {opset}: {found}, inferred {dtype} {dims}"
            if found.dtype is not None and dtype and found.dtype != dtype:
                wrong.append(label)
            if dims is None or found.shape is None or errs(node, opset, dims):
                continue
            if len(dims) != len(found.shape) or any(
                isinstance(a, int) and b is not None and a != b for a, b in zip(found.shape, dims, strict=True)
            ):
                wrong.append(label)
            compared[node.op_type] += 1
            versions[opset] += 1
    lines = [
        f"{sum(compared.values())} outputs of {len(compared)} operators, {sum(refused.values())} cases refused",
        f"by opset: {dict(sorted(versions.items()))}",
        f"refused: {dict(sorted(refused.items()))}",
        *sorted(set(wrong)),
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert not wrong
    assert sum(compared.values()) >= 1000
    assert len(compared) >= 100
