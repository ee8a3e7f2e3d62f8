"""Operators that pad and crop at the borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.call import Tensor
from shapelint.ops.legality import illegal
from shapelint.ops.registry import operator
from shapelint.size import Expr, all_of, any_of, at_least, high, low, smaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Element
    from shapelint.size import Size


@operator("Pad")
def pad(call: Call) -> Tensor:
    """ONNX Pad-1 (paddings), 2 (pads), 11/13 (input), 18/19/21/... (axes): n + begin + end, negative pads crop.

    The result is no less than 0. What reflection takes is less than what the crops leave; repeating and wrapping
    need at least one element (onnxruntime 1.32, PyTorch).
    """
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    axes: Sequence[int] = range(rank)
    pads: Sequence[Element] | None
    if call.version < 11:
        pads = call.numbers("pads" if call.version >= 2 else "paddings")
        if pads is None:
            illegal(call, "`pads` is left out")
    else:
        pads = call.operand(1).value
        given = call.input(3)
        if given is not None:
            numbers = given.numbers
            if numbers is None:
                return Tensor(x.dtype, tuple([call.opaque(f"axis {axis}") for axis in range(rank)]))
            axes = [call.axis(axis, rank) for axis in numbers]
    dims = list(x.shape)
    if pads is None:
        for axis in axes:
            dims[axis] = call.opaque(f"axis {axis}")
        return Tensor(x.dtype, tuple(dims))
    if len(pads) != 2 * len(axes):
        illegal(call, f"{len(pads)} pads for {len(axes)} axes")
    mode = call.text("mode", "constant")
    for place, axis in enumerate(axes):
        begin, end = pads[place], pads[place + len(axes)]
        size = dims[axis]
        if type(begin) is int and type(end) is int and begin == end == 0:
            continue
        if not isinstance(begin, int | Expr) or not isinstance(end, int | Expr):
            dims[axis] = call.opaque(f"axis {axis}")
        elif size is not None:
            dims[axis] = _padded(call, size, begin, end, mode, axis)
    return Tensor(x.dtype, tuple(dims))


def _padded(call: Call, size: Size, begin: Size, end: Size, mode: str, axis: int) -> Size:
    result = size + begin + end
    if mode == "constant":
        call.require("empty", at_least(result, 0), result, size, axis=axis, detail="the padded size")
        return result
    core = size + _negative(begin) + _negative(end)
    if mode != "reflect":
        held = any_of((at_least(core, 1), all_of((_is_none(begin), _is_none(end)))))
        call.require("limit", held, core, 1, axis=axis, detail=f"`{mode}` padding of an empty axis")
        return result
    for side, what in ((begin, "begin"), (end, "end")):
        most = high(side)
        if most is None or most > 0:
            held = at_least(core - 1, side)
            if most is None and not isinstance(side, int):
                held = any_of((held, at_least(-side, 0)))
            call.require("limit", held, side, core, axis=axis, detail=f"reflect padding at the {what}")
    return result


def _negative(side: Size) -> Size:
    least = low(side)
    return 0 if least is not None and least >= 0 else smaller(side, 0)


def _is_none(side: Size) -> bool:
    return isinstance(side, int) and side == 0


@operator("CenterCropPad")
def center_crop_pad(call: Call) -> Tensor:
    """ONNX CenterCropPad-18: the given sizes along `axes`, all by default."""
    x, wanted = call.operand(0), call.operand(1)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    given = call.numbers("axes")
    axes = range(rank) if given is None else [call.axis(axis, rank) for axis in given]
    sizes: Sequence[Element] = wanted.value if wanted.value is not None else (None,) * len(axes)
    if len(sizes) != len(axes):
        illegal(call, f"{len(sizes)} sizes for {len(axes)} axes")
    dims: list[Dim] = list(x.shape)
    for axis, size in zip(axes, sizes, strict=True):
        if isinstance(size, int | Expr):
            call.require("empty", at_least(size, 0), size, axis=axis, operands=(1, -1), detail="the size")
            dims[axis] = size
        else:
            dims[axis] = call.opaque(f"axis {axis}")
    return Tensor(x.dtype, tuple(dims))
