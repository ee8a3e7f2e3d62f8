"""The menu of each kind of repair, on small specs of which the arithmetic is done by hand."""

from __future__ import annotations

import pytest

from shapelint.analysis import Analysis
from shapelint.fixing.apply import edited
from shapelint.fixing.menu import Offer, offers
from shapelint.fixing.text import patch_between
from shapelint.settings import Stated
from shapelint.source import load

AUTOENCODER = """\
shapelint: 1
convention: keras
inputs:
  image: [H, W, 1]
sizes:
  H: 25
  W: 25
layers:
  - Conv2D(8, 3, strides=2, padding="same")
  - Conv2D(8, 3, strides=2, padding="same")
  - Conv2D(8, 3, strides=2, padding="same")
  - Conv2D(8, 3, strides=2, padding="same")
  - u1: Conv2DTranspose(8, 3, strides=2, padding="same")
  - u2: Conv2DTranspose(8, 3, strides=2, padding="same")
  - u3: Conv2DTranspose(8, 3, strides=2, padding="same")
  - out: Conv2DTranspose(1, 3, strides=2, padding="same")
expect:
  - out.size == image.size
"""
"""25 -> 13 -> 7 -> 4 -> 2, and 2 -> 4 -> 8 -> 16 -> 32 back."""

UNET = """\
shapelint: 1
inputs:
  image: [N, 3, H, W]
sizes:
  H: 160 | 162
  W: 240
layers:
  - e1: Conv2d(8, 3, padding=1)
  - p1: MaxPool2d(2)
  - e2: Conv2d(16, 3, padding=1)
  - p2: MaxPool2d(2)
  - mid: Conv2d(16, 3, padding=1)
  - u2: Upsample(scale_factor=2, mode="bilinear")   # up
  - c2: Concat(u2, e2)
  - u1: ConvTranspose2d(8, 2, stride=2)
  - c1: Concat(u1, e1)
  - y: Conv2d(1, 1)
"""
"""162 -> 81 -> 40, and 80 against 81."""


def menu(text: str, stated: Stated | None = None) -> list[Offer]:
    return offers(Analysis(load(text.encode()), stated))


def kinds(found: list[Offer]) -> list[str]:
    return [offer.fix.kind for offer in found]


def first(found: list[Offer], kind: str) -> Offer:
    return next(offer for offer in found if offer.fix.kind == kind)


def texts(offer: Offer) -> dict[str, str]:
    return {label: sizes.text for label, sizes in offer.fix.fits.items()}


def apply(text: str, offer: Offer) -> str:
    return edited(text.encode(), offer.fix.edits).decode()


def test_the_menu_of_a_unet_behind_pooling() -> None:
    found = menu(UNET)
    assert kinds(found)[:3] == ["pad_input", "input_size", "output_size"]
    assert [offer.fix.id for offer in found] == list(range(1, len(found) + 1))
    assert "output_padding" not in kinds(found)[:3]
    pad = found[0].fix
    assert pad.applicability == "display"
    assert pad.title == "pad the input to a multiple of 4 (162x240 -> 164x240), and crop the result back to 162x240"
    assert found[1].fix.title == "feed 160x240 or 164x240"


def test_the_decoder_takes_the_size_of_the_skip() -> None:
    """162 -> 81 -> 40 -> 81 = like -> 162; at odd sizes the first level fails too, and is mended in the same way."""
    offer = first(menu(UNET), "output_size")
    assert offer.fix.applicability == "safe"
    assert offer.fix.title == "let `u2` and `u1` take the size of `e2` and `e1`: `F.interpolate(x, size=e2.shape[2:])`"
    assert (offer.fix.code or "").splitlines() == [
        'u2: Upsample(like=e2, mode="bilinear")   # up',
        "u1: ConvTranspose2d(8, 2, stride=2, like=e1)",
    ]
    assert texts(offer) == {"H": "from 4", "W": "from 4"}
    mended = UNET.replace("scale_factor=2", "like=e2").replace("2, stride=2)", "2, stride=2, like=e1)")
    assert apply(UNET, offer) == mended


