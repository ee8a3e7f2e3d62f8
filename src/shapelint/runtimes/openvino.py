"""OpenVINO 2026.4 reading an ONNX file, against the text of ONNX; convolutions and resizes are not known well enough.

Its native operators, whose `auto_pad` of a transposed convolution is reversed, are no matter of an ONNX file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.runtimes import causes
from shapelint.runtimes.onnxruntime import short_same_transpose as shorter
from shapelint.runtimes.register import Answer, Runtime, departs
from shapelint.size import above, at_least, cdiv, larger

if TYPE_CHECKING:
    from shapelint.runtimes.register import Step
    from shapelint.size import Size

OPENVINO: Final = Runtime("openvino", "OpenVINO 2026.4")

_SOURCE: Final = "https://github.com/openvinotoolkit/openvino/blob/master/"
_ROUNDING: Final = (
    _SOURCE + "docs/articles_en/documentation/openvino-ir-format/operation-sets/operation-specs/pooling/"
    "pooling_shape_rules.rst"
)
_OVERHANG: Final = _SOURCE + "src/core/shape_inference/include/pooling_shape_inference_util.hpp"
_FRONT_END: Final = _SOURCE + "src/frontends/onnx/frontend/src/utils/pooling_factory.cpp"
_TRANSPOSED: Final = "https://github.com/openvinotoolkit/openvino/pull/32608"


@departs(OPENVINO, causes.CEIL, "MaxPool", reference=_ROUNDING)
def unclipped_ceil(step: Step) -> Answer | None:
    """Keeps a last window that starts in the padding behind the input."""
    window = step.window
    if window is None or not window.ceil:
        return None
    padding: Size = window.begin + window.end
    if window.mode.startswith("SAME"):
        s = window.stride
        padding = larger((cdiv(step.n, s) - 1) * s + window.extent - step.n, 0)
    return Answer(cdiv(step.n + padding - window.extent, window.stride) + 1)


@departs(OPENVINO, causes.CEIL_OVERHANG, "MaxPool", "AveragePool", reference=_OVERHANG)
def overhanging_ceil(step: Step) -> Answer | None:
    """Refuses a window that exceeds its padded input, with `ceil_mode` too."""
    window = step.window
    if window is None or not window.ceil or window.mode.startswith("SAME"):
        return None
    return Answer(runs=at_least(step.n + (window.begin + window.end), window.extent))


@departs(OPENVINO, causes.LARGE_PADDING, "AveragePool", reference=_FRONT_END)
def large_padding(step: Step) -> Answer | None:
    """Does not convert an AveragePool with a padding that is not below the kernel."""
    window = step.window
    if window is None or window.mode != "NOTSET" or max(window.begin, window.end) < window.kernel:
        return None
    return Answer(runs=False)


@departs(OPENVINO, causes.SMALL_KERNEL_SAME, "ConvTranspose", reference=_TRANSPOSED)
def short_same_transpose(step: Step) -> Answer | None:
    """Returns min(full + output_padding, n*s) for `auto_pad` SAME."""
    return shorter(step)


@departs(OPENVINO, causes.OVERHANG, "ConvTranspose", reference=_TRANSPOSED, only_refused=True)
def empty_transpose(step: Step) -> Answer | None:
    """Returns 0 where nothing is left, and leaves a size below that open."""
    window = step.window
    if window is None or step.requested is not None or window.mode.startswith("SAME"):
        return None
    full = (step.n - 1) * window.stride + window.extent
    size = full - window.begin - window.end + (window.output_padding or 0)
    return Answer(size, open=above(0, size))
