"""TensorFlow's kernels: tf.nn.conv*, conv*_transpose, max_pool*, avg_pool* (GetWindowedOutputSize, tensorflow 2.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.legality import illegal
from shapelint.size import above, all_of, at_least, cdiv, larger

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


def truncated(call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
    """(n + P - ke + s)/s rounded towards 0: a negative one is refused, 0 is an empty tensor."""
    over = n + (window.begin + window.end) - window.extent + window.stride
    held = above(over, -window.stride)
    call.require("window", held, n, window.extent, axis=axis, detail=window.text, argument="padding")
    return larger(over // window.stride, 0)


class TensorFlow:
    """SAME and VALID; empty tensors; a transposed convolution to a size that the convolution takes back."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """SAME ceil(n/s), else (n + P - ke + s)/s rounded towards 0."""
        return cdiv(n, window.stride) if window.mode == "same" else truncated(call, n, window, axis)

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """As a convolution."""
        return self.conv(call, n, window, axis)

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """`output_shape`, one of s sizes: SAME (n-1)*s < O <= n*s, VALID (n-1)*s + ke <= O < n*s + ke."""
        if requested is None:
            illegal(call, "`output_shape` is not given")
        ahead = (n - 1) * window.stride
        least = ahead + 1 if window.mode == "same" else ahead + window.extent - (window.begin + window.end)
        held = all_of((at_least(requested, least), above(least + window.stride, requested)))
        detail = f"`output_shape` against the smallest of {window.stride} that fit"
        call.require("limit", held, requested, least, axis=axis, detail=detail, argument="output_shape")
        return requested

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """TensorFlow has none."""
        illegal(call, "TensorFlow has no inverse of a pool")


ARITHMETIC = TensorFlow()
