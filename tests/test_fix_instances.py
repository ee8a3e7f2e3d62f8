"""Repairs of calls that stand for several layers: for every one, as a list by the loop variable, as a parameter."""

from __future__ import annotations

import random

import pytest

from shapelint.analysis import Analysis
from shapelint.fixing.apply import edited
from shapelint.fixing.menu import Offer, offers
from shapelint.source import load

UP = "ConvTranspose1d(4, 3, stride=2, padding=1)"
"""2m - 1: after a k3 s2 p1 convolution, m = ceil(n/2), it wants 1 more for even n."""


def menu(text: str) -> list[Offer]:
    return offers(Analysis(load(text.encode())))


def mended(text: str, kind: str, wanted: str = "") -> str:
    offer = next(each for each in menu(text) if each.fix.kind == kind and wanted in (each.fix.code or ""))
    return edited(text.encode(), offer.fix.edits).decode()


def written(n: str, depth: int, way: str) -> str:
    """A U-Net of so many levels: its decoder line by line, in a loop, as a block, or as a block in a loop."""
    lines = ["shapelint: 1", "inputs:", "  x: [N, 1, H]", "sizes:", f"  H: {n}"]
    if "block" in way:
        inner = ["  inner(c):   # deepest", f"    - {UP}   # up", "  up(skip, c):", "    - u: inner(c)"]
        lines += ["blocks:", *(inner if "inner" in way else ["  up(skip, c):", f"    - u: {UP}   # up"])]
        lines += ["    - Add(u, skip)"]
    lines += ["layers:", "  - e[0]: Conv1d(4, 3, padding=1)", f"  - for: i in 1..{depth}", "    do:"]
    lines += ["      - e[i]: Conv1d(4, 3, stride=2, padding=1)"]
    if "loop" in way:
        lines += [f"  - for: i in {depth - 1}..0   # back", "    do:"]
        lines += (
            ["      - d[i]: up(e[i], c=4)"] if "block" in way else [f"      - u[i]: {UP}", "      - Add(u[i], e[i])"]
        )
    else:
        for i in reversed(range(depth)):
            own = [f"  - u{i}: {UP}", f"  - Add(u{i}, e[{i}])"]
            lines += [f"  - d{i}: up(e[{i}], 4)"] if "block" in way else own
    return "\n".join(lines) + "\n"


def levels(n: int, depth: int) -> list[int]:
    """The sizes of the encoder."""
    found = [n]
    for _ in range(depth):
        found.append((found[-1] + 1) // 2)
    return found


def fits(more: list[int], n: int) -> bool:
    """Whether n comes back level by level with these output paddings; Add broadcasts a 1."""
    sizes = levels(n, len(more))
    here = sizes[-1]
    for skip, extra in zip(reversed(sizes[:-1]), reversed(more), strict=True):
        here = 2 * here - 1 + extra
        if here != skip and 1 not in (here, skip):
            return False
        here = max(here, skip)
    return True


WAYS = ("lines", "loop", "block", "block inner", "block loop", "block inner loop")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(6))
def test_every_writing_gets_the_same_repair(way: str, seed: int) -> None:
    """Output paddings solved by hand; the set is right by brute force; a second run finds nothing to do."""
    choice = random.Random(seed)
    depth = choice.randint(2, 4)
    n = choice.randint(20, 90)
    more = [(size - 1) % 2 for size in levels(n, depth)[:-1]]
    text = written(str(n), depth, way)
    found = menu(text)
    if not any(more):
        assert found == []
        return
    offer = next(each for each in found if each.fix.kind == "output_padding")
    sizes = offer.fix.fits["H"]
    assert [k for k in range(2, 130) if k in sizes] == [k for k in range(2, 130) if fits(more, k)]
    after = edited(text.encode(), offer.fix.edits).decode()
    assert menu(after) == []
    assert Analysis(load(after.encode())).failures == []
    assert after.count("#") == text.count("#")
    assert len(after.splitlines()) == len(text.splitlines())


