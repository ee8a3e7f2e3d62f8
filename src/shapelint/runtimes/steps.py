"""A node and the tensors that enter it -> its steps, one an axis; none where a parameter is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapelint.ops.arithmetic import AxisWindow
from shapelint.ops.call import UNKNOWN, Call, CannotTell
from shapelint.ops.layer import windows_of
from shapelint.ops.window import kernel_of, window_of
from shapelint.runtimes.register import REGISTER, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shapelint.graph import Graph, Node
    from shapelint.ops.call import Shape, Tensor
    from shapelint.size import Size, Table

WINDOWS: Final = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool")


def steps_of(node: Node, tensors: Mapping[str, Tensor], table: Table) -> list[Step]:
    """The steps of a node about which the register has an entry."""
    if node.domain or not any(node.op in entry.operators and node.rule == entry.rule for entry in REGISTER):
        return []
    leaves = tensors.get(node.outputs[0], UNKNOWN).shape
    call = _call(node, tensors, table)
    if leaves is None or call.operand(0).shape is None:
        return []
    try:
        return list(_steps(call, leaves))
    except (CannotTell, ValueError, TypeError, IndexError):
        # A node that makes no sense is told of where sizes are propagated.
        return []


def _call(node: Node, tensors: Mapping[str, Tensor], table: Table) -> Call:
    def run(graph: Graph, given: Sequence[Tensor | None]) -> list[Tensor]:
        raise CannotTell("a window has no subgraph")

    inputs = [tensors.get(name) if name else None for name in node.inputs]
    count = sum(bool(name) for name in node.outputs)
    return Call(node.path, node.op, node.version, node.attributes, inputs, count, table, [], run, rule=node.rule)


def _steps(call: Call, leaves: Shape) -> Iterator[Step]:
    if call.op in WINDOWS:
        yield from _windows(call, leaves)
    else:
        yield from _scales(call, leaves)


def _windows(call: Call, leaves: Shape) -> Iterator[Step]:
    enters = call.operand(0).shape or ()
    first = call.number("first", 2)
    windows: Sequence[AxisWindow | None]
    requested: Any = call.attributes.get("output_size")
    if call.rule == "onnx":
        windows = _of_onnx(call, len(enters) - 2)
        requested = call.numbers("output_shape")
        requested = None if requested is None else requested[len(requested) - len(windows) :]
    else:
        windows = windows_of(call, call.number("rank", 0))
    for place, window in enumerate(windows):
        axis = first + place
        n, text = enters[axis], leaves[axis]
        if n is not None and text is not None and window is not None:
            wanted: Size | None = None if requested is None else requested[place]
            yield Step(call, axis, n, text, window=window, requested=wanted)


def _of_onnx(call: Call, rank: int) -> list[AxisWindow]:
    if call.op in ("Conv", "ConvTranspose"):
        kernel = kernel_of(call, call.operand(1), rank)
    else:
        kernel = call.numbers("kernel_shape") or ()
    window = window_of(call, tuple(kernel))
    extra = window.output_padding or (0,) * rank
    parts = zip(window.kernel, window.stride, window.dilation, window.begin, window.end, extra, strict=True)
    return [AxisWindow(k, s, d, pb, pe, window.auto_pad, window.ceil, op) for k, s, d, pb, pe, op in parts]


def _scales(call: Call, leaves: Shape) -> Iterator[Step]:
    enters = call.operand(0).shape or ()
    if call.rule != "onnx":
        first, given = call.number("first", 2), call.attributes.get("scales")
        scales: Any = given if isinstance(given, tuple) else ()
        first = len(enters) - len(scales)
    else:
        first, scales = 0, _of_resize(call, len(enters))
    for place, scale in enumerate(scales):
        axis = first + place
        n, text = enters[axis], leaves[axis]
        if n is not None and text is not None and isinstance(scale, int | float):
            yield Step(call, axis, n, text, scale=float(scale))


def _of_resize(call: Call, rank: int) -> Sequence[Any]:
    """The scale of every axis of a Resize or an Upsample that is given scales."""
    if call.op == "Upsample":
        value: Any = call.numbers("scales") if call.version < 9 else call.operand(1).value
        return () if value is None or len(value) != rank else tuple(value)
    tensor = call.input(1 if call.version < 11 else 2)
    if (
        tensor is None
        or tensor.value is None
        or call.text("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    ):
        return ()
    named = call.numbers("axes") if call.version >= 18 else None
    axes = range(rank) if named is None else [call.axis(axis, rank) for axis in named]
    found: list[Any] = [1.0] * rank
    for axis, scale in zip(axes, tensor.value, strict=False):
        found[axis] = scale
    return found
