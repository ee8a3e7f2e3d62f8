"""Element-wise operators: one operand keeps its shape, several broadcast theirs.

Before opset 7 the binary operators have the attributes `broadcast` and `axis`; without `broadcast` the shapes are the
same. The variadic ones broadcast since opset 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapelint.ops.broadcast import broadcast
from shapelint.ops.call import BOOL, MOST_ELEMENTS, Tensor, count, known
from shapelint.ops.legality import illegal, match, onto
from shapelint.ops.registry import operator
from shapelint.ops.values import LOGIC, arithmetic, casts, chosen, comparison, each, paired, remainder, spread

if TYPE_CHECKING:
    from shapelint.ops.call import Call, Shape
    from shapelint.ops.values import Pair, Values


# -- one operand -----------------------------------------------------------------------------------------------------


@operator("Identity")
def identity(call: Call) -> Tensor:
    """ONNX Identity-1/13/14/16/...: the same tensor, sequence or optional."""
    return call.operand(0)


@operator(
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Celu", "Cos", "Cosh", "Elu", "Erf", "Exp", "Gelu",
    "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Selu", "Shrink", "Sigmoid", "Sin", "Sinh",
    "Softplus", "Softsign", "Swish", "Tan", "Tanh", "ThresholdedRelu",
)  # fmt: skip
def activation(call: Call) -> Tensor:
    """The input's type and shape, at every version; its values are not followed."""
    x = call.operand(0)
    return x if x.value is None else Tensor(x.dtype, x.shape)


@operator("Abs", "BitwiseNot", "Ceil", "Floor", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sign", "Sqrt")
def followed(call: Call) -> Tensor:
    """The input's type and shape, at every version, with its values where they are exact."""
    x = call.operand(0)
    if x.value is None:
        return x
    return Tensor(x.dtype, x.shape, each(call.op, x.dtype, x.value))


@operator("Hardmax", "LogSoftmax", "Softmax")
def softmax(call: Call) -> Tensor:
    """ONNX Softmax-1/11/13, LogSoftmax-1/11/13, Hardmax-1/11/13: the input's shape."""
    x = call.operand(0)
    if x.shape is not None:
        call.axis(call.number("axis", -1 if call.version >= 13 else 1), len(x.shape))
    return x if x.value is None else Tensor(x.dtype, x.shape)


@operator("CumProd", "CumSum")
def cumulative(call: Call) -> Tensor:
    """ONNX CumSum-11/14, CumProd-26: the input's shape."""
    x, axis = call.operand(0), call.operand(1).numbers
    if x.shape is not None and axis:
        call.axis(axis[0], len(x.shape))
    if x.value is None:
        return x
    add = arithmetic("Add" if call.op == "CumSum" else "Mul", x.dtype)
    if add is None or len(x.shape or ()) != 1 or call.number("exclusive", 0) or call.number("reverse", 0):
        return Tensor(x.dtype, x.shape)
    total, sums = x.value[:1], list(x.value[:1])
    for element in x.value[1:]:
        total = (None if total[0] is None or element is None else add(total[0], element),)
        sums.append(total[0])
    return Tensor(x.dtype, x.shape, tuple(sums))


@operator("IsInf", "IsNaN")
def classified(call: Call) -> Tensor:
    """ONNX IsInf-10/20, IsNaN-9/13/20: booleans."""
    return Tensor(BOOL, call.operand(0).shape)


@operator("RegexFullMatch")
def full_match(call: Call) -> Tensor:
    """ONNX RegexFullMatch-20: booleans."""
    return Tensor(BOOL, call.operand(0).shape)


@operator("Dropout")
def dropout(call: Call) -> list[Tensor]:
    """ONNX Dropout-1/6/7/10/12/13/22: the input, and a mask of its shape; booleans since opset 10."""
    x = call.operand(0)
    return [x, Tensor(BOOL if call.version >= 10 else x.dtype, x.shape)] if call.outputs > 1 else [x]


@operator("Clip")
def clip(call: Call) -> Tensor:
    """ONNX Clip-1/6/11/12/13: min and max as attributes, then as scalar inputs; where they cross, max decides."""
    x = call.operand(0)
    if x.value is None:
        return x
    value, shape = x.value, x.shape
    bounds: list[Values | None] = []
    for place, name in ((1, "min"), (2, "max")):
        if call.version < 11:
            bounds.append((call.real(name, 0.0),) if name in call.attributes else None)
            continue
        bound = call.input(place)
        if bound is not None and (bound.value is None or len(bound.value) != 1):
            return Tensor(x.dtype, shape)
        bounds.append(None if bound is None else bound.value)
    for bound_value, op in zip(bounds, ("Max", "Min"), strict=True):
        if bound_value is None:
            continue
        pair = arithmetic(op, x.dtype)
        found = None if pair is None else paired(pair, value, shape, bound_value, (), shape)
        if found is None:
            return Tensor(x.dtype, shape)
        value = found
    return Tensor(x.dtype, shape, value)


# -- types -----------------------------------------------------------------------------------------------------------

_NAMES: Final = (
    "UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE",
    "UINT32", "UINT64", "COMPLEX64", "COMPLEX128",
)  # fmt: skip
"""What Cast-1 calls the types."""

_BITS: Final = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16, 17: 8, 18: 8, 19: 8,
    20: 8, 21: 4, 22: 4, 23: 4, 24: 8,
}  # fmt: skip


