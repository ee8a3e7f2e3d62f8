"""Checks of the sizes that a file promises in its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.subjects import Flaw
from shapelint.finding import Fault, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts


@check("promised-size-refused")
def promised_size_refused(facts: Facts) -> Iterator[Fault]:
    """Every size that the file promises runs."""
    for restriction in () if facts.never else facts.restrictions:
        if restriction.promised is not None:
            labels = tuple([axis.label for axis in restriction.axes])
            fits = dict.fromkeys(labels, restriction.sizes)
            yield Fault(grade="promised", subject=restriction, node=restriction.breaker or None, axes=labels, fits=fits)


@check("malformed-promise")
def malformed_promise(facts: Facts) -> Iterator[Fault]:
    """The sizes that the file promises can be read, and are about its inputs."""
    if facts.flaw:
        yield Fault(grade="", subject=Flaw(facts.flaw))
