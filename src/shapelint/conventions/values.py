"""What an argument of a layer is: the kinds of values, a reference to a layer among them.

A value is a number, a size (an integer or an expression over symbols), a boolean or a condition, a string, None, a
tuple of values (lists and tuples are vectors), `UNSTATED` (`_`) or `SOUGHT` (`...`), or a reference to a layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from shapelint.size import Condition, Expr

Value: TypeAlias = Any


class _Unstated:
    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        return self.word


UNSTATED: Final = _Unstated("_")
"""A value that nobody states: what depends on it is not checked."""
SOUGHT: Final = _Unstated("...")
"""The same, and `fix` looks for it."""


def is_unstated(value: object) -> bool:
    """Whether nobody states the value."""
    return isinstance(value, _Unstated)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A reference to what a layer, an input or an instance of a block gives."""

    path: str
    value: str
    """The name of the value in the graph."""
    shape: tuple[Any, ...] | None
    """As the file writes shapes: an integer, an expression or None a dim."""
    spatial: tuple[int, int] | None
    """The first spatial axis and the one after the last; None where the tensor has no spatial axes."""
    channel: int | None
    """The axis of channels."""
    inside: dict[str, Layer] = field(default_factory=dict)
    """The layers of an instance of a block, by name."""
    extras: tuple[Layer, ...] = ()
    """The further outputs."""
    made_by: Any = None
    """What an unpool needs of its pool."""


def kind_of(value: Value) -> str:
    """The value's kind in words."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, str):
        return f"the text `{value[:40]}`"
    if isinstance(value, tuple):
        return f"a vector of {len(value)}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Expr):
        return f"the size {value}"
    if isinstance(value, Condition):
        return "a condition"
    if isinstance(value, Layer):
        return f"the layer `{value.path}`"
    if value is None:
        return "None"
    if is_unstated(value):
        return f"`{value}`"
    return "a value of another kind"
