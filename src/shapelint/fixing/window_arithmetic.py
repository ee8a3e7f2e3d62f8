"""Windows along one axis, and those nearest to one that come out even, with the stride that it has.

A step down by s gives n/s at every multiple n of s iff its pads P lie in [ke-s, ke-1], with ceil in [ke-2s+1, ke-s], or
up to ke without pads before the image; a step up gives n*s iff P - output_padding = ke-s (FORMULAS.md section 7, solved
for P).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Window:
    """The parameters of a layer along one spatial axis."""

    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int
    extra: int
    ceil: bool

    @property
    def extent(self) -> int:
        """The kernel with its gaps."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def pads(self) -> int:
        """What is added at both ends."""
        return self.begin + self.end

    def divides(self) -> bool:
        """Whether every multiple n of the stride becomes n/s."""
        if not self.ceil:
            return self.extent - self.stride <= self.pads < self.extent
        # A window that begins behind the image is left out: without pads before it the one at n.
        most = self.extent if self.begin == 0 else self.extent - self.stride
        return self.extent - 2 * self.stride < self.pads <= most

    def multiplies(self) -> bool:
        """Whether every n becomes n*s."""
        return self.pads - self.extra == self.extent - self.stride and self.extra < max(self.stride, self.dilation)


def pads_dividing(own: Window) -> list[Window]:
    """Windows that divide by other pads, the nearest first; as much at both ends, unless the stride is 1."""
    ranges = range(max(0, own.extent - (2 * own.stride - 1 if own.ceil else own.stride)), own.extent)
    totals = [each for each in ranges if each % 2 == 0 or own.stride == 1]
    totals.sort(key=lambda each: abs(each - own.pads))
    found = [replace(own, begin=each // 2, end=each - each // 2) for each in totals]
    return [each for each in found if each.divides()]


def kernels_dividing(own: Window) -> list[Window]:
    """Windows that divide by another kernel, the nearest first."""
    sizes = range(1, own.pads + 2 * own.stride + 1)
    found = [replace(own, kernel=each) for each in sorted(sizes, key=lambda each: abs(each - own.kernel))]
    return [each for each in found if each.divides()]


def dilations_dividing(own: Window) -> list[Window]:
    """Windows that divide by another dilation, the smallest first."""
    sizes = range(1, own.pads + own.stride + 1) if own.kernel > 1 else range(0)
    return [found for each in sizes if (found := replace(own, dilation=each)).divides()]


def pads_multiplying(own: Window) -> list[Window]:
    """Windows that multiply by other pads and output paddings: with the output padding there is, then with as much at
    both ends."""
    extras = sorted(range(own.stride), key=lambda each: (each != own.extra, each))
    totals = [(own.extent - own.stride + extra, extra) for extra in extras]
    even = [(total, extra) for total, extra in totals if total >= 0 and total % 2 == 0]
    first = [(total, extra) for total, extra in totals[:1] if total >= 0]
    return [
        replace(own, begin=total // 2, end=total - total // 2, extra=extra)
        for total, extra in dict.fromkeys([*first, *even])
    ]


def dilations_multiplying(own: Window) -> list[Window]:
    """Windows that multiply by another dilation, the smallest first."""
    sizes = range(1, own.pads + own.stride + 1) if own.kernel > 1 else range(0)
    return [found for each in sizes if (found := replace(own, dilation=each)).multiplies()]


def kernels_multiplying(own: Window) -> list[Window]:
    """The window that multiplies by another kernel, where there is one."""
    gaps, rest = divmod(own.pads - own.extra + own.stride - 1, own.dilation)
    return [replace(own, kernel=gaps + 1)] if rest == 0 and gaps >= 0 else []
