"""Operators that slide a window: convolutions, pools, their transposes and inverses.

Arithmetic and legality are those of the ONNX operators; where a runtime departs from the text, the text decides
(ceil-mode pools: the last window starts inside the input or the left padding, at every opset, as ONNX 22,
onnxruntime and PyTorch have it). n is the input size, k the kernel, s the stride, d the dilation, ke = d*(k-1)+1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shapelint.ops.call import INT64, Call, CannotTell, Dim, Shape, Tensor, known
from shapelint.ops.legality import illegal, match
from shapelint.ops.registry import operator
from shapelint.size import Size, at_least, cdiv, divides, equal, larger, product, smaller


@dataclass(frozen=True, slots=True)
class Window:
    """A window's parameters, one number a spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    auto_pad: str = "NOTSET"
    ceil: bool = False
    output_padding: tuple[int, ...] = ()

    def extent(self, axis: int) -> int:
        """ke, the number of elements that the dilated kernel spans."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1


def window_of(call: Call, kernel: tuple[int, ...]) -> Window:
    """The window that the attributes of an ONNX node describe; illegal ones are stated as such."""
    get = call.attributes.get
    found = _window(
        kernel,
        get("pads"),
        get("strides"),
        get("dilations"),
        get("output_padding"),
        get("auto_pad", "NOTSET"),
        get("ceil_mode", 0),
    )
    if isinstance(found, str):
        illegal(call, found)
    return found


@lru_cache(maxsize=4096)
def _window(
    kernel: tuple[int, ...], pads: Any, strides: Any, dilations: Any, output_padding: Any, auto: Any, ceil: Any
) -> Window | str:
    """The window, or what is wrong with it."""
    rank = len(kernel)
    pads = pads or (0,) * (2 * rank)
    strides = strides or (1,) * rank
    dilations = dilations or (1,) * rank
    extra = output_padding or (0,) * rank
    for name, values, length, least in (
        ("kernel_shape", kernel, rank, 1),
        ("pads", pads, 2 * rank, 0),
        ("strides", strides, rank, 1),
        ("dilations", dilations, rank, 1),
        ("output_padding", extra, rank, 0),
    ):
        if len(values) != length:
            return f"`{name}` has {len(values)} numbers where {length} are needed for a {rank}-D kernel"
        if any(value < least for value in values):
            return f"`{name}` holds {min(values)}; each number is at least {least}"
    if auto not in ("NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"):
        return f"`auto_pad` is `{auto}`; NOTSET, VALID, SAME_UPPER and SAME_LOWER are known"
    if auto == "VALID":
        pads = (0,) * (2 * rank)
    return Window(kernel, strides, dilations, pads[:rank], pads[rank:], auto or "NOTSET", bool(ceil), extra)


def _rank_of(call: Call, rank: int, least: int) -> None:
    if rank < least:
        illegal(call, f"the input has {rank} axes where at least {least} are needed")


def slid(call: Call, shape: Shape, window: Window) -> list[Dim]:
    """The spatial sizes that a convolution or pool with this window leaves of `shape`."""
    return [_slid(call, size, window, axis) for axis, size in enumerate(shape[2:])]


def _slid(call: Call, size: Dim, window: Window, axis: int) -> Dim:
    """floor: (n+P-ke)//s + 1 where n+P >= ke; ceil: min(cdiv(n+P-ke, s) + 1, cdiv(n+pb, s)) where that is >= 1.

    The second of these for pe <= ke; a longer padding at the end may leave windows that see nothing else.
    """
    if size is None:
        return None
    stride, extent = window.stride[axis], window.extent(axis)
    if window.auto_pad.startswith("SAME"):
        result = cdiv(size, stride)
        call.require("empty", at_least(result, 1), result, size, axis=axis + 2, detail=_kernel(window, axis))
        return result
    begin, end = window.begin[axis], window.end[axis]
    padded = size + (begin + end)
    room = padded - extent
    if not window.ceil:
        call.require("window", at_least(room, 0), padded, extent, axis=axis + 2, detail=_kernel(window, axis))
        return room // stride + 1
    result = cdiv(room, stride) + 1
    if extent < stride + end:
        # One window fewer where the last starts beyond the input and the padding before it; never two fewer.
        starts = cdiv(size + begin, stride)
        result = smaller(result, starts if end <= extent else larger(result - 1, starts))
    call.require("empty", at_least(result, 1), result, size, axis=axis + 2, detail=_kernel(window, axis))
    return result


def _kernel(window: Window, axis: int) -> str:
    kernel, dilation = window.kernel[axis], window.dilation[axis]
    return f"kernel {kernel}" if dilation == 1 else f"kernel {kernel} with dilation {dilation}"


def kernel_of(call: Call, weight: Tensor, spatial: int) -> tuple[int, ...]:
    """The kernel of a convolution, as its attribute or its weight has it; states that the two agree."""
    kernel = call.numbers("kernel_shape")
    sizes = known(weight.shape[2:]) if weight.shape is not None else None
    if kernel is None:
        if sizes is None:
            raise CannotTell("the kernel's size is not stated and the weight's shape is not known")
        kernel = sizes
    elif sizes is not None and sizes != tuple(kernel):
        illegal(call, f"`kernel_shape` is {list(kernel)} and the weight's is {list(sizes)}")
    if len(kernel) != spatial:
        illegal(call, f"the kernel has {len(kernel)} axes and the input {spatial} spatial ones")
    return tuple(kernel)


def _channels(call: Call, x: Tensor, weight: Tensor, group: int) -> Dim:
    """State that the input has the weight's channels; the number of channels that leave."""
    assert x.shape is not None
    if weight.shape is None:
        return None
    leaving, entering = weight.shape[0], weight.shape[1]
    have = x.shape[1]
    if have is not None and entering is not None:
        wanted = entering * group
        call.require("channels", equal(have, wanted), have, wanted, axis=1, operands=(0, 1), detail=_grouped(group))
    if leaving is not None:
        call.require(
            "argument", divides(group, leaving), leaving, group, detail=f"{leaving} channels leave in {group} groups"
        )
    return leaving


