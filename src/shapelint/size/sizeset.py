"""Sets of sizes n >= 1 that are periodic from some size on: exact, finite to write down, closed under and / or."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict

from shapelint.size.sequence import LIMIT, Members, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIZE_LIMIT: Final = 2**31
"""Sizes are below this; no runtime's tensors are larger."""


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
        low = max(low, 1) if step == 1 else low
        if high is None:
            return cls._normal((), low, step, (low % step,))
        if step == 1:
            return cls(((low, high),) if low <= high else ())
        return cls(_joined_ranges((n, n) for n in range(low, high + 1, step) if n >= 1))

    @classmethod
    def of_multiples(cls, by: int, rest: int = 0) -> SizeSet:
        """The sizes by*k + rest for k >= 0."""
        return cls._normal((), max(rest, 1), by, (rest % by,))

    @classmethod
    def of_sizes(cls, sizes: Iterable[int]) -> SizeSet:
        """Just these sizes."""
        return cls(_joined_ranges((n, n) for n in sorted(set(sizes)) if n >= 1))

    @classmethod
    def _normal(cls, extra: tuple[tuple[int, int], ...], start: int, period: int, residues: tuple[int, ...]) -> SizeSet:
        return cls.of_members(cls(extra, start, period, residues).members())

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
        """The set as flags."""
        below = self.start - 1 if self.residues else (self.extra[-1][1] if self.extra else 0)
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
        limits = [part.checked_to for part in (self, other) if part.checked_to is not None]
        if limits:
            return _searched(self, other, min(limits), every=True)
        return self.of_members(joined([self.members(), other.members()], every=True))

    def __or__(self, other: SizeSet) -> SizeSet:
        if self.is_every or other.is_every:
            return SizeSet.of_range(1, None)
        limits = [part.checked_to for part in (self, other) if part.checked_to is not None]
        if limits:
            return _searched(self, other, min(limits), every=False)
        return self.of_members(joined([self.members(), other.members()], every=False))

    def __invert__(self) -> SizeSet:
        if self.checked_to is not None:
            raise Undecided("the complement of a set that was searched only in part is not known")
        members = self.members()
        return self.of_members(Members(members.start, members.period, [not flag for flag in members.flags]))

    def __sub__(self, other: SizeSet) -> SizeSet:
        return self & ~other

    def __le__(self, other: SizeSet) -> bool:
        """Whether every member is a member of `other`; both complete, or `self` finite within what was searched."""
        if other.checked_to is not None and self.is_finite and (not self.extra or self.extra[-1][1] <= other.checked_to):
            other = replace(other, checked_to=None)
        if other.is_every:
            return True
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
    """Intersection or union up to `limit`; complete where a finite complete side settles the rest."""
    if every:
        for part in (left, right):
            if part.is_finite and (not part.extra or part.extra[-1][1] <= limit):
                other = right if part is left else left
                return SizeSet.of_sizes(n for n in part if n in other)
    flags = [
        a.upto(limit) if limit >= len(a.flags) else a.flags[:limit]
        for a in (replace(part, checked_to=None).members() for part in (left, right))
    ]
    join = all if every else any
    return SizeSet(_ranges([join(pair) for pair in zip(*flags, strict=True)]), checked_to=limit)


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
    return [divisor for divisor in range(1, n + 1) if n % divisor == 0]


def scaled(of: SizeSet, by: int) -> SizeSet:
    """The sizes by*n for n in `of`."""
    members = of.members()
    start, period = members.start * by, members.period * by
    if start + period > LIMIT * by:
        raise Undecided("a set too large to scale")
    flags = [False] * (start + period)
    flags[by - 1 :: by] = members.flags
    return SizeSet.of_members(Members(start, period, flags))


EVERY_SIZE: Final = SizeSet.of_range(1, None)
NO_SIZE: Final = SizeSet()
