"""Repairs that a caller makes: feed the nearest sizes that fit, or pad the input to one and crop the result back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.plan import plan, reached
from shapelint.facts.subjects import by, by_sets
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.draft import refused, sizes_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.analysis import Analysis
    from shapelint.facts import Facts
    from shapelint.facts.plan import Plan
    from shapelint.fixing.draft import At, Cause
    from shapelint.size import SizeSet


def _at(analysis: Analysis, facts: Facts, pinned: At, cause: Cause) -> At | None:
    """The sizes that fail, for every free axis."""
    sizes = cause.mismatch.sizes if cause.mismatch is not None else next(refused(analysis, cause), {})
    at = {**{each: sizes[each.name] for each in facts.inputs.symbols if each.name in sizes}, **pinned}
    return at if set(facts.inputs.symbols) <= at.keys() else None


def _sets(facts: Facts) -> dict[str, SizeSet]:
    found = {}
    for axis in facts.inputs.axes:
        sizes = facts.offered.get(axis.symbol)
        if not axis.is_batch and sizes is not None:
            found[axis.label] = sizes
    return found


def pad_input(analysis: Analysis, cause: Cause) -> Iterator[Candidate]:
    """The input is padded to the next size that fits, and the result cropped back."""
    facts, pinned = analysis.explained
    at = _at(analysis, facts, pinned, cause)
    if at is None or facts.unknowns or facts.solution.coupled:
        return
    for order, found in enumerate([plan(facts, at)]):
        sets = _sets(facts)
        if found is None or any(crop is None for crop in found.crop.values()):
            return
        batches = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
        changed = [symbol for symbol in at if symbol not in batches and found.to[symbol] != at[symbol]]
        if not changed or any(symbol.name not in sets for symbol in changed):
            return
        fits = {label: reached(sizes) for label, sizes in sets.items()}
        multiples = sorted({sets[symbol.name].pad_to or 0 for symbol in changed})
        what = (
            f"a multiple of {multiples[0]}" if len(multiples) == 1 and multiples[0] > 1 else "the next size that fits"
        )
        stated = {symbol.name for symbol in analysis.facts.domains}
        is_asked = all(symbol in pinned or symbol.name in stated for symbol in changed)
        yield Candidate(
            "pad_input",
            f"pad the input to {what}{_numbers(facts, at, found, is_asked=is_asked)}",
            None,
            reason="it is done where the model is called; what is padded reaches the borders of the result",
            fits=fits,
            order=order,
        )


def _numbers(facts: Facts, at: At, found: Plan, *, is_asked: bool) -> str:
    """`` (225x225 -> 240x240), and crop the result back to 225x225``; an example where nobody states that size."""
    parts = []
    for name in facts.inputs.tensors:
        old, new = sizes_at(facts, name, at), sizes_at(facts, name, found.to)
        if old and old != new:
            parts.append(f"{by(old)} -> {by(new)}")
    crops: list[str] = []
    first = facts.layout[0]
    for crop in found.crop.values():
        if crop:
            stops = [stop for axis, (_, stop) in sorted(crop.items()) if axis >= first]
            if stops:
                crops.append(by(tuple(stops)))
    back = f", and crop the result back to {', '.join(dict.fromkeys(crops))}" if crops else ""
    example = "" if is_asked else "for example "
    return f" ({example}{', '.join(parts)}){back}" if parts else back


def input_size(analysis: Analysis, cause: Cause) -> Iterator[Candidate]:
    """The nearest sizes that fit."""
    facts, pinned = analysis.explained
    at = _at(analysis, facts, pinned, cause)
    if at is None or cause.mismatch is None or facts.unknowns or facts.solution.coupled:
        return
    batches = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    near: list[At] = []
    for side in (0, 1):
        to: At = {}
        for symbol, n in at.items():
            sizes = facts.offered.get(symbol)
            size = None if sizes is None else n if symbol in batches else sizes.nearest(n)[side]
            if size is None:
                break
            to[symbol] = size
        if len(to) == len(at) and to != at and facts.suits(to):
            near.append(to)
    words = []
    for each in near:
        texts = [by(sizes_at(facts, name, each)) for name in facts.inputs.tensors]
        words.append(" and ".join(dict.fromkeys(texts)))
    if words:
        sets = {label: sizes for label, sizes in _sets(facts).items() if not sizes.is_every}
        yield Candidate(
            "input_size",
            f"feed {' or '.join(dict.fromkeys(words))}",
            None,
            reason=f"the network stays as it is; it fits for {by_sets(sets)}",
            fits=_sets(facts),
        )