def test_a_crop_before_the_merge() -> None:
    """The skip of 81 is cropped to 80, that of 162 to 160, at every size."""
    offer = first(menu(UNET), "crop_merge")
    assert offer.fix.applicability == "unsafe"
    assert texts(offer) == {"H": "from 4", "W": "from 4"}
    mended = apply(UNET, offer)
    assert "  - e2_cropped: Crop(like=u2)(e2)\n  - c2: Concat(u2, e2_cropped)\n" in mended
    assert "  - e1_cropped: Crop(like=u1)(e1)\n  - c1: Concat(u1, e1_cropped)\n" in mended


def test_a_pad_before_the_merge_names_the_split() -> None:
    offer = first(menu(UNET), "pad_merge")
    assert "  - u2_padded: Pad(like=e2)(u2)\n  - c2: Concat(u2_padded, e2)\n" in apply(UNET, offer)
    assert "0 before and 1 after" in offer.fix.reason


def test_what_must_fit_is_narrowed_to_what_fits() -> None:
    offer = first(menu(UNET), "declare")
    assert offer.fix.applicability == "unsafe"
    assert apply(UNET, offer) == UNET.replace("160 | 162", "160")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_nobody_stated_is_declared(newline: str) -> None:
    text = UNET.replace("sizes:\n  H: 160 | 162\n  W: 240\n", "").replace("\n", newline)
    found = menu(text)
    assert found[0].fix.kind == "declare"
    assert found[0].fix.applicability == "safe"
    lines = "sizes:\n  H: multiple of 4\n  W: multiple of 4\n".replace("\n", newline)
    assert apply(text, found[0]) == text.replace(f"layers:{newline}", f"{lines}layers:{newline}")


def test_an_autoencoder_of_keras_and_its_output_paddings() -> None:
    """2 -> 4 as it is, 4 -> 7, 7 -> 13 and 13 -> 25 with 0; right for 9 mod 16, as 25 is."""
    found = menu(AUTOENCODER)
    assert found[0].fix.kind == "output_padding"
    assert found[0].fix.title == "give `u2`, `u3` and `out` output_padding=0"
    assert texts(found[0]) == {"H": "9 (mod 16)", "W": "9 (mod 16)"}
    assert found[0].fix.applicability == "unsafe"
    assert "multiples of 16" in found[0].fix.reason
    mended = apply(AUTOENCODER, found[0])
    assert mended.count(', padding="same", output_padding=0)') == 3
    assert 'u1: Conv2DTranspose(8, 3, strides=2, padding="same")\n' in mended


def test_an_output_padding_for_each_axis_and_one_that_is_there() -> None:
    """75 -> 38 -> 75 as it is, 100 -> 50 -> 99 + 1."""
    text = """\
shapelint: 1
inputs:
  x: [1, 3, 75, 100]
layers:
  - a: Conv2d(8, 3, stride=2, padding=1)
  - b: ConvTranspose2d(3, 3, stride=2, padding=1, output_padding=0)
  - Add(b, x)
"""
    found = menu(text)
    offer = first(found, "output_padding")
    assert kinds(found)[0] == "output_padding"
    assert offer.fix.title == "give `b` output_padding=(0, 1)"
    assert apply(text, offer) == text.replace("output_padding=0", "output_padding=(0, 1)")
    # without skips of one pixel: an odd height and an even width; 1 is broadcast by Add
    assert 75 in offer.fix.fits["H"]
    assert 100 in offer.fix.fits["W"]
    assert 76 not in offer.fix.fits["H"]
    assert 99 not in offer.fix.fits["W"]


def test_a_free_decoder_gets_the_setting_of_the_multiples() -> None:
    """k3 s2 p1 twice: 1 mod 4 as it is, the multiples of 4 with output_padding=1 twice."""
    text = """\
shapelint: 1
inputs:
  x: [N, 1, H, W]
layers:
  - a: Conv2d(16, 3, stride=2, padding=1)
  - b: Conv2d(32, 3, stride=2, padding=1)
  - u: ConvTranspose2d(16, 3, stride=2, padding=1)
  - y: ConvTranspose2d(1, 3, stride=2, padding=1)
expect:
  - y.size == x.size
"""
    offer = menu(text)[0]
    assert offer.fix.title == "give `u` and `y` output_padding=1"
    assert texts(offer) == {"H": "multiples of 4", "W": "multiples of 4"}


