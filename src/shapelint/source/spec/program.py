"""A spec's structure: what stands where, its expressions parsed and nothing evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from shapelint.graph import Span
    from shapelint.size import SizeSet
    from shapelint.source.spec.compose import Node, Scalar
    from shapelint.source.spec.expression import Expression


@dataclass(frozen=True, slots=True)
class CallItem:
    """`call`, `name: call`, `name[i]: call` or `a, b: call`."""

    names: tuple[Expression, ...]
    call: Expression


@dataclass(frozen=True, slots=True)
class ForItem:
    """`for: v, w in range` with `do: [...]`."""

    variables: tuple[str, ...]
    values: Expression | tuple[Expression, Expression]
    """A list, or the two ends of `A..B`."""
    body: tuple[Item, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class IfItem:
    """`if: cond` with `do: [...]` and perhaps `else: [...]`."""

    condition: Expression
    then: tuple[Item, ...]
    other: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class LongItem:
    """{name:, type:, args: {...}, from: ...}, as generators write it."""

    name: Expression | None
    type: Scalar
    args: tuple[tuple[Scalar, Node], ...]
    sources: tuple[Expression, ...] | None
    span: Span


Item: TypeAlias = "CallItem | ForItem | IfItem | LongItem"


@dataclass(frozen=True, slots=True)
class Block:
    """`name(p, q=1): [item, ...]`."""

    name: str
    parameters: tuple[tuple[str, Expression | None], ...]
    items: tuple[Item, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DomainOf:
    """What `sizes` says of a symbol."""

    symbol: str
    sizes: SizeSet
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Expected:
    """One condition of `expect`."""

    condition: Expression
    level: str
    """`error` or `warn`."""
    why: str


@dataclass(frozen=True, slots=True)
class Program:
    """A whole spec."""

    convention: str
    layout: str | None
    opset: int | None
    vars: tuple[tuple[Scalar, Node], ...]
    inputs: tuple[tuple[Scalar, tuple[Scalar, ...]], ...]
    sizes: tuple[DomainOf, ...]
    blocks: dict[str, Block]
    types: dict[str, Node]
    items: tuple[Item, ...]
    outputs: tuple[Expression, ...] | None
    expect: tuple[Expected, ...]
    text: str
