"""Sizes, conditions and sets in words: what reports print, in the language that `shapelint.size.parse` reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shapelint.size.condition import Condition, Kind
from shapelint.size.expr import Expr, Extreme, Floor, Product, Quotient, Rounded, Select, Symbol
from shapelint.size.floats import FloatTerm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapelint.size.expr import Atom, Size
    from shapelint.size.sizeset import SizeSet

LONGEST: Final = 4096
"""How long a dim or a domain may be to be read."""

_NAME: Final = re.compile(r"[^\W\d][\w.\[\]]*")
"""A label: `H`, `x.H`, `x[2]`."""
MOST_LISTED: Final = 6
"""How many residues or ranges a text lists before it counts them."""


def write(size: Size, *, ceil: bool = True) -> str:
    """`size` as an expression: `8*ceil(H/8)`, or with + - * // alone if not `ceil`."""
    if isinstance(size, int):
        return str(size)
    if ceil:
        if size.text is None:
            size.text = _short(_sum(size, ceil=True))
        return size.text
    key = ("text", size)
    known: str | None = size.table.conditions.get(key)
    if known is None:
        known = size.table.conditions[key] = _short(_sum(size, ceil=False))
    return known


def _short(text: str) -> str:
    """`text`, cut where it is longer than is read: parts that stand twice may double it at every level."""
    return text if len(text) <= LONGEST else f"{text[:60]}..."


def _sum(expr: Expr, *, ceil: bool) -> str:
    parts = _ceilings(expr) if ceil else [(_atom(atom, ceil=False), factor) for atom, factor in expr.terms]
    const = expr.const
    text = ""
    parts.sort(key=lambda part: part[1] < 0)
    for word, factor in parts:
        sign = "-" if factor < 0 else "+"
        piece = word if abs(factor) == 1 else f"{abs(factor)}*{_factor(word)}"
        text = f"{text} {sign} {piece}" if text else (f"-{_factor(piece)}" if factor < 0 else piece)
    if const and text:
        return f"{text} {'-' if const < 0 else '+'} {abs(const)}"
    return text or str(const)


def _factor(word: str) -> str:
    return f"({word})" if "//" in word else word


def _ceilings(expr: Expr) -> list[tuple[str, int]]:
    """The terms, with a - floor(..) and what it was split off written as the ceil(..) that it was."""
    left = dict(expr.terms)
    words: list[tuple[Atom, str, int]] = []
    for atom, factor in reversed(expr.terms):
        if not isinstance(atom, Floor) or factor >= 0:
            continue
        inner = dict(atom.of.terms)
        if all(left.get(part, 0) >= -factor for part in inner):
            for part in inner:
                left[part] += factor
            up = {part: atom.by - coefficient for part, coefficient in inner.items()}
            of = expr.table.linear(tuple(up.items()), -atom.of.const)
            del left[atom]
            words.append((atom, f"ceil({_operand(of)}/{atom.by})", -factor))
    merged = [(atom, _atom(atom, ceil=True), factor) for atom, factor in left.items() if factor] + words
    order = {atom: place for place, (atom, _) in enumerate(expr.terms)}
    merged.sort(key=lambda item: order[item[0]])
    return [(word, factor) for _, word, factor in merged]


def _operand(size: Size, *, ceil: bool = True) -> str:
    word = write(size, ceil=ceil)
    return word if _NAME.fullmatch(word) or word.isdigit() or _is_call(word) else f"({word})"


def _is_call(word: str) -> bool:
    if not word.endswith(")") or not word.split("(", 1)[0].isidentifier():
        return False
    depth = 0
    for place, letter in enumerate(word):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == ")":
            return place == len(word) - 1
    return False


