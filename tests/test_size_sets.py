"""SizeSet against Python sets: canonical form, algebra, words, domains."""

from __future__ import annotations

import json
from itertools import islice
from random import Random

import pytest

from shapelint.size import EVERY_SIZE, NO_SIZE, SizeSet, Undecided
from shapelint.size.parse import parse_domain
from shapelint.size.sequence import Members
from shapelint.size.sizeset import scaled

UPTO = 4096


def random_flags(random: Random) -> tuple[int, int, list[bool]]:
    start, period = random.choice([0, 0, 1, random.randint(0, 60)]), random.choice([1, 2, 4, 6, 8, 12, 30, 32])
    density = random.choice([0.0, 0.05, 0.2, 0.5, 0.9, 1.0])
    tail = [random.random() < density for _ in range(period)]
    if random.random() < 0.4:
        shorter = random.choice([k for k in range(1, period + 1) if period % k == 0])
        tail = (tail[:shorter] * period)[:period]
    head = [random.random() < random.choice([0.0, 0.1, 0.5, 1.0]) for _ in range(start)]
    return start, period, head + tail


def plain(start: int, period: int, flags: list[bool], upto: int = UPTO) -> set[int]:
    def holds(n: int) -> bool:
        return flags[n - 1] if n <= start + period else flags[start + (n - 1 - start) % period]

    return {n for n in range(1, upto + 1) if holds(n)}


def random_set(random: Random) -> tuple[SizeSet, set[int]]:
    parts = random_flags(random)
    return SizeSet.of_members(Members(*parts)), plain(*parts)


def listed(of: SizeSet, upto: int = UPTO) -> set[int]:
    """Read off the written form alone."""
    found = {n for low, high in of.extra for n in range(low, min(high, upto) + 1)}
    if of.residues:
        found |= {n for n in range(of.start, upto + 1) if n % of.period in of.residues}
    return found


def assert_canonical(of: SizeSet, members: set[int]) -> None:
    """The form that INTERFACE.md and DESIGN.md describe; `members` reach far beyond threshold and period."""
    assert listed(of) == members
    assert all(1 <= low <= high for low, high in of.extra)
    assert all(one[1] + 1 < two[0] for one, two in zip(of.extra, of.extra[1:], strict=False))
    if not of.residues:
        assert (of.start, of.period) == (0, 1)
        return
    assert list(of.residues) == sorted({r for r in of.residues if 0 <= r < of.period})
    assert of.start in members
    assert all(high < of.start for _, high in of.extra)
    for shorter in range(1, of.period):
        tail = range(1000, UPTO - shorter + 1)
        assert any((n in members) is not (n + shorter in members) for n in tail)

    def fits(n: int) -> bool:
        return (n in members) is (n % of.period in of.residues)

    earlier = [n for n in sorted(members) if n < of.start and all(fits(m) for m in range(n, of.start))]
    assert not earlier


@pytest.mark.parametrize("batch", range(20))
def test_canonical_form_and_algebra(batch: int) -> None:
    random = Random(batch)
    for _ in range(25):
        (one, a), (two, b) = random_set(random), random_set(random)
        assert_canonical(one, a)
        for combined, members in ((one & two, a & b), (one | two, a | b), (one - two, a - b)):
            assert_canonical(combined, members)
        assert_canonical(~one, set(range(1, UPTO + 1)) - a)
        assert (one <= two) is (a <= b)
        assert (one == two) is (a == b)
        assert one.is_every is (len(a) == UPTO)
        assert one.is_empty is (not a)
        assert one.is_finite is (not a or max(a) < 1000)
        by = random.randint(1, 5)
        assert listed(scaled(one, by)) == {n * by for n in a if n * by <= UPTO}
        assert list(islice(one, 50)) == sorted(a)[:50]
        for n in [*range(-2, 90), *random.sample(range(UPTO), 20)]:
            assert (n in one) is (n in a)


@pytest.mark.parametrize("batch", range(10))
def test_nearest_and_pad_to(batch: int) -> None:
    random = Random(100 + batch)
    for _ in range(25):
        of, members = random_set(random)
        for n in [*range(1, 100), random.randrange(100, 2000)]:
            below = max((m for m in members if m <= n), default=None)
            above = min((m for m in members if m >= n), default=None)
            assert of.nearest(n) == (below, above)
        expected = None
        if of.residues:
            for m in range(1, 200):
                if all(k in members for k in range(m, UPTO, m) if k >= of.start):
                    expected = m
                    break
        assert of.pad_to == expected, of


@pytest.mark.parametrize("batch", range(10))
def test_domain_reads_back_and_json(batch: int) -> None:
    random = Random(200 + batch)
    for _ in range(30):
        of, _ = random_set(random)
        if of.is_empty:
            assert of.domain is None
        else:
            assert of.domain is not None
            assert parse_domain(of.domain) == of
        read = json.loads(json.dumps(of.to_json()))
        assert SizeSet(tuple(map(tuple, read["extra"])), read["start"], read["period"], tuple(read["residues"])) == of


