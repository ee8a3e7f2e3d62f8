"""TensorFlow: tf.nn, tf.image, tf.pad, and the Keras layers; sizes by hand arithmetic."""

from __future__ import annotations

import pytest

from .one_layer import outcome


@pytest.mark.parametrize(
    ("call", "dims", "shape"),
    [
        # Keras' layers as they are
        ('Conv2D(8, 3, strides=2, padding="same")', "9, 10, 3", (5, 5, 8)),
        ("tf.keras.layers.Conv2DTranspose(8, 3, 2)", "9, 10, 3", (19, 21, 8)),
        ("MaxPooling2D()", "9, 10, 3", (4, 5, 3)),
        # an output shape is that of tf.nn.conv2d_transpose: spatial, with channels, or whole
        ('Conv2DTranspose(8, 3, 2, "same", output_shape=[17, 20])', "9, 10, 3", (17, 20, 8)),
        ('Conv2DTranspose(8, 3, 2, "same", output_shape=(17, 20, 8))', "9, 10, 3", (17, 20, 8)),
        ('Conv2DTranspose(8, 3, 2, "same", output_shape=(1, 17, 20, 8))', "9, 10, 3", (17, 20, 8)),
        ("Conv2DTranspose(8, 3, 2, output_shape=20)", "9, 9, 3", (20, 20, 8)),
        ("tf.nn.conv2d_transpose([3, 3, 8, 3], [1, 17, 20, 8], [1, 2, 2, 1])", "9, 10, 3", (17, 20, 8)),
        ('conv1d_transpose([3, 8, 3], output_shape=[20], strides=2, padding="VALID")', "9, 3", (20, 8)),
        # SAME rounds up, VALID down, an empty tensor is one; dilation goes with strides
        ('tf.nn.conv2d([3, 3, 3, 8], strides=2, padding="SAME")', "9, 10, 3", (5, 5, 8)),
        ('tf.nn.conv2d([3, 3, 3, 8], [1, 1, 2, 1], "VALID")', "9, 10, 3", (7, 4, 8)),
        ('tf.nn.conv2d([3, 3, 3, 8], 2, "VALID", dilations=2)', "9, 10, 3", (3, 3, 8)),
        ('tf.nn.conv2d([5, 5, 3, 8], 2, "VALID")', "3, 10, 3", (0, 3, 8)),
        ("tf.nn.conv2d([3, 3, 3, 8], 2, [[0, 0], [1, 1], [0, 1], [0, 0]])", "9, 10, 3", (5, 5, 8)),
        ('tf.nn.conv2d([3, 3, 2, 8], 1, "SAME")', "9, 10, 4", (9, 10, 8)),
        ('tf.nn.conv1d([3, 3, 8], stride=2, padding="VALID")', "9, 3", (4, 8)),
        ('tf.nn.depthwise_conv2d([3, 3, 3, 2], [1, 1, 1, 1], "SAME")', "9, 10, 3", (9, 10, 6)),
        ('tf.nn.max_pool2d(2, 2, "SAME")', "9, 10, 3", (5, 5, 3)),
        ('tf.nn.avg_pool2d([1, 3, 3, 1], [1, 2, 2, 1], "VALID")', "9, 10, 3", (4, 4, 3)),
        ('tf.nn.max_pool(2, 2, padding="VALID")', "9, 10, 3", (4, 5, 3)),
        # sizes moved about; axes count the batch, which the shapes leave out
        ("tf.pad([[0, 0], [1, 2], [3, 0], [0, 0]])", "9, 10, 3", (12, 13, 3)),
        ('tf.pad([[0, 0], [8, 0], [0, 0], [0, 0]], "REFLECT")', "9, 10, 3", (17, 10, 3)),
        ('tf.pad([[0, 0], [9, 9], [0, 0], [0, 0]], mode="symmetric")', "9, 10, 3", (27, 10, 3)),
        ('tf.image.resize((4, 5), method="nearest")', "9, 10, 3", (4, 5, 3)),
        ("tf.image.resize_with_crop_or_pad(20, 5)", "9, 10, 3", (20, 5, 3)),
        ("tf.nn.depth_to_space(2)", "9, 10, 12", (18, 20, 3)),
        ("tf.nn.space_to_depth(3)", "9, 12, 1", (3, 4, 9)),
        ("tf.reshape([-1, 90, 3])", "9, 10, 3", (90, 3)),
        ("tf.reduce_mean([1, 2])", "9, 10, 3", (3,)),
        ("tf.reduce_mean(axis=[1, 2], keepdims=True)", "9, 10, 3", (1, 1, 3)),
        ("tf.squeeze([1])", "1, 10, 3", (10, 3)),
        ("tf.nn.relu()", "9, 10, 3", (9, 10, 3)),
        ("tf.concat([x, x], axis=3)", "9, 10, 3", (9, 10, 6)),
        ("tf.concat([x, x], -1)", "9, 10, 3", (9, 10, 6)),
    ],
)
def test_what_leaves_a_layer(call: str, dims: str, shape: tuple[int, ...]) -> None:
    assert outcome("tensorflow", call, dims) == shape


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("kernel", [1, 2, 3, 6])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_exactly_as_many_output_shapes_as_the_stride_are_accepted(padding: str, kernel: int, stride: int) -> None:
    """Those that the convolution takes back to 4."""
    accepted = []
    for wanted in range(1, 40):
        back = -(-wanted // stride) if padding == "SAME" else (wanted - kernel) // stride + 1
        filters = f"[{kernel}, 1, 1]"
        call = f'tf.nn.conv1d_transpose({filters}, output_shape=[{wanted}], strides={stride}, padding="{padding}")'
        found = outcome("tensorflow", call, "4, 1")
        assert (found == (wanted, 1)) is (back == 4), (wanted, found)
        accepted += [wanted] * (found == (wanted, 1))
    assert len(accepted) == stride


@pytest.mark.parametrize(
    ("call", "dims", "said"),
    [
        ('Conv2DTranspose(8, 3, 7, "same", output_shape=[21, 28])', "4, 4, 3", "21 against 22"),
        ("Conv2DTranspose(8, 3, 2, output_padding=1, output_shape=9)", "4, 4, 3", "exclude each other"),
        ('tf.nn.conv2d([5, 5, 3, 8], 1, "VALID")', "3, 10, 3", "kernel 5"),
        ('tf.nn.conv2d([3, 3, 4, 8], 1, "SAME")', "9, 10, 3", "the input has 3 channels and the layer takes 4"),
        ('tf.nn.conv2d(strides=1, padding="SAME")', "9, 10, 3", "`conv2d` needs `filters`"),
        ("tf.nn.conv2d([3, 3, 3, 8], 1)", "9, 10, 3", "`padding` is missing"),
        ('tf.nn.conv2d([3, 3, 8], 1, "SAME")', "9, 10, 3", "`filters` is no shape of 4 numbers"),
        ('tf.nn.conv2d([3, 3, 3, 8], [2, 1, 1, 1], "SAME")', "9, 10, 3", "`strides` moves over batch or channels by 2"),
        ('tf.nn.conv2d([3, 3, 3, 8], 1, "full")', "9, 10, 3", "write 'SAME' or 'VALID'"),
        ('tf.nn.conv2d([3, 3, 3, 8], 1, "SAME", "NCHW")', "9, 10, 3", "write `layout: channels_first`"),
        ('tf.pad([[0, 0], [9, 0], [0, 0], [0, 0]], "REFLECT")', "9, 10, 3", "REFLECT padding"),
        ('tf.pad([[0, 0], [10, 0], [0, 0], [0, 0]], "SYMMETRIC")', "9, 10, 3", "SYMMETRIC padding"),
        ("tf.pad([[0, 0], [-1, 0], [0, 0], [0, 0]])", "9, 10, 3", "`paddings`"),
        ("tf.pad([[1, 0], [1, 0], [0, 0], [0, 0]])", "9, 10, 3", "`paddings` pads the batch"),
        ("tf.pad([[1, 1], [1, 1]])", "9, 10, 3", "`paddings` has 2 pairs and the tensor 3 axes"),
        ("tf.nn.depth_to_space(1)", "9, 10, 3", "`block_size` is 1; it is a number above 1"),
        ("tf.nn.space_to_depth(2)", "9, 10, 3", "9 is not divisible by 2"),
        ("tf.squeeze([1])", "9, 10, 3", "9 against 1"),
        ("tf.reshape([90, 3])", "9, 10, 3", "unknown: it may move size into the batch"),
    ],
)
def test_what_tensorflow_refuses(call: str, dims: str, said: str) -> None:
    found = outcome("tensorflow", call, dims)
    assert isinstance(found, str)
    assert said in found


def test_the_filter_may_be_a_source() -> None:
    assert outcome("tensorflow", 'tf.nn.conv2d(x, z, strides=1, padding="SAME")', "9, 10, 3", "3, 3, 3, 8") == (
        9,
        10,
        8,
    )


def test_the_size_of_another_layer_is_an_output_shape() -> None:
    call = 'Conv2DTranspose(8, 3, 2, "same", output_shape=z.size)(x)'
    assert outcome("tensorflow", call, "9, 10, 3", "17, 20, 1") == (17, 20, 8)
    assert outcome("tensorflow", 'Conv2DTranspose(8, 3, 2, "same", like=z)(x)', "9, 10, 3", "17, 20, 1") == (17, 20, 8)


def test_channels_first_is_a_layout_of_the_file() -> None:
    call = 'tf.nn.conv2d([3, 3, 3, 8], [1, 1, 2, 2], "SAME", data_format="NCHW")'
    assert outcome("tensorflow", call, "3, 9, 10", layout="channels_first") == (8, 5, 5)


def test_a_prefix_keeps_the_layout_of_the_file() -> None:
    call = 'tf.nn.conv2d([3, 3, 3, 8], 2, "SAME")'
    assert outcome("pytorch", call, "2, 3, 9, 10") == (2, 8, 5, 5)
