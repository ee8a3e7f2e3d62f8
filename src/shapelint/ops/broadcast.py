"""Element-wise broadcasting of shapes, as ONNX, NumPy and every framework do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.size import Expr, all_of, any_of, equal, is_always, is_never, select, unequal
from shapelint.size.expr import Floor, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Shape
    from shapelint.size import Held, Size


def broadcast(call: Call, shapes: Sequence[Shape | None], operands: Sequence[int] | None = None) -> Shape | None:
    """The common shape of element-wise operands; states that sizes agree or are 1. None where a rank is unknown."""
    total = shapes[0]
    for place in range(1, len(shapes)):
        other = shapes[place]
        if total is None or other is None:
            return None
        if total != other:
            first, second = (0, place) if operands is None else (operands[0], operands[place])
            total = _pair(call, total, other, (first, second))
    return total


def _pair(call: Call, left: Shape, right: Shape, operands: tuple[int, int]) -> Shape:
    longer = max(len(left), len(right))
    left = (1,) * (longer - len(left)) + left
    right = (1,) * (longer - len(right)) + right
    dims: list[Dim] = []
    for axis, (a, b) in enumerate(zip(left, right, strict=True)):
        if a is b or a == b or b == 1:
            dims.append(a)
        elif a == 1:
            dims.append(b)
        elif a is None or b is None:
            # A known size above 1 is the size of the result wherever the node runs.
            sure = a if b is None else b
            dims.append(sure if isinstance(sure, int) else None)
        else:
            dims.append(merged(call, a, b, axis, operands))
    return tuple(dims)


def merged(call: Call, a: Size, b: Size, axis: int | None, operands: tuple[int, int]) -> Size:
    """The common size of two dims that broadcast; states that they do."""
    same = equal(a, b)
    if is_always(same):
        return a
    call.require("merge", agree(a, b, same), a, b, axis=axis, operands=operands)
    if isinstance(a, int):
        return a
    if isinstance(b, int):
        return b
    simple, other = (b, a) if roundings(b) < roundings(a) else (a, b)
    return stretched(simple, other)


def agree(a: Size, b: Size, same: Held) -> Held:
    """Whether `a` and `b` broadcast; `same` is their equality."""
    held = any_of((same, equal(a, 1), equal(b, 1)))
    return True if is_always(held) else held


def stretched(simple: Size, other: Size) -> Size:
    """`simple`, or `other` where `simple` is 1 and is broadcast."""
    one = equal(simple, 1)
    if one is False or is_never(all_of((one, unequal(other, 1)))):
        return simple
    return select(one, other, simple)


def roundings(size: Size) -> tuple[int, int]:
    """How many roundings are written in `size`, and how coarse they are: the smaller, the simpler."""
    if not isinstance(size, Expr):
        return 0, 0
    number = coarse = 0
    for atom, _ in size.terms:
        if isinstance(atom, Floor):
            inner, by = roundings(atom.of)
            number += inner + 1
            coarse += by + atom.by
        elif not isinstance(atom, Symbol):
            number += atom.depth + 1
    return number, coarse
