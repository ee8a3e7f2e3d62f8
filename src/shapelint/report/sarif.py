"""The report of `check` as SARIF 2.1.0: what GitHub code scanning requires, and what other viewers can show.

Paths are relative URIs, columns count code points. A file without lines has its findings at the beginning of line 1,
since GitHub shows no location without a line; the place itself is the logical location, the node. A fix of SARIF is a
change of text, so that of an ONNX file is the command that writes the patched copy, among the result's properties.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shapelint._version import __version__
from shapelint.graph import Span
from shapelint.registry import contract, rule_names
from shapelint.report.check_json import finding_json
from shapelint.report.identity import identities
from shapelint.suppress import comments_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.engine import FileReport, RunError, RunReport
    from shapelint.finding import Finding, Fix, Severity
    from shapelint.registry import Contract

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
HOME: Final = "https://pypi.org/project/shapelint/"
LONGEST_DESCRIPTION: Final = 1024
"""Characters of a rule's description that GitHub takes."""

_ROOT: Final = "%SRCROOT%"
_NOWHERE: Final = Span(1, 1, 1, 1)
"""The place of what has no line: GitHub shows a location with a line only."""

_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
_PROBLEMS: Final = {"error": "error", "warning": "warning", "info": "recommendation"}
_FAMILIES: Final = {"0": "input", "1": "shapes", "2": "merges", "3": "alignment", "4": "windows", "5": "export"}
_TOLD: Final = ("name", "certainty", "at", "axes", "sizes", "pair", "branches")
"""Fields of the JSON report that a result has as properties."""


def sarif_report(report: RunReport, *, only_ascii: bool = False) -> str:
    """A whole run."""
    rules = [contract(name) for name in rule_names()]
    places = {rule.id: place for place, rule in enumerate(rules)}
    indices = {each.file: place for place, each in enumerate(report.files)}
    told = [(each, finding, suppressed) for each in report.files for finding, suppressed in _told(each)]
    named = identities(finding for _, finding, _ in told)
    run = {
        "tool": {
            "driver": {
                "name": "shapelint",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": HOME,
                "language": "en",
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not report.errors,
                "toolExecutionNotifications": [_notification(error) for error in report.errors],
            }
        ],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which shapelint was run."}}},
        "columnKind": "unicodeCodePoints",
        "artifacts": [_artifact(each) for each in report.files],
        "results": [
            _Writer(each, indices).result(finding, suppressed, identity, places)
            for (each, finding, suppressed), identity in zip(told, named, strict=True)
        ],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=only_ascii) + "\n"


def _told(report: FileReport) -> Iterable[tuple[Finding, list[dict[str, Any]]]]:
    """The findings of a file, then those left out, each with its suppressions: all have that list or none has."""
    for finding in report.findings:
        yield finding, []
    comments = {(comment.line, comment.reason) for comment in comments_in(report.text or "")}
    for finding, reason in report.suppressed:
        kind = "inSource" if (finding.line, reason) in comments else "external"
        yield finding, [{"kind": kind, "justification": reason}]
    for finding in report.baselined:
        yield finding, [{"kind": "external", "justification": "accepted by the baseline"}]


def _rule(rule: Contract) -> dict[str, Any]:
    worst: Severity = min(rule.severity.values(), key=lambda severity: severity.rank)
    why = " ".join(rule.why.split())
    links = "\n".join(f"- {link}" for link in rule.references)
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": why if len(why) <= LONGEST_DESCRIPTION else f"{why[: LONGEST_DESCRIPTION - 3]}..."},
        "help": {
            "text": f"{rule.summary}\n\n{why}" + (f"\n\nReferences:\n{links}" if links else ""),
            "markdown": f"**{rule.summary}**\n\n{why}" + (f"\n\n**References**\n\n{links}" if links else ""),
        },
        "defaultConfiguration": {"level": _LEVELS[worst.value]},
        "properties": {
            "tags": [_FAMILIES.get(rule.id[3:4], "shapelint")],
            "precision": "very-high",
            "problem.severity": _PROBLEMS[worst.value],
        },
    }


def _artifact(report: FileReport) -> dict[str, Any]:
    role = "analysisTarget" if report.kind in ("onnx", "spec") else "userSpecifiedConfiguration"
    return {"location": _address(report.file), "roles": [role]}


def _notification(error: RunError) -> dict[str, Any]:
    where = [{"physicalLocation": {"artifactLocation": _address(error.file)}}] if error.file else []
    return {"level": "error", "message": {"text": error.message}, "locations": where}


def _address(file: str, index: int | None = None) -> dict[str, Any]:
    """A file as a URI: relative to the working directory where it lies below it."""
    found: dict[str, Any]
    if os.path.isabs(file):
        found = {"uri": Path(file).as_uri()}
    else:
        found = {"uri": quote(os.fsencode(file)), "uriBaseId": _ROOT}
    return found if index is None else {**found, "index": index}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


