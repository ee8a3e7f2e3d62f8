"""`output_size`, `crop_merge`, `pad_merge`: what meets is made equal, with sizes that the graph takes from a Shape.

Merges are mended in the order of the graph, and the model is propagated again until none is left that refuses a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.back import forms
from shapelint.fixing.onnx.sketch import NotDrawn, Sketch
from shapelint.fixing.onnx.study import UPS, broken_merges, made_by, unchanged
from shapelint.graph import Constant
from shapelint.size import Expr, all_of, at_least, evaluate, is_always, set_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
    from shapelint.fixing.onnx.back import Forms
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Attribute, Node
    from shapelint.ops.call import Shape
    from shapelint.size import Size

_ROUNDS: Final = 24
_FLOAT: Final = 1
_MANY: Final = ("Concat", "Sum", "Mean", "Max", "Min")
"""Operators that take more than two values."""
_SAMPLED: Final = range(256, 768)
"""Sizes at which the border that unpadded layers cost is read off."""


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Values that meet in one node, and the axes along which some sizes differ."""

    path: str
    values: tuple[str, ...]
    axes: tuple[int, ...]
    pairs: tuple[tuple[Size, Size], ...]
    """The sizes of two values along each axis."""
    rank: int


def _meetings(facts: Facts, sketch: Sketch) -> Iterator[_Meeting]:
    for path, requirements in broken_merges(facts).items():
        node = sketch.node(path)
        places = requirements[0].operands
        if not all(0 <= place < len(node.inputs) for place in places):
            continue
        is_many = node.op in _MANY and len(node.inputs) > 2
        names = node.inputs if is_many else tuple([node.inputs[place] for place in places])
        ranks = {len(tensor.shape or ()) for name in names if (tensor := facts.shapes.tensors.get(name)) is not None}
        sizes = {}
        for each in requirements:
            if (is_many or each.operands == places) and each.left is not None and each.right is not None:
                sizes[each.axis or 0] = (each.left, each.right)
        axes = tuple(sorted(sizes))
        if len(ranks) == 1:
            yield _Meeting(path, tuple(dict.fromkeys(names)), axes, tuple([sizes[axis] for axis in axes]), ranks.pop())


# -- the decoder takes the size of the skip ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Up:
    """A step up, its axes that take other sizes, and the value and axes that have them."""

    node: Node
    axes: tuple[int, ...]
    skip: str
    of: tuple[int, ...]


def output_size(study: Study) -> Iterator[Candidate]:
    """Every step up that ends in a merge takes its size from the other side's Shape.

    Where no merge fails, every step up on the way to an output takes the size that the step down which it undoes had.
    """
    try:
        sketch = Sketch(study.model)
        ups: dict[str, _Up] = {}
        is_same = True
        facts = study.facts
        of_merges = bool(broken_merges(facts))
        for _ in range(_ROUNDS):
            found = _next_up(facts, sketch, ups) if of_merges else next(_undone(study, facts, ups), None)
            if found is None:
                break
            ups[found.node.path] = found
            is_same &= _resize(sketch, facts, found) if found.node.op == "Resize" else _unslide(sketch, facts, found)
            facts = study.freed(sketch.patched)
        if not ups or not _is_legal(facts, ups):
            return
    except NotDrawn:
        return
    what = "the skip" if of_merges else "what the step down had"
    reason = "nothing changes at the sizes that fitted" if of_merges else "the output takes the size of the input"
    yield Candidate(
        "output_size",
        f"let {_named(list(ups))} return the size of {what}, taken from its Shape",
        sketch.patch,
        reason=reason if is_same else "the sampling grid follows the sizes instead of the scale",
        safe=is_same and of_merges,
    )


def _next_up(facts: Facts, sketch: Sketch, ups: dict[str, _Up]) -> _Up | None:
    """A step up that ends in a merge and is none of `ups`."""
    for meeting in _meetings(facts, sketch):
        for up in _steps_up(facts, meeting):
            if up.node.path not in ups and sketch.is_own(up.node.path):
                return up
    return None


