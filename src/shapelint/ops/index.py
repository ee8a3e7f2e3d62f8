"""Operators that pick elements: gathering, scattering, slicing, and those whose sizes only the data decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.ops.call import INT64, MOST_ELEMENTS, CannotTell, Tensor, count, known
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator
from shapelint.ops.values import is_nonnegative, nonnegative, places, strides
from shapelint.size import Expr, at_least, cdiv, high, larger, low, product, select, smaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Element, Shape
    from shapelint.size import Size

_MOST_CHECKED: Final = 64
"""Longer index tensors are data; whether they lie within their axis is not asked."""


# -- gathering -------------------------------------------------------------------------------------------------------


@operator("Gather")
def gather(call: Call) -> Tensor:
    """ONNX Gather-1/11/13: the indices' shape in the place of `axis`."""
    x, indices = call.operand(0), call.operand(1)
    shape, form = x.shape, indices.shape
    if shape is None:
        return Tensor(x.dtype)
    axis = call.number("axis", 0)
    rank = len(shape)
    if not 0 <= axis < rank:
        axis = call.axis(axis, rank)
    picked = indices.value
    if picked is not None:
        size = shape[axis]
        if size is not None:
            if len(picked) == 1 and isinstance(size, int) and type(picked[0]) is int:
                if not -size <= picked[0] < size:
                    _within(call, picked, size, axis)
            elif len(picked) <= _MOST_CHECKED:
                _within(call, picked, size, axis)
        if x.value is not None and rank == 1 and form is not None:
            value = x.value
            if len(picked) == 1:
                return Tensor(x.dtype, form, (_at(value, picked[0]),))
            return Tensor(x.dtype, form, tuple([_at(value, place) for place in picked]))
    if form is None:
        return Tensor(x.dtype)
    if rank == 1:
        return Tensor(x.dtype, form)
    result = (*shape[:axis], *form, *shape[axis + 1 :])
    if x.value is None or indices.numbers is None:
        return Tensor(x.dtype, result)
    return Tensor(x.dtype, result, _gathered(x, indices.numbers, axis))


def _at(value: tuple[Element, ...], place: Element) -> Element:
    return value[place] if isinstance(place, int) and -len(value) <= place < len(value) else None


def _within(call: Call, picked: Sequence[Element], size: Size, axis: int, operands: tuple[int, int] = (1, 0)) -> None:
    """State that indices lie in [-size, size)."""
    numbers: list[int] = []
    for index in picked:
        if isinstance(index, int):
            numbers.append(index)
        elif isinstance(index, Expr):
            call.require(
                "limit", at_least(size - 1, index), index, size, axis=axis, operands=operands, detail="an index"
            )
            least = low(index)
            if least is None or least < 0:
                call.require(
                    "limit", at_least(index + size, 0), index, size, axis=axis, operands=operands, detail="an index"
                )
    if numbers:
        most, least = max(numbers), min(numbers)
        if most >= 0:
            call.require(
                "limit", at_least(size - 1, most), most, size, axis=axis, operands=operands, detail=f"index {most}"
            )
        if least < 0:
            call.require(
                "limit", at_least(size, -least), least, size, axis=axis, operands=operands, detail=f"index {least}"
            )


def _gathered(x: Tensor, picked: tuple[int, ...], axis: int) -> tuple[Element, ...] | None:
    dims, value = known(x.shape), x.value
    if dims is None or value is None:
        return None
    block = count(dims[axis + 1 :])
    whole = block * dims[axis]
    if count(dims[:axis]) * len(picked) * block > MOST_ELEMENTS:
        return None
    made: list[Element] = []
    for start in range(0, len(value), whole or 1):
        for index in picked:
            if not -dims[axis] <= index < dims[axis]:
                return None
            place = start + (index % dims[axis]) * block
            made.extend(value[place : place + block])
    return tuple(made)


