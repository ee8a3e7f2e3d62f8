"""Fused operators of com.microsoft; each expectation is what onnxruntime 1.32 does."""

from __future__ import annotations

from typing import Any

import pytest

from .ops_calls import call, shaped

MICROSOFT = "com.microsoft"
ONE = shaped()
BYTES = shaped(2, 3, dtype=2)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "shape"),
    [
        ("FusedMatMul", [(2, 3, 4), (2, 5, 4)], {"transB": 1}, (2, 3, 5)),
        ("FusedMatMul", [(2, 4, 3), (4, 5)], {"transA": 1}, (2, 3, 5)),
        ("FusedMatMul", [(4,), (5, 4)], {"transB": 1}, (5,)),
        ("FusedGemm", [(2, 3), (3, 4), (4,)], {"activation": "Relu"}, (2, 4)),
        ("FusedConv", [(1, 3, 8, 8), (4, 3, 3, 3), (4,), (1, 4, 6, 6)], {"activation": "Relu"}, (1, 4, 6, 6)),
        ("Gelu", [(2, 3)], {}, (2, 3)),
        ("QuickGelu", [(2, 3)], {}, (2, 3)),
        ("BiasGelu", [(2, 3), (3,)], {}, (2, 3)),
        ("BiasGelu", [(2, 3), (1,)], {}, None),
        ("FastGelu", [(2, 3)], {}, (2, 3)),
        ("FastGelu", [(2, 3), (2,)], {}, None),
        ("SkipLayerNormalization", [(2, 5, 8), (2, 5, 8), (8,), (8,), (8,)], {}, (2, 5, 8)),
        ("SkipLayerNormalization", [(2, 5, 8), (1, 5, 8), (8,), (8,)], {}, (2, 5, 8)),
        ("SkipLayerNormalization", [(2, 5, 8), (5, 8), (8,), (8,)], {}, (2, 5, 8)),
        ("SkipLayerNormalization", [(2, 5, 8), (2, 1, 8), (8,), (8,)], {}, None),
        ("SkipLayerNormalization", [(2, 5, 8), (2, 4, 8), (8,), (8,)], {}, None),
        ("MultiHeadAttention", [(2, 5, 16), (2, 7, 16), (2, 7, 24)], {"num_heads": 4}, (2, 5, 24)),
        ("MatMulNBits", [(2, 5, 32), (8, 1, 16), (8,)], {"K": 32, "N": 8}, (2, 5, 8)),
    ],
)
def test_shapes(
    op: str, inputs: list[tuple[int, ...]], attributes: dict[str, Any], shape: tuple[int, ...] | None
) -> None:
    answer = call(op, *[shaped(*dims) for dims in inputs], domain=MICROSOFT, **attributes)
    assert answer.shape({}) == shape


def test_a_skip_normalization_gives_the_sum_fourth() -> None:
    x, scale = shaped(2, 5, 8), shaped(8)
    answer = call("SkipLayerNormalization", x, x, scale, scale, domain=MICROSOFT, outputs=4)
    assert [tensor.shape for tensor in answer.tensors] == [(2, 5, 8), (2, 5, 1), (2, 5, 1), (2, 5, 8)]


def test_quantized_operators_keep_or_leave_the_type() -> None:
    matrix = shaped(3, 4, dtype=2)
    zero = shaped(dtype=2)
    added = call("QLinearAdd", BYTES, ONE, zero, shaped(1, 3, dtype=2), ONE, zero, ONE, zero, domain=MICROSOFT)
    assert (added.tensors[0].dtype, added.tensors[0].shape) == (2, (2, 3))
    product = call("MatMulIntegerToFloat", BYTES, matrix, ONE, ONE, domain=MICROSOFT)
    assert (product.tensors[0].dtype, product.tensors[0].shape) == (1, (2, 4))
    quantized = call("QGemm", BYTES, ONE, zero, matrix, ONE, zero, None, ONE, zero, domain=MICROSOFT)
    assert (quantized.tensors[0].dtype, quantized.tensors[0].shape) == (2, (2, 4))
    assert call("QGemm", BYTES, ONE, zero, matrix, ONE, zero, domain=MICROSOFT).tensors[0].dtype == 1
