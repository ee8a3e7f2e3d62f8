"""Between which ends the elements of a tensor lie whose values are not followed one by one, and what indices ask.

Exporters compute indices from sizes: `Range`, arithmetic on it, and a gather. What lies along an axis that is free has
no list of elements, but its least and its greatest are expressions. An index that the data decides has no ends here and
asks nothing: what it refuses, no size decides. MaxPool's indices are the exception: which of them occur is data, where
they may lie is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from shapelint.graph import Constant
from shapelint.ops.call import BOOL, FLOATS, INTEGERS
from shapelint.ops.values import arithmetic, cast, comparison, each, is_nonnegative
from shapelint.size import (
    Condition,
    Expr,
    all_of,
    any_of,
    at_least,
    cdiv,
    equal,
    is_always,
    larger,
    low,
    negate,
    product,
    smaller,
)
from shapelint.size.condition import Kind
from shapelint.size.floats import FloatTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shapelint.ops.call import Call, Element, Shape, Tensor
    from shapelint.size import Held, Size

_MOST_COMPARED: Final = 64
"""Of more elements than this the least and the greatest are looked for only where they are numbers."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The least and the greatest element that there may be."""

    low: Element
    high: Element
    attained: bool
    """Whether both occur, where there is an element at all; else they are only bounds."""
    along: frozenset[int]
    """The axes, counted from behind, along which the elements differ."""
    planes: tuple[Size, Size] | None = None
    """How many planes and of how many elements, where each element counts from the start of its plane."""
    in_order: bool = False
    """Whether a plane's elements are 0, 1, 2 ... in the order of its axes."""
    others: tuple[Size, Size] | None = None
    """Where data decides which elements occur: a simpler bound of the greatest, and what the greatest is at least."""

    @property
    def is_one(self) -> bool:
        """Whether every element is the same."""
        return self.low is self.high or (type(self.low) is int and self.low == self.high)


Ranges: TypeAlias = tuple[Ends, ...]
"""One for the whole tensor, or one for each place of its last axis; () where sizes decide the elements, and the ends
are not known."""

UNREAD: Final[Ranges] = (Ends(None, None, False, frozenset()),)
"""What a constant that is not read holds, which no size changes."""


def of_constant(constant: Constant) -> Ranges | None:
    """What is known of a constant of integers whose values are not read; None where they are, or it is none."""
    return UNREAD if constant.values is None and constant.dtype in INTEGERS else None


def of_values(tensor: Tensor, columns: int = 1) -> Ranges:
    """The ends of a tensor whose elements are known, for each of `columns` places of its last axis."""
    value = tensor.value or ()
    axes = _axes(tensor.shape)
    return tuple([found for start in range(columns) if (found := _of_list(value[start::columns], tensor.dtype, axes))])


def _of_list(value: Sequence[Element], dtype: int | None, axes: frozenset[int]) -> Ends | None:
    if len(value) == 1:
        return Ends(value[0], value[0], True, frozenset())
    if all(type(element) is int for element in value) and value:
        return Ends(min(value), max(value), True, axes)  # type: ignore[type-var]
    least, most = arithmetic("Min", dtype), arithmetic("Max", dtype)
    if not value or least is None or most is None or len(value) > _MOST_COMPARED:
        return None
    lowest = highest = value[0]
    for element in value[1:]:
        lowest, highest = least(lowest, element), most(highest, element)
    return Ends(lowest, highest, True, axes)


def _axes(shape: Shape | None) -> frozenset[int]:
    """The axes, counted from behind, that are not 1."""
    dims = shape or ()
    return frozenset(axis - len(dims) for axis, size in enumerate(dims) if size != 1)


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


# -- element by element ----------------------------------------------------------------------------------------------


def _absolute(ends: Ends, shape: Shape | None) -> Ends:
    """The ends counted from the start of the tensor, not of a plane."""
    if ends.planes is None:
        return ends
    number, size = ends.planes
    assert isinstance(ends.high, int | Expr)
    ahead = (number - 1) * size
    return Ends(ends.low, ends.high + ahead, ends.attained, _axes(shape), others=_raised(ends.others, ahead))


