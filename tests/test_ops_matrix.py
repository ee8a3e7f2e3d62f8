"""Matrix products: numpy is the oracle, with numbers and at every size that a free axis stands for."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from shapelint.size import Table

from .ops_calls import call, shaped

SHAPES = [(), (3,), (1,), (2, 3), (3, 2), (1, 3), (3, 1), (4, 2, 3), (1, 3, 2), (4, 1, 3, 2), (5, 1, 2, 3), (0, 3)]


@pytest.mark.parametrize(("left", "right"), list(product(SHAPES, SHAPES)))
def test_matmul_is_numpys(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    answer = call("MatMul", shaped(*left), shaped(*right))
    try:
        expected = np.matmul(np.zeros(left), np.zeros(right)).shape
    except ValueError:
        expected = None
    assert answer.shape({}) == expected


def test_matmul_with_free_axes() -> None:
    """The inner sizes are equal, a 1 among them is not stretched; outer ones broadcast."""
    table = Table()
    n, m = table.symbol("n"), table.symbol("m")
    answer = call("MatMul", shaped(n, 4, m), shaped(3, 6, 5), table=table)
    for a, b in product(range(1, 8), range(1, 8)):
        try:
            expected = np.matmul(np.zeros((a, 4, b)), np.zeros((3, 6, 5))).shape
        except ValueError:
            expected = None
        assert answer.shape({n.symbols[0]: a, m.symbols[0]: b}) == expected


@pytest.mark.parametrize(
    ("a", "b", "c"), list(product(["ij", "ji"], ["jk", "kj"], [None, (), (1,), (4,), (2, 1), (2, 4)]))
)
def test_gemm_transposes_and_broadcasts_c_onto_the_product(a: str, b: str, c: tuple[int, ...] | None) -> None:
    sizes = {"i": 2, "j": 3, "k": 4}
    answer = call(
        "Gemm",
        shaped(*[sizes[label] for label in a]),
        shaped(*[sizes[label] for label in b]),
        None if c is None else shaped(*c),
        transA=int(a == "ji"),
        transB=int(b == "kj"),
    )
    assert answer.shape({}) == (2, 4)


@pytest.mark.parametrize("c", [(3,), (3, 4), (1, 2, 4), (2, 3)])
def test_gemm_refuses_a_c_that_does_not_broadcast(c: tuple[int, ...]) -> None:
    assert call("Gemm", shaped(2, 3), shaped(3, 4), shaped(*c)).shape({}) is None


EQUATIONS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ba,cb", [(2, 3), (4, 2)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("ii", [(3, 2)]),
    ("ij->ji", [(2, 3)]),
    ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]),
    ("...ij->...", [(4, 2, 3)]),
    ("...,...", [(4, 1), (3,)]),
    ("b...,b->...b", [(2, 3, 4), (2,)]),
    ("i...,...i->...", [(3, 4), (4, 3)]),
    ("bhwc,hkc->bhwk", [(2, 3, 4, 5), (3, 6, 5)]),
    (" b i , b j -> b i j ", [(2, 3), (2, 4)]),
    ("ij,jk->ik", [(2, 3), (4, 5)]),
    ("ij,jk->ik", [(2, 1), (4, 5)]),
    ("ij->ijk", [(2, 3)]),
    ("ijk", [(2, 3)]),
    ("i,j,k->kji", [(2,), (3,), (4,)]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum_is_numpys(equation: str, shapes: list[tuple[int, ...]]) -> None:
    answer = call("Einsum", *[shaped(*shape) for shape in shapes], equation=equation)
    try:
        expected = np.einsum(equation, *[np.zeros(shape) for shape in shapes]).shape
    except ValueError:
        expected = None
    assert answer.shape({}) == expected


def test_einsum_with_a_free_axis() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("Einsum", shaped(2, n, 3), shaped(7, 3), equation="bid,jd->bij", table=table)
    assert [answer.shape({n.symbols[0]: size}) for size in (1, 5)] == [(2, 1, 7), (2, 5, 7)]


def test_determinants_are_of_squares() -> None:
    assert call("Det", shaped(4, 3, 3)).shape({}) == (4,)
    assert call("Det", shaped(2, 2)).shape({}) == ()
    assert call("Det", shaped(2, 3)).shape({}) is None


def test_types_of_quantized_products() -> None:
    a, b = shaped(2, 3, dtype=2), shaped(3, 4, dtype=3)
    assert call("MatMulInteger", a, b).tensors[0].dtype == 6
    one = shaped()
    quantized = call("QLinearMatMul", a, one, one, b, one, one, one, shaped(dtype=2))
    assert (quantized.tensors[0].dtype, quantized.tensors[0].shape) == (2, (2, 4))


def test_an_unknown_operand_leaves_the_result_unknown() -> None:
    from shapelint.ops.call import UNKNOWN

    answer = call("MatMul", shaped(2, 3), UNKNOWN)
    assert answer.tensors[0].shape is None
    assert not answer.requirements
