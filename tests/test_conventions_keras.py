"""Keras: defaults, names, layouts and refusals of each layer; sizes by hand arithmetic, signatures by keras 3.15."""

from __future__ import annotations

from typing import Any

import pytest

import shapelint
from shapelint.conventions import convention

from .one_layer import outcome

SHAPES = [
    # a convolution is valid with stride 1: 28 - 3 + 1; strided (28 - 3)//2 + 1; same ceil(28/3)
    ("Conv2D(8, 3)", "28, 30, 1", (26, 28, 8)),
    ("Conv2D(8, 3, 2)", "28, 30, 1", (13, 14, 8)),
    ('Conv2D(8, (3, 5), 3, "same")', "28, 30, 1", (10, 10, 8)),
    ('Conv2D(8, 3, padding="SAME", dilation_rate=4)', "28, 30, 1", (28, 30, 8)),
    ("Conv2D(8, 3, dilation_rate=(2, 1))", "28, 30, 1", (24, 28, 8)),
    ('Conv2D(32, 3, activation="relu", padding="same", input_shape=(28, 30, 1), name="c")', "28, 30, 1", (28, 30, 32)),
    ('Conv2D(8, 3, 1, "valid", "channels_last", 1, 1, "relu", False)', "28, 30, 1", (26, 28, 8)),
    ("Convolution2D(filters=8, kernel_size=[3, 3])", "28, 30, 1", (26, 28, 8)),
    ('Conv1D(8, 3, strides=2, padding="causal")', "13, 4", (7, 8)),
    ("Conv3D(8, 3)", "9, 9, 10, 1", (7, 7, 8, 8)),
    ("Conv2D(8, 3, groups=2)", "9, 9, 4", (7, 7, 8)),
    ("SeparableConv2D(8, 3, depth_multiplier=2)", "9, 9, 4", (7, 7, 8)),
    ("SeparableConv1D(8, 3, 2)", "9, 4", (4, 8)),
    ("DepthwiseConv2D(3)", "9, 9, 4", (7, 7, 4)),
    ('DepthwiseConv2D(3, 2, "same", 3)', "9, 9, 4", (5, 5, 12)),
    # a transposed one: 12*2; 12*2 + max(3 - 2, 0); 11*2 + 1 + 0
    ('Conv2DTranspose(8, 3, 2, "same")', "12, 12, 4", (24, 24, 8)),
    ("Conv2DTranspose(8, 3, 2)", "12, 12, 4", (25, 25, 8)),
    ('Conv2DTranspose(8, 3, 2, "same", output_padding=0)', "12, 12, 4", (23, 23, 8)),
    ('Conv2DTranspose(8, 3, 2, "same", output_padding=(0, 1))', "12, 12, 4", (23, 24, 8)),
    ("Conv1DTranspose(8, 2, 4)", "5, 4", (20, 8)),
    ("Conv1DTranspose(8, 2, 4, output_padding=0)", "5, 4", (18, 8)),
    ('Conv3DTranspose(8, 2, 2, "same")', "3, 4, 5, 4", (6, 8, 10, 8)),
    ("Convolution2DTranspose(8, 3)", "5, 5, 4", (7, 7, 8)),
    # pools step by their size; valid rounds down, same up, and less than a stride short is an empty tensor
    ("MaxPooling2D()", "7, 8, 3", (3, 4, 3)),
    ("MaxPool2D((2, 3))", "7, 8, 3", (3, 2, 3)),
    ('MaxPooling2D(2, padding="same")', "7, 8, 3", (4, 4, 3)),
    ("MaxPooling2D(3, 1)", "7, 8, 3", (5, 6, 3)),
    ('AveragePooling1D(pool_size=4, strides=2, padding="same")', "9, 3", (5, 3)),
    ("AvgPool3D(2)", "4, 5, 6, 3", (2, 2, 3, 3)),
    ("AveragePooling1D(3)", "2, 3", (0, 3)),
    ("GlobalAveragePooling2D()", "7, 8, 3", (3,)),
    ("GlobalMaxPool1D(keepdims=True)", "7, 3", (1, 3)),
    ("AdaptiveAveragePooling2D((2, 3))", "7, 8, 3", (2, 3, 3)),
    # sizes moved about
    ("UpSampling2D()", "7, 8, 3", (14, 16, 3)),
    ('UpSampling2D((1, 3), interpolation="bilinear")', "7, 8, 3", (7, 24, 3)),
    ("UpSampling1D(3)", "7, 3", (21, 3)),
    ("UpSampling3D()", "1, 2, 3, 3", (2, 4, 6, 3)),
    ("ZeroPadding1D()", "7, 3", (9, 3)),
    ("ZeroPadding1D((1, 2))", "7, 3", (10, 3)),
    ("ZeroPadding2D()", "7, 8, 3", (9, 10, 3)),
    ("ZeroPadding2D((1, 2))", "7, 8, 3", (9, 12, 3)),
    ("ZeroPadding2D(((1, 0), (0, 2)))", "7, 8, 3", (8, 10, 3)),
    ("ZeroPadding3D(2)", "1, 2, 3, 3", (5, 6, 7, 3)),
    ("Cropping1D()", "7, 3", (5, 3)),
    ("Cropping2D()", "7, 8, 3", (7, 8, 3)),
    ("Cropping2D(((1, 2), (0, 3)))", "7, 8, 3", (4, 5, 3)),
    ("Cropping3D(cropping=1)", "3, 4, 5, 3", (1, 2, 3, 3)),
    ("Resizing(5, 6)", "7, 8, 3", (5, 6, 3)),
    ("CenterCrop(5, 6)", "7, 8, 3", (5, 6, 3)),
    ("Flatten()", "7, 8, 3", (168,)),
    ("Reshape((7, 24))", "7, 8, 3", (7, 24)),
    ("Reshape((-1, 12))", "7, 8, 3", (14, 12)),
    ("Permute((3, 1, 2))", "7, 8, 3", (3, 7, 8)),
    ("RepeatVector(5)", "4", (5, 4)),
    ("Dense(10)", "7, 8, 3", (7, 8, 10)),
    # what keeps the shape
    ('Activation("relu")', "7, 8, 3", (7, 8, 3)),
    ("BatchNormalization(axis=-1)", "7, 8, 3", (7, 8, 3)),
    ("LayerNormalization()", "7, 8, 3", (7, 8, 3)),
    ("Dropout(0.5)", "7, 8, 3", (7, 8, 3)),
    ("SpatialDropout2D(0.5)", "7, 8, 3", (7, 8, 3)),
    ("Input(shape=(7, None, 3))", "7, 8, 3", (7, 8, 3)),
    # prefixes of the convention's own
    ("keras.layers.Conv2D(8, 3)", "9, 9, 4", (7, 7, 8)),
    ("tf.keras.layers.MaxPooling2D()", "9, 9, 4", (4, 4, 4)),
    ("layers.Dense(2)", "9", (2,)),
    ("keras.Input(shape=(9,))", "9", (9,)),
]


