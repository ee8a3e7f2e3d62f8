"""onnxruntime 1.32 on the CPU, against the text of ONNX and, for an export, against PyTorch.

Sources: `pool_attributes.h`, `conv_attributes.h`, `conv_transpose_attributes.h` (pull request 29446), `upsamplebase.h`;
the released package decides where they differ. n is the size that enters, k the kernel, s the stride, d the dilation,
ke = d*(k-1)+1, P the whole padding, full = (n-1)*s + ke.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.runtimes import causes
from shapelint.runtimes.register import Answer, Runtime, departs
from shapelint.size import above, all_of, any_of, at_least, cdiv, larger, select, smaller
from shapelint.size.floats import times

if TYPE_CHECKING:
    from shapelint.runtimes.register import Step
    from shapelint.size import Size

ONNXRUNTIME: Final = Runtime("onnxruntime", "onnxruntime 1.32")
EXPORTED: Final = Runtime("onnxruntime", "its export on onnxruntime 1.32")

_SOURCE: Final = "https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/providers/cpu/nn/"
_POOLS: Final = _SOURCE + "pool_attributes.h"
_CONV: Final = _SOURCE + "conv_attributes.h"
_TRANSPOSED: Final = "https://github.com/microsoft/onnxruntime/pull/29446"
_RESIZE: Final = (
    "https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/providers/cpu/tensor/upsamplebase.h"
)


def towards_zero(size: Size, by: int) -> Size:
    """size / by as C++ divides integers."""
    return size if by == 1 else larger(size // by, smaller(cdiv(size, by), 0))


# -- convolutions ----------------------------------------------------------------------------------------------------


@departs(ONNXRUNTIME, causes.DILATED_SAME, "Conv", reference=_CONV)
def dilated_same_convolution(step: Step) -> Answer | None:
    """Refuses dilations above 1 beside `auto_pad` SAME."""
    window = step.window
    if window is None or not window.mode.startswith("SAME") or window.dilation == 1:
        return None
    return Answer(runs=False)


@departs(ONNXRUNTIME, causes.BOTH_PADDINGS, "Conv", "ConvTranspose", reference=_CONV)
def both_paddings(step: Step) -> Answer | None:
    """Refuses `pads` beside an `auto_pad` other than NOTSET."""
    given = step.call.attributes.get("pads") is not None
    mode = step.call.text("auto_pad", "NOTSET")
    return Answer(runs=False) if given and mode not in ("NOTSET", "") else None


@departs(ONNXRUNTIME, causes.LARGE_OUTPUT_PADDING, "ConvTranspose", reference=_TRANSPOSED)
def large_output_padding(step: Step) -> Answer | None:
    """Refuses an `output_padding` that is not below the stride."""
    window = step.window
    if window is None or step.requested is not None or (window.output_padding or 0) < window.stride:
        return None
    return Answer(runs=False)


@departs(ONNXRUNTIME, causes.SMALL_KERNEL_SAME, "ConvTranspose", reference=_TRANSPOSED)
def short_same_transpose(step: Step) -> Answer | None:
    """Returns min(full + output_padding, n*s) for `auto_pad` SAME."""
    window = step.window
    if window is None or step.requested is not None or not window.mode.startswith("SAME"):
        return None
    full = (step.n - 1) * window.stride + window.extent + (window.output_padding or 0)
    return Answer(smaller(full, step.n * window.stride))


@departs(ONNXRUNTIME, causes.OUTPUT_SHAPE, "ConvTranspose", reference=_TRANSPOSED)
def unreachable_output_shape(step: Step) -> Answer | None:
    """Refuses an `output_shape` of which the convolution with the derived pads does not give the input again."""
    window, wanted = step.window, step.requested
    if window is None or wanted is None:
        return None
    extra = window.output_padding or 0
    full = (step.n - 1) * window.stride + window.extent
    if extra >= max(window.stride, window.dilation):
        return Answer(runs=False)
    cropped = all_of((above(full + extra, wanted), extra < window.stride))
    extended = all_of((at_least(wanted, full + extra), above(full + window.stride, wanted)))
    return Answer(runs=any_of((cropped, extended)))


# -- pools -----------------------------------------------------------------------------------------------------------


@departs(ONNXRUNTIME, causes.LARGE_PADDING, "MaxPool", "AveragePool", "LpPool", reference=_POOLS)
def large_padding(step: Step) -> Answer | None:
    """Does not load a pool with a padding that is not below the kernel."""
    window = step.window
    if window is None or window.mode != "NOTSET" or max(window.begin, window.end) < window.kernel:
        return None
    return Answer(runs=False)


@departs(ONNXRUNTIME, causes.SMALL_KERNEL_SAME, "MaxPool", "AveragePool", reference=_POOLS)
def negative_same_padding(step: Step) -> Answer | None:
    """Refuses a negative padding, which `auto_pad` SAME makes of a kernel below the stride.

    Not where a MaxPool has dilations or gives indices, nor in AveragePool from opset 19 on: other kernels run those.
    """
    window, call = step.window, step.call
    if window is None or not window.mode.startswith("SAME") or window.kernel >= window.stride:
        return None
    if call.op == "AveragePool" and call.version >= 19:
        return None
    if call.op == "MaxPool" and (call.outputs > 1 or max(call.numbers("dilations") or (1,)) > 1):
        return None
    return Answer(runs=at_least(_same_padded(step), step.n))


@departs(ONNXRUNTIME, causes.DILATED_SAME, "MaxPool", "AveragePool", "LpPool", reference=_POOLS)
def dilated_same_pool(step: Step) -> Answer | None:
    """Leaves the dilation out of the padding that `auto_pad` SAME derives, so that fewer windows fit."""
    window = step.window
    if window is None or not window.mode.startswith("SAME") or window.extent == window.kernel:
        return None
    room = _same_padded(step) - window.extent
    size = (cdiv(room, window.stride) if window.ceil else towards_zero(room, window.stride)) + 1
    return Answer(size, at_least(size, 0))


def _same_padded(step: Step) -> Size:
    """The input with the padding of SAME for the kernel as it is without its dilation."""
    assert step.window is not None
    return (cdiv(step.n, step.window.stride) - 1) * step.window.stride + step.window.kernel


@departs(ONNXRUNTIME, causes.OVERHANG, "MaxPool", "AveragePool", "LpPool", reference=_POOLS, only_refused=True)
def overhanging_pool(step: Step) -> Answer | None:
    """Returns 1 where a window exceeds its padded input by less than the stride, and 0 up to twice the stride."""
    window = step.window
    if window is None or window.mode.startswith("SAME"):
        return None
    padded = step.n + (window.begin + window.end)
    if not window.ceil:
        size = towards_zero(padded - window.extent, window.stride) + 1
        return Answer(size, at_least(size, 0))
    size = cdiv(padded - window.extent, window.stride) + 1
    beyond = at_least((size - 1) * window.stride, step.n + window.begin)
    size = select(beyond, size - 1, size)
    return Answer(size, at_least(size, 0))


# -- resizes ---------------------------------------------------------------------------------------------------------


@departs(ONNXRUNTIME, causes.SHRINKING_UPSAMPLE, "Upsample", reference=_RESIZE)
def shrinking_upsample(step: Step) -> Answer | None:
    """Does not load an Upsample with a scale below 1."""
    return Answer(runs=False) if step.scale is not None and step.scale < 1 else None


@departs(EXPORTED, causes.FLOAT_SCALE, "Resize", rule="torch", reference=_RESIZE)
def exported_scale(step: Step) -> Answer | None:
    """Runs an export with floor(n * scale_factor) in float32, where PyTorch multiplies in float64."""
    return None if step.scale is None else Answer(times(step.n, step.scale, "f"))


@departs(EXPORTED, causes.LARGE_OUTPUT_PADDING, "ConvTranspose", rule="torch", reference=_TRANSPOSED)
def exported_output_padding(step: Step) -> Answer | None:
    """Refuses an export with an output_padding that is below the dilation but not below the stride."""
    return large_output_padding(step)
