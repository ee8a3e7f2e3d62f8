"""The operators of expressions: arithmetic, comparison and choice, element by element over vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.conventions.values import UNSTATED, Value, is_unstated, kind_of
from shapelint.size import Condition, Expr, above, all_of, any_of, at_least, equal, larger, negate, select, smaller

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.size import Size

LARGEST: Final = 2**63
LONGEST: Final = 100_000


class ValueFault(Exception):
    """An operation that has no value; one clause, and what to do."""

    def __init__(self, message: str, remedy: str = "use numbers, sizes and lists of them") -> None:
        super().__init__(message)
        self.remedy = remedy


def _bounded(value: Value) -> Value:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LARGEST:
        raise ValueFault("gives an integer of 2**63 or more", "use a smaller number")
    return value


def binary(op: str, left: Value, right: Value) -> Value:
    """`left` op `right`, element by element; a scalar is broadcast over a vector."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        if op == "*" and isinstance(left, tuple) and len(left) == 1 and isinstance(right, int):
            return tuple(_scalar(op, each, right) for each in left)
        return pairwise(lambda a, b: binary(op, a, b), left, right)
    return _scalar(op, left, right)


def pairwise(function: Callable[[Value, Value], Value], left: Value, right: Value) -> tuple[Value, ...]:
    """The function applied element by element."""
    if not isinstance(left, tuple):
        return tuple(function(left, each) for each in right)
    if not isinstance(right, tuple):
        return tuple(function(each, right) for each in left)
    if len(left) != len(right):
        raise ValueFault(f"combines a vector of {len(left)} with one of {len(right)}")
    return tuple(function(a, b) for a, b in zip(left, right, strict=True))


def _scalar(op: str, left: Value, right: Value) -> Value:
    if is_unstated(left) or is_unstated(right):
        return UNSTATED
    if isinstance(left, str) or isinstance(right, str):
        if op == "+" and isinstance(left, str) and isinstance(right, str):
            return left + right
        raise ValueFault(f"applies `{op}` to text")
    for side in (left, right):
        if not isinstance(side, int | float | Expr) or isinstance(side, bool):
            raise ValueFault(f"applies `{op}` to {kind_of(side)}")
    try:
        return _bounded(_number(op, left, right))
    except ZeroDivisionError:
        raise ValueFault("divides by zero", "use another divisor") from None
    except OverflowError:
        raise ValueFault("gives a number that is too large") from None


def _number(op: str, left: Value, right: Value) -> Value:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if op == "//":
        return left // right
    if op == "%":
        return left % right
    if op == "/":
        return _divided(left, right)
    if op == "**":
        return _power(left, right)
    raise ValueFault(f"uses `{op}`, which is not known here")


def _divided(left: Value, right: Value) -> Value:
    if isinstance(left, Expr) or isinstance(right, Expr):
        exact = divided(left, right) if isinstance(right, int) and isinstance(left, Expr) else None
        if exact is None:
            raise ValueFault("divides a size by `/`; `//` rounds down")
        return exact
    return left / right


def divided(size: Size, by: int) -> Size | None:
    """The size divided by a number where nothing is left over, whatever the symbols are; None elsewhere."""
    factors = (size,) if isinstance(size, int) else (size.const, *[factor for _, factor in size.terms])
    return size // by if by and all(factor % by == 0 for factor in factors) else None


def _power(left: Value, right: Value) -> Value:
    if isinstance(right, Expr):
        raise ValueFault("raises to the power of a size")
    if isinstance(right, float) or right < 0:
        if isinstance(left, Expr):
            raise ValueFault("raises a size to a power that is no natural number")
        return float(left) ** right
    if isinstance(left, Expr):
        if right > 8:
            raise ValueFault("raises a size to a power above 8")
        total: Value = 1
        for _ in range(right):
            total = total * left
        return total
    if isinstance(left, int) and abs(left) > 1 and right * abs(left).bit_length() > 64 + abs(left).bit_length():
        raise ValueFault("gives an integer of 2**63 or more", "use a smaller number")
    return left**right