def _raised(others: tuple[Size, Size] | None, by: Size) -> tuple[Size, Size] | None:
    return None if others is None else (others[0] + by, others[1] + by)


def _is_nonnegative(element: Element) -> bool:
    if isinstance(element, FloatTerm):
        return element.is_nonnegative
    if isinstance(element, float):
        return element >= 0.0
    return isinstance(element, int | Expr) and is_nonnegative(element)


def _is_positive(element: Element) -> bool:
    if isinstance(element, float):
        return element > 0.0
    if isinstance(element, int | Expr):
        least = low(element)
        return least is not None and least > 0
    return False


def _combined(op: str, a: Ends, b: Ends, dtype: int | None) -> tuple[Element, Element, bool] | None:
    """The ends of `a` op `b` where the elements of the two meet in every way, and whether those then occur."""
    pair = arithmetic(op, dtype)
    if pair is None or a.low is None or b.low is None or a.high is None or b.high is None:
        return None
    if op == "Sub":
        return pair(a.low, b.high), pair(a.high, b.low), True
    if op in ("Add", "Min", "Max"):
        return pair(a.low, b.low), pair(a.high, b.high), True
    if op == "Mod":
        by = b.high
        if not isinstance(by, int | Expr) or not b.is_one or not _is_positive(by):
            return None
        if _is_nonnegative(a.low) and isinstance(a.high, int | Expr) and at_least(by - 1, a.high) is True:
            return a.low, a.high, True
        return 0, by - 1, False
    if op == "Mul":
        if b.is_one and not _is_nonnegative(b.low) and type(b.low) is int:
            return pair(a.high, b.low), pair(a.low, b.low), True
        if b.is_one and _is_nonnegative(b.low):
            return pair(a.low, b.low), pair(a.high, b.low), True
        if a.is_one and not b.is_one:
            return _combined(op, b, a, dtype)
        least, most = arithmetic("Min", dtype), arithmetic("Max", dtype)
        if b.is_one and not isinstance(a.low, FloatTerm | Expr) and a.low == 0 and least and most:
            far = pair(a.high, b.low)
            return (None if far is None else least(far, a.low)), (None if far is None else most(far, a.low)), True
        if _is_nonnegative(a.low) and _is_nonnegative(b.low):
            return pair(a.low, b.low), pair(a.high, b.high), True
        return None
    if op == "Div" and _is_positive(b.low) and (b.is_one or _is_nonnegative(a.low)):
        return pair(a.low, b.high), pair(a.high, b.low), True
    return None


_PAIRS: Final = frozenset({"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"})
_COMPARED: Final = frozenset({"Less", "LessOrEqual", "Greater", "GreaterOrEqual"})


def _pair(op: str, a: Ends, b: Ends, dtype: int | None, shapes: Sequence[Shape | None]) -> Ends | None:
    if op == "Sub" and a.planes is not None and a.planes == b.planes:
        a, b = replace(a, planes=None), replace(b, planes=None)
    a, b = _absolute(a, shapes[0]), _absolute(b, shapes[1])
    if op in _COMPARED:
        return _compared(op, a, b)
    found = _combined(op, a, b, dtype)
    if found is None or found[0] is None or found[1] is None:
        return None
    met = a.is_one or b.is_one or a.along.isdisjoint(b.along)
    others = None
    if a.others is None and op == "Add":
        a, b = b, a
    if met and b.attained and a.others is not None and isinstance(b.high, int | Expr):
        if op == "Add":
            others = _raised(a.others, b.high)
        elif op == "Sub" and isinstance(b.low, int | Expr):
            others = _raised(a.others, -b.low)
    occur = found[2] and met and a.attained and b.attained
    return Ends(found[0], found[1], occur, a.along | b.along, others=others)


def _compared(op: str, a: Ends, b: Ends) -> Ends | None:
    """Whether a comparison says the same of every pair of elements."""
    says = comparison(op)
    if op in ("Less", "LessOrEqual"):
        sure, possible = says(a.high, b.low), says(a.low, b.high)
    else:
        sure, possible = says(a.low, b.high), says(a.high, b.low)
    if sure is True or possible is False:
        return Ends(sure is True, sure is True, True, frozenset())
    return None


