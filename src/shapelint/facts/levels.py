"""A failure drawn by levels: what comes down on the encoder's side, what goes up on the decoder's, where they meet.

The way is walked back from the outermost merge that fails: at every node on to the operand that has been deepest, which
is the decoder's, and below the deepest point to the input. Scales are those of the flow, so a level is a row of values
with the same scale along the axes that fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

from shapelint.facts.flow import Link
from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import counted
from shapelint.finding import ChainLink, Row
from shapelint.size import Expr, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.subjects import Meeting, Mismatch
    from shapelint.graph import Node
    from shapelint.size import Size, Symbol

_TRIED: Final = 4
"""From so many of the merges that fail, outermost first, a way is sought to the first that does."""

Scale: TypeAlias = "tuple[Fraction | None, ...]"


@dataclass(frozen=True, slots=True)
class Side:
    """A tensor of a level: what messages call it, and its sizes."""

    name: str
    size: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """One row: the tensors of one scale."""

    scale: str
    encoder: Side | None
    decoder: Side | None
    agrees: bool | None = None
    """Whether the two are as large as each other; None where they do not meet, or where one pixel is stretched."""
    where: str = ""
    """The merge at which they meet, or the condition that compares them."""
    axes: tuple[str, ...] = ()
    """Along which they differ."""
    steps: tuple[ChainLink, ...] = ()
    """What did not come out even between this level and the next one down."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The rows from the input's scale, or what lies above it, to the deepest point."""

    rows: tuple[Level, ...]

    @property
    def failing(self) -> frozenset[str]:
        """The merges that are shown to fail."""
        return frozenset(row.where for row in self.rows if row.agrees is False)

    def shows(self, place: Row) -> bool:
        """Whether what meets at a place is one of the rows."""
        sizes = {place.left, place.right}
        return any(
            row.where == place.node and {side.size for side in (row.encoder, row.decoder) if side} == sizes
            for row in self.rows
            if row.agrees is False
        )


def levels(facts: Facts, failure: Mismatch) -> Levels | None:
    """The levels of a failure; None where nothing goes down and up again. Linear in the graph."""
    at = {symbol: failure.sizes[symbol.name] for symbol in facts.inputs.symbols if symbol.name in failure.sizes}
    meetings = [failure.first, *failure.also]
    names = {axis for meeting in meetings for axis in meeting.axes}
    symbols = tuple([symbol for symbol in facts.inputs.symbols if symbol.name in names and symbol in at])
    if not symbols or len(at) < len(facts.inputs.symbols):
        return None
    walk = _Walk(facts, symbols, at)
    if failure.kind == "output":
        return _of_output(walk, failure)
    if failure.kind not in MERGES:
        return None
    failing: dict[str, tuple[Meeting, str, str]] = {}
    for meeting in meetings:
        sides = walk.sides(meeting)
        if sides is not None:
            failing.setdefault(meeting.requirement.path, (meeting, *sides))
    first = failure.first.requirement.path
    if first not in failing:
        return None
    roots = dict.fromkeys([*list(reversed(failing))[:_TRIED], first])
    drawn = [_drawn(walk, walk.way(failing[path][2]), path, failing) for path in roots]
    return max(drawn, key=lambda each: (first in each.failing, len(each.failing)))


