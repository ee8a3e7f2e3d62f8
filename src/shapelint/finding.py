"""What a run reports: faults as checks yield them, findings as people read them, fixes and edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shapelint.facts.levels import Levels
    from shapelint.graph import Origin, Span
    from shapelint.size import SizeSet

STDIN: Final = "<stdin>"
"""What a model on standard input is called; a command line calls it `-`."""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for an error, 2 for an info."""
        return ("error", "warning", "info").index(self.value)


class Applicability(StrEnum):
    """Whether a fix may be applied without being looked at."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes from `start` to `end` of `file` by `text`."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One repair, proved on the patched model."""

    id: int
    kind: str
    title: str
    applicability: Applicability
    reason: str
    code: str | None = None
    fits: Mapping[str, SizeSet] = field(default_factory=dict)
    mends: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One line of the chain: a node that changes the size along an axis, with the size before and after."""

    node: str
    axis: str
    before: int
    after: int
    rounded: str | None
    """`up`, `down` or None."""
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Another place that fails for the same cause."""

    node: str
    axes: tuple[str, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]


class Subject(Protocol):
    """The fact that a fault is about; it lends the fields of the contract's sentences."""

    @property
    def words(self) -> Mapping[str, str]:
        """Fields for the sentences; a sentence with a field that is missing is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """A subject of which only the words are left."""

    words: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A predicate's answer: which grade, which fact, where. Words and severity come from the contract."""

    grade: str
    subject: Subject
    node: str | None = None
    certain: bool = True
    at: Mapping[str, tuple[int | None, ...]] | None = None
    axes: tuple[str, ...] = ()
    sizes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    chain: tuple[ChainLink, ...] = ()
    also: tuple[Row, ...] = ()
    down: tuple[str, ...] = ()
    up: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    levels: Levels | None = None
    """The same by levels, where the network goes down and up again."""
    fits: Mapping[str, SizeSet] = field(default_factory=dict)
    argument: str = ""
    """The argument of the node to point at; empty: the node."""
    span: Span | None = None
    """The place in the file where it is no node's."""


@dataclass(frozen=True, slots=True)
class Label:
    """A place in a text file with a word on it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault with the words and the severity of its rule, at its place."""

    rule: str
    name: str
    severity: Severity
    message: str
    file: str
    fault: Fault | None = None
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    node: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    origin: Origin | None = None
    labels: tuple[Label, ...] = ()
    """Of a text file: the place of the finding, then those of the steps that led there."""
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)
    """Of a text file: where the nodes of the chain and of `also` stand."""
    fixes: tuple[Fix, ...] = ()

    @property
    def certainty(self) -> str:
        """`proved` or `possible`."""
        return "proved" if self.fault is None or self.fault.certain else "possible"

    @property
    def fingerprint(self) -> str:
        """The same for the same fault of the same node, whatever else changes in the file."""
        from hashlib import sha256

        axes = ",".join(self.fault.axes) if self.fault else ""
        text = "\0".join((self.rule, self.file, self.node or "", axes if self.node is None else ""))
        return sha256(text.encode()).hexdigest()[:16]


Check: TypeAlias = "Callable[..., Iterator[Fault]]"

CHECKS: dict[str, Check] = {}
"""The predicates by name."""


def check(name: str) -> Callable[[Check], Check]:
    """Register a predicate over facts under the name by which contracts call it."""

    def register(function: Check) -> Check:
        if name in CHECKS:
            raise ValueError(f"two checks are called {name}")
        CHECKS[name] = function
        return function

    return register