def test_all_and_none() -> None:
    assert (EVERY_SIZE.extra, EVERY_SIZE.start, EVERY_SIZE.period, EVERY_SIZE.residues) == ((), 1, 1, (0,))
    assert (NO_SIZE.extra, NO_SIZE.start, NO_SIZE.period, NO_SIZE.residues) == ((), 0, 1, ())
    assert ~EVERY_SIZE == NO_SIZE
    assert ~NO_SIZE == EVERY_SIZE
    assert 0 not in EVERY_SIZE
    assert True not in EVERY_SIZE
    assert (EVERY_SIZE.pad_to, NO_SIZE.pad_to) == (1, None)


# The words of INTERFACE.md: text, domain.
WORDS = [
    (SizeSet(((1, 1),), 7, 8, (0, 7)), "multiples of 8, or 1 less; also 1", "8*k | 8*k + 7 in 7.. | 1"),
    (SizeSet((), 29, 32, (0, 29, 30, 31)), "multiples of 32, or up to 3 less", None),
    (SizeSet(((64, 79),)), "64 to 79", "64..79"),
    (SizeSet((), 29, 1, (0,)), "from 29", "29.."),
    (SizeSet((), 312, 320, (312,)), "312 (mod 320)", "320*k + 312 in 312.."),
    (SizeSet((), 1, 1, (0,)), "any", "any"),
    (SizeSet(), "none", None),
    (SizeSet((), 32, 32, (0,)), "multiples of 32", "32*k"),
    (SizeSet((), 64, 32, (0,)), "multiples of 32 from 64", "32*k in 64.."),
    (SizeSet((), 8, 8, (0, 1)), "multiples of 8, or 1 more from 8", "8*k | 8*k + 1 in 9.."),
    (SizeSet(((5, 5),)), "5", "5"),
    (SizeSet(((5, 5), (9, 9))), "5, 9", "5 | 9"),
    (SizeSet(tuple((n, n) for n in range(64, 513, 16))), "64 to 512 in steps of 16", "64..512 step 16"),
    (SizeSet(((2, 2), (4, 4), (6, 6), (8, 8), (20, 24))), "2 to 8 in steps of 2, 20 to 24", "2..8 step 2 | 20..24"),
    (SizeSet(((2, 2), (4, 4), (6, 6))), "2, 4, 6", "2 | 4 | 6"),
    (SizeSet(((1, 1), (3, 3), (5, 5), (7, 7)), 16, 8, (0,)), "multiples of 8 from 16; also 1 to 7 in steps of 2", None),
    (
        SizeSet((), 26, 32, (0, 1, 3, 5, 7, 9, 26, 31)),
        "from 26, 8 of every 32 sizes, the multiples of 32 among them",
        None,
    ),
    (
        SizeSet((), 3, 32, (1, 3, 5, 7, 9, 11, 14, 17, 20, 23)),
        "from 3, 10 of every 32 sizes, no multiple of 32 among them",
        None,
    ),
    (SizeSet(((3, 4),), checked_to=65536), "3 to 4 (searched up to 65,536)", None),
]


@pytest.mark.parametrize(("of", "text", "domain"), WORDS, ids=[text for _, text, _ in WORDS])
def test_words(of: SizeSet, text: str, domain: str | None) -> None:
    assert of.text == text
    assert str(of) == text
    if domain is not None or of.is_empty or of.checked_to:
        assert of.domain == domain


def test_searched_sets_raise_above_their_bound() -> None:
    found = SizeSet(((3, 4), (100, 100)), checked_to=65536)
    assert 4 in found
    assert 5 not in found
    with pytest.raises(Undecided):
        _ = 65537 in found
    with pytest.raises(Undecided):
        _ = ~found
    even = SizeSet.of_multiples(2)
    assert (found & even) == SizeSet(((4, 4), (100, 100)), checked_to=65536)
    assert (found & SizeSet.of_sizes([3, 7])) == SizeSet.of_sizes([3])
    assert (found | EVERY_SIZE) == EVERY_SIZE
    assert (found & NO_SIZE) == NO_SIZE
    union = found | even
    assert union.checked_to == 65536
    assert 3 in union
    assert 65534 in union
    assert not found.is_complete
    assert SizeSet.of_sizes([3, 4]) <= found
    with pytest.raises(Undecided):
        _ = even <= found


def test_sets_beyond_every_list() -> None:
    """Thresholds and periods that are never written out as flags."""
    far = SizeSet.of_multiples(2**30)
    assert 2**30 in far
    assert far.pad_to == 2**30
    assert (far & SizeSet.of_range(1, 100)) == NO_SIZE
    assert (far & SizeSet.of_range(2**30, 2**30 + 5)) == SizeSet.of_sizes([2**30])
    both = SizeSet.of_multiples(65_521) & SizeSet.of_multiples(65_519)
    assert both.checked_to == 65_536
    assert both.is_empty
    assert ~SizeSet.of_sizes([2**30]) == SizeSet(((1, 2**30 - 1),), 2**30 + 1, 1, (0,))
    assert SizeSet.of_range(1, 2**20) - SizeSet.of_range(5, 2**20 - 1) == SizeSet(((1, 4), (2**20, 2**20)))
    assert SizeSet.of_range(0, None, 8) == SizeSet.of_multiples(8)
    assert SizeSet.of_range(-13, None, 8) == SizeSet((), 3, 8, (3,))
    assert SizeSet.of_range(0, 32, 8) == SizeSet.of_sizes([8, 16, 24, 32])