def test_a_list_indexed_by_the_loop_variable() -> None:
    """22 -> 11 -> 6 -> 3: 2 * 3 - 1 + 1, 2 * 6 - 1 and 2 * 11 - 1 + 1."""
    text = written("22", 3, "loop")
    assert mended(text, "output_padding") == text.replace(
        "padding=1)\n      - Add", "padding=1, output_padding=[1, 0, 1][i])\n      - Add"
    )


def test_a_loop_that_does_not_begin_at_0() -> None:
    text = written("22", 3, "loop").replace("for: i in 2..0", "for: j in 3..1")
    text = text.replace("u[i]", "u[j]").replace("Add(u[j], e[i])", "Add(u[j], e[j - 1])")
    after = mended(text, "output_padding")
    assert "output_padding=[1, 0, 1][j - 1])" in after


def test_a_loop_over_even_numbers() -> None:
    text = written("22", 3, "loop").replace("for: i in 2..0", "for: j in [4, 2, 0]")
    text = text.replace("u[i]", "u[j]").replace("Add(u[j], e[i])", "Add(u[j], e[j // 2])")
    assert "output_padding=[1, 0, 1][j // 2])" in mended(text, "output_padding")


def test_a_parameter_of_a_block_with_the_old_value_as_default() -> None:
    text = written("22", 3, "block")
    after = mended(text, "output_padding")
    assert "  up(skip, c, output_padding=0):\n" in after
    assert "    - u: ConvTranspose1d(4, 3, stride=2, padding=1, output_padding=output_padding)   # up\n" in after
    calls = "  - d2: up(e[2], 4, output_padding=1)\n  - d1: up(e[1], 4)\n  - d0: up(e[0], 4, output_padding=1)\n"
    assert after.endswith(calls)


def test_a_parameter_through_two_blocks_and_a_loop() -> None:
    after = mended(written("22", 3, "block inner loop"), "output_padding")
    assert "  inner(c, output_padding=0):   # deepest\n" in after
    assert "  up(skip, c, output_padding=0):\n    - u: inner(c, output_padding=output_padding)\n" in after
    assert "up(e[i], c=4, output_padding=[1, 0, 1][i])\n" in after


def test_a_parameter_that_is_there_is_given_other_arguments() -> None:
    text = (
        written("22", 3, "block")
        .replace("up(skip, c):", "up(skip, c, op=0):")
        .replace("padding=1)   #", "padding=1, output_padding=op)   #")
    )
    text = text.replace("d2: up(e[2], 4)", "d2: up(e[2], 4, 1)").replace("d1: up(e[1], 4)", "d1: up(e[1], 4, op=1)")
    after = mended(text, "output_padding")
    calls = "  - d2: up(e[2], 4, 1)\n  - d1: up(e[1], 4, op=0)\n  - d0: up(e[0], 4, op=1)\n"
    assert after == text[: text.index("  - d2")] + calls


def test_a_parameter_that_others_read_too_stays() -> None:
    text = written("22", 3, "block").replace("up(skip, c):", "up(skip, c, op=0):")
    text = text.replace(
        "padding=1)   # up", "padding=1, output_padding=op)   # up\n    - Conv1d(4, 3 + 2 * op, padding=1 + op)"
    )
    text = text.replace("Add(u, skip)", "v: Add(u, skip)").replace("    - Conv1d(4, 3 +", "    - u: Conv1d(4, 3 +")
    after = mended(text, "output_padding")
    assert "up(skip, c, op=0, output_padding=0):" in after


def test_a_name_that_is_taken_is_numbered() -> None:
    text = written("22", 3, "block").replace("inputs:\n", "vars:\n  output_padding: 7\ninputs:\n")
    assert "up(skip, c, output_padding2=0):" in mended(text, "output_padding")


def test_a_block_without_brackets_gets_them() -> None:
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 22
blocks:
  up:   # twice
    - ConvTranspose1d(4, 3, stride=2, padding=1)
layers:
  - a: Conv1d(4, 3, stride=2, padding=1)
  - b: Conv1d(4, 3, stride=2, padding=1)
  - c: up()
  - d: up()
