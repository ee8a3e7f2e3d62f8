"""What couples symbols, against a search over all tuples of bounded sets."""

from __future__ import annotations

from itertools import product as tuples
from random import Random

import pytest

from shapelint.size import SizeSet, Table, all_of, any_of, at_least, divides, equal, select, solve, unequal
from shapelint.size.evaluate import holds

MOST = {1: 60, 2: 40, 3: 14}


def parts_of(random: Random, symbol: object) -> tuple[object, object]:
    """A size that never falls, as an expression and in plain numbers."""
    match random.randrange(5):
        case 0:
            return symbol // 2, lambda n: n // 2  # type: ignore[operator]
        case 1:
            return (symbol + 3) // 4, lambda n: (n + 3) // 4  # type: ignore[operator]
        case 2:
            return 2 * symbol - 1, lambda n: 2 * n - 1  # type: ignore[operator]
        case _:
            return symbol, lambda n: n


def coupling(random: Random, symbols: list[object], deep: bool = True) -> tuple[object, object]:
    """A coupling of all `symbols` and the same for a tuple of numbers."""
    parts = [parts_of(random, symbol) for symbol in symbols]
    sizes, plain = [size for size, _ in parts], [function for _, function in parts]
    total = sizes[0]
    for size in sizes[1:]:
        total = total * size

    def times(at: tuple[int, ...]) -> int:
        found = 1
        for function, n in zip(plain, at, strict=True):
            found *= function(n)
        return found

    kind = random.randrange(7 if deep else 4)
    if kind == 0:
        const = random.choice([0, 1, 12, 24, 36, 60, 97])
        return equal(total, const), lambda at: times(at) == const
    if kind == 1:
        by = random.choice([2, 4, 6, 9, 12, 16])
        return divides(by, total), lambda at: times(at) % by == 0
    if kind == 2:
        const = random.choice([0, 1, 30, 200])
        return at_least(total, const), lambda at: times(at) >= const
    if kind == 3:
        by, const = random.choice([3, 4, 5]), random.randint(0, 4)
        factors = [random.randint(1, 4) for _ in sizes]
        added = sum(f * s for f, s in zip(factors, sizes, strict=True)) + const

        def plain_sum(at: tuple[int, ...]) -> int:
            return sum(f * function(n) for f, function, n in zip(factors, plain, at, strict=True)) + const

        return divides(by, added), lambda at: plain_sum(at) % by == 0
    if kind == 4 and len(symbols) == 2:
        return unequal(sizes[0], sizes[1] + 1), lambda at: plain[0](at[0]) != plain[1](at[1]) + 1
    if kind == 5 and len(symbols) == 2:
        held = any_of([equal(sizes[0], sizes[1]), equal(sizes[0], 1), equal(sizes[1], 1)])
        return held, lambda at: plain[0](at[0]) == plain[1](at[1]) or 1 in (plain[0](at[0]), plain[1](at[1]))
    one, other = coupling(random, symbols, deep=False), coupling(random, symbols, deep=False)
    limit = random.randint(1, 9)
    held = any_of([one[0], other[0], all_of([equal(symbols[0], limit), divides(3, symbols[1])])])
    return held, lambda at: one[1](at) or other[1](at) or (at[0] == limit and at[1] % 3 == 0)


