"""Between which ends the elements of a tensor lie whose values are not followed one by one.

Exporters compute indices from sizes: `Range`, arithmetic on it, and a gather. What lies along an axis that is free has
no list of elements, but its least and its greatest are expressions. An index that the data decides has no ends here and
asks nothing: what it refuses, no size decides. MaxPool's indices are the exception: which of them occur is data, where
they may lie is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shapelint.graph import Constant
from shapelint.ops.call import BOOL, INTEGERS
from shapelint.ops.ends import (
    COMPARED,
    MOST_COMPARED,
    PAIRS,
    SINGLE,
    UNREAD,
    Ends,
    Ranges,
    absolute,
    axes_apart,
    by_columns,
    is_known,
    of_one,
    of_values,
    paired,
    union,
    whole,
)
from shapelint.ops.indices import INDEXED
from shapelint.ops.values import is_nonnegative
from shapelint.size import (
    cdiv,
    product,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapelint.ops.call import Call, Tensor
    from shapelint.size import Size


def of_constant(constant: Constant) -> Ranges | None:
    """What is known of a constant of integers whose values are not read; None where they are, or it is none."""
    return UNREAD if constant.values is None and constant.dtype in INTEGERS else None


# -- where tensors come from -----------------------------------------------------------------------------------------


def _arange(call: Call, result: Tensor) -> Ranges:
    given = [call.operand(place).ints for place in range(3)]
    if result.shape is None or any(not value for value in given):
        return ()
    first, limit, step = (value[0] for value in given if value)
    if (isinstance(step, int) and step == 0) or not (isinstance(step, int) or is_nonnegative(step)):
        return ()
    # Where there is an element at all, this is the last.
    last = first + step * (cdiv(limit - first, step) - 1)
    if isinstance(step, int) and step < 0:
        first, last = last, first
    return (Ends(first, last, True, frozenset({-1})),)


def _fill(call: Call, result: Tensor) -> Ranges:
    value = call.attributes.get("value")
    fill = value.values[0] if isinstance(value, Constant) and value.values else None
    return () if fill is None else (Ends(fill, fill, True, frozenset()),)


def _pool_indices(call: Call, result: Tensor) -> Ranges:
    """From the first element of the first window to the last of the last, of a plane that is not padded."""
    shape, form = call.operand(0).shape, result.shape
    if shape is None or form is None or None in shape or None in form or call.number("storage_order", 0):
        return ()
    sizes: tuple[Size, ...] = shape[2:]  # type: ignore[assignment]
    rank = len(sizes)
    kernel = call.numbers("kernel_shape") or (1,) * rank
    dilations, strides = call.numbers("dilations") or (1,) * rank, call.numbers("strides") or (1,) * rank
    plain = not any(call.numbers("pads") or ()) and not call.number("ceil_mode", 0)
    plain = plain and call.text("auto_pad", "NOTSET") in ("NOTSET", "VALID")
    first: Size = 0
    last: Size = 0
    for axis, size in enumerate(sizes):
        begin: Size = (form[axis + 2] - 1) * strides[axis]  # type: ignore[operator]
        first = first * size + begin
        last = last * size + begin + (kernel[axis] - 1) * dilations[axis]
    along, plane = frozenset(range(-rank, 0)), product(sizes)
    planes = (product(shape[:2]), plane)  # type: ignore[arg-type]
    if plain and all(number == 1 for number in (*kernel, *strides)):
        return (Ends(0, plane - 1, True, along, planes, True),)
    return (Ends(0, last if plain else plane - 1, False, along, planes, False, (plane - 1, first) if plain else None),)


_MADE: Final[dict[str, Callable[[Call, Tensor], Ranges]]] = {"Range": _arange, "ConstantOfShape": _fill}


# -- moved about -----------------------------------------------------------------------------------------------------

_KEPT: Final = frozenset({"Identity", "Expand", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Tile"})
"""Operators after which every element is still there, and no other."""
_PICKED: Final = frozenset({"Slice", "Gather", "GatherND", "GatherElements", "Split"})
"""Operators after which some elements are there, and no other."""


def _moved(call: Call, result: Tensor, ranges: Ranges) -> Ranges:
    """The ends of elements that are moved about, with the axes along which they then differ."""
    x, op = call.operand(0), call.op
    if op in ("Identity", "Expand"):
        return ranges
    ends = whole(ranges, x)
    if ends is None or x.shape is None or result.shape is None:
        return ()
    axes = axes_apart(result.shape)
    if op == "Transpose":
        order = call.numbers("perm")
        rank = len(x.shape)
        if order is None:
            order = tuple(range(rank - 1, -1, -1))
        axes = frozenset(place - rank for place, axis in enumerate(order) if axis - rank in ends.along)
    elif op in ("Unsqueeze", "Squeeze", "Reshape") and len(ends.along) == 1:
        # The axis that has all of them is told by its size.
        (axis,) = ends.along
        size, rank = x.shape[axis], len(result.shape)
        same = [place - rank for place, dim in enumerate(result.shape) if dim is size or dim == size]
        axes = frozenset(same) if len(same) == 1 else axes
    ends = absolute(ends, x.shape)
    return (replace(ends, along=axes, in_order=False),)


def _picked(call: Call, result: Tensor, ranges: Ranges) -> Ranges:
    x = call.operand(0)
    ends = whole(ranges, x)
    if ends is None or result.shape is None:
        return ()
    if ends.in_order and call.op == "Slice" and ends.planes is not None:
        # The first element of each plane, where torch's exporter counts from.
        starts, stops, axes = (call.operand(place).numbers for place in (1, 2, 3))
        if starts and not any(starts) and set(stops or ()) == {1} and axes == tuple(range(2, len(result.shape))):
            return (Ends(ends.low, ends.low, True, frozenset(), ends.planes),)
    if call.op == "Slice":
        return (replace(ends, attained=False, in_order=False, others=None),)
    return (replace(absolute(ends, x.shape), attained=False, along=axes_apart(result.shape), others=None),)


def _joined(call: Call, result: Tensor, given: Sequence[Ranges]) -> Ranges:
    shapes = [call.operand(place).shape for place in range(len(call.inputs))]
    rank = len(result.shape or ())
    if not all(given) or not rank:
        return ()
    if call.number("axis", 1) in (-1, rank - 1):
        columns: list[Ends] = []
        for shape, ranges in zip(shapes, given, strict=True):
            if not shape or not isinstance(shape[-1], int) or len(columns) + shape[-1] > MOST_COMPARED:
                break
            columns.extend(ranges if len(ranges) == shape[-1] else ranges * shape[-1] if len(ranges) == 1 else ())
        else:
            if len(columns) == (result.shape or (None,))[-1]:
                return tuple([absolute(ends, result.shape) for ends in columns])
    parts = [whole(ranges, result) for ranges in given]
    found = None if None in parts else union([absolute(part, result.shape) for part in parts if part], result.dtype)
    return () if found is None else (replace(found, along=axes_apart(result.shape)),)


# -- one node --------------------------------------------------------------------------------------------------------

SOURCES: Final = frozenset({*_MADE, "MaxPool", "Expand", "Tile", *INDEXED})
"""The operators that concern ranges whatever enters them: what they give may not be followed where that is."""
_BLIND: Final = frozenset(
    {"Bernoulli", "If", "Loop", "Multinomial", "RandomNormalLike", "RandomUniformLike", "Scan", "SequenceMap"}
)
"""Operators of which nothing is concluded from what enters them."""


_FOLLOWED: Final = SINGLE | PAIRS | COMPARED | {"Concat", "Clip", "Where"}


def ranges_of(call: Call, results: Sequence[Tensor], given: Sequence[Ranges | None]) -> dict[int, Ranges]:
    """The ends of the results whose elements are not followed, by their place among them.

    `given`: the same of the operands; None where the data decides, or the operand is left out.
    """
    if call.op == "MaxPool":
        return {1: _pool_indices(call, results[1])} if call.outputs > 1 else {}
    if call.op in _BLIND:
        return {}
    decided = all(
        given[place] is not None or tensor is None or is_known(tensor) for place, tensor in enumerate(call.inputs)
    )
    if not decided:
        return {}
    return {place: _of_result(call, result, given) for place, result in enumerate(results) if not is_known(result)}


def _of_result(call: Call, result: Tensor, given: Sequence[Ranges | None]) -> Ranges:
    op = call.op
    make = _MADE.get(op)
    if make is not None:
        return make(call, result)
    if op in _KEPT or op in _PICKED:
        first = call.inputs[0]
        ranges = given[0] or (of_values(first) if first is not None and is_known(first) else ())
        return () if not ranges else (_moved if op in _KEPT else _picked)(call, result, ranges)
    if op not in _FOLLOWED or () in given:
        return ()
    operands: list[Ranges] = []
    for place, tensor in enumerate(call.inputs):
        if tensor is not None:
            operands.append(given[place] or (of_values(tensor) if is_known(tensor) else ()))
    if op == "Concat":
        return _joined(call, result, operands)
    if not all(operands):
        return ()
    if op in SINGLE:
        return by_columns(operands, lambda parts: of_one(call, parts[0], result.dtype))
    if op != "Where":
        return _folded(call, result, operands)
    if len(operands[0]) == 1 and isinstance(operands[0][0].low, bool) and operands[0][0].is_one:
        return operands[1] if operands[0][0].low else operands[2]
    return by_columns(operands[1:], lambda parts: union(parts, result.dtype))


def _folded(call: Call, result: Tensor, operands: list[Ranges]) -> Ranges:
    op, dtype = call.op, BOOL if call.op in COMPARED else result.dtype
    if op == "Mod" and call.number("fmod", 0):
        return ()
    ops = [op] * (len(operands) - 1)
    if op == "Clip":
        bounds = [name for place, name in ((1, "Max"), (2, "Min")) if call.input(place) is not None]
        if call.version < 11 or len(bounds) != len(operands) - 1:
            return ()
        ops = bounds
    shapes = [tensor.shape for tensor in call.inputs if tensor is not None]
    total, shape = operands[0], shapes[0]
    for by, ranges, other in zip(ops, operands[1:], shapes[1:], strict=True):
        here = (shape, other)
        total = by_columns([total, ranges], lambda parts: paired(by, parts[0], parts[1], dtype, here))  # noqa: B023
        shape = result.shape
        if not total:
            break
    return total
