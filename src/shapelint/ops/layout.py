"""Operators that move elements about and keep them: reshaping, transposing, repeating, space against depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.broadcast import broadcast
from shapelint.ops.call import MOST_ELEMENTS, CannotTell, Tensor, count, known
from shapelint.ops.constant import filled, unread
from shapelint.ops.legality import illegal
from shapelint.ops.registry import operator
from shapelint.ops.values import factors, is_nonnegative, places, spread, strides
from shapelint.size import (
    Expr,
    any_of,
    at_least,
    divides,
    equal,
    is_always,
    is_never,
    low,
    never_above,
    product,
    select,
    separated,
    unequal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Shape
    from shapelint.size import Held, Size


# -- reshaping -------------------------------------------------------------------------------------------------------


@operator("Reshape")
def reshape(call: Call) -> Tensor:
    """ONNX Reshape-1 (attribute), 5/13/14/19/21/...: 0 copies an axis unless `allowzero`; one -1 takes the rest.

    The number of elements stays, which is stated with common factors cancelled.
    """
    x = call.operand(0)
    if call.version < 5:
        wanted: Sequence[object] | None = call.numbers("shape")
        if wanted is None:
            illegal(call, "`shape` is left out")
    else:
        wanted = call.operand(1).value
        if wanted is None:
            return unread(call, call.operand(1), x.dtype)
    have, allow = x.shape, call.number("allowzero", 0)
    shape: list[Dim] = []
    free = -1
    for axis, size in enumerate(wanted):
        if isinstance(size, int):
            if size > 0 or (size == 0 and allow):
                shape.append(size)
            elif size == 0:
                if have is not None and axis >= len(have):
                    illegal(call, f"axis {axis} is copied from a tensor with {len(have)} axes")
                shape.append(None if have is None else have[axis])
            elif size == -1 and free < 0:
                free = axis
                shape.append(1)
            else:
                illegal(call, "two sizes are left open" if size == -1 else f"a size is {size}")
        elif isinstance(size, Expr):
            _state_size(call, size, () if have is None or allow else have, axis)
            shape.append(size)
        else:
            shape.append(call.opaque(f"axis {axis}"))
    if have is None or None in have or None in shape:
        if free >= 0:
            shape[free] = None
        return Tensor(x.dtype, tuple(shape))
    result = _resized(call, have, shape, free)  # type: ignore[arg-type]
    return Tensor(x.dtype, result, None if x.value is None or known(result) is None else x.value)


def _state_size(call: Call, size: Expr, have: Shape, axis: int) -> None:
    """State that what is computed as a size is one: not negative, and no 0 that would copy the size of an empty tensor.

    Of a tensor that has elements, a 0 that is not meant as a copy is refused by the number of elements.
    """
    least = low(size)
    if least is not None and least >= 1:
        return
    if not is_nonnegative(size):
        call.require("reshape", at_least(size, 0), size, 0, axis=axis, operands=(1, -1), detail="the shape")
    if size in have or axis >= len(have) or all(dim is None or _is_positive(dim) for dim in have):
        return
    for factor in factors(size):
        held = unequal(factor, 0)
        if not is_always(held):
            call.require("reshape", held, size, 0, axis=axis, operands=(1, -1), detail="a 0 copies a size")


def _state_positive(call: Call, size: Size, axis: int, detail: str) -> None:
    """State that `size`, which is not negative, is at least 1."""
    least = low(size)
    if least is None or least < 1:
        parts = factors(size) if isinstance(size, Expr) else ()
        for held in [unequal(part, 0) for part in parts] if len(parts) > 1 else [at_least(size, 1)]:
            if not is_always(held):
                call.require("reshape", held, size, 1, axis=axis, detail=detail)


def _resized(call: Call, have: tuple[Size, ...], shape: list[Size], free: int) -> Shape:
    """The shape with its open axis filled in; states that the number of elements stays."""
    left, right = list(have), []
    cancelled: list[Size] = []
    number = 1
    for axis, size in enumerate(shape):
        if isinstance(size, int):
            number *= size
        elif size in left:
            left.remove(size)
            cancelled.append(size)
        else:
            right.append(size)
        if free >= 0:
            _state_positive(call, size, axis, "an open size needs the others above 0")
    rest: list[Size] = []
    total = 1
    for size in left:
        if isinstance(size, int):
            total *= size
        else:
            rest.append(size)
    if free >= 0:
        if not rest and not right:
            if number == 0:
                illegal(call, "an open size beside a size of 0")
            call.require("reshape", total % number == 0, total, number, axis=free, detail="the number of elements")
            shape[free] = total // number
            return tuple(shape)
        # One product on each side, so that factors cancel before anything is divided.
        above, below = product(rest) * total, product(right) * number
        if isinstance(below, int) and below == 0:
            illegal(call, "an open size beside a size of 0")
        quotient = above // below
        if quotient is not above:
            exact: Held = divides(below, above) if isinstance(below, int) else equal(quotient * below, above)
            same = never_above(above, below)
            if same is not None:
                # What is never above divides only where it is the same, or nothing.
                none = separated(equal(above, 0))
                exact, quotient = any_of((same, none)), select(none, 0, 1)
            call.require("reshape", exact, above, below, axis=free, detail="the number of elements")
        shape[free] = quotient
        return tuple(shape)
    if total == number and not rest and not right:
        return tuple(shape)
    above, below = product(rest) * total, product(right) * number
    held = equal(above, below)
    if held is not True:
        _state_count(call, have, shape, held, above, below, cancelled)
    return tuple(shape)


def _is_positive(size: Size) -> bool:
    least = low(size)
    return least is not None and least >= 1


def _state_count(
    call: Call, have: tuple[Size, ...], shape: list[Size], held: Held, above: Size, below: Size, cancelled: list[Size]
) -> None:
    """State that `above`, elements per cancelled size, is `below`; nothing is asked of an empty tensor."""
    empty: list[Held] = [equal(size, 0) for size in cancelled if not _is_positive(size)]
    if isinstance(held, bool) or held.mask & (held.mask - 1) == 0:
        if held is False and not empty:
            call.require("reshape", False, above, below, detail="the number of elements")
            return
        call.require("reshape", any_of((held, *empty)), above, below, detail="the number of elements")
        return
    groups = _grouped(have, shape)
    if groups is None:
        call.require("reshape", any_of((held, *empty)), above, below, detail="the number of elements")
        return
    empty = [equal(whole, 0) for _, whole, part in groups if whole is part and not _is_positive(whole)]
    for axis, whole, part in groups:
        if whole is not part:
            same = equal(whole, part)
            if not is_always(same):
                held = any_of((same, *empty))
                call.require("reshape", held, whole, part, axis=axis, detail="windows that fill the axis")


def _grouped(have: tuple[Size, ...], shape: list[Size]) -> list[tuple[int, Size, Size]] | None:
    """Each size of `have` with the product of the neighbours in `shape` that it is split into, which never exceeds it.

    Where no product exceeds its size and no size is 0, the numbers of elements are equal only if all sizes are.
    """
    groups: list[tuple[int, Size, Size]] = []
    place = 0
    for axis, whole in enumerate(have):
        if isinstance(whole, int):
            taken = 1
            while place < len(shape) and taken < whole:
                size = shape[place]
                if not isinstance(size, int):
                    return None
                taken *= size
                place += 1
            if taken != whole:
                return None
            groups.append((axis, whole, taken))
            continue
        part: Size = 1
        found = False
        while place < len(shape):
            size = shape[place]
            if not isinstance(size, int):
                if found:
                    break
                found = True
            elif found and isinstance(part, Expr):
                following = axis + 1 < len(have) and isinstance(have[axis + 1], int)
                if following and equal(whole, part) is True:
                    break
                if axis + 1 == len(have) - 1 and following and size == have[axis + 1]:
                    break
            part = part * size
            place += 1
        if part is not whole and not (is_always(at_least(whole, part)) and is_always(at_least(whole, 1))):
            return None
        groups.append((axis, whole, part))
    return groups if place == len(shape) else None


@operator("Flatten")
def flatten(call: Call) -> Tensor:
    """ONNX Flatten-1/9/11/13/21/...: the axes before `axis` as one, the others as one."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype, (None, None))
    axis = call.number("axis", 1)
    rank = len(x.shape)
    if not -rank <= axis <= rank:
        illegal(call, f"axis {axis} of a tensor with {rank} axes")
    if axis < 0:
        axis += rank
    front, back = x.shape[:axis], x.shape[axis:]
    return Tensor(x.dtype, (_whole(front), _whole(back)), x.value)


