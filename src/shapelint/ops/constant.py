"""Operators that make tensors from attributes and shapes: constants, shapes as data, ranges, random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.graph import Constant
from shapelint.ops.call import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT32,
    INT64,
    INTEGERS,
    MOST_ELEMENTS,
    STRING,
    CannotTell,
    Tensor,
    count,
    known,
    of_constant,
)
from shapelint.ops.legality import illegal
from shapelint.ops.registry import operator
from shapelint.ops.values import arithmetic, nonnegative
from shapelint.size import Expr, at_least, cdiv, low, product
from shapelint.size.floats import FloatTerm, to_size

if TYPE_CHECKING:
    from shapelint.ops.call import Call, Dim, Element, Shape
    from shapelint.size import Size

_MOST_FLOATS = 64
"""Larger tensors of one float are data, not parameters of an operator."""


@operator("Constant")
def constant(call: Call) -> Tensor:
    """ONNX Constant-1/9/11/12/13/...: exactly one of its attributes holds the tensor."""
    for name, value in call.attributes.items():
        if name == "value" and isinstance(value, Constant):
            return of_constant(value)
        if name == "value_int" and isinstance(value, int):
            return Tensor(INT64, (), (value,))
        if name == "value_float" and isinstance(value, int | float):
            return Tensor(FLOAT, (), (float(value),))
        if name == "value_string" and isinstance(value, str):
            return Tensor(STRING, (), (value,))
        if name == "sparse_value" and isinstance(value, Constant):
            return Tensor(value.dtype, value.dims)
        if isinstance(value, tuple):
            items: Any = value
            if name == "value_ints":
                return Tensor(INT64, (len(items),), items)
            if name == "value_floats":
                return Tensor(FLOAT, (len(items),), tuple([float(item) for item in items]))
            if name == "value_strings":
                return Tensor(STRING, (len(items),), items)
    raise CannotTell("none of its attributes holds a tensor")


@operator("Shape")
def shape_of(call: Call) -> Tensor:
    """ONNX Shape-1/13/15/...: the sizes of the axes `start` to `end`, which are clamped."""
    shape = call.operand(0).shape
    if shape is None:
        return Tensor(INT64, (None,))
    if call.attributes:
        start, end = call.number("start", 0), call.number("end", len(shape))
        shape = shape[start:end] if start >= -len(shape) else shape[:end]
    return Tensor(INT64, (len(shape),), shape)


@operator("Size")
def size_of(call: Call) -> Tensor:
    """ONNX Size-1/13/...: the number of elements."""
    sizes = call.operand(0).sizes
    return Tensor(INT64, (), None if sizes is None else (product(sizes),))


def filled(call: Call, sizes: tuple[Element, ...], what: str) -> tuple[Dim, ...]:
    """A shape from the elements of a tensor: what is not known of it is opaque, and none of it may be negative."""
    dims: list[Dim] = []
    for axis, size in enumerate(sizes):
        if not isinstance(size, int | Expr):
            dims.append(call.opaque(f"axis {axis}"))
            continue
        least = low(size)
        if least is None or least < 0:
            call.require("argument", at_least(size, 0), size, axis=axis, operands=(0, -1), detail=what)
        dims.append(size)
    return tuple(dims)


def unread(call: Call, tensor: Tensor | None, dtype: int | None) -> Tensor:
    """The result whose shape is data: opaque along as many axes as `tensor` has elements."""
    length = None if tensor is None else tensor.shape
    if length is None or not length or length[0] is None:
        return Tensor(dtype)
    if not isinstance(length[0], int):
        raise CannotTell("the number of axes of its result is data")
    return Tensor(dtype, tuple([call.opaque(f"axis {axis}") for axis in range(length[0])]))


@operator("ConstantOfShape")
def constant_of_shape(call: Call) -> Tensor:
    """ONNX ConstantOfShape-9/20/...: one value, float 0 by default, in the shape that is its input."""
    wanted, value = call.operand(0), call.attributes.get("value")
    dtype: int = FLOAT
    fill: Element = 0.0
    if isinstance(value, Constant):
        dtype = value.dtype
        fill = value.values[0] if value.values else None
    if wanted.value is None:
        return unread(call, wanted, dtype)
    shape = filled(call, wanted.value, "the shape")
    dims = known(shape)
    if dims is None or fill is None:
        return Tensor(dtype, shape)
    most = MOST_ELEMENTS if dtype in INTEGERS or dtype == BOOL else _MOST_FLOATS
    number = count(dims)
    return Tensor(dtype, shape, (fill,) * number if 0 <= number <= most else None)


@operator("Range")
def arange(call: Call) -> Tensor:
    """ONNX Range-11/27: max(0, ceil((limit - start) / delta)) numbers."""
    first = call.operand(0)
    dtype = first.dtype
    given = [call.operand(place).value for place in range(3)]
    if any(value is None or len(value) != 1 for value in given):
        return Tensor(dtype, (call.opaque("the length"),))
    start, limit, delta = (value[0] for value in given if value is not None)
    if isinstance(start, int | Expr) and isinstance(limit, int | Expr) and isinstance(delta, int | Expr):
        return _integers(call, dtype, start, limit, delta)
    subtract = arithmetic("Sub", dtype)
    if subtract is None or not isinstance(start, float | FloatTerm) or not isinstance(delta, float) or not delta:
        return Tensor(dtype, (call.opaque("the length"),))
    span = subtract(limit, start) if isinstance(limit, float | FloatTerm) else None
    divide = arithmetic("Div", DOUBLE)
    quotient = None if span is None or divide is None else divide(span, delta)
    if not isinstance(quotient, float | FloatTerm):
        return Tensor(dtype, (call.opaque("the length"),))
    return Tensor(dtype, (nonnegative(to_size(quotient, "ceil")),))


def _integers(call: Call, dtype: int | None, start: Size, limit: Size, delta: Size) -> Tensor:
    if isinstance(delta, int) and delta == 0:
        illegal(call, "`delta` is 0")
    least = low(delta)
    if isinstance(delta, int) or (least is not None and least > 0):
        number = nonnegative(cdiv(limit - start, delta))
    else:
        return Tensor(dtype, (call.opaque("the length"),))
    if isinstance(number, int) and number <= MOST_ELEMENTS:
        return Tensor(dtype, (number,), tuple([start + delta * index for index in range(number)]))
    return Tensor(dtype, (number,))


@operator("EyeLike", "RandomNormalLike", "RandomUniformLike", "Bernoulli")
def like(call: Call) -> Tensor:
    """ONNX EyeLike-9/22, RandomNormalLike-1/22, RandomUniformLike-1/22, Bernoulli-15/22: the input's shape."""
    x = call.operand(0)
    if call.op == "EyeLike" and x.shape is not None and len(x.shape) != 2:
        illegal(call, f"the input has {len(x.shape)} axes where 2 are needed")
    dtype = call.number("dtype", 0)
    return Tensor(dtype or x.dtype, x.shape)


