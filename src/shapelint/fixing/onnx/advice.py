"""`declare`, `input_size` and `export`: what to write into the file, what to feed, what to export otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed, neighbours, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.patch import GraphPatch
from shapelint.size.parse import is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.axes import Axis
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Constant, Declared, Node
    from shapelint.size import SizeSet, Symbol
    from shapelint.size.sizeset import SizeSetJson

PROMISE: Final = "shapelint.sizes"
"""The metadata entry that holds the exact sets by input and axis, as `set` stands in reports."""
_SIZED: Final = ("reshape", "merge", "join", "match", "limit")
"""The kinds of requirement that a baked size can fail."""


# -- declare -----------------------------------------------------------------------------------------------------------


def declare(study: Study) -> Iterator[Candidate]:
    """The dims of the inputs say which sizes fit: `8*h`."""
    analysis = study.analysis
    if study.is_fixed or analysis.model is not study.model:
        return
    words: dict[Symbol, str] = {}
    left_out: list[str] = []
    inputs: dict[str, Declared] = {}
    promise: dict[str, dict[str, SizeSetJson]] = {}
    for axis in study.spatial:
        sizes = study.offered(axis.symbol)
        if sizes is None or sizes.is_every or axis.size is not axis.symbol.expr or axis.declared != "any":
            continue
        if axis.symbol not in words:
            word = _expression(axis, sizes, set(words.values()))
            if word is None:
                continue
            words[axis.symbol] = word
            if len(sizes.residues) > 1 or sizes.extra:
                left_out.append(axis.label)
        declared = inputs.get(axis.input) or _declared(study, axis)
        if declared is None or declared.dims is None:
            continue
        dims = list(declared.dims)
        dims[axis.axis] = words[axis.symbol]
        inputs[axis.input] = replace(declared, dims=tuple(dims))
        promise.setdefault(axis.input, {})[str(axis.axis)] = sizes.to_json()
    if not inputs:
        return
    texts = [f"{symbol.name} as `{word}`" for symbol, word in words.items()]
    reason = f"the sizes of {listed(left_out)} beside these are left out of the dims" if left_out else ""
    yield Candidate(
        "declare",
        f"declare {listed(texts)} in {quoted(list(inputs))}",
        GraphPatch(inputs=inputs, metadata={PROMISE: json.dumps(promise, separators=(",", ":"))}),
        code="; ".join(f"{name}: {list(each.dims or ())}" for name, each in inputs.items()),
        reason=reason,
        safe=not analysis.is_stated,
        widens=False,
    )


def _declared(study: Study, axis: Axis) -> Declared | None:
    return next((each for each in study.model.graph.inputs if each.name == axis.input), None)


def _expression(axis: Axis, sizes: SizeSet, taken: set[str]) -> str | None:
    """`8*h + 4` for the class that holds the multiples, its smallest member at h = 1; None where there is no class."""
    if sizes.pad_to is not None:
        step = sizes.pad_to
        first = -(-sizes.start // step) * step
    elif len(sizes.residues) == 1:
        step, first = sizes.period, sizes.start
    else:
        return None
    while first > step and first - step in sizes:
        first -= step
    word = axis.label.lower() if is_name(axis.label) and axis.label.isascii() else f"d{axis.axis}"
    name, number = word, 1
    while any(name in each for each in taken):
        number += 1
        name = f"{word}{number}"
    offset = first - step
    return (f"{step}*{name}" if step > 1 else name) + (f" + {offset}" if offset else "")


# -- input_size --------------------------------------------------------------------------------------------------------


def input_size(study: Study) -> Iterator[Candidate]:
    """The nearest sizes that fit, axis by axis."""
    groups: dict[str, list[str]] = {}
    fits: dict[str, SizeSet] = {}
    for symbol in dict.fromkeys(axis.symbol for axis in study.spatial):
        sizes = study.offered(symbol)
        if sizes is None or sizes.is_every or sizes.is_empty:
            continue
        n = (study.failing or {}).get(symbol)
        if n is not None and n in sizes:
            continue
        fits[symbol.name] = sizes
        around = sizes.text if n is None else f"{neighbours(sizes, n).replace(' and ', ' or ')} in place of {n}"
        groups.setdefault(around, []).append(symbol.name)
    if groups:
        parts = [f"{around} for {listed(labels)}" for around, labels in groups.items()]
        yield Candidate("input_size", f"feed {'; '.join(parts)}", None, reason="the caller has to resize", fits=fits)


# -- export ------------------------------------------------------------------------------------------------------------


def export(study: Study) -> Iterator[Candidate]:
    """The constants that an export baked in where a size belongs."""
    facts = study.facts
    places: dict[str, int | None] = {each.node.path: None for each in facts.frozen}
    for requirement in facts.shapes.requirements:
        if requirement.kind in _SIZED and not isinstance(requirement.held, bool):
            places.setdefault(requirement.path, requirement.axis)
    for order, (path, axis) in enumerate(places.items()):
        node = facts.nodes.get(path)
        baked = None if node is None else _baked(study, node, axis)
        if baked is not None:
            yield Candidate(
                "export",
                f"export again so that `{path}` computes its size: {baked}",
                None,
                reason="the size of the sample input is written into the file",
                order=order,
            )


def _baked(study: Study, node: Node, axis: int | None) -> str | None:
    """The constant among the inputs of a node that holds a size, in a clause."""
    shape = study.facts.shapes.tensors[node.outputs[0]].shape if node.outputs[0] in study.facts.shapes.tensors else None
    for name in node.inputs:
        constant = _constant(study, name)
        if constant is None:
            continue
        if node.op in ("Reshape", "Expand"):
            if constant.values is not None and sum(isinstance(each, int) and each > 1 for each in constant.values) > 1:
                return f"the constant `{name}` asks for {list(constant.values)}"
            continue
        place = axis - len(shape) + len(constant.dims) if axis is not None and shape is not None else -1
        if 0 <= place < len(constant.dims) and constant.dims[place] > 1:
            return f"the constant `{name}` is of the shape {list(constant.dims)}"
    return None


def _constant(study: Study, name: str) -> Constant | None:
    """The constant that a name stands for, as an initializer or through a Constant node."""
    from shapelint.graph import Constant

    found = study.model.graph.constants.get(name)
    if found is None:
        node = study.model.graph.producers.get(name)
        value = node.attributes.get("value") if node is not None and node.op == "Constant" else None
        found = value if isinstance(value, Constant) else None
    return found
