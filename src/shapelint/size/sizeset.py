"""Sets of sizes n >= 1 that are periodic from some size on: exact, finite to write down, closed under and / or."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING, Final, TypedDict

from shapelint.size.sequence import LIMIT, Irregular, Members, bounded, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIZE_LIMIT: Final = 2**31
"""Sizes are below this; no runtime's tensors are larger."""

_JOIN_LIMIT: Final = 2**21
"""The largest threshold plus period of a set that is made of two others; beyond it they are searched up to `LIMIT`."""


class Undecided(ValueError):
    """A size above the bound up to which an irregular set was searched."""


class SizeSetJson(TypedDict):
    """A set as it stands in reports."""

    extra: list[list[int]]
    start: int
    period: int
    residues: list[int]


@dataclass(frozen=True, slots=True)
class SizeSet:
    """The sizes n with n in a range of `extra`, or n >= start and n % period in `residues`.

    `period` is the least; `start` the least member from which on membership is exactly the residues; `extra` the
    members below it as inclusive ranges. Finite sets have start 0, period 1 and no residues; the set of all sizes
    start 1, period 1, residue 0.
    """

    extra: tuple[tuple[int, int], ...] = ()
    start: int = 0
    period: int = 1
    residues: tuple[int, ...] = ()
    checked_to: int | None = None
    """For an irregular set: the size up to which every member is listed; nothing is known above. None: complete."""

    # -- making --------------------------------------------------------------------------------------------------

    @classmethod
    def of_members(cls, members: Members) -> SizeSet:
        """The canonical form of `members`."""
        start, period, flags = members.start, members.period, members.flags
        pattern = flags[start:]
        if True not in pattern:
            return cls(_ranges(flags[:start]))
        if False in pattern:
            for prime in _primes(period):
                while period % prime == 0 and pattern[: period - period // prime] == pattern[period // prime :]:
                    period //= prime
                    pattern = pattern[:period]
        else:
            period, pattern = 1, [True]
        while start and flags[start - 1] == pattern[(start - 1 - members.start) % period]:
            start -= 1
        residues = sorted((members.start + place + 1) % period for place, flag in enumerate(pattern) if flag)
        first = start + 1
        while pattern[(first - 1 - members.start) % period] is False:
            first += 1
        return cls(_ranges(flags[:start]), first, period, tuple(residues))

    @classmethod
    def of_range(cls, low: int, high: int | None, step: int = 1) -> SizeSet:
        """Every `step`-th size from `low` on, up to `high` inclusive where it is given."""
        if low < 1:
            low = 1 + (low - 1) % step
        if high is None:
            return cls((), low, step, (low % step,))
        if step == 1:
            return cls(((low, high),) if low <= high else ())
        return cls(tuple([(n, n) for n in range(low, high + 1, step)]))

    @classmethod
    def of_multiples(cls, by: int, rest: int = 0) -> SizeSet:
        """The sizes by*k + rest for k >= 0."""
        return cls.of_range(rest, None, by)

    @classmethod
    def of_sizes(cls, sizes: Iterable[int]) -> SizeSet:
        """Just these sizes."""
        return cls(_joined_ranges((n, n) for n in sorted(set(sizes)) if n >= 1))

    # -- asking --------------------------------------------------------------------------------------------------

    @property
    def is_complete(self) -> bool:
        """Whether membership is known for every size."""
        return self.checked_to is None

    @property
    def is_empty(self) -> bool:
        """No member is known."""
        return not self.extra and not self.residues

    @property
    def is_every(self) -> bool:
        """Every size is a member."""
        return self.start == 1 and self.period == 1 and bool(self.residues) and self.is_complete

    @property
    def is_finite(self) -> bool:
        """There is a largest member."""
        return not self.residues and self.is_complete

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            return False
        if self.checked_to is not None and n > self.checked_to:
            raise Undecided(f"the set was searched up to {self.checked_to:,} only; whether {n:,} belongs is not known")
        place = bisect_left(self.extra, (n + 1,)) - 1
        if place >= 0 and self.extra[place][0] <= n <= self.extra[place][1]:
            return True
        return n >= self.start and self._has_residue(n % self.period)

    def _has_residue(self, residue: int) -> bool:
        place = bisect_left(self.residues, residue)
        return place < len(self.residues) and self.residues[place] == residue

    def __iter__(self) -> Iterator[int]:
        """The members in ascending order; without end where there is none."""
        for low, high in self.extra:
            yield from range(low, high + 1)
        if self.residues:
            base = self.start - self.start % self.period
            while True:
                for residue in self.residues:
                    if base + residue >= self.start:
                        yield base + residue
                base += self.period

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """The largest member of at most `n` and the smallest of at least `n`; None on a side without any."""
        below: int | None = None
        above: int | None = None
        for low, high in self.extra:
            if low <= n:
                below = min(n, high)
            if above is None and high >= n:
                above = max(n, low)
        if self.residues:
            if n >= self.start:
                below = next(m for m in range(n, n - self.period, -1) if self._has_residue(m % self.period))
            if above is None:
                begin = max(n, self.start)
                above = next(m for m in range(begin, begin + self.period) if self._has_residue(m % self.period))
        return below, above

    @property
    def pad_to(self) -> int | None:
        """The smallest m of which every multiple from `start` on is a member, or None."""
        if not self.residues or self.residues[0] != 0:
            return None
        for divisor in _divisors(self.period):
            if all(self._has_residue(residue) for residue in range(0, self.period, divisor)):
                return divisor
        return None

    # -- combining -----------------------------------------------------------------------------------------------

    def members(self) -> Members:
        """The set as flags; raises Irregular where that were too many."""
        below = self.start - 1 if self.residues else self._last
        bounded(below, self.period, _JOIN_LIMIT)
        flags = [False] * below
        for low, high in self.extra:
            flags[low - 1 : high] = [True] * (high - low + 1)
        tail = [self._has_residue(n % self.period) for n in range(below + 1, below + self.period + 1)]
        return Members(below, self.period, flags + tail)

    def __and__(self, other: SizeSet) -> SizeSet:
        if other.is_every:
            return self
        if self.is_every:
            return other
        if self == other:
            return self
        for part, whole in ((self, other), (other, self)):
            if part.is_finite and (whole.checked_to is None or part._last <= whole.checked_to):
                return SizeSet(_common_ranges(part.extra, whole))
        return self._join(other, every=True)

    def __or__(self, other: SizeSet) -> SizeSet:
        if self.is_every or other.is_every:
            return EVERY_SIZE
        if self == other:
            return self
        if self.is_finite and other.is_finite:
            return SizeSet(_joined_ranges(sorted(self.extra + other.extra)))
        return self._join(other, every=False)

    def _join(self, other: SizeSet, *, every: bool) -> SizeSet:
        limits = [part.checked_to for part in (self, other) if part.checked_to is not None]
        if not limits:
            try:
                return self.of_members(joined([self.members(), other.members()], every=every, limit=_JOIN_LIMIT))
            except Irregular:
                limits = [LIMIT]
        return _searched(self, other, min(limits), every=every)

    @property
    def _last(self) -> int:
        """The end of the last range."""
        return self.extra[-1][1] if self.extra else 0

    def __invert__(self) -> SizeSet:
        if self.checked_to is not None:
            raise Undecided("the complement of a set that was searched only in part is not known")
        if self.is_finite:
            ends = [0, *[last for _, last in self.extra]]
            gaps = [(end + 1, first - 1) for end, (first, _) in zip(ends, self.extra, strict=False) if end + 1 < first]
            return SizeSet(tuple(gaps), ends[-1] + 1, 1, (0,))
        try:
            members = self.members()
        except Irregular as error:
            raise Undecided("the complement of a set with so long a period is not written down") from error
        return self.of_members(Members(members.start, members.period, [not flag for flag in members.flags]))

    def __sub__(self, other: SizeSet) -> SizeSet:
        return self & ~other

    def __le__(self, other: SizeSet) -> bool:
        """Whether every member is a member of `other`; raises Undecided where too little of either is known."""
        if other.is_every or self == other:
            return True
        if self.checked_to is not None:
            raise Undecided("whether a set that was searched only in part lies within another is not known")
        if self.is_finite and (other.checked_to is None or self._last <= other.checked_to):
            return (self & other) == self
        return (self - other).is_empty

    # -- writing -------------------------------------------------------------------------------------------------

    def to_json(self) -> SizeSetJson:
        """The set as it stands in reports."""
        return {
            "extra": [list(pair) for pair in self.extra],
            "start": self.start,
            "period": self.period,
            "residues": list(self.residues),
        }

    @property
    def text(self) -> str:
        """In words: "multiples of 8, or 1 less; also 1"."""
        from shapelint.size.text import describe

        return describe(self)

    @property
    def domain(self) -> str | None:
        """As a domain that `sizes:` and `where` take; None where the set is empty or irregular."""
        from shapelint.size.text import domain

        return domain(self)

    def __str__(self) -> str:
        return self.text


def _searched(left: SizeSet, right: SizeSet, limit: int, *, every: bool) -> SizeSet:
    """Intersection or union up to `limit`."""
    parts = [SizeSet(_members_between(part, 1, limit)) for part in (left, right)]
    found = parts[0] & parts[1] if every else parts[0] | parts[1]
    return replace(found, checked_to=limit)


def _members_between(of: SizeSet, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """The members from `low` to `high` as ranges."""
    found = [(max(first, low), min(last, high)) for first, last in of.extra if first <= high and last >= low]
    begin = max(low, of.start)
    if of.residues and begin <= high:
        if of.period == 1:
            return _joined_ranges([*found, (begin, high)])
        base = begin - begin % of.period
        cycles = range(base, high + 1, of.period)
        found += [(n, n) for cycle in cycles for r in of.residues if begin <= (n := cycle + r) <= high]
    return _joined_ranges(found)


def _common_ranges(ranges: tuple[tuple[int, int], ...], of: SizeSet) -> tuple[tuple[int, int], ...]:
    """The members of `of` in `ranges`."""
    if of.residues:
        return tuple([pair for low, high in ranges for pair in _members_between(of, low, high)])
    found = []
    place = 0
    for low, high in ranges:
        while place < len(of.extra) and of.extra[place][1] < low:
            place += 1
        for first, last in of.extra[place:]:
            if first > high:
                break
            found.append((max(first, low), min(last, high)))
    return tuple(found)


def _ranges(flags: list[bool]) -> tuple[tuple[int, int], ...]:
    return _joined_ranges((place + 1, place + 1) for place, flag in enumerate(flags) if flag)


def _joined_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    total: list[tuple[int, int]] = []
    for low, high in ranges:
        if total and total[-1][1] + 1 >= low:
            total[-1] = (total[-1][0], max(high, total[-1][1]))
        else:
            total.append((low, high))
    return tuple(total)


def _primes(n: int) -> Iterator[int]:
    """The prime factors of `n`."""
    factor = 2
    while factor * factor <= n:
        if n % factor == 0:
            yield factor
            while n % factor == 0:
                n //= factor
        factor += 1
    if n > 1:
        yield n


def _divisors(n: int) -> list[int]:
    small = [divisor for divisor in range(1, isqrt(n) + 1) if n % divisor == 0]
    return small + [n // divisor for divisor in reversed(small) if divisor * divisor < n]


def difference(sizes: SizeSet, other: SizeSet) -> SizeSet:
    """The members of `sizes` outside `other`, as far as `other` was searched."""
    if other.is_complete and sizes.is_complete:
        return sizes - other
    limit = min(bound for bound in (other.checked_to, sizes.checked_to) if bound is not None)
    return SizeSet.of_sizes(n for n in _upto(sizes, limit) if n not in other)


def _upto(sizes: SizeSet, limit: int) -> Iterator[int]:
    for n in sizes:
        if n > limit:
            return
        yield n


def scaled(of: SizeSet, by: int) -> SizeSet:
    """The sizes by*n for n in `of`."""
    extra = tuple([(n * by, n * by) for low, high in of.extra for n in range(low, high + 1)]) if by > 1 else of.extra
    checked_to = None if of.checked_to is None else of.checked_to * by + by - 1
    if not of.residues:
        return SizeSet(extra, checked_to=checked_to)
    return SizeSet(extra, of.start * by, of.period * by, tuple([residue * by for residue in of.residues]))


EVERY_SIZE: Final = SizeSet.of_range(1, None)
NO_SIZE: Final = SizeSet()
