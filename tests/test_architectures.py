"""Real architectures, pasted as people write them, against a count in plain Python of what each does to a size."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

import shapelint
from shapelint.analysis import Analysis
from shapelint.settings import Stated
from shapelint.source import load

from .shared import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = CHECKOUT / "fixtures" / "architectures"


class Refused(Exception):
    """A layer that cannot run, or a size that does not come back."""


def window(n: int, k: int, s: int = 1, p: int = 0, d: int = 1) -> int:
    """torch's convolution and pool."""
    room = n + 2 * p - d * (k - 1) - 1
    if room < 0:
        raise Refused
    return room // s + 1


def transposed(n: int, k: int, s: int, p: int = 0, extra: int = 0) -> int:
    """torch's transposed convolution."""
    return (n - 1) * s - 2 * p + k + extra


def met(one: int, other: int) -> int:
    """Two sizes that have to be equal."""
    if one != other:
        raise Refused
    return one


def unet_milesial(n: int) -> None:
    levels = [n]
    for _ in range(4):
        levels.append(window(levels[-1], 2, 2))
    up = levels.pop()
    while levels:
        up = met(2 * up, levels.pop())
    met(up, n)


def unet_milesial_transposed(n: int) -> None:
    levels = [n]
    for _ in range(4):
        levels.append(window(levels[-1], 2, 2))
    up = levels.pop()
    while levels:
        up = met(transposed(up, 2, 2), levels.pop())


def unet_milesial_padded(n: int) -> None:
    size = n
    for _ in range(4):
        size = window(size, 2, 2)  # the line that pads makes every join fit


def unet_resnet(n: int) -> None:
    stem = window(n, 7, 2, 3)
    stages = [stem, window(stem, 3, 2, 1)]
    for _ in range(3):
        stages.append(met(window(stages[-1], 3, 2, 1), window(stages[-1], 1, 2)))
    up = stages.pop()
    while stages:
        up = met(2 * up, stages.pop())
    met(2 * up, n)


def unet3d_monai(n: int) -> None:
    sizes = [window(n, 3, 2, 1)]
    for _ in range(3):
        sizes.append(window(sizes[-1], 3, 2, 1))
    up = sizes.pop()
    while sizes:
        up = met(transposed(up, 3, 2, 1, 1), sizes.pop())
    met(transposed(up, 3, 2, 1, 1), n)


