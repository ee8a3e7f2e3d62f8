"""What is left out of a report, and why: comments in specs, `[[ignore]]` tables, a baseline.

Every suppression is counted, keeps its reason, and is itself reported where it suppresses nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shapelint.config import ConfigError, matches, node_matches
from shapelint.finding import Label
from shapelint.graph import Span
from shapelint.registry import contract, contract_finding, is_selected, rule_names
from shapelint.registry import matches as rule_matches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shapelint.config import Config, Ignored
    from shapelint.finding import Finding
    from shapelint.settings import Settings

_COMMENT: Final = re.compile(r"#\s*shapelint:\s*ignore(?:\[([^\]]*)\])?[ \t]*(.*)")
_PASSED_OVER: Final = re.compile(r"\s*#").match
BASELINE_VERSION: Final = 1


@dataclass(slots=True)
class Comment:
    """`# shapelint: ignore[SHP201] reason`: about its line, or about the next one where it stands alone."""

    line: int
    """The line that it is about."""
    rules: tuple[str, ...]
    """Empty: every rule."""
    reason: str
    span: Span
    used: bool = False


@dataclass(slots=True)
class Suppressions:
    """What a run leaves out."""

    config: Config
    baseline: Baseline | None = None
    used: set[Ignored] = field(default_factory=set)

    def split(
        self, findings: list[Finding], file: str, text: str | None, settings: Settings
    ) -> tuple[list[Finding], list[tuple[Finding, str]], list[Finding]]:
        """The findings that are left, those suppressed with the reason, those baselined.

        A comment is said to be unused only where every rule that it names was looked at.
        """
        comments = list(comments_in(text)) if text is not None else []
        kept: list[Finding] = []
        suppressed: list[tuple[Finding, str]] = []
        baselined: list[Finding] = []
        for finding in findings:
            reason = self._reason(finding, file, comments)
            if reason is not None:
                suppressed.append((finding, reason))
            elif self.baseline is not None and self.baseline.takes(finding):
                baselined.append(finding)
            else:
                kept.append(finding)
        unused = [comment for comment in comments if not comment.used and _is_judged(comment, settings)]
        kept += [found for comment in unused for found in _unused(comment, file, settings)]
        return kept, suppressed, baselined

    def _reason(self, finding: Finding, file: str, comments: list[Comment]) -> str | None:
        for comment in comments:
            if comment.line == finding.line and (not comment.rules or rule_matches(finding.name, comment.rules)):
                comment.used = True
                return comment.reason
        name = self.config.relative(file)
        for ignored in self.config.ignored:
            if (
                rule_matches(finding.name, (ignored.rule,))
                and matches(name, ignored.file)
                and (ignored.node == "*" or node_matches(finding.node or "", ignored.node))
            ):
                self.used.add(ignored)
                return ignored.reason
        return None

    def unmatched(self, files: Iterable[str], settings: Settings) -> list[Finding]:
        """A finding for every pattern of the configuration that matched nothing among all the files looked at."""
        config = self.config
        if config.path is None:
            return []
        names = [config.relative(file) for file in files]
        shown = config.path.name
        found = []
        for table in config.models:
            if not any(matches(name, table.pattern) for name in names):
                found += _unmatched(shown, table.line, f'models."{table.pattern}"', "no model", settings)
        for ignored in config.ignored:
            if ignored not in self.used and _is_looked_at(ignored.rule, settings):
                words = f"rule {ignored.rule}, file {ignored.file}, node {ignored.node}"
                found += _unmatched(shown, ignored.line, f"[[ignore]] ({words})", "no finding", settings)
        return found


def _is_judged(comment: Comment, settings: Settings) -> bool:
    return all(_is_looked_at(word, settings) for word in comment.rules or ("ALL",))


def _is_looked_at(word: str, settings: Settings) -> bool:
    """Whether every rule that `word` means takes part in this run; so does a word that means none."""
    meant = [name for name in rule_names() if rule_matches(name, (word,)) and not contract(name).preview]
    return all(is_selected(name, settings) for name in meant)


def comments_in(text: str) -> Iterable[Comment]:
    """The suppressions that stand in a spec; one that stands alone is about the next line that is no comment."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        about = number
        if not line[: match.start()].strip():
            about = next((n for n, each in enumerate(lines[number:], number + 1) if not _PASSED_OVER(each)), number + 1)
        rules = tuple(word.strip() for word in (match[1] or "").split(",") if word.strip())
        span = Span(number, match.start() + 1, number, match.end() + 1)
        yield Comment(about, rules, match[2].strip(), span)


def _unused(comment: Comment, file: str, settings: Settings) -> list[Finding]:
    words = {"rules": ", ".join(comment.rules) or "every rule", "line": str(comment.line)}
    return contract_finding("unused-suppression", words, file, (Label(comment.span),), settings)


def _unmatched(file: str, line: int, what: str, nothing: str, settings: Settings) -> list[Finding]:
    words = {"what": what, "nothing": nothing}
    return contract_finding("unmatched-pattern", words, file, (Label(Span(line, 1, line, 1)),), settings)


def stale_entry(baseline: Baseline, rule: str, file: str, node: str, settings: Settings) -> list[Finding]:
    """A finding for an entry of a baseline that no finding has any more."""
    words = {"what": f"{rule} {file}{f' ({node})' if node else ''}", "nothing": "no finding any more"}
    return contract_finding("unmatched-pattern", words, baseline.path.name, (), settings)


# -- baselines -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Baseline:
    """Findings that are accepted: by rule, file and node, without lines."""

    path: Path
    entries: dict[tuple[str, str, str], int]
    """How many findings of each key are accepted."""
    taken: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def takes(self, finding: Finding) -> bool:
        """Whether the finding is accepted; each entry accepts as many as it counts."""
        key = key_of(finding)
        if self.taken.get(key, 0) >= self.entries.get(key, 0):
            return False
        self.taken[key] = self.taken.get(key, 0) + 1
        return True

    @property
    def stale(self) -> list[tuple[str, str, str]]:
        """The entries that no finding has any more."""
        return [key for key, count in self.entries.items() if self.taken.get(key, 0) < count]


def key_of(finding: Finding) -> tuple[str, str, str]:
    """What a baseline knows a finding by."""
    return finding.rule, finding.file, finding.node or ""


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file; raises ConfigError."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: is no file; `shapelint baseline` writes one")
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        version, entries = data["version"], data["findings"]
        counted = {(each["rule"], each["file"], each.get("node") or ""): int(each.get("count", 1)) for each in entries}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(f"{path}: is no baseline; `shapelint baseline` writes one") from None
    if version != BASELINE_VERSION:
        raise ConfigError(f"{path}: is a baseline of version {version}; write it again with `shapelint baseline`")
    return Baseline(path, counted)


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write the findings as a baseline, in one piece; how many they are. Raises CannotWrite."""
    from shapelint.fixing.apply import write_whole

    counted: dict[tuple[str, str, str], int] = {}
    for finding in findings:
        counted[key_of(finding)] = counted.get(key_of(finding), 0) + 1
    entries = [
        {"rule": rule, "file": file, "node": node or None, "count": count}
        for (rule, file, node), count in sorted(counted.items())
    ]
    text = json.dumps({"version": BASELINE_VERSION, "findings": entries}, indent=1, ensure_ascii=False) + "\n"
    write_whole(str(path), text.encode())
    return sum(counted.values())