@operator("Cast")
def cast_to(call: Call) -> Tensor:
    """ONNX Cast-1 (a type's name), Cast-6/9/13/19/21/23/24/25 (its number)."""
    x, to = call.operand(0), call.attributes.get("to")
    if isinstance(to, str) and to in _NAMES:
        to = _NAMES.index(to)
    if not isinstance(to, int):
        illegal(call, "`to` names no type")
    return converted(x, to)


def converted(x: Tensor, dtype: int) -> Tensor:
    """`x` as a tensor of this type."""
    if x.dtype == dtype:
        return x
    return Tensor(dtype, x.shape, None if x.value is None else casts(x.value, x.dtype, dtype))


@operator("CastLike")
def cast_like(call: Call) -> Tensor:
    """ONNX CastLike-15/19/21/...: the type of the second input."""
    x, dtype = call.operand(0), call.operand(1).dtype
    return Tensor(None, x.shape) if dtype is None else converted(x, dtype)


@operator("BitCast")
def bit_cast(call: Call) -> Tensor:
    """ONNX BitCast-26: the same shape; the types are equally wide."""
    x, to = call.operand(0), call.number("to", 0)
    have, wanted = _BITS.get(x.dtype or 0), _BITS.get(to)
    if have is not None and wanted is not None and have != wanted:
        illegal(call, f"elements of {have} bits are read as elements of {wanted}")
    return Tensor(to or None, x.shape)


# -- two operands ----------------------------------------------------------------------------------------------------


def _common(call: Call, a: Tensor, b: Tensor) -> Shape | None:
    """The common shape of two operands, by the rules of the node's version."""
    left, right = a.shape, b.shape
    if call.version >= 7 or left == right:
        return broadcast(call, (left, right))
    if left is None or right is None:
        return left
    if not call.number("broadcast", 0):
        return _same(call, left, right, 1)
    axis = call.number("axis", len(left) - len(right))
    if axis < 0:
        axis += len(left)
    behind = len(left) - len(right) - axis
    if axis < 0 or behind < 0:
        illegal(call, f"{len(right)} axes do not fit into {len(left)} from axis {axis} on")
    onto(call, (1,) * axis + right + (1,) * behind, left, 1, "merge", "the second operand")
    return left


def _same(call: Call, left: Shape, right: Shape, place: int) -> Shape:
    if len(left) != len(right):
        illegal(call, f"{len(right)} axes against {len(left)}, and before opset 7 shapes are the same")
    return tuple(
        [match(call, a, b, axis=axis, operands=(0, place)) for axis, (a, b) in enumerate(zip(left, right, strict=True))]
    )


def _values(call: Call, pair: Pair | None, a: Tensor, b: Tensor, shape: Shape | None) -> Values | None:
    if pair is None or a.value is None or b.value is None or shape is None or call.version < 7:
        return None
    return None if known(shape) is None else paired(pair, a.value, a.shape, b.value, b.shape, shape)


@operator("Add", "Sub", "Mul", "Div")
def arithmetic_pair(call: Call) -> Tensor:
    """ONNX Add, Sub, Mul, Div-1/6/7/13/14."""
    a, b = call.operand(0), call.operand(1)
    left, right = a.shape, b.shape
    if left == right:
        shape = left
    elif call.version >= 7 and left is not None and right is not None:
        shape = broadcast(call, (left, right))
    else:
        shape = _common(call, a, b)
    if a.value is None:
        if shape == left and a.dtype is not None:
            return a
    elif b.value is not None:
        dtype = a.dtype or b.dtype
        return Tensor(dtype, shape, _values(call, arithmetic(call.op, dtype), a, b, shape))
    return Tensor(a.dtype or b.dtype, shape)


@operator("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Mod", "Pow")
def integer_pair(call: Call) -> Tensor:
    """ONNX Mod-10/13, Pow-1/7/12/13/15, BitShift-11, BitwiseAnd/Or/Xor-18: the first operand's type."""
    a, b, op = call.operand(0), call.operand(1), call.op
    shape = _common(call, a, b)
    if a.value is None or b.value is None:
        return Tensor(a.dtype, shape)
    pair = arithmetic(op, a.dtype)
    if op == "Mod" and call.number("fmod", 0):
        pair = remainder
    elif op == "BitShift":
        pair = arithmetic(call.text("direction", ""), a.dtype)
    return Tensor(a.dtype, shape, _values(call, pair, a, b, shape))