expect:
  - d.size == x.size
"""
    after = mended(text, "output_padding")
    assert "  up(output_padding=0):   # twice\n" in after
    assert "  - c: up()\n  - d: up(output_padding=1)\n" in after


def test_axes_that_differ_in_a_loop() -> None:
    """22x23 -> 11x12 -> 6x6: 1 and 0 more along the height, 0 and 1 along the width, deepest last."""
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H, W]
sizes:
  H: 22
  W: 23
layers:
  - for: i in range(2)
    do:
      - Conv2d(4, 3, stride=2, padding=1)
  - for: i in range(2)
    do:
      - y[i]: ConvTranspose2d(4, 3, stride=2, padding=1)
expect:
  - y[1].size == x.size
"""
    assert "padding=1, output_padding=[(0, 1), (1, 0)][i])" in mended(text, "output_padding")


NESTED = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 55
layers:
  - for: i in range(4)
    do:
      - Conv1d(4, 3, stride=2, padding=1)
  - for: i in range(2)
    do:
      - for: j in range(2)
        do:
          - y[i, j]: ConvTranspose1d(4, 3, stride=2, padding=1)
expect:
  - y[1, 1].size == x.size
"""
"""55 -> 28 -> 14 -> 7 -> 4, and back with 0, 1, 1 and 0 more."""


def test_a_list_of_lists_in_two_loops() -> None:
    after = mended(NESTED, "output_padding")
    assert after == NESTED.replace(
        "2, padding=1)\nexpect", "2, padding=1, output_padding=[[0, 1], [1, 0]][i][j])\nexpect"
    )
    assert menu(after) == []
    assert "output_padding=[0, 1][j])" in mended(NESTED.replace("55", "54"), "output_padding")
    assert "output_padding=[0, 1][i])" in mended(NESTED.replace("55", "52"), "output_padding")


def test_a_parameter_that_is_a_list_for_the_loop_in_a_block() -> None:
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 55
blocks:
  two:
    - for: j in range(2)
      do:
        - y[j]: ConvTranspose1d(4, 3, stride=2, padding=1)
layers:
  - for: i in range(4)
    do:
      - Conv1d(4, 3, stride=2, padding=1)
  - a: two()
  - b: two()
expect:
  - b.size == x.size
"""
    after = mended(text, "output_padding")
    assert "  two(output_padding=[0, 0]):\n" in after
    assert "stride=2, padding=1, output_padding=output_padding[j])\n" in after
    assert "  - a: two(output_padding=[0, 1])\n  - b: two(output_padding=[1, 0])\n" in after
    assert menu(after) == []


def test_pools_of_a_loop_that_round_differently() -> None:
    """30 -> 15 -> 7 by pools and 15 -> 8 by convolutions: the second pool alone is to round up."""
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 30
layers:
  - for: i in range(2)
    do:
      - p[i]: MaxPool1d(2)   # half
  - a: Conv1d(4, 3, stride=2, padding=1)(x)
  - b: Conv1d(4, 3, stride=2, padding=1)
  - Concat(p[1], b)
"""
    lines = [each.fix.code for each in menu(text) if each.fix.kind == "rounding"]
    assert "p[i]: MaxPool1d(2, ceil_mode=[False, True][i])   # half" in lines


def test_what_needs_too_much_is_not_offered() -> None:
    """A repetition by `* N` has no variable, and a loop over one value twice does not say which turn it is."""
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 22
layers:
  - a: Conv1d(4, 3, stride=2, padding=1) * 2
  - y: ConvTranspose1d(4, 3, stride=2, padding=1) * 2
expect:
  - y.size == x.size
"""
    assert "output_padding" not in [each.fix.kind for each in menu(text)]
    looped = text.replace(
        "y: ConvTranspose1d(4, 3, stride=2, padding=1) * 2",
        "for: r in [2, 2]\n    do:\n      - y: ConvTranspose1d(4, 3, stride=r, padding=1)",
    )
    assert "output_padding" not in [each.fix.kind for each in menu(looped)]
