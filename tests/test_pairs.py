"""Pairs and blame over architectures of every kind: what must be named, worked out by hand beside each network.

An architecture states sizes at which it fails; `says` is the finding: the merge, the sizes on both sides, the pair (or
the two branches), the steps that lead there, the other merges of the cause, the sizes that fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

import shapelint
from shapelint.analysis import Analysis
from shapelint.report.debug import debug_text
from shapelint.report.show import show_json
from shapelint.settings import Stated
from shapelint.source import load

from .nets import Net
from .shared import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Callable

EVEN, FOURS, EIGHTS = "multiples of 2", "multiples of 4", "multiples of 8"


@dataclass
class Says:
    """One finding as it is worked out by hand."""

    node: str
    left: str
    right: str
    axes: str
    down: str = ""
    up: str = ""
    branches: str = ""
    chain: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    fits: dict[str, str] = field(default_factory=dict)
    rule: str = "SHP201"


@dataclass
class Case:
    """A network, the sizes that it is fed, and what is said of them."""

    text: str
    at: dict[str, tuple[int, ...]]
    says: list[Says]
    undoes: dict[str, str] | None = None
    """By step up the steps down that it undoes, all of them; None: not compared."""


def spec(inputs: str, layers: str, expect: str = "", convention: str = "pytorch") -> str:
    """A spec from its lines."""
    lines = [f"shapelint: 1\nconvention: {convention}\ninputs:", *_indented(inputs, "  "), "layers:"]
    lines += _indented(layers, "  - ")
    lines += ["expect:", *_indented(expect, "  - ")] if expect else []
    return "\n".join(lines) + "\n"


def _indented(text: str, lead: str) -> list[str]:
    return [lead + line.strip() for line in text.strip().splitlines()]


CASES: dict[str, Case] = {
    # 100 -> 50 -> 25 -> 12; 12*2 = 24 against 25. The skip is believed: 50 and 100 agree.
    "unet_1d": Case(
        spec(
            "x: [1, 1, L]",
            """p1: MaxPool1d(2)
            p2: MaxPool1d(2)
            p3: MaxPool1d(2)
            u3: ConvTranspose1d(1, 2, stride=2)
            m3: Concat(p2, u3)
            u2: ConvTranspose1d(1, 2, stride=2)
            m2: Concat(p1, u2)
            u1: ConvTranspose1d(1, 2, stride=2)
            m1: Concat(x, u1)""",
        ),
        {"x": (1, 1, 100)},
        [
            Says(
                "m3",
                "25",
                "24",
                "L",
                "p3",
                "u3",
                chain=["L p3 25 -> 12 (rounded down)", "L u3 12 -> 24"],
                fits={"L": EIGHTS},
            )
        ],
        {"u3": "p3", "u2": "p2", "u1": "p1"},
    ),
    # Strides (2, 1), then 2. 48x31: 24x31 -> 12x15 -> 24x30.
    "anisotropic": Case(
        spec(
            "x: [1, 1, H, W]",
            """p1: MaxPool2d((2, 1))
            p2: MaxPool2d(2)
            u2: Upsample(scale_factor=2)
            m2: Concat(p1, u2)
            u1: Upsample(scale_factor=(2, 1))
            m1: Concat(x, u1)""",
        ),
        {"x": (1, 1, 48, 31)},
        [
            Says(
                "m2",
                "24x31",
                "24x30",
                "W",
                "p2",
                "u2",
                chain=["W p2 31 -> 15 (rounded down)", "W u2 15 -> 30"],
                fits={"W": EVEN},
            )
        ],
        {"u2": "p2", "u1": "p1"},
    ),
    # The two axes fail at different steps of the same merge: 46x33 -> 23x33 -> 11x16 -> 44x32.
    "two_axes_two_pairs": Case(
        spec(
            "x: [1, 1, H, W]",
            """p1: MaxPool2d((2, 1))
            p2: MaxPool2d(2)
            u: Upsample(scale_factor=(4, 2))
            m: Add(x, u)""",
        ),
        {"x": (1, 1, 46, 33)},
        [
            Says(
                "m",
                "46x33",
                "44x32",
                "H W",
                "p2",
                "u",
                chain=[
                    "H p1 46 -> 23",
                    "H p2 23 -> 11 (rounded down)",
                    "H u 11 -> 44",
                    "W p2 33 -> 16 (rounded down)",
                    "W u 16 -> 32",
                ],
                fits={"H": FOURS, "W": EVEN},
            )
        ],
        {"u": "p1 p2"},
    ),
    # 225 -> 113 -> 56 -> 224: the first that rounds is the stem, and the x4 undoes both.
    "four_against_two_twos": Case(
        spec(
            "x: [1, 1, H, 64]",
            """stem: Conv2d(1, 3, stride=2, padding=1)
            pool: MaxPool2d(2)
            up: Upsample(scale_factor=4)
            out: Add(up, x)""",
        ),
        {"x": (1, 1, 225, 64)},
        [
            Says(
                "out",
                "224x64",
                "225x64",
                "H",
                "stem",
                "up",
                chain=["H stem 225 -> 113 (rounded up)", "H pool 113 -> 56 (rounded down)", "H up 56 -> 224"],
                fits={"H": FOURS},
            )
        ],
        {"up": "stem pool"},
    ),
    # 226 -> 113 -> 56 -> 224: the stem comes out even.
    "four_against_two_twos_inner": Case(
        spec(
            "x: [1, 1, H, 64]",
            """stem: Conv2d(1, 3, stride=2, padding=1)
            pool: MaxPool2d(2)
            up: Upsample(scale_factor=4)
            out: Add(up, x)""",
        ),
        {"x": (1, 1, 226, 64)},
        [
            Says(
                "out",
                "224x64",
                "226x64",
                "H",
                "pool",
                "up",
                chain=["H stem 226 -> 113", "H pool 113 -> 56 (rounded down)", "H up 56 -> 224"],
                fits={"H": FOURS},
            )
        ],
    ),
    # One x4 down, two x2 up: 30 -> 7 -> 14 -> 28.
    "two_twos_against_four": Case(
        spec(
            "x: [1, 1, H, 64]",
            """down: Conv2d(1, 4, stride=4)
            a: Upsample(scale_factor=2)
            b: Upsample(scale_factor=2)
            out: Add(x, b)""",
        ),
        {"x": (1, 1, 30, 64)},
        [
            Says(
                "out",
                "30x64",
                "28x64",
                "H",
                "down",
                "a b",
                chain=["H down 30 -> 7 (rounded down)", "H a 7 -> 14", "H b 14 -> 28"],
                fits={"H": FOURS},
            )
        ],
        {"a": "down", "b": "down"},
    ),
    # d2 rounds 45 up to 23 and u2 returns 45 (2*23 - 2 + 1): it is u1 that makes 89 of 45.
    "a_rounding_that_is_undone": Case(
        spec(
            "x: [1, 1, H, 64]",
            """d1: Conv2d(1, 3, stride=2, padding=1)
            d2: Conv2d(1, 3, stride=2, padding=1)
            u2: ConvTranspose2d(1, 3, stride=2, padding=1, output_padding=(0, 1))
            u1: ConvTranspose2d(1, 3, stride=2, padding=1, output_padding=(0, 1))
            out: Concat(u1, x)""",
        ),
        {"x": (1, 1, 90, 64)},
        [
            Says(
                "out",
                "89x64",
                "90x64",
                "H",
                "d1",
                "u1",
                chain=[
                    "H d1 90 -> 45",
                    "H d2 45 -> 23 (rounded up)",
                    "H u2 23 -> 45 (46 - 1)",
                    "H u1 45 -> 89 (90 - 1)",
                ],
                fits={"H": "1 (mod 4)"},
            )
        ],
        {"u2": "d2", "u1": "d1"},
    ),
    # U-Net++ at 91: pool1 rounds 91 to 45 (x01 and, behind it, x02), pool2 rounds 45 to 22 (x11): two causes.
    "unet_plus_plus": Case(
        spec(
            "x00: [1, 1, H, 64]",
            """x10: MaxPool2d(2)(x00)
            up10: Upsample(scale_factor=2)(x10)
            x01: Concat(x00, up10)
            x20: MaxPool2d(2)(x10)
            up20: Upsample(scale_factor=2)(x20)
            x11: Concat(x10, up20)
            up11: Upsample(scale_factor=2)(x11)
            x02: Concat(x00, x01, up11)""",
        ),
        {"x00": (1, 1, 91, 64)},
        [
            Says(
                "x01",
                "91x64",
                "90x64",
                "H",
                "x10",
                "up10",
                chain=["H x10 91 -> 45 (rounded down)", "H up10 45 -> 90"],
                also=["x02 91x64 90x64 H"],
                fits={"H": FOURS},
            ),
            Says(
                "x11",
                "45x32",
                "44x32",
                "H",
                "x20",
                "up20",
                chain=["H x20 45 -> 22 (rounded down)", "H up20 22 -> 44"],
                fits={"H": FOURS},
            ),
        ],
        {"up10": "x10", "up20": "x20", "up11": "x10"},
    ),
    # One encoder, two decoders: 90 -> 45 -> 22, and 44 against 45 in both.
    "two_decoders": Case(
        spec(
            "x: [1, 1, H, 64]",
            """p1: MaxPool2d(2)
            p2: MaxPool2d(2)
            a2: Upsample(scale_factor=2)(p2)
            am2: Concat(a2, p1)
            a1: Upsample(scale_factor=2)
            am1: Concat(a1, x)
            b2: ConvTranspose2d(1, 2, stride=2)(p2)
            bm2: Concat(b2, p1)
            b1: ConvTranspose2d(1, 2, stride=2)
            bm1: Concat(b1, x)""",
        ),
        {"x": (1, 1, 90, 64)},
        [
            Says(
                "am2",
                "44x32",
                "45x32",
                "H",
                "p2",
                "a2",
                chain=["H p2 45 -> 22 (rounded down)", "H a2 22 -> 44"],
                fits={"H": FOURS},
            ),
            Says(
                "bm2",
                "44x32",
                "45x32",
                "H",
                "p2",
                "b2",
                chain=["H p2 45 -> 22 (rounded down)", "H b2 22 -> 44"],
                fits={"H": FOURS},
            ),
        ],
        {"a2": "p2", "a1": "p1", "b2": "p2", "b1": "p1"},
    ),
    # FPN: 100 -> 50 -> 25 -> 13; up 26 against 25, then 50 against 50.
    "fpn": Case(
        spec(
            "x: [1, 1, H, 64]",
            """c2: Conv2d(1, 3, stride=2, padding=1)
            c3: Conv2d(1, 3, stride=2, padding=1)
            c4: Conv2d(1, 3, stride=2, padding=1)
            l4: Conv2d(1, 1)(c4)
            l3: Conv2d(1, 1)(c3)
            l2: Conv2d(1, 1)(c2)
            t4: Upsample(scale_factor=2)(l4)
            p3: Add(t4, l3)
            t3: Upsample(scale_factor=2)
            p2: Add(t3, l2)""",
        ),
        {"x": (1, 1, 100, 64)},
        [
            Says(
                "p3",
                "26x16",
                "25x16",
                "H",
                "c4",
                "t4",
                chain=["H c4 25 -> 13 (rounded up)", "H t4 13 -> 26"],
                fits={"H": "multiples of 8, or 1 less"},
            )
        ],
        {"t4": "c4", "t3": "c3"},
    ),
    # PAN: 52 -> 26 -> 13 -> 7; up 14 against 13. The way down again meets the same sizes: 26 -> 13 -> 7.
    "pan": Case(
        spec(
            "x: [1, 1, H, 64]",
            """c3: Conv2d(1, 3, stride=2, padding=1)
            c4: Conv2d(1, 3, stride=2, padding=1)
            c5: Conv2d(1, 3, stride=2, padding=1)
            t5: Upsample(scale_factor=2)
            p4: Concat(t5, c4)
            t4: Upsample(scale_factor=2)
            p3: Concat(t4, c3)
            d4: Conv2d(1, 3, stride=2, padding=1)
            n4: Concat(d4, p4)
            d5: Conv2d(1, 3, stride=2, padding=1)
            n5: Concat(d5, c5)""",
        ),
        {"x": (1, 1, 52, 64)},
        [
            Says(
                "p4",
                "14x16",
                "13x16",
                "H",
                "c5",
                "t5",
                chain=["H c5 13 -> 7 (rounded up)", "H t5 7 -> 14"],
                fits={"H": "multiples of 8, or 1 less"},
            )
        ],
        {"t5": "c5", "t4": "c4"},
    ),
    # HRNet: 45 -> 23 -> 12; 23*2 = 46 and 12*4 = 48 against 45: two fusions, each with its own pair.
    "hrnet": Case(
        spec(
            "x: [1, 1, H, 64]",
            """mid: Conv2d(1, 3, stride=2, padding=1)
            low: Conv2d(1, 3, stride=2, padding=1)
            um: Upsample(scale_factor=2)(mid)
            ul: Upsample(scale_factor=4)(low)
            f1: Add(x, um)
            f2: Add(f1, ul)""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "f1",
                "45x64",
                "46x64",
                "H",
                "mid",
                "um",
                chain=["H mid 45 -> 23 (rounded up)", "H um 23 -> 46"],
                also=["f2 45x64 48x64 H"],
                fits={"H": FOURS},
            )
        ],
        {"um": "mid", "ul": "mid low"},
    ),
    # The fusion to the lower branch: both went down by 2, one through a pool that rounds down: 23 against 22.
    "hrnet_down": Case(
        spec(
            "x: [1, 1, H, 64]",
            """low: MaxPool2d(2)
            own: Conv2d(1, 3, stride=2, padding=1)(x)
            f: Add(low, own)""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "f",
                "22x32",
                "23x32",
                "H",
                branches="low own",
                chain=["H low 45 -> 22 (rounded down)", "H own 45 -> 23 (rounded up)"],
                fits={"H": EVEN},
            )
        ],
        {},
    ),
    # A ResNet shortcut whose window is one shorter: (44 - 3)//2 + 1 = 21 against (44 + 2 - 3)//2 + 1 = 22.
    "shortcut": Case(
        spec(
            "x: [1, 1, H, 45]",
            """a: MaxPool2d(3, stride=2)
            b: Conv2d(1, 3, stride=2, padding=1)(x)
            f: Add(a, b)""",
        ),
        {"x": (1, 1, 44, 45)},
        [
            Says(
                "f",
                "21x22",
                "22x23",
                "H W",
                branches="a b",
                chain=[
                    "H a 44 -> 21 (22 - 1)",
                    "H b 44 -> 22",
                    "W a 45 -> 22 (rounded down)",
                    "W b 45 -> 23 (rounded up)",
                ],
            )
        ],
        {},
    ),
    # A stacked hourglass: 60 -> 30 -> 15 -> 7, 14 against 15 at the innermost.
    "hourglass": Case(
        """shapelint: 1
inputs:
  x: [1, 1, H, 64]
blocks:
  glass3():
    - low: MaxPool2d(2)
    - up: Upsample(scale_factor=2)
    - sum: Add(input, up)
  glass2():
    - low: MaxPool2d(2)
    - inner: glass3()
    - up: Upsample(scale_factor=2)
    - sum: Add(input, up)
layers:
  - low: MaxPool2d(2)
  - inner: glass2()
  - up: Upsample(scale_factor=2)
  - sum: Add(x, up)
""",
        {"x": (1, 1, 60, 64)},
        [
            Says(
                "inner/inner/sum",
                "15x16",
                "14x16",
                "H",
                "inner/inner/low",
                "inner/inner/up",
                chain=["H inner/inner/low 15 -> 7 (rounded down)", "H inner/inner/up 7 -> 14"],
            )
        ],
        {"inner/inner/up": "inner/inner/low", "inner/up": "inner/low", "up": "low"},
    ),
    # The code is flat: 27 -> 14 -> 7, 64 * 7 * 7 = 3136 numbers, and back 7 -> 14 -> 28.
    "flat_bottleneck": Case(
        spec(
            "x: [1, 1, H, 28]",
            """e1: Conv2d(32, 3, stride=2, padding=1)
            e2: Conv2d(64, 3, stride=2, padding=1)
            Flatten()
            code: Linear(3136, 10)
            Linear(10, 3136)
            Unflatten(1, (64, 7, 7))
            d2: ConvTranspose2d(32, 2, stride=2)
            out: ConvTranspose2d(1, 2, stride=2)""",
            "out.size == x.size",
        ),
        {"x": (1, 1, 27, 28)},
        [Says("out", "28x28", "27x28", "H", rule="SHP202", fits={"H": "28"})],
        {},
    ),
    # The same at 32: 8 * 7 * 64 = 3584.
    "flat_bottleneck_refuses": Case(
        spec(
            "x: [1, 1, H, 28]",
            """e1: Conv2d(32, 3, stride=2, padding=1)
            e2: Conv2d(64, 3, stride=2, padding=1)
            Flatten()
            code: Linear(3136, 10)""",
        ),
        {"x": (1, 1, 32, 28)},
        [Says("code", "3584", "3136", "H W", rule="SHP106")],
        {},
    ),
    # x[::2] rounds up: 45 -> 23 -> 46.
    "max_unpool": Case(
        spec(
            "x: [1, 1, H, 64]",
            """p: MaxPool2d(2)
            u: MaxUnpool2d(2)(p, p)
            out: Concat(u, x)""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "out",
                "44x64",
                "45x64",
                "H",
                "p",
                "u",
                chain=["H p 45 -> 22 (rounded down)", "H u 22 -> 44"],
                fits={"H": EVEN},
            )
        ],
        {"u": "p"},
    ),
    # The indices are those of a pool whose result has another size: 135 -> 67 -> 134 against 135.
    "max_unpool_indices": Case(
        spec(
            "x: [1, 1, H, 64]",
            """p1: MaxPool2d(2)
            p2: MaxPool2d(2)
            u2: MaxUnpool2d(2)(p2, p2)
            u1: MaxUnpool2d(2)(u2, p1)""",
        ),
        {"x": (1, 1, 270, 64)},
        [
            Says(
                "u1",
                "134x32",
                "135x32",
                "H",
                "p2",
                "u2",
                chain=["H p2 135 -> 67 (rounded down)", "H u2 67 -> 134"],
                fits={"H": "multiples of 4, or 1 more from 4"},
                rule="SHP107",
            )
        ],
        {"u2": "p2", "u1": "p1"},
    ),
    # Sub-pixel: the unshuffle divides, the strided convolution rounds 45 up to 23.
    "pixel_shuffle": Case(
        spec(
            "x: [1, 1, H, 64]",
            """c: Conv2d(4, 3, stride=2, padding=1)
            s: PixelShuffle(2)
            out: Add(x, s)""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "out",
                "45x64",
                "46x64",
                "H",
                "c",
                "s",
                chain=["H c 45 -> 23 (rounded up)", "H s 23 -> 46"],
                fits={"H": EVEN},
            )
        ],
        {"s": "c"},
    ),
    # Nothing rounds: 64 -> 32, and a kernel of 3 with a padding of 1 returns 63.
    "wrong_kernel": Case(
        spec(
            "x: [1, 1, H, 63]",
            """d: Conv2d(1, 4, stride=2, padding=1)
            u: ConvTranspose2d(1, 3, stride=2, padding=1)
            out: Concat(x, u)""",
        ),
        {"x": (1, 1, 64, 63)},
        [
            Says(
                "out",
                "64x63",
                "63x61",
                "H W",
                "d",
                "u",
                chain=["H d 64 -> 32", "H u 32 -> 63 (64 - 1)", "W d 63 -> 31 (rounded down)", "W u 31 -> 61 (62 - 1)"],
            )
        ],
        {"u": "d"},
    ),
    # Stride 3: 20 -> 6 -> 18.
    "stride_3": Case(
        spec(
            "x: [1, 1, L]",
            """d: Conv1d(1, 3, stride=3)
            u: ConvTranspose1d(1, 3, stride=3)
            out: Add(x, u)""",
        ),
        {"x": (1, 1, 20)},
        [
            Says(
                "out",
                "20",
                "18",
                "L",
                "d",
                "u",
                chain=["L d 20 -> 6 (rounded down)", "L u 6 -> 18"],
                fits={"L": "multiples of 3"},
            )
        ],
        {"u": "d"},
    ),
    # Strides (1, 2, 2), then 2: the depth of 9 meets only the second: 9 -> 4 -> 8.
    "anisotropic_3d": Case(
        spec(
            "x: [1, 1, D, H, W]",
            """p1: MaxPool3d((1, 2, 2))
            p2: MaxPool3d(2)
            u2: ConvTranspose3d(1, 2, stride=2)
            m2: Concat(u2, p1)
            u1: ConvTranspose3d(1, (1, 2, 2), stride=(1, 2, 2))
            m1: Concat(u1, x)""",
        ),
        {"x": (1, 1, 9, 64, 64)},
        [
            Says(
                "m2",
                "8x32x32",
                "9x32x32",
                "D",
                "p2",
                "u2",
                chain=["D p2 9 -> 4 (rounded down)", "D u2 4 -> 8"],
                fits={"D": EVEN},
            )
        ],
        {"u2": "p2", "u1": "p1"},
    ),
    # 90x90x40 through four steps up to 3: 90 45 23 12 6 and 40 20 10 5 3. W fails first (6 against 5), then D and H.
    "monai_3d": Case(
        spec(
            "x: [1, 1, D, H, W]",
            """e1: Conv3d(1, 3, stride=2, padding=1)
            e2: Conv3d(1, 3, stride=2, padding=1)
            e3: Conv3d(1, 3, stride=2, padding=1)
            e4: Conv3d(1, 3, stride=2, padding=1)
            u3: ConvTranspose3d(1, 2, stride=2)
            m3: Concat(u3, e3)
            u2: ConvTranspose3d(1, 2, stride=2)
            m2: Concat(u2, e2)
            u1: ConvTranspose3d(1, 2, stride=2)
            m1: Concat(u1, e1)""",
        ),
        {"x": (1, 1, 90, 90, 40)},
        [
            Says(
                "m3",
                "12x12x6",
                "12x12x5",
                "W",
                "e4",
                "u3",
                chain=["W e4 5 -> 3 (rounded up)", "W u3 3 -> 6"],
                also=["m2 24x24x10 23x23x10 D H", "m1 46x46x20 45x45x20 D H"],
                fits=dict.fromkeys(("D", "H", "W"), "multiples of 16, or 1 less"),
            )
        ],
    ),
    # UperNet: 25, 13, 7, 4 brought to 25 by x2, x4 and x8: 26, 28 and 32.
    "all_levels_at_once": Case(
        spec(
            "x: [1, 1, H, 64]",
            """c2: Conv2d(1, 3, stride=2, padding=1)
            c3: Conv2d(1, 3, stride=2, padding=1)
            u2: Upsample(scale_factor=2)(c2)
            u3: Upsample(scale_factor=4)(c3)
            all: Concat(x, u2, u3)""",
        ),
        {"x": (1, 1, 25, 64)},
        [
            Says(
                "all",
                "25x64",
                "26x64",
                "H",
                "c2",
                "u2",
                chain=["H c2 25 -> 13 (rounded up)", "H u2 13 -> 26"],
                also=["all 25x64 28x64 H"],
                fits={"H": FOURS},
            )
        ],
        {"u2": "c2", "u3": "c2 c3"},
    ),
    # Two U-Nets in a row: the second is behind the first merge that fails.
    "w_net": Case(
        spec(
            "x: [1, 1, H, 64]",
            """pa: MaxPool2d(2)
            ua: Upsample(scale_factor=2)
            ma: Concat(x, ua)
            pb: MaxPool2d(2)
            ub: Upsample(scale_factor=2)
            mb: Concat(ma, ub)""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "ma",
                "45x64",
                "44x64",
                "H",
                "pa",
                "ua",
                chain=["H pa 45 -> 22 (rounded down)", "H ua 22 -> 44"],
                also=["mb 45x64 44x64 H"],
                fits={"H": EVEN},
            )
        ],
        {"ua": "pa", "ub": "pb"},
    ),
    # Two encoders that meet in the middle: 45 -> 22 of one image, 23 of the other as it is fed.
    "two_inputs": Case(
        spec(
            """x: [1, 1, H, 64]
            y: [1, 1, K, 32]""",
            """p: MaxPool2d(2)(x)
            m: Concat(p, y)""",
        ),
        {"x": (1, 1, 45, 64), "y": (1, 1, 23, 32)},
        [Says("m", "22x32", "23x32", "H K", chain=["H p 45 -> 22 (rounded down)"])],
        {},
    ),
    # Keras, channels last: 45x60 -> 22x30 -> 44x60.
    "channels_last": Case(
        spec(
            "x: [H, W, 1]",
            """p: MaxPooling2D(2)
            u: UpSampling2D(2)
            m: Concat(x, u)""",
            convention="keras",
        ),
        {"x": (45, 60, 1)},
        [
            Says(
                "m",
                "45x60",
                "44x60",
                "H",
                "p",
                "u",
                chain=["H p 45 -> 22 (rounded down)", "H u 22 -> 44"],
                fits={"H": EVEN},
            )
        ],
        {"u": "p"},
    ),
    # Pad to even, go down and up, crop back: nothing is wrong with the inner pair; the outer pool rounds 91 to 45.
    "padded_and_cropped_inside": Case(
        spec(
            "x: [1, 1, H, 64]",
            """p1: MaxPool2d(2)
            pad: Pad((1, 0), 0)
            p2: MaxPool2d(2)
            u2: Upsample(scale_factor=2)
            cut: Crop((1, 0), 0)
            m2: Concat(p1, cut)
            u1: Upsample(scale_factor=2)
            m1: Concat(x, u1)""",
        ),
        {"x": (1, 1, 91, 64)},
        [
            Says(
                "m1",
                "91x64",
                "90x64",
                "H",
                "p1",
                "u1",
                chain=["H p1 91 -> 45 (rounded down)", "H u1 45 -> 90"],
                fits={"H": "2 (mod 4)"},
            )
        ],
        {"u2": "p2", "u1": "p1"},
    ),
    # What is expected along the way: one chain, one finding. 90 -> 45 -> 22 -> 44 -> 88.
    "expectations": Case(
        spec(
            "x: [1, 1, H, 64]",
            """e1: MaxPool2d(2)
            e2: MaxPool2d(2)
            d1: Upsample(scale_factor=2)
            out: Upsample(scale_factor=2)""",
            """d1.size == e1.size
            out.size == x.size""",
        ),
        {"x": (1, 1, 90, 64)},
        [
            Says(
                "d1.size == e1.size",
                "44x32",
                "45x32",
                "H",
                "e2",
                "d1",
                chain=["H e2 45 -> 22 (rounded down)", "H d1 22 -> 44"],
                also=["out 88x64 90x64 H"],
                fits={"H": FOURS},
                rule="SHP204",
            )
        ],
        {"d1": "e2", "out": "e1"},
    ),
    # The same with merges: what is expected of the two sides of a merge has no row of its own.
    "expectations_and_merges": Case(
        spec(
            "x: [1, 1, H, 64]",
            """e1: MaxPool2d(2)
            e2: MaxPool2d(2)
            d1: Upsample(scale_factor=2)
            m1: Concat(e1, d1)
            d0: Upsample(scale_factor=2)
            out: Crop((0, 0), 0)""",
            """d1.size == e1.size
            out.size == x.size""",
        ),
        {"x": (1, 1, 91, 64)},
        [
            Says(
                "m1",
                "45x32",
                "44x32",
                "H",
                "e2",
                "d1",
                chain=["H e2 45 -> 22 (rounded down)", "H d1 22 -> 44"],
                also=["out 90x64 91x64 H"],
                fits={"H": FOURS},
            )
        ],
    ),
    # A bound on a size fails by itself, and what is expected of the code is no consequence of a merge.
    "expectations_of_another_cause": Case(
        spec(
            "x: [1, 1, H, 64]",
            """e1: MaxPool2d(2)
            code: Identity()
            d0: Upsample(scale_factor=2)
            m: Concat(x, d0)""",
            """code.size == 32
            m.size >= 50""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "m",
                "45x64",
                "44x64",
                "H",
                "e1",
                "d0",
                chain=["H e1 45 -> 22 (rounded down)", "H d0 22 -> 44"],
                fits={"H": "64"},
            ),
            Says(
                "code.size == 32",
                "22x32",
                "32x32",
                "H",
                chain=["H e1 45 -> 22 (rounded down)"],
                fits={"H": "64"},
                rule="SHP204",
            ),
            Says("m.size >= 50", "45x64", "50x50", "H", fits={"H": "64"}, rule="SHP204"),
        ],
    ),
    # Two decoders with what is expected of each: two causes.
    "expectations_of_two_decoders": Case(
        spec(
            "x: [1, 1, H, 64]",
            """e1: MaxPool2d(2)
            a: Upsample(scale_factor=2)(e1)
            b: ConvTranspose2d(1, 2, stride=2)(e1)""",
            """a.size == x.size
            b.size == x.size""",
        ),
        {"x": (1, 1, 45, 64)},
        [
            Says(
                "a",
                "44x64",
                "45x64",
                "H",
                "e1",
                "a",
                rule="SHP202",
                chain=["H e1 45 -> 22 (rounded down)", "H a 22 -> 44"],
                fits={"H": EVEN},
            ),
            Says(
                "b",
                "44x64",
                "45x64",
                "H",
                "e1",
                "b",
                rule="SHP202",
                chain=["H e1 45 -> 22 (rounded down)", "H b 22 -> 44"],
                fits={"H": EVEN},
            ),
        ],
        {"a": "e1", "b": "e1"},
    ),
}


def said(report: Any) -> list[Says]:
    """The findings of a report, as they stand in its JSON, in the form of the expectations."""
    found = []
    for each in report.to_json()["findings"]:
        pair, sizes = each["pair"] or {"down": [], "up": []}, each["sizes"] or {"left": [], "right": []}
        found.append(
            Says(
                each["node"],
                _by(sizes["left"]),
                _by(sizes["right"]),
                " ".join(each["axes"]),
                " ".join(pair["down"]),
                " ".join(pair["up"]),
                " ".join(each["branches"] or []),
                [f"{link['axis']} {link['node']} {link['text']}" for link in each["chain"]],
                [
                    f"{row['node']} {_by(row['left'])} {_by(row['right'])} {' '.join(row['axes'])}"
                    for row in each["also"]
                ],
                {axis: of["text"] for axis, of in (each["fits"] or {}).items()},
                each["rule"],
            )
        )
    return found


def _by(sizes: list[int]) -> str:
    return "x".join(map(str, sizes))


def undone(source: Any, at: dict[str, Any]) -> dict[str, str]:
    nodes = show_json(Analysis(load(source), Stated(inputs=at)))["nodes"]
    return {node["name"]: " ".join(node["undoes"]) for node in nodes if node["undoes"]}


@pytest.mark.parametrize("name", CASES)
def test_the_finding_is_the_one_by_hand(name: str) -> None:
    case = CASES[name]
    found = said(shapelint.check(case.text.encode(), inputs=case.at))
    for has, wants in zip(found, case.says, strict=False):
        if not wants.fits:
            has.fits = {}
    assert sorted(found, key=lambda each: each.node) == sorted(case.says, key=lambda each: each.node)


FLAT = re.compile(r"  (x|x00): \[1, 1, H, (W|\d+)\]")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if len(FLAT.findall(case.text)) == 1])
def test_a_file_that_fixes_all_but_the_batch_is_explained_alike(name: str) -> None:
    """The sizes stand in the file as numbers and the batch is free: the same pair, chain and sizes are told."""
    case = CASES[name]
    if name in ("flat_bottleneck_refuses", "two_inputs"):
        pytest.skip("what fails couples the axes")
    ((_, dims),) = case.at.items()
    text = FLAT.sub(lambda match: f"  {match[1]}: [N, 1, {dims[2]}, {dims[3]}]", case.text)
    found = said(shapelint.check(text.encode()))
    for has in found:
        has.fits = {}
    wanted = [replace(each, fits={}) for each in case.says]
    assert sorted(found, key=lambda each: each.node) == sorted(wanted, key=lambda each: each.node)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.undoes is not None])
def test_the_pairs_are_those_by_hand(name: str) -> None:
    case = CASES[name]
    assert undone(case.text.encode(), case.at) == case.undoes


def test_a_step_that_nothing_undoes_is_told() -> None:
    """One pool and no step up: 64 -> 32 against 64."""
    text = spec("x: [1, 1, H, W]", "p: MaxPool2d(2)\nm: Concat(x, p)")
    [found] = shapelint.check(text.encode(), inputs={"x": (1, 1, 64, 64)}).findings
    assert "only one side goes through `p`" in found.notes


def test_the_pairs_are_explained() -> None:
    """`debug facts`: 225 is 1 above a multiple of 2, so 113 * 2 is 226 there."""
    text = debug_text(Analysis(load(FIXTURES / "err" / "static_225.onnx")), "facts")
    assert "  H = 225, W = 225; freed for what follows\n" in text
    line = "up (x2) undoes down (x1/2) along H and W: H comes back as 2*ceil(H/2): the same at multiples of 2"
    assert f"pairs\n  {line}\n" in text


def test_unpadded_convolutions_between_are_told() -> None:
    """64 -> 32 -> 30 -> 28 -> 56 against 64: the x2 undoes the pool, and what is missing are the borders."""
    text = spec(
        "x: [1, 1, H, W]",
        """p: MaxPool2d(2)
        a: Conv2d(1, 3)
        b: Conv2d(1, 3)
        u: ConvTranspose2d(1, 2, stride=2)
        m: Concat(x, u)""",
    )
    [found] = shapelint.check(text.encode(), inputs={"x": (1, 1, 64, 64)}).findings
    assert found.message == "`m` joins `x` at 64x64 with `u` at 56x56"
    assert "the borders of `a` and `b` make the difference" in found.notes


# -- ONNX: the same steps written as other operators -------------------------------------------------------------------


@dataclass
class File:
    """An ONNX network, the sizes that it is fed, and what is said of them."""

    build: Callable[[Net], None]
    at: tuple[int, ...]
    says: list[Says]
    undoes: dict[str, str]


def resized_to_the_skip(net: Net) -> None:
    """The repair itself: Resize takes the sizes of the skip's Shape, so it undoes the pool at every size."""
    x = net.input("x", 1, 1, "H", "W")
    p = net.pool(x, "p")
    net.node("Shape", [x], "shape")
    net.node("Resize", [p, "", "", "shape"], "up")
    net.node("Concat", [x, "up"], "join", axis=1)


def resized_to_half(net: Net) -> None:
    """Two levels of it, and the sizes go through Slice and Concat as exporters write them."""
    x = net.input("x", 1, 1, "H", "W")
    p1 = net.pool(x, "p1")
    p2 = net.pool(p1, "p2")
    for name, values in (("two", [2]), ("four", [4]), ("nc", [1, 1])):
        net.const(name, values)
    for low, skip, up in ((p2, p1, "u2"), ("u2", x, "u1")):
        net.node("Shape", [skip], f"{up}.shape")
        net.node("Slice", [f"{up}.shape", "two", "four"], f"{up}.size")
        net.node("Concat", ["nc", f"{up}.size"], f"{up}.sizes", axis=0)
        net.node("Resize", [low, "", "", f"{up}.sizes"], up)
    net.node("Add", [x, "u1"], "join")


def strided_slice(net: Net) -> None:
    """x[:, :, ::2]: 45 -> 23 -> 46."""
    x = net.input("x", 1, 1, "H", "W")
    for name, values in (("from", [0]), ("to", [2**31 - 1]), ("axis", [2]), ("step", [2])):
        net.const(name, values)
    net.node("Slice", [x, "from", "to", "axis", "step"], "half")
    net.const("scales", [1, 1, 2, 1], "float32")
    net.node("Resize", ["half", "", "scales"], "up")
    net.node("Add", [x, "up"], "join")


def space_to_depth(net: Net) -> None:
    """Blocks of 2 on the way down and up."""
    x = net.input("x", 1, 4, "H", "W")
    net.node("SpaceToDepth", [x], "down", blocksize=2)
    net.node("DepthToSpace", ["down"], "up", blocksize=2)
    net.node("Add", [x, "up"], "join")


def depth_to_space(net: Net) -> None:
    """A strided convolution rounds 45 up to 23; blocks of 2 make 46 of it."""
    x = net.input("x", 1, 1, "H", "W")
    net.conv(x, "down", leaving=4, s=2)
    net.node("DepthToSpace", ["down"], "up", blocksize=2)
    net.node("Add", [x, "up"], "join")


def reshaped(net: Net, x: str, name: str, sizes: list[str | int], perm: list[int], to: list[str | int]) -> str:
    """Reshape, Transpose, Reshape; a size is a number or the name of a vector of one element."""
    for place, dims in (("a", sizes), ("b", to)):
        parts = [dim if isinstance(dim, str) else net.const(f"{name}.{place}{i}", [dim]) for i, dim in enumerate(dims)]
        net.node("Concat", parts, f"{name}.{place}", axis=0)
    net.node("Reshape", [x, f"{name}.a"], f"{name}/split")
    net.node("Transpose", [f"{name}/split"], f"{name}/turn", perm=perm)
    return net.node("Reshape", [f"{name}/turn", f"{name}.b"], name)


def size_of(net: Net, x: str, axis: int, name: str, times: int = 1, by: int = 1) -> str:
    """A vector of one element: a size of `x`, multiplied and divided."""
    net.node("Shape", [x], f"{name}.of", start=axis, end=axis + 1)
    net.node("Mul", [f"{name}.of", net.const(f"{name}.times", [times])], f"{name}.all")
    return net.node("Div", [f"{name}.all", net.const(f"{name}.by", [by])], name)


def pixel_shuffle_by_reshape(net: Net) -> None:
    """(1, 4, h, w) -> (1, 1, 2, 2, h, w) -> (1, 1, h, 2, w, 2) -> (1, 1, 2h, 2w), behind a pool: 45 -> 22 -> 44."""
    x = net.input("x", 1, 1, "H", "W")
    net.pool(x, "p")
    net.conv("p", "c", leaving=4)
    h, w = size_of(net, "c", 2, "h"), size_of(net, "c", 3, "w")
    h2, w2 = size_of(net, "c", 2, "h2", times=2), size_of(net, "c", 3, "w2", times=2)
    reshaped(net, "c", "shuffle", [1, 1, 2, 2, h, w], [0, 1, 4, 2, 5, 3], [1, 1, h2, w2])
    net.node("Add", [x, "shuffle"], "join")


def patch_merging_by_reshape(net: Net) -> None:
    """(1, c, H, W) -> (1, c, H/2, 2, W/2, 2) -> (1, c, 2, 2, H/2, W/2) -> (1, 4c, H/2, W/2), undone by a x2; only even
    sizes can be split."""
    x = net.input("x", 1, 1, "H", "W")
    h, w = size_of(net, x, 2, "h", by=2), size_of(net, x, 3, "w", by=2)
    reshaped(net, x, "merge", [1, 1, h, 2, w, 2], [0, 1, 3, 5, 2, 4], [1, 4, h, w])
    net.deconv("merge", "up", entering=4)
    net.node("Add", [x, "up"], "join")


def max_unpool(net: Net) -> None:
    """The indices come from the pool: 45 -> 22 -> 44."""
    x = net.input("x", 1, 1, "H", "W")
    pool = net.pool(x, "p")
    net.nodes[-1].output.append("indices")
    net.node("MaxUnpool", [pool, "indices"], "u", kernel_shape=[2, 2], strides=[2, 2])
    net.node("Add", [x, "u"], "join")


FILES: dict[str, File] = {
    "resized_to_the_skip": File(resized_to_the_skip, (1, 1, 45, 64), [], {"up": "p"}),
    "resized_to_half": File(resized_to_half, (1, 1, 47, 64), [], {"u2": "p2", "u1": "p1"}),
    "strided_slice": File(
        strided_slice,
        (1, 1, 45, 64),
        [Says("join", "45x64", "46x64", "H", "half", "up", chain=["H half 45 -> 23 (rounded up)", "H up 23 -> 46"])],
        {"up": "half"},
    ),
    "space_to_depth": File(
        space_to_depth, (1, 4, 45, 64), [Says("down", "45", "2", "H", rule="SHP107")], {"up": "down"}
    ),
    "depth_to_space": File(
        depth_to_space,
        (1, 1, 45, 64),
        [Says("join", "45x64", "46x64", "H", "down", "up", chain=["H down 45 -> 23 (rounded up)", "H up 23 -> 46"])],
        {"up": "down"},
    ),
    "pixel_shuffle_by_reshape": File(
        pixel_shuffle_by_reshape,
        (1, 1, 45, 64),
        [
            Says(
                "join",
                "45x64",
                "44x64",
                "H",
                "p",
                "shuffle",
                chain=["H p 45 -> 22 (rounded down)", "H shuffle 22 -> 44"],
            )
        ],
        {"shuffle": "p"},
    ),
    "patch_merging_by_reshape": File(
        patch_merging_by_reshape,
        (1, 1, 45, 64),
        [Says("merge/split", "", "", "H", rule="SHP107")],
        {"up": "merge/split"},
    ),
    "max_unpool": File(
        max_unpool,
        (1, 1, 45, 64),
        [Says("join", "45x64", "44x64", "H", "p", "u", chain=["H p 45 -> 22 (rounded down)", "H u 22 -> 44"])],
        {"u": "p"},
    ),
}


def built(name: str) -> Any:
    net = Net(19)
    FILES[name].build(net)
    return net.model(net.nodes[-1].output[0])


@pytest.mark.parametrize("name", FILES)
def test_the_finding_of_a_file_is_the_one_by_hand(name: str) -> None:
    found = said(shapelint.check(built(name), inputs={"x": FILES[name].at}))
    for each, wanted in zip(found, FILES[name].says, strict=False):
        each.fits = {}
        if not wanted.left:
            each.left = each.right = ""
    assert found == FILES[name].says


@pytest.mark.parametrize("name", FILES)
def test_the_pairs_of_a_file_are_those_by_hand(name: str) -> None:
    assert undone(built(name), {"x": FILES[name].at}) == FILES[name].undoes
