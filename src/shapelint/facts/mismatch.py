"""Failures at given sizes: which nodes cannot run there, grouped by cause, with chain and pair."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from shapelint.facts.flow import blame, joined
from shapelint.facts.subjects import Meeting, Mismatch, by, counted, listed, neighbours, shapes_text
from shapelint.size import Condition, Expr, SizeSet, difference, equal, evaluate, holds, set_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.flow import Blame
    from shapelint.ops.call import Dim, Requirement
    from shapelint.size import Symbol

T = TypeVar("T")

MERGES = ("merge", "join")
EXPECTED = ("output", "expect")
"""The kinds of requirements that a person states."""


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


def grouped(facts: Facts, requirements: list[Requirement], at: Mapping[Symbol, int]) -> Iterator[list[Requirement]]:
    """The requirements by cause: the first that fails with all that fail downstream of it.

    What a node demands stands before what is expected, so that a cause which stops the model is told as that.
    """
    order = {path: place for place, path in enumerate(facts.nodes)}
    places = {id(each): facts.stands_at(each) for each in requirements}
    rest = sorted(requirements, key=lambda each: max((order.get(path, -1) for path in places[id(each)]), default=-1))
    while rest:
        reached = facts.reaches(set(places[id(rest[0])])) if _leads(facts, rest[0], at) else set()
        group = [
            each
            for each in rest
            if each.path == rest[0].path or (_follows(facts, each) and not reached.isdisjoint(places[id(each)]))
        ]
        kept = {id(each) for each in group}
        rest = [each for each in rest if id(each) not in kept]
        yield sorted(group, key=lambda each: each.kind in EXPECTED)


def _follows(facts: Facts, requirement: Requirement) -> bool:
    """Whether it can fail because of what failed upstream: a bound on a size fails by itself."""
    expectation = facts.expectation_of(requirement)
    return expectation is None or expectation.compared is not None


def _leads(facts: Facts, requirement: Requirement, at: Mapping[Symbol, int]) -> bool:
    """Whether what fails downstream fails for the same cause: not for a condition that no pair of steps explains."""
    if requirement.kind not in EXPECTED:
        return True
    found = _blame(facts, [requirement], at)
    return found is not None and bool(found.down or found.branches)


def mismatches(facts: Facts, at: Mapping[Symbol, int], grade: str) -> list[Mismatch]:
    """What fails at these sizes, one entry a cause."""
    return [_mismatch(facts, group, at, grade) for group in grouped(facts, failing(facts, at), at)]


def _blame(facts: Facts, together: list[Requirement], at: Mapping[Symbol, int]) -> Blame | None:
    """Why the sizes differ, along every axis whose numbers are not those of another."""
    names = facts.compared_names(together[0])
    if names is None:
        return None
    found: dict[tuple[tuple[str, int, int], ...], Blame] = {}
    for symbol in dict.fromkeys(symbol for requirement in together for symbol in _symbols(facts, requirement)):
        blamed = blame(facts.flow, *names, symbol, at)
        steps = tuple([(link.node, link.before, link.after) for link in (*blamed.left, *blamed.right)])
        found.setdefault(steps, blamed)
    return joined(list(found.values())) if found else None


def _mismatch(facts: Facts, group: list[Requirement], at: Mapping[Symbol, int], grade: str) -> Mismatch:
    first = group[0]
    together = [each for each in group if each.path == first.path and _pair(facts, each) == _pair(facts, first)]
    rows: dict[frozenset[str], list[Requirement]] = {_pair(facts, first): together[:1]}
    for requirement in group if _pair(facts, first) else ():
        pair = _pair(facts, requirement)
        # What is expected of the two sides of a merge says nothing that the merge does not.
        if pair and all(row[0].path == requirement.path for other, row in rows.items() if other == pair):
            rows.setdefault(pair, []).append(requirement)
    symbols = _symbols(facts, first)
    shown = {
        name: tuple([_value(dim, at) for dim in tensor.shape])
        for name, tensor in facts.inputs.tensors.items()
        if tensor.shape is not None
    }
    depends = [_symbols(facts, requirement) for requirement in group]
    failing_symbols = {each for symbols in depends for each in symbols}
    coupled = {each for symbols in depends if len(symbols) > 1 for each in symbols}
    fits = {}
    near: dict[str, list[str]] = {}
    for each in facts.inputs.symbols:
        if each not in failing_symbols - coupled:
            continue
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
        also=tuple([_meeting(facts, row, at) for row in rows.values() if row[0] is not first]),
        blame=_blame(facts, together, at),
        axis=symbols[0].name if symbols else "",
        at=shown,
        sizes={each.name: at[each] for each in facts.inputs.symbols if each in at},
        fits=fits,
        nearest="; ".join(f"{around} for {listed(labels)}" for around, labels in near.items()),
        why=_why(first, at),
        when=_when(facts, first, grade, shown),
        needs="" if fits or isinstance(first.held, bool) else facts.needs(first),
        expectation=facts.expectation_of(first),
    )


def _pair(facts: Facts, requirement: Requirement) -> frozenset[str]:
    """The values whose sizes are compared; none where a requirement compares no two sizes."""
    return frozenset(facts.compared_names(requirement) or ())


def _is_member(sizes: SizeSet, n: int | None) -> bool:
    return n is not None and (sizes.checked_to is None or n <= sizes.checked_to) and n in sizes


def _when(facts: Facts, first: Requirement, grade: str, at: Mapping[str, tuple[int | None, ...]]) -> str:
    """At which sizes it fails."""
    example = f"at {shapes_text(at)}"
    if first.held is False and facts.inputs.axes and not _symbols(facts, first):
        return "at every size"
    always = grade == "never" or (first.held is False and facts.inputs.axes)
    return f"at every size, for example {example}" if always else example


def _symbols(facts: Facts, requirement: Requirement) -> tuple[Symbol, ...]:
    """The free axes that what fails depends on; the batch only where it is nothing else."""
    held = requirement.held
    mask = 0
    if isinstance(held, Condition):
        mask = held.mask
    else:
        for left, right in _sides(facts, requirement):
            if left is not None and right is not None and equal(left, right) is False:
                mask |= (left.mask if isinstance(left, Expr) else 0) | (right.mask if isinstance(right, Expr) else 0)
    batches = {axis.symbol for axis in facts.inputs.axes if axis.is_batch}
    symbols = [symbol for symbol in facts.shapes.table.symbols_in(mask) if not symbol.opaque]
    return tuple([symbol for symbol in symbols if symbol not in batches] or symbols)


def _sides(facts: Facts, requirement: Requirement) -> Iterator[tuple[Dim, Dim]]:
    """The sizes that a requirement compares."""
    expectation = facts.expectation_of(requirement)
    if expectation is None:
        yield requirement.left, requirement.right
        return
    left, right = _alike(*[_flat(side) for side in (expectation.left, expectation.right)])
    yield from zip(left, right, strict=False)


def _flat(side: object) -> tuple[Dim, ...]:
    """A side of a condition as sizes."""
    return tuple([each for each in (side if isinstance(side, tuple) else (side,)) if isinstance(each, int | Expr)])


def _alike(left: tuple[T, ...], right: tuple[T, ...]) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Both sides of a condition, a scalar as often as the other side has sizes."""
    return (
        left * len(right) if len(left) == 1 else left,
        right * len(left) if len(right) == 1 else right,
    )


