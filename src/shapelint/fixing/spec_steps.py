"""Steps of a spec that do not come out even: another stride where the slopes of two sides differ, another padding,
kernel or rounding where a step does not divide or multiply its multiples exactly.

Looked at are single layers, the layers that one call stands for, and every layer that is off together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.spec_instances import assigned, siblings
from shapelint.fixing.spec_layers import NAMES, POOLS, comes_out, divides, rule_of, windows_of, written
from shapelint.fixing.ways import needed, sizes_of, ways
from shapelint.fixing.window_arithmetic import (
    Window,
    dilations_dividing,
    kernels_dividing,
    kernels_multiplying,
    pads_dividing,
    pads_multiplying,
)
from shapelint.size import Expr, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.flow import Step
    from shapelint.fixing.draft import Cause, Draft
    from shapelint.fixing.ways import Way
    from shapelint.graph import Node
    from shapelint.size import Symbol

_FACTORS: Final = {"keras": ("size",)}
"""What they call the factor of a resize, where not `scale_factor` or `scale`."""
_MOST: Final = 8
"""Candidates that are made at all."""
_LAST: Final = 20
"""Behind every step whose pair does not come out even by it."""

_BORDERS: Final = "other borders"
_TRAINED: Final = "the weights change their shape, so the model is trained again"
_POOLED: Final = "the pixels are made of other windows"
_MEANING: Final = "the values mean something else, so the model is trained again"


@dataclass(frozen=True, slots=True)
class _Layer:
    """A step with its windows by spatial axis, and the strides that it should have."""

    node: Node
    windows: tuple[Window, ...]
    """Empty for a resize."""
    strides: tuple[int, ...]
    """The strides, or the factors of a resize, that it should have."""
    turns: bool
    """Whether they are others than it has."""
    mirror: tuple[Window, ...]
    """Those of the transposed convolution that undoes it alone; empty where there is none."""
    undone: str
    """Its path."""

    @property
    def is_up(self) -> bool:
        return self.node.op == "ConvTranspose"

    @property
    def wanted(self) -> tuple[Window, ...]:
        """The windows with these strides."""
        pairs = zip(self.windows, self.strides, strict=bool(self.windows))
        return tuple([replace(own, stride=stride) for own, stride in pairs])

    def comes_out(self, windows: Iterable[Window]) -> bool:
        """Whether the layer divides or multiplies exactly with these windows."""
        return comes_out(self.node, windows)

    @property
    def is_off(self) -> bool:
        """Whether it is not what it should be."""
        return self.turns or (bool(self.windows) and not self.comes_out(self.windows))


@dataclass(frozen=True, slots=True)
class _Change:
    """What one layer is given, in the words of the file, and what it costs."""

    values: tuple[tuple[str, str], ...]
    title: str
    reason: str
    order: int
    kind: str = "window"


def steps(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Steps that come out even by another window, those first whose pair does."""
    failing, fine = ways(draft, cause)
    found: list[tuple[int, list[Node], list[_Change]]] = []
    together: list[tuple[Node, _Change]] = []
    for unit in _units(draft, failing):
        factors = needed({node.path for node in unit}, failing, fine)
        if factors is None:
            continue
        layers = [_layer(draft, node, failing, factors) for node in unit]
        columns = [list(_changes(layer)) if layer is not None else [] for layer in layers]
        if not all(columns):
            continue
        by_title: dict[str, list[_Change]] = {}
        for column in columns:
            for change in column:
                by_title.setdefault(change.title, []).append(change)
        for changes in by_title.values():
            if len(changes) == len(unit):
                found.append((max(change.order for change in changes), unit, changes))
        if len(unit) == 1 and all(factor == 1 for factor in factors.values()):
            together.append((unit[0], columns[0][0]))
    if len(together) > 1:
        order = max(change.order for _, change in together) + 1
        found.append((order, [node for node, _ in together], [change for _, change in together]))
    found.sort(key=lambda each: each[0])
    for order, unit, changes in found[:_MOST]:
        yield from _candidate(draft, unit, changes, order)


