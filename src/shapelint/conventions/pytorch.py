"""PyTorch: the signatures of torch.nn (2.13) and the functional forms that are pasted into specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, require
from shapelint.conventions.neutral import concat, resized, several, sizes_of
from shapelint.conventions.values import is_unstated
from shapelint.size import Expr, above, at_least, cdiv, divides, equal, larger, product, smaller

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "pytorch",
    "torch",
    channels_last=False,
    has_batch=True,
    keeps=frozenset(
        """
        ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Softplus Softsign
        Softshrink Hardshrink Hardsigmoid Hardswish Hardtanh Tanhshrink Threshold Softmax Softmax2d LogSoftmax
        Softmin Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout BatchNorm1d BatchNorm2d
        BatchNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d InstanceNorm1d InstanceNorm2d
        InstanceNorm3d GroupNorm LayerNorm LocalResponseNorm RMSNorm CrossMapLRN2d relu relu6 leaky_relu prelu elu
        selu gelu silu mish sigmoid logsigmoid tanh softplus softmax log_softmax hardsigmoid hardswish hardtanh
        dropout dropout2d dropout3d batch_norm instance_norm group_norm layer_norm normalize Snake Snake1d Swish
        DropPath SqueezeExcitation
        """.split()
    ),
)
layer = CONVENTION.layer


def window(b: Build, kernel: Any, stride: Any, padding: Any, dilation: Any) -> dict[str, Any]:
    """The window's attributes; `padding="same"` needs a stride of 1, and may pad one more at the end."""
    kernel = b.per_axis(kernel, "kernel_size", least=1)
    strides = b.per_axis(stride, "stride", least=1)
    dilations = b.per_axis(dilation, "dilation", least=1)
    if isinstance(padding, str):
        begins, ends = _named(b, padding, kernel, strides, dilations)
    else:
        begins = ends = b.per_axis(padding, "padding", least=0)
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": (*begins, *ends),
    }


