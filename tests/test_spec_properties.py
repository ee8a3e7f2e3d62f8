"""Random networks: a spec lints to the sizes counted in plain Python, and to those of the same ONNX file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import shapelint
from shapelint.analysis import Analysis
from shapelint.report.show import spec_text
from shapelint.source import load

UPTO = 90
SEARCH = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}


@dataclass(frozen=True)
class Step:
    """One layer: its kind and its numbers."""

    kind: str
    k: int = 1
    s: int = 1
    p: int = 0
    d: int = 1
    extra: int = 0
    ceil: bool = False


@dataclass(frozen=True)
class Net:
    """An encoder-decoder: a way down, as many levels up, and how each level is joined."""

    down: list[Step]
    up: list[Step]
    joins: list[str]
    between: list[Step]
    expects: bool = field(default=False)


@st.composite
def encoders(draw: Any) -> Step:
    kind = draw(st.sampled_from(["conv", "conv", "pool", "pool"]))
    s = draw(st.sampled_from([1, 2, 2, 2, 3]))
    k = draw(st.integers(max(s - 1, 1), s + 3))
    if kind == "pool":
        return Step("pool", k, s, draw(st.integers(0, k // 2)), ceil=draw(st.booleans()))
    d = draw(st.sampled_from([1, 1, 1, 2]))
    return Step("conv", k, s, draw(st.sampled_from([0, k // 2, k // 2, (k - 1) // 2 * d, k])), d)


@st.composite
def decoders(draw: Any, below: Step) -> Step:
    """A step up by the stride of the one down: mostly of the same window."""
    kind = draw(st.sampled_from(["upsample"] * 4 + ["mirrored"] * 5 + ["transposed"]))
    s = below.s
    if kind == "upsample" and below.d == 1 and below.k - s <= 2 * below.p < below.k:
        return Step("upsample", s=s)
    if kind != "transposed" and below.d == 1 and below.k >= s:
        return Step("transposed", below.k, s, below.p, extra=draw(st.integers(0, s - 1)))
    k = draw(st.integers(s, s + 3))
    return Step("transposed", k, s, draw(st.integers(0, (k - 1) // 2)), extra=draw(st.integers(0, s - 1)))


@st.composite
def nets(draw: Any) -> Net:
    down = draw(st.lists(encoders(), min_size=1, max_size=3))
    up = [draw(decoders(step)) for step in reversed(down)]
    joins = [draw(st.sampled_from(["concat", "add", "crop", "none"])) for _ in down]
    middle = draw(st.sampled_from([[], [], [], [Step("conv", 3, p=1)], [Step("conv", 3)]]))
    return Net(down, up, joins, middle, draw(st.sampled_from([False, False, True])))


class Refused(Exception):
    pass


def applied(step: Step, n: int) -> int:
    """The size after a layer, by torch's formulas."""
    if step.kind == "upsample":
        return n * step.s
    if step.kind == "transposed":
        size = (n - 1) * step.s - 2 * step.p + step.k + step.extra
    else:
        room = n + 2 * step.p - step.d * (step.k - 1) - 1
        if step.ceil:
            size = -(-room // step.s) + 1
            if (size - 1) * step.s >= n + step.p:
                size -= 1
        elif room < 0:
            raise Refused
        else:
            size = room // step.s + 1
    if size < 1:
        raise Refused
    return size


def runs(net: Net, n: int) -> bool:
    """Whether the network runs at n and, where it is expected, returns n."""
    try:
        return _run(net, n)
    except Refused:
        return False


def _run(net: Net, n: int) -> bool:
    levels = [n]
    for step in net.down:
        levels.append(applied(step, levels[-1]))
    size = levels.pop()
    for step in net.between:
        size = applied(step, size)
    for step, join in zip(net.up, net.joins, strict=True):
        size, skip = applied(step, size), levels.pop()
        if join == "concat" and size != skip:
            return False
        if join == "add":
            if size != skip and 1 not in (size, skip):
                return False
            size = max(size, skip)
        if join == "crop" and skip < size:
            return False
    return size == n or not net.expects


CALLS = {
    "conv": "Conv2d(4, {0.k}, stride={0.s}, padding={0.p}, dilation={0.d})",
    "pool": "MaxPool2d({0.k}, {0.s}, {0.p}, ceil_mode={0.ceil})",
    "transposed": "ConvTranspose2d(4, {0.k}, stride={0.s}, padding={0.p}, output_padding={0.extra})",
    "upsample": "Upsample(scale_factor={0.s})",
}


def spec_of(net: Net) -> bytes:
    """The network in the grammar, the two axes alike."""
    lines = ["shapelint: 1", "inputs:", "  x: [1, 4, H, W]", "blocks:", "  same():", "    - Conv2d(4, 1)", "layers:"]
    levels = ["x"]
    for place, step in enumerate(net.down):
        lines.append(f"  - e[{place}]: {CALLS[step.kind].format(step)}")
        levels.append(f"e[{place}]")
    levels.pop()
    lines += [f"  - {CALLS[step.kind].format(step)}" for step in net.between]
    for place, (step, join) in enumerate(zip(net.up, net.joins, strict=True)):
        skip = levels.pop()
        lines.append(f"  - u[{place}]: {CALLS[step.kind].format(step)}")
        if join in ("concat", "add"):
            lines += [f"  - {join.title()}(u[{place}], {skip})", "  - same()"]
        elif join == "crop":
            lines += [f"  - c[{place}]: Crop(like=u[{place}])({skip})", f"  - Add(u[{place}], c[{place}])"]
    lines += ["  - y: same()"]
    if net.expects:
        lines += ["expect:", "  - y.size == x.size"]
    return "\n".join(lines).encode()


@seed(20)
@settings(max_examples=250, **SEARCH)
@given(nets())
def test_a_random_spec_lints_to_the_sizes_counted(net: Net) -> None:
    sizes = shapelint.sizes(spec_of(net))
    assert sizes.unknown == []
    counted = [n for n in range(1, UPTO) if runs(net, n)]
    for axis in (2, 3):
        of = sizes["x"][axis]
        assert of is not None
        assert [n for n in range(1, UPTO) if n in of] == counted


def _weight(name: str, dims: list[int]) -> Any:
    size = 1
    for dim in dims:
        size *= dim
    return helper.make_tensor(name, TensorProto.FLOAT, dims, [0.0] * size)


def onnx_of(net: Net) -> onnx.ModelProto:
    """The same network as an ONNX file; `crop` and `expects` have no operator and are left to specs."""
    nodes: list[Any] = []
    weights: list[Any] = []
    channels = {"x": 4}

    def add(op: str, inputs: list[str], leaving: int, **attributes: Any) -> str:
        name = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [name], **attributes))
        channels[name] = leaving
        return name

    def layer(step: Step, x: str) -> str:
        window = {"kernel_shape": [step.k] * 2, "strides": [step.s] * 2, "pads": [step.p] * 4}
        if step.kind == "pool":
            return add("MaxPool", [x], channels[x], ceil_mode=int(step.ceil), **window)
        if step.kind == "upsample":
            weights.append(helper.make_tensor(f"s{len(nodes)}", TensorProto.FLOAT, [4], [1.0, 1.0, step.s, step.s]))
            return add("Resize", [x, "", weights[-1].name], channels[x], mode="nearest")
        weight = f"w{len(nodes)}"
        weights.append(_weight(weight, [channels[x], 4, step.k, step.k]))
        if step.kind == "transposed":
            return add("ConvTranspose", [x, weight], 4, output_padding=[step.extra] * 2, **window)
        weights[-1] = _weight(weight, [4, channels[x], step.k, step.k])
        return add("Conv", [x, weight], 4, dilations=[step.d] * 2, **window)

    one = Step("conv")
    levels = ["x"]
    for step in net.down:
        levels.append(layer(step, levels[-1]))
    now = levels.pop()
    for step in net.between:
        now = layer(step, now)
    for step, join in zip(net.up, net.joins, strict=True):
        now, skip = layer(step, now), levels.pop()
        if join == "concat":
            now = layer(one, add("Concat", [now, skip], channels[now] + channels[skip], axis=1))
        elif join == "add":
            now = layer(one, add("Add", [now, skip], 4))
    now = layer(one, now)
    dims = [1, 4, "H", "W"]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(now, TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])


