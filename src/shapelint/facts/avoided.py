"""Sizes that run and are not to be recommended: stretched one-pixel maps, size moved into the batch."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shapelint.facts.frozen import Frozen, frozen
from shapelint.facts.sets import Sets
from shapelint.facts.subjects import Stretch
from shapelint.size import (
    NO_SIZE,
    Expr,
    SizeSet,
    Symbol,
    all_of,
    any_of,
    equal,
    evaluate,
    set_of,
    unequal,
)
from shapelint.size.expr import Floor, Select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.ops.call import Requirement
    from shapelint.size import Size


class Avoided(Sets):
    """The sizes to avoid, and those to recommend."""

    @cached_property
    def stretched(self) -> dict[Symbol, SizeSet]:
        """By symbol the running sizes at which a one-pixel map is broadcast over a larger one."""
        found: dict[Symbol, SizeSet] = {}
        for requirement in self.shapes.requirements:
            sizes = self.stretch_of(requirement)
            if sizes is not None and not sizes[1].is_empty:
                symbol = sizes[0]
                found[symbol] = found.get(symbol, NO_SIZE) | sizes[1]
        return found

    def stretch_of(self, requirement: Requirement) -> tuple[Symbol, SizeSet] | None:
        """The symbol and the running sizes at which this merge broadcasts a one-pixel map."""
        left, right = requirement.left, requirement.right
        if requirement.kind != "merge" or left is None or right is None or isinstance(requirement.held, bool):
            return None
        held = all_of((unequal(left, right), any_of((equal(left, 1), equal(right, 1)))))
        if isinstance(held, bool):
            return None
        symbols = self.shapes.table.symbols_in(held.mask)
        sizes = set_of(held)
        if sizes is None or len(symbols) != 1 or symbols[0] not in self.necessary:
            return None
        return symbols[0], self.necessary[symbols[0]] & sizes

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The merges that stretch a one-pixel map at a stated size, or of an axis for which nothing is stated."""
        found: dict[tuple[str, SizeSet, int, int], Stretch] = {}
        seen: set[tuple[Symbol, SizeSet]] = set()
        for requirement in self.shapes.requirements:
            stretch = self.stretch_of(requirement)
            left, right = requirement.left, requirement.right
            if stretch is None or stretch in seen or left is None or right is None:
                continue
            seen.add(stretch)
            symbol, sizes = stretch
            domain = self.domains.get(symbol)
            if domain is not None:
                sizes = sizes & domain.sizes
            example = next(iter(sizes), None)
            if example is None:
                continue
            sides = evaluate(left, {symbol: example}), evaluate(right, {symbol: example})
            key = (requirement.path, sizes, *sides)
            names = self.operand_names(requirement) or ("", "")
            axes = (*found[key].axes, symbol.name) if key in found else (symbol.name,)
            called = [self.called(name) for name in names]
            found[key] = Stretch(requirement.path, axes, *sides, called[0], called[1], sizes, domain is not None)
        return list(found.values())

    @cached_property
    def frozen(self) -> list[Frozen]:
        """The Reshapes whose -1 takes up spatial size as batch."""
        return list(frozen(self))

    @cached_property
    def avoid(self) -> dict[Symbol, SizeSet]:
        """By symbol the sizes that run only by stretching a one-pixel map or by moving size into the batch."""
        found = dict(self.stretched)
        for each in self.frozen:
            for symbol, right in each.right.items():
                runs = self.necessary[symbol]
                if runs.is_complete and right.is_complete:
                    found[symbol] = found.get(symbol, NO_SIZE) | (runs - right)
        return found

    @cached_property
    def offered(self) -> dict[Symbol, SizeSet | None]:
        """By symbol the sizes to recommend: those that run, less those to avoid."""
        offered: dict[Symbol, SizeSet | None] = {}
        for symbol, sizes in self.runs.items():
            avoid = self.avoid.get(symbol)
            plain = sizes is None or avoid is None or not avoid.is_complete
            offered[symbol] = sizes if plain or sizes is None or avoid is None else sizes - avoid
        return offered

    @cached_property
    def kept(self) -> dict[Symbol, SizeSet | None]:
        """By symbol the sizes at which nothing is padded: those that run, unless size ends up in the batch."""
        kept: dict[Symbol, SizeSet | None] = {}
        for symbol, sizes in self.runs.items():
            for each in self.frozen:
                right = each.right.get(symbol)
                if sizes is not None and right is not None and sizes.is_complete and right.is_complete:
                    sizes = sizes & right
            kept[symbol] = sizes
        return kept

    def plain(self, size: Expr) -> Size:
        """`size` without the cases of stretched one-pixel maps, where it is the same at every running size."""
        reduced = _unstretched(size)
        if reduced is size:
            return size
        differs = unequal(reduced, size)
        if isinstance(differs, bool):
            return size if differs else reduced
        sizes = set_of(differs)
        symbols = size.symbols
        if sizes is None or len(symbols) != 1 or symbols[0] not in self.necessary:
            return size
        runs = self.necessary[symbols[0]]
        avoid = self.avoid.get(symbols[0])
        if not (runs.is_complete and sizes.is_complete):
            return size
        shown = runs if avoid is None or not avoid.is_complete else runs - avoid
        return reduced if (shown & sizes).is_empty else size

    def suits(self, at: Mapping[Symbol, int]) -> bool:
        """Whether these sizes, all axes together, can be recommended: they run, and no size ends up in the batch."""
        return self.runs_at(at) is True and all(each.is_right(at) for each in self.frozen)


def _unstretched(expr: Expr) -> Size:
    """The expression with every selection replaced by its ordinary case."""
    total: Size = expr.const
    for atom, factor in expr.terms:
        part: Size = atom.expr
        if isinstance(atom, Select):
            part = _unstretched(atom.other)
        elif isinstance(atom, Floor):
            part = _unstretched(atom.of) // atom.by
        total = total + factor * part
    return total
