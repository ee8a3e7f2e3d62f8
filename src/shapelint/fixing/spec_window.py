"""Other windows in a spec: transposed convolutions that multiply exactly, convolutions that keep the size, pools that
round the other way, and numbers for what is written as `...`."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from shapelint.facts.subjects import quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.draft import SOUGHT, Draft, Trouble, settle, trouble
from shapelint.fixing.patch import TextEdit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shapelint.fixing.draft import Cause
    from shapelint.graph import Node

_OTHER: Final = "other borders, and other weights where a kernel changes"
_EXPLICIT: Final = ("torch", "paddle")
"""The frameworks whose paddings are numbers and whose words are those of PyTorch."""
_POOLS: Final = ("MaxPool", "AveragePool", "LpPool")


def window(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Transposed convolutions that multiply exactly: by their padding, by the window of what they undo."""
    nowhere = draft.free[0].never
    ways = (
        ("padding", "pad {} so that they multiply the size exactly", _exact_padding, nowhere, "other borders"),
        ("mirror", "give {} the window of what it undoes", None, False, _OTHER),
        ("divide", "pad {} so that multiples of the stride are divided exactly", _dividing, False, "other borders"),
        ("keep", "pad {} so that they keep the size", _keeping, False, "other borders"),
    )
    for order, (_, title, edit, safe, reason) in enumerate(ways):
        found = settle(draft, cause, _mirrored if edit is None else _each_step(edit))
        if found is not None:
            yield Candidate(
                "window",
                title.format(found.changed_nodes(draft)),
                found.patch_from(draft),
                reason="" if safe else reason,
                safe=safe,
                order=order,
            )


def _each_step(edit: Callable[[Draft, Node], list[TextEdit | None]]) -> Callable[[Draft, Trouble], Any]:
    """A way to mend one place: the edits of every step that led there and that is not right yet."""

    def mend(draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
        edits: list[TextEdit | None] = []
        for node in _steps(trouble):
            for each in edit(draft, node):
                if each not in edits:
                    edits.append(each)
        return edits

    return mend


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
    kernel, strides = _values(node, "kernel"), _values(node, "strides")
    dilations, pads = _values(node, "dilations"), _values(node, "pads")
    if kernel is None or strides is None or dilations is None or pads is None:
        return None
    rank = len(kernel)
    extra = _values(node, "output_padding") or [0] * rank
    return [
        dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis] - pads[rank + axis] + extra[axis] - strides[axis]
        for axis in range(rank)
    ]


def _exact_padding(draft: Draft, node: Node) -> list[TextEdit | None]:
    """ke - 2p + output_padding = s, written in the file's own words for kernel and stride."""
    if node.op != "ConvTranspose" or node.attributes.get("output_size") is not None:
        return []
    spec = draft.spec
    if node.rule == "keras":
        if node.attributes.get("mode") != "valid" or _values(node, "output_padding") is not None:
            return []
        return [spec.set(node, "padding", '"same"')]
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
    edits = [spec.set(node, "padding", pads)]
    if "output_padding" in (node.place.arguments if node.place is not None else {}) or extra != "0":
        edits.append(spec.set(node, "output_padding", extra))
    return _one_insertion(edits)


