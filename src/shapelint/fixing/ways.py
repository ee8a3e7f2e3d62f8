"""Where two sizes meet: the steps to either from where they part, and by what a step must be changed for the slopes to
be equal.

A factor g on the layers of a unit changes the ratio of the two slopes by g to the power of how many of them stand on
the first side less those on the second; it has to be what every failing place lacks, and 1 where nothing fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from shapelint.facts.flow import slope
from shapelint.fixing.draft import COMPARED
from shapelint.size import Expr, evaluate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.flow import Step
    from shapelint.fixing.draft import Cause, Draft
    from shapelint.ops.call import Requirement
    from shapelint.size import Size, Symbol

_ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Way:
    """Two sizes that meet along one free axis."""

    symbol: Symbol
    steps: tuple[tuple[Step, ...], tuple[Step, ...]]
    """Those of each side after the two part."""
    shared: tuple[Step, ...]
    """Those before."""
    ratio: Fraction
    """By what the slope of the first side has to be multiplied to be that of the second."""
    agrees: bool
    """Whether the two are one size."""
    is_slope: bool = True
    """False: the ratio is that of two numbers at one size, and rounding may have made some of it."""

    def power(self, paths: Collection[str]) -> int:
        """How often a factor on these layers changes the ratio."""
        counts = [sum(step.node.path in paths for step in side) for side in self.steps]
        return counts[0] - counts[1]


def ways(draft: Draft, cause: Cause) -> tuple[list[Way], list[Way]]:
    """The places that fail for the cause, and those at which nothing fails, axis by axis."""
    facts = draft.free[0]
    paths = cause.paths
    reached = facts.reaches(set(paths)) | paths
    failing: list[Way] = []
    fine: list[Way] = []
    at = sizes_of(draft, cause)
    stretching = {requirement.path for requirement in facts.demands if requirement.kind == "merge"}
    for requirement in facts.demands:
        if requirement.held is True:
            continue
        is_own = not paths or requirement.path in reached
        for way in _of(facts, requirement, stretching, at):
            if way.agrees:
                fine.append(way)
            elif is_own:
                failing.append(way)
    if cause.mismatch is not None and cause.mismatch.kind in ("window", "empty"):
        # A layer that gets too little: it takes more than it need, or one before it gives less.
        short = facts.nodes.get(cause.mismatch.first.requirement.path)
        if short is not None:
            for symbol in facts.inputs.symbols:
                failing.append(Way(symbol, ((), ()), tuple(facts.flow.steps(short.outputs[0], symbol)), _ONE, False))
    return failing, fine


def sizes_of(draft: Draft, cause: Cause) -> dict[Symbol, int]:
    """The sizes at which it fails, as far as they are known."""
    sizes = cause.mismatch.sizes if cause.mismatch is not None else {}
    facts, pinned = draft.free
    return pinned | {each: sizes[each.name] for each in facts.inputs.symbols if each.name in sizes}


def _of(facts: Facts, requirement: Requirement, stretching: set[str], at: Mapping[Symbol, int]) -> Iterator[Way]:
    names = facts.compared_names(requirement) or _compared(facts, requirement)
    if names is None:
        return
    for symbol in facts.inputs.symbols:
        tracks = [facts.flow.tracks.get((name, symbol)) if name else None for name in names]
        sizes = [track.size if track is not None else None for track in tracks]
        for side in (0, 1):
            # A condition may ask for a part of the other size, or for a number.
            beside = _beside(facts, requirement, sizes[side])
            sizes[1 - side] = sizes[1 - side] if beside is None else beside
        ratio, is_slope = _ratio(sizes[0], sizes[1], symbol, at)
        if not ratio:
            continue
        lists = [_steps(facts, name, symbol, stretching) for name in names]
        common = 0
        while common < min(map(len, lists)) and lists[0][common].node is lists[1][common].node:
            common += 1
        steps = tuple(lists[0][common:]), tuple(lists[1][common:])
        yield Way(symbol, steps, tuple(lists[0][:common]), ratio, sizes[0] is sizes[1], is_slope)


def _ratio(
    left: Size | None, right: Size | None, symbol: Symbol, at: Mapping[Symbol, int]
) -> tuple[Fraction | None, bool]:
    """What the first size lacks to be the second: of the slopes, or of the numbers where one of them is constant."""
    if left is None or right is None:
        return None, True
    slopes = slope(left, symbol), slope(right, symbol)
    if slopes[0] and slopes[1]:
        return slopes[1] / slopes[0], True
    try:
        sizes = [size if isinstance(size, int) else evaluate(size, at) for size in (left, right)]
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return None, False
    return (Fraction(sizes[1], sizes[0]), False) if min(sizes) > 0 else (None, False)


def _compared(facts: Facts, requirement: Requirement) -> tuple[str, str] | None:
    """The values that a condition `a.size == ...` on inner layers is about; empty for a side that is none."""
    expectation = facts.expectation_of(requirement)
    match = COMPARED.fullmatch(expectation.text) if expectation is not None else None
    if match is None:
        return None
    nodes = [facts.nodes.get(match[side].strip().removesuffix(".size")) for side in ("left", "right")]
    names = [node.outputs[0] if node is not None else "" for node in nodes]
    return (names[0], names[1]) if any(names) else None


def _steps(facts: Facts, name: str, symbol: Symbol, stretching: set[str]) -> list[Step]:
    """The steps from the model's input to the value; where it was stretched on the way, those of what it kept."""
    tracks = facts.flow.tracks
    found: list[Step] = []
    track = tracks.get((name, symbol))
    while track is not None:
        source = track.source
        if track.step is not None and track.step.node.path in stretching:
            # A merge of sizes that differ has the slope of one of them, which need not be the first.
            inputs = track.step.node.inputs
            alike = [each for each in inputs if (each, symbol) in tracks and tracks[each, symbol].scale == track.scale]
            source = next(iter(alike), source)
        elif track.step is not None:
            found.append(track.step)
        track = tracks.get((source, symbol)) if source is not None else None
    found.reverse()
    return found


