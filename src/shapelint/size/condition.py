"""What must hold of sizes: conditions in a canonical form, decided where form and bounds suffice.

Every function here takes integers and expressions alike and answers True or False where that is certain, else a
`Condition`: one object per form and table, without a truth value. `shapelint.size.solve` decides it for all integers.
"""

from __future__ import annotations

from enum import Enum
from math import gcd
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shapelint.size.expr import Atom, Expr, Key, Product, Size, Table

if TYPE_CHECKING:
    from collections.abc import Iterable


_MOST_MONOMIALS: Final = 64
"""Products are multiplied out to no more terms than this, to see whether two sizes are the same."""


class Truth(Enum):
    """Three-valued truth."""

    NO = "no"
    UNKNOWN = "unknown"
    YES = "yes"

    def __bool__(self) -> bool:
        raise TypeError("three-valued: compare with Truth.YES or Truth.NO")


class Kind(Enum):
    """The forms of a condition."""

    ZERO = "== 0"
    NONZERO = "!= 0"
    NONNEGATIVE = ">= 0"
    DIVISIBLE = "divisible"
    INDIVISIBLE = "not divisible"
    ALL = "and"
    ANY = "or"


class Condition:
    """A condition on one expression (`expr`, `by` where divisibility is meant) or on all or any of `parts`."""

    __slots__ = ("_key", "by", "depth", "expr", "kind", "mask", "parts", "table")

    table: Table
    kind: Kind
    expr: Expr
    by: int
    parts: tuple[Condition, ...]
    mask: int
    depth: int

    @property
    def key(self) -> Key:
        """Orders conditions by structure."""
        if self._key is None:
            inner: Any = tuple([part.key for part in self.parts]) if self.parts else (self.expr.key, self.by)
            self._key = (self.kind.value, inner)
        return self._key

    _key: Key | None

    def __bool__(self) -> bool:
        raise TypeError("a condition has no truth value until it is decided")

    def __str__(self) -> str:
        from shapelint.size.text import write_condition

        return write_condition(self)

    __repr__ = __str__


Held: TypeAlias = "bool | Condition"


def _of(kind: Kind, expr: Expr, by: int = 0) -> Condition:
    key = (kind, expr, by)
    conditions = expr.table.conditions
    known: Condition | None = conditions.get(key)
    if known is None:
        known = conditions[key] = Condition()
        known.table, known.kind, known.expr, known.by, known.parts = expr.table, kind, expr, by, ()
        known.mask, known.depth, known._key = expr.mask, expr.depth, None
    return known


