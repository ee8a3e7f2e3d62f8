"""Other windows in a spec: transposed convolutions that multiply exactly, convolutions that keep the size, strides with
another product, and numbers for what is written as `...`."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import listed, quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.draft import SOUGHT, Draft, Trouble, sizes_at, trouble
from shapelint.fixing.patch import TextEdit
from shapelint.fixing.spec_instances import Setting, assigned, settle_layers
from shapelint.fixing.spec_layers import POOLS, divides, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shapelint.fixing.draft import Cause
    from shapelint.graph import Node

_OTHER: Final = "other borders, and other weights where a kernel changes"
_EXPLICIT: Final = ("torch", "paddle")
"""The frameworks whose paddings are numbers and whose words are those of PyTorch."""
_MOST_RATES: Final = 5
_LATE: Final = 10
"""Behind a change of one step."""
_LARGEST_RATE: Final = 4096


def window(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Transposed convolutions that multiply exactly: by their padding, by the window of what they undo."""
    nowhere = draft.free[0].never
    ways = (
        ("padding", "pad {} to multiply the size exactly", _exact_padding, nowhere, "other borders"),
        ("mirror", "give {} the window of what it undoes", None, False, _OTHER),
        ("keep", "pad {} to keep the size", _keeping, False, "other borders"),
    )
    for order, (_, title, edit, safe, reason) in enumerate(ways):
        mend = _mirrored if edit is None else _each_step(edit)
        found = settle_layers(draft, lambda now: trouble(now, cause), mend)
        if found is not None:
            yield Candidate(
                "window",
                title.format(found.changed_nodes(draft)),
                found.patch_from(draft),
                reason="" if safe else reason,
                safe=safe,
                order=order,
            )


