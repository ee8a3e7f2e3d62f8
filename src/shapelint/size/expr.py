"""Integer expressions over the free input axes: canonical, hash-consed, exact.

`Size = int | Expr`. An `Expr` is a constant plus integer multiples of *atoms*: symbols, floor divisions, products,
minima and maxima, selections, roundings of float terms. Each `Table` holds one object per canonical form, so two
sizes of one table are the same form exactly if they are the same object; what the form does not show equal is decided
by `shapelint.size.sequence`. Expressions have + - * // % and no truth value: a shape function states conditions
(`shapelint.size.condition`) instead of branching.

Invariants: terms are ordered by structure, never by identity or hash; every atom is made after its parts; all
arithmetic is on Python integers; a symbol stands for an integer of at least 1, an opaque symbol for one of at least 0.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shapelint.size.condition import Condition
    from shapelint.size.floats import FloatTerm

DEPTH_LIMIT: Final = 120
"""How deep expressions may nest; real networks stay below 20, because a floor of a floor is one floor."""

PRODUCT_DEPTH: Final = 10
"""How much of the depth a product takes: each may double the digits of a value."""

MOST_FACTORS: Final = 64
"""How many factors a product may have."""

Key: TypeAlias = "tuple[Any, ...]"


class TooDeep(Exception):
    """An expression nests deeper than `DEPTH_LIMIT`, or is a product of more than `MOST_FACTORS`."""


class Atom:
    """One indivisible part of an expression; `lo` and `hi` bound its value, None where unbounded."""

    __slots__ = ("depth", "expr", "hi", "key", "lo", "mask", "table")

    table: Table
    key: Key
    mask: int
    depth: int
    lo: int | None
    hi: int | None
    expr: Expr

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.expr}>"


class Symbol(Atom):
    """A free axis, at least 1; or, if `opaque`, a size that only the data decides, at least 0."""

    __slots__ = ("bit", "name", "opaque")
    name: str
    opaque: bool
    bit: int


class Floor(Atom):
    """floor(of / by) for a constant `by` of at least 2."""

    __slots__ = ("by", "of")
    of: Expr
    by: int


class Quotient(Atom):
    """floor(of / by) where both may be expressions; where `by` is 0 it has no value."""

    __slots__ = ("by", "of")
    of: Expr
    by: Expr


class Product(Atom):
    """The product of two or more expressions without constant factors, sorted by structure."""

    __slots__ = ("factors",)
    factors: tuple[Expr, ...]


class Extreme(Atom):
    """The smallest or the largest of two or more expressions."""

    __slots__ = ("largest", "of")
    of: tuple[Expr, ...]
    largest: bool


class Select(Atom):
    """`then` where `condition` holds, else `other`."""

    __slots__ = ("condition", "other", "then")
    condition: Condition
    then: Expr
    other: Expr


class Rounded(Atom):
    """A float term made an integer by `floor`, `ceil`, `trunc` or `round` (half to even)."""

    __slots__ = ("mode", "of")
    of: FloatTerm
    mode: str


class Expr:
    """`const` plus the sum of coefficient times atom over `terms`; immutable, one object per form and table.

    `mask` has a bit for every symbol it depends on. The slots `sequence` and `text` cache what
    `shapelint.size.sequence` and `shapelint.size.text` make of it.
    """

    __slots__ = ("_bounds", "_key", "const", "depth", "mask", "sequence", "table", "terms", "text")

    table: Table
    terms: tuple[tuple[Atom, int], ...]
    const: int
    mask: int
    depth: int
    sequence: Any
    text: str | None

    def __init__(self, table: Table, terms: tuple[tuple[Atom, int], ...], const: int) -> None:
        self.table = table
        self.terms = terms
        self.const = const
        mask = depth = 0
        for atom, _ in terms:
            mask |= atom.mask
            if atom.depth > depth:
                depth = atom.depth
        self.mask = mask
        self.depth = depth
        self.sequence = None
        self.text = None
        self._key: Key | None = None
        self._bounds: tuple[int | None, int | None] | None = None

    # -- arithmetic ----------------------------------------------------------------------------------------------

    def __add__(self, other: Size) -> Size:
        if isinstance(other, int):
            return self.table.linear(self.terms, self.const + other) if other else self
        if not isinstance(other, Expr):
            return NotImplemented
        return self.table.combine(((self, 1), (other, 1)), 0)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self.table.combine(((self, -1),), 0)

    def __sub__(self, other: Size) -> Size:
        if isinstance(other, int):
            return self.table.linear(self.terms, self.const - other) if other else self
        if not isinstance(other, Expr):
            return NotImplemented
        if self is other:
            return 0
        return self.table.combine(((self, 1), (other, -1)), 0)

    def __rsub__(self, other: int) -> Size:
        return self.table.combine(((self, -1),), other)

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, int):
            if other == 1:
                return self
            return self.table.combine(((self, other),), 0) if other else 0
        if not isinstance(other, Expr):
            return NotImplemented
        return self.table.product(self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        if isinstance(other, int):
            return self.table.floor(self, other)
        if not isinstance(other, Expr):
            return NotImplemented
        return self.table.quotient(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return self.table.quotient(other, self)

    def __mod__(self, other: Size) -> Size:
        return self - other * (self // other)

    def __rmod__(self, other: int) -> Size:
        return other - self * (other // self)

    def __bool__(self) -> bool:
        raise TypeError("a size that is not a number has no truth value; state a condition instead")

    def __lt__(self, other: object) -> bool:
        raise TypeError("sizes are compared by `shapelint.size.condition`, which may answer neither yes nor no")

    __le__ = __gt__ = __ge__ = __lt__

    def __str__(self) -> str:
        from shapelint.size.text import write

        return write(self)

    __repr__ = __str__

    # -- structure -----------------------------------------------------------------------------------------------

    @property
    def key(self) -> Key:
        """Orders expressions by structure."""
        if self._key is None:
            self._key = (tuple([(atom.key, factor) for atom, factor in self.terms]), self.const)
        return self._key

    @property
    def content(self) -> int:
        """The greatest constant factor; negative where the leading coefficient is."""
        common = gcd(self.const, *[factor for _, factor in self.terms])
        return -common if self.terms[0][1] < 0 else common

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols that it depends on, in the order in which the table made them."""
        return self.table.symbols_in(self.mask)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Bounds that hold whatever the symbols are; not always the best ones."""
        if self._bounds is None:
            self._bounds = self._bound()
        return self._bounds

    def _bound(self) -> tuple[int | None, int | None]:
        low: int | None = self.const
        high: int | None = self.const
        for atom, factor in self.terms:
            least, most = (atom.lo, atom.hi) if factor > 0 else (atom.hi, atom.lo)
            low = None if low is None or least is None else low + factor * least
            high = None if high is None or most is None else high + factor * most
        if (low is None or high is None) and len(self.terms) > 1:
            for least, most in (self._bound_of_one_floor(), self._bound_of_remainder()):
                low = least if low is None else low
                high = most if high is None else high
        return low, high

    def _bound_of_one_floor(self) -> tuple[int | None, int | None]:
        """Bounds of n - n//2 and its like, read off the single floor that the sum is."""
        common = gcd(*[factor for _, factor in self.terms])
        floors = [(atom, factor) for atom, factor in self.terms if type(atom) is Floor]
        if len(floors) != 1 or abs(floors[0][1]) != common:
            return None, None
        atom, factor = floors[0]
        rest = self.table.linear(tuple([(a, f // common) for a, f in self.terms if a is not atom]), 0)
        numerator = _as_one_floor(rest, atom, factor > 0)
        if isinstance(numerator, int) or len(numerator.terms) >= len(self.terms):
            return None, None
        low, high = numerator.bounds
        return (
            None if low is None else low // atom.by * common + self.const,
            None if high is None else high // atom.by * common + self.const,
        )

    def _bound_of_remainder(self) -> tuple[int | None, int | None]:
        """Bounds of n - 8*(n//8) and its like: a remainder is at least 0 and below its divisor."""
        for atom, factor in self.terms:
            if type(atom) is Floor and factor % atom.by == 0:
                times = -(factor // atom.by)
                rest = tuple([term for term in self.terms if term[0] is not atom])
                if rest == tuple([(inner, coefficient * times) for inner, coefficient in atom.of.terms]):
                    ends = -atom.of.const * times, (atom.by - 1 - atom.of.const) * times
                    return min(ends) + self.const, max(ends) + self.const
        return None, None


Size: TypeAlias = int | Expr


def _as_one_floor(rest: Size, atom: Floor, positive: bool) -> Size:
    """The numerator N with rest ± floor(of / by) == floor(N / by)."""
    if positive:
        return rest * atom.by + atom.of
    return rest * atom.by - atom.of + (atom.by - 1)


class Table:
    """Makes expressions and keeps one object of each form."""

    def __init__(self) -> None:
        self._exprs: dict[Any, Expr] = {}
        self._atoms: dict[Any, Atom] = {}
        self._floors: dict[tuple[Expr, int], Size] = {}
        self._symbols: list[Symbol] = []
        self.conditions: dict[Any, Any] = {}
        """Interns `shapelint.size.condition` objects."""

    # -- symbols -------------------------------------------------------------------------------------------------

    def symbol(self, name: str, *, opaque: bool = False) -> Expr:
        """The expression that is the symbol `name`; a new symbol where there is none of that name."""
        key = (Symbol, name)
        known = self._atoms.get(key)
        if known is not None:
            return known.expr
        atom = Symbol()
        atom.name = name
        atom.opaque = opaque
        atom.bit = 1 << len(self._symbols)
        self._symbols.append(atom)
        atom.mask = atom.bit
        atom.depth = 0
        atom.lo, atom.hi = (0 if opaque else 1), None
        return self._enter(atom, key, (0, len(self._symbols), name))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol made so far."""
        return tuple(self._symbols)

    def symbols_in(self, mask: int) -> tuple[Symbol, ...]:
        """The symbols whose bits are in `mask`."""
        return tuple([symbol for symbol in self._symbols if symbol.bit & mask])

    # -- linear combinations -------------------------------------------------------------------------------------

    def linear(self, terms: tuple[tuple[Atom, int], ...], const: int) -> Size:
        """The size with these terms, which are in order and have no zero coefficient."""
        if not terms:
            return const
        key = (const, terms)
        known = self._exprs.get(key)
        if known is None:
            known = self._exprs[key] = Expr(self, terms, const)
            if known.depth > DEPTH_LIMIT:
                raise TooDeep
        return known

    def combine(self, parts: Iterable[tuple[Expr, int]], const: int) -> Size:
        """`const` plus the sum of factor times expression over `parts`."""
        total: dict[Atom, int] = {}
        for expr, factor in parts:
            const += expr.const * factor
            for atom, coefficient in expr.terms:
                total[atom] = total.get(atom, 0) + coefficient * factor
        return self._ordered(total, const)

    def _ordered(self, total: Mapping[Atom, int], const: int) -> Size:
        terms = [(atom, factor) for atom, factor in total.items() if factor]
        if len(terms) > 1:
            terms.sort(key=_term_key)
        return self.linear(tuple(terms), const)

    # -- division ------------------------------------------------------------------------------------------------

    def floor(self, of: Expr, by: int) -> Size:
        """floor(of / by) in its canonical form; raises ZeroDivisionError for 0."""
        if by == 1:
            return of
        if by == 0:
            raise ZeroDivisionError("a size divided by zero")
        if by < 0:
            negated = -of
            return negated // -by
        key = (of, by)
        known = self._floors.get(key)
        if known is None:
            known = self._floors[key] = self._floor(of, by)
        return known

    def _floor(self, of: Expr, by: int) -> Size:
        common = gcd(by, *[factor for _, factor in of.terms])
        if common > 1:
            reduced = self.linear(tuple([(atom, factor // common) for atom, factor in of.terms]), of.const // common)
            return reduced // (by // common)
        whole: dict[Atom, int] = {}
        part: list[tuple[Atom, int]] = []
        for atom, factor in of.terms:
            multiple, rest_factor = divmod(factor, by)
            if multiple:
                whole[atom] = multiple
            if rest_factor:
                part.append((atom, rest_factor))
        const, rest_const = divmod(of.const, by)
        if not part:
            return self._ordered(whole, const)
        floors = [term for term in part if type(term[0]) is Floor and term[1] in (1, by - 1)]
        if len(floors) == 1:
            return self._ordered(whole, const) + self._floor_of_floor(part, rest_const, floors[-1], by, whole)
        sign = 1
        leading = 2 * part[0][1]
        if leading > by or (leading == by and 2 * rest_const > by - 1):
            sign = -1
            for position, (atom, factor) in enumerate(part):
                whole[atom] = whole.get(atom, 0) + 1
                part[position] = (atom, by - factor)
            rest_const = by - 1 - rest_const
        numerator = self.linear(tuple(part), rest_const)
        assert isinstance(numerator, Expr)
        low, high = numerator.bounds
        low = None if low is None else low // by
        high = None if high is None else high // by
        if low is not None and low == high:
            return self._ordered(whole, const + sign * low)
        key = (Floor, numerator, by)
        known = self._atoms.get(key)
        if known is None:
            known = floor = Floor()
            floor.of, floor.by = numerator, by
            floor.lo, floor.hi = low, high
            floor.mask, floor.depth = numerator.mask, numerator.depth + 1
            self._enter(floor, key, (1, by, numerator.key))
        whole[known] = whole.get(known, 0) + sign
        return self._ordered(whole, const)

    def _floor_of_floor(
        self, part: list[tuple[Atom, int]], const: int, floor: tuple[Atom, int], by: int, whole: Mapping[Atom, int]
    ) -> Size:
        """floor((part + const) / by) where `floor`, a term of `part`, has a coefficient of 1 or -1 modulo `by`.

        Modulo 2 it is both, and is taken as what it was before the whole multiples were split off.
        """
        atom, factor = floor
        assert isinstance(atom, Floor)
        rest = self.linear(tuple([term for term in part if term[0] is not atom]), const)
        if factor == 1 and not (by == 2 and whole.get(atom, 0) < 0):
            return _as_one_floor(rest, atom, True) // (atom.by * by)
        return atom.expr + _as_one_floor(rest, atom, False) // (atom.by * by)

    def quotient(self, of: Size, by: Size) -> Size:
        """floor(of / by); factors that both sides share are cancelled where the division is exact."""
        if isinstance(by, int):
            return of // by
        if of is by:
            return 1
        if isinstance(of, int) and of == 0:
            return 0
        constant, factors = _monomial(by)
        if constant < 0:
            return self.quotient(-of, -by)
        if isinstance(of, Expr):
            above_constant, above = _monomial(of)
            left = []
            for factor in factors:
                if factor in above:
                    above.remove(factor)
                else:
                    left.append(factor)
            if not left:
                return self.times(above_constant, above) // constant
            common = gcd(above_constant, constant)
            if len(left) < len(factors) or common > 1:
                rest = self.times(above_constant // common, above)
                return self.quotient(rest, self.times(constant // common, left))
        key = (Quotient, of, by)
        known = self._atoms.get(key)
        if known is not None:
            return known.expr
        atom = Quotient()
        atom.of, atom.by = self.constant(of), by
        low, high = (of, of) if isinstance(of, int) else of.bounds
        least = by.bounds[0]
        atom.lo = 0 if low is not None and low >= 0 and least is not None and least >= 0 else None
        atom.hi = high if atom.lo == 0 else None
        atom.mask = by.mask | atom.of.mask
        atom.depth = max(atom.of.depth, by.depth) + 1
        return self._enter(atom, key, (2, atom.of.key, by.key))

    def constant(self, value: Size) -> Expr:
        """`value` as an expression, for places that hold expressions only."""
        if isinstance(value, Expr):
            return value
        key = (value, ())
        known = self._exprs.get(key)
        if known is None:
            known = self._exprs[key] = Expr(self, (), value)
        return known

    # -- products ------------------------------------------------------------------------------------------------

    def product(self, left: Expr, right: Expr) -> Size:
        """left * right."""
        constant, factors = _monomial(left)
        other, more = _monomial(right)
        return self.times(constant * other, [*factors, *more])

    def times(self, constant: int, factors: list[Expr]) -> Size:
        """`constant` times the product of `factors`, which have no constant factors and are no products."""
        if constant == 0:
            return 0
        if not factors:
            return constant
        if len(factors) == 1:
            return factors[0] * constant
        ordered = tuple(sorted(factors, key=_expr_key))
        key = (Product, ordered)
        known = self._atoms.get(key)
        if known is None:
            known = atom = Product()
            atom.factors = ordered
            atom.lo, atom.hi, atom.mask = 1, 1, 0
            for factor in ordered:
                low, high = factor.bounds
                atom.lo = None if atom.lo is None or low is None or low < 0 else atom.lo * low
                atom.hi = None if atom.hi is None or atom.lo is None or high is None else atom.hi * high
                atom.mask |= factor.mask
            atom.depth = max([factor.depth for factor in ordered]) + PRODUCT_DEPTH
            if len(ordered) > MOST_FACTORS:
                raise TooDeep
            self._enter(atom, key, (3, tuple([factor.key for factor in ordered])))
        return self.linear(((known, constant),), 0)

    # -- choices -------------------------------------------------------------------------------------------------

    def extreme(self, sizes: Iterable[Size], *, largest: bool) -> Size:
        """The smallest or the largest of `sizes`; what the bounds decide is left out."""
        constants: list[int] = []
        exprs: dict[Expr, None] = {}
        for size in sizes:
            if isinstance(size, int):
                constants.append(size)
                continue
            term = size.terms[0][0]
            if isinstance(term, Extreme) and size is term.expr and term.largest is largest:
                for inner in term.of:
                    if inner.terms:
                        exprs[inner] = None
                    else:
                        constants.append(inner.const)
            else:
                exprs[size] = None
        kept: list[Expr] = []
        for expr in sorted(exprs, key=_expr_key):
            if not any(_beats(other, expr, largest) for other in kept):
                kept = [other for other in kept if not _beats(expr, other, largest)]
                kept.append(expr)
        if constants:
            limit = max(constants) if largest else min(constants)
            for expr in kept:
                low, high = expr.bounds
                if (largest and low is not None and low >= limit) or (
                    not largest and high is not None and high <= limit
                ):
                    break
            else:
                keep = [expr for expr in kept if not _below(expr, limit, largest)]
                if not keep:
                    return limit
                kept = [self.constant(limit), *keep]
        if len(kept) == 1:
            return kept[0]
        of = tuple(kept)
        key = (Extreme, largest, of)
        known = self._atoms.get(key)
        if known is not None:
            return known.expr
        atom = Extreme()
        atom.of, atom.largest = of, largest
        lows = [expr.bounds[0] if expr.terms else expr.const for expr in of]
        highs = [expr.bounds[1] if expr.terms else expr.const for expr in of]
        atom.lo = _extreme_bound(lows, largest, known_helps=largest)
        atom.hi = _extreme_bound(highs, largest, known_helps=not largest)
        atom.mask = 0
        for expr in of:
            atom.mask |= expr.mask
        atom.depth = max([expr.depth for expr in of]) + 1
        return self._enter(atom, key, (4, largest, tuple([expr.key for expr in of])))

    def select(self, condition: Condition, then: Size, other: Size) -> Size:
        """`then` where `condition` holds, else `other`."""
        if then is other or (isinstance(then, int) and isinstance(other, int) and then == other):
            return then
        key = (Select, condition, then, other)
        known = self._atoms.get(key)
        if known is not None:
            return known.expr
        atom = Select()
        atom.condition, atom.then, atom.other = condition, self.constant(then), self.constant(other)
        lows = [expr.bounds[0] for expr in (atom.then, atom.other)]
        highs = [expr.bounds[1] for expr in (atom.then, atom.other)]
        atom.lo = None if lows[0] is None or lows[1] is None else min(lows[0], lows[1])
        atom.hi = None if highs[0] is None or highs[1] is None else max(highs[0], highs[1])
        atom.mask = condition.mask | atom.then.mask | atom.other.mask
        atom.depth = max(condition.depth, atom.then.depth, atom.other.depth) + 1
        return self._enter(atom, key, (5, condition.key, atom.then.key, atom.other.key))

    def rounded(self, of: FloatTerm, mode: str) -> Expr:
        """The float term `of` made an integer by `mode`."""
        key = (Rounded, of, mode)
        known = self._atoms.get(key)
        if known is not None:
            return known.expr
        atom = Rounded()
        atom.of, atom.mode = of, mode
        atom.lo = 0 if of.is_nonnegative else None
        atom.hi = None
        atom.mask, atom.depth = of.mask, of.depth + 1
        return self._enter(atom, key, (6, mode, of.key))

    def _enter(self, atom: Atom, key: Any, structure: Key) -> Expr:
        atom.table = self
        atom.key = (structure[0], atom.depth, *structure[1:])
        if atom.depth > DEPTH_LIMIT:
            raise TooDeep
        self._atoms[key] = atom
        expr = self.linear(((atom, 1),), 0)
        assert isinstance(expr, Expr)
        atom.expr = expr
        return expr


def _term_key(term: tuple[Atom, int]) -> Key:
    return term[0].key


def _expr_key(expr: Expr) -> Key:
    return expr.key


def _monomial(expr: Expr) -> tuple[int, list[Expr]]:
    """`expr` as a constant times expressions without a constant factor."""
    content = expr.content
    if len(expr.terms) == 1 and expr.const == 0:
        atom = expr.terms[0][0]
        return content, list(atom.factors) if type(atom) is Product else [atom.expr]
    if content == 1:
        return 1, [expr]
    primitive = expr.table.linear(
        tuple([(atom, factor // content) for atom, factor in expr.terms]), expr.const // content
    )
    assert isinstance(primitive, Expr)
    return content, [primitive]


def _beats(other: Expr, expr: Expr, largest: bool) -> bool:
    """Whether `other` makes `expr` superfluous in a maximum (minimum), by a constant or bounded distance."""
    distance = other - expr if largest else expr - other
    low = distance if isinstance(distance, int) else distance.bounds[0]
    return low is not None and low >= 0


def _below(expr: Expr, limit: int, largest: bool) -> bool:
    low, high = expr.bounds
    return (high is not None and high <= limit) if largest else (low is not None and low >= limit)


def _extreme_bound(bounds: list[int | None], largest: bool, *, known_helps: bool) -> int | None:
    """The bound of an extreme from those of its parts: one known part is enough where `known_helps`."""
    known = [bound for bound in bounds if bound is not None]
    if not known or (len(known) < len(bounds) and not known_helps):
        return None
    return max(known) if largest else min(known)


def cdiv(size: Size, by: Size) -> Size:
    """ceil(size / by)."""
    return -(-size // by)


def smaller(*sizes: Size) -> Size:
    """The smallest of `sizes`."""
    return _extreme(sizes, largest=False)


def larger(*sizes: Size) -> Size:
    """The largest of `sizes`."""
    return _extreme(sizes, largest=True)


def _extreme(sizes: tuple[Size, ...], *, largest: bool) -> Size:
    for size in sizes:
        if isinstance(size, Expr):
            return size.table.extreme(sizes, largest=largest)
    numbers = [size for size in sizes if isinstance(size, int)]
    return max(numbers) if largest else min(numbers)


def product(sizes: Iterable[Size]) -> Size:
    """The product of `sizes`; 1 of none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


def low(size: Size) -> int | None:
    """The greatest number that `size` is known never to fall below, or None."""
    return size if isinstance(size, int) else size.bounds[0]


def high(size: Size) -> int | None:
    """The least number that `size` is known never to exceed, or None."""
    return size if isinstance(size, int) else size.bounds[1]
