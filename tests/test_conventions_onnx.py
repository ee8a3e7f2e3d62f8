"""ONNX operators in specs: inputs, constants, attributes, weights that are left out, several outputs, opsets."""

from __future__ import annotations

import pytest

from shapelint.schema import names

from .one_spec import analyzed, refusal, shape

IMAGE = "[2, 4, 10, 7]"
FREE = "[N, 4, H, W]"


@pytest.mark.parametrize(
    ("layer", "result"),
    [
        ("Conv(kernel_shape=[3, 3], strides=[2, 2], auto_pad='SAME_UPPER', channels=8)", [2, 8, 5, 4]),
        ("Conv(kernel_shape=[3, 3], channels=8, group=2)", [2, 8, 8, 5]),
        ("ConvTranspose(kernel_shape=[2, 2], strides=[2, 2], channels=6, group=2)", [2, 6, 20, 14]),
        ("MaxPool(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)", [2, 4, 5, 4]),
        ("BatchNormalization()", [2, 4, 10, 7]),
        ("InstanceNormalization()(x)", [2, 4, 10, 7]),
        ("GroupNormalization(num_groups=2)", [2, 4, 10, 7]),
        ("LayerNormalization(axis=2)", [2, 4, 10, 7]),
        ("PRelu()", [2, 4, 10, 7]),
        ("MatMul(features=5)", [2, 4, 10, 5]),
        ("Reshape([0, -1])", [2, 280]),
        ("Reshape([0, -1])(x)", [2, 280]),
        ("Reshape(x, [0, -1])", [2, 280]),
        ("Resize(x, None, [1, 1, 2, 1.5])", [2, 4, 20, 10]),
        ("Resize(x, None, None, [2, 4, 20, 14], mode='linear')", [2, 4, 20, 14]),
        ("Clip(x, None, 6.0)", [2, 4, 10, 7]),
        ("Where([True], x, 0.0)", [2, 4, 10, 7]),
        ("Slice(x, [0, 1], [9223372036854775807, -1], [2, 3], [2, 1])", [2, 4, 5, 5]),
        ("Transpose(perm=[0, 2, 3, 1])", [2, 10, 7, 4]),
        ("Concat(x, x, axis=2)", [2, 4, 20, 7]),
        ("Concat([x, x], axis=2)", [2, 4, 20, 7]),
        ("Gemm(features=3, transB=1)(f)", [2, 3]),
        ("Expand(x, [1, 2, 1, 1, 1])", [1, 2, 4, 10, 7]),
        ("Tile(x, [1, 1, 2, 3])", [2, 4, 20, 21]),
    ],
)
def test_an_operator_gives_this_shape(layer: str, result: list[int]) -> None:
    assert shape("onnx", IMAGE, "f: Flatten()", f"y: {layer}" if "(f)" in layer else f"y: {layer_of(layer)}") == result


def layer_of(layer: str) -> str:
    """The layer with `x` as its source, where it names none."""
    return layer if "x" in layer.partition("(")[2].replace("axis", "").replace("max", "") else f"{layer}(x)"


def test_small_tensors_reach_the_values_that_shapes_are_computed_from() -> None:
    """What an exporter writes for `interpolate(y, x.shape[2:])`."""
    layers = (
        "c: Conv(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], channels=16)",
        "s: Shape(x)",
        "n: Gather(s, [0], axis=0)",
        "hw: Slice(s, [2], [4], [0])",
        "k: Constant([16])",
        "all: Concat(n, k, hw, axis=0)",
        "up: Resize(c, None, None, all, mode='linear')",
        "Concat(up, x, axis=1)",
    )
    assert shape("onnx", FREE, *layers) == ["N", 20, "H", "W"]


def test_sizes_of_layers_may_stand_in_small_tensors_and_output_shapes() -> None:
    half = "h: MaxPool(kernel_shape=[2, 2], strides=[2, 2])"
    assert shape("onnx", FREE, half, "Reshape(h, [N, 4, h.size[0] * h.size[1]])")[1:] == [4, "(H//2)*(W//2)"]
    up = "ConvTranspose(kernel_shape=[2, 2], strides=[2, 2], channels=4, like=x)(h)"
    assert shape("onnx", FREE, half, up) == ["N", 4, "H", "W"]


def test_several_outputs_have_several_names() -> None:
    assert shape("onnx", IMAGE, '"a, b": Split(x, [1, 3], axis=1)', "Concat(b, a, b, axis=1)") == [2, 7, 10, 7]
    assert shape("onnx", IMAGE, '"a, b": Split(num_outputs=2, axis=1)', "Add(a, b)") == [2, 2, 10, 7]
    assert shape("onnx", IMAGE, '"_, i": TopK(x, [3], axis=2)', "Identity()(i)") == [2, 4, 3, 7]
    outputs = analyzed("onnx", IMAGE, '"_, i": TopK(x, [3], axis=2)').graph.outputs
    assert [each.name for each in outputs] == ["TopK:1"]
    assert "`Relu` has 1 outputs and 2 names" in refusal("onnx", IMAGE, '"a, b": Relu()')


def test_constants_have_types_shapes_and_perhaps_values() -> None:
    assert shape("onnx", IMAGE, "k: Constant([[1, 2, 3], [4, 5, 6]])") == [2, 3]
    assert shape("onnx", IMAGE, "k: Constant(3)") == []
    assert shape("onnx", IMAGE, "k: Constant(0.0, shape=[4, 1, 1])", "Add(x, k)") == [2, 4, 10, 7]
    assert shape("onnx", IMAGE, "w: Constant(shape=[8, 4, 5, 5])", "Conv(x, w)") == [2, 8, 6, 3]
    assert shape("onnx", IMAGE, 'k: Constant([2, 4, 70], dtype="int64")', "Reshape(x, k)") == [2, 4, 70]
    assert shape("onnx", IMAGE, "k: Constant(value_ints=[2, -1])", "Reshape(x, k)") == [2, 280]
    assert "rows of different lengths" in refusal("onnx", IMAGE, "k: Constant([[1, 2], [3]])")
    assert "`dtype` is 'int65'" in refusal("onnx", IMAGE, "k: Constant([1], dtype='int65')")


