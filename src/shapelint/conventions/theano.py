"""Theano: conv2d with its border modes, the gradient as a transposed convolution, and pools (Theano-PyMC 1.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint.conventions import Convention, Illegal
from shapelint.conventions.neutral import sizes_of
from shapelint.conventions.pytorch import channels
from shapelint.conventions.values import is_unstated

if TYPE_CHECKING:
    from shapelint.conventions import Build

CONVENTION = Convention(
    "theano",
    "theano",
    channels_last=False,
    has_batch=True,
    keeps=frozenset(
        """
        relu elu selu sigmoid ultra_fast_sigmoid hard_sigmoid softplus softmax logsoftmax tanh batch_normalization
        batch_normalization_train batch_normalization_test dropout
        """.split()
    ),
)
layer = CONVENTION.layer


def border(b: Build, mode: Any, kernel: tuple[Any, ...], dilations: tuple[Any, ...]) -> tuple[Any, ...]:
    """A border mode's paddings, begins, then ends: valid 0, half ke//2, full ke - 1, numbers, or a pair an axis."""
    extents = [None if k is None or d is None else d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if isinstance(mode, str):
        if mode not in ("valid", "half", "full"):
            remedy = "write 'half'" if mode == "same" else "write 'valid', 'half', 'full' or numbers"
            raise Illegal(f"`border_mode` is {mode!r}", "border_mode", remedy)
        whole = [None if ke is None else {"valid": 0, "half": ke // 2, "full": ke - 1}[mode] for ke in extents]
        return (*whole, *whole)
    values = mode if isinstance(mode, tuple) else (mode,) * b.rank
    if len(values) != b.rank:
        message = f"`border_mode` has {len(values)} entries and the input {b.rank} spatial axes"
        raise Illegal(message, "border_mode", "write a number or a pair an axis: `((2, 0), (1, 1))`")
    both = [each if isinstance(each, tuple) else (each, each) for each in values]
    if any(len(each) != 2 for each in both):
        raise Illegal("`border_mode` holds what is no pair", "border_mode", "write a pair an axis: `((2, 0), (1, 1))`")
    begins = b.per_axis(tuple([each[0] for each in both]), "border_mode", least=0)
    return (*begins, *b.per_axis(tuple([each[1] for each in both]), "border_mode", least=0))


def window(
    b: Build, filters: Any, kernel: Any, subsample: Any, border_mode: Any, filter_dilation: Any
) -> dict[str, Any]:
    """The attributes of a convolution."""
    sizes = b.per_axis(kernel, "kernel", least=1)
    dilations = b.per_axis(filter_dilation, "filter_dilation", least=1)
    pads = (None,) * (2 * b.rank) if is_unstated(border_mode) else border(b, border_mode, sizes, dilations)
    try:
        leaving = channels(b, None, filters, 1)["out_channels"]
    except Illegal as error:
        raise Illegal(error.message.replace("out_channels", "filters"), "filters", error.remedy) from None
    return {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": sizes,
        "strides": b.per_axis(subsample, "subsample", least=1),
        "dilations": dilations,
        "pads": pads,
        "out_channels": leaving,
    }


@layer("Conv1D Conv2D Conv3D conv2d conv3d")
def conv(
    b: Build,
    filters: Any,
    kernel: Any,
    subsample: Any = 1,
    border_mode: Any = "valid",
    filter_dilation: Any = 1,
    num_groups: Any = 1,
) -> Any:
    """theano.tensor.nnet.conv2d: (n + P - ke)//subsample + 1; `half` with an even kernel adds one."""
    attributes = window(b, filters, kernel, subsample, border_mode, filter_dilation)
    if isinstance(num_groups, bool) or not isinstance(num_groups, int) or num_groups < 1:
        raise Illegal("`num_groups` is no number above 0", "num_groups")
    return b.node("Conv", [b.x], {**attributes, "groups": num_groups})


@layer("Conv1DTranspose Conv2DTranspose Conv3DTranspose")
def conv_transpose(
    b: Build,
    filters: Any,
    kernel: Any,
    subsample: Any = 1,
    border_mode: Any = "valid",
    filter_dilation: Any = 1,
    output_shape: Any = None,
) -> Any:
    """theano.tensor.nnet.abstract_conv.conv2d_grad_wrt_inputs; `output_shape` holds the spatial sizes.

    With subsample 1 the size is n + ke - 1 - P; with s above 1 a convolution maps s sizes to n and one has to be named.
    """
    attributes = window(b, filters, kernel, subsample, border_mode, filter_dilation)
    if output_shape is not None:
        attributes["output_size"] = sizes_of(b, output_shape, b.rank, "output_shape")
    else:
        for stride in attributes["strides"]:
            if stride is not None and stride > 1:
                message = (
                    f"`subsample` is {stride} and no `output_shape` says which of {stride} possible sizes is meant"
                )
                raise Illegal(
                    message, "subsample", "give one of them: `output_shape=...`, or `like=` the layer it undoes"
                )
    return b.node("ConvTranspose", [b.x], attributes)


@layer("Pool Pool2D Pool3D pool_2d pool_3d MaxPool2D MaxPool3D AveragePool2D AveragePool3D")
def pool(b: Build, ws: Any, ignore_border: Any = False, stride: Any = None, pad: Any = 0, mode: Any = "max") -> Any:
    """theano.tensor.signal.pool.pool_2d: keeps the border by default; a `pad` needs ignore_border=True."""
    modes = ("max", "sum", "average_inc_pad", "average_exc_pad")
    if mode not in modes:
        raise Illegal(f"`mode` is {mode!r}", "mode", f"{', '.join(modes)} are known")
    kernel = b.per_axis(ws, "ws", least=1)
    pads = b.per_axis(pad, "pad", least=0)
    if not ignore_border and any(each not in (0, None) for each in pads):
        raise Illegal("`pad` works only with ignore_border=True", "pad", "add `ignore_border=True`")
    for each, k in zip(pads, kernel, strict=True):
        if each is not None and k is not None and each >= k:
            raise Illegal(f"`pad` is {each} and `ws` {k}; the padding is smaller than the window", "pad")
    attributes = {
        "rank": b.rank,
        "first": b.first,
        "channel": -1 if b.channels_last else b.first - 1,
        "kernel": kernel,
        "strides": kernel if stride is None else b.per_axis(stride, "stride", least=1),
        "pads": pads * 2,
        "mode": "explicit" if ignore_border else "border",
    }
    return b.node("MaxPool" if mode == "max" else "AveragePool", [b.x], attributes)
