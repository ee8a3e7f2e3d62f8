"""Sequences of tensors and optional values.

A sequence whose length is known is followed item by item; of any other nothing is known but its type.
"""

from __future__ import annotations

from typing import Final

from shapelint.graph import Declared, Graph
from shapelint.ops.broadcast import roundings
from shapelint.ops.call import BOOL, FLOAT, INT64, UNKNOWN, Call, CannotTell, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.size import Expr, Size, equal

_MOST_ITEMS: Final = 4096


def _filled(call: Call, sequence: Tensor) -> tuple[Tensor, ...] | None:
    """The items of a sequence, one at least; None where it is not followed."""
    if sequence.items is not None and not sequence.items:
        illegal(call, "the sequence is empty")
    return sequence.items


def _place(call: Call, tensor: Tensor | None, default: int, length: int, last: int) -> int | None:
    """The position that a scalar names, from the front and at most `last`; None where only the data knows."""
    if tensor is None:
        return default
    values = tensor.numbers
    if values is None or len(values) != 1:
        return None
    if not -length <= values[0] <= last:
        illegal(call, f"position {values[0]} of a sequence with {length} items")
    return values[0] + length if values[0] < 0 else values[0]


@operator("SequenceConstruct")
def sequence_construct(call: Call) -> Tensor:
    """ONNX SequenceConstruct-11."""
    items = tuple([UNKNOWN if tensor is None else tensor for tensor in call.inputs])
    return Tensor(items[0].dtype if items else None, items=items)


@operator("SequenceEmpty")
def sequence_empty(call: Call) -> Tensor:
    """ONNX SequenceEmpty-11."""
    return Tensor(call.number("dtype", FLOAT), items=())


@operator("SequenceInsert")
def sequence_insert(call: Call) -> Tensor:
    """ONNX SequenceInsert-11: at the end where no position is given."""
    sequence, item = call.operand(0), call.operand(1)
    items = sequence.items
    if items is None:
        return Tensor(item.dtype)
    place = _place(call, call.input(2), len(items), len(items), len(items))
    if place is not None:
        return Tensor(item.dtype, items=(*items[:place], item, *items[place:]))
    if any(other.shape != item.shape for other in items):
        raise CannotTell("data decides where an item of another shape is put")
    return Tensor(item.dtype, items=tuple([item.typed(item.dtype)] * (len(items) + 1)))


@operator("SequenceErase")
def sequence_erase(call: Call) -> Tensor:
    """ONNX SequenceErase-11: the last where no position is given."""
    sequence = call.operand(0)
    items = _filled(call, sequence)
    if items is None:
        return Tensor(sequence.dtype)
    place = _place(call, call.input(1), len(items) - 1, len(items), len(items) - 1)
    if place is not None:
        return Tensor(sequence.dtype, items=items[:place] + items[place + 1 :])
    if any(other.shape != items[0].shape for other in items):
        raise CannotTell("data decides which item is taken out, and the items' shapes differ")
    return Tensor(sequence.dtype, items=tuple([items[0].typed(items[0].dtype)] * (len(items) - 1)))


@operator("SequenceAt")
def sequence_at(call: Call) -> Tensor:
    """ONNX SequenceAt-11."""
    sequence = call.operand(0)
    items = _filled(call, sequence)
    if items is None:
        return Tensor(sequence.dtype)
    place = _place(call, call.input(1), 0, len(items), len(items) - 1)
    if place is not None:
        return items[place]
    shapes = [item.shape for item in items if item.shape is not None]
    if len(shapes) < len(items):
        return Tensor(sequence.dtype)
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        raise CannotTell("data decides which item is read, and the items have different numbers of axes")
    return Tensor(
        items[0].dtype,
        tuple([
            sizes[0] if all(size is sizes[0] or size == sizes[0] for size in sizes) else call.opaque(f"axis {axis}")
            for axis, sizes in enumerate(zip(*shapes, strict=True))
        ]),
    )  # fmt: skip


@operator("SequenceLength")
def sequence_length(call: Call) -> Tensor:
    """ONNX SequenceLength-11: an int64 scalar."""
    items = call.operand(0).items
    return Tensor(INT64, (), None if items is None else (len(items),))


