"""Picking elements: numpy's indexing is the oracle, at every size that a free axis stands for."""

from __future__ import annotations

import numpy as np
import pytest

from shapelint.size import Table, cdiv

from .ops_calls import NEWEST, call, ints, of_array, scalar, shaped

FAR = [2**31 - 1, 2**63 - 1, -(2**31 - 1), -(2**63)]
BOUNDS = [*range(-9, 10), *FAR]


def taken(n: int, start: int, end: int, step: int) -> int:
    """What numpy takes; a start before the first element is the first one when walking back, as ONNX clamps it."""
    return len(np.arange(n)[max(start, -n) if step < 0 else start : end : step])


@pytest.mark.parametrize("step", [1, 2, 3, 7, -1, -2, -3])
def test_slices_of_a_free_axis_are_numpys(step: int) -> None:
    table = Table()
    n = table.symbol("n")
    for start in BOUNDS:
        for end in BOUNDS:
            answer = call("Slice", shaped(n), ints(start), ints(end), ints(0), ints(step), table=table)
            assert not answer.requirements
            for size in range(1, 9):
                expected = taken(size, start, end, step)
                assert answer.shape({n.symbols[0]: size}) == (expected,), (start, end, step, size)


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_slices_with_bounds_that_are_sizes_are_numpys(step: int) -> None:
    table = Table()
    n = table.symbol("n")
    bounds = [0, 2, -2, n, n - 1, n - 3, -n, 2 - n, n // 2, n // 2 - 2, 2 * n, 2**63 - 1]
    for start in bounds:
        for end in bounds:
            answer = call("Slice", shaped(n), ints(start), ints(end), ints(0), ints(step), table=table)
            for size in range(1, 9):
                sizes = {n.symbols[0]: size}
                first, last = (call("Identity", ints(bound)).value(sizes)[0] for bound in (start, end))
                assert answer.shape(sizes) == (taken(size, first, last, step),), (start, end, step, size)


def test_a_strided_slice_is_one_object_with_the_rounded_quotient() -> None:
    table = Table()
    n = table.symbol("n")
    for start, end, step in ((0, 2**63 - 1, 2), (2**63 - 1, -(2**63), -2), (0, n, 2)):
        answer = call("Slice", shaped(n), ints(start), ints(end), ints(0), ints(step), table=table)
        assert answer.tensors[0].shape == (cdiv(n, 2),)
        assert answer.tensors[0].shape[0] is cdiv(n, 2)


def test_slices_of_values_are_numpys() -> None:
    array = np.arange(24).reshape(4, 6)
    for start, end, step in ((0, 2, 1), (-1, -7, -2), (3, 100, 2), (1, 1, 1), (-100, 3, 1)):
        answer = call("Slice", of_array(array), ints(start, 1), ints(end, 3), ints(1, 0), ints(step, 1))
        expected = array[1:3, start:end:step]
        assert answer.shape({}) == expected.shape
        assert answer.value({}) == expected.reshape(-1).tolist()
    assert call("Slice", of_array(array), version=9, starts=(1, 2), ends=(9, -1)).shape({}) == (3, 3)


def test_a_bound_that_is_data_leaves_its_axis_to_the_data() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Slice", shaped(n, 5), shaped(1, dtype=7), ints(3), ints(1), table=table)
    shape = answer.tensors[0].shape
    assert shape is not None
    assert shape[0] is n
    assert shape[1].symbols[0].opaque  # type: ignore[union-attr]


def test_gather_takes_and_checks_its_indices() -> None:
    table = Table()
    h, w = table.symbol("h"), table.symbol("w")
    shape = call("Shape", shaped(1, 3, h, w)).tensors[0]
    assert call("Gather", shape, scalar(-1)).tensors[0].value == (w,)
    assert call("Gather", shape, ints(3, 2)).tensors[0].value == (w, h)
    assert not call("Gather", shape, scalar(4)).runs({})
    answer = call("Gather", shaped(h, 7), ints(0, 4, -2), table=table)
    assert [answer.shape({h.symbols[0]: size}) for size in (4, 5, 6)] == [None, (3, 7), (3, 7)]
    last = call("Gather", shaped(h, 7), scalar(h - 2), table=table)
    assert [last.runs({h.symbols[0]: size}) for size in (1, 2, 3)] == [True, True, True]
    array = np.arange(24).reshape(2, 3, 4)
    for axis in (0, 1, 2, -1):
        picked = call("Gather", of_array(array), of_array(np.array([[1, 0], [-1, 1]])), axis=axis)
        expected = np.take(array, [[1, 0], [-1, 1]], axis=axis)
        assert picked.shape({}) == expected.shape
        assert picked.value({}) == expected.reshape(-1).tolist()


def test_scattered_sizes_are_followed() -> None:
    table = Table()
    n = table.symbol("n")
    pads = ints(0, 0, 0, 0)
    answer = call("ScatterND", pads, of_array(np.array([[1], [-1]])), ints(n, 7), table=table)
    assert answer.tensors[0].value == (0, n, 0, 7)
    answer = call("ScatterElements", pads, ints(2), ints(n), table=table)
    assert answer.tensors[0].value == (0, 0, n, 0)
    array = np.arange(6).reshape(2, 3)
    assert call("GatherND", of_array(array), of_array(np.array([[1, 2], [0, 1]]))).value({}) == [5, 1]
    assert call("GatherND", of_array(array), of_array(np.array([[1]]))).value({}) == [3, 4, 5]


def test_parts_add_up() -> None:
    table = Table()
    n = table.symbol("n")
    for parts in (1, 2, 3, 4):
        uneven = call("Split", shaped(n, 2), version=18, outputs=parts, num_outputs=parts, table=table)
        even = call("Split", shaped(n, 2), version=13, outputs=parts, table=table)
        for size in range(1, 13):
            sizes = {n.symbols[0]: size}
            assert even.runs(sizes) is (size % parts == 0)
            chunk = -(-size // parts)
            assert uneven.runs(sizes) is (size - chunk * (parts - 1) >= 0)
            if uneven.runs(sizes):
                found = [uneven.shape(sizes, place) for place in range(parts)]
                assert found == [*[(chunk, 2)] * (parts - 1), (size - chunk * (parts - 1), 2)]
    given = call("Split", shaped(n), ints(3, n - 3), outputs=2, table=table)
    assert [given.runs({n.symbols[0]: size}) for size in (2, 3, 4)] == [False, True, True]
    halves = call("Split", ints(n, 1, 2, 3), version=11, outputs=2, split=(1, 3))
    assert [half.value for half in halves.tensors] == [(n,), (1, 2, 3)]


def test_an_axis_that_is_cut_and_joined_again_is_the_axis() -> None:
    table = Table()
    n = table.symbol("n")
    x = shaped(1, n // 4)
    front = call("Slice", x, ints(0), ints(3), ints(1), ints(1), table=table).tensors[0]
    back = call("Slice", x, ints(3), ints(2**63 - 1), ints(1), ints(1), table=table).tensors[0]
    assert call("Concat", back, front, axis=1, table=table).tensors[0].shape == (1, n // 4)


def test_joined_tensors_have_equal_sizes_along_the_other_axes() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Concat", shaped(1, 8, n), shaped(1, 4, 2 * (n // 2)), axis=1, table=table)
    (requirement,) = answer.requirements
    assert requirement.kind == "join"
    assert requirement.operands == (0, 1)
    assert answer.tensors[0].shape == (1, 12, n)
    assert [answer.runs({n.symbols[0]: size}) for size in (2, 3, 4)] == [True, False, True]
    a, b = np.arange(6).reshape(2, 3), np.arange(4).reshape(2, 2)
    joined = call("Concat", of_array(a), of_array(b), axis=-1)
    assert joined.value({}) == np.concatenate([a, b], axis=-1).reshape(-1).tolist()


def test_top_k_needs_k_elements() -> None:
    table = Table()
    n = table.symbol("n")
    for version, answer in (
        (9, call("TopK", shaped(2, n), version=9, outputs=2, k=3)),
        (NEWEST, call("TopK", shaped(2, n), ints(3), outputs=2)),
    ):
        assert answer.requirements[0].kind == "limit", version
        assert [answer.shape({n.symbols[0]: size}, 1) for size in (2, 3)] == [None, (2, 3)]


@pytest.mark.parametrize(
    ("op", "inputs", "opaque"),
    [
        ("NonZero", (shaped(2, 3),), 1),
        ("Unique", (shaped(2, 3),), 0),
        ("Compress", (shaped(2, 3), shaped(6, dtype=9)), 0),
        ("ConstantOfShape", (shaped(2, dtype=7),), 1),
        ("Range", (scalar(0), shaped(dtype=7), scalar(1)), 0),
    ],
)
def test_what_data_decides_is_opaque(op: str, inputs: tuple[object, ...], opaque: int) -> None:
    shape = call(op, *inputs).tensors[0].shape  # type: ignore[arg-type]
    assert shape is not None
    assert shape[opaque].symbols[0].opaque  # type: ignore[union-attr]
