"""Holds a rule against its examples: what is said where, in which words, what mends it, and where nothing is said.

A line of a `bad` example that ends in `# expect: SHP201` (or `# expect: SHP201, SHP203`) has exactly these findings,
and no other line has any; what is about the whole file is marked on its first line; a fixture has one of the example's
own rule. The marks are taken off before the example is read. Nothing is written to disk.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shapelint.analysis import StatedWrong
from shapelint.config import Config, ConfigError, parse
from shapelint.engine import check_source
from shapelint.registry import use_own
from shapelint.report.check_text import finding_lines
from shapelint.report.terminal import Paint
from shapelint.settings import Settings
from shapelint.suppress import Suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shapelint.finding import Finding
    from shapelint.rulefile import Example, RuleFile

SPEC: Final = "example.shape.yaml"
CONFIG: Final = "shapelint.toml"
_MARK: Final = re.compile(r"[ \t]*#\s*expect:\s*([A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing in which an example and the tool disagree."""

    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """What an example makes the tool say."""

    findings: tuple[Finding, ...]
    text: str
    """The findings as they are printed."""


def said(example: Example) -> Said:
    """What is said of an example; raises ConfigError or StatedWrong where its configuration is of no use."""
    text = unmarked(example.config or "")
    config = parse(text, Path(CONFIG)) if example.config is not None else Config()
    spec = None if example.text is None else unmarked(example.text)
    file = SPEC if example.file is None else shown_fixture(example.file)
    source = str(example.file) if spec is None else spec.encode()
    base = Settings(require_where=bool(config.values.get("require-where", False)))
    report = check_source(source, file, config.settings(file, base))
    suppressions = Suppressions(config)
    findings, _, _ = suppressions.split(report.findings, file, spec)
    findings += suppressions.unmatched([file])
    texts = {file: spec, CONFIG: text}
    blocks = ["\n".join(finding_lines(finding, Paint(False), texts.get(finding.file))) for finding in findings]
    return Said(tuple(findings), "\n\n".join(blocks) + "\n" if blocks else "")


def shown_fixture(path: Path) -> str:
    """A fixture's path as reports show it: without the way up from the rule's file."""
    parts = path.parts
    last = max((place for place, part in enumerate(parts) if part == ".."), default=-1)
    return "/".join(parts[last + 1 :]) if last >= 0 else path.name


def flaws_of(rule: RuleFile) -> Iterator[Flaw]:
    """In what the rule's examples and the tool disagree."""
    use_own([rule] if rule.is_own else [])
    try:
        kinds = {example.good for example in rule.examples}
        for good, word in ((False, "bad"), (True, "good")):
            if good not in kinds:
                yield Flaw(rule.shown, f"`{rule.name}` has no `{word}` example; write one")
        for example in rule.examples:
            place = f"{rule.shown}:{example.line}"
            try:
                found = said(example)
            except (ConfigError, StatedWrong) as error:
                yield Flaw(place, f"the example's configuration is of no use: {error}")
                continue
            yield from (Flaw(place, message) for message in _disagreements(rule, example, found))
    finally:
        use_own([])


def _disagreements(rule: RuleFile, example: Example, found: Said) -> Iterator[str]:
    if example.good:
        for finding in found.findings:
            yield f"a `good` example has a finding: {finding.rule} {finding.message}"
        return
    if example.text is None:
        wanted = Counter([("", 0, rule.contract.id)])
        have = Counter(("", 0, finding.rule) for finding in found.findings)
    else:
        wanted = Counter([*_marks(example.text, SPEC), *_marks(example.config or "", CONFIG)])
        have = Counter((finding.file, finding.line or 1, finding.rule) for finding in found.findings)
    for (file, line, number), count in sorted((wanted - have).items()):
        yield f"missing: {number} {_at(file, line)}{_times(count)}"
    for (file, line, number), count in sorted((have - wanted).items()):
        yield f"noisy: {number} {_at(file, line)}{_times(count)}"
    if example.says is None:
        yield "`says` is missing; the bless command writes it"
    elif example.says != found.text:
        yield f"`says` differs from what is said:\n{found.text}"
    if example.fixed is not None:
        yield from _fixing(example, found)


def _fixing(example: Example, found: Said) -> Iterator[str]:
    """Whether the first fix leads to `fixed`, byte for byte, and nothing is left to fix there."""
    fixes = [fix for finding in found.findings for fix in finding.fixes if fix.edits]
    if not fixes or example.text is None:
        yield "`fixed` stands here and no fix is offered"
        return
    text = unmarked(example.text).encode()
    for edit in sorted(fixes[0].edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.text.encode() + text[edit.end :]
    if text.decode() != example.fixed:
        yield f"`fixed` differs from what the first fix writes:\n{text.decode()}"


def _marks(text: str, file: str) -> Iterator[tuple[str, int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in _MARK.finditer(line):
            yield from ((file, number, rule.strip()) for rule in match[1].split(","))


def unmarked(text: str) -> str:
    """The text without the marks."""
    return _MARK.sub("", text)


def _at(file: str, line: int) -> str:
    return f"on line {line} of {file}" if line else "of the file"


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def counted(rules: Iterable[RuleFile]) -> tuple[int, int, int]:
    """How many rules, `bad` and `good` examples."""
    found = list(rules)
    good = sum(example.good for rule in found for example in rule.examples)
    return len(found), sum(len(rule.examples) for rule in found) - good, good


# -- blessing --------------------------------------------------------------------------------------------------------


def blessed(rule: RuleFile) -> str:
    """The text of the rule's file with `says` as it is now said; nothing else changes."""
    lines = rule.path.read_text(encoding="utf-8-sig").splitlines()
    use_own([rule] if rule.is_own else [])
    try:
        for example in reversed([each for each in rule.examples if not each.good]):
            margin = " " * example.column
            block = [
                f"{margin}says: |",
                *[f"{margin}  {line}" if line else "" for line in said(example).text.splitlines()],
            ]
            start, stop = example.says_lines
            lines[start - 1 : stop - 1] = block
    finally:
        use_own([])
    return "\n".join(lines) + "\n"
