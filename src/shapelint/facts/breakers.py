"""What breaks the sizes that do not fit: nodes, what they need, the pair that does not cancel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from shapelint.facts.avoided import Avoided
from shapelint.facts.flow import blame
from shapelint.facts.sets import is_within, parts_of
from shapelint.facts.subjects import Restriction, Tie
from shapelint.size import (
    EVERY_SIZE,
    Condition,
    Expr,
    SizeSet,
    Symbol,
    difference,
    set_of,
)

if TYPE_CHECKING:
    from shapelint.axes import Axis
    from shapelint.graph import Node
    from shapelint.ops.call import Requirement


_MOST_REFUSED: Final = 64
"""How many refused sizes are looked at for one that shows what rounds."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A node that refuses some sizes of one symbol."""

    requirement: Requirement
    node: Node | None
    symbol: Symbol
    sizes: SizeSet
    """The sizes at which it does not refuse."""


class Breakers(Avoided):
    """The nodes that refuse sizes, and what to say of them."""

    @cached_property
    def breakers(self) -> list[Breaker]:
        """The nodes that refuse some sizes of a free axis, in order: every merge, of other nodes the first alike."""
        found: list[Breaker] = []
        seen: set[tuple[Condition, str]] = set()
        for requirement in self.demands:
            held = requirement.held
            key = requirement.path if requirement.kind in ("merge", "join") else requirement.kind
            if isinstance(held, bool) or (held, key) in seen:
                continue
            seen.add((held, key))
            sizes = set_of(held)
            symbols = self.shapes.table.symbols_in(held.mask)
            if sizes is None or sizes.is_every or len(symbols) != 1:
                continue
            found.append(Breaker(requirement, self.nodes.get(requirement.path), symbols[0], sizes))
        return found

    @cached_property
    def telling(self) -> list[Breaker]:
        """The breakers worth a line: every merge that needs something new, and other nodes that no merges imply."""
        merged: dict[Symbol, SizeSet] = {}
        for breaker in self.breakers:
            if breaker.requirement.kind in ("merge", "join"):
                merged[breaker.symbol] = merged.get(breaker.symbol, EVERY_SIZE) & breaker.sizes
        told: list[Breaker] = []
        seen: set[Condition] = set()
        for breaker in self.breakers:
            held = breaker.requirement.held
            assert isinstance(held, Condition)
            if held in seen:
                continue
            seen.add(held)
            if breaker.requirement.kind in ("merge", "join"):
                told.append(breaker)
                continue
            same = [each for each in self.breakers if each.symbol is breaker.symbol]
            first = next(each for each in same if each.sizes == breaker.sizes)
            implied = is_within(merged.get(breaker.symbol, EVERY_SIZE), breaker.sizes)
            if first is breaker and not implied and not any(_implies(each.sizes, breaker.sizes) for each in same):
                told.append(breaker)
        return told

    @cached_property
    def restrictions(self) -> list[Restriction]:
        """The free axes for which nothing is stated and that do not take every size; those alike in one entry.

        Where something is unknown only what is certain all the same: that no whole class of multiples runs, or that a
        size which the file promises does not.
        """
        frozen_at = {symbol for each in self.frozen for symbol in each.right}
        groups: dict[tuple[str, SizeSet, str, SizeSet | None], list[Axis]] = {}
        needs: dict[tuple[SizeSet, str], str] = {}
        seen: set[Symbol] = set()
        for axis in self.inputs.axes:
            symbol, sizes = axis.symbol, self.necessary[axis.symbol]
            declared = self.declared.get(symbol, EVERY_SIZE)
            if symbol in seen or symbol in self.domains or symbol in frozen_at or is_within(declared, sizes):
                continue
            seen.add(symbol)
            if symbol in self.inputs.promised and difference(declared, sizes).is_empty:
                continue
            path, need = self._reason(symbol)
            needs.setdefault((sizes, path), need)
            groups.setdefault((axis.input, sizes, path, self.inputs.promised.get(symbol)), []).append(axis)
        found = [
            Restriction(
                tuple(axes),
                sizes,
                self.file,
                path,
                needs[sizes, path],
                self.offered.get(axes[0].symbol),
                tuple(dict.fromkeys(each.input for each in self.inputs.axes if each.symbol is axes[0].symbol)),
                {axis.symbol for axis in axes} == {each.symbol for each in self.inputs.axes if not each.is_batch},
                self.inputs.promised.get(axes[0].symbol),
            )
            for (_, sizes, path, _), axes in groups.items()
        ]
        return [each for each in found if each.promised is not None or not (self.unknowns and each.has_class)]

    def _reason(self, symbol: Symbol) -> tuple[str, str]:
        """The node to name for what restricts the symbol, and what it needs."""
        own = [each for each in self.breakers if each.symbol is symbol]
        alone = EVERY_SIZE
        for breaker in own:
            alone = alone & breaker.sizes
        if alone != self.necessary[symbol]:
            for condition in self.solution.coupled:
                if condition.mask & symbol.bit:
                    return self.path_of(condition), str(condition)
        # A merge that no other node implies, before other nodes; the first of those alike.
        merges = [each for each in own if each.requirement.kind in ("merge", "join")]
        for breaker in (*merges, *own):
            if not any(_implies(other.sizes, breaker.sizes) for other in own):
                return breaker.requirement.path, self.needs(breaker.requirement)
        return "", ""

    @cached_property
    def ties(self) -> list[Tie]:
        """What couples axes, where no axis is restricted for the same reason and not all of them are stated."""
        told = {path for each in self.restrictions if (path := each.breaker)}
        told.update(each.node.path for each in self.frozen)
        found: dict[str, Tie] = {}
        for condition in self.solution.coupled:
            path = self.path_of(condition)
            symbols = self.shapes.table.symbols_in(condition.mask)
            if path in told or all(symbol in self.domains for symbol in symbols) or self.unknowns:
                continue
            axes = [axis for axis in self.inputs.axes if axis.symbol in symbols]
            known = found.get(path)
            found[path] = Tie(
                path,
                tuple(dict.fromkeys([*(known.inputs if known else ()), *[axis.input for axis in axes]])),
                tuple(dict.fromkeys([*(known.axes if known else ()), *[axis.label for axis in axes]])),
                (*(known.conditions if known else ()), str(condition)),
            )
        return list(found.values())

    def path_of(self, condition: Condition) -> str:
        """The path of the node that states the condition; empty where it follows from several."""
        first = self.solution.parts(condition)[0]
        for requirement in self.shapes.requirements:
            if requirement.held is first or first in parts_of(requirement.held):
                return requirement.path
        return ""

    def needs(self, requirement: Requirement) -> str:
        """What a requirement demands, as a comparison of the sizes that meet."""
        left, right = requirement.left, requirement.right
        sign = {"merge": "==", "join": "==", "match": "==", "channels": "==", "window": ">="}.get(requirement.kind)
        if sign is None or left is None or right is None or (sign == "==" and requirement.held is True):
            return str(requirement.held)
        sides = [str(self.plain(side)) if isinstance(side, Expr) else str(side) for side in (left, right)]
        return f"{sides[0]} {sign} {sides[1]}"

    def pair_of(self, breaker: Breaker) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The step down and the step up that do not cancel at a size that this node refuses and others do not."""
        names = self.operand_names(breaker.requirement)
        refused = self._refused_alone(breaker)
        if refused is None or names is None or breaker.requirement.kind not in ("merge", "join"):
            return (), ()
        found = blame(self.flow, *names, breaker.symbol, {breaker.symbol: refused})
        return found.down or found.branches, found.up

    def _refused_alone(self, breaker: Breaker) -> int | None:
        """A size that this node refuses, if possible one that the nodes before it take."""
        if not breaker.sizes.is_complete:
            return None
        refused = ~breaker.sizes
        for sizes in dict.fromkeys(each.sizes for each in self.breakers if each.symbol is breaker.symbol):
            if sizes == breaker.sizes:
                break
            # The few sizes beside the classes are those at which a one-pixel map is stretched.
            fewer = refused & replace(sizes, extra=()) if sizes.is_complete and sizes.residues else refused
            refused = refused if fewer.is_empty else fewer
        found = islice(refused, _MOST_REFUSED)
        # The size that most halvings divide: there fewer other steps round.
        return max(found, key=lambda n: n & -n, default=None)


def _implies(sizes: SizeSet, other: SizeSet) -> bool:
    """Whether `sizes` is a proper part of `other`."""
    return sizes.is_complete and other.is_complete and sizes != other and sizes <= other
