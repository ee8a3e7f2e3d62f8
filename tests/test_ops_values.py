"""Elements: numpy computes the same at every size; what is not certain is not stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shapelint.ops.values import ratio
from shapelint.size import Table
from shapelint.size.floats import FloatTerm

from .ops_calls import Tensor, call, floats, ints, scalar, shaped

SIZES = range(1, 40)


def of(expression: Any, table: Table) -> tuple[Any, Any]:
    n = table.symbol("n")
    return n.symbols[0], expression(n)


EXPRESSIONS = {
    "n": lambda n: n,
    "n - 7": lambda n: n - 7,
    "12 - n": lambda n: 12 - n,
    "n // 3": lambda n: n // 3,
    "-n": lambda n: -n,
}
INTEGERS = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Min": np.minimum,
    "Max": np.maximum,
    "Div": lambda a, b: int(np.trunc(a / b)),
    "Mod": np.mod,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
}


@pytest.mark.parametrize("op", INTEGERS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_integers_are_numpys(op: str, name: str) -> None:
    table = Table()
    symbol, expression = of(EXPRESSIONS[name], table)
    for constant in (-5, -2, -1, 1, 2, 3, 8):
        answer = call(op, ints(expression), ints(constant), table=table)
        for size in SIZES:
            left = EXPRESSIONS[name](size)
            assert answer.value({symbol: size}) == [INTEGERS[op](left, constant)], (size, constant)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_remainder_with_the_sign_of_the_dividend(name: str) -> None:
    table = Table()
    symbol, expression = of(EXPRESSIONS[name], table)
    for constant in (-5, -2, 1, 3):
        answer = call("Mod", ints(expression), ints(constant), fmod=1, table=table)
        for size in SIZES:
            assert answer.value({symbol: size}) == [int(np.fmod(EXPRESSIONS[name](size), constant))]


def test_division_is_a_floor_where_nothing_is_negative() -> None:
    table = Table()
    n = table.symbol("n")
    assert call("Div", ints(n), ints(2)).tensors[0].value == (n // 2,)
    assert call("Div", ints(n), ints(0)).tensors[0].value == (None,)
    assert call("Div", ints(n * n), ints(n)).tensors[0].value == (n,)
    assert call("Div", ints(-7), ints(2)).tensors[0].value == (-3,)


def test_what_overflows_is_not_known() -> None:
    big = 2**62
    assert call("Add", ints(big), ints(big)).tensors[0].value == (None,)
    assert call("Mul", Tensor(6, (1,), (2**30,)), Tensor(6, (1,), (4,))).tensors[0].value == (None,)
    assert call("Sub", Tensor(2, (1,), (3,)), Tensor(2, (1,), (4,))).tensors[0].value == (None,)
    assert call("Cast", ints(300), to=2).tensors[0].value == (None,)
    assert call("Cast", floats(float("inf")), to=7).tensors[0].value == (None,)
    assert call("Div", floats(1.0), floats(0.0)).tensors[0].value == (None,)


UNARY = {
    "Neg": np.negative,
    "Abs": np.abs,
    "Sign": np.sign,
    "Relu": lambda a: np.maximum(a, 0),
}


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_one_operand(op: str, name: str) -> None:
    table = Table()
    symbol, expression = of(EXPRESSIONS[name], table)
    answer = call(op, ints(expression), table=table)
    for size in SIZES:
        assert answer.value({symbol: size}) == [UNARY[op](EXPRESSIONS[name](size))]


FLOAT_UNARY = {"Floor": np.floor, "Ceil": np.ceil, "Round": np.round, "Sqrt": np.sqrt, "Neg": np.negative}


@pytest.mark.parametrize("op", FLOAT_UNARY)
@pytest.mark.parametrize("by", [0.5, 3.0, 1.3, 4.0])
def test_floats_are_numpys_float32(op: str, by: float) -> None:
    """Cast, Div, a rounding and Cast again, as exporters write sizes."""
    table = Table()
    n = table.symbol("n")
    single = float(np.float32(by))
    quotient = call("Div", call("Cast", ints(n), to=1).tensors[0], floats(single), table=table).tensors[0]
    rounded = call(op, quotient, table=table).tensors[0]
    answer = call("Cast", rounded, to=7, table=table)
    for size in range(1, 300):
        expected = int(np.trunc(FLOAT_UNARY[op](np.float32(size) / np.float32(by))))
        assert answer.value({n.symbols[0]: size}) == [expected]


def test_a_quotient_of_proportional_sizes_is_one_number() -> None:
    table = Table()
    n = table.symbol("n")
    three, two = (call("Cast", ints(size), to=1).tensors[0].value for size in (3 * n + 3, 2 * n + 2))
    assert three is not None
    assert two is not None
    left, right = three[0], two[0]
    assert isinstance(left, FloatTerm)
    assert isinstance(right, FloatTerm)
    assert ratio(left, right) == 1.5
    quotient = call("Div", floats(left), floats(right)).tensors[0].value
    assert quotient == (1.5,)


@pytest.mark.parametrize("op", ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
def test_floats_compare_as_numpys(op: str) -> None:
    table = Table()
    n = table.symbol("n")
    size = call("Cast", ints(n), to=1).tensors[0]
    for scale in (0.5, 0.7, 2.0):
        single = float(np.float32(scale))
        product = call("Mul", size, floats(single), table=table).tensors[0]
        for bound in (0.0, 3.5, 7.0, 10.0):
            for left, right, mirrored in ((product, floats(bound), False), (floats(bound), product, True)):
                answer = call(op, left, right, table=table)
                assert answer.tensors[0].value is not None
                if answer.tensors[0].value == (None,):
                    assert scale == 0.7
                    assert bound == 3.5
                    continue
                for real in SIZES:
                    a, b = np.float32(real) * np.float32(scale), np.float32(bound)
                    expected = INTEGERS[op](*((b, a) if mirrored else (a, b)))
                    assert answer.value({n.symbols[0]: real}) == [bool(expected)], (scale, bound, real)


def test_truth_is_followed_into_where() -> None:
    table = Table()
    n = table.symbol("n")
    small = call("Less", ints(n), ints(8)).tensors[0]
    odd = call("Equal", call("Mod", ints(n), ints(2)).tensors[0], ints(1)).tensors[0]
    either, both, one = (call(op, small, odd, table=table).tensors[0] for op in ("Or", "And", "Xor"))
    inverse = call("Not", both, table=table).tensors[0]
    for size in SIZES:
        sizes = {n.symbols[0]: size}
        for tensor, expected in (
            (either, size < 8 or size % 2 == 1),
            (both, size < 8 and size % 2 == 1),
            (one, (size < 8) is not (size % 2 == 1)),
            (inverse, not (size < 8 and size % 2 == 1)),
        ):
            assert call("Identity", tensor).value(sizes) == [expected]
            chosen = call("Where", tensor, ints(n), ints(3), table=table)
            assert chosen.value(sizes) == [size if expected else 3]
            assert call("Cast", tensor, to=7, table=table).value(sizes) == [int(expected)]


def test_the_minus_one_of_an_expanded_shape_is_replaced() -> None:
    """Shape, Equal to -1, Where, Expand: what torch exports for expand(-1, 4)."""
    table = Table()
    n = table.symbol("n")
    wanted = ints(n, -1)
    mask = call("Equal", wanted, call("Mul", ints(1, 1), scalar(-1)).tensors[0]).tensors[0]
    assert mask.value == (False, True)
    shape = call("Where", mask, ints(1, 1), wanted).tensors[0]
    assert call("Expand", shaped(1, 4), shape, table=table).tensors[0].shape == (n, 4)


def test_bounds_of_clip() -> None:
    table = Table()
    n = table.symbol("n")
    answers = [
        call("Clip", ints(n), scalar(3), scalar(9), table=table),
        call("Clip", call("Cast", ints(n), to=1).tensors[0], version=6, min=3.0, max=9.0, table=table),
    ]
    for size in SIZES:
        for answer in answers:
            assert answer.value({n.symbols[0]: size}) == [min(max(size, 3), 9)]
    assert call("Clip", ints(n), None, scalar(4), table=table).value({n.symbols[0]: 9}) == [4]


def test_ranges_are_numpys() -> None:
    table = Table()
    n = table.symbol("n")
    for start, limit, delta in ((0, n, 1), (1, n, 2), (n, 0, -3), (2, n // 2, 1)):
        answer = call("Range", scalar(start), scalar(limit), scalar(delta), table=table)
        for size in SIZES:
            first, last = (call("Identity", ints(bound)).value({n.symbols[0]: size})[0] for bound in (start, limit))
            assert answer.shape({n.symbols[0]: size}) == np.arange(first, last, delta).shape
    assert call("Range", scalar(2), scalar(11), scalar(3)).tensors[0].value == (2, 5, 8)
    assert call("Range", scalar(0.0, 1), scalar(1.0, 1), scalar(float(np.float32(0.1)), 1)).tensors[0].shape == (10,)


def test_large_and_unknown_values_are_not_followed() -> None:
    weight = Tensor(1, (4096, 4096))
    assert call("Add", weight, floats(1.0)).tensors[0] is weight
    assert call("Relu", weight).tensors[0] is weight
    assert call("ConstantOfShape", ints(5000)).tensors[0].value is None
    assert call("Add", ints(1, None), ints(2, 3)).tensors[0].value == (3, None)


def test_types_follow_the_operator() -> None:
    x = shaped(2, 3)
    assert call("Equal", x, x).tensors[0].dtype == 9
    assert call("IsNaN", x).tensors[0].dtype == 9
    assert [tensor.dtype for tensor in call("Dropout", x, outputs=2).tensors] == [1, 9]
    assert [tensor.dtype for tensor in call("Dropout", x, outputs=2, version=7).tensors] == [1, 1]
    assert call("Cast", x, version=1, to="INT64").tensors[0].dtype == 7
    assert call("CastLike", x, ints(1)).tensors[0].dtype == 7
    assert call("Shape", x).tensors[0].dtype == 7
    assert call("ConstantOfShape", ints(2)).tensors[0].dtype == 1
    assert call("Where", shaped(3, dtype=9), x, x).tensors[0].dtype == 1


def test_shapes_are_sliced_as_python_slices() -> None:
    dims = (2, 3, 4, 5)
    for start in range(-6, 7):
        for end in range(-6, 7):
            answer = call("Shape", shaped(*dims), start=start, end=end)
            low, high = (max(0, min(4, bound + 4 if bound < 0 else bound)) for bound in (start, end))
            assert answer.tensors[0].value == dims[low:high], (start, end)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot_elements_are_numpys(axis: int) -> None:
    """torch's repeat_interleave, as exported, tiles by a one-hot of sizes."""
    table = Table()
    n = table.symbol("n")
    places = Tensor(7, (2, 3), (0, 2, 1, 3, 3, 2))
    answer = call("OneHot", places, scalar(4), ints(1, n), table=table, axis=axis)
    hot = np.moveaxis(np.eye(4, dtype=int)[np.array([[0, 2, 1], [3, 3, 2]])], -1, axis)
    for size in SIZES:
        at = {n.symbols[0]: size}
        assert answer.shape(at) == hot.shape
        assert answer.value(at) == np.where(hot, size, 1).reshape(-1).tolist()
    assert call("OneHot", ints(-1), scalar(4), ints(0, 1)).tensors[0].value is None
