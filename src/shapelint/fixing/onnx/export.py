"""`export`: the constants that an export baked in where a size belongs, with the node that reads each.

Asked are the nodes that refuse every class of sizes: their own inputs, and the step that made a size that meets there.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

from shapelint.facts.flow import slope
from shapelint.facts.subjects import listed
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.back import forms
from shapelint.fixing.onnx.study import MERGES, unchanged
from shapelint.size import Expr, set_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Constant, Node
    from shapelint.ops.call import Requirement

_SIZED: Final = ("reshape", "merge", "join", "match", "limit", "channels")
"""The kinds of requirement that a baked size can fail."""
_SIZES: Final = {
    "Reshape": (1,),
    "Expand": (1,),
    "Resize": (3,),
    "Slice": (1, 2),
    "Pad": (1,),
    "ConstantOfShape": (0,),
    "Tile": (1,),
    "CenterCropPad": (1,),
    "Range": (0, 1),
}
"""By operator the inputs that say how large its result is."""
_COMPUTING: Final = frozenset(
    (
        "Concat Unsqueeze Squeeze Cast Add Sub Mul Div Floor Ceil Round Min Max Neg Identity Slice Gather Where Reshape"
    ).split()
)
"""Operators with which exporters compute sizes."""
_FARTHEST: Final = 24
_MOST: Final = 4
"""Entries of one menu."""


def export(study: Study) -> Iterator[Candidate]:
    """An entry for every constant with the nodes that read it, at most four."""
    found: dict[str, tuple[str, list[str]]] = {}
    for node, places in _readers(study):
        for place in places:
            name = node.inputs[place] if place < len(node.inputs) else ""
            for constant, text in _baked(study, node, name):
                paths = found.setdefault(constant, (text, []))[1]
                if node.path not in paths:
                    paths.append(node.path)
    for order, (text, paths) in enumerate(list(found.values())[:_MOST]):
        shown = [f"`{path}`" for path in paths]
        named = listed(shown if len(shown) <= 3 else [*shown[:2], f"{len(shown) - 2} more"])
        computes = "computes its size" if len(paths) == 1 else "compute their sizes"
        yield Candidate(
            "export",
            f"export again so that {named} {computes}: {text}",
            None,
            reason="it was written into the file when the model was exported, for the size of the sample input",
            order=order,
        )


def _readers(study: Study) -> Iterator[tuple[Node, tuple[int, ...]]]:
    """The nodes that may read a baked size, and the places of the inputs that may hold it."""
    facts = study.facts
    for each in facts.frozen:
        yield each.node, (1,)
    for requirement in facts.shapes.requirements:
        node = facts.nodes.get(requirement.path)
        if node is None or requirement.kind not in _SIZED or not _refuses_classes(requirement):
            continue
        if node.op in _SIZES:
            yield node, _SIZES[node.op]
            continue
        if requirement.kind not in MERGES:
            # What a product or a convolution refuses are its weights, which no export makes fit.
            continue
        yield node, tuple([each for each in requirement.operands if each >= 0])
        for name in facts.operand_names(requirement) or ():
            maker = _maker(study, name, requirement)
            if maker is not None:
                yield maker, _SIZES[maker.op]


def _refuses_classes(requirement: Requirement) -> bool:
    """Whether no class of multiples satisfies it."""
    if isinstance(requirement.held, bool):
        return not requirement.held
    sizes = set_of(requirement.held)
    return sizes is None or (sizes.is_complete and sizes.pad_to is None)


def _maker(study: Study, value: str, requirement: Requirement) -> Node | None:
    """The node that made the size of a value where it meets another, if it takes sizes as an input.

    Asked only where the size is a number, or grows by another factor than the one that it meets.
    """
    graph, known, axis = study.facts.graph, forms(study.facts.shapes), requirement.axis
    shape = known.get(value)
    if axis is None or shape is None or not (isinstance(shape[axis], int) or _grow_apart(requirement)):
        return None
    maker = None
    for name, _ in unchanged(graph, known, value, axis):
        node = graph.producers.get(name)
        if node is not None and not node.domain and node.op in _SIZES:
            maker = node
            if node.op != "Reshape":
                break
    return maker


def _grow_apart(requirement: Requirement) -> bool:
    """Whether the sizes that meet depend on one axis and grow by different factors."""
    left, right = requirement.left, requirement.right
    if not isinstance(left, Expr) or not isinstance(right, Expr) or len(left.symbols) != 1:
        return False
    return left.symbols == right.symbols and slope(left, left.symbols[0]) != slope(right, left.symbols[0])


def _baked(study: Study, node: Node, name: str) -> Iterator[tuple[str, str]]:
    """The constants that stand for a size among what makes an input, each with a clause that names it."""
    graph = study.model.graph
    is_shape = node.op in _SIZES
    frontier: list[str] = [name]
    seen: set[str] = set()
    while frontier and len(seen) < _FARTHEST:
        each = frontier.pop(0)
        if not each or each in seen:
            continue
        seen.add(each)
        constant = _constant(study, each)
        if constant is None:
            producer = graph.producers.get(each)
            if is_shape and producer is not None and producer.op in _COMPUTING and not producer.domain:
                # What Gather and Slice pick by is a place, not a size.
                picks = producer.op in ("Gather", "Slice", "Unsqueeze", "Squeeze")
                frontier += producer.inputs[:1] if picks else producer.inputs
        elif not is_shape:
            if prod(constant.dims) > 1:
                yield each, f"the constant `{each}` is of the shape {list(constant.dims)}"
        elif constant.values is not None and any(_is_size(value) for value in constant.values):
            values = list(constant.values)
            shown = values[0] if len(values) == 1 else values
            asks = "asks for" if each == name else "is"
            yield each, f"the constant `{each}` {asks} {shown}"


def _is_size(value: object) -> bool:
    """Whether a number can stand for a size, or what one is multiplied by: more than 1, and no end of everything."""
    return isinstance(value, int | float) and 1 < value < 2**31 - 1


def _constant(study: Study, name: str) -> Constant | None:
    """The constant that a name stands for, as an initializer or through a Constant node."""
    from shapelint.graph import Constant

    found = study.model.graph.constants.get(name)
    if found is None:
        node = study.model.graph.producers.get(name)
        value = node.attributes.get("value") if node is not None and node.op == "Constant" else None
        found = value if isinstance(value, Constant) else None
    return found


__all__ = ["export"]
