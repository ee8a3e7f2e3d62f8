"""A fingerprint for every finding of a run, no two alike, the same in the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.finding import Finding


def identities(findings: Iterable[Finding]) -> list[str]:
    """In order: the finding's own fingerprint, and how many in this run have had it (`9f2c...:1`)."""
    counts: dict[str, int] = {}
    found = []
    for finding in findings:
        own = finding.fingerprint
        counts[own] = counts.get(own, 0) + 1
        found.append(f"{own}:{counts[own]}")
    return found