def autoencoder_keras_blog(n: int) -> None:
    size = n
    for _ in range(3):
        size = -(-size // 2)
    met(2 * (4 * size - 2), n)


def hifigan(n: int) -> None:
    size = n
    for rate, kernel in zip((8, 8, 2, 2), (16, 16, 4, 4), strict=True):
        size = transposed(size, kernel, rate, (kernel - rate) // 2)
        after = {window(size, k, p=d * (k - 1) // 2, d=d) for k in (3, 7, 11) for d in (1, 3, 5)}
        met(len(after), 1)
        size = after.pop()
    met(size, 256 * n)


def yolo_pan(n: int) -> None:
    size = window(n, 6, 2, 2)
    levels = []
    for _ in range(4):
        size = window(size, 3, 2, 1)
        levels.append(size)
    _, c3, c4, c5 = levels
    p3 = met(2 * met(2 * c5, c4), c3)
    met(window(met(window(p3, 3, 2, 1), c4), 3, 2, 1), c5)


def codec_dac(n: int) -> None:
    """Every length that leaves a sample for each window runs; the residual units keep the length."""
    for rate in (2, 4, 5, 8):
        n = window(n, 2 * rate, rate, (rate + 1) // 2)
    for rate in (8, 5, 4, 2):
        n = transposed(n, 2 * rate, rate, (rate + 1) // 2)


def unet_latent(n: int) -> None:
    levels = [n]
    for _ in range(3):
        levels.append(window(levels[-1], 3, 2, 1))
    up = levels.pop()
    while levels:
        up = met(2 * up, levels.pop())


COUNTED: dict[str, Callable[[int], None]] = {
    "unet_milesial": unet_milesial,
    "unet_milesial_transposed": unet_milesial_transposed,
    "unet_milesial_padded": unet_milesial_padded,
    "unet_resnet": unet_resnet,
    "unet3d_monai": unet3d_monai,
    "autoencoder_keras_blog": autoencoder_keras_blog,
    "hifigan": hifigan,
    "yolo_pan": yolo_pan,
    "codec_dac": codec_dac,
    "unet_latent": unet_latent,
}
KNOWN = {
    "unet_milesial": lambda n: n % 16 == 0,
    "unet_milesial_transposed": lambda n: n % 16 == 0,
    "unet_milesial_padded": lambda n: n >= 16,
    "unet_resnet": lambda n: n % 32 == 0,
    "unet3d_monai": lambda n: n % 16 == 0,
    "autoencoder_keras_blog": lambda n: n % 8 == 4,
    "hifigan": lambda n: True,
    "yolo_pan": lambda n: n > 1 and n % 32 in (0, 1, 26, 27, 28, 29, 30, 31),
    # 8 windows of stride 8 with a padding of 4 need 8 samples, those 8*5 - 3 of stride 5, and so on.
    "codec_dac": lambda n: n >= 312,
    "unet_latent": lambda n: n % 8 == 0,
}
"""The answers by hand."""


def runs(name: str, n: int) -> bool:
    try:
        COUNTED[name](n)
    except Refused:
        return False
    return True


def test_every_fixture_is_counted() -> None:
    names = {path.name.removesuffix(".shape.yaml") for path in FOLDER.glob("*.shape.yaml")}
    assert names == {*COUNTED, "unet_milesial_swapped", "autoencoder_keras_25"}


def test_the_fixed_autoencoder_returns_32_for_25() -> None:
    """25 -> 13 -> 7 -> 4 -> 2, halves rounded up, and 2 * 16 = 32."""
    [found] = shapelint.check(FOLDER / "autoencoder_keras_25.shape.yaml").findings
    assert found.rule == "SHP202"
    assert found.message == "`d1` comes out as 32x32 where `d1.size == image.size` needs 25x25"


@pytest.mark.parametrize("name", COUNTED)
def test_the_sizes_are_those_counted(name: str) -> None:
    sizes = shapelint.sizes(FOLDER / f"{name}.shape.yaml")
    assert not sizes.unknown
    ((_, axes),) = sizes.items()
    spatial = [of for axis, of in axes.items() if not (axis == 0 and name != "autoencoder_keras_blog")]
    assert spatial
    for of in spatial:
        assert of is not None
        assert of.is_complete
        for n in range(1, 600):
            assert (n in of) is runs(name, n) is KNOWN[name](n), n


def swapped(h: int, w: int) -> bool:
    """The U-Net whose padding adds what is missing in height to the width, and the other way round."""
    sizes = [(h, w)]
    for _ in range(4):
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    up = sizes.pop()
    if 0 in up:
        return False
    while sizes:
        up = (2 * up[0], 2 * up[1])
        skip = sizes.pop()
        up = (up[0] + skip[1] - up[1], up[1] + skip[0] - up[0])
        if up != skip:
            return False
    return True


def test_the_swapped_padding_couples_the_axes() -> None:
    """It runs where H and W leave the same remainder mod 16; every size from 16 on has such a partner."""
    sizes = shapelint.sizes(FOLDER / "unet_milesial_swapped.shape.yaml")
    assert sizes.unknown == []
    assert sizes.verdict == "restricted"
    assert sizes.coupled == ["(H - W) % 16 == 0"]
    for axis in (2, 3):
        of = sizes["image"][axis]
        assert of is not None
        assert of.is_complete
        assert [n for n in range(1, 200) if n not in of] == list(range(1, 16))
    for h, w in product(range(12, 52), range(12, 52)):
        counted = swapped(h, w)
        assert counted is (h % 16 == w % 16 and min(h, w) >= 16)
        if (h + w) % 3 == 0:
            assert sizes.fits([1, 3, h, w]) is counted, (h, w)


def test_a_partner_that_is_stated_narrows_the_swapped_padding() -> None:
    sizes = shapelint.sizes(FOLDER / "unet_milesial_swapped.shape.yaml", inputs={"image": [1, 3, "H", 100]})
    of = sizes["image"][2]
    assert of is not None
    assert [n for n in range(1, 120) if n in of] == [n for n in range(16, 120) if n % 16 == 4]


@pytest.mark.parametrize("name", [*COUNTED, "unet_milesial_swapped"])
def test_numbers_agree_with_the_sets(name: str) -> None:
    path = FOLDER / f"{name}.shape.yaml"
    model = load(path)
    (declared,) = model.graph.inputs
    for n in (1, 2, 15, 16, 27, 28, 31, 32, 33, 60, 64, 96, 100, 256):
        dims = tuple([dim if isinstance(dim, int) else (2 if dim == "N" else n) for dim in declared.dims or ()])
        expected = n >= 16 if name == "unet_milesial_swapped" else runs(name, n)
        assert Analysis(model, Stated(inputs={declared.name: dims})).runs is expected, n


def test_the_three_outputs_of_the_neck() -> None:
    shapes = shapelint.shapes(FOLDER / "yolo_pan.shape.yaml", inputs={"image": [1, 3, 640, 672]})
    assert [shapes[f"detect[{level}]"] for level in (3, 4, 5)] == [
        (1, 255, 80, 84),
        (1, 255, 40, 42),
        (1, 255, 20, 21),
    ]
