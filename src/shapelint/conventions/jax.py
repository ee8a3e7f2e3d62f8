"""JAX: flax.linen (0.12) Conv, ConvTranspose, Dense and pools; convolutions of jax.lax (0.10); jax.image.resize.

Kernels take the number of spatial axes from a list; a single number stands for one a spatial axis. In `lax` functions
the kernel is not an array: `kernel_size` stands in its place and, if the channels matter, `features` before it.
Layouts are the file's: `dimension_numbers` says nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal, require
from shapelint.conventions.neutral import concat
from shapelint.conventions.pytorch import channels
from shapelint.conventions.values import is_unstated
from shapelint.size import at_least, larger

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "jax",
    "jax",
    channels_last=True,
    has_batch=True,
    keeps=frozenset(
        """
        relu relu6 gelu silu swish sigmoid tanh softmax log_softmax softplus soft_sign log_sigmoid leaky_relu elu selu
        celu hard_tanh hard_sigmoid hard_silu hard_swish standardize normalize squareplus mish PReLU
        BatchNorm LayerNorm GroupNorm InstanceNorm RMSNorm WeightNorm SpectralNorm Dropout activation
        """.split()
    ),
)
layer = CONVENTION.layer
OF_SAME_SIZE = ("SAME", "SAME_LOWER", "CIRCULAR", "REFLECT", "CAUSAL")


def window(b: Build, kernel: Any, strides: Any, dilation: Any, names: tuple[str, str, str]) -> dict[str, Any]:
    """The window's attributes but its padding; its axes are the last spatial ones, axes before them are batches."""
    if isinstance(kernel, tuple):
        b.rank = len(kernel)
    shape = b.x.shape if b.sources else None
    ahead = 0 if shape is None else len(shape) - 1 - b.rank
    first = b.first if shape is None else ahead + (0 if b.channels_last else 1)
    if shape is not None and ahead < 0:
        raise Illegal(f"`{names[0]}` has {b.rank} numbers and the input {len(shape)} axes", names[0])
    return {
        "rank": b.rank,
        "first": first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": b.per_axis(kernel, names[0], least=1),
        "strides": b.per_axis(1 if strides is None else strides, names[1], least=1),
        "dilations": b.per_axis(1 if dilation is None else dilation, names[2], least=1),
    }


