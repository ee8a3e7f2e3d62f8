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
    return size if isinstance(size, int) else _sum(size, symbols, {})


def _sum(expr: Expr, symbols: Mapping[Symbol, int], known: dict[Atom, int]) -> int:
    """The value of `expr`; `known` keeps those of atoms in which others may stand more than once."""
    total = expr.const
    for atom, factor in expr.terms:
        if isinstance(atom, Symbol):
            total += factor * symbols[atom]
        elif isinstance(atom, Floor):
            total += factor * (_sum(atom.of, symbols, known) // atom.by)
        else:
            value = known.get(atom)
            if value is None:
                value = known[atom] = _value(atom, symbols, known)
            total += factor * value
    return total


def _value(atom: Atom, symbols: Mapping[Symbol, int], known: dict[Atom, int]) -> int:
    if isinstance(atom, Product):
        total = 1
        for factor in atom.factors:
            total *= _sum(factor, symbols, known)
        return total
    if isinstance(atom, Extreme):
        return (max if atom.largest else min)([_sum(expr, symbols, known) for expr in atom.of])
    if isinstance(atom, Select):
        return _sum(atom.then if _holds(atom.condition, symbols, known) else atom.other, symbols, known)
    if isinstance(atom, Quotient):
        return _sum(atom.of, symbols, known) // _sum(atom.by, symbols, known)
    assert isinstance(atom, Rounded)
    return atom.of.rounded_at(atom.mode, symbols)


def holds(held: Held, symbols: Mapping[Symbol, int]) -> bool:
    """Whether the condition holds where the symbols are these; one on a size without a value does not."""
    return held if isinstance(held, bool) else _holds(held, symbols, {})


def _holds(held: Condition, symbols: Mapping[Symbol, int], known: dict[Atom, int]) -> bool:
    if held.kind is Kind.ALL:
        return all(_holds(part, symbols, known) for part in held.parts)
    if held.kind is Kind.ANY:
        return any(_holds(part, symbols, known) for part in held.parts)
    try:
        value = _sum(held.expr, symbols, known)
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
    return _substituted_sum(expr, symbols, {})


def _substituted_sum(expr: Expr, symbols: Mapping[Symbol, Size], known: dict[Atom, Size]) -> Size:
    total: Size = expr.const
    for atom, factor in expr.terms:
        if atom not in known:
            known[atom] = _substituted(atom, symbols, known)
        total = total + factor * known[atom]
    return total


def _substituted(atom: Atom, symbols: Mapping[Symbol, Size], known: dict[Atom, Size]) -> Size:
    if isinstance(atom, Symbol):
        return symbols.get(atom, atom.expr)
    if isinstance(atom, Floor):
        return _substituted_sum(atom.of, symbols, known) // atom.by
    if isinstance(atom, Product):
        return product(_substituted_sum(factor, symbols, known) for factor in atom.factors)
    if isinstance(atom, Extreme):
        return (larger if atom.largest else smaller)(*[_substituted_sum(expr, symbols, known) for expr in atom.of])
    if isinstance(atom, Quotient):
        return _substituted_sum(atom.of, symbols, known) // _substituted_sum(atom.by, symbols, known)
    if isinstance(atom, Select):
        then, other = _substituted_sum(atom.then, symbols, known), _substituted_sum(atom.other, symbols, known)
        condition = _substituted_held(atom.condition, symbols, known)
        if isinstance(condition, bool):
            return then if condition else other
        return atom.table.select(condition, then, other)
    assert isinstance(atom, Rounded)
    return atom.of.rounded_after(atom.mode, symbols)


def substitute_held(held: Held, symbols: Mapping[Symbol, Size]) -> Held:
    """`held` with sizes for some of its symbols, in the same table."""
    return held if isinstance(held, bool) else _substituted_held(held, symbols, {})


def replace(held: Condition, atom: Atom, size: Size) -> Held:
    """`held` with a size in the place of an atom."""
    return _substituted_held(held, {}, {atom: size})


def _substituted_held(held: Condition, symbols: Mapping[Symbol, Size], known: dict[Atom, Size]) -> Held:
    kind = held.kind
    if kind in (Kind.ALL, Kind.ANY):
        return (all_of if kind is Kind.ALL else any_of)(_substituted_held(part, symbols, known) for part in held.parts)
    size = _substituted_sum(held.expr, symbols, known)
    if kind is Kind.NONNEGATIVE:
        return at_least(size, 0)
    if kind in (Kind.ZERO, Kind.NONZERO):
        return equal(size, 0) if kind is Kind.ZERO else negate(equal(size, 0))
    return divides(held.by, size) if kind is Kind.DIVISIBLE else negate(divides(held.by, size))
