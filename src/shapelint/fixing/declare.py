"""What a spec states, brought in line with what its network takes: its `sizes`, the channels of a layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shapelint.facts.subjects import by_sets, domain_text
from shapelint.fixing.candidate import Candidate
from shapelint.fixing.patch import TextEdit
from shapelint.size import SizeSet, evaluate
from shapelint.size.parse import parse_domain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.fixing.draft import Cause, Draft
    from shapelint.source.spec.program import DomainOf


def declare(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The sizes that fit, written under `sizes:`; those that a person stated are only narrowed."""
    facts, program, said = draft.analysis.facts, draft.analysis.model.program, draft.analysis.stated
    if cause.subject is None or facts.never or said.where or said.at:
        return
    given: dict[str, DomainOf] = {of.symbol: of for of in program.sizes}
    texts: dict[str, str] = {}
    left_out: dict[str, SizeSet] = {}
    narrowed = False
    for axis in facts.inputs.axes:
        fits = facts.offered.get(axis.symbol)
        name = axis.label
        if axis.is_batch or fits is None or not fits.is_complete or fits.is_every or axis.size is not axis.symbol.expr:
            continue
        stated = given.get(name)
        if stated is None:
            text = domain_text(fits) or fits.domain
            if text and not (more := fits - parse_domain(text)).is_empty:
                left_out[name] = more
        elif stated.sizes <= fits:
            continue
        else:
            text = (stated.sizes & fits).domain
            narrowed = True
        if not text:
            return
        texts[name] = text
    if not texts:
        return
    edits = [TextEdit(*draft.spec.range(given[name].span), text) for name, text in texts.items() if name in given]
    new = {name: text for name, text in texts.items() if name not in given}
    if new:
        edit = _added(draft, new)
        if edit is None:
            return
        edits.append(edit)
    following = draft.edited(edits)
    if following is None:
        return
    domains = {symbol.name: domain.sizes for symbol, domain in following.analysis.facts.domains.items()}
    shown = {name: domains[name] for name in texts if name in domains}
    reason = "what must fit becomes less" if narrowed else ""
    if left_out:
        reason = f"what fits besides is left out ({by_sets(left_out)})"
    yield Candidate(
        "declare",
        f"state under `sizes:` what fits ({by_sets(shown)})",
        following.patch_from(draft),
        reason=reason or "the network stays as it is",
        safe=not narrowed,
        widens=False,
    )


def _added(draft: Draft, sizes: dict[str, str]) -> TextEdit | None:
    """The edit that adds lines under `sizes:`, which may not be there yet."""
    spec, program = draft.spec, draft.analysis.model.program
    newline = spec.newline
    if program.sizes:
        last = max(program.sizes, key=lambda of: (of.span.end_line, of.span.end_column))
        start = spec.offset(last.span.line, last.span.column)
        line = draft.text[spec.line_start(start) : start]
        match = re.match(r"( +)[\"']?\w+[\"']?\s*:\s*$", line)
        if match is None:
            return None
        at, indent, head = spec.line_end(start), match[1], ""
    else:
        if re.search(r"(?m)^sizes\s*:", draft.text):
            return None
        last_input = program.inputs[-1]
        span = last_input[1][-1].span if last_input[1] else last_input[0].span
        start = spec.offset(span.line, span.column)
        at = spec.line_end(start)
        while re.match(r"[ \t]+[^#\s]", draft.text[at : spec.line_end(at)]):
            at = spec.line_end(at)
        indent, head = "  ", f"sizes:{newline}"
    lead = "" if at == 0 or draft.text[at - 1] in "\r\n" else newline
    lines = "".join(f"{indent}{name}: {text}{newline}" for name, text in sizes.items())
    return TextEdit(at, at, f"{lead}{head}{lines}")


def channels(draft: Draft, cause: Cause) -> Iterator[Candidate]:
    """The layer takes the channels that reach it."""
    mismatch = cause.mismatch
    if mismatch is None or mismatch.kind != "channels":
        return
    requirement = mismatch.first.requirement
    node = draft.analysis.facts.nodes.get(requirement.path)
    if node is None or node.place is None or requirement.argument not in node.place.arguments:
        return
    facts = draft.analysis.facts
    at = {symbol: mismatch.sizes[symbol.name] for symbol in facts.inputs.symbols if symbol.name in mismatch.sizes}
    try:
        have = None if requirement.left is None else evaluate(requirement.left, at)
    except (KeyError, ZeroDivisionError, ValueError, OverflowError):
        return
    if have is None:
        return
    following = draft.edited([draft.spec.set(node, requirement.argument, str(have))])
    if following is not None:
        yield Candidate(
            "channels",
            f"let `{node.path}` take the {have} channels that reach it",
            following.patch_from(draft),
            reason="its weights change their shape",
        )