def _undone(study: Study, facts: Facts, ups: dict[str, _Up]) -> Iterator[_Up]:
    """The steps up to outputs that are as large as their input at no whole class of sizes."""
    if not study.asks_for_output:
        return
    for output in facts.outputs:
        if output.scale != 1 or output.follows.is_batch or output.equal is None or output.equal.is_every:
            continue
        if study.failure is None and (not output.equal.is_complete or output.equal.pad_to is not None):
            continue
        symbol = output.follows.symbol
        for step in facts.flow.steps(output.output, symbol):
            downs = facts.flow.undoes.get((step.node.path, symbol), ())
            if step.node.op not in UPS or not downs or step.node.path in ups:
                continue
            skip = facts.nodes[downs[0]].inputs[0]
            shapes = [facts.shapes.tensors[name].shape or () for name in (step.node.outputs[0], skip)]
            if len(shapes[0]) == len(shapes[1]):
                axes = tuple(axis for axis in range(2, len(shapes[0])) if shapes[0][axis] != shapes[1][axis])
                yield _Up(step.node, axes, skip, axes)


def _named(paths: list[str]) -> str:
    shown = [f"`{path}`" for path in paths]
    return listed(shown if len(shown) <= 3 else [*shown[:2], f"{len(shown) - 2} more"])


def _steps_up(facts: Facts, meeting: _Meeting) -> Iterator[_Up]:
    """The steps up that end in a merge; the value that none made, else the one made first, gives the size."""
    known, graph = forms(facts.shapes), facts.graph
    order = {node.path: place for place, node in enumerate(graph.nodes)}
    made: dict[str, tuple[Node, tuple[int, ...]]] = {}
    for value in meeting.values:
        found = [each for axis in meeting.axes if (each := made_by(graph, known, value, axis, UPS)) is not None]
        if len(found) == len(meeting.axes) and len({node for node, _ in found}) == 1:
            axes = tuple([axis for _, axis in found])
            if min(axes) >= 2:
                made[value] = (found[0][0], axes)
    others = [value for value in meeting.values if value not in made]
    anchor = others[0] if others else min(meeting.values, key=lambda each: order[made[each][0].path])
    for value, (node, axes) in made.items():
        if value != anchor:
            of = _ready(facts, known, anchor, meeting.axes, order[node.path])
            if of is not None:
                yield _Up(node, axes, *of)


def _ready(
    facts: Facts, known: Forms, value: str, axes: tuple[int, ...], before: int
) -> tuple[str, tuple[int, ...]] | None:
    """A value with the sizes of this one along these axes that is there before a node runs."""
    shape = known.get(value)
    early = {declared.name: None for declared in facts.graph.inputs}
    early.update({name: None for node in facts.graph.nodes[:before] for name in node.outputs if name})
    for names in zip(*[unchanged(facts.graph, known, value, axis) for axis in axes], strict=False):
        if len({name for name, _ in names}) == 1 and names[0][0] in early:
            return names[0][0], tuple([axis for _, axis in names])
    wanted = [shape[axis] for axis in axes] if shape is not None else []
    for name in reversed(early):
        other = known.get(name)
        places = [_place(other, size) for size in wanted] if other is not None else []
        if places and None not in places and len(set(places)) == len(places):
            return name, tuple([place for place in places if place is not None])
    return None


def _place(shape: Shape, size: Size | None) -> int | None:
    """The only axis that has this very size."""
    found = [axis for axis, own in enumerate(shape) if isinstance(own, Expr) and own is size]
    return found[0] if len(found) == 1 else None