@operator("ConcatFromSequence")
def concat_from_sequence(call: Call) -> Tensor:
    """ONNX ConcatFromSequence-11: along an axis that is there, or along a new one."""
    sequence = call.operand(0)
    items = _filled(call, sequence)
    if items is None:
        return Tensor(sequence.dtype)
    if any(item.shape is None for item in items):
        return Tensor(items[0].dtype)
    shapes: list[Shape] = [item.shape for item in items if item.shape is not None]
    rank = len(shapes[0])
    if any(len(shape) != rank for shape in shapes):
        illegal(call, "the items have different numbers of axes")
    new = call.number("new_axis", 0)
    axis = call.axis(call.number("axis", 0), rank + 1 if new else rank)
    dims = list(shapes[0])
    total: Dim = 0
    for shape in shapes:
        size = 1 if new else shape[axis]
        total = None if total is None or size is None else total + size
        for place, (a, b) in enumerate(zip(dims, shape, strict=True)):
            if not new and place == axis:
                continue
            if a is None or b is None:
                dims[place] = b if a is None else a
            elif a is not b and a != b:
                held = equal(a, b)
                call.require("join", held, a, b, axis=place + (new and place >= axis), operands=(0, 0))
                dims[place] = b if roundings(b) < roundings(a) or isinstance(b, int) else a
    if new:
        dims.insert(axis, total)
    else:
        dims[axis] = total
    return Tensor(items[0].dtype, tuple(dims))


@operator("SplitToSequence")
def split_to_sequence(call: Call) -> Tensor:
    """ONNX SplitToSequence-11/24: pieces of one size (the last may be smaller), of stated sizes, or single slices."""
    x, split = call.operand(0), call.input(1)
    if x.shape is None:
        return Tensor(x.dtype)
    axis = call.axis(call.number("axis", 0), len(x.shape))
    size = x.shape[axis]
    keep = split is not None or call.number("keepdims", 1)
    pieces = _pieces(call, size, split, axis)
    ahead, behind = x.shape[:axis], x.shape[axis + 1 :]
    if not keep:
        return Tensor(x.dtype, items=tuple([Tensor(x.dtype, ahead + behind)] * len(pieces)))
    return Tensor(x.dtype, items=tuple([Tensor(x.dtype, (*ahead, piece, *behind)) for piece in pieces]))


def _pieces(call: Call, size: Dim, split: Tensor | None, axis: int) -> list[Dim]:
    if split is not None and split.shape is not None and len(split.shape) == 1:
        parts = split.ints
        if parts is not None:
            total: Size = 0
            for part in parts:
                total = total + part
            match(call, size, total, axis=axis, operands=(0, 1), detail="the sum of `split`")
            return list(parts)
        if isinstance(split.shape[0], int):
            return [call.opaque(f"piece {place}") for place in range(split.shape[0])]
        raise CannotTell("the number of pieces is not known")
    step: Dim = 1
    if split is not None:
        given = split.ints
        step = given[0] if given is not None and len(given) == 1 else None
    if isinstance(size, Expr) or size is None or not isinstance(step, int):
        raise CannotTell("the number of pieces is not known")
    if step < 1:
        illegal(call, f"`split` is {step}; it is at least 1")
    if size > _MOST_ITEMS * step:
        raise CannotTell("there are too many pieces to be followed")
    return [min(step, size - start) for start in range(0, size, step)]


@operator("SequenceMap")
def sequence_map(call: Call) -> list[Tensor]:
    """ONNX SequenceMap-17: the body for each item; further sequences are read in step, tensors as they are."""
    body = call.attributes.get("body")
    if not isinstance(body, Graph):
        illegal(call, "`body` is missing")
    items = call.operand(0).items
    if items is None:
        raise CannotTell("the length of the sequence is not known")
    if len(items) * max(len(body.nodes), 1) > _MOST_ITEMS:
        raise CannotTell("there are too many items to be followed")
    rows: list[list[Tensor]] = []
    for place, item in enumerate(items):
        given: list[Tensor | None] = [item]
        for other in call.inputs[1:]:
            if other is not None and other.items is not None:
                if len(other.items) != len(items):
                    illegal(call, f"sequences of {len(items)} and {len(other.items)} items")
                given.append(other.items[place])
            else:
                given.append(other)
        rows.append(call.run(body, given))
    if not rows:
        return [Tensor(item.dtype, items=()) for item in body.outputs]
    return [Tensor(column[0].dtype, items=tuple(column)) for column in zip(*rows, strict=True)]


# -- optional --------------------------------------------------------------------------------------------------------


@operator("Optional")
def optional(call: Call) -> Tensor:
    """ONNX Optional-15: its input; an empty optional of the stated type where there is none."""
    inside = call.input(0)
    if inside is not None:
        return inside
    declared = call.attributes.get("type")
    return Tensor(declared.dtype if isinstance(declared, Declared) else None)


@operator("OptionalGetElement")
def optional_get_element(call: Call) -> Tensor:
    """ONNX OptionalGetElement-15/18: what is inside."""
    return call.operand(0)


@operator("OptionalHasElement")
def optional_has_element(call: Call) -> Tensor:
    """ONNX OptionalHasElement-15/18: false where nothing is given; else data decides."""
    return Tensor(BOOL, (), (None,) if call.input(0) is not None else (False,))