def _keeping(draft: Draft, node: Node) -> list[TextEdit | None]:
    """2p = ke - 1 for a convolution of stride 1 that changes the size."""
    kernel, strides, dilations = (_values(node, name) for name in ("kernel", "strides", "dilations"))
    if node.op != "Conv" or kernel is None or strides is None or dilations is None or set(strides) != {1}:
        return []
    if node.rule == "keras":
        return [draft.spec.set(node, "padding", '"same"')]
    wanted = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    if node.rule not in _EXPLICIT or any(each % 2 for each in wanted):
        return []
    return [draft.spec.set(node, "padding", _written([each // 2 for each in wanted]))]


def _divides_exactly(node: Node) -> bool:
    """Whether a window gives n / stride wherever that is a whole number."""
    kernel, strides, dilations, pads = (_values(node, name) for name in ("kernel", "strides", "dilations", "pads"))
    if kernel is None or strides is None or dilations is None or pads is None:
        return False
    rank = len(kernel)
    ceil = bool(node.attributes.get("ceil_mode"))
    for k, s, d, p in zip(kernel, strides, dilations, [pads[n] + pads[rank + n] for n in range(rank)], strict=True):
        room = p - (d * (k - 1) + 1)
        if (-(-room // s) if ceil else room // s) != -1:
            return False
    return True


def _dividing(draft: Draft, node: Node) -> list[TextEdit | None]:
    """2p from ke - s to ke - 1 for a strided convolution or pool, the middle of what it may be."""
    kernel, strides, dilations = (_values(node, name) for name in ("kernel", "strides", "dilations"))
    if node.op not in ("Conv", *_POOLS) or node.rule not in _EXPLICIT or node.attributes.get("ceil_mode"):
        return []
    if kernel is None or strides is None or dilations is None or set(strides) == {1} or _divides_exactly(node):
        return []
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [(ke - 1) // 2 for ke in extents]
    if any(not ke - s <= 2 * p for ke, s, p in zip(extents, strides, pads, strict=True)):
        return []
    return [draft.spec.set(node, "padding", _written(pads))]


def _mirrored(draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
    """The edits that give every step up the window of the step down that it undoes, where they do not cancel."""
    side = trouble.grown if trouble.is_merge else 0
    edits: list[TextEdit | None] = []
    for axis in trouble.axes:
        opened: list[Node] = []
        for step in trouble.steps(side, axis):
            if step.factor < 1:
                opened.append(step.node)
            elif step.factor > 1 and opened:
                edits += [each for each in _mirror(draft, opened.pop(), step.node) if each not in edits]
    return edits


def _mirror(draft: Draft, down: Node, up: Node) -> list[TextEdit | None]:
    strides = _values(down, "strides")
    spec = draft.spec
    if strides is None or down.op not in ("Conv", *_POOLS) or down.rule not in _EXPLICIT:
        return []
    if up.op == "Resize":
        for name in ("scale_factor", "scale"):
            value = spec.value(up, name)
            if value is not None and _is_number(value) and value != _written(strides):
                return [spec.set(up, name, _written(strides))]
        return []
    if up.op != "ConvTranspose" or up.rule not in _EXPLICIT or up.attributes.get("output_size") is not None:
        return []
    if _values(up, "strides") == strides and _divides_exactly(down) and not any(_excess(up) or [1]):
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
    edits = []
    for attribute, values in wanted.items():
        default = [0] * rank if attribute == "output_padding" else None
        if (_values(up, attribute) or default) != values:
            edits.append(spec.set(up, names.get(attribute, attribute), _written(values[:rank])))
    return _one_insertion(edits)


def rounding(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """Pools that round the other way: each alone, then all of them."""
    found = trouble(draft, cause)
    if found is None:
        return
    pools = [node for node in _steps(found) if node.op in _POOLS]
    groups = [[node] for node in pools] + ([pools] if len(pools) > 1 else [])
    for order, group in enumerate(groups[:9]):
        following = draft.edited([_turned(draft, node) for node in group])
        if following is not None:
            ways = [bool(node.attributes.get("ceil_mode")) for node in group]
            title = f"let {quoted([node.path for node in group])} round {'down' if ways[0] else 'up'}"
            yield Candidate(
                "rounding",
                title,
                following.patch_from(draft),
                reason="the last row of windows is added or dropped where a size does not divide",
                order=order,
            )


def _turned(draft: Draft, node: Node) -> TextEdit | None:
    """The edit that turns the rounding of a pool."""
    if node.rule == "keras":
        return draft.spec.set(node, "padding", '"valid"' if node.attributes.get("mode") == "same" else '"same"')
    if node.rule not in _EXPLICIT:
        return None
    return draft.spec.set(node, "ceil_mode", "False" if node.attributes.get("ceil_mode") else "True")


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


def _one_insertion(edits: list[TextEdit | None]) -> list[TextEdit | None]:
    """The edits, with those that insert at one place as one."""
    joined: list[TextEdit | None] = []
    for edit in edits:
        last = joined[-1] if joined else None
        if edit is not None and last is not None and edit.start == edit.end == last.start == last.end:
            joined[-1] = TextEdit(edit.start, edit.end, last.text + edit.text)
        else:
            joined.append(edit)
    return joined
