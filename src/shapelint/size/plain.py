"""One size, one form: a size written with choices is replaced by a plain one that is the same at every size.

Exporters clamp slices (`max(0, min(n, ...))`) and turn negative indices, so that the two halves of a rolled axis add
up to an axis of which the canonical form does not show that it is the whole.
"""

from __future__ import annotations

from typing import Final

from shapelint.size.condition import unequal
from shapelint.size.evaluate import evaluate
from shapelint.size.expr import Expr, Extreme, Quotient, Select, Size, Symbol
from shapelint.size.solve import is_never

_PROBES: Final = (*range(37, 61), 1021, 4099)
"""Two sizes that differ at one of these are not the same; what agrees at all of them is proved."""


class Plain:
    """The plain sizes met so far, by their values."""

    def __init__(self) -> None:
        self._found: dict[tuple[Symbol, tuple[int | None, ...]], Expr] = {}
        self._known: dict[Expr, Size] = {}

    def of(self, size: Size) -> Size:
        """`size`, or a plain size met before that has the same value wherever `size` has one."""
        if isinstance(size, int) or size.mask & (size.mask - 1):
            return size
        known = self._known.get(size)
        if known is None:
            known = self._known[size] = self._of(size)
        return known

    def _of(self, size: Expr) -> Size:
        symbols = size.symbols
        if len(symbols) != 1 or symbols[0].opaque:
            return size
        key = (symbols[0], tuple([_value(size, symbols[0], n) for n in _PROBES]))
        found = self._found.get(key)
        if not any(isinstance(atom, Extreme | Select | Quotient) for atom, _ in size.terms):
            if found is None or len(size.terms) < len(found.terms):
                self._found[key] = size
            return size
        return found if found is not None and is_never(unequal(found, size)) else size


def _value(size: Expr, symbol: Symbol, n: int) -> int | None:
    try:
        return evaluate(size, {symbol: n})
    except (ZeroDivisionError, ValueError, OverflowError):
        return None


__all__ = ["Plain"]
