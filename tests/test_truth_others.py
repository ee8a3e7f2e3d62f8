"""JAX, Flax, PaddlePaddle, Theano and ONNX against recorded answers, each row as a spec of one layer (or of a pair).

The answers are TRUTH.md's: what the framework returned or refused; for ONNX the `spec` column where a row has one, else
what onnxruntime did. A result below 0, which Theano's shape functions return, is a refusal.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from shapelint.analysis import Analysis
from shapelint.source import Unreadable, load

from .shared import needs_shared
from .truth_rows import ONNX_ROWS, Row, compare, family_of, onnx_answer, recorded, sizes_at

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = needs_shared


def padding(value: Any) -> str:
    """A recorded padding of one axis as text."""
    return repr(value) if isinstance(value, str | int) else f"[({value[0]}, {value[1]})]"


def jax_conv(p: Row) -> list[str]:
    return [
        f"lax.conv_general_dilated({p['k']}, {p['s']}, {padding(p['pad'])}, "
        f"lhs_dilation={p['ld']}, rhs_dilation={p['d']})"
    ]


def jax_transpose(p: Row) -> list[str]:
    more = ", use_consistent_padding=True" if p.get("ucp") else ""
    return [f"lax.conv_transpose({p['k']}, {p['s']}, {padding(p['pad'])}, rhs_dilation={p['d']}{more})"]


def jax_round_trip(p: Row) -> list[str]:
    there = {**p, "ld": 1}
    return [*jax_conv(there), *jax_transpose({**p, "pad": p["tpad"]})]


def flax_conv(p: Row) -> list[str]:
    return [f"nn.Conv(8, [{p['k']}], strides={p['s']}, padding={padding(p['pad'])}, kernel_dilation={p['d']})"]


def flax_transpose(p: Row) -> list[str]:
    rest = f"kernel_dilation={p['d']}, transpose_kernel={bool(p['tk'])}"
    return [f"nn.ConvTranspose(8, [{p['k']}], strides=[{p['s']}], padding={padding(p['pad'])}, {rest})"]


def flax_pool(p: Row) -> list[str]:
    return [f"max_pool([{p['k']}], strides=[{p['s']}], padding={padding(p['pad'])})"]


def pads(value: Any) -> str:
    return repr(value) if isinstance(value, str | int) else repr([*value, *value])


def paddle_conv(p: Row) -> list[str]:
    return [f"nn.Conv2D(1, 8, {p['k']}, stride={p['s']}, padding={pads(p['pad'])}, dilation={p['d']})"]


def paddle_transpose(p: Row) -> list[str]:
    extra = f"(output_size=[{p['O']}, {p['O']}])" if "O" in p else f"output_padding={p.get('op', 0)})"
    head = f"nn.Conv2DTranspose(1, 8, {p['k']}, stride={p['s']}, padding={pads(p['pad'])}, dilation={p['d']}"
    return [f"{head})(x, {extra[1:]}" if "O" in p else f"{head}, {extra}"]


def paddle_pool(kind: str) -> Callable[[Row], list[str]]:
    def layers(p: Row) -> list[str]:
        return [f"nn.{kind}Pool2D({p['k']}, stride={p['s']}, padding={p['pad']}, ceil_mode={bool(p['ceil'])})"]

    return layers


def paddle_resize(p: Row) -> list[str]:
    return [f"F.interpolate(scale_factor={p['scale']!r})"]


def paddle_shuffle(p: Row) -> list[str]:
    return [f"nn.PixelShuffle({p['r']})"]


def paddle_pad(p: Row) -> list[str]:
    return [f"nn.Pad2D({p['pads'] * 2}, mode={p['mode']!r})"]


def border(value: Any) -> str:
    return repr(value) if isinstance(value, str | int) else f"(({value[0]}, {value[1]}), ({value[0]}, {value[1]}))"


def theano(name: str) -> Callable[[Row], list[str]]:
    def layers(p: Row) -> list[str]:
        rest = f"subsample={p['s']}, border_mode={border(p['border'])}, filter_dilation={p['d']}"
        return [f"{name}(8, {p['k']}, {rest})"]

    return layers


# -- onnx ------------------------------------------------------------------------------------------------------------


def windowed(op: str, rank: int = 1) -> Callable[[Row], list[str]]:
    def layers(p: Row) -> list[str]:
        words = [f"kernel_shape={[p['k']] * rank}", f"strides={[p['s']] * rank}"]
        if "d" in p:
            words.append(f"dilations={[p['d']] * rank}")
        if "pads" in p:
            begin, end = p["pads"]
            words.append(f"pads={[begin] * rank + [end] * rank}")
        for word, key, form in (
            ("auto_pad", "auto", "{!r}"),
            ("ceil_mode", "ceil", "{}"),
            ("output_padding", "op", "[{}]"),
            ("output_shape", "O", "[{}]"),
        ):
            if key in p:
                words.append(f"{word}={form.format(p[key])}")
        return [f"{op}({', '.join(words)})"]

    return layers


def max_unpool(p: Row) -> list[str]:
    begin, end = p.get("pads", (0, 0))
    rest = f"kernel_shape=[{p['k']}], strides=[{p['s']}], pads=[{begin}, {end}]"
    wanted = f", [1, 1, {p['O']}]" if "O" in p else ""
    return [f"MaxUnpool(x, x{wanted}, {rest})"]


def resize(p: Row) -> list[str]:
    scales = f"[1, 1, {p['scale']!r}]"
    region = "" if p["opset"] < 11 else "[], " if p["opset"] < 13 else "None, "
    return [f"Resize(x, {region}{scales})"]


def policy(p: Row) -> list[str]:
    return [f"Resize(x, None, None, {p['O']}, keep_aspect_ratio_policy={p['policy']!r}, axes=[2, 3])"]


def upsample(p: Row) -> list[str]:
    scales = f"[1, 1, {p['scale']!r}]"
    return [f"Upsample(x, {scales})" if p["opset"] >= 9 else f"Upsample(scales={scales})"]


def blocks(op: str) -> Callable[[Row], list[str]]:
    return lambda p: [f"{op}(blocksize={p['r']})"]


def pad(p: Row) -> list[str]:
    return [f"Pad(x, {p['pads2']}, mode={p['mode']!r})"]


def slice_(p: Row) -> list[str]:
    return [f"Slice(x, [{p['a']}], [{p['b']}], [0], [{p['st']}])"]


def col2im(p: Row) -> list[str]:
    rest = f"strides=[{p['s']}], dilations=[{p['d']}], pads=[{p['p']}, {p['p']}]"
    return [f"c: Constant(shape=[1, {p['k']}, {p['L']}])", f"Col2Im(c, [n], [{p['k']}], {rest})"]


def grid_sample(p: Row) -> list[str]:
    return [f"g: Constant(shape=[1, {p['h']}, {p['w']}, {p['last']}])", "GridSample(x, g)"]


def roi_align(p: Row) -> list[str]:
    boxes = [f"r: Constant(shape=[{p['R']}, 4])", f'i: Constant(0, dtype="int64", shape=[{p["R"]}])']
    return [*boxes, f"RoiAlign(x, r, i, output_height={p['h']}, output_width={p['w']})"]


def deform_conv(p: Row) -> list[str]:
    k, size = p["k"], p["oh"]
    made = [f"w: Constant(shape=[1, 1, {k}, {k}])", f"o: Constant(shape=[1, {2 * k * k}, {size}, {size}])"]
    rest = f"strides={[p['s']] * 2}, dilations={[p['d']] * 2}, pads={[p['p']] * 4}"
    return [*made, f"DeformConv(x, w, o, {rest})"]


LAYERS: Final[dict[str, tuple[str, Callable[[Row], list[str]]]]] = {
    "jax.conv": ("[1, n, 8]", jax_conv),
    "jax.convT": ("[1, n, 8]", jax_transpose),
    "jax.convT(use_consistent_padding)": ("[1, n, 8]", jax_transpose),
    "jax.roundtrip(explicit pads)": ("[1, n, 8]", jax_round_trip),
    "flax.conv": ("[1, n, 8]", flax_conv),
    "flax.ConvTranspose": ("[1, n, 8]", flax_transpose),
    "flax.max_pool": ("[1, n, 8]", flax_pool),
    "paddle.conv": ("[1, 1, n, n]", paddle_conv),
    "paddle.convT": ("[1, 1, n, n]", paddle_transpose),
    "paddle.convT.output_size": ("[1, 1, n, n]", paddle_transpose),
    "paddle.maxpool": ("[1, 1, n, n]", paddle_pool("Max")),
    "paddle.avgpool": ("[1, 1, n, n]", paddle_pool("Avg")),
    "paddle.interpolate(scale)": ("[1, 1, n, n]", paddle_resize),
    "paddle.pixel_shuffle": ("[1, {c}, n, n]", paddle_shuffle),
    "paddle.pad": ("[1, 1, n, n]", paddle_pad),
    "theano.conv": ("[1, 1, n, n]", theano("Conv2D")),
    "theano.gradinputs": ("[1, 1, n, n]", theano("Conv2DTranspose")),
    "onnx.Conv": ("[1, 1, n]", windowed("Conv")),
    "onnx.ConvTranspose": ("[1, 1, n]", windowed("ConvTranspose")),
    "onnx.MaxPool": ("[1, 1, n]", windowed("MaxPool")),
    "onnx.MaxPool2D": ("[1, 1, n, n]", windowed("MaxPool", 2)),
    "onnx.AveragePool": ("[1, 1, n]", windowed("AveragePool")),
    "onnx.AveragePool2D": ("[1, 1, n, n]", windowed("AveragePool", 2)),
    "onnx.LpPool": ("[1, 1, n]", windowed("LpPool")),
    "onnx.MaxUnpool": ("[1, 1, n]", max_unpool),
    "onnx.Resize(scales)": ("[1, 1, n]", resize),
    "onnx.Resize(policy)": ("[1, 1, n, {m}]", policy),
    "onnx.Upsample": ("[1, 1, n]", upsample),
    "onnx.DepthToSpace": ("[1, {c}, n, n]", blocks("DepthToSpace")),
    "onnx.SpaceToDepth": ("[1, {c}, n, n]", blocks("SpaceToDepth")),
    "onnx.Pad": ("[n]", pad),
    "onnx.Col2Im": ("[1, 1, n]", col2im),
    "onnx.Slice": ("[n]", slice_),
    "onnx.GridSample": ("[1, 1, n, n]", grid_sample),
    "onnx.RoiAlign": ("[1, 1, n, n]", roi_align),
    "onnx.DeformConv": ("[1, 1, n, n]", deform_conv),
}
"""By family the input's dims and the layers of a row."""

