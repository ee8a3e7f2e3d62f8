"""A rule's page, and the list of rules."""

from __future__ import annotations

from string import Formatter
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
    for word, entries in (("do", actions(rule)), ("see", rule.references)):
        lines += [f"  {word if not place else '':9}  {each}" for place, each in enumerate(entries)]
    return "\n".join(lines) + "\n"


def actions(rule: Contract) -> list[str]:
    """What is to be done about a rule's findings, as far as that can be said before there is one."""
    return [field_free(each) for each in rule.help if not (each[0] == "{" and each.find("}") == len(each) - 1)]


def field_free(sentence: str) -> str:
    """A sentence of a contract with its fields as placeholders."""
    return "".join(text + (f"<{name}>" if name else "") for text, name, _, _ in Formatter().parse(sentence))


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