def _named(
    b: Build, padding: str, kernel: tuple[Any, ...], strides: tuple[Any, ...], dilations: tuple[Any, ...]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if padding == "valid":
        return (0,) * b.rank, (0,) * b.rank
    if padding != "same":
        raise Illegal(f"`padding` is `{padding}`", "padding", "write a number, 'same' or 'valid'")
    if any(stride not in (1, None) for stride in strides):
        raise Illegal(
            "padding='same' is not supported for strided convolutions", "padding", "write the padding as a number"
        )
    totals = [None if k is None or d is None else d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    begins = tuple([None if total is None else total // 2 for total in totals])
    return begins, tuple([None if total is None else total - total // 2 for total in totals])


def channels(b: Build, entering: Any, leaving: Any, groups: Any) -> dict[str, Any]:
    """The channel attributes; numbers that nobody states are None."""
    found: dict[str, Any] = {}
    for name, value in (("in_channels", entering), ("out_channels", leaving)):
        if value is None or is_unstated(value):
            found[name] = None
        elif isinstance(value, bool) or not isinstance(value, int | Expr):
            raise Illegal(f"`{name}` is no number", name)
        elif isinstance(value, int) and value < 1:
            raise Illegal(f"`{name}` is {value}; it is at least 1", name)
        else:
            found[name] = value
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise Illegal("`groups` is no number above 0", "groups")
    return {**found, "groups": groups}


@layer("Conv1d Conv2d Conv3d", leading="in_channels")
def conv(
    b: Build,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    bias: Any = True,
    padding_mode: Any = "zeros",
    device: Any = None,
    dtype: Any = None,
) -> Any:
    """torch.nn.Conv1d/2d/3d."""
    attributes = window(b, kernel_size, stride, padding, dilation)
    demands = []
    if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
        raise Illegal(
            f"`padding_mode` is {padding_mode!r}", "padding_mode", "zeros, reflect, replicate and circular are known"
        )
    if padding_mode in ("reflect", "circular") and b.x.shape is not None and b.x.spatial is not None:
        for place in range(b.rank):
            n, pad = b.x.shape[b.first + place], max((each or 0) for each in attributes["pads"])
            if n is not None:
                held = above(n, pad) if padding_mode == "reflect" else at_least(n, pad)
                detail = f"{padding_mode} padding {pad}"
                demands.append(require("limit", held, n, pad, axis=b.first + place, detail=detail, argument="padding"))
    attributes["holds"] = tuple(demands)
    return b.node("Conv", [b.x], {**attributes, **channels(b, in_channels, out_channels, groups)})


@layer("ConvTranspose1d ConvTranspose2d ConvTranspose3d", leading="in_channels")
def conv_transpose(
    b: Build,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    bias: Any = True,
    dilation: Any = 1,
    padding_mode: Any = "zeros",
    device: Any = None,
    dtype: Any = None,
    *,
    output_size: Any = None,
) -> Any:
    """torch.nn.ConvTranspose1d/2d/3d, with `output_size` given at call time."""
    if padding_mode != "zeros":
        raise Illegal("only padding_mode='zeros' is supported for transposed convolutions", "padding_mode")
    if isinstance(padding, str):
        raise Illegal(f"`padding` is `{padding}`", "padding", "a transposed convolution takes numbers")
    attributes = window(b, kernel_size, stride, padding, dilation)
    attributes["output_padding"] = b.per_axis(output_padding, "output_padding", least=0)
    if output_size is not None:
        attributes["output_size"] = requested(b, output_size)
    return b.node("ConvTranspose", [b.x], {**attributes, **channels(b, in_channels, out_channels, groups)})


def requested(b: Build, output_size: Any) -> tuple[Any, ...]:
    """An `output_size`: the spatial sizes, or the whole shape."""
    values = output_size if isinstance(output_size, tuple) else (output_size,)
    if len(values) == b.rank + b.first:
        values = values[b.first :]
    return sizes_of(b, values, b.rank, "output_size")


def _pool(
    b: Build, op: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, holds: Any = ()
) -> Any:
    attributes = window(b, kernel_size, kernel_size if stride is None else stride, padding, dilation)
    attributes.update(ceil_mode=int(bool(ceil_mode)), holds=tuple(holds))
    made_by = {key: attributes[key] for key in ("kernel", "strides", "pads")}
    return b.node(op, [b.x], attributes, made_by=made_by)


@layer("MaxPool1d MaxPool2d MaxPool3d max_pool1d max_pool2d max_pool3d")
def max_pool(
    b: Build,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    return_indices: Any = False,
    ceil_mode: Any = False,
) -> Any:
    """torch.nn.MaxPool1d/2d/3d."""
    return _pool(b, "MaxPool", kernel_size, stride, padding, dilation, ceil_mode)


@layer("AvgPool1d AvgPool2d AvgPool3d avg_pool1d avg_pool2d avg_pool3d")
def avg_pool(
    b: Build,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: Any = False,
    count_include_pad: Any = True,
    divisor_override: Any = None,
) -> Any:
    """torch.nn.AvgPool1d/2d/3d; in 3-D the input itself is at least as large as the kernel."""
    demands: list[Any] = []
    if b.rank == 3 and b.x.shape is not None:
        kernel = b.per_axis(kernel_size, "kernel_size", least=1)
        demands = [
            require("window", at_least(n, k), n, k, axis=b.first + place, detail=f"kernel {k}")
            for place, (n, k) in enumerate(zip(b.x.shape[b.first :], kernel, strict=True))
            if n is not None and k is not None
        ]
    return _pool(b, "AveragePool", kernel_size, stride, padding, 1, ceil_mode, demands)


@layer("LPPool1d LPPool2d LPPool3d")
def lp_pool(b: Build, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False) -> Any:
    """torch.nn.LPPool1d/2d/3d."""
    return _pool(b, "LpPool", kernel_size, stride, 0, 1, ceil_mode)


@layer("MaxUnpool1d MaxUnpool2d MaxUnpool3d", sources=2)
def max_unpool(b: Build, kernel_size: Any, stride: Any = None, padding: Any = 0, *, output_size: Any = None) -> Any:
    """torch.nn.MaxUnpool1d/2d/3d; the second source is the pool whose indices it takes."""
    attributes = window(b, kernel_size, kernel_size if stride is None else stride, padding, 1)
    if output_size is not None:
        attributes["output_size"] = requested(b, output_size)
    return b.node("MaxUnpool", b.sources, attributes)


@layer(
    "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
    "adaptive_avg_pool2d adaptive_max_pool2d"
)
def adaptive_pool(b: Build, output_size: Any, return_indices: Any = False) -> Any:
    """torch.nn.Adaptive*Pool: the size given; None keeps an axis; 0 is legal, a negative size is not."""
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    values = output_size if isinstance(output_size, tuple) else (output_size,) * b.rank
    if len(values) != b.rank:
        raise Illegal(f"`output_size` has {len(values)} numbers and `{b.type}` {b.rank} spatial axes", "output_size")
    sizes = list(x.shape)
    for place, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, int) and value < 0:
            raise Illegal(f"`output_size` is {value}; it is at least 0", "output_size")
        sizes[x.spatial[0] + place] = None if is_unstated(value) else value
    return b.shaped([x], sizes, op="AdaptivePool")


@layer("Upsample interpolate")
def upsample(
    b: Build,
    size: Any = None,
    scale_factor: Any = None,
    mode: Any = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: Any = False,
) -> Any:
    """torch.nn.Upsample, F.interpolate: the size given, or floor(n * scale_factor) in float64."""
    if (size is None) == (scale_factor is None):
        raise Illegal(f"`{b.type}` takes exactly one of `size` and `scale_factor`", "size")
    modes = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact")
    if mode not in modes:
        raise Illegal(f"`mode` is {mode!r}", "mode", f"{', '.join(modes)} are known")
    ranks = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
    if b.rank and mode in ranks and ranks[mode] != b.rank:
        raise Illegal(f"mode='{mode}' is for {ranks[mode]}-D data and this is {b.rank}-D", "mode")
    if align_corners is not None and mode not in ranks:
        raise Illegal(f"`align_corners` is of no use with mode='{mode}'", "align_corners")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise Illegal("`antialias` is for bilinear and bicubic", "antialias")
    names = ("size", "scale_factor")
    keeps = mode not in ("area", "nearest-exact") and not recompute_scale_factor and not antialias
    return resized(b, size, scale_factor, names, 0 if mode == "area" else 1, keeps_scale=keeps)


@layer("UpsamplingNearest2d UpsamplingBilinear2d")
def upsampling(b: Build, size: Any = None, scale_factor: Any = None) -> Any:
    """torch.nn.UpsamplingNearest2d, UpsamplingBilinear2d."""
    if (size is None) == (scale_factor is None):
        raise Illegal(f"`{b.type}` takes exactly one of `size` and `scale_factor`", "size")
    return resized(b, size, scale_factor, ("size", "scale_factor"), keeps_scale=True)


def positive(value: Any, name: str) -> int:
    """A number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Illegal(f"`{name}` is {value}; it is a number above 0", name)
    return value


@layer("PixelShuffle pixel_shuffle")
def pixel_shuffle(b: Build, upscale_factor: Any) -> Any:
    """torch.nn.PixelShuffle: [.., C*r*r, H, W] -> [.., C, H*r, W*r]."""
    return shuffled(b, positive(upscale_factor, "upscale_factor"), "upscale_factor", up=True)


@layer("PixelUnshuffle pixel_unshuffle")
def pixel_unshuffle(b: Build, downscale_factor: Any) -> Any:
    """torch.nn.PixelUnshuffle: [.., C, H*r, W*r] -> [.., C*r*r, H, W]."""
    return shuffled(b, positive(downscale_factor, "downscale_factor"), "downscale_factor", up=False)


def shuffled(b: Build, factor: int, name: str, *, up: bool) -> Any:
    """Channels turned into pixels, or pixels into channels; what does not divide is refused."""
    x = b.x
    if x.shape is None or x.spatial is None or x.channel is None:
        return b.unknown("the size that enters it is not known")
    sizes = list(x.shape)
    demands = []
    area = factor ** (x.spatial[1] - x.spatial[0])
    have = x.shape[x.channel]
    if have is not None:
        if up:
            demands.append(
                require("divides", divides(area, have), have, area, axis=x.channel, detail="channels", argument=name)
            )
        sizes[x.channel] = have // area if up else have * area
    for axis in range(*x.spatial):
        n = x.shape[axis]
        if n is None:
            continue
        if not up:
            detail = f"a block of {factor}"
            demands.append(require("divides", divides(factor, n), n, factor, axis=axis, detail=detail, argument=name))
        sizes[axis] = n * factor if up else n // factor
    return b.shaped([x], sizes, demands, op="DepthToSpace" if up else "SpaceToDepth")


@layer(
    "ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d"
)
def pad_layer(b: Build, padding: Any) -> Any:
    """torch.nn.ZeroPad*, ReflectionPad*, ReplicationPad*: (left, right, top, bottom, ...), or one number."""
    mode = {"Z": "constant", "R": "reflect" if b.type.startswith("Ref") else "replicate"}[b.type[0]]
    return functional_pad(b, padding if isinstance(padding, tuple) else (padding,) * (2 * b.rank), mode, "padding")


@layer("ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d")
def more_pad_layer(b: Build, padding: Any) -> Any:
    """torch.nn.ReplicationPad3d, CircularPad*."""
    mode = "replicate" if b.type.startswith("Rep") else "circular"
    return functional_pad(b, padding if isinstance(padding, tuple) else (padding,) * (2 * b.rank), mode, "padding")


@layer("ConstantPad1d ConstantPad2d ConstantPad3d")
def constant_pad(b: Build, padding: Any, value: Any) -> Any:
    """torch.nn.ConstantPad*."""
    amounts = padding if isinstance(padding, tuple) else (padding,) * (2 * b.rank)
    return functional_pad(b, amounts, "constant", "padding")


@layer("pad")
def pad_function(b: Build, pad: Any, mode: Any = "constant", value: Any = None) -> Any:
    """torch.nn.functional.pad: pairs from the last axis on; negative amounts crop."""
    if not isinstance(pad, tuple) or len(pad) % 2:
        raise Illegal("`pad` is no list of pairs", "pad")
    return functional_pad(b, pad, mode, "pad")


def functional_pad(b: Build, amounts: tuple[Any, ...], mode: Any, name: str) -> Any:
    """The source with (left, right) of the last axis first added; negative amounts crop."""
    x = b.x
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise Illegal(f"`mode` is {mode!r}", "mode", "constant, reflect, replicate and circular are known")
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    if len(amounts) // 2 > len(x.shape):
        raise Illegal(f"`{name}` pads {len(amounts) // 2} axes and the tensor has {len(x.shape)}", name)
    sizes = list(x.shape)
    demands = []
    for place in range(len(amounts) // 2):
        axis = len(x.shape) - 1 - place
        n, (left, right) = x.shape[axis], amounts[2 * place : 2 * place + 2]
        if n is None or is_unstated(left) or is_unstated(right):
            sizes[axis] = None
            continue
        for amount in (left, right):
            if isinstance(amount, bool) or not isinstance(amount, int | Expr):
                raise Illegal(f"`{name}` holds what is no number", name)
        sizes[axis] = result = n + left + right
        least = 0 if mode == "constant" else 1
        demands.append(
            require("empty", at_least(result, least), result, n, axis=axis, detail="the padding", argument=name)
        )
        if mode == "constant":
            for amount in (left, right):
                held = at_least(n + amount, 0)
                demands.append(require("limit", held, n, amount, axis=axis, detail="a negative padding", argument=name))
        elif mode in ("reflect", "circular"):
            for amount in (left, right):
                held = above(n, amount) if mode == "reflect" else at_least(n, amount)
                detail = f"{mode} padding"
                demands.append(require("limit", held, n, amount, axis=axis, detail=detail, argument=name))
            if mode == "circular":
                for amount, other in ((left, right), (right, left)):
                    held = at_least(n + other, amount)
                    detail = "circular padding of what is left"
                    demands.append(require("limit", held, n, amount, axis=axis, detail=detail, argument=name))
    return b.shaped([x], sizes, demands, op="Pad")


@layer("Linear", leading="in_features")
def linear(
    b: Build, in_features: Any, out_features: Any, bias: Any = True, device: Any = None, dtype: Any = None
) -> Any:
    """torch.nn.Linear: the last axis."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    demands = []
    have = x.shape[-1]
    if isinstance(in_features, int | Expr) and have is not None:
        demands.append(
            require(
                "channels",
                equal(have, in_features),
                have,
                in_features,
                axis=len(x.shape) - 1,
                detail="the layer",
                argument="in_features",
            )
        )
    leaving = None if is_unstated(out_features) else out_features
    return b.shaped([x], (*x.shape[:-1], leaving), demands, op="Linear")


@layer("Flatten flatten")
def flatten(b: Build, start_dim: Any = 1, end_dim: Any = -1) -> Any:
    """torch.nn.Flatten: the axes from `start_dim` to `end_dim` as one."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    rank = len(x.shape)
    start, end = start_dim % rank, end_dim % rank
    inside = x.shape[start : end + 1]
    total = None if any(dim is None for dim in inside) else product(inside)
    return b.shaped([x], (*x.shape[:start], total, *x.shape[end + 1 :]), op="Flatten")


@layer("Unflatten")
def unflatten(b: Build, dim: Any, unflattened_size: Any) -> Any:
    """torch.nn.Unflatten: one axis as several."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    axis = dim % len(x.shape)
    return reshaped(b, (*x.shape[:axis], *unflattened_size, *x.shape[axis + 1 :]), "unflattened_size")


@layer("Reshape reshape view")
def reshape(b: Build, shape: Any) -> Any:
    """torch.reshape: the whole shape, with one -1."""
    return reshaped(b, shape if isinstance(shape, tuple) else (shape,), "shape")


def reshaped(b: Build, dims: tuple[Any, ...], name: str) -> Any:
    """The source with other dims of the same number of elements; one -1 takes what is left."""
    x = b.x
    if x.shape is None or any(dim is None for dim in x.shape) or any(is_unstated(dim) for dim in dims):
        known = [None if is_unstated(dim) or (isinstance(dim, int) and dim < 0) else dim for dim in dims]
        return b.shaped([x], known, op="Reshape")
    total = product(x.shape)
    open_axes = [place for place, dim in enumerate(dims) if isinstance(dim, int) and dim == -1]
    if len(open_axes) > 1:
        raise Illegal(f"`{name}` holds more than one -1", name)
    rest = product(dim for place, dim in enumerate(dims) if place not in open_axes)
    if open_axes:
        held = divides(rest, total) if not isinstance(rest, int) or rest else False
        sizes = [total // rest if place in open_axes else dim for place, dim in enumerate(dims)]
        return b.shaped(
            [x], sizes, [require("divides", held, total, rest, detail="the reshape", argument=name)], op="Reshape"
        )
    held = equal(total, rest)
    return b.shaped(
        [x], dims, [require("reshape", held, total, rest, detail="the number of elements", argument=name)], op="Reshape"
    )


@layer("cat concat concatenate", sources=None)
def cat(b: Build, dim: Any = 0, axis: Any = None) -> Any:
    """torch.cat."""
    return concat(b, dim if axis is None else axis)


@layer("add sub mul", sources=None)
def arithmetic(b: Build) -> Any:
    """torch.add, torch.sub, torch.mul."""
    return b.node({"add": "Add", "sub": "Sub", "mul": "Mul"}[b.type], several(b)[:2])


@layer("GLU")
def glu(b: Build, dim: Any = -1) -> Any:
    """torch.nn.GLU: half of an axis."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    axis = dim % len(x.shape)
    n = x.shape[axis]
    if n is None:
        return b.same()
    sizes = (*x.shape[:axis], n // 2, *x.shape[axis + 1 :])
    return b.shaped(
        [x], sizes, [require("divides", divides(2, n), n, 2, axis=axis, detail="the halves", argument="dim")]
    )


@layer("Unfold unfold")
def unfold(b: Build, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """torch.nn.Unfold: [N, C, *size] -> [N, C*prod(kernel), L], L the number of blocks."""
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    count, demands = _blocks(b, x.shape[x.spatial[0] :], kernel_size, dilation, padding, stride)
    kernel = b.per_axis(kernel_size, "kernel_size", least=1)
    entering = x.shape[1]
    columns = None if entering is None or None in kernel else entering * product(kernel)
    return b.shaped([x], (x.shape[0], columns, count), demands, op="Unfold")


def _blocks(
    b: Build, sizes: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[Any, list[tuple[Any, ...]]]:
    kernel = b.per_axis(kernel_size, "kernel_size", least=1)
    dilations = b.per_axis(dilation, "dilation", least=1)
    pads = b.per_axis(padding, "padding", least=0)
    strides = b.per_axis(stride, "stride", least=1)
    count: Any = 1
    demands = []
    for place, n in enumerate(sizes):
        k, d, p, s = kernel[place], dilations[place], pads[place], strides[place]
        if n is None or None in (k, d, p, s):
            return None, []
        blocks = (n + 2 * p - (d * (k - 1) + 1)) // s + 1
        demands.append(require("empty", at_least(blocks, 1), blocks, n, detail=f"kernel {k}", argument="kernel_size"))
        count = count * blocks
    return count, demands


@layer("Fold fold")
def fold(b: Build, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """torch.nn.Fold: [N, C*prod(kernel), L] -> [N, C, *output_size], L the number of blocks."""
    x = b.x
    b.rank = len(output_size) if isinstance(output_size, tuple) else 2
    wanted = sizes_of(b, output_size, b.rank, "output_size")
    kernel = b.per_axis(kernel_size, "kernel_size", least=1)
    count, demands = _blocks(b, wanted, kernel_size, dilation, padding, stride)
    if x.shape is None or None in kernel:
        return b.unknown("the size that enters it is not known")
    if count is not None and x.shape[-1] is not None:
        held = equal(x.shape[-1], count)
        demands.append(require("match", held, x.shape[-1], count, axis=2, detail="the number of blocks"))
    area = product(kernel)
    columns = x.shape[1]
    if columns is not None:
        demands.append(require("channels", divides(area, columns), columns, area, axis=1, detail="the block"))
    leaving = None if columns is None else columns // area
    return b.shaped([x], (x.shape[0], leaving, *wanted), demands, op="Fold")


@layer("Tensor.unfold")
def tensor_unfold(b: Build, dimension: Any, size: Any, step: Any) -> Any:
    """torch.Tensor.unfold: [.., n, ..] -> [.., (n - size)//step + 1, .., size]."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    axis = dimension % len(x.shape)
    if is_unstated(size) or is_unstated(step) or x.shape[axis] is None:
        return b.shaped([x], (*x.shape[:axis], None, *x.shape[axis + 1 :], None))
    if size < 0:
        raise Illegal(f"`size` is {size}; it is at least 0", "size")
    n = x.shape[axis]
    held = at_least(n, size)
    demands = [require("window", held, n, size, axis=axis, detail=f"size {size}", argument="size")]
    count = (n - size) // positive(step, "step") + 1
    return b.shaped([x], (*x.shape[:axis], count, *x.shape[axis + 1 :], size), demands)


@layer("slice_copy")
def slice_copy(b: Build, dim: Any = 0, start: Any = None, end: Any = None, step: Any = 1) -> Any:
    """torch.slice_copy: the elements from `start` to `end` of an axis, as Python cuts; a step is above 0."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    axis = dim % len(x.shape)
    n = x.shape[axis]
    by = positive(step, "step")
    if n is None or is_unstated(start) or is_unstated(end):
        return b.shaped([x], (*x.shape[:axis], None, *x.shape[axis + 1 :]), op="Slice")
    first, last = [
        default
        if place is None
        else larger(n + place, 0)
        if isinstance(place, int) and place < 0
        else smaller(place, n)
        for place, default in ((start, 0), (end, n))
    ]
    return b.shaped([x], (*x.shape[:axis], larger(cdiv(last - first, by), 0), *x.shape[axis + 1 :]), op="Slice")


@layer("grid_sample", sources=2)
def grid_sample(b: Build, mode: Any = "bilinear", padding_mode: Any = "zeros", align_corners: Any = None) -> Any:
    """torch.nn.functional.grid_sample: the spatial size of the grid, whose last axis has one number a spatial axis."""
    if len(b.sources) != 2:
        raise Illegal("`grid_sample` reads the input and the grid", "", "write `grid_sample()(x, grid)`")
    x, grid = b.sources
    if x.shape is None or grid.shape is None:
        return b.unknown("the sizes that enter it are not known")
    rank = len(x.shape) - 2
    if len(grid.shape) != len(x.shape):
        raise Illegal(f"the grid has {len(grid.shape)} axes and the input {len(x.shape)}")
    demands = [
        require("match", equal(left, right), left, right, detail=detail)
        for left, right, detail in (
            (x.shape[0], grid.shape[0], "the batch"),
            (grid.shape[-1], rank, "the grid's last axis"),
        )
        if left is not None and right is not None
    ]
    demands += [
        require("empty", at_least(n, 1), n, n, axis=axis, detail="the input")
        for axis, n in enumerate(x.shape[2:], 2)
        if n is not None
    ]
    return b.shaped([x, grid], (*x.shape[:2], *grid.shape[1:-1]), demands)