def without_crops(net: Net) -> Net:
    return Net(net.down, net.up, ["none" if join == "crop" else join for join in net.joins], net.between, False)


@seed(21)
@settings(max_examples=120, **SEARCH)
@given(nets())
def test_a_spec_and_the_same_onnx_file_agree(net: Net) -> None:
    net = without_crops(net)
    spec, file = shapelint.sizes(spec_of(net)), shapelint.sizes(onnx_of(net))
    assert spec.unknown == file.unknown == []
    for axis in (2, 3):
        assert spec["x"][axis] == file["x"][axis]
    counted = [n for n in range(1, UPTO) if runs(net, n)]
    of = file["x"][2]
    assert of is not None
    assert [n for n in range(1, UPTO) if n in of] == counted


@seed(22)
@settings(max_examples=60, **SEARCH)
@given(nets())
def test_the_spec_that_is_written_of_an_onnx_file_agrees_with_it(net: Net) -> None:
    model = onnx_of(without_crops(net))
    text = spec_text(Analysis(load(model), file="net.onnx"))
    spec, file = shapelint.sizes(text.encode()), shapelint.sizes(model)
    assert spec.unknown == file.unknown == []
    assert spec.verdict == file.verdict
    for axis in (2, 3):
        assert spec["x"][axis] == file["x"][axis]


def test_the_random_networks_are_no_trivial_ones() -> None:
    """Of the networks drawn, many take some sizes and refuse others."""
    found = []

    @seed(20)
    @settings(max_examples=200, phases=[Phase.generate], **SEARCH)
    @given(nets())
    def draw(net: Net) -> None:
        found.append(sum(runs(net, n) for n in range(40, 80)))

    draw()
    assert sum(0 < count < 40 for count in found) >= 40
    assert sum(count == 0 for count in found) >= 10
    assert sum(count == 40 for count in found) >= 10
