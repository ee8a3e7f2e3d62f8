"""The decision procedure: an expression in one symbol as an eventually quasi-linear sequence over n = 1, 2, 3, ...

A `Sequence` holds the values up to `start`, then for one period a value and the increment with which it grows from
period to period. Such sequences are closed under sums, multiples, floor division by a constant, minimum, maximum and
selection; thresholds and periods come out of the arithmetic, none is guessed. What leaves this representation raises
`Irregular`, and nothing is concluded from it.
"""

from __future__ import annotations

from itertools import pairwise, repeat
from math import gcd, lcm
from operator import add, and_, or_
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shapelint.size.condition import Condition, Kind
from shapelint.size.evaluate import holds, substitute_held
from shapelint.size.expr import Expr, Extreme, Floor, Product, Quotient, Rounded, Select, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.size.expr import Atom

LIMIT: Final = 65_536
"""The largest threshold plus period that is followed."""


class Irregular(Exception):
    """The value is no eventually quasi-linear sequence, or one with a period beyond `LIMIT`; says why."""


class NoValue(Irregular):
    """There is no value at a few sizes, `last` the greatest of them."""

    def __init__(self, last: int) -> None:
        super().__init__("it divides by a size that may be 0")
        self.last = last


class Sequence:
    """`values[i]` is the value at n = i + 1 up to start + period; from then on each period adds `steps`."""

    __slots__ = ("period", "start", "steps", "values")

    def __init__(self, start: int, period: int, values: list[int], steps: list[int]) -> None:
        self.start = start
        self.period = period
        self.values = values
        self.steps = steps

    def at(self, n: int) -> int:
        """The value at `n`, which is at least 1."""
        index = n - 1
        if index < len(self.values):
            return self.values[index]
        turns, place = divmod(index - self.start, self.period)
        return self.values[self.start + place] + turns * self.steps[place]

    def aligned(self, start: int, period: int) -> tuple[list[int], list[int]]:
        """Values and steps over a threshold of at least `self.start` and a multiple of `self.period`."""
        if start == self.start and period == self.period:
            return self.values, self.steps
        values = self.upto(start + period)
        factor = period // self.period
        turn = (start - self.start) % self.period
        steps = [step * factor for step in self.steps[turn:] + self.steps[:turn]]
        return values, steps * factor

    def upto(self, count: int) -> list[int]:
        """The values at n = 1 .. count."""
        start, period = self.start, self.period
        turns = -(-(count - start) // period)
        if turns <= 1:
            return self.values[:count]
        if turns > 16 and turns > period:
            values = self.values[:start] + [0] * (turns * period)
            for place, (value, step) in enumerate(zip(self.values[start:], self.steps, strict=True), start):
                values[place::period] = range(value, value + turns * step, step) if step else repeat(value, turns)
        else:
            values = self.values[:]
            tail = values[start:]
            for _ in range(turns - 1):
                tail = list(map(add, tail, self.steps))
                values += tail
        del values[count:]
        return values


class Members:
    """A set of n >= 1: `flags[i]` tells of n = i + 1 up to start + period, then the last period repeats."""

    __slots__ = ("flags", "period", "start")

    def __init__(self, start: int, period: int, flags: list[bool]) -> None:
        self.start = start
        self.period = period
        self.flags = flags

    def aligned(self, start: int, period: int) -> list[bool]:
        """Flags over a threshold of at least `self.start` and a multiple of `self.period`."""
        if start == self.start and period == self.period:
            return self.flags
        return self.upto(start + period)

    def upto(self, count: int) -> list[bool]:
        """The flags of n = 1 .. count."""
        missing = count - len(self.flags)
        turns = -(-missing // self.period)
        return (self.flags + self.flags[self.start :] * turns)[:count]


EVERY: Final = Members(0, 1, [True])
NONE: Final = Members(0, 1, [False])


def joined(parts: Iterable[Members], *, every: bool, limit: int = LIMIT) -> Members:
    """The intersection of `parts` if `every`, else their union; `limit` bounds its threshold plus period."""
    total: Members | None = None
    for part in parts:
        if total is None:
            total = part
            continue
        start, period = _common(total, part, limit)
        flags = map(and_ if every else or_, total.aligned(start, period), part.aligned(start, period))
        total = _settled_members(start, period, list(flags))
    return total or (EVERY if every else NONE)


def _settled_members(start: int, period: int, flags: list[bool]) -> Members:
    """`flags` with period 1 where the period holds none or all, so that further periods do not multiply."""
    if period > 1:
        count = sum(flags[start:])
        if count in (0, period):
            return Members(start, 1, flags[: start + 1])
    return Members(start, period, flags)


def _common(left: Sequence | Members, right: Sequence | Members, limit: int = LIMIT) -> tuple[int, int]:
    start = left.start if left.start > right.start else right.start
    return bounded(start, left.period if left.period == right.period else lcm(left.period, right.period), limit)


def bounded(start: int, period: int, limit: int = LIMIT) -> tuple[int, int]:
    """A threshold and a period that can be followed; raises Irregular for others."""
    if start + period > limit:
        raise Irregular(f"its pattern repeats only after more than {limit:,} sizes")
    return start, period


def sequence(expr: Expr) -> Sequence:
    """The values of `expr`, which depends on at most one symbol."""
    known = expr.sequence
    if known is None:
        try:
            known = _linear([(_atom(atom), factor) for atom, factor in expr.terms], expr.const)
        except Irregular as error:
            known = error
        expr.sequence = known
    if isinstance(known, Irregular):
        raise known
    assert isinstance(known, Sequence)
    return known


def _linear(parts: list[tuple[Sequence, int]], const: int) -> Sequence:
    if not parts:
        return Sequence(0, 1, [const], [0])
    first, factor = parts[0]
    if len(parts) == 1:
        if factor == 1:
            if const == 0:
                return first
            return Sequence(first.start, first.period, [value + const for value in first.values], first.steps)
        values = [value * factor + const for value in first.values]
        return Sequence(first.start, first.period, values, [step * factor for step in first.steps])
    start = max(part.start for part, _ in parts)
    start, period = bounded(start, lcm(*[part.period for part, _ in parts]))
    values, steps = first.aligned(start, period)
    values = [value * factor + const for value in values]
    steps = [step * factor for step in steps]
    for part, factor in parts[1:]:
        more, grow = part.aligned(start, period)
        values = [value + other * factor for value, other in zip(values, more, strict=True)]
        steps = [step + other * factor for step, other in zip(steps, grow, strict=True)]
    return Sequence(start, period, values, steps)


_ONE = Sequence(0, 1, [1], [1])


def _atom(atom: Atom) -> Sequence:
    if isinstance(atom, Symbol):
        return _ONE
    expr = atom.expr
    known = expr.sequence
    if known is None:
        try:
            known = _make(atom)
        except Irregular as error:
            known = error
        expr.sequence = known
    if isinstance(known, Irregular):
        raise known
    assert isinstance(known, Sequence)
    return known


def _make(atom: Atom) -> Sequence:
    if isinstance(atom, Floor):
        return _floor(sequence(atom.of), atom.by)
    if isinstance(atom, Extreme):
        total = sequence(atom.of[0])
        for expr in atom.of[1:]:
            total = _extreme(total, sequence(expr), atom.largest)
        return total
    if isinstance(atom, Select):
        return _select(members(atom.condition), sequence(atom.then), sequence(atom.other))
    if isinstance(atom, Product):
        total = sequence(atom.factors[0])
        for expr in atom.factors[1:]:
            total = _product(total, sequence(expr))
        return total
    if isinstance(atom, Quotient):
        return _quotient(sequence(atom.of), sequence(atom.by))
    assert isinstance(atom, Rounded)
    raise Irregular("it is rounded from a floating-point number")


def _floor(of: Sequence, by: int) -> Sequence:
    growth = 1
    for step in set(of.steps):
        growth = lcm(growth, by // gcd(by, step))
    start, period = bounded(of.start, of.period * growth)
    values, steps = of.aligned(start, period)
    return Sequence(start, period, [value // by for value in values], [step // by for step in steps])


def _settled(values: list[int], steps: list[int], start: int) -> int:
    """The number of periods after which the sign of every residue, zero included, never changes again."""
    turns = 0
    for value, step in zip(values[start:], steps, strict=True):
        if step and value * step <= 0:
            turns = max(turns, abs(value) // abs(step) + 1)
    return turns


def _after(of: Sequence, turns: int) -> Sequence:
    if not turns:
        return of
    start, period = bounded(of.start + turns * of.period, of.period)
    return Sequence(start, period, of.upto(start + period), of.steps)


def _extreme(left: Sequence, right: Sequence, largest: bool) -> Sequence:
    start, period = _common(left, right)
    a, a_steps = left.aligned(start, period)
    b, b_steps = right.aligned(start, period)
    apart = [x - y for x, y in zip(a, b, strict=True)]
    apart_steps = [x - y for x, y in zip(a_steps, b_steps, strict=True)]
    settled = _after(Sequence(start, period, apart, apart_steps), _settled(apart, apart_steps, start))
    start = settled.start
    a, a_steps = left.aligned(start, period)
    b, b_steps = right.aligned(start, period)
    choose = max if largest else min
    takes_left = [(d >= 0) is largest for d in settled.values[start:]]
    steps = [x if first else y for x, y, first in zip(a_steps, b_steps, takes_left, strict=True)]
    # Where both are equal and stay so, either step is right; where only the values are, `_settled` has moved past.
    return Sequence(start, period, list(map(choose, a, b)), steps)


def _select(where: Members, then: Sequence, other: Sequence) -> Sequence:
    start = max(where.start, then.start, other.start)
    start, period = bounded(start, lcm(where.period, then.period, other.period))
    flags = where.aligned(start, period)
    a, a_steps = then.aligned(start, period)
    b, b_steps = other.aligned(start, period)
    values = [x if flag else y for flag, x, y in zip(flags, a, b, strict=True)]
    steps = [x if flag else y for flag, x, y in zip(flags[start:], a_steps, b_steps, strict=True)]
    return Sequence(start, period, values, steps)


def _product(left: Sequence, right: Sequence) -> Sequence:
    start, period = _common(left, right)
    a, a_steps = left.aligned(start, period)
    b, b_steps = right.aligned(start, period)
    if any(x and y for x, y in zip(a_steps, b_steps, strict=True)):
        raise Irregular("it multiplies a size with itself")
    steps = [x * d + y * c for x, y, c, d in zip(a_steps, b_steps, a[start:], b[start:], strict=True)]
    return Sequence(start, period, [x * y for x, y in zip(a, b, strict=True)], steps)


def _quotient(of: Sequence, by: Sequence) -> Sequence:
    if 0 in by.values:
        raise _no_value(by)
    growth = 1
    for step in set(of.steps):
        for divisor, grows in zip(by.values[by.start :], by.steps, strict=True):
            if not grows:
                growth = lcm(growth, abs(divisor) // gcd(divisor, step))
    start, period = _common(of, by)
    start, period = bounded(start, period * growth)
    a, a_steps = of.aligned(start, period)
    b, b_steps = by.aligned(start, period)
    if any(b_steps):
        turns = [_settled_ratio(*row) for row in zip(a[start:], a_steps, b[start:], b_steps, strict=True)]
        start, period = bounded(start + max(turns) * period, period)
        a, b = of.upto(start + period), by.upto(start + period)
        if 0 in b:
            raise _no_value(Sequence(start, period, b, b_steps))
    values = [x // y for x, y in zip(a, b, strict=True)]
    # Over a divisor that grows the ratio comes to rest.
    steps = [0 if grows else x // y for x, y, grows in zip(a_steps, b[start:], b_steps, strict=True)]
    return Sequence(start, period, values, steps)


def _no_value(by: Sequence) -> Irregular:
    if any(value == 0 and not step for value, step in zip(by.values[by.start :], by.steps, strict=True)):
        return Irregular("it divides by a size")
    return NoValue(max(n for n, value in enumerate(by.values, 1) if value == 0))


def _settled_ratio(a: int, a_step: int, b: int, b_step: int) -> int:
    """The number k of periods after which floor((a + a_step * k) / (b + b_step * k)) never changes again."""
    if not b_step:
        return 0
    if b_step < 0:
        a, a_step, b, b_step = -a, -a_step, -b, -b_step
    limit = a_step // b_step
    rest, rest_step = a - limit * b, a_step - limit * b_step
    turns = max(0, -b // b_step + 1)
    if rest_step:
        turns = max(turns, -(rest // rest_step), (rest - b) // (b_step - rest_step) + 1)
    else:
        turns = max(turns, (abs(rest) - b) // b_step + 1)
    return turns


# -- conditions ------------------------------------------------------------------------------------------------------


def members(condition: Condition) -> Members:
    """The n at which `condition`, which depends on at most one symbol, holds; it does not where it has no value."""
    try:
        return _members(condition)
    except NoValue as error:
        last = error.last
    symbol = condition.table.symbols_in(condition.mask)[0]
    first = [holds(condition, {symbol: n}) for n in range(1, last + 1)]
    beyond = substitute_held(condition, {symbol: symbol.expr + last})
    if isinstance(beyond, bool):
        return Members(last, 1, [*first, beyond])
    of = members(beyond)
    start, period = bounded(of.start + last, of.period)
    return Members(start, period, [*first, *of.flags])


def _members(condition: Condition) -> Members:
    kind = condition.kind
    if kind in (Kind.ALL, Kind.ANY):
        return joined([members(part) for part in condition.parts], every=kind is Kind.ALL)
    if kind in (Kind.DIVISIBLE, Kind.INDIVISIBLE):
        rest = modulo(condition.expr, condition.by)
        return Members(rest.start, rest.period, [(value == 0) is (kind is Kind.DIVISIBLE) for value in rest.values])
    try:
        of = sequence(condition.expr)
    except Irregular:
        growing = _growing(condition)
        if growing is None:
            raise
        return growing
    of = _after(of, _settled(of.values, of.steps, of.start))
    return Members(of.start, of.period, _flags(kind, of.values))


def _flags(kind: Kind, values: list[int]) -> list[bool]:
    if kind is Kind.ZERO:
        return [value == 0 for value in values]
    if kind is Kind.NONZERO:
        return [value != 0 for value in values]
    return [value >= 0 for value in values]


def modulo(expr: Expr, by: int) -> Sequence:
    """The residues of `expr` modulo `by`: periodic also where `expr` is a polynomial of regular sizes."""
    try:
        of = sequence(expr)
    except Irregular:
        total = Sequence(0, 1, [expr.const % by], [0])
        for atom, factor in expr.terms:
            part = _linear([(total, 1), (_atom_modulo(atom, by), factor)], 0)
            total = _reduced(part, by)
        return total
    return _reduced(of, by)


def _reduced(of: Sequence, by: int) -> Sequence:
    growth = 1
    for step in set(of.steps):
        growth = lcm(growth, by // gcd(by, step))
    start, period = bounded(of.start, of.period * growth)
    values, _ = of.aligned(start, period)
    return Sequence(start, period, [value % by for value in values], [0] * period)


def _atom_modulo(atom: Atom, by: int) -> Sequence:
    if isinstance(atom, Product):
        total = modulo(atom.factors[0], by)
        for factor in atom.factors[1:]:
            total = _reduced(_product(total, modulo(factor, by)), by)
        return total
    if isinstance(atom, Floor):
        inner = modulo(atom.of, atom.by * by)
        return Sequence(inner.start, inner.period, [value // atom.by for value in inner.values], inner.steps)
    return _reduced(_atom(atom), by)


def _growing(condition: Condition) -> Members | None:
    """The members where the expression never falls and grows beyond 0: products of a size with itself."""
    expr = condition.expr
    if all(factor < 0 for _, factor in expr.terms):
        sign = -1
    elif all(factor > 0 for _, factor in expr.terms):
        sign = 1
    else:
        return None
    if not all(_never_falls(atom) for atom, _ in expr.terms):
        return None
    values: list[int] = []
    upto = 64
    while not values or values[-1] * sign <= 0:
        if upto > LIMIT:
            return None
        values = column(expr, upto)
        upto *= 4
    flags = _flags(condition.kind, values)
    return Members(len(values) - 1, 1, flags)


def _never_falls(atom: Atom) -> bool:
    if isinstance(atom, Product):
        return all(_factor_never_falls(factor) for factor in atom.factors)
    if isinstance(atom, Floor):
        return _expr_never_falls(atom.of)
    try:
        return _rises(_atom(atom))
    except Irregular:
        return False


def _expr_never_falls(expr: Expr) -> bool:
    try:
        return _rises(sequence(expr))
    except Irregular:
        return all(factor > 0 and _never_falls(atom) for atom, factor in expr.terms)


def _factor_never_falls(expr: Expr) -> bool:
    low = expr.bounds[0]
    if low is None or low < 0:
        try:
            of = sequence(expr)
        except Irregular:
            return False
        if min(of.values) < 0:
            return False
    return _expr_never_falls(expr)


def _rises(of: Sequence) -> bool:
    values = of.upto(of.start + 2 * of.period)
    return all(step >= 0 for step in of.steps) and all(x <= y for x, y in pairwise(values))


# -- one by one ------------------------------------------------------------------------------------------------------


Columns: TypeAlias = "dict[Any, Any]"
"""The values of atoms and float terms at n = 1, 2, ..., kept while one column is computed."""


def column(expr: Expr, upto: int, known: Columns | None = None) -> list[int]:
    """The values at n = 1 .. upto, also of irregular expressions; raises ZeroDivisionError where there is none.

    `known` keeps the columns of irregular atoms, which may stand in many places.
    """
    known = {} if known is None else known
    try:
        return sequence(expr).upto(upto)
    except Irregular:
        pass
    total: list[int] = list(repeat(expr.const, upto))
    for atom, factor in expr.terms:
        more = known.get(atom)
        if more is None:
            more = known[atom] = _atom_column(atom, upto, known)
        total = [value + factor * other for value, other in zip(total, more, strict=True)]
    return total


def _atom_column(atom: Atom, upto: int, known: Columns) -> list[int]:
    try:
        return _atom(atom).upto(upto)
    except Irregular:
        pass
    if isinstance(atom, Floor):
        return [value // atom.by for value in column(atom.of, upto, known)]
    if isinstance(atom, Product):
        total = column(atom.factors[0], upto, known)
        for expr in atom.factors[1:]:
            total = [value * other for value, other in zip(total, column(expr, upto, known), strict=True)]
        return total
    if isinstance(atom, Quotient):
        return [
            value // by for value, by in zip(column(atom.of, upto, known), column(atom.by, upto, known), strict=True)
        ]
    if isinstance(atom, Extreme):
        choose = max if atom.largest else min
        return [choose(values) for values in zip(*[column(expr, upto, known) for expr in atom.of], strict=True)]
    if isinstance(atom, Select):
        flags = flags_upto(atom.condition, upto, known)
        then, other = column(atom.then, upto, known), column(atom.other, upto, known)
        return [x if flag else y for flag, x, y in zip(flags, then, other, strict=True)]
    assert isinstance(atom, Rounded)
    return atom.of.rounded_column(atom.mode, upto, known)


def flags_upto(condition: Condition, upto: int, known: Columns | None = None) -> list[bool]:
    """Whether `condition` holds at n = 1 .. upto."""
    known = {} if known is None else known
    try:
        return members(condition).upto(upto)
    except Irregular:
        pass
    kind = condition.kind
    if kind in (Kind.ALL, Kind.ANY):
        join = all if kind is Kind.ALL else any
        return [join(flags) for flags in zip(*[flags_upto(part, upto, known) for part in condition.parts], strict=True)]
    values = column(condition.expr, upto, known)
    if kind in (Kind.DIVISIBLE, Kind.INDIVISIBLE):
        return [(value % condition.by == 0) is (kind is Kind.DIVISIBLE) for value in values]
    return _flags(kind, values)
