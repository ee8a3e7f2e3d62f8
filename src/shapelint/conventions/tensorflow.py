"""TensorFlow: the Keras layers, and tf.nn, tf.image and tf.pad (2.21); shapes are written without the batch.

`Conv2DTranspose(..., output_shape=)` is tf.nn.conv2d_transpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, keras, require
from shapelint.conventions.keras import check_format, check_order, count, entering, place_of, transposed
from shapelint.conventions.neutral import concat, resized, several, sizes_of
from shapelint.conventions.pytorch import reshaped, shuffled
from shapelint.conventions.values import is_unstated
from shapelint.size import Expr, above, at_least, equal

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "tensorflow",
    "keras",
    channels_last=True,
    has_batch=False,
    keeps=keras.CONVENTION.keeps
    | frozenset(
        """
        dropout bias_add batch_normalization l2_normalize local_response_normalization lrn
        log_softmax log_sigmoid identity stop_gradient
        """.split()
    ),
)
layer = CONVENTION.layer
_OWN = frozenset(f"{word}{rank}DTranspose" for word in ("Conv", "Convolution") for rank in (1, 2, 3))
CONVENTION.types.update({name: each for name, each in keras.CONVENTION.types.items() if name not in _OWN})


@keras.layer(" ".join(sorted(_OWN)), also=keras._CONV, of=CONVENTION)
def conv_transpose_layer(
    b: Build,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    output_padding: Any = None,
    output_shape: Any = None,
) -> Any:
    """keras.layers.Conv*Transpose; with an output shape tf.nn.conv*_transpose."""
    check_order(b, data_format)
    if output_shape is None:
        attributes = keras.window(b, kernel_size, strides, padding, dilation_rate, ("full",))
        return transposed(b, filters, attributes, output_padding)
    if output_padding is not None:
        raise Illegal("`output_padding` and `output_shape` exclude each other", "output_padding", "leave one out")
    attributes = _window(
        b, kernel_size, strides, padding, dilation_rate, b.channels_last, ("kernel_size", "dilation_rate")
    )
    attributes["output_size"] = _spatial(b, output_shape, "output_shape", b.channels_last)
    return b.node("ConvTranspose", [b.x], {**attributes, "out_channels": count(filters, "filters")}, rule="tf")


def _last(b: Build, data_format: Any) -> bool:
    """Whether the channels come last; the data format is the file's layout."""
    if isinstance(data_format, str):
        if not data_format.startswith("N") or "C" not in data_format:
            raise Illegal(f"`data_format` is {data_format!r}", "data_format", "write for example 'NHWC' or 'NCHW'")
        check_format(b, "channels_last" if data_format.endswith("C") else "channels_first")
    return b.channels_last


def _spatial(b: Build, value: Any, name: str, last: bool) -> tuple[Any, ...]:
    """The spatial numbers of a list with or without batch and channels."""
    values = value if isinstance(value, tuple) else (value,) * b.rank
    if len(values) == b.rank + 2:
        values = values[1:-1] if last else values[2:]
    elif len(values) == b.rank + 1:
        values = values[:-1] if last else values[1:]
    return sizes_of(b, values, b.rank, name)


def _numbers(b: Build, value: Any, name: str, last: bool) -> tuple[Any, ...]:
    values = value
    if isinstance(value, tuple) and len(value) == b.rank + 2:
        others = (value[0], value[-1] if last else value[1])
        if any(other != 1 and not is_unstated(other) for other in others):
            raise Illegal(f"`{name}` moves over batch or channels by {max(others)}", name, "write 1 there")
        values = value[1:-1] if last else value[2:]
    return b.per_axis(values, name, least=1)


def _window(
    b: Build, kernel: Any, strides: Any, padding: Any, dilations: Any, last: bool, names: tuple[str, str]
) -> dict[str, Any]:
    pads: tuple[Any, ...] = (0,) * (2 * b.rank)
    if isinstance(padding, tuple):
        inner = padding[1:-1] if last else padding[2:]
        if len(padding) != b.rank + 2 or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in padding):
            raise Illegal(f"`padding` is no list of {b.rank + 2} pairs", "padding", "write 'SAME' or 'VALID'")
        begins = b.per_axis(tuple(pair[0] for pair in inner), "padding", least=0)
        pads = (*begins, *b.per_axis(tuple(pair[1] for pair in inner), "padding", least=0))
        mode = "explicit"
    elif is_unstated(padding):
        mode, pads = "explicit", (None,) * (2 * b.rank)
    elif isinstance(padding, str) and padding.lower() in ("same", "valid"):
        mode = padding.lower()
    else:
        raise Illegal(f"`padding` is {padding!r}", "padding", "write 'SAME' or 'VALID'")
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if last else b.first - 1,
        "kernel": _numbers(b, kernel, names[0], last),
        "strides": _numbers(b, strides, "strides", last),
        "dilations": _numbers(b, 1 if dilations is None else dilations, names[1], last),
        "pads": pads,
        "mode": mode,
    }


