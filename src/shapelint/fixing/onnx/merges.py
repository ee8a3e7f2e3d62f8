"""`output_size`, `crop_merge`, `pad_merge`: what meets is made equal, with sizes that the graph takes from a Shape.

Merges are mended in the order of the graph, and the model is propagated again until none is left that refuses a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.sketch import NotDrawn, Sketch
from shapelint.fixing.onnx.study import UPS, broken_merges, made_by, shapes_of
from shapelint.graph import Constant
from shapelint.size import all_of, at_least, evaluate, is_always

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Node
    from shapelint.size import Size

_ROUNDS: Final = 24
_FLOAT: Final = 1
_SAMPLED: Final = range(256, 768)
"""Sizes at which the border that unpadded layers cost is read off."""


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Two values that meet and the axes along which some sizes differ."""

    path: str
    left: str
    right: str
    axes: dict[int, tuple[Size, Size]]
    rank: int


def _meetings(facts: Facts, sketch: Sketch) -> Iterator[_Meeting]:
    for path, breakers in broken_merges(facts).items():
        node = sketch.node(path)
        places = breakers[0].requirement.operands
        if not all(0 <= place < len(node.inputs) for place in places):
            continue
        left, right = (node.inputs[place] for place in places)
        sizes = {}
        for breaker in breakers:
            one, other = breaker.requirement.left, breaker.requirement.right
            if breaker.requirement.operands == places and one is not None and other is not None:
                assert breaker.requirement.axis is not None
                sizes[breaker.requirement.axis] = (one, other)
        shape = facts.shapes.tensors[left].shape
        yield _Meeting(path, left, right, sizes, len(shape or ()))


# -- the decoder takes the size of the skip ----------------------------------------------------------------------------


def output_size(study: Study) -> Iterator[Candidate]:
    """Every step up that ends in a merge takes its size from the other side's Shape."""
    try:
        sketch = Sketch(study.model)
        facts = study.facts
        ups: list[str] = []
        exact = True
        for meeting in _meetings(facts, sketch):
            up = _step_up(study, facts, meeting)
            if up is None or up[0].path in ups:
                continue
            node, skip, axes = up
            if not _comes_before(study, skip, node):
                continue
            if node.op == "Resize":
                exact &= _resize_to(sketch, study, facts, node, skip, axes)
            else:
                _unslide_to(sketch, study, facts, node, skip, axes)
            ups.append(node.path)
    except NotDrawn:
        return
    if not ups:
        return
    drift = "the sampling grid follows the sizes instead of the scale"
    yield Candidate(
        "output_size",
        f"let {_named(ups)} return the size of the skip, taken from its Shape",
        sketch.patch,
        reason="nothing changes at the sizes that fitted" if exact else drift,
        safe=exact,
    )


def _named(paths: list[str]) -> str:
    return (
        quoted(paths) if len(paths) <= 3 else listed([*[f"`{each}`" for each in paths[:2]], f"{len(paths) - 2} more"])
    )


def _step_up(study: Study, facts: Facts, meeting: _Meeting) -> tuple[Node, str, list[int]] | None:
    """The step up nearest to the merge, the value on its other side, and the axes that differ."""
    shapes = shapes_of(facts.shapes)
    order = {node.path: place for place, node in enumerate(study.model.graph.nodes)}
    found: list[tuple[Node, str]] = []
    axes = sorted(meeting.axes)
    for own, other in ((meeting.left, meeting.right), (meeting.right, meeting.left)):
        nodes = [made_by(study.model, shapes, own, axis, UPS) for axis in axes]
        node = nodes[0]
        if node is not None and axes[0] >= 2 and all(each is node for each in nodes):
            found.append((node, other))
    if not found:
        return None
    node, skip = max(found, key=lambda each: order[each[0].path])
    return node, skip, axes


def _comes_before(study: Study, value: str, node: Node) -> bool:
    """Whether the value is there when the node runs."""
    for each in study.model.graph.nodes:
        if each is node:
            return value not in study.model.graph.producers
        if value in each.outputs:
            return True
    return False


