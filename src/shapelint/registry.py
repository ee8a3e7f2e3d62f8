"""Contracts (`rules/*.yaml`) bound to checks: what is reported, how severe it is, in which words.

A contract is read when its rule has something to say; its id and name stand in its file's name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from shapelint.finding import CHECKS, Fault, Finding, Label, Severity
from shapelint.meant import meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shapelint.analysis import Analysis
    from shapelint.graph import Node, Span
    from shapelint.settings import Settings
    from shapelint.source.errors import Unreadable


class NoSuchRule(ValueError):
    """A rule that does not exist was named; one sentence."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One rule: its words, and the severity of each grade of fault."""

    id: str
    name: str
    severity: Mapping[str, Severity]
    summary: str
    message: str
    notes: tuple[str, ...]
    help: tuple[str, ...]
    why: str
    since: str
    references: tuple[str, ...]
    preview: bool = False
    """Off unless preview rules are asked for."""


_HERE: Final = Path(__file__).parent


@cache
def rules_folder() -> Path:
    """Where the contracts are: inside an installed package, or beside `src` in a checkout."""
    inside = _HERE / "_rules"
    return inside if inside.is_dir() else _HERE.parents[1] / "rules"


class OwnRule(Protocol):
    """A user's rule: words of its own for a built-in check, with options of its own."""

    @property
    def contract(self) -> Contract: ...
    @property
    def check(self) -> str: ...
    @property
    def options(self) -> Mapping[str, Any]: ...


_OWN: Final[dict[str, OwnRule]] = {}


def use_own(rules: Iterable[OwnRule]) -> None:
    """Add the users' rules of this run, in place of those of the run before."""
    _OWN.clear()
    _OWN.update({rule.contract.name: rule for rule in rules})


def own_rules() -> list[OwnRule]:
    """The users' rules of this run."""
    return list(_OWN.values())


@cache
def built_in() -> Mapping[str, str]:
    """The ids of the built-in rules by name, in the order of the ids."""
    stems = sorted(path.stem for path in rules_folder().glob("SHP*.yaml"))
    return {name: number for number, _, name in (stem.partition("-") for stem in stems)}


def rule_names() -> Mapping[str, str]:
    """The ids by name, the built-in ones first."""
    return {**built_in(), **{name: rule.contract.id for name, rule in _OWN.items()}} if _OWN else built_in()


def contract(name: str) -> Contract:
    """The contract of the rule called `name`."""
    return _OWN[name].contract if name in _OWN else _built_in(name)


