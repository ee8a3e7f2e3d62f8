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
from shapelint.settings import Stated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.axes import Axis
    from shapelint.facts import Breaker, Facts
    from shapelint.facts.subjects import Mismatch
    from shapelint.graph import Model, Node
    from shapelint.ops.call import Shape
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

    def runs(self, symbol: Symbol) -> SizeSet | None:
        """The complete set of sizes that fit, or None."""
        sizes = self.facts.runs.get(symbol)
        return sizes if sizes is not None and sizes.is_complete else None

    def offered(self, symbol: Symbol) -> SizeSet | None:
        """The complete set of sizes to recommend, or None."""
        sizes = self.facts.offered.get(symbol)
        return sizes if sizes is not None and sizes.is_complete else None

    def concrete(self, model: Model, at: Mapping[Symbol, int]) -> Shapes:
        """The shapes of a patched model at these sizes."""
        inputs = pinned(self.facts.inputs, model.graph, at)
        freed = frozenset((axis.input, axis.axis) for axis in self.facts.inputs.axes)
        return Analysis(model, Stated(inputs=inputs, freed=freed), self.analysis.file).shapes


def broken_merges(facts: Facts) -> dict[str, list[Breaker]]:
    """The merges of two values of one rank that refuse some sizes, by path, one entry an axis."""
    found: dict[str, dict[int, Breaker]] = {}
    own = {node.path for node in facts.graph.nodes}
    for breaker in _every_breaker(facts):
        requirement = breaker.requirement
        if requirement.kind not in MERGES or requirement.path not in own or requirement.axis is None:
            continue
        names = facts.operand_names(requirement)
        if names is None or not all(names):
            continue
        ranks = [len(facts.shapes.tensors[name].shape or ()) for name in names if name in facts.shapes.tensors]
        if len(ranks) == 2 and ranks[0] == ranks[1]:
            found.setdefault(requirement.path, {}).setdefault(requirement.axis, breaker)
    return {path: list(axes.values()) for path, axes in found.items()}


def _every_breaker(facts: Facts) -> list[Breaker]:
    from shapelint.facts import Breaker
    from shapelint.size import set_of

    found = []
    for requirement in facts.shapes.requirements:
        if isinstance(requirement.held, bool) and requirement.held:
            continue
        symbols = facts.shapes.table.symbols_in(getattr(requirement.held, "mask", 0))
        if isinstance(requirement.held, bool):
            sides = [side for side in (requirement.left, requirement.right) if not isinstance(side, int | None)]
            symbols = tuple({symbol: None for side in sides for symbol in side.symbols})
        sizes = set_of(requirement.held)
        if sizes is not None and not sizes.is_every and len(symbols) == 1:
            found.append(Breaker(requirement, facts.nodes.get(requirement.path), symbols[0], sizes))
    return found


def made_by(
    model: Model, tensors: Mapping[str, Shape | None], value: str, axis: int, ops: tuple[str, ...]
) -> Node | None:
    """The node with one of these operators whose result reaches `value` with its size along `axis` unchanged."""
    producers = model.graph.producers
    for _ in range(_PASSING):
        node = producers.get(value)
        if node is None:
            return None
        if node.op in ops and not node.domain:
            return node
        shape = tensors.get(value)
        if shape is None:
            return None
        before = None
        for name in node.inputs:
            other = tensors.get(name)
            if other is not None and len(other) == len(shape) and _is_same(other[axis], shape[axis]):
                before = name
                break
        if before is None:
            return None
        value = before
    return None


def _is_same(left: object, right: object) -> bool:
    return left is right or (isinstance(left, int) and left == right)


def shapes_of(shapes: Shapes) -> dict[str, Shape | None]:
    """The shapes by name."""
    return {name: tensor.shape for name, tensor in shapes.tensors.items()}
