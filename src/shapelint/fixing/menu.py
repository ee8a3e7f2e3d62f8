"""The menu of a model: every repair of its first cause that is proved, in the order in which people adopt them."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import Mismatch, Preserving, Restriction
from shapelint.finding import Applicability, Edit, Fix
from shapelint.fixing import advice, declare, spec_merge, spec_padding, spec_steps, spec_window
from shapelint.fixing.draft import Cause, Draft, main_cause, trouble, wanted
from shapelint.fixing.patch import TextPatch
from shapelint.fixing.proof import Linted, Proved, prove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.analysis import Analysis
    from shapelint.fixing.candidate import Candidate

KINDS: Final = (
    "output_padding",
    "output_size",
    "pad_input",
    "crop_merge",
    "pad_merge",
    "window",
    "rounding",
    "channels",
    "input_size",
    "declare",
    "export",
)

_SKIP: Final = (
    "export",
    "channels",
    "pad_input",
    "input_size",
    "output_size",
    "crop_merge",
    "pad_merge",
    "rounding",
    "window",
    "output_padding",
    "declare",
)
"""A skip merge behind pooling."""
_TRANSPOSED: Final = (
    "export",
    "channels",
    "output_padding",
    "output_size",
    "window",
    "rounding",
    "pad_input",
    "input_size",
    "crop_merge",
    "pad_merge",
    "declare",
)
"""Transposed convolutions, autoencoders, generators, vocoders."""
_UNPADDED: Final = ("crop_merge", "window", *[kind for kind in _SKIP if kind not in ("crop_merge", "window")])
"""Sides that differ by more than what was rounded off."""
_POOLS: Final = ("MaxPool", "AveragePool", "LpPool", "MaxUnpool")


@dataclass(frozen=True, slots=True)
class Offer:
    """An entry of the menu with what it does."""

    fix: Fix
    proved: Proved

    @property
    def patch(self) -> object:
        """What it changes; None for advice."""
        return self.proved.candidate.patch


def offers(analysis: Analysis, cause: Cause | None = None, *, lead: int = 0, first: bool = False) -> list[Offer]:
    """The menu with what each entry does; `lead`: how many bytes of a spec stand before its text.

    `first`: no more than is needed to know the first entry.
    """
    cause = cause or main_cause(analysis)
    if cause is None:
        return []
    proved: list[Proved] = []
    before = Linted(analysis)
    for each in (cause, *_besides(analysis, cause)):
        proved += _proved(before, each, proved, first=first, advises=each is cause)
        if first and proved:
            break
    shown = proved[:1] if first else proved
    return [Offer(_fix(number, each, analysis, lead), each) for number, each in enumerate(shown, 1)]


def _proved(before: Linted, cause: Cause, known: list[Proved], *, first: bool, advises: bool) -> list[Proved]:
    """What mends one cause, ranked, less what is `known`; advice where `advises`."""
    proved: list[Proved] = []
    order = _order(before.analysis, cause)
    for group in by_kind(before.analysis, cause, order):
        for candidate in group:
            found = prove(before, cause, candidate) if advises or candidate.patch is not None else None
            if found is not None and not any(_says_the_same(found, other) for other in (*known, *proved)):
                proved.append(found)
        if first and any(each.is_whole for each in proved):
            break
    proved.sort(key=lambda each: (not each.is_whole, order.index(each.candidate.kind), each.candidate.order))
    counts: Counter[str] = Counter()
    shown = []
    for each in proved:
        counts[each.candidate.kind] += 1
        if counts[each.candidate.kind] <= _MOST.get(each.candidate.kind, len(proved)):
            shown.append(each)
    return shown


def _besides(analysis: Analysis, cause: Cause) -> list[Cause]:
    """Restrictions that are only told, where what is to be mended is the size of an output."""
    if not isinstance(cause.subject, Preserving):
        return []
    return [Cause(each) for each in analysis.facts.restrictions]


_MAKERS: Final = {
    "channels": (declare.channels,),
    "output_size": (spec_merge.output_size,),
    "crop_merge": (spec_merge.crop_merge,),
    "pad_merge": (spec_merge.pad_merge,),
    "output_padding": (spec_padding.output_padding,),
    "window": (spec_padding.kernels, spec_window.window, spec_window.rates, spec_steps.steps),
    "rounding": (spec_steps.rounding,),
    "declare": (declare.declare,),
}
"""What makes the candidates of a kind, from a spec's text."""
_MOST: Final = {"window": 3, "rounding": 3}
"""How many entries of a kind a menu has."""
_ADVICE: Final = {"pad_input": advice.pad_input, "input_size": advice.input_size}


def by_kind(analysis: Analysis, cause: Cause, order: tuple[str, ...]) -> Iterator[Iterator[Candidate]]:
    """What may mend the cause, kind by kind, made as it is asked for; nothing is proved of it yet, but for advice."""
    if analysis.model.program is None:
        from shapelint.fixing import onnx

        yield from onnx.by_kind(analysis, cause.mismatch, order, for_output=isinstance(cause.subject, Preserving))
        return
    if isinstance(cause.subject, Preserving):
        found = wanted(analysis, cause.subject)
        if found is None:
            return
        analysis, cause = found
    draft = Draft(analysis.model.program.text, analysis)
    if cause.subject is None:
        yield spec_window.sought(draft, _fits)
        return
    is_of_channels = cause.mismatch is not None and cause.mismatch.kind == "channels"
    for kind in ("channels",) if is_of_channels else order:
        if kind in _ADVICE:
            yield _ADVICE[kind](analysis, cause)
        for make in _MAKERS.get(kind, ()):
            yield make(draft, cause)


