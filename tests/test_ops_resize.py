"""Resize and its like: numpy's float32 product is the oracle for scales."""

from __future__ import annotations

import numpy as np
import pytest

from shapelint.size import Table

from .ops_calls import call, floats, ints, shaped

SCALES = [0.1, 0.25, 0.29, 1 / 3, 0.5, 0.7, 1.0, 1.15, 1.5, 2.0, 2.3, 3.0, 4.0]


@pytest.mark.parametrize("scale", SCALES)
def test_a_scaled_size_is_the_float32_product_rounded_down(scale: float) -> None:
    table = Table()
    n = table.symbol("n")
    single = float(np.float32(scale))
    x = shaped(1, n)
    answers = [
        call("Resize", x, floats(1.0, single), version=10),
        call("Resize", x, None, floats(1.0, single), version=13),
        call("Resize", x, None, floats(single), version=18, axes=(1,)),
        call("Resize", x, floats(), floats(1.0, single), floats(), version=11),
        call("Upsample", x, version=7, scales=(1.0, single)),
        call("Upsample", x, floats(1.0, single), version=9),
    ]
    for size in range(1, 400):
        product = int(np.floor(np.float32(size) * np.float32(scale)))
        assert {answer.shape({n.symbols[0]: size}) for answer in answers} == {(1, product)}, size


def test_a_dyadic_scale_is_exact() -> None:
    table = Table()
    n = table.symbol("n")
    assert call("Resize", shaped(n), None, floats(2.0)).tensors[0].shape == (2 * n,)
    assert call("Resize", shaped(n), None, floats(0.5)).tensors[0].shape == (n // 2,)
    assert call("Resize", shaped(n), None, floats(1.5)).tensors[0].shape == ((3 * n) // 2,)


def test_sizes_are_taken_as_they_are() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Resize", shaped(1, 3, n // 2, 8), None, None, ints(1, 3, n, n // 4), table=table)
    assert answer.tensors[0].shape == (1, 3, n, n // 4)
    assert answer.shape({n.symbols[0]: 4}) == (1, 3, 4, 1)
    assert call("Resize", shaped(1, 3, n), None, None, ints(9), axes=(-1,)).tensors[0].shape == (1, 3, 9)


@pytest.mark.parametrize(("have", "size", "runs"), [(1, 0, False), (0, 0, True), (0, 3, False), (1, 3, True)])
def test_nothing_is_resized_to_something(have: int, size: int, runs: bool) -> None:
    """onnxruntime 1.32, opsets 11, 13 and 18, nearest and linear: "Scale value should be greater than 0" and
    "Cannot scale 0 by any factor to generate a non-zero value"; a scale of 0.5 leaves nothing of 1 and is taken."""
    assert call("Resize", shaped(1, 1, have), None, None, ints(1, 1, size)).runs({}) is runs
    assert call("Resize", shaped(1, 1, 1), None, floats(1.0, 1.0, 0.5)).shape({}) == (1, 1, 0)


def test_scales_and_sizes_exclude_each_other() -> None:
    assert not call("Resize", shaped(4), None, floats(2.0), ints(8)).runs({})
    assert not call("Resize", shaped(4), None, None, None).runs({})
    assert not call("Resize", shaped(4), None, floats(0.0)).runs({})


@pytest.mark.parametrize(
    ("have", "sizes", "policy", "expected"),
    [
        ((2, 10), (1, 1), "not_smaller", (1, 5)),
        ((3, 2), (1, 1), "not_larger", (1, 1)),
        ((4, 8), (8, 8), "not_larger", (4, 8)),
    ],
)
def test_the_aspect_ratio_is_kept(
    have: tuple[int, int], sizes: tuple[int, int], policy: str, expected: tuple[int, int]
) -> None:
    """Recorded from onnxruntime 1.32."""
    answer = call("Resize", shaped(1, *have), None, None, ints(*sizes), axes=(1, 2), keep_aspect_ratio_policy=policy)
    assert answer.shape({}) == (1, *expected)


def test_a_scale_computed_from_sizes_is_evaluated_as_a_runtime_does() -> None:
    """scale = float(out) / float(in), the size is floor(in * scale): one less than out at some sizes."""
    table = Table()
    n = table.symbol("n")
    size = call("Cast", ints(n), to=1).tensors[0]
    for wanted in (n + 3, 100, 2 * n):
        out = call("Cast", ints(wanted), to=1).tensors[0]
        scale = call("Div", out, size, table=table).tensors[0]
        answer = call("Resize", shaped(n), None, scale, table=table)
        for real in range(1, 300):
            target = np.float32({n + 3: real + 3, 2 * n: 2 * real}.get(wanted, 100))
            expected = int(np.floor(np.float32(real) * (target / np.float32(real))))
            assert answer.shape({n.symbols[0]: real}) == (expected,), (wanted, real)
    assert answer.tensors[0].shape == (2 * n,)


def test_grids_give_their_size() -> None:
    table = Table()
    h, w = table.symbol("h"), table.symbol("w")
    assert call("GridSample", shaped(1, 3, 9, 9), shaped(1, h, w, 2)).tensors[0].shape == (1, 3, h, w)
    assert not call("GridSample", shaped(1, 3, 9, 9), shaped(1, h, w, 3)).runs({})
    assert call("AffineGrid", shaped(1, 2, 3), ints(1, 3, h, w)).tensors[0].shape == (1, h, w, 2)