def _whole(dims: Shape) -> Dim:
    total: Size = 1
    for dim in dims:
        if dim is None:
            return None
        total = dim * total if isinstance(dim, Expr) else total * dim
    return total


def _axes(call: Call, place: int = 1) -> tuple[int, ...] | None:
    """The axes that Squeeze and Unsqueeze name: an attribute before opset 13, an input since; None where left out."""
    if call.version < 13:
        return call.numbers("axes")
    tensor = call.input(place)
    if tensor is None:
        return None
    numbers = tensor.numbers
    if numbers is None:
        raise CannotTell("its axes are data")
    return numbers


@operator("Squeeze")
def squeeze(call: Call) -> Tensor:
    """ONNX Squeeze-1/11/13/21/...: the named axes, which are 1, are left out; every axis of 1 where none is named."""
    x = call.operand(0)
    axes = _axes(call)
    if x.shape is None:
        return Tensor(x.dtype)
    kept: list[Dim] = []
    if not axes:
        for size in x.shape:
            if size is None:
                return Tensor(x.dtype)
            one = equal(size, 1)
            if one is True:
                continue
            if one is not False and not is_never(one):
                raise CannotTell(f"an axis of {size} may be 1, and no axes are named")
            kept.append(size)
        return Tensor(x.dtype, tuple(kept), x.value)
    rank = len(x.shape)
    gone = {call.axis(axis, rank) for axis in axes}
    for axis, size in enumerate(x.shape):
        if axis not in gone:
            kept.append(size)
        elif size is not None and size != 1:
            call.require("match", equal(size, 1), size, 1, axis=axis, detail="an axis that is left out")
    return Tensor(x.dtype, tuple(kept), x.value)


