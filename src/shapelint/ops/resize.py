"""Operators that sample on another grid: Resize, Upsample, GridSample, AffineGrid.

A size times a float scale is what onnxruntime makes of it: the float32 product of the two, rounded down. A scale that
is p / 2**q is exact; any other is a float term, which is evaluated and never extrapolated.
"""

from __future__ import annotations

import math
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING

from shapelint.ops.call import Tensor
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.size import Expr, any_of, at_least, equal, negate
from shapelint.size.floats import FloatTerm, binary, of_size, to_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Element, Shape
    from shapelint.size import Size
    from shapelint.size.floats import Float


def scaled(size: Size, scale: Float) -> Size:
    """floor(float32(size) * float32(scale)), as onnxruntime computes it."""
    if isinstance(scale, float):
        if scale.is_integer():
            return size * int(scale)
    elif scale.width != "f":
        scale = binary("mul", scale, 1.0, "f")
    return to_size(binary("mul", of_size(size, "f"), scale, "f"), "floor")


def _given(tensor: Tensor | None) -> Tensor | None:
    """An optional input: one that is empty is left out."""
    return None if tensor is None or tensor.shape == (0,) else tensor


@operator("Resize")
def resize(call: Call) -> Tensor:
    """ONNX Resize-10 (scales), 11/13 (or sizes), 18/19 (axes, policy): floor(n * scale), or the sizes.

    onnxruntime resizes to nothing, PyTorch does not.
    """
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    scales = _given(call.input(1 if call.version < 11 else 2))
    sizes = _given(call.input(3)) if call.version >= 11 else None
    rank = len(x.shape)
    named = call.numbers("axes") if call.version >= 18 else None
    axes = range(rank) if named is None else [call.axis(axis, rank) for axis in named]
    if (scales is None) is (sizes is None):
        illegal(
            call, "both `scales` and `sizes` are given" if scales is not None else "neither scales nor sizes are given"
        )
    given = scales if sizes is None else sizes
    assert given is not None
    elements: Sequence[Element] = (None,) * len(axes) if given.value is None else given.value
    if len(elements) != len(axes):
        illegal(call, f"{len(elements)} numbers for {len(axes)} axes")
    policy = call.text("keep_aspect_ratio_policy", "stretch") if call.version >= 18 else "stretch"
    if policy != "stretch":
        if sizes is None:
            illegal(call, f"`keep_aspect_ratio_policy` is `{policy}`, which needs sizes")
        return Tensor(x.dtype, _kept(call, x.shape, axes, elements, policy))
    if sizes is not None:
        return Tensor(x.dtype, _sized(call, x.shape, axes, elements))
    if call.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        # onnxruntime leaves the region out of the size and the operator's text has it in: neither is certain.
        roi = call.input(1)
        if roi is None or roi.value is None or not _is_whole(roi.value):
            return Tensor(x.dtype, tuple([call.opaque(f"axis {axis}") for axis in range(rank)]))
    return Tensor(x.dtype, _scaled(call, x.shape, axes, elements))


def _is_whole(roi: Sequence[Element]) -> bool:
    half = len(roi) // 2
    return all(element == 0.0 for element in roi[:half]) and all(element == 1.0 for element in roi[half:])


def _sized(call: Call, shape: Shape, axes: Sequence[int], sizes: Sequence[Element]) -> Shape:
    dims = list(shape)
    for axis, size in zip(axes, sizes, strict=True):
        if not isinstance(size, int | Expr):
            dims[axis] = call.opaque(f"axis {axis}")
            continue
        have = dims[axis]
        if size is not have:
            _state(call, size, have, axis)
            if call.rule != "torch" and have is not None:
                _resized_to(call, size, have, axis)
        dims[axis] = size
    return tuple(dims)


def _scaled(call: Call, shape: Shape, axes: Sequence[int], scales: Sequence[Element]) -> Shape:
    dims = list(shape)
    for axis, scale in zip(axes, scales, strict=True):
        size = dims[axis]
        if scale == 1.0 and not isinstance(scale, FloatTerm):
            continue
        if isinstance(scale, float) and scale <= 0:
            illegal(call, f"a scale is {scale}; it is above 0")
        if not isinstance(scale, float | FloatTerm):
            dims[axis] = call.opaque(f"axis {axis}")
        elif size is not None:
            result = scaled(size, scale)
            _state(call, result, size, axis, f"scale {scale:g}" if isinstance(scale, float) else "a scale")
            dims[axis] = result
    return tuple(dims)


def _state(call: Call, result: Size, size: Dim, axis: int, detail: str = "the size") -> None:
    # onnxruntime resizes to nothing, at every opset; PyTorch refuses.
    least = 1 if call.rule == "torch" else 0
    call.require("empty", at_least(result, least), result, size, axis=axis, detail=detail)