def pairs(b: Build, padding: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Explicit paddings: a number, a number an axis, or a pair an axis; negative ones cut."""
    values = padding if isinstance(padding, tuple) else (padding,) * b.rank
    if len(values) != b.rank:
        message = f"`padding` has {len(values)} entries and the kernel {b.rank} spatial axes"
        raise Illegal(message, "padding", "write a pair an axis: `((1, 1), (2, 2))`")
    both = [each if isinstance(each, tuple) else (each, each) for each in values]
    if any(len(each) != 2 for each in both):
        raise Illegal("`padding` holds what is no pair", "padding", "write a pair an axis: `((1, 1), (2, 2))`")
    begins = b.per_axis(tuple([each[0] for each in both]), "padding")
    return begins, b.per_axis(tuple([each[1] for each in both]), "padding")


def padded(b: Build, padding: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of a padding: a word of `known`, or numbers."""
    if is_unstated(padding):
        return {"pads": (None,) * (2 * b.rank)}
    if isinstance(padding, str):
        if padding not in known:
            raise Illegal(f"`padding` is {padding!r}", "padding", f"write {', '.join(known)} or pairs of numbers")
        return {"mode": "valid" if padding == "VALID" else "same"}
    begins, ends = pairs(b, padding)
    return {"pads": (*begins, *ends)}


def convolved(
    b: Build, attributes: dict[str, Any], padding: Any, dilated: Any, name: str, known: tuple[str, ...]
) -> Any:
    """The convolution with these attributes of the input dilated by `dilated`, which strings for `padding` exclude."""
    attributes.update(padded(b, padding, known))
    if padding == "CAUSAL" and b.rank != 1:
        raise Illegal(
            f"padding='CAUSAL' is for 1-D convolutions and this is {b.rank}-D", "padding", "write pairs of numbers"
        )
    factors = b.per_axis(1 if dilated is None else dilated, name, least=1)
    x = b.x
    if any(factor != 1 for factor in factors):
        if isinstance(padding, str):
            raise Illegal(f"padding={padding!r} is not implemented with `{name}`", "padding", "write pairs of numbers")
        if x.shape is not None:
            sizes = list(x.shape)
            for axis, factor in enumerate(factors, attributes["first"]):
                n = sizes[axis]
                sizes[axis] = None if n is None or factor is None else larger((n - 1) * factor + 1, 0)
            x = b.shaped([x], sizes, part=name)
    return b.node("Conv", [x], attributes)


@layer("Conv")
def conv(
    b: Build,
    features: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "SAME",
    input_dilation: Any = 1,
    kernel_dilation: Any = 1,
    feature_group_count: Any = 1,
    use_bias: Any = True,
    mask: Any = None,
    dtype: Any = None,
    param_dtype: Any = None,
    precision: Any = None,
    kernel_init: Any = None,
    bias_init: Any = None,
    name: Any = None,
) -> Any:
    """flax.linen.Conv: SAME, VALID, CIRCULAR, REFLECT, CAUSAL (1-D), numbers or pairs."""
    attributes = window(b, kernel_size, strides, kernel_dilation, ("kernel_size", "strides", "kernel_dilation"))
    attributes.update(grouped(b, features, feature_group_count))
    return convolved(b, attributes, padding, input_dilation, "input_dilation", ("VALID", *OF_SAME_SIZE))


def grouped(b: Build, features: Any, groups: Any) -> dict[str, Any]:
    """The channel attributes, with flax's names in what is refused."""
    try:
        return channels(b, None, features, groups)
    except Illegal as error:
        word, ours = (
            ("features", "out_channels") if "out_channels" in error.message else ("feature_group_count", "groups")
        )
        raise Illegal(error.message.replace(ours, word), word, error.remedy) from None


@layer("conv_general_dilated", leading="features")
def conv_general_dilated(
    b: Build,
    features: Any,
    kernel_size: Any,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any = None,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    feature_group_count: Any = 1,
    batch_group_count: Any = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """jax.lax.conv_general_dilated: SAME, SAME_LOWER, VALID, or pairs, which may be negative."""
    attributes = window(b, kernel_size, window_strides, rhs_dilation, ("kernel_size", "window_strides", "rhs_dilation"))
    attributes.update(grouped(b, features, feature_group_count))
    if batch_group_count != 1:
        return b.unknown("`batch_group_count` is not modelled")
    return convolved(b, attributes, padding, lhs_dilation, "lhs_dilation", ("SAME", "SAME_LOWER", "VALID"))


@layer("conv", leading="features")
def lax_conv(
    b: Build,
    features: Any,
    kernel_size: Any,
    window_strides: Any,
    padding: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """jax.lax.conv: SAME, SAME_LOWER or VALID."""
    return conv_general_dilated(b, features, kernel_size, window_strides, padding)


@layer("ConvTranspose")
def conv_transpose(
    b: Build,
    features: Any,
    kernel_size: Any,
    strides: Any = None,
    padding: Any = "SAME",
    kernel_dilation: Any = None,
    use_bias: Any = True,
    mask: Any = None,
    dtype: Any = None,
    param_dtype: Any = None,
    precision: Any = None,
    kernel_init: Any = None,
    bias_init: Any = None,
    transpose_kernel: Any = False,
    name: Any = None,
) -> Any:
    """flax.linen.ConvTranspose: SAME and CIRCULAR n*s, VALID n*s + max(ke - s, 0), numbers or pairs as lax has them."""
    attributes = window(b, kernel_size, strides, kernel_dilation, ("kernel_size", "strides", "kernel_dilation"))
    attributes.update(grouped(b, features, 1))
    attributes.update(padded(b, padding, ("SAME", "VALID", "CIRCULAR")))
    return b.node("ConvTranspose", [b.x], attributes)


@layer("conv_transpose", leading="features")
def lax_conv_transpose(
    b: Build,
    features: Any,
    kernel_size: Any,
    strides: Any,
    padding: Any,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    transpose_kernel: Any = False,
    precision: Any = None,
    preferred_element_type: Any = None,
    use_consistent_padding: Any = False,
) -> Any:
    """jax.lax.conv_transpose: pairs pad the dilated input.

    With `use_consistent_padding` they are the padding of the convolution that it undoes.
    """
    attributes = window(b, kernel_size, strides, rhs_dilation, ("kernel_size", "strides", "rhs_dilation"))
    attributes.update(grouped(b, features, 1))
    attributes.update(padded(b, padding, ("SAME", "VALID")))
    if use_consistent_padding and "pads" in attributes:
        around = [
            None if k is None or d is None else d * (k - 1)
            for k, d in zip(attributes["kernel"], attributes["dilations"], strict=True)
        ]
        attributes["pads"] = tuple(
            [
                None if most is None or each is None else most - each
                for most, each in zip(around * 2, attributes["pads"], strict=True)
            ]
        )
    return b.node("ConvTranspose", [b.x], attributes)


def pooled(b: Build, op: str, window_shape: Any, strides: Any, padding: Any) -> Any:
    """A pool of flax: strides of 1 and VALID by default; a padding that cuts is not modelled."""
    attributes = window(b, window_shape, strides, 1, ("window_shape", "strides", "strides"))
    attributes.update(padded(b, padding, ("SAME", "SAME_LOWER", "VALID")))
    pads = attributes.get("pads", ())
    attributes["pads"] = tuple([None if pad is None or pad < 0 else pad for pad in pads]) or (0,) * (2 * b.rank)
    return b.node(op, [b.x], attributes)


@layer("max_pool min_pool")
def max_pool(b: Build, window_shape: Any, strides: Any = None, padding: Any = "VALID") -> Any:
    """flax.linen.max_pool, min_pool: the stride is 1 unless it is given."""
    return pooled(b, "MaxPool", window_shape, strides, padding)


@layer("avg_pool")
def avg_pool(
    b: Build, window_shape: Any, strides: Any = None, padding: Any = "VALID", count_include_pad: Any = True
) -> Any:
    """flax.linen.avg_pool: the stride is 1 unless it is given."""
    return pooled(b, "AveragePool", window_shape, strides, padding)


@layer("resize")
def resize(b: Build, shape: Any, method: Any = "nearest", antialias: Any = True, precision: Any = None) -> Any:
    """jax.image.resize: the whole shape, batch and channels included."""
    x = b.x
    if not isinstance(shape, tuple):
        raise Illegal(
            "`shape` is one number; jax.image.resize takes the whole shape", "shape", "write `(N, 64, 64, C)`"
        )
    if x.shape is not None and len(shape) != len(x.shape):
        remedy = f"give all {len(x.shape)} sizes, batch and channels included"
        raise Illegal(f"`shape` has {len(shape)} sizes and the input {len(x.shape)} axes", "shape", remedy)
    methods = (
        "nearest",
        "linear",
        "bilinear",
        "trilinear",
        "triangle",
        "cubic",
        "bicubic",
        "tricubic",
        "lanczos3",
        "lanczos5",
    )
    if method not in methods and not is_unstated(method):
        raise Illegal(f"`method` is {method!r}", "method", f"{', '.join(methods)} are known")
    demands = [
        require("empty", at_least(size, 0), size, axis=axis, detail="`shape`", argument="shape")
        for axis, size in enumerate(shape)
        if not is_unstated(size)
    ]
    return b.shaped([x], shape, demands, op="Resize")


@layer("Dense")
def dense(
    b: Build,
    features: Any,
    use_bias: Any = True,
    dtype: Any = None,
    param_dtype: Any = None,
    precision: Any = None,
    kernel_init: Any = None,
    bias_init: Any = None,
    name: Any = None,
) -> Any:
    """flax.linen.Dense: the last axis."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    leaving = grouped(b, features, 1)["out_channels"]
    return b.shaped([x], (*x.shape[:-1], leaving), op="Linear")


@layer("pad")
def pad(b: Build, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    """jax.numpy.pad: a pair for every axis, batch and channels included; one number or one pair stands for all."""
    x = b.x
    if x.shape is None:
        return b.unknown("the size that enters it is not known")
    rank = len(x.shape)
    if not isinstance(pad_width, tuple):
        widths: tuple[Any, ...] = ((pad_width, pad_width),) * rank
    elif pad_width and not isinstance(pad_width[0], tuple):
        widths = (pad_width if len(pad_width) == 2 else pad_width * 2,) * rank
    else:
        widths = pad_width * rank if len(pad_width) == 1 else pad_width
    if len(widths) != rank or any(not isinstance(each, tuple) or len(each) != 2 for each in widths):
        raise Illegal(
            f"`pad_width` does not have a pair for each of {rank} axes", "pad_width", "write `((0, 0), (1, 1), ...)`"
        )
    sizes = []
    for n, (before, after) in zip(x.shape, widths, strict=True):
        for amount in (before, after):
            if isinstance(amount, int) and amount < 0:
                raise Illegal(f"`pad_width` holds {amount}; each is at least 0", "pad_width", "cut with `Crop`")
        stated = n is not None and not is_unstated(before) and not is_unstated(after)
        sizes.append(n + before + after if stated else None)
    return b.shaped([x], sizes, op="Pad")


@layer("concatenate", sources=None)
def concatenate(b: Build, axis: Any = 0) -> Any:
    """jax.numpy.concatenate."""
    return concat(b, axis)
