"""Scenes: small models, each with one thing to say; expectations from hand arithmetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from shapelint.cli import main

from .nets import Net

SET_KEYS = {"extra", "start", "period", "residues"}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command on a model; its exit code and JSON."""
    monkeypatch.chdir(tmp_path)

    def run(command: str, model: onnx.ModelProto, *arguments: str) -> tuple[int, dict[str, Any]]:
        Path("net.onnx").write_bytes(model.SerializeToString())
        code = main([command, "net.onnx", "--format", "json", *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


def found(report: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["severity"], each["name"], each["node"]) for each in report["findings"]]


def texts(answer: dict[str, Any]) -> dict[str, str]:
    return {axis["symbol"]: axis["text"] for axis in answer["axes"]}


def member(n: int, of: dict[str, Any]) -> bool:
    """The definition in INTERFACE.md."""
    listed = any(low <= n <= high for low, high in of["extra"])
    return listed or (n >= of["start"] and n % of["period"] in of["residues"] if of["residues"] else listed)


def unet(depth: int = 2, *dims: int | str | None, opset: int = 17) -> onnx.ModelProto:
    net = Net(opset)
    x = net.input("x", *(dims or ("N", 1, "H", "W")))
    return net.model(net.unet(x, depth, nd=len(dims or "NCHW") - 2))


def runs(model: onnx.ModelProto, **shapes: tuple[int, ...]) -> bool:
    """Whether ONNX's reference evaluator runs the model."""
    inputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    try:
        ReferenceEvaluator(model).run(None, inputs)
    except Exception:
        return False
    return True


# -- free axes -------------------------------------------------------------------------------------------------------


def test_both_axes_free(ask: Any) -> None:
    model = unet(2)
    code, answer = ask("sizes", model, "--at", "225x226", "--at", "H=8,W=12")
    assert code == 1
    assert texts(answer) == {"N": "any", "H": "multiples of 4", "W": "multiples of 4"}
    refused, fits = answer["at"]
    assert refused["fits"] is False
    assert (refused["below"], refused["above"]) == ({"x": [1, 1, 224, 224]}, {"x": [1, 1, 228, 228]})
    assert refused["pad"] == {"x": {"0": [0, 0], "2": [0, 3], "3": [0, 2]}}
    assert refused["crop"]["dec1"]["2"] == [0, 225]
    assert refused["crop"]["dec1"]["3"] == [0, 226]
    assert refused["outputs"] is None
    assert fits["fits"] is True
    assert fits["outputs"] == {"dec1": [1, 1, 8, 12]}
    for size in range(1, 20):
        assert runs(model, x=(1, 1, size, 8)) is member(size, answer["axes"][1]["set"])


def test_one_axis_beside_a_number(ask: Any) -> None:
    code, answer = ask("sizes", unet(2), "--input", "x=1,1,H,64")
    assert code == 0
    assert texts(answer) == {"H": "multiples of 4"}
    assert answer["inputs"] == {"x": [1, 1, "H", 64]}
    code, answer = ask("sizes", unet(2), "--input", "x=1,1,H,6")
    assert code == 1
    assert answer["verdict"] == "never"


def test_what_breaks_the_others_lists_every_merge(ask: Any) -> None:
    _, answer = ask("sizes", unet(2))
    merges = [each for each in answer["broken_by"] if each["op"] == "Concat" and each["symbol"] == "H"]
    assert [each["node"] for each in merges] == ["join2", "join1"]
    assert [(each["down"], each["up"]) for each in merges] == [(["pool2"], ["up2"]), (["pool1"], ["up1"])]
    assert merges[1]["left"] == "H"
    assert merges[1]["right"] == "2*(H//2)"
    assert merges[1]["set"]["period"] == 2


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25])
def test_every_opset(ask: Any, opset: int) -> None:
    _, answer = ask("sizes", unet(2, opset=opset))
    assert texts(answer) == {"N": "any", "H": "multiples of 4", "W": "multiples of 4"}
    assert answer["unknown"] == []


# -- the batch -------------------------------------------------------------------------------------------------------


def test_a_domain_without_a_name_is_not_for_the_batch(ask: Any) -> None:
    code, report = ask("check", unet(2), "--where", "multiple of 4")
    assert code == 0
    assert report["findings"] == []
    assert [axis["declared"] for axis in report["files"][0]["axes"]] == ["any", "multiple of 4", "multiple of 4"]
    assert report["files"][0]["stated"] is True
    assert report["files"][0]["verdict"] == "fits"


def frozen(batch: int | str, *target: int, height: int | str = "H", width: int | str = 8) -> onnx.ModelProto:
    net = Net()
    x = net.input("x", batch, 1, height, width)
    return net.model(net.node("Reshape", [net.conv(x, "c"), net.const("shape", list(target))], "flat"))


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_reshape_that_takes_size_for_batch(ask: Any, batch: int | str) -> None:
    """[n, 1, H, 8] to (-1, 64): 64 elements a row are those of one picture at H = 8 only."""
    model = frozen(batch, -1, 64)
    code, report = ask("check", model)
    assert code == 1
    assert found(report) == [("warning", "frozen-size", "flat")]
    code, answer = ask("sizes", model, "--at", "16", "--at", "8")
    assert code == 0
    axis = answer["axes"][-1]
    assert axis["symbol"] == "H"
    assert not member(8, axis["avoid"])
    assert member(16, axis["avoid"])
    assert answer["at"][0]["fits"] is True
    assert answer["at"][0]["outputs"] == {"flat": [2, 64]}
    assert answer["at"][0]["below"] == {"x": [1, 1, 8, 8]}
    assert answer["at"][0]["above"] is None