def negative(value: Value) -> Value:
    """-value, element by element."""
    if isinstance(value, tuple):
        return tuple(negative(each) for each in value)
    if is_unstated(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Expr):
        raise ValueFault(f"negates {kind_of(value)}")
    return -value


def compared(op: str, left: Value, right: Value) -> Value:
    """A comparison, element by element; all must hold (for `!=`, any). True, False, a condition, or UNSTATED."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        if isinstance(left, tuple) and isinstance(right, tuple) and len(left) != len(right):
            if op in ("==", "!="):
                return op == "!="
            raise ValueFault(f"compares a vector of {len(left)} with one of {len(right)}")
        parts = pairwise(lambda a, b: compared(op, a, b), left, right)
        if any(is_unstated(part) for part in parts):
            return UNSTATED
        return any_of(parts) if op == "!=" else all_of(parts)
    if is_unstated(left) or is_unstated(right) or left is None or right is None:
        return UNSTATED
    if isinstance(left, str) or isinstance(right, str) or isinstance(left, float) or isinstance(right, float):
        return _plainly(op, left, right)
    for side in (left, right):
        if not isinstance(side, int | Expr):
            raise ValueFault(f"compares {kind_of(side)}")
    if op == "==":
        return equal(left, right)
    if op == "!=":
        return negate(equal(left, right))
    if op == ">=":
        return at_least(left, right)
    if op == ">":
        return above(left, right)
    if op == "<=":
        return at_least(right, left)
    return above(right, left)


def _plainly(op: str, left: Value, right: Value) -> bool:
    if isinstance(left, Expr) or isinstance(right, Expr):
        raise ValueFault("compares a size with text or with a fraction")
    try:
        return bool(
            {
                "==": lambda: left == right,
                "!=": lambda: left != right,
                "<": lambda: left < right,
                "<=": lambda: left <= right,
                ">": lambda: left > right,
                ">=": lambda: left >= right,
            }[op]()
        )
    except TypeError:
        raise ValueFault(f"compares {kind_of(left)} with {kind_of(right)}") from None


def chosen(condition: Value, then: Value, other: Value) -> Value:
    """`then if condition else other`; over sizes a selection."""
    if is_unstated(condition):
        return UNSTATED
    if isinstance(condition, Condition):
        if isinstance(then, tuple) or isinstance(other, tuple):
            return pairwise(lambda a, b: chosen(condition, a, b), then, other)
        if not isinstance(then, int | Expr) or not isinstance(other, int | Expr):
            raise ValueFault("chooses by a size between values that are no sizes")
        return select(condition, then, other)
    return then if truth(condition) else other


def truth(value: Value) -> bool:
    """The value as a decision; sizes decide nothing here."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, Condition | Expr):
        raise ValueFault("depends on a size; only `a if c else b` and `expect` may")
    if is_unstated(value):
        raise ValueFault("depends on a value that nobody states")
    if isinstance(value, str | tuple):
        return len(value) > 0
    if value is None:
        return False
    raise ValueFault(f"takes {kind_of(value)} for a decision")


def extreme(values: tuple[Value, ...], *, largest: bool) -> Value:
    """The smallest or the largest, of numbers and sizes alike."""
    if len(values) == 1 and isinstance(values[0], tuple):
        values = values[0]
    if not values:
        raise ValueFault("takes the smallest or largest of nothing")
    if any(is_unstated(value) for value in values):
        return UNSTATED
    if any(isinstance(value, tuple) for value in values):
        raise ValueFault("takes the smallest or largest of vectors")
    if any(isinstance(value, Expr) for value in values):
        if not all(isinstance(value, int | Expr) for value in values):
            raise ValueFault("mixes sizes with values that are no sizes")
        return (larger if largest else smaller)(*values)
    try:
        return max(values) if largest else min(values)
    except TypeError:
        raise ValueFault("mixes values that have no order") from None
