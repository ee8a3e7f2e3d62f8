"""A spec while it is being mended: its text, what follows from it, and where it still fails.

A repair is found by mending the first place that fails, propagating again, and mending the next, until the cause is
gone; each round works on the text that the last one left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from shapelint.analysis import Analysis, StatedWrong
from shapelint.facts.mismatch import MERGES, failing
from shapelint.facts.subjects import Mismatch, Preserving, Restriction, listed
from shapelint.fixing.patch import TextEdit, TextPatch
from shapelint.fixing.text import SpecText, patch_between
from shapelint.size import Expr, evaluate
from shapelint.source import Unreadable
from shapelint.source.spec import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shapelint.facts import Facts
    from shapelint.facts.flow import Step
    from shapelint.facts.frozen import Frozen
    from shapelint.graph import Node
    from shapelint.ops.call import Requirement
    from shapelint.size import Symbol
    from shapelint.source.spec import Expectation

ROUNDS: Final = 24
"""How many places are mended for one cause before it is given up."""

COMPARED: Final = re.compile(r"(?P<left>[^=<>!]+?)\s*==\s*(?P<right>[^=<>!]+)")
"""A condition that two sizes are equal."""
SOUGHT: Final = re.compile(r"(\w+)\s*=\s*(\.\.\.)(?=\s*[,)])")
"""An argument that nobody states and that is looked for."""

_WINDOW: Final = (
    "kernel",
    "kernel_shape",
    "strides",
    "pads",
    "mode",
    "dilations",
    "ceil_mode",
    "output_padding",
    "output_size",
)

At = dict["Symbol", int]


def analysed(text: str, of: Analysis) -> Analysis | None:
    """The analysis of another text under what is stated of `of`, made once; None where the text cannot be read."""
    if text not in of.others:
        of.others[text] = None
        try:
            found = Analysis(read_spec(text.encode(), of.file), of.stated, of.file)
        except (Unreadable, StatedWrong):
            return None
        found.others = of.others
        of.others[text] = found
    return of.others[text]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The first place that fails at one size: what meets there, and the sizes along every spatial axis."""

    facts: Facts
    at: At
    requirement: Requirement
    names: tuple[str, str]
    """The values that meet; the second is empty where the first is compared with a condition's other side."""
    have: tuple[int, ...]
    """The spatial sizes of the first value."""
    want: tuple[int, ...]
    """Those of the second, or what the condition asks for."""
    expectation: Expectation | None

    @property
    def node(self) -> Node | None:
        """The node that fails."""
        return self.facts.nodes.get(self.requirement.path)

    @property
    def is_merge(self) -> bool:
        """Whether two tensors meet there."""
        return self.requirement.kind in MERGES or bool(self.names[1])

    @property
    def differing(self) -> list[int]:
        """The spatial axes along which the sizes differ."""
        if len(self.have) != len(self.want):
            return []
        return [axis for axis, (a, b) in enumerate(zip(self.have, self.want, strict=True)) if a != b]

    @property
    def axes(self) -> list[int]:
        """The spatial axes to look along: those that differ; every one where a node refuses what enters it."""
        if self.have or self.want:
            return self.differing
        tensor = self.facts.shapes.tensors.get(self.names[0])
        first, channels_last = self.facts.layout
        return [] if tensor is None or tensor.shape is None else list(range(len(tensor.shape) - first - channels_last))

    def symbol(self, axis: int) -> Symbol | None:
        """The free axis that a spatial axis of the values depends on, where it is one."""
        for name in self.names:
            tensor = self.facts.shapes.tensors.get(name)
            if tensor is None or tensor.shape is None:
                continue
            dim = tensor.shape[self.facts.layout[0] + axis]
            if isinstance(dim, Expr) and len(dim.symbols) == 1 and not dim.symbols[0].opaque:
                return dim.symbols[0]
        return None

    def steps(self, side: int, axis: int) -> list[Step]:
        """The steps that made the size of one of the values along a spatial axis, from where the two part."""
        symbol = self.symbol(axis)
        if symbol is None:
            return []
        lists = [self.facts.flow.steps(name, symbol) if name else [] for name in self.names]
        common = 0
        while common < min(map(len, lists)) and lists[0][common].node is lists[1][common].node:
            common += 1
        return lists[side][common:]

    @property
    def grown(self) -> int:
        """Which of the two values came through steps up; where both or neither did, the smaller one."""
        steps = [[step for axis in self.differing for step in self.steps(side, axis)] for side in (0, 1)]
        found = [side for side in (0, 1) if any(step.factor > 1 for step in steps[side])]
        return found[0] if len(found) == 1 else int(self.want < self.have)

    @property
    def by_rounding(self) -> bool:
        """Whether the sizes differ by less than the steps up multiply, as rounding on the way accounts for."""
        for axis in self.differing:
            factor = Fraction(1)
            for step in (*self.steps(0, axis), *self.steps(1, axis)):
                factor *= max(step.factor, Fraction(1))
            if abs(self.have[axis] - self.want[axis]) >= max(factor, Fraction(2)):
                return False
        return bool(self.differing)

    def last_up(self, side: int) -> Node | None:
        """The last step up of one of the values, along the first axis that differs."""
        for axis in self.differing:
            ups = [step.node for step in self.steps(side, axis) if step.factor > 1]
            if ups:
                return ups[-1]
        return None