def _filters(b: Build, filters: Any) -> tuple[Any, ...]:
    """The shape of the filter: `filters=[3, 3, 64, 128]`, or a second source."""
    shape = b.sources[1].shape if len(b.sources) > 1 else filters
    if shape is None:
        raise Illegal(
            f"`{b.type}` needs `filters`", "filters", "write their shape, for example `filters=[3, 3, 64, 128]`"
        )
    if is_unstated(shape):
        return (shape,) * (b.rank + 2)
    if not isinstance(shape, tuple) or len(shape) != b.rank + 2:
        message = f"`filters` is no shape of {b.rank + 2} numbers"
        raise Illegal(message, "filters", "it is the kernel's size, then channels in and channels out")
    return shape


def _stated(**values: Any) -> None:
    for name, value in values.items():
        if value is None:
            raise Illegal(f"`{name}` is missing", "", f"write `{name}=`")


@layer("conv2d conv3d convolution", sources=2)
def conv(
    b: Build,
    filters: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """tf.nn.conv2d, conv3d, convolution; `filters` is the shape [*kernel, in, out]."""
    if b.type == "convolution":
        strides, padding = 1 if strides is None else strides, "VALID" if padding is None else padding
    _stated(strides=strides, padding=padding)
    shape = _filters(b, filters)
    attributes = _window(
        b, shape[: b.rank], strides, padding, dilations, _last(b, data_format), ("filters", "dilations")
    )
    taken, have = count(shape[-2], "filters"), entering(b)
    groups = have // taken if isinstance(have, int) and isinstance(taken, int) and have % taken == 0 else 1
    if groups > 1:
        taken = have
    more = {"in_channels": taken, "out_channels": count(shape[-1], "filters"), "groups": groups}
    return b.node("Conv", [b.x], {**attributes, **more}, rule="tf")


@layer("conv1d", sources=2)
def conv1d(
    b: Build,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """tf.nn.conv1d."""
    _stated(stride=stride)
    return conv(b, filters, stride, padding, data_format, dilations)


@layer("depthwise_conv2d", sources=2)
def depthwise_conv(
    b: Build,
    filter: Any = None,  # noqa: A002
    strides: Any = None,
    padding: Any = None,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """tf.nn.depthwise_conv2d; `filter` is the shape [h, w, in, multiplier]."""
    _stated(strides=strides, padding=padding)
    shape = _filters(b, filter)
    attributes = _window(
        b, shape[: b.rank], strides, padding, dilations, _last(b, data_format), ("filter", "dilations")
    )
    taken, times = count(shape[-2], "filter"), count(shape[-1], "filter")
    leaving = None if taken is None or times is None else taken * times
    return b.node("Conv", [b.x], {**attributes, "in_channels": taken, "out_channels": leaving}, rule="tf")


@layer("conv1d_transpose conv2d_transpose conv3d_transpose", sources=2)
def conv_transpose(
    b: Build,
    filters: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """tf.nn.conv*_transpose; `filters` is the shape [*kernel, out, in]; accepts exactly s sizes an axis."""
    _stated(output_shape=output_shape, strides=strides)
    shape = _filters(b, filters)
    last = _last(b, data_format)
    attributes = _window(b, shape[: b.rank], strides, padding, dilations, last, ("filters", "dilations"))
    attributes["output_size"] = _spatial(b, output_shape, "output_shape", last)
    more = {"in_channels": count(shape[-1], "filters"), "out_channels": count(shape[-2], "filters")}
    return b.node("ConvTranspose", [b.x], {**attributes, **more}, rule="tf")


@layer("max_pool max_pool1d max_pool2d max_pool3d avg_pool avg_pool1d avg_pool2d avg_pool3d")
def pool(b: Build, ksize: Any, strides: Any, padding: Any, data_format: Any = None, name: Any = None) -> Any:
    """tf.nn.max_pool*, avg_pool*."""
    attributes = _window(b, ksize, strides, padding, 1, _last(b, data_format), ("ksize", "dilations"))
    return b.node("MaxPool" if b.type.startswith("max") else "AveragePool", [b.x], attributes, rule="tf")


@layer("pad")
def pad(b: Build, paddings: Any, mode: Any = "CONSTANT", constant_values: Any = 0, name: Any = None) -> Any:
    """tf.pad: a pair an axis, that of the batch first; REFLECT pads less than the size, SYMMETRIC at most the size."""
    x = b.x
    word = mode.upper() if isinstance(mode, str) else mode
    if word not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise Illegal(f"`mode` is {mode!r}", "mode", "CONSTANT, REFLECT and SYMMETRIC are known")
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    pairs = paddings
    if not isinstance(pairs, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise Illegal(
            "`paddings` is no list of pairs", "paddings", "write for example `[[0, 0], [1, 1], [1, 1], [0, 0]]`"
        )
    if not b.has_batch and len(pairs) == len(x.shape) + 1:
        if pairs[0] != (0, 0):
            raise Illegal("`paddings` pads the batch", "paddings", "write `[0, 0]` there")
        pairs = pairs[1:]
    if len(pairs) != len(x.shape):
        raise Illegal(f"`paddings` has {len(pairs)} pairs and the tensor {len(x.shape)} axes", "paddings")
    sizes = list(x.shape)
    demands = []
    for axis, pair in enumerate(pairs):
        n = x.shape[axis]
        for amount in pair:
            if is_unstated(amount):
                n = None
            elif isinstance(amount, bool) or not isinstance(amount, int | Expr):
                raise Illegal("`paddings` holds what is no number", "paddings")
            else:
                held = at_least(amount, 0)
                demands.append(require("limit", held, amount, 0, axis=axis, detail="`paddings`", argument="paddings"))
        if n is None:
            sizes[axis] = None
            continue
        sizes[axis] = n + pair[0] + pair[1]
        for amount in pair if word != "CONSTANT" else ():
            held = above(n, amount) if word == "REFLECT" else at_least(n, amount)
            demands.append(require("limit", held, n, amount, axis=axis, detail=f"{word} padding", argument="paddings"))
    return b.shaped([x], sizes, demands, op="Pad")


@layer("resize")
def resize(
    b: Build,
    size: Any,
    method: Any = "bilinear",
    preserve_aspect_ratio: Any = False,
    antialias: Any = False,
    name: Any = None,
) -> Any:
    """tf.image.resize: the size given."""
    if preserve_aspect_ratio is not False:
        return b.unknown("preserve_aspect_ratio makes the size depend on both axes")
    return resized(b, size, None, ("size", "size"))


@layer("resize_with_crop_or_pad")
def resize_with_crop_or_pad(b: Build, target_height: Any, target_width: Any) -> Any:
    """tf.image.resize_with_crop_or_pad: the size given."""
    return resized(b, (target_height, target_width), None, ("target_height", "target_height"))


@layer("depth_to_space space_to_depth")
def depth_and_space(b: Build, block_size: Any, data_format: Any = None, name: Any = None) -> Any:
    """tf.nn.depth_to_space, space_to_depth: blocks of at least 2 that divide."""
    _last(b, data_format)
    if isinstance(block_size, bool) or not isinstance(block_size, int) or block_size < 2:
        raise Illegal(f"`block_size` is {block_size}; it is a number above 1", "block_size")
    return shuffled(b, block_size, "block_size", up=b.type == "depth_to_space")


@layer("concat", sources=None)
def concat_function(b: Build, axis: Any, name: Any = None) -> Any:
    """tf.concat: along an axis counted with the batch."""
    sources = several(b)
    rank = next((len(each.shape) for each in sources if each.shape is not None), None)
    return b.unknown("the sizes that enter it are not known") if rank is None else concat(b, place_of(b, axis, rank))


@layer("reshape")
def reshape(b: Build, shape: Any, name: Any = None) -> Any:
    """tf.reshape: the shape with the batch, which the file leaves out, in front."""
    dims = shape if isinstance(shape, tuple) else (shape,)
    if b.has_batch:
        return reshaped(b, dims, "shape")
    if len(dims) < 2 or (dims[0] != -1 and not is_unstated(dims[0])):
        return b.unknown("it may move size into the batch")
    if b.x.shape is not None and -1 in dims[1:]:
        raise Illegal("`shape` holds more than one -1", "shape")
    return reshaped(b, dims[1:], "shape")


@layer("reduce_mean reduce_max reduce_min reduce_sum")
def reduce(b: Build, axis: Any = None, keepdims: Any = False, name: Any = None) -> Any:
    """tf.reduce_*: the axes, counted with the batch, go or become 1."""
    x = b.x
    if x.shape is None or axis is None:
        return b.unknown("it may reduce the batch")
    places = {place_of(b, each, len(x.shape)) for each in (axis if isinstance(axis, tuple) else (axis,))}
    kept = [1 if place in places else dim for place, dim in enumerate(x.shape) if keepdims or place not in places]
    return b.shaped([x], kept, op="Reduce")


@layer("squeeze")
def squeeze(b: Build, axis: Any, name: Any = None) -> Any:
    """tf.squeeze: axes of 1, counted with the batch, go."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    places = {place_of(b, each, len(x.shape)) for each in (axis if isinstance(axis, tuple) else (axis,))}
    demands = [
        require("match", equal(x.shape[place], 1), x.shape[place], 1, axis=place, detail="squeeze", argument="axis")
        for place in places
        if x.shape[place] is not None
    ]
    return b.shaped([x], [dim for place, dim in enumerate(x.shape) if place not in places], demands, op="Reshape")
