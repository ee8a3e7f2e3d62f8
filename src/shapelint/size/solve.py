"""Conditions decided for all integers: the set of each symbol, and what couples symbols.

A condition in one symbol is decided by `shapelint.size.sequence`, or evaluated up to a bound where it is irregular.
A condition that couples symbols is solved where it is recognised: for each symbol the sizes for which *some* member
of the others' sets satisfies it. Anything else is reported as undecided; nothing is concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from math import gcd, isqrt, lcm
from operator import or_
from typing import TYPE_CHECKING, Final

from shapelint.size.condition import Condition, Kind, all_of, any_of, at_least, divides, equal, negate
from shapelint.size.evaluate import compare, holds
from shapelint.size.expr import Expr, Product, Symbol
from shapelint.size.sequence import (
    EVERY,
    LIMIT,
    NONE,
    Irregular,
    Members,
    Sequence,
    bounded,
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

_MOST_CLASSES: Final = 1 << 17
"""How many pairs of residue classes are tried."""
_MOST_PAIRS: Final = 1 << 16
"""How many pairs of sizes are tried one by one."""
_LARGEST_MODULUS: Final = 128
"""Up to so many residue classes a pair of symbols is told in one comparison."""
_MOST_PRODUCT: Final = 1 << 40
"""The largest constant of which the divisors are looked for."""


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
    told: dict[Condition, tuple[Condition, ...]] = field(default_factory=dict)
    """Comparisons that say at once what several conditions say together, with those."""

    def parts(self, condition: Condition) -> tuple[Condition, ...]:
        """The conditions as they were stated that `condition` stands for."""
        return self.told.get(condition) or (condition.parts if condition.kind is Kind.ALL else (condition,))


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
        symbol = single_symbol(condition)
        assert symbol is not None
        flags = [holds(condition, {symbol: n}) for n in range(1, LIMIT + 1)]
    return _searched(flags)


def _searched(flags: list[bool]) -> SizeSet:
    """The set of which `flags` tell up to `LIMIT` and nothing above."""
    return SizeSet(SizeSet.of_members(Members(LIMIT, 1, [*flags, False])).extra, checked_to=LIMIT)


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
    kept = _settle(solution, list(several))
    if kept:
        _couple(solution, kept)
    if any(of.is_empty and of.is_complete for of in solution.sets.values()):
        solution.possible = False
    if not solution.possible:
        solution.sets = dict.fromkeys(solution.sets, NO_SIZE)
    return solution


def _settle(solution: Solution, conditions: list[Condition]) -> list[Condition]:
    """The conditions without those that ask one thing of each symbol once what no size left allows is left out."""
    kept: list[Condition] = []
    narrowed = False
    for condition in conditions:
        left = _possible(condition, solution.sets)
        parts = [left] if isinstance(left, bool) or left.kind is not Kind.ALL else list(left.parts)
        singles = [part if isinstance(part, bool) else single_symbol(part) for part in parts]
        if left is condition or None in singles:
            kept.append(condition)
            continue
        for part, symbol in zip(parts, singles, strict=True):
            if isinstance(part, bool):
                solution.possible = solution.possible and part
            elif isinstance(symbol, Symbol):
                solution.sets[symbol] = solution.sets[symbol] & _conjunction([part])
        narrowed = True
    return _settle(solution, kept) if narrowed and kept else kept


def _possible(condition: Condition, base: Mapping[Symbol, SizeSet]) -> Held:
    """`condition` without the alternatives that hold for no member of a set."""
    if not condition.parts:
        symbol = single_symbol(condition)
        if symbol is None or not base[symbol].is_complete:
            return condition
        found = set_of(condition)
        never = found is not None and found.is_complete and (found & base[symbol]).is_empty
        return condition if not never else False
    join = all_of if condition.kind is Kind.ALL else any_of
    return join([_possible(part, base) for part in condition.parts])


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
        decided = _searched([all(column) for column in zip(*[part.upto(LIMIT) for part in regular], strict=True)])
    return decided & irregular


# -- several symbols -------------------------------------------------------------------------------------------------


class _NotRecognised(Exception):
    pass


def _couple(solution: Solution, conditions: list[Condition]) -> None:
    """Narrows the sets by what couples symbols.

    The members for which some partner satisfies one condition need not have one that satisfies all. Where the
    conditions form no cycle over the symbols they have, once the sets are narrowed until nothing changes (Freuder 1982,
    "A sufficient condition for backtrack-free search"); a condition that closes a cycle is implied or undecided.
    """
    conditions = _strongest([each for each in conditions if not _is_implied(each, (), solution.sets)])
    conditions = _grouped(solution, conditions)
    for condition in conditions:
        solution.coupled += [condition] if condition in solution.told else solution.parts(condition)
    tree: list[Condition] = []
    components: list[int] = []
    for condition in conditions:
        symbols = condition.table.symbols_in(condition.mask)
        try:
            if any(not solution.sets[symbol].is_complete for symbol in symbols):
                raise _NotRecognised
            narrowed = {symbol: _narrowed(condition, symbol, solution.sets) for symbol in symbols}
        except (_NotRecognised, Irregular):
            solution.undecided += solution.parts(condition)
            continue
        if all((component & condition.mask).bit_count() <= 1 for component in components):
            touched = [component for component in components if component & condition.mask]
            components = [component for component in components if component not in touched]
            components.append(reduce(or_, touched, condition.mask))
            tree.append(condition)
        elif not _is_implied(condition, tree, solution.sets):
            solution.undecided += solution.parts(condition)
        solution.sets.update(narrowed)
    _narrow(solution, tree)
    _enumerate(solution, conditions)


def _enumerate(solution: Solution, conditions: list[Condition]) -> None:
    """Decide what closes a cycle over two symbols that are left few sizes, by trying all pairs of them."""
    for condition in list(solution.undecided):
        symbols = condition.table.symbols_in(condition.mask)
        about = [each for each in conditions if each.mask & condition.mask]
        if condition not in solution.undecided or len(symbols) != 2:
            continue
        if any(each.mask != condition.mask or each in solution.told for each in about):
            continue
        if any(symbol.opaque or not solution.sets[symbol].is_finite for symbol in symbols):
            continue
        first, second = [list(solution.sets[symbol]) for symbol in symbols]
        if len(first) * len(second) > _MOST_PAIRS:
            continue
        held = all_of(about)
        good = [(a, b) for a in first for b in second if holds(held, dict(zip(symbols, (a, b), strict=True)))]
        for place, symbol in enumerate(symbols):
            solution.sets[symbol] = SizeSet.of_sizes([pair[place] for pair in good])
        decided = {part for each in about for part in solution.parts(each)}
        solution.undecided = [each for each in solution.undecided if each not in decided]


def _grouped(solution: Solution, conditions: list[Condition]) -> list[Condition]:
    """The conditions, those on the same two symbols as one where residue classes decide them together."""
    groups: dict[int, list[Condition]] = {}
    for condition in conditions:
        if _has_classes(condition, solution.sets):
            groups.setdefault(condition.mask, []).append(condition)
    found = []
    grouped: dict[Condition, None] = {}
    for group in groups.values():
        together = all_of(group)
        if len(group) > 1 and isinstance(together, Condition) and _has_classes(together, solution.sets):
            grouped.update(dict.fromkeys(group))
            told = _same_remainder(together)
            if told is not None:
                solution.told[told] = tuple(group)
            found.append(together if told is None else told)
    return found + [condition for condition in conditions if condition not in grouped]


def _has_classes(condition: Condition, base: Mapping[Symbol, SizeSet]) -> bool:
    """Whether `condition` is on two symbols and sees no more of them than residue classes."""
    symbols = condition.table.symbols_in(condition.mask)
    if len(symbols) != 2 or any(not base[symbol].is_complete for symbol in symbols):
        return False
    try:
        _by_classes(condition, *symbols, base)
    except (_NotRecognised, Irregular):
        return False
    return True


def _same_remainder(condition: Condition) -> Condition | None:
    """`condition` as "the two symbols differ by c, mod m", where that is all that it says."""
    one, other = condition.table.symbols_in(condition.mask)
    leaves = list(dict.fromkeys(_leaves(condition)))
    start, period, rows = _classes([_periodic(leaf, one, one) for leaf in leaves], EVERY)
    begin, cycle, columns = _classes([_periodic(leaf, other, one) for leaf in leaves], EVERY)
    if start or begin or max(period, cycle) > _LARGEST_MODULUS:
        return None
    found = [(a, b) for a, row in enumerate(rows) for b, at in enumerate(columns) if _agree(condition, leaves, row, at)]
    if not found:
        return None
    modulus = gcd(period, cycle, *[(a - b) - (found[0][0] - found[0][1]) for a, b in found])
    if modulus < 2 or len(found) * modulus != period * cycle:
        return None
    shift = found[0][0] - found[0][1]
    together = divides(modulus, one.expr - other.expr - (shift % modulus))
    return together if isinstance(together, Condition) else None


def _narrow(solution: Solution, tree: list[Condition]) -> None:
    """Narrows the sets by `tree` until nothing changes; what cannot be followed to the end is undecided."""
    for _ in tree:
        before = dict(solution.sets)
        for condition in tree:
            if any(part in solution.undecided for part in solution.parts(condition)):
                continue
            symbols = condition.table.symbols_in(condition.mask)
            try:
                solution.sets.update({symbol: _narrowed(condition, symbol, solution.sets) for symbol in symbols})
            except (_NotRecognised, Irregular):
                solution.undecided += solution.parts(condition)
        if solution.sets == before:
            return


def _narrowed(condition: Condition, symbol: Symbol, base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """The members of the set of `symbol` for which some members of the others' sets satisfy `condition`."""
    found = base[symbol] & _projection(condition, symbol, base)
    if not found.is_complete:
        raise _NotRecognised
    return found