class _Writer:
    """Writes the findings of one file."""

    def __init__(self, report: FileReport, indices: dict[str, int]) -> None:
        self.report = report
        self.indices = indices
        self.kind = "layer" if report.kind == "spec" else "node"

    def result(
        self, finding: Finding, suppressed: list[dict[str, Any]], identity: str, places: dict[str, int]
    ) -> dict[str, Any]:
        related, link = self._related(finding)
        lines = [
            finding.message,
            *(f"note: {note}" for note in finding.notes),
            *(f"help: {each}" for each in finding.help),
        ]
        told = finding_json(finding)
        found: dict[str, Any] = {
            "ruleId": finding.rule,
            **({"ruleIndex": places[finding.rule]} if finding.rule in places else {}),
            "level": _LEVELS[finding.severity.value],
            "message": {"text": "\n".join(lines + link)},
            "locations": [self._place(finding)],
            "partialFingerprints": {"primaryLocationLineHash": identity, "shapelint/v1": finding.fingerprint},
            "suppressions": suppressed,
            "properties": {key: told[key] for key in _TOLD if told[key]},
        }
        if finding.fault is not None and finding.fault.fits:
            found["properties"]["fits"] = {label: sizes.text for label, sizes in finding.fault.fits.items()}
        repairs = [_told_of(fix) | {"title": fix.title, "command": fix.command} for fix in finding.fixes if fix.command]
        if repairs:
            found["properties"]["repairs"] = repairs
        fixes = [_fix(fix, self.indices) for fix in finding.fixes if fix.edits]
        flows = self._flows(finding)
        return found | {
            key: value
            for key, value in (("relatedLocations", related), ("codeFlows", flows), ("fixes", fixes))
            if value
        }

    def _place(self, finding: Finding) -> dict[str, Any]:
        span = Span(finding.line or 1, finding.column or 1, finding.end_line or 1, finding.end_column or 1)
        return self._location(self.report.file, _region(span), node=finding.node)

    def _location(
        self, file: str, region: dict[str, int], *, node: str | None = None, text: str = ""
    ) -> dict[str, Any]:
        """A location; a node is a logical one."""
        where = {"artifactLocation": _address(file, self.indices.get(file)), "region": region}
        found: dict[str, Any] = {"physicalLocation": where}
        if node:
            name = node.rstrip("/").rpartition("/")[2] or node
            found["logicalLocations"] = [{"name": name, "fullyQualifiedName": node, "kind": self.kind}]
        return {**found, "message": {"text": text}} if text else found

    def _node(self, finding: Finding, node: str, text: str) -> dict[str, Any]:
        """The location of a node, with what is to be said of it."""
        region = _region(finding.places.get(node, _NOWHERE))
        return self._location(self.report.file, region, node=node, text=text)

    def _related(self, finding: Finding) -> tuple[list[dict[str, Any]], list[str]]:
        """The source line that the exporter recorded, the steps, the other places; and a link to the first."""
        found, link = [], []
        origin = finding.origin
        if origin is not None:
            text = origin.text or origin.function
            found.append(self._location(origin.file, {"startLine": origin.line}, text=text))
            shown = f"{origin.file}:{origin.line}"
            for letter in "\\[]":
                shown = shown.replace(letter, f"\\{letter}")
            link.append(f"from [{shown}](1)")
        found += [
            self._location(self.report.file, _region(label.span), text=label.text) for label in finding.labels[1:]
        ]
        for row in finding.fault.also if finding.fault is not None else ():
            sizes = ("x".join(map(str, row.left)), "x".join(map(str, row.right)))
            found.append(self._node(finding, row.node, f"also {sizes[0]} against {sizes[1]}" if row.right else "also"))
        return [{"id": place, **each} for place, each in enumerate(found, 1)], link

    def _flows(self, finding: Finding) -> list[dict[str, Any]]:
        """The chain of sizes along each axis, which ends at the finding."""
        by_axis: dict[str, list[dict[str, Any]]] = {}
        for link in finding.fault.chain if finding.fault is not None else ():
            step = self._node(finding, link.node, f"{link.axis}: {link.text}")
            by_axis.setdefault(link.axis, []).append({"location": step})
        end = {"location": {**self._place(finding), "message": {"text": finding.message}}, "importance": "essential"}
        return [
            {"message": {"text": f"sizes along {axis}"}, "threadFlows": [{"locations": [*steps, end]}]}
            for axis, steps in by_axis.items()
        ]


def _fix(fix: Fix, indices: dict[str, int]) -> dict[str, Any]:
    """A fix that edits files."""
    changes = []
    for file in dict.fromkeys(edit.file for edit in fix.edits):
        replacements = [
            {
                "deletedRegion": {"byteOffset": edit.start, "byteLength": edit.end - edit.start},
                "insertedContent": {"text": edit.text},
            }
            for edit in fix.edits
            if edit.file == file
        ]
        changes.append({"artifactLocation": _address(file, indices.get(file)), "replacements": replacements})
    return {"description": {"text": fix.title}, "artifactChanges": changes, "properties": _told_of(fix)}


def _told_of(fix: Fix) -> dict[str, str]:
    return {"kind": fix.kind, "applicability": fix.applicability.value, "reason": fix.reason}
