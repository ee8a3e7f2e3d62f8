"""PaddlePaddle: signatures, forms of paddings, roundings; sizes are FORMULAS' and hand arithmetic."""

from __future__ import annotations

import pytest

from .one_spec import refusal, shape

IMAGE = "[2, 4, 10, 7]"


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("nn.Conv2D(4, 8, 3)", [8, 5]),
        ("nn.Conv2D(8, 3, stride=2, padding=1)", [5, 4]),
        ("Conv2D(8, 3, padding=[1, 2, 0, 1])", [11, 6]),
        ("Conv2D(8, 3, padding=[[0, 0], [0, 0], [1, 2], [0, 1]])", [11, 6]),
        ("Conv2D(8, 3, padding='SAME', dilation=4, stride=2)", [5, 4]),
        # 7 - 9 = -2 overhangs by less than the stride 4: one window
        ("Conv2D(8, 9, stride=4)", [1, 1]),
        ("nn.Conv2DTranspose(4, 8, 3, stride=2)", [21, 15]),
        ("nn.Conv2DTranspose(4, 8, 3, 2, 1, 1)", [20, 14]),
        ("nn.Conv2DTranspose(8, 3, stride=2, padding=1)(x, output_size=[20, 13])", [20, 13]),
        ("nn.Conv2DTranspose(8, 3, stride=2, padding='SAME')", [20, 13]),
        ("nn.MaxPool2D(2)", [5, 3]),
        ("nn.MaxPool2D(2, ceil_mode=True)", [5, 4]),
        # ceil((10 + 2 - 3)/2) + 1 = 6 with the last window beyond the input: it stays
        ("nn.MaxPool2D(1, stride=3, padding=1, ceil_mode=True)", [5, 4]),
        ("nn.AvgPool2D(3, 2, 1)", [5, 4]),
        ("nn.AdaptiveAvgPool2D([3, None])", [3, 7]),
        ("nn.Upsample(scale_factor=1.5)", [15, 10]),
        ("F.interpolate(size=[3, 4])", [3, 4]),
        ("nn.Pad2D([1, 2, 3, 4])", [17, 10]),
        ("F.pad([1, 2, 3, 4])", [17, 10]),
        ("F.pad([0, 0, 0, 0, 1, 2, 3, 4])", [13, 14]),
        ("nn.PixelShuffle(2)", [20, 14]),
    ],
)
def test_a_layer_gives_this_size(layer: str, size: list[int]) -> None:
    assert shape("paddle", IMAGE, layer)[2:] == size


def test_transposed_same_depends_on_the_parity_of_its_input() -> None:
    """FORMULAS 2: kernel 3, stride 2, 'SAME' gives 8 for 4 and 9 for 5."""
    assert shape("paddle", "[1, 1, 4, 5]", "nn.Conv2DTranspose(1, 3, stride=2, padding='SAME')")[2:] == [8, 9]


def test_a_one_dimensional_transposed_convolution_has_its_groups_before_its_dilation() -> None:
    assert shape("paddle", "[1, 4, 10]", "nn.Conv1DTranspose(4, 8, 3, 1, 0, 0, 2, 3)") == [1, 8, 16]


def test_an_unpool_gives_the_size_before_the_pool() -> None:
    pools = ("p: nn.MaxPool2D(2, return_mask=True)", "nn.MaxUnPool2D(2, output_size=[10, 7])(p, p)")
    assert shape("paddle", IMAGE, *pools)[2:] == [10, 7]


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("nn.Conv2D(4, 8, 11)", "window : kernel 11"),
        ("nn.Conv2D(3, 8, 3)", "channels in_channels: the layer"),
        (
            "nn.Conv2D(8, 3, data_format='NHWC')",
            "`data_format` is 'NHWC' and the file is not; write `layout: channels_last`",
        ),
        ("nn.Conv2D(8, 3, padding=[1, 2, 3])", "`padding` has 3 entries"),
        ("nn.Conv2DTranspose(8, 3, stride=2, output_padding=2)", "output_padding 2 is not below stride 2"),
        ("nn.Conv2DTranspose(8, 3, stride=2)(x, output_size=[20, 15])", "limit output_size"),
        ("nn.MaxPool2D(2, padding='VALID', ceil_mode=True)", "`ceil_mode` is of no use with padding='VALID'"),
        ("nn.Upsample(2, 2)", "`Upsample` takes exactly one of `size` and `scale_factor`"),
        ("nn.Pad2D([1, 2, 10, 0], mode='reflect')", "limit padding: reflect padding"),
        ("nn.PixelShuffle(3)", "divides upscale_factor"),
        ("nn.MaxPool2D(2, return_indices=True)", "`MaxPool2D` has no argument `return_indices`"),
    ],
)
def test_what_paddle_refuses_is_refused_in_its_words(layer: str, why: str) -> None:
    assert why in refusal("paddle", IMAGE, layer)