@operator("Unsqueeze")
def unsqueeze(call: Call) -> Tensor:
    """ONNX Unsqueeze-1/11/13/21/...: axes of 1 at these places of the result."""
    x = call.operand(0)
    axes = _axes(call)
    if x.shape is None:
        return Tensor(x.dtype)
    if axes is None:
        illegal(call, "`axes` is left out")
    shape: list[Dim] = list(x.shape)
    rank = len(shape) + len(axes)
    if len(axes) == 1:
        axis = axes[0]
        if not -rank <= axis < rank:
            call.axis(axis, rank)
        shape.insert(axis % rank, 1)
        return Tensor(x.dtype, tuple(shape), x.value)
    new = sorted([call.axis(axis, rank) for axis in axes])
    if len(set(new)) < len(new):
        illegal(call, "an axis is named twice")
    for axis in new:
        shape.insert(axis, 1)
    return Tensor(x.dtype, tuple(shape), x.value)


@operator("Transpose")
def transpose(call: Call) -> Tensor:
    """ONNX Transpose-1/13/21/...: the axes in the order `perm`, reversed by default."""
    x = call.operand(0)
    shape = x.shape
    if shape is None:
        return Tensor(x.dtype)
    order = call.numbers("perm")
    if order is None:
        order = tuple(range(len(shape) - 1, -1, -1))
    elif len(order) != len(shape) or sorted(order) != list(range(len(shape))):
        illegal(call, f"`perm` is {list(order)} and the tensor has {len(shape)} axes")
    result = tuple([shape[axis] for axis in order])
    value = x.value
    if value is None:
        return Tensor(x.dtype, result)
    dims = known(shape)
    if dims is None:
        return Tensor(x.dtype, result)
    steps = strides(dims)
    found = places([dims[axis] for axis in order], [steps[axis] for axis in order])
    return Tensor(x.dtype, result, tuple([value[place] for place in found]))


# -- repeating -------------------------------------------------------------------------------------------------------


