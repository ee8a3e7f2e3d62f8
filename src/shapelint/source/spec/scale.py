"""A type that `types:` describes by a factor: its spatial size is multiplied."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from shapelint.conventions import require
from shapelint.conventions.values import kind_of
from shapelint.size import divides
from shapelint.source.spec.compose import SpecError

if TYPE_CHECKING:
    from shapelint.conventions import Build
    from shapelint.conventions.values import Layer, Value
    from shapelint.graph import Span


def scaled(build: Build, x: Layer, factor: Value, span: Span) -> Layer:
    """A layer that multiplies the spatial size; what comes out is a whole number, or the layer does not fit.

    How such a layer rounds nobody says, so a size that its factor does not divide is none of those that are proved.
    """
    if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
        raise SpecError(f"a factor is {kind_of(factor)}", span, "write for example `{scale: 2}`")
    if x.shape is None or x.spatial is None:
        return build.unknown("the size that enters it is not known")
    exact = Fraction(factor).limit_denominator(1 << 20)
    up, down = exact.numerator, exact.denominator
    sizes = list(x.shape)
    demands = []
    for axis in range(*x.spatial):
        size = sizes[axis]
        if size is None:
            continue
        if down > 1:
            held = divides(down, size)  # `up` and `down` share no factor
            demands.append(require("divides", held, size, down, axis=axis, detail=f"the factor {factor}"))
        sizes[axis] = size // down * up
    if x.channel is not None:
        sizes[x.channel] = None
    return build.shaped([x], sizes, demands)
