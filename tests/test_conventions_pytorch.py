"""PyTorch: names, defaults and refusals of each layer; sizes by hand arithmetic, signatures by torch 2.13."""

from __future__ import annotations

import pytest

from .one_layer import outcome

X = "2, 4, 9, 12"


@pytest.mark.parametrize(
    ("call", "dims", "shape"),
    [
        # a leading in_channels may be left out: it is missing iff the arguments bind without it and not with it
        ("Conv2d(8, 3)", X, (2, 8, 7, 10)),
        ("Conv2d(4, 8, 3)", X, (2, 8, 7, 10)),
        ("Conv2d(4, 8, kernel_size=3)", X, (2, 8, 7, 10)),
        ("nn.Conv2d(4, 8, 3, 2, 1)", X, (2, 8, 5, 6)),
        ('torch.nn.Conv2d(4, 8, (3, 5), padding="same", dilation=2)', X, (2, 8, 9, 12)),
        ('Conv2d(8, 3, padding=(1, 0), padding_mode="reflect", groups=4, bias=False)', X, (2, 8, 9, 10)),
        ("Conv1d(8, 3, stride=2)", "2, 4, 9", (2, 8, 4)),
        ("Conv3d(8, 3, padding=1)", "2, 4, 9, 9, 9", (2, 8, 9, 9, 9)),
        ("ConvTranspose2d(8, 2, stride=2)", X, (2, 8, 18, 24)),
        ("ConvTranspose2d(4, 8, 3, 2, 1, 1)", X, (2, 8, 18, 24)),
        ("ConvTranspose2d(4, 8, 3, 2, 1)(x, output_size=[17, 24])", X, (2, 8, 17, 24)),
        ("ConvTranspose2d(4, 8, 3, 2, 1)(x, output_size=[2, 8, 18, 23])", X, (2, 8, 18, 23)),
        # pools step by their kernel; a ceil window starts inside
        ("MaxPool2d(2)", X, (2, 4, 4, 6)),
        ("MaxPool2d(2, ceil_mode=True)", X, (2, 4, 5, 6)),
        ("MaxPool2d(3, 2, 1, return_indices=True)", X, (2, 4, 5, 6)),
        ("AvgPool2d((3, 2), stride=1)", X, (2, 4, 7, 11)),
        ("LPPool2d(2, 3)", X, (2, 4, 3, 4)),
        ("F.max_pool2d(2)", X, (2, 4, 4, 6)),
        ("AdaptiveAvgPool2d(1)", X, (2, 4, 1, 1)),
        ("AdaptiveMaxPool2d((None, 5))", X, (2, 4, 9, 5)),
        ("MaxUnpool2d(2)(x, x)", X, (2, 4, 18, 24)),
        ("MaxUnpool2d(2)(x, x, output_size=(19, 23))", X, (2, 4, 19, 23)),
        # sizes moved about
        ("Upsample(scale_factor=2)", X, (2, 4, 18, 24)),
        ('Upsample(size=(5, 6), mode="bilinear", align_corners=True)', X, (2, 4, 5, 6)),
        ("F.interpolate(scale_factor=0.5)", X, (2, 4, 4, 6)),
        ('F.interpolate(scale_factor=0.1, mode="area")', "2, 4, 9", (2, 4, 0)),
        ("UpsamplingNearest2d(scale_factor=3)", X, (2, 4, 27, 36)),
        ("PixelShuffle(2)", X, (2, 1, 18, 24)),
        ("PixelUnshuffle(3)", X, (2, 36, 3, 4)),
        ("ZeroPad2d((1, 2, 3, 4))", X, (2, 4, 16, 15)),
        ("ReflectionPad2d(8)", X, (2, 4, 25, 28)),
        ("ConstantPad1d(1, 0.5)", "2, 4, 9", (2, 4, 11)),
        ("F.pad([1, 2, -3, 0])", X, (2, 4, 6, 15)),
        ("Unfold(3, stride=3)", X, (2, 36, 12)),
        ("Fold((4, 4), 2, stride=2)", "2, 12, 4", (2, 3, 4, 4)),
        ("Tensor.unfold(2, 3, 2)", X, (2, 4, 4, 12, 3)),
        ("torch.slice_copy(2, 1, -2, 2)", X, (2, 4, 3, 12)),
        ("torch.slice_copy(dim=3, start=-5)", X, (2, 4, 9, 5)),
        ("Linear(5)", "2, 4, 9", (2, 4, 5)),
        ("Linear(9, 5)", "2, 4, 9", (2, 4, 5)),
        ("Flatten()", X, (2, 432)),
        ("flatten(2)", X, (2, 4, 108)),
        ("Unflatten(1, (2, 2))", X, (2, 2, 2, 9, 12)),
        ("view([2, -1])", X, (2, 432)),
        ("GLU(1)", X, (2, 2, 9, 12)),
        ("torch.cat([x, x], dim=1)", X, (2, 8, 9, 12)),
        # what keeps the shape
        ("BatchNorm2d(4)", X, (2, 4, 9, 12)),
        ("ReLU(inplace=True)", X, (2, 4, 9, 12)),
        ("Dropout2d(0.1)", X, (2, 4, 9, 12)),
        ("weight_norm(Conv2d(4, 8, 3))", X, (2, 8, 7, 10)),
    ],
)
def test_what_leaves_a_layer(call: str, dims: str, shape: tuple[int, ...]) -> None:
    assert outcome("pytorch", call, dims) == shape


