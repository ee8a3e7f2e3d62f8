"""Keras: the signatures of keras.layers (3.15) on the TensorFlow backend; shapes are written without the batch."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from shapelint.conventions import Convention, Illegal, require
from shapelint.conventions.neutral import concat, several, sizes_of
from shapelint.conventions.pytorch import reshaped
from shapelint.conventions.values import is_unstated
from shapelint.size import Expr, at_least, equal, product

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.conventions import Build, LayerFunction

CONVENTION = Convention(
    "keras",
    "keras",
    channels_last=True,
    has_batch=False,
    keeps=frozenset(
        """
        Activation ReLU LeakyReLU PReLU ELU Softmax ThresholdedReLU
        BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
        InstanceNormalization Normalization Rescaling Masking ActivityRegularization
        Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise
        RandomFlip RandomRotation RandomTranslation RandomZoom RandomContrast RandomBrightness
        relu relu6 leaky_relu elu selu gelu silu swish mish sigmoid hard_sigmoid hard_swish tanh softplus
        softsign softmax
        """.split()
    ),
)

_EVERY_LAYER: Final = (
    "name trainable dtype autocast activity_regularizer input_shape batch_input_shape input_dim weights"
)
_BY_NAME: Final = ("output_padding", "output_shape")
"""Parameters that no layer takes by position; `output_padding` Keras 2 does, between `padding` and `data_format`."""
_CONV: Final = (
    "activation use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint lora_rank lora_alpha"
)
_DEPTHWISE: Final = (
    "activation use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
    "activity_regularizer depthwise_constraint bias_constraint"
)
_SEPARABLE: Final = (
    "activation use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer "
    "pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint "
    "bias_constraint"
)


def layer(
    names: str, *, sources: int | None = 1, also: str = "", of: Convention = CONVENTION
) -> Callable[[LayerFunction], LayerFunction]:
    """Register a layer; after its own parameters it takes those of `also` and of every layer, which change no size."""

    def register(function: LayerFunction) -> LayerFunction:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        own = {each.name for each in parameters}
        more = [name for name in dict.fromkeys([*also.split(), *_EVERY_LAYER.split()]) if name not in own]

        @wraps(function)
        def call(b: Build, **values: Any) -> Any:
            return function(b, **{name: value for name, value in values.items() if name in own})

        extra = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in more]
        by_name = [each for each in parameters if each.name in _BY_NAME]
        ahead = [each for each in parameters if each.name not in _BY_NAME]
        call.__signature__ = signature.replace(parameters=[*ahead, *extra, *by_name])  # type: ignore[attr-defined]
        of.layer(names, sources=sources)(call)
        return function

    return register


def check_format(b: Build, data_format: Any) -> None:
    """The data format is the file's layout, which says where the axes are."""
    own = "channels_last" if b.channels_last else "channels_first"
    if data_format in (None, own) or is_unstated(data_format):
        return
    if data_format not in ("channels_last", "channels_first"):
        raise Illegal(f"`data_format` is {data_format!r}", "data_format", "write 'channels_last' or 'channels_first'")
    remedy = f"write `layout: {data_format}` at the head of the file"
    raise Illegal(f"`data_format` is '{data_format}' and the layout of the file is {own}", "data_format", remedy)


def check_order(b: Build, data_format: Any) -> None:
    """The same of a transposed convolution, where Keras 2 has the output padding in this place."""
    if isinstance(data_format, int | tuple):
        raise Illegal(f"`data_format` is {data_format}", "data_format", f"write `output_padding={data_format}` by name")
    check_format(b, data_format)


def window(
    b: Build, kernel: Any, strides: Any, padding: Any, dilation: Any, also: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The window's attributes; `also`: further words for the padding. Raises Illegal where Keras makes no layer."""
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in ("valid", "same", *also) and not is_unstated(mode):
        words = "'valid', 'same' or 'causal'" if "causal" in also else "'valid' or 'same'"
        raise Illegal(f"`padding` is {padding!r}", "padding", f"write {words}")
    steps = b.per_axis(strides, "strides", least=1)
    rates = b.per_axis(dilation, "dilation_rate", least=1)
    if any((each or 1) > 1 for each in steps) and any((each or 1) > 1 for each in rates):
        message = "`strides` above 1 and `dilation_rate` above 1 are not supported together"
        raise Illegal(message, "dilation_rate", "leave one of them at 1")
    sizes = b.per_axis(kernel, "kernel_size", least=1)
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": (None,) * b.rank if is_unstated(mode) else sizes,
        "strides": steps,
        "dilations": rates,
        "pads": (0,) * (2 * b.rank),
        "mode": "" if is_unstated(mode) else mode,
    }


