"""Expressions, bounds and conditions equal what plain numbers say, at 1 .. 4096 and at sizes up to 2**31 - 1."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

from shapelint.size import Table, Undecided, evaluate, high, holds, low, set_of
from shapelint.size.evaluate import substitute
from shapelint.size.expr import Expr
from shapelint.size.sequence import Irregular, column, sequence

sys.path.insert(0, str(Path(__file__).parent))

import networks

BATCHES, NETWORKS = 31, 100
UPTO = networks.UPTO


@pytest.mark.parametrize("batch", range(BATCHES))
def test_networks(batch: int) -> None:
    """Of each random network: the values of the last size, its bounds, and the set of one condition."""
    irregular = 0
    for number in range(NETWORKS):
        random = Random(batch * NETWORKS + number)
        points = networks.points_for(random)
        table = Table()
        symbol = table.symbol("H")
        atom = table.symbols[0]
        grown = networks.grow(random, symbol, points, random.randint(2, 9))
        size, values = grown[-1].size, grown[-1].values
        least, most = low(size), high(size)
        assert least is None or least <= min(values), (batch, number, size)
        assert most is None or most >= max(values), (batch, number, size)
        if isinstance(size, Expr):
            assert column(size, UPTO) == values[:UPTO], (batch, number, size)
            for place in random.sample(range(UPTO), 3):
                assert substitute(size, {atom: points[place]}) == values[place]
            try:
                found = sequence(size)
            except Irregular:
                irregular += 1
            else:
                assert found.upto(UPTO) == values[:UPTO], (batch, number, size)
                assert [found.at(n) for n in points[UPTO:]] == values[UPTO:], (batch, number, size)
        for place in [*random.sample(range(UPTO), 3), *range(UPTO, len(points))]:
            assert evaluate(size, {atom: points[place]}) == values[place], (batch, number, size, points[place])
        stated = networks.condition(random, grown)
        for place in random.sample(range(len(points)), 4):
            assert holds(stated.held, {atom: points[place]}) is stated.flags[place]
        sizes = set_of(stated.held)
        assert sizes is not None
        near = [flag for low, high in sizes.extra for flag in range(low, high + 1) if flag <= UPTO]
        near += [
            n for n in range(max(sizes.start, 1), UPTO + 1) if sizes.residues and n % sizes.period in sizes.residues
        ]
        assert near == [n for n, flag in zip(points[:UPTO], stated.flags, strict=False) if flag], (batch, number)
        for place in [*range(40), *random.sample(range(UPTO), 20)]:
            assert (points[place] in sizes) is stated.flags[place], (batch, number, stated.held)
        for n, flag in zip(points[UPTO:], stated.flags[UPTO:], strict=True):
            if sizes.checked_to is None or n <= sizes.checked_to:
                assert (n in sizes) is flag, (batch, number, stated.held, n)
            else:
                with pytest.raises(Undecided):
                    n in sizes  # noqa: B015
    assert irregular < NETWORKS // 20
