"""Indices computed from sizes: brute force over every element says where they lie within their axis.

Nets as torch's exporter writes adaptive pools and unpooling; what onnxruntime does with them is stated as a fact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import shapelint

from .nets import Net

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = range(1, 80)


def member(n: int, of: dict[str, Any]) -> bool:
    """The definition in INTERFACE.md."""
    listed = any(low <= n <= high for low, high in of["extra"])
    return listed or (n >= of["start"] and bool(of["residues"]) and n % of["period"] in of["residues"])


def answer(model: onnx.ModelProto, axis: int = 0, **inputs: list[int | str]) -> dict[str, Any]:
    """The entry of one axis, with what is unknown."""
    told = shapelint.sizes(model, inputs=inputs or None).to_json()
    entry: dict[str, Any] = told["axes"][axis]
    return {**entry, "unknown": told["unknown"]}


class Picked(Net):
    """A net that picks rows of `x`, [n, 2], by indices that it computes from n."""

    def __init__(self) -> None:
        super().__init__()
        self.input("x", "n", 2)
        self.node("Shape", ["x"], "shape")
        for name, number in (("zero", 0), ("one", 1), ("two", 2), ("three", 3), ("six", 6)):
            self.const(name, number)
        self.const("last", [-1])
        self.node("Gather", ["shape", "zero"], "n")

    def row(self, name: str, start: str, stop: str, step: str = "one") -> str:
        return self.node("Range", [start, stop, step], name)

    def pick(self, indices: str, op: str = "Gather") -> onnx.ModelProto:
        if op != "Gather":
            indices = self.node("Unsqueeze", [indices, "last"], "column")
        return self.model(self.node(op, ["x", indices], "y"))


def windows(net: Picked, out: int, *, floats: bool) -> str:
    """Where adaptive pooling to `out` reads: a window of n // out + 1 from each floor(i * n / out) on."""
    net.const("places", list(range(out)))
    net.const("out", out)
    net.node("Mul", ["places", "n"], "scaled")
    if floats:
        net.const("by", float(out), np.float32)
        net.node("Cast", ["scaled"], "cast", to=TensorProto.FLOAT)
        net.node("Div", ["cast", "by"], "quotient")
        net.node("Abs", ["quotient"], "size")
        net.node("Floor", ["size"], "floor")
        net.node("Sign", ["quotient"], "sign")
        net.node("Mul", ["floor", "sign"], "signed")
        net.node("Cast", ["signed"], "starts", to=TensorProto.INT64)
    else:
        net.node("Div", ["scaled", "out"], "starts")
    net.node("Div", ["n", "out"], "least")
    net.node("Add", ["least", "one"], "width")
    net.node("Unsqueeze", ["starts", "last"], "from")
    return net.node("Add", ["from", net.row("offsets", "zero", "width")], "reads")


