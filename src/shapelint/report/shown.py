"""What reports say of a file as a whole: plain values, which pass from one process to another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapelint.facts.subjects import by_sets
from shapelint.finding import Words
from shapelint.report.sizes_json import axis_json
from shapelint.report.sizes_text import free_counterpart

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.engine import FileReport
    from shapelint.finding import Finding


@dataclass(frozen=True, slots=True)
class Shown:
    """The answer about one file."""

    verdict: str | None
    stated: bool
    axes: list[dict[str, Any]]
    unknown: list[dict[str, Any]]
    mark: str
    """`ok`, `??` (not proved) or `--` (never); empty where the file could not be read."""
    text: str


def shown_of(report: FileReport) -> Shown:
    """The answer about the file of a report."""
    if report.shown is not None:
        found: Shown = report.shown
        return found
    analysis = report.analysis
    if analysis is None:
        return Shown(None, False, [], [], "", "")
    facts = analysis.facts
    unknown = [{"node": each.path, "op": each.op, "why": each.why} for each in facts.unknowns]
    axes = [axis_json(facts, axis) for axis in facts.inputs.axes]
    return Shown(facts.verdict, analysis.is_stated, axes, unknown, *_line(analysis))


def _line(analysis: Analysis) -> tuple[str, str]:
    """What is to be said of a file without findings; `ok` only where that is proved."""
    facts = analysis.facts
    if facts.verdict == "unknown":
        return "??", "not proved"
    if facts.verdict == "never":
        return "--", "no size fits"
    if not facts.inputs.axes:
        free = free_counterpart(analysis)
        return "ok", "its fixed sizes fit" + (f" (with free axes it would take {free})" if free else "")
    if facts.domains and facts.verdict == "fits":
        return "ok", f"proved for {facts.stated_text}"
    if facts.verdict == "fits":
        promised = {symbol.name: sizes for symbol, sizes in facts.inputs.promised.items()}
        if promised:
            return "ok", f"every promised size fits ({by_sets(promised)})"
        return "ok", "every declared size fits" if facts.declared else "every size fits"
    sets = {label.name: sizes for label, sizes in facts.necessary.items() if not sizes.is_every}
    return "ok", f"fits for {by_sets(sets)}" if sets else "some sizes fit together"


def detached(report: FileReport) -> FileReport:
    """The report without the model behind it, so that it can be handed to another process."""
    return replace(
        report, analysis=None, shown=shown_of(report), findings=[_detached(finding) for finding in report.findings]
    )


def _detached(finding: Finding) -> Finding:
    if finding.fault is None:
        return finding
    return replace(finding, fault=replace(finding.fault, subject=Words(dict(finding.fault.subject.words))))
