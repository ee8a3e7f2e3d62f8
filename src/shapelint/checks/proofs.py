"""Checks of what could not be proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.subjects import Unproved
from shapelint.finding import Fault, check
from shapelint.propagate import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts


@check("unknown-operator")
def unknown_operator(facts: Facts) -> Iterator[Fault]:
    """Every node's effect on sizes is known."""
    if facts.unknowns and not facts.is_stated:
        yield from (
            Fault(grade="free", subject=Unproved(unknown, 0, _necessary(facts)), node=unknown.path)
            for unknown in facts.unknowns
        )


@check("not-proved")
def not_proved(facts: Facts) -> Iterator[Fault]:
    """What a person states is proved."""
    if not facts.is_stated or facts.failures:
        return
    if facts.unknowns:
        first = facts.unknowns[0]
        subject = Unproved(first, len(facts.unknowns) - 1, _necessary(facts), facts.stated_text)
        yield Fault(grade="stated", subject=subject, node=first.path)
        return
    for why in facts.unproved_domains:
        yield Fault(grade="stated", subject=Unproved(Unknown("", "", why), 0, _necessary(facts), facts.stated_text))


def _necessary(facts: Facts) -> str:
    parts = [f"{symbol.name}: {sizes.text}" for symbol, sizes in facts.necessary.items() if not sizes.is_every]
    return ", ".join(parts)
