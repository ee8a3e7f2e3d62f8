"""`window` and `rounding`: layers that divide, or multiply, their multiples exactly, with the weights that they have.

Asked are the steps between two values that meet, or on the way to an output; where two slopes differ, the stride of one
step makes them equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.onnx.study import MERGES
from shapelint.fixing.patch import GraphPatch
from shapelint.fixing.window_arithmetic import (
    Window,
    dilations_dividing,
    dilations_multiplying,
    kernels_dividing,
    pads_dividing,
    pads_multiplying,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.flow import Step
    from shapelint.fixing.onnx.study import Study
    from shapelint.graph import Attribute, Node

POOLS: Final = ("MaxPool", "AveragePool", "LpPool")
_CEIL_SINCE: Final = {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}
"""The version of ai.onnx since which a pool has `ceil_mode`."""
_DOWN: Final = ("Conv", *POOLS)
_MOST_LAYERS: Final = 6
"""Layers that are looked at one by one; where more are off, all of them together."""
_MOST_SETTINGS: Final = 4
"""Settings of one layer."""

_ONE: Final = Fraction(1)

Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer on the way, with its windows and, by spatial axis, the stride that it should have."""

    node: Node
    windows: tuple[Window, ...]
    strides: Mapping[int, int]

    @property
    def is_up(self) -> bool:
        return self.node.op == "ConvTranspose"

    def wanted(self, place: int) -> Window:
        """The window along a spatial axis with the stride that it should have; a pool leaves no pixel out."""
        window = self.windows[place]
        stride = self.strides.get(place, window.stride)
        return replace(window, stride=min(stride, window.extent) if self.node.op in POOLS else stride)

    @property
    def is_off(self) -> bool:
        """Whether it does not divide or multiply exactly along one of the axes."""
        for place in self.strides:
            window = self.wanted(place)
            is_exact = window.multiplies() if self.is_up else window.divides()
            if window.stride != self.windows[place].stride or not is_exact:
                return True
        return False


def window(study: Study) -> Iterator[Candidate]:
    """Each layer that is off, with other pads, dilations, strides or, of a pool, another kernel; then all of them."""
    layers = [each for each in _layers(study) if each.is_off and not _rule(each.node)]
    order = 0
    if len(layers) <= _MOST_LAYERS:
        for layer in layers:
            for node in _settings(layer):
                yield _candidate("window", [(layer.node, node)], order)
                order += 1
    if len(layers) > 1:
        joint = [(layer.node, other) for layer in layers if (other := next(_settings(layer), None)) is not None]
        if len(joint) > 1:
            yield _candidate("window", joint, order)


def rounding(study: Study) -> Iterator[Candidate]:
    """Pools that round the other way, one by one and together; layers without pads that get those of `SAME_UPPER`."""
    turned = []
    version = study.model.opsets.get("", 0)
    for layer in _layers(study):
        node, rule = layer.node, _rule(layer.node)
        if node.op in POOLS and not rule and version >= _CEIL_SINCE[node.op]:
            turned.append((node, _with(node, {"ceil_mode": 0 if layer.windows[0].ceil else 1})))
        elif rule == "VALID" and not layer.is_up and layer.is_off and all(each.dilation == 1 for each in layer.windows):
            turned.append((node, _with(node, {"auto_pad": "SAME_UPPER", "pads": None})))
    if len(turned) <= _MOST_LAYERS:
        for order, pair in enumerate(turned):
            yield _candidate("rounding", [pair], order)
    if len(turned) > 1:
        yield _candidate("rounding", turned, len(turned))


# -- the layers on the way ---------------------------------------------------------------------------------------------


def _layers(study: Study) -> list[_Layer]:
    """The layers with windows on the ways that do not come out even, in the order of the graph."""
    facts, model = study.facts, study.model
    strides: dict[str, dict[int, int]] = {}
    for step, wanted in _steps(study):
        node = step.node
        made = facts.shapes.tensors[node.outputs[0]].shape if node.outputs[0] in facts.shapes.tensors else None
        place = next((at - 2 for at, dim in enumerate(made or ()) if dim is step.after), -1)
        if node.op not in (*_DOWN, "ConvTranspose") or node.domain or place < 0 or node.path in model.inlined:
            continue
        own = strides.setdefault(node.path, {})
        factor = step.factor * wanted
        factor = factor if node.op == "ConvTranspose" else 1 / factor
        if factor.denominator == 1 and (place not in own or wanted != 1):
            own[place] = factor.numerator
    found = []
    for layer in model.graph.nodes:
        windows = _windows(layer, facts) if strides.get(layer.path) else ()
        if windows:
            found.append(_Layer(layer, windows, strides[layer.path]))
    return found


