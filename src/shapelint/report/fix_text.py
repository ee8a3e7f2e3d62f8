"""The menu of repairs as text: what is to be mended, then each repair with its lines, its level and its sets."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from shapelint.facts.subjects import by_sets
from shapelint.finding import Applicability
from shapelint.report.terminal import clean

if TYPE_CHECKING:
    from shapelint.finding import Finding, Fix
    from shapelint.report.terminal import Paint

_WIDTH: Final = 96
_COLOURS: Final = {Applicability.SAFE: "green", Applicability.UNSAFE: "yellow", Applicability.DISPLAY: "dim"}


def fix_text(file: str, finding: Finding | None, fixes: list[Fix], paint: Paint, *, again: str, is_spec: bool) -> str:
    """The menu; `again` is the command line that lists it."""
    lines = _head(file, finding, paint)
    for fix in fixes:
        lines += ["", *entry_lines(fix, paint)]
    if any(fix.applicability is not Applicability.DISPLAY for fix in fixes):
        how = "--write" if is_spec else "-o OUT"
        lines += ["", f"  apply one: {clean(again)} --pick N {how}"]
    elif not fixes and finding is not None:
        lines += ["", "  nothing that shapelint knows mends it"]
    return "\n".join(lines) + "\n"


def _head(file: str, finding: Finding | None, paint: Paint) -> list[str]:
    if finding is None:
        return [f"{paint('ok', 'green')} {clean(file)}: nothing to mend"]
    place = file if finding.line is None else f"{file}:{finding.line}:{finding.column}"
    head = paint.severity(finding.severity, f"{finding.severity.value}[{finding.rule}]")
    lines = [
        f"{head} {paint(finding.name, 'bold')}: {clean(finding.message)}",
        f"  {paint('-->', 'blue')} {clean(place)}",
    ]
    return lines + [f"   {paint('=', 'blue')} {paint('note', 'bold')}: {clean(note)}" for note in finding.notes]


def entry_lines(fix: Fix, paint: Paint) -> list[str]:
    """One repair."""
    lead = " " * 5
    title = wrap(clean(fix.title), _WIDTH - 22) or [""]
    lines = [f"{fix.id:>3}  {paint(f'{fix.kind:<15}', 'bold')} {title[0]}"]
    lines += [f"{lead}{'':<15} {line}" for line in title[1:]]
    lines += [f"{lead}{paint('+', 'green')} {clean(line)}" for line in (fix.code or "").splitlines()]
    level = paint(fix.applicability.value, _COLOURS[fix.applicability])
    reason = wrap(clean(fix.reason), _WIDTH) if fix.reason else []
    lines += [f"{lead}{level}{': ' if reason else ''}{reason[0] if reason else ''}"]
    lines += [f"{lead}  {line}" for line in reason[1:]]
    if fix.fits:
        lines.append(f"{lead}fits for {clean(by_sets(fix.fits))}")
    return lines
