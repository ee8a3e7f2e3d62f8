"""Repairs of a spec at the place where sizes meet: the decoder takes the size of the skip, or one side is cropped or
padded to the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import quoted
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.draft import COMPARED, Draft, Trouble, settle
from shapelint.fixing.patch import TextEdit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.fixing.draft import Cause
    from shapelint.graph import Node

_SIZED: Final = {
    "Resize": ("scale", "size"),
    "Upsample": ("scale_factor", "size"),
    "interpolate": ("scale_factor", "size"),
    "UpsamplingNearest2d": ("scale_factor", "size"),
    "UpsamplingBilinear2d": ("scale_factor", "size"),
}
"""Layers that take a size in place of a factor, with the arguments that `like=` stands in for."""
_SIZE: Final = re.compile(r"([\w\[\]. ]+)\.(?:size|shape)")
_ASKED: Final = ("torch", "paddle", "tf")
"""The frameworks whose transposed convolutions take a size."""


def output_size(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The layer that goes up takes the size of the skip; else a resize to the skip stands before the merge."""
    found = settle(draft, cause, _ask_for_size)
    if found is not None:
        exact = "nothing changes at the sizes that fitted" if _whole_factors(draft, found) else ""
        yield Candidate(
            "output_size",
            f"let {found.changed_nodes(draft)} take the size of {_targets(draft, found)}",
            found.patch_from(draft),
            reason=exact or "the sampling grid follows the sizes instead of the factor",
            safe=bool(exact),
        )
    mend = _Adapting("Resize")
    found = settle(draft, cause, mend)
    if found is not None:
        yield Candidate(
            "output_size",
            f"resize {mend.what('the decoder to the skip before they meet', 'the output to what is expected')}",
            found.patch_from(draft),
            reason=mend.what("nothing changes at the sizes that fitted", "the result is resampled")
            if mend.by_rounding
            else "the decoder is stretched by more than what was rounded off",
            safe=mend.at_merges and mend.by_rounding,
            order=1,
        )


