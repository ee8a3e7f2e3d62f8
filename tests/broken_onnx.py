"""Exported networks with one thing broken: a window, a rounding, or a constant that sizes are computed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

KINDS = ("output_padding", "padding", "kernel", "stride", "rounding", "constant", "scale")
CURES: dict[str, str | None] = {
    "output_padding": "output_padding",
    "padding": "window",
    "kernel": "window",
    "stride": "window",
    "rounding": "rounding",
    "constant": "export",
    "baked": "export",
    "scale": None,
}
"""The kind of repair that takes each break back; a changed scale of a Resize has none of its own."""
_POOLS = ("MaxPool", "AveragePool")
_SIZES = {"Reshape": 1, "Expand": 1, "Resize": 3, "Pad": 1}
"""By operator the input that holds sizes."""


@dataclass(frozen=True)
class Break:
    """A changed model, where it was changed, and what stood there."""

    kind: str
    model: onnx.ModelProto
    node: str
    """The name of the node whose attribute or whose size is another one."""
    constant: str = ""
    """The constant that is another one."""


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def _set(node: onnx.NodeProto, name: str, value: Any) -> None:
    for each in list(node.attribute):
        if each.name == name:
            node.attribute.remove(each)
    node.attribute.append(helper.make_attribute(name, value))


def broken(random: Random, model: onnx.ModelProto, kind: str, most: int) -> Iterator[Break]:
    """At most so many breaks of one kind, at nodes drawn by chance."""
    places = [node.name for node in model.graph.node if _can_be(model, node, kind)]
    if kind == "constant":
        places = [name for node in model.graph.node for name in _read_as_sizes(model, node)]
    random.shuffle(places)
    for place in places[:most]:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        if kind == "constant":
            _other_constant(random, copy, place)
            reader = next(node for node in copy.graph.node if place in _read_as_sizes(copy, node))
            yield Break(kind, copy, reader.name, place)
            continue
        node = next(node for node in copy.graph.node if node.name == place)
        if kind == "scale":
            _other_scale(random, copy, node)
        else:
            _other_window(random, node, kind, _kernel(copy, node))
        yield Break(kind, copy, place)


def _can_be(model: onnx.ModelProto, node: onnx.NodeProto, kind: str) -> bool:
    """Whether a node can be broken so."""
    op = node.op_type
    is_strided = max(attribute(node, "strides", [1])) > 1
    if kind == "scale":
        return op == "Resize" and len(node.input) == 3 and _values(model, node.input[2]) is not None
    if kind == "output_padding":
        return op == "ConvTranspose" and is_strided
    if kind in ("kernel", "rounding"):
        return op in _POOLS
    is_window = op in ("Conv", "ConvTranspose", *_POOLS)
    return is_window and (is_strided if kind == "stride" else max(_kernel(model, node)) > 1)


def _read_as_sizes(model: onnx.ModelProto, node: onnx.NodeProto) -> list[str]:
    place = _SIZES.get(node.op_type, 0)
    return list(_constants(model, node.input[place])) if 0 < place < len(node.input) else []


def _kernel(model: onnx.ModelProto, node: onnx.NodeProto) -> list[int]:
    given = attribute(node, "kernel_shape")
    if given is not None:
        return list(given)
    weights = {each.name: list(each.dims) for each in model.graph.initializer}
    return weights.get(node.input[1] if len(node.input) > 1 else "", [1, 1, 1])[2:]


def _other_window(random: Random, node: onnx.NodeProto, kind: str, kernel: list[int]) -> None:
    rank = len(kernel)
    strides = list(attribute(node, "strides", [1] * rank))
    if kind == "output_padding":
        own = list(attribute(node, "output_padding", [0] * rank))
        _set(
            node, kind, [(each + 1) % stride if stride > 1 else each for each, stride in zip(own, strides, strict=True)]
        )
    elif kind == "padding":
        pads = list(attribute(node, "pads", [0] * 2 * rank))
        by = random.choice([1, -1]) if min(pads) > 0 else 1
        # Along an axis with a kernel of 1 nothing is padded.
        _set(node, "pads", [each + by * (kernel[place % rank] > 1) for place, each in enumerate(pads)])
    elif kind == "kernel":
        _set(node, "kernel_shape", [each + 1 for each in kernel])
    elif kind == "stride":
        _set(node, "strides", [each + 1 if each > 1 else each for each in strides])
    else:
        _set(node, "ceil_mode", 1 - attribute(node, "ceil_mode", 0))


# -- constants ---------------------------------------------------------------------------------------------------------


def _producer(model: onnx.ModelProto, name: str) -> onnx.NodeProto | None:
    return next((node for node in model.graph.node if name in node.output), None)


def _values(model: onnx.ModelProto, name: str) -> Any:
    """The numbers of a constant, as an array; None where it is none."""
    for each in model.graph.initializer:
        if each.name == name and each.data_location != onnx.TensorProto.EXTERNAL:
            return numpy_helper.to_array(each)
    node = _producer(model, name)
    if node is not None and node.op_type == "Constant" and attribute(node, "value") is not None:
        return numpy_helper.to_array(attribute(node, "value"))
    return None


def _write(model: onnx.ModelProto, name: str, values: Any) -> None:
    for each in model.graph.initializer:
        if each.name == name:
            each.CopyFrom(numpy_helper.from_array(values, name))
    node = _producer(model, name)
    if node is not None:
        _set(node, "value", numpy_helper.from_array(values))


def _constants(model: onnx.ModelProto, name: str) -> Iterator[str]:
    """The integer constants that a tensor of sizes is put together from, and the places where a size is computed."""
    values = _values(model, name)
    if values is not None:
        if values.dtype == np.int64 and values.max(initial=0) > 1:
            yield name
        return
    node = _producer(model, name)
    if node is not None and node.op_type in ("Concat", "Unsqueeze", "Mul", "Add", "Sub", "Cast", "Slice"):
        inputs = node.input[:1] if node.op_type in ("Unsqueeze", "Slice") else node.input
        for each in inputs:
            yield from _constants(model, each)


def _other_constant(random: Random, model: onnx.ModelProto, name: str) -> None:
    values = _values(model, name).copy()
    large = [place for place in np.ndindex(values.shape) if values[place] > 1]
    values[random.choice(large)] += 1
    _write(model, name, values)


def _other_scale(random: Random, model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    values = _values(model, node.input[2]).copy()
    values[2:] = values[2:] + random.choice([1, -0.5])
    name = f"{node.input[2]}/other"
    model.graph.initializer.append(numpy_helper.from_array(values, name))
    node.input[2] = name


def baked(model: onnx.ModelProto, sizes: dict[str, list[int]]) -> Iterator[Break]:
    """Sizes that are computed from a Shape, written as the numbers of one run: `sizes` of the tensors of that run."""
    for index, node in enumerate(model.graph.node):
        place = _SIZES.get(node.op_type, 0)
        if place == 0 or node.op_type == "Pad" or len(node.input) <= place:
            continue
        name = node.input[place]
        if _values(model, name) is not None or name not in sizes:
            continue
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        constant = f"{name}/baked"
        copy.graph.initializer.append(numpy_helper.from_array(np.array(sizes[name], np.int64), constant))
        copy.graph.node[index].input[place] = constant
        yield Break("baked", copy, node.name, constant)
