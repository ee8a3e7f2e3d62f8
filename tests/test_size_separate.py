"""Conditions that mix symbols, taken apart; every expectation by brute force."""

from __future__ import annotations

from itertools import product as pairs
from typing import TYPE_CHECKING

import pytest

from shapelint.size import (
    Expr,
    Table,
    all_of,
    any_of,
    at_least,
    equal,
    evaluate,
    holds,
    is_always,
    larger,
    never_above,
    select,
    separated,
    set_of,
    smaller,
    solve,
    unequal,
)
from shapelint.size.condition import Condition
from shapelint.size.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.size import Held, Size, Symbol

FORMS: dict[str, Callable[[Expr, Expr], Held]] = {
    "both padded or neither": lambda h, w: equal(
        2 * (select(any_of((equal(h % 2, 1), equal(w % 2, 1))), 2 * ((h + 1) // 2), h) // 2),
        select(any_of((equal(h % 2, 1), equal(w % 2, 1))), 2 * ((h + 1) // 2), h),
    ),
    "the smaller one": lambda h, w: any_of((at_least(h, 7), at_least(31, smaller(h, w)))),
    "at least the larger": lambda h, w: at_least(h + 3, larger(w, 2 * h - 9)),
    "equal to the smaller": lambda h, w: equal(smaller(h, w + 4), 5),
    "not the larger": lambda h, w: unequal(larger(h, w), 9),
    "windows": lambda h, w: equal(h * w, 16 * ((h // 4) * (w // 4))),
    "windows of halves": lambda h, w: equal(((h + 1) // 2) * ((w + 1) // 2), 16 * (((h + 1) // 8) * ((w + 1) // 8))),
    "padded windows": lambda h, w: equal(h * w, 4 * (((h + 1) // 2) * ((w + 1) // 2))),
    "a baked number": lambda h, w: equal(32 * ((h + 1) // 2), ((h + 1) // 2) * ((w + 1) // 2)),
    "a baked number over": lambda h, w: equal((h // 2) * (w // 3) * (w + 1), 12 * (h // 2)),
    "no windows": lambda h, w: equal((h // 4) * (w // 6), 0),
    "some windows": lambda h, w: unequal((h // 4) * (w // 6), 0),
    "one window": lambda h, w: equal(((h + 4) // 10 - 1) * ((w + 9) // 7 - 2), 1),
    "a negative one": lambda h, w: unequal(((h + 4) // 10 - 1) * ((w + 9) // 7 - 2), -1),
    "one of three": lambda h, w: equal((h // 4 - 2) * (w // 6 - 3) * (w // 2 - 9), 1),
    "none or more": lambda h, w: at_least((h // 4 - 3) * (w // 6 - 2), 0),
    "none or less": lambda h, w: at_least(0, (h // 4 - 3) * (w // 6 - 2) * (w - 40)),
    "windows back": lambda h, w: equal(16 * ((h // 4) * (w // 4)) // (h * w) * (h * w), 16 * ((h // 4) * (w // 4))),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_parts_hold_where_the_whole_does(form: Callable[[Expr, Expr], Held]) -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    whole = form(h, w)
    parts = separated(whole)
    assert parts is not whole
    for a, b in pairs(range(1, 68), repeat=2):
        at = {h.symbols[0]: a, w.symbols[0]: b}
        assert holds(parts, at) == holds(whole, at), (a, b)


def test_what_is_taken_apart_is_solved() -> None:
    """Window attention without padding: H*W pixels are 16 times as many windows."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    held = separated(equal(h * w, 16 * ((h // 4) * (w // 4))))
    solution = solve(table, [held])
    assert not solution.undecided
    assert not solution.coupled
    assert [n for n in range(1, 60) if n in solution.sets[h.symbols[0]]] == list(range(4, 60, 4))


def test_what_never_runs_does_not_couple() -> None:
    """H//2 == 0 is one way to satisfy the second condition, and the first one excludes it."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    both = all_of((equal(h // 2, 4 * (h // 8)), equal(w // 2, 4 * (w // 8))))
    either = any_of((both, equal(h // 2, 0), equal(w // 2, 0)))
    solution = solve(table, [at_least(h, 2), at_least(w, 2), either])
    assert not solution.coupled
    expected = [n for n in range(2, 80) if n // 2 == 4 * (n // 8)]
    assert [n for n in range(1, 80) if n in solution.sets[w.symbols[0]]] == expected


def test_two_products_over_the_same_sizes_are_tried_pair_by_pair() -> None:
    """LeViT: the tokens of two stages are as many as at the size of the export."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    first = equal(((h + 15) // 16) * ((w + 15) // 16), 16)
    second = equal(((h + 31) // 32) * ((w + 31) // 32), 4)
    solution = solve(table, [first, second])
    assert not solution.undecided
    expected = {a for a in range(1, 400) for b in range(1, 400) if _tokens(a, b, 16) == 16 and _tokens(a, b, 32) == 4}
    assert set(solution.sets[h.symbols[0]]) == expected


def test_factors_that_are_negative_at_excluded_sizes_only() -> None:
    """An audio spectrogram transformer: windows of 16 every 10, as many patches as at the size of the export."""
    table = Table()
    t, f = table.symbol("T"), table.symbol("F")
    patches = ((t + 4) // 10 - 1) * ((f + 4) // 10 - 1)
    held = separated(any_of((equal(patches, 5), equal(patches, -1))))
    solution = solve(table, [at_least(t, 16), at_least(f, 16), held])
    assert not solution.undecided
    expected = {a for a in range(16, 400) for b in range(16, 400) if ((a + 4) // 10 - 1) * ((b + 4) // 10 - 1) == 5}
    assert set(solution.sets[t.symbols[0]]) == expected
    large = solve(table, [at_least(t, 16), at_least(f, 16), at_least(patches, 5), at_least(25, f)])
    assert not large.undecided
    assert [n for n in range(1, 90) if n in large.sets[t.symbols[0]]] == list(range(56, 90))


def _tokens(a: int, b: int, by: int) -> int:
    return -(-a // by) * -(-b // by)


def test_a_product_that_is_not_bounded_by_the_other_is_left_alone() -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    assert never_above(h * w, 16 * ((h // 4) * (w // 4))) is None
    held = equal(h * w, (h + 3) * (w // 2))
    assert separated(held) is held


def test_a_case_that_divides_by_zero_is_left_alone() -> None:
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    held = equal((h * w) // select(at_least(h, w), w, 0), 7)
    assert separated(held) is held


def test_products_are_the_same_where_they_are_multiplied_out() -> None:
    """The relative positions of attention: (L + 1)(2L - 1) = 2L^2 + L - 1."""
    table = Table()
    n = table.symbol("L")
    assert equal((n + 1) * (2 * n - 1), 2 * (n * n) + n - 1) is True
    assert equal((n + 1) * (2 * n - 1), 2 * (n * n) + n) is False
    open_case = equal((n + 1) * (2 * n - 1), n * n)
    assert isinstance(open_case, Condition)


@pytest.mark.parametrize("shift", [-7, -2, 0, 3, 40])
def test_a_rolled_axis_is_the_whole(shift: int) -> None:
    """torch.roll, as exported: n - s % n elements after s % n, each clamped to the axis."""
    table = Table()
    n = table.symbol("n")
    of = (n // 2) * 2
    start = of - shift % of if shift else of * 0 + of
    parts = larger(0, smaller(of, start)), larger(0, of - larger(0, smaller(of, start)))
    plain = Plain()
    assert plain.of(of) is of
    assert plain.of(parts[0] + parts[1]) is of


def test_a_size_of_another_value_is_not_made_plain() -> None:
    """They agree at every size but the largest."""
    table = Table()
    n = table.symbol("n")
    plain = Plain()
    plain.of(n)
    other = smaller(n, 5000)
    assert plain.of(other) is other


@pytest.mark.parametrize("by", [(1, 0), (2, -3), (1, -5), (3, 1)])
def test_division_by_a_growing_size_is_decided(by: tuple[int, int]) -> None:
    table = Table()
    n = table.symbol("n")
    symbol = n.symbols[0]
    for above in (3, 5 * n + 2, (n // 2) * 3 - 40):
        below = by[0] * n + by[1]
        assert isinstance(below, Expr)
        found = set_of(equal(above // below, 1))
        assert found is not None
        assert found.is_complete
        expected = [m for m in range(1, 300) if by[0] * m + by[1] and _ratio(above, below, symbol, m) == 1]
        assert [m for m in range(1, 300) if m in found] == expected
    assert is_always(equal(3 // (n + 3), 0))


def _ratio(above: Size, below: Expr, symbol: Symbol, n: int) -> int:
    return evaluate(above, {symbol: n}) // evaluate(below, {symbol: n})
