"""Windows that slide: sizes counted position by position, with numbers and at every size of a free axis."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from shapelint.ops.call import UNKNOWN
from shapelint.size import Table

from .ops_calls import Answer, call, ints, shaped

UPTO = 40


def counted(n: int, k: int, s: int, d: int, begin: int, end: int) -> int | None:
    """How many windows lie in the padded input, a stride apart; None where none does."""
    extent = d * (k - 1) + 1
    positions = 0
    start = -begin
    while start + extent <= n + end:
        positions += 1
        start += s
    return positions or None


def answers(op: str, table: Table, k: int, weight: bool, version: int = 22, **attributes: Any) -> Answer:
    n = table.symbol("n")
    inputs = [shaped(1, 3, n), *([shaped(5, 3, k)] if weight else [])]
    return call(op, *inputs, version=version, table=table, kernel_shape=(k,), **attributes)


@pytest.mark.parametrize("seed", range(60))
def test_floor_windows_are_counted(seed: int) -> None:
    draw = Random(seed)
    k, s, d = draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
    begin, end = draw.randint(0, 3), draw.randint(0, 3)
    table = Table()
    op = draw.choice(["Conv", "MaxPool", "AveragePool"])
    answer = answers(op, table, k, op == "Conv", strides=(s,), dilations=(d,), pads=(begin, end))
    symbol = table.symbols[0]
    for n in range(1, UPTO):
        wanted = counted(n, k, s, d, begin, end)
        found = answer.shape({symbol: n})
        assert (None if found is None else found[2]) == wanted


@pytest.mark.parametrize("seed", range(60))
def test_ceil_windows_start_inside_the_input(seed: int) -> None:
    """One window more where a part of the input is left, if it starts in the input or in the padding before it."""
    draw = Random(seed)
    k, s, d = draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
    begin, end = draw.randint(0, k - 1), draw.randint(0, k - 1)
    table = Table()
    answer = answers("MaxPool", table, k, False, strides=(s,), dilations=(d,), pads=(begin, end), ceil_mode=1)
    for n in range(1, UPTO):
        room = n + begin + end - (d * (k - 1) + 1)
        wanted = -(-room // s) + 1
        if (wanted - 1) * s >= n + begin:
            wanted -= 1
        found = answer.shape({table.symbols[0]: n})
        assert (None if found is None else found[2]) == (wanted if wanted >= 1 else None)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("s", [1, 2, 3])
def test_same_windows_leave_the_ceiling(auto: str, s: int) -> None:
    table = Table()
    answer = answers("Conv", table, 3, True, strides=(s,), auto_pad=auto)
    for n in range(1, UPTO):
        assert answer.shape({table.symbols[0]: n}) == (1, 5, -(-n // s))


@pytest.mark.parametrize("seed", range(40))
def test_a_transposed_window_undoes_a_window_with_the_remainder_as_output_padding(seed: int) -> None:
    """FORMULAS.md, section 7: output_padding = (n + P - ke) mod s restores n."""
    draw = Random(seed)
    k, s, d = draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
    begin, end = draw.randint(0, 2), draw.randint(0, 2)
    for n in range(1, 20):
        room = n + begin + end - (d * (k - 1) + 1)
        if room < 0:
            continue
        parameters: dict[str, Any] = {"strides": (s,), "dilations": (d,), "pads": (begin, end)}
        small = call("Conv", shaped(1, 3, n), shaped(5, 3, k), **parameters).shape({})
        assert small is not None
        back = call("ConvTranspose", shaped(*small), shaped(5, 3, k), output_padding=(room % s,), **parameters)
        assert back.shape({}) == (1, 3, n)


def test_channels_and_groups() -> None:
    x = shaped(1, 6, 8, 8)
    assert call("Conv", x, shaped(4, 6, 3, 3)).shape({}) == (1, 4, 6, 6)
    assert call("Conv", x, shaped(4, 3, 3, 3), group=2).shape({}) == (1, 4, 6, 6)
    assert call("Conv", x, shaped(4, 5, 3, 3)).requirements[0].kind == "channels"
    assert call("Conv", x, shaped(4, 6, 3, 3), shaped(5)).shape({}) is None
    assert call("Conv", x, shaped(5, 3, 3, 3), group=2).shape({}) is None
    assert call("ConvTranspose", x, shaped(6, 2, 2, 2), group=3, strides=(2, 2)).shape({}) == (1, 6, 16, 16)


@pytest.mark.parametrize(
    "attributes",
    [
        {"strides": (0, 1)},
        {"strides": (1,)},
        {"pads": (0, 0, 0)},
        {"pads": (-1, 0, 0, 0)},
        {"dilations": (0, 1)},
        {"auto_pad": "HALF"},
        {"group": 0},
        {"kernel_shape": (3, 3, 3)},
        {"kernel_shape": (2, 2)},
    ],
)
def test_illegal_parameters_are_stated(attributes: dict[str, Any]) -> None:
    answer = call("Conv", shaped(1, 6, 8, 8), shaped(4, 6, 3, 3), **attributes)
    assert answer.reason
    assert answer.requirements[-1].held is False
    assert answer.requirements[-1].kind == "argument"


def test_unpooling_follows_its_output_shape() -> None:
    x = shaped(1, 2, 3, 3)
    window = {"kernel_shape": (2, 2), "strides": (2, 2)}
    assert call("MaxUnpool", x, shaped(1, 2, 3, 3, dtype=7), **window).shape({}) == (1, 2, 6, 6)
    assert call("MaxUnpool", x, shaped(1, 2, 3, 3, dtype=7), ints(1, 2, 7, 6), **window).shape({}) == (1, 2, 7, 6)
    assert call("MaxUnpool", x, shaped(1, 2, 3, 3, dtype=7), ints(1, 2, 5, 6), **window).shape({}) is None
    assert call("MaxUnpool", x, shaped(1, 2, 3, 4, dtype=7), **window).shape({}) is None


def test_columns_are_counted() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Col2Im", shaped(1, 5 * 4, n), ints(6, 5), ints(2, 2), table=table)
    assert [size for size in range(1, 60) if answer.runs({n.symbols[0]: size})] == [5 * 4]
    assert answer.tensors[0].shape == (1, 5, 6, 5)


def test_offsets_have_the_size_of_the_result() -> None:
    x, weight = shaped(1, 3, 8, 8), shaped(4, 3, 3, 3)
    assert call("DeformConv", x, weight, shaped(1, 18, 6, 6)).shape({}) == (1, 4, 6, 6)
    assert call("DeformConv", x, weight, shaped(1, 18, 8, 8)).shape({}) is None


def test_global_pools_leave_one_pixel() -> None:
    assert call("GlobalAveragePool", shaped(2, 5, 7, 9)).shape({}) == (2, 5, 1, 1)


def test_unknown_inputs_leave_unknown_outputs() -> None:
    assert call("Conv", UNKNOWN, shaped(4, 3, 3, 3)).tensors[0].shape is None
    assert call("Conv", shaped(1, 3, None, 8), shaped(4, 3, 3, 3)).tensors[0].shape == (1, 4, None, 6)


@pytest.mark.parametrize("seed", range(20))
def test_a_kernel_that_is_computed_is_counted(seed: int) -> None:
    """A correlation's weight is a tensor of the net; without `kernel_shape` its sizes are the kernel's."""
    draw = Random(seed)
    s, d, begin, end = draw.randint(1, 4), draw.randint(1, 3), draw.randint(0, 3), draw.randint(0, 3)
    table = Table()
    n, k = table.symbol("n"), table.symbol("k")
    (size,), (kernel,) = n.symbols, k.symbols
    attributes: dict[str, Any] = {"strides": (s,), "dilations": (d,), "pads": (begin, end)}
    answer = call("Conv", shaped(1, 3, n), shaped(5, 3, k), version=22, table=table, **attributes)
    for at in range(1, 25):
        for of in range(1, 8):
            made = counted(at, of, s, d, begin, end)
            assert answer.shape({size: at, kernel: of}) == (None if made is None else (1, 5, made)), (at, of)
