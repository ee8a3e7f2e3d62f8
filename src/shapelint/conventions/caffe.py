"""Caffe: layers by the names and parameters of caffe.proto, as `caffe.net_spec` writes them (`L.Convolution(...)`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, pytorch, require
from shapelint.conventions.neutral import concat, several
from shapelint.conventions.pytorch import channels
from shapelint.conventions.values import is_unstated
from shapelint.size import at_least, equal, product

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "caffe",
    "caffe",
    channels_last=False,
    has_batch=True,
    keeps=frozenset(
        """
        ReLU PReLU ELU Sigmoid TanH BNLL Exp Log Power AbsVal Threshold Swish Clip Dropout LRN MVN BatchNorm BN
        Scale Bias Softmax
        """.split()
    ),
)
layer = CONVENTION.layer


def numbers(b: Build, value: Any, name: str, each: tuple[Any, Any], default: Any, least: int) -> tuple[Any, ...]:
    """`name`, or its `_h` and `_w` in two dimensions."""
    if all(one is None for one in each):
        return b.per_axis(default if value is None else value, name, least=least)
    words = f"`{name}_h` and `{name}_w`"
    if value is not None:
        raise Illegal(f"`{name}` stands beside {words}", name, "give either")
    if b.rank != 2 or None in each:
        raise Illegal(f"{words} are given together, for two spatial axes", f"{name}_h")
    return b.per_axis(each, name, least=least)


def window(
    b: Build, kernel: Any, stride: Any, pad: Any, dilation: Any, by_axis: tuple[tuple[Any, Any], ...]
) -> dict[str, Any]:
    """The window's attributes; a kernel, a stride or a pad may be given an axis."""
    name = "kernel_size"
    if kernel is None and None in by_axis[0]:
        raise Illegal(f"`{b.type}` needs `kernel_size`, or `kernel_h` and `kernel_w`", name)
    pads = numbers(b, pad, "pad", by_axis[2], 0, 0)
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": numbers(b, kernel, name if by_axis[0] == (None, None) else "kernel", by_axis[0], None, 1),
        "strides": numbers(b, stride, "stride", by_axis[1], 1, 1),
        "dilations": b.per_axis(dilation, "dilation", least=1),
        "pads": pads * 2,
    }


@layer("Convolution Deconvolution")
def convolution(
    b: Build,
    num_output: Any,
    kernel_size: Any = None,
    stride: Any = None,
    pad: Any = None,
    dilation: Any = 1,
    group: Any = 1,
    bias_term: Any = True,
    kernel_h: Any = None,
    kernel_w: Any = None,
    stride_h: Any = None,
    stride_w: Any = None,
    pad_h: Any = None,
    pad_w: Any = None,
    weight_filler: Any = None,
    bias_filler: Any = None,
) -> Any:
    """Convolution (n + 2p - ke)/s + 1; Deconvolution s*(n-1) + k - 2p, in which the dilation does not count."""
    by_axis = ((kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w))
    attributes = window(b, kernel_size, stride, pad, dilation, by_axis)
    try:
        attributes.update(channels(b, None, num_output, group))
    except Illegal as error:
        word, ours = ("num_output", "out_channels") if "out_channels" in error.message else ("group", "groups")
        raise Illegal(error.message.replace(ours, word), word, error.remedy) from None
    return b.node("Conv" if b.type == "Convolution" else "ConvTranspose", [b.x], attributes)


@layer("Pooling")
def pooling(
    b: Build,
    kernel_size: Any = None,
    stride: Any = None,
    pad: Any = None,
    pool: Any = "MAX",
    global_pooling: Any = False,
    round_mode: Any = "CEIL",
    kernel_h: Any = None,
    kernel_w: Any = None,
    stride_h: Any = None,
    stride_w: Any = None,
    pad_h: Any = None,
    pad_w: Any = None,
) -> Any:
    """Pooling: rounds up; where any axis is padded, the last window starts inside. `round_mode` is of later forks."""
    kinds = {"MAX": "MaxPool", "AVE": "AveragePool", "STOCHASTIC": "MaxPool"}
    kind = tuple(kinds)[pool] if isinstance(pool, int) and 0 <= pool < 3 else pool
    if kind not in kinds:
        raise Illegal(f"`pool` is {pool!r}", "pool", f"{', '.join(kinds)} are known")
    if round_mode not in ("CEIL", "FLOOR", 0, 1):
        raise Illegal(f"`round_mode` is {round_mode!r}", "round_mode", "write CEIL or FLOOR")
    x = b.x
    if global_pooling:
        if kernel_size is not None or kernel_h is not None or kernel_w is not None:
            raise Illegal("`kernel_size` stands beside `global_pooling`", "kernel_size", "remove it")
        if x.shape is None or x.spatial is None:
            return b.unknown("the size that enters it is not known")
        first, stop = x.spatial
        return b.shaped([x], (*x.shape[:first], *[1] * (stop - first), *x.shape[stop:]), op="GlobalPool")
    attributes = window(b, kernel_size, stride, pad, 1, ((kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w)))
    attributes["ceil_mode"] = int(round_mode in ("CEIL", 0))
    if any(attributes["pads"]):
        attributes["mode"] = "clipped"
    if None in attributes["pads"]:
        attributes["pads"] = (None,) * (2 * b.rank)
    return b.node(kinds[kind], [x], attributes)


