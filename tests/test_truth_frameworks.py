"""Single layers of PyTorch, Keras and TensorFlow against recorded answers, each written as a spec of one layer.

The answers are TRUTH.md's: the rows of `torch.*`, of `keras3.*` without a backend or on TensorFlow, of `keras2.*` and
of `tf.*`. A row that differs from what holds for the framework as a whole is listed in `DISAGREEMENTS`.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from shapelint.analysis import Analysis
from shapelint.ops.arithmetic import AxisWindow
from shapelint.ops.arithmetic.keras import deconv_length
from shapelint.size import Table, evaluate
from shapelint.source import Unreadable, load

from .shared import needs_shared
from .truth_rows import recorded, sizes_at

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = needs_shared


@dataclass(frozen=True)
class Spec:
    """A spec of one layer `y`; `{n}` stands for the size."""

    convention: str
    inputs: dict[str, str]
    layers: tuple[str, ...]
    axes: tuple[int, ...]
    """The axes of the output that a row tells of."""

    def text(self, n: int | str) -> bytes:
        """The file where the size is a number or a name."""
        inputs = "".join(f"  {name}: [{dims.format(n=n)}]\n" for name, dims in self.inputs.items())
        layers = "".join(f"  - {line.format(n=n)}\n" for line in self.layers)
        return f"shapelint: 1\nconvention: {self.convention}\ninputs:\n{inputs}layers:\n{layers}".encode()


def torch(call: str, dims: str = "1, 1, {n}", axes: tuple[int, ...] = (2,), **others: str) -> Spec:
    return Spec("pytorch", {"x": dims, **others}, (f"y: {call}",), axes)


def keras(*layers: str) -> Spec:
    return Spec("keras", {"x": "{n}, 1"}, layers, (0,))


def tensorflow(call: str, dims: str = "{n}, 1", axes: tuple[int, ...] = (0,)) -> Spec:
    return Spec("tensorflow", {"x": dims}, (f"y: {call}",), axes)


def given(p: dict[str, Any], /, **names: str) -> str:
    """The recorded parameters as keyword arguments, by the framework's names."""
    return ", ".join(f"{name}={p[key]!r}" for key, name in names.items() if key in p)


def torch_conv(p: dict[str, Any]) -> Spec:
    return torch(f"Conv1d(1, 1, {given(p, k='kernel_size', s='stride', p='padding', d='dilation')})")


def torch_transposed(rank: int) -> Callable[[dict[str, Any]], Spec]:
    def build(p: dict[str, Any]) -> Spec:
        arguments = given(p, k="kernel_size", s="stride", p="padding", op="output_padding", d="dilation")
        late = f"(x, output_size={[p['O']] * rank})" if "O" in p else ""
        dims = ", ".join(["1", "1", *["{n}"] * rank])
        return torch(f"ConvTranspose{rank}d(1, 1, {arguments}){late}", dims, tuple(range(2, 2 + rank)))

    return build


def torch_pool(name: str, rank: int, leading: str = "") -> Callable[[dict[str, Any]], Spec]:
    def build(p: dict[str, Any]) -> Spec:
        arguments = given({**p, "ceil": bool(p["ceil"])}, k="kernel_size", s="stride", p="padding", d="dilation")
        dims = ", ".join(["1", "1", *["{n}"] * rank])
        call = f"{name}{rank}d({leading}{arguments}, ceil_mode={bool(p['ceil'])})"
        return torch(call, dims, tuple(range(2, 2 + rank)))

    return build


def torch_unpool(p: dict[str, Any]) -> Spec:
    late = f", output_size=[{p['O']}]" if "O" in p else ""
    return torch(f"MaxUnpool1d({given(p, k='kernel_size', s='stride', p='padding')})(x, x{late})")


def torch_pool_unpool(p: dict[str, Any]) -> Spec:
    arguments = given(p, k="kernel_size", s="stride", p="padding")
    pool = f"m: MaxPool1d({arguments}, return_indices=True, ceil_mode={bool(p['ceil'])})"
    return Spec("pytorch", {"x": "1, 1, {n}"}, (pool, f"y: MaxUnpool1d({arguments})(m, m, output_size=x.size)"), (2,))