@pytest.mark.parametrize(
    ("call", "dims", "said"),
    [
        ("Conv2d(5, 8, 3)", X, "the input has 4 channels and the layer takes 5"),
        ("Conv2d(8, 10)", X, "kernel 10"),
        ("Conv2d(8, 3, groups=3)", X, "3 groups do not divide 4 channels"),
        ('Conv2d(8, 3, stride=2, padding="same")', X, "padding='same' is not supported for strided convolutions"),
        ('Conv2d(8, 3, padding=9, padding_mode="reflect")', X, "reflect padding 9"),
        ("Conv2d(8, 3, strides=2)", X, "did you mean `stride`?"),
        ("Conv2d(8, 3, stride=0)", X, "`stride` is 0; it is at least 1"),
        ("ConvTranspose2d(8, 3, 2, output_padding=2)", X, "output_padding 2"),
        ("ConvTranspose2d(4, 8, 3, 2, 1)(x, output_size=[16, 24])", X, "16 against 17"),
        ("MaxPool2d(2, padding=2)", X, "padding 2 is more than half of the kernel 2"),
        ("AvgPool3d(4, padding=2)", "2, 4, 3, 9, 9", "kernel 4"),
        ("MaxUnpool2d(2)(x, x, output_size=(20, 24))", X, "20 against 18"),
        ("Upsample()", X, "exactly one of `size` and `scale_factor`"),
        ("Upsample(scale_factor=0.1)", X, "would leave 0 of 9"),
        ('Upsample(scale_factor=2, mode="linear")', X, "mode='linear' is for 1-D data and this is 2-D"),
        ("PixelShuffle(3)", X, "4 is not divisible by 9 (channels)"),
        ("PixelUnshuffle(2)", X, "9 is not divisible by 2"),
        ("ReflectionPad2d(9)", X, "reflect padding"),
        ("Tensor.unfold(2, 10, 1)", X, "size 10"),
        ("torch.slice_copy(2, step=-1)", X, "`step` is -1; it is a number above 0"),
        ("Linear(8, 5)", "2, 4, 9", "the input has 9 channels and the layer takes 8"),
        ("view([2, 5])", X, "864 against 10"),
        ("Conv2D(8, 3)", X, "`Conv2D` is a layer of keras"),
    ],
)
def test_what_pytorch_refuses(call: str, dims: str, said: str) -> None:
    found = outcome("pytorch", call, dims)
    assert isinstance(found, str)
    assert said in found


def test_a_sampling_grid_gives_the_size() -> None:
    assert outcome("pytorch", "F.grid_sample()(x, z)", X, "2, 5, 6, 2") == (2, 4, 5, 6)
    assert "the grid's last axis" in str(outcome("pytorch", "F.grid_sample()(x, z)", X, "2, 5, 6, 3"))


def test_what_a_layer_demands_besides_stands_at_the_layer() -> None:
    """The name of an item is that of the layer that it calls, padding modes and 3-D pools included."""
    assert outcome("pytorch", "AvgPool3d(2)", "2, 4, 9, 9, 8") == (2, 4, 4, 4, 4)
    assert outcome("pytorch", 'Conv2d(8, 3, padding=1, padding_mode="circular")', X) == (2, 8, 9, 12)