def _resize_to(sketch: Sketch, study: Study, facts: Facts, node: Node, skip: str, axes: list[int]) -> bool:
    """Let a Resize take the spatial sizes of `skip`; whether that is what its scales come to where both fit."""
    x = node.inputs[0]
    rank = len(facts.shapes.tensors[x].shape or ())
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch" or len(node.inputs) < 3:
        raise NotDrawn
    scales = facts.shapes.tensors.get(node.inputs[2]) if node.inputs[2] else None
    kept = sketch.size(node.path, x, 0, 1)
    taken = sketch.size(node.path, skip, *range(2, rank))
    sizes = sketch.joined(node.path, [kept, taken], f"{node.path}/sizes")
    empty = "" if sketch.version >= 13 else sketch.constant(Constant(_FLOAT, (0,), ()), "no_scales")
    attributes = {"axes": None} if "axes" in node.attributes else {}
    sketch.change(node.path, inputs=[x, node.inputs[1], empty, sizes], attributes=dict(attributes))
    values = scales.value if scales is not None else None
    whole = values is not None and all(isinstance(each, float) and each.is_integer() for each in values)
    crops = node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    return whole and not crops


def _unslide_to(sketch: Sketch, study: Study, facts: Facts, node: Node, skip: str, axes: list[int]) -> None:
    """Let a ConvTranspose give as much as its stride allows, and cut that to the size of `skip`.

    The right output_padding at any size is the size wanted less the size without: what is cut is what the largest
    one gives beyond it.
    """
    strides, paddings = window_of(node, facts)
    result = node.outputs[0]
    shape = facts.shapes.tensors[result].shape
    target = facts.shapes.tensors[skip].shape
    if shape is None or target is None:
        raise NotDrawn
    widest = list(paddings)
    for axis in axes:
        have, want = shape[axis], target[axis]
        if have is None or want is None:
            raise NotDrawn
        least = have - paddings[axis - 2]
        widest[axis - 2] = strides[axis - 2] - 1
        if not is_always(all_of((at_least(want, least), at_least(least + strides[axis - 2] - 1, want)))):
            raise NotDrawn
    sketch.change(node.path, attributes={"output_padding": tuple(widest)})
    at = _after(study, node)
    zeros = sketch.numbers(*[0] * len(axes))
    cut = sketch.cut(at, result, axes, zeros, sketch.size(at, skip, *axes), f"{node.path}/to_skip")
    sketch.redirect(result, cut)
    if result in {each.name for each in study.model.graph.outputs}:
        raise NotDrawn


def _after(study: Study, node: Node) -> str:
    """The path of the node that follows; what reads the result comes no earlier."""
    nodes = study.model.graph.nodes
    place = nodes.index(node) + 1
    return nodes[place].path if place < len(nodes) else ""


def window_of(node: Node, facts: Facts) -> tuple[list[int], list[int]]:
    """The strides and the output_padding of a ConvTranspose whose size they decide."""
    x = facts.shapes.tensors[node.inputs[0]].shape
    if x is None or "output_shape" in node.attributes or str(node.attributes.get("auto_pad", "NOTSET")) != "NOTSET":
        raise NotDrawn
    ones, zeros = (1,) * (len(x) - 2), (0,) * (len(x) - 2)
    strides = node.attributes.get("strides", ones)
    paddings = node.attributes.get("output_padding", zeros)
    if not isinstance(strides, tuple) or not isinstance(paddings, tuple):
        raise NotDrawn
    return [each for each in strides if isinstance(each, int)], [each for each in paddings if isinstance(each, int)]


# -- one side is made as large as the other ----------------------------------------------------------------------------


def crop_merge(study: Study) -> Iterator[Candidate]:
    """The larger side of every merge is cropped to the smaller."""
    yield from _fitted(study, "crop_merge", "crop the larger side of {} to the smaller", "what is cropped is lost")


def pad_merge(study: Study) -> Iterator[Candidate]:
    """The smaller side of every merge is padded with zeros to the larger."""
    yield from _fitted(
        study, "pad_merge", "pad the smaller side of {} to the larger", "zeros are invented at the border"
    )


