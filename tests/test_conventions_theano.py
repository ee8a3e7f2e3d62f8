"""Theano: border modes, the ambiguous transposed convolution, pools; sizes are FORMULAS' and hand arithmetic."""

from __future__ import annotations

import pytest

from .one_spec import refusal, shape

IMAGE = "[2, 4, 10, 7]"


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("Conv2D(8, 3)", [8, 5]),
        ("Conv2D(8, 3, 2, 'half')", [5, 4]),
        ("Conv2D(8, 4, border_mode='half')", [11, 8]),
        ("Conv2D(8, 3, border_mode='full')", [12, 9]),
        ("Conv2D(8, (3, 5), border_mode=(1, 2))", [10, 7]),
        ("Conv2D(8, 3, border_mode=((2, 0), (0, 1)))", [10, 6]),
        ("Conv2D(8, 3, border_mode='half', filter_dilation=2)", [10, 7]),
        ("Conv2D(8, 8)", [3, 0]),
        ("Conv2DTranspose(8, 3)", [12, 9]),
        ("Conv2DTranspose(8, 3, border_mode='half')", [10, 7]),
        ("Conv2DTranspose(8, 3, subsample=2, border_mode='half', output_shape=(20, 13))", [20, 13]),
        ("Pool(2)", [5, 4]),
        ("Pool(2, ignore_border=True)", [5, 3]),
        ("Pool(3, stride=2, ignore_border=True, pad=1)", [5, 4]),
        # keeping the border with s below k: max(0, (n - 1 - 3 + 2)//2) + 1
        ("Pool(3, stride=2)", [5, 3]),
        ("Pool(8, ignore_border=True)", [1, 0]),
    ],
)
def test_a_layer_gives_this_size(layer: str, size: list[int]) -> None:
    assert shape("theano", IMAGE, layer)[2:] == size


def test_full_undoes_valid_where_the_stride_is_one() -> None:
    assert shape("theano", "[1, 1, H, W]", "Conv2D(8, (5, 4))", "Conv2D(1, (5, 4), border_mode='full')")[2:] == [
        "H",
        "W",
    ]


def test_a_strided_transposed_convolution_needs_its_output_shape() -> None:
    why = refusal("theano", IMAGE, "Conv2DTranspose(8, 3, subsample=2)")
    assert "`subsample` is 2 and no `output_shape` says which of 2 possible sizes is meant" in why
    assert "output_shape=" in why
    assert shape("theano", IMAGE, "Conv2D(8, 3, 2)", "Conv2DTranspose(4, 3, subsample=2, like=x)")[2:] == [10, 7]


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("Conv2D(8, 3, border_mode='same')", "`border_mode` is 'same'; write 'half'"),
        ("Conv2D(8, 3, border_mode=-1)", "`border_mode` is -1; it is at least 0"),
        ("Conv2D(8, 3, border_mode=(1, 1, 1))", "`border_mode` has 3 entries"),
        ("Conv2D(8, 12)", "window : kernel 12"),
        ("Conv2D(8, 3, strides=2)", "`Conv2D` has no argument `strides`"),
        ("Conv2DTranspose(8, 3, subsample=2, output_shape=(23, 15))", "limit output_shape"),
        ("Pool(2, pad=1)", "`pad` works only with ignore_border=True"),
        ("Pool(2, ignore_border=True, pad=2)", "`pad` is 2 and `ws` 2"),
    ],
)
def test_what_theano_refuses_is_refused_in_its_words(layer: str, why: str) -> None:
    assert why in refusal("theano", IMAGE, layer)
