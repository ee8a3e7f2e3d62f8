"""Where sizes come from: per value and free axis the step that made its size, its scale, and which steps undo which.

Scales are read off size expressions, never off attributes: a step is a node whose result depends on the axis by
another slope than what enters it. A step up undoes the innermost steps down that are still open on its path, a x4
undoes two x2, and a partial undoing keeps the quotient open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import takewhile
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from shapelint.size import Expr, Size, Symbol, evaluate
from shapelint.size.expr import Atom, Extreme, Floor, Select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapelint.graph import Graph, Node
    from shapelint.ops.call import Tensor
    from shapelint.propagate import Shapes


@dataclass(frozen=True, slots=True)
class Step:
    """A node that changes the size along one free axis."""

    node: Node
    before: Size
    after: Size
    factor: Fraction
    """The ratio of the slopes: 1/2 for a stride of 2, 2 for its mirror, 1 for a crop or a border."""


Open: TypeAlias = "tuple[Open, Node, Fraction] | None"
"""The steps down that nothing has undone yet, innermost first."""


@dataclass(frozen=True, slots=True)
class Track:
    """How a value depends on one free axis."""

    size: Size
    scale: Fraction
    source: str | None
    """The value that the size was made from; None for an input."""
    step: Step | None
    open: Open


@dataclass(slots=True)
class Flow:
    """The tracks of every value, and the pairs."""

    tracks: dict[tuple[str, Symbol], Track] = field(default_factory=dict)
    undoes: dict[tuple[str, Symbol], tuple[str, ...]] = field(default_factory=dict)
    """By path of the step up: the paths of the steps down that it undoes."""

    def steps(self, name: str, symbol: Symbol) -> list[Step]:
        """The steps from the model's input to the value, first to last."""
        found: list[Step] = []
        track = self.tracks.get((name, symbol))
        while track is not None:
            if track.step is not None:
                found.append(track.step)
            track = self.tracks.get((track.source, symbol)) if track.source is not None else None
        found.reverse()
        return found


def slope(size: Size, symbol: Symbol) -> Fraction | None:
    """How much `size` grows with the symbol in the long run; None where that is no constant."""
    if isinstance(size, int):
        return Fraction(0)
    if not size.mask & symbol.bit:
        return Fraction(0)
    total = Fraction(0)
    for atom, factor in size.terms:
        part = _slope(atom, symbol)
        if part is None:
            return None
        total += part * factor
    return total


def _slope(atom: Atom, symbol: Symbol) -> Fraction | None:
    if atom is symbol:
        return Fraction(1)
    if not atom.mask & symbol.bit:
        return Fraction(0)
    if isinstance(atom, Floor):
        inner = slope(atom.of, symbol)
        return None if inner is None else inner / atom.by
    if isinstance(atom, Select):
        return slope(atom.other, symbol)
    if isinstance(atom, Extreme):
        parts = [slope(expr, symbol) for expr in atom.of]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return max(known) if atom.largest else min(known)
    return None


def follow(graph: Graph, inputs: Mapping[str, Tensor], shapes: Shapes, symbols: tuple[Symbol, ...]) -> Flow:
    """The flow of every symbol through `graph`, in one pass."""
    flow = Flow()
    for name, tensor in inputs.items():
        for symbol in symbols:
            size = _along(tensor, symbol)
            if size is not None:
                flow.tracks[name, symbol] = Track(size, slope(size, symbol) or Fraction(1), None, None, None)
    for node in graph.nodes:
        for symbol in symbols:
            for output in node.outputs:
                made = shapes.tensors.get(output)
                size = _along(made, symbol) if made is not None else None
                if size is not None:
                    _track(flow, node, output, size, symbol)
    return flow


def _along(tensor: Tensor, symbol: Symbol) -> Size | None:
    """The dim of `tensor` that depends on the symbol, alone if there is one that does."""
    mixed: Size | None = None
    for dim in tensor.shape or ():
        if isinstance(dim, Expr) and dim.mask & symbol.bit:
            if dim.mask == symbol.bit:
                return dim
            mixed = dim if mixed is None else mixed
    return mixed