class Draft:
    """A text and its analysis."""

    def __init__(self, text: str, analysis: Analysis) -> None:
        self.text = text
        self.analysis = analysis
        self.spec = SpecText(text)

    def edited(self, edits: Iterable[TextEdit | None]) -> Draft | None:
        """The draft with the edits made; None where one cannot be made or the text cannot be read any more."""
        made: list[TextEdit] = []
        for edit in edits:
            if edit is None or any(edit != other and _overlap(edit, other) for other in made):
                return None
            if edit not in made:
                made.append(edit)
        return self.rewritten(TextPatch(tuple(made)).apply(self.text)) if made else None

    def rewritten(self, text: str) -> Draft | None:
        """The draft of another text; None where it cannot be read."""
        analysis = analysed(text, self.analysis)
        return None if analysis is None else Draft(text, analysis)

    def patch_from(self, original: Draft) -> TextPatch:
        """The edits that lead here from `original`."""
        return patch_between(original.text, self.text)

    def changed_nodes(self, original: Draft) -> str:
        """The layers of `original` that are others here, in words."""
        now, spec = {node.path: node for node in self.analysis.graph.nodes}, original.spec
        lines = {spec.line_start(edit.start) for edit in self.patch_from(original).edits}
        paths = []
        for node in original.analysis.graph.nodes:
            other, place = now.get(node.path), node.place
            if {"kernel", "kernel_shape"} & node.attributes.keys() and other is not None:
                is_other = any(node.attributes.get(each) != other.attributes.get(each) for each in _WINDOW)
            else:
                is_other = place is not None and spec.line_start(spec.range(place.span)[0]) in lines
            if is_other:
                paths.append(f"`{node.path}`")
        shown = list(dict.fromkeys(paths))
        return listed(shown if len(shown) < 5 else [*shown[:3], f"{len(shown) - 3} more"]) if shown else "the file"

    @cached_property
    def free(self) -> tuple[Facts, At]:
        """Facts with every spatial axis free, and the numbers of those that are pinned."""
        return self.analysis.explained

    def trouble_at(
        self, at: Mapping[str, int], within: frozenset[str] | None = None, *, along: bool = False
    ) -> Trouble | None:
        """The first place that fails at these sizes by label, of those that one of the paths `within` leads to.

        `along`: or that lead to one of them.
        """
        facts, own = self.free
        sizes = {**own, **{each: at[each.name] for each in facts.inputs.symbols if each.name in at}}
        if set(facts.inputs.symbols) > sizes.keys():
            return None
        reached = None if within is None else facts.reaches(set(within)) | within
        for requirement in failing(facts, sizes):
            leads = along and within is not None and bool(facts.reaches({requirement.path}) & within)
            if reached is None or requirement.path in reached or leads:
                return _trouble(facts, sizes, requirement)
        return None


def _overlap(edit: TextEdit, other: TextEdit) -> bool:
    if edit.start == edit.end or other.start == other.end:
        return edit.start == other.start or (edit.start < other.end and other.start < edit.end)
    return edit.start < other.end and other.start < edit.end


