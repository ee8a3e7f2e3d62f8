"""The report of `check` as GitLab reads code quality: a list of issues, each at a line of a file.

Every issue needs a line, so that a file without lines has its findings at line 1, with the node in the description.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from shapelint.report.identity import identities
from shapelint.report.terminal import clean

if TYPE_CHECKING:
    from shapelint.engine import RunReport
    from shapelint.finding import Finding

_SEVERITIES: Final = {"error": "critical", "warning": "major", "info": "info"}
"""GitLab knows blocker, critical, major, minor and info; a blocker is what could not be looked at."""


def gitlab_report(report: RunReport, *, only_ascii: bool = False) -> str:
    """A whole run: its findings, then what could not be looked at."""
    told = [(each.file, finding) for each in report.files for finding in each.findings]
    issues = [
        {
            "description": _description(finding),
            "check_name": finding.name,
            "fingerprint": sha256(identity.encode()).hexdigest(),
            "severity": _SEVERITIES[finding.severity.value],
            "location": _location(file, finding.line or 1, finding.end_line or 1),
        }
        for (file, finding), identity in zip(told, identities(finding for _, finding in told), strict=True)
    ]
    for error in report.errors:
        text = f"could-not-run\0{error.file}\0{error.message}"
        issues.append(
            {
                "description": f"could not run: {clean(error.message)}",
                "check_name": "could-not-run",
                "fingerprint": sha256(text.encode("utf-8", "backslashreplace")).hexdigest(),
                "severity": "blocker",
                "location": _location(error.file, 1, 1),
            }
        )
    return json.dumps(issues, indent=1, ensure_ascii=only_ascii) + "\n"


def _description(finding: Finding) -> str:
    node = f" ({clean(finding.node)})" if finding.node and finding.line is None else ""
    return f"{finding.rule}: {clean(finding.message)}{node}"


def _location(file: str, begin: int, end: int) -> dict[str, Any]:
    return {"path": file, "lines": {"begin": begin, "end": end}}
