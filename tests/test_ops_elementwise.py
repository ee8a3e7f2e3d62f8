"""Element-wise operators: shapes as numpy broadcasts them, and the forms of old versions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from shapelint.size import Table

from .ops_calls import call, shaped

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (4, 1, 3), (4, 2, 1)]


@pytest.mark.parametrize("op", ["Add", "Mod", "Less", "And", "Where", "Max", "Pow"])
def test_shapes_broadcast_as_numpys(op: str) -> None:
    for shapes in product(SHAPES, repeat=3 if op in ("Where", "Max") else 2):
        answer = call(op, *[shaped(*shape) for shape in shapes])
        try:
            expected: tuple[int, ...] | None = np.broadcast_shapes(*shapes)
        except ValueError:
            expected = None
        assert answer.shape({}) == expected, shapes


def test_a_free_axis_meets_a_constant() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Add", shaped(1, n), shaped(1, 8), table=table)
    assert [answer.shape({n.symbols[0]: size}) for size in (1, 7, 8)] == [(1, 8), None, (1, 8)]
    assert answer.requirements[0].kind == "merge"


def test_what_keeps_its_shape_is_the_same_tensor() -> None:
    x = shaped(2, Table().symbol("n"))
    for op in ("Relu", "Sigmoid", "Identity", "Softmax", "Gelu", "Erf", "Dropout", "Clip", "Cast"):
        assert call(op, x, to=1).tensors[0] is x
    assert call("Add", x, shaped(1)).tensors[0] is x


def test_before_opset_7_an_axis_is_named() -> None:
    table = Table()
    n = table.symbol("n")
    x = shaped(2, n, 5)
    assert call("Add", x, shaped(n), version=6, broadcast=1, axis=1, table=table).tensors[0].shape == (2, n, 5)
    assert call("Mul", x, shaped(5), version=6, broadcast=1, table=table).runs({})
    assert not call("Mul", x, shaped(4), version=6, broadcast=1, table=table).runs({})
    assert not call("Add", x, shaped(5), version=6, table=table).runs({})
    assert not call("Sum", x, shaped(5), version=6, table=table).runs({})
    assert call("Sum", x, shaped(5), version=8, table=table).runs({})


def test_slopes_are_broadcast_to_the_input() -> None:
    x = shaped(1, 4, 5, 5)
    for slope, runs in (((4, 1, 1), True), ((1,), True), ((5,), True), ((3, 1, 1), False), ((2, 1, 4, 5, 5), False)):
        assert call("PRelu", x, shaped(*slope)).runs({}) is runs
    assert call("PRelu", x, shaped(4), version=6).runs({})
    assert not call("PRelu", x, shaped(5), version=6).runs({})


def test_an_unknown_rank_stays_unknown() -> None:
    unknown = shaped()
    unknown.shape = None
    for op in ("Add", "Max", "Where", "Equal"):
        answer = call(op, unknown, shaped(2), shaped(2))
        assert answer.tensors[0].shape is None
        assert not answer.requirements
