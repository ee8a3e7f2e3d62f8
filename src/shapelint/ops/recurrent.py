"""Recurrent layers: RNN, GRU, LSTM, and the causal convolution that keeps a state."""

from __future__ import annotations

from typing import Final

from shapelint.ops.call import Call, Dim, Tensor
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator

_GATES: Final = {"RNN": 1, "GRU": 3, "LSTM": 4}


@operator("RNN", "GRU", "LSTM")
def recurrent(call: Call) -> list[Tensor]:
    """ONNX RNN/GRU/LSTM-1/3/7/14/22: Y, Y_h and, of an LSTM, Y_c.

    Layout 0 has the sequence first, layout 1 the batch.
    """
    x, weight, recurrence = call.operand(0), call.operand(1), call.operand(2)
    direction = call.text("direction", "forward")
    if direction not in ("forward", "reverse", "bidirectional"):
        illegal(call, f"`direction` is `{direction}`; forward, reverse and bidirectional are known")
    directions = 2 if direction == "bidirectional" else 1
    batch_first = call.number("layout", 0) == 1
    entering = of_rank(call, x, 3, "the input") or (None, None, None)
    sequence, batch, features = entering
    if batch_first:
        sequence, batch = batch, sequence
    hidden: Dim = call.number("hidden_size", 0) or None
    w = of_rank(call, weight, 3, "the weight") or (None, None, None)
    r = of_rank(call, recurrence, 3, "the recurrence weight") or (None, None, None)
    hidden = match(call, r[2], hidden, kind="channels", operands=(2, -1), detail="`hidden_size`")
    match(call, features, w[2], kind="channels", axis=None, operands=(0, 1), detail="the features that enter")
    match(call, w[0], directions, kind="argument", operands=(1, -1), detail=f"`direction` is {direction}")
    match(call, r[0], directions, kind="argument", operands=(2, -1), detail=f"`direction` is {direction}")
    if hidden is not None:
        rows = hidden * _GATES[call.op]
        match(call, w[1], rows, kind="channels", operands=(1, 2), detail="the rows of the weight")
        match(call, r[1], rows, kind="channels", operands=(2, 2), detail="the rows of the recurrence weight")
    lengths = call.input(4)
    if lengths is not None and lengths.shape is not None and len(lengths.shape) == 1:
        batch = match(call, batch, lengths.shape[0], operands=(0, 4), detail="the sequence lengths")
    state = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    for place, what in ((5, "the initial state"), (6, "the initial cell state")):
        initial = call.input(place)
        if initial is not None and initial.shape is not None:
            have = of_rank(call, initial, 3, what) or ()
            for wanted, size in zip(state, have, strict=False):
                match(call, wanted, size, operands=(0, place), detail=what)
    every = (batch, sequence, directions, hidden) if batch_first else (sequence, directions, batch, hidden)
    final = Tensor(x.dtype, state)
    return [Tensor(x.dtype, every), final, final]


@operator("CausalConvWithState")
def causal_conv(call: Call) -> list[Tensor]:
    """ONNX CausalConvWithState-27: the input's shape, and a state of one element less than the kernel."""
    x, weight, state = call.operand(0), call.operand(1), call.input(3)
    batch, channels, length = of_rank(call, x, 3, "the input") or (None, None, None)
    kernel: Dim = None
    w = of_rank(call, weight, 3, "the weight")
    if w is not None:
        channels = match(call, channels, w[0], kind="channels", axis=1, detail="the weight")
        match(call, w[1], 1, kind="channels", operands=(1, -1), detail="the weight's second axis")
        kernel = w[2]
    bias = of_rank(call, call.input(2), 1, "the bias")
    if bias is not None:
        channels = match(call, channels, bias[0], kind="channels", axis=1, operands=(0, 2), detail="the bias")
    wanted = (batch, channels, None if kernel is None else kernel - 1)
    past = of_rank(call, state, 3, "the state")
    if past is not None:
        wanted = (
            match(call, wanted[0], past[0], operands=(0, 3), detail="the state's batch"),
            match(call, wanted[1], past[1], operands=(0, 3), detail="the state's channels"),
            match(call, wanted[2], past[2], operands=(1, 3), detail="the kernel less one"),
        )
    return [Tensor(x.dtype, None if x.shape is None else (batch, channels, length)), Tensor(x.dtype, wanted)]