def _atom(atom: Atom, *, ceil: bool) -> str:
    if isinstance(atom, Symbol):
        return atom.name
    if isinstance(atom, Floor):
        if ceil and atom.of.const == atom.by - 1:
            return f"ceil({_operand(atom.of - atom.of.const)}/{atom.by})"
        return f"{_operand(atom.of, ceil=ceil)}//{atom.by}"
    if isinstance(atom, Product):
        words = [_operand(factor, ceil=ceil) for factor in atom.factors]
        return "*".join(f"{word}" for word in words)
    if isinstance(atom, Extreme):
        return f"{'max' if atom.largest else 'min'}({', '.join(write(expr, ceil=ceil) for expr in atom.of)})"
    if isinstance(atom, Select):
        then, other = write(atom.then, ceil=ceil), write(atom.other, ceil=ceil)
        return f"where({write_condition(atom.condition, ceil=ceil)}, {then}, {other})"
    if isinstance(atom, Quotient):
        return f"{_operand(atom.of, ceil=ceil)}//{_operand(atom.by, ceil=ceil)}"
    assert isinstance(atom, Rounded)
    return f"{atom.mode}({_float(atom.of)})"


_OPERATORS: Final = {"add": " + ", "sub": " - ", "mul": "*", "div": "/", "pow": "**"}


def _float(term: FloatTerm | float) -> str:
    if not isinstance(term, FloatTerm):
        return f"{term:.9g}"
    if term.exact is not None:
        return _operand(term.exact) + (f"/{1 << term.shift}" if term.shift else "")
    known: str | None = term.table.conditions.get(("text", term))
    if known is None:
        known = term.table.conditions["text", term] = _short(_tree(term))
    return known


def _tree(term: FloatTerm) -> str:
    words = [_float(arg) for arg in term.args]
    if term.op in _OPERATORS:
        words = [word if word.replace(".", "").isalnum() or _is_call(word) else f"({word})" for word in words]
        return _OPERATORS[term.op].join(words)
    return f"{term.op}({', '.join(words)})"


def write_condition(condition: Condition, *, ceil: bool = True) -> str:
    """The condition as a comparison, in the same language."""
    kind = condition.kind
    if kind in (Kind.ALL, Kind.ANY):
        word = " and " if kind is Kind.ALL else " or "
        parts = [write_condition(part, ceil=ceil) for part in condition.parts]
        return word.join(f"({part})" if " and " in part or " or " in part else part for part in parts)
    expr = condition.expr
    if kind in (Kind.DIVISIBLE, Kind.INDIVISIBLE):
        opposite = [(atom, factor) for atom, factor in expr.terms if factor == condition.by - 1 > 1]
        if len(expr.terms) == 2 and len(opposite) == 1:
            # H - W reads better than H + 15*W, and leaves the same remainder mod 16.
            difference = expr - condition.by * opposite[0][0].expr
            assert isinstance(difference, Expr)
            expr = difference
        return f"{_operand(expr, ceil=ceil)} % {condition.by} {'==' if kind is Kind.DIVISIBLE else '!='} 0"
    sign = {Kind.ZERO: "==", Kind.NONZERO: "!=", Kind.NONNEGATIVE: ">="}[kind]
    plus = tuple([(atom, factor) for atom, factor in expr.terms if factor > 0])
    minus = tuple([(atom, -factor) for atom, factor in expr.terms if factor < 0])
    if not plus:
        plus, minus = minus, plus
        left, right = expr.table.linear(plus, 0), expr.table.linear((), expr.const)
        sign = "<=" if kind is Kind.NONNEGATIVE else sign
    elif minus and expr.const > 0:
        left, right = expr.table.linear(plus, expr.const), expr.table.linear(minus, 0)
    else:
        left, right = expr.table.linear(plus, 0), expr.table.linear(minus, -expr.const)
    return f"{write(left, ceil=ceil)} {sign} {write(right, ceil=ceil)}"


# -- sets ------------------------------------------------------------------------------------------------------------


