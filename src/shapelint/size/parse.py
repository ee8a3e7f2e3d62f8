"""Dims and domains as people and exporters write them; parsed, never evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shapelint.size.expr import Size, TooDeep, larger, smaller
from shapelint.size.sizeset import EVERY_SIZE, NO_SIZE, SIZE_LIMIT, SizeSet
from shapelint.size.text import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN: Final = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d]\w*(?:\.\w+)*)|(//|\*\*|\.\.|[-+*/%(),|]))")
_DEEPEST: Final = 60
_MOST_FACTORS: Final = 64
_LARGEST_BOUND: Final = 1 << 20
"""The largest size that a finite domain may name; above it the upper bound is left out."""


class NotASize(ValueError):
    """The text is no dim or domain; the message says what is wrong where."""


@dataclass(frozen=True, slots=True)
class _Fraction:
    """above / below, with an exact integer below it."""

    above: Size
    below: int = 1


class _Parser:
    """A cursor over the tokens of one text."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise NotASize(f"longer than {LONGEST:,} letters")
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise NotASize(f"unexpected `{text[place:].strip()[:1]}` at column {place + 1} of `{text}`")
            self.tokens.append((match[match.lastindex or 0], match.start(match.lastindex or 0)))
            place = match.end()
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token if it is one of `wanted`, else an empty string and nothing is taken."""
        token = self.next
        if token and token in wanted:
            self.place += 1
            return token
        return ""

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.fault(f"`{wanted}`")

    def number(self) -> int:
        token = self.next
        if not token.isdecimal():
            raise self.fault("a number")
        self.place += 1
        return bounded(token)

    def fault(self, wanted: str) -> NotASize:
        found = f"`{self.next}` at column {self.tokens[self.place][1] + 1}" if self.next else "the end"
        return NotASize(f"found {found} of `{self.text}` where {wanted} is needed")


def bounded(digits: str) -> int:
    """The number, if it is a size or a constant that a size can be computed with."""
    if len(digits) > 18:
        raise NotASize(f"`{digits[:12]}...` is too large for a size")
    return int(digits)


def parse_dim(text: str, symbol: Callable[[str], Size]) -> Size:
    """The size that `text` states, its names given a meaning by `symbol`; raises NotASize.

    Reads what torch (`8*(((s53 - 1)//8)) + 8`), sympy (`floor(H/2 - 1/2)`) and people (`16H`, `ceil(H/2)`) write.
    """
    parser = _Parser(text)
    try:
        value = _sum(parser, symbol)
    except TooDeep as error:
        raise NotASize(f"`{text}` rounds too often") from error
    if parser.next:
        raise parser.fault("the end")
    if value.below != 1:
        raise NotASize(f"`{text}` is not an integer for every size; round it with `//`, floor() or ceil()")
    return value.above


def _sum(parser: _Parser, symbol: Callable[[str], Size]) -> _Fraction:
    parser.depth += 1
    if parser.depth > _DEEPEST:
        raise NotASize("nested too deeply")
    total = _term(parser, symbol)
    while sign := parser.take("+", "-"):
        other = _term(parser, symbol)
        above = other.above * total.below
        total = _reduced(total.above * other.below + (above if sign == "+" else -above), total.below * other.below)
    parser.depth -= 1
    return total


def _term(parser: _Parser, symbol: Callable[[str], Size]) -> _Fraction:
    total = _factor(parser, symbol)
    factors = 1
    while True:
        sign = parser.take("*", "//", "/", "%")
        if not sign:
            if not parser.next or parser.next[0] in "+-)],|." or parser.next == "in":
                return total
            if not parser.tokens[parser.place - 1][0][0].isdigit():
                raise parser.fault("an operator")
            sign = "*"
        factors += 1
        if factors > _MOST_FACTORS:
            raise NotASize(f"more than {_MOST_FACTORS} factors")
        other = _factor(parser, symbol)
        if sign == "*":
            total = _reduced(total.above * other.above, total.below * other.below)
            continue
        if isinstance(other.above, int) and other.above == 0:
            raise NotASize(f"`{parser.text}` divides by zero")
        above, by = total.above * other.below, other.above * total.below
        if sign == "//":
            total = _Fraction(above // by)
        elif sign == "%":
            total = _reduced(above - (above // by) * by, total.below * other.below)
        elif isinstance(by, int):
            total = _reduced(above, by) if by > 0 else _reduced(-above, -by)
        else:
            raise NotASize(f"`{parser.text}` divides by a size; use `//`")


def _reduced(above: Size, below: int) -> _Fraction:
    if below == 1:
        return _Fraction(above)
    parts = [above] if isinstance(above, int) else [above.const, *[factor for _, factor in above.terms]]
    if all(part % below == 0 for part in parts):
        return _Fraction(above // below)
    return _Fraction(above, below)


def _factor(parser: _Parser, symbol: Callable[[str], Size]) -> _Fraction:
    negative = False
    while parser.take("-"):
        negative = not negative
    value = _operand(parser, symbol)
    return _Fraction(-value.above, value.below) if negative else value


def _operand(parser: _Parser, symbol: Callable[[str], Size]) -> _Fraction:
    token = parser.next
    if parser.take("("):
        value = _sum(parser, symbol)
        parser.need(")")
        return value
    if token and token[0].isdecimal():
        parser.place += 1
        whole, _, part = token.partition(".")
        if part.strip("0"):
            return _reduced(bounded(whole + part), 10 ** len(part))
        return _Fraction(bounded(whole))
    if not token or not (token[0].isalpha() or token[0] == "_"):
        raise parser.fault("a number, a name or `(`")
    parser.place += 1
    if parser.next == "(" and token.lower() in _FUNCTIONS:
        parser.place += 1
        values = [_sum(parser, symbol)]
        while parser.take(","):
            values.append(_sum(parser, symbol))
        parser.need(")")
        least, most = _ARGUMENTS[token.lower()]
        if not least <= len(values) <= most:
            raise NotASize(f"`{token}` in `{parser.text}` takes another number of arguments")
        return _FUNCTIONS[token.lower()](values)
    return _Fraction(symbol(token))


def _floored(values: list[_Fraction]) -> _Fraction:
    return _Fraction(values[0].above // values[0].below)


def _ceiled(values: list[_Fraction]) -> _Fraction:
    return _Fraction(-(-values[0].above // values[0].below))


def _whole(values: list[_Fraction]) -> list[Size]:
    if any(value.below != 1 for value in values):
        raise NotASize("a fraction stands where an integer is needed")
    return [value.above for value in values]


def _modulo(values: list[_Fraction]) -> _Fraction:
    left, right = _whole(values)
    _nonzero(right)
    return _Fraction(left - (left // right) * right)


def _floor_divided(values: list[_Fraction]) -> _Fraction:
    left, right = _whole(values)
    _nonzero(right)
    return _Fraction(left // right)


def _nonzero(size: Size) -> None:
    if isinstance(size, int) and size == 0:
        raise NotASize("a division by zero")


_FUNCTIONS: Final[dict[str, Callable[[list[_Fraction]], _Fraction]]] = {
    "floor": _floored,
    "ceil": _ceiled,
    "ceiling": _ceiled,
    "max": lambda values: _Fraction(larger(*_whole(values))),
    "min": lambda values: _Fraction(smaller(*_whole(values))),
    "mod": _modulo,
    "floordiv": _floor_divided,
    "cleandiv": _floor_divided,
}
_ARGUMENTS: Final = {
    "floor": (1, 1),
    "ceil": (1, 1),
    "ceiling": (1, 1),
    "max": (1, 99),
    "min": (1, 99),
    "mod": (2, 2),
    "floordiv": (2, 2),
    "cleandiv": (2, 2),
}


# -- domains ---------------------------------------------------------------------------------------------------------


def parse_domain(text: str) -> SizeSet:
    """The set of sizes that a domain states; raises NotASize, also where it holds no size.

    domain := term { "|" term } [in A..B];  term := INT | A..B [step K] | A.. | multiple of K | K*k + R [in ..] | any

    A bound behind `K*k + R` is its own, a last one behind any other term is that of the whole domain.
    """
    parser = _Parser(text)
    if not parser.tokens:
        raise NotASize('a domain is empty; write for example "multiple of 32" or "64..512"')
    total = NO_SIZE
    while True:
        total = total | _domain_term(parser)
        if not parser.take("|"):
            break
    if parser.take("in"):
        total = total & _bounds(parser)
        if parser.next:
            raise parser.fault("the end")
    if parser.next:
        raise parser.fault("`|`, `in` or the end")
    if not total.is_complete:
        raise NotASize(f"the domain `{text}` repeats only after too many sizes")
    if total.is_empty:
        raise NotASize(f"no size is in the domain `{text}`")
    return total


def _domain_term(parser: _Parser) -> SizeSet:
    if parser.take("any"):
        return EVERY_SIZE
    if parser.take("multiple", "multiples"):
        parser.need("of")
        return SizeSet.of_multiples(_positive(parser))
    first = parser.number()
    if parser.take("*"):
        parser.need("k")
        if first == 0:
            raise NotASize(f"`0*k` in `{parser.text}` is no class of sizes")
        sign = parser.take("+", "-")
        rest = _at_most(parser, parser.number()) if sign else 0
        if first >= SIZE_LIMIT:
            raise NotASize(f"`{first}` in `{parser.text}` is no size")
        terms = SizeSet.of_multiples(first, rest if sign != "-" else (-rest) % first)
        return terms & _bounds(parser) if parser.take("in") else terms
    if parser.take(".."):
        last = _last(parser, first)
        step = _positive(parser) if parser.take("step") else 1
        return SizeSet.of_range(first, last, step)
    _at_most(parser, first)
    if first == 0:
        raise NotASize(f"`0` in `{parser.text}` is no size; a size is at least 1")
    return SizeSet.of_range(first, first)


def _bounds(parser: _Parser) -> SizeSet:
    first = parser.number()
    parser.need("..")
    return SizeSet.of_range(first, _last(parser, first))


def _last(parser: _Parser, first: int) -> int | None:
    """The upper bound of a range from `first` on; None where there is none or it is as large as sizes get."""
    _at_most(parser, first)
    if not parser.next.isdecimal():
        return None
    number = parser.number()
    if number >= SIZE_LIMIT - 1:
        return None
    if number > _LARGEST_BOUND:
        raise NotASize(f"`{number}` in `{parser.text}` is more than {_LARGEST_BOUND:,}; leave the upper bound out")
    if first > number:
        raise NotASize(f"`{first}..{number}` in `{parser.text}` is empty; the smaller size stands first")
    return number


def _at_most(parser: _Parser, number: int) -> int:
    """`number`, if a domain may name it."""
    if number > _LARGEST_BOUND:
        raise NotASize(f"`{number}` in `{parser.text}` is more than the largest size to name, {_LARGEST_BOUND:,}")
    return number


def _positive(parser: _Parser) -> int:
    number = parser.number()
    if not 0 < number < SIZE_LIMIT:
        raise NotASize(f"`{number}` in `{parser.text}` is no size; a size is at least 1")
    return number


def is_name(text: str) -> bool:
    """Whether `text` is a single name, not an expression."""
    return re.fullmatch(r"[^\W\d]\w*(\.\w+)*", text) is not None
