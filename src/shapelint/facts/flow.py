"""Where sizes come from: per value and free axis the step that made its size, its scale, and which steps undo which.

Scales are read off size expressions, never off attributes: a step is a node whose result depends on the axis by
another slope than what enters it. A step up undoes the innermost steps down that are still open on its path, a x4
undoes two x2, and a partial undoing keeps the quotient open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from shapelint.size import Expr, Size, Symbol, evaluate
from shapelint.size.expr import Atom, Extreme, Floor, Select

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    def rounded(self) -> str | None:
        """`up` or `down` where the step did not come out even."""
        exact = self.before * self.factor
        if self.factor == 1 or exact == self.after:
            return None
        return "up" if self.after > exact else "down"

    @property
    def text(self) -> str:
        """`225 -> 113 (rounded up)`."""
        rounded = self.rounded
        return f"{self.before} -> {self.after}" + (f" (rounded {rounded})" if rounded else "")


@dataclass(frozen=True, slots=True)
class Blame:
    """Why two sizes that meet differ: the two chains from where they part, and the pair that did not cancel."""

    left: tuple[Link, ...]
    right: tuple[Link, ...]
    down: tuple[str, ...]
    up: tuple[str, ...]
    branches: tuple[str, ...]
    """Where nothing is undone: the two steps that rounded differently."""


def blame(flow: Flow, left: str, right: str, symbol: Symbol, at: Mapping[Symbol, int]) -> Blame:
    """What makes the sizes of the values `left` and `right` differ at the sizes `at`."""
    lefts, rights = flow.steps(left, symbol), flow.steps(right, symbol)
    common = 0
    while common < min(len(lefts), len(rights)) and lefts[common].node is rights[common].node:
        common += 1
    sides = [_links(steps[common:], symbol, at) for steps in (lefts, rights)]
    for links in sides:
        for place, link in enumerate(links):
            if link.factor < 1 and link.rounded:
                ups = [
                    later.node for later in links[place + 1 :] if link.node in flow.undoes.get((later.node, symbol), ())
                ]
                if ups:
                    return Blame(sides[0], sides[1], (link.node,), tuple(ups), ())
    firsts = [next((link.node for link in links if link.rounded), None) for links in sides]
    if firsts[0] is not None and firsts[1] is not None:
        return Blame(sides[0], sides[1], (), (), (firsts[0], firsts[1]))
    for links in sides:
        downs = tuple(link.node for link in links if link.factor < 1)
        ups_of = tuple(link.node for link in links if link.factor > 1)
        if downs and ups_of:
            return Blame(sides[0], sides[1], downs[-1:], ups_of[:1], ())
    return Blame(sides[0], sides[1], (), (), ())


def _links(steps: list[Step], symbol: Symbol, at: Mapping[Symbol, int]) -> tuple[Link, ...]:
    links = []
    for step in steps:
        try:
            before, after = evaluate(step.before, at), evaluate(step.after, at)
        except (KeyError, ZeroDivisionError, ValueError, OverflowError):
            continue
        links.append(Link(step.node.path, symbol.name, before, after, step.factor))
    return tuple(links)
