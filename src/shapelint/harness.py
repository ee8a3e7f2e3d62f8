"""Holds a rule against its examples: what is said where, in which words, what mends it, and where nothing is said.

A line of a `bad` example that ends in `# expect: SHP201` (or `# expect: SHP201, SHP203`) has exactly these findings,
and no other line has any; what is about the whole file is marked on its first line; a fixture has one of the example's
own rule. The marks are taken off before the example is read. Nothing is written to disk.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shapelint.analysis import StatedWrong
from shapelint.config import Config, ConfigError, base_settings, parse
from shapelint.engine import check_source
from shapelint.finding import Applicability
from shapelint.registry import use_own
from shapelint.report.check_text import finding_lines
from shapelint.report.terminal import Paint
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


class Stage:
    """An example as a file with its configuration beside it; raises ConfigError where that is of no use."""

    def __init__(self, example: Example) -> None:
        self.spec = None if example.text is None else unmarked(example.text)
        self.source = str(example.file) if self.spec is None else self.spec.encode()
        self.file = SPEC if example.file is None else shown_fixture(example.file)
        self.toml = unmarked(example.config or "")
        self.config = Config() if example.config is None else parse(self.toml, Path(CONFIG))
        settings = base_settings(self.config, {"preview": True})
        self.settings = self.config.settings(self.file, replace(settings, menus="first"))

    def said(self) -> Said:
        """What is said of it; raises StatedWrong where what is stated does not suit the model."""
        report = check_source(self.source, self.file, self.settings)
        suppressions = Suppressions(self.config)
        findings, _, _ = suppressions.split(report.findings, self.file, self.spec, self.settings)
        findings += suppressions.unmatched([self.file], self.settings)
        texts = {self.file: self.spec, CONFIG: self.toml}
        blocks = ["\n".join(finding_lines(each, Paint(False), texts.get(each.file))) for each in findings]
        return Said(tuple(findings), "\n\n".join(blocks) + "\n" if blocks else "")

    def fixed(self) -> tuple[str, Applicability] | None:
        """The spec after `check --fix`, or else after `--fix --unsafe-fixes`; None where neither changes it."""
        from shapelint.fixing.apply import mended

        if not isinstance(self.source, bytes):
            return None
        for unsafe, level in ((False, Applicability.SAFE), (True, Applicability.UNSAFE)):
            result = mended(self.source, self.file, self.settings, unsafe=unsafe, keep=self._kept)
            if result.new != self.source:
                return result.new.decode(), level
        return None

    def _kept(self, findings: list[Finding], text: str) -> list[Finding]:
        return Suppressions(self.config).split(findings, self.file, text, self.settings)[0]


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
                found = list(_disagreements(rule, example))
            except (ConfigError, StatedWrong) as error:
                found = [f"the example's configuration is of no use: {error}"]
            yield from (Flaw(place, message) for message in found)
    finally:
        use_own([])


def _disagreements(rule: RuleFile, example: Example) -> Iterator[str]:
    stage = Stage(example)
    found = stage.said()
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
    yield from _fixing(example, stage)


def _fixing(example: Example, stage: Stage) -> Iterator[str]:
    """Whether the fix leads to `fixed`, byte for byte, of which nothing is said and in which nothing is left to fix."""
    fixed = stage.fixed()
    if fixed is None:
        if example.fixed is not None:
            yield "`fixed` stands here and no fix is offered"
        return
    if example.fixed is None:
        yield "`fixed` is missing; the bless command writes it"
    elif example.fixed != fixed[0]:
        yield f"`fixed` differs from what is written:\n{fixed[0]}"
    again = Stage(replace(example, text=fixed[0]))
    for finding in again.said().findings:
        yield f"`fixed` has a finding: {finding.rule} {finding.message}"
    if again.fixed() is not None:
        yield "fixing `fixed` again changes it"


def fix_of(rule: RuleFile) -> dict[Applicability, int]:
    """How many of the rule's `bad` specs are mended at each level."""
    found = [Stage(each).fixed() for each in rule.examples if not each.good and each.text is not None]
    return dict(Counter(fixed[1] for fixed in found if fixed is not None))


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


def totals(rules: Iterable[RuleFile]) -> tuple[int, int, int]:
    """How many rules, `bad` and `good` examples."""
    found = list(rules)
    good = sum(example.good for rule in found for example in rule.examples)
    return len(found), sum(len(rule.examples) for rule in found) - good, good


# -- blessing --------------------------------------------------------------------------------------------------------


def blessed(rule: RuleFile) -> str:
    """The text of the rule's file with `says` and `fixed` as they are now; nothing else changes."""
    lines = rule.path.read_text(encoding="utf-8-sig").splitlines()
    use_own([rule] if rule.is_own else [])
    try:
        for example in reversed([each for each in rule.examples if not each.good]):
            stage = Stage(example)
            fixed = stage.fixed()
            block = _block("says", stage.said().text, example.column)
            if fixed is not None:
                block += _block("fixed", fixed[0], example.column)
            for start, stop in sorted(example.written, reverse=True):
                del lines[start - 1 : stop - 1]
            place = min([start for start, _ in example.written], default=example.end)
            lines[place - 1 : place - 1] = block
    finally:
        use_own([])
    return "\n".join(lines) + "\n"


def _block(key: str, text: str, column: int) -> list[str]:
    margin = " " * column
    return [f"{margin}{key}: |", *[f"{margin}  {line}" if line else "" for line in text.splitlines()]]
