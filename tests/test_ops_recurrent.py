"""Recurrent layers: the outputs of both layouts, and what the weights must be."""

from __future__ import annotations

from typing import Any

import pytest

from shapelint.size import Table

from .ops_calls import Answer, call, shaped

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
S, B, F, H = 7, 2, 5, 3


def layer(op: str, direction: str = "forward", layout: int = 0, features: int = F, **attributes: Any) -> Answer:
    directions = 2 if direction == "bidirectional" else 1
    rows = GATES[op] * H
    x = shaped(B, S, F) if layout else shaped(S, B, F)
    weights = (shaped(directions, rows, features), shaped(directions, rows, H))
    return call(op, x, *weights, outputs=3, direction=direction, layout=layout, **attributes)


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize(("direction", "number"), [("forward", 1), ("reverse", 1), ("bidirectional", 2)])
def test_outputs_of_both_layouts(op: str, direction: str, number: int) -> None:
    first, second = layer(op, direction), layer(op, direction, layout=1)
    assert [tensor.shape for tensor in first.tensors][:2] == [(S, number, B, H), (number, B, H)]
    assert [tensor.shape for tensor in second.tensors][:2] == [(B, S, number, H), (B, number, H)]
    assert first.runs({})
    assert second.runs({})


@pytest.mark.parametrize("op", GATES)
def test_weights_fit_the_input_and_the_hidden_size(op: str) -> None:
    assert layer(op, hidden_size=H).runs({})
    assert not layer(op, hidden_size=H + 1).runs({})
    assert not layer(op, features=F + 1).runs({})
    assert not layer(op, "sideways").runs({})


def test_states_and_lengths_have_the_batch() -> None:
    x, w, r = shaped(S, B, F), shaped(1, 12, F), shaped(1, 12, H)
    good, bad = shaped(1, B, H), shaped(1, B + 1, H)
    assert call("LSTM", x, w, r, None, shaped(B, dtype=6), good, good, outputs=3).runs({})
    assert not call("LSTM", x, w, r, None, None, good, bad, outputs=3).runs({})
    assert not call("LSTM", x, w, r, None, shaped(B + 1, dtype=6), outputs=3).runs({})


def test_the_sequence_is_free() -> None:
    table = Table()
    n = table.symbol("n")
    answer = call("GRU", shaped(n, 1, F), shaped(1, 9, F), shaped(1, 9, H), outputs=2, table=table)
    assert answer.tensors[0].shape == (n, 1, 1, H)
    assert not answer.requirements


def test_causal_convolution_keeps_the_length_and_a_state() -> None:
    answer = call("CausalConvWithState", shaped(2, 4, 9), shaped(4, 1, 3), outputs=2)
    assert [tensor.shape for tensor in answer.tensors] == [(2, 4, 9), (2, 4, 2)]
    assert not call("CausalConvWithState", shaped(2, 4, 9), shaped(5, 1, 3), outputs=2).runs({})
    assert not call("CausalConvWithState", shaped(2, 4, 9), shaped(4, 1, 3), None, shaped(2, 4, 3)).runs({})
