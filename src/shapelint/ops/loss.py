"""Losses: one number, or one a position where nothing is reduced."""

from __future__ import annotations

from shapelint.ops.call import Call, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match, of_rank
from shapelint.ops.registry import operator


@operator("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def cross_entropy(call: Call) -> list[Tensor]:
    """ONNX NegativeLogLikelihoodLoss-12/13/22, SoftmaxCrossEntropyLoss-12/13: scores [N, C, ..], targets [N, ..].

    The second output of the latter has the shape of the scores.
    """
    scores, target = call.operand(0), call.operand(1)
    positions: Shape | None = target.shape
    if scores.shape is not None:
        if len(scores.shape) < 2:
            illegal(call, f"the scores have {len(scores.shape)} axes where at least 2 are needed")
        weight = of_rank(call, call.input(2), 1, "the weight")
        if weight is not None:
            match(call, scores.shape[1], weight[0], kind="channels", axis=1, operands=(0, 2), detail="the weight")
        wanted = (scores.shape[0], *scores.shape[2:])
        if positions is None:
            positions = wanted
        elif len(positions) != len(wanted):
            illegal(call, f"the targets have {len(positions)} axes where {len(wanted)} are needed")
        else:
            dims: list[Dim] = [
                match(call, a, b, axis=axis, detail="the targets")
                for axis, (a, b) in enumerate(zip(wanted, positions, strict=True))
            ]
            positions = tuple(dims)
    reduction = call.text("reduction", "mean")
    loss = Tensor(scores.dtype, positions if reduction == "none" else ())
    return [loss, Tensor(scores.dtype, scores.shape)]
