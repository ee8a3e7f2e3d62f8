"""Element arithmetic of tensors that are propagated by value, as a runtime computes it.

An element is an integer, an expression, a float, a float term, a boolean, a condition, a string, or None where it is
not known. Every function here answers None rather than a guess: for what overflows its type, for floats that are no
number, and for what has no exact form. Integers wrap in no result: below 2**31 nothing that a size is overflows.
Sources: the ONNX operators' texts; integer Div truncates as C++ does (onnxruntime and ONNX Div-14).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shapelint.ops.call import (
    BFLOAT16,
    BOOL,
    DOUBLE,
    FLOAT,
    FLOAT16,
    INT8,
    INT16,
    INT32,
    INT64,
    MOST_ELEMENTS,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    count,
)
from shapelint.size import (
    Condition,
    Expr,
    TooDeep,
    above,
    all_of,
    any_of,
    at_least,
    equal,
    high,
    is_always,
    larger,
    low,
    negate,
    select,
    smaller,
)
from shapelint.size.expr import Product
from shapelint.size.floats import FloatTerm, binary, of_size, quotient, to_size, unary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapelint.ops.call import Element
    from shapelint.size import Held, Size
    from shapelint.size.floats import Float, Width

Values: TypeAlias = "tuple[Element, ...]"
Pair: TypeAlias = "Callable[[Any, Any], Element]"
Single: TypeAlias = "Callable[[Any], Element]"

_RANGES: Final = {
    INT64: (-(1 << 63), (1 << 63) - 1),
    INT32: (-(1 << 31), (1 << 31) - 1),
    INT16: (-(1 << 15), (1 << 15) - 1),
    INT8: (-128, 127),
    UINT8: (0, 255),
    UINT16: (0, (1 << 16) - 1),
    UINT32: (0, (1 << 32) - 1),
    UINT64: (0, (1 << 64) - 1),
    21: (0, 15),
    22: (-8, 7),
}
"""The integers of each type."""

_WIDTHS: Final[dict[int, Width]] = {FLOAT: "f", DOUBLE: "d"}
_HALVES: Final = {FLOAT16: 1 << 11, BFLOAT16: 1 << 8}
"""Integers up to these are exact in the 16-bit floats; other values of theirs are not followed."""

_FAILURES: Final = (TooDeep, ZeroDivisionError, ValueError, OverflowError, TypeError)
"""What arithmetic on elements raises where there is no result to state."""


# -- integers --------------------------------------------------------------------------------------------------------


def fit(size: Size, dtype: int) -> Size | None:
    """`size` if it is certain to be an integer of this type; sizes are taken to stay within 32 signed bits."""
    if type(size) is int and dtype == INT64:
        return size if -0x8000000000000000 <= size <= 0x7FFFFFFFFFFFFFFF else None
    if isinstance(size, Expr) and dtype in (INT64, INT32):
        return size
    bounds = _RANGES.get(dtype)
    if bounds is None:
        return None
    least, most = low(size), high(size)
    if least is None or least < bounds[0]:
        return None
    return size if (bounds[1] >= 0x7FFFFFFF if most is None else most <= bounds[1]) else None


def factors(size: Expr) -> tuple[Expr, ...]:
    """The factors of a product, which is 0 where one of them is; `size` itself where it is none."""
    if len(size.terms) == 1 and size.const == 0:
        atom = size.terms[0][0]
        if isinstance(atom, Product):
            return atom.factors
    return (size,)


def is_nonnegative(size: Size) -> bool:
    """Whether `size` is certain never to be negative."""
    least = low(size)
    if least is not None and least >= 0:
        return True
    if not isinstance(size, Expr):
        return False
    parts = factors(size)
    if len(parts) == 1:
        return is_always(at_least(size, 0))
    positive = size.terms[0][1] > 0
    for part in parts:
        if not is_nonnegative(part):
            positive = not positive
            if not is_nonnegative(-part):
                return False
    return positive


def nonnegative(size: Size) -> Size:
    """max(0, size): `size` itself where it is certain never to be negative, so that one size has one form."""
    return size if is_nonnegative(size) else larger(0, size)


def truncated(size: Size, by: Size) -> Size | None:
    """size / by rounded towards zero; None where a sign that matters is not known, or `by` is 0."""
    if isinstance(size, int) and isinstance(by, int):
        if by == 0:
            return None
        quotient = abs(size) // abs(by)
        return quotient if (size < 0) is (by < 0) else -quotient
    if isinstance(by, int):
        if by == 0:
            return None
        if by < 0:
            size, by = -size, -by
        if is_nonnegative(size):
            return size // by
        if is_nonnegative(-size):
            return -(-size // by)
        return select(at_least(size, 0), size // by, -(-size // by))
    if not is_nonnegative(by):
        return None
    if is_nonnegative(size):
        return size // by
    return -(-size // by) if is_nonnegative(-size) else None


def _modulo(size: Size, by: Size) -> Size | None:
    """ONNX Mod-10 with fmod=0: the sign of the divisor."""
    return None if isinstance(by, int) and by == 0 else size % by


def remainder(size: Element, by: Element) -> Element:
    """ONNX Mod-10 with fmod=1: the sign of the dividend."""
    if isinstance(size, int | Expr) and isinstance(by, int | Expr):
        quotient = truncated(size, by)
        return None if quotient is None else size - by * quotient
    if isinstance(size, float) and isinstance(by, float) and by:
        return math.fmod(size, by)
    return None


def _power(base: Size, exponent: Size | float) -> Size | None:
    if isinstance(exponent, float) and exponent.is_integer():
        exponent = int(exponent)
    if not isinstance(exponent, int) or not 0 <= exponent <= 64:
        return None
    if isinstance(base, Expr) and exponent > 8:
        return None
    total: Size = 1
    for _ in range(exponent):
        total = total * base
    return total


def _shift_left(value: Size, by: Size) -> Size | None:
    return value * (1 << by) if isinstance(by, int) and 0 <= by < 64 else None


def _shift_right(value: Size, by: Size) -> Size | None:
    return value // (1 << by) if isinstance(by, int) and 0 <= by < 64 else None


def _bits(operation: Callable[[int, int], int]) -> Pair:
    def apply(left: Any, right: Any) -> Element:
        return operation(left, right) if isinstance(left, int) and isinstance(right, int) else None

    return apply


_INTEGER_PAIRS: Final[dict[str, Pair]] = {
    "Add": lambda left, right: left + right,
    "Sub": lambda left, right: left - right,
    "Mul": lambda left, right: left * right,
    "Div": truncated,
    "Mod": _modulo,
    "Pow": _power,
    "Min": smaller,
    "Max": larger,
    "LEFT": _shift_left,
    "RIGHT": _shift_right,
    "BitwiseAnd": _bits(int.__and__),
    "BitwiseOr": _bits(int.__or__),
    "BitwiseXor": _bits(int.__xor__),
}


def _fitted(pair: Pair, dtype: int) -> Pair:
    def apply(left: Any, right: Any) -> Element:
        result: Any = pair(left, right)
        return None if result is None else fit(result, dtype)

    return apply


# -- floats ----------------------------------------------------------------------------------------------------------


def _number(value: Float) -> Float | None:
    """`value`, or None where it is no number."""
    return value if isinstance(value, FloatTerm) or value - value == 0.0 else None


def as_size(value: Element) -> Size | None:
    """The integer that a float is for every size, or None where it is not known to be one."""
    if isinstance(value, FloatTerm):
        return value.exact if value.exact is not None and value.shift == 0 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return None


def ratio(left: FloatTerm, right: FloatTerm) -> float | None:
    """left / right where that is one number for every size: a correctly rounded p/q is what a runtime returns too."""
    if left.exact is None or right.exact is None:
        return None
    above_, below = left.exact.content, right.exact.content
    if left.exact // above_ is not right.exact // below:
        return None
    return (above_ << right.shift) / (below << left.shift)


def _divide(left: Float, right: Float, width: Width) -> Float | None:
    if isinstance(right, FloatTerm):
        if isinstance(left, FloatTerm):
            quotient = ratio(left, right)
            if quotient is not None:
                return binary("mul", quotient, 1.0, width)
    elif right == 0.0:
        return None
    return binary("div", left, right, width)


def _float_extreme(left: Float, right: Float, width: Width, largest: bool) -> Float:
    if isinstance(left, FloatTerm) or isinstance(right, FloatTerm):
        a, b = as_size(left), as_size(right)
        if a is not None and b is not None:
            return of_size((larger if largest else smaller)(a, b), width)
    return binary("max" if largest else "min", left, right, width)


def _float_power(base: Float, exponent: Any, width: Width) -> Float | None:
    if isinstance(exponent, int):
        exponent = float(exponent)
    if exponent == 1.0:
        return base
    if exponent == 2.0:
        return binary("mul", base, base, width)
    if isinstance(base, float) and isinstance(exponent, float):
        # Only what every pow() returns: a whole number that is exact in 24 bits.
        result = math.pow(base, exponent)
        return result if base.is_integer() and result.is_integer() and abs(result) < 1 << 24 else None
    return None


def _float_pairs(width: Width) -> dict[str, Pair]:
    def simple(op: str) -> Pair:
        return lambda left, right: binary(op, left, right, width)

    return {
        "Add": simple("add"),
        "Sub": simple("sub"),
        "Mul": simple("mul"),
        "Div": lambda left, right: _divide(left, right, width),
        "Min": lambda left, right: _float_extreme(left, right, width, False),
        "Max": lambda left, right: _float_extreme(left, right, width, True),
        "Pow": lambda left, right: _float_power(left, right, width),
    }


def _finite(pair: Pair) -> Pair:
    def apply(left: Any, right: Any) -> Element:
        result: Any = pair(left, right)
        return None if result is None else _number(result)

    return apply


def _halved(pair: Pair, most: int) -> Pair:
    """`pair` in 16 bits, where operands and result are small whole numbers or the result is at least."""

    def apply(left: Any, right: Any) -> Element:
        if not isinstance(left, float) or not isinstance(right, float):
            return None
        result: Any = pair(left, right)
        return result if isinstance(result, float) and result.is_integer() and abs(result) <= most else None

    return apply


def _pairs() -> dict[tuple[str, int], Pair]:
    made: dict[tuple[str, int], Pair] = {}
    for dtype in _RANGES:
        for op, pair in _INTEGER_PAIRS.items():
            made[op, dtype] = _fitted(pair, dtype)
    for dtype, width in _WIDTHS.items():
        for op, pair in _float_pairs(width).items():
            made[op, dtype] = _finite(pair)
    for dtype, most in _HALVES.items():
        for op, pair in _float_pairs("d").items():
            made[op, dtype] = _halved(pair, most)
    return made


_PAIRS: Final = _pairs()


def arithmetic(op: str, dtype: int | None) -> Pair | None:
    """What Add, Sub, Mul, Div, Mod, Pow, Min, Max and their like do to two known elements of this type."""
    return None if dtype is None else _PAIRS.get((op, dtype))


# -- truth -----------------------------------------------------------------------------------------------------------


def _both(left: Held, right: Held) -> Held:
    return all_of((left, right))


def _either(left: Held, right: Held) -> Held:
    return any_of((left, right))


def _differ(left: Held, right: Held) -> Held:
    return any_of((all_of((left, negate(right))), all_of((negate(left), right))))


LOGIC: Final[dict[str, Pair]] = {"And": _both, "Or": _either, "Xor": _differ}


def _common(left: Float, right: Float) -> tuple[Size, Size] | None:
    """Two integers that compare as two floats do; None where there are none."""
    parts: list[tuple[Size, int]] = []
    for value in (left, right):
        if isinstance(value, FloatTerm):
            if value.exact is None:
                return _rounded_pair(left, right)
            parts.append((value.exact, value.shift))
        else:
            over, under = value.as_integer_ratio()
            if over.bit_length() > 64 or under.bit_length() > 64:
                return None
            parts.append((over, under.bit_length() - 1))
    (a, shift), (b, other) = parts
    return a * (1 << max(0, other - shift)), b * (1 << max(0, shift - other))


def _rounded_pair(left: Float, right: Float) -> tuple[Size, Size] | None:
    """left >= k and left < k for a whole number k are statements about floor(left)."""
    if isinstance(left, FloatTerm) and isinstance(right, float) and right.is_integer():
        return to_size(left, "floor"), int(right)
    return None


def _is_tree(value: Float) -> bool:
    return isinstance(value, FloatTerm) and value.exact is None


def _float_compare(op: str, left: Float, right: Float) -> Held | None:
    if not isinstance(left, FloatTerm) and not isinstance(right, FloatTerm):
        return bool(_PLAIN[op](left, right))
    if _is_tree(right):
        mirrored = _MIRROR[op]
        return None if _is_tree(left) else _float_compare(mirrored, right, left)
    pair = _common(left, right)
    if pair is None:
        return None
    a, b = pair
    if _is_tree(left):
        ceiling = to_size(left, "ceil")
        if op == "Equal":
            return all_of((equal(a, b), equal(ceiling, b)))
        if op in ("Greater", "LessOrEqual"):
            a = ceiling
    return _COMPARE[op](a, b)


_PLAIN: Final[dict[str, Callable[[float, float], bool]]] = {
    "Equal": lambda left, right: left == right,
    "Less": lambda left, right: left < right,
    "LessOrEqual": lambda left, right: left <= right,
    "Greater": lambda left, right: left > right,
    "GreaterOrEqual": lambda left, right: left >= right,
}
_COMPARE: Final[dict[str, Callable[[Size, Size], Held]]] = {
    "Equal": equal,
    "Less": lambda left, right: above(right, left),
    "LessOrEqual": lambda left, right: at_least(right, left),
    "Greater": above,
    "GreaterOrEqual": at_least,
}
_MIRROR: Final = {
    "Equal": "Equal",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
}


def comparison(op: str) -> Pair:
    """What Equal, Less, LessOrEqual, Greater and GreaterOrEqual say of two known elements."""
    sizes = _COMPARE[op]

    def apply(left: Any, right: Any) -> Element:
        if isinstance(left, bool | Condition):
            return negate(_differ(left, right)) if op == "Equal" else None
        if isinstance(left, int | Expr):
            return sizes(left, right)
        if isinstance(left, float | FloatTerm):
            return _float_compare(op, left, right)
        return left == right if op == "Equal" and isinstance(left, str) else None

    return apply


def chosen(condition: Any, then: Element, other: Element) -> Element:
    """`then` where the condition holds, else `other`."""
    if condition is True:
        return then
    if condition is False:
        return other
    if condition is None or then is None or other is None:
        return None
    if isinstance(then, bool | Condition) and isinstance(other, bool | Condition):
        return any_of((all_of((condition, then)), all_of((negate(condition), other))))
    if isinstance(then, int | Expr) and isinstance(other, int | Expr):
        return select(condition, then, other)
    if then is other or (isinstance(then, float | str) and then == other):
        return then
    first, second = as_size(then), as_size(other)
    if first is None or second is None:
        return None
    width = then.width if isinstance(then, FloatTerm) else other.width if isinstance(other, FloatTerm) else "f"
    return of_size(select(condition, first, second), width)


# -- one operand -----------------------------------------------------------------------------------------------------


def _sign(size: Size) -> Size:
    if isinstance(size, int):
        return (size > 0) - (size < 0)
    if is_nonnegative(size):
        return smaller(size, 1)
    return select(at_least(size, 1), 1, select(equal(size, 0), 0, -1))


def _absolute(size: Size) -> Size:
    return size if is_nonnegative(size) else larger(size, -size)


def _float_sign(value: Float, width: Width) -> Float | None:
    if not isinstance(value, FloatTerm):
        return float((value > 0.0) - (value < 0.0))
    found = quotient(value)
    size = value.exact if found is None else found[0]
    return None if size is None else of_size(_sign(size), width)


_INTEGER_SINGLES: Final[dict[str, Single]] = {
    "Neg": lambda size: -size,
    "Abs": _absolute,
    "Sign": _sign,
    "Relu": lambda size: larger(size, 0),
    "BitwiseNot": lambda value: ~value if isinstance(value, int) else None,
}


def _float_singles(width: Width) -> dict[str, Single]:
    def simple(op: str) -> Single:
        return lambda value: unary(op, value, width)

    return {
        "Neg": simple("neg"),
        "Abs": simple("abs"),
        "Sign": lambda value: _float_sign(value, width),
        "Sqrt": simple("sqrt"),
        "Floor": simple("floor"),
        "Ceil": simple("ceil"),
        "Round": simple("round"),
        "Reciprocal": lambda value: _divide(1.0, value, width),
        "Relu": lambda value: _float_extreme(value, 0.0, width, True),
    }


def _singles() -> dict[tuple[str, int], Single]:
    made: dict[tuple[str, int], Single] = {("Not", BOOL): negate}
    for dtype in _RANGES:
        for op, single in _INTEGER_SINGLES.items():
            made[op, dtype] = single
    for dtype, width in _WIDTHS.items():
        for op, single in _float_singles(width).items():
            made[op, dtype] = single
    return made


_SINGLES: Final = _singles()


def each(op: str, dtype: int | None, values: Values) -> Values | None:
    """`op` applied to every element; None where it is not followed for this type."""
    single = None if dtype is None else _SINGLES.get((op, dtype))
    if single is None or dtype is None:
        return None
    made: list[Element] = []
    for element in values:
        if element is None:
            made.append(None)
            continue
        try:
            result: Any = single(element)
        except _FAILURES:
            result = None
        if result is not None and dtype != BOOL:
            result = _number(result) if isinstance(result, float) else result
            if isinstance(result, int | Expr):
                result = fit(result, dtype)
        made.append(result)
    return tuple(made)


# -- types -----------------------------------------------------------------------------------------------------------


def cast(element: Element, source: int | None, target: int) -> Element:
    """One element as ONNX Cast-6/9/13/19/21/23/24 converts it: floats are truncated, non-zero is true."""
    if element is None or source is None:
        return None
    if source == target:
        return element
    if isinstance(element, bool | Condition):
        if target == BOOL:
            return element
        element = select(element, 1, 0)
    if isinstance(element, int | Expr):
        if target == BOOL:
            return negate(equal(element, 0))
        if target in _RANGES:
            return fit(element, target)
        width = _WIDTHS.get(target)
        if width is not None:
            return of_size(element, width)
        most = _HALVES.get(target)
        return float(element) if most and isinstance(element, int) and abs(element) <= most else None
    if isinstance(element, float | FloatTerm):
        if target == BOOL:
            held = _float_compare("Equal", element, 0.0)
            return None if held is None else negate(held)
        if target in _RANGES:
            return fit(to_size(element, "trunc"), target)
        width = _WIDTHS.get(target)
        if width is not None:
            return element if width == "d" and source in _WIDTHS else _number(binary("mul", element, 1.0, width))
        most = _HALVES.get(target)
        return (
            element if most and isinstance(element, float) and element.is_integer() and abs(element) <= most else None
        )
    return element if target == STRING == source else None


def casts(values: Values, source: int | None, target: int) -> Values:
    """Every element converted."""
    made: list[Element] = []
    for element in values:
        try:
            made.append(cast(element, source, target))
        except _FAILURES:
            made.append(None)
    return tuple(made)


# -- tensors ---------------------------------------------------------------------------------------------------------


def strides(shape: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis are in the flat order."""
    steps = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        steps[axis - 1] = steps[axis] * shape[axis]
    return steps