def _is_implied(condition: Condition, others: Iterable[Condition], base: Mapping[Symbol, SizeSet]) -> bool:
    """Whether `condition` follows from one of `others`, or holds for all members of the sets."""
    if any(_follows(condition, other) for other in others):
        return True
    opposite = negate(condition)
    assert isinstance(opposite, Condition)
    symbol = condition.table.symbols_in(condition.mask)[0]
    try:
        return _narrowed(opposite, symbol, base).is_empty
    except (_NotRecognised, Irregular):
        return False


def _strongest(conditions: list[Condition]) -> list[Condition]:
    """The conditions without those that follow from another one."""
    kept = list(dict.fromkeys(conditions))
    for condition in list(kept):
        if any(_follows(condition, other) for other in kept if other is not condition):
            kept.remove(condition)
    return kept


def _follows(condition: Condition, other: Condition) -> bool:
    if condition.kind is Kind.ANY:
        parts = other.parts if other.kind is Kind.ANY else (other,)
        return all(any(mine is part or _follows(mine, part) for mine in condition.parts) for part in parts)
    if condition.kind is Kind.NONNEGATIVE and other.kind is Kind.NONNEGATIVE:
        distance = condition.expr - other.expr
        return isinstance(distance, int) and distance >= 0
    if condition.kind is Kind.DIVISIBLE and other.kind in (Kind.ZERO, Kind.DIVISIBLE):
        return other.by % condition.by == 0 and divides(condition.by, other.expr) is condition
    if condition.kind in (Kind.ZERO, Kind.NONZERO, Kind.NONNEGATIVE) and other.kind is Kind.ZERO:
        distances = (condition.expr - other.expr, condition.expr + other.expr)
        return any(isinstance(distance, int) and compare(condition, distance) for distance in distances)
    return False


