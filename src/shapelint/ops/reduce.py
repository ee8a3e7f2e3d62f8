"""Operators that reduce axes: ReduceSum and its kind, ArgMax and ArgMin.

The axes are an attribute up to opset 17 (ReduceSum: 12) and an input from then on; both are read at every opset.
Small tensors of integers are reduced by value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.ops.call import INT64, INTEGERS, Call, CannotTell, Dim, Element, Shape, Tensor, known
from shapelint.ops.registry import operator
from shapelint.size import larger, product, smaller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapelint.size import Size


def _sum(sizes: Sequence[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


_BY_VALUE: Final[dict[str, Callable[[Sequence[Size]], Size]]] = {
    "ReduceSum": _sum,
    "ReduceProd": product,
    "ReduceMin": lambda sizes: smaller(*sizes),
    "ReduceMax": lambda sizes: larger(*sizes),
    "ReduceMean": lambda sizes: sizes[0] if len(sizes) == 1 else _mean(sizes),
    "ReduceSumSquare": lambda sizes: _sum([size * size for size in sizes]),
}
"""What is computed exactly on integers."""

_ALONE: Final = frozenset({"ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax", "ReduceMean"})
"""What leaves a single element as it is."""


def _mean(sizes: Sequence[Size]) -> Size:
    total = _sum(sizes)
    if isinstance(total, int) and total % len(sizes) == 0:
        return total // len(sizes)
    # How a runtime rounds a mean of integers is not stated.
    raise CannotTell("a mean of integers that is none")


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
    axes = attributes.get("axes")
    if axes is None and len(inputs) > 1 and inputs[1] is not None:
        given = inputs[1]
        axes = given.numbers
        if axes is None and given.shape != (0,):
            return _unknown_axes(call, x.dtype, shape, given)
    keep = attributes.get("keepdims", 1)
    if not axes:
        if attributes.get("noop_with_empty_axes", 0):
            return x if call.op in _ALONE else x.typed(x.dtype)
        axes = range(len(shape))
    rank = len(shape)
    chosen = set()
    for axis in axes:  # type: ignore[union-attr]
        if not -rank <= axis < rank:  # type: ignore[operator]
            call.axis(axis, rank)  # type: ignore[arg-type]
        chosen.add(axis % rank if rank else 0)  # type: ignore[operator]
    left: list[Dim] = []
    for place, size in enumerate(shape):
        if place not in chosen:
            left.append(size)
        elif keep:
            left.append(1)
    if x.value is None or x.dtype not in INTEGERS:
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
    function = _BY_VALUE.get(op)
    shape = known(x.shape)
    if function is None or shape is None or x.value is None:
        return None
    groups: dict[tuple[int, ...], list[Element]] = {}
    at = [0] * len(shape)
    for element in x.value:
        kept = tuple([index for axis, index in enumerate(at) if axis not in axes])
        groups.setdefault(kept, []).append(element)
        for axis in reversed(range(len(shape))):
            at[axis] += 1
            if at[axis] < shape[axis]:
                break
            at[axis] = 0
    if not groups:
        return None
    try:
        return tuple([
            None if any(isinstance(element, str | float | complex) or element is None for element in group)
            else function(group)  # type: ignore[arg-type]
            for group in groups.values()
        ])  # fmt: skip
    except (CannotTell, TypeError):
        return None


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