ROWS: Final = {
    **ONNX_ROWS,
    "flax.ConvTranspose": 21,
    "flax.conv": 18,
    "flax.max_pool": 14,
    "jax.conv": 28,
    "jax.convT": 28,
    "jax.convT(use_consistent_padding)": 18,
    "jax.roundtrip(explicit pads)": 22,
    "paddle.avgpool": 28,
    "paddle.conv": 28,
    "paddle.convT": 28,
    "paddle.convT.output_size": 28,
    "paddle.interpolate(scale)": 25,
    "paddle.maxpool": 28,
    "paddle.pad": 9,
    "paddle.pixel_shuffle": 6,
    "theano.conv": 28,
    "theano.gradinputs": 17,
}
"""How many rows of each family are normative."""

READ_AS_REFUSALS: Final = {"theano.conv": 2, "theano.gradinputs": 12}
"""Rows of Theano's shape functions that hold None, where the size is ambiguous, or a size below 0."""


def is_no_size(recorded: Any) -> bool:
    """Whether a shape function answered what no tensor has: None, or a size below 0."""
    return recorded is None or (isinstance(recorded, int) and recorded < 0)


def answer_of(row: Row) -> Any:
    """What is normative: a size, a list of sizes, "err"; None where a row is information only."""
    if row["op"].startswith("onnx."):
        return onnx_answer(row)
    return "err" if "err" in row or is_no_size(row["out"]) else row["out"]


