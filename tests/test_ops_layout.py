"""Moving elements about: numpy is the oracle, at every size that a free axis stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shapelint.size import Table, cdiv, evaluate

from .ops_calls import call, ints, of_array, scalar, shaped

TARGETS: list[tuple[tuple[Any, ...], bool]] = [
    ((0, -1), False),
    ((-1, 4), False),
    ((-1, 6), False),
    ((0, 0, 0), False),
    ((0, 2, -1), False),
    ((1, 12), False),
    ((-1,), False),
    ((2, -1, 2), True),
    ((3, -1), True),
    ((0, -1), True),
]


@pytest.mark.parametrize(("target", "allow"), TARGETS)
def test_reshape_is_numpys(target: tuple[int, ...], allow: bool) -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Reshape", shaped(n, 3, 4), ints(*target), allowzero=int(allow), table=table)
    for size in range(1, 25):
        array = np.zeros((size, 3, 4))
        wanted = [array.shape[axis] if part == 0 and not allow else part for axis, part in enumerate(target)]
        expected = None
        if not (0 in wanted and -1 in wanted):
            try:
                expected = array.reshape(wanted).shape
            except ValueError:
                expected = None
        sizes = {n.symbols[0]: size}
        assert (answer.shape(sizes) if answer.tensors and answer.runs(sizes) else None) == expected, size


def test_reshape_to_sizes_cancels_common_factors() -> None:
    table = Table()
    h, w = table.symbol("h"), table.symbol("w")
    flat = call("Reshape", shaped(2, 8, h, w), ints(2, 8, h * w), table=table)
    assert not flat.requirements
    assert not call("Reshape", shaped(2, h * w, 8), ints(-1, h, w, 8), table=table).requirements
    assert call("Reshape", shaped(2, 8, h, w), ints(0, 0, -1), table=table).tensors[0].shape == (2, 8, h * w)
    assert call("Reshape", shaped(h, 6), ints(-1, 2), table=table).tensors[0].shape == (3 * h, 2)
    assert call("Reshape", shaped(6), ints(h, 2), table=table).runs({h.symbols[0]: 3})
    swallowed = call("Reshape", shaped(1, h, 4), ints(-1, 8), table=table)
    assert [swallowed.shape({h.symbols[0]: size}) for size in (1, 2, 3, 4)] == [None, (1, 8), None, (2, 8)]


def test_windows_fill_each_axis() -> None:
    table = Table()
    h, w = table.symbol("h"), table.symbol("w")
    target = ints(1, h // 7, 7, w // 7, 7, 5)
    answer = call("Reshape", shaped(1, h, w, 5), target, table=table)
    assert len(answer.requirements) == 2
    for a in range(1, 22):
        for b in range(1, 22):
            expected = a % 7 == 0 and b % 7 == 0
            assert answer.runs({h.symbols[0]: a, w.symbols[0]: b}) is expected
    rows, columns = cdiv(h, 7), cdiv(w, 7)
    padded = call("Reshape", shaped(1, 7 * rows, 7 * columns, 5), ints(1, rows, 7, columns, 7, 5), table=table)
    assert not padded.requirements


def test_an_empty_tensor_keeps_its_number_of_elements() -> None:
    table = Table()
    h = table.symbol("h")
    answer = call("Reshape", shaped(h // 2, 6), ints(h // 2, 2, 2), table=table)
    assert [answer.runs({h.symbols[0]: size}) for size in (1, 2, 3)] == [True, False, False]


def test_a_shape_that_is_data_is_opaque() -> None:
    shape = call("Reshape", shaped(2, 3), shaped(3, dtype=7)).tensors[0].shape
    assert shape is not None
    assert len(shape) == 3
    assert call("Reshape", shaped(2, 3), shaped(Table().symbol("n"), dtype=7)).reason


def test_squeeze_needs_ones() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Squeeze", shaped(1, n, 3), ints(0, -2), table=table)
    assert [answer.shape({n.symbols[0]: size}) for size in (1, 2)] == [(3,), None]
    assert call("Squeeze", shaped(1, n, 3)).reason
    assert call("Squeeze", shaped(1, n + 1, 3)).tensors[0].shape == (n + 1, 3)
    assert call("Squeeze", shaped(1, n, 1), version=11, axes=(0, 2)).tensors[0].shape == (n,)
    assert not call("Squeeze", shaped(2, 3), ints(0)).runs({})


def test_unsqueeze_counts_axes_of_the_result() -> None:
    array = np.arange(6).reshape(2, 3)
    for axes in ((0,), (-1,), (1, 3), (-4, 0), (3, 0)):
        if axes == (-4, 0):
            assert not call("Unsqueeze", of_array(array), ints(*axes)).runs({})
            continue
        answer = call("Unsqueeze", of_array(array), ints(*axes))
        assert answer.shape({}) == np.expand_dims(array, axes).shape
        assert answer.value({}) == list(range(6))
    assert call("Unsqueeze", scalar(3), version=11, axes=(0,)).tensors[0].value == (3,)


def test_transposed_tiled_and_expanded_values_are_numpys() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    for perm in ((0, 2, 1), (2, 0, 1), (1, 2, 0)):
        answer = call("Transpose", of_array(array), perm=perm)
        assert answer.shape({}) == array.transpose(perm).shape
        assert answer.value({}) == array.transpose(perm).reshape(-1).tolist()
    assert call("Transpose", of_array(array)).value({}) == array.T.reshape(-1).tolist()
    assert not call("Transpose", of_array(array), perm=(0, 1)).runs({})
    tiled = call("Tile", of_array(array), ints(2, 1, 3))
    assert tiled.value({}) == np.tile(array, (2, 1, 3)).reshape(-1).tolist()
    expanded = call("Expand", of_array(np.arange(3).reshape(3, 1)), ints(2, 1, 4))
    assert expanded.value({}) == np.broadcast_to(np.arange(3).reshape(3, 1), (2, 3, 4)).reshape(-1).tolist()


def test_expand_broadcasts_with_sizes() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Expand", shaped(n, 1), ints(1, 4 * n), table=table)
    assert answer.tensors[0].shape == (n, 4 * n)
    assert not answer.requirements
    merged = call("Expand", shaped(3, n), ints(3, 8), table=table)
    assert [merged.runs({n.symbols[0]: size}) for size in (1, 7, 8)] == [True, False, True]


def test_flatten_splits_the_axes_in_two() -> None:
    table = Table()
    n = table.symbol("n")
    for axis in (-3, -1, 0, 1, 2, 3):
        answer = call("Flatten", shaped(2, n, 5), axis=axis, table=table)
        front = np.prod((2, 4, 5)[:axis], dtype=int)
        assert answer.shape({n.symbols[0]: 4}) == (front, 40 // front)


def test_blocks_divide_space_and_depth() -> None:
    table = Table()
    n = table.symbol("n")
    down = call("SpaceToDepth", shaped(1, 3, n, 8), blocksize=4, table=table)
    assert [down.shape({n.symbols[0]: size}) for size in (4, 6, 8)] == [(1, 48, 1, 2), None, (1, 48, 2, 2)]
    up = call("DepthToSpace", shaped(1, n, 3, 5), blocksize=2, table=table)
    assert [up.shape({n.symbols[0]: size}) for size in (4, 6)] == [(1, 1, 6, 10), None]
    assert not call("DepthToSpace", shaped(1, 4, 3, 5), blocksize=0).runs({})


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_pads_add_up_and_are_limited(mode: str) -> None:
    """The limits are onnxruntime 1.32's, recorded: reflection takes less than what is left after cropping."""
    table = Table()
    n = table.symbol("n")
    for begin in range(-4, 5):
        for end in range(-4, 5):
            answer = call("Pad", shaped(2, n), ints(0, begin, 0, end), mode=mode, table=table)
            for size in range(1, 7):
                core = size + min(begin, 0) + min(end, 0)
                runs = size + begin + end >= 0
                if mode == "reflect":
                    runs = max(begin, end) <= 0 or max(begin, end) < core
                elif mode != "constant":
                    runs = core >= 1 or begin == end == 0
                if mode == "reflect" and max(begin, end) <= 0:
                    continue
                expected = (2, size + begin + end) if runs else None
                assert answer.shape({n.symbols[0]: size}) == expected, (begin, end, size)