@operator("GatherElements")
def gather_elements(call: Call) -> Tensor:
    """ONNX GatherElements-11/13: the indices' shape; one element of the data for each index."""
    x, indices = call.operand(0), call.operand(1)
    if x.shape is not None and indices.shape is not None:
        rank = len(x.shape)
        if len(indices.shape) != rank:
            illegal(call, f"indices of {len(indices.shape)} axes into {rank}")
        axis = call.axis(call.number("axis", 0), rank)
        for place, (have, most) in enumerate(zip(indices.shape, x.shape, strict=True)):
            if place != axis and have is not None and most is not None and have is not most:
                call.require(
                    "limit", at_least(most, have), have, most, axis=place, operands=(1, 0), detail="the indices"
                )
        picked = indices.numbers
        if rank == 1 and picked is not None and x.value is not None and len(picked) <= MOST_ELEMENTS:
            size = x.shape[0]
            if isinstance(size, int):
                _within(call, picked, size, 0)
                if all(-size <= index < size for index in picked):
                    return Tensor(x.dtype, indices.shape, tuple([x.value[index] for index in picked]))
    return Tensor(x.dtype, indices.shape)


@operator("GatherND")
def gather_nd(call: Call) -> Tensor:
    """ONNX GatherND-11/12/13: the indices' last axis names leading axes of the data, after `batch_dims` of both."""
    x, indices = call.operand(0), call.operand(1)
    shape, form = x.shape, indices.shape
    if shape is None or form is None:
        return Tensor(x.dtype)
    if not form or not shape:
        illegal(call, "the data or the indices have no axis")
    batch, depth = call.number("batch_dims", 0), form[-1]
    for axis in range(min(batch, len(form), len(shape))):
        match(call, form[axis], shape[axis], axis=axis, operands=(1, 0), detail="a batch axis")
    if depth is None:
        return Tensor(x.dtype)
    if not isinstance(depth, int):
        raise CannotTell(f"the last axis of its indices is {depth}")
    if batch + depth > len(shape):
        illegal(call, f"indices of {depth} numbers into {len(shape) - batch} axes")
    result = form[:-1] + shape[batch + depth :]
    dims, flat, value = known(shape), indices.numbers, x.value
    if value is None or flat is None or dims is None or batch or not depth:
        return Tensor(x.dtype, result)
    steps = strides(dims)
    block = count(dims[depth:])
    if len(flat) // depth * block > MOST_ELEMENTS:
        return Tensor(x.dtype, result)
    made: list[Element] = []
    for start in range(0, len(flat), depth):
        place = _offset(call, flat[start : start + depth], dims, steps)
        made.extend(value[place : place + block])
    return Tensor(x.dtype, result, tuple(made))


def _offset(call: Call, indices: Sequence[int], dims: Sequence[int], steps: Sequence[int]) -> int:
    """The flat position of the element or block that the indices name."""
    place = 0
    for index, size, step in zip(indices, dims, steps, strict=False):
        if not -size <= index < size:
            illegal(call, f"index {index} into {size}")
        place += (index % size) * step
    return place


# -- scattering ------------------------------------------------------------------------------------------------------


@operator("Scatter", "ScatterElements")
def scatter_elements(call: Call) -> Tensor:
    """ONNX Scatter-9/11, ScatterElements-11/13/16/18: the data with some elements replaced."""
    x, indices, updates = call.operand(0), call.operand(1), call.operand(2)
    shape, form = x.shape, indices.shape
    if form is not None and updates.shape is not None and form != updates.shape:
        if len(form) != len(updates.shape):
            illegal(call, f"updates of {len(updates.shape)} axes for indices of {len(form)}")
        for axis, (have, wanted) in enumerate(zip(updates.shape, form, strict=True)):
            match(call, have, wanted, axis=axis, operands=(2, 1), detail="the updates")
    if shape is not None and form is not None:
        rank = len(shape)
        if len(form) != rank:
            illegal(call, f"indices of {len(form)} axes into {rank}")
        axis = call.axis(call.number("axis", 0), rank)
        for place, (size, most) in enumerate(zip(form, shape, strict=True)):
            if place != axis and size is not None and most is not None and size is not most:
                call.require(
                    "limit", at_least(most, size), size, most, axis=place, operands=(1, 0), detail="the indices"
                )
    if x.value is None:
        return x
    picked, new = indices.numbers, updates.value
    if picked is None or new is None or len(shape or ()) != 1 or call.text("reduction", "none") != "none":
        return Tensor(x.dtype, shape)
    value = list(x.value)
    _within(call, picked, len(value), 0)
    for index, element in zip(picked, new, strict=True):
        if -len(value) <= index < len(value):
            value[index] = element
    return Tensor(x.dtype, shape, tuple(value))


