"""PaddlePaddle: the signatures of paddle.nn (3.3); a `data_format` that differs from the file's layout is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, pytorch, require
from shapelint.conventions.neutral import concat, resized, several, sizes_of
from shapelint.conventions.pytorch import channels
from shapelint.conventions.values import is_unstated
from shapelint.size import Expr, above

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "paddle",
    "paddle",
    channels_last=False,
    has_batch=True,
    keeps=frozenset(
        """
        ReLU ReLU6 LeakyReLU PReLU RReLU ELU CELU SELU GELU Silu Swish Mish Sigmoid LogSigmoid Tanh Tanhshrink Softplus
        Softsign Softshrink Hardshrink Hardsigmoid Hardswish Hardtanh Softmax Softmax2D LogSoftmax ThresholdedReLU
        Dropout Dropout2D Dropout3D AlphaDropout FeatureAlphaDropout
        BatchNorm BatchNorm1D BatchNorm2D BatchNorm3D SyncBatchNorm InstanceNorm1D InstanceNorm2D InstanceNorm3D
        GroupNorm LayerNorm LocalResponseNorm SpectralNorm RMSNorm
        relu relu6 leaky_relu prelu rrelu elu celu selu gelu silu swish mish sigmoid log_sigmoid tanh softplus softsign
        softmax log_softmax hardsigmoid hardswish hardtanh dropout dropout2d dropout3d batch_norm instance_norm
        group_norm layer_norm normalize ChannelShuffle channel_shuffle
        """.split()
    ),
)
layer = CONVENTION.layer


def of_layout(b: Build, data_format: Any) -> None:
    """Refuse a `data_format` that is not the file's layout."""
    if data_format is None or is_unstated(data_format):
        return
    last = isinstance(data_format, str) and data_format.endswith("C")
    if last != b.channels_last:
        layout = "channels_last" if last else "channels_first"
        raise Illegal(
            f"`data_format` is {data_format!r} and the file is not", "data_format", f"write `layout: {layout}`"
        )


def padded(b: Build, padding: Any) -> dict[str, Any]:
    """The attributes of a padding: SAME, VALID, a number, one or two numbers an axis, or pairs of all axes."""
    if is_unstated(padding):
        return {"pads": (None,) * (2 * b.rank)}
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise Illegal(f"`padding` is {padding!r}", "padding", "write 'SAME', 'VALID' or numbers")
        return {"mode": padding.lower().replace("valid", "explicit"), "pads": (0,) * (2 * b.rank)}
    values = padding if isinstance(padding, tuple) else (padding,) * b.rank
    if len(values) == b.rank + 2 and all(isinstance(each, tuple) and len(each) == 2 for each in values):
        first = 1 if b.channels_last else 2
        outside = (*values[:first], *values[first + b.rank :])
        if any(each != (0, 0) for each in outside):
            raise Illegal("`padding` pads the batch or the channels", "padding", "write (0, 0) for them")
        values = tuple([each for pair in values[first : first + b.rank] for each in pair])
    if len(values) == 2 * b.rank:
        begins, ends = values[::2], values[1::2]
    elif len(values) == b.rank:
        begins = ends = values
    else:
        message = f"`padding` has {len(values)} entries; it takes {b.rank}, {2 * b.rank} or {b.rank + 2} pairs"
        raise Illegal(message, "padding", "for example `[top, bottom, left, right]`")
    pads = (*b.per_axis(tuple(begins), "padding"), *b.per_axis(tuple(ends), "padding"))
    return {"pads": tuple([None if pad is None or pad < 0 else pad for pad in pads])}


def window(b: Build, kernel_size: Any, stride: Any, padding: Any, dilation: Any, data_format: Any) -> dict[str, Any]:
    """The window's attributes; SAME resets the dilation to 1."""
    of_layout(b, data_format)
    found = padded(b, padding)
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": b.per_axis(kernel_size, "kernel_size", least=1),
        "strides": b.per_axis(stride, "stride", least=1),
        "dilations": b.per_axis(1 if found.get("mode") == "same" else dilation, "dilation", least=1),
        **found,
    }


