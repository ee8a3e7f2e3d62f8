"""A rule's file as the harness, the documentation and users' own rules read it: with places, examples and options.

The words of a built-in rule are read by `registry.contract`, which is quick; what is read here is checked in full, and
a mistake is one sentence with its place and a remedy. Nothing in a rule's file is executed.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from shapelint.finding import CHECKS, Severity
from shapelint.meant import meant
from shapelint.registry import Contract, built_in, contract, rules_folder
from shapelint.source.spec.compose import Mapping, Scalar, Sequence, SpecError, compose

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from shapelint.graph import Span
    from shapelint.source.spec.compose import Node

REQUIRED: Final = ("id", "name", "since", "severity", "summary", "message", "why", "references")
KEYS: Final = (*REQUIRED, "check", "certainty", "preview", "notes", "help", "options", "examples")
EXAMPLE_KEYS: Final = ("title", "bad", "says", "fixed", "good", "config")
LEVELS: Final = tuple(severity.value for severity in Severity)
_ID: Final = re.compile(r"[A-Z]{2,8}\d{3}")
_NAME: Final = re.compile(r"[a-z]+(-[a-z0-9]+)*")


class RuleError(Exception):
    """A rule's file that cannot be used; one sentence with the place and a remedy."""


@dataclass(frozen=True, slots=True)
class Example:
    """A model with what is said of it, or with the promise that nothing is."""

    text: str | None
    """Of a spec; None where a file is named."""
    file: Path | None
    line: int
    """Where it stands in the rule's file."""
    good: bool
    says: str | None = None
    """The rendered findings."""
    fixed: str | None = None
    """The spec after the first fix that may be applied."""
    config: str | None = None
    """The text of the `shapelint.toml` beside the model."""
    title: str | None = None
    column: int = 4
    """How far its keys are indented."""
    written: tuple[tuple[int, int], ...] = ()
    """The lines of `says` and `fixed`, the last ones excluded."""
    end: int = 0
    """The line after it."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule: its words, the check that they belong to with its options, and its examples."""

    path: Path
    shown: str
    contract: Contract
    check: str
    options: dict[str, Any]
    examples: tuple[Example, ...]

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.contract.name

    @property
    def is_own(self) -> bool:
        """Whether the rule is a user's."""
        return not self.contract.id.startswith("SHP")


def rule_files(folder: Path, shown: str) -> list[RuleFile]:
    """The rules in a folder, by id; raises RuleError for the first that cannot be used."""
    rules: list[RuleFile] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        rule = read_rule(path, f"{shown}/{path.name}")
        for other in rules:
            for what in ("id", "name"):
                if getattr(rule.contract, what) == getattr(other.contract, what):
                    message = (
                        f"the {what} `{getattr(rule.contract, what)}` is that of {other.shown} too; choose another"
                    )
                    raise RuleError(f"{rule.shown}: {message}")
        rules.append(rule)
    return rules