@operator("ScatterND")
def scatter_nd(call: Call) -> Tensor:
    """ONNX ScatterND-11/13/16/18: the data with some slices replaced; updates are indices.shape[:-1] + the rest."""
    x, indices, updates = call.operand(0), call.operand(1), call.operand(2)
    shape, form = x.shape, indices.shape
    if shape is None or form is None:
        return x
    if not form:
        illegal(call, "the indices have no axis")
    depth = form[-1]
    if not isinstance(depth, int):
        return x if x.value is None else Tensor(x.dtype, shape)
    if depth > len(shape):
        illegal(call, f"indices of {depth} numbers into {len(shape)} axes")
    wanted = form[:-1] + shape[depth:]
    if updates.shape is not None and updates.shape != wanted:
        if len(updates.shape) != len(wanted):
            illegal(call, f"updates of {len(updates.shape)} axes where {len(wanted)} are needed")
        for axis, (have, size) in enumerate(zip(updates.shape, wanted, strict=True)):
            match(call, have, size, axis=axis, operands=(2, 1), detail="the updates")
    if x.value is None:
        return x
    dims, flat, new = known(shape), indices.numbers, updates.value
    if dims is None or flat is None or new is None or not depth or call.text("reduction", "none") != "none":
        return Tensor(x.dtype, shape)
    value, steps, block = list(x.value), strides(dims), count(dims[depth:])
    for number, start in enumerate(range(0, len(flat), depth)):
        place = _offset(call, flat[start : start + depth], dims, steps)
        value[place : place + block] = new[number * block : (number + 1) * block]
    return Tensor(x.dtype, shape, tuple(value))


# -- slicing ---------------------------------------------------------------------------------------------------------

_FAR: Final = (1 << 31) - 1
"""A bound this far out is none."""


@operator("Slice")
def slice_of(call: Call) -> Tensor:
    """ONNX Slice-1 (attributes), 10/11/13: max(0, ceil((end - start) / step)) of the clamped bounds along each axis.

    Forward, both bounds clamp to [0, n]; backward, the start to [0, n-1] and the end to [-1, n-1].
    """
    x = call.operand(0)
    shape = x.shape
    if shape is None:
        return Tensor(x.dtype)
    steps: Sequence[Element] | None = None
    axes: tuple[int, ...] | None = None
    if call.version < 10:
        starts: Sequence[Element] | None = call.numbers("starts")
        ends: Sequence[Element] | None = call.numbers("ends")
        axes = call.numbers("axes")
    else:
        inputs = call.inputs
        starts, ends = call.operand(1).value, call.operand(2).value
        if len(inputs) > 3 and inputs[3] is not None:
            axes = inputs[3].numbers
            if axes is None:
                return Tensor(x.dtype, tuple([call.opaque(f"axis {axis}") for axis in range(len(shape))]))
        if len(inputs) > 4 and inputs[4] is not None:
            steps = inputs[4].value
            if steps is None and inputs[4].shape is not None:
                steps = (None,) * len(shape)
    if axes is None:
        length = len(starts) if starts is not None else _length(call, len(shape))
        axes = tuple(range(length))
    if starts is None:
        starts = (None,) * len(axes)
    if ends is None:
        ends = (None,) * len(axes)
    if not len(axes) == len(starts) == len(ends) or (steps is not None and len(steps) < len(axes)):
        illegal(call, f"{len(starts)} starts and {len(ends)} ends for {len(axes)} axes")
    dims = list(shape)
    taken: list[tuple[int, int, int]] = []
    for place, axis in enumerate(axes):
        axis = call.axis(axis, len(shape))
        size, step = shape[axis], 1 if steps is None else steps[place]
        if isinstance(step, int) and step == 0:
            illegal(call, f"a step of 0 along axis {axis}")
        start, end = starts[place], ends[place]
        if isinstance(size, int) and isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
            first, number = _span(size, start, end, step)
            dims[axis] = number
            taken.append((axis, first, step))
        elif size is None:
            dims[axis] = None
        else:
            dims[axis] = _sliced(call, size, start, end, step, axis)
    result = tuple(dims)
    if x.value is None or len(taken) < len(axes):
        return Tensor(x.dtype, result)
    have, target = known(shape), known(result)
    if have is None or target is None:
        return Tensor(x.dtype, result)
    if len(have) == 1 and taken and taken[0][2] == 1:
        first = taken[0][1]
        return Tensor(x.dtype, result, x.value[first : first + target[0]])
    along, first = strides(have), 0
    for axis, begin, step in taken:
        first += begin * along[axis]
        along[axis] *= step
    found = places(target, along, first)
    return Tensor(x.dtype, result, tuple([x.value[place] for place in found]))


