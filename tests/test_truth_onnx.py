"""Single operators of ONNX against recorded answers: sizes and refusals, with numbers and with a free size.

The answers are TRUTH.md's (`truth_rows.onnx_answer`). A row whose runtime did something else is counted: runtimes
disagree there.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from shapelint.graph import Constant, Declared, Graph, Node
from shapelint.ops.call import FLOAT, INT64, Tensor
from shapelint.propagate import propagate
from shapelint.size import Size, Table

from .shared import needs_shared
from .truth_rows import ONNX_ROWS, Row, compare, family_of, onnx_answer, recorded, sizes_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.graph import Attribute

pytestmark = needs_shared

ONE: Final = Tensor(FLOAT, (1,))


class OneNode:
    """A graph of one node, put together input by input."""

    def __init__(self, op: str, version: int) -> None:
        self.op = op
        self.version = version
        self.attributes: dict[str, Attribute] = {}
        self.names: list[str] = []
        self.inputs: dict[str, Tensor] = {}
        self.constants: dict[str, Constant] = {}
        self.axes: tuple[int, ...] = (2,)
        """The axes of the output that a row tells of."""

    def feed(self, *shape: Size, dtype: int = FLOAT, value: tuple[Size, ...] | None = None) -> None:
        name = f"i{len(self.names)}"
        self.names.append(name)
        self.inputs[name] = Tensor(dtype, shape, value)

    def ints(self, *values: int) -> None:
        self.constant(Constant(INT64, (len(values),), values))

    def constant(self, constant: Constant) -> None:
        name = f"c{len(self.names)}"
        self.names.append(name)
        self.constants[name] = constant

    def skip(self) -> None:
        self.names.append("")

    def graph(self) -> Graph:
        node = Node("node", self.op, "", tuple(self.names), ("y",), self.attributes, version=self.version)
        inputs = tuple(Declared(name) for name in self.inputs)
        return Graph("one", (node,), inputs, (Declared("y"),), self.constants)


def window(made: OneNode, p: dict[str, Any], rank: int) -> None:
    made.attributes["kernel_shape"] = (p["k"],) * rank
    made.attributes["strides"] = (p["s"],) * rank
    if "d" in p:
        made.attributes["dilations"] = (p["d"],) * rank
    if "pads" in p:
        begin, end = p["pads"]
        made.attributes["pads"] = (begin,) * rank + (end,) * rank
    if "auto" in p:
        made.attributes["auto_pad"] = p["auto"]
    if "ceil" in p:
        made.attributes["ceil_mode"] = p["ceil"]
    made.axes = tuple(range(2, 2 + rank))


def conv(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Conv", 22)
    window(made, p, 1)
    made.feed(1, 1, n)
    made.feed(1, 1, p["k"])
    return made


def conv_transpose(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("ConvTranspose", 22)
    window(made, p, 1)
    if "op" in p:
        made.attributes["output_padding"] = (p["op"],)
    if "O" in p:
        made.attributes["output_shape"] = (p["O"],)
    made.feed(1, 1, n)
    made.feed(1, 1, p["k"])
    return made


def pool(op: str) -> Callable[[dict[str, Any], Size], OneNode]:
    def build(p: dict[str, Any], n: Size) -> OneNode:
        rank = p.get("nd", 1)
        made = OneNode(op, p["opset"])
        window(made, p, rank)
        made.feed(1, 1, *[n] * rank)
        return made

    return build


def max_unpool(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("MaxUnpool", 22)
    window(made, p, 1)
    made.feed(1, 1, n)
    made.feed(1, 1, n, dtype=INT64)
    if "O" in p:
        made.ints(1, 1, p["O"])
    return made


def resize_scales(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Resize", p["opset"])
    made.feed(1, 1, n)
    if p["opset"] >= 11:
        made.skip()
    made.constant(Constant(FLOAT, (3,), (1.0, 1.0, _float32(p["scale"]))))
    return made


def upsample(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Upsample", p["opset"])
    made.feed(1, 1, n)
    if p["opset"] >= 9:
        made.constant(Constant(FLOAT, (3,), (1.0, 1.0, _float32(p["scale"]))))
    else:
        made.attributes["scales"] = (1.0, 1.0, _float32(p["scale"]))
    return made


def _float32(value: float) -> float:
    import struct

    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def resize_policy(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Resize", p["opset"])
    made.attributes.update(keep_aspect_ratio_policy=p["policy"], axes=(2, 3))
    made.feed(1, 1, n, p["m"])
    made.skip()
    made.skip()
    made.ints(*p["O"])
    made.axes = (2, 3)
    return made


def blocks(op: str) -> Callable[[dict[str, Any], Size], OneNode]:
    def build(p: dict[str, Any], n: Size) -> OneNode:
        made = OneNode(op, p["opset"])
        made.attributes["blocksize"] = p["r"]
        made.feed(1, p["c"], n, n)
        made.axes = (1, 2)
        return made

    return build


def pad(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Pad", p["opset"])
    made.attributes["mode"] = p["mode"]
    made.feed(n)
    made.ints(*p["pads2"])
    made.axes = (0,)
    return made


def slice_(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Slice", p["opset"])
    made.feed(n)
    for values in ((p["a"],), (p["b"],), (0,), (p["st"],)):
        made.ints(*values)
    made.axes = (0,)
    return made


def col2im(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("Col2Im", p["opset"])
    made.attributes.update(strides=(p["s"],), dilations=(p["d"],), pads=(p["p"], p["p"]))
    made.feed(1, p["k"], p["L"])
    made.feed(1, dtype=INT64, value=(n,))
    made.ints(p["k"])
    return made


def grid_sample(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("GridSample", p["opset"])
    made.feed(1, 1, n, n)
    made.feed(1, p["h"], p["w"], p["last"])
    made.axes = (2, 3)
    return made


def roi_align(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("RoiAlign", p["opset"])
    made.attributes.update(output_height=p["h"], output_width=p["w"])
    made.feed(1, 1, n, n)
    made.feed(p["R"], 4)
    made.feed(p["R"], dtype=INT64)
    made.axes = (2, 3)
    return made


def deform_conv(p: dict[str, Any], n: Size) -> OneNode:
    made = OneNode("DeformConv", p["opset"])
    window(made, {"k": p["k"], "s": p["s"], "d": p["d"], "pads": (p["p"], p["p"])}, 2)
    made.feed(1, 1, n, n)
    made.feed(1, 1, p["k"], p["k"])
    made.feed(1, 2 * p["k"] ** 2, p["oh"], p["oh"])
    return made


FAMILIES: Final[dict[str, Callable[[dict[str, Any], Size], OneNode]]] = {
    "onnx.Conv": conv,
    "onnx.ConvTranspose": conv_transpose,
    "onnx.MaxPool": pool("MaxPool"),
    "onnx.MaxPool2D": pool("MaxPool"),
    "onnx.AveragePool": pool("AveragePool"),
    "onnx.AveragePool2D": pool("AveragePool"),
    "onnx.LpPool": pool("LpPool"),
    "onnx.MaxUnpool": max_unpool,
    "onnx.Resize(scales)": resize_scales,
    "onnx.Resize(policy)": resize_policy,
    "onnx.Upsample": upsample,
    "onnx.DepthToSpace": blocks("DepthToSpace"),
    "onnx.SpaceToDepth": blocks("SpaceToDepth"),
    "onnx.Pad": pad,
    "onnx.Col2Im": col2im,
    "onnx.Slice": slice_,
    "onnx.GridSample": grid_sample,
    "onnx.RoiAlign": roi_align,
    "onnx.DeformConv": deform_conv,
}

DISAGREEMENTS: Final = 142
"""Rows whose runtime did not answer what is normative."""


@cache
def normative() -> list[tuple[Row, Any]]:
    """The rows with their answers: a size, a list of sizes, or "err"."""
    rows = [(row, onnx_answer(row)) for row in recorded("onnx.")]
    return [(row, answer) for row, answer in rows if answer is not None]


def found_for(row: Row, *, free: bool) -> Any:
    """What propagation gives along the axes that the row tells of."""
    table = Table()
    size: Size = table.symbol("n") if free else row["n"]
    at = dict.fromkeys(table.symbols, row["n"])
    made = FAMILIES[family_of(row)](row["p"], size)
    shapes = propagate(made.graph(), made.inputs, table, concrete=not free)
    return sizes_at(shapes, "y", at, made.axes)


def agree(row: Row, found: Any, answer: Any) -> bool:
    """Whether the sizes found are the recorded ones, one size standing for all axes."""
    wanted = [answer] * len(found) if isinstance(answer, int) else answer
    return bool(found == wanted)


@pytest.mark.parametrize("free", [False, True], ids=["number", "free"])
def test_sizes_and_refusals_are_the_recorded_ones(free: bool) -> None:
    """Every normative row, with its size as a number, and as a symbol evaluated at that size."""
    assert compare(normative(), lambda row: found_for(row, free=free), agree, free=free) == ONNX_ROWS


def test_the_rows_whose_runtime_did_something_else_are_counted() -> None:
    """A disagreement of runtimes is recorded as such: it is neither lost nor taken for the answer."""
    ran = [(row.get("out", "err"), answer) for row, answer in normative()]
    assert sum(did not in (answer, "unknown") for did, answer in ran) == DISAGREEMENTS
