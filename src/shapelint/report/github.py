"""The report of `check` as workflow commands: GitHub Actions shows each finding at its line of the changed files.

The escapes are those of `@actions/core`, command.ts. GitHub shows ten annotations of each level and step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapelint.finding import Severity
from shapelint.report.concise import concise_line
from shapelint.report.terminal import clean

if TYPE_CHECKING:
    from shapelint.engine import RunReport
    from shapelint.finding import Finding

_COMMANDS: Final = {"error": "error", "warning": "warning", "info": "notice"}


def github_report(report: RunReport, *, quiet: bool = False) -> str:
    """A whole run: its findings, then what could not be looked at."""
    lines = [
        _finding(finding, each.file)
        for each in report.files
        for finding in each.findings
        if not (quiet and finding.severity is Severity.INFO)
    ]
    for error in report.errors:
        text = f"{clean(error.file)}: {clean(error.message)}" if error.file else clean(error.message)
        lines.append(_command("error", {"file": error.file, "title": "shapelint could not run"}, text))
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, file: str) -> str:
    fields: dict[str, int | str | None] = {"file": file, "line": finding.line}
    if finding.line == finding.end_line:  # columns of several lines are refused
        fields |= {"col": finding.column, "endLine": finding.end_line, "endColumn": finding.end_column}
    else:
        fields |= {"endLine": finding.end_line}
    fields["title"] = f"{finding.rule} {finding.name}"
    # the log of the step shows the text alone, so that the place stands in it too
    lines = [concise_line(finding, file)]
    lines += [f"note: {clean(note)}" for note in finding.notes]
    lines += [f"help: {clean(each)}" for each in finding.help]
    return _command(_COMMANDS[finding.severity.value], fields, "\n".join(lines))


def _command(name: str, fields: dict[str, int | str | None], text: str) -> str:
    written = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items() if value not in (None, ""))
    return f"::{name} {written}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
