"""What checks and reports may know of a model: its size sets, what breaks them, its outputs, its pairs.

Facts are computed when first asked for, from the graph, its inputs and what propagation stated; nothing here reads a
file or chooses a severity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shapelint.facts.breakers import Breaker, Breakers
from shapelint.facts.flow import slope
from shapelint.facts.places import Domain
from shapelint.facts.sets import Verdict
from shapelint.facts.subjects import Preserving
from shapelint.size import Expr, SizeSet, equal, set_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from shapelint.axes import Axis
    from shapelint.ops.call import Dim
    from shapelint.size import Symbol

__all__ = ["Breaker", "Domain", "Facts", "OutputAxis", "Verdict"]


@dataclass(frozen=True, slots=True)
class OutputAxis:
    """An axis of an output that follows an axis of an input."""

    output: str
    axis: int
    size: Expr
    follows: Axis
    scale: Fraction | None
    """Output pixels per input pixel in the long run."""
    equal: SizeSet | None
    """The running sizes at which it is as large as the input axis; scale 1 only."""


class Facts(Breakers):
    """The facts of one model with its inputs bound."""

    @cached_property
    def outputs(self) -> list[OutputAxis]:
        """The axes of outputs that follow an axis of an input."""
        first: dict[Symbol, Axis] = {}
        for axis in self.inputs.axes:
            first.setdefault(axis.symbol, axis)
        found: list[OutputAxis] = []
        for declared in self.graph.outputs:
            tensor = self.shapes.tensors.get(declared.name)
            for place, dim in enumerate((tensor.shape if tensor is not None else None) or ()):
                if not isinstance(dim, Expr):
                    continue
                symbols = dim.symbols
                if len(symbols) != 1 or symbols[0] not in first:
                    continue
                follows = first[symbols[0]]
                above, below = slope(dim, symbols[0]), slope(follows.size, symbols[0])
                scale = above / below if above is not None and below else None
                found.append(OutputAxis(declared.name, place, dim, follows, scale, self._equal(dim, follows, scale)))
        return found

    def _equal(self, dim: Expr, follows: Axis, scale: Fraction | None) -> SizeSet | None:
        if scale != 1:
            return None
        same = set_of(equal(dim, follows.size))
        return same & self.necessary[follows.symbol] if same is not None else None

    @cached_property
    def preserving(self) -> list[Preserving]:
        """The outputs that are as large as their input at some sizes, but at no whole class of multiples."""
        found: dict[tuple[str, str, SizeSet], list[OutputAxis]] = {}
        for output in self.outputs:
            symbol = output.follows.symbol
            sizes, runs, avoid = output.equal, self.runs[symbol], self.avoid.get(symbol)
            if sizes is None or runs is None or runs.pad_to is None or output.follows.is_batch:
                continue
            if avoid is not None and avoid.is_complete and sizes.is_complete:
                sizes = sizes - avoid
            if symbol in self.domains or sizes.is_empty or not sizes.is_complete or sizes.pad_to is not None:
                continue
            found.setdefault((output.output, output.follows.input, sizes), []).append(output)
        return [
            Preserving(
                name, follows, tuple([each.follows.label for each in alike]), str(self.plain(alike[0].size)), sizes
            )
            for (name, follows, sizes), alike in found.items()
        ]

    def shape_text(self, shape: Iterable[Dim]) -> str:
        """A shape as reports write it: `[1, 64, H//2, ?]`."""
        words = ["?" if d is None else str(self.plain(d)) if isinstance(d, Expr) else str(d) for d in shape]
        return "[" + ", ".join(words) + "]"
