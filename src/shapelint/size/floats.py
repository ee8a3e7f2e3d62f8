"""Float terms over sizes: what exporters compute between Shape and Resize, evaluated exactly as a runtime rounds.

An element is a Python float (already rounded to its type) or a `FloatTerm`. A term that is an expression over a power
of two is kept in that exact form, so that its floor is an ordinary floor division; everything else is a tree of
operations, each rounded to its type when it is evaluated. Terms with such a tree are irregular: they are evaluated,
never extrapolated.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from shapelint.size.evaluate import evaluate, substitute
from shapelint.size.expr import DEPTH_LIMIT, Expr, Key, Size, Table, TooDeep, larger, smaller
from shapelint.size.sequence import column

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shapelint.size.expr import Symbol
    from shapelint.size.sequence import Columns

Width: TypeAlias = Literal["f", "d"]
"""The type codes of `array`: float32 and float64."""

EXACT_BITS: Final[dict[Width, int]] = {"f": 10, "d": 22}
"""A factor p / 2**q with p of at most so many bits is exact on every size that matters (of the 24 and 53 there are)."""

ROUND_BITS: Final[dict[Width, int]] = {"f": 22, "d": 51}
"""A summand of at most so many bits leaves such a product exact."""

Mode: TypeAlias = Literal["floor", "ceil", "trunc", "round"]

_ROUNDING: Final[dict[str, Callable[[float], int]]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "round": round,
}


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)


_BINARY: Final[dict[str, Callable[[float, float], float]]] = {
    "add": float.__add__,
    "sub": float.__sub__,
    "mul": float.__mul__,
    "div": float.__truediv__,
    "pow": _power,
    "min": min,
    "max": max,
}
_UNARY: Final[dict[str, Callable[[float], float]]] = {
    "neg": float.__neg__,
    "abs": abs,
    "sqrt": math.sqrt,
    "floor": lambda value: float(math.floor(value)),
    "ceil": lambda value: float(math.ceil(value)),
    "round": lambda value: float(round(value)),
    "trunc": lambda value: float(math.trunc(value)),
}


class FloatTerm:
    """Either `exact` / 2**`shift`, or `op` applied to `args` and rounded to `width`."""

    __slots__ = ("args", "depth", "exact", "is_nonnegative", "key", "mask", "op", "shift", "table", "width")

    table: Table
    exact: Expr | None
    shift: int
    op: str
    args: tuple[FloatTerm | float, ...]
    width: Width
    mask: int
    depth: int
    key: Key
    is_nonnegative: bool

    def at(self, symbols: Mapping[Symbol, int]) -> float:
        """The value where the symbols are these sizes; raises ValueError or ZeroDivisionError where there is none."""
        return self._at(symbols, {})

    def _at(self, symbols: Mapping[Symbol, int], known: dict[FloatTerm, float]) -> float:
        if self.exact is not None:
            return _round(evaluate(self.exact, symbols) / (1 << self.shift), self.width)
        value = known.get(self)
        if value is None:
            values = [arg._at(symbols, known) if isinstance(arg, FloatTerm) else arg for arg in self.args]
            value = known[self] = _apply(self.op, values, self.width)
        return value

    def column(self, upto: int, known: Columns) -> list[float]:
        """The values at n = 1 .. upto of the one symbol it depends on."""
        if self.exact is not None:
            return _rounded_column([value / (1 << self.shift) for value in column(self.exact, upto, known)], self.width)
        found: list[float] | None = known.get(self)
        if found is None:
            found = known[self] = self._column(upto, known)
        return found

    def _column(self, upto: int, known: Columns) -> list[float]:
        columns = [arg.column(upto, known) if isinstance(arg, FloatTerm) else [arg] * upto for arg in self.args]
        if len(columns) == 1:
            single = _UNARY[self.op]
            return _rounded_column([single(value) for value in columns[0]], self.width)
        pair = _BINARY[self.op]
        return _rounded_column([pair(x, y) for x, y in zip(*columns, strict=True)], self.width)

    def rounded_column(self, mode: str, upto: int, known: Columns) -> list[int]:
        """The values at n = 1 .. upto, each made an integer by `mode`."""
        rounding = _ROUNDING[mode]
        return [rounding(value) for value in self.column(upto, known)]

    def rounded_at(self, mode: str, symbols: Mapping[Symbol, int]) -> int:
        """The value where the symbols are these sizes, made an integer by `mode`."""
        return _ROUNDING[mode](self.at(symbols))

    def rounded_after(self, mode: str, symbols: Mapping[Symbol, Size]) -> Size:
        """The value with sizes for some of its symbols, made an integer by `mode`."""
        return to_size(_substituted(self, symbols, {}), mode)


Float: TypeAlias = float | FloatTerm


def _substituted(of: Float, symbols: Mapping[Symbol, Size], known: dict[FloatTerm, Float]) -> Float:
    if not isinstance(of, FloatTerm):
        return of
    if of.exact is not None:
        return _exact(substitute(of.exact, symbols), of.shift, of.width)
    if of not in known:
        args = [_substituted(arg, symbols, known) for arg in of.args]
        known[of] = unary(of.op, args[0], of.width) if len(args) == 1 else binary(of.op, args[0], args[1], of.width)
    return known[of]


def _round(value: float, width: Width) -> float:
    return value if width == "d" else float(array("f", (value,))[0])


def _rounded_column(values: list[float], width: Width) -> list[float]:
    return values if width == "d" else array(width, values).tolist()


def _apply(op: str, values: list[float], width: Width) -> float:
    result = _UNARY[op](values[0]) if len(values) == 1 else _BINARY[op](values[0], values[1])
    return _round(result, width)


def of_size(size: Size, width: Width) -> Float:
    """`size` converted to a float of this width."""
    if isinstance(size, int):
        return _round(float(size), width)
    return _exact(size, 0, width)


def _lowest(numerator: Size, shift: int) -> tuple[Size, int]:
    """numerator / 2**shift in lowest terms."""
    common = abs(numerator) if isinstance(numerator, int) else abs(numerator.content)
    twos = min(shift, (common & -common).bit_length() - 1) if common else shift
    return (numerator // (1 << twos) if twos else numerator), shift - twos


def _exact(expr: Size, shift: int, width: Width) -> Float:
    expr, shift = _lowest(expr, shift)
    if isinstance(expr, int):
        return _round(expr / (1 << shift), width)
    key = ("exact", expr, shift, width)
    interned: dict[Any, Any] = expr.table.conditions
    known: FloatTerm | None = interned.get(key)
    if known is None:
        known = interned[key] = FloatTerm()
        known.table, known.exact, known.shift, known.width = expr.table, expr, shift, width
        known.op, known.args = "", ()
        known.mask, known.depth = expr.mask, expr.depth
        known.key = (0, shift, width, expr.key)
        least = expr.bounds[0]
        known.is_nonnegative = least is not None and least >= 0
    return known


def _tree(op: str, args: tuple[Float, ...], width: Width) -> Float:
    terms = [arg for arg in args if isinstance(arg, FloatTerm)]
    if not terms:
        try:
            return _apply(op, [arg for arg in args if isinstance(arg, float)], width)
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan
    key = (op, args, width)
    interned: dict[Any, Any] = terms[0].table.conditions
    known: FloatTerm | None = interned.get(key)
    if known is None:
        known = FloatTerm()
        known.table, known.exact, known.shift = terms[0].table, None, 0
        known.op, known.args, known.width = op, args, width
        known.mask = 0
        for term in terms:
            known.mask |= term.mask
        known.depth = max(term.depth for term in terms) + 1
        if known.depth > DEPTH_LIMIT:
            raise TooDeep
        known.key = (1, op, width, tuple([arg.key if isinstance(arg, FloatTerm) else (2, arg) for arg in args]))
        signs = [arg.is_nonnegative if isinstance(arg, FloatTerm) else arg >= 0 for arg in args]
        known.is_nonnegative = op in ("sqrt", "abs") or (op not in ("sub", "neg") and all(signs))
        interned[key] = known
    return known


def _ratio(value: Float) -> tuple[int, int] | None:
    """A constant as p / 2**q."""
    if isinstance(value, FloatTerm) or not math.isfinite(value):
        return None
    above, below = value.as_integer_ratio()
    return above, below.bit_length() - 1


def _is_exact(numerator: Size, width: Width) -> bool:
    """Whether a float holds `numerator` without rounding at every size that matters."""
    if isinstance(numerator, int):
        return True
    common = numerator.content
    odd = common // (common & -common)
    longest = sum(abs(factor) for _, factor in numerator.terms) // abs(common) * abs(odd)
    return longest.bit_length() <= EXACT_BITS[width] and numerator.const.bit_length() <= ROUND_BITS[width]


def binary(op: str, left: Float, right: Float, width: Width) -> Float:
    """`left` op `right` for op in add, sub, mul, div, pow, min, max, rounded to `width`."""
    exact = _exact_binary(op, left, right, width)
    return _tree(op, (left, right), width) if exact is None else exact


def _exact_binary(op: str, left: Float, right: Float, width: Width) -> Float | None:
    found = _exact_numerator(op, left, right)
    if found is None:
        return None
    numerator, shift = _lowest(*found)
    return _exact(numerator, shift, width) if _is_exact(numerator, width) else None


def _exact_numerator(op: str, left: Float, right: Float) -> tuple[Size, int] | None:
    """The numerator of `left` op `right` and the power of two below it."""
    if op == "pow" and right == 2.0:
        op, right = "mul", left
    if op == "div" and not isinstance(right, FloatTerm) and right and math.isfinite(right):
        inverse = 1 / right
        if math.frexp(right)[0] in (0.5, -0.5) and math.isfinite(inverse):
            op, right = "mul", inverse
    if isinstance(left, FloatTerm) and isinstance(right, FloatTerm):
        if left.exact is None or right.exact is None:
            return None
        if op in ("add", "sub"):
            shift = max(left.shift, right.shift)
            a, b = left.exact * (1 << (shift - left.shift)), right.exact * (1 << (shift - right.shift))
            return a + b if op == "add" else a - b, shift
        return (left.exact * right.exact, left.shift + right.shift) if op == "mul" else None
    if isinstance(right, FloatTerm):
        if op in ("add", "mul"):
            return _exact_numerator(op, right, left)
        if op == "sub":
            found = _exact_numerator(op, right, left)
            return None if found is None else (-found[0], found[1])
        return None
    if not isinstance(left, FloatTerm) or left.exact is None:
        return None
    ratio = _ratio(right)
    if ratio is None:
        return None
    above, shift = ratio
    if op == "mul":
        return left.exact * above, left.shift + shift
    if op in ("add", "sub"):
        most = max(left.shift, shift)
        more = above << (most - shift)
        return left.exact * (1 << (most - left.shift)) + (more if op == "add" else -more), most
    return None


def unary(op: str, of: Float, width: Width) -> Float:
    """op in neg, abs, sqrt, floor, ceil, round, trunc applied to `of`, rounded to `width`."""
    if isinstance(of, FloatTerm) and of.exact is not None:
        if op == "neg":
            return _exact(-of.exact, of.shift, width)
        if op == "abs" and of.is_nonnegative:
            return of
        if op in _ROUNDING:
            return of_size(to_size(of, op), width)
    elif isinstance(of, FloatTerm):
        if op == "abs" and of.is_nonnegative:
            return of
        if op in _CUT and quotient(of) is not None:
            return of_size(to_size(of, op), width)
    return _tree(op, (of,), width)


_CUT: Final = ("floor", "ceil", "trunc")


def quotient(of: FloatTerm) -> tuple[Expr, int] | None:
    """A size and a number of which `of` is the rounded quotient; None where it is no such quotient.

    Between a whole number and a quotient that is none lies at least one part in the divisor, which is more than the
    rounding of a numerator that is exact itself.
    """
    if of.op != "div":
        return None
    above, by = of.args
    if not isinstance(above, FloatTerm) or above.exact is None or isinstance(by, FloatTerm):
        return None
    if not by.is_integer() or not 0 < by < 1 << EXACT_BITS[of.width] or not _is_exact(above.exact, of.width):
        return None
    return above.exact, int(by) << above.shift


def _cut(size: Expr, by: int, mode: str) -> Size:
    """size / by made an integer by floor, ceil or trunc."""
    if mode == "floor":
        return size // by
    if mode == "ceil":
        return -(-size // by)
    return larger(size // by, 0) + smaller(-(-size // by), 0)


def to_size(of: Float, mode: str) -> Size:
    """`of` made an integer; raises ValueError or OverflowError where it is no number."""
    if not isinstance(of, FloatTerm):
        return _ROUNDING[mode](of)
    if of.exact is not None:
        if of.shift == 0:
            return of.exact
        by = 1 << of.shift
        if mode in _CUT:
            return _cut(of.exact, by, mode)
        # Half to even: half up, less 1 where that made an odd number of a half.
        half_up = of.exact + by // 2
        return half_up // by - (half_up - by) // (2 * by) + (half_up - by - 1) // (2 * by)
    found = quotient(of) if mode in _CUT else None
    if found is not None:
        return _cut(*found, mode)
    return of.table.rounded(of, mode)


def times(size: Size, scale: float, width: Width, mode: Mode = "floor") -> Size:
    """size * scale as a runtime multiplies it in this width, made an integer by `mode`."""
    return to_size(binary("mul", of_size(size, width), _round(scale, width), width), mode)
