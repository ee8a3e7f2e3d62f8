"""`declare` and `input_size`: what to write into the file, and what to feed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from shapelint.facts.promise import KEY, promise_text
from shapelint.facts.subjects import by_sets, listed, neighbours, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.patch import GraphPatch
from shapelint.size import SizeSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.axes import Axis
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Declared
    from shapelint.size import Symbol

# -- declare -----------------------------------------------------------------------------------------------------------


def declare(study: Study) -> Iterator[Candidate]:
    """The dims of the inputs say which sizes fit: `8*h`."""
    analysis = study.analysis
    if study.is_fixed or study.failure is not None:
        # At a size that somebody states and that fails, a narrower declaration is no repair.
        return
    words: dict[Symbol, str] = {}
    left_out: dict[str, SizeSet] = {}
    names = _names(study)
    inputs: dict[str, Declared] = {}
    promise: dict[tuple[str, int], SizeSet] = {}
    broken = {axis.symbol for each in study.facts.restrictions if each.promised is not None for axis in each.axes}
    for axis in study.spatial:
        sizes = study.offered(axis.symbol)
        is_open = axis.declared == "any" or axis.symbol in broken
        if sizes is None or sizes.is_every or axis.size is not axis.symbol.expr or not is_open:
            continue
        if axis.symbol not in words:
            found = _expression(axis, sizes, names)
            if found is None:
                continue
            words[axis.symbol], members = found
            if not (rest := sizes - members).is_empty:
                left_out[axis.label] = rest
        declared = inputs.get(axis.input) or _declared(study, axis)
        if declared is None or declared.dims is None:
            continue
        dims = list(declared.dims)
        dims[axis.axis] = words[axis.symbol]
        inputs[axis.input] = replace(declared, dims=tuple(dims))
        promise[axis.input, axis.axis] = sizes
    if not inputs:
        return
    texts = [f"{symbol.name} as `{word}`" for symbol, word in words.items()]
    reason = f"what fits besides is left out of the dims ({by_sets(left_out)})" if left_out else ""
    yield Candidate(
        "declare",
        f"declare {listed(texts)} in {quoted(list(inputs))}",
        GraphPatch(inputs=inputs, metadata={KEY: promise_text(promise)}),
        code="; ".join(f"{name}: {list(each.dims or ())}" for name, each in inputs.items()),
        reason=reason,
        safe=not analysis.is_stated,
        widens=False,
    )


def _declared(study: Study, axis: Axis) -> Declared | None:
    return next((each for each in study.model.graph.inputs if each.name == axis.input), None)


def _names(study: Study) -> set[str]:
    """The names that stand in dims of the file."""
    dims = [dim for each in study.model.graph.inputs for dim in each.dims or () if isinstance(dim, str)]
    return {name for dim in dims for name in re.findall(r"\w+", dim)}


def _expression(axis: Axis, sizes: SizeSet, taken: set[str]) -> tuple[str, SizeSet] | None:
    """`8*h + 4` for the class that holds the multiples, its smallest member at h = 1, and the class; None without one.

    The name is added to those taken.
    """
    if sizes.pad_to is not None:
        step = sizes.pad_to
        first = -(-sizes.start // step) * step
    elif len(sizes.residues) == 1:
        step, first = sizes.period, sizes.start
    else:
        return None
    while first > step and first - step in sizes:
        first -= step
    # `8*h` for H; any other label would stand for itself times 8.
    word = axis.label.lower() if len(axis.label) == 1 and axis.label.isascii() and axis.label.isupper() else "k"
    name, number = word, 1
    while name in taken:
        number += 1
        name = f"{word}{number}"
    taken.add(name)
    offset = first - step
    text = (f"{step}*{name}" if step > 1 else name) + (f" + {offset}" if offset else "")
    return text, SizeSet((), first, step, (first % step,))


# -- input_size --------------------------------------------------------------------------------------------------------


def input_size(study: Study) -> Iterator[Candidate]:
    """The nearest sizes that fit, axis by axis."""
    groups: dict[str, list[str]] = {}
    fits: dict[str, SizeSet] = {}
    for symbol in dict.fromkeys(axis.symbol for axis in study.spatial):
        sizes = study.offered(symbol)
        if study.for_output:
            sizes = next((each.sizes for each in study.facts.preserving if symbol.name in each.axes), None)
        if sizes is None or sizes.is_every or sizes.is_empty:
            continue
        n = (study.failing or {}).get(symbol)
        if n is not None and n in sizes:
            continue
        fits[symbol.name] = sizes
        near = neighbours(sizes, n).replace(" and ", " or ") if n is not None else ""
        around = f"{near} in place of {n}" if near else _in_words(sizes)
        groups.setdefault(around, []).append(symbol.name)
    if groups:
        parts = [f"{around} for {listed(labels)}" for around, labels in groups.items()]
        yield Candidate("input_size", f"feed {listed(parts)}", None, reason="the caller has to resize", fits=fits)


def _in_words(sizes: SizeSet) -> str:
    """`multiples of 8`, `sizes from 8`, `sizes of 312 (mod 320)`, `64`."""
    text = sizes.text
    if text.isdecimal() or text.startswith("multiples"):
        return text
    return f"sizes of {text}" if "(mod" in text else f"sizes {text}"
