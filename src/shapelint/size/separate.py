"""Conditions that mix symbols, rewritten as conditions on one symbol each joined by and, or.

A choice (`where`, `min`, `max`) is followed case by case, and a product of sizes is compared with a product that it
never falls below factor by factor. What is not recognised is left as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.size.condition import Kind, all_of, any_of, at_least, equal, negate
from shapelint.size.evaluate import replace
from shapelint.size.expr import Expr, Extreme, Floor, Product, Quotient, Select, product
from shapelint.size.solve import is_always

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.size.condition import Held
    from shapelint.size.expr import Atom, Size, Symbol

_MOST_CASES: Final = 64
"""How many comparisons a condition is taken apart into."""
_LARGEST_RATIO: Final = 1 << 12
"""The largest constant between two products that is shared out among their factors."""


class _TooMany(Exception):
    pass


def separated(held: Held) -> Held:
    """The same condition, where that can be done in parts that see one symbol each."""
    if isinstance(held, bool) or not _mixes(held.mask):
        return held
    try:
        return _Cases().of(held)
    except (_TooMany, ZeroDivisionError):  # a case in which something is divided by 0
        return held


def _mixes(mask: int) -> bool:
    return mask & (mask - 1) != 0


class _Cases:
    def __init__(self) -> None:
        self.left = _MOST_CASES

    def of(self, held: Held) -> Held:
        if isinstance(held, bool) or not _mixes(held.mask):
            return held
        if held.parts:
            return (all_of if held.kind is Kind.ALL else any_of)([self.of(part) for part in held.parts])
        self.left -= 1
        if self.left < 0:
            raise _TooMany
        choice = next(_choices(held.expr), None)
        if choice is not None:
            then = self.of(replace(held, choice, _size(choice.then)))
            other = self.of(replace(held, choice, _size(choice.other)))
            when = self.of(choice.condition)
            return any_of((all_of((when, then)), all_of((self.of(negate(choice.condition)), other))))
        if held.kind in (Kind.ZERO, Kind.NONZERO, Kind.NONNEGATIVE):
            parts = _of_extreme(held.expr)
            if parts is not None:
                return self._extreme(held.kind, *parts)
        if held.kind is Kind.NONNEGATIVE:
            signs = _of_sign(held.expr)
            return held if signs is None else self.of(signs)
        if held.kind in (Kind.ZERO, Kind.NONZERO):
            for recognise in (_of_one_product, _of_units, _of_common_factor, _of_remainder, _of_products):
                same = recognise(held.expr)
                if same is not None:
                    same = self.of(same)
                    return same if held.kind is Kind.ZERO else negate(same)
        return held

    def _extreme(self, kind: Kind, sizes: list[Size], largest: bool) -> Held:
        """The largest (smallest) of the sizes compared with 0."""
        above = (any_of if largest else all_of)([self.of(at_least(size, 0)) for size in sizes])
        if kind is Kind.NONNEGATIVE:
            return above
        below = (all_of if largest else any_of)([self.of(at_least(-size, 0)) for size in sizes])
        zero = all_of((above, below))
        return zero if kind is Kind.ZERO else negate(zero)


def _choices(expr: Expr) -> Iterator[Select]:
    """The selects in `expr` that mix symbols, the outermost first."""
    for atom, _ in expr.terms:
        if not _mixes(atom.mask):
            continue
        if isinstance(atom, Select):
            yield atom
        for inner in _inside(atom):
            yield from _choices(inner)


def _size(expr: Expr) -> Size:
    """An inner expression, which may be a constant, as a size."""
    return expr if expr.terms else expr.const


def _inside(atom: Atom) -> tuple[Expr, ...]:
    if isinstance(atom, Floor):
        return (atom.of,)
    if isinstance(atom, Product):
        return atom.factors
    if isinstance(atom, Extreme):
        return atom.of
    if isinstance(atom, Quotient):
        return (atom.of, atom.by)
    return ()


def _of_extreme(expr: Expr) -> tuple[list[Size], bool] | None:
    """`expr` as the largest (True) or smallest of several sizes, where it has one minimum or maximum as a term."""
    for atom, factor in expr.terms:
        if isinstance(atom, Extreme) and _mixes(expr.mask):
            rest = expr - factor * atom.expr
            return [factor * _size(each) + rest for each in atom.of], atom.largest is (factor > 0)
    return None


def _of_one_product(expr: Expr) -> Held | None:
    """A product is 0 where a factor is."""
    atom = expr.terms[0][0]
    if expr.const or len(expr.terms) > 1 or not isinstance(atom, Product):
        return None
    return any_of([equal(factor, 0) for factor in atom.factors])


def _of_units(expr: Expr) -> Held | None:
    """A product is 1 (-1) where each factor is 1 or -1 and an even (odd) number of them is -1."""
    (atom, factor), constant = expr.terms[0], expr.const
    if len(expr.terms) > 1 or not isinstance(atom, Product) or abs(constant) != abs(factor):
        return None

    def are(factors: tuple[Expr, ...], unit: int) -> Held:
        first, rest = factors[0], factors[1:]
        if not rest:
            return equal(first, unit)
        return any_of([all_of((equal(first, sign), are(rest, sign * unit))) for sign in (1, -1)])

    return are(atom.factors, -constant // factor)


def _of_sign(expr: Expr) -> Held | None:
    """A product is at least 0 where an even number of factors is below, or one of them is 0."""
    atom, factor = expr.terms[0]
    if expr.const or len(expr.terms) > 1 or not isinstance(atom, Product):
        return None

    def has(factors: tuple[Expr, ...], sign: int) -> Held:
        first, rest = factors[0], factors[1:]
        if not rest:
            return at_least(sign * first, 0)
        return any_of([all_of((at_least(each * first, 0), has(rest, sign * each))) for each in (1, -1)])

    return has(atom.factors, 1 if factor > 0 else -1)


def _of_common_factor(expr: Expr) -> Held | None:
    """k * a + c * a * b is 0 where a is, or k + c * b: a number baked into an export against the size it was."""
    for atom, factor in expr.terms:
        rest = expr - factor * atom.expr
        if not isinstance(atom, Product) or not isinstance(rest, Expr):
            continue
        for place, common in enumerate(atom.factors):
            if rest is rest.content * common:
                others = product(atom.factors[:place] + atom.factors[place + 1 :])
                return any_of((equal(common, 0), equal(rest.content + factor * others, 0)))
    return None


def _of_remainder(expr: Expr) -> Held | None:
    """a - b * (a // b) where a is nowhere above b: 0 where they are the same, or a is 0."""
    for atom, _ in expr.terms:
        for factor in atom.factors if isinstance(atom, Product) else ():
            inner = factor.terms[0][0]
            if isinstance(inner, Quotient) and factor is inner.expr:
                above, below = _size(inner.of), inner.by
                rest = above - below * factor
                same = never_above(above, below) if rest is expr or -rest is expr else None
                if same is not None:
                    return any_of((same, equal(above, 0)))
    return None


def _of_products(expr: Expr) -> Held | None:
    """Two products of which one never exceeds the other, factor by factor: equal where all factors are, or nothing."""
    if expr.const or len(expr.terms) != 2:
        return None
    (one, factor), (two, other) = expr.terms
    if factor * other > 0 or min(abs(factor), abs(other)) != 1:
        return None
    plain, times, by = (one, two, abs(other)) if abs(factor) == 1 else (two, one, abs(factor))
    same = _same_products(plain, times, by)
    return same if same is not None else _same_products(times, plain, by, of_large=True)


def never_above(small: Size, large: Size) -> Held | None:
    """Where the two products are the same; None unless `small` is known to be nowhere above `large`."""
    if not isinstance(small, Expr) or not isinstance(large, Expr) or small.const or large.const:
        return None
    if len(small.terms) != 1 or len(large.terms) != 1:
        return None
    (part, factor), (whole, by) = small.terms[0], large.terms[0]
    return _same_products(whole, part, factor // by) if by > 0 and factor > 0 and factor % by == 0 else None


def _same_products(large: Atom, small: Atom, factor: int, *, of_large: bool = False) -> Held | None:
    """large == factor * small (`of_large`: factor * large == small), where the left is nowhere the smaller one."""
    above, below = _by_symbol(large), _by_symbol(small)
    if above is None or below is None or not below.keys() <= above.keys() or factor > _LARGEST_RATIO:
        return None
    same: list[Held] = []
    for symbol, whole in above.items():
        part = below.get(symbol, 1)
        shares = [by for by in range(1, factor + 1) if factor % by == 0]
        for by in shares if of_large else reversed(shares):
            more, less = (by * whole, part) if of_large else (whole, by * part)
            if is_always(at_least(more, less)):
                same.append(equal(more, less))
                factor //= by
                break
        else:
            return None
    if factor != 1:
        return None
    return any_of((all_of(same), *[equal(whole, 0) for whole in above.values()]))


def _by_symbol(atom: Atom) -> dict[Symbol, Size] | None:
    """The product of the factors of each symbol, none of them below 0; None where a factor mixes symbols."""
    found: dict[Symbol, Size] = {}
    for factor in atom.factors if isinstance(atom, Product) else (atom.expr,):
        symbols = factor.symbols
        if len(symbols) != 1 or symbols[0].opaque or not is_always(at_least(factor, 0)):
            return None
        found[symbols[0]] = found.get(symbols[0], 1) * factor
    return found


__all__ = ["never_above", "separated"]
