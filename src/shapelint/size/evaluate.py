"""The value of an expression, the truth of a condition, at given sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.size.condition import Condition, Kind, all_of, any_of, at_least, divides, equal, negate
from shapelint.size.expr import (
    Expr,
    Extreme,
    Floor,
    Product,
    Quotient,
    Rounded,
    Select,
    Symbol,
    larger,
    product,
    smaller,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.size.condition import Held
    from shapelint.size.expr import Atom, Size


def evaluate(size: Size, symbols: Mapping[Symbol, int]) -> int:
    """`size` where the symbols are these; raises KeyError for one left out, ZeroDivisionError where it has no value."""
    if isinstance(size, int):
        return size
    if not size.terms:
        return size.const
    total = size.const
    for atom, factor in size.terms:
        total += factor * _value(atom, symbols)
    return total


def _value(atom: Atom, symbols: Mapping[Symbol, int]) -> int:
    if isinstance(atom, Symbol):
        return symbols[atom]
    if isinstance(atom, Floor):
        return evaluate(atom.of, symbols) // atom.by
    if isinstance(atom, Product):
        total = 1
        for factor in atom.factors:
            total *= evaluate(factor, symbols)
        return total
    if isinstance(atom, Extreme):
        return (max if atom.largest else min)(evaluate(expr, symbols) for expr in atom.of)
    if isinstance(atom, Select):
        return evaluate(atom.then if holds(atom.condition, symbols) else atom.other, symbols)
    if isinstance(atom, Quotient):
        return evaluate(atom.of, symbols) // evaluate(atom.by, symbols)
    assert isinstance(atom, Rounded)
    return atom.of.rounded_at(atom.mode, symbols)


def holds(held: Held, symbols: Mapping[Symbol, int]) -> bool:
    """Whether the condition holds where the symbols are these; one on a size without a value does not."""
    if isinstance(held, bool):
        return held
    kind = held.kind
    if kind is Kind.ALL:
        return all(holds(part, symbols) for part in held.parts)
    if kind is Kind.ANY:
        return any(holds(part, symbols) for part in held.parts)
    try:
        value = evaluate(held.expr, symbols)
    except (ZeroDivisionError, ValueError, OverflowError):
        return False
    return compare(held, value)


def compare(condition: Condition, value: int) -> bool:
    """Whether a simple condition holds where its expression has this value."""
    kind = condition.kind
    if kind is Kind.ZERO:
        return value == 0
    if kind is Kind.NONZERO:
        return value != 0
    if kind is Kind.NONNEGATIVE:
        return value >= 0
    return (value % condition.by == 0) is (kind is Kind.DIVISIBLE)


def substitute(expr: Expr, symbols: Mapping[Symbol, Size]) -> Size:
    """`expr` with sizes for some of its symbols, in the same table."""
    total: Size = expr.const
    for atom, factor in expr.terms:
        total = total + factor * _substituted(atom, symbols)
    return total


def _substituted(atom: Atom, symbols: Mapping[Symbol, Size]) -> Size:
    if isinstance(atom, Symbol):
        return symbols.get(atom, atom.expr)
    if isinstance(atom, Floor):
        return substitute(atom.of, symbols) // atom.by
    if isinstance(atom, Product):
        return product(substitute(factor, symbols) for factor in atom.factors)
    if isinstance(atom, Extreme):
        return (larger if atom.largest else smaller)(*[substitute(expr, symbols) for expr in atom.of])
    if isinstance(atom, Quotient):
        return substitute(atom.of, symbols) // substitute(atom.by, symbols)
    if isinstance(atom, Select):
        then, other = substitute(atom.then, symbols), substitute(atom.other, symbols)
        condition = substitute_held(atom.condition, symbols)
        if isinstance(condition, bool):
            return then if condition else other
        return atom.table.select(condition, then, other)
    assert isinstance(atom, Rounded)
    return atom.of.rounded_after(atom.mode, symbols)


def substitute_held(held: Held, symbols: Mapping[Symbol, Size]) -> Held:
    """`held` with sizes for some of its symbols, in the same table."""
    if isinstance(held, bool):
        return held
    kind = held.kind
    if kind in (Kind.ALL, Kind.ANY):
        return (all_of if kind is Kind.ALL else any_of)(substitute_held(part, symbols) for part in held.parts)
    size = substitute(held.expr, symbols)
    if kind is Kind.NONNEGATIVE:
        return at_least(size, 0)
    if kind in (Kind.ZERO, Kind.NONZERO):
        return equal(size, 0) if kind is Kind.ZERO else negate(equal(size, 0))
    return divides(held.by, size) if kind is Kind.DIVISIBLE else negate(divides(held.by, size))
