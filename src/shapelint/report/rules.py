"""A rule's page, and the list of rules."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

from shapelint.report.terminal import Paint, columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapelint.registry import Contract


def _levels(rule: Contract) -> str:
    return ", ".join(f"{grade}: {level.value}" if grade else level.value for grade, level in rule.severity.items())


def rule_text(rule: Contract, paint: Paint) -> str:
    """The page of one rule."""
    lines = [f"{paint(rule.id, 'bold')} {paint(rule.name, 'bold')}", "", f"  {rule.summary}", ""]
    lines += [indent(rule.why.strip(), "  "), "", f"  severity   {_levels(rule)}", f"  since      {rule.since}"]
    lines += [f"  {'see' if not place else '   '}        {each}" for place, each in enumerate(rule.references)]
    return "\n".join(lines) + "\n"


def list_text(rules: Iterable[Contract], paint: Paint) -> str:
    """All rules, a line each."""
    rows = [[paint(rule.id, "bold"), rule.name, rule.summary] for rule in rules]
    return "\n".join(columns(rows, indent=0)) + "\n"


def rule_json(rule: Contract) -> dict[str, Any]:
    """One rule."""
    return {
        "id": rule.id,
        "name": rule.name,
        "severity": {grade or "default": level.value for grade, level in rule.severity.items()},
        "summary": rule.summary,
        "message": rule.message,
        "notes": list(rule.notes),
        "help": list(rule.help),
        "why": rule.why,
        "since": rule.since,
        "references": list(rule.references),
    }
