"""PyTorch: torch.nn.Conv*, ConvTranspose*, *Pool*, MaxUnpool* (ATen/native/Pool.h, nn/modules/conv.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.size import above, all_of, at_least, cdiv, smaller

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


class Torch:
    """Explicit paddings; floors; a ceil mode whose last window starts inside; an output padding below the stride."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """(n + P - ke)//s + 1 where n + P >= ke."""
        padded = n + (window.begin + window.end)
        call.require("window", at_least(padded, window.extent), padded, window.extent, axis=axis, detail=window.text)
        return (padded - window.extent) // window.stride + 1

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """As a convolution; with ceil_mode min(cdiv(n + P - ke, s) + 1, cdiv(n + p, s)), at least 1."""
        call.require(
            "argument",
            2 * window.begin <= window.kernel,
            window.begin,
            window.kernel,
            axis=axis,
            detail=f"padding {window.begin} is more than half of the kernel {window.kernel}",
            argument="padding",
        )
        padded = n + (window.begin + window.end)
        if not window.ceil:
            return self.conv(call, n, window, axis)
        result = cdiv(padded - window.extent, window.stride) + 1
        if window.extent < window.stride + window.end:
            result = smaller(result, cdiv(n + window.begin, window.stride))
        call.require("empty", at_least(result, 1), result, n, axis=axis, detail=window.text)
        return result

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """(n-1)*s + ke - P + output_padding with output_padding below s or d; an output_size of L to L + s - 1."""
        least = (n - 1) * window.stride + window.extent - (window.begin + window.end)
        if requested is not None:
            held = all_of((at_least(requested, least), above(least + window.stride, requested)))
            detail = f"`output_size` against the smallest of {window.stride} that fit"
            call.require("limit", held, requested, least, axis=axis, detail=detail, argument="output_size")
            return requested
        extra = window.output_padding or 0
        call.require(
            "argument",
            extra < window.stride or extra < window.dilation,
            extra,
            max(window.stride, window.dilation),
            axis=axis,
            detail=f"output_padding {extra} is below neither stride {window.stride} nor dilation {window.dilation}",
            argument="output_padding",
        )
        result = least + extra
        call.require("empty", at_least(result, 1), result, n, axis=axis, detail=window.text)
        return result

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """D = (n-1)*s + k - 2p; an output_size strictly between D - s and D + s."""
        result = (n - 1) * window.stride + window.kernel - (window.begin + window.end)
        if requested is None:
            call.require("empty", at_least(result, 0), result, n, axis=axis, detail=window.text)
            return result
        held = all_of((above(requested, result - window.stride), above(result + window.stride, requested)))
        call.require("limit", held, requested, result, axis=axis, detail="`output_size`", argument="output_size")
        return requested


ARITHMETIC = Torch()