def _trouble(facts: Facts, at: At, requirement: Requirement) -> Trouble:
    expectation = facts.expectation_of(requirement)
    if expectation is not None and expectation.output is not None:
        outputs = {output.name for output in facts.graph.outputs}
        value = next((name for name in expectation.compared or () if name in outputs), expectation.output)
        have = sizes_at(facts, value, at)
        sides = [_vector(facts, side, at) for side in (expectation.left, expectation.right)]
        want = sides[1] if sides[0] == have else sides[0]
        return Trouble(facts, at, requirement, (value, ""), have, want, expectation)
    if expectation is not None:
        return _expected(facts, at, requirement, expectation)
    names = facts.operand_names(requirement) or ("", "")
    if _takes_indices(facts, requirement):
        names = facts.nodes[requirement.path].inputs[0], facts.nodes[requirement.path].inputs[1]
    elif requirement.kind not in MERGES:
        node = facts.nodes.get(requirement.path)
        return Trouble(facts, at, requirement, ("" if node is None else node.outputs[0], ""), (), (), expectation)
    have, want = (sizes_at(facts, name, at) for name in names)
    return Trouble(facts, at, requirement, names, have, want, expectation)


def _expected(facts: Facts, at: At, requirement: Requirement, expectation: Expectation) -> Trouble:
    """The trouble of a condition on inner layers: the side that went through steps up is the one to be mended."""
    match = COMPARED.fullmatch(expectation.text)
    nothing = Trouble(facts, at, requirement, ("", ""), (), (), expectation)
    if match is None:
        return nothing
    for own, other in ((expectation.left, expectation.right), (expectation.right, expectation.left)):
        word = (match["left"] if own is expectation.left else match["right"]).strip()
        name, sign, _ = word.rpartition(".")
        node = facts.nodes.get(name) if sign else None
        if node is None:
            continue
        have, want = sizes_at(facts, node.outputs[0], at), _vector(facts, other, at)
        want = want * len(have) if len(want) == 1 else want
        found = Trouble(facts, at, requirement, (node.outputs[0], ""), have, want, expectation)
        if found.differing and found.last_up(0) is not None:
            return found
    return nothing


def _takes_indices(facts: Facts, requirement: Requirement) -> bool:
    """Whether an unpool gets other sizes than the pool whose indices it takes."""
    node = facts.nodes.get(requirement.path)
    return requirement.kind == "match" and node is not None and node.op == "MaxUnpool" and len(node.inputs) > 1


def sizes_at(facts: Facts, name: str, at: Mapping[Symbol, int]) -> tuple[int, ...]:
    """The spatial sizes of a value; empty where one of them is unknown."""
    shape = facts.shape_at(name, at)
    if shape is None:
        return ()
    first, channels_last = facts.layout
    sizes = shape[first : len(shape) - channels_last]
    known = [size for size in sizes if size is not None]
    return tuple(known) if len(known) == len(sizes) else ()


def _vector(facts: Facts, side: object, at: At) -> tuple[int, ...]:
    values = side if isinstance(side, tuple) else (side,)
    try:
        found = [evaluate(each, at) for each in values if isinstance(each, int | Expr)]
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return ()
    if len(found) != len(values):
        return ()
    first, channels_last = facts.layout
    rank = max((len(tensor.shape or ()) for tensor in facts.inputs.tensors.values()), default=0)
    return tuple(found[first : len(found) - channels_last] if len(found) == rank and rank > 1 else found)


# -- causes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cause:
    """What is to be mended: a failure, axes that take too few sizes, size that ends up in the batch, an output that is
    hardly ever as large as its input, or what nobody states (None)."""

    subject: Mismatch | Restriction | Frozen | Preserving | None

    @property
    def mismatch(self) -> Mismatch | None:
        """The failure, where it is one."""
        return self.subject if isinstance(self.subject, Mismatch) else None

    @property
    def restriction(self) -> Restriction | None:
        """The restricted axes, where it is that."""
        return self.subject if isinstance(self.subject, Restriction) else None

    @property
    def paths(self) -> frozenset[str]:
        """The nodes where it fails."""
        if self.mismatch is None:
            return frozenset()
        rows = (self.mismatch.first, *self.mismatch.also)
        return frozenset(row.requirement.path for row in rows)


def main_cause(analysis: Analysis) -> Cause | None:
    """The first failure; where there is none what restricts sizes most; None where every size fits."""
    if analysis.failures:
        return Cause(analysis.failures[0])
    if analysis.model.program is not None and SOUGHT.search(analysis.model.program.text):
        return Cause(None)
    facts = analysis.facts
    told: list[Restriction | Frozen | Preserving] = [*facts.restrictions, *facts.frozen, *facts.preserving]
    # What is only told (some multiples run) comes last.
    told.sort(key=lambda each: isinstance(each, Restriction) and each.has_class)
    if told:
        return Cause(told[0])
    return Cause(None) if facts.unknowns else None