@layer("Conv1D Conv2D Conv3D", leading="in_channels")
def conv(
    b: Build,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    padding_mode: Any = "zeros",
    weight_attr: Any = None,
    bias_attr: Any = None,
    data_format: Any = None,
) -> Any:
    """paddle.nn.Conv1D/2D/3D: (n + P - ke)/stride + 1, rounded towards 0; SAME resets the dilation to 1."""
    attributes = window(b, kernel_size, stride, padding, dilation, data_format)
    if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
        remedy = "zeros, reflect, replicate and circular are known"
        raise Illegal(f"`padding_mode` is {padding_mode!r}", "padding_mode", remedy)
    x = b.x
    if padding_mode == "reflect" and x.shape is not None:
        demands = []
        for place, pad in enumerate(attributes["pads"]):
            axis = b.first + place % b.rank
            n = x.shape[axis]
            if n is not None and pad:
                detail = f"reflect padding {pad}"
                demands.append(require("limit", above(n, pad), n, pad, axis=axis, detail=detail, argument="padding"))
        x = b.shaped([x], x.shape, demands, op="Identity", part="padding")
    return b.node("Conv", [x], {**attributes, **channels(b, in_channels, out_channels, groups)})


@layer("Conv2DTranspose Conv3DTranspose", leading="in_channels")
def conv_transpose(
    b: Build,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    weight_attr: Any = None,
    bias_attr: Any = None,
    data_format: Any = None,
    *,
    output_size: Any = None,
) -> Any:
    """paddle.nn.Conv2DTranspose, Conv3DTranspose; an `output_size` at call time replaces `output_padding`."""
    attributes = window(b, kernel_size, stride, padding, dilation, data_format)
    attributes["output_padding"] = b.per_axis(output_padding, "output_padding", least=0)
    if output_size is not None:
        attributes["output_size"] = sizes_of(b, output_size, b.rank, "output_size")
    return b.node("ConvTranspose", [b.x], {**attributes, **channels(b, in_channels, out_channels, groups)})


@layer("Conv1DTranspose", leading="in_channels")
def conv1d_transpose(
    b: Build,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
    weight_attr: Any = None,
    bias_attr: Any = None,
    data_format: Any = None,
    *,
    output_size: Any = None,
) -> Any:
    """paddle.nn.Conv1DTranspose, whose `groups` stands before `dilation`."""
    rest = {"groups": groups, "dilation": dilation, "data_format": data_format, "output_size": output_size}
    return conv_transpose(b, in_channels, out_channels, kernel_size, stride, padding, output_padding, **rest)


def pooled(
    b: Build, op: str, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, data_format: Any = None
) -> Any:
    """A pool; the stride is the kernel unless it is given."""
    attributes = window(b, kernel_size, kernel_size if stride is None else stride, padding, 1, data_format)
    if ceil_mode and isinstance(padding, str) and padding.upper() == "VALID":
        raise Illegal("`ceil_mode` is of no use with padding='VALID'", "ceil_mode", "write `padding=0`")
    attributes["ceil_mode"] = int(bool(ceil_mode))
    made_by = {key: attributes[key] for key in ("kernel", "strides", "pads")}
    return b.node(op, [b.x], attributes, made_by=made_by)


@layer("MaxPool1D MaxPool2D MaxPool3D max_pool1d max_pool2d max_pool3d")
def max_pool(
    b: Build,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    return_mask: Any = False,
    ceil_mode: Any = False,
    data_format: Any = None,
) -> Any:
    """paddle.nn.MaxPool1D/2D/3D: a ceil mode that leaves no window out, rounded towards 0."""
    return pooled(b, "MaxPool", kernel_size, stride, padding, ceil_mode, data_format)


@layer("AvgPool1D avg_pool1d")
def avg_pool1d(
    b: Build, kernel_size: Any, stride: Any = None, padding: Any = 0, exclusive: Any = True, ceil_mode: Any = False
) -> Any:
    """paddle.nn.AvgPool1D."""
    return pooled(b, "AveragePool", kernel_size, stride, padding, ceil_mode)


@layer("AvgPool2D AvgPool3D avg_pool2d avg_pool3d")
def avg_pool(
    b: Build,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: Any = False,
    exclusive: Any = True,
    divisor_override: Any = None,
    data_format: Any = None,
) -> Any:
    """paddle.nn.AvgPool2D, AvgPool3D."""
    return pooled(b, "AveragePool", kernel_size, stride, padding, ceil_mode, data_format)