@cache
def _built_in(name: str) -> Contract:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (rules_folder() / f"{built_in()[name]}-{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, loader)
    severity = data["severity"]
    grades = severity if isinstance(severity, dict) else {"": severity}
    return Contract(
        id=data["id"],
        name=data["name"],
        severity={grade: Severity(level) for grade, level in grades.items()},
        summary=data["summary"],
        message=data["message"],
        notes=tuple(data.get("notes", ())),
        help=tuple(data.get("help", ())),
        why=data["why"],
        since=str(data["since"]),
        references=tuple(data.get("references", ())),
        preview=bool(data.get("preview", False)),
    )


def resolve(word: str) -> str:
    """The name of the rule that `word`, an id or a name, means; raises NoSuchRule."""
    names = rule_names()
    if word in names:
        return word
    for name, number in names.items():
        if number == word.upper():
            return name
    begun = sorted(number for number in names.values() if word and number.startswith(word.upper()))
    if begun:
        several = f"ids {begun[0]} to {begun[-1]}; name one of them" if len(begun) > 1 else f"id {begun[0]}; write that"
        raise NoSuchRule(f"`{word}` is no rule, it begins the {several}")
    remedy = meant(word, [*names, *names.values()], "`shapelint rules` lists them")
    raise NoSuchRule(f"there is no rule `{word}`; {remedy}")


def matches(name: str, words: Iterable[str]) -> bool:
    """Whether one of `words` (an id, the beginning of an id, a name, or ALL) means the rule."""
    number = rule_names()[name]
    return any(word == name or word == "ALL" or number.startswith(word.upper()) for word in words)


def validate_selection(words: Iterable[str]) -> None:
    """Raise NoSuchRule for the first of `words` that means no rule."""
    for word in words:
        if not any(matches(name, (word,)) for name in rule_names()):
            resolve(word)


def is_selected(name: str, settings: Settings) -> bool:
    """Whether the rule is to be reported."""
    if settings.select and not matches(name, settings.select):
        return False
    if level_of(name, settings) == "off":
        return False
    return not (settings.ignore and matches(name, settings.ignore))


def level_of(name: str, settings: Settings) -> str | None:
    """The level that the configuration gives a rule; the longest word that means it decides."""
    words = [word for word in settings.severity if matches(name, (word,))]
    return settings.severity[max(words, key=len)] if words else None


def run_checks(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """Every finding of every selected check."""
    from shapelint import checks  # noqa: F401  (its import registers the predicates)

    facts = analysis.facts
    checks_of: dict[str, tuple[str, Mapping[str, Any]]] = {name: (name, {}) for name in CHECKS}
    checks_of["unstated-size"] = "unstated-size", {"require_where": settings.require_where}
    checks_of.update({name: (rule.check, rule.options) for name, rule in _OWN.items()})
    for name, (predicate, options) in checks_of.items():
        if not is_selected(name, settings):
            continue
        level = level_of(name, settings)
        for fault in CHECKS[predicate](facts, **options):
            if contract(name).preview and not settings.preview:
                break
            yield _at_level(finding(name, fault, analysis), level)


def finding(name: str, fault: Fault, analysis: Analysis) -> Finding:
    """The fault in the words of its contract."""
    rule = contract(name)
    words = fault.subject.words
    node = analysis.facts.nodes.get(fault.node or "")
    labels = _labels(fault, node, analysis)
    span = labels[0].span if labels else None
    notes = _sentences(rule.notes, words)
    if node is not None and node.place is not None and node.place.stack:
        from shapelint.source import hides_type

        notes = (*notes, f"expanded through {', '.join(node.place.stack)}")
        blocks = dict.fromkeys(entry.partition("@")[0] for entry in node.place.stack)
        hiding = [block for block in blocks if hides_type(analysis.model.program, block)]
        notes += tuple([f"the block `{block}` of the file hides the layer of that name" for block in hiding])
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=rule.severity.get(fault.grade) or next(iter(rule.severity.values())),
        message=rule.message.format_map(_Blank(words)),
        file=analysis.file,
        fault=fault,
        notes=notes,
        help=_sentences(rule.help, words),
        node=fault.node,
        **_position(span),
        origin=node.origin if node is not None else None,
        labels=labels,
        places=_places(fault, analysis),
    )


def _at_level(finding: Finding, level: str | None) -> Finding:
    return finding if level is None else replace(finding, severity=Severity(level))


def contract_finding(
    name: str, words: Mapping[str, str], file: str, labels: tuple[Label, ...], settings: Settings
) -> list[Finding]:
    """A finding that no fact of a model is behind: of a suppression, of a configuration; none if it is not selected."""
    if not is_selected(name, settings):
        return []
    rule = contract(name)
    found = Finding(
        rule=rule.id,
        name=rule.name,
        severity=next(iter(rule.severity.values())),
        message=rule.message.format_map(_Blank(words)),
        file=file,
        help=_sentences(rule.help, words),
        **_position(labels[0].span if labels else None),
        labels=labels,
    )
    return [_at_level(found, level_of(name, settings))]


_POINTED_AT: Final = ("stride", "strides", "scale_factor", "scale", "size", "pool_size", "kernel_size")
"""The arguments that make a step's size, the first that is written."""


def _places(fault: Fault, analysis: Analysis) -> dict[str, Span]:
    """Where the nodes that a fault tells of stand in a text file."""
    names = [*(link.node for link in fault.chain), *(row.node for row in fault.also)]
    nodes = {name: analysis.facts.nodes.get(name) for name in names}
    return {name: node.place.span for name, node in nodes.items() if node is not None and node.place is not None}


def _labels(fault: Fault, node: Node | None, analysis: Analysis) -> tuple[Label, ...]:
    """The place of the fault in a text file, and those of the steps of its chain; none for other files."""
    span = fault.span
    if span is None and node is not None and node.place is not None:
        span = node.place.arguments.get(fault.argument, node.place.span)
    if span is None:
        return ()
    labels = [Label(span)]
    seen = {span}
    for link in fault.chain:
        step = analysis.facts.nodes.get(link.node)
        if step is None or step.place is None:
            continue
        written = [step.place.arguments[name] for name in _POINTED_AT if name in step.place.arguments]
        at = written[0] if written else step.place.span
        if at not in seen:
            seen.add(at)
            note = link.text.removeprefix(f"{link.before} -> {link.after}")
            rounded = f", rounded {link.rounded}" if link.rounded else note
            labels.append(Label(at, f"{link.axis}: {link.before} becomes {link.after}{rounded}"))
    return tuple(labels)


def _position(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {}
    return {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}


def unreadable_findings(error: Unreadable, file: str, settings: Settings) -> Iterator[Finding]:
    """What is wrong with a file that no graph can be made of."""
    if not is_selected(error.rule, settings):
        return
    rule = contract(error.rule)
    level = level_of(error.rule, settings)
    for flaw in error.faults:
        found = Finding(
            rule=rule.id,
            name=rule.name,
            severity=next(iter(rule.severity.values())),
            message=flaw.message,
            file=file,
            help=(flaw.help,) if flaw.help else (),
            node=flaw.node,
            **_position(flaw.span),
            labels=(Label(flaw.span),) if flaw.span is not None else (),
        )
        yield _at_level(found, level)


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _sentences(templates: Iterable[str], words: Mapping[str, str]) -> tuple[str, ...]:
    """The sentences whose fields are all there."""
    found = []
    for template in templates:
        try:
            found.append(template.format_map(words))
        except KeyError:
            continue
    return tuple(found)