def _track(flow: Flow, node: Node, output: str, size: Size, symbol: Symbol) -> None:
    source: str | None = None
    for name in node.inputs:
        track = flow.tracks.get((name, symbol))
        if track is None:
            continue
        if track.size is size:
            source = name
            break
        if source is None:
            source = name
    if source is None:
        return
    before = flow.tracks[source, symbol]
    if before.size is size:
        flow.tracks[output, symbol] = Track(size, before.scale, source, None, before.open)
        return
    alone = isinstance(size, Expr) and size.mask == symbol.bit
    scale = slope(size, symbol) if alone else None
    if not scale:
        flow.tracks[output, symbol] = Track(size, before.scale, source, None, before.open)
        return
    factor = scale / before.scale
    step = Step(node, before.size, size, factor)
    opened = before.open
    if factor < 1:
        opened = (opened, node, factor)
    elif factor > 1:
        undone: list[str] = []
        rest = factor
        said = node.attributes.get("undoes")
        if isinstance(said, str):
            # A spec says which layer this one undoes; what was opened since stays open no longer.
            undone, rest = [said], Fraction(1)
            while opened is not None and opened[1].path != said:
                opened = opened[0]
            opened = opened[0] if opened is not None else None
        while rest > 1 and opened is not None:
            parent, down, share = opened
            undone.append(down.path)
            left = rest * share
            opened = parent if left >= 1 else (parent, down, left)
            rest = left if left > 1 else Fraction(1)
        if undone:
            flow.undoes[node.path, symbol] = tuple(reversed(undone))
    flow.tracks[output, symbol] = Track(size, scale, source, step, opened)


@dataclass(frozen=True, slots=True)
class Link:
    """A step at given sizes: one line of the chain that a finding prints."""

    node: str
    axis: str
    before: int
    after: int
    factor: Fraction

    @property
    def exact(self) -> Fraction:
        """The size times the factor, whole or not."""
        return self.before * self.factor

    @property
    def is_even(self) -> bool:
        """Whether a step down or up made exactly the size times its factor; a border or a crop always does."""
        return self.factor == 1 or self.exact == self.after

    @property
    def rounded(self) -> str | None:
        """`up` or `down` where the size times the factor is not whole, and the step made a whole size next to it."""
        if self.is_even or self.exact.denominator == 1 or abs(self.after - self.exact) >= 1:
            return None
        return "up" if self.after > self.exact else "down"

    @property
    def text(self) -> str:
        """`225 -> 113 (rounded up)`; `4 -> 7 (8 - 1)` where its own arguments make it larger or smaller."""
        note = ""
        if self.rounded is not None:
            note = f" (rounded {self.rounded})"
        elif not self.is_even and self.exact.denominator == 1:
            more = self.after - int(self.exact)
            note = f" ({self.exact} {'+' if more > 0 else '-'} {abs(more)})"
        return f"{self.before} -> {self.after}{note}"


@dataclass(frozen=True, slots=True)
class Blame:
    """Why two sizes that meet differ: the two chains from where they part, and the pair that did not cancel."""

    left: tuple[Link, ...]
    right: tuple[Link, ...]
    down: tuple[str, ...]
    up: tuple[str, ...]
    branches: tuple[str, ...]
    """Where nothing is undone: the two steps that part the branches."""
    open: tuple[str, ...] = ()
    """Where one side alone scales: the steps down that nothing undoes, or the steps up that undo nothing."""
    borders: tuple[str, ...] = ()
    """Where nothing but these makes the difference: the steps that keep the scale."""


def blame(flow: Flow, left: str, right: str, symbol: Symbol, at: Mapping[Symbol, int]) -> Blame:
    """What makes the sizes of the values `left` and `right` differ at the sizes `at`.

    The first step down that did not come out even and whose steps up do not return to the size before; else the pair
    that fails to return without any rounding; else, where nothing is undone, the steps that part the two branches.
    """
    lefts, rights = flow.steps(left, symbol), flow.steps(right, symbol)
    common = 0
    while common < min(len(lefts), len(rights)) and lefts[common].node is rights[common].node:
        common += 1
    sides = _links(lefts[common:], symbol, at), _links(rights[common:], symbol, at)
    wrong = [turn for links in sides for turn in _turns(flow, symbol, links) if not turn.returns]
    for turn in wrong:
        uneven = next((down for down in turn.downs if not down.is_even), None)
        if uneven is not None:
            undoing = [up.node for up in turn.ups if uneven.node in flow.undoes[up.node, symbol]]
            return Blame(*sides, (uneven.node,), tuple(undoing), ())
    if wrong:
        return Blame(*sides, (wrong[0].downs[-1].node,), (wrong[0].ups[0].node,), ())
    parting = [_parting(links) for links in sides]
    if parting[0] is not None and parting[1] is not None:
        return Blame(*sides, (), (), (parting[0], parting[1]))
    if not all((name, symbol) in flow.tracks for name in (left, right)):
        return Blame(*sides, (), (), ())
    scales = [prod([link.factor for link in links], start=Fraction(1)) for links in sides]
    if scales[0] != scales[1]:
        return Blame(*sides, (), (), (), tuple([name for links in sides for name in _open(flow, symbol, links)]))
    # One pixel that a merge stretches has no border.
    borders = dict.fromkeys(link.node for links in sides for link in links if link.factor == 1 and link.before > 1)
    return Blame(*sides, (), (), (), (), tuple(borders))


