"""Random networks, each built twice: as an expression by the public API, and as plain numbers by textbook formulas.

`Grown` carries both: `size` is the expression, `values` the sizes at `points`. The plain side uses none of shapelint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapelint.size import all_of, any_of, at_least, cdiv, divides, equal, larger, negate, select, smaller

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from shapelint.size import Held, Size

LARGEST = 2**31 - 1
UPTO = 4096


def points_for(random: Random, count: int = 24) -> list[int]:
    """1 .. 4096, then sizes up to 2**31 - 1 of every magnitude."""
    far = [random.randrange(UPTO, 2 ** random.randint(13, 31)) for _ in range(count)]
    return [*range(1, UPTO + 1), *far, LARGEST]


@dataclass(frozen=True)
class Grown:
    """A size as an expression, and its values at the points."""

    size: Size
    values: list[int]


@dataclass(frozen=True)
class Stated:
    """A condition, and its truth at the points."""

    held: Held
    flags: list[bool]


def conv(random: Random, of: Grown) -> Grown:
    """A convolution or floor-mode pool with explicit pads."""
    kernel, stride, dilation = random.randint(1, 7), random.randint(1, 7), random.choice([1, 1, 1, 2, 3])
    pads = random.randint(0, 4) + random.randint(0, 4)
    reach = dilation * (kernel - 1) + 1
    return Grown((of.size + pads - reach) // stride + 1, [(n + pads - reach) // stride + 1 for n in of.values])


def conv_same(random: Random, of: Grown) -> Grown:
    """SAME: ceil(n / stride), spelled in one of the ways that files spell it."""
    stride = random.randint(1, 7)
    spelled = [cdiv(of.size, stride), (of.size + stride - 1) // stride, (of.size - 1) // stride + 1]
    return Grown(random.choice(spelled), [-((-n) // stride) for n in of.values])


def pool_ceil(random: Random, of: Grown) -> Grown:
    """Ceil mode with the rule that the last window starts inside the input or the left padding."""
    kernel, stride = random.randint(1, 7), random.randint(1, 7)
    begin, end = random.randint(0, kernel // 2), random.randint(0, kernel // 2)

    def count(n: int) -> int:
        windows = -((kernel - n - begin - end) // stride) + 1
        return windows - 1 if (windows - 1) * stride >= n + begin else windows

    size = smaller(cdiv(of.size + begin + end - kernel, stride) + 1, cdiv(of.size + begin, stride))
    values = [count(n) for n in of.values]
    if all(n + begin > 0 for n in of.values):
        return Grown(size, values)
    return conv(random, of)


def deconv(random: Random, of: Grown) -> Grown:
    """A transposed convolution."""
    kernel, stride, dilation = random.randint(1, 5), random.randint(1, 5), random.choice([1, 1, 2])
    change = dilation * (kernel - 1) + 1 - stride - random.randint(0, 2) * 2 + random.randint(0, stride - 1)
    return Grown(of.size * stride + change, [(n - 1) * stride + change + stride for n in of.values])


def resize(random: Random, of: Grown) -> Grown:
    """A dyadic scale."""
    above, shift = random.randint(1, 9), random.randint(0, 3)
    return Grown(of.size * above // 2**shift, [n * above >> shift for n in of.values])


def sliced(random: Random, of: Grown) -> Grown:
    """x[start::step], or the last `start` cut off."""
    start, step = random.randint(0, 5), random.randint(1, 4)
    if random.random() < 0.5:
        return Grown(larger(of.size - start, 0), [max(n - start, 0) for n in of.values])
    size = larger(cdiv(of.size - start, step), 0)
    return Grown(size, [len(range(start, n, step)) if n < 2**62 else 0 for n in of.values])


def remainder(random: Random, of: Grown) -> Grown:
    """A shift or pad by what is left of a division."""
    by = random.randint(2, 16)
    if random.random() < 0.5:
        return Grown(of.size % by, [n % by for n in of.values])
    return Grown(of.size + (-of.size) % by, [n + (by - n % by) % by for n in of.values])


LAYERS = (conv, conv, conv_same, conv_same, pool_ceil, deconv, resize, sliced, remainder)


def concat(random: Random, one: Grown, two: Grown) -> Grown:
    """Sizes added, with factors."""
    a, b = random.choice([1, 1, 1, 2, -1]), random.choice([1, 1, -1, 3])
    values = [a * x + b * y for x, y in zip(one.values, two.values, strict=True)]
    return Grown(a * one.size + b * two.size, values)


def broadcast(_: Random, one: Grown, two: Grown) -> Grown:
    """Element-wise: a 1 is stretched."""
    size = select(equal(one.size, 1), two.size, one.size)
    return Grown(size, [y if x == 1 else x for x, y in zip(one.values, two.values, strict=True)])


def extreme(random: Random, one: Grown, two: Grown) -> Grown:
    """min or max of both and perhaps a constant."""
    limit = random.choice([[], [random.randint(-3, 40)]])
    if random.random() < 0.5:
        values = [min(x, y, *limit) for x, y in zip(one.values, two.values, strict=True)]
        return Grown(smaller(one.size, two.size, *limit), values)
    values = [max(x, y, *limit) for x, y in zip(one.values, two.values, strict=True)]
    return Grown(larger(one.size, two.size, *limit), values)


def selected(random: Random, one: Grown, two: Grown) -> Grown:
    """One of both by a condition on either."""
    stated = condition(random, [one, two], deep=False)
    values = [x if flag else y for flag, x, y in zip(stated.flags, one.values, two.values, strict=True)]
    return Grown(select(stated.held, one.size, two.size), values)


JOINS = (concat, concat, broadcast, extreme, extreme, selected)


def grow(random: Random, symbol: Size, points: Sequence[int], steps: int) -> list[Grown]:
    """The input and `steps` further sizes, each made of earlier ones."""
    grown = [Grown(symbol, list(points))]
    for _ in range(steps):
        if len(grown) > 2 and random.random() < 0.3:
            grown.append(random.choice(JOINS)(random, random.choice(grown), random.choice(grown)))
        else:
            grown.append(random.choice(LAYERS)(random, random.choice(grown[-3:])))
    return grown


def condition(random: Random, grown: list[Grown], *, deep: bool = True) -> Stated:
    """A condition on one or two of the sizes, or a combination of such."""
    one, two = random.choice(grown), random.choice(grown)
    if deep and random.random() < 0.35:
        parts = [condition(random, grown, deep=random.random() < 0.3) for _ in range(random.randint(2, 3))]
        rows = list(zip(*[part.flags for part in parts], strict=True))
        if random.random() < 0.5:
            return Stated(all_of([part.held for part in parts]), [all(row) for row in rows])
        return Stated(any_of([part.held for part in parts]), [any(row) for row in rows])
    if deep and random.random() < 0.25:
        stated = condition(random, grown)
        return Stated(negate(stated.held), [not flag for flag in stated.flags])
    kind = random.randrange(4)
    if kind == 0:
        by = random.randint(1, 12)
        return Stated(divides(by, one.size), [x % by == 0 for x in one.values])
    if kind == 1:
        limit = random.randint(-2, 60)
        return Stated(at_least(one.size, limit), [x >= limit for x in one.values])
    pairs = list(zip(one.values, two.values, strict=True))
    if kind == 2:
        return Stated(at_least(one.size, two.size), [x >= y for x, y in pairs])
    shift = random.choice([0, 0, 0, 1, -1])
    return Stated(equal(one.size, two.size + shift), [x == y + shift for x, y in pairs])
