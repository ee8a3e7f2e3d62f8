"""The report of `check` as Markdown: the summary of a job, or a comment on a pull request."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import counted
from shapelint.finding import Severity
from shapelint.report.check_text import finding_lines
from shapelint.report.shown import shown_of
from shapelint.report.terminal import Paint, clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.engine import FileReport, RunReport
    from shapelint.finding import Finding

LARGEST: Final = 900_000
"""Bytes of a summary; GitHub drops one above 1 MiB whole."""


def markdown_report(report: RunReport) -> str:
    """A whole run: the counts, what could not be looked at, a row for every file, the findings of each."""
    blocks = ["## shapelint", _headline(report)]
    if report.errors:
        items = [f"- {_code(error.file)}: {_prose(error.message)}" for error in report.errors]
        blocks.append("\n".join(["**Could not be looked at:**", "", *items]))
    found = [each for each in report.files if each.findings]
    rest = [each for each in report.files if not each.findings]
    if found:
        head = ["| file | sizes | errors | warnings | infos |", "| --- | --- | ---: | ---: | ---: |"]
        blocks.append("\n".join([*head, *(_row(each, counts=True) for each in found)]))
    details = [_details(each) for each in found]
    if rest:
        table = ["| file | sizes |", "| --- | --- |", *(_row(each, counts=False) for each in rest)]
        details.append(_folded(f"{counted(len(rest), 'file')} without findings", "\n".join(table)))
    size = sum(len(block.encode("utf-8", "replace")) for block in blocks)
    for place, block in enumerate(details):
        size += len(block.encode("utf-8", "replace"))
        if size > LARGEST:
            blocks.append(f"The details of {counted(len(details) - place, 'more file')} are too long for a summary.")
            break
        blocks.append(block)
    return "\n\n".join(blocks) + "\n"


def _headline(report: RunReport) -> str:
    words = [_counts(report.findings) or "No findings"]
    suppressed = sum(len(each.suppressed) for each in report.files)
    baselined = sum(len(each.baselined) for each in report.files)
    words += [f"{suppressed} suppressed"] if suppressed else []
    words += [f"{baselined} in the baseline"] if baselined else []
    return f"**{', '.join(words)}** in {counted(len(report.models), 'file')}."


def _counts(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 info`."""
    levels = [finding.severity for finding in findings]
    return ", ".join(counted(levels.count(level), level.value) for level in Severity if level in levels)


def _row(report: FileReport, *, counts: bool) -> str:
    cells = [_code(report.file), _prose(shown_of(report).text)]
    if counts:
        cells += [str(sum(finding.severity is level for finding in report.findings)) for level in Severity]
    written = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {written} |"


def _details(report: FileReport) -> str:
    body = []
    for finding in report.findings:
        _, *lines = finding_lines(finding, Paint(), report.text)
        body.append(f"**{finding.severity.value}** {finding.rule} {finding.name}: {_prose(finding.message)}")
        body.append(_fenced(lines))
    return _folded(f"<code>{escape(clean(report.file))}</code>: {_counts(report.findings)}", "\n\n".join(body))


def _folded(summary: str, body: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _fenced(lines: list[str]) -> str:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _code(text: str) -> str:
    """A name as it is."""
    shown = clean(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    if not longest:
        return f"`{shown}`"
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}"


def _prose(text: str) -> str:
    """A sentence of ours: what stands in backticks stays code, nothing else is markup."""
    parts = re.split(r"(`[^`]+`)", clean(text))
    return "".join(
        part if place % 2 else re.sub(r"([\\`*_\[\]<~&])", r"\\\1", part) for place, part in enumerate(parts)
    )
