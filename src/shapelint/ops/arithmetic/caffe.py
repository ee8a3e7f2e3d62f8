"""Caffe: Convolution, Deconvolution and Pooling, read and not run (FORMULAS 1 to 3).

Sources: `conv_layer.cpp`, `deconv_layer.cpp` (03f897b), `pooling_layer.cpp` (0323844); `Blob::Reshape`
takes sizes of at least 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.arithmetic.paddle import slid
from shapelint.ops.legality import illegal
from shapelint.size import at_least, cdiv, smaller

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


class Caffe:
    """Symmetric paddings; pools that round up, cut where there is any padding (mode `clipped`)."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """(n + 2p - ke)/s + 1, divided as C++ divides."""
        return slid(call, n + (window.begin + window.end) - window.extent, window, axis)

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """ceil((n + 2p - k)/s) + 1, or floored; where any axis is padded the last window starts before n + p."""
        room = n + (window.begin + window.end) - window.kernel
        result = (cdiv(room, window.stride) if window.ceil else room // window.stride) + 1
        if window.mode == "clipped":
            detail = f"pad {window.begin} under {window.text}"
            legal = window.begin < window.kernel
            call.require("argument", legal, window.begin, window.kernel, axis=axis, detail=detail, argument="pad")
            result = smaller(result, cdiv(n + window.begin, window.stride))
        call.require("empty", at_least(result, 0), result, n, axis=axis, detail=window.text)
        return result

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """(n-1)*s + k - 2p: the dilation does not count."""
        result = (n - 1) * window.stride + window.kernel - (window.begin + window.end)
        call.require("empty", at_least(result, 0), result, n, axis=axis, detail=window.text)
        return result

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """Caffe has none."""
        illegal(call, "Caffe has no inverse of a pool")


ARITHMETIC = Caffe()