def test_pads_come_in_every_form() -> None:
    table = Table()
    n = table.symbol("n")
    x = shaped(1, n)
    forms = [
        call("Pad", x, version=1, paddings=(0, 1, 0, 2)),
        call("Pad", x, version=2, pads=(0, 1, 0, 2)),
        call("Pad", x, ints(0, 1, 0, 2), version=11),
        call("Pad", x, ints(1, 2), None, ints(-1), version=18),
    ]
    assert [form.tensors[0].shape for form in forms] == [(1, n + 3)] * 4
    computed = call("Pad", x, ints(0, 0, 0, (-n) % 8), table=table)
    assert [computed.shape({n.symbols[0]: size}) for size in (1, 8, 9)] == [(1, 8), (1, 8), (1, 16)]
    given = call("CenterCropPad", shaped(3, n), ints(5, 7)).tensors[0].shape
    assert given == (5, 7)
    assert evaluate(computed.tensors[0].shape[1], {n.symbols[0]: 3}) == 8  # type: ignore[index,arg-type]


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_tensor_joins_whatever_its_other_sizes(empty: int) -> None:
    """onnxruntime 1.32 gives [1, 2, 4, 4] and [1, 5, 4, 4] here; empty tensors among themselves keep the first's."""
    for nothing, total in (((1, 0, 3, 3), 2), ((1, 3, 0, 4), 5)):
        parts = [shaped(1, 2, 4, 4)]
        parts.insert(empty, shaped(*nothing))
        answer = call("Concat", *parts, axis=1)
        assert not answer.requirements
        assert answer.tensors[0].shape == (1, total, 4, 4)
