"""What to do at a size that does not fit: the nearest sizes that do, what to pad the input by, what to crop."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from shapelint.size import EVERY_SIZE, SizeSet, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.facts import Facts
    from shapelint.size import Symbol

Spans = dict[str, dict[int, tuple[int, int]]]
"""By tensor and axis: [before, after] to pad, or [start, stop) to keep."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Pad every input by `pad`, run, keep `crop` of every output."""

    pad: Spans
    crop: dict[str, dict[int, tuple[int, int]] | None]
    """None where the origin of an output is not known."""
    to: Mapping[Symbol, int]
    """The sizes that the padded input has."""


def nearest(facts: Facts, at: Mapping[Symbol, int], *, above: bool) -> dict[Symbol, int] | None:
    """The nearest sizes on one side that are offered, axis by axis; None where an axis has none or all do not fit."""
    found: dict[Symbol, int] = {}
    for symbol, n in at.items():
        sizes = facts.offered.get(symbol)
        if sizes is None:
            return None
        size = sizes.nearest(n)[1 if above else 0]
        if size is None:
            return None
        found[symbol] = size
    return found if facts.suits(found) else None


def padded_size(sizes: SizeSet, n: int) -> int | None:
    """The size to pad `n` to: the next multiple of `pad_to` that is a member, else the next member."""
    if n in sizes:
        return n
    multiple = sizes.pad_to
    if multiple is not None:
        return max(-(-n // multiple), -(-sizes.start // multiple)) * multiple
    return sizes.nearest(n)[1]


def reached(sizes: SizeSet) -> SizeSet:
    """The sizes that can be padded to a member."""
    if sizes.residues:
        return EVERY_SIZE
    return SizeSet.of_range(1, sizes.extra[-1][1]) if sizes.extra else sizes


def plan(facts: Facts, at: Mapping[Symbol, int]) -> Plan | None:
    """What to pad and crop at these sizes; None where no larger size fits. Padding stands at the end of an axis.

    A size that runs is left as it is, also where it does so by stretching a one-pixel map; none is padded to such.
    """
    to: dict[Symbol, int] = {}
    for symbol, n in at.items():
        sizes, kept = facts.offered.get(symbol), facts.kept.get(symbol)
        is_kept = kept is not None and (kept.checked_to is None or n <= kept.checked_to) and n in kept
        target = n if is_kept else None if sizes is None else padded_size(sizes, n)
        if target is None:
            return None
        to[symbol] = target
    if not facts.suits(to):
        return None
    pad: Spans = {}
    for axis in facts.inputs.axes:
        before, after = evaluate(axis.size, at), evaluate(axis.size, to)
        pad.setdefault(axis.input, {})[axis.axis] = (0, after - before)
    crop: dict[str, dict[int, tuple[int, int]] | None] = {}
    for declared in facts.graph.outputs:
        crop[declared.name] = _crop(facts, declared.name, at, to)
    return Plan(pad, crop, to)


def _crop(
    facts: Facts, output: str, at: Mapping[Symbol, int], to: Mapping[Symbol, int]
) -> dict[int, tuple[int, int]] | None:
    tensor = facts.shapes.tensors.get(output)
    if tensor is None or tensor.shape is None:
        return None
    followed = {axis.axis: axis for axis in facts.outputs if axis.output == output}
    kept: dict[int, tuple[int, int]] = {}
    for place, dim in enumerate(tensor.shape):
        if dim is None:
            return None
        if isinstance(dim, int):
            continue
        axis = followed.get(place)
        if axis is None or axis.scale is None or axis.scale <= 0:
            return None
        before, after = evaluate(axis.follows.size, at), evaluate(axis.follows.size, to)
        if before == after:
            kept[place] = (0, evaluate(dim, to))
        elif evaluate(dim, to) == ceil(after * axis.scale):
            kept[place] = (0, ceil(before * axis.scale))
        else:
            return None
    return kept


def input_shapes(facts: Facts, at: Mapping[Symbol, int]) -> dict[str, list[int | None]]:
    """The shapes of the inputs at these sizes."""
    found = {}
    for name, tensor in facts.inputs.tensors.items():
        if tensor.shape is not None:
            found[name] = [None if dim is None else evaluate(dim, at) for dim in tensor.shape]
    return found
