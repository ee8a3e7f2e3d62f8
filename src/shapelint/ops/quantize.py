"""Quantization: shapes stay; types come from the zero point, the scale or an attribute."""

from __future__ import annotations

from shapelint.ops.broadcast import broadcast
from shapelint.ops.call import FLOAT, UINT8, Call, Shape, Tensor
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.size import any_of, cdiv, equal


def _scaled(call: Call, x: Tensor, scale: Tensor) -> None:
    """State that the scale is one number, one a slice of `axis`, or one a block along `axis`."""
    if x.shape is None or scale.shape is None or not scale.shape:
        return
    rank = len(x.shape)
    if len(scale.shape) == 1:
        have = scale.shape[0]
        if have == 1 or not rank:
            return
        axis = call.axis(call.number("axis", 1), rank)
        wanted = x.shape[axis]
        if have is not None and wanted is not None:
            held = any_of((equal(have, wanted), equal(have, 1)))
            call.require("channels", held, wanted, have, axis=axis, operands=(0, 1), detail="the scale")
        return
    block = call.number("block_size", 0)
    if len(scale.shape) != rank:
        illegal(call, f"the scale has {len(scale.shape)} axes and the input {rank}")
    if not block:
        return
    axis = call.axis(call.number("axis", 1), rank)
    for place, (size, have) in enumerate(zip(x.shape, scale.shape, strict=True)):
        wanted = cdiv(size, block) if place == axis and size is not None else size
        match(call, wanted, have, kind="channels", axis=place, detail="the scale")


@operator("QuantizeLinear")
@operator("QuantizeLinear", domain="com.microsoft")
def quantize_linear(call: Call) -> Tensor:
    """ONNX QuantizeLinear-10/13/19/21/23/24/25: the zero point's type, else `output_dtype`, else uint8."""
    x, zero = call.operand(0), call.input(2)
    _scaled(call, x, call.operand(1))
    dtype = call.number("output_dtype", 0) or UINT8 if zero is None else zero.dtype
    return Tensor(dtype, x.shape)


@operator("DequantizeLinear")
@operator("DequantizeLinear", domain="com.microsoft")
def dequantize_linear(call: Call) -> Tensor:
    """ONNX DequantizeLinear-10/13/19/21/23/24/25: the scale's type, or `output_dtype`."""
    x, scale = call.operand(0), call.operand(1)
    _scaled(call, x, scale)
    return Tensor(call.number("output_dtype", 0) or scale.dtype, x.shape)


@operator("DynamicQuantizeLinear")
def dynamic_quantize_linear(call: Call) -> list[Tensor]:
    """ONNX DynamicQuantizeLinear-11: values, scale and zero point."""
    return [Tensor(UINT8, call.operand(0).shape), Tensor(FLOAT, ()), Tensor(UINT8, ())]


@operator("QLinearAdd", "QLinearMul", domain="com.microsoft")
def qlinear_binary(call: Call) -> Tensor:
    """onnxruntime QLinearAdd, QLinearMul: A and B stand at 0 and 3."""
    shape: Shape | None = broadcast(call, (call.operand(0).shape, call.operand(3).shape), (0, 3))
    return Tensor(call.operand(0).dtype, shape)


@operator("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", domain="com.microsoft")
def qlinear_unary(call: Call) -> Tensor:
    """onnxruntime's quantized element-wise functions."""
    x = call.operand(0)
    return x.typed(x.dtype)