def torch_roundtrip(p: dict[str, Any]) -> Spec:
    arguments = given(p, k="kernel_size", s="stride", p="padding", d="dilation")
    layers = (f"Conv1d(1, 1, {arguments})", f"y: ConvTranspose1d(1, 1, {arguments}, output_padding={p['op']})")
    return Spec("pytorch", {"x": "1, 1, {n}"}, layers, (2,))


def torch_interpolate(rank: int) -> Callable[[dict[str, Any]], Spec]:
    def build(p: dict[str, Any]) -> Spec:
        names = {"scale": "scale_factor", "recompute": "recompute_scale_factor", "mode": "mode", "ac": "align_corners"}
        dims = ", ".join(["1", "1", *["{n}"] * rank])
        return torch(f"interpolate({given(p, **names)})", dims, tuple(range(2, 2 + rank)))

    return build


def torch_unfold(p: dict[str, Any]) -> Spec:
    return torch(f"Unfold(({p['k']}, 1), ({p['d']}, 1), ({p['p']}, 0), ({p['s']}, 1))", "1, 1, {n}, 1")


def torch_fold(p: dict[str, Any]) -> Spec:
    call = f"Fold(z.size, ({p['k']}, 1), ({p['d']}, 1), ({p['p']}, 0), ({p['s']}, 1))(x)"
    return torch(call, f"1, {p['k']}, {p['L']}", z="1, 1, {n}, 1")


def torch_grid_sample(p: dict[str, Any]) -> Spec:
    return torch("grid_sample()(x, grid)", "1, 1, {n}, {n}", (2, 3), grid=f"1, {p['h']}, {p['w']}, {p['last']}")


def torch_shuffle(name: str) -> Callable[[dict[str, Any]], Spec]:
    return lambda p: torch(f"{name}({p['r']})", f"1, {p['c']}, {{n}}, {{n}}", (1, 2))


def torch_adaptive(p: dict[str, Any]) -> Spec:
    return torch(f"Adaptive{p['kind'].title()}Pool2d({p['O']})", "1, 1, {n}, {n}", (2, 3))


def keras_window(p: dict[str, Any]) -> str:
    return given(p, k="kernel_size", s="strides", pad="padding", op="output_padding", d="dilation_rate")


def keras_pool(name: str) -> Callable[[dict[str, Any]], Spec]:
    return lambda p: keras(f"y: {name}({given(p, k='pool_size', s='strides', pad='padding')})")


def keras_roundtrip(p: dict[str, Any]) -> Spec:
    encoder = {key: value for key, value in p.items() if key != "op"}
    return keras(f"Conv1D(1, {keras_window(encoder)})", f"y: Conv1DTranspose(1, {keras_window(p)})")


def tf_conv(p: dict[str, Any]) -> Spec:
    return tensorflow(f"tf.nn.conv1d(filters=[{p['k']}, 1, 1], {given(p, s='stride', pad='padding', d='dilations')})")


def tf_transposed(p: dict[str, Any]) -> Spec:
    return tensorflow(f"Conv1DTranspose(1, {keras_window(p)}, output_shape=[{p['O']}])")


def tf_pad(p: dict[str, Any]) -> Spec:
    return tensorflow(f"tf.pad([[0, 0], {p['pads']}, [0, 0]], mode={p['mode'].upper()!r})")


def tf_blocks(name: str) -> Callable[[dict[str, Any]], Spec]:
    return lambda p: tensorflow(f"tf.nn.{name}({p['r']})", f"{{n}}, {{n}}, {p['c']}", (2, 0))


