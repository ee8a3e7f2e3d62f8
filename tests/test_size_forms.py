"""One object a function: canonical forms, their order, and their words that read back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from shapelint.size import Table, cdiv, evaluate, larger, product, smaller
from shapelint.size.parse import parse_dim

sys.path.insert(0, str(Path(__file__).parent))

import networks


def test_listed_identities_are_one_object() -> None:
    """DESIGN.md, Sizes."""
    table = Table()
    h, w = table.symbol("H"), table.symbol("W")
    assert (h + 2 - 3) // 2 + 1 is cdiv(h, 2)
    assert cdiv(h, 2) is h - h // 2
    assert cdiv(h, 2) is (h + 1) // 2
    assert (h - 1) // 2 + 1 is (h + 1) // 2
    assert cdiv(h, 7) is (h + 6) // 7
    for m in range(2, 8):
        for d in range(2, 8):
            for c in range(-5, 6):
                assert ((h // m) + c) // d is (h + c * m) // (m * d)
                assert (cdiv(h, m) + c) // d is (h + c * m + m - 1) // (m * d)
                assert cdiv(h // m + c, d) is (h + c * m + m * (d - 1)) // (m * d)
            assert cdiv(cdiv(h, m), d) is cdiv(h, m * d)
    assert (4 * h + 3) // 2 is 2 * h + 1
    assert (6 * h + 5) // 4 is (3 * h + 2) // 2
    assert (h * w) // w is h
    assert (6 * h * w) // (4 * w) is 3 * h // 2
    assert ((h + 1) * w) // (h + 1) is w
    assert h * w is w * h
    assert (h + 1) * w * 2 is w * (2 * h + 2)
    assert h % 8 is h - 8 * (h // 8)
    assert (h % 8) % 4 is h % 4
    assert larger(h, 0) is h
    assert smaller(h, h + 3) is h
    assert smaller(h // 2, cdiv(h, 2)) is h // 2
    assert larger(larger(h, w), h) is larger(w, h)
    assert product([h, 2, w]) is 2 * (w * h)
    assert (5 * h + 4 * (h // 4)) // 4 is h + (h + 4 * (h // 4)) // 4
    assert smaller(h, 1) == 1
    assert (h % 8) // 8 == 0


def one_floor(random: Random, h: object) -> tuple[object, tuple[int, ...]]:
    """One floor in one of many spellings."""
    a, d, b = random.randint(1, 4), random.randint(2, 8), random.randint(-6, 6)
    whole, const = random.randint(-1, 2), random.randint(-2, 2)
    values = tuple((a * n + b) // d + whole * n + const for n in range(1, 200))
    match random.randrange(6):
        case 0:
            size = (a * h + b) // d + whole * h + const
        case 1:
            size = -cdiv(-(a * h + b), d) + whole * h + const
        case 2:
            size = ((a + whole * d) * h + b + const * d) // d
        case 3:
            size = cdiv(a * h + b - d + 1, d) + const + h * whole
        case 4:
            size = (3 * (a * h + b) + 2) // (3 * d) + whole * h + const
        case _:
            size = (a + whole) * h - cdiv((d * a - a) * h - b, d) + const
    return size, values


def two_floors(random: Random, h: object, *, nested: bool) -> tuple[object, tuple[int, ...]]:
    numbers = list(range(1, 260))
    one, two = random.choice([2, 3, 4]), random.choice([2, 3, 4])
    a, b, c, e = (random.randint(-3, 3) for _ in range(4))
    f, g = random.choice([1, 1, 2, 3]), random.choice([1, -1, 2])
    if nested:
        size = (f * ((h + a) // one) + g * h + b) // two + c * h
        values = tuple((f * ((n + a) // one) + g * n + b) // two + c * n for n in numbers)
    else:
        size = f * ((h + a) // one) + g * ((h + b) // two) + c * h + e
        values = tuple(f * ((n + a) // one) + g * ((n + b) // two) + c * n + e for n in numbers)
    return size, values


def forms(make: object, count: int) -> tuple[int, int]:
    """The number of functions tried, and of those with more than one form."""
    random = Random(7)
    h = Table().symbol("H")
    found: dict[tuple[int, ...], set[object]] = {}
    for _ in range(count):
        size, values = make(random, h)  # type: ignore[operator]
        found.setdefault(values, set()).add(size)
    return len(found), sum(len(spelled) > 1 for spelled in found.values())


def test_one_floor_has_one_form() -> None:
    functions, ambiguous = forms(one_floor, 12_000)
    assert functions > 2_000
    assert ambiguous == 0


def test_nested_floors_have_few_forms() -> None:
    functions, ambiguous = forms(lambda random, h: two_floors(random, h, nested=True), 4_000)
    assert functions > 1_000
    assert ambiguous <= functions // 20, (functions, ambiguous)


def test_sums_of_floors_have_few_forms() -> None:
    functions, ambiguous = forms(lambda random, h: two_floors(random, h, nested=False), 4_000)
    assert functions > 1_000
    assert ambiguous <= functions // 40, (functions, ambiguous)


def printable(random: Random) -> tuple[Table, object]:
    table = Table()
    sizes = [table.symbol(name) for name in ("H", "W", "s53")]
    for _ in range(random.randint(1, 7)):
        one, two = random.choice(sizes), random.choice(sizes)
        a, b, d = random.randint(-4, 4), random.randint(-9, 9), random.randint(2, 9)
        made = [
            lambda one=one, a=a, b=b: a * one + b,
            lambda one=one, b=b, d=d: (one + b) // d,
            lambda one=one, b=b, d=d: cdiv(one + b, d),
            lambda one=one, two=two, a=a: one + a * two,
            lambda one=one, two=two: one * two,
            lambda one=one, two=two, b=b: smaller(one, two, b),
            lambda one=one, two=two, b=b: larger(one, two + b),
            lambda one=one, d=d: one % d,
            lambda one=one, two=two: one // (two + 10),
        ][random.randrange(9)]()
        if not isinstance(made, int):
            sizes.append(made)
    return table, sizes[-1]


@pytest.mark.parametrize("batch", range(8))
def test_words_read_back_as_the_same_object(batch: int) -> None:
    from shapelint.size.text import write

    for number in range(300):
        table, size = printable(Random(batch * 1000 + number))
        assert parse_dim(str(size), table.symbol) is size, (batch, number, str(size))
        plain = write(size, ceil=False)
        assert parse_dim(plain, table.symbol) is size, (batch, number, plain)
        values = {"H": 37, "W": 5, "s53": 224}
        try:
            expected = evaluate(size, {symbol: values[symbol.name] for symbol in table.symbols})
        except ZeroDivisionError:
            continue
        found = eval(plain, {"__builtins__": {}, "min": min, "max": max}, values)  # Python reads it the same way
        assert found == expected, (batch, number, plain)


SPELLED = [
    (lambda h, w: cdiv(h, 8) * 8, "8*ceil(H/8)"),
    (lambda h, w: h // 2, "H//2"),
    (lambda h, w: 2 * (h // 2), "2*(H//2)"),
    (lambda h, w: h * w, "H*W"),
    (lambda h, w: -(h // 2) + 5, "5 - H//2"),
]


@pytest.mark.parametrize(("make", "text"), SPELLED[:4], ids=[text for _, text in SPELLED[:4]])
def test_words(make: object, text: str) -> None:
    table = Table()
    assert str(make(table.symbol("H"), table.symbol("W"))) == text  # type: ignore[operator]


DIMS = [
    ("8*(((s53 - 1)//8)) + 8", lambda n: 8 * ((n - 1) // 8) + 8),
    ("floor(s53/2 - 1/2)", lambda n: (n - 1) // 2),
    ("16s53", lambda n: 16 * n),
    ("ceil(s53/2)", lambda n: (n + 1) // 2),
    ("ceiling(s53/3) + 1", lambda n: (n + 2) // 3 + 1),
    ("-s53//2 + 10", lambda n: -n // 2 + 10),
    ("-(s53//2)", lambda n: -(n // 2)),
    ("s53 % 4", lambda n: n % 4),
    ("-s53 % 4", lambda n: -n % 4),
    ("Mod(s53, 4)", lambda n: n % 4),
    ("FloorDiv(s53, 4)", lambda n: n // 4),
    ("max(1, s53//4)", lambda n: max(1, n // 4)),
    ("0.5*s53*2", lambda n: n),
    ("floor(0.75*s53)", lambda n: 3 * n // 4),
    ("2 s53 // 3", lambda n: 2 * n // 3),
]


@pytest.mark.parametrize(("text", "plain"), DIMS, ids=[text for text, _ in DIMS])
def test_dims_as_exporters_write_them(text: str, plain: object) -> None:
    table = Table()
    size = parse_dim(text, table.symbol)
    for n in range(1, 60):
        assert evaluate(size, {table.symbols[0]: n}) == plain(n)  # type: ignore[operator]


def words_of_networks() -> str:
    lines = []
    for seed in range(60):
        random = Random(seed)
        table = Table()
        points = [1, 2, 3, 50]
        grown = networks.grow(random, table.symbol("H"), points, 8)
        other = networks.grow(random, table.symbol("W"), points, 4)
        lines.append(str(grown[-1].size * other[-1].size + grown[-2].size))
        lines.append(str(networks.condition(random, [*grown, *other]).held))
    return "\n".join(lines)


def test_order_is_that_of_no_hash() -> None:
    """Other hash seeds, and so other addresses, print the same words."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; import test_size_forms as t; print(t.words_of_networks())"
    expected = words_of_networks()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected.strip()


def test_order_is_that_of_no_construction() -> None:
    """Parts made in another order make the same words, where the symbols were made in the same order."""
    for seed in range(100):
        random = Random(seed)
        makes = []
        for _ in range(5):
            a, b, d = random.randint(1, 5), random.randint(-5, 5), random.randint(2, 7)
            makes.append(lambda h, w, a=a, b=b, d=d: (a * h + w + b) // d)
            makes.append(lambda h, w, a=a, b=b: larger(h * w, a * w + b))
        texts = set()
        for _ in range(4):
            table = Table()
            h, w = table.symbol("H"), table.symbol("W")
            random.shuffle(makes)
            parts = [make(h, w) for make in makes]
            texts.add(f"{sum(parts)}; {smaller(*parts)}")
        assert len(texts) == 1
