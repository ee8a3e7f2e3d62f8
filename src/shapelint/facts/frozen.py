"""Reshapes to constants of the export whose -1, meant for the batch, takes up spatial size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING, Final

from shapelint.size import EVERY_SIZE, Condition, Expr, equal, evaluate, solve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.facts.avoided import Avoided
    from shapelint.graph import Node
    from shapelint.size import Size, SizeSet, Symbol

_MOST_TRIED: Final = 64
"""How many sizes of an axis are tried for an example."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A Reshape that is right at the sizes of the export and moves size into the batch at others."""

    node: Node
    first: Expr
    """The first dim of its output."""
    batch: Size
    """What the first dim should be."""
    right: Mapping[Symbol, SizeSet]
    """By symbol the sizes at which it is, for some size of the others."""
    where: str
    """The sizes at which it is, in words."""
    example: Mapping[str, int]
    """By label sizes that run and are wrong."""
    becomes: int
    """The batch there."""

    def is_right(self, at: Mapping[Symbol, int]) -> bool:
        """Whether the output has the batch of the input at these sizes."""
        return evaluate(self.first, at) == evaluate(self.batch, at)

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences."""
        return {
            "node": self.node.path,
            "example": ", ".join(f"{label} = {size}" for label, size in self.example.items()),
            "batch": str(self.becomes),
            "where": self.where,
        }


def frozen(facts: Avoided) -> Iterator[Frozen]:
    """Every such Reshape of which the batch reaches an output."""
    batches = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    for node, first in _candidates(facts):
        spatial = set(first.symbols) - batches
        if spatial and len(spatial) < len(first.symbols):
            # The batch is free too. One batch shows what the -1 takes up.
            yield from _with_batch_of_one(facts, node, first)
        elif spatial:
            found = _frozen(facts, node, first)
            if found is not None:
                yield found


def _candidates(facts: Avoided) -> Iterator[tuple[Node, Expr]]:
    tensors = facts.shapes.tensors
    kept = {tensor.shape[0] for out in facts.graph.outputs if (tensor := tensors.get(out.name)) and tensor.shape}
    for node in facts.graph.nodes:
        if node.op != "Reshape" or len(node.inputs) < 2:
            continue
        data, target, made = (tensors.get(name) for name in (*node.inputs[:2], node.outputs[0]))
        if not (data and data.shape and target and target.numbers and made and made.shape):
            continue
        first, *others = target.numbers
        # A detector's Reshape to (-1, 4) regroups constants; only what exceeds them stands for spatial size.
        replaces = prod(others) > prod(dim for dim in data.shape if isinstance(dim, int))
        if first == -1 and replaces and isinstance(made.shape[0], Expr) and made.shape[0] in kept:
            yield node, made.shape[0]


def _frozen(facts: Avoided, node: Node, first: Expr) -> Frozen | None:
    for batch in {tensor.shape[0] for tensor in facts.inputs.tensors.values() if tensor.shape}:
        if not isinstance(batch, int):
            continue
        own = next((each for each in facts.shapes.requirements if each.path == node.path), None)
        if own is None or own.left is None or own.right is None:
            held, rest = equal(first, batch), facts.conditions
        else:
            # As an equation of products, which implies that the division comes out even.
            held = equal(own.left, own.right * batch)
            rest = [condition for condition in facts.conditions if condition is not own.held]
        solution = solve(facts.shapes.table, [*rest, held])
        if not solution.possible or held in solution.undecided or not isinstance(held, Condition):
            continue
        right = {symbol: solution.sets.get(symbol, EVERY_SIZE) for symbol in first.symbols}
        at = _wrong(facts, first, batch, right)
        if at is None:
            continue
        symbol = first.symbols[0]
        where = f"{symbol.name} = {right[symbol].text}" if len(right) == 1 else f"`{held}`"
        example = {each.name: at[each] for each in first.symbols}
        return Frozen(node, first, batch, right, where, example, evaluate(first, at))
    return None


def _wrong(facts: Avoided, first: Expr, batch: int, right: Mapping[Symbol, SizeSet]) -> dict[Symbol, int] | None:
    """Sizes that run with another first dim, as near to right ones as possible: one axis differs."""
    free = {symbol: facts.necessary[symbol].nearest(64)[1] or 1 for symbol in facts.inputs.symbols}
    rows = product(*[islice(sizes, _MOST_TRIED) for sizes in right.values()])
    right_at = [free | dict(zip(right, row, strict=True)) for row in islice(rows, _MOST_TRIED**2)]
    good = [at for at in right_at if facts.runs_at(at) is not False and evaluate(first, at) == batch]
    if not good:
        return None
    base = min(good, key=lambda at: max(at[symbol] for symbol in right))
    for symbol in right:
        tried = (n for n in facts.necessary[symbol] if n > base[symbol])
        for n in islice(tried, _MOST_TRIED * 4):
            at = base | {symbol: n}
            if facts.runs_at(at) is not False and evaluate(first, at) != batch:
                return at
    return None


def _with_batch_of_one(facts: Avoided, node: Node, first: Expr) -> Iterator[Frozen]:
    other = facts.of_one()
    batch = next((axis.size for axis in facts.inputs.axes if axis.is_batch and axis.symbol in first.symbols), None)
    if other is None or batch is None:
        return
    own = {(axis.input, axis.axis): axis.symbol for axis in facts.inputs.axes}
    axes = {axis.symbol: own[axis.input, axis.axis] for axis in other.inputs.axes}
    for found in other.frozen:
        if found.node is node:
            right = {axes[symbol]: sizes for symbol, sizes in found.right.items()}
            yield replace(found, first=first, batch=batch, right=right)
