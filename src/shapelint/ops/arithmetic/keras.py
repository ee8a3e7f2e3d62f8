"""Keras on TensorFlow: compute_conv_output_shape, compute_conv_transpose_output_shape (keras 3.15), deconv_length
(Keras 2), and what the TensorFlow kernel asks besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.arithmetic.tf import truncated
from shapelint.ops.legality import illegal
from shapelint.size import at_least, cdiv

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


def deconv_length(n: Size, window: AxisWindow) -> Size:
    """The size after a transposed convolution: `deconv_length` of Keras 2, which checks nothing.

    Without an output padding valid n*s + max(ke - s, 0), same n*s, full n*s - (s + ke - 2); with one
    (n - 1)*s + ke - 2*pad + output_padding, where pad is 0, ke//2 or ke - 1.
    """
    ke, s = window.extent, window.stride
    if window.output_padding is not None:
        pad = {"valid": 0, "same": ke // 2, "full": ke - 1}[window.mode]
        return (n - 1) * s + ke - 2 * pad + window.output_padding
    return n * s + {"valid": max(ke - s, 0), "same": 0, "full": 2 - s - ke}[window.mode]


class Keras:
    """Named paddings; every layer but a pool refuses an empty result; an output padding that is None is inferred."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """Valid (n - ke)//s + 1, at least 1; same and causal ceil(n/s); full, of Keras 1 and 2, is refused."""
        self._not_full(call, window)
        if window.mode == "full":
            return (n + window.extent - 2) // window.stride + 1
        least = window.extent if window.mode == "valid" else 1
        call.require("window", at_least(n, least), n, least, axis=axis, detail=window.text, argument="padding")
        return cdiv(n - least + 1, window.stride)

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """Same ceil(n/s); valid (n - k + s)/s rounded towards 0, where 0 is an empty tensor."""
        return cdiv(n, window.stride) if window.mode == "same" else truncated(call, n, window, axis)

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """`deconv_length` with an output padding below the stride, of which a convolution gives n again."""
        self._not_full(call, window)
        extra, s = window.output_padding, window.stride
        if extra is not None:
            call.require(
                "argument",
                extra < s,
                extra,
                s,
                axis=axis,
                detail=f"output_padding {extra} is not below strides {s}",
                argument="output_padding",
            )
            if window.mode == "same" and window.extent % 2 == 0:
                detail = f"output_padding {extra} with padding 'same' and the even {window.text} gives (n - 1)*strides"
                call.require(
                    "argument",
                    extra >= 1,
                    extra,
                    1,
                    axis=axis,
                    detail=f"{detail}, which TensorFlow's kernel refuses and the other backends return",
                    argument="output_padding",
                )
        return deconv_length(n, window)

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """Keras has none."""
        illegal(call, "Keras has no inverse of a pool")

    def _not_full(self, call: Call, window: AxisWindow) -> None:
        if window.mode == "full":
            detail = "padding='full' is rejected by today's backends; they take 'valid' and 'same'"
            call.require("argument", False, detail=detail, argument="padding")


ARITHMETIC = Keras()