VOCODER = """\
shapelint: 1
vars:
  hop: 200
  rates: [8, 5, 5]
  kernels: [16, 10, 10]
inputs:
  mel: [N, 80, T]
sizes:
  T: 1..400
layers:
  - for: i in 0..2
    do:
      - up[i]: ConvTranspose1d(8, kernels[i], stride=rates[i], padding=(kernels[i] - rates[i]) // 2)
  - wav: Conv1d(1, 7, padding=3)
expect:
  - wav.size == mel.size * hop
"""


def test_a_vocoder_that_fits_nowhere() -> None:
    """8T, then 5n + 1: with padding 3 and an output padding of 1 it is 5n; kernel 16 at stride 8 stays 8n."""
    offer = first(menu(VOCODER), "window")
    assert offer.fix.applicability == "safe"
    assert texts(offer) == {"T": "any"}
    assert "padding=(kernels[i] - rates[i] + 1) // 2, output_padding=(kernels[i] - rates[i]) % 2)\n" in apply(
        VOCODER, offer
    )


def test_another_kernel_that_needs_no_output_padding() -> None:
    """k4 s2 p1: (n - 1)*2 + 4 - 2 = 2n."""
    text = """\
shapelint: 1
inputs:
  x: [N, 4, T]
sizes:
  T: multiple of 2
layers:
  - a: Conv1d(4, 3, stride=2, padding=1)
  - b: ConvTranspose1d(4, 3, stride=2, padding=1)
expect:
  - b.size == x.size
"""
    found = [offer for offer in menu(text) if offer.fix.kind == "window"]
    lines = [offer.fix.code for offer in found]
    assert "b: ConvTranspose1d(4, 4, stride=2, padding=1)" in lines
    assert all(offer.fix.applicability == "unsafe" for offer in found)
    assert all(offer.fix.fits["T"].text == "multiples of 2" for offer in found)


def test_strides_that_multiply_to_what_is_asked() -> None:
    """16 * 16 = 256 where 300 = 15 * 20 is asked: with k = 2s, p = ceil(s/2), op = s % 2 each gives n * s."""
    text = """\
shapelint: 1
inputs:
  mel: [N, 4, T]
layers:
  - a: ConvTranspose1d(4, 32, stride=16, padding=8)
  - wav: ConvTranspose1d(1, 32, stride=16, padding=8)
expect:
  - wav.size == mel.size * 300
"""
    (offer,) = [each for each in menu(text) if each.fix.kind == "window"]
    assert offer.fix.title == "give `a` and `wav` strides 15 and 20, which multiply to 300"
    assert (offer.fix.code or "").splitlines() == [
        "a: ConvTranspose1d(4, 30, stride=15, padding=8, output_padding=1)",
        "wav: ConvTranspose1d(1, 40, stride=20, padding=10)",
    ]
    assert texts(offer) == {"T": "any"}
    assert offer.fix.applicability == "unsafe"


def test_a_size_that_is_written_as_a_number() -> None:
    """28 whatever comes in; of 14, SAME with stride 2 returns 27 and 28, and 24 of 12."""
    text = """\
shapelint: 1
convention: tensorflow
inputs:
  x: [H, 4]
sizes:
  H: 24 | 28
layers:
  - a: Conv1D(4, 3, strides=2, padding="same")
  - y: Conv1DTranspose(1, 3, strides=2, padding="same", output_shape=28)
expect:
  - y.size == x.size
"""
    offer = first(menu(text), "output_size")
    assert apply(text, offer) == text.replace("output_shape=28", "like=x")
    assert texts(offer) == {"H": "any"}
    assert "`tf.nn.conv1d_transpose(..., output_shape=tf.concat([tf.shape(x)[:-1], [1]], 0))`" in offer.fix.title


def test_a_decoder_without_skips_takes_the_sizes_of_the_encoder() -> None:
    """26 -> 13 -> 7 back to 13 and 26: 2m - 1 or 2m by what it is asked for, so every size fits."""
    text = """\
shapelint: 1
inputs:
  x: [N, 4, H]
sizes:
  H: 26 | 28
layers:
  - a: Conv1d(4, 3, stride=2, padding=1)
  - b: Conv1d(4, 3, stride=2, padding=1)
  - u: ConvTranspose1d(4, 3, stride=2, padding=1)
  - y: ConvTranspose1d(4, 3, stride=2, padding=1)
expect:
  - y.size == x.size
"""
    offer = first(menu(text), "output_size")
    assert offer.fix.title == "let `u` and `y` take the size of `a` and `x`: `y(x, output_size=x.shape[2:])`"
    assert offer.fix.applicability == "safe"
    assert texts(offer) == {"H": "any"}


