"""Conditions equal those of the integer set library, for all integers: membership, and the periodic form itself."""

from __future__ import annotations

from random import Random

import pytest

from shapelint.size import Condition, SizeSet, Table, at_least, cdiv, divides, equal, set_of, solve

isl = pytest.importorskip("islpy")


class Term:
    """An expression, and the same as isl text whose floors are existential variables with their constraints."""

    def __init__(self, size: object, text: str, variables: tuple[str, ...] = (), bounds: tuple[str, ...] = ()) -> None:
        self.size = size
        self.text = text
        self.variables = variables
        self.bounds = bounds

    def affine(self, factor: int, const: int) -> Term:
        size = self.size * factor + const  # type: ignore[operator]
        return Term(size, f"({factor} * {self.text} + {const})", self.variables, self.bounds)

    def plus(self, other: Term, factor: int) -> Term:
        size = self.size + factor * other.size  # type: ignore[operator]
        variables = tuple(dict.fromkeys(self.variables + other.variables))
        bounds = tuple(dict.fromkeys(self.bounds + other.bounds))
        return Term(size, f"({self.text} + {factor} * {other.text})", variables, bounds)

    def divided(self, by: int, name: str, *, up: bool = False) -> Term:
        variables = (*self.variables, name)
        if up:
            bound = f"{by} * {name} >= {self.text} and {by} * {name} < {self.text} + {by}"
            return Term(cdiv(self.size, by), name, variables, (*self.bounds, bound))  # type: ignore[arg-type]
        bound = f"{by} * {name} <= {self.text} and {self.text} < {by} * {name} + {by}"
        return Term(self.size // by, name, variables, (*self.bounds, bound))  # type: ignore[operator]


def chain(random: Random, symbol: object, name: str, prefix: str, steps: int, *, gentle: bool = False) -> Term:
    term = Term(symbol, name)
    for step in range(steps):
        factor = random.choice([1, 1, 1, 2] if gentle else [1, 1, 2, 3, -1])
        term = term.affine(factor, random.randint(-4, 4))
        term = term.divided(random.randint(2, 3), f"{prefix}{step}", up=random.random() < 0.4)
    return term


def isl_set(space: str, base: str, term: Term, condition: str, extra: str = "") -> object:
    names = ", ".join((*term.variables, *([extra] if extra else [])))
    inside = " and ".join((*term.bounds, condition))
    return isl.Set(
        f"{{ [{space}] : {base} and exists ({names} : {inside}) }}"
        if names
        else f"{{ [{space}] : {base} and {inside} }}"
    )


def written(of: SizeSet) -> object:
    """The isl set of the canonical form."""
    words = [f"{low} <= n <= {high}" for low, high in of.extra]
    words += [f"(n >= {of.start} and n mod {of.period} = {residue})" for residue in of.residues]
    return isl.Set(f"{{ [n] : n >= 1 and ({' or '.join(words)}) }}") if words else isl.Set("{ [n] : 1 = 0 }")


def isl_members(of: object, upto: int) -> set[int]:
    found: list[int] = []
    window = of.intersect(isl.Set(f"{{ [n] : 1 <= n <= {upto} }}"))  # type: ignore[attr-defined]
    window.foreach_point(lambda point: found.append(point.get_coordinate_val(isl.dim_type.set, 0).to_python()))
    return set(found)


@pytest.mark.parametrize("batch", range(20))
def test_one_symbol(batch: int) -> None:
    random = Random(batch)
    for number in range(40):
        table = Table()
        symbol = table.symbol("n")
        one = chain(random, symbol, "n", "a", random.randint(0, 2))
        if random.random() < 0.6:
            one = one.plus(chain(random, symbol, "n", "b", random.randint(0, 2)), random.choice([1, -1, 2, -2]))
        kind = random.randrange(3)
        const = random.randint(-6, 6)
        if kind == 0:
            held = equal(one.size, const)  # type: ignore[arg-type]
            theirs = isl_set("n", "n >= 1", one, f"{one.text} = {const}")
        elif kind == 1:
            held = at_least(one.size, const)  # type: ignore[arg-type]
            theirs = isl_set("n", "n >= 1", one, f"{one.text} >= {const}")
        else:
            by = random.randint(2, 6)
            held = divides(by, one.size + const)  # type: ignore[operator]
            theirs = isl_set("n", "n >= 1", one, f"{one.text} + {const} = {by} * z", "z")
        ours = set_of(held)
        assert ours is not None
        assert ours.is_complete
        assert written(ours).is_equal(theirs), (batch, number, held, ours)
        assert {n for n in range(1, 200) if n in ours} == isl_members(written(ours), 199)


def domain(random: Random, name: str) -> tuple[SizeSet, str]:
    kind = random.randrange(5)
    if kind == 0:
        low, high = random.randint(1, 20), random.randint(20, 50)
        return SizeSet.of_range(low, high), f"{low} <= {name} <= {high}"
    if kind == 1:
        by = random.randint(2, 6)
        return SizeSet.of_multiples(by), f"{name} >= 1 and {name} mod {by} = 0"
    return SizeSet.of_range(1, None), f"{name} >= 1"


@pytest.mark.parametrize("batch", range(16))
def test_two_symbols(batch: int) -> None:
    """What `solve` leaves of each symbol is the projection of the coupled set."""
    random = Random(1000 + batch)
    undecided = 0
    for number in range(25):
        table = Table()
        height, width = table.symbol("h"), table.symbol("w")
        sets = {"h": domain(random, "h"), "w": domain(random, "w")}
        base = f"{sets['h'][1]} and {sets['w'][1]}"
        stated = [member(symbol, sets[name][0]) for name, symbol in (("h", height), ("w", width))]
        one = chain(random, height, "h", "a", random.randint(0, 2), gentle=True)
        two = chain(random, width, "w", "b", random.randint(0, 2), gentle=True)
        both = one.affine(random.randint(1, 3), 0).plus(two, random.choice([-1, -2, -3, 1]))
        kind = random.choice([0, 0, 0, 1, 2])
        const = random.randint(-4, 4)
        if kind == 0:
            held = equal(both.size, const)  # type: ignore[arg-type]
            theirs = isl_set("h, w", base, both, f"{both.text} = {const}")
        elif kind == 1:
            held = at_least(both.size, const)  # type: ignore[arg-type]
            theirs = isl_set("h, w", base, both, f"{both.text} >= {const}")
        else:
            by = random.randint(2, 6)
            held = divides(by, both.size + const)  # type: ignore[operator]
            theirs = isl_set("h, w", base, both, f"{both.text} + {const} = {by} * z", "z")
        solution = solve(table, [*stated, held])
        if solution.undecided:
            undecided += 1
            continue
        for place, symbol in enumerate(table.symbols):
            projected = theirs.project_out(isl.dim_type.set, 1 - place, 1)  # type: ignore[attr-defined]
            ours = solution.sets[symbol]
            assert ours.is_complete
            assert written(ours).is_equal(projected), (batch, number, symbol.name, held, ours, projected)
        assert solution.possible is not theirs.is_empty()  # type: ignore[attr-defined]
    assert undecided <= 2


def member(symbol: object, of: SizeSet) -> Condition | bool:
    """`of` stated as a condition."""
    if of.is_finite:
        low, high = of.extra[0]
        from shapelint.size import all_of

        return all_of([at_least(symbol, low), at_least(high, symbol)])  # type: ignore[arg-type]
    return divides(of.period, symbol)  # type: ignore[arg-type]


COUPLED = [
    (lambda h, w: equal(2 * h, 3 * w), "2h = 3w"),
    (lambda h, w: equal(2 * ((h + 1) // 2), w), "exists (q : 2q <= h + 1 < 2q + 2 and 2q = w)"),
    (lambda h, w: equal(h + w, 10), "h + w = 10"),
    (lambda h, w: equal(h - 2 * (h // 2), w - 4 * (w // 4)), "h mod 2 = w mod 4"),
    (lambda h, w: equal(h - 4 * (h // 4), w - 5), "h mod 4 = w - 5"),
    (lambda h, w: divides(7, 2 * h + 3 * w), "(2h + 3w) mod 7 = 0"),
    (lambda h, w: at_least(5, h + w), "h + w <= 5"),
    (lambda h, w: at_least(h // 3, w + 2), "exists (q : 3q <= h < 3q + 3 and q >= w + 2)"),
]


@pytest.mark.parametrize(("make", "text"), COUPLED, ids=[text for _, text in COUPLED])
def test_stated_couplings(make: object, text: str) -> None:
    table = Table()
    solution = solve(table, [make(table.symbol("h"), table.symbol("w"))])  # type: ignore[operator]
    assert not solution.undecided
    theirs = isl.Set(f"{{ [h, w] : h >= 1 and w >= 1 and {text} }}")
    for place, symbol in enumerate(table.symbols):
        projected = theirs.project_out(isl.dim_type.set, 1 - place, 1)
        assert written(solution.sets[symbol]).is_equal(projected)


@pytest.mark.parametrize("batch", range(8))
def test_chains_of_couplings(batch: int) -> None:
    """Several couplings without a cycle are solved; with a cycle they are at least not claimed."""
    random = Random(2000 + batch)
    solved = 0
    for number in range(25):
        table = Table()
        names = ["h", "w", "c"]
        symbols = [table.symbol(name) for name in names]
        held, words = [], ["h >= 1 and w >= 1 and c >= 1"]
        for _ in range(random.randint(2, 3)):
            one, two = random.sample(range(3), 2)
            a, b, const = random.randint(1, 3), random.randint(1, 3), random.randint(-3, 3)
            if random.random() < 0.5:
                held.append(equal(a * symbols[one], b * symbols[two] + const))
                words.append(f"{a}{names[one]} = {b}{names[two]} + {const}")
            else:
                by = random.randint(2, 4)
                held.append(divides(by, a * symbols[one] + b * symbols[two] + const))
                words.append(f"({a}{names[one]} + {b}{names[two]} + {const}) mod {by} = 0")
        theirs = isl.Set(f"{{ [h, w, c] : {' and '.join(words)} }}")
        solution = solve(table, held)
        solved += not solution.undecided
        for place, symbol in enumerate(table.symbols):
            projected = theirs
            for other in (2, 1, 0):
                if other != place:
                    projected = projected.project_out(isl.dim_type.set, other, 1)
            ours = written(solution.sets[symbol])
            if solution.undecided:
                assert projected.is_subset(ours), (batch, number, words)
            else:
                assert ours.is_equal(projected), (batch, number, words)
    assert solved >= 8