def _grouped(group: int) -> str:
    return "" if group == 1 else f"in {group} groups"


def _bias(call: Call, bias: Tensor | None, channels: Dim, place: int) -> None:
    if bias is None or bias.shape is None or channels is None:
        return
    if len(bias.shape) != 1:
        illegal(call, f"the bias has {len(bias.shape)} axes where one is needed")
    have = bias.shape[0]
    if have is not None:
        call.require("channels", equal(have, channels), have, channels, operands=(place, 1), detail="the bias")


def _grouped_window(call: Call, rank: int, weight: Tensor) -> tuple[Window, int]:
    """The window of a convolution over `rank` axes, and its number of groups."""
    _rank_of(call, rank, 3)
    if weight.shape is not None and len(weight.shape) != rank:
        illegal(call, f"the weight has {len(weight.shape)} axes and the input {rank}")
    window = window_of(call, kernel_of(call, weight, rank - 2))
    group = call.number("group", 1)
    if group < 1:
        illegal(call, f"`group` is {group}; it is at least 1")
    return window, group


def convolve(call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, bias_place: int) -> Shape | None:
    """The shape that a convolution gives, [N, M, *spatial]."""
    if x.shape is None:
        return None
    computed = call.numbers("kernel_shape") is None and weight.shape is not None and known(weight.shape[2:]) is None
    window, group = _grouped_window(call, len(x.shape), _of_pixels(weight) if computed else weight)
    channels = _channels(call, x, weight, group)
    _bias(call, bias, channels, bias_place)
    spatial = _slid_by(call, x.shape, weight.shape or (), window) if computed else slid(call, x.shape, window)
    return (x.shape[0], channels, *spatial)


def _of_pixels(weight: Tensor) -> Tensor:
    """A weight with kernels of 1 in the place of its own."""
    shape = weight.shape or ()
    return Tensor(weight.dtype, (*shape[:2], *[1] * (len(shape) - 2)))