def _units(draft: Draft, failing: list[Way]) -> list[list[Node]]:
    """The layers of which one may be to blame, and those that one call stands for."""
    nodes = {step.node.path: step.node for way in failing for side in (*way.steps, way.shared) for step in side}
    units = [[node] for node in nodes.values()]
    for node in list(nodes.values()):
        group = [each for each in siblings(draft, node) if each.path in nodes]
        if len(group) > 1 and group not in units:
            units.append(group)
    return units


def _layer(draft: Draft, node: Node, failing: list[Way], factors: Mapping[Symbol, Fraction]) -> _Layer | None:
    """The layer with what it should be; None where its parameters are not known or nothing needs to be changed."""
    facts = draft.free[0]
    windows = windows_of(node)
    own = {axis: Fraction(each.stride) for axis, each in enumerate(windows)}
    wanted = dict(own)
    mirror: tuple[Window, ...] = ()
    undone = ""
    for way in failing:
        for step in (*way.steps[0], *way.steps[1], *way.shared):
            if step.node.path != node.path:
                continue
            factor = factors.get(way.symbol, Fraction(1))
            for axis in _axes(facts, step):
                if node.op == "Resize":
                    own[axis] = step.factor
                elif axis not in own:
                    return None
                wanted[axis] = own[axis] * (factor if node.op in ("ConvTranspose", "Resize") else 1 / factor)
            mirror, undone = _mirror(facts, node, way) or (mirror, undone)
    axes = sorted(own)
    if not axes or axes != list(range(len(axes))) or any(wanted[axis].denominator != 1 for axis in axes):
        return None
    strides = tuple([int(wanted[axis]) for axis in axes])
    layer = _Layer(node, windows, strides, any(wanted[axis] != own[axis] for axis in axes), mirror, undone)
    return layer if layer.is_off else None


def _axes(facts: Facts, step: Step) -> list[int]:
    """The spatial axes that a step changes."""
    made = facts.shapes.tensors.get(step.node.outputs[0])
    first = facts.layout[0]
    return [place - first for place, dim in enumerate((made.shape if made else None) or ()) if dim is step.after]


def _mirror(facts: Facts, node: Node, way: Way) -> tuple[tuple[Window, ...], str] | None:
    """The windows of the transposed convolution that undoes this layer alone."""
    for (path, symbol), downs in facts.flow.undoes.items():
        if symbol is way.symbol and downs == (node.path,):
            up = facts.nodes[path]
            windows = windows_of(up) if up.op == "ConvTranspose" and not rule_of(up) else ()
            return (windows, path) if windows and NAMES.get(up.rule) == NAMES.get(node.rule) else None
    return None


