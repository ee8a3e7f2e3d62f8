"""Conditions decided for all integers: the set of each symbol, and what couples symbols.

A condition in one symbol is decided by `shapelint.size.sequence`, or evaluated up to a bound where it is irregular.
A condition that couples symbols is solved where it is recognised: for each symbol the sizes for which *some* member
of the others' sets satisfies it. Anything else is reported as undecided; nothing is concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm
from typing import TYPE_CHECKING, Final

from shapelint.size.condition import Condition, Kind, at_least, equal
from shapelint.size.expr import Expr, Product, Symbol
from shapelint.size.sequence import (
    EVERY,
    LIMIT,
    NONE,
    Irregular,
    Members,
    Sequence,
    flags_upto,
    joined,
    members,
    modulo,
    sequence,
)
from shapelint.size.sizeset import EVERY_SIZE, NO_SIZE, SizeSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shapelint.size.condition import Held
    from shapelint.size.expr import Table

_MOST_CLASSES: Final = 4096


@dataclass(slots=True)
class Solution:
    """What a conjunction of conditions leaves of each symbol."""

    sets: dict[Symbol, SizeSet] = field(default_factory=dict)
    """Every size outside is excluded; every size inside fits with some size of the others, if nothing is undecided."""
    coupled: list[Condition] = field(default_factory=list)
    """The conditions that couple symbols, solved ones and others."""
    undecided: list[Condition] = field(default_factory=list)
    """Conditions from which nothing was concluded."""
    possible: bool = True
    """False if some condition never holds."""


def single_symbol(condition: Condition) -> Symbol | None:
    """The one symbol of `condition`; None where there are several."""
    symbols = condition.table.symbols_in(condition.mask)
    return symbols[0] if len(symbols) == 1 else None


def set_of(held: Held) -> SizeSet | None:
    """The sizes of the one free symbol at which `held` holds; None where it has several or an opaque one."""
    if isinstance(held, bool):
        return EVERY_SIZE if held else NO_SIZE
    symbol = single_symbol(held)
    if symbol is None or symbol.opaque:
        return None
    known = held.table.conditions.get((SizeSet, held))
    if known is None:
        known = held.table.conditions[SizeSet, held] = _single(held)
    assert isinstance(known, SizeSet)
    return known


def _single(condition: Condition) -> SizeSet:
    try:
        return SizeSet.of_members(members(condition))
    except Irregular:
        pass
    try:
        flags = flags_upto(condition, LIMIT)
    except (ZeroDivisionError, ValueError, OverflowError):
        return SizeSet(checked_to=1)
    ranges = SizeSet.of_members(Members(LIMIT, 1, [*flags, False]))
    return SizeSet(ranges.extra, checked_to=LIMIT)


def is_always(held: Held) -> bool:
    """Whether `held` is certain to hold for all sizes of its one symbol."""
    if isinstance(held, bool):
        return held
    found = set_of(held)
    return found is not None and found.is_every


def is_never(held: Held) -> bool:
    """Whether `held` is certain to hold for no size of its one symbol."""
    if isinstance(held, bool):
        return not held
    found = set_of(held)
    return found is not None and found.is_empty and found.is_complete


def solve(table: Table, conditions: Iterable[Held]) -> Solution:
    """The conjunction of `conditions`, as the sets of the table's free symbols."""
    solution = Solution()
    single: dict[Symbol, list[Condition]] = {}
    several: dict[Condition, None] = {}
    for held in _flat(conditions):
        if isinstance(held, bool):
            solution.possible = solution.possible and held
            continue
        symbols = table.symbols_in(held.mask)
        if any(symbol.opaque for symbol in symbols):
            solution.undecided.append(held)
        elif len(symbols) == 1:
            single.setdefault(symbols[0], []).append(held)
        else:
            several[held] = None
    for symbol in table.symbols:
        if not symbol.opaque:
            solution.sets[symbol] = _conjunction(list(dict.fromkeys(single.get(symbol, []))))
    if several:
        _couple(solution, list(several))
    if any(of.is_empty and of.is_complete for of in solution.sets.values()):
        solution.possible = False
    if not solution.possible:
        solution.sets = dict.fromkeys(solution.sets, NO_SIZE)
    return solution


def _flat(conditions: Iterable[Held]) -> Iterable[Held]:
    for held in conditions:
        if isinstance(held, Condition) and held.kind is Kind.ALL:
            yield from held.parts
        else:
            yield held


