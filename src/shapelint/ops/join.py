"""Operators that join and split tensors along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.broadcast import roundings
from shapelint.ops.call import MOST_ELEMENTS, CannotTell, Tensor, known
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.ops.values import places, strides
from shapelint.size import Expr, at_least, cdiv, divides, equal, is_always, larger, product
from shapelint.size.expr import Extreme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapelint.ops.call import Call, Dim, Element, Shape
    from shapelint.size import Size


@operator("Concat")
def concat(call: Call) -> Tensor:
    """ONNX Concat-1/4/11/13: sizes add up along `axis` (1 before opset 4) and are equal along the others."""
    tensors = call.inputs
    first = tensors[0]
    if first is None:
        raise CannotTell("its first input is left out")
    axis = call.number("axis", 1)
    if first.shape is not None and len(first.shape) == 1 and axis in (0, -1):
        return _line(call, first.dtype)
    rank = -1
    for tensor in tensors:
        if tensor is not None and tensor.shape is not None:
            if rank < 0:
                rank = len(tensor.shape)
            elif len(tensor.shape) != rank:
                illegal(call, f"tensors of {rank} and of {len(tensor.shape)} axes")
    if rank < 0:
        return Tensor(first.dtype)
    axis = call.axis(axis, rank)
    dims: list[Dim] | None = None
    sizes: list[Dim] = []
    seen: list[int] = []
    # onnxruntime passes over empty tensors, as the missing stage of segmentation-models-pytorch's `mit_b0`.
    passing = call.rule == "onnx" and any(each and each.shape and 0 not in each.shape for each in tensors)
    for place, tensor in enumerate(tensors):
        shape = None if tensor is None else tensor.shape
        if shape is None:
            sizes.append(None)
            continue
        sizes.append(shape[axis])
        if 0 in shape and passing:
            continue
        if dims is None:
            dims, seen = list(shape), [place] * rank
            continue
        for other, have in enumerate(shape):
            if other != axis and have is not dims[other]:
                _join(call, dims, seen, other, have, place)
    assert dims is not None
    dims[axis] = _total(sizes)
    result = tuple(dims)
    return Tensor(first.dtype, result, _joined(tensors, result, axis) if first.value is not None else None)


def _total(sizes: list[Dim]) -> Dim:
    """The sum of the sizes; the two parts that an axis was cut into make up the axis, however small it is."""
    total: Size = 0
    for size in sizes:
        if size is None:
            return None
        if isinstance(size, Expr) and len(sizes) > 1:
            atom = size.terms[0][0]
            if isinstance(atom, Extreme) and not atom.largest and size is atom.expr and len(atom.of) == 2:
                low, high = atom.of
                for cut, whole in ((low, high), (high, low)):
                    rest = whole - (cut if cut.terms else cut.const)
                    for other in (rest, larger(0, rest)):
                        if whole.terms and isinstance(other, Expr) and other in sizes:
                            return _total([whole, *_without(sizes, size, other)])
        total = size + total if isinstance(size, Expr) else total + size
    return total


def _without(sizes: list[Dim], *gone: Size) -> list[Dim]:
    left = list(sizes)
    for size in gone:
        left.remove(size)
    return left


def _join(call: Call, dims: list[Dim], seen: list[int], axis: int, have: Dim, place: int) -> None:
    """State that `have` is what the earlier tensors have; the simpler of the two goes on."""
    want = dims[axis]
    if have is None or have == want:
        return
    if want is None:
        dims[axis], seen[axis] = have, place
        return
    held = equal(want, have)
    if is_always(held):
        return
    call.require("join", held, want, have, axis=axis, operands=(seen[axis], place))
    if not isinstance(want, int) and (isinstance(have, int) or roundings(have) < roundings(want)):
        dims[axis], seen[axis] = have, place


def _line(call: Call, dtype: int | None) -> Tensor:
    """The join of tensors with one axis, with their values."""
    total: Dim = 0
    values: list[Element] = []
    follow = False
    for tensor in call.inputs:
        if tensor is None or tensor.shape is None:
            total = None
            continue
        if len(tensor.shape) != 1:
            illegal(call, f"tensors of 1 and of {len(tensor.shape)} axes")
        size = tensor.shape[0]
        total = None if total is None or size is None else total + size
        if tensor.value is not None:
            follow = True
            values.extend(tensor.value)
        elif isinstance(size, int) and size <= MOST_ELEMENTS:
            values.extend((None,) * size)
    if follow and isinstance(total, int) and total == len(values) <= MOST_ELEMENTS:
        return Tensor(dtype, (total,), tuple(values))
    return Tensor(dtype, (total,))


def _joined(tensors: Sequence[Tensor | None], result: Shape, axis: int) -> tuple[Element, ...] | None:
    dims = known(result)
    parts: list[tuple[tuple[Element, ...], int]] = []
    for tensor in tensors:
        if tensor is None or tensor.value is None:
            return None
        shape = known(tensor.shape)
        if shape is None:
            return None
        parts.append((tensor.value, product(shape[axis:])))  # type: ignore[arg-type]
    if dims is None or sum(len(value) for value, _ in parts) > MOST_ELEMENTS:
        return None
    made: list[Element] = []
    rows: int = product(dims[:axis])  # type: ignore[assignment]
    for row in range(rows):
        for value, width in parts:
            made.extend(value[row * width : (row + 1) * width])
    return tuple(made)


@operator("Split")
def split(call: Call) -> list[Tensor]:
    """ONNX Split-1/2/11 (attribute), 13 (input): the given sizes, which add up, or equal parts.

    Split-18: ceil(n / num_outputs) each, and what is left for the last, which may be nothing but not less.
    """
    x = call.operand(0)
    number = call.outputs
    if x.shape is None:
        return [Tensor(x.dtype)] * number
    axis = call.axis(call.number("axis", 0), len(x.shape))
    size = x.shape[axis]
    given: Sequence[Element] | None = None
    tensor = call.input(1)
    if call.version < 13 and "split" in call.attributes:
        given = call.numbers("split")
    elif tensor is not None:
        given = tensor.value
        if given is None:
            given = (None,) * number
    parts = _parts(call, size, number, axis) if given is None else _given(call, size, given, axis)
    if len(parts) < number:
        illegal(call, f"{len(parts)} sizes for {number} outputs")
    front, back = x.shape[:axis], x.shape[axis + 1 :]
    results = [Tensor(x.dtype, (*front, part, *back)) for part in parts]
    dims = known(x.shape)
    if x.value is not None and dims is not None:
        _fill(x.value, dims, results, axis)
    return results


def _given(call: Call, size: Dim, given: Sequence[Element], axis: int) -> list[Dim]:
    parts: list[Dim] = []
    for place, part in enumerate(given):
        if isinstance(part, int | Expr):
            call.require("argument", at_least(part, 0), part, axis=axis, operands=(1, -1), detail="a size to split off")
            parts.append(part)
        else:
            parts.append(call.opaque(f"part {place}"))
    if not any(part is None for part in given):
        total: Size = 0
        for part in parts:
            total = total if part is None else part + total
        match(call, size, total, axis=axis, operands=(0, 1), detail="the sizes to split into")
    return parts


def _parts(call: Call, size: Dim, number: int, axis: int) -> list[Dim]:
    if call.version >= 18:
        stated = call.number("num_outputs", number)
        if stated < 1 or stated < number:
            illegal(call, f"`num_outputs` is {stated} for {number} outputs")
        if size is None:
            return [None] * number
        each = cdiv(size, stated)
        last = size - each * (stated - 1)
        call.require("limit", at_least(last, 0), size, stated, axis=axis, detail="parts")
        return [*[each] * (number - 1), last if number == stated else each]
    if size is None:
        return [None] * number
    call.require("divides", divides(number, size), size, number, axis=axis, detail=f"{number} equal parts")
    return [size // number for _ in range(number)]


def _fill(value: tuple[Element, ...], dims: tuple[int, ...], results: list[Tensor], axis: int) -> None:
    """Give the parts of a tensor their values."""
    steps = strides(dims)
    begin = 0
    for place, result in enumerate(results):
        shape = known(result.shape)
        if shape is None or begin + shape[axis] > dims[axis]:
            return
        found = places(shape, steps, begin * steps[axis])
        results[place] = Tensor(result.dtype, shape, tuple([value[index] for index in found]))
        begin += shape[axis]