@layer("MaxUnPool1D MaxUnPool2D MaxUnPool3D", sources=2)
def max_unpool(
    b: Build,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    data_format: Any = None,
    output_size: Any = None,
) -> Any:
    """paddle.nn.MaxUnPool1D/2D/3D; the second source is the pool whose indices it takes."""
    attributes = window(b, kernel_size, kernel_size if stride is None else stride, padding, 1, data_format)
    if output_size is not None:
        values = output_size if isinstance(output_size, tuple) else (output_size,)
        if len(values) == b.rank + 2:
            values = values[b.first : b.first + b.rank]
        attributes["output_size"] = sizes_of(b, values, b.rank, "output_size")
    return b.node("MaxUnpool", b.sources, attributes)


@layer(
    "AdaptiveAvgPool1D AdaptiveAvgPool2D AdaptiveAvgPool3D AdaptiveMaxPool1D AdaptiveMaxPool2D AdaptiveMaxPool3D "
    "adaptive_avg_pool2d adaptive_max_pool2d"
)
def adaptive_pool(b: Build, output_size: Any, return_mask: Any = False, data_format: Any = None) -> Any:
    """paddle.nn.Adaptive*Pool*: the size given; None keeps an axis."""
    of_layout(b, data_format)
    return pytorch.adaptive_pool(b, output_size)