def crop_merge(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The larger side is cropped to the smaller one."""
    mend = _Adapting("Crop")
    found = settle(draft, cause, mend)
    if found is not None:
        title = f"crop {mend.what('the larger side to the smaller one at the merge', 'the output to what is expected')}"
        reason = "what is cropped is lost" + _split(cause)
        yield Candidate("crop_merge", title, found.patch_from(draft), reason=reason)


def pad_merge(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The smaller side is padded to the larger one."""
    mend = _Adapting("Pad")
    found = settle(draft, cause, mend)
    if found is not None:
        title = f"pad {mend.what('the smaller side to the larger one at the merge', 'the output to what is expected')}"
        reason = "the border is invented" + _split(cause)
        yield Candidate("pad_merge", title, found.patch_from(draft), reason=reason)


def _split(cause: Cause) -> str:
    """How much goes before and after, at the size that fails."""
    mismatch = cause.mismatch
    if mismatch is None or len(mismatch.first.left) != len(mismatch.first.right):
        return ""
    amounts = [abs(left - right) for left, right in zip(mismatch.first.left, mismatch.first.right, strict=True)]
    splits = [f"{amount // 2} before and {amount - amount // 2} after" for amount in amounts if amount]
    return f", here {', '.join(dict.fromkeys(splits))}"


# -- a size in place of a factor -------------------------------------------------------------------------------------


def _ask_for_size(draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
    """The edit that lets the last layer that goes up return the size of the other side."""
    side = trouble.grown if trouble.is_merge else 0
    up = trouble.last_up(side)
    target = _text_of(draft, trouble, 1 - side)
    number = _asked_number(trouble)
    if up is None or up.place is None:
        return []
    if target is None and number and up.op in ("ConvTranspose", "MaxUnpool") and up.rule in ("torch", "paddle"):
        return [draft.spec.add(up, f"output_size={number}")]
    if target is None:
        return []
    spec, kind = draft.spec, str(up.attributes.get("layer", ""))
    if any(name in up.place.arguments for name in ("like", "output_size")):
        return []
    if kind in _SIZED:
        for name in _SIZED[kind]:
            written = spec.argument(up, name)
            if written is not None:
                start, end, named = written
                return [TextEdit(start, end, f"like={target}")] if named or not _follows(spec.text, end) else []
        return []
    if "output_shape" in up.place.arguments:
        written = spec.argument(up, "output_shape")
        return [TextEdit(written[0], written[1], f"like={target}")] if written and written[2] else []
    if up.op in ("ConvTranspose", "MaxUnpool") and up.rule in _ASKED:
        return [spec.add(up, f"like={target}")]
    if re.fullmatch(r"UpSampling[123]D", kind):
        call = spec.call(up.place)
        if call is None or call.tree.keywords or len(call.tree.args) != 1:
            return []
        return [TextEdit(call.start, call.close + 1, f"Resize(like={target})")]
    return []


def _follows(text: str, end: int) -> bool:
    """Whether another argument stands behind a place."""
    return text[end:].lstrip().startswith(",")


def _text_of(draft: Draft, trouble: Trouble, side: int) -> str | None:
    """What the file calls one of the values that meet."""
    expectation = trouble.expectation
    if expectation is not None:
        return _compared(trouble)
    operand = _operand(draft, trouble, side)
    return None if operand is None else draft.text[operand[0] : operand[1]]


def _compared(trouble: Trouble) -> str | None:
    """The name of the layer whose size a condition compares with, where nothing is done to that size."""
    assert trouble.expectation is not None
    match = COMPARED.fullmatch(trouble.expectation.text)
    sides = [_SIZE.fullmatch(side.strip()) for side in match.groups()] if match is not None else []
    others = [side[1] for side in sides if side is not None and side[1] != trouble.names[0]]
    return others[0] if len(others) == 1 else None


def _asked_number(trouble: Trouble) -> str | None:
    """The size that a condition asks for, where it is a number."""
    match = COMPARED.fullmatch(trouble.expectation.text) if trouble.expectation is not None else None
    if match is None or not any(side.strip().isdigit() for side in match.groups()):
        return None
    return str(trouble.want[0]) if len(trouble.want) == 1 else f"({', '.join(map(str, trouble.want))})"


def _operand(draft: Draft, trouble: Trouble, side: int) -> tuple[int, int] | None:
    """Where one of the values that meet stands in the call of the merge."""
    node = trouble.node
    call = draft.spec.call(node.place) if node is not None and node.place is not None else None
    if node is None or call is None:
        return None
    operands, place = call.operands(), trouble.requirement.operands[side]
    if node.op == "MaxUnpool":
        place = side
    if operands is None or len(operands) != len(node.inputs) or not 0 <= place < len(operands):
        return None
    return operands[place]


def _whole_factors(draft: Draft, found: Draft) -> bool:
    """Whether every factor that a size now stands in for is a whole number, so that the sampling grid stays."""
    for edit in found.patch_from(draft).edits:
        replaced = draft.text[edit.start : edit.end]
        line = draft.text[draft.spec.line_start(edit.start) : draft.spec.line_end(edit.start)]
        factor = re.search(r"scale(?:_factor)?=([^)]*)", line)
        if replaced and factor is not None and not re.match(r"\(?[\d, ]+\)?\s*(,|$)", factor[1]):
            return False
    return True


def _targets(draft: Draft, found: Draft) -> str:
    """What sizes are taken from."""
    words = [word for edit in found.patch_from(draft).edits for word in re.findall(r"like=([\w.\[\] ]+)", edit.text)]
    return quoted(list(dict.fromkeys(words))) if words else "the other side"


# -- a layer before the merge ----------------------------------------------------------------------------------------

_SUFFIX: Final = {"Crop": "cropped", "Pad": "padded", "Resize": "resized"}


class _Adapting:
    """Mends one place after another with a layer before it, and remembers what kind of places they were."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.at_merges = True
        self.by_rounding = True

    def __call__(self, draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
        self.at_merges = self.at_merges and trouble.is_merge
        self.by_rounding = self.by_rounding and trouble.by_rounding
        return _adapt(draft, trouble, self.kind)

    def what(self, at_merges: str, at_outputs: str) -> str:
        """The words for what was mended."""
        return at_merges if self.at_merges else at_outputs


def _adapt(draft: Draft, trouble: Trouble, kind: str) -> list[TextEdit | None]:
    """The edits that crop, pad or resize one side to the other before they meet."""
    differing = trouble.differing
    if not differing:
        return []
    larger = {int(trouble.have[axis] < trouble.want[axis]) for axis in differing}
    if kind == "Resize":
        side = trouble.grown if trouble.is_merge else 0
    elif len(larger) != 1:
        return []
    else:
        side = larger.pop() if kind == "Crop" else 1 - larger.pop()
    if trouble.expectation is not None:
        return _adapt_output(draft, trouble, kind) if side == 0 else []
    if not trouble.is_merge or (kind != "Resize" and trouble.requirement.kind not in MERGES):
        return []
    return _adapt_operand(draft, trouble, kind, side)


def _adapt_operand(draft: Draft, trouble: Trouble, kind: str, side: int) -> list[TextEdit | None]:
    own, other = _operand(draft, trouble, side), _operand(draft, trouble, 1 - side)
    node = trouble.node
    if own is None or other is None or node is None or node.place is None:
        return []
    text, target = draft.text[slice(*own)], draft.text[slice(*other)]
    words = re.findall(r"[^\W\d]\w*", text.partition("[")[0])
    if not words or words[-1].endswith(tuple(f"_{word}" for word in _SUFFIX.values())):
        return []
    name = draft.spec.free_name(f"{words[-1]}_{_SUFFIX[kind]}")
    start = draft.spec.offset(node.place.span.line, node.place.span.column)
    return [draft.spec.before(start, f"{name}: {kind}(like={target})({text})"), TextEdit(*own, name)]


def _adapt_output(draft: Draft, trouble: Trouble, kind: str) -> list[TextEdit | None]:
    """The edit that crops, pads or resizes an output: its name, bound again, is the new layer from there on."""
    target, name = _compared(trouble), trouble.names[0]
    node: Node | None = trouble.facts.nodes.get(name)
    if target is None or node is None or node.place is None or not name.isidentifier():
        return []
    start = draft.spec.offset(node.place.span.line, node.place.span.column)
    item = draft.spec.item(start)
    if item is None or item[1] != name:
        return []
    return [draft.spec.after(start, f"{name}: {kind}(like={target})({name})")]
