"""Normalizations: the shape stays, and the parameters have the size of the channels or of the normalized axes."""

from __future__ import annotations

from shapelint.ops.call import FLOAT, Call, CannotTell, Dim, Shape, Tensor
from shapelint.ops.legality import illegal, match, of_rank, onto
from shapelint.ops.registry import operator
from shapelint.size import divides


def _per_channel(call: Call, channels: Dim, place: int, what: str) -> None:
    """State that the parameter at `place` has one number a channel."""
    tensor = call.inputs[place] if place < len(call.inputs) else None
    if tensor is None or tensor.shape is None or tensor.shape == (channels,):
        return
    (have,) = of_rank(call, tensor, 1, what) or (None,)
    match(call, channels, have, kind="channels", axis=1, operands=(0, place), detail=what)


@operator("BatchNormalization")
def batch_normalization(call: Call) -> list[Tensor]:
    """ONNX BatchNormalization-1/6/7/9/14/15: further outputs hold one number a channel.

    An input with one axis has one channel. Before opset 9, `spatial` 0 gives every pixel its own parameters.
    """
    x, scale = call.operand(0), call.operand(1)
    shape = x.shape
    if shape is None:
        return [Tensor(x.dtype)]
    channels = shape[1] if len(shape) > 1 else 1
    if call.version >= 9 or call.number("spatial", 1):
        for place, what in ((1, "the scale"), (2, "the bias"), (3, "the mean"), (4, "the variance")):
            _per_channel(call, channels, place, what)
    if call.outputs == 1:
        return [Tensor(x.dtype, shape)]
    mean = call.operand(3)
    channel_wise = scale.shape if scale.shape is not None else (channels,)
    return [Tensor(x.dtype, shape), *[Tensor(mean.dtype, channel_wise)] * (call.outputs - 1)]


@operator("InstanceNormalization")
def instance_normalization(call: Call) -> Tensor:
    """ONNX InstanceNormalization-1/6/22."""
    x = call.operand(0)
    if x.shape is not None:
        if len(x.shape) < 2:
            illegal(call, f"the input has {len(x.shape)} axes where at least 2 are needed")
        channels = x.shape[1]
        _per_channel(call, channels, 1, "the scale")
        _per_channel(call, channels, 2, "the bias")
    return Tensor(x.dtype, x.shape)


@operator("GroupNormalization")
def group_normalization(call: Call) -> Tensor:
    """ONNX GroupNormalization-18 (parameters per group) and -21 (per channel); the groups divide the channels."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    if len(x.shape) < 2:
        illegal(call, f"the input has {len(x.shape)} axes where at least 2 are needed")
    channels, groups = x.shape[1], call.number("num_groups", 0)
    if groups < 1:
        illegal(call, f"`num_groups` is {groups}; it is at least 1")
    if channels is not None:
        held = divides(groups, channels)
        call.require("divides", held, channels, groups, axis=1, detail="`num_groups`")
    wanted = channels if call.version >= 21 else groups
    _per_channel(call, wanted, 1, "the scale")
    _per_channel(call, wanted, 2, "the bias")
    return Tensor(x.dtype, x.shape)


@operator("LayerNormalization")
@operator("LayerNormalization", domain="com.microsoft")
def layer_normalization(call: Call) -> list[Tensor]:
    """ONNX LayerNormalization-17: the mean and the inverse deviation are 1 along the normalized axes."""
    return _layer_normalized(call, 2)


@operator("RMSNormalization", "SimplifiedLayerNormalization")
@operator("SimplifiedLayerNormalization", domain="com.microsoft")
def rms_normalization(call: Call) -> list[Tensor]:
    """ONNX RMSNormalization-23, and onnxruntime's SimplifiedLayerNormalization with the inverse deviation."""
    found = _layer_normalized(call, 1)
    return [found[0], *found[2:]]


def _layer_normalized(call: Call, parameters: int) -> list[Tensor]:
    inputs = call.inputs
    x = call.operand(0)
    shape = x.shape
    if shape is None:
        return [Tensor(x.dtype)]
    axis = call.attributes.get("axis", -1)
    rank = len(shape)
    if not isinstance(axis, int) or not -rank <= axis < rank:
        axis = call.axis(call.number("axis", -1), rank)
    normalized = shape[axis:]
    for place in range(1, min(parameters + 1, len(inputs))):
        parameter = inputs[place]
        if parameter is not None and parameter.shape is not None and parameter.shape != normalized:
            onto(call, parameter.shape, shape, place, "channels", "the bias" if place == 2 else "the scale")
    if call.outputs == 1:
        return [Tensor(x.dtype, shape)]
    moments: Shape = shape[:axis] + (1,) * len(normalized)
    moment = Tensor(call.number("stash_type", FLOAT), moments)
    return [Tensor(x.dtype, shape), moment, moment]


@operator("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def skip_layer_normalization(call: Call) -> list[Tensor]:
    """onnxruntime SkipLayerNormalization: the normalized sum of two inputs; the fourth output is that sum.

    The skip broadcasts along the batch, and may leave it out; its last two axes are those of the input.
    """
    x, skip = call.operand(0), call.operand(1)
    if x.shape is None:
        return [Tensor(x.dtype)]
    if skip.shape is not None and skip.shape != x.shape:
        onto(call, skip.shape, x.shape, 1, "merge", "the skip")
        for axis in (-1, -2):
            if min(len(skip.shape), len(x.shape)) >= -axis and skip.shape[axis] == 1:
                match(call, x.shape[axis], 1, axis=len(x.shape) + axis, detail="the skip")
    for place in range(2, len(call.inputs)):
        parameter = call.inputs[place]
        if parameter is not None and parameter.shape is not None and x.shape:
            (have,) = of_rank(call, parameter, 1, "a parameter") or (None,)
            match(call, x.shape[-1], have, kind="channels", operands=(0, place), detail="a parameter")
    moment = Tensor(FLOAT, (*x.shape[:-1], 1))
    return [Tensor(x.dtype, x.shape), moment, moment, Tensor(x.dtype, x.shape)]


@operator("LpNormalization")
def lp_normalization(call: Call) -> Tensor:
    """ONNX LpNormalization-1/22."""
    x = call.operand(0)
    if x.shape is not None:
        call.axis(call.number("axis", -1), len(x.shape))
    return x.typed(x.dtype)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(call: Call) -> Tensor:
    """ONNX MeanVarianceNormalization-1/9/13: over the axes 0, 2 and 3 where nothing else is stated."""
    x = call.operand(0)
    if x.shape is not None and call.version >= 9:
        for axis in call.numbers("axes") or (0, 2, 3):
            call.axis(axis, len(x.shape))
    return x.typed(x.dtype)


@operator("LRN")
def local_response_normalization(call: Call) -> Tensor:
    """ONNX LRN-1/13."""
    x = call.operand(0)
    return x.typed(x.dtype)


@operator("GroupNorm", domain="com.microsoft")
def group_norm(call: Call) -> Tensor:
    """onnxruntime GroupNorm: channels last where `channels_last` is 1, as by default."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    if len(x.shape) != 4 or not call.number("groups", 0):
        raise CannotTell("its layout is not known")
    axis = 3 if call.number("channels_last", 1) else 1
    channels = x.shape[axis]
    if channels is not None:
        groups = call.number("groups", 1)
        call.require("divides", divides(groups, channels), channels, groups, axis=axis, detail="`groups`")
    for place, what in ((1, "the scale"), (2, "the bias")):
        _per_channel(call, channels, place, what)
    return Tensor(x.dtype, x.shape)
