"""`show --format spec`: an ONNX graph as a spec lints to the same sets, or the first node in the way is named."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper

import shapelint
from shapelint.analysis import Analysis
from shapelint.cli import main
from shapelint.report.show import spec_text
from shapelint.source import Unreadable, load
from shapelint.source.spec.write import CannotSay

from .shared import FIXTURES, SHARED, needs_shared, zoo_names
from .test_backend_suite import cases

if TYPE_CHECKING:
    from pathlib import Path

MODELS = [*sorted((FIXTURES / "models").glob("*.onnx")), *sorted((FIXTURES / "ok").glob("*.onnx"))]


def written(source: Any, **stated: Any) -> str:
    return spec_text(Analysis(load(source), file="net.onnx", **stated))


def assert_same(source: Any) -> None:
    """The spec of a graph and the graph: the same sets, couplings, verdict and output shapes."""
    text = written(source)
    spec, graph = shapelint.sizes(text.encode()), shapelint.sizes(source)
    assert spec.unknown == graph.unknown == []
    assert spec.verdict == graph.verdict
    assert len(spec.coupled) == len(graph.coupled)
    for name in graph:
        assert list(spec[name]) == list(graph[name])
        for axis, sizes in graph[name].items():
            assert spec[name][axis] == sizes
    assert [_axes(each) for each in spec.outputs] == [_axes(each) for each in graph.outputs]


def _axes(output: dict[str, Any]) -> Any:
    return [value for key, value in output.items() if key not in ("name", "output")]


@needs_shared
@pytest.mark.parametrize("name", zoo_names())
def test_a_real_network_lints_to_the_same_sets(name: str) -> None:
    assert_same(SHARED / "zoo" / f"{name}.onnx")


@needs_shared
def test_all_28_go_through() -> None:
    assert len(zoo_names()) == 28


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_fixture_lints_to_the_same_sets(path: Path) -> None:
    assert_same(path)


def test_every_operator_case_is_written_or_refused_by_name() -> None:
    """onnx's own cases: what is written has the outputs of the graph; what is not is refused for a reason."""
    outcomes: Counter[str] = Counter()
    wrong = []
    for case in cases():
        try:
            graph = Analysis(load(case.model))
        except Unreadable:
            outcomes["unreadable"] += 1
            continue
        try:
            text = spec_text(graph)
        except CannotSay as error:
            outcomes[str(error).partition("spec: ")[2]] += 1
            continue
        spec = Analysis(load(text.encode()))
        ours, theirs = (
            [_numbered(each.shapes.tensors[declared.name].shape) for declared in each.graph.outputs]
            for each in (spec, graph)
        )
        outcomes["written"] += 1
        if ours != theirs or spec.runs is not graph.runs:
            wrong.append((case.name, ours, theirs))
    assert wrong == []
    assert outcomes["written"] >= 1600
    assert set(outcomes) <= {
        "written",
        "unreadable",
        "it is empty",
        "it holds graphs",
        "it has no inputs",
        "its rank is not declared; state its shape with --input",
        "a spec does not say the types of tensors",
    } | {each for each in outcomes if each.endswith("is a tensor without values")}


def _numbered(shape: Any) -> str:
    """A shape without the names that stand for sizes which only data decides."""
    return re.sub(r"<[^>]*>", "<...>", str(shape))


# -- single things ---------------------------------------------------------------------------------------------------


def model(nodes: list[Any], dims: list[Any], weights: list[Any] = [], opset: int = 21) -> onnx.ModelProto:  # noqa: B006
    names = [name for node in nodes for name in node.output]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def zeros(name: str, dims: list[int]) -> Any:
    count = 1
    for dim in dims:
        count *= dim
    return helper.make_tensor(name, TensorProto.FLOAT, dims, [0.0] * count)


def ints(name: str, values: list[int]) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def test_the_whole_text() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["155"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Resize", ["155", "", "s"], ["up.0"], mode="nearest"),
        helper.make_node("Split", ["up.0"], ["left", "lambda"], axis=1, num_outputs=2),
        helper.make_node("Concat", ["left", "lambda", "x"], ["joined"], axis=1),
        helper.make_node("Add", ["joined", "shift"], ["y"]),
    ]
    scales = helper.make_tensor("s", TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 2.0])
    weights = [zeros("w", [8, 3, 3, 3]), zeros("b", [8]), scales, zeros("shift", [11, 1, 1])]
    assert written(model(nodes, ["N", 3, "H", "W"], weights)) == (
        "# net.onnx: its structure without its weights\n"
        "shapelint: 1\n"
        "convention: onnx\n"
        "opset: 21\n"
        "inputs:\n"
        "  x: [N, 3, H, W]\n"
        "layers:\n"
        "  - n155: Conv(x, channels=8, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])  # 155\n"
        "  - up_0: Resize(n155, None, [1.0, 1.0, 2.0, 2.0])  # up.0\n"
        '  - "left, lambda_": Split(up_0, axis=1, num_outputs=2)  # lambda\n'
        "  - joined: Concat(left, lambda_, x, axis=1)\n"
        "  - shift: Constant(0.0, shape=[11, 1, 1])\n"
        "  - y: Add(joined, shift)\n"
        "outputs: [y]\n"
    )


