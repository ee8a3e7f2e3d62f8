"""Attention: packed heads and separate ones, caches, masks."""

from __future__ import annotations

import pytest

from shapelint.size import Table

from .ops_calls import call, shaped


def test_separate_heads_with_a_cache() -> None:
    q, k, v = shaped(2, 6, 5, 8), shaped(2, 3, 7, 8), shaped(2, 3, 7, 4)
    answer = call("Attention", q, k, v, None, shaped(2, 3, 9, 8), shaped(2, 3, 9, 4), outputs=4)
    assert [tensor.shape for tensor in answer.tensors] == [
        (2, 6, 5, 4),
        (2, 3, 16, 8),
        (2, 3, 16, 4),
        (2, 6, 5, 16),
    ]
    assert answer.runs({})


def test_packed_heads() -> None:
    q, k, v = shaped(2, 5, 24), shaped(2, 7, 24), shaped(2, 7, 36)
    answer = call("Attention", q, k, v, q_num_heads=3, kv_num_heads=3, outputs=4)
    assert [tensor.shape for tensor in answer.tensors] == [(2, 5, 36), (2, 3, 7, 8), (2, 3, 7, 12), (2, 3, 5, 7)]


@pytest.mark.parametrize(
    ("q", "k", "v"),
    [
        ((2, 6, 5, 8), (1, 3, 7, 8), (2, 3, 7, 4)),
        ((2, 6, 5, 8), (2, 3, 7, 9), (2, 3, 7, 4)),
        ((2, 6, 5, 8), (2, 3, 7, 8), (2, 3, 6, 4)),
        ((2, 6, 5, 8), (2, 4, 7, 8), (2, 4, 7, 4)),
    ],
)
def test_what_does_not_fit_is_refused(q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...]) -> None:
    assert not call("Attention", shaped(*q), shaped(*k), shaped(*v)).runs({})


@pytest.mark.parametrize(
    ("mask", "version", "runs"),
    [
        ((5, 7), 23, True),
        ((1, 7), 23, True),
        ((2, 1, 5, 7), 23, True),
        ((5, 6), 23, False),
        ((5, 6), 24, True),
        ((5, 8), 24, False),
        ((4, 7), 24, False),
    ],
)
def test_a_mask_broadcasts_and_may_be_shorter_since_opset_24(mask: tuple[int, ...], version: int, runs: bool) -> None:
    q, k = shaped(2, 6, 5, 8), shaped(2, 3, 7, 8)
    assert call("Attention", q, k, k, shaped(*mask), version=version).runs({}) is runs


def test_free_sequences() -> None:
    table = Table()
    n, m = table.symbol("n"), table.symbol("m")
    k = shaped(1, 2, m, 8)
    answer = call("Attention", shaped(1, 2, n, 8), k, k, None, k, k, table=table, outputs=4)
    assert [answer.shape({n.symbols[0]: 3, m.symbols[0]: 5}, place) for place in range(4)] == [
        (1, 2, 3, 8),
        (1, 2, 10, 8),
        (1, 2, 10, 8),
        (1, 2, 3, 10),
    ]


def test_rotary_caches_hold_half_of_what_is_rotated() -> None:
    x = shaped(2, 3, 5, 8)
    half, wrong = shaped(2, 5, 4), shaped(2, 5, 3)
    assert call("RotaryEmbedding", x, half, half).shape({}) == (2, 3, 5, 8)
    assert call("RotaryEmbedding", x, half, wrong).shape({}) is None
    table, positions = shaped(50, 2), shaped(2, 5, dtype=7)
    assert call("RotaryEmbedding", x, table, table, positions, rotary_embedding_dim=4).runs({})


def test_an_update_is_no_longer_than_the_cache() -> None:
    past = shaped(2, 3, 10, 4)
    assert call("TensorScatter", past, shaped(2, 3, 4, 4)).shape({}) == (2, 3, 10, 4)
    assert call("TensorScatter", past, shaped(2, 3, 11, 4)).shape({}) is None
    assert call("TensorScatter", past, shaped(2, 1, 4, 4)).shape({}) is None


def test_linear_attention_keeps_a_state_per_key_head() -> None:
    q, k, v = shaped(2, 5, 32), shaped(2, 5, 16), shaped(2, 5, 12)
    answer = call("LinearAttention", q, k, v, q_num_heads=4, kv_num_heads=2, outputs=2)
    assert [tensor.shape for tensor in answer.tensors] == [(2, 5, 24), (2, 2, 8, 6)]
    assert not call("LinearAttention", q, k, v, q_num_heads=4, kv_num_heads=3, outputs=2).runs({})
