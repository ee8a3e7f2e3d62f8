"""Checks of nodes where tensors meet, and of nodes that refuse a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import Broadcast, Refused
from shapelint.finding import ChainLink, Fault, Row, check
from shapelint.size import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.facts import Facts
    from shapelint.facts.flow import Link
    from shapelint.facts.subjects import Mismatch


@check("skip-size-mismatch")
def skip_size_mismatch(facts: Facts) -> Iterator[Fault]:
    """Both sides of a merge have the same size on every compared axis."""
    yield from (fault_of(failure) for failure in facts.failures if failure.kind in MERGES)


@check("channel-mismatch")
def channel_mismatch(facts: Facts) -> Iterator[Fault]:
    """A tensor has the channels that the weight takes."""
    yield from (fault_of(failure) for failure in facts.failures if failure.kind == "channels")


@check("refused-size")
def refused_size(facts: Facts) -> Iterator[Fault]:
    """Every other node takes the sizes that reach it."""
    own = (*MERGES, "channels")
    yield from (fault_of(failure) for failure in facts.failures if failure.kind not in own)
    for conflict in facts.inputs.conflicts:
        yield Fault(grade="stated", subject=Refused(conflict), node=conflict.input)


@check("silent-broadcast")
def silent_broadcast(facts: Facts) -> Iterator[Fault]:
    """No merge stretches a one-pixel map over a larger one."""
    seen = set()
    for requirement in facts.shapes.requirements:
        found = facts.stretch_of(requirement)
        if found is None or found[1].is_empty or found in seen:
            continue
        seen.add(found)
        symbol, sizes = found
        domain = facts.domains.get(symbol)
        stated = domain is not None and not (domain.sizes & sizes).is_empty
        shown = domain.sizes & sizes if stated and domain is not None else sizes
        example = next(iter(shown))
        names = facts.operand_names(requirement) or ("", "")
        at = {symbol: example}
        subject = Broadcast(
            node=requirement.path,
            axis=symbol.name,
            left=str(evaluate(requirement.left or 0, at)),
            right=str(evaluate(requirement.right or 0, at)),
            left_name=facts.called(names[0]),
            right_name=facts.called(names[1]),
            sizes=shown,
            example=example,
        )
        yield Fault(grade="stated" if stated else "free", subject=subject, node=requirement.path, axes=(symbol.name,))


def fault_of(failure: Mismatch) -> Fault:
    """The failure as a fault at its first node."""
    blame = failure.blame
    links = () if blame is None else (*blame.left, *blame.right)
    return Fault(
        grade=failure.grade,
        subject=failure,
        node=failure.first.requirement.path,
        at=failure.at,
        axes=failure.first.axes,
        sizes=(failure.first.left, failure.first.right),
        chain=tuple([_link(link) for link in links]),
        also=tuple(
            [Row(row.requirement.path, row.axes, row.left, row.right) for row in failure.also]
        ),
        down=() if blame is None else blame.down,
        up=() if blame is None else blame.up,
        branches=() if blame is None else blame.branches,
        fits=failure.fits,
    )


def _link(link: Link) -> ChainLink:
    return ChainLink(link.node, link.axis, link.before, link.after, link.rounded, link.text)
