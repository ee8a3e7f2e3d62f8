"""ONNX operators by domain, name and version: arities, attributes, defaults.

Invariants: the table is data (`_schema_data`, written by tools/generate_schema.py) and is decoded one operator at a
time; domains that are not in it (`com.microsoft`, users' own) are unknown, which is not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

AttributeType: TypeAlias = Literal[
    "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS",
    "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS",
]  # fmt: skip
ATTRIBUTE_TYPES = (
    "UNDEFINED", "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS",
    "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS",
)  # fmt: skip
"""Attribute types by their number in `AttributeProto.AttributeType`."""

UNBOUNDED = 2**31 - 1
"""The `max_inputs` of an operator that takes any number."""

Default: TypeAlias = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """What an operator says of one attribute; a `default` of None where it names none."""

    type: AttributeType
    default: Default
    required: bool


@dataclass(frozen=True, slots=True)
class OpSchema:
    """One version of an operator, in force from opset `since` on."""

    name: str
    domain: str
    since: int
    min_inputs: int
    max_inputs: int
    min_outputs: int
    max_outputs: int
    attributes: Mapping[str, AttributeSchema]
    deprecated: bool
    optional_inputs: tuple[int, ...] = ()
    """Inputs below `min_inputs` that may be left empty all the same (Loop's trip count)."""
    required: tuple[str, ...] = ()
    """The names of the attributes that have to be given."""


@cache
def lookup(domain: str, op: str, version: int) -> OpSchema | None:
    """The schema of `op` in force at `version` of `domain`; None where there is none."""
    found = None
    for schema in _history(_normal(domain), op):
        if schema.since <= version:
            found = schema
    return found


def names(domain: str) -> frozenset[str]:
    """The operators that `domain` ever had; empty for an unknown domain."""
    from shapelint._schema_data import OPERATORS

    return frozenset(OPERATORS.get(_normal(domain), ()))


def domains() -> tuple[str, ...]:
    """The domains whose operators are known."""
    from shapelint._schema_data import NEWEST

    return tuple(NEWEST)


def newest(domain: str) -> int:
    """The newest version of `domain` that is known; 0 for an unknown domain."""
    from shapelint._schema_data import NEWEST

    return NEWEST.get(_normal(domain), 0)


def _normal(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


@cache
def _history(domain: str, op: str) -> tuple[OpSchema, ...]:
    """Every version of `op`, oldest first."""
    from shapelint._schema_data import OPERATORS

    schemas: list[OpSchema] = []
    row: tuple[Any, ...] = ()
    for entry in OPERATORS.get(domain, {}).get(op, ()):
        since = entry
        if not isinstance(entry, int):
            since, *row = entry
        min_inputs, max_inputs, min_outputs, max_outputs, optional, deprecated, attributes = row
        table = {
            name: AttributeSchema(cast("AttributeType", ATTRIBUTE_TYPES[kind]), default, required)
            for name, kind, default, required in attributes
        }
        schema = OpSchema(
            op,
            domain,
            since,
            min_inputs,
            max_inputs,
            min_outputs,
            max_outputs,
            MappingProxyType(table),
            deprecated,
            optional,
            tuple(name for name, item in table.items() if item.required),
        )
        schemas.append(schema)
    return tuple(schemas)
