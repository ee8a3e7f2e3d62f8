"""onnx.shape_inference 1.23, against the text of ONNX: it executes nothing, and it never refuses a size.

Sources: `defs/nn/defs.cc`, `defs/nn/old.cc`, `defs/tensor/utils.cc` of onnx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.runtimes import causes
from shapelint.runtimes.onnxruntime import towards_zero
from shapelint.runtimes.register import Answer, Runtime, departs
from shapelint.size import above, at_least, cdiv, larger, select
from shapelint.size.floats import times

if TYPE_CHECKING:
    from shapelint.runtimes.register import Step
    from shapelint.size import Size

SHAPE_INFERENCE: Final = Runtime("shape_inference", "onnx.shape_inference 1.23", executes=False)

_WINDOWS: Final = "https://github.com/onnx/onnx/blob/main/onnx/defs/nn/defs.cc"
_RESIZE: Final = "https://github.com/onnx/onnx/blob/main/onnx/defs/tensor/utils.cc"


@departs(SHAPE_INFERENCE, causes.CEIL, "MaxPool", "AveragePool", "LpPool", reference=_WINDOWS)
def unclipped_ceil(step: Step) -> Answer | None:
    """Counts a last window that starts in the padding behind the input, below opset 22."""
    window = step.window
    if window is None or not window.ceil or step.call.version >= 22:
        return None
    return Answer(cdiv(_room(step), window.stride) + 1)


@departs(SHAPE_INFERENCE, causes.OVERHANG, "MaxPool", "AveragePool", "LpPool", reference=_WINDOWS, only_refused=True)
def overhanging_ceil(step: Step) -> Answer | None:
    """Returns sizes from opset 22 on where a window of `ceil_mode` exceeds its padded input by the stride or more."""
    window = step.window
    if window is None or not window.ceil or step.call.version < 22:
        return None
    size = towards_zero(_room(step) + window.stride - 1, window.stride) + 1
    begin = 0 if window.mode.startswith("SAME") else window.begin
    ahead = at_least((size - 1) * window.stride, step.n + begin)
    return Answer(select(ahead, size - 1, size))


def _room(step: Step) -> Size:
    """n + P - ke."""
    assert step.window is not None
    padding = _same(step) if step.window.mode.startswith("SAME") else step.window.begin + step.window.end
    return step.n + padding - step.window.extent


@departs(
    SHAPE_INFERENCE, causes.OVERHANG, "Conv", "MaxPool", "AveragePool", "LpPool", reference=_WINDOWS, only_refused=True
)
def overhanging_window(step: Step) -> Answer | None:
    """Returns 1 where a window exceeds its padded input by less than the stride, and sizes below 1 beyond that."""
    window = step.window
    if window is None or window.ceil or window.mode.startswith("SAME"):
        return None
    return Answer(towards_zero(step.n + (window.begin + window.end) - window.extent, window.stride) + 1)


def _same(step: Step) -> Size:
    """The whole padding of SAME: max((ceil(n/s) - 1)*s + ke - n, 0)."""
    assert step.window is not None
    s = step.window.stride
    return larger((cdiv(step.n, s) - 1) * s + step.window.extent - step.n, 0)


@departs(SHAPE_INFERENCE, causes.EXTRA_SAME, "ConvTranspose", reference=_WINDOWS)
def extra_same_transpose(step: Step) -> Answer | None:
    """Returns full + output_padding - max(ke - s, 0) for `auto_pad` SAME."""
    window = step.window
    if window is None or step.requested is not None or not window.mode.startswith("SAME"):
        return None
    if not window.output_padding:
        return None
    return Answer(_same_transposed(step))


@departs(SHAPE_INFERENCE, causes.SMALL_KERNEL_SAME, "ConvTranspose", reference=_WINDOWS)
def short_same_transpose(step: Step) -> Answer | None:
    """Returns full for `auto_pad` SAME with a kernel below the stride."""
    window = step.window
    if window is None or step.requested is not None or not window.mode.startswith("SAME"):
        return None
    return None if window.output_padding else Answer(_same_transposed(step))


def _same_transposed(step: Step) -> Size:
    assert step.window is not None
    window = step.window
    full = (step.n - 1) * window.stride + window.extent
    return full + (window.output_padding or 0) - max(window.extent - window.stride, 0)


@departs(SHAPE_INFERENCE, causes.OVERHANG, "ConvTranspose", reference=_WINDOWS, only_refused=True)
def empty_transpose(step: Step) -> Answer | None:
    """Returns sizes below 1 as they come out."""
    window = step.window
    if window is None or step.requested is not None or window.mode.startswith("SAME"):
        return None
    full = (step.n - 1) * window.stride + window.extent
    return Answer(full - window.begin - window.end + (window.output_padding or 0))


@departs(SHAPE_INFERENCE, causes.OUTPUT_SHAPE, "ConvTranspose", reference=_WINDOWS)
def small_output_shape(step: Step) -> Answer | None:
    """Leaves an `output_shape` below the input's size open."""
    return None if step.requested is None else Answer(step.requested, open=above(step.n, step.requested))


@departs(SHAPE_INFERENCE, causes.FLOAT_SCALE, "Resize", "Upsample", reference=_RESIZE)
def double_product(step: Step) -> Answer | None:
    """Returns floor(n * scale) in float64, with the scale as float32 has it."""
    if step.scale is None:
        return None
    from array import array

    return Answer(times(step.n, float(array("f", (step.scale,))[0]), "d"))