FAMILIES: Final[dict[str, Callable[[dict[str, Any]], Spec]]] = {
    "torch.conv": torch_conv,
    "torch.convT": torch_transposed(1),
    "torch.convT2d": torch_transposed(2),
    "torch.convT.output_size": torch_transposed(1),
    "torch.roundtrip(recover_op)": torch_roundtrip,
    "torch.maxpool1d": torch_pool("MaxPool", 1),
    "torch.maxpool2d": torch_pool("MaxPool", 2),
    "torch.avgpool": torch_pool("AvgPool", 1),
    "torch.avgpool2": torch_pool("AvgPool", 2),
    "torch.avgpool3": torch_pool("AvgPool", 3),
    "torch.lppool": torch_pool("LPPool", 1, "2, "),
    "torch.adaptive_pool": torch_adaptive,
    "torch.max_unpool": torch_unpool,
    "torch.max_unpool(output_size)": torch_unpool,
    "torch.pool->unpool(output_size=n)": torch_pool_unpool,
    "torch.interpolate(scale)": torch_interpolate(1),
    "torch.interpolate(scale,recompute)": torch_interpolate(1),
    "torch.interpolate2d(scale)": torch_interpolate(2),
    "torch.interpolate(illegal)": torch_interpolate(1),
    "torch.pad": lambda p: torch(f"F.pad({p['pads']}, mode={p['mode']!r})"),
    "torch.pixel_shuffle": torch_shuffle("PixelShuffle"),
    "torch.pixel_unshuffle": torch_shuffle("PixelUnshuffle"),
    "torch.unfold": torch_unfold,
    "torch.fold": torch_fold,
    "torch.grid_sample": torch_grid_sample,
    "torch.Tensor.unfold": lambda p: torch(f"Tensor.unfold(0, {p['k']}, {p['s']})", "{n}", (0,)),
    "torch.slice": lambda p: torch(f"torch.slice_copy(0, {p['a']}, {p['b']}, {p['st']})", "{n}", (0,)),
    "keras2.conv": lambda p: keras(f"y: Conv1D(1, {keras_window(p)})"),
    "keras2.convT": lambda p: keras(f"y: Conv1DTranspose(1, {keras_window(p)})"),
    "keras3.conv[tensorflow]": lambda p: keras(f"y: Conv1D(1, {keras_window(p)})"),
    "keras3.convT[tensorflow]": lambda p: keras(f"y: Conv1DTranspose(1, {keras_window(p)})"),
    "keras3.convT.compute_output_shape": lambda p: keras(f"y: Conv1DTranspose(1, {keras_window(p)})"),
    "keras3.roundtrip(keras_recover)[tensorflow]": keras_roundtrip,
    "keras3.maxpool[tensorflow]": keras_pool("MaxPooling1D"),
    "keras3.avgpool[tensorflow]": keras_pool("AveragePooling1D"),
    "keras3.UpSampling1D": lambda p: keras(f"y: UpSampling1D({p['r']})"),
    "keras3.ZeroPadding1D": lambda p: keras(f"y: ZeroPadding1D({tuple(p['pads'])})"),
    "keras3.Cropping1D": lambda p: keras(f"y: Cropping1D({tuple(p['pads'])})"),
    "tf.conv": tf_conv,
    "tf.convT(output_shape)": tf_transposed,
    "tf.maxpool": lambda p: tensorflow(f"tf.nn.max_pool1d({given(p, k='ksize', s='strides', pad='padding')})"),
    "tf.pad": tf_pad,
    "tf.depth_to_space": tf_blocks("depth_to_space"),
    "tf.space_to_depth": tf_blocks("space_to_depth"),
}


ROWS: Final = {
    "keras2.conv": 28,
    "keras2.convT": 28,
    "keras3.Cropping1D": 6,
    "keras3.UpSampling1D": 6,
    "keras3.ZeroPadding1D": 6,
    "keras3.avgpool[tensorflow]": 21,
    "keras3.convT.compute_output_shape": 28,
    "keras3.convT[tensorflow]": 28,
    "keras3.conv[tensorflow]": 28,
    "keras3.maxpool[tensorflow]": 21,
    "keras3.roundtrip(keras_recover)[tensorflow]": 17,
    "tf.conv": 28,
    "tf.convT(output_shape)": 28,
    "tf.depth_to_space": 8,
    "tf.maxpool": 21,
    "tf.pad": 7,
    "tf.space_to_depth": 8,
    "torch.Tensor.unfold": 9,
    "torch.adaptive_pool": 6,
    "torch.avgpool": 28,
    "torch.avgpool2": 28,
    "torch.avgpool3": 28,
    "torch.conv": 28,
    "torch.convT": 28,
    "torch.convT.output_size": 28,
    "torch.convT2d": 28,
    "torch.fold": 23,
    "torch.grid_sample": 6,
    "torch.interpolate(illegal)": 6,
    "torch.interpolate(scale)": 28,
    "torch.interpolate(scale,recompute)": 28,
    "torch.interpolate2d(scale)": 24,
    "torch.lppool": 14,
    "torch.max_unpool": 18,
    "torch.max_unpool(output_size)": 28,
    "torch.maxpool1d": 28,
    "torch.maxpool2d": 28,
    "torch.pad": 28,
    "torch.pixel_shuffle": 8,
    "torch.pixel_unshuffle": 8,
    "torch.pool->unpool(output_size=n)": 28,
    "torch.roundtrip(recover_op)": 28,
    "torch.slice": 17,
    "torch.unfold": 25,
}
"""How many rows of each family are normative, the quoted function apart."""

