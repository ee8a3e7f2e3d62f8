"""Checks of nodes where tensors meet, and of nodes that refuse a size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.facts.mismatch import MERGES
from shapelint.facts.subjects import Refused
from shapelint.finding import ChainLink, Fault, Row, check

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


@check("output-size-mismatch")
def output_size_mismatch(facts: Facts) -> Iterator[Fault]:
    """An output is as large as the spec expects of it, compared with an input."""
    yield from (fault_of(failure) for failure in facts.failures if failure.kind == "output")


@check("expectation-failed")
def expectation_failed(facts: Facts) -> Iterator[Fault]:
    """Every other condition of `expect` holds."""
    yield from (fault_of(failure) for failure in facts.failures if failure.kind == "expect")
    for warned in facts.warned:
        yield Fault(grade="warn", subject=warned, span=warned.expectation.span)


@check("illegal-output-padding")
def illegal_output_padding(facts: Facts) -> Iterator[Fault]:
    """Every output padding is one that the framework takes."""
    yield from (fault_of(failure) for failure in facts.failures if is_output_padding(failure))


def is_output_padding(failure: Mismatch) -> bool:
    """Whether the failure is about an output padding as an argument."""
    return failure.kind == "argument" and failure.first.requirement.argument == "output_padding"


@check("refused-size")
def refused_size(facts: Facts) -> Iterator[Fault]:
    """Every other node takes the sizes that reach it."""
    own = (*MERGES, "channels", "output", "expect")
    for failure in facts.failures:
        if failure.kind not in own and not is_output_padding(failure):
            yield fault_of(failure)
    for conflict in facts.inputs.conflicts:
        places = tuple([f"{conflict.input}[{axis}]" for axis in conflict.axes])
        yield Fault(grade="stated", subject=Refused(conflict), axes=places)


@check("silent-broadcast")
def silent_broadcast(facts: Facts) -> Iterator[Fault]:
    """No merge stretches a one-pixel map over a larger one, at a stated size or, where nothing is stated, at any."""
    for stretch in facts.stretches:
        grade = "stated" if stretch.is_stated else "free"
        yield Fault(grade=grade, subject=stretch, node=stretch.node, axes=stretch.axes)


def fault_of(failure: Mismatch) -> Fault:
    """The failure as a fault at its first node."""
    blame = failure.blame
    links = () if blame is None else (*blame.left, *blame.right)
    labels = list(dict.fromkeys(link.axis for link in links))
    return Fault(
        grade=failure.grade,
        subject=failure,
        node=failure.first.requirement.path,
        at=failure.at,
        axes=failure.first.axes,
        sizes=(failure.first.left, failure.first.right),
        chain=tuple([_link(link) for link in sorted(links, key=lambda link: labels.index(link.axis))]),
        also=tuple([Row(row.requirement.path, row.axes, row.left, row.right) for row in failure.also]),
        down=() if blame is None else blame.down,
        up=() if blame is None else blame.up,
        branches=() if blame is None else blame.branches,
        fits=failure.fits,
        argument=failure.first.requirement.argument,
        span=None if failure.expectation is None else failure.expectation.span,
    )


def _link(link: Link) -> ChainLink:
    return ChainLink(link.node, link.axis, link.before, link.after, link.rounded, link.text)
