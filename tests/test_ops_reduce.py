"""Reductions: numpy is the oracle, of shapes and of small values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shapelint.ops.call import UNKNOWN, Tensor
from shapelint.size import Expr, Table

from .ops_calls import call, ints, of_array, shaped

BY_VALUE = {"ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMin": np.min, "ReduceMax": np.max}
AXES: list[tuple[int, ...] | None] = [None, (), (0,), (1,), (-1,), (0, 2), (2, -3), (0, 1, 2)]


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("op", BY_VALUE)
@pytest.mark.parametrize("as_input", [False, True])
def test_shapes_and_values_are_numpys(op: str, axes: tuple[int, ...] | None, keep: int, as_input: bool) -> None:
    array = np.arange(1, 25).reshape(2, 3, 4) % 5 - 1
    expected = BY_VALUE[op](array, axis=axes or None, keepdims=bool(keep))
    inputs = [of_array(array)] + ([ints(*axes)] if as_input and axes is not None else [])
    attributes = {"axes": axes} if not as_input and axes is not None else {}
    answer = call(op, *inputs, keepdims=keep, **attributes)
    assert answer.tensors[0].shape == expected.shape
    assert answer.value({}) == expected.reshape(-1).tolist()


@pytest.mark.parametrize("op", ["ReduceL2", "ReduceLogSumExp", "ReduceMean", "ReduceSumSquare", "ReduceL1"])
def test_no_axes_are_all_or_none(op: str) -> None:
    x = shaped(2, 3)
    assert call(op, x).tensors[0].shape == (1, 1)
    assert call(op, x, ints(), keepdims=0).tensors[0].shape == ()
    assert call(op, x, noop_with_empty_axes=1).tensors[0].shape == (2, 3)
    assert call(op, x, ints(), noop_with_empty_axes=1).tensors[0].shape == (2, 3)
    assert call(op, x, Tensor(7, (0,)), noop_with_empty_axes=1).tensors[0].shape == (2, 3)


def test_sizes_are_multiplied_and_compared() -> None:
    """What an exporter computes from a shape stays exact."""
    table = Table()
    n = table.symbol("n")
    sizes = ints(3, n, 2)
    for size in (1, 2, 7):
        at = {n.symbols[0]: size}
        assert call("ReduceProd", sizes, keepdims=0, table=table).value(at) == [6 * size]
        assert call("ReduceSum", sizes, keepdims=0, table=table).value(at) == [5 + size]
        assert call("ReduceMin", sizes, keepdims=0, table=table).value(at) == [min(2, size)]
        assert call("ReduceMax", sizes, keepdims=0, table=table).value(at) == [max(3, size)]


def test_what_is_unknown_among_the_values_stays_so() -> None:
    answer = call("ReduceSum", Tensor(7, (2, 2), (1, None, 3, 4)), ints(1), keepdims=0)
    assert answer.tensors[0].value == (None, 7)
    assert call("ReduceMean", ints(1, 2), keepdims=0).tensors[0].value == (None,)
    assert call("ReduceMean", ints(1, 3), keepdims=0).tensors[0].value == (2,)


def test_an_axis_outside_the_rank_is_refused() -> None:
    assert call("ReduceSum", shaped(2, 3), ints(2)).shape({}) is None
    assert call("ArgMax", shaped(2, 3), axis=-3).shape({}) is None


def test_axes_that_data_decides_leave_opaque_sizes() -> None:
    axes = Tensor(7, (1,))
    kept = call("ReduceSum", shaped(2, 3), axes).tensors[0].shape
    dropped = call("ReduceSum", shaped(2, 3), axes, keepdims=0).tensors[0].shape
    assert kept is not None
    assert dropped is not None
    assert (len(kept), len(dropped)) == (2, 1)
    assert all(isinstance(dim, Expr) and dim.symbols[0].opaque for dim in (*kept, *dropped))
    assert call("ReduceSum", shaped(2, 3), UNKNOWN, keepdims=0).reason


@pytest.mark.parametrize(("axis", "keep"), [(0, 1), (0, 0), (1, 1), (-1, 0)])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_positions_are_numpys(op: str, axis: int, keep: int) -> None:
    answer = call(op, shaped(2, 3, 4), axis=axis, keepdims=keep, select_last_index=1)
    expected: Any = np.argmax(np.zeros((2, 3, 4)), axis=axis, keepdims=bool(keep))
    assert (answer.tensors[0].shape, answer.tensors[0].dtype) == (expected.shape, 7)