def rates(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Strides whose product is what the output is to be multiplied by, nearest to those that are there.

    With kernel 2s, padding ceil(s/2) and output padding s % 2 a transposed convolution gives n * s.
    """
    found = trouble(draft, cause)
    if found is None or found.expectation is None or len(found.have) != 1 or len(found.want) != 1:
        return
    steps = found.steps(0, 0)
    ups = [step.node for step in steps]
    strides = [(_values(node, "strides") or [0])[0] for node in ups]
    if not 1 < len(ups) <= _MOST_RATES or any(node.op != "ConvTranspose" or node.rule not in _EXPLICIT for node in ups):
        return
    begin = sizes_at(found.facts, ups[0].inputs[0], found.at)
    if len(begin) != 1 or found.want[0] % begin[0] or any(stride < 2 for stride in strides):
        return
    ratio = found.want[0] // begin[0]
    if not 1 < ratio <= _LARGEST_RATE or ratio == prod(strides):
        return
    ways = list(_factors(ratio, len(ups)))
    if not ways:
        return
    best = min(ways, key=lambda way: (sum(max(a, b) / min(a, b) for a, b in zip(way, strides, strict=True)), way))
    given: dict[tuple[str, str], str] = {}
    for node, s in zip(ups, best, strict=True):
        values = {"kernel_size": 2 * s, "stride": s, "padding": -(-s // 2)} | ({"output_padding": 1} if s % 2 else {})
        given |= {(node.path, name): str(value) for name, value in values.items()}
        if not s % 2 and any(_values(node, "output_padding") or []):
            given[node.path, "output_padding"] = "0"
    following = assigned(draft, given)
    if following is not None:
        numbers = listed([str(s) for s in best])
        yield Candidate(
            "window",
            f"give {quoted([node.path for node in ups])} strides {numbers}, which multiply to {ratio}",
            following.patch_from(draft),
            reason="the weights change their shape, so the model is trained again",
            order=_LATE + len(ups),
        )


def _factors(number: int, count: int) -> Iterator[tuple[int, ...]]:
    """The ways to write a number as a product of so many factors from 2 on."""
    if count == 1:
        if number > 1:
            yield (number,)
        return
    for first in range(2, number // 2 + 1):
        if number % first == 0:
            yield from ((first, *rest) for rest in _factors(number // first, count - 1))


def _each_step(edit: Callable[[Draft, Node], list[Setting]]) -> Callable[[Draft, Trouble], list[Setting]]:
    """A way to mend one place: by every step that led there and that is not right yet."""
    return lambda draft, trouble: [each for node in _steps(trouble) for each in edit(draft, node)]


def _steps(trouble: Trouble) -> list[Node]:
    """The nodes that changed the size on the way to where it fails, each once."""
    found: dict[str, Node] = {}
    for axis in trouble.axes:
        for side in (0, 1):
            for step in trouble.steps(side, axis):
                found.setdefault(step.node.path, step.node)
    return list(found.values())


def _values(node: Node, name: str) -> list[int] | None:
    found = node.attributes.get(name)
    if not isinstance(found, tuple) or not found or not all(isinstance(each, int) for each in found):
        return None
    return [each for each in found if isinstance(each, int)]


def _excess(node: Node) -> list[int] | None:
    """By axis how much longer than n * stride a transposed convolution makes n; None where a number is missing."""
    return [each.extent - each.pads + each.extra - each.stride for each in windows_of(node)] or None


def _exact_padding(draft: Draft, node: Node) -> list[Setting]:
    """ke - 2p + output_padding = s, written in the file's own words for kernel and stride."""
    if node.op != "ConvTranspose" or node.attributes.get("output_size") is not None:
        return []
    spec = draft.spec
    if node.rule == "keras":
        if node.attributes.get("mode") != "valid" or _values(node, "output_padding") is not None:
            return []
        return [Setting(node, "padding", '"same"')]
    excess = _excess(node)
    if node.rule not in _EXPLICIT or excess is None or not any(excess):
        return []
    kernel, strides, dilations = (_values(node, name) or [] for name in ("kernel", "strides", "dilations"))
    texts = [spec.value(node, name) for name in ("kernel_size", "stride")]
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    short = any(ke < s for ke, s in zip(extents, strides, strict=True))
    pads: str
    extra: str
    if all(texts) and not all(text and _is_number(text) for text in texts) and not short and set(dilations) == {1}:
        k, s = (_bracketed(text or "") for text in texts)
        pads, extra = f"({k} - {s} + 1) // 2", f"({k} - {s}) % 2"
    else:
        halves = [max(-(-(ke - s) // 2), 0) for ke, s in zip(extents, strides, strict=True)]
        rest = [2 * p - (ke - s) for p, ke, s in zip(halves, extents, strides, strict=True)]
        pads, extra = _written(halves), _written(rest)
    settings = [Setting(node, "padding", pads)]
    if "output_padding" in (node.place.arguments if node.place is not None else {}) or extra != "0":
        settings.append(Setting(node, "output_padding", extra))
    return settings


def _keeping(draft: Draft, node: Node) -> list[Setting]:
    """2p = ke - 1 for a convolution of stride 1 that changes the size."""
    kernel, strides, dilations = (_values(node, name) for name in ("kernel", "strides", "dilations"))
    if node.op != "Conv" or kernel is None or strides is None or dilations is None or set(strides) != {1}:
        return []
    if node.rule == "keras":
        return [Setting(node, "padding", '"same"')]
    wanted = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if node.rule not in _EXPLICIT or any(each % 2 for each in wanted):
        return []
    return [Setting(node, "padding", _written([each // 2 for each in wanted]))]


def _mirrored(draft: Draft, trouble: Trouble) -> list[Setting]:
    """Every step up gets the window of the step down that it undoes, where they do not cancel."""
    side = trouble.grown if trouble.is_merge else 0
    settings: list[Setting] = []
    for axis in trouble.axes:
        opened: list[Node] = []
        for step in trouble.steps(side, axis):
            if step.factor < 1:
                opened.append(step.node)
            elif step.factor > 1 and opened:
                settings += _mirror(draft, opened.pop(), step.node)
    return settings


def _mirror(draft: Draft, down: Node, up: Node) -> list[Setting]:
    strides = _values(down, "strides")
    if strides is None or down.op not in ("Conv", *POOLS) or down.rule not in _EXPLICIT:
        return []
    if up.op == "Resize":
        for name in ("scale_factor", "scale"):
            value = draft.spec.value(up, name)
            if value is not None and _is_number(value) and value != _written(strides):
                return [Setting(up, name, _written(strides))]
        return []
    if up.op != "ConvTranspose" or up.rule not in _EXPLICIT or up.attributes.get("output_size") is not None:
        return []
    if _values(up, "strides") == strides and divides(down) and not any(_excess(up) or [1]):
        return []
    kernel, dilations, pads = (_values(down, name) for name in ("kernel", "dilations", "pads"))
    if kernel is None or dilations is None or pads is None:
        return []
    rank = len(kernel)
    if len(_values(up, "kernel") or []) != rank or pads[:rank] != pads[rank:]:
        return []
    extra = [(2 * p - d * (k - 1) - 1) % s for k, s, d, p in zip(kernel, strides, dilations, pads[:rank], strict=True)]
    wanted = {"kernel": kernel, "strides": strides, "pads": pads, "output_padding": extra, "dilations": dilations}
    names = {"kernel": "kernel_size", "strides": "stride", "pads": "padding", "dilations": "dilation"}
    settings = []
    for attribute, values in wanted.items():
        default = [0] * rank if attribute == "output_padding" else None
        if (_values(up, attribute) or default) != values:
            settings.append(Setting(up, names.get(attribute, attribute), _written(values[:rank])))
    return settings


# -- what is sought --------------------------------------------------------------------------------------------------

_TRIED: Final = {"kernel_size": range(1, 10), "kernel": range(1, 10), "stride": range(1, 6), "strides": range(1, 6)}
_MOST_SOUGHT: Final = 2
_OFFERED: Final = 3


def sought(draft: Draft, accepts: Callable[[Draft], bool]) -> Iterator[Candidate]:
    """Numbers for what is written as `...`, the smallest first."""
    places = [
        (match[1], match.start(2), match.end(2))
        for line in re.finditer(r"[^\n]*\n?", draft.text)
        for match in SOUGHT.finditer(draft.text, line.start(), line.end())
        if "#" not in draft.text[line.start() : match.start()]
    ]
    if not places or len(places) > _MOST_SOUGHT:
        return
    found = 0
    for values in product(*[_TRIED.get(name, range(6)) for name, _, _ in places]):
        edits = [TextEdit(start, end, str(value)) for (_, start, end), value in zip(places, values, strict=True)]
        following = draft.edited(edits)
        if following is None or not accepts(following):
            continue
        words = ", ".join(f"{name}={value}" for (name, _, _), value in zip(places, values, strict=True))
        yield Candidate(
            "output_padding" if {name for name, _, _ in places} == {"output_padding"} else "window",
            f"write {words} for `...`",
            following.patch_from(draft),
            reason="other numbers may fit as well",
            order=found,
        )
        found += 1
        if found == _OFFERED:
            return


# -- words -----------------------------------------------------------------------------------------------------------


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[\d, ()\[\]]+", text) is not None


def _bracketed(text: str) -> str:
    return text if re.fullmatch(r"[\w.]+(\[[^\[\]]*\])?", text) else f"({text})"


def _written(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"
