"""The questions that started this: each a spec in `fixtures/questions`, with the answer worked out by hand.

docs/questions.md tells them; its console blocks are what the command prints. To renew them:
BLESS=1 python -m pytest tests/test_questions.py, then read the difference.
"""

from __future__ import annotations

import os
import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

import shapelint
from shapelint.cli import main
from shapelint.ops.arithmetic import AxisWindow
from shapelint.ops.arithmetic.keras import deconv_length

from .shared import CHECKOUT, FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from shapelint.size import SizeSet

QUESTIONS = FIXTURES / "questions"
PAGE = CHECKOUT / "docs" / "questions.md"


def spec(name: str) -> Path:
    return QUESTIONS / f"{name}.shape.yaml"


def findings(name: str, **stated: Any) -> list[tuple[str, str]]:
    return [(found.rule, found.message) for found in shapelint.check(spec(name), **stated).findings]


def members(sizes: SizeSet | None, upto: int = 80) -> list[int]:
    assert sizes is not None
    return [n for n in range(1, upto) if n in sizes]


def spatial(name: str, layer: str, **inputs: tuple[int, ...]) -> list[Any]:
    """The spatial size of a layer, of which the last axis is the channels."""
    shape = shapelint.shapes(spec(name), inputs=inputs or None)[layer]
    assert shape is not None
    return list(shape[:-1])


def test_the_autoencoder_returns_32_for_30() -> None:
    """30 -> 15 -> 8 -> 16 -> 32: what fits are the multiples of 4, and a crop at the end takes every size."""
    assert members(shapelint.sizes(spec("autoencoder"))["image"][0]) == list(range(4, 80, 4))
    [(rule, message)] = findings("autoencoder")
    assert rule == "SHP202"
    assert "`out` comes out as 32x28x1" in message
    assert "30x28x1" in message
    assert findings("autoencoder_cropped") == []
    assert shapelint.sizes(spec("autoencoder_cropped")).verdict == "fits"


def test_stride_10_takes_200_and_195_to_20_and_returns_200() -> None:
    """ceil(200/10) = ceil(195/10) = 20, which the spec expects; back 20*10 = 200."""
    assert spatial("stride_10", "code", image=(200, 200, 3)) == [20, 20]
    [(rule, message)] = findings("stride_10")
    assert rule == "SHP202"
    assert "comes out as 200x200" in message
    assert "195x200" in message


def test_stride_10_returns_195_when_told() -> None:
    """(20 - 1)*10 + 3 % 2 + output_padding: 4 gives 195, 9 gives 200."""
    assert findings("stride_10_told") == []
    assert spatial("stride_10_told", "back") == [195, 200]


def test_stride_7_takes_22_to_28_to_4() -> None:
    """ceil(n/7) = 4: 7 sizes an axis, 49 images."""
    sizes = shapelint.sizes(spec("stride_7"))
    assert members(sizes["image"][0]) == members(sizes["image"][1]) == list(range(22, 29))
    fit = [shape for shape in product(range(1, 40), repeat=2) if sizes.fits((*shape, 1))]
    assert len(fit) == 49
    assert findings("stride_7") == []


def test_output_padding_2_3_returns_24_and_25_for_all_49() -> None:
    """(4 - 1)*7 + 1 + 2 = 24 and (4 - 1)*7 + 1 + 3 = 25."""
    assert findings("stride_7_told") == []
    for shape in product(range(22, 29), repeat=2):
        assert spatial("stride_7_told", "back", image=(*shape, 1)) == [24, 25]


def test_a_constant_output_padding_is_right_for_one_remainder() -> None:
    """H = 24, W = 25 and what differs by multiples of 7."""
    sizes = shapelint.sizes(spec("stride_7_back"))["image"]
    assert members(sizes[0]) == [n for n in range(1, 80) if n % 7 == 24 % 7]
    assert members(sizes[1]) == [n for n in range(1, 80) if n % 7 == 25 % 7]


def test_12_becomes_23_or_24() -> None:
    """None: 12*2; 0: 11*2 + 1; 1: 11*2 + 2."""
    assert findings("twelve") == []
    assert [spatial("twelve", layer)[0] for layer in ("none", "zero", "one")] == [24, 23, 24]


def test_none_is_not_0() -> None:
    """Valid with a kernel 2 below the stride 4: None pads to 4*n, 0 leaves (n - 1)*4 + 2."""
    assert findings("none_and_zero") == []
    assert [spatial("none_and_zero", layer, x=(5, 8)) for layer in ("none", "zero")] == [[20], [18]]


def test_0_with_an_even_kernel_and_same_is_refused() -> None:
    """It would give (12 - 1)*2 = 22, which the convolution takes to 11."""
    [(rule, message)] = findings("even_kernel_and_zero")
    assert rule == "SHP401"
    assert "TensorFlow's kernel refuses" in message


