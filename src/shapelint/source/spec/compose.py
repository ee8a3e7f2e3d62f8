"""YAML text as nodes with spans: events composed under a depth limit, without YAML's guesses about scalars.

Invariants: every node knows its place in the text (lines and columns from 1, in code points, a byte-order mark not
counted); a scalar keeps its text; aliases and tags are refused; a key that stands twice is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

import yaml

from shapelint.graph import Span
from shapelint.source.errors import Flaw, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH: Final = 100
LARGEST: Final = 4 << 20
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar's text; `offset` is what its first letter lies behind the span's start (the quote)."""

    text: str
    span: Span
    plain: bool = True
    offset: int = 0

    def part(self, start: int, end: int) -> Span:
        """The span of text[start:end], for scalars on one line."""
        column = self.span.column + self.offset
        return Span(self.span.line, column + start, self.span.line, column + end)

    @property
    def on_one_line(self) -> bool:
        """Whether the scalar stands on one line."""
        return self.span.line == self.span.end_line


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in order."""

    items: tuple[tuple[Scalar, Node], ...]
    span: Span
    flow: bool = False

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None."""
        return next((value for name, value in self.items if name.text == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Items in order."""

    items: tuple[Node, ...]
    span: Span
    flow: bool = False


Node: TypeAlias = Scalar | Mapping | Sequence


class SpecError(Exception):
    """What is wrong with a spec, and where: one sentence, and one action."""

    def __init__(self, message: str, span: Span | None, help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.span = span
        self.help = help


def compose(text: str) -> Node:
    """The root node; raises SpecError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(yaml.parse(text, loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = None if mark is None else Span(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        raise SpecError(f"the file is not YAML: {_problem(error)}", span, _remedy(error, text)) from None
    except yaml.reader.ReaderError as error:
        raise SpecError(f"the file is not YAML: {error.reason}", None, "save it as UTF-8 text") from None
    except RecursionError:
        raise SpecError("the file nests too deeply", None, f"nest at most {DEPTH} levels") from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    words = error.problem or error.context or "it cannot be parsed"
    if error.context and error.context not in words:
        words = f"{words} ({error.context})"
    return words


def _remedy(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in (error.problem or ""):
        return "indent with spaces; YAML does not take tabs"
    if line.count(": ") > 1 or line.rstrip().endswith(":"):
        return 'quote a line that contains ": "'
    return "correct the YAML at this place"


class _Composer:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.events = events
        self.depth = 0

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise SpecError("the file holds more than one YAML document", _span(event), "keep one")
                continue
            root = self.node(event)
        if root is None:
            raise SpecError("the file is empty", None, "begin with `shapelint: 1`")
        return root

    def node(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.AliasEvent):
            self.refuse(event, "a YAML alias stands here", "write the value out, or name it in `vars`")
        if getattr(event, "anchor", None):
            self.refuse(event, "a YAML anchor stands here", "name the value in `vars`")
        tag = getattr(event, "tag", None)
        if tag:
            self.refuse(event, f"the YAML tag `{tag}` stands here", "leave tags out")
        if isinstance(event, yaml.ScalarEvent):
            quoted = event.style in ("'", '"')
            return Scalar(event.value, _span(event), not event.style, 1 if quoted else 0)
        self.depth += 1
        if self.depth > DEPTH:
            self.refuse(event, "the file nests too deeply", f"nest at most {DEPTH} levels")
        node = self.mapping(event) if isinstance(event, yaml.MappingStartEvent) else self.sequence(event)
        self.depth -= 1
        return node

    def sequence(self, start: yaml.Event) -> Sequence:
        items: list[Node] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                return Sequence(tuple(items), _between(start, event), bool(getattr(start, "flow_style", False)))
            items.append(self.node(event))
        raise AssertionError("the parser ended inside a sequence")

    def mapping(self, start: yaml.Event) -> Mapping:
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, Span] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                return Mapping(tuple(items), _between(start, event), bool(getattr(start, "flow_style", False)))
            key = self.node(event)
            if not isinstance(key, Scalar):
                raise SpecError("a key is a list or a mapping", key.span, "write keys as plain words")
            if key.text in seen:
                message = f"the key `{key.text}` stands twice, first on line {seen[key.text].line}"
                raise SpecError(message, key.span, "remove one of the two")
            seen[key.text] = key.span
            items.append((key, self.node(next(self.events))))
        raise AssertionError("the parser ended inside a mapping")

    def refuse(self, event: yaml.Event, message: str, remedy: str) -> NoReturn:
        raise SpecError(message, _span(event), remedy)


def _span(event: yaml.Event) -> Span:
    return _between(event, event)


def _between(start: yaml.Event, end: yaml.Event) -> Span:
    first, last = start.start_mark, end.end_mark
    assert first is not None
    assert last is not None
    return Span(first.line + 1, first.column + 1, last.line + 1, last.column + 1)


def text_of(data: bytes, file: str) -> str:
    """The text of a spec's bytes; raises Unreadable."""
    if len(data) > LARGEST:
        flaw = Flaw(f"the file has {len(data):,} bytes; a spec has at most {LARGEST:,}", "split the model")
        raise Unreadable("invalid-spec", (flaw,), file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        flaw = Flaw(f"byte {error.start} is not UTF-8", "save the file as UTF-8 text")
        raise Unreadable("invalid-spec", (flaw,), file) from None