def rounding(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Pools that round the other way: each alone, then all of them.

    One that both sides went through is to blame only where it does not divide.
    """
    failing, _ = ways(draft, cause)
    if any(way.ratio != 1 and way.is_slope for way in failing):
        return  # no rounding makes up for another scale
    found = [step for way in failing for side in way.steps for step in side]
    found += [step for way in failing for step in way.shared if not divides(step.node)]
    at = sizes_of(draft, cause)
    pools = list({step.node.path: step.node for step in found if step.node.op in POOLS and _rounds(step, at)}.values())
    pools.sort(key=divides)
    turned = [(node, _turned(node)) for node in pools]
    groups = [[each] for each in turned] + ([turned] if len(turned) > 1 else [])
    for order, group in enumerate(groups[:_MOST]):
        given = {(node.path, change[0]): change[1] for node, change in group if change is not None}
        following = assigned(draft, given) if len(given) == len(group) else None
        if following is not None:
            way = "down" if group[0][0].attributes.get("ceil_mode") else "up"
            yield Candidate(
                "rounding",
                f"let {quoted([node.path for node, _ in group])} round {way}",
                following.patch_from(draft),
                reason="the last row of windows is added or dropped where a size does not divide",
                order=order,
            )


def _rounds(step: Step, at: Mapping[Symbol, int]) -> bool:
    """Whether windows are left over in a pool where it fails; without numbers they may be."""
    before = step.before if isinstance(step.before, int) else None
    if isinstance(step.before, Expr) and set(step.before.symbols) <= at.keys():
        before = evaluate(step.before, at)
    windows = windows_of(step.node)
    if before is None or not windows or rule_of(step.node) == "same":
        return True
    return any((before + each.pads - each.extent) % each.stride for each in windows)


def _turned(node: Node) -> tuple[str, str] | None:
    """The rounding of a pool, turned."""
    if node.rule == "keras":
        return "padding", '"valid"' if node.attributes.get("mode") == "same" else '"same"'
    if node.rule not in NAMES or rule_of(node):
        return None
    ceil = not node.attributes.get("ceil_mode")
    return "ceil_mode", str(int(ceil) if node.rule == "onnx" else ceil)


# -- what it could be --------------------------------------------------------------------------------------------------


def _changes(layer: _Layer) -> Iterator[_Change]:
    """What makes the layer come out even, the smallest change first."""
    node, wanted = layer.node, layer.wanted
    if node.op == "Resize":
        names = _FACTORS.get(node.rule, ("scale_factor", "scale"))
        name = next((each for each in names if node.place is not None and each in node.place.arguments), None)
        if name is not None:
            value = written(layer.strides, node)
            yield _Change(((name, value),), f"multiply by {value} in {{}}", _MEANING, _LAST)
        return
    far = 0 if not layer.turns or _cancels(layer) else _LAST
    seen: set[tuple[Window, ...]] = set()
    for order, (title, reason, windows) in enumerate(_others(layer, wanted)):
        if windows in seen or not layer.comes_out(windows):
            continue
        seen.add(windows)
        values = _values(layer, windows)
        if values is None or not values:
            continue
        words = listed([f"{name}={value}" for name, value in values])
        reasons = dict.fromkeys([*([_MEANING] if layer.turns else []), reason])
        yield _Change(tuple(values), title or f"give {{}} {words}", "; ".join(reasons), far + order + 2)
    if rule_of(node) == "valid" and not layer.is_up and not layer.comes_out(wanted):
        word = "auto_pad" if node.rule == "onnx" else "padding"
        given = [(word, '"SAME_UPPER"' if node.rule == "onnx" else '"same"')]
        if layer.turns:
            given.append((NAMES[node.rule][1], written(layer.strides, node)))
        kind = "rounding" if node.op in POOLS else "window"
        title = "pad {} so that multiples of the stride are divided exactly"
        yield _Change(tuple(given), title, _MEANING if layer.turns else _BORDERS, far + 1, kind)


def _cancels(layer: _Layer) -> bool:
    """Whether the strides that it should have are those of what undoes it."""
    return bool(layer.mirror) and tuple([each.stride for each in layer.mirror]) == layer.strides


def _others(layer: _Layer, wanted: tuple[Window, ...]) -> Iterator[tuple[str, str, tuple[Window, ...]]]:
    """Windows with a title, or none, and what they cost."""
    shape = _POOLED if layer.node.op in POOLS else _TRAINED
    if layer.turns:
        yield "", _MEANING, wanted
        if layer.comes_out(wanted):
            return
    if rule_of(layer.node):
        # The word for its padding says how much there is, for any kernel.
        if not layer.is_up and rule_of(layer.node) == "valid":
            yield from _each(layer, "", shape, [kernels_dividing(own) for own in wanted], 2)
        return
    if layer.is_up:
        yield from _each(layer, "", _BORDERS, [pads_multiplying(own) for own in wanted])
        yield from _each(layer, "", shape, [kernels_multiplying(own) for own in wanted])
        return
    title = "pad {} so that multiples of the stride are divided exactly"
    if layer.turns or set(layer.strides) == {1}:
        title = "" if layer.turns else "pad {} to keep the size"
    yield from _each(layer, title, _BORDERS, [pads_dividing(own) for own in wanted], 1)
    if len(layer.mirror) == len(wanted):
        pairs = list(zip(layer.mirror, wanted, strict=True))
        windows = tuple([replace(each, extra=0, ceil=own.ceil) for each, own in pairs])
        if not layer.comes_out(windows):
            windows = tuple([replace(each, ceil=False) for each in windows])
        if tuple([each.stride for each in windows]) == layer.strides:
            yield f"give {{}} the window of `{layer.undone}`, which undoes it", shape, windows
    yield from _each(layer, "", shape, [kernels_dividing(own) for own in wanted], 2)
    if any(own.dilation > 1 for own in wanted):
        yield from _each(layer, "", "the weights see other pixels", [dilations_dividing(own) for own in wanted], 1)


def _each(
    layer: _Layer, title: str, reason: str, columns: list[list[Window]], most: int = 1
) -> Iterator[tuple[str, str, tuple[Window, ...]]]:
    """The first windows of each axis, then the second ones."""
    if layer.node.rule in ("torch", "paddle", "keras"):
        columns = [[each for each in column if each.begin == each.end] for column in columns]
    if layer.node.op in POOLS:
        columns = [[each for each in column if 2 * each.end <= each.kernel > 1] for column in columns]
    if not all(columns):
        return
    for turn in range(most):
        yield title, reason, tuple([column[min(turn, len(column) - 1)] for column in columns])


def _values(layer: _Layer, windows: tuple[Window, ...]) -> list[tuple[str, str]] | None:
    """The arguments that differ, as the file writes them; None where it cannot say so."""
    node = layer.node
    kernel, stride, padding, dilation = NAMES[node.rule]
    given = node.place.arguments if node.place is not None else {}
    if node.rule == "keras" and node.op in POOLS:
        kernel = "pool_size"
    found: list[tuple[str, str]] = []
    old = layer.windows
    kernels = tuple([each.kernel for each in windows])
    strides = tuple([each.stride for each in windows])
    differs = kernels != tuple([each.kernel for each in old])
    if differs:
        found.append((kernel, written(kernels, node)))
    is_pool = node.op in POOLS and node.rule != "onnx" and stride not in given
    if is_pool and kernels != strides if differs and is_pool else strides != tuple([each.stride for each in old]):
        found.append((stride, written(strides, node)))
    columns = {
        padding: [each.begin for each in windows] + ([each.end for each in windows] if node.rule == "onnx" else []),
        dilation: [each.dilation for each in windows],
        "output_padding": [each.extra for each in windows],
    }
    before = {
        padding: [each.begin for each in old] + ([each.end for each in old] if node.rule == "onnx" else []),
        dilation: [each.dilation for each in old],
        "output_padding": [each.extra for each in old],
    }
    for name, values in columns.items():
        if values != before[name]:
            found.append((name, written(values, node)))
    if windows[0].ceil != old[0].ceil:
        found.append(("ceil_mode", str(int(windows[0].ceil) if node.rule == "onnx" else windows[0].ceil)))
    if any(name == padding for name, _ in found) and node.rule == "keras":
        return None
    return found


def _candidate(draft: Draft, unit: list[Node], changes: list[_Change], order: int) -> Iterator[Candidate]:
    given: dict[tuple[str, str], str] = {}
    for node, change in zip(unit, changes, strict=True):
        # What a call stands for is changed alike, be it on the way or not.
        alike = [each for each in siblings(draft, node) if windows_of(each) == windows_of(node)]
        for each in [*alike, node] if len(unit) > 1 else [node]:
            given |= {(each.path, name): value for name, value in change.values}
    following = assigned(draft, given)
    if following is None:
        return
    titles = {change.title for change in changes}
    title = titles.pop() if len(titles) == 1 else "give {} windows that come out even"
    yield Candidate(
        changes[0].kind,
        title.format(following.changed_nodes(draft)),
        following.patch_from(draft),
        reason="; ".join(dict.fromkeys(change.reason for change in changes)),
        order=order,
    )


__all__ = ["rounding", "steps"]