def base_of(random: Random, symbol: object, most: int) -> tuple[list[object], set[int]]:
    """Bounded, so that every partner is tried."""
    top, by = random.randint(most // 2, most), random.choice([1, 1, 1, 2, 3])
    return [at_least(top, symbol), divides(by, symbol)], {n for n in range(1, top + 1) if n % by == 0}


@pytest.mark.parametrize("batch", range(16))
def test_one_coupling(batch: int) -> None:
    undecided = 0
    for number in range(40):
        random = Random(batch * 1000 + number)
        table = Table()
        symbols = [table.symbol(name) for name in random.choice([("H", "W"), ("H", "W"), ("H", "W", "C")])]
        bases = [base_of(random, symbol, MOST[len(symbols)]) for symbol in symbols]
        held, plain = coupling(random, symbols)
        solution = solve(table, [*[part for parts, _ in bases for part in parts], held])
        fitting = [at for at in tuples(*[members for _, members in bases]) if plain(at)]
        for at in random.sample(fitting, min(5, len(fitting))):
            assert holds(held, dict(zip(table.symbols, at, strict=True)))
        for place, symbol in enumerate(table.symbols):
            ours, theirs = solution.sets[symbol], {at[place] for at in fitting}
            if solution.undecided:
                assert all(n in ours for n in theirs)
            else:
                assert ours == SizeSet.of_sizes(theirs), (batch, number, held, symbol.name)
        undecided += bool(solution.undecided)
        assert solution.possible is bool(fitting) or solution.undecided
    assert undecided <= 4


@pytest.mark.parametrize("batch", range(10))
def test_overlapping_couplings(batch: int) -> None:
    """Two or three couplings: exact where solved, and never smaller than the truth."""
    solved = 0
    for number in range(30):
        random = Random(77_000 + batch * 1000 + number)
        table = Table()
        symbols = [table.symbol(name) for name in ("H", "W", "C")]
        bases = [base_of(random, symbol, 16) for symbol in symbols]
        conditions, checks = [], []
        for _ in range(random.randint(2, 3)):
            chosen = sorted(random.sample(range(3), 2))
            held, plain = coupling(random, [symbols[place] for place in chosen])
            conditions.append(held)
            checks.append((chosen, plain))
        solution = solve(table, [*[part for parts, _ in bases for part in parts], *conditions])
        fitting = [
            at
            for at in tuples(*[members for _, members in bases])
            if all(plain(tuple(at[place] for place in chosen)) for chosen, plain in checks)
        ]
        solved += not solution.undecided
        for place, symbol in enumerate(table.symbols):
            ours, theirs = solution.sets[symbol], {at[place] for at in fitting}
            if solution.undecided:
                assert all(n in ours for n in theirs)
            else:
                assert ours == SizeSet.of_sizes(theirs), (batch, number, conditions, symbol.name)
    assert solved >= 5


def test_full_projections_do_not_hide_an_overlap() -> None:
    """H == W and 3 | H + W: every H fits with some W in each, only multiples of 3 in both."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    overlapping = divides(3, h + w)
    solution = solve(table, [equal(h, w), overlapping])
    assert solution.undecided == [overlapping]
    implied = solve(table, [equal(h * w, 36), divides(4, h * w), at_least(h * w, 30), divides(2, h * w)])
    assert not implied.undecided
    divisors = SizeSet.of_sizes(n for n in range(1, 37) if 36 % n == 0)
    assert list(implied.sets.values()) == [divisors, divisors]


def test_products_as_large_as_images() -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    for pixels in (50_176, 409_600, 2**20, 2**22 * 3):
        found = solve(table, [equal(h * w, pixels)])
        assert not found.undecided
        divisors = SizeSet.of_sizes(n for n in range(1, pixels + 1) if pixels % n == 0)
        assert list(found.sets.values()) == [divisors, divisors]
    bounded = solve(table, [equal(h * w, 2**20), divides(32, h), at_least(2048, h), divides(64, w)])
    assert list(bounded.sets.values()) == [
        SizeSet.of_sizes(2**k for k in range(5, 12)),
        SizeSet.of_sizes(2**k for k in range(9, 16)),
    ]
    divided = solve(table, [divides(50_176, h * w), equal(w, 224)])
    assert list(divided.sets.values()) == [SizeSet.of_multiples(224), SizeSet.of_sizes([224])]
    large = solve(table, [divides(4096, h * w), divides(4096, h + w)])
    assert list(large.sets.values()) == [SizeSet.of_range(1, None)] * 2 or large.undecided


def test_what_is_not_recognised_is_undecided() -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    unknown = table.symbol("k", opaque=True)
    mixed = equal(select(equal(h, 1), w, h), 5)
    opaque = equal(unknown, h)
    never = equal(2 * h, 2 * w + 1)
    assert never is False
    solution = solve(table, [mixed, opaque])
    assert set(solution.undecided) == {mixed, opaque}
    assert [symbol.name for symbol in solution.sets] == ["H", "W"]
    assert all(of.is_every for of in solution.sets.values())
    assert solution.possible
    impossible = solve(table, [equal(h, 3), equal(h, 4)])
    assert not impossible.possible
    assert all(of.is_empty for of in impossible.sets.values())
    assert not solve(table, [False]).possible
    assert solve(table, [True]).possible


def residues_of(random: Random, symbol: object) -> tuple[object, object]:
    """An expression that only sees a residue class, and the same in plain numbers."""
    by, factor, plus = random.choice([2, 2, 3, 4]), random.choice([1, 2]), random.randint(0, 3)
    shape = random.randrange(3)
    if shape == 0:
        return symbol % by, lambda n: n % by  # type: ignore[operator]
    if shape == 1:
        return (symbol + plus) // by * by - symbol, lambda n: (n + plus) // by * by - n  # type: ignore[operator]
    return factor * (symbol // by % 2), lambda n: factor * (n // by % 2)  # type: ignore[operator]


def compared(random: Random, left: object, right: object) -> tuple[object, object]:
    """A comparison of two values, and the same for numbers."""
    const = random.randint(-1, 2)
    match random.randrange(4):
        case 0:
            return at_least(left + const, right), lambda a, b: a + const >= b  # type: ignore[operator]
        case 1:
            return unequal(left, right + const), lambda a, b: a != b + const  # type: ignore[operator]
        case _:
            return equal(left, right + const), lambda a, b: a == b + const  # type: ignore[operator]


@pytest.mark.parametrize("batch", range(10))
def test_residue_classes_decide_couplings_together(batch: int) -> None:
    """Two to four conditions on one pair of symbols that only see residues: none is left undecided."""
    coupled = 0
    for number in range(30):
        random = Random(5_000 + batch * 100 + number)
        table = Table()
        h, w = table.symbol("H"), table.symbol("W")
        bases = [base_of(random, symbol, 48) for symbol in (h, w)] if random.random() < 0.5 else []
        conditions, checks = [], []
        for _ in range(random.randint(2, 4)):
            (one, plain_one), (other, plain_other) = residues_of(random, h), residues_of(random, w)
            held, plain = compared(random, one, other)
            conditions.append(held)
            checks.append((plain, plain_one, plain_other))
        solution = solve(table, [*[part for parts, _ in bases for part in parts], *conditions])
        assert not solution.undecided, (batch, number, conditions)
        allowed = [members for _, members in bases] or [set(range(1, 49))] * 2
        fitting = [
            at for at in tuples(*allowed) if all(plain(one(at[0]), other(at[1])) for plain, one, other in checks)
        ]
        coupled += len(solution.coupled) > 1
        for place, symbol in enumerate(table.symbols):
            ours = {n for n in range(1, 49) if n in solution.sets[symbol]}
            assert ours == {at[place] for at in fitting}, (batch, number, conditions)
    assert coupled >= 5


def test_the_bits_of_two_sizes_one_by_one() -> None:
    """H and W agree in each of their last four bits: the same remainder mod 16, and every size has a partner."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    bits = [equal(h // by - 2 * (h // (2 * by)), w // by - 2 * (w // (2 * by))) for by in (1, 2, 4, 8)]
    solution = solve(table, bits)
    assert not solution.undecided
    assert all(of.is_every for of in solution.sets.values())
    (told,) = solution.coupled
    assert str(told) == "(H - W) % 16 == 0"
    assert set(solution.parts(told)) == set(bits)
    narrowed = solve(table, [*bits, divides(16, h - 5), at_least(w, 40)])
    assert not narrowed.undecided
    assert [n for n in range(1, 90) if n in narrowed.sets[table.symbols[1]]] == [53, 69, 85]


def test_what_always_holds_couples_nothing() -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    solution = solve(table, [at_least(h // 8 + 2 * (w // 16), 2 * (h // 16)), at_least(h, 2)])
    assert not solution.coupled
    assert not solution.undecided
