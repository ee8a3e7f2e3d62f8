"""Steps that do not come out even: the arithmetic by brute force, and what is written in loops and blocks."""

from __future__ import annotations

from itertools import product

import pytest

from shapelint.analysis import Analysis
from shapelint.fixing.apply import edited
from shapelint.fixing.menu import Offer, offers
from shapelint.fixing.window_arithmetic import (
    Window,
    dilations_dividing,
    dilations_multiplying,
    kernels_dividing,
    kernels_multiplying,
    pads_dividing,
    pads_multiplying,
)
from shapelint.source import load

SIZES = range(1, 9)
"""Multiples of the stride that are tried, from the first that the window fits into."""


def down(window: Window, n: int) -> int:
    """FORMULAS.md section 1, without the clip of ceil: it takes away windows that begin behind the image."""
    room = n + window.begin + window.end - (window.dilation * (window.kernel - 1) + 1)
    size = (-(-room // window.stride) if window.ceil else room // window.stride) + 1
    return size - (window.ceil and (size - 1) * window.stride >= n + window.begin)


def up(window: Window, m: int) -> int:
    extent = window.dilation * (window.kernel - 1) + 1
    return (m - 1) * window.stride + extent - window.begin - window.end + window.extra


def windows(*, ceil: bool) -> list[Window]:
    numbers = product(range(1, 6), range(1, 5), (1, 2), range(4))
    return [Window(k, s, d, p, p, 0, ceil) for k, s, d, p in numbers]


@pytest.mark.parametrize("ceil", [False, True])
def test_a_window_divides_iff_every_multiple_of_its_stride_is_divided(ceil: bool) -> None:
    for window in windows(ceil=ceil):
        if ceil and (window.dilation > 1 or 2 * window.begin > window.kernel):
            continue  # no pool
        first = -(-window.extent // window.stride)
        is_so = all(down(window, n * window.stride) == n for n in range(first, first + 12))
        assert window.divides() is is_so, window


def test_what_divides_or_multiplies_differs_in_one_thing_and_is_nearest_first() -> None:
    for window in windows(ceil=False):
        for n, each in product(SIZES, [*pads_dividing(window), *kernels_dividing(window), *dilations_dividing(window)]):
            size = (n + each.extent) * each.stride
            assert down(each, size) == n + each.extent, each
            assert each.stride == window.stride
        for m, each in product(SIZES, [*pads_multiplying(window), *dilations_multiplying(window)]):
            assert up(each, m) == m * each.stride, each
        for m, each in product(SIZES, kernels_multiplying(window)):
            assert up(each, m) == m * each.stride
        for found, own in ((pads_dividing(window), "pads"), (kernels_dividing(window), "kernel")):
            far = [abs(getattr(each, own) - getattr(window, own)) for each in found]
            assert far == sorted(far)
        even = [
            p
            for p in range(12)
            if all(down(Window(*_with(window, p)), n * 12) * window.stride == n * 12 for n in SIZES)
        ]
        assert sorted({each.begin for each in pads_dividing(window) if each.begin == each.end}) == even


def _with(window: Window, padding: int) -> tuple[int, int, int, int, int, int, bool]:
    return window.kernel, window.stride, window.dilation, padding, padding, 0, False


# -- in the words of the file ------------------------------------------------------------------------------------------

HEAD = """shapelint: 1
inputs:
  x: [N, 3, H]
sizes:
  H: multiple of 8
"""
LOOP = (
    HEAD
    + """layers:
  - e[0]: Conv1d(8, 3, padding=1)
  - for: i in 1..3
    do:
      - d[i]: DOWN
      - e[i]: Conv1d(8, 3, padding=1)   # body
  - for: i in 2..0
    do:
      - u[i]: UP
      - SKIP
  - y: ReLU()
expect:
  - y.size == x.size
"""
)
BLOCK = (
    HEAD
    + """blocks:
  "down(c, s=2, k=3)":
    - p: Conv1d(c, k, stride=s, padding=1)   # shared
    - b: ReLU()
layers:
  - e0: Conv1d(8, 3, padding=1)
  - e1: down(8)
  - e2: down(8, BROKEN)
  - e3: down(8)
  - u2: ConvTranspose1d(8, 2, stride=2)
  - m2: Concat(u2, e2)
  - u1: ConvTranspose1d(8, 2, stride=2)
  - m1: Concat(u1, e1)
  - u0: ConvTranspose1d(8, 2, stride=2)
  - m0: Concat(u0, e0)
"""
)
KERAS = """shapelint: 1
convention: keras
inputs:
  x: [H, W, 3]
sizes:
  H: multiple of 4
  W: multiple of 4
layers:
  - e0: Conv2D(8, 3, padding="same")
  - d1: Conv2D(8, 3, strides=2, padding="same")
  - d2: MaxPooling2D(2)
  - u2: Conv2DTranspose(8, 3, strides=2, padding="same")
  - m2: Concatenate()([u2, d1])
  - u1: UpSampling2D(2)
  - m1: Concatenate()([u1, e0])
"""


def of_kinds(text: str, *kinds: str) -> list[Offer]:
    return [each for each in offers(Analysis(load(text.encode()))) if each.fix.kind in kinds]


def assert_taken_back(right: str, wrong: str, broken: str) -> None:
    """The text with `right` is clean; the one with `wrong` instead gets an entry that writes `right` again."""
    assert right in broken
    assert Analysis(load(broken.encode())).failures == []
    text = broken.replace(right, wrong)
    found = of_kinds(text, "window", "rounding")
    assert broken in [edited(text.encode(), each.fix.edits).decode() for each in found]
    assert len([each for each in found if each.fix.kind == "window"]) <= 3


@pytest.mark.parametrize("skip", ["c[i]: Concat(u[i], e[i])", "c[i]: ReLU()"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Conv1d(8, 3, stride=2, padding=1)", "Conv1d(8, 3, stride=3, padding=1)"),
        ("Conv1d(8, 3, stride=2, padding=1)", "Conv1d(8, 3, stride=2, padding=0)"),
        ("ConvTranspose1d(8, 2, stride=2)", "ConvTranspose1d(8, 2, stride=3)"),
    ],
)
def test_a_loop_is_mended_as_one(skip: str, right: str, wrong: str) -> None:
    text = LOOP.replace("SKIP", skip)
    text = text.replace("DOWN", "Conv1d(8, 3, stride=2, padding=1)").replace("UP", "ConvTranspose1d(8, 2, stride=2)")
    assert_taken_back(right, wrong, text)


@pytest.mark.parametrize(("right", "wrong"), [("2", "3"), ("s=2", "s=3")])
def test_the_argument_of_the_block_that_is_wrong_is_the_one_that_changes(right: str, wrong: str) -> None:
    text = BLOCK.replace("BROKEN", right)
    assert_taken_back(f"e2: down(8, {right})", f"e2: down(8, {wrong})", text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('strides=2, padding="same")\n  - d2', 'strides=3, padding="same")\n  - d2'),
        ("MaxPooling2D(2)", "MaxPooling2D(3)"),
        ("UpSampling2D(2)", "UpSampling2D(4)"),
        ("u2: Conv2DTranspose(8, 3, strides=2", "u2: Conv2DTranspose(8, 3, strides=4"),
    ],
)
def test_keras_is_written_in_its_own_words(right: str, wrong: str) -> None:
    assert_taken_back(right, wrong, KERAS)


@pytest.mark.parametrize("asked", ["x.size // 8", "(12,)"])
def test_a_condition_may_ask_for_a_part_of_the_input(asked: str) -> None:
    size = "96" if asked == "(12,)" else "H"
    text = HEAD.replace("H]", f"{size}]") if size == "H" else "shapelint: 1\ninputs:\n  x: [N, 3, 96]\n"
    layers = "".join(
        f"  - {name}: Conv1d(8, 3, stride={stride}, padding=1)\n" for name, stride in zip("abc", (2, 2, 2), strict=True)
    )
    assert_taken_back(
        "b: Conv1d(8, 3, stride=2",
        "b: Conv1d(8, 3, stride=3",
        f"{text}layers:\n{layers}expect:\n  - c.size == {asked}\n",
    )


def test_no_rounding_makes_up_for_another_scale() -> None:
    head = HEAD.partition("sizes:")[0]
    text = head + "layers:\n  - e: ReLU()\n  - d: MaxPool1d(3)\n  - u: Upsample(scale_factor=2)\n  - m: Concat(u, e)\n"
    assert of_kinds(text, "rounding") == []
    lines = [each.fix.code for each in of_kinds(text, "window")]
    assert lines == ["u: Upsample(scale_factor=3)", "d: MaxPool1d(3, stride=2, padding=1)", "d: MaxPool1d(2)"]


def test_the_reason_says_what_the_change_costs() -> None:
    text = HEAD + "layers:\n  - e: ReLU()\n  - d: Conv1d(4, 5, stride=2, padding=1)\n  - u: Upsample(scale_factor=2)\n"
    text += "  - m: Concat(u, e)\n"
    reasons = {each.fix.title: each.fix.reason for each in of_kinds(text, "window")}
    assert "other borders" in reasons["pad `d` so that multiples of the stride are divided exactly"]
    assert "the weights change their shape" in reasons["give `d` kernel_size=4"]