@pytest.mark.parametrize("floats", [True, False])
@pytest.mark.parametrize("op", ["Gather", "GatherND"])
@pytest.mark.parametrize("out", [2, 3, 6])
def test_adaptive_pooling_reads_beyond_where_its_parts_divide(out: int, op: str, floats: bool) -> None:
    """onnxruntime refuses a PSPNet so exported (bins 1, 2, 3, 6; stride 8) at 41..48 and 89..96, 6 and 12 pixels."""
    net = Picked()
    found = answer(net.pick(windows(net, out, floats=floats), op))
    assert not found["unknown"]
    assert found["complete"]
    for n in SIZES:
        reads = [i * n // out + k for i in range(out) for k in range(n // out + 1)]
        assert member(n, found["set"]) is (max(reads) < n), n
    if out == 6:
        assert [n for n in range(6, 15) if not member(n, found["set"])] == [6, 12]


def test_what_is_clamped_to_the_last_row_lies_within() -> None:
    net = Picked()
    reads = windows(net, 3, floats=True)
    net.node("Sub", ["n", "one"], "most")
    found = answer(net.pick(net.node("Min", [reads, "most"], "clamped"), "GatherND"))
    assert not found["unknown"]
    assert found["text"] == "any"


@pytest.mark.parametrize("by", [2, 3])
def test_interpolation_that_keeps_the_corners_reads_within(by: int) -> None:
    """Places i * (n - 1) / (by * n - 1) in float32, cut, as torch decomposes `interpolate`: Wave-U-Net so runs."""
    net = Picked()
    net.const("by", by)
    net.const("unit", 1.0, np.float32)
    net.node("Mul", ["n", "by"], "wide")
    for name in ("n", "wide"):
        net.node("Sub", [net.node("Cast", [name], f"{name}.float", to=TensorProto.FLOAT), "unit"], f"{name}.less")
    net.node("Div", ["n.less", "wide.less"], "scale")
    net.node("Cast", [net.row("row", "zero", "wide")], "float", to=TensorProto.FLOAT)
    net.const("nothing", 0.0, np.float32)
    net.node("Clip", [net.node("Mul", ["float", "scale"], "at"), "nothing"], "clamped")
    found = answer(net.pick(net.node("Cast", ["clamped"], "reads", to=TensorProto.INT64), "GatherND"))
    assert not found["unknown"]
    assert found["text"] == "any"
    for n in range(1, 3000):
        scale = np.float32(n - 1) / np.float32(by * n - 1)
        assert int(np.float32(by * n - 1) * scale) < n


STEPS: dict[str, tuple[Callable[[Picked, str], str], Callable[[list[int], int], list[int]]]] = {
    "add": (lambda net, x: net.node("Add", [x, "two"], "r"), lambda row, n: [i + 2 for i in row]),
    "subtract": (lambda net, x: net.node("Sub", [x, "two"], "r"), lambda row, n: [i - 2 for i in row]),
    "from_above": (lambda net, x: net.node("Sub", ["n", x], "r"), lambda row, n: [n - i for i in row]),
    "negate": (lambda net, x: net.node("Neg", [x], "r"), lambda row, n: [-i for i in row]),
    "double": (lambda net, x: net.node("Mul", [x, "two"], "r"), lambda row, n: [2 * i for i in row]),
    "halve": (lambda net, x: net.node("Div", [x, "two"], "r"), lambda row, n: [i // 2 for i in row]),
    "at_least": (lambda net, x: net.node("Max", [x, "three"], "r"), lambda row, n: [max(i, 3) for i in row]),
    "at_most": (lambda net, x: net.node("Min", [x, "three"], "r"), lambda row, n: [min(i, 3) for i in row]),
    "expand": (
        lambda net, x: net.node("Add", [net.node("Expand", [x, "shape2"], "e"), "one"], "r"),
        lambda row, n: [i + 1 for i in row],
    ),
    "transpose": (
        lambda net, x: net.node("Transpose", [net.node("Unsqueeze", [x, "last"], "u")], "r"),
        lambda row, n: row,
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_ends_that_occur_decide(step: str) -> None:
    build, compute = STEPS[step]
    net = Picked()
    net.const("shape2", [2, 1])
    found = answer(net.pick(build(net, net.row("row", "zero", "n"))))
    assert not found["unknown"]
    for n in SIZES:
        reads = compute(list(range(n)), n)
        assert member(n, found["set"]) is (-n <= min(reads) and max(reads) < n), n


def test_no_index_asks_nothing() -> None:
    net = Picked()
    net.node("Sub", ["n", "six"], "fewer")
    net.node("Max", ["fewer", "zero"], "number")
    found = answer(net.pick(net.node("Add", [net.row("row", "zero", "number"), "six"], "r")))
    assert found["text"] == "any"


def test_ends_that_need_not_occur_prove_and_refute_nothing() -> None:
    """The remainder of a division is below the divisor; whether it comes near it is not followed."""
    for divisor, proved in (("n", True), ("six", False)):
        net = Picked()
        row = net.row("row", "zero", "n")
        found = answer(net.pick(net.node("Mod", [net.node("Mul", [row, "three"], "m"), divisor], "r")))
        assert bool(found["unknown"]) is not proved
        if not proved:
            assert [(each["op"], each["node"]) for each in found["unknown"]] == [("Gather", "y")]
            assert "its indices lie within axis 0" in found["unknown"][0]["why"]


def test_two_rows_that_grow_together_are_not_taken_for_a_grid() -> None:
    """i + (n - 1 - i) is n - 1 for every i: the sum of the greatest never occurs, and refutes nothing."""
    net = Picked()
    row = net.row("row", "zero", "n")
    net.node("Sub", ["n", "one"], "most")
    back = net.node("Sub", ["most", row], "back")
    found = answer(net.pick(net.node("Add", [row, back], "r")))
    assert [each["op"] for each in found["unknown"]] == ["Gather"]


def test_indices_that_are_data_are_not_asked() -> None:
    net = Picked()
    net.input("ids", 5, dtype=TensorProto.INT64)
    assert answer(net.pick(net.node("Add", ["ids", "one"], "r")))["text"] == "any"


def test_an_index_in_two_columns() -> None:
    """GatherND's indices name two axes: each column lies within its own."""
    net = Net()
    net.input("x", "h", "w")
    net.node("Shape", ["x"], "shape")
    net.const("zero", 0), net.const("one", 1), net.const("last", [-1]), net.const("two", 2)
    for axis, name in (("zero", "h"), ("one", "w")):
        net.node("Gather", ["shape", axis], name)
    net.node("Unsqueeze", [net.node("Range", ["zero", "h", "one"], "i"), "last"], "rows")
    net.node("Div", [net.node("Range", ["zero", "w", "one"], "j"), "two"], "columns")
    net.node("Shape", [net.node("Max", ["rows", "columns"], "both")], "grid")
    for name in ("rows", "columns"):
        net.node("Unsqueeze", [net.node("Expand", [name, "grid"], f"{name}.e"), "last"], f"{name}.u")
    net.node("Add", ["rows.u", "one"], "shifted")
    for first, sizes in (("rows.u", "any"), ("shifted", "none")):
        made = Net()
        made.__dict__.update(net.__dict__, nodes=list(net.nodes), outputs=[])
        made.node("Concat", [first, "columns.u"], "pairs", axis=-1)
        told = shapelint.sizes(made.model(made.node("GatherND", ["x", "pairs"], "y"))).to_json()
        assert not told["unknown"]
        assert (told["verdict"] == "fits") is (sizes == "any")


# -- unpooling -------------------------------------------------------------------------------------------------------


def unpooled(*, whole: bool) -> onnx.ModelProto:
    """max_unpool2d as torch exports it: pool 2, indices within each plane, scattered into a plane of zeros.

    The plane is 2 * (h // 2) by 2 * (w // 2), or the size of the input.
    """
    net = Net(20)
    net.input("x", 1, 2, "h", "w")
    net.node("Shape", ["x"], "shape")
    net.const("zero", 0), net.const("one", 1), net.const("two", 2), net.const("three", 3), net.const("last", [-1])
    net.const("planes", [[[[0]], [[1]]]]), net.const("lead", [2])
    for axis, name in (("two", "h"), ("three", "w")):
        net.node("Gather", ["shape", axis], name)
        net.node("Mul", [net.node("Div", [name, "two"], f"{name}.half"), "two"], f"{name}.even")
    net.nodes.append(
        onnx.helper.make_node("MaxPool", ["x"], ["pool", "places"], "pool", kernel_shape=[2, 2], strides=[2, 2])
    )
    net.nodes.append(onnx.helper.make_node("MaxPool", ["x"], ["same", "order"], "same", kernel_shape=[1, 1]))
    net.const("starts", [0, 0]), net.const("stops", [1, 1]), net.const("axes", [2, 3])
    net.node("Slice", ["order", "starts", "stops", "axes"], "begin")
    net.node("Sub", ["places", "begin"], "within")
    high, wide = ("h", "w") if whole else ("h.even", "w.even")
    net.node("Mul", [high, wide], "plane")
    net.node("Add", ["within", net.node("Mul", ["planes", "plane"], "offset")], "flat")
    net.node("Unsqueeze", [net.node("Reshape", ["flat", "last"], "line"), "last"], "indices")
    net.node("Mul", ["plane", "two"], "number")
    net.node("ConstantOfShape", [net.node("Reshape", ["number", "last"], "dims")], "zeros")
    net.node("Reshape", ["pool", "last"], "updates")
    return net.model(net.node("ScatterND", ["zeros", "indices", "updates"], "y"))


def test_unpooling_into_the_size_of_the_input_fits() -> None:
    told = shapelint.sizes(unpooled(whole=True)).to_json()
    assert not told["unknown"]
    assert [axis["text"] for axis in told["axes"]] == ["from 2", "from 2"]


def test_unpooling_into_an_even_size() -> None:
    """onnxruntime refuses SegNet's indices at 9 columns of 64 rows for any data, and at 9 rows of 64 columns never."""
    model = unpooled(whole=False)
    rows = answer(model, x=[1, 2, "n", 64])
    assert not rows["unknown"]
    assert rows["text"] == "from 2"
    columns = answer(model, x=[1, 2, 64, "n"])
    refused: list[int] = []
    for n in range(2, 65):
        even = n // 2 * 2
        last_window = [row * n + column for row in (62, 63) for column in (even - 2, even - 1)]
        if min(last_window) >= 64 * even:
            refused.append(n)
        told = shapelint.sizes(model, inputs={"x": [1, 2, 64, n]}).to_json()["verdict"]
        if max(last_window) < 64 * even:
            assert told == "fits", n
        elif min(last_window) >= 64 * even:
            assert told == "never", n
        else:
            assert told == "unknown", n
    assert 9 in refused
    assert 8 not in refused
    assert columns["unknown"] or not any(member(n, columns["set"]) for n in refused)