def read_rule(path: Path, shown: str) -> RuleFile:
    """The rule in a file; raises RuleError."""
    try:
        if path.exists() and not path.is_file():
            raise RuleError(f"{shown}: is no file; put rules into files of their own")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RuleError(f"{shown}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise RuleError(f"{shown}: is not UTF-8 text; save it as UTF-8") from None
    return _Reader(path, shown).rule(text)


class _Reader:
    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown

    def fault(self, at: Node | Span | None, message: str) -> RuleError:
        span = at if at is None or not isinstance(at, Scalar | Mapping | Sequence) else at.span
        place = self.shown if span is None else f"{self.shown}:{span.line}:{span.column}"
        return RuleError(f"{place}: {message}")

    def rule(self, text: str) -> RuleFile:
        try:
            root = compose(text)
        except SpecError as error:
            remedy = error.help.replace("`shapelint: 1`", "`id:`")
            raise self.fault(error.span, f"{error.message}; {remedy}") from None
        if not isinstance(root, Mapping):
            raise self.fault(root, "a rule is a mapping; begin with `id:`")
        self.known(root, KEYS, "of a rule")
        for key in REQUIRED:
            if root.get(key) is None:
                raise self.fault(root, f"the key `{key}` is missing; `shapelint schema rule` describes a rule")
        name, number = self.identity(root)
        check = self.check(root, name)
        words = Contract(
            id=number,
            name=name,
            severity=self.severity(root.get("severity"), check),
            summary=self.text(root.get("summary"), "summary"),
            message=self.sentence(root.get("message"), "message", check),
            notes=tuple([self.sentence(each, "notes", check) for each in self.list(root.get("notes"), "notes")]),
            help=tuple([self.sentence(each, "help", check) for each in self.list(root.get("help"), "help")]),
            why=self.text(root.get("why"), "why"),
            since=self.text(root.get("since"), "since"),
            references=tuple([self.link(each) for each in self.list(root.get("references"), "references")]),
            preview=self.yes(root.get("preview"), "preview"),
        )
        examples = tuple([self.example(each, number) for each in self.list(root.get("examples"), "examples")])
        options = self.options(root.get("options"), check)
        return RuleFile(self.path, self.shown, words, check, options, examples)

    def yes(self, node: Node | None, key: str) -> bool:
        """A key that is true or false; false where it is left out."""
        word = "false" if node is None else self.text(node, key)
        if word not in ("true", "false"):
            raise self.fault(node, f"`{key}` is `{word}`; it is true or false")
        return word == "true"

    # -- keys ----------------------------------------------------------------------------------------------------

    def identity(self, root: Mapping) -> tuple[str, str]:
        name, number = self.text(root.get("name"), "name"), self.text(root.get("id"), "id")
        if not _ID.fullmatch(number):
            raise self.fault(
                root.get("id"), f"the id `{number}` is not of the form `ACME001`; write letters, then 3 digits"
            )
        if not _NAME.fullmatch(name):
            raise self.fault(root.get("name"), f"the name `{name}` is not of the form `too-coarse`; write small words")
        if self.path.stem != f"{number}-{name}":
            message = f"the file is called `{self.path.name}`; rename it to `{number}-{name}.yaml`"
            raise self.fault(root.get("id"), message)
        if self.path.parent.resolve() != rules_folder().resolve():
            if number.startswith("SHP"):
                raise self.fault(
                    root.get("id"), f"the id `{number}` begins as those of shapelint do; use letters of your own"
                )
            if name in built_in():
                raise self.fault(root.get("name"), f"the name `{name}` is that of a rule of shapelint; choose another")
        return name, number

    def check(self, root: Mapping, name: str) -> str:
        from shapelint import checks  # noqa: F401  (its import registers the predicates)

        node = root.get("check")
        if node is None:
            if name in built_in():
                return name
            raise self.fault(root, f"the key `check` is missing; name one of {', '.join(sorted(CHECKS))}")
        check = self.text(node, "check")
        if check not in CHECKS:
            raise self.fault(node, f"there is no check `{check}`; {meant(check, CHECKS)}")
        return check

    def severity(self, node: Node | None, check: str) -> dict[str, Severity]:
        if isinstance(node, Scalar):
            return {"": self.level(node)}
        if not isinstance(node, Mapping):
            raise self.fault(node, f"`severity` is a level or a table of grades; the levels are {', '.join(LEVELS)}")
        grades = [grade for grade in contract(check).severity if grade] if self.path.stem.split("-")[0] else []
        found = {}
        for key, value in node.items:
            if grades and key.text not in grades and check not in self.path.stem:
                raise self.fault(key, f"the check `{check}` has no grade `{key.text}`; {meant(key.text, grades)}")
            found[key.text] = self.level(value)
        return found

    def level(self, node: Node) -> Severity:
        word = self.text(node, "severity")
        if word not in LEVELS:
            raise self.fault(node, f"`{word}` is no level; {meant(word, LEVELS)}")
        return Severity(word)

    def sentence(self, node: Node | None, key: str, check: str) -> str:
        """A sentence whose fields the check lends: those that its own rule uses."""
        text = self.text(node, key)
        known = fields_of(check)
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError:
            raise self.fault(node, f"the braces of `{key}` do not match; write `{{{{` for a brace") from None
        for name in names:
            if name not in known:
                remedy = meant(name, known) if known else "it lends none"
                raise self.fault(node, f"the check `{check}` lends no field `{{{name}}}` to `{key}`; {remedy}")
        return text

    def options(self, node: Node | None, check: str) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            raise self.fault(node, "`options` is no mapping; write `options: {multiple: 32}`")
        known = options_of(check)
        found: dict[str, Any] = {}
        for key, value in node.items:
            if key.text not in known:
                remedy = meant(key.text, known) if known else "it has none"
                raise self.fault(key, f"the check `{check}` has no option `{key.text}`; {remedy}")
            kind = type(known[key.text])
            text = self.text(value, key.text)
            if kind is bool and text in ("true", "false"):
                found[key.text] = text == "true"
            elif kind is int and re.fullmatch(r"\d{1,9}", text):
                found[key.text] = int(text)
            elif kind is str:
                found[key.text] = text
            else:
                wanted = "true or false" if kind is bool else "a whole number"
                raise self.fault(value, f"the option `{key.text}` is `{text}`; it is {wanted}")
        return found

    def link(self, node: Node) -> str:
        text = self.text(node, "references")
        if not text.startswith("https://"):
            raise self.fault(node, f"the reference `{text}` is no link; begin with https://")
        return text

    # -- examples ------------------------------------------------------------------------------------------------

    def example(self, node: Node, number: str) -> Example:
        if not isinstance(node, Mapping):
            raise self.fault(node, "an example is a mapping; write `- bad:` with `says:`, or `- good:`")
        self.known(node, EXAMPLE_KEYS, "of an example")
        bad, good = node.get("bad"), node.get("good")
        model = bad if bad is not None else good
        if model is None or (bad is not None and good is not None):
            raise self.fault(node, "an example has `bad` or `good`; write one of the two")
        says, fixed = node.get("says"), node.get("fixed")
        text, file = self.model(model)
        if good is not None and (says is not None or fixed is not None):
            raise self.fault(says or fixed, "nothing is said of a `good` example; remove it, or write `bad`")
        config = self.optional(node, "config")
        if text is not None and bad is not None and f"expect: {number}" not in text + (config or ""):
            raise self.fault(bad, f"no line of `bad` is marked; write `# expect: {number}` on the line of the finding")
        return Example(
            text=text,
            file=file,
            line=node.span.line,
            good=good is not None,
            says=self.optional(node, "says"),
            fixed=self.optional(node, "fixed"),
            config=config,
            title=self.optional(node, "title"),
            column=node.items[0][0].span.column - 1,
            written=_lines_of(node, ("says", "fixed")),
            end=_end(node),
        )

    def model(self, node: Node) -> tuple[str | None, Path | None]:
        if not isinstance(node, Mapping):
            return self.text(node, "bad"), None
        self.known(node, ("fixture",), "of a model")
        name = self.text(node.get("fixture"), "fixture")
        file = self.path.parent / name
        if not file.is_file():
            raise self.fault(node, f"the fixture `{name}` does not exist; it is relative to the rule's file")
        return None, file

    # -- values --------------------------------------------------------------------------------------------------

    def known(self, node: Mapping, keys: Collection[str], of: str) -> None:
        for key, _ in node.items:
            if key.text not in keys:
                raise self.fault(key, f"the key `{key.text}` {of} is not known; {meant(key.text, keys)}")

    def text(self, node: Node | None, key: str) -> str:
        if not isinstance(node, Scalar) or not node.text.strip():
            raise self.fault(node, f"`{key}` is no text; write one")
        return node.text

    def optional(self, node: Mapping, key: str) -> str | None:
        value = node.get(key)
        return None if value is None else self.text(value, key)

    def list(self, node: Node | None, key: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            raise self.fault(node, f"`{key}` is no list; begin each item with `- `")
        return node.items


def _lines_of(node: Mapping, keys: Collection[str]) -> tuple[tuple[int, int], ...]:
    """The lines that these keys and their values take."""
    starts = [*[name.span.line for name, _ in node.items], _end(node)]
    return tuple([(starts[at], starts[at + 1]) for at, (name, _) in enumerate(node.items) if name.text in keys])


def _end(node: Node) -> int:
    """The line after the last one of a block."""
    if isinstance(node, Mapping) and not node.flow:
        return _end(node.items[-1][1])
    if isinstance(node, Sequence) and not node.flow:
        return _end(node.items[-1])
    return node.span.end_line + (node.span.end_column > 1)


def fields_of(check: str) -> list[str]:
    """The fields that a check lends to sentences: those that its own rule uses."""
    rule = contract(check)
    sentences = (rule.message, *rule.notes, *rule.help)
    return sorted({name for each in sentences for _, name, _, _ in Formatter().parse(each) if name})


def options_of(check: str) -> dict[str, Any]:
    """The options of a check with their defaults: the parameters of its predicate after the facts."""
    if check not in CHECKS:
        return {}
    parameters = list(inspect.signature(CHECKS[check]).parameters.values())[1:]
    return {each.name: each.default for each in parameters}
