"""JAX and Flax: signatures, layouts, paddings; sizes are FORMULAS' and hand arithmetic."""

from __future__ import annotations

import pytest

from .one_spec import analyzed, refusal, shape

IMAGE = "[2, 10, 7, 3]"


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        ("nn.Conv(8, (3, 3))", [10, 7]),
        ("nn.Conv(8, (3, 3), strides=2)", [5, 4]),
        ("nn.Conv(8, kernel_size=(3, 3), strides=(2, 2), padding='VALID')", [4, 3]),
        ("flax.linen.Conv(8, (3, 3), padding=((1, 2), (0, 1)))", [11, 6]),
        ("nn.Conv(8, (3, 3), padding=(1, 0), kernel_dilation=2)", [8, 3]),
        ("nn.Conv(8, (3, 3), padding='CIRCULAR', strides=3)", [4, 3]),
        ("nn.Conv(8, (3, 3), padding=1, input_dilation=2)", [19, 13]),
        ("nn.Conv(8, (11, 8), padding='VALID')", [0, 0]),
        ("nn.ConvTranspose(8, (3, 3), strides=(2, 2))", [20, 14]),
        ("nn.ConvTranspose(8, (3, 3), strides=(2, 2), padding='VALID')", [21, 15]),
        ("nn.ConvTranspose(8, (1, 1), strides=(2, 2), padding='VALID')", [20, 14]),
        # (n - 1)*2 + 1 + 1 + 1 - 3 + 1: the pads lie on the dilated input
        ("nn.ConvTranspose(8, (3, 3), strides=(2, 2), padding=1)", [19, 13]),
        ("lax.conv_transpose((3, 3), (2, 2), ((1, 2), (1, 2)))", [20, 14]),
        # consistent pads (0, 0) are (2, 2) on the dilated input
        ("lax.conv_transpose(8, (3, 3), (2, 2), ((0, 0), (0, 0)), use_consistent_padding=True)", [21, 15]),
        ("max_pool((2, 2))", [9, 6]),
        ("nn.max_pool((2, 2), strides=(2, 2))", [5, 3]),
        ("nn.avg_pool((3, 3), strides=(2, 2), padding='SAME')", [5, 4]),
        ("jax.image.resize((2, 21, 15, 3), 'bilinear')", [21, 15]),
        ("jnp.pad(((0, 0), (1, 2), (0, 1), (0, 0)))", [13, 8]),
    ],
)
def test_a_layer_gives_this_size(layer: str, size: list[int]) -> None:
    assert shape("jax", IMAGE, layer)[1:3] == size


def test_channels_stand_last_and_follow_the_layers() -> None:
    assert shape("jax", IMAGE, "nn.Conv(8, (3, 3))", "nn.relu()", "nn.Dense(5)") == [2, 10, 7, 5]


def test_axes_before_those_of_the_kernel_are_batches() -> None:
    """Flax flattens them: a kernel of two numbers leaves the time axis alone."""
    assert shape("jax", "[2, 9, 10, 7, 3]", "nn.Conv(8, (3, 3), padding='VALID')") == [2, 9, 8, 5, 8]


def test_an_over_large_kernel_is_clamped_to_nothing_at_every_size() -> None:
    analysis = analyzed("jax", "[1, n, 1]", "nn.Conv(8, [5], padding='VALID')")
    assert not analysis.shapes.requirements


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("nn.Conv(8, (3, 3), padding='CAUSAL')", "padding='CAUSAL' is for 1-D convolutions and this is 2-D"),
        ("nn.Conv(8, (3, 3), input_dilation=2)", "padding='SAME' is not implemented with `input_dilation`"),
        ("nn.Conv(8, (3, 3), padding='FULL')", "`padding` is 'FULL'"),
        ("nn.Conv(8, (3, 3), padding=(1, 1, 1))", "`padding` has 3 entries and the kernel 2 spatial axes"),
        ("nn.Conv(8, (3, 3), dilation=2)", "`Conv` has no argument `dilation`; did you mean `input_dilation`?"),
        ("nn.Conv(8, (3, 3), padding=-6)", "window padding: the negative padding (-6, -6)"),
        ("nn.Conv(9, (3, 3), feature_group_count=2)", "groups do not divide"),
        ("nn.ConvTranspose(8, (3, 3), padding='CAUSAL')", "`padding` is 'CAUSAL'"),
        ("max_pool(2, strides=(2,2,2))", "`strides` has 3 numbers and `max_pool` 2 spatial axes"),
        ("resize((20, 14), 'bilinear')", "`shape` has 2 sizes and the input 4 axes"),
    ],
)
def test_what_flax_refuses_is_refused_in_its_words(layer: str, why: str) -> None:
    assert why in refusal("jax", IMAGE, layer)
