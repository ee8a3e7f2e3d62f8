"""Repairs of a spec at the place where sizes meet: the decoder takes the size of the skip, or one side is cropped or
padded to the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import listed, quoted
from shapelint.fixing import spec_words
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.draft import COMPARED, Draft, Trouble, settle_every_size, sizes_at
from shapelint.fixing.patch import TextEdit
from shapelint.fixing.spec_padding import lacking, undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
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
    ask = _Asking(jointly=False)
    found = settle_every_size(draft, cause, ask)
    if found is None:
        ask = _Asking(jointly=True)
        found = settle_every_size(draft, cause, ask)
    if found is not None:
        exact = "nothing changes at the sizes that fitted" if _whole_factors(draft, found) else ""
        title = f"let {found.changed_nodes(draft)} {_targets(draft, found)}"
        yield Candidate(
            "output_size",
            f"{title}: `{ask.words}`" if ask.words else title,
            found.patch_from(draft),
            reason=exact or "the sampling grid follows the sizes instead of the factor",
            safe=bool(exact),
        )
    mend = _Adapting("Resize", cause)
    found = settle_every_size(draft, cause, mend)
    if found is not None:
        yield Candidate(
            "output_size",
            mend.title("resize", "the decoder to the skip before they meet"),
            found.patch_from(draft),
            reason="the decoder is stretched by more than what was rounded off"
            if not mend.by_rounding
            else "the result is resampled"
            if mend.at_outputs
            else "nothing changes at the sizes that fitted",
            safe=not mend.at_outputs and mend.by_rounding,
            order=1,
        )


def crop_merge(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The larger side is cropped to the smaller one."""
    mend = _Adapting("Crop", cause)
    found = settle_every_size(draft, cause, mend)
    if found is not None:
        title = mend.title("crop", "the larger side to the smaller one at the merge")
        reason = "what is cropped is lost" + _split(cause)
        yield Candidate("crop_merge", title, found.patch_from(draft), reason=reason)


