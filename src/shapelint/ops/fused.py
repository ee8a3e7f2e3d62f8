"""Operators of com.microsoft that optimised models use, where their arithmetic is certain."""

from __future__ import annotations

from typing import Final

from shapelint.ops.broadcast import broadcast
from shapelint.ops.call import Call, Tensor
from shapelint.ops.legality import match
from shapelint.ops.registry import operator
from shapelint.ops.window import convolve

_MICROSOFT: Final = "com.microsoft"


@operator("Gelu", "QuickGelu", domain=_MICROSOFT)
def activation(call: Call) -> Tensor:
    """onnxruntime Gelu, QuickGelu: the input's shape."""
    x = call.operand(0)
    return x.typed(x.dtype)


@operator("BiasGelu", "FastGelu", domain=_MICROSOFT)
def biased(call: Call) -> Tensor:
    """onnxruntime BiasGelu, FastGelu: the input's shape; the bias, where there is one, has its last axis."""
    x, bias = call.operand(0), call.input(1)
    if bias is not None and x.shape and bias.shape is not None and len(bias.shape) == 1:
        axis = len(x.shape) - 1
        match(call, x.shape[-1], bias.shape[0], kind="channels", axis=axis, operands=(0, 1), detail="the bias")
    return x.typed(x.dtype)


@operator("FusedConv", domain=_MICROSOFT)
def fused_conv(call: Call) -> Tensor:
    """onnxruntime FusedConv: Conv, an activation and, where Z is given, a sum with it."""
    x, z = call.operand(0), call.input(3)
    shape = convolve(call, x, call.operand(1), call.input(2), 2)
    if z is not None:
        shape = broadcast(call, (shape, z.shape), (0, 3)) if shape is not None else z.shape
    return Tensor(x.dtype, shape)