def test_a_weight_stays_where_it_says_more_than_the_keyword() -> None:
    """A symbolic number of channels is decided by the weight alone."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3])]
    text = written(model(nodes, [1, "C", "H", "W"], [zeros("w", [8, 3, 3, 3])]))
    assert "w: Constant(shape=[8, 3, 3, 3])" in text
    assert "Conv(x, w, kernel_shape=[3, 3])" in text
    sizes = shapelint.sizes(text.encode())["x"]
    assert list(sizes[1] or ()) == [3]


def test_names_that_are_taken_are_told_apart() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a.b"]),
        helper.make_node("Relu", ["a.b"], ["a_b"]),
        helper.make_node("Relu", ["a_b"], ["input"]),
        helper.make_node("Relu", ["input"], ["H"]),
        helper.make_node("Relu", ["H"], ["été"]),
        helper.make_node("Add", ["été", "x"], ["y\n\u202e"]),
    ]
    text = written(model(nodes, [1, 3, "H", "W"]))
    names = re.findall(r"^  - (\w+):", text, re.MULTILINE)
    assert names == ["a_b", "a_b_2", "input_", "H_2", "été", "y"]
    assert "# y??\n" in text
    assert shapelint.sizes(text.encode()).verdict == "fits"


def test_integers_keep_their_values_and_large_fractions_their_shape() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "dims"], ["r"]),
        helper.make_node("Slice", ["r", "from", "to", "along"], ["s"]),
        helper.make_node("MatMul", ["s", "w"], ["y"]),
    ]
    weights = [ints("dims", [0, -1, 4]), ints("from", [0]), ints("to", [2**63 - 1]), ints("along", [1])]
    text = written(model(nodes, ["N", 8, "L"], [*weights, zeros("w", [4, 5])]))
    assert "Reshape(x, [0, -1, 4])" in text
    assert "Slice(r, [0], [9223372036854775807], [1])" in text
    assert "MatMul(s, features=5)" in text
    assert_same(model(nodes, ["N", 8, "L"], [*weights, zeros("w", [4, 5])]))


def test_an_operator_of_constants_alone_does_not_read_the_layer_before() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Concat", ["a", "b"], ["dims"], axis=0),
        helper.make_node("Reshape", ["r", "dims"], ["y"]),
    ]
    assert_same(model(nodes, [2, 3, "L"], [ints("a", [2]), ints("b", [-1])]))


def test_what_is_stated_goes_along(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FIXTURES / "models" / "unet.onnx")
    assert main(["show", path, "--format", "spec", "--where", "multiple of 16"]) == 0
    text = capsys.readouterr().out
    assert "sizes:\n" in text
    assert "16*k" in text
    assert shapelint.sizes(text.encode()).verdict == "fits"


def branch(name: str) -> Any:
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node("Relu", ["x"], [name])], name, [], [value])


def test_a_node_that_the_grammar_cannot_say_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="first"),
        helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch("t"), else_branch=branch("e")),
    ]
    weights = [helper.make_tensor("c", TensorProto.BOOL, [], [True])]
    path = tmp_path / "net.onnx"
    onnx.save(model(nodes, [1, 3, "H", "W"], weights), path)
    assert main(["show", str(path), "--format", "spec"]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert "`choice` (If) cannot be written as a spec: it holds graphs" in found.err


def test_an_operator_of_nobody_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [helper.make_node("Magic", ["x"], ["y"], name="spell", domain="com.acme")]
    made = model(nodes, [1, 3, "H", "W"])
    made.opset_import.append(helper.make_opsetid("com.acme", 1))
    path = tmp_path / "net.onnx"
    onnx.save(made, path)
    assert main(["show", str(path), "--format", "spec"]) == 2
    assert "`spell` (com.acme::Magic) cannot be written as a spec: no operator of ONNX" in capsys.readouterr().err


def test_a_spec_is_not_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FIXTURES / "architectures" / "unet_resnet.shape.yaml")
    assert main(["show", path, "--format", "spec"]) == 2
    assert "is a spec already" in capsys.readouterr().err