@dataclass(frozen=True, slots=True)
class _Turn:
    """Steps down with the steps up that undo them, and what a branch is cropped or padded by behind those."""

    downs: tuple[Link, ...]
    ups: tuple[Link, ...]
    behind: int

    @property
    def returns(self) -> bool:
        """Whether the steps up return to the size before where what lies between the two sides comes back as it was."""
        factor = prod([up.factor for up in self.ups], start=Fraction(1))
        more = self.ups[-1].after - factor * self.ups[0].before
        back = factor * self.downs[-1].after + more
        return self.downs[0].before in (back, back + self.behind)


def _turns(flow: Flow, symbol: Symbol, links: tuple[Link, ...]) -> list[_Turn]:
    """What goes down and up again along one branch, outermost first."""
    found: list[tuple[list[Link], list[Link]]] = []
    for up in links:
        undone = flow.undoes.get((up.node, symbol), ()) if up.factor > 1 else ()
        downs = [link for link in links if link.node in undone]
        if not downs:
            continue
        same = next((turn for turn in found if any(down in turn[0] for down in downs)), None)
        if same is None:
            found.append((downs, [up]))
        else:
            same[0].extend(down for down in downs if down not in same[0])
            same[1].append(up)
    turns = []
    for downs, ups in found:
        downs.sort(key=links.index)
        behind = takewhile(lambda link: link.factor == 1, links[links.index(ups[-1]) + 1 :])
        turns.append(_Turn(tuple(downs), tuple(ups), sum(link.after - link.before for link in behind)))
    return sorted(turns, key=lambda turn: links.index(turn.downs[0]))


def _open(flow: Flow, symbol: Symbol, links: tuple[Link, ...]) -> list[str]:
    """The steps down along a branch that nothing undoes, and the steps up that undo nothing."""
    undone = {name for link in links for name in flow.undoes.get((link.node, symbol), ())}
    return [
        link.node
        for link in links
        if (link.factor < 1 and link.node not in undone) or (link.factor > 1 and (link.node, symbol) not in flow.undoes)
    ]


def _parting(links: tuple[Link, ...]) -> str | None:
    """The step at which a branch takes a size of its own: the first that does not come out even, else that scales."""
    uneven = next((link for link in links if not link.is_even), None)
    scaling = next((link for link in links if link.factor != 1), None)
    found = uneven or scaling or next(iter(links), None)
    return None if found is None else found.node


def joined(along: Sequence[Blame]) -> Blame:
    """The blame along several axes in one: a pair along any of them goes before branches."""
    downs = dict.fromkeys(name for each in along for name in each.down)
    ups = dict.fromkeys(name for each in along for name in each.up)
    branches = next((each.branches for each in along if each.branches), ())
    return Blame(
        tuple([link for each in along for link in each.left]),
        tuple([link for each in along for link in each.right]),
        tuple(downs),
        tuple(ups),
        () if downs else branches,
        () if downs or branches else tuple(dict.fromkeys(name for each in along for name in each.open)),
        () if downs or branches else tuple(dict.fromkeys(name for each in along for name in each.borders)),
    )


def _links(steps: list[Step], symbol: Symbol, at: Mapping[Symbol, int]) -> tuple[Link, ...]:
    links = []
    for step in steps:
        try:
            before, after = evaluate(step.before, at), evaluate(step.after, at)
        except (KeyError, ZeroDivisionError, ValueError, OverflowError):
            continue
        if step.factor != 1 or before != after:  # a merge may be written as a step that changes nothing at this size
            links.append(Link(step.node.path, symbol.name, before, after, step.factor))
    return tuple(links)