def _meeting(facts: Facts, requirements: list[Requirement], at: Mapping[Symbol, int]) -> Meeting:
    """The requirements of one node that fail together, as one meeting of two tensors."""
    first = requirements[0]
    axes = []
    for requirement in requirements:
        words = [symbol.name for symbol in _symbols(facts, requirement)]
        if not words and requirement.axis is not None:
            words = [f"axis {requirement.axis}"]
        axes += [word for word in words if word not in axes]
    names = facts.operand_names(first) or ("", "")
    node = facts.nodes.get(first.path)
    expectation = facts.expectation_of(first)
    if expectation is not None:
        left, right = _alike(_vector(expectation.left, at), _vector(expectation.right, at))
        if not axes and len(left) == len(right):
            axes = [f"axis {axis}" for axis, sides in enumerate(zip(left, right, strict=True)) if sides[0] != sides[1]]
        return Meeting(first, node, tuple(axes), left, right, "", "")
    sides = []
    for name, own in zip(names, ("left", "right"), strict=True):
        sides.append(_spatial(facts, name, requirements, own, at))
    return Meeting(first, node, tuple(axes), sides[0], sides[1], *[facts.called(name) for name in names])


def _spatial(
    facts: Facts, name: str, requirements: list[Requirement], side: str, at: Mapping[Symbol, int]
) -> tuple[int, ...]:
    """The sizes of a tensor that is compared with another, less batch and channels where those agree.

    Only the failing ones where not all are known, or where one side is no tensor's.
    """
    tensor = facts.shapes.tensors.get(name) if facts.compared_names(requirements[0]) is not None else None
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
    values = [_value(each, at) for each in _flat(side)]
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
    if kind in EXPECTED:
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


