"""Quantization: types and what a scale may be."""

from __future__ import annotations

import pytest

from shapelint.size import Table

from .ops_calls import call, shaped

X = shaped(2, 6, 5)


def test_types_come_from_zero_points_attributes_and_scales() -> None:
    assert call("QuantizeLinear", X, shaped()).tensors[0].dtype == 2
    assert call("QuantizeLinear", X, shaped(), shaped(dtype=3)).tensors[0].dtype == 3
    assert call("QuantizeLinear", X, shaped(), output_dtype=17).tensors[0].dtype == 17
    assert call("DequantizeLinear", shaped(2, dtype=2), shaped(dtype=10)).tensors[0].dtype == 10
    assert call("DequantizeLinear", shaped(2, dtype=2), shaped(dtype=1), output_dtype=16).tensors[0].dtype == 16


def test_dynamic_quantization() -> None:
    tensors = call("DynamicQuantizeLinear", X, outputs=3).tensors
    assert [(tensor.dtype, tensor.shape) for tensor in tensors] == [(2, (2, 6, 5)), (1, ()), (2, ())]


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_a_scale_is_one_or_one_a_slice_or_one_a_block(op: str) -> None:
    assert call(op, X, shaped(1)).runs({})
    assert call(op, X, shaped(6)).runs({})
    assert call(op, X, shaped(5), axis=-1).runs({})
    assert not call(op, X, shaped(5)).runs({})
    assert call(op, X, shaped(2, 2, 5), block_size=4).runs({})
    assert not call(op, X, shaped(2, 3, 5), block_size=4).runs({})


def test_a_scale_per_channel_of_free_channels() -> None:
    table = Table()
    c = table.symbol("c")
    answer = call("QuantizeLinear", shaped(1, c, 4), shaped(8), table=table)
    assert [size for size in range(1, 20) if answer.runs({c.symbols[0]: size})] == [8]
