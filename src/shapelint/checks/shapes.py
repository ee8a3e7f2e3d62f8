"""Checks of the sets of sizes and of what outputs declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.axes import declared_text, made_up
from shapelint.facts.subjects import Contradiction, Empty, Restriction
from shapelint.finding import Fault, check
from shapelint.size import EVERY_SIZE, Expr, SizeSet, equal, set_of, unequal
from shapelint.size.parse import NotASize, parse_dim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.axes import Axis
    from shapelint.facts import Facts
    from shapelint.graph import DeclaredDim, Span
    from shapelint.ops.call import Dim
    from shapelint.size import Size, Symbol


@check("restricted-size")
def restricted_size(facts: Facts, multiple: int = 0) -> Iterator[Fault]:
    """A free axis takes every size; with `multiple` it is enough that it takes every multiple of so many."""
    if facts.never:
        empty = [axis for axis in facts.inputs.axes if facts.necessary[axis.symbol].is_empty]
        if empty and not facts.failures and not facts.inputs.conflicts:
            subject = Restriction(tuple(empty), facts.necessary[empty[0].symbol], facts.file)
            labels = tuple([axis.label for axis in empty])
            yield Fault(grade="never", subject=subject, axes=labels, span=_declared_at(facts, empty[0]))
        return
    for restriction in facts.restrictions:
        if restriction.promised is not None:
            continue
        if multiple and restriction.sizes.is_complete and SizeSet.of_multiples(multiple) <= restriction.sizes:
            continue
        labels = tuple([axis.label for axis in restriction.axes])
        yield Fault(
            grade="free" if restriction.has_class else "no-class",
            subject=restriction,
            node=restriction.breaker or None,
            axes=labels,
            fits=dict.fromkeys(labels, restriction.sizes),
        )
    for tie in facts.ties:
        yield Fault(grade="free", subject=tie, node=tie.node or None, axes=tie.axes)


@check("unstated-size")
def unstated_size(facts: Facts, require_where: bool = False) -> Iterator[Fault]:
    """Every free axis but the batch has a stated domain, where that is asked for."""
    own: dict[Symbol, Axis] = {}
    for axis in facts.inputs.axes if require_where else ():
        own.setdefault(axis.symbol, axis)
    for axis in own.values():
        if not axis.is_batch and axis.symbol not in facts.domains:
            sizes = facts.runs[axis.symbol] or facts.necessary[axis.symbol]
            subject = Restriction((axis,), sizes, facts.file)
            yield Fault(grade="unstated", subject=subject, axes=(axis.label,), span=_declared_at(facts, axis))


@check("frozen-size")
def frozen_size(facts: Facts) -> Iterator[Fault]:
    """No Reshape moves spatial size into the batch."""
    for frozen in facts.frozen:
        yield Fault(grade="free", subject=frozen, node=frozen.node.path, axes=tuple(frozen.example))


@check("no-size-preserving-multiple")
def no_size_preserving_multiple(facts: Facts) -> Iterator[Fault]:
    """An output that is sometimes as large as its input is so at a whole class of multiples."""
    for subject in facts.preserving:
        followed = [axis for axis in facts.inputs.axes if axis.input == subject.input and axis.label in subject.axes]
        span = _declared_at(facts, followed[0]) if followed else None
        yield Fault(grade="free", subject=subject, axes=subject.axes, span=span)


def _declared_at(facts: Facts, axis: Axis) -> Span | None:
    """Where a text file declares the axis."""
    spans = next((each.spans for each in facts.graph.inputs if each.name == axis.input), ())
    return spans[axis.axis] if axis.axis < len(spans) else None


@check("declared-size-contradicted")
def declared_size_contradicted(facts: Facts) -> Iterator[Fault]:
    """The declared dims of an output are the inferred ones at every size that runs."""
    for declared in () if facts.never else facts.graph.outputs:
        tensor = facts.shapes.tensors.get(declared.name)
        if tensor is None or tensor.shape is None or declared.dims is None:
            continue
        if len(declared.dims) == len(tensor.shape):
            pairs = zip(declared.dims, tensor.shape, strict=True)
            examples = [_contradicted(facts, dim, inferred) for dim, inferred in pairs]
            found = list(dict.fromkeys(example for example in examples if example is not None))
        else:
            found = [""]
        if found:
            example = "" if "" in found else ", ".join(found)
            subject = Contradiction(declared.name, declared_text(declared), facts.shape_text(tensor.shape), example)
            yield Fault(grade="free", subject=subject)


def _contradicted(facts: Facts, declared: DeclaredDim, inferred: Dim) -> str | None:
    """A size to recommend at which the two differ, in words; empty where they always do; None where there is none."""
    meant = _meaning(facts, declared)
    if meant is None or inferred is None or meant is inferred:
        return None
    if isinstance(meant, int) and isinstance(inferred, int):
        return "" if meant != inferred else None
    differs = unequal(meant, inferred)
    if isinstance(differs, bool):
        return "" if differs and not facts.unknowns else None
    sizes = set_of(differs)
    symbols = facts.shapes.table.symbols_in(differs.mask)
    if sizes is None or len(symbols) != 1 or symbols[0] not in facts.necessary:
        return None
    runs = facts.offered[symbols[0]]
    if runs is None or not (runs.is_complete and sizes.is_complete):
        return None
    example = next(iter(runs & sizes), None)
    return None if example is None else f"{symbols[0].name} = {example}"


def _meaning(facts: Facts, declared: DeclaredDim) -> Size | None:
    """What a declared output dim says; None for a label, a name that no input declares."""
    if isinstance(declared, int):
        return declared if declared > 0 else None
    if declared is None or (made_up(declared) and declared not in facts.inputs.names):
        return None
    names = facts.inputs.names
    try:
        return parse_dim(declared, lambda name: names[name])
    except (NotASize, KeyError):
        return None


@check("empty-output")
def empty_output(facts: Facts) -> Iterator[Fault]:
    """No output is empty."""
    alike: dict[tuple[str, SizeSet, bool], dict[str, str]] = {}
    for declared in facts.graph.outputs:
        tensor = facts.shapes.tensors.get(declared.name)
        for dim in (tensor.shape if tensor is not None else None) or ():
            empty = equal(dim, 0) if isinstance(dim, Expr) else False
            sizes = set_of(empty)
            if isinstance(empty, bool) or sizes is None:
                continue
            symbol = facts.shapes.table.symbols_in(empty.mask)[0]
            domain = facts.domains.get(symbol)
            found = sizes & facts.necessary.get(symbol, EVERY_SIZE)
            found = found if domain is None else domain.sizes & found
            if not found.is_empty:
                alike.setdefault((declared.name, found, domain is None), {}).setdefault(symbol.name, str(dim))
    for (name, found, is_free), places in alike.items():
        axes = tuple(places)
        subject = Empty(name, axes, next(iter(places.values())), found)
        node = facts.graph.producers.get(name)
        yield Fault(
            grade="free" if is_free else "stated", subject=subject, node=None if node is None else node.path, axes=axes
        )