def _at_most(term: Element) -> Size | None:
    """What a float that is cut to an integer is never above, where it has no exact form.

    A number times a rounded quotient by that number is off by less than a part in a million: cut, it is at most the
    dividend. So does an interpolation find its places that keeps the corners.
    """
    if isinstance(term, float):
        return math.floor(term)
    if not isinstance(term, FloatTerm) or term.op not in ("max", "mul"):
        return None
    one, other = term.args
    if term.op == "max":
        first, second = _at_most(one), _at_most(other)
        return None if first is None or second is None else larger(first, second)
    if not isinstance(other, FloatTerm) or other.op != "div":
        one, other = other, one
    if not isinstance(other, FloatTerm) or other.op != "div" or other.args[1] is not one:
        return None
    above = other.args[0]
    if not isinstance(one, FloatTerm) or one.exact is None or one.shift or equal(one.exact, 0) is not False:
        return None
    return above.exact if isinstance(above, FloatTerm) and above.exact is not None and not above.shift else None


def _at_least(term: Element) -> Size | None:
    """What a float that is cut to an integer is never below, where a number is set for that."""
    if isinstance(term, FloatTerm) and term.op == "max":
        floors = [math.floor(part) for part in term.args if isinstance(part, float)]
        return max(floors) if floors else None
    return None


def _cut(ends: Ends) -> Ends | None:
    """The bounds of floats without an exact form, cut to integers towards 0."""
    least, most = _at_least(ends.low), _at_most(ends.high)
    if least is None or most is None:
        return None
    return Ends(smaller(least, 0), larger(most, 0), False, ends.along)


def _single(call: Call, ends: Ends, dtype: int | None) -> Ends | None:
    """The ends after an operator with one operand that keeps the order, or turns it round."""
    op, source = call.op, call.operand(0).dtype
    ends = _absolute(ends, call.operand(0).shape)
    if op == "Cast" and source in FLOATS and dtype in INTEGERS and (bounds := _cut(ends)) is not None:
        return bounds
    if op == "Cast":
        found: tuple[Element, ...] | None = (
            (cast(ends.low, source, dtype), cast(ends.high, source, dtype))
            if dtype in INTEGERS or dtype in FLOATS
            else None
        )
    elif op == "Abs" and not _is_nonnegative(ends.low):
        return None
    else:
        found = each(op, source, (ends.low, ends.high))
    if not found or None in found:
        return None
    first, last = found
    return Ends(*((last, first) if op == "Neg" else (first, last)), ends.attained, ends.along)


_SINGLE: Final = frozenset({"Cast", "Floor", "Ceil", "Round", "Relu", "Neg", "Abs", "Sign", "Not"})


def _union(parts: Iterable[Ends], dtype: int | None) -> Ends | None:
    """The ends of tensors that make up one; not known to occur."""
    least, most = arithmetic("Min", dtype), arithmetic("Max", dtype)
    total: Ends | None = None
    for part in parts:
        if least is None or most is None or part.low is None or part.high is None:
            return None
        if total is None:
            total = replace(part, attained=False, others=None)
        else:
            lowest, highest = least(total.low, part.low), most(total.high, part.high)
            if lowest is None or highest is None:
                return None
            total = Ends(lowest, highest, False, total.along | part.along)
    return total


def _columns(given: Sequence[Ranges], work: Callable[[list[Ends]], Ends | None]) -> Ranges:
    """`work` on the operands' ends, at each place of the last axis where an operand tells them apart."""
    places = max(len(ranges) for ranges in given)
    if not all(len(ranges) in (1, places) for ranges in given):
        return ()
    made = [work([ranges[place if len(ranges) > 1 else 0] for ranges in given]) for place in range(places)]
    found = [ends for ends in made if ends is not None]
    return tuple(found) if len(found) == places else ()


# -- moved about -----------------------------------------------------------------------------------------------------