def places(shape: Sequence[int], steps: Sequence[int], start: int = 0) -> list[int]:
    """The flat positions that a walk over `shape` visits, taking `steps` along its axes."""
    found = [start]
    for size, step in zip(shape, steps, strict=True):
        if size == 1:
            continue
        found = [place + index * step for place in found for index in range(size)]
    return found


def spread(values: Values, source: Sequence[int], target: Sequence[int]) -> Values:
    """`values` of shape `source`, broadcast to `target`."""
    if len(values) == 1:
        return values * count(target)
    ahead = len(target) - len(source)
    if not ahead and tuple(source) == tuple(target):
        return values
    steps = [0] * ahead
    for size, step in zip(source, strides(source), strict=True):
        steps.append(0 if size == 1 else step)
    return tuple([values[place] for place in places(target, steps)])


def paired(pair: Pair, left: Values, left_shape: Any, right: Values, right_shape: Any, shape: Any) -> Values | None:
    """`pair` applied to two broadcast operands; None where the result is too large to be followed."""
    if left_shape != right_shape:
        if len(left) == 1 and len(right_shape) == len(shape):
            left = left * len(right)
        elif len(right) == 1 and len(left_shape) == len(shape):
            right = right * len(left)
        else:
            if count(shape) > MOST_ELEMENTS:
                return None
            left, right = spread(left, left_shape, shape), spread(right, right_shape, shape)
    made: list[Element] = []
    for a, b in zip(left, right, strict=True):
        if a is None or b is None:
            made.append(None)
            continue
        try:
            made.append(pair(a, b))
        except _FAILURES:
            made.append(None)
    return tuple(made)