class _Walk:
    """Values by their scale along some axes, and how deep what they are made from has been."""

    def __init__(self, facts: Facts, symbols: tuple[Symbol, ...], at: Mapping[Symbol, int]) -> None:
        self.facts = facts
        self.symbols = symbols
        self.at = at
        self.tracks = facts.flow.tracks
        self.deepest: dict[str, Fraction] = {}
        for name in facts.inputs.tensors:
            own = self.extent(name)
            if own is not None:
                self.deepest[name] = own
        for node in facts.graph.nodes:
            below = [self.deepest[name] for name in node.inputs if name in self.deepest]
            for output in node.outputs:
                own = self.extent(output)
                if own is not None and below:
                    self.deepest[output] = min(own, *below)

    def scale(self, name: str) -> Scale:
        """Its scale along every axis."""
        found = [self.tracks.get((name, symbol)) for symbol in self.symbols]
        return tuple([None if track is None else track.scale for track in found])

    def extent(self, name: str) -> Fraction | None:
        """The product of its scales; None where it follows no axis."""
        known = [scale for scale in self.scale(name) if scale is not None]
        return prod(known, start=Fraction(1)) if known else None

    def is_turned(self, value: str) -> bool:
        """Whether something that the value is made from lies deeper."""
        own = self.extent(value)
        return own is not None and self.deepest.get(value, own) < own

    def way(self, value: str) -> list[str]:
        """The values from the input to this one, through the deepest point."""
        found = [value]
        while True:
            node = self.facts.graph.producers.get(found[-1])
            operands = [] if node is None else [name for name in node.inputs if name in self.deepest]
            if not operands:
                break
            sources = {track.source for symbol in self.symbols if (track := self.tracks.get((found[-1], symbol)))}
            found.append(min(operands, key=lambda name: (self.deepest[name], name not in sources)))
        found.reverse()
        return found

    def sides(self, meeting: Meeting) -> tuple[str, str] | None:
        """The encoder's value and the decoder's at a merge; None where neither has been deeper."""
        names = self.facts.operand_names(meeting.requirement)
        if names is None or any(name not in self.deepest for name in names):
            return None
        left, right = names
        if self.deepest[left] == self.deepest[right]:
            return None
        encoder, decoder = (left, right) if self.deepest[left] > self.deepest[right] else (right, left)
        return (encoder, decoder) if self.is_turned(decoder) else None

    def met(self, node: Node, decoder: str) -> str | None:
        """The encoder's value that joins `decoder` at a node; None where none does."""
        scale = self.scale(node.outputs[0])
        others = [name for name in node.inputs if name in self.deepest and self.scale(name) == scale]
        found = [name for name in others if self.deepest[name] > self.deepest[decoder]]
        return found[0] if found and decoder in others else None

    def side(self, name: str) -> Side:
        """The value with its spatial sizes, or those along the axes where not all are known."""
        shape = self.facts.shape_at(name, self.at) or []
        first, channels_last = self.facts.layout
        sizes = [size for size in shape[first : len(shape) - channels_last] if size is not None]
        if not sizes or len(sizes) < len(shape) - first - channels_last:
            found = [self.tracks.get((name, symbol)) for symbol in self.symbols]
            numbers = [self.number(track.size) for track in found if track is not None]
            sizes = [number for number in numbers if number is not None]
        return Side(self.facts.called(name), tuple(sizes))

    def number(self, size: Size) -> int | None:
        """The size as a number; None where only the data decides it."""
        try:
            return evaluate(size, self.at)
        except (KeyError, ZeroDivisionError, ValueError, OverflowError):
            return None

    def agreement(self, encoder: str, decoder: str, node: Node) -> Level:
        """The row of a merge that does not fail; it may stretch a one-pixel map."""
        sides = self.side(encoder), self.side(decoder)
        return Level("", *sides, True if sides[0].size == sides[1].size else None, node.path)

    def spatial(self, sizes: tuple[int, ...], rank: int) -> tuple[int, ...]:
        """The spatial ones of sizes that may be a whole shape."""
        first, channels_last = self.facts.layout
        return sizes[first : len(sizes) - channels_last] if len(sizes) == first + rank + channels_last else sizes

    def links(self, value: str) -> Iterator[Link]:
        """The steps that made the value from the one before."""
        for symbol in self.symbols:
            track = self.tracks.get((value, symbol))
            step = None if track is None else track.step
            if step is not None and all(_is_of(size, symbol) for size in (step.before, step.after)):
                before, after = self.number(step.before), self.number(step.after)
                if before is not None and after is not None:
                    yield Link(step.node.path, symbol.name, before, after, step.factor)


def _drawn(walk: _Walk, way: list[str], root: str, failing: Mapping[str, tuple[Meeting, str, str]]) -> Levels:
    """The rows of a way that ends below the merge `root`."""
    rows: list[tuple[Scale, Level]] = []
    turn = _turn(walk, way)
    skips: dict[Scale, list[str]] = {}
    nodes = [walk.facts.graph.producers[value] for value in way[turn + 1 :]] + [walk.facts.nodes[root]]
    for decoder, node in reversed(list(zip(way[turn:], nodes, strict=True))):
        scale = walk.scale(decoder)
        if node.path in failing:
            meeting, encoder, own = failing[node.path]
            left_is_encoder = (walk.facts.operand_names(meeting.requirement) or ("", ""))[0] == encoder
            sizes = (meeting.left, meeting.right) if left_is_encoder else (meeting.right, meeting.left)
            called = [walk.facts.called(name) for name in (encoder, own)]
            row = Level("", Side(called[0], sizes[0]), Side(called[1], sizes[1]), False, node.path, meeting.axes)
        else:
            met = walk.met(node, decoder)
            if met is None:
                continue
            encoder, row = met, walk.agreement(met, decoder, node)
        skips.setdefault(scale, []).append(encoder)
        rows.append((scale, row))
    failed = {scale for scale, row in rows if row.agrees is False}
    kept: list[tuple[Scale, Level]] = []
    for scale, row in rows:
        alone = scale not in failed and all(scale != other for other, _ in kept)
        if row.agrees is False or alone:
            kept.append((scale, row))
    return _completed(walk, way, turn, kept, skips)