@pytest.mark.parametrize(
    ("convention", "resized", "cropped", "padded"),
    [
        ("pytorch", "F.interpolate(u, size=e.shape[2:])", "u[:, :, :-1, :]", "F.pad(e, [0, 0, 0, 1])"),
        ("paddle", "F.interpolate(u, size=e.shape[2:])", "u[:, :, :-1, :]", "F.pad(e, [0, 0, 0, 1])"),
        (
            "keras",
            "keras.ops.image.resize(u, keras.ops.shape(e)[1:3])",
            "layers.Cropping2D(((0, 1), (0, 0)))(u)",
            "layers.ZeroPadding2D(((0, 1), (0, 0)))(e)",
        ),
        (
            "tensorflow",
            "tf.image.resize(u, tf.shape(e)[1:3])",
            "layers.Cropping2D(((0, 1), (0, 0)))(u)",
            "layers.ZeroPadding2D(((0, 1), (0, 0)))(e)",
        ),
        (
            "jax",
            'jax.image.resize(u, (*e.shape[:-1], u.shape[-1]), "bilinear")',
            "u[:, :-1, :]",
            "jnp.pad(e, ((0, 0), (0, 1), (0, 0), (0, 0)))",
        ),
    ],
)
def test_the_words_of_the_framework(convention: str, resized: str, cropped: str, padded: str) -> None:
    """ceil(25/2)*2 = 26 against 25: one too many along the height; each line is read again by its convention."""
    down = {
        "pytorch": "Conv2d(4, 3, stride=2, padding=1)",
        "paddle": "Conv2D(4, 4, 3, stride=2, padding=1)",
        "keras": 'Conv2D(4, 3, strides=2, padding="same")',
        "tensorflow": 'Conv2D(4, 3, strides=2, padding="same")',
        "jax": "Conv(4, (3, 3), strides=(2, 2))",
    }[convention]
    dims = {"keras": "H, W, 4", "tensorflow": "H, W, 4", "jax": "N, H, W, 4"}.get(convention, "N, 4, H, W")
    head = f"shapelint: 1\nconvention: {convention}\ninputs:\n  e: [{dims}]\nsizes:\n  H: 25\n  W: 26\nlayers:\n"
    text = f"{head}  - a: {down}\n  - u: Resize(scale=2)\n  - c: Concat(u, e)\n"
    found = {offer.fix.kind: offer for offer in menu(text) if offer.patch is not None and offer.fix.id}
    titles = [offer.fix.title for offer in menu(text)]
    assert any(cropped in title for title in titles)
    assert any(padded in title for title in titles)
    assert any(resized.replace("(u, ", "(x, ").replace("u.shape", "x.shape") in title for title in titles)
    for offer in found.values():
        assert Analysis(load(apply(text, offer).encode())).failures == []


def test_two_branches_that_round_differently() -> None:
    """ceil(n/2) against floor(n/2): with ceil_mode both are ceil(n/2)."""
    text = """\
shapelint: 1
inputs:
  x: [N, 8, H]
sizes:
  H: 31
layers:
  - a: Conv1d(8, 3, stride=2, padding=1)(x)
  - b: MaxPool1d(2)(x)
  - s: Concat(a, b)
"""
    offer = first(menu(text), "rounding")
    assert offer.fix.code == "b: MaxPool1d(2, ceil_mode=True)(x)"
    assert texts(offer) == {"H": "any"}
    assert offer.fix.applicability == "unsafe"