_KEPT: Final = frozenset({"Identity", "Expand", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Tile"})
"""Operators after which every element is still there, and no other."""
_PICKED: Final = frozenset({"Slice", "Gather", "GatherND", "GatherElements", "Split"})
"""Operators after which some elements are there, and no other."""


def _whole(ranges: Ranges, tensor: Tensor) -> Ends | None:
    """The ends of all places of the last axis together."""
    if len(ranges) == 1:
        return ranges[0]
    found = _union(ranges, tensor.dtype)
    return None if found is None else replace(found, attained=all(ends.attained for ends in ranges))


def _moved(call: Call, result: Tensor, ranges: Ranges) -> Ranges:
    """The ends of elements that are moved about, with the axes along which they then differ."""
    x, op = call.operand(0), call.op
    if op in ("Identity", "Expand"):
        return ranges
    ends = _whole(ranges, x)
    if ends is None or x.shape is None or result.shape is None:
        return ()
    axes = _axes(result.shape)
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
    ends = _absolute(ends, x.shape)
    return (replace(ends, along=axes, in_order=False),)


def _picked(call: Call, result: Tensor, ranges: Ranges) -> Ranges:
    x = call.operand(0)
    ends = _whole(ranges, x)
    if ends is None or result.shape is None:
        return ()
    if ends.in_order and call.op == "Slice" and ends.planes is not None:
        # The first element of each plane, where torch's exporter counts from.
        starts, stops, axes = (call.operand(place).numbers for place in (1, 2, 3))
        if starts and not any(starts) and set(stops or ()) == {1} and axes == tuple(range(2, len(result.shape))):
            return (Ends(ends.low, ends.low, True, frozenset(), ends.planes),)
    if call.op == "Slice":
        return (replace(ends, attained=False, in_order=False, others=None),)
    return (replace(_absolute(ends, x.shape), attained=False, along=_axes(result.shape), others=None),)


def _joined(call: Call, result: Tensor, given: Sequence[Ranges]) -> Ranges:
    shapes = [call.operand(place).shape for place in range(len(call.inputs))]
    rank = len(result.shape or ())
    if not all(given) or not rank:
        return ()
    if call.number("axis", 1) in (-1, rank - 1):
        columns: list[Ends] = []
        for shape, ranges in zip(shapes, given, strict=True):
            if not shape or not isinstance(shape[-1], int) or len(columns) + shape[-1] > _MOST_COMPARED:
                break
            columns.extend(ranges if len(ranges) == shape[-1] else ranges * shape[-1] if len(ranges) == 1 else ())
        else:
            if len(columns) == (result.shape or (None,))[-1]:
                return tuple([_absolute(ends, result.shape) for ends in columns])
    parts = [_whole(ranges, result) for ranges in given]
    found = None if None in parts else _union([_absolute(part, result.shape) for part in parts if part], result.dtype)
    return () if found is None else (replace(found, along=_axes(result.shape)),)


# -- one node --------------------------------------------------------------------------------------------------------

INDEXED: Final = frozenset({"Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND"})
SOURCES: Final = frozenset({*_MADE, "MaxPool", "Expand", "Tile", *INDEXED})
"""The operators that concern ranges whatever enters them: what they give may not be followed where that is."""
_BLIND: Final = frozenset(
    {"Bernoulli", "If", "Loop", "Multinomial", "RandomNormalLike", "RandomUniformLike", "Scan", "SequenceMap"}
)
"""Operators of which nothing is concluded from what enters them."""


_FOLLOWED: Final = _SINGLE | _PAIRS | _COMPARED | {"Concat", "Clip", "Where"}


def is_known(tensor: Tensor | None) -> bool:
    """Whether every element is followed."""
    return tensor is not None and tensor.value is not None and None not in tensor.value


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
    if op in _SINGLE:
        return _columns(operands, lambda parts: _single(call, parts[0], result.dtype))
    if op != "Where":
        return _folded(call, result, operands)
    if len(operands[0]) == 1 and isinstance(operands[0][0].low, bool) and operands[0][0].is_one:
        return operands[1] if operands[0][0].low else operands[2]
    return _columns(operands[1:], lambda parts: _union(parts, result.dtype))


def _folded(call: Call, result: Tensor, operands: list[Ranges]) -> Ranges:
    op, dtype = call.op, BOOL if call.op in _COMPARED else result.dtype
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
        total = _columns([total, ranges], lambda parts: _pair(by, parts[0], parts[1], dtype, here))  # noqa: B023
        shape = result.shape
        if not total:
            break
    return total


# -- what indices ask ------------------------------------------------------------------------------------------------


def state(call: Call, given: Sequence[Ranges | None]) -> str | None:
    """State that indices lie within the axes they name; where that is not known, why.

    Ends that occur decide; ends that are bounds prove, and refute nothing.
    """
    x, indices = call.operand(0), call.operand(1)
    shape, form = x.shape, indices.shape
    if shape is None or form is None or not shape:
        return None
    if call.op in ("GatherND", "ScatterND"):
        depth = form[-1] if form else None
        if not isinstance(depth, int) or depth < 1:
            return None
        batch = call.number("batch_dims", 0) if call.op == "GatherND" else 0
        axes = list(range(batch, min(batch + depth, len(shape))))
    else:
        axes = [call.number("axis", 0) % len(shape)]
    ranges = given[1]
    if ranges is None:
        if (
            not is_known(indices)
            or x.value is not None
            or not all(isinstance(e, int | Expr) for e in indices.value or ())
        ):
            return None
        if call.op == "Gather" and len(indices.value or ()) <= _MOST_COMPARED:
            return None
        ranges = of_values(indices, len(axes)) if indices.value else ()
        if not ranges:
            return None
    if ranges is UNREAD:
        loose = [axis for axis in axes if isinstance(shape[axis], Expr)]
        return f"its indices are not read, and axis {loose[0]} is {shape[loose[0]]}" if loose else None
    if len(axes) == 1 and len(ranges) > 1:
        whole = _whole(ranges, indices)
        ranges = () if whole is None else (whole,)
    for place, axis in enumerate(axes):
        size = shape[axis]
        if size is None:
            continue
        if len(ranges) not in (1, len(axes)) or _is_open(
            call, _absolute(ranges[place if len(ranges) > 1 else 0], form), size, axis
        ):
            return f"it is not followed whether its indices lie within axis {axis} of {size}"
    return None


def _is_proved(call: Call, fits: Held) -> bool:
    """Whether indices fit at every size at which there are any; told by the symbols of `fits` alone."""
    parts = fits.parts if isinstance(fits, Condition) and fits.kind is Kind.ALL else (fits,)
    empty = [equal(dim, 0) for dim in call.operand(1).shape or () if dim is not None]
    for part in parts:
        mask = part.mask if isinstance(part, Condition) else 0
        near = [held for held in empty if isinstance(held, bool) or held.mask | mask == mask]
        if not is_always(any_of((part, *near))):
            return False
    return True


def _is_open(call: Call, ends: Ends, size: Size, axis: int) -> bool:
    """Whether nothing decides that indices between these ends lie within an axis of `size`; states what does."""
    least, most = ends.low, ends.high
    if not isinstance(least, int | Expr) or not isinstance(most, int | Expr):
        return True
    empty = any_of(equal(dim, 0) for dim in call.operand(1).shape or () if dim is not None)
    inside = any_of((all_of((at_least(size - 1, most), at_least(least + size, 0))), empty))
    if isinstance(inside, Condition) and any(symbol.opaque for symbol in inside.table.symbols_in(inside.mask)):
        return False
    if not ends.attained:
        if ends.others is not None:
            simple, sure = ends.others
            plain = any_of((all_of((at_least(size - 1, simple), at_least(least + size, 0))), empty))
            inside = any_of((inside, plain))
            outside = all_of((at_least(sure, size), negate(empty)))
            if not is_always(any_of((inside, outside))):
                return True
        else:
            return not _is_proved(call, all_of((at_least(size - 1, most), at_least(least + size, 0))))
    call.require("limit", inside, most, size, axis=axis, operands=(1, 0), detail="an index")
    return False