def _conjunction(conditions: list[Condition]) -> SizeSet:
    if not conditions:
        return EVERY_SIZE
    regular = []
    irregular = EVERY_SIZE
    for condition in conditions:
        try:
            regular.append(members(condition))
        except Irregular:
            found = set_of(condition)
            assert found is not None
            irregular = irregular & found
    try:
        regular.sort(key=lambda part: part.period)
        decided = SizeSet.of_members(joined(regular, every=True))
    except Irregular:
        flags = [all(column) for column in zip(*[part.upto(LIMIT)[:LIMIT] for part in regular], strict=True)]
        extra = SizeSet.of_members(Members(LIMIT, 1, [*flags, False])).extra
        decided = SizeSet(extra, checked_to=LIMIT)
    return decided & irregular


# -- several symbols -------------------------------------------------------------------------------------------------


class _NotRecognised(Exception):
    pass


def _couple(solution: Solution, conditions: list[Condition]) -> None:
    solution.coupled = conditions
    base = dict(solution.sets)
    seen = 0
    for condition in conditions:
        symbols = condition.table.symbols_in(condition.mask)
        overlap = seen & condition.mask
        seen |= condition.mask
        try:
            if any(not base[symbol].is_complete for symbol in symbols):
                raise _NotRecognised
            projections = {symbol: _projection(condition, symbol, base) for symbol in symbols}
        except (_NotRecognised, Irregular):
            solution.undecided.append(condition)
            continue
        if overlap and not all((base[symbol] <= projections[symbol]) for symbol in symbols):
            # The members for which some partner satisfies one equation need not have one that satisfies all.
            solution.undecided.append(condition)
        for symbol, found in projections.items():
            solution.sets[symbol] = solution.sets[symbol] & found


