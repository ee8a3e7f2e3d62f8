"""Whether an axis of a value is that of a map: followed back, it is the axis of an image, in the image's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.size import Expr, Size, equal, product

if TYPE_CHECKING:
    from shapelint.facts import Facts
    from shapelint.graph import Node
    from shapelint.ops.call import Shape

_WINDOWED: Final = frozenset(
    "Conv ConvTranspose MaxPool AveragePool LpPool Resize Upsample DepthToSpace SpaceToDepth GridSample DeformConv"
    " ConvInteger QLinearConv MaxUnpool Col2Im".split()
)
_REGROUPING: Final = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze"))
_LONGEST: Final = 4096


def is_map(facts: Facts, value: str, axis: int) -> bool:
    """Whether cropping the end of this axis crops the end of an image.

    It does not where the axis is made by joining several maps, or is the inner one of axes made one (boxes, tokens).
    """
    for _ in range(_LONGEST):
        node = facts.graph.producers.get(value)
        if node is None:
            return True
        if node.op in _WINDOWED:
            return axis >= 2
        found = _before(facts, node, value, axis)
        if found is None:
            return False
        value, axis = found
    return False


def _before(facts: Facts, node: Node, value: str, axis: int) -> tuple[str, int] | None:
    """The value and the axis that this one was made of; None where it is no map's."""
    shape = _shape(facts, value)
    if shape is None or not node.inputs:
        return None
    source = node.inputs[0]
    have = _shape(facts, source)
    if node.op == "Transpose":
        order = node.attributes.get("perm")
        if not isinstance(order, tuple):
            return source, len(shape) - 1 - axis
        place = order[axis]
        return (source, place) if isinstance(place, int) else None
    if node.op in _REGROUPING:
        place = None if have is None else _regrouped(have, shape, axis)
        return None if place is None else (source, place)
    if node.op == "Concat":
        along = node.attributes.get("axis", 0)
        if isinstance(along, int) and along % len(shape) == axis:
            return None
    for name in node.inputs:
        other = _shape(facts, name)
        if other is not None and len(other) == len(shape) and _same(other[axis], shape[axis]):
            return name, axis
    if have is not None and len(have) == len(shape):
        return source, axis
    return None


def _shape(facts: Facts, value: str) -> Shape | None:
    tensor = facts.shapes.tensors.get(value)
    return None if tensor is None else tensor.shape


def _same(left: Size | None, right: Size | None) -> bool:
    return left is not None and right is not None and equal(left, right) is True


def _regrouped(have: Shape, shape: Shape, axis: int) -> int | None:
    """The axis before a Reshape that is the outermost part of this one, or that this one is the outermost part of."""
    sizes = [size for size in have if size is not None]
    result = [size for size in shape if size is not None]
    if len(sizes) < len(have) or len(result) < len(shape):
        return None
    ahead = product(result[:axis])
    place = next((at for at in range(len(sizes)) if _same(product(sizes[:at]), ahead) and sizes[at] != 1), None)
    if place is None or not isinstance(sizes[place], Expr):
        return None
    return place