def _primitive(expr: Expr, *, sign: bool) -> tuple[Expr, bool]:
    """`expr` without the common factor of its coefficients; whether its constant has that factor too."""
    common = gcd(*[factor for _, factor in expr.terms])
    if sign and expr.terms[0][1] < 0:
        common = -common
    if common == 1:
        return expr, True
    terms = tuple([(atom, factor // common) for atom, factor in expr.terms])
    reduced = expr.table.linear(terms, expr.const // common)
    assert isinstance(reduced, Expr)
    return reduced, expr.const % common == 0


def equal(left: Size, right: Size) -> Held:
    """left == right."""
    if left is right:
        return True
    difference = left - right
    if isinstance(difference, int):
        return difference == 0
    low, high = difference.bounds
    if (low is not None and low > 0) or (high is not None and high < 0):
        return False
    if any(type(atom) is Product for atom, _ in difference.terms):
        constant = _multiplied_out(difference)
        if constant is not None:
            return constant == 0
    reduced, exact = _primitive(difference, sign=True)
    return exact and _of(Kind.ZERO, reduced)


def _multiplied_out(expr: Expr) -> int | None:
    """The constant that is left where `expr` is multiplied out; None where something else is, or it grows too long."""
    total: dict[tuple[Atom, ...], int] = {(): expr.const}
    for atom, factor in expr.terms:
        rows: dict[tuple[Atom, ...], int] = {(): factor}
        for inner in atom.factors if isinstance(atom, Product) else (atom.expr,):
            wider: dict[tuple[Atom, ...], int] = {}
            for monomial, by in rows.items():
                for term, times in (*inner.terms, (None, inner.const)):
                    key = monomial if term is None else tuple(sorted((*monomial, term), key=lambda each: each.key))
                    wider[key] = wider.get(key, 0) + by * times
            rows = wider
            if len(rows) > _MOST_MONOMIALS:
                return None
        for monomial, by in rows.items():
            total[monomial] = total.get(monomial, 0) + by
    return total.pop(()) if not any(by for monomial, by in total.items() if monomial) else None


def unequal(left: Size, right: Size) -> Held:
    """left != right."""
    return negate(equal(left, right))


def at_least(left: Size, right: Size) -> Held:
    """left >= right."""
    difference = left - right
    if isinstance(difference, int):
        return difference >= 0
    low, high = difference.bounds
    if low is not None and low >= 0:
        return True
    if high is not None and high < 0:
        return False
    return _of(Kind.NONNEGATIVE, _primitive(difference, sign=False)[0])


def above(left: Size, right: Size) -> Held:
    """left > right."""
    return at_least(left - 1, right)


def divides(by: Size, size: Size) -> Held:
    """Whether `by`, which is not 0, divides `size`."""
    if isinstance(by, Expr):
        return equal(size % by, 0)
    by = abs(by)
    if isinstance(size, int):
        return size % by == 0
    terms = tuple([(atom, factor % by) for atom, factor in size.terms if factor % by])
    rest = size.table.linear(terms, size.const % by)
    if isinstance(rest, int):
        return rest == 0
    common = gcd(by, *[factor for _, factor in rest.terms])
    if common > 1:
        if rest.const % common:
            return False
        rest = rest.table.linear(tuple([(a, f // common) for a, f in rest.terms]), rest.const // common)
        return divides(by // common, rest)
    assert isinstance(rest, Expr)
    return _of(Kind.DIVISIBLE, rest, by)


_OPPOSITE = {
    Kind.ZERO: Kind.NONZERO,
    Kind.NONZERO: Kind.ZERO,
    Kind.DIVISIBLE: Kind.INDIVISIBLE,
    Kind.INDIVISIBLE: Kind.DIVISIBLE,
}


def negate(held: Held) -> Held:
    """The opposite."""
    if isinstance(held, bool):
        return not held
    if held.kind is Kind.NONNEGATIVE:
        return at_least(-held.expr, 1)
    if held.kind is Kind.ALL:
        return any_of(negate(part) for part in held.parts)
    if held.kind is Kind.ANY:
        return all_of(negate(part) for part in held.parts)
    return _of(_OPPOSITE[held.kind], held.expr, held.by)


def all_of(parts: Iterable[Held]) -> Held:
    """Whether every part holds."""
    return _join(Kind.ALL, parts, decisive=False)


def any_of(parts: Iterable[Held]) -> Held:
    """Whether some part holds."""
    return _join(Kind.ANY, parts, decisive=True)


def _join(kind: Kind, parts: Iterable[Held], *, decisive: bool) -> Held:
    kept: dict[Condition, None] = {}
    for part in parts:
        if isinstance(part, bool):
            if part is decisive:
                return decisive
        elif part.kind is kind:
            kept.update(dict.fromkeys(part.parts))
        else:
            kept[part] = None
    if not kept:
        return not decisive
    if len(kept) == 1:
        return next(iter(kept))
    ordered = tuple(sorted(kept, key=lambda part: part.key))
    key = (kind, ordered)
    conditions = ordered[0].table.conditions
    known: Condition | None = conditions.get(key)
    if known is None:
        known = conditions[key] = Condition()
        known.table, known.kind, known.parts, known._key = ordered[0].table, kind, ordered, None
        known.mask = 0
        for part in ordered:
            known.mask |= part.mask
        known.depth = max(part.depth for part in ordered)
    return known