def test_an_unpadded_network_is_cropped_first_and_never_stretched_safely() -> None:
    """n - 4 against 2*((n - 4)//2 - 4): 8 or 9 less."""
    text = """\
shapelint: 1
inputs:
  x: [N, 1, H]
sizes:
  H: 64
layers:
  - e: Conv1d(8, 5)
  - p: MaxPool1d(2)
  - m: Conv1d(8, 5)
  - u: ConvTranspose1d(8, 2, stride=2)
  - c: Concat(u, e)
"""
    found = menu(text)
    assert found[0].fix.kind == "crop_merge"
    assert texts(found[0]) == {"H": "from 14"}
    resized = first(found, "output_size")
    assert resized.fix.applicability == "unsafe"
    kept = first(found, "window")
    assert kept.fix.code == "m: Conv1d(8, 5, padding=2)"
    assert texts(kept) == {"H": "multiples of 2 from 6"}


def test_channels_that_do_not_match() -> None:
    text = """\
shapelint: 1
inputs:
  x: [1, 3, 32, 32]
layers:
  - a: Conv2d(8, 3, padding=1)
  - c: Conv2d(12, 16, 3, padding=1)
"""
    (offer,) = menu(text)
    assert offer.fix.kind == "channels"
    assert apply(text, offer) == text.replace("Conv2d(12, 16", "Conv2d(8, 16")
    assert offer.fix.applicability == "unsafe"


def test_what_is_written_as_dots_is_found() -> None:
    """2m - 1 + output_padding = n for n = 2m."""
    text = """\
shapelint: 1
inputs:
  x: [N, 3, H]
sizes:
  H: multiple of 2
layers:
  - a: Conv1d(3, 3, stride=2, padding=1)
  - b: ConvTranspose1d(3, 3, stride=2, padding=1, output_padding=...)
  - Concat(b, x)
"""
    (offer,) = menu(text)
    assert offer.fix.kind == "output_padding"
    assert apply(text, offer) == text.replace("...", "1")


def test_an_unpool_takes_the_size_of_what_was_pooled() -> None:
    text = """\
shapelint: 1
inputs:
  x: [N, 3, H]
sizes:
  H: 31
layers:
  - p: MaxPool1d(2)
  - u: MaxUnpool1d(2)(p, p)
expect:
  - u.size == x.size
"""
    offer = first(menu(text), "output_size")
    assert offer.fix.code == "u: MaxUnpool1d(2, like=x)(p, p)"
    assert offer.fix.applicability == "safe"
    # an odd size below 2 has no pool
    assert texts(offer) == {"H": "from 2"}


BLOCKS = """\
shapelint: 1
inputs:
  x: [N, 1, H]
sizes:
  H: 36
blocks:
  up(skip):
    - u: Upsample(scale_factor=2)
    - Concat(u, skip)
    - Conv1d(4, 1)
layers:
  - e[0]: Conv1d(4, 3, padding=1)
  - for: i in 1..3
    do:
      - MaxPool1d(2)
      - e[i]: Conv1d(4, 3, padding=1)
  - for: i in 2..0
    do:
      - d[i]: up(e[i])
"""


def test_an_edit_in_a_block_is_right_for_every_instance() -> None:
    """36 -> 18 -> 9 -> 4, and 8 against 9; then every size from 8 on."""
    offer = first(menu(BLOCKS), "output_size")
    assert apply(BLOCKS, offer) == BLOCKS.replace("scale_factor=2", "like=skip")
    assert texts(offer) == {"H": "from 8"}


def test_what_is_pinned_on_the_command_line_is_mended() -> None:
    text = UNET.replace("sizes:\n  H: 160 | 162\n  W: 240\n", "")
    found = menu(text, Stated(inputs={"image": (1, 3, 162, 240)}))
    assert kinds(found)[:3] == ["pad_input", "input_size", "output_size"]
    assert texts(first(found, "output_size")) == {"H": "from 4", "W": "from 4"}


def test_nothing_is_offered_where_nothing_is_broken() -> None:
    assert menu(UNET.replace("160 | 162", "160")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("f(scale_factor=2, x)\n", "f(like=e2, x)\n"),
        ("a\r\nb\r\nc", "a\r\nx\r\nb2\r\nc"),
        ("- u: X(1)\n", "- v: Y\n- u: X(1, k=1)\n"),
        ("a\n", "a\nb\n"),
        ("", "x"),
    ],
)
def test_a_patch_between_texts_makes_the_other_text(old: str, new: str) -> None:
    patch = patch_between(old, new)
    assert patch.apply(old) == new
    assert sum(len(edit.text) for edit in patch.edits) <= len(new)
