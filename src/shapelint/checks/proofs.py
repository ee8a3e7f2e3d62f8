"""Checks of what could not be proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.subjects import Unproved, by_sets
from shapelint.finding import Fault, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
    from shapelint.propagate import Unknown


@check("unknown-operator")
def unknown_operator(facts: Facts) -> Iterator[Fault]:
    """Every node's effect on sizes is known."""
    if facts.unknowns and not facts.is_stated:
        yield from (
            Fault(grade="free", subject=Unproved(_clause(unknown), _necessary(facts)), node=unknown.path)
            for unknown in facts.unknowns
        )


@check("not-proved")
def not_proved(facts: Facts) -> Iterator[Fault]:
    """What a person states is proved."""
    if not facts.is_stated or facts.failures or facts.inputs.conflicts:
        return
    necessary, stated = _necessary(facts), facts.stated_text
    if facts.unknowns:
        first = facts.unknowns[0]
        subject = Unproved(_clause(first), necessary, stated, len(facts.unknowns) - 1)
        yield Fault(grade="stated", subject=subject, node=first.path)
        return
    for why in facts.unproved_domains:
        yield Fault(grade="stated", subject=Unproved(why, necessary, stated))


def _clause(unknown: Unknown) -> str:
    return f"`{unknown.path}` ({unknown.op}): {unknown.why}"


def _necessary(facts: Facts) -> str:
    return by_sets({symbol.name: sizes for symbol, sizes in facts.necessary.items() if not sizes.is_every})