def _beside(facts: Facts, requirement: Requirement, size: Size | None) -> Size | None:
    """What a condition compares a size with; None where it is none, or on no side of it."""
    expectation = facts.expectation_of(requirement)
    if expectation is None or size is None:
        return None
    sides = [side if isinstance(side, tuple) else (side,) for side in (expectation.left, expectation.right)]
    for own, other in (sides, reversed(sides)):
        place = next((place for place, each in enumerate(own) if each is size), None)
        if place is not None:
            found = other[0] if len(other) == 1 else other[place] if place < len(other) else None
            return found if isinstance(found, int | Expr) else None
    return None


def needed(paths: Collection[str], failing: list[Way], fine: list[Way]) -> dict[Symbol, Fraction] | None:
    """By axis the factor on these layers with which no slopes differ any more; None where there is none."""
    found: dict[Symbol, Fraction] = {}
    for way in failing:
        power = way.power(paths)
        if power == 0:
            if way.ratio != 1:
                return None
            continue
        root = _root(way.ratio, power)
        if root is None or found.setdefault(way.symbol, root) != root:
            return None
    for way in fine:
        if found.get(way.symbol, _ONE) != 1 and way.power(paths) != 0:
            return None
    return found


def _root(number: Fraction, power: int) -> Fraction | None:
    """The root of a fraction, where it is one."""
    if power < 0:
        number, power = 1 / number, -power
    if power == 1 or max(number.numerator, number.denominator) >= 1 << 53:
        return number if power == 1 else None
    parts = [round(each ** (1 / power)) for each in (number.numerator, number.denominator)]
    found = Fraction(parts[0], parts[1]) if all(parts) else None
    return found if found is not None and found**power == number else None