REFUSED: Final = 205
"""How many of them are refusals."""

DISAGREEMENTS: Final[dict[int, tuple[Any, Any]]] = {
    1173: ("err", 9),  # keras3.convT[tensorflow]: dilation above 1 is not implemented on a CPU, and is elsewhere
    1369: (21, "err"),  # keras3.convT.compute_output_shape: same, even kernel, output_padding 0; the kernel refuses it
}
"""Rows that differ from what holds for the framework as a whole: what was recorded, and our answer."""


@cache
def normative() -> list[dict[str, Any]]:
    """The rows of these frameworks that are normative, without the quoted function."""
    return [
        row
        for row in recorded("torch.", "keras2.", "keras3.", "tf.")
        if row["op"] != "keras2.deconv_length" and ("[" not in row["op"] or row["op"].endswith("[tensorflow]"))
    ]


def answer(spec: Spec, n: int, *, free: bool) -> Any:
    """What the spec gives at n: "err", the sizes along the axes, or why nothing is known."""
    try:
        analysis = Analysis(load(spec.text("n" if free else n)))
    except Unreadable as error:
        return f"err: {error}"
    at = {analysis.inputs.names["n"].symbols[0]: n} if free and analysis.inputs.names else {}
    return sizes_at(analysis.shapes, "y", at, spec.axes)


@pytest.mark.parametrize("free", [False, True], ids=["number", "free"])
def test_sizes_and_refusals_are_the_recorded_ones(free: bool) -> None:
    """Every normative row, with its size as a number, and as a symbol evaluated at that size."""
    wrong: list[str] = []
    rows: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for row in normative():
        spec = FAMILIES[row["op"]](row["p"])
        wanted = row.get("out", "err")
        rows[row["op"]] += 1
        refused[row["op"]] += wanted == "err"
        if row["i"] in DISAGREEMENTS:
            assert wanted == DISAGREEMENTS[row["i"]][0]
            wanted = DISAGREEMENTS[row["i"]][1]
        found = answer(spec, row["n"], free=free)
        if wanted == "err":
            agrees = isinstance(found, str) and found.startswith("err")
        else:
            agrees = found == (wanted if isinstance(wanted, list) else [wanted] * len(spec.axes))
        if not agrees:
            wrong.append(f"{row['i']} {row['op']} {row['p']} n={row['n']}: {found}, recorded {wanted}")
    lines = [f"{op}: {rows[op]} rows, {refused[op]} refused" for op in sorted(rows)]
    sys.stdout.write("\n" + "\n".join([*lines, *wrong]) + "\n")
    assert not wrong
    assert rows == ROWS
    assert sum(refused.values()) == REFUSED


@pytest.mark.parametrize("free", [False, True], ids=["number", "free"])
def test_the_quoted_function_of_keras_2_gives_the_recorded_lengths(free: bool) -> None:
    """`deconv_length` by itself, which checks nothing: negative lengths and `full` included."""
    rows = recorded("keras2.deconv_length")
    assert len(rows) == 28
    for row in rows:
        p, n = row["p"], row["n"]
        size = Table().symbol("n")
        window = AxisWindow(p["k"], p["s"], p["d"], mode=p["pad"], output_padding=p.get("op"))
        found = deconv_length(size if free else n, window)
        assert evaluate(found, {size.symbols[0]: n}) == row["out"], row
