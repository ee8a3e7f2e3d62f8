"""What a repair does, found out on the patched model: whether the finding is gone, what else is said now, which sizes
fit, and whether anything changes at the sizes that fitted before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from shapelint.analysis import Analysis, StatedWrong
from shapelint.facts.frozen import Frozen
from shapelint.facts.subjects import Mismatch, Preserving, Restriction, listed
from shapelint.finding import Applicability, Finding, Severity
from shapelint.fixing.draft import analysed
from shapelint.fixing.patch import GraphPatch
from shapelint.registry import run_checks
from shapelint.settings import Settings
from shapelint.size import Undecided
from shapelint.source import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapelint.fixing.candidate import Candidate
    from shapelint.fixing.draft import Cause
    from shapelint.size import SizeSet, Symbol

_BY_AXES: Final = frozenset(["restricted-size", "no-size-preserving-multiple", "silent-broadcast", "empty-output"])
"""Rules whose findings are about axes, wherever they are placed."""
Place = tuple[str, int]
"""An axis: the input, and its place in the list as the file writes it."""

_TRIED: Final = 24
"""At how many sizes that fitted before the outputs are compared."""
_LEFT: Final = "what fails for another cause still does"


class Linted:
    """An analysis and what is said of it."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.facts, self.pinned = analysis.explained

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings of every rule."""
        return list(run_checks(self.analysis, Settings(self.analysis.stated)))

    @cached_property
    def keys(self) -> set[tuple[str, str]]:
        """What tells the findings apart."""
        return {key(finding) for finding in self.findings}

    @cached_property
    def sets(self) -> dict[Place, SizeSet] | None:
        """The sizes that fit, of every free axis but the batch by input and place; None where something is unknown."""
        found = {}
        for axis in self.facts.inputs.axes:
            sizes = self.facts.runs[axis.symbol]
            if sizes is None:
                return None
            if not axis.is_batch:
                found[axis.input, axis.axis] = sizes
        return found

    @cached_property
    def offered(self) -> dict[Place, SizeSet] | None:
        """The same without the sizes that run only by stretching a one-pixel map or by moving size into the batch."""
        if self.sets is None:
            return None
        found = dict(self.sets)
        for axis in self.facts.inputs.axes:
            sizes = self.facts.offered[axis.symbol]
            if (axis.input, axis.axis) in found and sizes is not None:
                found[axis.input, axis.axis] = sizes
        return found

    @property
    def labels(self) -> dict[Place, str]:
        """What the axes are called."""
        return {(axis.input, axis.axis): axis.label for axis in self.facts.inputs.axes}

    @property
    def fits_nowhere(self) -> bool:
        """Whether no size fits at all."""
        return self.facts.never


def key(finding: Finding) -> tuple[str, str]:
    """What a finding is about, whatever its words."""
    axes = ",".join(finding.fault.axes) if finding.fault is not None else ""
    if finding.name in _BY_AXES or finding.node is None:
        return finding.name, axes
    return finding.name, finding.node


@dataclass(frozen=True, slots=True)
class Proved:
    """A candidate that mends, with what it leads to."""

    candidate: Candidate
    analysis: Analysis | None
    """Of the patched model; None for advice."""
    fits: Mapping[str, SizeSet]
    applicability: Applicability
    reason: str
    mends: tuple[str, ...]
    """The fingerprints of the findings that are gone."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing fails any more, for another cause either."""
        return self.analysis is None or not self.analysis.failures


def patched(of: Analysis, candidate: Candidate) -> Analysis | None:
    """The analysis of the model with the candidate's patch; None where it cannot be read or bound."""
    patch = candidate.patch
    if patch is None:
        return None
    if isinstance(patch, GraphPatch):
        try:
            return Analysis(patch.apply(of.model), of.stated, of.file)
        except (Unreadable, StatedWrong):
            return None
    return analysed(patch.apply(of.model.program.text), of)


def prove(before: Linted, cause: Cause, candidate: Candidate) -> Proved | None:
    """The candidate with what is proved of it; None where it does not mend, or brings something else that is as bad."""
    own = cause_finding(before, cause)
    if candidate.patch is None:
        mends = (own.fingerprint,) if own is not None else ()
        return Proved(candidate, None, candidate.fits, Applicability.DISPLAY, candidate.reason, mends)
    analysis = patched(before.analysis, candidate)
    if analysis is None:
        return None
    after = Linted(analysis)
    sets = after.sets
    if sets is None or any(sizes.is_empty for sizes in sets.values()):
        return None
    if not is_mended(before, after, cause, candidate) or _is_worse(before, after, own):
        return None
    if cause.subject is None:
        level, reason = Applicability.UNSAFE, candidate.reason
    else:
        level, reason = _applicability(before, after, candidate)
    if analysis.failures:  # no less safe for it: `--fix` mends one cause after another
        level = Applicability.UNSAFE if before.fits_nowhere else level
        reason = ", and ".join([*([reason] if reason else []), _LEFT])
    gone = tuple([finding.fingerprint for finding in before.findings if key(finding) not in after.keys])
    fits = {before.labels.get(place) or after.labels[place]: of for place, of in sets.items()}
    if isinstance(cause.subject, Preserving):
        fits |= _equal(before, after, cause.subject)
    return Proved(candidate, analysis, fits, level, reason, gone)


def cause_finding(linted: Linted, cause: Cause) -> Finding | None:
    """The finding that is about the cause."""
    for finding in linted.findings:
        if finding.fault is not None and cause.subject is not None and finding.fault.subject is cause.subject:
            return finding
    if cause.subject is None:
        return next((each for each in linted.findings if each.name in ("not-proved", "unknown-operator")), None)
    return None


