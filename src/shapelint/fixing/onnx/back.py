"""One step back along an axis: which value, and which axis of it, a node made an axis of its result from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from shapelint.size import Expr, Size, equal, product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.facts import Facts
    from shapelint.graph import Node
    from shapelint.ops.call import Shape
    from shapelint.propagate import Shapes

    Forms: TypeAlias = Mapping[str, Shape | None]

_WINDOWED: Final = frozenset(
    (
        "Conv ConvTranspose MaxPool AveragePool LpPool Resize Upsample DepthToSpace SpaceToDepth GridSample"
        " DeformConv ConvInteger QLinearConv MaxUnpool Col2Im"
    ).split()
)
_REGROUPING: Final = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze"))
_LONGEST: Final = 4096


def forms(shapes: Shapes) -> Forms:
    """The shape of every value by name."""
    return {name: tensor.shape for name, tensor in shapes.tensors.items()}


def is_map(facts: Facts, value: str, axis: int) -> bool:
    """Whether cropping the end of this axis crops the end of an image.

    It does not where the axis is made by joining several maps, or is the inner one of axes made one (boxes, tokens).
    """
    known = forms(facts.shapes)
    for _ in range(_LONGEST):
        node = facts.graph.producers.get(value)
        if node is None:
            return True
        if node.op in _WINDOWED:
            return axis >= 2
        found = step_back(known, node, value, axis)
        if found is None:
            return False
        value, axis = found
        shape = known.get(value)
        if shape is None or not isinstance(shape[axis], Expr):
            return False
    return False


def step_back(known: Forms, node: Node, value: str, axis: int) -> tuple[str, int] | None:
    """The value and the axis that this axis of the node's result `value` was made of; None where there is not one."""
    shape = known.get(value)
    if shape is None or not node.inputs:
        return None
    source = node.inputs[0]
    have = known.get(source)
    if node.op == "Transpose":
        order = node.attributes.get("perm")
        if not isinstance(order, tuple):
            return source, len(shape) - 1 - axis
        before = order[axis]
        return (source, before) if isinstance(before, int) else None
    if node.op in _REGROUPING:
        place = None if have is None else _regrouped(have, shape, axis)
        return None if place is None else (source, place)
    if node.op == "Concat":
        along = node.attributes.get("axis", 0)
        if isinstance(along, int) and along % len(shape) == axis:
            return None
    for name in node.inputs:
        other = known.get(name)
        if other is not None and len(other) == len(shape) and _same(other[axis], shape[axis]):
            return name, axis
    if have is None:
        return None
    if len(have) == len(shape):
        return source, axis
    if node.op.startswith("Reduce") and len(have) > len(shape):
        return _kept(have, shape, source, axis)
    alike = [place for place, size in enumerate(have) if _same(size, shape[axis])]
    return (source, alike[0]) if len(alike) == 1 else None


def _kept(have: Shape, shape: Shape, source: str, axis: int) -> tuple[str, int] | None:
    """The axis that is left where others were summed up; matched from the last one on."""
    place = len(have)
    for own in range(len(shape) - 1, axis - 1, -1):
        place = next((at for at in range(place - 1, -1, -1) if _same(have[at], shape[own])), -1)
        if place < 0:
            return None
    return source, place


def _same(left: Size | None, right: Size | None) -> bool:
    return left is not None and right is not None and equal(left, right) is True


def _regrouped(have: Shape, shape: Shape, axis: int) -> int | None:
    """The axis before a Reshape that is the outermost part of this one, or that this one is the outermost part of."""
    sizes = [size for size in have if size is not None]
    result = [size for size in shape if size is not None]
    if len(sizes) < len(have) or len(result) < len(shape):
        return None
    ahead = product(result[:axis])
    return next((at for at in range(len(sizes)) if _same(product(sizes[:at]), ahead) and sizes[at] != 1), None)