def count(value: Any, name: str) -> Any:
    """`value` as a number of at least 1; None where nobody states it."""
    if value is None or is_unstated(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Expr):
        raise Illegal(f"`{name}` is no number", name)
    if isinstance(value, int) and value < 1:
        raise Illegal(f"`{name}` is {value}; it is at least 1", name)
    return value


def entering(b: Build) -> Any:
    """The channels that enter; None where they are unknown."""
    x = b.x
    return None if x.shape is None or x.channel is None else x.shape[x.channel]


@layer("Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D", also=_CONV)
def conv(
    b: Build,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    groups: Any = 1,
) -> Any:
    """keras.layers.Conv1D/2D/3D."""
    check_format(b, data_format)
    attributes = window(
        b, kernel_size, strides, padding, dilation_rate, ("full", "causal") if b.rank == 1 else ("full",)
    )
    leaving = count(filters, "filters")
    if isinstance(leaving, int) and isinstance(groups, int) and groups > 0 and leaving % groups:
        raise Illegal(f"`filters` is {leaving}, which {groups} `groups` do not divide", "groups")
    return b.node("Conv", [b.x], {**attributes, "out_channels": leaving, "groups": count(groups, "groups") or 1})


@layer("SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D", also=_SEPARABLE)
def separable_conv(
    b: Build,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    depth_multiplier: Any = 1,
) -> Any:
    """keras.layers.SeparableConv1D/2D."""
    check_format(b, data_format)
    attributes = window(b, kernel_size, strides, padding, dilation_rate)
    return b.node("Conv", [b.x], {**attributes, "out_channels": count(filters, "filters")})


