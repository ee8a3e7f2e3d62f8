"""Operators that reduce axes: ReduceSum and its kind, ArgMax and ArgMin.

The axes are an attribute up to opset 17 (ReduceSum: 12) and an input from then on; both are read at every opset.
Small tensors of integers are reduced by value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapelint.ops.call import FLOATS, INT64, Call, CannotTell, Dim, Element, Shape, Tensor, known
from shapelint.ops.registry import operator
from shapelint.ops.values import arithmetic

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAIRS: Final = {
    "ReduceSum": "Add",
    "ReduceProd": "Mul",
    "ReduceMin": "Min",
    "ReduceMax": "Max",
    "ReduceMean": "Add",
}
"""What is computed on small tensors, and what leaves a single element as it is."""


@operator(
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
def reduced(call: Call) -> Tensor:
    """ONNX Reduce*-1/11/12/13/18/20: each reduced axis is 1, or is dropped where `keepdims` is 0.

    No axes at all, and an empty list of them, mean every axis, or none where `noop_with_empty_axes` is set.
    """
    inputs = call.inputs
    x = inputs[0]
    if x is None or x.shape is None:
        return Tensor(None if x is None else x.dtype)
    shape = x.shape
    attributes = call.attributes
    axes: Any = attributes.get("axes")
    if axes is None and len(inputs) > 1 and inputs[1] is not None:
        given = inputs[1]
        axes = given.numbers
        if axes is None and given.shape != (0,):
            return _unknown_axes(call, x.dtype, shape, given)
    keep = attributes.get("keepdims", 1)
    if not axes:
        if attributes.get("noop_with_empty_axes", 0):
            return x if call.op in _PAIRS else x.typed(x.dtype)
        axes = range(len(shape))
    rank = len(shape)
    chosen: set[int] = set()
    for axis in axes:
        if not -rank <= axis < rank:
            call.axis(axis, rank)
        chosen.add(axis % rank if rank else 0)
    left: list[Dim] = []
    for place, size in enumerate(shape):
        if place not in chosen:
            left.append(size)
        elif keep:
            left.append(1)
    if x.value is None:
        return Tensor(x.dtype, tuple(left))
    return Tensor(x.dtype, tuple(left), _by_value(call.op, x, sorted(chosen)))


def _unknown_axes(call: Call, dtype: int | None, shape: Shape, axes: Tensor) -> Tensor:
    """Data decides which axes are reduced: at most the rank is known."""
    rank = len(shape)
    if not call.number("keepdims", 1):
        chosen = known(axes.shape)
        if chosen is None or len(chosen) != 1:
            raise CannotTell("the axes are not known")
        rank -= chosen[0]
    return Tensor(dtype, tuple([call.opaque(f"axis {axis}") for axis in range(rank)]))


def _by_value(op: str, x: Tensor, axes: Sequence[int]) -> tuple[Element, ...] | None:
    """The reduced values, element by element unknown where one that enters is."""
    shape, pair = known(x.shape), arithmetic(_PAIRS.get(op, ""), x.dtype)
    if pair is None or shape is None or x.value is None:
        return None
    groups: dict[tuple[int, ...], list[Any]] = {}
    at = [0] * len(shape)
    for element in x.value:
        groups.setdefault(tuple([index for axis, index in enumerate(at) if axis not in axes]), []).append(element)
        for axis in reversed(range(len(shape))):
            at[axis] += 1
            if at[axis] < shape[axis]:
                break
            at[axis] = 0
    exact = x.dtype not in FLOATS or op in ("ReduceMin", "ReduceMax")
    found: list[Element] = []
    for group in groups.values():
        total: Element = group[0]
        if not exact and len(group) > 2:
            # The order in which a runtime adds floats is not stated.
            total = None
        for element in group[1:]:
            total = None if total is None or element is None else pair(total, element)
        if op == "ReduceMean" and len(group) > 1:
            total = _mean(total, len(group))
        found.append(total)
    return tuple(found) if found else None


def _mean(total: Element, number: int) -> Element:
    """The mean of integers where it is one: how a runtime rounds another is not stated."""
    return total // number if type(total) is int and total % number == 0 else None


@operator("ArgMax", "ArgMin")
def arg_extreme(call: Call) -> Tensor:
    """ONNX ArgMax/ArgMin-1/11/12/13: positions along one axis, int64."""
    shape = call.operand(0).shape
    if shape is None:
        return Tensor(INT64)
    axis = call.axis(call.number("axis", 0), len(shape))
    if not shape:
        return Tensor(INT64, ())
    middle: Shape = (1,) if call.number("keepdims", 1) else ()
    return Tensor(INT64, shape[:axis] + middle + shape[axis + 1 :])