def _steps(study: Study) -> Iterator[tuple[Step, Fraction]]:
    """The steps of each way that fails, with the factor that each would need beside its own to mend it alone."""
    facts = study.facts
    for requirement in facts.shapes.requirements:
        names = facts.operand_names(requirement)
        if requirement.held is True or requirement.kind not in MERGES or names is None:
            continue
        for symbol in facts.inputs.symbols:
            lists = [facts.flow.steps(name, symbol) if name else [] for name in names]
            scales = [track.scale if (track := facts.flow.tracks.get((name, symbol))) else None for name in names]
            if scales[0] is None or scales[1] is None or _sizes_agree(facts, names, symbol):
                continue
            common = 0
            while common < min(map(len, lists)) and lists[0][common].node is lists[1][common].node:
                common += 1
            # What both went through may be off too: then every later step gets what it does not divide.
            yield from ((step, _ONE) for step in lists[0][:common])
            for side, steps in enumerate(lists):
                own, other = scales[side], scales[1 - side]
                if own and other:
                    yield from ((step, other / own) for step in steps[common:])
    if study.failure is not None and study.failure.kind in ("window", "empty"):
        # A layer that gets too little: it takes more than it need, or one before it gives less.
        short = facts.nodes.get(study.failure.first.requirement.path)
        if short is not None:
            for symbol in facts.inputs.symbols:
                yield from ((step, _ONE) for step in facts.flow.steps(short.outputs[0], symbol))
    if study.asks_for_output:
        for output in facts.outputs:
            if output.scale is None or output.follows.is_batch or (output.equal is not None and output.equal.is_every):
                continue
            if study.failure is None and output.scale != 1:
                continue
            for step in facts.flow.steps(output.output, output.follows.symbol):
                yield step, 1 / output.scale


def _sizes_agree(facts: Facts, names: tuple[str, str], symbol: object) -> bool:
    """Whether both values have the same size along the axis that depends on the symbol."""
    tracks = [facts.flow.tracks.get((name, symbol)) for name in names]  # type: ignore[arg-type]
    return tracks[0] is not None and tracks[1] is not None and tracks[0].size is tracks[1].size


def _rule(node: Node) -> str:
    """`SAME_UPPER`, `SAME_LOWER` or `VALID`; empty where the pads are numbers."""
    rule = str(node.attributes.get("auto_pad", "NOTSET"))
    return "" if rule == "NOTSET" else rule


def _windows(node: Node, facts: Facts) -> tuple[Window, ...]:
    """The windows along the spatial axes; empty where they are not known."""
    kernel = _numbers(node, "kernel_shape")
    if kernel is None and node.op in ("Conv", "ConvTranspose") and node.inputs[1] in facts.shapes.tensors:
        dims = facts.shapes.tensors[node.inputs[1]].shape or ()
        kernel = tuple([dim for dim in dims[2:] if isinstance(dim, int)])
    if not kernel or "output_shape" in node.attributes:
        return ()
    rank = len(kernel)
    columns: list[Numbers] = [
        kernel,
        _numbers(node, "strides") or (1,) * rank,
        _numbers(node, "dilations") or (1,) * rank,
        (_numbers(node, "pads") or (0,) * 2 * rank)[:rank],
        (_numbers(node, "pads") or (0,) * 2 * rank)[rank:],
        _numbers(node, "output_padding") or (0,) * rank,
    ]
    if any(len(column) != rank for column in columns):
        return ()
    ceil = node.attributes.get("ceil_mode") == 1
    return tuple([Window(*row, ceil) for row in zip(*columns, strict=True)])  # type: ignore[call-arg]


def _numbers(node: Node, name: str) -> Numbers | None:
    values = node.attributes.get(name)
    if not isinstance(values, tuple):
        return None
    return tuple([each for each in values if isinstance(each, int)])


