"""The report of `check` as text: the finding, its place, its chain of sizes, the facts, one action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.finding import Severity
from shapelint.report.terminal import Paint, clean

if TYPE_CHECKING:
    from shapelint.engine import FileReport, RunReport
    from shapelint.finding import Finding


def check_text(report: RunReport, paint: Paint, *, quiet: bool = False) -> str:
    """A whole run."""
    lines: list[str] = []
    for each in report.files:
        for finding in each.findings:
            if quiet and finding.severity is Severity.INFO:
                continue
            lines += [*finding_lines(finding, paint), ""]
    if not quiet:
        lines += [line for each in report.files if not each.findings for line in _clean_line(each, paint)]
        lines.append(_summary(report, paint))
    return "\n".join(lines) + "\n" if lines else ""


def finding_lines(finding: Finding, paint: Paint) -> list[str]:
    """One finding."""
    head = paint.severity(finding.severity, f"{finding.severity.value}[{finding.rule}]")
    lines = [f"{head} {paint(finding.name, 'bold')}: {clean(finding.message)}"]
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}:{finding.column}"
    where = f" ({clean(finding.node)})" if finding.node and finding.line is None else ""
    lines.append(f"  {paint('-->', 'blue')} {clean(place)}{where}")
    if finding.origin is not None:
        origin = finding.origin
        lines.append(f"   {paint('|', 'blue')}  {clean(origin.file)}:{origin.line} in {clean(origin.function)}")
        if origin.text:
            lines.append(f"   {paint('|', 'blue')}      {clean(origin.text)}")
    fault = finding.fault
    if fault is not None and (fault.chain or fault.also):
        lines.append(f"   {paint('|', 'blue')}")
        width = max((len(link.text) for link in fault.chain), default=0)
        for link in fault.chain:
            text = link.text.ljust(width)
            text = paint(text, "yellow") if link.rounded else text
            lines.append(f"   {paint('|', 'blue')}  {link.axis}  {text}  {clean(link.node)}")
        for row in fault.also:
            sizes = "x".join(map(str, row.left)), "x".join(map(str, row.right))
            lines.append(
                f"   {paint('|', 'blue')}  also `{clean(row.node)}`: {sizes[0]} against {sizes[1]} ({', '.join(row.axes)})"
            )
    if finding.notes or finding.help:
        lines.append(f"   {paint('|', 'blue')}")
    lines += [f"   {paint('=', 'blue')} {paint('note', 'bold')}: {clean(note)}" for note in finding.notes]
    lines += [f"   {paint('=', 'blue')} {paint('help', 'bold')}: {clean(each)}" for each in finding.help]
    return lines


def _clean_line(report: FileReport, paint: Paint) -> list[str]:
    if report.analysis is None:
        return []
    facts = report.analysis.facts
    if not facts.inputs.axes:
        text = "its fixed sizes fit"
    elif facts.domains:
        text = f"fits: {facts.stated_text}"
    else:
        text = "every size fits"
    return [f"{paint('ok', 'green')} {clean(report.file)}: {text}"]


def _summary(report: RunReport, paint: Paint) -> str:
    files = len(report.files)
    counts = [
        (report.count(Severity.ERROR), "error", Severity.ERROR),
        (report.count(Severity.WARNING), "warning", Severity.WARNING),
        (report.count(Severity.INFO), "info", Severity.INFO),
    ]
    words = [
        paint.severity(severity, f"{number} {name}{'s' if number != 1 else ''}")
        for number, name, severity in counts
        if number
    ]
    found = ", ".join(words) if words else paint("no findings", "green")
    return f"{files} file{'s' if files != 1 else ''} checked: {found}"