def pad_merge(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The smaller side is padded to the larger one."""
    mend = _Adapting("Pad", cause)
    found = settle_every_size(draft, cause, mend)
    if found is not None:
        title = mend.title("pad", "the smaller side to the larger one at the merge")
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


class _Asking:
    """Mends one place after another by asking for a size, and remembers how the first is written in the framework.

    `jointly`: steps up before the last one are asked first, for the size of what stood before what they undo.
    """

    def __init__(self, *, jointly: bool) -> None:
        self.jointly = jointly
        self.words = ""

    def __call__(self, draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
        side = trouble.grown if trouble.is_merge else 0
        up, target = trouble.last_up(side), _text_of(draft, trouble, 1 - side)
        if self.jointly:
            for node in _ups(trouble, side):
                other = _undone(draft, trouble, node)
                if node is not up and other is not None:
                    up, target = node, other
                    break
        if up is None:
            up, target = _unfixed(draft, trouble)
        if up is None:
            return []
        if target is not None and not self.words:
            self.words = spec_words.asked(draft, up, target)
        return _asked(draft, up, target, _asked_number(trouble))


def _unfixed(draft: Draft, trouble: Trouble) -> tuple[Node | None, str | None]:
    """A layer whose size is written as numbers, and the other side, whose size it is to take.

    Where a layer refuses the size that it is asked for, it or one before it with the size that it should return.
    """
    facts = trouble.facts
    if not trouble.names[1] and trouble.expectation is None:
        return _unrefused(draft, trouble)
    for side in (0, 1) if trouble.names[1] else (0,):
        node, target = facts.graph.producers.get(trouble.names[side]), _text_of(draft, trouble, 1 - side)
        size = (trouble.have, trouble.want)[side]
        while node is not None and sizes_at(facts, node.outputs[0], trouble.at) == size:
            if target is not None and _is_sized(node):
                return node, target
            node = facts.graph.producers.get(node.inputs[0]) if node.inputs else None
    return None, None


def _is_sized(node: Node) -> bool:
    """Whether numbers say which size a layer returns."""
    arguments = node.place.arguments if node.place is not None else {}
    return any(name in arguments for name in ("output_shape", "output_size", "size"))


def _unrefused(draft: Draft, trouble: Trouble) -> tuple[Node | None, str | None]:
    facts, node = trouble.facts, trouble.node
    while node is not None:
        if node.op in ("ConvTranspose", "MaxUnpool", "Resize") and node.place is not None:
            target = _opened(trouble, node)
            own, wanted = (sizes_at(facts, each, trouble.at) for each in (node.outputs[0], target or ""))
            if target is not None and wanted and own != wanted and "like" not in node.place.arguments:
                name = _name_of(draft, facts, target)
                return (None, None) if name is None else (node, name)
        node = facts.graph.producers.get(node.inputs[0]) if node.inputs else None
    return None, None


def _opened(trouble: Trouble, node: Node) -> str | None:
    """The value before the last step down that nothing undid yet where a layer stands."""
    facts, found = trouble.facts, set()
    for symbol in facts.inputs.symbols:
        opened: list[Node] = []
        for step in facts.flow.steps(node.inputs[0], symbol):
            if step.factor < 1:
                opened.append(step.node)
            elif opened:
                opened.pop()
        if opened:
            found.add(opened[-1].inputs[0])
    return found.pop() if len(found) == 1 else None


def _ups(trouble: Trouble, side: int) -> list[Node]:
    """The layers that went up by a window on the way to one of the values."""
    found: dict[str, Node] = {}
    for axis in range(len(trouble.have)):
        for step in trouble.steps(side, axis):
            if step.factor > 1 and step.node.op in ("ConvTranspose", "MaxUnpool"):
                found[step.node.path] = step.node
    return [node for node in trouble.facts.graph.nodes if node.path in found]


def _undone(draft: Draft, trouble: Trouble, up: Node) -> str | None:
    """What the file calls the value before the steps that `up` undoes, where it does not return its size."""
    facts = trouble.facts
    missing = lacking(facts, up, trouble.at, len(trouble.have))
    names = {facts.nodes[path].inputs[0] for path in undone(facts, up, len(trouble.have))}
    if not any(missing) or len(names) != 1 or "/" in up.path:
        return None
    return _name_of(draft, facts, names.pop())


def _name_of(draft: Draft, facts: Facts, name: str) -> str | None:
    """What the file calls a value, where it has a name that every later line may use."""
    producer = facts.nodes.get(name)
    if producer is None or producer.place is None:
        return name if name.isidentifier() else None
    item = draft.spec.item(draft.spec.range(producer.place.span)[0])
    is_named = item is not None and item[1] == name and re.fullmatch(r"[^\W\d]\w*", name) is not None
    return name if is_named else None


def _asked(draft: Draft, up: Node, target: str | None, number: str | None) -> list[TextEdit | None]:
    """The edit that lets a layer that goes up return the size of `target`."""
    if up.place is None:
        return []
    if target is None and number and up.op in ("ConvTranspose", "MaxUnpool") and up.rule in ("torch", "paddle"):
        return [draft.spec.add(up, f"output_size={number}")]
    if target is None:
        return []
    spec, kind = draft.spec, str(up.attributes.get("layer", ""))
    if "like" in up.place.arguments:
        return []
    if "output_size" in up.place.arguments:
        return _replaced(draft, spec.argument(up, "output_size"), target)
    if kind in _SIZED:
        written = next(filter(None, [spec.argument(up, name) for name in _SIZED[kind]]), None)
        return _replaced(draft, written, target)
    if "output_shape" in up.place.arguments:
        return _replaced(draft, spec.argument(up, "output_shape"), target)
    if up.op in ("ConvTranspose", "MaxUnpool") and (up.rule in _ASKED or _is_tensorflow(draft, up)):
        return [spec.add(up, f"like={target}")]
    if re.fullmatch(r"UpSampling[123]D", kind):
        call = spec.call(up.place)
        if call is None or call.tree.keywords or len(call.tree.args) != 1:
            return []
        return [TextEdit(call.start, call.close + 1, f"Resize(like={target})")]
    return []


def _replaced(draft: Draft, written: tuple[int, int, bool] | None, target: str) -> list[TextEdit | None]:
    """The edit that writes `like=` in the place of an argument."""
    if written is None or (not written[2] and _follows(draft.text, written[1])):
        return []
    return [TextEdit(written[0], written[1], f"like={target}")]


def _is_tensorflow(draft: Draft, up: Node) -> bool:
    """Whether a transposed convolution of Keras may become tf.nn.conv*_transpose, which takes an output shape."""
    is_own = draft.analysis.model.program.convention == "tensorflow" and up.rule == "keras"
    return is_own and up.place is not None and "output_padding" not in up.place.arguments


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
    own = trouble.expectation.output or trouble.names[0]
    others = [side[1] for side in sides if side is not None and side[1] != own and not side[1].startswith("outputs[")]
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
        if replaced and factor is not None and not re.match(r"\(?(\d+(\.0*)?[, ]*)+\)?\s*(,|$)", factor[1]):
            return False
    return True


def _targets(draft: Draft, found: Draft) -> str:
    """What sizes are taken from, or the numbers that are asked for."""
    texts = [edit.text for edit in found.patch_from(draft).edits]
    words = [word for text in texts for word in re.findall(r"like=([\w.\[\] ]+)", text)]
    if words:
        return f"take the size of {quoted(list(dict.fromkeys(words)))}"
    numbers = [word for text in texts for word in re.findall(r"output_size=([\d, ()]*\d\)?)", text)]
    return (
        f"return {listed([f'`{number}`' for number in dict.fromkeys(numbers)])}" if numbers else "return another size"
    )


# -- a layer before the merge ----------------------------------------------------------------------------------------

_SUFFIX: Final = {"Crop": "cropped", "Pad": "padded", "Resize": "resized"}


class _Adapting:
    """Mends one place after another with a layer before it, and remembers what kind of places they were."""

    def __init__(self, kind: str, cause: Cause) -> None:
        self.kind = kind
        self.is_told = kind == "Resize" or cause.mismatch is not None
        self.at_merges = False
        self.at_outputs = False
        self.by_rounding = True
        self.words = ""

    def __call__(self, draft: Draft, trouble: Trouble) -> list[TextEdit | None]:
        if self.is_told and not self.at_merges and not self.at_outputs:
            self.words = _words(draft, trouble, self.kind)
        self.at_merges = self.at_merges or trouble.is_merge
        self.at_outputs = self.at_outputs or not trouble.is_merge
        self.by_rounding = self.by_rounding and trouble.by_rounding
        return _adapt(draft, trouble, self.kind)

    def title(self, verb: str, at_merges: str) -> str:
        """What was done, with how the first of it is written in the framework."""
        what = [at_merges] * self.at_merges + ["the output to what is expected"] * self.at_outputs
        return f"{verb} {', and '.join(what)}" + (
            f"{': ' if self.kind == 'Resize' else ', here '}`{self.words}`" if self.words else ""
        )


def _words(draft: Draft, trouble: Trouble, kind: str) -> str:
    """How the layer is written in the framework, at the sizes that fail."""
    side = _side(trouble, kind)
    if side is None:
        return ""
    if trouble.expectation is not None:
        own, other = trouble.expectation.output or trouble.names[0], _compared(trouble)
    else:
        own, other = (_text_of(draft, trouble, each) or "" for each in (side, 1 - side))
    if not re.fullmatch(r"\w+(\[[^\[\]]*\])?", own or "") or not other:
        return ""
    if kind == "Resize":
        return spec_words.resized(draft, own, other)
    amounts = [abs(have - want) for have, want in zip(trouble.have, trouble.want, strict=True)]
    splits = [(amount // 2, amount - amount // 2) for amount in amounts]
    return (spec_words.cropped if kind == "Crop" else spec_words.padded)(draft, own, splits)


def _side(trouble: Trouble, kind: str) -> int | None:
    """Which of the two values is cropped, padded or resized; None where one alone does not do."""
    differing = trouble.differing
    larger = {int(trouble.have[axis] < trouble.want[axis]) for axis in differing}
    if not differing or (kind != "Resize" and len(larger) != 1):
        return None
    if kind == "Resize":
        return trouble.grown if trouble.is_merge else 0
    return larger.pop() if kind == "Crop" else 1 - larger.pop()


def _adapt(draft: Draft, trouble: Trouble, kind: str) -> list[TextEdit | None]:
    """The edits that crop, pad or resize one side to the other before they meet."""
    side = _side(trouble, kind)
    if side is None:
        return []
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
    target, node = _compared(trouble), trouble.facts.graph.producers.get(trouble.names[0])
    name = (trouble.expectation.output if trouble.expectation is not None else None) or trouble.names[0]
    if target is None or node is None or node.place is None or not name.isidentifier():
        return []
    start = draft.spec.range(node.place.span)[0]
    if name != node.path:  # the last layer of a block: the line on which the block is used
        place = re.fullmatch(r"\w+@(\d+):(\d+)", node.place.stack[-1]) if node.place.stack else None
        if place is None:
            return []
        start = draft.spec.offset(int(place[1]), int(place[2]))
    item = draft.spec.item(start)
    if item is None or item[1] != name:
        return []
    return [draft.spec.after(start, f"{name}: {kind}(like={target})({name})")]
