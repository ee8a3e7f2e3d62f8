"""JAX: lax.conv_general_dilated, lax.conv_transpose, lax.reduce_window (jax 0.10 `lax/convolution.py`, flax `linen`).

A window that exceeds its padded input gives 0, never an error; only a negative padding may exceed it (FORMULAS 1 to 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.ops.legality import illegal
from shapelint.size import at_least, cdiv, larger

if TYPE_CHECKING:
    from shapelint.ops.arithmetic import AxisWindow
    from shapelint.ops.call import Call
    from shapelint.size import Size


def padded(call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
    """n + P, which is at least 0."""
    result = n + (window.begin + window.end)
    detail = f"the negative padding ({window.begin}, {window.end})"
    call.require("window", at_least(result, 0), result, 0, axis=axis, detail=detail, argument="padding")
    return result


class Jax:
    """Modes `same` (also CAUSAL, CIRCULAR and REFLECT, of the same size), `valid`, and explicit paddings."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """Same ceil(n/s); else max(0, (n + P - ke)//s + 1)."""
        if window.mode == "same":
            return cdiv(n, window.stride)
        return larger((padded(call, n, window, axis) - window.extent) // window.stride + 1, 0)

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """As a convolution."""
        return self.conv(call, n, window, axis)

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """Same n*s, valid n*s + max(ke - s, 0); else max(0, (n-1)*s + 1 + P - ke + 1), P on the dilated input."""
        ke, s = window.extent, window.stride
        if window.mode != "explicit":
            return n * s + (max(ke - s, 0) if window.mode == "valid" else 0)
        return larger(padded(call, (n - 1) * s + 1, window, axis) - ke + 1, 0)

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """JAX has none."""
        illegal(call, "JAX has no inverse of a pool")


ARITHMETIC = Jax()
