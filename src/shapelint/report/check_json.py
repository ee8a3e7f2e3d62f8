"""The report of `check` as JSON, version 1: fields may be added, what stands here keeps its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__
from shapelint.report.fix_json import one_fix
from shapelint.report.shown import shown_of
from shapelint.report.sizes_json import members_json

if TYPE_CHECKING:
    from shapelint.engine import FileReport, RunReport
    from shapelint.facts.levels import Level, Side
    from shapelint.finding import ChainLink, Finding, Row


def check_json(report: RunReport) -> dict[str, Any]:
    """A whole run."""
    from shapelint.finding import Severity

    findings = report.findings
    return {
        "version": 1,
        "tool": f"shapelint {__version__}",
        "files": [_file(each) for each in report.models],
        "findings": [finding_json(finding) for finding in findings],
        "errors": [{"file": error.file, "message": error.message} for error in report.errors],
        "summary": {
            "files": len(report.models),
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "infos": report.count(Severity.INFO),
            "fixable": sum(any(fix.edits or fix.command for fix in finding.fixes) for finding in findings),
            "unknown": sum(bool(shown_of(each).unknown) for each in report.models),
            "suppressed": sum(len(each.suppressed) for each in report.files),
            "baselined": sum(len(each.baselined) for each in report.files),
        },
    }


def _file(report: FileReport) -> dict[str, Any]:
    shown = shown_of(report)
    return {
        "file": report.file,
        "kind": report.kind,
        "verdict": shown.verdict,
        "stated": shown.stated,
        "axes": shown.axes,
        "unknown": shown.unknown,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding."""
    fault = finding.fault
    origin = finding.origin
    sizes = None if fault is None else fault.sizes
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.value,
        "certainty": finding.certainty,
        "fingerprint": finding.fingerprint,
        "message": finding.message,
        "notes": list(finding.notes),
        "help": list(finding.help),
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "node": finding.node,
        "origin": None
        if origin is None
        else {"file": origin.file, "line": origin.line, "function": origin.function, "text": origin.text},
        "at": None if fault is None or fault.at is None else {name: list(dims) for name, dims in fault.at.items()},
        "axes": [] if fault is None else list(fault.axes),
        "sizes": None if sizes is None else {"left": list(sizes[0]), "right": list(sizes[1])},
        "chain": [] if fault is None else [_link(link) for link in fault.chain],
        "also": [] if fault is None else [_row(row) for row in fault.also],
        "pair": {"down": list(fault.down), "up": list(fault.up)} if fault is not None and fault.down else None,
        "levels": None if fault is None or fault.levels is None else [_level(row) for row in fault.levels.rows],
        "branches": list(fault.branches) if fault is not None and fault.branches else None,
        "fits": {} if fault is None else {label: members_json(sizes) for label, sizes in fault.fits.items()},
        "fixes": [one_fix(fix) for fix in finding.fixes],
    }


def _link(link: ChainLink) -> dict[str, Any]:
    return {
        "node": link.node,
        "axis": link.axis,
        "from": link.before,
        "to": link.after,
        "rounded": link.rounded,
        "text": link.text,
    }


def _level(level: Level) -> dict[str, Any]:
    return {
        "scale": level.scale,
        "encoder": _side(level.encoder),
        "decoder": _side(level.decoder),
        "agrees": level.agrees,
        "where": level.where or None,
        "axes": list(level.axes),
        "steps": [_link(link) for link in level.steps],
    }


def _side(side: Side | None) -> dict[str, Any] | None:
    return None if side is None else {"node": side.name, "size": list(side.size)}


def _row(row: Row) -> dict[str, Any]:
    return {"node": row.node, "axes": list(row.axes), "left": list(row.left), "right": list(row.right)}