def _length(call: Call, rank: int) -> int:
    shape = call.operand(1).shape
    if shape and isinstance(shape[0], int):
        return min(shape[0], rank)
    return rank


def _span(size: int, start: int, end: int, step: int) -> tuple[int, int]:
    """The first index and the number of elements of a slice of numbers."""
    if start < 0:
        start += size
    if end < 0:
        end += size
    if step > 0:
        start, end = min(max(start, 0), size), min(max(end, 0), size)
        return start, max(0, -(-(end - start) // step))
    start, end = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    return start, max(0, -(-(start - end) // -step))


def _sliced(call: Call, size: Size, start: Element, end: Element, step: Element, axis: int) -> Dim:
    if not isinstance(start, int | Expr) or not isinstance(end, int | Expr) or not isinstance(step, int):
        return call.opaque(f"axis {axis}")
    return span(size, start, end, step)


def span(size: Size, start: Size, end: Size, step: int) -> Size:
    """The number of elements of a slice, whatever the signs of its bounds."""
    if step > 0:
        # Only the start's lower clamp and the end's upper one matter: past the others the result is 0 anyway.
        if _is_far(start) or _is_far(end, below=True):
            return 0
        front: Size = 0 if _is_far(start, below=True) else _wrapped(size, start)
        back: Size = size if _is_far(end) else _wrapped(size, end)
        starts = [front] if is_nonnegative(front) else [front, 0]
        ends = [back] if back is size else [back, size]
        return nonnegative(smaller(*[cdiv(last - first, step) for last in ends for first in starts]))
    if _is_far(end):
        return 0
    begin: Size = 0
    if _is_far(start):
        begin = size - 1
    elif not _is_far(start, below=True):
        begin = smaller(larger(_wrapped(size, start), 0), size - 1)
    last: Size = -1
    if not _is_far(end, below=True):
        last = _wrapped(size, end)
        if not is_nonnegative(last):
            last = larger(last, -1)
    if isinstance(last, int) and last == -1 and isinstance(size, Expr) and begin is size - 1:
        return cdiv(size, -step)
    return nonnegative(cdiv(begin - last, -step))


def _is_far(bound: Size, *, below: bool = False) -> bool:
    return isinstance(bound, int) and (bound <= -_FAR if below else bound >= _FAR)


def _wrapped(size: Size, bound: Size) -> Size:
    """`bound`, from the end where it is negative."""
    if isinstance(bound, int):
        return bound if bound >= 0 else size + bound
    if is_nonnegative(bound):
        return bound
    most = high(bound)
    if most is not None and most < 0:
        return size + bound
    return select(at_least(bound, 0), bound, size + bound)


# -- by the data -----------------------------------------------------------------------------------------------------


@operator("Compress")
def compress(call: Call) -> Tensor:
    """ONNX Compress-9/11: as many as the condition is true along `axis`, or of all elements."""
    x, condition = call.operand(0), call.operand(1).value
    number: Dim = None
    if condition is not None and all(isinstance(element, bool | int) for element in condition):
        number = sum(1 for element in condition if element)
    if "axis" not in call.attributes:
        return Tensor(x.dtype, (call.opaque("the number of elements") if number is None else number,))
    if x.shape is None:
        return Tensor(x.dtype)
    axis = call.axis(call.number("axis", 0), len(x.shape))
    if number is None:
        number = call.opaque(f"axis {axis}")
    return Tensor(x.dtype, (*x.shape[:axis], number, *x.shape[axis + 1 :]))


@operator("NonZero")
def non_zero(call: Call) -> Tensor:
    """ONNX NonZero-9/13: [rank, the number of elements that are not zero]."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(INT64, (None, call.opaque("the number of elements")))
    rank = len(x.shape)
    if x.value is not None and all(isinstance(element, int | float) for element in x.value):
        found = [place for place, element in enumerate(x.value) if element]
        value = tuple(found) if rank == 1 else None
        return Tensor(INT64, (rank, len(found)), value)
    return Tensor(INT64, (rank, call.opaque("the number of elements")))


@operator("Unique")
def unique(call: Call) -> list[Tensor]:
    """ONNX Unique-11: the values, and three index tensors."""
    x = call.operand(0)
    number = call.opaque("the number of values")
    index = Tensor(INT64, (number,))
    if "axis" not in call.attributes:
        total = x.sizes
        back: Dim = None if total is None else product(total)
        return [Tensor(x.dtype, (number,)), index, Tensor(INT64, (back,)), index]
    if x.shape is None:
        return [Tensor(x.dtype), index, Tensor(INT64, (None,)), index]
    axis = call.axis(call.number("axis", 0), len(x.shape))
    shape: Shape = (*x.shape[:axis], number, *x.shape[axis + 1 :])
    return [Tensor(x.dtype, shape), index, Tensor(INT64, (x.shape[axis],)), index]


@operator("TopK")
def top_k(call: Call) -> list[Tensor]:
    """ONNX TopK-1 (attribute k), 10/11/24: k of the elements along `axis`, which has at least as many."""
    x = call.operand(0)
    if x.shape is None:
        return [Tensor(x.dtype), Tensor(INT64)]
    axis = call.axis(call.number("axis", -1), len(x.shape))
    wanted: Element = None
    if call.version < 10:
        wanted = call.number("k", 0)
    else:
        given = call.operand(1).value
        wanted = given[0] if given else None
    size = x.shape[axis]
    if not isinstance(wanted, int | Expr):
        wanted = call.opaque("k")
    elif size is not None:
        call.require("limit", at_least(size, wanted), wanted, size, axis=axis, operands=(1, 0), detail="k")
    shape: Shape = (*x.shape[:axis], wanted, *x.shape[axis + 1 :])
    return [Tensor(x.dtype, shape), Tensor(INT64, shape)]


@operator("ReverseSequence")
def reverse_sequence(call: Call) -> Tensor:
    """ONNX ReverseSequence-10: the input's shape; one length for each of the batch."""
    x, lengths = call.operand(0), call.operand(1)
    if x.shape is None:
        return Tensor(x.dtype)
    if len(x.shape) < 2:
        illegal(call, f"the input has {len(x.shape)} axes where at least 2 are needed")
    form = of_rank(call, lengths, 1, "the lengths")
    axis = call.axis(call.number("batch_axis", 1), len(x.shape))
    if form is not None:
        match(call, form[0], x.shape[axis], axis=axis, operands=(1, 0), detail="the lengths")
    return x if x.value is None else Tensor(x.dtype, x.shape)
