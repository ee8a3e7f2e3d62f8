"""PaddlePaddle 3.3 on the CPU: paddle.nn.Conv*, Conv*Transpose, *Pool*, MaxUnPool* (FORMULAS 1 to 4).

Sources: ConvInferMeta, ConvTransposeInferMeta, PoolOutputSize, `_unpool_output_size`.

Its integer division rounds towards 0: a window that exceeds its padded input by less than the stride gives 1, by less
than twice the stride 0, and only beyond that it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.arithmetic.torch import ARITHMETIC as TORCH
from shapelint.size import above, all_of, at_least, cdiv, larger, smaller

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


def slid(call: Call, room: Size, window: AxisWindow, axis: int) -> Size:
    """room/s rounded towards 0, and 1 more; at least 0. `room` is what the window leaves of its padded input."""
    s = window.stride
    call.require("window", above(room, -2 * s), room, -2 * s, axis=axis, detail=window.text)
    return room + 1 if s == 1 else larger(room // s, smaller(cdiv(room, s), 0)) + 1


class Paddle:
    """Modes `same`, whose dilation is 1 and whose padding is computed from the input's size, and `explicit`."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """Same ceil(n/s); else (n + P - ke)/s + 1."""
        if window.mode == "same":
            return cdiv(n, window.stride)
        return slid(call, n + (window.begin + window.end) - window.extent, window, axis)

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """(n + P - k)/s + 1, with ceil_mode (n + P - k + s - 1)/s + 1: the last window is never left out."""
        padding: Size = window.begin + window.end
        if window.mode == "same":
            padding = _same(n, window)
        room = n + padding - window.kernel
        return slid(call, room + window.stride - 1 if window.ceil else room, window, axis)

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """(n-1)*s + ke - P + output_padding with output_padding below s; an output_size of L to L + s - 1.

        An output padding from s to the dilation passes the check of shapes and is refused by the CPU's kernel.
        """
        s = window.stride
        padding: Size = _same(n, window) if window.mode == "same" else window.begin + window.end
        least = (n - 1) * s + window.extent - padding
        if requested is not None:
            held = all_of((at_least(requested, least), above(least + s, requested)))
            call.require("limit", held, requested, least, axis=axis, detail="`output_size`", argument="output_size")
            return requested
        extra = window.output_padding or 0
        detail = f"output_padding {extra} is not below stride {s}"
        call.require("argument", extra < s, extra, s, axis=axis, detail=detail, argument="output_padding")
        result = least + extra
        call.require("empty", at_least(result, 0), result, n, axis=axis, detail=window.text)
        return result

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """As torch.nn.MaxUnpool (`_unpool_output_size`)."""
        return TORCH.unpool(call, n, window, axis, requested)


def _same(n: Size, window: AxisWindow) -> Size:
    """The whole padding of SAME: max((ceil(n/s) - 1)*s + k - n, 0), of a transposed convolution's input too."""
    return larger((cdiv(n, window.stride) - 1) * window.stride + window.kernel - n, 0)


ARITHMETIC = Paddle()
