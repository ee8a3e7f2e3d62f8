"""Theano-PyMC 1.1.2: conv2d, its gradient and pool_2d (FORMULAS 1 to 3).

Sources: `get_conv_shape_1axis`, `get_conv_gradinputs_shape_1axis`, `Pool.out_shape`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.legality import illegal
from shapelint.size import above, all_of, at_least, larger

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


class Theano:
    """Border modes as explicit paddings; 0 is a size; pools that keep the border (mode `border`) or ignore it."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """(n + P - ke)//s + 1, at least 0."""
        result = (n + (window.begin + window.end) - window.extent) // window.stride + 1
        call.require("window", at_least(result, 0), result, 0, axis=axis, detail=window.text)
        return result

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """Without the border max(0, (v - k)//s + 1); else (v-1)//s + 1 for s >= k, max(0, (v-1-k+s)//s) + 1 below."""
        v = n + (window.begin + window.end)
        k, s = window.kernel, window.stride
        if window.mode != "border":
            return larger((v - k) // s + 1, 0)
        return (v - 1) // s + 1 if s >= k else larger((v - 1 - k + s) // s, 0) + 1

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """With subsample 1 n + ke - 1 - P; else the output_shape, one of the s sizes that a convolution maps to n."""
        s = window.stride
        least = (n - 1) * s + window.extent - (window.begin + window.end)
        if requested is not None:
            held = all_of((at_least(requested, least), above(least + s, requested)))
            call.require("limit", held, requested, least, axis=axis, detail="`output_shape`", argument="output_shape")
            return requested
        if s > 1:
            illegal(
                call, f"with subsample {s} there are {s} sizes that a convolution maps to this one: give `output_shape`"
            )
        call.require("empty", at_least(least, 0), least, n, axis=axis, detail=window.text)
        return least

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """Theano has none."""
        illegal(call, "Theano has no inverse of a pool")


ARITHMETIC = Theano()