@operator("RandomNormal", "RandomUniform")
def random(call: Call) -> Tensor:
    """ONNX RandomNormal-1/22, RandomUniform-1/22."""
    shape = call.numbers("shape")
    if shape is None:
        raise CannotTell("`shape` is left out")
    return Tensor(call.number("dtype", FLOAT), shape)


@operator("Multinomial")
def multinomial(call: Call) -> Tensor:
    """ONNX Multinomial-7/22: [batch, sample_size]."""
    shape = call.operand(0).shape
    if shape is not None and len(shape) != 2:
        illegal(call, f"the input has {len(shape)} axes where 2 are needed")
    rows: Dim = None if shape is None else shape[0]
    return Tensor(call.number("dtype", INT32), (rows, call.number("sample_size", 1)))


@operator("OneHot")
def one_hot(call: Call) -> Tensor:
    """ONNX OneHot-9/11: the indices' shape with an axis of `depth` put in."""
    indices, depth, values = call.operand(0).shape, call.operand(1), call.operand(2)
    if indices is None:
        return Tensor(values.dtype)
    axis = call.axis(call.number("axis", -1), len(indices) + 1)
    wide: Dim = None
    if depth.value is not None and len(depth.value) == 1:
        element = depth.value[0]
        if isinstance(element, float | FloatTerm):
            element = to_size(element, "trunc")
        wide = element if isinstance(element, int | Expr) else None
    if wide is None:
        wide = call.opaque("the depth")
    shape: Shape = (*indices[:axis], wide, *indices[axis:])
    return Tensor(values.dtype, shape, _marked(call.operand(0), axis, wide, values))


def _marked(indices: Tensor, axis: int, depth: Size, values: Tensor) -> tuple[Element, ...] | None:
    """The second of `values` where an index points and the first elsewhere; None where that is not known or large."""
    places, dims, pair = indices.numbers, known(indices.shape), values.value
    if places is None or dims is None or pair is None or len(pair) != 2 or not isinstance(depth, int):
        return None
    if depth * len(places) > MOST_ELEMENTS or any(place < 0 for place in places):
        return None
    inner = count(dims[axis:])
    rows = [places[first : first + inner] for first in range(0, len(places), inner)]
    return tuple([pair[place == level] for row in rows for level in range(depth) for place in row])


@operator("Trilu")
def trilu(call: Call) -> Tensor:
    """ONNX Trilu-14: the input's shape, of at least two axes."""
    x = call.operand(0)
    if x.shape is not None and len(x.shape) < 2:
        illegal(call, f"the input has {len(x.shape)} axes where at least 2 are needed")
    return x if x.value is None else Tensor(x.dtype, x.shape)