@operator("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
def compared(call: Call) -> Tensor:
    """ONNX Equal-1/7/11/13/19, Greater/Less-1/7/9/13, GreaterOrEqual/LessOrEqual-12/16: booleans."""
    a, b = call.operand(0), call.operand(1)
    shape = _common(call, a, b)
    if a.value is None or b.value is None:
        return Tensor(BOOL, shape)
    return Tensor(BOOL, shape, _values(call, comparison(call.op), a, b, shape))


@operator("And", "Or", "Xor")
def logic(call: Call) -> Tensor:
    """ONNX And, Or, Xor-1/7: booleans."""
    a, b = call.operand(0), call.operand(1)
    shape = _common(call, a, b)
    if a.value is None or b.value is None:
        return Tensor(BOOL, shape)
    return Tensor(BOOL, shape, _values(call, LOGIC[call.op], a, b, shape))


@operator("SwiGLU")
def swiglu(call: Call) -> Tensor:
    """ONNX SwiGLU-28: two operands of one shape."""
    a, b = call.operand(0), call.operand(1)
    if a.shape is None or b.shape is None:
        return Tensor(a.dtype, a.shape if b.shape is None else b.shape)
    return Tensor(a.dtype, a.shape if a.shape == b.shape else broadcast(call, (a.shape, b.shape)))


@operator("PRelu")
def prelu(call: Call) -> Tensor:
    """ONNX PRelu-7/9/16: the slope is broadcast to the input; PRelu-1/6: one slope, or one a channel."""
    x, slope = call.operand(0), call.operand(1).shape
    if x.shape is None or slope is None:
        return Tensor(x.dtype, x.shape)
    if call.version >= 7:
        onto(call, slope, x.shape, 1, "channels", "the slope")
    elif len(slope) == 1 and len(x.shape) > 1 and slope[0] != 1:
        match(call, slope[0], x.shape[1], kind="channels", axis=1, operands=(1, 0), detail="the slope")
    return x if x.value is None else Tensor(x.dtype, x.shape)


# -- many operands ---------------------------------------------------------------------------------------------------


@operator("Max", "Mean", "Min", "Sum")
def variadic(call: Call) -> Tensor:
    """ONNX Max/Min-1/6/8/12/13, Mean/Sum-1/6/8/13: any number of operands of one type."""
    tensors = [call.operand(place) for place in range(len(call.inputs))]
    first = tensors[0]
    shape = first.shape
    if call.version >= 8:
        shape = broadcast(call, [tensor.shape for tensor in tensors])
    else:
        for place, tensor in enumerate(tensors):
            if shape is None or tensor.shape is None:
                shape = tensor.shape if shape is None else shape
            elif shape != tensor.shape:
                shape = _same(call, shape, tensor.shape, place)
    op = "Add" if call.op == "Sum" else call.op
    if first.value is None or shape is None or (op == "Mean" and len(tensors) > 1):
        return first if shape is first.shape and first.value is None else Tensor(first.dtype, shape)
    pair = arithmetic(op, first.dtype)
    total, so_far = first.value, first.shape
    if len(tensors) > 1 and (pair is None or known(shape) is None):
        return Tensor(first.dtype, shape)
    for tensor in tensors[1:]:
        if tensor.value is None or pair is None:
            return Tensor(first.dtype, shape)
        found = paired(pair, total, so_far, tensor.value, tensor.shape, shape)
        if found is None:
            return Tensor(first.dtype, shape)
        total, so_far = found, shape
    return Tensor(first.dtype, shape, total)


@operator("Where")
def where(call: Call) -> Tensor:
    """ONNX Where-9/16: three operands broadcast; the type of the second."""
    condition, a, b = call.operand(0), call.operand(1), call.operand(2)
    dtype = a.dtype or b.dtype
    shape = a.shape
    if shape != b.shape or shape != condition.shape:
        shape = broadcast(call, (condition.shape, a.shape, b.shape))
    if condition.value is None or a.value is None or b.value is None or shape is None:
        return Tensor(dtype, shape)
    dims: Any = known(shape)
    if dims is None or count(dims) > MOST_ELEMENTS:
        return Tensor(dtype, shape)
    held = spread(condition.value, condition.shape, dims)  # type: ignore[arg-type]
    then, other = spread(a.value, a.shape, dims), spread(b.value, b.shape, dims)  # type: ignore[arg-type]
    return Tensor(dtype, shape, tuple([chosen(*three) for three in zip(held, then, other, strict=True)]))