def describe(of: SizeSet) -> str:
    """The set in words, the multiple first where there is one; `any` for every size, `none` for no size."""
    if of.is_every:
        return "any"
    words = []
    if of.residues:
        words.append(_periodic(of))
    if of.extra:
        words.append(("also " if of.residues else "") + _listed(_runs(of.extra), _count(of.extra)))
    text = "; ".join(words) or "none"
    if of.checked_to is not None:
        text += f" (searched up to {of.checked_to:,})"
    return text


def _range(first: int, last: int, step: int = 1) -> str:
    if first == last:
        return str(first)
    return f"{first} to {last}" if step == 1 else f"{first} to {last} in steps of {step}"


_LEAST_STEPS: Final = 4
"""How many single sizes at one distance are written as steps."""


def _steps(ranges: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int, int]]:
    """The ranges, with single sizes at one distance as first, last and step."""
    place = 0
    while place < len(ranges):
        first, last = ranges[place]
        end = place + 1
        if first == last and end < len(ranges):
            step = ranges[end][0] - first
            while end < len(ranges) and ranges[end] == (first + step * (end - place),) * 2:
                end += 1
            if end - place >= _LEAST_STEPS:
                yield first, ranges[end - 1][0], step
                place = end
                continue
        yield first, last, 1
        place += 1


def _runs(ranges: tuple[tuple[int, int], ...]) -> list[str]:
    return [_range(*run) for run in _steps(ranges)]


def _count(ranges: tuple[tuple[int, int], ...]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _listed(words: list[str], count: int) -> str:
    if len(words) <= MOST_LISTED:
        return ", ".join(words)
    return f"{', '.join(words[: MOST_LISTED - 2])}, ..., {words[-1]} ({count:,} sizes)"


def _periodic(of: SizeSet) -> str:
    period, residues = of.period, of.residues
    if period == 1:
        return f"from {of.start}"
    first = min(residue or period for residue in residues)
    begin = f" from {of.start}" if of.start > first else ""
    lead = f"from {of.start}, " if begin else ""
    if residues[0] == 0:
        multiples = f"multiples of {period}"
        rest = residues[1:]
        if not rest:
            return multiples + begin
        count = len(rest)
        if rest == tuple(range(period - count, period)):
            return f"{multiples}, or {_up_to(count)} less{begin}"
        if rest == tuple(range(1, count + 1)):
            return f"{multiples}, or {_up_to(count)} more{begin}"
        if count <= MOST_LISTED:
            return f"{multiples}, or {_words(list(map(str, rest)), 'or')} more{begin}"
        return f"{lead}{len(residues):,} of every {period:,} sizes, the multiples of {period:,} among them"
    if (period, residues) == (2, (1,)):
        return "odd sizes" + begin
    count = len(residues)
    if count > 1 and residues == tuple(range(residues[0], residues[0] + count)):
        return f"{_range(residues[0], residues[-1])} (mod {period}){begin}"
    if count <= MOST_LISTED:
        return f"{_words(list(map(str, residues)), 'or')} (mod {period}){begin}"
    return f"{lead}{count:,} of every {period:,} sizes, no multiple of {period:,} among them"


def _up_to(count: int) -> str:
    return "1" if count == 1 else f"up to {count}"


def _words(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def domain(of: SizeSet) -> str | None:
    """The set in the syntax of `sizes:` and `where`; None where it is empty, irregular or longer than is read."""
    if of.is_empty or of.checked_to is not None:
        return None
    if of.is_every:
        return "any"
    terms = []
    for residue in of.residues:
        least = of.start + (residue - of.start) % of.period
        if of.period == 1:
            terms.append(f"{of.start}..")
        elif residue == 0:
            terms.append(f"{of.period}*k" if least == of.period else f"{of.period}*k in {least}..")
        else:
            terms.append(f"{of.period}*k + {residue} in {least}..")
    for first, last, step in _steps(of.extra):
        terms.append(str(first) if first == last else f"{first}..{last}" + (f" step {step}" if step > 1 else ""))
    text = " | ".join(terms)
    return text if len(text) <= LONGEST else None