@layer("DepthwiseConv1D DepthwiseConv2D", also=_DEPTHWISE)
def depthwise_conv(
    b: Build,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    depth_multiplier: Any = 1,
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """keras.layers.DepthwiseConv1D/2D."""
    check_format(b, data_format)
    attributes = window(b, kernel_size, strides, padding, dilation_rate)
    have, times = entering(b), count(depth_multiplier, "depth_multiplier")
    return b.node(
        "Conv", [b.x], {**attributes, "out_channels": None if have is None or times is None else have * times}
    )


def transposed(b: Build, filters: Any, attributes: dict[str, Any], output_padding: Any) -> Any:
    """A transposed convolution; an output padding of None is inferred."""
    if output_padding is not None:
        attributes["output_padding"] = b.per_axis(output_padding, "output_padding", least=0)
    return b.node("ConvTranspose", [b.x], {**attributes, "out_channels": count(filters, "filters")})


@layer(
    "Conv1DTranspose Conv2DTranspose Conv3DTranspose "
    "Convolution1DTranspose Convolution2DTranspose Convolution3DTranspose Deconvolution2D Deconvolution3D",
    also=_CONV,
)
def conv_transpose(
    b: Build,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    output_padding: Any = None,
) -> Any:
    """keras.layers.Conv1DTranspose/2D/3D."""
    check_order(b, data_format)
    return transposed(b, filters, window(b, kernel_size, strides, padding, dilation_rate, ("full",)), output_padding)


@layer(
    "MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D MaxPool3D "
    "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D"
)
def pool(b: Build, pool_size: Any = 2, strides: Any = None, padding: Any = "valid", data_format: Any = None) -> Any:
    """keras.layers.MaxPooling*, AveragePooling*: the strides are the pool size unless given."""
    check_format(b, data_format)
    b.per_axis(pool_size, "pool_size", least=1)
    attributes = window(b, pool_size, pool_size if strides is None else strides, padding, 1)
    return b.node("MaxPool" if b.type.startswith("Max") else "AveragePool", [b.x], attributes)


@layer(
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D "
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
    "GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D"
)
def global_pool(b: Build, data_format: Any = None, keepdims: Any = False) -> Any:
    """keras.layers.Global*Pooling*: the spatial axes go, or become 1."""
    check_format(b, data_format)
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    first, stop = x.spatial
    middle = (1,) * (stop - first) if keepdims else ()
    return b.shaped([x], (*x.shape[:first], *middle, *x.shape[stop:]), op="GlobalPool")


@layer(
    "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
    "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D"
)
def adaptive_pool(b: Build, output_size: Any, data_format: Any = None) -> Any:
    """keras.layers.Adaptive*Pooling*: the size given."""
    check_format(b, data_format)
    return sized(b, output_size, "output_size", op="AdaptivePool")


def sized(b: Build, size: Any, name: str, *, op: str) -> Any:
    """The source with this spatial size."""
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    first, stop = x.spatial
    values = size if isinstance(size, tuple) else (size,) * (stop - first)
    for each in values:
        if isinstance(each, int) and each < 1:
            raise Illegal(f"`{name}` is {each}; it is at least 1", name)
    return b.shaped([x], (*x.shape[:first], *sizes_of(b, values, stop - first, name), *x.shape[stop:]), op=op)


@layer("Resizing")
def resizing(
    b: Build,
    height: Any,
    width: Any,
    interpolation: Any = "bilinear",
    crop_to_aspect_ratio: Any = False,
    pad_to_aspect_ratio: Any = False,
    fill_mode: Any = "constant",
    fill_value: Any = 0.0,
    antialias: Any = False,
    data_format: Any = None,
) -> Any:
    """keras.layers.Resizing."""
    check_format(b, data_format)
    return sized(b, (height, width), "height", op="Resize")


@layer("CenterCrop RandomCrop")
def center_crop(b: Build, height: Any, width: Any, data_format: Any = None, seed: Any = None) -> Any:
    """keras.layers.CenterCrop, RandomCrop: a smaller image is resized, so every size leaves as this one."""
    check_format(b, data_format)
    return sized(b, (height, width), "height", op="Slice")


@layer("UpSampling1D UpSampling2D UpSampling3D")
def up_sampling(b: Build, size: Any = 2, data_format: Any = None, interpolation: Any = "nearest") -> Any:
    """keras.layers.UpSampling*: each size times a whole number."""
    check_format(b, data_format)
    x = b.x
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    factors = b.per_axis(size, "size", least=1)
    first, stop = x.spatial
    if len(factors) != stop - first:
        raise Illegal(f"`{b.type}` reads {b.rank} spatial axes and gets {stop - first}")
    sizes = [None if None in (n, times) else n * times for n, times in zip(x.shape[first:stop], factors, strict=True)]
    return b.shaped([x], (*x.shape[:first], *sizes, *x.shape[stop:]), op="Resize")


def ends(b: Build, value: Any, name: str) -> list[tuple[Any, Any]]:
    """Amounts before and after each spatial axis: a number, one an axis, or two an axis (1-D: two numbers)."""
    values = (value,) if b.rank == 1 else value if isinstance(value, tuple) else (value,) * b.rank
    if len(values) != b.rank:
        raise Illegal(f"`{name}` has {len(values)} entries and `{b.type}` {b.rank} spatial axes", name)
    found: list[tuple[Any, Any]] = []
    for each in values:
        pair = each if isinstance(each, tuple) else (each, each)
        if len(pair) != 2:
            raise Illegal(f"`{name}` holds {len(pair)} numbers where two are needed", name)
        for amount in pair:
            if is_unstated(amount):
                continue
            if isinstance(amount, bool) or not isinstance(amount, int | Expr):
                raise Illegal(f"`{name}` holds what is no number", name)
            if isinstance(amount, int) and amount < 0:
                raise Illegal(f"`{name}` holds {amount}; amounts are at least 0", name)
        found.append((None if is_unstated(pair[0]) else pair[0], None if is_unstated(pair[1]) else pair[1]))
    return found


def moved(b: Build, value: Any, name: str, sign: int) -> Any:
    """The source padded or cropped; a crop leaves at least 1."""
    x = b.x
    amounts = ends(b, value, name)
    if x.shape is None or x.spatial is None:
        return b.unknown("the size that enters it is not known")
    first, stop = x.spatial
    if stop - first != b.rank:
        raise Illegal(f"`{b.type}` reads {b.rank} spatial axes and gets {stop - first}")
    sizes = list(x.shape)
    demands = []
    for axis, (before, after) in enumerate(amounts, first):
        n = x.shape[axis]
        if n is None or before is None or after is None:
            sizes[axis] = None
            continue
        sizes[axis] = result = n + (before + after) * sign
        for amount in (before, after):
            if isinstance(amount, Expr):
                demands.append(
                    require("limit", at_least(amount, 0), amount, 0, axis=axis, detail=f"`{name}`", argument=name)
                )
        if sign < 0:
            held = at_least(result, 1)
            demands.append(require("empty", held, result, n, axis=axis, detail=f"`{name}`", argument=name))
    return b.shaped([x], sizes, demands, op="Pad" if sign > 0 else "Slice")


@layer("ZeroPadding1D ZeroPadding2D ZeroPadding3D")
def zero_padding(b: Build, padding: Any = 1, data_format: Any = None) -> Any:
    """keras.layers.ZeroPadding*."""
    check_format(b, data_format)
    return moved(b, padding, "padding", 1)


@layer("Cropping1D Cropping2D Cropping3D")
def cropping(b: Build, cropping: Any = None, data_format: Any = None) -> Any:
    """keras.layers.Cropping*: 1 at each end in 1-D and 3-D, nothing in 2-D, unless given."""
    check_format(b, data_format)
    return moved(b, (0 if b.rank == 2 else 1) if cropping is None else cropping, "cropping", -1)


@layer("Flatten")
def flatten(b: Build, data_format: Any = None) -> Any:
    """keras.layers.Flatten: all axes but the batch as one."""
    check_format(b, data_format)
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    lead = 1 if b.has_batch else 0
    inside = x.shape[lead:]
    total = None if any(dim is None for dim in inside) else product(inside)
    return b.shaped([x], (*x.shape[:lead], total), op="Flatten")


@layer("Reshape")
def reshape(b: Build, target_shape: Any) -> Any:
    """keras.layers.Reshape: the shape without the batch, with one -1."""
    dims = target_shape if isinstance(target_shape, tuple) else (target_shape,)
    lead = 1 if b.has_batch else 0
    return reshaped(b, (*(b.x.shape or ())[:lead], *dims), "target_shape")


@layer("Permute")
def permute(b: Build, dims: Any) -> Any:
    """keras.layers.Permute: the axes in another order, counted from 1, without the batch."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    lead = 1 if b.has_batch else 0
    rank = len(x.shape) - lead
    if not isinstance(dims, tuple) or sorted(dims) != list(range(1, rank + 1)):
        raise Illegal(f"`dims` is no order of the axes 1 to {rank}", "dims")
    return b.shaped([x], (*x.shape[:lead], *(x.shape[lead + dim - 1] for dim in dims)), op="Transpose")


@layer("RepeatVector")
def repeat_vector(b: Build, n: Any) -> Any:
    """keras.layers.RepeatVector: [C] -> [n, C]."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    return b.shaped([x], (*x.shape[:-1], count(n, "n"), x.shape[-1]))


@layer("Dense", also=_CONV)
def dense(b: Build, units: Any) -> Any:
    """keras.layers.Dense: the last axis."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    return b.shaped([x], (*x.shape[:-1], count(units, "units")), op="Linear")


@layer("Input InputLayer")
def input_layer(
    b: Build,
    shape: Any = None,
    batch_size: Any = None,
    dtype: Any = None,
    sparse: Any = None,
    batch_shape: Any = None,
    name: Any = None,
    tensor: Any = None,
) -> Any:
    """keras.Input: what enters, which has the shape that it states; None in it takes every size."""
    x = b.x
    dims = batch_shape if batch_shape is not None and b.has_batch else shape
    if dims is None or x.shape is None:
        return b.same()
    lead = 1 if b.has_batch and dims is shape else 0
    have = x.shape[lead:]
    if not isinstance(dims, tuple) or len(dims) != len(have):
        raise Illegal(f"`shape` is no shape of {len(have)} axes", "shape", "it has to be that of the input above")
    demands = [
        require("match", equal(n, dim), n, dim, axis=axis, detail="the shape of Input", argument="shape")
        for axis, (n, dim) in enumerate(zip(have, dims, strict=True), lead)
        if n is not None and isinstance(dim, int | Expr)
    ]
    return b.shaped([x], x.shape, demands, op="Identity")


def place_of(b: Build, axis: Any, rank: int, name: str = "axis") -> int:
    """The axis of a shape of `rank` axes that a number means which counts the batch as axis 0."""
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise Illegal(f"`{name}` is no number", name)
    lead = 0 if b.has_batch else 1
    if axis == 0 and lead:
        raise Illegal(f"`{name}` is 0, the batch, which the shapes of the file leave out", name)
    place = axis - lead if axis > 0 else axis
    if not -rank <= place < rank:
        raise Illegal(f"`{name}` is {axis} and the source has {rank + lead} axes with the batch", name)
    return place % rank


@layer("Concatenate concatenate", sources=None)
def concatenate(b: Build, axis: Any = -1) -> Any:
    """keras.layers.Concatenate: along an axis counted with the batch."""
    sources = several(b)
    rank = next((len(each.shape) for each in sources if each.shape is not None), None)
    return b.unknown("the sizes that enter it are not known") if rank is None else concat(b, place_of(b, axis, rank))


@layer("Add Subtract Multiply Average Maximum Minimum add subtract multiply average maximum minimum", sources=None)
def merge(b: Build) -> Any:
    """keras.layers.Add, Subtract, Multiply, Average, Maximum, Minimum: element by element, a size of 1 is broadcast."""
    sources = several(b)
    if b.type.lower() == "subtract" and len(sources) != 2:
        raise Illegal(f"`{b.type}` takes two sources and gets {len(sources)}")
    return b.node("Sum", sources)
