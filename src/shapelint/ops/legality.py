"""What operators ask of their operands besides broadcasting: equal sizes, legal arguments, ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from shapelint.ops.call import CannotTell
from shapelint.size import any_of, equal

if TYPE_CHECKING:
    from shapelint.ops.call import Call, Dim, RequirementKind, Shape, Tensor


def illegal(call: Call, detail: str) -> NoReturn:
    """State that the node runs at no size, because of `detail`."""
    call.require("argument", False, detail=detail)
    raise CannotTell(detail)


def of_rank(call: Call, tensor: Tensor | None, rank: int, what: str) -> Shape | None:
    """The shape of `tensor`, which has `rank` axes wherever the node runs; None where it is left out or unknown."""
    shape = None if tensor is None else tensor.shape
    if shape is not None and len(shape) != rank:
        illegal(call, f"{what} has {len(shape)} axes where {rank} {'is' if rank == 1 else 'are'} needed")
    return shape


def match(
    call: Call,
    left: Dim,
    right: Dim,
    *,
    kind: RequirementKind = "match",
    axis: int | None = None,
    operands: tuple[int, int] = (0, 1),
    detail: str = "",
) -> Dim:
    """State that two sizes are equal where both are known; the one that is known."""
    if left is None:
        return right
    if right is not None and left is not right:
        held = equal(left, right)
        if held is not True:
            call.require(kind, held, left, right, axis=axis, operands=operands, detail=detail)
    return left


def onto(call: Call, shape: Shape | None, target: Shape, place: int, kind: RequirementKind, detail: str) -> None:
    """State that `shape` broadcasts to `target` without changing it (ONNX's unidirectional broadcasting)."""
    if shape is None or shape == target[len(target) - len(shape) :]:
        return
    ahead = len(target) - len(shape)
    if ahead < 0:
        illegal(call, f"{detail} has {len(shape)} axes and what it is broadcast to {len(target)}")
    for axis, size in enumerate(shape, ahead):
        wanted = target[axis]
        if size is None or wanted is None or size is wanted or size == 1:
            continue
        call.require(
            kind,
            any_of((equal(size, wanted), equal(size, 1))),
            size,
            wanted,
            axis=axis,
            operands=(place, 0),
            detail=detail,
        )