def test_a_reshape_that_takes_two_axes_for_batch(ask: Any) -> None:
    code, report = ask("check", frozen("N", -1, 4096, width="W"))
    assert code == 1
    assert found(report) == [("warning", "frozen-size", "flat")]
    assert "batch of 2" in report["findings"][0]["message"]
    assert "H*W == 4096" in report["findings"][0]["notes"][1]


def test_a_reshape_of_fixed_sizes_is_no_such_thing(ask: Any) -> None:
    code, report = ask("check", frozen("N", -1, 64, height=8))
    assert code == 0
    assert report["findings"] == []


def test_a_detector_is_no_such_thing(ask: Any) -> None:
    net = Net()
    x = net.input("x", "N", 4, "H", "W")
    t = net.node("Transpose", [x], "t", perm=[0, 2, 3, 1])
    model = net.model(net.node("Reshape", [t, net.const("shape", [-1, 4])], "boxes"))
    code, report = ask("check", model)
    assert code == 0
    assert report["findings"] == []


def test_a_batch_restricted_to_one(ask: Any) -> None:
    code, report = ask("check", frozen("N", 1, 64, height=8))
    assert code == 1
    assert found(report) == [("warning", "restricted-size", "flat")]
    assert report["findings"][0]["message"] == "`x` takes only some sizes of N: 1"


# -- inputs ----------------------------------------------------------------------------------------------------------


def test_channels_last(ask: Any) -> None:
    net = Net()
    x = net.input("image", 1, None, None, 1)
    y = net.unet(net.node("Transpose", [x], "t", perm=[0, 3, 1, 2]), 2)
    model = net.model(net.node("Transpose", [y], "back", perm=[0, 2, 3, 1]))
    code, answer = ask("sizes", model, "--at", "9x8")
    assert code == 1
    assert texts(answer) == {"H": "multiples of 4", "W": "multiples of 4"}
    assert [(axis["axis"], axis["name_in_file"]) for axis in answer["axes"]] == [(1, None), (2, None)]
    assert answer["at"][0]["pad"] == {"image": {"1": [0, 3], "2": [0, 0]}}
    assert answer["at"][0]["crop"] == {"back": {"1": [0, 9], "2": [0, 8]}}


def pooled_pair(*names: str | None) -> onnx.ModelProto:
    """x pooled (rounds down) beside y convolved with a stride (rounds up)."""
    net = Net()
    x, y = net.input("x", 1, 1, *names[:2]), net.input("y", 1, 1, *names[2:])
    return net.model(net.node("Concat", [net.pool(x, "px"), net.conv(y, "cy", s=2)], "cat", axis=1))


def test_inputs_that_share_a_name(ask: Any) -> None:
    _, answer = ask("sizes", pooled_pair("H", "W", "H", "W"))
    assert [(axis["input"], axis["symbol"], axis["text"]) for axis in answer["axes"]] == [
        ("x", "H", "multiples of 2"),
        ("x", "W", "multiples of 2"),
        ("y", "H", "multiples of 2"),
        ("y", "W", "multiples of 2"),
    ]
    _, report = ask("check", pooled_pair("H", "W", "H", "W"))
    assert [each["message"] for each in report["findings"]] == [
        "`x` and `y` take only some sizes of H and W: multiples of 2"
    ]