def _projection(condition: Condition, onto: Symbol, base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """The sizes of `onto` for which some members of the others' sets satisfy `condition`."""
    symbols = condition.table.symbols_in(condition.mask)
    if onto not in symbols:
        found = _projection(condition, symbols[0], base) & base[symbols[0]]
        return NO_SIZE if found.is_empty else EVERY_SIZE
    if len(symbols) == 1:
        return _complete(condition)
    if condition.kind is Kind.ANY:
        total = NO_SIZE
        for part in condition.parts:
            total = total | _projection(part, onto, base)
        return total
    if condition.kind is Kind.ALL and all(single_symbol(part) for part in condition.parts):
        return _conjunction_of_singles(condition, onto, base)
    if condition.kind is Kind.ALL and len(symbols) == 2:
        return _by_classes(condition, onto, next(symbol for symbol in symbols if symbol is not onto), base)
    if condition.kind in (Kind.DIVISIBLE, Kind.INDIVISIBLE):
        return _divisible(condition, onto, symbols, base)
    if condition.kind is Kind.NONZERO and len(symbols) == 2:
        return _differing(condition, onto, symbols, base)
    if condition.kind in (Kind.ZERO, Kind.NONNEGATIVE):
        expr = condition.expr
        if len(expr.terms) == 1 and isinstance(expr.terms[0][0], Product):
            return _product(condition, onto, symbols, base)
        if len(symbols) == 2:
            return _sum(condition, onto, symbols, base)
    raise _NotRecognised


def _by_classes(condition: Condition, onto: Symbol, partner: Symbol, base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """Conditions on two symbols, of which all hold, that see no more of a symbol than its residue class."""
    leaves = list(dict.fromkeys(_leaves(condition)))
    start, period, mine = _classes([_periodic(leaf, onto, onto) for leaf in leaves], EVERY)
    allowed = base[partner].members()
    begin, cycle, others = _classes([_periodic(leaf, partner, onto) for leaf in leaves], allowed)
    flags = allowed.aligned(begin, cycle)
    reached = {row for row, flag in zip(others, flags, strict=True) if flag}
    distinct = set(mine)
    if len(distinct) * len(reached) > _MOST_CLASSES:
        raise _NotRecognised
    good = {row for row in distinct if any(_agree(condition, leaves, row, other) for other in reached)}
    return SizeSet.of_members(Members(start, period, [row in good for row in mine]))


def _leaves(condition: Condition) -> Iterable[Condition]:
    """The comparisons that a condition is made of."""
    if condition.parts:
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition


def _periodic(leaf: Condition, symbol: Symbol, onto: Symbol) -> Sequence:
    """What a comparison sees of the symbol: its summand, or whether the comparison holds where it is in no other."""
    if leaf.mask == symbol.bit:
        of = members(leaf)
        return Sequence(of.start, of.period, [int(flag) for flag in of.flags], [0] * of.period)
    if not leaf.mask & symbol.bit:
        return Sequence(0, 1, [0], [0])
    summands = _split(leaf.expr, onto)
    summand = summands[0] if symbol is onto else summands[1]
    found = modulo(summand, leaf.by) if leaf.by else sequence(summand)
    if any(found.steps):
        raise _NotRecognised
    return found


def _classes(columns: list[Sequence], allowed: Members) -> tuple[int, int, list[tuple[int, ...]]]:
    """Threshold, period and the rows of the columns."""
    start = max([allowed.start, *[column.start for column in columns]])
    start, period = bounded(start, lcm(allowed.period, *[column.period for column in columns]))
    return start, period, list(zip(*[column.aligned(start, period)[0] for column in columns], strict=True))


def _agree(condition: Condition, leaves: list[Condition], row: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether the condition holds where one symbol is in the class of `row` and the other in that of `other`."""
    if condition.parts:
        parts = [_agree(part, leaves, row, other) for part in condition.parts]
        return all(parts) if condition.kind is Kind.ALL else any(parts)
    place = leaves.index(condition)
    total = row[place] + other[place]
    return compare(condition, total) if condition.mask.bit_count() == 2 else total != 0


def _conjunction_of_singles(condition: Condition, onto: Symbol, base: Mapping[Symbol, SizeSet]) -> SizeSet:
    """Conditions in one symbol each, of which all hold."""
    found = {symbol: base[symbol] for symbol in condition.table.symbols_in(condition.mask)}
    found[onto] = EVERY_SIZE
    for part in condition.parts:
        symbol = single_symbol(part)
        assert symbol is not None
        found[symbol] = found[symbol] & _complete(part)
    return NO_SIZE if any(of.is_empty for of in found.values()) else found[onto]


def _complete(held: Held) -> SizeSet:
    """The set at which `held` holds, if it is complete."""
    found = set_of(held)
    if found is None or not found.is_complete:
        raise _NotRecognised
    return found


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
        return EVERY_SIZE if most is None else _complete(at_least(mine + most, 0))
    if all(step >= 0 for step in by.steps):
        return _reached(_negated(of), by, allowed)
    if all(step <= 0 for step in by.steps):
        return _reached(of, _negated(by), allowed)
    raise _NotRecognised


def _differing(
    condition: Condition, onto: Symbol, symbols: tuple[Symbol, ...], base: Mapping[Symbol, SizeSet]
) -> SizeSet:
    """F(x) + G(y) + c != 0: excluded is only what meets the single value of a constant G."""
    mine, others = _split(condition.expr, onto)
    partner = next(symbol for symbol in symbols if symbol is not onto)
    by, allowed = sequence(others), base[partner].members()
    most, least = _greatest(by, allowed), _greatest(_negated(by), allowed)
    if most is None or least is None or most != -least:
        return EVERY_SIZE
    return _complete(negate(equal(mine + most, 0)))


def _negated(of: Sequence) -> Sequence:
    return Sequence(of.start, of.period, [-value for value in of.values], [-step for step in of.steps])


def _greatest(of: Sequence, allowed: Members) -> int | None:
    """The greatest value at a member of `allowed`; None where it grows without bound."""
    start, period = bounded(max(of.start, allowed.start), lcm(of.period, allowed.period))
    values, steps = of.aligned(start, period)
    flags = allowed.aligned(start, period)
    if any(flag and step > 0 for flag, step in zip(flags[start:], steps, strict=True)):
        return None
    return max((value for value, flag in zip(values, flags, strict=True) if flag), default=-(2**62))


def _reached(wanted: Sequence, by: Sequence, allowed: Members) -> SizeSet:
    """The n at which `wanted` is a value that `by`, which never decreases from period to period, takes in `allowed`."""
    start, period = bounded(max(by.start, allowed.start), lcm(by.period, allowed.period))
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
            zero = _complete(equal(part, 0))
            if symbol is onto:
                total = total | zero
            elif not (zero & base[symbol]).is_empty:
                return EVERY_SIZE
        return total
    if target < 0 or target > _MOST_PRODUCT or _may_be_negative(parts, base):
        raise _NotRecognised
    divisors = _divisors(target)
    others = {1}
    for symbol, part in parts.items():
        if symbol is not onto:
            reached = [divisor for divisor in divisors if not (_where_equal(part, divisor) & base[symbol]).is_empty]
            others = {a * b for a in others for b in reached if target % (a * b) == 0}
    total = NO_SIZE
    for divisor in divisors:
        if target // divisor in others:
            total = total | _where_equal(parts[onto], divisor)
    return total


def _may_be_negative(parts: Mapping[Symbol, Expr], base: Mapping[Symbol, SizeSet]) -> bool:
    """Whether one of the expressions is below 0 at a member of its symbol's set."""
    for symbol, part in parts.items():
        low = part.bounds[0]
        if (low is None or low < 0) and not (_complete(at_least(-1, part)) & base[symbol]).is_empty:
            return True
    return False


def _where_equal(part: Expr, value: int) -> SizeSet:
    """The sizes at which `part` has this value, however large they are where it never stays the same."""
    try:
        of = sequence(part)
    except Irregular:
        return _complete(equal(part, value))
    if 0 in of.steps:
        return _complete(equal(part, value))
    sizes = [place for place, found in enumerate(of.values, 1) if found == value]
    for place, (found, step) in enumerate(zip(of.values[of.start :], of.steps, strict=True), of.start + 1):
        turns, rest = divmod(value - found, step)
        if rest == 0 and turns > 0:
            sizes.append(place + turns * of.period)
    return SizeSet.of_sizes(sizes)


def _large_product(
    parts: Mapping[Symbol, Expr], factor: int, target: int, onto: Symbol, base: Mapping[Symbol, SizeSet]
) -> SizeSet:
    if factor < 0 or _may_be_negative(parts, base):
        raise _NotRecognised
    if target <= 0:
        return EVERY_SIZE
    most: int | None = factor
    for symbol, part in parts.items():
        if symbol is not onto:
            greatest = _greatest(sequence(part), base[symbol].members())
            if greatest is not None and greatest <= 0:
                return NO_SIZE
            most = None if most is None or greatest is None else most * greatest
    return _complete(at_least(parts[onto], 1) if most is None else at_least(parts[onto] * most, target))


def _divisors(n: int) -> list[int]:
    found = []
    for candidate in range(1, isqrt(n) + 1):
        if n % candidate == 0:
            found += [candidate, n // candidate]
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
    const = condition.expr.const
    # Where only the greatest common divisors with `by` matter, they stand for the residues.
    reduced = len(rows) == 1 and const == 0
    others: set[tuple[int, ...]] = {tuple([factor % by for factor, _ in rows])}
    for symbol in symbols:
        if symbol is not onto:
            start, period, values = _residues([row.get(symbol) for _, row in rows], by, base[symbol], reduced)
            flags = base[symbol].members().aligned(start, period)
            found = {value for value, flag in zip(values, flags, strict=True) if flag}
            if len(others) * len(found) > _MOST_CLASSES:
                raise _NotRecognised
            others = {tuple([a * b % by for a, b in zip(one, two, strict=True)]) for one in others for two in found}
    mine = [place for place, (_, row) in enumerate(rows) if onto in row]
    rest = [place for place, (_, row) in enumerate(rows) if onto not in row]
    sums: dict[tuple[int, ...], set[int]] = {}
    for other in others:
        sums.setdefault(tuple([other[place] for place in mine]), set()).add(sum([other[place] for place in rest]) % by)
    start, period, values = _residues([rows[place][1][onto] for place in mine], by, base[onto], reduced)
    distinct = set(values)
    if len(distinct) * len(sums) > _MOST_CLASSES:
        raise _NotRecognised
    good = set()
    for value in distinct:
        for factors, added in sums.items():
            needed = -(const + sum([a * b for a, b in zip(value, factors, strict=True)])) % by
            if needed in added if condition.kind is Kind.DIVISIBLE else added - {needed}:
                good.add(value)
                break
    return SizeSet.of_members(Members(start, period, [value in good for value in values]))


def _residues(
    column: list[Expr | None], by: int, allowed: SizeSet, reduced: bool
) -> tuple[int, int, list[tuple[int, ...]]]:
    """Threshold, period and the residues of all of `column`, 1 for None; their divisors of `by` if `reduced`."""
    parts = [modulo(expr, by) if expr is not None else None for expr in column]
    where = allowed.members()
    start = max([where.start, *[part.start for part in parts if part]])
    start, period = bounded(start, lcm(where.period, *[part.period for part in parts if part]))
    columns = [part.aligned(start, period)[0] if part else [1] * (start + period) for part in parts]
    if reduced:
        columns = [[gcd(value, by) for value in column] for column in columns]
    return start, period, list(zip(*columns, strict=True))


__all__ = ["EVERY", "NONE", "Solution", "is_always", "is_never", "set_of", "single_symbol", "solve"]
