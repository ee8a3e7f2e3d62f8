"""The menus of a file's findings, and for the finding that `fix` is about a help that names the first repair."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shapelint.facts.subjects import by_sets
from shapelint.finding import Severity
from shapelint.fixing.apply import byte_order_mark, cause_of
from shapelint.fixing.draft import main_cause
from shapelint.fixing.menu import command, offers

if TYPE_CHECKING:
    from shapelint.analysis import Analysis
    from shapelint.finding import Finding, Fix


def with_menus(findings: list[Finding], analysis: Analysis, *, every: bool, is_file: bool) -> list[Finding]:
    """The findings at or above a warning with their repairs: the first one of the first cause, or `every` one.

    The repairs of an ONNX file are made by number, which is that of the first cause's menu. A command can ask the
    same again only of a file, and of nothing that only a configuration states.
    """
    is_asked = is_file and not analysis.stated.expect
    main = main_cause(analysis)
    found = []
    for finding in findings:
        cause = cause_of(finding) if finding.severity is not Severity.INFO else None
        is_main = cause is not None and main is not None and cause.subject is main.subject
        if cause is not None and (is_main or (every and analysis.model.program is not None)):
            lead = byte_order_mark(analysis.file)
            fixes = [each.fix for each in offers(analysis, cause, lead=lead, first=not every)]
            if not is_asked:
                fixes = [replace(fix, command=None) for fix in fixes]
            finding = replace(finding, fixes=tuple(fixes))
            if is_main and fixes:
                line = command(analysis) if is_asked else ""
                finding = replace(finding, help=(_help(fixes[0], line),))
        found.append(finding)
    return found


def _help(first: Fix, line: str) -> str:
    """The first repair, its sizes, and the command that lists all; it stands in place of the contract's advice."""
    text = first.title
    if first.fits and first.kind != "declare":
        is_every = all(sizes.is_every for sizes in first.fits.values())
        text += f" (right for {'every size' if is_every else by_sets(first.fits)})"
    return f"{text}; `{line}` lists every repair" if line else text
