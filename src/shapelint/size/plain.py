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

_PROBES: Final = (37, 38, 40, 43, 48, 60, 1021, 4099)
_SMALL: Final = (1, 2, 3, 4, 5, 8)
"""Where a size that stretches one pixel differs; a size may have no value there."""
"""Two sizes that differ at one of these are not the same; what agrees at all of them is proved."""


class Plain:
    """The plain sizes met so far, by their values."""

    def __init__(self) -> None:
        self._found: dict[tuple[Symbol, tuple[int | None, ...]], Expr] = {}
        self._met: list[Expr] = []
        """Plain sizes that are not among those found yet: most networks write no choices and ask for none."""
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
        if not any(isinstance(atom, Extreme | Select | Quotient) for atom, _ in size.terms):
            self._met.append(size)
            return size
        for met in self._met:
            key = _key(met)
            if key not in self._found or len(met.terms) < len(self._found[key].terms):
                self._found[key] = met
        self._met.clear()
        found = self._found.get(_key(size))
        if found is None or any(
            _value(size, symbols[0], n) not in (None, _value(found, symbols[0], n)) for n in _SMALL
        ):
            return size
        return found if is_never(unequal(found, size)) else size


def _key(size: Expr) -> tuple[Symbol, tuple[int | None, ...]]:
    symbol = size.symbols[0]
    return symbol, tuple([_value(size, symbol, n) for n in _PROBES])


def _value(size: Expr, symbol: Symbol, n: int) -> int | None:
    try:
        return evaluate(size, {symbol: n})
    except (ZeroDivisionError, ValueError, OverflowError):
        return None


__all__ = ["Plain"]
