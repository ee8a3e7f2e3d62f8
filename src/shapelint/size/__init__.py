"""Exact integer algebra: expressions, three-valued truth, and sets of sizes decided for all integers.

Its modules, each built on those above it:

    expr       canonical expressions over the free axes
    condition  what must hold of them
    evaluate   values at given sizes
    sequence   the decision procedure for one symbol
    solve      conjunctions of conditions -> one set a symbol, couplings
    sizeset    periodic sets of sizes
    floats     float terms, rounded as a runtime rounds
    text, parse  to and from what people write
"""

from shapelint.size.condition import (
    Condition,
    Held,
    Truth,
    above,
    all_of,
    any_of,
    at_least,
    divides,
    equal,
    negate,
    unequal,
)
from shapelint.size.evaluate import evaluate, holds
from shapelint.size.expr import Expr, Size, Symbol, Table, TooDeep, cdiv, high, larger, low, product, smaller
from shapelint.size.separate import never_above, separated
from shapelint.size.sizeset import EVERY_SIZE, NO_SIZE, SizeSet, Undecided, difference
from shapelint.size.solve import Solution, is_always, is_never, set_of, solve

__all__ = [
    "EVERY_SIZE",
    "NO_SIZE",
    "Condition",
    "Expr",
    "Held",
    "Size",
    "SizeSet",
    "Solution",
    "Symbol",
    "Table",
    "TooDeep",
    "Truth",
    "Undecided",
    "above",
    "all_of",
    "any_of",
    "at_least",
    "cdiv",
    "difference",
    "divides",
    "equal",
    "evaluate",
    "high",
    "holds",
    "is_always",
    "is_never",
    "larger",
    "low",
    "negate",
    "never_above",
    "product",
    "select",
    "separated",
    "set_of",
    "smaller",
    "solve",
    "unequal",
]


def select(condition: Held, then: Size, other: Size) -> Size:
    """`then` where `condition` holds, else `other`."""
    if isinstance(condition, bool):
        return then if condition else other
    return condition.table.select(condition, then, other)