# -- what a layer could be ---------------------------------------------------------------------------------------------


def _settings(layer: _Layer) -> Iterator[Node]:
    """The layer with windows that come out even, those nearest to its own first."""
    choices = [_up(layer.wanted(place)) if layer.is_up else _down(layer, place) for place in sorted(layer.strides)]
    seen: list[tuple[Window, ...]] = []
    for turn in range(max(map(len, choices))):
        windows = list(layer.windows)
        for place, own in zip(sorted(layer.strides), choices, strict=True):
            if not own:
                return
            windows[place] = own[min(turn, len(own) - 1)]
        # What differs in output_padding alone is an entry of that kind.
        is_other = any(replace(a, extra=b.extra) != b for a, b in zip(windows, layer.windows, strict=True))
        if tuple(windows) not in seen and is_other and len(seen) < _MOST_SETTINGS:
            seen.append(tuple(windows))
            yield _rewritten(layer.node, layer.windows, windows)


def _down(layer: _Layer, place: int) -> list[Window]:
    """Windows of a step down with which multiples of the stride are divided exactly."""
    own = layer.wanted(place)
    if own.divides():
        return [own]
    padded = pads_dividing(replace(own, ceil=False))
    half = 2 * ((own.extent - 1) // 2)
    found = [*padded[:1], *[each for each in padded[1:] if each.pads == half], *padded[1:]]
    if layer.node.op in POOLS:
        found[1:1] = [each for each in kernels_dividing(own) if each.kernel >= own.stride][:2]
        return [each for each in found if max(each.begin, each.end) < each.kernel]
    found[1:1] = dilations_dividing(own)[:1]
    return list(dict.fromkeys(found))


def _up(own: Window) -> list[Window]:
    """Windows of a step up with which every size is multiplied exactly."""
    if own.multiplies():
        return [own]
    found = pads_multiplying(own)
    found[1:1] = dilations_multiplying(own)[:1]
    return found


def _rewritten(node: Node, before: tuple[Window, ...], after: list[Window]) -> Node:
    """The node with the attributes that differ."""
    columns: dict[str, tuple[Numbers, Numbers]] = {
        "kernel_shape": (tuple([each.kernel for each in before]), tuple([each.kernel for each in after])),
        "strides": (tuple([each.stride for each in before]), tuple([each.stride for each in after])),
        "dilations": (tuple([each.dilation for each in before]), tuple([each.dilation for each in after])),
        "pads": (
            tuple([each.begin for each in before] + [each.end for each in before]),
            tuple([each.begin for each in after] + [each.end for each in after]),
        ),
        "output_padding": (tuple([each.extra for each in before]), tuple([each.extra for each in after])),
    }
    changed: dict[str, Attribute | None] = {name: new for name, (old, new) in columns.items() if old != new}
    if before[0].ceil and not after[0].ceil:
        changed["ceil_mode"] = 0
    return _with(node, changed)


def _with(node: Node, attributes: dict[str, Attribute | None]) -> Node:
    merged = {**node.attributes, **attributes}
    return replace(node, attributes={name: value for name, value in merged.items() if value is not None})


# -- in words ----------------------------------------------------------------------------------------------------------


def _candidate(kind: str, changes: list[tuple[Node, Node]], order: int) -> Candidate:
    groups: dict[str, list[str]] = {}
    lines = []
    for old, new in changes:
        words = []
        for name, value in new.attributes.items():
            if old.attributes.get(name) != value:
                shown = list(value) if isinstance(value, tuple) else value
                words.append(f"`{name}` to {shown}")
                lines.append(f"{old.path}: {name} = {shown}")
        groups.setdefault(listed(words), []).append(f"`{old.path}`")
    parts = [
        f"{words} on {listed(paths if len(paths) <= 3 else [*paths[:2], f'{len(paths) - 2} more'])}"
        for words, paths in groups.items()
    ]
    reason = "the weights stay, and see other pixels than they were trained on"
    if kind == "rounding":
        reason = "the other rounding adds or drops the last row"
    return Candidate(
        kind,
        f"set {'; '.join(parts)}",
        GraphPatch({old.path: new for old, new in changes}),
        code="\n".join(lines),
        reason=reason,
        order=order,
    )


__all__ = ["rounding", "window"]
