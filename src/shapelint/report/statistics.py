"""How many findings each rule has: `check --statistics`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shapelint.report.terminal import columns

if TYPE_CHECKING:
    from shapelint.engine import RunReport


def statistics_text(report: RunReport) -> str:
    """A line a rule, the most frequent first."""
    counts = Counter((finding.rule, finding.name) for finding in report.findings)
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return (
        "\n".join(columns([[str(count), rule, name] for (rule, name), count in rows], indent=0) or ["no findings"])
        + "\n"
    )