def _fits(draft: Draft) -> bool:
    """Whether a model is proved to fit: what is stated, or a class of multiples where nothing is."""
    facts = draft.analysis.facts
    if facts.unknowns or draft.analysis.failures or facts.never:
        return False
    free = [axis for axis in facts.inputs.axes if not axis.is_batch and axis.symbol not in facts.domains]
    return all(facts.necessary[axis.symbol].pad_to is not None for axis in free)


def _says_the_same(found: Proved, other: Proved) -> bool:
    """Whether an entry does what another one does, or does the same kind of thing for the same sizes."""
    one, two = found.candidate, other.candidate
    if one.patch is not None and one.patch == two.patch:
        return True
    alike = one.kind in ("output_size", "crop_merge", "pad_merge", "rounding")
    return alike and one.kind == two.kind and found.fits == other.fits


def _order(analysis: Analysis, cause: Cause) -> tuple[str, ...]:
    """The ranking of the kinds for this cause."""
    subject = cause.subject
    if not isinstance(subject, Mismatch):
        order = _TRANSPOSED if _is_transposed(analysis) else _SKIP
        told_only = isinstance(subject, Restriction) and subject.has_class
        return ("declare", *[kind for kind in order if kind != "declare"]) if told_only else order
    if subject.kind not in MERGES:
        return _TRANSPOSED
    downs, ups = _steps_of(subject, analysis)
    if analysis.model.program is not None:
        found = trouble(Draft(analysis.model.program.text, analysis), cause)
        if found is not None and found.differing:
            if not found.by_rounding:
                return _UNPADDED
            steps = [step for axis in found.differing for side in (0, 1) for step in found.steps(side, axis)]
            downs = [step.node.op for step in steps if step.factor < 1]
            ups = [step.node.op for step in steps if step.factor > 1]
    behind_pooling = any(op in _POOLS for op in downs) or not all(op == "ConvTranspose" for op in ups)
    return _SKIP if behind_pooling or not ups else _TRANSPOSED


def _steps_of(failure: Mismatch, analysis: Analysis) -> tuple[list[str], list[str]]:
    """The operators that the failure is blamed on: of the steps down, and of the steps up."""
    nodes = analysis.explained[0].nodes
    blame = failure.blame
    downs = (blame.down or blame.branches) if blame is not None else ()
    ups = blame.up if blame is not None else ()
    found = [[nodes[path].op for path in paths if path in nodes] for paths in (downs, ups)]
    return found[0], found[1]


def _is_transposed(analysis: Analysis) -> bool:
    """Whether transposed convolutions alone go up, and no pool goes down."""
    ops = {node.op for node in analysis.graph.nodes}
    return "ConvTranspose" in ops and not ops & {*_POOLS, "Resize", "Upsample"}


def _fix(number: int, proved: Proved, analysis: Analysis, lead: int) -> Fix:
    candidate = proved.candidate
    edits: tuple[Edit, ...] = ()
    code, line = candidate.code, None
    if isinstance(candidate.patch, TextPatch):
        text = analysis.model.program.text
        edits = byte_edits(candidate.patch, text, analysis.file, lead)
        code = code or _lines(candidate.patch, text)
    elif candidate.patch is not None:
        choice = ["--pick", str(number), "-o", _beside(analysis.file)]
        line = command(analysis, *choice)
    return Fix(
        id=number,
        kind=candidate.kind,
        title=candidate.title,
        applicability=proved.applicability,
        reason=proved.reason,
        code=code,
        fits=proved.fits,
        mends=proved.mends,
        edits=edits,
        command=line,
    )


def byte_edits(patch: TextPatch, text: str, file: str, lead: int) -> tuple[Edit, ...]:
    """The edits in bytes of the file, `lead` bytes of which stand before the text."""
    found = []
    for edit in sorted(patch.edits, key=lambda each: (each.start, each.end)):
        start = lead + len(text[: edit.start].encode())
        found.append(Edit(file, start, start + len(text[edit.start : edit.end].encode()), edit.text))
    return tuple(found)


def _lines(patch: TextPatch, text: str) -> str:
    """The lines of the patched text that are new or changed."""
    old = set(text.splitlines())
    new = [line.strip() for line in patch.apply(text).splitlines() if line not in old and line.strip()]
    return "\n".join(line.removeprefix("- ") for line in new)


def command(analysis: Analysis, *more: str) -> str:
    """The command line of `fix` for this file, with what was stated."""
    found = []
    for name, dims in analysis.stated.inputs.items():
        text = ",".join("_" if dim is None else str(dim) for dim in dims)
        found += ["--input", text if name is None else f"{name}={text}"]
    for where in analysis.stated.where:
        found += ["--where", where.text if where.name is None else f"{where.name}={where.text}"]
    for text in analysis.stated.at:
        found += ["--at", text]
    return shlex.join(["shapelint", "fix", analysis.file, *found, *more])


def _beside(file: str) -> str:
    """A name for the patched file."""
    stem, suffix = os.path.splitext(file)
    return f"{stem}.fixed{suffix}"


def is_allowed(fix: Fix, *, unsafe: bool) -> bool:
    """Whether an entry may be applied without being picked."""
    return fix.applicability is Applicability.SAFE or (unsafe and fix.applicability is Applicability.UNSAFE)