def wanted(analysis: Analysis, subject: Preserving) -> tuple[Analysis, Cause] | None:
    """The analysis in which the output is asked to be as large as its input, and what fails there."""
    place = [output.name for output in analysis.graph.outputs].index(subject.output)
    expect = (*analysis.stated.expect, f"outputs[{place}].size == {subject.input}.size")
    found = Analysis(analysis.model, replace(analysis.stated, expect=expect), analysis.file)
    cause = main_cause(found)
    return None if cause is None else (found, cause)


def trouble(draft: Draft, cause: Cause) -> Trouble | None:
    """The first place that still fails for the cause; None where nothing does."""
    if cause.mismatch is not None:
        paths = cause.paths
        reached = draft.analysis.facts.reaches(set(paths)) | paths
        for failure in draft.analysis.failures:
            if failure.first.requirement.path in reached or _same_condition(failure, cause.mismatch):
                return draft.trouble_at(failure.sizes, frozenset({failure.first.requirement.path}))
        return None
    for at in refused(draft.analysis, cause):
        found = draft.trouble_at(at)
        if found is not None and found.requirement.kind in (*MERGES, "output", "expect"):
            return found
    return None


def _same_condition(failure: Mismatch, other: Mismatch) -> bool:
    return (
        failure.expectation is not None
        and other.expectation is not None
        and failure.expectation.text == other.expectation.text
    )


def refused(analysis: Analysis, cause: Cause) -> Iterator[dict[str, int]]:
    """Sizes that a restriction refuses, large ones, axis by axis; the other axes take sizes that run."""
    if cause.restriction is not None:
        yield from _refused(analysis.facts, {axis.label for axis in cause.restriction.axes})


def _refused(facts: Facts, labels: set[str]) -> Iterator[dict[str, int]]:
    base = {}
    for axis in facts.inputs.axes:
        sizes = facts.necessary[axis.symbol]
        _, above = sizes.nearest(1 if axis.is_batch else 64)
        base[axis.label] = above or next(iter(sizes), 64)
    for symbol in facts.inputs.symbols:
        sizes = facts.necessary[symbol]
        if symbol.name not in labels or not sizes.is_complete:
            continue
        begin = max(sizes.start, sizes.extra[-1][1] if sizes.extra else 0) + 64
        wrong = [n for n in range(begin, begin + sizes.period + 1) if n not in sizes]
        for n in islice(wrong, 3):
            yield {**base, symbol.name: n}


def settle(draft: Draft, cause: Cause, mend: Callable[[Draft, Trouble], Iterable[TextEdit | None]]) -> Draft | None:
    """The draft after every place that fails for the cause was mended; None where one cannot be."""
    seen = {draft.text}
    start = draft
    for _ in range(ROUNDS):
        found = trouble(draft, cause)
        if found is None:
            return None if draft is start else draft
        following = draft.edited(mend(draft, found))
        if following is None or following.text in seen:
            return None
        seen.add(following.text)
        draft = following
    return None


def settle_every_size(
    draft: Draft, cause: Cause, mend: Callable[[Draft, Trouble], Iterable[TextEdit | None]]
) -> Draft | None:
    """The draft after every place that fails for the cause was mended, and in the same way what fails at other sizes.

    What cannot be mended so at other sizes is left: the cause is gone all the same.
    """
    found = settle(draft, cause, mend)
    for _ in range(ROUNDS if found is not None else 0):
        assert found is not None
        following = _further(found, cause.paths or None, mend)
        if following is None:
            break
        found = following
    return found


def _further(
    draft: Draft, paths: frozenset[str] | None, mend: Callable[[Draft, Trouble], Iterable[TextEdit | None]]
) -> Draft | None:
    """The draft with a place mended that fails at another size, on the way to or from the paths; None without one."""
    facts = draft.free[0]
    if facts.never:
        return None
    labels = {axis.label for axis in facts.inputs.axes if not axis.is_batch}
    for at in _refused(facts, labels):
        trouble = draft.trouble_at(at, paths, along=True)
        following = None if trouble is None else draft.edited(mend(draft, trouble))
        if trouble is None or following is None or following.text == draft.text:
            continue
        left = following.trouble_at(at, paths, along=True)
        if left is None or left.requirement.path != trouble.requirement.path:
            return following
    return None