def test_the_opset_decides_what_an_operator_means() -> None:
    assert shape("onnx", IMAGE, "Upsample(x, [1, 1, 2, 2])", head="opset: 9\n") == [2, 4, 20, 14]
    assert shape("onnx", IMAGE, "Slice(starts=[1], ends=[9], axes=[2])", head="opset: 9\n") == [2, 4, 8, 7]
    assert "`Upsample` is deprecated in opset 10" in refusal(
        "onnx", IMAGE, "Upsample(x, [1, 1, 2, 2])", head="opset: 10\n"
    )
    why = refusal("onnx", IMAGE, "Mish()", head="opset: 17\n")
    assert "`Mish` is no operator of opset 17; it came with opset 18: write `opset: 18`" in why
    assert "has no argument `starts`" in refusal(
        "onnx", IMAGE, "Slice(starts=[1], ends=[9], axes=[2])", head="opset: 10\n"
    )


def test_the_neutral_layers_of_the_same_names_stand_beside_the_operators() -> None:
    assert shape("onnx", IMAGE, "Concat(x, x)") == [2, 8, 10, 7]
    assert shape("onnx", IMAGE, "Add(x, x, x)") == [2, 4, 10, 7]
    assert shape("onnx", IMAGE, "Resize(scale=2)") == [2, 4, 20, 14]
    assert shape("onnx", IMAGE, "h: MaxPool(kernel_shape=[2, 2])", "Resize(like=x)(h)") == [2, 4, 10, 7]
    assert shape("onnx", IMAGE, "Pad(before=1, after=2)") == [2, 4, 13, 10]
    assert shape("onnx", IMAGE, "Pad(x, [0, 0, 1, 1, 0, 0, 2, 2])") == [2, 4, 13, 10]


def test_an_operator_in_a_file_of_another_layout_sees_channels_first() -> None:
    """A prefix changes signature and arithmetic, never the layout."""
    conv = "onnx.Conv(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], channels=8)"
    assert shape("keras", "[H, 9, 3]", conv) == ["ceil(H/2)", 5, 8]
    assert shape("jax", "[N, H, 9, 3]", conv) == ["N", "ceil(H/2)", 5, 8]


def test_what_nobody_states_is_unknown_and_not_wrong() -> None:
    analysis = analyzed("onnx", IMAGE, "Conv(kernel_shape=[3, 3], strides=_, channels=8)")
    assert not analysis.shapes.requirements
    assert analysis.shapes.tensors[analysis.graph.outputs[0].name].shape is None


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("Conv(kernel_size=[3, 3], channels=8)", "`Conv` has no argument `kernel_size`; did you mean `kernel_shape`?"),
        (
            "Conv(kernel_shape=3, channels=8)",
            "`kernel_shape` of `Conv` is not a list of integers; write `kernel_shape=[3, 3]`",
        ),
        ("Conv(channels=8)", "`Conv` needs `kernel_shape`, or its weight as second input"),
        ("Conv(x, [[1.0]], kernel_shape=[3, 3], channels=8)", "`channels` stands beside a weight; give either"),
        ("Conv(kernel_shape=[11, 3], channels=8)", "window : kernel 11"),
        ("Conv(kernel_shape=[3, 3], channels=8, group=3)", "channels"),
        ("ConvTranspose(kernel_shape=[3, 3], channels=8, group=3)", "3 groups do not divide 8 channels"),
        ("MaxPool()", "`MaxPool` needs `kernel_shape`"),
        ("MatMul()", "`MatMul` takes 2 inputs and gets 1; or write `features=`"),
        ("Relu(x, x)", "`Relu` takes 1 inputs and gets 2"),
        ("Resize(None, x)", "`Resize` cannot do without input 0"),
        ("Transpose(perm=[0, 1.5])", "`perm` of `Transpose` is not a list of integers"),
        ("If(x)", "`If` holds graphs, which a spec cannot say"),
        ("Reluu()", "did you mean `Relu`?"),
    ],
)
def test_what_is_wrong_with_a_call_is_said_in_onnx_words(layer: str, why: str) -> None:
    assert why in refusal("onnx", IMAGE, layer)


def test_every_operator_of_the_newest_opset_is_a_layer() -> None:
    """What cannot be said is refused in one sentence, never with another kind of error."""
    for name in sorted(names("")):
        try:
            why = refusal("onnx", IMAGE, f"{name}(x)")
        except pytest.fail.Exception:
            continue
        assert "another kind" not in why, name


def test_the_long_form_of_generators_says_an_operator() -> None:
    item = "{name: c, type: Conv, args: {kernel_shape: [3, 3], pads: [1, 1, 1, 1], channels: 8}, from: x}"
    assert shape("onnx", IMAGE, item) == [2, 8, 10, 7]


def test_everyday_names_of_operators_are_no_layers_of_another_convention() -> None:
    """`Attention(4)` in a PyTorch spec is somebody's module; with attributes of the operator it is ONNX's."""
    assert analyzed("pytorch", IMAGE, "Attention(4)").shapes.unknowns
    assert "write `onnx.Gather(...)`" in refusal("pytorch", IMAGE, "Gather(axis=1)")