@layer("Crop", sources=2)
def crop(b: Build, axis: Any = 2, offset: Any = 0) -> Any:
    """Crop(x, reference): the axes from `axis` on cut to the reference's sizes, from `offset` on, which lies inside."""
    if len(b.sources) != 2:
        raise Illegal("`Crop` reads what is cut and a reference", "", "write `Crop(x, reference)`")
    x, reference = b.sources
    if x.shape is None or reference.shape is None:
        return b.unknown("the size that enters it is not known")
    if len(x.shape) != len(reference.shape):
        raise Illegal(f"`Crop` gets {len(x.shape)} axes and a reference with {len(reference.shape)}")
    if isinstance(axis, bool) or not isinstance(axis, int) or not -len(x.shape) <= axis < len(x.shape):
        raise Illegal(f"`axis` is {axis} and the input has {len(x.shape)} axes", "axis")
    places = range(axis % len(x.shape), len(x.shape))
    offsets = offset if isinstance(offset, tuple) else (offset,)
    offsets = offsets * len(places) if len(offsets) == 1 else offsets
    if len(offsets) != len(places):
        raise Illegal(f"`offset` has {len(offsets)} numbers; {len(places)} axes are cut", "offset")
    sizes = list(x.shape)
    demands = []
    for place, start in zip(places, offsets, strict=True):
        n, wanted = x.shape[place], reference.shape[place]
        sizes[place] = wanted
        if n is not None and wanted is not None and not is_unstated(start):
            detail = "the reference" if start == 0 else f"the reference at offset {start}"
            held = at_least(n, wanted + start)
            found = require("limit", held, n, wanted, axis=place, detail=detail, argument="offset", operands=(0, 1))
            demands.append(found)
    return b.shaped(b.sources, sizes, demands, op="Slice")


@layer("Concat", sources=None)
def concatenated(b: Build, axis: Any = None, concat_dim: Any = None) -> Any:
    """Concat: along the channels by default."""
    return concat(b, concat_dim if axis is None else axis)


@layer("Eltwise", sources=None)
def eltwise(b: Build, operation: Any = "SUM", coeff: Any = None, stable_prod_grad: Any = True) -> Any:
    """Eltwise: PROD, SUM or MAX of tensors of the same shape; nothing is broadcast."""
    operations = ("PROD", "SUM", "MAX")
    if operation not in operations and operation not in (0, 1, 2):
        raise Illegal(f"`operation` is {operation!r}", "operation", f"{', '.join(operations)} are known")
    first, *others = several(b)
    if first.shape is None or any(each.shape is None for each in others):
        return b.unknown("the size that enters it is not known")
    sizes = list(first.shape)
    demands = []
    for number, other in enumerate(others, 1):
        if len(other.shape) != len(sizes):
            raise Illegal(f"`Eltwise` gets {len(first.shape)} and {len(other.shape)} axes")
        for axis, (left, right) in enumerate(zip(first.shape, other.shape, strict=True)):
            if left is None or right is None:
                sizes[axis] = right if sizes[axis] is None else sizes[axis]
                continue
            demands.append(require("merge", equal(left, right), left, right, axis=axis, operands=(0, number)))
    return b.shaped(b.sources, sizes, demands)


@layer("InnerProduct")
def inner_product(
    b: Build,
    num_output: Any,
    bias_term: Any = True,
    axis: Any = 1,
    transpose: Any = False,
    weight_filler: Any = None,
    bias_filler: Any = None,
) -> Any:
    """InnerProduct: the axes from `axis` on become `num_output` features."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    try:
        leaving = channels(b, None, num_output, 1)["out_channels"]
    except Illegal as error:
        raise Illegal(error.message.replace("out_channels", "num_output"), "num_output", error.remedy) from None
    return b.shaped([x], (*x.shape[: axis % len(x.shape)], leaving), op="Linear")


@layer("Flatten")
def flatten(b: Build, axis: Any = 1, end_axis: Any = -1) -> Any:
    """Flatten: the axes from `axis` to `end_axis` as one."""
    return pytorch.flatten(b, axis, end_axis)


@layer("Reshape")
def reshape(b: Build, shape: Any) -> Any:
    """Reshape: the whole shape; 0 keeps an axis, one -1 takes what is left."""
    dims = shape if isinstance(shape, tuple) else (shape,)
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    kept = [place for place, dim in enumerate(dims) if isinstance(dim, int) and dim == 0]
    if any(place >= len(x.shape) for place in kept):
        raise Illegal("`shape` holds a 0 where the input has no axis", "shape")
    return pytorch.reshaped(b, tuple([x.shape[at] if at in kept else dim for at, dim in enumerate(dims)]), "shape")


@layer("Im2col")
def im2col(b: Build, kernel_size: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> Any:
    """Im2col: [N, C*prod(kernel), *blocks]; the number of blocks along each axis is a convolution's."""
    by_axis = ((None, None),) * 3
    attributes = window(b, kernel_size, stride, pad, dilation, by_axis)
    entering = None if b.x.shape is None or b.x.channel is None else b.x.shape[b.x.channel]
    leaving = None if entering is None or None in attributes["kernel"] else entering * product(attributes["kernel"])
    return b.node("Conv", [b.x], {**attributes, "out_channels": leaving, "groups": 1})
