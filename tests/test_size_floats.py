"""Float terms equal what numpy computes in the same type, operation by operation."""

from __future__ import annotations

from random import Random

import pytest

from shapelint.size import Table, Undecided, divides, equal, evaluate, set_of
from shapelint.size.evaluate import substitute
from shapelint.size.floats import FloatTerm, binary, of_size, times, to_size, unary
from shapelint.size.sequence import Irregular, column, sequence

numpy = pytest.importorskip("numpy")

UPTO = 65_536
ROUNDED = {"floor": numpy.floor, "ceil": numpy.ceil, "trunc": numpy.trunc, "round": numpy.rint}
TYPES = {"f": numpy.float32, "d": numpy.float64}


def product(scale: float, width: str, mode: str, upto: int = UPTO) -> list[int]:
    sizes = numpy.arange(1, upto + 1).astype(TYPES[width])
    return ROUNDED[mode](sizes * TYPES[width](scale)).astype(numpy.int64).tolist()


NON_DYADIC = [0.7, 0.29, 1.15, 1 / 3, 2 / 3, 0.1, 1.1, 2.3, 0.55, 3.999, 1.0000001]
DYADIC = [0.5, 0.25, 0.75, 1.5, 2.0, 4.0, 0.125, 1.375, 2.625, 0.0625, 0.9375]


@pytest.mark.parametrize("width", ["f", "d"])
@pytest.mark.parametrize("scale", NON_DYADIC)
def test_other_scales_are_evaluated(scale: float, width: str) -> None:
    table = Table()
    height = table.symbol("H")
    symbol = table.symbols[0]
    for mode in ("floor", "ceil", "round"):
        size = times(height, scale, width, mode)
        expected = product(scale, width, mode)
        assert column(size, UPTO) == expected
        with pytest.raises(Irregular):
            sequence(size)
        for n in (1, 10, 90, 100, 225, 60_000):
            assert evaluate(size, {symbol: n}) == expected[n - 1]
            assert substitute(size, {symbol: n}) == expected[n - 1]
    size = times(height, scale, width)
    expected = product(scale, width, "floor")
    found = set_of(divides(4, size))
    assert found.checked_to == UPTO
    assert not found.is_complete
    assert [n for n in range(1, UPTO + 1) if n in found] == [n for n, m in enumerate(expected, 1) if m % 4 == 0]
    with pytest.raises(Undecided):
        UPTO + 1 in found  # noqa: B015


@pytest.mark.parametrize("width", ["f", "d"])
@pytest.mark.parametrize("scale", DYADIC)
def test_dyadic_scales_are_complete(scale: float, width: str) -> None:
    table = Table()
    height = table.symbol("H")
    for mode in ROUNDED:
        size = times(height, scale, width, mode)
        assert sequence(size + 0).upto(UPTO) == product(scale, width, mode)
        negative = to_size(unary("neg", binary("mul", of_size(height, width), scale, width), width), mode)
        assert sequence(negative).upto(UPTO) == product(-scale, width, mode)
    found = set_of(equal(times(times(height, scale, width), 1 / scale, width), height))
    assert found.is_complete or scale not in (0.5, 0.25, 2.0, 4.0)


