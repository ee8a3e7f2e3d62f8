"""What the makers of candidates ask of a model: free sizes, the failing ones, and where a size was made.

Invariant: everything is read off propagated sizes; no attribute is asked what a node does to a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import TYPE_CHECKING, Final

from shapelint.analysis import Analysis
from shapelint.axes import pinned
from shapelint.fixing.onnx.back import step_back
from shapelint.settings import Stated
from shapelint.size import Expr, set_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.axes import Axis
    from shapelint.facts import Facts
    from shapelint.facts.subjects import Mismatch
    from shapelint.fixing.onnx.back import Forms
    from shapelint.graph import Graph, Model, Node
    from shapelint.ops.call import Requirement
    from shapelint.propagate import Shapes
    from shapelint.size import SizeSet, Symbol

MERGES: Final = ("merge", "join")
UPS: Final = ("ConvTranspose", "Resize")
_PASSING: Final = 512
"""The longest walk from a merge back to the step that made its size."""


@dataclass(frozen=True)
class Study:
    """One model with its spatial axes free, and the sizes at which it fails."""

    analysis: Analysis
    failure: Mismatch | None
    for_output: bool = False
    """Whether an output is to be as large as its input."""

    @property
    def model(self) -> Model:
        """The model as the file has it."""
        return self.analysis.model

    @cached_property
    def facts(self) -> Facts:
        """The facts with every spatial axis free, whatever is stated of it."""
        return self.freed(self.model)

    def freed(self, model: Model) -> Facts:
        """The same of a patched model."""
        stated = self.analysis.stated
        if model is self.model and not any(isinstance(dim, int) for dims in stated.inputs.values() for dim in dims):
            if self.analysis.inputs.axes:
                return self.analysis.facts
            return self.analysis.explained[0]
        return Analysis(model, Stated(free=True), self.analysis.file).facts

    @cached_property
    def is_fixed(self) -> bool:
        """Whether no size of the model is free."""
        return not self.analysis.inputs.axes

    @cached_property
    def fitted_nowhere(self) -> bool:
        """Whether no size that the model declares or a person states runs, so that no repair can do harm."""
        return self.facts.never if not self.is_fixed else self.analysis.runs is False

    @cached_property
    def asks_for_output(self) -> bool:
        """Whether what is to be mended may be the size of an output: it fails, or nothing else does."""
        if self.failure is not None:
            return self.failure.kind in ("output", "expect")
        return self.for_output or not self.facts.restrictions

    @cached_property
    def failing(self) -> dict[Symbol, int] | None:
        """The sizes of every free axis where the failure happens; None where no size is stated."""
        at: dict[Symbol, int] = {}
        own = self.analysis.inputs.tensors
        named = dict(self.failure.sizes) if self.failure is not None else {}
        for axis in self.facts.inputs.axes:
            shape = own[axis.input].shape if axis.input in own else None
            dim = shape[axis.axis] if shape is not None else None
            if axis.size is not axis.symbol.expr:
                return None
            if isinstance(dim, int):
                at[axis.symbol] = dim
            elif axis.label in named:
                at[axis.symbol] = named[axis.label]
        if not at or all(axis.is_batch for axis in self.facts.inputs.axes if axis.symbol in at):
            return None
        return self._completed(at)

    @cached_property
    def multiples(self) -> dict[Symbol, int]:
        """Sizes that every step down divides evenly."""
        at: dict[Symbol, int] = {}
        for symbol in self.facts.inputs.symbols:
            scales = [track.scale for (_, each), track in self.facts.flow.tracks.items() if each is symbol]
            step = lcm(*[scale.denominator for scale in scales], 1)
            at[symbol] = step * max(4, -(-64 // step))
        return self._completed({axis.symbol: at[axis.symbol] for axis in self.spatial})

    def _completed(self, at: dict[Symbol, int]) -> dict[Symbol, int]:
        for symbol in self.facts.inputs.symbols:
            if symbol not in at:
                below, above = self.facts.necessary[symbol].nearest(1 if self._is_batch(symbol) else 64)
                at[symbol] = above or below or 1
        return at

    def _is_batch(self, symbol: Symbol) -> bool:
        return any(axis.is_batch for axis in self.facts.inputs.axes if axis.symbol is symbol)

    @property
    def spatial(self) -> list[Axis]:
        """The free axes without the batch."""
        return [axis for axis in self.facts.inputs.axes if not axis.is_batch]

    @cached_property
    def coupled(self) -> frozenset[Symbol]:
        """The symbols whose sizes fit only together with those of others, so that no axis has a set of its own."""
        table = self.facts.shapes.table
        return frozenset(each for held in self.facts.solution.coupled for each in table.symbols_in(held.mask))

    def kept(self, symbol: Symbol) -> SizeSet | None:
        """The complete set of sizes at which nothing needs to be padded, or None."""
        sizes = None if symbol in self.coupled else self.facts.kept.get(symbol)
        return sizes if sizes is not None and sizes.is_complete else None

    def offered(self, symbol: Symbol) -> SizeSet | None:
        """The complete set of sizes to recommend, or None."""
        sizes = None if symbol in self.coupled else self.facts.offered.get(symbol)
        return sizes if sizes is not None and sizes.is_complete else None

    def concrete(self, model: Model, at: Mapping[Symbol, int]) -> Shapes:
        """The shapes of a patched model at these sizes."""
        inputs = pinned(self.facts.inputs, model.graph, at)
        freed = frozenset((axis.input, axis.axis) for axis in self.facts.inputs.axes)
        return Analysis(model, Stated(inputs=inputs, freed=freed), self.analysis.file).shapes


def broken_merges(facts: Facts) -> dict[str, list[Requirement]]:
    """What the merges of values of one rank demand of one free axis each, by path, where some sizes fail it."""
    found: dict[str, list[Requirement]] = {}
    own = {node.path for node in facts.graph.nodes}
    tensors = facts.shapes.tensors
    for requirement in facts.shapes.requirements:
        if requirement.kind not in MERGES or requirement.path not in own or requirement.axis is None:
            continue
        sizes = set_of(requirement.held)
        sides = [side for side in (requirement.left, requirement.right) if isinstance(side, Expr)]
        symbols = {symbol for side in sides for symbol in side.symbols}
        if sizes is None or sizes.is_every or len(symbols) != 1:
            continue
        names = facts.operand_names(requirement) or ()
        ranks = {len(tensors[name].shape or ()) for name in names if name in tensors}
        if len(names) == 2 and all(names) and len(ranks) == 1:
            found.setdefault(requirement.path, []).append(requirement)
    return found


def made_by(graph: Graph, known: Forms, value: str, axis: int, ops: tuple[str, ...]) -> tuple[Node, int] | None:
    """The node with one of these operators whose size along an axis reaches this one unchanged, with that axis."""
    for name, place in unchanged(graph, known, value, axis):
        node = graph.producers.get(name)
        if node is not None and node.op in ops and not node.domain:
            return node, place
    return None


def unchanged(graph: Graph, known: Forms, value: str, axis: int) -> Iterator[tuple[str, int]]:
    """The values that have the size of this one along an axis, back from it to the step that made the size."""
    shape = known.get(value)
    for _ in range(_PASSING):
        yield value, axis
        node = graph.producers.get(value)
        found = None if node is None else step_back(known, node, value, axis)
        if found is None or shape is None:
            return
        before = known.get(found[0])
        if before is None or not _is_same(before[found[1]], shape[axis]):
            return
        value, axis, shape = found[0], found[1], before


def _is_same(left: object, right: object) -> bool:
    return left is right or (isinstance(left, int) and left == right)