def _resize(sketch: Sketch, facts: Facts, up: _Up) -> bool:
    """Let a Resize take the sizes of the skip; whether that is what its scales come to where both fit."""
    node = up.node
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch" or len(node.inputs) < 3:
        raise NotDrawn
    x, at = node.inputs[0], node.path
    shape = facts.shapes.tensors[x].shape
    scales = facts.shapes.tensors.get(node.inputs[2]) if node.inputs[2] else None
    values = scales.value if scales is not None else None
    if shape is None or values is None or not all(isinstance(each, float) for each in values):
        raise NotDrawn
    named = node.attributes.get("axes")
    places = [each for each in named if isinstance(each, int)] if isinstance(named, tuple) else range(len(shape))
    factors = {place % len(shape): each for place, each in zip(places, values, strict=True)}
    if any(factors.get(axis, 1.0) != 1.0 and axis not in up.axes and axis < 2 for axis in range(len(shape))):
        raise NotDrawn
    parts = []
    for axis in range(len(shape)):
        factor = factors.get(axis, 1.0)
        if axis in up.axes:
            parts.append(sketch.size(at, up.skip, up.of[up.axes.index(axis)]))
        elif factor == 1.0:
            parts.append(sketch.size(at, x, axis))
        elif isinstance(factor, float) and factor.is_integer():
            size = sketch.size(at, x, axis)
            parts.append(sketch.add(at, "Mul", [size, sketch.numbers(int(factor))], f"{at}/scaled"))
        else:
            raise NotDrawn
    empty = "" if sketch.version >= 13 else sketch.constant(Constant(_FLOAT, (0,), ()), "no_scales")
    sizes = sketch.joined(at, parts, f"{at}/sizes")
    attributes: dict[str, Attribute | None] = {"axes": None} if "axes" in node.attributes else {}
    sketch.change(at, inputs=[x, node.inputs[1], empty, sizes], attributes=attributes)
    crops = node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    return not crops and all(isinstance(each, float) and each.is_integer() for each in values)


def _unslide(sketch: Sketch, facts: Facts, up: _Up) -> bool:
    """Let a ConvTranspose give as much as its stride allows, and cut that to the size of the skip.

    The right output_padding at any size is the size wanted less the size without: what is cut is what the largest
    one gives beyond it.
    """
    node = up.node
    strides, paddings = window_of(node, facts)
    result = node.outputs[0]
    if result in {each.name for each in facts.graph.outputs} or sketch.is_read(result):
        raise NotDrawn
    for axis in up.axes:
        paddings[axis - 2] = strides[axis - 2] - 1
    sketch.change(node.path, attributes={"output_padding": tuple(paddings)})
    at = sketch.following(node.path)
    sizes = sketch.joined(at, [sketch.size(at, up.skip, axis) for axis in up.of], f"{node.path}/sizes")
    zeros = sketch.numbers(*[0] * len(up.axes))
    sketch.redirect(result, sketch.cut(at, result, up.axes, zeros, sizes, f"{node.path}/to_skip"))
    return True


def _is_legal(facts: Facts, ups: dict[str, _Up]) -> bool:
    """Whether every ConvTranspose is cut by no more than its output_padding, at every size that fits now."""
    for up in ups.values():
        if up.node.op != "ConvTranspose":
            continue
        strides, _ = window_of(up.node, facts)
        have, want = (facts.shapes.tensors[name].shape for name in (up.node.outputs[0], up.skip))
        if have is None or want is None:
            return False
        for axis, of in zip(up.axes, up.of, strict=True):
            whole, size = have[axis], want[of]
            if whole is None or size is None:
                return False
            held = all_of((at_least(size, whole - strides[axis - 2] + 1), at_least(whole, size)))
            if is_always(held):
                continue
            legal = set_of(held)
            symbols = () if isinstance(held, bool) else facts.shapes.table.symbols_in(held.mask)
            runs = facts.runs.get(symbols[0]) if len(symbols) == 1 else None
            if legal is None or runs is None or not (legal.is_complete and runs.is_complete and runs <= legal):
                return False
    return True


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
    title = "pad the smaller side of {} to the larger"
    yield from _fitted(study, "pad_merge", title, "zeros are made up at the border")


