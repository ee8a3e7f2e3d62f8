"""Failures at given sizes: which nodes cannot run there, grouped by cause, with chain and pair."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from shapelint.facts.flow import blame
from shapelint.facts.subjects import Meeting, Mismatch, by, counted, listed, neighbours, shapes_text
from shapelint.size import Expr, SizeSet, difference, evaluate, holds, set_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.ops.call import Requirement
    from shapelint.size import Symbol

MERGES = ("merge", "join")


def failing(facts: Facts, at: Mapping[Symbol, int]) -> list[Requirement]:
    """The requirements that do not hold at these sizes, in the order of the nodes."""
    return [requirement for requirement in facts.demands if not _holds(requirement, at)]


def _holds(requirement: Requirement, at: Mapping[Symbol, int]) -> bool:
    """Whether it holds; one in a size that only the data decides counts as holding."""
    try:
        return holds(requirement.held, at)
    except KeyError:
        return True
    except (ZeroDivisionError, ValueError, OverflowError):
        return False


def grouped(facts: Facts, requirements: list[Requirement]) -> Iterator[list[Requirement]]:
    """The requirements by cause: the first that fails with all that fail downstream of it."""
    rest = requirements
    while rest:
        reached = facts.reaches({rest[0].path})
        yield [requirement for requirement in rest if requirement.path in reached]
        rest = [requirement for requirement in rest if requirement.path not in reached]


def mismatches(facts: Facts, at: Mapping[Symbol, int], grade: str) -> list[Mismatch]:
    """What fails at these sizes, one entry a cause."""
    return [_mismatch(facts, group, at, grade) for group in grouped(facts, failing(facts, at))]


def _mismatch(facts: Facts, group: list[Requirement], at: Mapping[Symbol, int], grade: str) -> Mismatch:
    first = group[0]
    together = [requirement for requirement in group if requirement.path == first.path]
    places: dict[str, list[Requirement]] = {}
    for requirement in group:
        if requirement.path != first.path and requirement.kind in MERGES and first.kind in MERGES:
            places.setdefault(requirement.path, []).append(requirement)
    symbol = _symbol(facts, first)
    names = facts.operand_names(first)
    blamed = None
    if names is not None and symbol is not None and first.kind in MERGES:
        blamed = blame(facts.flow, *names, symbol, at)
    elif symbol is not None and first.kind == "output":
        blamed = blame(facts.flow, first.path, "", symbol, at)
    shown = {
        name: tuple([_value(dim, at) for dim in tensor.shape])
        for name, tensor in facts.inputs.tensors.items()
        if tensor.shape is not None
    }
    failing_symbols = [each for each in facts.inputs.symbols if any(_symbol(facts, r) is each for r in group)]
    fits = {}
    near: dict[str, list[str]] = {}
    for each in failing_symbols:
        sizes = facts.offered.get(each)
        if sizes is None:
            sizes = facts.necessary[each]
        if sizes.is_empty or _is_member(sizes, at.get(each)):
            continue
        fits[each.name] = sizes
        if each in at:
            near.setdefault(neighbours(sizes, at[each]), []).append(each.name)
    return Mismatch(
        grade=grade,
        first=_meeting(facts, together, at),
        also=tuple([_meeting(facts, rows, at) for rows in places.values()]),
        blame=blamed,
        axis=symbol.name if symbol is not None else "",
        at=shown,
        sizes={each.name: at[each] for each in facts.inputs.symbols if each in at},
        fits=fits,
        nearest="; ".join(f"{around} for {listed(labels)}" for around, labels in near.items()),
        why=_why(first, at),
        when=_when(facts, first, grade, shown),
        needs="" if fits or isinstance(first.held, bool) else facts.needs(first),
        expectation=facts.expectation_of(first),
    )


def _is_member(sizes: SizeSet, n: int | None) -> bool:
    return n is not None and (sizes.checked_to is None or n <= sizes.checked_to) and n in sizes


def _when(facts: Facts, first: Requirement, grade: str, at: Mapping[str, tuple[int | None, ...]]) -> str:
    """At which sizes it fails."""
    example = f"at {shapes_text(at)}"
    if first.held is False and facts.inputs.axes:
        return "at every size"
    return f"at every size, for example {example}" if grade == "never" else example


def _symbol(facts: Facts, requirement: Requirement) -> Symbol | None:
    held = requirement.held
    if isinstance(held, bool):
        return None
    symbols = facts.shapes.table.symbols_in(held.mask)
    return symbols[0] if symbols and not symbols[0].opaque else None


def _meeting(facts: Facts, requirements: list[Requirement], at: Mapping[Symbol, int]) -> Meeting:
    """The requirements of one node that fail together, as one meeting of two tensors."""
    first = requirements[0]
    axes = []
    for requirement in requirements:
        symbol = _symbol(facts, requirement)
        word = symbol.name if symbol is not None else ("" if requirement.axis is None else f"axis {requirement.axis}")
        if word and word not in axes:
            axes.append(word)
    names = facts.operand_names(first) or ("", "")
    node = facts.nodes.get(first.path)
    expectation = facts.expectation_of(first)
    if expectation is not None:
        left, right = (_vector(side, at) for side in (expectation.left, expectation.right))
        return Meeting(first, node, tuple(axes), left, right, "", "")
    sides = []
    for name, own in zip(names, ("left", "right"), strict=True):
        sides.append(_spatial(facts, name, requirements, own, at))
    return Meeting(first, node, tuple(axes), sides[0], sides[1], *[facts.called(name) for name in names])


def _spatial(
    facts: Facts, name: str, requirements: list[Requirement], side: str, at: Mapping[Symbol, int]
) -> tuple[int, ...]:
    """The sizes of a tensor, less batch and channels where those agree; only the failing ones if not all are known."""
    tensor = facts.shapes.tensors.get(name)
    if tensor is not None and tensor.shape is not None:
        places = [requirement.axis for requirement in requirements]
        first, channels_last = facts.layout
        begin, end = first, len(tensor.shape) - channels_last
        if begin >= end or not all(place is not None and begin <= place < end for place in places):
            begin, end = 0, len(tensor.shape)
        sizes = [_value(dim, at) for dim in tensor.shape[begin:end]]
        known = [size for size in sizes if size is not None]
        if known and len(known) == len(sizes):
            return tuple(known)
    values = [_value(getattr(requirement, side), at) for requirement in requirements]
    return tuple([value for value in values if value is not None])


def _vector(side: object, at: Mapping[Symbol, int]) -> tuple[int, ...]:
    """A side of a condition as numbers."""
    values = [_value(each, at) for each in (side if isinstance(side, tuple) else (side,))]
    return tuple([value for value in values if value is not None])


def _value(size: object, at: Mapping[Symbol, int]) -> int | None:
    if not isinstance(size, int | Expr):
        return None
    try:
        return evaluate(size, at)
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return None


def _why(requirement: Requirement, at: Mapping[Symbol, int]) -> str:
    """Why a node other than a merge refuses, in a clause."""
    left, right = _value(requirement.left, at), _value(requirement.right, at)
    kind, detail = requirement.kind, requirement.detail
    if kind in ("output", "expect"):
        return f"`{detail}`"
    if kind == "argument" and detail and requirement.held is False:
        return detail
    if kind == "window":
        spans = "" if str(right) in detail.split() else f" spans {right} and"
        return f"{detail}{spans} does not fit a padded input of {left}"
    if kind == "empty" and left is not None:
        made = f"would leave {left}" if left < 1 else f"leaves {left}"
        return f"{detail} {made}" + (f" of {right}" if right is not None else "")
    if kind == "channels":
        what = detail if detail.startswith("the") else "the weight"
        return f"the input has {counted(left, 'channel')} and {what} takes {right}"
    if kind == "divides" and left is not None and right is not None:
        return f"{left} is not divisible by {right}" + (f" ({detail})" if detail and detail != str(right) else "")
    if left is not None and right is not None:
        return f"{detail + ': ' if detail else ''}{left} against {right}"
    if left is not None:
        return f"{detail or 'a size'} is {left}"
    return detail or "its sizes do not agree"


def stated_failures(facts: Facts) -> list[Mismatch]:
    """What fails at the smallest stated sizes that do; where nothing is stated, what fails at every size."""
    if not facts.inputs.axes or facts.inputs.conflicts:
        return []
    if facts.never and not facts.domains:
        return mismatches(facts, _sample(facts, {}), "never")
    found: list[Mismatch] = []
    seen: set[str] = set()
    for _ in range(8):
        failing_at = _smallest_failing(facts, seen)
        if not failing_at:
            break
        fresh = [
            mismatch
            for mismatch in mismatches(facts, _sample(facts, failing_at), "stated")
            if mismatch.first.requirement.path not in seen
        ]
        if not fresh:
            break
        found += fresh
        for mismatch in fresh:
            seen |= facts.reaches({mismatch.first.requirement.path})
            seen |= {meeting.requirement.path for meeting in mismatch.also}
    if not found and facts.domains:
        example = facts.coupled_counterexample
        if example is not None:
            found = mismatches(facts, _sample(facts, example), "stated")
    return found


def _smallest_failing(facts: Facts, seen: set[str]) -> dict[Symbol, int]:
    """By symbol the smallest stated size at which a node not seen yet refuses."""
    smallest: dict[Symbol, int] = {}
    for requirement in facts.demands:
        if requirement.path in seen or isinstance(requirement.held, bool):
            continue
        sizes = set_of(requirement.held)
        symbol = _symbol(facts, requirement)
        if sizes is None or symbol is None or symbol not in facts.domains:
            continue
        wrong = difference(facts.domains[symbol].sizes, sizes)
        first = next(iter(wrong), None)
        if first is not None and first < smallest.get(symbol, first + 1):
            smallest[symbol] = first
    for held, _ in facts.inputs.conditions:
        sizes = set_of(held)
        if sizes is not None and not isinstance(held, bool):
            symbol = held.table.symbols_in(held.mask)[0]
            if symbol in facts.domains:
                first = next(iter(difference(facts.domains[symbol].sizes, sizes)), None)
                if first is not None and first < smallest.get(symbol, first + 1):
                    smallest[symbol] = first
    return smallest


def _sample(facts: Facts, chosen: Mapping[Symbol, int]) -> dict[Symbol, int]:
    """Sizes for every symbol: the chosen ones, else the smallest stated, else a running one near 64."""
    at: dict[Symbol, int] = {}
    batches = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    for symbol in facts.inputs.symbols:
        if symbol in chosen:
            at[symbol] = chosen[symbol]
        elif symbol in facts.domains:
            good = facts.domains[symbol].sizes & facts.necessary[symbol]
            at[symbol] = next(islice(good, 1), None) or next(iter(facts.domains[symbol].sizes))
        else:
            wanted = 1 if symbol in batches else 64
            sizes = facts.necessary[symbol]
            below, above = sizes.nearest(wanted)
            at[symbol] = above or below or wanted
    return at


__all__ = ["Mismatch", "by", "failing", "grouped", "mismatches", "stated_failures"]
