"""Caffe: names of caffe.proto, pools that round up, crops; sizes are FORMULAS' and hand arithmetic."""

from __future__ import annotations

import pytest

from .one_spec import analyzed, refusal, shape

IMAGE = "[2, 4, 10, 7]"


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("Convolution(8, 3)", [8, 5]),
        ("L.Convolution(num_output=8, kernel_size=3, stride=2, pad=1)", [5, 4]),
        ("Convolution(8, kernel_h=3, kernel_w=1, pad_h=1, pad_w=0)", [10, 7]),
        ("Convolution(8, 3, dilation=2, pad=2)", [10, 7]),
        ("Deconvolution(8, 4, stride=2, pad=1)", [20, 14]),
        # the dilation does not count
        ("Deconvolution(8, 4, stride=2, pad=1, dilation=3)", [20, 14]),
        ("Pooling(2, stride=2)", [5, 4]),
        ("Pooling(3, stride=2)", [5, 3]),
        ("Pooling(2, stride=2, round_mode='FLOOR')", [5, 3]),
        # without a pad the window that sees nothing stays: ceil(9/5) + 1, ceil(6/5) + 1
        ("Pooling(1, stride=5)", [3, 3]),
        # with one it is cut: min(ceil(8/6) + 1, ceil(12/6)), min(ceil(7/6) + 1, ceil(9/6))
        ("Pooling(4, stride=6, pad=2, pool='AVE')", [3 - 1, 2]),
        ("Pooling(pool='AVE', global_pooling=True)", [1, 1]),
    ],
)
def test_a_layer_gives_this_size(layer: str, size: list[int]) -> None:
    assert shape("caffe", IMAGE, layer)[2:] == size


def test_a_crop_cuts_to_the_reference() -> None:
    """FCN: the scores upsampled too far are cut to the image."""
    layers = ("s: Convolution(4, 1, stride=2)", "u: Deconvolution(4, 4, stride=2)", "Crop(u, x, axis=2, offset=1)")
    assert shape("caffe", IMAGE, *layers) == [2, 4, 10, 7]
    assert "limit offset" in refusal("caffe", IMAGE, *layers[:2], "Crop(u, x, offset=6)")


def test_the_neutral_crop_stands_beside_the_one_of_caffe() -> None:
    layers = ("u: Deconvolution(4, 4, stride=1)", "Crop(like=x)(u)")
    assert shape("caffe", IMAGE, *layers)[2:] == [10, 7]


def test_an_element_wise_layer_broadcasts_nothing() -> None:
    assert shape("caffe", IMAGE, "c: Convolution(4, 1)", "Eltwise(c, x)") == [2, 4, 10, 7]
    assert "merge" in refusal("caffe", "[2, 1, 10, 7]", "c: Convolution(4, 1)", "Eltwise(c, x, operation='MAX')")


def test_an_inner_product_flattens() -> None:
    assert shape("caffe", IMAGE, "Pooling(2, stride=2)", "ReLU()", "InnerProduct(10)", "Softmax()") == [2, 10]


def test_an_overhang_below_the_stride_is_a_window() -> None:
    """C++ divides towards 0: (7 - 9)/4 + 1 = 1, and (7 - 11)/4 + 1 = 0 is a size that Blob::Reshape takes."""
    assert shape("caffe", "[1, 1, 7, 7]", "Convolution(1, kernel_h=9, kernel_w=11, stride=4)")[2:] == [1, 0]


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("Convolution(8, 12)", "window : kernel 12"),
        ("Convolution(8)", "`Convolution` needs `kernel_size`, or `kernel_h` and `kernel_w`"),
        ("Convolution(8, 3, kernel_h=3, kernel_w=3)", "beside `kernel_h` and `kernel_w`"),
        ("Convolution(8, 3, group=3)", "3 groups do not divide"),
        ("Convolution(8, 3, padding=1)", "`Convolution` has no argument `padding`; did you mean `pad`?"),
        ("Pooling(2, pad=2)", "argument pad: pad 2 under kernel 2"),
        ("Pooling(2, pool='AVG')", "`pool` is 'AVG'; MAX, AVE, STOCHASTIC are known"),
        ("Pooling(2, global_pooling=True)", "`kernel_size` stands beside `global_pooling`"),
        ("Crop(axis=2)", "`Crop` reads what is cut and a reference"),
    ],
)
def test_what_caffe_refuses_is_refused_in_its_words(layer: str, why: str) -> None:
    assert why in refusal("caffe", IMAGE, layer)


def test_sizes_of_a_pool_that_rounds_up_stay_exact_where_they_are_free() -> None:
    analysis = analyzed("caffe", "[1, 1, n, 8]", "Pooling(2, stride=2)")
    found = analysis.shapes.tensors[analysis.graph.outputs[0].name].shape
    assert found is not None
    assert str(found[2]) == "ceil(n/2)"