def _fitted(study: Study, kind: str, title: str, reason: str) -> Iterator[Candidate]:
    try:
        sketch = Sketch(study.model)
        facts = study.facts
        mended: list[str] = []
        splits: list[str] = []
        for _ in range(_ROUNDS):
            meeting = next((each for each in _meetings(facts, sketch) if each.path not in mended), None)
            if meeting is None:
                break
            splits.append(_fit(sketch, meeting, crops=kind == "crop_merge"))
            mended.append(meeting.path)
            facts = study.freed(sketch.patched)
    except NotDrawn:
        return
    if mended:
        split = ", ".join(dict.fromkeys(splits))
        yield Candidate(kind, title.format(_named(mended)), sketch.patch, reason=f"{reason}; {split}")


def _fit(sketch: Sketch, meeting: _Meeting, *, crops: bool) -> str:
    """Make the values that meet equal; how the difference is split, in words."""
    at, axes = meeting.path, meeting.axes
    order = _ordered(meeting)
    if order is None:
        _fit_all(sketch, meeting, crops=crops)
        return "all of it at the end"
    large, small = order
    fronts = [_front(left, right) for left, right in meeting.pairs]
    before = sketch.numbers(*fronts)
    if crops:
        length = sketch.size(at, small, *axes)
        stop = sketch.add(at, "Add", [before, length], f"{at}/stop") if any(fronts) else length
        _exchange(sketch, at, large, sketch.cut(at, large, axes, before, stop, f"{at}/cropped"))
    else:
        wanted, have = sketch.size(at, large, *axes), sketch.size(at, small, *axes)
        missing = sketch.add(at, "Sub", [wanted, have], f"{at}/missing")
        behind = sketch.add(at, "Sub", [missing, before], f"{at}/behind") if any(fronts) else missing
        _exchange(sketch, at, small, _padded(sketch, meeting, small, before, behind))
    if not any(fronts):
        return "all of it at the end"
    return f"{', '.join(map(str, dict.fromkeys(fronts)))} before, the rest at the end"


def _ordered(meeting: _Meeting) -> tuple[str, str] | None:
    """The larger and the smaller of two values, where one is so at every size."""
    if len(meeting.values) != 2:
        return None
    one, other = meeting.values
    if all(is_always(at_least(left, right)) for left, right in meeting.pairs):
        return one, other
    if all(is_always(at_least(right, left)) for left, right in meeting.pairs):
        return other, one
    return None


def _fit_all(sketch: Sketch, meeting: _Meeting, *, crops: bool) -> None:
    """Crop every value to the smallest size along each axis, or pad it to the largest."""
    at, axes = meeting.path, meeting.axes
    sizes = [sketch.size(at, value, *axes) for value in meeting.values]
    common = sizes[0]
    for size in sizes[1:]:
        less = sketch.add(at, "Less", [common, size] if crops else [size, common], f"{at}/is_nearer")
        common = sketch.add(at, "Where", [less, common, size], f"{at}/common")
    zeros = sketch.numbers(*[0] * len(axes))
    for value, size in zip(meeting.values, sizes, strict=True):
        if crops:
            result = sketch.cut(at, value, axes, zeros, common, f"{at}/cropped")
        else:
            missing = sketch.add(at, "Sub", [common, size], f"{at}/missing")
            result = _padded(sketch, meeting, value, zeros, missing)
        _exchange(sketch, at, value, result)


def _padded(sketch: Sketch, meeting: _Meeting, value: str, before: str, behind: str) -> str:
    """The value with these numbers of zeros before and behind along the axes of the meeting."""
    at = meeting.path
    parts: list[str] = []
    for vector in (before, behind):
        for axis in range(meeting.rank):
            if axis in meeting.axes:
                place = sketch.numbers(meeting.axes.index(axis))
                parts.append(sketch.add(at, "Gather", [vector, place], f"{at}/pad", axis=0))
            else:
                parts.append(sketch.numbers(0))
    return sketch.add(at, "Pad", [value, sketch.joined(at, parts, f"{at}/pads")], f"{at}/padded")


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