@pytest.mark.parametrize(("call", "dims", "shape"), SHAPES)
def test_what_leaves_a_layer(call: str, dims: str, shape: tuple[int, ...]) -> None:
    assert outcome("keras", call, dims) == shape


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        ("Concatenate()([x, z])", (7, 8, 7)),
        ("Concatenate(axis=3)([x, z])", (7, 8, 7)),
        ("concatenate([x, z], axis=-1)", (7, 8, 7)),
        ("Concat(x, z)", (7, 8, 7)),
        ("Add()([x, w])", (7, 8, 3)),
        ("Add(x, w)", (7, 8, 3)),
        ("Multiply()([x, w, w])", (7, 8, 3)),
        ("Average()([x, w])", (7, 8, 3)),
        ("Maximum()([x, w])", (7, 8, 3)),
        ("subtract([x, w])", (7, 8, 3)),
    ],
)
def test_layers_that_merge_are_called_with_a_list(call: str, shape: tuple[int, ...]) -> None:
    assert outcome("keras", call, "7, 8, 3", "7, 8, 4", "1, 8, 3") == shape


@pytest.mark.parametrize(
    ("call", "dims", "said"),
    [
        ("Conv2D(8, 5)", "4, 9, 1", "kernel 5"),
        ("Conv2D(8, 3, dilation_rate=2)", "4, 9, 1", "kernel 3 with dilation 2"),
        ("Conv2D(8, 3, strides=2, dilation_rate=2)", "9, 9, 1", "`strides` above 1 and `dilation_rate` above 1"),
        ("Conv2D(8, 3, strides=(1, 2), dilation_rate=(2, 1))", "9, 9, 1", "leave one of them at 1"),
        ("Conv2D(8, 0)", "9, 9, 1", "`kernel_size` is 0"),
        ("Conv2D(0, 3)", "9, 9, 1", "`filters` is 0; it is at least 1"),
        ("Conv2D(8, 3, groups=3)", "9, 9, 3", "3 `groups` do not divide"),
        ("Conv2D(8, 3, groups=2)", "9, 9, 3", "2 groups do not divide 3 channels"),
        ('Conv2D(8, 3, padding="causal")', "9, 9, 3", "write 'valid' or 'same'"),
        ("Conv2D(8, 3, padding=1)", "9, 9, 3", "`padding` is 1; write 'valid' or 'same'"),
        ('Conv2D(8, 3, padding="full")', "9, 9, 3", "padding='full' is rejected by today's backends"),
        ("Conv2D(8, 3, stride=2)", "9, 9, 3", "`Conv2D` has no argument `stride`; did you mean `strides`?"),
        ('Conv2D(8, 3, data_format="channels_first")', "9, 9, 3", "write `layout: channels_first`"),
        ("Conv2D(8)", "9, 9, 3", "`Conv2D` needs `kernel_size`"),
        ("Conv2DTranspose(8, 3, 2, output_padding=2)", "9, 9, 3", "output_padding 2 is not below strides 2"),
        ('Conv2DTranspose(8, 4, 2, "same", output_padding=0)', "9, 9, 3", "which TensorFlow's kernel refuses"),
        ('Conv2DTranspose(8, 3, 2, "same", 1)', "9, 9, 3", "write `output_padding=1` by name"),
        ("Conv2DTranspose(8, 3, 2, output_shape=(18, 18))", "9, 9, 3", "has no argument `output_shape`"),
        ('MaxPooling2D(2, padding="full")', "9, 9, 3", "write 'valid' or 'same'"),
        ("MaxPooling2D(6, 2)", "2, 9, 3", "kernel 6"),
        ("MaxPool2D(0)", "9, 9, 3", "`pool_size` is 0"),
        ("ZeroPadding2D((-1, 0))", "9, 9, 3", "`padding` holds -1"),
        ("ZeroPadding2D((1, 2, 3))", "9, 9, 3", "`padding` has 3 entries"),
        ("Cropping2D(4)", "8, 9, 3", "would leave 0 of 8"),
        ("UpSampling2D(0)", "8, 9, 3", "`size` is 0"),
        ("Reshape((5, -1))", "8, 9, 3", "216 is not divisible by 5"),
        ("Reshape((5, 5))", "8, 9, 3", "216 against 25"),
        ("Permute((0, 1, 2))", "8, 9, 3", "`dims` is no order of the axes 1 to 3"),
        ("Input(shape=(8, 8, 3))", "8, 9, 3", "9 against 8"),
        ("Dense(0)", "8", "`units` is 0"),
        ("Conv2d(8, 3)", "8, 9, 3", "`Conv2d` is a layer of pytorch"),
        ("Conv2DTransposed(8, 3)", "8, 9, 3", "did you mean `Conv2DTranspose`?"),
    ],
)
def test_what_keras_refuses(call: str, dims: str, said: str) -> None:
    found = outcome("keras", call, dims)
    assert isinstance(found, str)
    assert said in found