def is_mended(before: Linted, after: Linted, cause: Cause, candidate: Candidate) -> bool:
    """Whether the finding is gone."""
    subject = cause.subject
    if isinstance(subject, Mismatch):
        text = subject.expectation.text if subject.expectation is not None else None
        for failure in after.analysis.failures:
            rows = (failure.first, *failure.also)
            same = failure.expectation is not None and failure.expectation.text == text
            if same or any(row.requirement.path in cause.paths for row in rows):
                return False
        return True
    if isinstance(subject, Restriction):
        if not candidate.widens:
            labels = {axis.label for axis in subject.axes}
            left = {axis.label for each in after.analysis.facts.restrictions for axis in each.axes}
            return not labels & left
        return _is_widened(before, after, subject)
    if isinstance(subject, Preserving):
        classes = {label for label, sizes in _equal(before, after, subject).items() if sizes.pad_to is not None}
        return classes >= set(subject.axes)
    if isinstance(subject, Frozen):
        return not after.facts.frozen
    return not after.analysis.facts.unknowns and not after.analysis.failures


def _equal(before: Linted, after: Linted, subject: Preserving) -> dict[str, SizeSet]:
    """By label the sizes at which the output is as large as its input, whatever it is called by now."""
    place = [output.name for output in before.facts.graph.outputs].index(subject.output)
    name = after.facts.graph.outputs[place].name
    followed = [each for each in after.facts.outputs if each.output == name and not each.follows.is_batch]
    return {each.follows.label: each.equal for each in followed if each.equal is not None}


def _is_widened(before: Linted, after: Linted, subject: Restriction) -> bool:
    """Whether the restricted axes take sizes that they did not, and every one from some size on.

    Where there was no class of multiples, one is enough.
    """
    old, new = before.sets, after.sets
    if old is None or new is None:
        return False
    for axis in subject.axes:
        place = axis.input, axis.axis
        sizes = new.get(place)
        if sizes is None or sizes.pad_to is None or (subject.has_class and sizes.pad_to != 1):
            return False
        if place in old and old[place].is_complete and sizes <= old[place]:
            return False
    return True


def _is_worse(before: Linted, after: Linted, own: Finding | None) -> bool:
    """Whether something is said now that was not, of the finding's severity or a higher one."""
    limit = (own.severity if own is not None else Severity.ERROR).rank
    for finding in after.findings:
        if finding.severity.rank > limit:
            continue
        if key(finding) not in before.keys:
            return True
        old = min(each.severity.rank for each in before.findings if key(each) == key(finding))
        if finding.severity.rank < old:
            return True
    return False


def _applicability(before: Linted, after: Linted, candidate: Candidate) -> tuple[Applicability, str]:
    """What may be done without being looked at: no size that fitted is lost, and no output changes at those."""
    lost = lost_sizes(before, after)
    if lost:
        if not candidate.widens and candidate.reason:
            return Applicability.UNSAFE, candidate.reason
        groups: dict[str, list[str]] = {}
        for label, sizes in lost.items():
            groups.setdefault(sizes, []).append(label)
        words = "; ".join(f"{listed(labels)}: {sizes}" for sizes, labels in groups.items())
        reason = f"no longer fits what fitted before ({words})"
        return Applicability.UNSAFE, f"{candidate.reason}; {reason}" if candidate.reason else reason
    if not candidate.safe:
        return Applicability.UNSAFE, candidate.reason
    if before.fits_nowhere:
        return Applicability.SAFE, candidate.reason or "nothing fitted before"
    if not candidate.widens:
        return Applicability.SAFE, candidate.reason
    changed = changed_output(before, after)
    if changed is not None:
        return Applicability.UNSAFE, f"the outputs change their size at {changed}"
    return Applicability.SAFE, candidate.reason


def lost_sizes(before: Linted, after: Linted) -> dict[str, str]:
    """By label the sizes that could be recommended before and cannot any more, in words."""
    if before.fits_nowhere:
        return {}
    old, new = before.offered, after.offered
    if old is None or new is None:
        return {"the model": "not known"} if old is None else {}
    if after.facts.solution.coupled and not before.facts.solution.coupled:
        return {"the axes": "not every combination"}
    found = {}
    for place, sizes in old.items():
        label = before.labels[place]
        try:
            gone = sizes - new[place] if place in new else sizes
        except Undecided:
            found[label] = "not known"
            continue
        if not gone.is_empty:
            found[label] = gone.text
    return found


def changed_output(before: Linted, after: Linted) -> str | None:
    """Sizes that fitted before at which an output is of another shape, in words; tried at the smallest of them.

    Not those at which the model runs by stretching a one-pixel map: what comes out there is no image of that size.
    """
    facts = before.facts
    sets = {symbol: facts.offered[symbol] or facts.necessary[symbol] for symbol in facts.inputs.symbols}
    columns = {symbol: list(islice(sizes, _TRIED)) for symbol, sizes in sets.items()}
    for turn in range(_TRIED):
        at = {symbol: column[min(turn, len(column) - 1)] for symbol, column in columns.items() if column}
        sizes = {(axis.input, axis.axis): at.get(axis.symbol) for axis in before.facts.inputs.axes}
        same = {axis.symbol: sizes.get((axis.input, axis.axis)) for axis in after.facts.inputs.axes}
        known = {symbol: size for symbol, size in same.items() if size is not None}
        shapes = [_output_shapes(before, at), _output_shapes(after, known)]
        if shapes[0] != shapes[1]:
            return ", ".join(f"{symbol.name} = {size}" for symbol, size in at.items())
    return None


def _output_shapes(linted: Linted, at: Mapping[Symbol, int]) -> list[list[int | None] | None]:
    return [linted.facts.shape_at(output.name, at) for output in linted.facts.graph.outputs]