def test_inputs_that_share_no_name(ask: Any) -> None:
    model = pooled_pair(None, None, None, None)
    code, answer = ask("sizes", model, "--at", "9x9", "--at", "x.H=9,x.W=9,y.H=8,y.W=7")
    assert code == 1
    assert list(texts(answer)) == ["x.H", "x.W", "y.H", "y.W"]
    assert [each["symbols"] for each in answer["coupled"]] == [["x.H", "y.H"], ["x.W", "y.W"]]
    assert [each["fits"] for each in answer["at"]] == [False, True]
    for x in range(2, 12):
        for y in range(1, 12):
            names = {"x.H": x, "y.H": y}
            holds = answer["coupled"][0]["holds"]
            for name, value in names.items():
                holds = holds.replace(name, str(value))
            assert eval(holds) is (x // 2 == -(-y // 2))
    code, report = ask("check", model)
    assert code == 0
    assert ("info", "restricted-size", "cat") in found(report)


def test_stated_by_label_and_by_the_name_in_the_file(ask: Any) -> None:
    model = pooled_pair("s0", "s1", "s2", "s3")
    _, answer = ask("sizes", model)
    assert {axis["symbol"]: axis["name_in_file"] for axis in answer["axes"]} == {
        "x.H": "s0",
        "x.W": "s1",
        "y.H": "s2",
        "y.W": "s3",
    }
    code, report = ask("check", model, "--where", "x.H=9", "--where", "s2=9")
    assert code == 1
    assert ("error", "skip-size-mismatch", "cat") in found(report)
    error = next(each for each in report["findings"] if each["severity"] == "error")
    assert error["at"] == {"x": [1, 1, 9, 64], "y": [1, 1, 9, 64]}
    assert error["sizes"] == {"left": [4, 32], "right": [5, 32]}
    assert error["notes"] == ["at x 1x1x9x64, y 1x1x9x64", "needs `x.H//2 == ceil(y.H/2)`"]
    code, _ = ask("check", model, *(f"--where=s{place}=8" for place in range(4)))
    assert code == 0


def test_declared_expressions(ask: Any) -> None:
    net = Net()
    x = net.input("x", 1, 1, "8*h", "8*w")
    y = net.unet(x, 3)
    net.output(y, 1, 1, "8*h", "8*w")
    model = net.model()
    code, report = ask("check", model)
    assert code == 0
    assert report["findings"] == []
    assert report["files"][0]["verdict"] == "fits"
    _, answer = ask("sizes", model, "--at", "24x32")
    assert texts(answer) == {"H": "multiples of 8", "W": "multiples of 8"}
    assert [axis["declared"] for axis in answer["axes"]] == ["8*h", "8*w"]
    assert answer["at"][0]["fits"] is True
    assert ask("sizes", model, "--input", "x=1,1,16,24")[0] == 0
    code, report = ask("check", model, "--input", "x=1,1,15,24")
    assert code == 1
    assert found(report) == [("error", "refused-size", None)]


def test_declared_expressions_that_are_not_enough(ask: Any) -> None:
    net = Net()
    code, report = ask("check", net.model(net.unet(net.input("x", 1, 1, "4*h", "4*w"), 3)))
    assert code == 0
    assert found(report) == [("info", "restricted-size", "join3")]


def test_sizes_tied_to_pixels(ask: Any) -> None:
    net = Net()
    model = net.model(net.unet(net.input("sample", 2, 1, "h", "w"), 2))
    stated = "--input", "sample=2,1,H//8,W//8"
    code, answer = ask("sizes", model, *stated, "--at", "520x512")
    assert code == 1
    assert [axis["size"] for axis in answer["axes"]] == ["H//8", "W//8"]
    expected = [n for n in range(1, 400) if n // 8 >= 4 and n // 8 % 4 == 0]
    assert [n for n in range(1, 400) if member(n, answer["axes"][0]["set"])] == expected
    assert answer["at"][0]["inputs"] == {"sample": [2, 1, 65, 64]}
    assert answer["at"][0]["pad"] == {"sample": {"2": [0, 3], "3": [0, 0]}}
    assert ask("check", model, *stated, "--where", "multiple of 32")[0] == 0
    assert ask("check", model, *stated, "--where", "multiple of 16")[0] == 1


# -- static exports --------------------------------------------------------------------------------------------------


def test_a_static_export_that_fits(ask: Any) -> None:
    model = unet(2, 1, 1, 224, 224)
    code, report = ask("check", model)
    assert (code, report["findings"], report["files"][0]["verdict"]) == (0, [], "fits")
    _, answer = ask("sizes", model, "--free", "--at", "225x225")
    assert texts(answer) == {"H": "multiples of 4", "W": "multiples of 4"}
    assert answer["at"][0]["above"] == {"x": [1, 1, 228, 228]}
    assert ask("sizes", model, "--free", "--at", "228x228")[1]["at"][0]["fits"] is True
    assert ask("sizes", model, "--input", "x=1,1,H,224", "--at", "228")[1]["at"][0]["fits"] is True


def test_a_static_export_says_what_else_it_could_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(unet(2, 1, 1, 224, 224).SerializeToString())
    assert main(["sizes", str(path)]) == 0
    out = capsys.readouterr().out
    assert "its fixed sizes fit" in out
    assert "exported with free axes it would take H and W: multiples of 4" in out
    assert main(["check", str(path)]) == 0
    assert "its fixed sizes fit (with free axes it would take H and W: multiples of 4)" in capsys.readouterr().out


def test_a_static_export_that_does_not_fit(ask: Any) -> None:
    code, report = ask("check", unet(2, 1, 1, 225, 224))
    assert code == 1
    assert found(report) == [("error", "skip-size-mismatch", "join1")]
    finding = report["findings"][0]
    assert finding["message"] == "`join1` joins `x` at 225x224 with `up1` at 224x224"
    assert finding["axes"] == ["H"]
    assert [(link["from"], link["to"], link["rounded"]) for link in finding["chain"]] == [
        (225, 112, "down"),
        (112, 224, None),
    ]
    assert finding["pair"] == {"down": ["pool1"], "up": ["up1"]}
    assert finding["fits"]["H"]["text"] == "multiples of 4"
    assert ask("sizes", unet(2, 1, 1, 225, 224))[1]["verdict"] == "never"


def test_a_name_on_a_declared_constant_frees_it(ask: Any) -> None:
    code, answer = ask("sizes", unet(2, 1, 1, 224, 224), "--input", "x=1,1,H,224")
    assert code == 0
    assert texts(answer) == {"H": "multiples of 4"}


def test_a_number_other_than_a_declared_constant(ask: Any) -> None:
    model = unet(2, 1, 1, 224, 224)
    code, report = ask("check", model, "--input", "x=1,1,228,228")
    assert code == 1
    assert found(report) == [("error", "refused-size", None)]
    assert report["findings"][0]["message"] == (
        "the model cannot run: `x` is stated as [1, 1, 228, 228], and the file declares [1, 1, 224, 224]"
    )
    assert ask("sizes", model, "--input", "x=1,1,228,228")[0] == 1
    code, answer = ask("show", model, "--input", "x=1,1,228,228")
    assert code == 1
    assert answer["failed"]["node"] == "x"


# -- subgraphs and functions -----------------------------------------------------------------------------------------


def branches() -> onnx.ModelProto:
    """Pooled by 4 from a height of 17 on, by 2 below."""
    net = Net()
    x = net.input("x", 1, 1, "H", 8)
    height = net.node("Gather", [net.node("Shape", [x], "shape"), net.const("two", 2)], "height")
    large = net.node("Greater", [height, net.const("sixteen", 16)], "large")

    def branch(name: str, by: int) -> onnx.GraphProto:
        pool = helper.make_node("MaxPool", ["x"], [name], name, kernel_shape=[by, by], strides=[by, by])
        return helper.make_graph([pool], name, [], [helper.make_tensor_value_info(name, 1, None)])

    return net.model(net.node("If", [large], "choose", then_branch=branch("by4", 4), else_branch=branch("by2", 2)))


def test_an_if_on_a_size(ask: Any) -> None:
    model = branches()
    _, answer = ask("sizes", model)
    assert texts(answer) == {"H": "from 2"}
    assert answer["broken_by"][0]["op"] == "MaxPool"
    for size in (1, 2, 16, 17, 40):
        code, shown = ask("show", model, "--input", f"x=1,1,{size},8")
        assert code == (size < 2)
        if size >= 2:
            made = ReferenceEvaluator(model).run(None, {"x": np.zeros((1, 1, size, 8), np.float32)})[0]
            assert shown["outputs"] == {"choose": list(np.asarray(made).shape)}


def squeezed(*order: int) -> onnx.ModelProto:
    """`squeeze(2)` as torch's script exporter writes it: an If that leaves three axes where there is one row."""
    net = Net()
    x = net.pool(net.input("x", 1, 1, "H", 8), "pool", k=4, s=4)
    height = net.node("Gather", [net.node("Shape", [x], "shape"), net.const("two", 2)], "height")
    one = net.node("Equal", [height, net.const("one", 1)], "single")
    net.const("axes", [2])
    nodes = [helper.make_node("Squeeze", ["pool", "axes"], ["less"]), helper.make_node("Identity", ["pool"], ["same"])]
    then, other = (
        helper.make_graph([node], node.output[0], [], [helper.make_tensor_value_info(node.output[0], 1, None)])
        for node in nodes
    )
    chosen = net.node("If", [one], "squeeze", then_branch=then, else_branch=other)
    return net.model(net.node("Transpose", [chosen], "turned", perm=order) if order else chosen)


def test_an_if_of_two_ranks_takes_the_one_that_what_follows_takes(ask: Any) -> None:
    for order, text in (((2, 0, 1), "4 to 7"), ((0, 2, 3, 1), "from 8")):
        model = squeezed(*order)
        _, answer = ask("sizes", model)
        assert texts(answer) == {"H": text}
        for size in range(4, 20):
            ran = runs(model, x=(1, 1, size, 8))
            assert member(size, answer["axes"][0]["set"]) is ran, size
    _, answer = ask("sizes", squeezed())
    assert [each["op"] for each in answer["unknown"]] == ["If"]


def test_a_loop(ask: Any) -> None:
    pool = helper.make_node("MaxPool", ["v"], ["w"], "inner/pool", kernel_shape=[3, 3], strides=[1, 1])
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), pool],
        "body",
        [
            helper.make_tensor_value_info("i", 7, []),
            helper.make_tensor_value_info("c", 9, []),
            helper.make_tensor_value_info("v", 1, None),
        ],
        [helper.make_tensor_value_info("d", 9, []), helper.make_tensor_value_info("w", 1, None)],
    )
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    model = net.model(net.node("Loop", [net.const("trips", 2), net.const("go", True, bool), x], "loop", body=body))
    code, answer = ask("sizes", model, "--at", "5x6")
    assert code == 0
    assert texts(answer) == {"H": "from 5", "W": "from 5"}
    assert answer["at"][0]["outputs"] == {"loop": [1, 1, 1, 2]}
    code, report = ask("check", model, "--where", "4")
    assert code == 1
    assert found(report) == [("error", "refused-size", "inner/pool")]


