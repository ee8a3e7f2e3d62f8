"""What a run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shapelint.size import SizeSet

StatedDims: TypeAlias = "tuple[int | str | None, ...]"


def stated_dims(parts: Iterable[str]) -> StatedDims:
    """Dims as a person writes them: a number, a name or an expression, or `_` for what the file declares.

    Raises ValueError with one sentence.
    """
    from shapelint.size.expr import Table
    from shapelint.size.parse import parse_dim

    found: list[int | str | None] = []
    for part in parts:
        if not part:
            raise ValueError("a dim is empty; write a number, a name, or _ to leave it as declared")
        if part in ("_", "?"):
            found.append(None)
        elif part.lstrip("-").isdecimal():
            number = int(part[:12])
            if not 0 < number < 2**31:
                raise ValueError(f"`{part}` is no size; a size is from 1 to 2**31 - 1")
            found.append(number)
        else:
            parse_dim(part, Table().symbol)
            found.append(part)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Where:
    """A stated domain: of the axis called `name`, or of every free axis but the batch where it is None."""

    name: str | None
    domain: SizeSet
    text: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person states of a model's sizes; all of it must be proved."""

    inputs: Mapping[str | None, StatedDims] = field(default_factory=dict)
    """Dims by input; None: the only input."""
    where: tuple[Where, ...] = ()
    at: tuple[str, ...] = ()
    """Single sizes: `225x225` or `H=225,W=300`; an axis is asked for each of its numbers."""
    free: bool = False
    """Treat the spatial axes of a static export as free."""
    expect: tuple[str, ...] = ()
    """Conditions that must hold, as in a spec's `expect`."""
    freed: frozenset[tuple[str, int]] = frozenset()
    """Axes, by input and place, of which a constant that the file declares does not hold."""

    @property
    def is_empty(self) -> bool:
        """Nothing is stated."""
        return not (self.inputs or self.where or self.at or self.expect)


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a whole run."""

    stated: Stated = field(default_factory=Stated)
    fail_on: str = "warning"
    select: tuple[str, ...] = ()
    """Ids, prefixes or names of the rules to report; empty: all."""
    ignore: tuple[str, ...] = ()
    require_where: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)
    """Other severities by rule; `off` silences one."""
    preview: bool = False
    """Whether rules that are still tried out are reported too."""
    menus: Literal["none", "first", "every"] = "none"
    """Which findings carry the repairs that are proved: the first one that can be mended, or every one."""
