"""Repairs as JSON, version 1: those of a finding, and the answer of `fix`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapelint._version import __version__
from shapelint.report.sizes_json import members_json

if TYPE_CHECKING:
    from shapelint.finding import Finding, Fix


def one_fix(fix: Fix) -> dict[str, Any]:
    """One repair."""
    return {
        "id": fix.id,
        "kind": fix.kind,
        "title": fix.title,
        "code": fix.code,
        "applicability": fix.applicability.value,
        "reason": fix.reason,
        "fits": {label: members_json(sizes) for label, sizes in fix.fits.items()},
        "mends": list(fix.mends),
        "edits": [{"file": edit.file, "start": edit.start, "end": edit.end, "text": edit.text} for edit in fix.edits],
        "command": fix.command,
    }


def fix_json(
    file: str,
    finding: Finding | None,
    fixes: list[Fix],
    *,
    picked: Fix | None = None,
    written: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """The menu of a file, and what was picked and written."""
    from shapelint.report.check_json import finding_json

    return {
        "version": 1,
        "tool": f"shapelint {__version__}",
        "file": file,
        "finding": None if finding is None else finding_json(finding),
        "fixes": [one_fix(fix) for fix in fixes],
        "picked": None if picked is None else picked.id,
        "written": written,
        "note": note,
    }
