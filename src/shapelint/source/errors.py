"""What a source says of an input that it cannot turn into a graph: sentences, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from shapelint.graph import Span

Rule: TypeAlias = Literal["unreadable-file", "git-lfs-pointer", "broken-graph", "invalid-spec"]

MAX_FLAWS = 20
"""How many flaws of one file are told in one run."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a file: one sentence, lower case, without a full stop."""

    message: str
    help: str = ""
    """One action, or nothing."""
    node: str | None = None
    """The path of the node that is at fault, where one is."""
    span: Span | None = None
    """The place in a text file."""


class Unreadable(Exception):
    """A file that no graph can be made of, and why; `message`, `help` and `node` are those of the first flaw."""

    def __init__(self, rule: Rule, faults: tuple[Flaw, ...], file: str) -> None:
        super().__init__(rule, faults, file)
        self.rule = rule
        self.faults = faults
        self.file = file

    @property
    def message(self) -> str:
        return self.faults[0].message

    @property
    def help(self) -> str:
        return self.faults[0].help

    @property
    def node(self) -> str | None:
        return self.faults[0].node

    def __str__(self) -> str:
        return "\n".join(f"{self.file}: {flaw.message}" for flaw in self.faults)