@operator("Expand")
def expand(call: Call) -> Tensor:
    """ONNX Expand-8/13: broadcast with the shape that is the second input."""
    x, wanted = call.operand(0), call.operand(1)
    if x.shape is None:
        return Tensor(x.dtype)
    if wanted.value is None:
        asked = unread(call, wanted, None).shape
        if asked is None:
            return Tensor(x.dtype)
        if len(asked) > len(x.shape):
            return Tensor(x.dtype, asked)
        return Tensor(x.dtype, tuple([call.opaque(f"axis {axis}") for axis in range(len(x.shape))]))
    target = filled(call, wanted.value, "the shape")
    shape = broadcast(call, (x.shape, target))
    if x.value is None or shape is None:
        return Tensor(x.dtype, shape)
    have, dims = known(x.shape), known(shape)
    if have is None or dims is None or count(dims) > MOST_ELEMENTS:
        return Tensor(x.dtype, shape)
    return Tensor(x.dtype, shape, spread(x.value, have, dims))


@operator("Tile")
def tile(call: Call) -> Tensor:
    """ONNX Tile-6/13: every axis repeated; Tile-1: one axis."""
    x, repeats = call.operand(0), call.operand(1)
    shape = x.shape
    if shape is None:
        return Tensor(x.dtype)
    if call.version < 6:
        along = call.operand(2).numbers
        if repeats.ints is None or along is None:
            raise CannotTell("the axis or the number of its repeats is data")
        place = call.axis(along[0], len(shape))
        factors: tuple[object, ...] = (1,) * place + repeats.ints[:1] + (1,) * (len(shape) - place - 1)
    elif repeats.value is None:
        return Tensor(x.dtype, tuple([call.opaque(f"axis {axis}") for axis in range(len(shape))]))
    else:
        factors = repeats.value
    if len(factors) != len(shape):
        illegal(call, f"{len(factors)} repeats of a tensor with {len(shape)} axes")
    dims: list[Dim] = []
    for axis, (size, factor) in enumerate(zip(shape, factors, strict=True)):
        if not isinstance(factor, int | Expr):
            dims.append(call.opaque(f"axis {axis}"))
        elif size is None:
            dims.append(None)
        else:
            if not isinstance(factor, int) or factor < 0:
                call.require("argument", at_least(factor, 0), factor, axis=axis, operands=(1, -1), detail="repeats")
            dims.append(size * factor)
    result = tuple(dims)
    have, target = known(shape), known(result)
    if x.value is None or have is None or target is None or count(target) > MOST_ELEMENTS:
        return Tensor(x.dtype, result)
    split: list[int] = []
    for size, times in zip(have, factors, strict=True):
        split += [times, size]  # type: ignore[list-item]
    steps = [step for pair in zip([0] * len(have), strides(have), strict=True) for step in pair]
    return Tensor(x.dtype, result, tuple([x.value[place] for place in places(split, steps)]))


# -- space against depth ---------------------------------------------------------------------------------------------


def _block(call: Call) -> int:
    block = call.number("blocksize", 0)
    if block < 1:
        illegal(call, f"`blocksize` is {block}; it is at least 1")
    x = call.operand(0)
    if x.shape is not None and len(x.shape) != 4:
        illegal(call, f"the input has {len(x.shape)} axes where 4 are needed")
    return block


@operator("DepthToSpace")
def depth_to_space(call: Call) -> Tensor:
    """ONNX DepthToSpace-1/11/13: [N, C, H, W] -> [N, C/(b*b), H*b, W*b]; b*b divides C."""
    x, block = call.operand(0), _block(call)
    if x.shape is None:
        return Tensor(x.dtype, (None, None, None, None))
    batch, depth, *space = x.shape
    if depth is not None:
        area = block * block
        call.require("divides", divides(area, depth), depth, area, axis=1, detail=f"block {block}")
        depth = depth // area
    return Tensor(x.dtype, (batch, depth, *[None if size is None else size * block for size in space]))


@operator("SpaceToDepth")
def space_to_depth(call: Call) -> Tensor:
    """ONNX SpaceToDepth-1/13: [N, C, H, W] -> [N, C*b*b, H/b, W/b]; b divides H and W."""
    x, block = call.operand(0), _block(call)
    if x.shape is None:
        return Tensor(x.dtype, (None, None, None, None))
    batch, depth, *space = x.shape
    smaller: list[Dim] = []
    for axis, size in enumerate(space, 2):
        if size is None:
            smaller.append(None)
            continue
        call.require("divides", divides(block, size), size, block, axis=axis, detail=f"block {block}")
        smaller.append(size // block)
    return Tensor(x.dtype, (batch, None if depth is None else depth * block * block, *smaller))