def test_a_scan(ask: Any) -> None:
    add = helper.make_node("Add", ["s", "e"], ["t"])
    body = helper.make_graph(
        [add],
        "body",
        [helper.make_tensor_value_info("s", 1, None), helper.make_tensor_value_info("e", 1, None)],
        [helper.make_tensor_value_info("t", 1, None)],
    )
    net = Net()
    start, x = net.input("start", 3), net.input("x", "T", 3)
    net.node("Scan", [start, x], "last", body=body, num_scan_inputs=1)
    _, answer = ask("sizes", net.model("last"))
    assert answer["verdict"] == "fits"
    assert texts(answer) == {"T": "any"}


def test_a_function_of_the_model(ask: Any) -> None:
    net = Net(local=1)
    x = net.input("x", 1, 1, "H", "W")
    inner = [
        helper.make_node("Constant", [], ["scales"], value_floats=[1.0, 1.0, 2.0, 2.0]),
        helper.make_node("MaxPool", ["a"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["p", "", "scales"], ["r"], "up"),
        helper.make_node("Concat", ["a", "r"], ["b"], "join", axis=1),
    ]
    net.functions.append(helper.make_function("local", "Half", ["a"], ["b"], inner, [helper.make_opsetid("", 17)]))
    model = net.model(net.node("Half", [x], "half", domain="local"))
    code, report = ask("check", model, "--where", "9")
    assert code == 1
    assert report["findings"][0]["message"] == "`half/join` joins `x` at 9x9 with `half/up` at 8x8"


# -- what is not known -----------------------------------------------------------------------------------------------


def test_an_operator_without_a_shape_function(ask: Any) -> None:
    net = Net(**{"com.acme": 1})
    model = net.model(net.node("Foo", [net.unet(net.input("x", 1, 1, "H", "W"), 3)], "foo", domain="com.acme"))
    code, report = ask("check", model)
    assert code == 0
    assert found(report) == [("info", "unknown-operator", "foo")]
    assert report["findings"][0]["notes"] == ["at most H and W: multiples of 8"]
    code, report = ask("check", model, "--where", "multiple of 8")
    assert code == 1
    assert found(report) == [("error", "not-proved", "foo")]
    code, report = ask("check", model, "--where", "12")
    assert code == 1
    assert found(report) == [("error", "skip-size-mismatch", "join3")]
    code, answer = ask("sizes", model, "--at", "15x16", "--at", "16x16")
    assert code == 1
    assert answer["verdict"] == "unknown"
    for axis in answer["axes"]:
        assert axis["set"] is None
        assert axis["complete"] is False
        assert axis["necessary"].keys() >= SET_KEYS
        assert axis["necessary"]["text"] == "multiples of 8"
    assert [each["fits"] for each in answer["at"]] == [False, None]
    assert answer["unknown"] == [{"node": "foo", "op": "com.acme::Foo", "why": "no shape function"}]


# -- merges ----------------------------------------------------------------------------------------------------------


def test_a_broadcast_at_some_sizes(ask: Any) -> None:
    """ceil(H/2) beside 2*ceil(H/4): both 1 and 2 at H = 1 and 2."""
    net = Net()
    down = net.conv(net.input("x", 1, 1, "H", "W"), "d", s=2)
    up = net.node("Resize", [net.conv(down, "e", s=2), "", net.const("scales", [1, 1, 2, 2], np.float32)], "r")
    model = net.model(net.node("Add", [down, up], "add"))
    code, report = ask("check", model)
    assert code == 0
    assert ("info", "silent-broadcast", "add") in found(report)
    code, report = ask("check", model, "--where", "2")
    assert code == 1
    assert found(report) == [("warning", "silent-broadcast", "add")]
    code, answer = ask("sizes", model, "--at", "2x2", "--at", "5x5")
    assert answer["axes"][0]["avoid"]["extra"] == [[1, 2]]
    assert answer["at"][0]["fits"] is True
    assert answer["at"][0]["above"] == {"x": [1, 1, 3, 3]}
    assert answer["at"][1]["below"] == {"x": [1, 1, 4, 4]}
    assert texts(answer)["H"] == "multiples of 4, or 1 less; also 1 to 2"
    for size in range(1, 14):
        assert runs(model, x=(1, 1, size, 4)) is member(size, answer["axes"][0]["set"])


def test_a_gate_is_no_finding(ask: Any) -> None:
    net = Net()
    c = net.conv(net.input("x", 1, 1, "H", "W"), "c")
    model = net.model(net.node("Mul", [c, net.node("GlobalAveragePool", [c], "squeeze")], "gate"))
    assert ask("check", model)[1]["findings"] == []
    assert ask("check", model, "--where", "8")[1]["findings"] == []


def test_two_decoders_are_two_findings(ask: Any) -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    code, report = ask("check", net.model(net.unet(x, 1, "a/"), net.unet(x, 1, "b/")), "--input", "x=1,1,9,9")
    assert code == 1
    assert [node for _, _, node in found(report)] == ["a/join1", "b/join1"]


def test_three_failing_axes_are_one_finding(ask: Any) -> None:
    code, report = ask("check", unet(3, 1, 1, None, None, None), "--input", "x=1,1,31,30,28")
    assert code == 1
    assert found(report) == [("error", "skip-size-mismatch", "join3")]
    finding = report["findings"][0]
    assert finding["axes"] == ["x[2]", "x[3]", "x[4]"]
    assert finding["also"] == [
        {"node": "join2", "axes": ["x[2]", "x[3]"], "left": [15, 15, 14], "right": [14, 14, 14]},
        {"node": "join1", "axes": ["x[2]"], "left": [31, 30, 28], "right": [30, 30, 28]},
    ]


def test_a_resize_to_the_skip(ask: Any) -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    up = net.node("Resize", [net.conv(x, "down", s=2), "", "", net.node("Shape", [x], "shape")], "up")
    code, report = ask("check", net.model(net.node("Concat", [x, up], "join", axis=1)))
    assert (code, report["findings"]) == (0, [])
    assert report["files"][0]["verdict"] == "fits"


@pytest.mark.parametrize("free", [True, False])
def test_channels_that_do_not_match(ask: Any, free: bool) -> None:
    net = Net()
    dims = ("H", "W") if free else (8, 8)
    code, report = ask("check", net.model(net.conv(net.input("x", 1, 1, *dims), "c", entering=3)))
    assert code == 1
    assert found(report) == [("error", "channel-mismatch", "c")]
    assert report["findings"][0]["message"] == "`c` cannot run: the input has 1 channel and the weight takes 3"


def test_branches_that_never_meet(ask: Any) -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    a, b = net.conv(x, "a", s=2), net.conv(x, "b", k=1, s=2)
    model = net.model(net.node("Concat", [a, b], "cat", axis=1))
    code, report = ask("check", model)
    assert code == 1
    assert found(report) == [("error", "skip-size-mismatch", "cat")]
    assert report["files"][0]["verdict"] == "never"
    code, answer = ask("sizes", model, "--at", "8x8")
    assert code == 1
    assert texts(answer) == {"H": "none", "W": "none"}
    assert [axis["domain"] for axis in answer["axes"]] == [None, None]
    assert answer["at"][0] | {"inputs": None} == dict.fromkeys(
        ("inputs", "outputs", "below", "above", "pad", "crop")
    ) | {"fits": False}


# -- outputs ---------------------------------------------------------------------------------------------------------


def pooled(*declared: int | str | None, dims: tuple[int | str, int | str] = ("H", "W")) -> onnx.ModelProto:
    net = Net()
    y = net.conv(net.input("x", 1, 1, *dims), "half", s=2)
    net.output(y, *declared)
    return net.model()


def test_a_declared_size_that_is_not_the_inferred_one(ask: Any) -> None:
    code, report = ask("check", pooled(1, 1, "H", "W"))
    assert code == 1
    assert found(report) == [("warning", "declared-size-contradicted", None)]
    assert report["findings"][0]["message"] == (
        "output `half` declares [1, 1, H, W] where [1, 1, ceil(H/2), ceil(W/2)] is inferred"
    )
    assert ask("check", pooled(1, 1, 8, 8, dims=(8, 8)))[0] == 1
    assert ask("check", pooled(1, 1, 4, 4, dims=(8, 8)))[0] == 0
    assert ask("check", pooled(1, 16, dims=(8, 8)))[0] == 1


def test_a_name_that_no_input_declares_is_a_label(ask: Any) -> None:
    assert ask("check", pooled(1, 1, "h2", "w2"))[1]["findings"] == []


def test_a_declared_size_is_contradicted_only_where_the_model_runs(ask: Any) -> None:
    """2*(H//2) is H at the multiples of 2, and at no other size does the merge run."""
    net = Net()
    y = net.unet(net.input("x", 1, 1, "H", "W"), 1)
    net.output("up1", 1, 1, "H", "W")
    _, report = ask("check", net.model(y))
    assert found(report) == [("info", "restricted-size", "join1")]


def cut() -> onnx.ModelProto:
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    return net.model(net.node("Slice", [x, net.const("s", [4]), net.const("e", [2**31]), net.const("a", [2])], "cut"))


def test_an_empty_output(ask: Any) -> None:
    code, report = ask("check", cut())
    assert code == 0
    assert found(report) == [("info", "empty-output", "cut")]
    code, report = ask("check", cut(), "--where", "3..8")
    assert code == 1
    assert found(report) == [("error", "empty-output", "cut")]
    assert report["findings"][0]["message"] == "output `cut` is empty at H = 3 to 4"
    assert ask("check", cut(), "--where", "5..8")[1]["findings"] == []


def test_no_multiple_keeps_the_size(ask: Any) -> None:
    """Down by 2 and up by 2 with a border of 1: as large as the input at odd lengths only."""
    net = Net()
    x = net.input("x", 1, 1, "L")
    down = net.conv(x, "down", s=2, nd=1)
    model = net.model(net.deconv(down, "up", k=3, nd=1, pads=[1, 1]))
    code, report = ask("check", model)
    assert code == 1
    assert found(report) == [("warning", "no-size-preserving-multiple", None)]
    _, answer = ask("sizes", model)
    output = answer["outputs"][0]
    assert output["follows"] == {"input": "x", "axis": 2}
    assert output["scale"] == "1/1"
    assert [n for n in range(1, 12) if member(n, output["equal"])] == [1, 3, 5, 7, 9, 11]


def test_super_resolution_is_silent(ask: Any) -> None:
    net = Net()
    c = net.conv(net.input("x", "N", 1, "H", "W"), "c", leaving=16)
    model = net.model(net.node("DepthToSpace", [c], "shuffle", blocksize=4))
    code, report = ask("check", model)
    assert (code, report["findings"]) == (0, [])
    _, answer = ask("sizes", model)
    assert [(each["axis"], each["scale"], each["equal"]) for each in answer["outputs"] if each["axis"] >= 2] == [
        (2, "4/1", None),
        (3, "4/1", None),
    ]


# -- coupled and irregular -------------------------------------------------------------------------------------------


def patches() -> onnx.ModelProto:
    net = Net()
    p = net.conv(net.input("x", 1, 3, "H", "W"), "patch", 3, 8, 16, 16, 0)
    return net.model(net.node("Reshape", [p, net.const("shape", [1, 8, 196])], "reshape"))


def test_coupled_axes(ask: Any) -> None:
    code, answer = ask("sizes", patches(), "--at", "224x224", "--at", "112x448", "--at", "225x448")
    assert code == 1
    assert answer["verdict"] == "restricted"
    assert [each["fits"] for each in answer["at"]] == [True, True, False]
    coupled = answer["coupled"]
    assert [(each["symbols"], each["node"]) for each in coupled] == [(["H", "W"], "reshape")]
    for height, width in ((224, 224), (112, 448), (120, 450), (225, 448), (100, 100)):
        holds = eval(coupled[0]["holds"], {"H": height, "W": width})
        assert holds is ((height // 16) * (width // 16) == 196)
    fits = {n for n in range(16, 4000) if any((n // 16) * w == 196 for w in range(1, 197))}
    assert {n for n in range(1, 4000) if member(n, answer["axes"][0]["set"])} == fits
    assert answer["axes"][0]["complete"] is True


def test_coupled_axes_that_are_stated(ask: Any) -> None:
    code, report = ask("check", patches())
    assert code == 1
    assert found(report) == [("warning", "restricted-size", "reshape")]
    assert report["findings"][0]["notes"] == ["`reshape` needs `(H//16)*(W//16) == 196`"]
    code, report = ask("check", patches(), "--where", "multiple of 32")
    assert code == 1
    assert found(report) == [("error", "refused-size", "reshape")]
    assert ask("check", patches(), "--where", "224")[0] == 0
    assert ask("check", patches(), "--where", "H=112", "--where", "W=448..463")[0] == 0
    assert ask("check", patches(), "--where", "H=112", "--where", "W=448..464")[0] == 1


def test_an_irregular_scale(ask: Any) -> None:
    """floor(0.7 n) in float32, then up by 1.5."""
    net = Net()
    x = net.input("x", 1, 1, "H", 10)
    small = net.node("Resize", [x, "", net.const("down", [1, 1, 0.7, 1], np.float32)], "small")
    large = net.node("Resize", [small, "", net.const("up", [1, 1, 1.5, 1], np.float32)], "large")
    model = net.model(net.node("Concat", [x, large], "cat", axis=1))
    _, answer = ask("sizes", model)
    axis = answer["axes"][0]
    assert axis["complete"] is False
    assert axis["checked_to"] == 65_536
    assert axis["domain"] is None

    def agrees(n: int) -> bool:
        down = int(np.floor(np.float32(n) * np.float32(0.7)))
        return int(np.floor(np.float32(down) * np.float32(1.5))) == n

    assert [n for n in range(2, 300) if member(n, axis["set"])] == [n for n in range(2, 300) if agrees(n)]
    code, report = ask("check", model, "--where", "100000")
    assert code == 1
    assert found(report) == [("error", "not-proved", None)]


# -- the JSON that INTERFACE.md names --------------------------------------------------------------------------------


def sample() -> onnx.ModelProto:
    """Three halvings that round up, undone by factors of 2; an addition at the outermost level."""
    net = Net()
    x = net.input("x", 1, 3, "s53", "s54")
    y = x
    for level in (1, 2, 3):
        y = net.conv(y, f"down{level}", 3, 3, s=2)
    y = net.deconv(y, "up", 3, 3, k=8, s=8)
    net.weight("out.w", 2, 3, 1, 2)
    net.output(net.node("Conv", [y, "out.w"], "y"), 1, 2, "s53", None)
    return net.model()


def test_every_field_of_sizes(ask: Any) -> None:
    code, answer = ask("sizes", sample(), "--at", "225x225")
    assert code == 0
    assert answer.keys() == {
        "version", "tool", "file", "verdict", "inputs", "axes", "outputs", "coupled", "at", "broken_by", "unknown",
    }  # fmt: skip
    assert answer["version"] == 1
    assert answer["tool"].startswith("shapelint ")
    assert answer["file"] == "net.onnx"
    assert answer["verdict"] == "fits"
    assert answer["inputs"] == {"x": [1, 3, "H", "W"]}
    assert answer["axes"][0] == {
        "input": "x", "axis": 2, "symbol": "H", "name_in_file": "s53", "size": "H", "declared": "any",
        "set": {"extra": [], "start": 1, "period": 1, "residues": [0]}, "fits": None, "pad_to": 1,
        "complete": True, "checked_to": None, "text": "any", "domain": "any",
    }  # fmt: skip
    assert answer["outputs"][0] == {
        "output": "y", "axis": 2, "size": "8*ceil(H/8)", "follows": {"input": "x", "axis": 2}, "scale": "1/1",
        "equal": {"extra": [], "start": 8, "period": 8, "residues": [0]},
    }  # fmt: skip
    assert answer["at"][0].keys() == {"inputs", "fits", "outputs", "below", "above", "pad", "crop"}
    assert answer["at"][0]["outputs"] == {"y": [1, 2, 232, 232]}


def test_every_field_of_an_answer_in_the_sample(ask: Any) -> None:
    """INTERFACE.md's own numbers: 225 is between 224 and 231, is padded to 232 and cropped back."""
    net = Net()
    x = net.input("x", 1, 3, None, None)
    y = x
    for level in (1, 2, 3):
        y = net.conv(y, f"down{level}", 3, 3, s=2)
    up = net.deconv(y, "up", 3, 3, k=8, s=8)
    grown = net.node("Pad", [x, net.const("one", [0, 0, 0, 0, 0, 0, 1, 1])], "grown")
    eighth = net.pool(net.pool(net.pool(grown, "p1"), "p2"), "p3")
    net.node("Concat", [y, eighth], "join", axis=1)
    net.weight("out.w", 2, 3, 1, 2)
    net.output(net.node("Conv", [up, "out.w"], "y"))
    _, answer = ask("sizes", net.model("join"), "--at", "225x225")
    axis = answer["axes"][0]
    assert axis["set"] == {"extra": [], "start": 7, "period": 8, "residues": [0, 7]}
    assert (axis["text"], axis["domain"]) == ("multiples of 8, or 1 less", "8*k | 8*k + 7 in 7..")
    assert axis["pad_to"] == 8
    at = answer["at"][0]
    assert at["below"] == {"x": [1, 3, 224, 224]}
    assert at["above"] == {"x": [1, 3, 231, 231]}
    assert at["pad"] == {"x": {"2": [0, 7], "3": [0, 7]}}
    assert at["crop"]["y"] == {"2": [0, 225], "3": [0, 225]}


def test_every_field_of_show(ask: Any) -> None:
    code, answer = ask("show", unet(1), "--input", "x=1,1,9,8")
    assert code == 1
    assert answer.keys() >= {"version", "file", "inputs", "nodes", "outputs", "failed"}
    assert answer["inputs"] == {"x": [1, 1, 9, 8]}
    pool = answer["nodes"][0]
    assert pool.keys() == {"name", "op", "outputs", "scale", "undoes", "note"}
    assert (pool["name"], pool["op"], pool["outputs"]) == ("pool1", "MaxPool", {"pool1": [1, 1, 4, 4]})
    assert answer["nodes"][1]["undoes"] == ["pool1"]
    assert answer["outputs"] == {"dec1": None}
    assert answer["failed"] == {"node": "join1", "op": "Concat", "message": "joins `x` at 9x8 with `up1` at 8x8"}
    code, answer = ask("show", unet(1))
    assert code == 0
    assert answer["failed"] is None
    assert answer["nodes"][0]["outputs"] == {"pool1": ["N", 1, "H//2", "W//2"]}
    assert answer["nodes"][0]["scale"] == {"H": "1/2", "W": "1/2"}


def test_every_field_of_check(ask: Any) -> None:
    code, report = ask("check", unet(1), "--input", "x=1,1,9,8")
    assert code == 1
    assert report.keys() == {"version", "tool", "files", "findings", "errors", "summary"}
    assert report["files"][0].keys() == {"file", "kind", "verdict", "stated", "axes", "unknown"}
    assert report["files"][0]["kind"] == "onnx"
    finding = report["findings"][0]
    assert finding.keys() == {
        "rule", "name", "severity", "certainty", "fingerprint", "message", "notes", "help", "file", "line", "column",
        "end_line", "end_column", "node", "origin", "at", "axes", "sizes", "chain", "also", "pair", "levels",
        "branches", "fits", "fixes",
    }  # fmt: skip
    assert (finding["rule"], finding["certainty"]) == ("SHP201", "proved")
    assert [finding[key] for key in ("line", "column", "end_line", "end_column", "origin")] == [None] * 5
    assert finding["at"] == {"x": [1, 1, 9, 8]}
    assert finding["sizes"] == {"left": [9, 8], "right": [8, 8]}
    assert finding["chain"][0] == {
        "node": "pool1", "axis": "H", "from": 9, "to": 4, "rounded": "down", "text": "9 -> 4 (rounded down)",
    }  # fmt: skip
    assert finding["branches"] is None
    assert finding["fits"]["H"]["set"] == {"extra": [], "start": 2, "period": 2, "residues": [0]}
    assert report["summary"] == {
        "files": 1, "errors": 1, "warnings": 0, "infos": 0, "fixable": 1, "unknown": 0, "suppressed": 0, "baselined": 0,
    }  # fmt: skip


def test_two_branches_that_round_differently(ask: Any) -> None:
    _, report = ask("check", pooled_pair("H", "W", "H", "W"), "--where", "9")
    finding = report["findings"][0]
    assert finding["pair"] is None
    assert finding["branches"] == ["px", "cy"]
    assert "`px` and `cy` round differently" in finding["notes"]


def test_each_merge_is_blamed_on_its_own_pair(ask: Any) -> None:
    """Additions of a feature pyramid: both levels round, and each rounding is missed at another merge."""
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    half = net.conv(x, "half", s=2)
    quarter = net.conv(half, "quarter", s=2)
    twice = net.const("twice", [1, 1, 2, 2], np.float32)
    inner = net.node("Add", [net.node("Resize", [quarter, "", twice], "up2"), half], "inner")
    outer = net.node("Add", [net.node("Resize", [inner, "", twice], "up1"), x], "outer")
    _, answer = ask("sizes", net.model(outer))
    pairs = {each["node"]: (each["down"], each["up"]) for each in answer["broken_by"] if each["symbol"] == "H"}
    assert pairs == {"inner": (["quarter"], ["up2"]), "outer": (["half"], ["up1"])}


@pytest.mark.parametrize("word", ["batch size", "batch-size", "seq/len", "a b*c"])
def test_a_label_that_looks_like_an_expression_is_a_label(ask: Any, word: str) -> None:
    net = Net()
    net.pool(net.input("x", word, 1, "H", "W"), "y")
    code, answer = ask("sizes", net.model("y"))
    assert code == 0
    first = answer["axes"][0]
    assert (first["symbol"], first["name_in_file"], first["text"]) == ("x[0]", word, "any")