def _slid_by(call: Call, shape: Shape, weight: Shape, window: Window) -> list[Dim]:
    """The sizes that a kernel leaves which is computed itself, as the weight of a correlation is.

    `window` has its other parameters.
    """
    spatial: list[Dim] = []
    for axis, (size, kernel) in enumerate(zip(shape[2:], weight[2:], strict=True)):
        if window.auto_pad.startswith("SAME"):
            spatial.append(_slid(call, size, window, axis))
        elif size is None or kernel is None:
            spatial.append(None)
        else:
            padded = size + (window.begin[axis] + window.end[axis])
            extent = (kernel - 1) * window.dilation[axis] + 1
            call.require("argument", at_least(kernel, 1), kernel, 1, axis=axis + 2, operands=(1, -1), detail="kernel")
            call.require("window", at_least(padded, extent), padded, extent, axis=axis + 2, detail=f"kernel {kernel}")
            spatial.append((padded - extent) // window.stride[axis] + 1)
    return spatial


@operator("Conv")
def conv(call: Call) -> Tensor:
    """ONNX Conv-1/11/22."""
    x = call.operand(0)
    return Tensor(x.dtype, convolve(call, x, call.operand(1), call.input(2), 2))


@operator("ConvInteger")
def conv_integer(call: Call) -> Tensor:
    """ONNX ConvInteger-10: int32 results."""
    return Tensor(6, convolve(call, call.operand(0), call.operand(1), None, -1))


@operator("QLinearConv")
def qlinear_conv(call: Call) -> Tensor:
    """ONNX QLinearConv-10: the type of y_zero_point."""
    shape = convolve(call, call.operand(0), call.operand(3), call.input(8), 8)
    return Tensor(call.operand(7).dtype, shape)


@operator("DeformConv")
def deform_conv(call: Call) -> Tensor:
    """ONNX DeformConv-19/22: the offset and the mask have the size of the result."""
    x, offset, mask = call.operand(0), call.operand(2), call.input(4)
    shape = convolve(call, x, call.operand(1), call.input(3), 3)
    if shape is None:
        return Tensor(x.dtype)
    for place, tensor, what in ((2, offset, "the offset"), (4, mask, "the mask")):
        if tensor is None or tensor.shape is None:
            continue
        for axis, (have, wanted) in enumerate(zip(tensor.shape[2:], shape[2:], strict=False), 2):
            if have is not None and wanted is not None:
                call.require("match", equal(have, wanted), have, wanted, axis=axis, operands=(place, -1), detail=what)
    return Tensor(x.dtype, shape)


# -- transposed ------------------------------------------------------------------------------------------------------


@operator("ConvTranspose")
def conv_transpose(call: Call) -> Tensor:
    """ONNX ConvTranspose-1/11/22: (n-1)*s + ke - pb - pe + output_padding, n*s for SAME, or the `output_shape` given.

    ONNX's text bounds neither an output padding nor an output shape; that onnxruntime does since its PR 29446 is a
    disagreement of runtimes.
    """
    x, weight = call.operand(0), call.operand(1)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    window, group = _grouped_window(call, rank, weight)
    channels: Dim = None
    if weight.shape is not None:
        have, wanted = x.shape[1], weight.shape[0]
        if have is not None and wanted is not None:
            call.require("channels", equal(have, wanted), have, wanted, axis=1, operands=(0, 1), detail=_grouped(group))
            call.require("argument", divides(group, wanted), wanted, group, detail=f"`group` is {group}")
        if weight.shape[1] is not None:
            channels = weight.shape[1] * group
    _bias(call, call.input(2), channels, 2)
    requested = call.numbers("output_shape")
    if requested is not None:
        requested = tuple(requested)
        if len(requested) == rank:
            requested = requested[2:]
        if len(requested) != rank - 2:
            illegal(call, f"`output_shape` has {len(requested)} numbers where {rank - 2} are needed")
    spatial: list[Dim] = []
    for axis, size in enumerate(x.shape[2:]):
        if size is None:
            spatial.append(None if requested is None else requested[axis])
        else:
            spatial.append(_unslid(call, size, window, axis, None if requested is None else requested[axis]))
    return Tensor(x.dtype, (x.shape[0], channels, *spatial))


def _unslid(call: Call, size: Size, window: Window, axis: int, requested: Size | None) -> Size:
    stride, extent = window.stride[axis], window.extent(axis)
    if requested is not None:
        call.require("empty", at_least(requested, 1), requested, size, axis=axis + 2, detail="`output_shape`")
        return requested
    if window.auto_pad.startswith("SAME"):
        return size * stride
    padded = window.output_padding[axis] - window.begin[axis] - window.end[axis]
    result = (size - 1) * stride + extent + padded
    call.require("empty", at_least(result, 1), result, size, axis=axis + 2, detail=_kernel(window, axis))
    return result


# -- pools -----------------------------------------------------------------------------------------------------------


def _pooled(call: Call) -> Shape | None:
    x = call.operand(0)
    if x.shape is None:
        return None
    rank = len(x.shape)
    _rank_of(call, rank, 3)
    kernel = call.numbers("kernel_shape")
    if kernel is None or len(kernel) != rank - 2:
        illegal(call, f"`kernel_shape` has {len(kernel or ())} numbers where {rank - 2} are needed")
    window = window_of(call, tuple(kernel))
    return (*x.shape[:2], *slid(call, x.shape, window))


@operator("MaxPool")
def max_pool(call: Call) -> list[Tensor]:
    """ONNX MaxPool-1/8/10/11/12/22; the second output holds int64 indices."""
    shape = _pooled(call)
    return [Tensor(call.operand(0).dtype, shape), Tensor(INT64, shape)]


@operator("AveragePool", "LpPool")
def average_pool(call: Call) -> Tensor:
    """ONNX AveragePool-1/7/10/11/19/22, LpPool-1/2/11/18/22."""
    return Tensor(call.operand(0).dtype, _pooled(call))


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(call: Call) -> Tensor:
    """One pixel a channel."""
    x = call.operand(0)
    if x.shape is None:
        return Tensor(x.dtype)
    _rank_of(call, len(x.shape), 2)
    return Tensor(x.dtype, (*x.shape[:2], *[1] * (len(x.shape) - 2)))


@operator("MaxUnpool")
def max_unpool(call: Call) -> Tensor:
    """ONNX MaxUnpool-9/11/22: (n-1)*s + k - pb - pe, or the `output_shape` input, which is no smaller.

    A padding is below the kernel, as onnxruntime has it.
    """
    x, wanted = call.operand(0), call.input(2)
    if x.shape is None:
        return Tensor(x.dtype)
    rank = len(x.shape)
    _rank_of(call, rank, 3)
    kernel = call.numbers("kernel_shape") or ()
    if len(kernel) != rank - 2:
        illegal(call, f"`kernel_shape` has {len(kernel)} numbers where {rank - 2} are needed")
    for axis, (have, index) in enumerate(zip(x.shape, call.operand(1).shape or (), strict=False)):
        match(call, have, index, axis=axis, detail="the indices")
    window = window_of(call, tuple(kernel))
    spatial: list[Dim] = []
    for axis, size in enumerate(x.shape[2:]):
        if size is None:
            spatial.append(None)
            continue
        most = max(window.begin[axis], window.end[axis])
        call.require(
            "argument",
            most < window.kernel[axis],
            most,
            window.kernel[axis],
            axis=axis + 2,
            detail=f"padding {most} under kernel {window.kernel[axis]}",
        )
        result = (size - 1) * window.stride[axis] + window.kernel[axis] - window.begin[axis] - window.end[axis]
        call.require("empty", at_least(result, 1), result, size, axis=axis + 2, detail=_kernel(window, axis))
        spatial.append(result)
    shape: Shape = (*x.shape[:2], *spatial)
    if wanted is None:
        return Tensor(x.dtype, shape)
    given = wanted.ints
    if given is None or len(given) != rank:
        return Tensor(x.dtype, tuple(call.opaque(f"axis {axis}") for axis in range(rank)))
    for axis, (least, size) in enumerate(zip(shape, given, strict=True)):
        if least is not None:
            call.require(
                "limit", at_least(size, least), size, least, axis=axis, operands=(2, 0), detail="`output_shape`"
            )
    return Tensor(x.dtype, given)


# -- columns ---------------------------------------------------------------------------------------------------------


@operator("Col2Im")
def col2im(call: Call) -> Tensor:
    """ONNX Col2Im-18: [N, C*prod(block), L] -> [N, C, *image], L the number of blocks that slide over the image."""
    x, image, block = call.operand(0), call.operand(1).ints, call.operand(2).numbers
    if x.shape is None or image is None or block is None:
        rank = call.operand(1).shape
        if x.shape is not None and rank is not None and isinstance(rank[0], int):
            return Tensor(x.dtype, (x.shape[0], *[call.opaque(f"axis {axis + 1}") for axis in range(rank[0] + 1)]))
        return Tensor(x.dtype)
    window = window_of(call, tuple(block))
    blocks = [_slid(call, size, window, axis) for axis, size in enumerate(image)]
    columns = product(size for size in blocks if size is not None)
    have = x.shape[2]
    if have is not None:
        call.require("match", equal(have, columns), have, columns, axis=2, detail="the number of blocks")
    channels = x.shape[1]
    area = product(block)
    if channels is not None:
        call.require("divides", divides(area, channels), channels, area, axis=1, detail="the block")
        channels = channels // area
    return Tensor(x.dtype, (x.shape[0], channels, *image))
