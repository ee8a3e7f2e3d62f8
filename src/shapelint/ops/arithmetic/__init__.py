"""The size arithmetic and the legality of each framework's windows, one module a framework.

n is the input size, k the kernel, s the stride, d the dilation, ke = d*(k-1)+1, P the whole padding. A method gives
the size that leaves along one axis and states what the framework demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shapelint.ops.call import Call
    from shapelint.size import Size


@dataclass(frozen=True, slots=True)
class AxisWindow:
    """A window along one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    begin: int = 0
    end: int = 0
    mode: str = "explicit"
    """`explicit`, or the framework's word for a padding that it computes itself: `same`, `valid`, `causal`, ..."""
    ceil: bool = False
    output_padding: int | None = None
    """None where it is not given: some frameworks then infer it."""

    @property
    def extent(self) -> int:
        """ke, the number of elements that the dilated kernel spans."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def text(self) -> str:
        """`kernel 3 with dilation 2`."""
        return f"kernel {self.kernel}" if self.dilation == 1 else f"kernel {self.kernel} with dilation {self.dilation}"


class Arithmetic(Protocol):
    """What a framework does along one axis; `axis` is the place of the axis in the tensor, for messages."""

    def conv(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """The size after a convolution."""
        ...

    def pool(self, call: Call, n: Size, window: AxisWindow, axis: int) -> Size:
        """The size after a pool; `call.op` tells which."""
        ...

    def transpose(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """The size after a transposed convolution, `requested` where the caller asks for one."""
        ...

    def unpool(self, call: Call, n: Size, window: AxisWindow, axis: int, requested: Size | None) -> Size:
        """The size after the inverse of a max pool."""
        ...


def arithmetic_of(rule: str) -> Arithmetic:
    """The arithmetic of the framework that `rule` names."""
    module = import_module(f"{__name__}.{rule}")
    found: Arithmetic = module.ARITHMETIC
    return found
