"""What indices ask that are computed from sizes: that they lie within the axes they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.ops.ends import MOST_COMPARED, UNREAD, Ends, Ranges, absolute, is_known, of_values, whole
from shapelint.size import (
    Condition,
    Expr,
    all_of,
    any_of,
    at_least,
    equal,
    is_always,
    negate,
)
from shapelint.size.condition import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call
    from shapelint.size import Held, Size


INDEXED: Final = frozenset({"Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND"})
"""Operators whose second operand holds indices."""


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
        if call.op == "Gather" and len(indices.value or ()) <= MOST_COMPARED:
            return None
        ranges = of_values(indices, len(axes)) if indices.value else ()
        if not ranges:
            return None
    if ranges is UNREAD:
        loose = [axis for axis in axes if isinstance(shape[axis], Expr)]
        return f"its indices are not read, and axis {loose[0]} is {shape[loose[0]]}" if loose else None
    if len(axes) == 1 and len(ranges) > 1:
        together = whole(ranges, indices)
        ranges = () if together is None else (together,)
    for place, axis in enumerate(axes):
        size = shape[axis]
        if size is None:
            continue
        if len(ranges) not in (1, len(axes)) or _is_open(
            call, absolute(ranges[place if len(ranges) > 1 else 0], form), size, axis
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