def text_of(row: Row, dims: str, layers: list[str]) -> str:
    """The row as a spec."""
    convention = {"flax": "jax"}.get(head := row["op"].partition(".")[0], head)
    opset = f"opset: {row['p'].get('opset', 22)}\n" if convention == "onnx" else ""
    items = "".join(f"  - {layer}\n" for layer in layers)
    return f"shapelint: 1\nconvention: {convention}\n{opset}inputs:\n  x: {dims}\nlayers:\n{items}"


def found_for(row: Row, *, free: bool) -> Any:
    """What the spec's last layer gives along its changed axes, "err", or why it is unknown."""
    dims, layers = LAYERS[family_of(row)]
    made = [each if free else each.replace("[n]", f"[{row['n']}]") for each in layers(row["p"])]
    dims = dims.format_map(row["p"])
    try:
        text = text_of(row, dims if free else dims.replace("n", str(row["n"])), made)
        analysis = Analysis(load(text.encode()))
    except Unreadable as error:
        return "err" if "another kind" not in str(error) else f"crash: {error}"
    at = {axis.symbol: row["n"] for axis in analysis.inputs.axes}
    return sizes_at(analysis.shapes, analysis.graph.outputs[0].name, at)


def agree(row: Row, found: Any, answer: Any) -> bool:
    """Whether the sizes found are the recorded ones."""
    if isinstance(found, str) or answer == "err":
        return bool(found == answer)
    if isinstance(answer, list):  # channels and size, or two sizes
        wanted = answer if len(answer) == 2 else [answer[-1]] * 2
        return bool(found[-2:] == wanted or found[1:3] == wanted)
    if row["op"].startswith(("jax.", "flax.")):
        return bool(found[1] == answer)
    return bool(found[-1] == answer)


@pytest.mark.parametrize("free", [False, True], ids=["number", "free"])
@pytest.mark.parametrize("prefix", ["jax.", "flax.", "paddle.", "theano.", "onnx."])
def test_specs_give_the_recorded_sizes_and_refusals(prefix: str, free: bool) -> None:
    """Every normative row, with its size as a number, and as a symbol evaluated at that size."""
    rows = [(row, answer_of(row)) for row in recorded(prefix) if family_of(row) in LAYERS]
    normative = [(row, answer) for row, answer in rows if answer is not None]
    counts = compare(normative, lambda row: found_for(row, free=free), agree, free=free)
    assert counts == {family: count for family, count in ROWS.items() if family.startswith(prefix)}


@pytest.mark.parametrize("prefix", ["jax.", "flax.", "paddle.", "theano."])
def test_the_rows_that_hold_no_size_are_counted(prefix: str) -> None:
    """What is read as a refusal is what Theano's shape functions return, and nothing else."""
    rows = [row for row in recorded(prefix) if family_of(row) in LAYERS and is_no_size(row.get("out", 0))]
    refused = {family: count for family, count in READ_AS_REFUSALS.items() if family.startswith(prefix)}
    assert Counter(row["op"] for row in rows) == refused