def _fitted(study: Study, kind: str, title: str, reason: str) -> Iterator[Candidate]:
    try:
        sketch = Sketch(study.model)
        facts = study.facts
        mended: list[str] = []
        splits: list[str] = []
        for _ in range(_ROUNDS):
            meetings = [each for each in _meetings(facts, sketch) if each.path not in mended]
            if not meetings:
                break
            splits.append(_fit(sketch, meetings[0], crops=kind == "crop_merge"))
            mended.append(meetings[0].path)
            facts = study.freed(sketch.patched)
    except NotDrawn:
        return
    if mended:
        split = ", ".join(dict.fromkeys(filter(None, splits)))
        yield Candidate(
            kind, title.format(_named(mended)), sketch.patch, reason=reason + (f"; {split}" if split else "")
        )


def _fit(sketch: Sketch, meeting: _Meeting, *, crops: bool) -> str:
    """Make both sides of one merge equal; how the difference is split, in words."""
    at = meeting.path
    axes = sorted(meeting.axes)
    pairs = [meeting.axes[axis] for axis in axes]
    if all(is_always(at_least(left, right)) for left, right in pairs):
        large, small = meeting.left, meeting.right
    elif all(is_always(at_least(right, left)) for left, right in pairs):
        large, small = meeting.right, meeting.left
    elif crops:
        _crop_both(sketch, meeting, axes)
        return ""
    else:
        raise NotDrawn
    fronts = [_front(left, right) for left, right in pairs]
    before = sketch.numbers(*fronts)
    if crops:
        length = sketch.size(at, small, *axes)
        stop = sketch.add(at, "Add", [before, length], f"{at}/stop") if any(fronts) else length
        cut = sketch.cut(at, large, axes, before, stop, f"{at}/cropped")
        _exchange(sketch, at, large, cut)
    else:
        wanted, have = sketch.size(at, large, *axes), sketch.size(at, small, *axes)
        missing = sketch.add(at, "Sub", [wanted, have], f"{at}/missing")
        behind = sketch.add(at, "Sub", [missing, before], f"{at}/behind") if any(fronts) else missing
        pads = _pads(sketch, at, before, behind, axes, meeting.rank)
        _exchange(sketch, at, small, sketch.add(at, "Pad", [small, pads], f"{at}/padded"))
    split = ", ".join(map(str, dict.fromkeys(fronts)))
    return f"{split} before, the rest after" if any(fronts) else "all of it at the end"


def _pads(sketch: Sketch, at: str, before: str, behind: str, axes: list[int], rank: int) -> str:
    """The pads of every axis, of which those of `axes` are computed."""
    parts: list[str] = []
    for vector in (before, behind):
        for axis in range(rank):
            if axis in axes:
                parts.append(sketch.add(at, "Gather", [vector, sketch.numbers(axes.index(axis))], f"{at}/pad", axis=0))
            else:
                parts.append(sketch.numbers(0))
    return sketch.joined(at, parts, f"{at}/pads")


def _crop_both(sketch: Sketch, meeting: _Meeting, axes: list[int]) -> None:
    at = meeting.path
    left, right = (sketch.size(at, value, *axes) for value in (meeting.left, meeting.right))
    less = sketch.add(at, "Less", [left, right], f"{at}/is_less")
    common = sketch.add(at, "Where", [less, left, right], f"{at}/common")
    zeros = sketch.numbers(*[0] * len(axes))
    for value in dict.fromkeys((meeting.left, meeting.right)):
        _exchange(sketch, at, value, sketch.cut(at, value, axes, zeros, common, f"{at}/cropped"))


def _exchange(sketch: Sketch, path: str, value: str, other: str) -> None:
    sketch.change(path, inputs=[other if name == value else name for name in sketch.node(path).inputs])


def _front(left: Size, right: Size) -> int:
    """How much of the difference lies before: half of what unpadded layers cost at every size; none of what rounds."""
    difference = left - right
    if isinstance(difference, int):
        return abs(difference) // 2
    symbols = difference.symbols
    if len(symbols) != 1:
        return 0
    try:
        return min(abs(evaluate(difference, {symbols[0]: n})) for n in _SAMPLED) // 2
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return 0


__all__ = ["crop_merge", "output_size", "pad_merge", "window_of"]