@pytest.mark.parametrize("width", ["f", "d"])
@pytest.mark.parametrize("batch", range(6))
def test_chains_of_operations(batch: int, width: str) -> None:
    """What exporters compute between Shape and Resize."""
    random = Random(batch)
    kind = TYPES[width]
    upto = 4096
    exact = 0
    for number in range(30):
        table = Table()
        height = table.symbol("H")
        term = of_size(height // 3 + 2, width)
        theirs = (numpy.arange(1, upto + 1) // 3 + 2).astype(kind)
        for _ in range(random.randint(1, 5)):
            op = random.choice(
                ["mul", "mul", "div", "div", "add", "sub", "min", "max", "sqrt", "ceil", "floor", "round"]
            )
            constant = random.choice([2.0, 0.5, 4.0, 0.75, 3.0, 0.7, 1.0, 1023 / 1024, 17.0, 0.1])
            if op in ("sqrt", "ceil", "floor", "round"):
                if op == "sqrt":
                    term, theirs = unary("abs", term, width), numpy.abs(theirs)
                term = unary(op, term, width)
                theirs = {**ROUNDED, "sqrt": numpy.sqrt}[op](theirs)
            else:
                constant = float(kind(constant))
                term = binary(op, term, constant, width)
                function = {"mul": "multiply", "div": "divide", "add": "add", "sub": "subtract"}.get(op, op + "imum")
                theirs = getattr(numpy, function)(theirs, kind(constant))
            assert theirs.dtype == kind
        mode = random.choice(list(ROUNDED))
        size = to_size(term, mode)
        assert isinstance(term, FloatTerm)
        exact += term.exact is not None
        assert column(size, upto) == ROUNDED[mode](theirs).astype(numpy.int64).tolist(), (batch, number, size)
    assert 0 < exact < 30


def test_two_sizes_multiplied_and_divided() -> None:
    table = Table()
    height = table.symbol("H")
    ratio = binary("div", of_size(height, "f"), of_size(height // 2 + 1, "f"), "f")
    back = to_size(binary("mul", of_size(height // 2 + 1, "f"), ratio, "f"), "floor")
    sizes = numpy.arange(1, UPTO + 1)
    theirs = numpy.floor((sizes // 2 + 1).astype("f") * (sizes.astype("f") / (sizes // 2 + 1).astype("f"))).astype(
        numpy.int64
    )
    assert column(back, UPTO) == theirs.tolist()
    root = to_size(unary("sqrt", of_size(height * height, "f"), "f"), "floor")
    assert column(root, 4096) == list(range(1, 4097))


def test_constants_are_rounded_to_their_type() -> None:
    assert binary("mul", 10.0, float(numpy.float32(0.7)), "f") == 7.0
    assert to_size(binary("mul", 10.0, 0.7, "d"), "floor") == 7
    assert to_size(binary("mul", 100.0, 0.29, "d"), "floor") == 28
    assert to_size(binary("mul", 100.0, 1.15, "d"), "floor") == 114
    for broken in (binary("div", 1.0, 0.0, "f"), unary("sqrt", -1.0, "f")):
        with pytest.raises(ValueError, match="NaN"):
            to_size(broken, "floor")
    tiny = binary("div", of_size(Table().symbol("H"), "d"), 2.0**-1074, "d")
    assert isinstance(tiny, FloatTerm)


def test_a_size_without_a_value_holds_nothing() -> None:
    """Division by a size that is 0 somewhere."""
    table = Table()
    height = table.symbol("H")
    found = set_of(equal(height // (height - 5), 2))
    assert found.is_complete
    assert [n for n in range(1, UPTO) if n in found] == [n for n in range(1, UPTO) if n != 5 and n // (n - 5) == 2]


@pytest.mark.parametrize("width", ["f", "d"])
def test_short_factors_that_make_a_long_one(width: str) -> None:
    """Each factor is exact, their product is not: it must round as the runtime rounds."""
    kind = TYPES[width]
    factors = [1023 / 1024, 1021 / 1024, 1019 / 1024, 1013 / 1024, 1009 / 1024]
    term = of_size(Table().symbol("H"), width)
    theirs = numpy.arange(1, 16_384).astype(kind)
    for factor in factors:
        term = binary("mul", term, factor, width)
        theirs = theirs * kind(factor)
        scaled, expected = binary("mul", term, 2.0**20, width), theirs * kind(2.0**20)
        assert column(to_size(scaled, "floor"), 16_383) == numpy.floor(expected).astype(numpy.int64).tolist()


@pytest.mark.parametrize("width", ["f", "d"])
@pytest.mark.parametrize("by", [1, 3, 5, 6, 7, 9, 10, 49, 100, 1000])
def test_a_quotient_by_a_whole_number_is_cut_as_integers_are(by: int, width: str) -> None:
    """A rounded quotient is never rounded up to the whole number above it, nor to one where there is none."""
    table = Table()
    height = table.symbol("H")
    for factor, more in ((1, 0), (5, 2), (7, -3)):
        sizes = (numpy.arange(1, UPTO + 1) * factor + more).astype(TYPES[width])
        term = binary("div", of_size(factor * height + more, width), float(by), width)
        for mode in ("floor", "ceil", "trunc"):
            size = to_size(term, mode)
            assert column(size, UPTO) == ROUNDED[mode](sizes / TYPES[width](by)).astype(numpy.int64).tolist()
            assert sequence(size) is not None
            assert unary(mode, term, width) is of_size(size, width)
