"""The report of `check` as lines, one a finding: for editors, grep and the eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.finding import Severity
from shapelint.report.terminal import clean

if TYPE_CHECKING:
    from shapelint.engine import RunReport
    from shapelint.finding import Finding


def concise_report(report: RunReport, *, quiet: bool = False) -> str:
    """A whole run; what could not be looked at comes last."""
    lines = [
        concise_line(finding, each.file)
        for each in report.files
        for finding in each.findings
        if not (quiet and finding.severity is Severity.INFO)
    ]
    lines += [f"{clean(error.file)}: error: {clean(error.message)}" for error in report.errors]
    return "".join(f"{line}\n" for line in lines)


def concise_line(finding: Finding, file: str) -> str:
    """`net.shape.yaml:9:5: error[SHP201] message`, or `net.onnx: (join) error[SHP201] message`."""
    place = f"{clean(file)}:"
    if finding.line is not None:
        place += f"{finding.line}:{finding.column}:"
    elif finding.node:
        place += f" ({clean(finding.node)})"
    return f"{place} {finding.severity.value}[{finding.rule}] {clean(finding.message)}"