@pytest.mark.parametrize(
    ("layer", "window", "length"),
    [
        ("valid_none", AxisWindow(3, 2, mode="valid"), 17),
        ("valid_0", AxisWindow(3, 2, mode="valid", output_padding=0), 17),
        ("valid_1", AxisWindow(3, 2, mode="valid", output_padding=1), 18),
        ("same_none", AxisWindow(3, 2, mode="same"), 16),
        ("same_0", AxisWindow(3, 2, mode="same", output_padding=0), 15),
        ("same_1", AxisWindow(3, 2, mode="same", output_padding=1), 16),
        ("short_none", AxisWindow(2, 4, mode="valid"), 32),
        ("short_0", AxisWindow(2, 4, mode="valid", output_padding=0), 30),
        ("dilated_valid_none", AxisWindow(3, 1, 2, mode="valid"), 12),
        ("dilated_valid_0", AxisWindow(3, 1, 2, mode="valid", output_padding=0), 12),
        ("dilated_same_none", AxisWindow(3, 1, 2, mode="same"), 8),
        ("dilated_same_0", AxisWindow(3, 1, 2, mode="same", output_padding=0), 8),
        (None, AxisWindow(3, 2, mode="full"), 13),
        (None, AxisWindow(3, 2, mode="full", output_padding=0), 13),
        (None, AxisWindow(3, 2, mode="full", output_padding=1), 14),
        (None, AxisWindow(3, 1, 2, mode="full"), 4),
        (None, AxisWindow(3, 1, 2, mode="full", output_padding=0), 4),
    ],
)
def test_deconv_length_of_8(layer: str | None, window: AxisWindow, length: int) -> None:
    """Keras 2's function, and the layer where today's Keras makes one."""
    assert deconv_length(8, window) == length
    if layer is not None:
        assert spatial("deconv_length", layer) == [length]


def test_full_is_read_and_told_to_be_rejected() -> None:
    [(rule, message)] = findings("deconv_length")
    assert rule == "SHP402"
    assert "`dilated_valid_none` gives 12 by Keras and is refused by Keras 3.15 on TensorFlow's CPU" in message
    [(rule, message)] = findings("full")
    assert rule == "SHP107"
    assert "padding='full' is rejected by today's backends" in message


def test_valid_undoes_valid_at_stride_1() -> None:
    """n - k + 1, then n - k + 1 + k - 1; a 5x4 kernel needs 5x4 pixels."""
    sizes = shapelint.sizes(spec("undo_valid"))["image"]
    assert members(sizes[0]) == list(range(5, 80))
    assert members(sizes[1]) == list(range(4, 80))
    assert findings("undo_valid") == []


def test_full_undoes_valid_in_theano() -> None:
    """n - k + 1, then n - k + 1 + 2*(k - 1) - k + 1 = n."""
    pytest.importorskip("shapelint.conventions.theano")
    assert findings("undo_full_theano") == []
    for size in ((5, 4), (30, 31), (400, 400)):
        shape = shapelint.shapes(spec("undo_full_theano"), inputs={"image": (1, 1, *size)})["back"]
        assert shape is not None
        assert shape[2:] == size


def test_the_often_quoted_same_with_an_output_padding_is_refused() -> None:
    """2*((5 - 1)//2) = 4, and an output padding is below the stride 1."""
    [(rule, message)] = findings("undo_same_quoted")
    assert rule == "SHP401"
    assert "output_padding 4 is not below strides 1" in message


def test_output_shape_takes_exactly_as_many_sizes_as_the_stride() -> None:
    """From 4 with stride 7 and kernel 3: SAME 3*7 < O <= 4*7, VALID 3*7 + 3 <= O < 4*7 + 3."""
    for name, legal in (("output_shape_same", range(22, 29)), ("output_shape_valid", range(24, 31))):
        sizes = shapelint.sizes(spec(name))
        assert members(sizes["wanted"][0]) == members(sizes["wanted"][1]) == list(legal)
        with pytest.raises(shapelint.DoesNotFit, match="output_shape"):
            shapelint.shapes(spec(name), inputs={"wanted": (legal.stop, legal.start, 1)})


def test_every_question_is_answered_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for path in QUESTIONS.glob("*.yaml"):
        assert path.name in text


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every console block of the page is what the command prints, every spec what the file holds."""
    monkeypatch.chdir(CHECKOUT)
    text = PAGE.read_text(encoding="utf-8")

    def printed(block: re.Match[str]) -> str:
        main(block[1].split())
        return f"```console\n$ shapelint {block[1]}\n{capsys.readouterr().out}```"

    shown = re.sub(r"```console\n\$ shapelint ([^\n]*)\n.*?```", printed, text, flags=re.DOTALL)
    if os.environ.get("BLESS"):
        PAGE.write_text(shown, encoding="utf-8")
    assert shown == text or os.environ.get("BLESS")