def _projection(condition: Condition, onto: Symbol, base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """The sizes of `onto` for which some members of the others' sets satisfy `condition`."""
    symbols = condition.table.symbols_in(condition.mask)
    if onto not in symbols:
        found = NO_SIZE
        if len(symbols) > 1:
            found = _projection(condition, symbols[0], base) & base[symbols[0]]
        else:
            single = set_of(condition)
            assert single is not None
            found = single & base[symbols[0]]
        if not found.is_complete:
            raise _NotRecognised
        return NO_SIZE if found.is_empty else EVERY_SIZE
    if len(symbols) == 1:
        single = set_of(condition)
        assert single is not None
        if not single.is_complete:
            raise _NotRecognised
        return single
    if condition.kind is Kind.ANY:
        total = NO_SIZE
        for part in condition.parts:
            total = total | _projection(part, onto, base)
        return total
    if condition.kind is Kind.DIVISIBLE:
        return _divisible(condition, onto, symbols, base)
    if condition.kind in (Kind.ZERO, Kind.NONNEGATIVE):
        expr = condition.expr
        if len(expr.terms) == 1 and isinstance(expr.terms[0][0], Product):
            return _product(condition, onto, symbols, base)
        if len(symbols) == 2:
            return _sum(condition, onto, symbols, base)
    raise _NotRecognised


def _split(expr: Expr, onto: Symbol) -> tuple[Expr, Expr]:
    """`expr` as a part in `onto` (with the constant) plus a part in the other symbols."""
    mine, others = [], []
    for term in expr.terms:
        mask = term[0].mask
        if mask == onto.bit:
            mine.append(term)
        elif mask & onto.bit:
            raise _NotRecognised
        else:
            others.append(term)
    table = expr.table
    return table.constant(table.linear(tuple(mine), expr.const)), table.constant(table.linear(tuple(others), 0))


def _sum(condition: Condition, onto: Symbol, symbols: tuple[Symbol, ...], base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """F(x) + G(y) + c compared with 0."""
    mine, others = _split(condition.expr, onto)
    partner = next(symbol for symbol in symbols if symbol is not onto)
    of, by = sequence(mine), sequence(others)
    allowed = base[partner].members()
    if condition.kind is Kind.NONNEGATIVE:
        most = _greatest(by, allowed)
        if most is None:
            return EVERY_SIZE
        held = at_least(mine + most, 0)
        return set_of(held) or _raise()
    if all(step >= 0 for step in by.steps):
        return _reached(_negated(of), by, allowed)
    if all(step <= 0 for step in by.steps):
        return _reached(of, _negated(by), allowed)
    raise _NotRecognised


def _raise() -> SizeSet:
    raise _NotRecognised


def _negated(of: Sequence) -> Sequence:
    return Sequence(of.start, of.period, [-value for value in of.values], [-step for step in of.steps])


def _greatest(of: Sequence, allowed: Members) -> int | None:
    """The greatest value at a member of `allowed`; None where it grows without bound."""
    start, period = max(of.start, allowed.start), lcm(of.period, allowed.period)
    values, steps = of.aligned(start, period)
    flags = allowed.aligned(start, period)
    if any(flag and step > 0 for flag, step in zip(flags[start:], steps, strict=True)):
        return None
    return max((value for value, flag in zip(values, flags, strict=True) if flag), default=-(2**62))


def _reached(wanted: Sequence, by: Sequence, allowed: Members) -> SizeSet:
    """The n at which `wanted` is a value that `by`, which never decreases from period to period, takes in `allowed`."""
    start, period = max(by.start, allowed.start), lcm(by.period, allowed.period)
    if start + period > LIMIT:
        raise _NotRecognised
    values, steps = by.aligned(start, period)
    flags = allowed.aligned(start, period)
    kept = [value for value, flag in zip(values, flags, strict=True) if flag]
    if not kept:
        return NO_SIZE
    origin, last = min(kept), max(kept)
    growth = lcm(*[step for step in steps if step]) if any(steps) else 1
    if last - origin + growth > LIMIT:
        raise _NotRecognised
    image = [False] * (last - origin + 1 + growth)
    for place, (value, flag) in enumerate(zip(values, flags, strict=True)):
        step = steps[place - start] if place >= start else 0
        if flag:
            for reached in range(value - origin, len(image), step) if step else (value - origin,):
                image[reached] = True
    taken = Members(last - origin + 1, growth, image)
    turns = 0
    for value, step in zip(wanted.values[wanted.start :], wanted.steps, strict=True):
        distance = last - value if step > 0 else value - origin
        if step and distance >= 0:
            turns = max(turns, distance // abs(step) + 1)
    begin = wanted.start + turns * wanted.period
    cycle = wanted.period * growth
    if begin + cycle > LIMIT:
        raise _NotRecognised
    found = []
    pattern = taken.flags[taken.start :]
    for value in wanted.upto(begin + cycle):
        place = value - origin
        if place < 0:
            found.append(False)
        elif place < len(taken.flags):
            found.append(taken.flags[place])
        else:
            found.append(pattern[(place - taken.start) % growth])
    return SizeSet.of_members(Members(begin, cycle, found))


def _by_symbol(atom: Product, symbols: tuple[Symbol, ...]) -> dict[Symbol, Expr]:
    """The factors of each symbol, multiplied."""
    table = atom.table
    parts: dict[Symbol, list[Expr]] = {symbol: [] for symbol in symbols}
    for factor in atom.factors:
        owner = [symbol for symbol in symbols if symbol.bit == factor.mask]
        if len(owner) != 1:
            raise _NotRecognised
        parts[owner[0]].append(factor)
    return {symbol: table.constant(table.times(1, factors)) for symbol, factors in parts.items()}


def _product(
    condition: Condition, onto: Symbol, symbols: tuple[Symbol, ...], base: Mapping[Symbol, SizeSet]
) -> SizeSet:
    """The product of one expression a symbol, equal to a constant or at least as large."""
    expr = condition.expr
    atom, factor = expr.terms[0]
    assert isinstance(atom, Product)
    parts = _by_symbol(atom, symbols)
    if condition.kind is Kind.NONNEGATIVE:
        return _large_product(parts, factor, -expr.const, onto, base)
    target, rest = divmod(-expr.const, factor)
    if rest:
        return NO_SIZE
    if target == 0:
        total = NO_SIZE
        for symbol, part in parts.items():
            zero = set_of(equal(part, 0))
            if zero is None or not zero.is_complete:
                raise _NotRecognised
            if symbol is onto:
                total = total | zero
            elif not (zero & base[symbol]).is_empty:
                return EVERY_SIZE
        return total
    if target < 0 or target > 1 << 40:
        raise _NotRecognised
    divisors = _divisors(target)
    reached: dict[Symbol, dict[int, SizeSet]] = {}
    for symbol, part in parts.items():
        reached[symbol] = {}
        for divisor in divisors:
            found = set_of(equal(part, divisor))
            if found is None or not found.is_complete:
                raise _NotRecognised
            if not (found & base[symbol]).is_empty:
                reached[symbol][divisor] = found
        low = part.bounds[0]
        if low is None or low < 0:
            raise _NotRecognised
    others = {1}
    for symbol in symbols:
        if symbol is not onto:
            others = {a * b for a in others for b in reached[symbol] if target % (a * b) == 0}
    total = NO_SIZE
    for divisor, found in reached[onto].items():
        if target // divisor in others:
            total = total | found
    return total


def _large_product(
    parts: Mapping[Symbol, Expr], factor: int, target: int, onto: Symbol, base: Mapping[Symbol, SizeSet]
) -> SizeSet:
    most = 1
    if factor < 0:
        raise _NotRecognised
    for symbol, part in parts.items():
        low = part.bounds[0]
        if low is None or low < 0:
            raise _NotRecognised
        if symbol is onto:
            continue
        greatest = _greatest(sequence(part), base[symbol].members())
        if greatest is None:
            found = set_of(at_least(parts[onto], 1 if target > 0 else 0))
            return found or _raise()
        most *= greatest
    found = set_of(at_least(parts[onto] * (most * factor), target))
    return found or _raise()


def _divisors(n: int) -> list[int]:
    found = []
    candidate = 1
    while candidate * candidate <= n:
        if n % candidate == 0:
            found += [candidate, n // candidate]
        candidate += 1
        if candidate > 1 << 20:
            raise _NotRecognised
    return sorted(set(found))


def _divisible(
    condition: Condition, onto: Symbol, symbols: tuple[Symbol, ...], base: Mapping[Symbol, SizeSet]
) -> SizeSet:
    """A sum of products of one expression a symbol, divisible by a constant."""
    by = condition.by
    rows: list[tuple[int, dict[Symbol, Expr]]] = []
    for atom, factor in condition.expr.terms:
        owner = [symbol for symbol in symbols if symbol.bit == atom.mask]
        if owner:
            rows.append((factor, {owner[0]: atom.expr}))
        elif isinstance(atom, Product):
            inside = condition.table.symbols_in(atom.mask)
            rows.append((factor, _by_symbol(atom, inside)))
        else:
            raise _NotRecognised
    classes = {symbol: _classes([row.get(symbol) for _, row in rows], by, base[symbol]) for symbol in symbols}
    others: set[tuple[int, ...]] = {tuple(factor % by for factor, _ in rows)}
    for symbol in symbols:
        if symbol is not onto:
            found = set(classes[symbol][1])
            others = {tuple(a * b % by for a, b in zip(one, two, strict=True)) for one in others for two in found}
            if len(others) > _MOST_CLASSES:
                raise _NotRecognised
    shape, values = classes[onto]
    const = condition.expr.const
    good = {
        value
        for value in set(values)
        if any((const + sum(a * b for a, b in zip(value, other, strict=True))) % by == 0 for other in others)
    }
    columns = [modulo(expr, by) if expr is not None else None for expr in (row.get(onto) for _, row in rows)]
    flags = [value in good for value in _rows(columns, *shape)]
    return SizeSet.of_members(Members(shape[0], shape[1], flags))


def _classes(
    column: list[Expr | None], by: int, allowed: SizeSet
) -> tuple[tuple[int, int], list[tuple[int, ...]]]:
    """Threshold and period of the residues of all of `column`, and the tuples that occur in `allowed`."""
    parts = [modulo(expr, by) if expr is not None else None for expr in column]
    where = allowed.members()
    start = max([where.start, *[part.start for part in parts if part]])
    period = lcm(where.period, *[part.period for part in parts if part])
    if start + period > LIMIT:
        raise _NotRecognised
    flags = where.aligned(start, period)
    values = [row for row, flag in zip(_rows(parts, start, period), flags, strict=True) if flag]
    return (start, period), list(dict.fromkeys(values))


def _rows(parts: list[Sequence | None], start: int, period: int) -> list[tuple[int, ...]]:
    ones = [1] * (start + period)
    columns = [part.aligned(start, period)[0] if part else ones for part in parts]
    return list(zip(*columns, strict=True))


__all__ = ["EVERY", "NONE", "Solution", "is_always", "is_never", "set_of", "single_symbol", "solve"]