def _of_output(walk: _Walk, failure: Mismatch) -> Levels | None:
    """The rows of an output that is compared with a size."""
    expectation, first = failure.expectation, failure.first
    output = None if expectation is None else expectation.output
    if expectation is None or output is None or output not in walk.deepest:
        return None
    have = walk.side(output).size
    sides = [walk.spatial(side, len(have)) for side in (first.left, first.right)]
    want = sides[1] if sides[0] == have else sides[0]
    way = walk.way(output)
    turn = _turn(walk, way)
    if len(want) != len(have) or not walk.is_turned(output):
        return None
    source = walk.side(way[0])
    same = walk.scale(way[0]) == walk.scale(output) and source.size == want
    wanted = source if same else Side("(needed)", want)
    top = Level("", wanted, Side(walk.facts.called(output), have), False, expectation.text, first.axes)
    rows = [(walk.scale(output), top)]
    for decoder, value in reversed(list(pairwise(way[turn:]))):
        scale = walk.scale(decoder)
        node = walk.facts.graph.producers[value]
        met = walk.met(node, decoder)
        if met is not None and all(scale != other for other, _ in rows):
            rows.append((scale, walk.agreement(met, decoder, node)))
    return _completed(walk, way, turn, rows, {})


def _is_of(size: Size, symbol: Symbol) -> bool:
    """Whether it is a size along one axis: a map that is one sequence has a size that depends on two."""
    return isinstance(size, Expr) and size.mask == symbol.bit


def _turn(walk: _Walk, way: list[str]) -> int:
    """The place of the deepest point on the way: the last value that nothing deeper went into."""
    return max(place for place, value in enumerate(way) if not walk.is_turned(value))


def _completed(
    walk: _Walk, way: list[str], turn: int, rows: list[tuple[Scale, Level]], skips: Mapping[Scale, list[str]]
) -> Levels:
    """The rows with those of the levels where nothing meets, and the steps that did not come out even."""
    down: dict[Scale, str] = {}
    up: dict[Scale, str] = {}
    for value in way[: turn + 1]:
        down[walk.scale(value)] = value
    for value in way[turn + 1 :]:
        up[walk.scale(value)] = value
    met = {scale for scale, _ in rows}
    top = walk.scale(way[0])
    for scale in dict.fromkeys([*down, *up]):
        if scale not in met:
            encoder = way[0] if scale == top and scale not in up else down.get(scale)
            decoder = up.get(scale)
            sides = [None if value is None else walk.side(value) for value in (encoder, decoder)]
            rows.append((scale, Level("", sides[0], sides[1])))
    steps = _steps(walk, way, turn, skips, {row.where for _, row in rows if row.agrees is False})
    rows.sort(key=lambda row: -prod((each for each in row[0] if each is not None), start=Fraction(1)))
    last = {scale: place for place, (scale, _) in enumerate(rows)}
    found = []
    for place, (scale, row) in enumerate(rows):
        own = tuple(steps.get(scale, ())) if last[scale] == place else ()
        found.append(Level(_text(scale), row.encoder, row.decoder, row.agrees, row.where, row.axes, own))
    return Levels(tuple(found))


def _steps(
    walk: _Walk, way: list[str], turn: int, skips: Mapping[Scale, list[str]], merges: set[str]
) -> dict[Scale, list[ChainLink]]:
    """By the upper level the steps that did not come out even: down, to a merge, then up; not those of `merges`."""
    found: dict[Scale, list[Link]] = {}
    for before, value in pairwise(way[: turn + 1]):
        found.setdefault(walk.scale(before), []).extend(walk.links(value))
    on_way = set(way)
    for scale, values in skips.items():
        for value in values:
            own: list[Link] = []
            name: str | None = value
            while name is not None and name not in on_way:
                on_way.add(name)
                own[:0] = walk.links(name)
                source = walk.tracks.get((name, walk.symbols[0]))
                name = None if source is None else source.source
            found.setdefault(scale, []).extend(link for link in own if link.factor == 1)
    for value in way[turn + 1 :]:
        found.setdefault(walk.scale(value), []).extend(link for link in walk.links(value) if link.node not in merges)
    return {scale: _uneven(links) for scale, links in found.items()}


def _uneven(links: list[Link]) -> list[ChainLink]:
    """The steps that did not come out even; of several that cut or pad in a row, what they do together."""
    told: list[ChainLink] = []
    held: dict[str, list[Link]] = {}

    def release(axis: str) -> None:
        run = held.pop(axis, [])
        if run and run[0].before != run[-1].after:
            more = f" ({counted(len(run), 'step')})" if len(run) > 1 else ""
            text = f"{run[0].before} -> {run[-1].after}{more}"
            told.append(ChainLink(run[-1].node, axis, run[0].before, run[-1].after, None, text))

    for link in links:
        if link.factor == 1 and (link.axis not in held or held[link.axis][-1].after == link.before):
            held.setdefault(link.axis, []).append(link)
            continue
        release(link.axis)
        if link.factor == 1:
            held[link.axis] = [link]
        elif not link.is_even:
            told.append(ChainLink(link.node, link.axis, link.before, link.after, link.rounded, link.text))
    for axis in list(held):
        release(axis)
    return told


def _text(scale: Scale) -> str:
    """`1/4`; `1/2,1/4` where the axes have other scales."""
    words = [f"{each.numerator}/{each.denominator}" for each in scale if each is not None]
    return ",".join(dict.fromkeys(words))
