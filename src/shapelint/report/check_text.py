"""The report of `check` as text: the finding, its place, its chain of sizes, the facts, one action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.subjects import by, counted, listed
from shapelint.finding import Severity
from shapelint.report.excerpt import excerpt
from shapelint.report.picture import picture
from shapelint.report.shown import shown_of
from shapelint.report.terminal import Paint, clean, columns

if TYPE_CHECKING:
    from shapelint.engine import FileReport, RunReport
    from shapelint.finding import Fault, Finding


def check_text(report: RunReport, paint: Paint, *, quiet: bool = False) -> str:
    """A whole run."""
    lines: list[str] = []
    for each in report.files:
        for finding in each.findings:
            if quiet and finding.severity is Severity.INFO:
                continue
            lines += [*finding_lines(finding, paint, each.text), ""]
    if not quiet:
        lines += [line for each in report.files if not each.findings for line in _clean_line(each, paint)]
        lines += _summary(report, paint)
    return "\n".join(lines) + "\n" if lines else ""


def finding_lines(finding: Finding, paint: Paint, text: str | None = None) -> list[str]:
    """One finding; `text` is that of the file where it is a text file."""
    head = paint.severity(finding.severity, f"{finding.severity.value}[{finding.rule}]")
    lines = [f"{head} {paint(finding.name, 'bold')}: {clean(finding.message)}"]
    place = finding.file if finding.line is None else f"{finding.file}:{finding.line}:{finding.column}"
    where = f" ({clean(finding.node)})" if finding.node and finding.line is None else ""
    lines.append(f"  {paint('-->', 'blue')} {clean(place)}{where}")
    spec = text is not None and bool(finding.labels)
    margin = " " * (2 + len(str(max(label.span.line for label in finding.labels))) if spec else 3)
    bar = f"{margin}{paint('|', 'blue')}"
    if finding.origin is not None:
        origin = finding.origin
        lines.append(f"{bar}  {clean(origin.file)}:{origin.line} in {clean(origin.function)}")
        if origin.text:
            lines.append(f"{bar}      {clean(origin.text)}")
    if text is not None and finding.labels:
        lines += excerpt(text, finding.labels, paint)
    if finding.fault is not None:
        room = paint.width - len(margin) - 1
        lines += [f"{bar}{line}" for line in _table(finding.fault, paint, room, chain=len(finding.labels) < 2)]
    if finding.notes or finding.help:
        lines.append(bar)
    lines += [f"{margin}{paint('=', 'blue')} {paint('note', 'bold')}: {clean(note)}" for note in finding.notes]
    lines += [f"{margin}{paint('=', 'blue')} {paint('help', 'bold')}: {clean(each)}" for each in finding.help]
    return lines


def _table(fault: Fault, paint: Paint, room: int, *, chain: bool) -> list[str]:
    """The levels, or else the chain of sizes; then the other places that fail for the same cause."""
    levels = fault.levels
    told = frozenset() if levels is None else {link.node for row in levels.rows for link in row.steps}
    steps = []
    for link in fault.chain if chain else ():
        text = paint(link.text, "yellow") if link.rounded else link.text
        if levels is None or (link.rounded and link.node not in told):
            steps.append([paint(clean(link.axis), "cyan"), text, clean(link.node)])
    rows = []
    for row in fault.also:
        sizes = f"{by(row.left)} against {by(row.right)}" if row.right else ""
        axes = paint(f"({clean(listed(list(row.axes)))})", "dim") if row.axes else ""
        if levels is None or not levels.shows(row):
            rows.append(["also", f"`{clean(row.node)}`", sizes, axes])
    drawing = [] if levels is None else picture(levels, paint, room)
    return [line for part in (drawing, columns(steps), columns(rows)) if part for line in ("", *part)]


def _clean_line(report: FileReport, paint: Paint) -> list[str]:
    """What is to be said of a file without findings."""
    shown = shown_of(report)
    if not shown.mark:
        return []
    colour = {"ok": "green", "??": "yellow", "--": "red"}[shown.mark]
    return [f"{paint(shown.mark, colour)} {clean(report.file)}: {clean(shown.text)}"]


def _summary(report: RunReport, paint: Paint) -> list[str]:
    if not report.files:
        return []
    counts = [
        (report.count(Severity.ERROR), "error", Severity.ERROR),
        (report.count(Severity.WARNING), "warning", Severity.WARNING),
        (report.count(Severity.INFO), "info", Severity.INFO),
    ]
    words = [paint.severity(severity, counted(number, name)) for number, name, severity in counts if number]
    found = ", ".join(words) if words else paint("no findings", "green")
    left = f", {counted(len(report.errors), 'path')} not" if report.errors else ""
    kept = [(sum(len(each.suppressed) for each in report.files), "suppressed")]
    kept += [(sum(len(each.baselined) for each in report.files), "baselined")]
    out = "".join(f", {number} {word}" for number, word in kept if number)
    return [f"{counted(len(report.models), 'file')} checked{left}: {found}{out}"]