@layer("Upsample interpolate upsample")
def upsample(
    b: Build,
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    align_corners: Any = False,
    align_mode: Any = 0,
    data_format: Any = None,
) -> Any:
    """paddle.nn.Upsample, functional.interpolate: the size given, or int(n * scale_factor) in float64, at least 1."""
    of_layout(b, data_format)
    if (size is None) == (scale_factor is None):
        raise Illegal(f"`{b.type}` takes exactly one of `size` and `scale_factor`", "size")
    ranks = {"nearest": None, "area": None, "linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
    if not is_unstated(mode):
        word = str(mode).lower()
        if word not in ranks:
            raise Illegal(f"`mode` is {mode!r}", "mode", f"{', '.join(ranks)} are known")
        if b.rank and ranks[word] not in (None, b.rank):
            raise Illegal(f"mode='{mode}' is for {ranks[word]}-D data and this is {b.rank}-D", "mode")
        if align_corners is True and word == "nearest":
            raise Illegal("`align_corners` is of no use with mode='nearest'", "align_corners")
    return resized(b, size, scale_factor, ("size", "scale_factor"))


@layer("UpsamplingNearest2D UpsamplingBilinear2D")
def upsampling(b: Build, size: Any = None, scale_factor: Any = None, data_format: Any = None) -> Any:
    """paddle.nn.UpsamplingNearest2D, UpsamplingBilinear2D."""
    return upsample(b, size, scale_factor, data_format=data_format)


@layer("PixelShuffle pixel_shuffle")
def pixel_shuffle(b: Build, upscale_factor: Any, data_format: Any = None) -> Any:
    """paddle.nn.PixelShuffle: C/r**2 channels, n*r."""
    of_layout(b, data_format)
    return pytorch.pixel_shuffle(b, upscale_factor)


@layer("PixelUnshuffle pixel_unshuffle")
def pixel_unshuffle(b: Build, downscale_factor: Any, data_format: Any = None) -> Any:
    """paddle.nn.PixelUnshuffle: C*r**2 channels, n/r."""
    of_layout(b, data_format)
    return pytorch.pixel_unshuffle(b, downscale_factor)


@layer("Pad1D Pad2D Pad3D")
def pad_layer(b: Build, padding: Any, mode: Any = "constant", value: Any = 0.0, data_format: Any = None) -> Any:
    """paddle.nn.Pad1D/2D/3D: [left, right, top, bottom, front, back], or one number."""
    return _pad(b, padding if isinstance(padding, tuple) else (padding,) * (2 * b.rank), mode, "padding", data_format)


@layer("ZeroPad1D ZeroPad2D ZeroPad3D zeropad2d")
def zero_pad(b: Build, padding: Any, data_format: Any = None) -> Any:
    """paddle.nn.ZeroPad1D/2D/3D."""
    return pad_layer(b, padding, data_format=data_format)


@layer("pad")
def pad_function(
    b: Build,
    pad: Any,
    mode: Any = "constant",
    value: Any = 0.0,
    data_format: Any = None,
    pad_from_left_axis: Any = True,
) -> Any:
    """paddle.nn.functional.pad: the spatial axes, the last first; or every axis, the first first."""
    x = b.x
    if x.shape is not None and isinstance(pad, tuple) and len(pad) == 2 * len(x.shape) and mode == "constant":
        amounts = pad if not pad_from_left_axis else tuple([each for pair in _paired(pad)[::-1] for each in pair])
        return _sized(b, x.shape, amounts, len(x.shape), "constant", "pad")
    return _pad(b, pad if isinstance(pad, tuple) else (pad,) * (2 * b.rank), mode, "pad", data_format)


def _paired(values: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return list(zip(values[::2], values[1::2], strict=True))


def _pad(b: Build, amounts: tuple[Any, ...], mode: Any, name: str, data_format: Any) -> Any:
    of_layout(b, data_format)
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise Illegal(f"`mode` is {mode!r}", "mode", "constant, reflect, replicate and circular are known")
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    if len(amounts) != 2 * b.rank:
        message = f"`{name}` has {len(amounts)} numbers; {b.rank} spatial axes take {2 * b.rank}"
        raise Illegal(message, name, "write `[left, right, top, bottom]`")
    return _sized(b, x.shape, amounts, x.spatial[1], mode, name)


def _sized(b: Build, shape: tuple[Any, ...], amounts: tuple[Any, ...], stop: int, mode: str, name: str) -> Any:
    """The source with (left, right) of axis `stop` - 1 first added; amounts below 0 are not modelled."""
    sizes = list(shape)
    demands = []
    for place, (left, right) in enumerate(_paired(amounts)):
        axis = stop - 1 - place
        n = shape[axis]
        for amount in (left, right):
            if not is_unstated(amount) and (isinstance(amount, bool) or not isinstance(amount, int | Expr)):
                raise Illegal(f"`{name}` holds what is no number", name)
        if n is None or any(is_unstated(each) or (isinstance(each, int) and each < 0) for each in (left, right)):
            sizes[axis] = None
            continue
        sizes[axis] = n + left + right
        if mode == "reflect":
            for amount in (left, right):
                detail = "reflect padding"
                demands.append(require("limit", above(n, amount), n, amount, axis=axis, detail=detail, argument=name))
    return b.shaped([b.x], sizes, demands, op="Pad")


@layer("Linear", leading="in_features")
def linear(b: Build, in_features: Any, out_features: Any, weight_attr: Any = None, bias_attr: Any = None) -> Any:
    """paddle.nn.Linear: the last axis."""
    return pytorch.linear(b, in_features, out_features)


@layer("Flatten flatten")
def flatten(b: Build, start_axis: Any = 1, stop_axis: Any = -1) -> Any:
    """paddle.nn.Flatten: the axes from `start_axis` to `stop_axis` as one."""
    return pytorch.flatten(b, start_axis, stop_axis)


@layer("reshape")
def reshape(b: Build, shape: Any) -> Any:
    """paddle.reshape: the whole shape; 0 keeps an axis, one -1 takes what is left."""
    dims = shape if isinstance(shape, tuple) else (shape,)
    x = b.x
    if x.shape is not None:
        kept = [place for place, dim in enumerate(dims) if isinstance(dim, int) and dim == 0]
        if any(place >= len(x.shape) for place in kept):
            raise Illegal("`shape` holds a 0 where the input has no axis", "shape")
        dims = tuple([x.shape[place] if place in kept else dim for place, dim in enumerate(dims)])
    return pytorch.reshaped(b, dims, "shape")


@layer("concat", sources=None)
def concatenated(b: Build, axis: Any = 0) -> Any:
    """paddle.concat."""
    return concat(b, axis)


@layer("add subtract multiply", sources=None)
def arithmetic(b: Build) -> Any:
    """paddle.add, paddle.subtract, paddle.multiply."""
    return b.node({"add": "Add", "subtract": "Sub", "multiply": "Mul"}[b.type], several(b)[:2])


@layer("Unfold unfold")
def unfold(b: Build, kernel_sizes: Any, strides: Any = 1, paddings: Any = 0, dilations: Any = 1) -> Any:
    """paddle.nn.Unfold: [N, C, *size] -> [N, C*prod(kernel), L], L the number of blocks."""
    return pytorch.unfold(b, kernel_sizes, dilations, paddings, strides)
