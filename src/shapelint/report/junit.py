"""The report of `check` as JUnit XML: a suite a file, a case a rule, so that the case keeps its name between runs.

A rule fails where a finding is at or above `fail_on`; what is below is in the output of a case that passes, what is
suppressed is skipped. The XML is ASCII: whatever the stream, it is read alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shapelint.finding import Severity
from shapelint.report.check_text import finding_lines
from shapelint.report.terminal import Paint, clean

if TYPE_CHECKING:
    from shapelint.engine import FileReport, RunReport
    from shapelint.finding import Finding


def junit_report(report: RunReport, *, fail_on: str = "warning") -> str:
    """A whole run: its files, then what could not be looked at."""
    limit = -1 if fail_on == "never" else Severity(fail_on).rank
    root = Element("testsuites", name="shapelint")
    for each in report.files:
        _file(root, each, limit)
    for error in report.errors:
        suite = SubElement(root, "testsuite", name=clean(error.file) or "shapelint")
        trouble = SubElement(_case(suite, error.file, "shapelint"), "error", type="could-not-run")
        trouble.set("message", clean(error.message))
    for suite in root:
        _count(suite, [suite])
    _count(root, list(root))
    indent(root, " ")
    written: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return written.decode("ascii") + "\n"


def _file(root: Element, report: FileReport, limit: int) -> None:
    suite = SubElement(root, "testsuite", name=clean(report.file))
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault((finding.rule, finding.name), []).append(finding)
    for (rule, name), findings in sorted(by_rule.items()):
        case = _case(suite, report.file, f"{rule} {name}")
        lines = [line for finding in findings for line in [*finding_lines(finding, Paint(), report.text), ""]]
        body = "\n" + "\n".join(lines)
        failing = [finding for finding in findings if finding.severity.rank <= limit]
        if failing:
            failure = SubElement(case, "failure", type=failing[0].severity.value)
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            failure.set("message", clean(failing[0].message) + more)
            failure.text = body
        else:
            SubElement(case, "system-out").text = body
    for finding, reason in report.suppressed:
        node = f" {clean(finding.node)}" if finding.node else ""
        case = _case(suite, report.file, f"{finding.rule} {finding.name}{node} (suppressed)")
        SubElement(case, "skipped", message=clean(reason) or "suppressed without a reason")
    if not len(suite):
        _case(suite, report.file, "shapelint")


def _case(suite: Element, file: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=clean(file), name=name, file=clean(file), time="0")


def _count(element: Element, suites: list[Element]) -> None:
    cases = [case for suite in suites for case in suite]
    counts = {"tests": len(cases)}
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        counts[name] = sum(case.find(tag) is not None for case in cases)
    for name, count in counts.items():
        element.set(name, str(count))