def test_a_merge_of_other_sizes_is_refused() -> None:
    assert isinstance(outcome("keras", "Concatenate()([x, z])", "7, 8, 3", "7, 9, 3"), str)
    assert isinstance(outcome("keras", "Add()([x, z])", "7, 8, 3", "7, 8, 4"), str)
    assert "along" not in str(outcome("keras", "Concatenate(axis=1)([x, z])", "7, 8, 3", "5, 8, 3"))
    assert outcome("keras", "Concatenate(axis=1)([x, z])", "7, 8, 3", "5, 8, 3") == (12, 8, 3)
    assert "`axis` is 0" in str(outcome("keras", "Concatenate(axis=0)([x, z])", "7, 8, 3", "7, 8, 3"))


def test_channels_first_is_a_layout_of_the_file() -> None:
    call = 'Conv2D(8, 3, strides=2, padding="same", data_format="channels_first")'
    assert outcome("keras", call, "3, 9, 10", layout="channels_first") == (8, 5, 5)
    assert outcome("keras", "GlobalMaxPooling2D()", "3, 9, 10", layout="channels_first") == (3,)
    assert outcome("keras", "Cropping2D(1)", "3, 9, 10", layout="channels_first") == (3, 7, 8)
    assert outcome("keras", "Concatenate(axis=1)([x, x])", "3, 9, 10", layout="channels_first") == (6, 9, 10)