def stated_failures(facts: Facts, tell: Callable[[Mapping[Symbol, int], str], list[Mismatch]]) -> list[Mismatch]:
    """What fails at the smallest stated sizes that do; where nothing is stated, what fails at every size.

    `tell` has what fails at given sizes, in the words of a grade.
    """
    if not facts.inputs.axes or facts.inputs.conflicts:
        return []
    if facts.never and not facts.domains:
        only_batch = all(axis.is_batch for axis in facts.inputs.axes)
        return tell(_sample(facts, {}), "stated" if only_batch else "never")
    found: list[Mismatch] = []
    seen: set[str] = set()
    refusing: dict[str, frozenset[str]] = {}
    for _ in range(8):
        failing_at = _smallest_failing(facts, seen, refusing)
        if not failing_at:
            break
        fresh = [
            mismatch
            for mismatch in tell(_sample(facts, failing_at), "stated")
            if mismatch.first.requirement.path not in seen
        ]
        if not fresh:
            break
        found += fresh
        for mismatch in fresh:
            path = mismatch.first.requirement.path
            behind = facts.reaches({path})
            if mismatch.kind in MERGES or mismatch.expectation is not None:
                seen |= behind
            else:  # what is too small for one layer says nothing of larger sizes at those behind it
                seen.add(path)
                refusing[path] = frozenset(behind) - {path}
            seen |= {meeting.requirement.path for meeting in mismatch.also}
    if not found and facts.domains:
        example = facts.coupled_counterexample
        if example is not None:
            found = tell(_sample(facts, example), "stated")
    return found


def _smallest_failing(facts: Facts, seen: set[str], refusing: Mapping[str, frozenset[str]]) -> dict[Symbol, int]:
    """By symbol the smallest stated size at which a node not seen yet refuses.

    `refusing`: nodes known to refuse, and those behind each, which are judged by the sizes that get there.
    """
    smallest: dict[Symbol, int] = {}
    lets_through: dict[tuple[str, Symbol], SizeSet] = {}
    for requirement in facts.demands if refusing else ():
        passing = set_of(requirement.held) if requirement.path in refusing else None
        if passing is not None:
            for each in _symbols(facts, requirement):
                place = requirement.path, each
                lets_through[place] = passing & lets_through.get(place, passing)
    for requirement in facts.demands:
        if requirement.path in seen or isinstance(requirement.held, bool):
            continue
        sizes = set_of(requirement.held)
        symbol = next(iter(_symbols(facts, requirement)), None)
        if sizes is None or symbol is None or symbol not in facts.domains:
            continue
        wrong = difference(facts.domains[symbol].sizes, sizes)
        for path, behind in refusing.items():
            if requirement.path in behind and (path, symbol) in lets_through:
                wrong &= lets_through[path, symbol]
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