def _resized_to(call: Call, result: Size, size: Size, axis: int) -> None:
    """onnxruntime takes the scale from the two sizes: nothing is resized to something, nor something to nothing."""
    to_nothing, from_nothing = equal(result, 0), equal(size, 0)
    call.require("empty", any_of((negate(to_nothing), from_nothing)), result, size, axis=axis, detail="the size")
    call.require("empty", any_of((to_nothing, negate(from_nothing))), size, axis=axis, detail="the input")


def _kept(call: Call, shape: Shape, axes: Sequence[int], sizes: Sequence[Element], policy: str) -> Shape:
    """One scale for all axes, the smallest or the largest of size / n: floor(scale * n + 1/2) along each."""
    numbers: list[tuple[int, int]] = []
    dims = list(shape)
    for axis, size in zip(axes, sizes, strict=True):
        have = dims[axis]
        if isinstance(have, int) and isinstance(size, int) and have > 0:
            numbers.append((have, size))
    if len(numbers) < len(axes):
        for axis in axes:
            dims[axis] = call.opaque(f"axis {axis}")
        return tuple(dims)
    choose = min if policy == "not_larger" else max
    exact = choose([Fraction(size, have) for have, size in numbers])
    single = choose([array("f", (size / have,))[0] for have, size in numbers])
    for axis, (have, _) in zip(axes, numbers, strict=True):
        result = math.floor(exact * have + Fraction(1, 2))
        if result != math.floor(array("f", (single * have,))[0] + 0.5):
            dims[axis] = call.opaque(f"axis {axis}")
            continue
        _state(call, result, have, axis)
        dims[axis] = result
    return tuple(dims)


@operator("Upsample")
def upsample(call: Call) -> Tensor:
    """ONNX Upsample-1 (height_scale, width_scale), 7 (scales), 9/10 (input): floor(n * scale)."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    scales: Sequence[Element]
    if call.version < 7:
        if rank != 4:
            illegal(call, f"the input has {rank} axes where 4 are needed")
        scales = (1.0, 1.0, call.real("height_scale", 1.0), call.real("width_scale", 1.0))
    elif call.version < 9:
        stated = call.numbers("scales")
        if stated is None:
            illegal(call, "`scales` is left out")
        scales = [float(scale) for scale in stated]
    else:
        value = call.operand(1).value
        scales = (None,) * rank if value is None else value
    if len(scales) != rank:
        illegal(call, f"{len(scales)} scales for {rank} axes")
    return Tensor(x.dtype, _scaled(call, x.shape, range(rank), scales))


# -- sampling --------------------------------------------------------------------------------------------------------


@operator("GridSample")
def grid_sample(call: Call) -> Tensor:
    """ONNX GridSample-16/20/22: [N, C, *spatial] and [N, *grid, rank - 2] -> [N, C, *grid]."""
    x, grid = call.operand(0), call.operand(1)
    if x.shape is None and grid.shape is None:
        return Tensor(x.dtype)
    if x.shape is None:
        assert grid.shape is not None
        return Tensor(x.dtype, (grid.shape[0], None, *grid.shape[1:-1]))
    rank = len(x.shape)
    if grid.shape is None:
        return Tensor(x.dtype, (*x.shape[:2], *[None] * (rank - 2)))
    if len(grid.shape) != rank or rank < 3:
        illegal(call, f"the grid has {len(grid.shape)} axes and the input {rank}")
    match(call, grid.shape[-1], rank - 2, operands=(1, -1), axis=rank - 1, detail="the grid's coordinates")
    batch = match(call, x.shape[0], grid.shape[0], axis=0, detail="the batch")
    return Tensor(x.dtype, (batch, x.shape[1], *grid.shape[1:-1]))


@operator("AffineGrid")
def affine_grid(call: Call) -> Tensor:
    """ONNX AffineGrid-20: size [N, C, *spatial] -> [N, *spatial, the number of spatial axes]."""
    theta, size = call.operand(0), call.operand(1)
    value = size.value
    if value is None:
        length = None if size.shape is None else size.shape[0]
        if not isinstance(length, int):
            return Tensor(theta.dtype)
        value = (None,) * length
    if len(value) not in (4, 5):
        illegal(call, f"`size` has {len(value)} numbers where 4 or 5 are needed")
    dims: list[Dim] = []
    for axis, element in enumerate((value[0], *value[2:])):
        dims.append(element if isinstance(element, int | Expr) else call.opaque(f"axis {axis}"))
    if theta.shape is not None:
        match(call, theta.shape[0], dims[0], axis=0, detail="the batch")
    return Tensor(theta.dtype, (*dims, len(value) - 2))
