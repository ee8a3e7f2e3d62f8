"""Why runtimes disagree about a node: each cause once, whoever departs for it."""

from __future__ import annotations

from typing import Final

from shapelint.runtimes.register import Cause

_WRITE_PADS: Final = "write `pads` out in place of `auto_pad`"

DILATED_SAME: Final = Cause("has `auto_pad` SAME with dilations above 1", _WRITE_PADS)
SMALL_KERNEL_SAME: Final = Cause("has `auto_pad` SAME with a kernel below its stride", _WRITE_PADS)
EXTRA_SAME: Final = Cause("has `auto_pad` SAME with an `output_padding`", _WRITE_PADS)
BOTH_PADDINGS: Final = Cause("has `auto_pad` and `pads`", "leave one of `auto_pad` and `pads` out")
LARGE_OUTPUT_PADDING: Final = Cause(
    "has an `output_padding` that is not below its stride", "use an `output_padding` below the stride, and a Pad"
)
OUTPUT_SHAPE: Final = Cause(
    "has an `output_shape` of which the convolution does not give the input again",
    "use one of the output shapes between the full size and a stride above it, and a Pad or a Slice",
)
LARGE_PADDING: Final = Cause("has a padding that is not below its kernel", "pad with a Pad node in front")
CEIL: Final = Cause(
    "has `ceil_mode` 1 and a last window that starts in the padding behind the input",
    "pad with a Pad node in front and leave `ceil_mode` at 0",
)
CEIL_OVERHANG: Final = Cause(
    "has `ceil_mode` 1 and a window that exceeds its padded input",
    "feed sizes at which the window fits, or pad with a Pad node in front",
)
OVERHANG: Final = Cause("has a window that exceeds its padded input", "feed sizes at which the window fits")
SHRINKING_UPSAMPLE: Final = Cause("is an Upsample with a scale below 1", "use Resize of opset 11 or later")
FLOAT_SCALE: Final = Cause(
    "multiplies the size by a scale that floats do not hold exactly",
    "give the size in place of the scale, or a scale such as 1.25",
)
BACKEND_DILATION: Final = Cause(
    "is a transposed convolution with a `dilation_rate` above 1", "leave `dilation_rate` at 1 for CPUs"
)
BACKEND_EVEN_KERNEL: Final = Cause(
    "is a transposed convolution with padding 'same', strides of 1 and an even kernel", "upgrade to Keras 3.15"
)
NO_OUTPUT_PADDING: Final = Cause(
    "is a transposed convolution with padding 'same', an even kernel and an output_padding of 0",
    "leave `output_padding` out",
)
EMPTY_POOL: Final = Cause("is a pool whose window exceeds its input", "feed sizes at which the window fits")
