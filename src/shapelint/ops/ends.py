"""The least and the greatest element of a tensor whose values are not followed one by one, and arithmetic on both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from shapelint.ops.call import FLOATS, INTEGERS
from shapelint.ops.values import arithmetic, cast, comparison, each, is_nonnegative
from shapelint.size import (
    Expr,
    at_least,
    equal,
    larger,
    low,
    smaller,
)
from shapelint.size.floats import FloatTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shapelint.ops.call import Call, Element, Shape, Tensor
    from shapelint.size import Size

MOST_COMPARED: Final = 64
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


def is_known(tensor: Tensor | None) -> bool:
    """Whether every element is followed."""
    return tensor is not None and tensor.value is not None and None not in tensor.value


def of_values(tensor: Tensor, columns: int = 1) -> Ranges:
    """The ends of a tensor whose elements are known, for each of `columns` places of its last axis."""
    value = tensor.value or ()
    axes = axes_apart(tensor.shape)
    return tuple([found for start in range(columns) if (found := _of_list(value[start::columns], tensor.dtype, axes))])


def _of_list(value: Sequence[Element], dtype: int | None, axes: frozenset[int]) -> Ends | None:
    if len(value) == 1:
        return Ends(value[0], value[0], True, frozenset())
    if all(type(element) is int for element in value) and value:
        return Ends(min(value), max(value), True, axes)  # type: ignore[type-var]
    least, most = arithmetic("Min", dtype), arithmetic("Max", dtype)
    if not value or least is None or most is None or len(value) > MOST_COMPARED:
        return None
    lowest = highest = value[0]
    for element in value[1:]:
        lowest, highest = least(lowest, element), most(highest, element)
    return Ends(lowest, highest, True, axes)


def axes_apart(shape: Shape | None) -> frozenset[int]:
    """The axes, counted from behind, that are not 1."""
    dims = shape or ()
    return frozenset(axis - len(dims) for axis, size in enumerate(dims) if size != 1)


def absolute(ends: Ends, shape: Shape | None) -> Ends:
    """The ends counted from the start of the tensor, not of a plane."""
    if ends.planes is None:
        return ends
    number, size = ends.planes
    assert isinstance(ends.high, int | Expr)
    ahead = (number - 1) * size
    return Ends(ends.low, ends.high + ahead, ends.attained, axes_apart(shape), others=_raised(ends.others, ahead))


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


PAIRS: Final = frozenset({"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"})
COMPARED: Final = frozenset({"Less", "LessOrEqual", "Greater", "GreaterOrEqual"})


def paired(op: str, a: Ends, b: Ends, dtype: int | None, shapes: Sequence[Shape | None]) -> Ends | None:
    if op == "Sub" and a.planes is not None and a.planes == b.planes:
        a, b = replace(a, planes=None), replace(b, planes=None)
    a, b = absolute(a, shapes[0]), absolute(b, shapes[1])
    if op in COMPARED:
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


def of_one(call: Call, ends: Ends, dtype: int | None) -> Ends | None:
    """The ends after an operator with one operand that keeps the order, or turns it round."""
    op, source = call.op, call.operand(0).dtype
    ends = absolute(ends, call.operand(0).shape)
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


SINGLE: Final = frozenset({"Cast", "Floor", "Ceil", "Round", "Relu", "Neg", "Abs", "Sign", "Not"})


def union(parts: Iterable[Ends], dtype: int | None) -> Ends | None:
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


def by_columns(given: Sequence[Ranges], work: Callable[[list[Ends]], Ends | None]) -> Ranges:
    """`work` on the operands' ends, at each place of the last axis where an operand tells them apart."""
    places = max(len(ranges) for ranges in given)
    if not all(len(ranges) in (1, places) for ranges in given):
        return ()
    made = [work([ranges[place if len(ranges) > 1 else 0] for ranges in given]) for place in range(places)]
    found = [ends for ends in made if ends is not None]
    return tuple(found) if len(found) == places else ()


def whole(ranges: Ranges, tensor: Tensor) -> Ends | None:
    """The ends of all places of the last axis together."""
    if len(ranges) == 1:
        return ranges[0]
    found = union(ranges, tensor.dtype)
    return None if found is None else replace(found, attained=all(ends.attained for ends in ranges))