def test_a_prefix_keeps_the_layout_of_the_file() -> None:
    """[N, C, H, W] as PyTorch has it, with Keras' arithmetic."""
    assert outcome("pytorch", 'keras.Conv2D(8, 3, strides=2, padding="same")', "2, 3, 9, 10") == (2, 8, 5, 5)
    assert outcome("pytorch", "keras.layers.Conv2DTranspose(8, 3, 2)", "2, 3, 9, 10") == (2, 8, 19, 21)
    assert outcome("pytorch", "keras.Flatten()", "2, 3, 9, 10") == (2, 270)
    assert outcome("pytorch", "keras.Permute((2, 1, 3))", "2, 3, 9, 10") == (2, 9, 3, 10)


def test_nobody_states_it() -> None:
    """What depends on `_` is unknown, the rest is not."""
    assert outcome("keras", "Conv2D(8, _)", "9, 10, 3") == (None, None, 8)
    assert outcome("keras", "Conv2D(_, 3)", "9, 10, 3") == (7, 8, None)
    assert outcome("keras", "Conv2D(8, 3, padding=_)", "9, 10, 3") == (None, None, 8)
    assert outcome("keras", "ZeroPadding2D((_, 1))", "9, 10, 3") == (None, 12, 3)


def test_every_signature_reads_like_keras() -> None:
    """The first parameters by position are those of keras.layers."""
    first: dict[str, list[str]] = {
        "Conv2D": [
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "data_format",
            "dilation_rate",
            "groups",
            "activation",
        ],
        "Conv2DTranspose": [
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "data_format",
            "dilation_rate",
            "activation",
        ],
        "DepthwiseConv2D": ["kernel_size", "strides", "padding", "depth_multiplier", "data_format", "dilation_rate"],
        "SeparableConv2D": ["filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate"],
        "MaxPooling2D": ["pool_size", "strides", "padding", "data_format", "name"],
        "UpSampling2D": ["size", "data_format", "interpolation"],
        "Dense": ["units", "activation", "use_bias", "kernel_initializer"],
        "Concatenate": ["axis"],
    }
    types: dict[str, Any] = convention("keras").types
    for name, words in first.items():
        assert [each.name for each in types[name].parameters][: len(words)] == words


def test_an_unknown_layer_leaves_nothing_proved() -> None:
    """What leaves it is unknown; where a size is stated, that is no proof."""
    assert "say in `types:` what it does" in str(outcome("keras", "Foo(3)", "9, 10, 3"))
    text = b"shapelint: 1\nconvention: keras\ninputs:\n  x: [H, 8, 3]\nsizes:\n  H: 1..9\nlayers:\n  - Foo(3)\n"
    assert [found.rule for found in shapelint.check(text).findings] == ["SHP011"]


def test_a_network_of_valid_pools_takes_what_runs_step_by_step() -> None:
    """Convolutions refuse an empty result, pools of TensorFlow only a negative one (rounded towards 0)."""
    text = b"""
shapelint: 1
convention: keras
inputs:
  image: [H, 300, 3]
layers:
  - Conv2D(32, 3, strides=2)
  - for: i in 1..3
    do:
      - Conv2D(64, 3)
      - MaxPooling2D(3, strides=2)
  - MaxPooling2D(5, strides=1)
"""

    def runs(n: int) -> bool:
        if n < 3:
            return False
        n = (n - 3) // 2 + 1
        for _ in range(3):
            if n < 3 or int((n - 2 - 3 + 2) / 2) < 0:
                return False
            n = int((n - 2 - 3 + 2) / 2)
        return n - 5 + 1 >= 0

    sizes = shapelint.sizes(text)["image"][0]
    assert sizes is not None
    assert [n for n in range(1, 300) if n in sizes] == [n for n in range(1, 300) if runs(n)]
