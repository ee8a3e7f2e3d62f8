"""The register of disagreements against recorded answers, and what the rule says of whole models.

Law: for every family and runtime that the register has, each recorded answer, be it that of the text or another one,
is the one that the register's arithmetic gives, with the size as a number and as a symbol.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from shapelint.analysis import Analysis
from shapelint.checks.runtimes import runtimes_disagree
from shapelint.cli import main
from shapelint.facts.disagreement import disagreements
from shapelint.propagate import propagate
from shapelint.registry import use_own
from shapelint.runtimes import REGISTER, departures, keras, onnxruntime, openvino, shape_inference, steps_of
from shapelint.size import SizeSet, Table, TooDeep, evaluate, holds
from shapelint.source import Unreadable, load

from . import test_truth_frameworks as frameworks
from . import test_truth_onnx as onnx
from . import test_truth_others as specs
from .shared import SHARED, needs_shared, zoo_names
from .truth_rows import sizes_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shapelint.finding import Fault
    from shapelint.graph import Node
    from shapelint.ops.call import Tensor
    from shapelint.runtimes import Runtime, Step
    from shapelint.size import Size

Row = dict[str, Any]

# -- the register against the recorded answers -----------------------------------------------------------------------

ORT, SI, OV = onnxruntime.ONNXRUNTIME, shape_inference.SHAPE_INFERENCE, openvino.OPENVINO

MODELLED: Final[dict[str, tuple[Runtime, int, int]]] = {
    # family: the runtime, the rows that answer as the text does, those that do not
    "onnx.AveragePool2D[ort]": (ORT, 9, 2),
    "onnx.AveragePool2D[si]": (SI, 11, 0),
    "onnx.AveragePool[ort]": (ORT, 21, 7),
    "onnx.AveragePool[ov]": (OV, 20, 4),
    "onnx.AveragePool[si]": (SI, 22, 6),
    "onnx.Conv[ort]": (ORT, 23, 5),
    "onnx.Conv[si]": (SI, 20, 8),
    "onnx.ConvTranspose[ort]": (ORT, 20, 8),
    "onnx.ConvTranspose[ov]": (OV, 20, 8),
    "onnx.ConvTranspose[si]": (SI, 22, 6),
    "onnx.LpPool[ort]": (ORT, 21, 7),
    "onnx.LpPool[si]": (SI, 22, 6),
    "onnx.MaxPool2D[ort]": (ORT, 10, 2),
    "onnx.MaxPool2D[si]": (SI, 12, 0),
    "onnx.MaxPool[ort]": (ORT, 21, 7),
    "onnx.MaxPool[ov]": (OV, 24, 4),
    "onnx.MaxPool[si]": (SI, 21, 7),
    "onnx.Resize(scales)[ort]": (ORT, 28, 0),
    "onnx.Resize(scales)[si]": (SI, 27, 1),
    "onnx.Upsample[ort]": (ORT, 21, 7),
    "onnx.Upsample[si]": (SI, 28, 0),
    "keras3(old 3.13.2).convT[torch]": (keras.OLDER_TORCH, 4, 2),
    "keras3.avgpool[jax]": (keras.JAX, 11, 0),
    "keras3.avgpool[tensorflow]": (keras.TENSORFLOW, 21, 0),
    "keras3.avgpool[torch]": (keras.TORCH, 17, 4),
    "keras3.convT.compute_output_shape": (keras.COMPUTED, 27, 1),
    "keras3.convT[jax]": (keras.JAX, 27, 1),
    "keras3.convT[numpy]": (keras.NUMPY, 27, 1),
    "keras3.convT[tensorflow]": (keras.TENSORFLOW, 27, 1),
    "keras3.convT[torch]": (keras.TORCH, 26, 2),
    "keras3.conv[jax]": (keras.JAX, 17, 0),
    "keras3.conv[tensorflow]": (keras.TENSORFLOW, 28, 0),
    "keras3.conv[torch]": (keras.TORCH, 16, 0),
    "keras3.maxpool[jax]": (keras.JAX, 9, 1),
    "keras3.maxpool[tensorflow]": (keras.TENSORFLOW, 21, 0),
    "keras3.maxpool[torch]": (keras.TORCH, 18, 3),
}
"""Families of which every recorded answer follows from the register."""

ELSEWHERE: Final = {
    "[ref]": "ONNX's reference evaluator checks values, and is no oracle of sizes",
    "onnx.Resize(scales)[ov]": "OpenVINO multiplies with a tolerance that is not known exactly",
    "keras3.roundtrip": "two layers, each of which is modelled by itself",
    "openvino.": "native operators: no file that shapelint reads holds them",
    "coreml.": "no file that shapelint reads holds them",
    "mxnet.": "no file that shapelint reads holds them",
    "ncnn.": "no file that shapelint reads holds them",
    "align:": "of alignment, not of size",
    "compose:": "of alignment, not of size",
}
"""Families of other runtimes that the register does not have, and why; by a part of their name."""

NEVER_AT_A_SIZE_THAT_FITS: Final = (
    "onnx.Col2Im[si]",
    "onnx.DeformConv[si]",
    "onnx.DepthToSpace[si]",
    "onnx.GridSample[si]",
    "onnx.MaxUnpool[si]",
    "onnx.Pad[si]",
    "onnx.Resize(policy)[si]",
    "onnx.RoiAlign[si]",
    "onnx.Slice[si]",
    "onnx.SpaceToDepth[si]",
)
"""Families that the register does not have because they answer otherwise only where the text refuses, or leave a size
open; which is asserted."""

ITS_OWN_TEXT: Final = ("jax.", "flax.", "theano.", "paddle.", "torch.", "tf.", "keras2.", "keras3.", "onnx.")
"""What remains of these families is normative."""


@cache
def recorded() -> list[Row]:
    return [json.loads(line) for line in (SHARED / "truth" / "sizes.jsonl").read_text().splitlines()]


def is_elsewhere(family: str) -> bool:
    return any(part in family for part in ELSEWHERE)


@needs_shared
def test_every_family_is_modelled_or_named() -> None:
    """No recorded runtime is passed over in silence."""
    left = {row["op"] for row in recorded()} - MODELLED.keys() - set(NEVER_AT_A_SIZE_THAT_FITS)
    left = {family for family in left if not is_elsewhere(family)}
    brackets = {family for family in left if family.endswith("]") and not family.endswith(("[ort]", "[tensorflow]"))}
    assert not brackets
    assert all(family.startswith(ITS_OWN_TEXT) for family in left), left
    # What onnxruntime does in the families that are left is what our text says there, row by row.
    differ = [row for row in recorded() if row["op"] in left and "spec" in row and row.get("out", "err") != row["spec"]]
    assert not differ


@needs_shared
@pytest.mark.parametrize("family", NEVER_AT_A_SIZE_THAT_FITS)
def test_inference_agrees_wherever_the_node_runs(family: str) -> None:
    """Against onnxruntime's answer for the same parameters where it is recorded, else against propagation."""
    rows = [row for row in recorded() if row["op"] == family]
    assert rows
    for row in rows:
        text = answered(onnx.FAMILIES[family.partition("[")[0]](row["p"], row["n"]), {}, Table())
        out = row.get("out", "err")
        if out in ("err", "unknown") or text == "err" or 0 in text:
            assert text == "err" or out != "err", row
            continue
        given = out if isinstance(out, list) else [out] * len(text)
        assert all(had in ("unknown", wanted) for had, wanted in zip(given, text, strict=True)), row


def said(runtime: Runtime, node: Node, tensors: Mapping[str, Tensor], at: Mapping[Any, int], text: Any) -> Any:
    """What the register has a runtime answer along the axes of a node: sizes, "err" or "unknown"."""
    found: list[Any] = []
    steps = steps_of(node, tensors, Table())
    for step in steps:
        answers = [answer for entry, answer in departures(step) if entry.runtime == runtime]
        sized = [answer.size for answer in answers if answer.size is not None]
        runs = all(holds(answer.runs, at) for answer in answers)
        if not runs or (text == "err" and not sized):
            return "err"
        if any(holds(answer.open, at) for answer in answers):
            return "unknown"
        found.append(evaluate(sized[0] if sized else step.text, at))
    return text if not steps else found


def answered(made: onnx.OneNode, at: Mapping[Any, int], table: Table) -> Any:
    """What propagation gives along the axes that a row tells of."""
    return sizes_at(propagate(made.graph(), made.inputs, table, concrete=not at), "y", at, made.axes)


def of_onnx(row: Row, *, free: bool) -> tuple[Any, Any]:
    """What the text and the runtime of a row answer."""
    family = row["op"].partition("[")[0]
    table = Table()
    size: Size = table.symbol("n") if free else row["n"]
    at = {} if isinstance(size, int) else {size.symbols[0]: row["n"]}
    made = onnx.FAMILIES[family](row["p"], size)
    graph = made.graph()
    shapes = propagate(graph, made.inputs, table)
    text = answered(made, at, table)
    found = said(MODELLED[row["op"]][0], graph.nodes[0], shapes.tensors, at, text)
    if isinstance(found, list) and len(found) > len(made.axes):
        found = found[-len(made.axes) :]
    return text, found


def of_keras(row: Row, *, free: bool) -> tuple[Any, Any]:
    """What Keras on TensorFlow and the backend of a row answer."""
    family = row["op"].replace("(old 3.13.2)", "").partition("[")[0].removesuffix(".compute_output_shape")
    spec = frameworks.FAMILIES[f"{family}[tensorflow]"](row["p"])
    text = frameworks.answer(spec, row["n"], free=free)
    text = "err" if isinstance(text, str) and text.startswith("err") else text
    try:
        analysis = Analysis(load(spec.text("n" if free else row["n"])))
    except Unreadable:
        return text, text
    at = {analysis.inputs.names["n"].symbols[0]: row["n"]} if free and analysis.inputs.names else {}
    node = next(node for node in analysis.graph.nodes if node.path == "y")
    if text == "err" and analysis.shapes.tensors["y"].shape is None:
        return text, text
    shapes = propagated_free(spec, row["n"]) if text == "err" and not free else (node, analysis.shapes.tensors, at)
    return text, said(MODELLED[row["op"]][0], *shapes, text)


def propagated_free(spec: frameworks.Spec, n: int) -> tuple[Node, Mapping[str, Tensor], Mapping[Any, int]]:
    """The node with its tensors where the size is a name; with a number, what a node refuses gives nothing."""
    analysis = Analysis(load(spec.text("n")))
    node = next(node for node in analysis.graph.nodes if node.path == "y")
    return node, analysis.shapes.tensors, {analysis.inputs.names["n"].symbols[0]: n}


@needs_shared
@pytest.mark.parametrize("free", [False, True], ids=["number", "free"])
def test_each_recorded_answer_follows_from_the_register(free: bool) -> None:
    """The very number, refusal or open size, whether the runtime agrees with the text or not."""
    wrong: list[str] = []
    agree: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    for row in recorded():
        if row["op"] not in MODELLED:
            continue
        text, found = (of_onnx if row["op"].startswith("onnx.") else of_keras)(row, free=free)
        out = row.get("out", "err")
        wanted = out if isinstance(out, str | list) else [out] * (1 if isinstance(found, str) else len(found))
        if found != wanted:
            wrong.append(f"{row['i']} {row['op']} {row['p']} n={row['n']}: {found}, recorded {wanted}, text {text}")
        (agree if wanted == text else differ)[row["op"]] += 1
    counted = {family: (agree[family], differ[family]) for family in MODELLED}
    lines = [f"{family}: {same} as the text, {other} otherwise" for family, (same, other) in sorted(counted.items())]
    sys.stdout.write("\n" + "\n".join([*lines, *wrong]) + "\n")
    assert not wrong
    assert counted == {family: (same, other) for family, (_, same, other) in MODELLED.items()}


# -- the findings against the recorded answers -----------------------------------------------------------------------


def spec_of(row: Row, *, stated: bool) -> str:
    """The row as a spec: its size a number, or a name of which the number is stated."""
    size = "n" if stated else str(row["n"])
    if row["op"].startswith("onnx."):
        dims, layers = specs.LAYERS[row["op"].partition("[")[0]]
        dims = dims.format_map(row["p"])
        text = specs.text_of(row, dims if stated else dims.replace("n", size), layers(row["p"]))
    else:
        family = row["op"].replace("(old 3.13.2)", "").partition("[")[0].removesuffix(".compute_output_shape")
        text = frameworks.FAMILIES[f"{family}[tensorflow]"](row["p"]).text(size).decode()
    return text.replace("layers:", f"sizes:\n  n: {row['n']}\nlayers:", 1) if stated else text


FOUND: Final = {
    "keras3(old 3.13.2).convT[torch]": 2,
    "keras3.convT[tensorflow]": 1,
    "onnx.AveragePool2D[ort]": 2,
    "onnx.AveragePool[ort]": 5,
    "onnx.AveragePool[ov]": 4,
    "onnx.AveragePool[si]": 4,
    "onnx.Conv[ort]": 5,
    "onnx.ConvTranspose[ort]": 8,
    "onnx.ConvTranspose[ov]": 6,
    "onnx.ConvTranspose[si]": 4,
    "onnx.LpPool[ort]": 5,
    "onnx.LpPool[si]": 4,
    "onnx.MaxPool2D[ort]": 2,
    "onnx.MaxPool[ort]": 7,
    "onnx.MaxPool[ov]": 4,
    "onnx.MaxPool[si]": 1,
    "onnx.Resize(scales)[si]": 1,
    "onnx.Upsample[ort]": 7,
}
"""How many recorded answers of each family are another one than the text's, at a size that the text takes."""


@needs_shared
@pytest.mark.parametrize("stated", [False, True], ids=["number", "stated"])
def test_a_row_is_found_exactly_where_its_runtime_departs_at_a_size_that_runs(stated: bool) -> None:
    """With the size that leaves by the text and the one, or the refusal, that is recorded."""
    found_rows: Counter[str] = Counter()
    for row in recorded():
        if row["op"] not in MODELLED:
            continue
        runtime = MODELLED[row["op"]][0]
        text, _ = (of_onnx if row["op"].startswith("onnx.") else of_keras)(row, free=True)
        out = row.get("out", "err")
        wanted = out if isinstance(out, str | list) else [out] * (1 if text == "err" else len(text))
        departs = text not in ("err", [0]) and wanted not in (text, "unknown")
        try:
            facts = Analysis(load(spec_of(row, stated=stated).encode())).facts
        except Unreadable:
            assert not departs
            continue
        places = [
            place
            for found in disagreements(facts, {runtime.word})
            for place in found.first
            if place.answers.get(runtime, place.text) != place.text
        ]
        assert bool(places) is departs, row
        found_rows[row["op"]] += departs
        for place in places:
            assert [place.text] == text[-1:], row
            assert place.answers[runtime] == (None if out == "err" else wanted[-1]), row
    assert {family: count for family, count in found_rows.items() if count} == FOUND


@needs_shared
def test_an_export_resizes_as_onnxruntime_is_recorded_to() -> None:
    """PyTorch's float64 product and onnxruntime's float32 product, for scales and sizes of both families' rows."""
    rows = [row for row in recorded() if row["op"] == "onnx.Resize(scales)[ort]"]
    exports = {(row["p"]["scale"], row["n"]): row["out"] for row in rows}
    differ = 0
    for (scale, n), out in exports.items():
        text = f"shapelint: 1\ninputs:\n  x: [1, 1, {n}]\nlayers:\n  - y: Upsample(scale_factor={scale})\n"
        analysis = Analysis(load(text.encode()))
        if analysis.failures:
            continue
        places = [place for found in disagreements(analysis.facts, {"onnxruntime"}) for place in found.first]
        in_torch = int(n * scale)
        assert [(place.text, place.others) for place in places] == ([] if in_torch == out else [(in_torch, [out])])
        differ += in_torch != out
    assert differ >= 1


# -- the rule --------------------------------------------------------------------------------------------------------

SAME: Final = """\
shapelint: 1
convention: onnx
opset: 13
inputs:
  x: [1, 1, H, W]
layers:
  - k: Constant(shape=[1, 1, 2, 2])
  - a: ConvTranspose(x, k, strides=[3, 3], auto_pad="SAME_UPPER")
  - b: ConvTranspose(a, k, strides=[3, 3], auto_pad="SAME_UPPER")
"""
CEIL: Final = """\
shapelint: 1
convention: onnx
opset: 13
inputs:
  x: [1, 1, H, 64]
layers:
  - y: MaxPool(kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
"""


def findings_of(text: str, **asked: bool) -> list[Fault]:
    return list(runtimes_disagree(Analysis(load(text.encode())).facts, **asked))


def test_nodes_of_one_cause_are_one_finding() -> None:
    """full = 3n - 1 against 3n: 2 against 3 at n = 1, and 8 against 9 at the 3 that follow."""
    (fault,) = findings_of(SAME)
    assert (fault.node, fault.axes, fault.sizes) == ("a", ("H", "W"), ((3,), (2,)))
    assert [(row.node, row.axes, row.left, row.right) for row in fault.also] == [("b", ("H", "W"), (9,), (8,))]
    assert fault.at == {"x": (1, 1, 1, None)}
    assert fault.subject.words["answers"] == "3 by ONNX's text, 2 by onnxruntime 1.32 and OpenVINO 2026.4"
    assert fault.subject.words["inferred"] == "onnx.shape_inference 1.23 says 2"


def test_the_smallest_size_is_named_and_a_stated_domain_is_kept_to() -> None:
    """min(ceil(n/2) + 1, ceil((n + 1)/2)) against ceil(n/2) + 1: they differ for odd n."""
    (fault,) = findings_of(CEIL)
    assert fault.subject.words["answers"] == "1 by ONNX's text of opset 22 and onnxruntime 1.32, 2 by OpenVINO 2026.4"
    assert fault.subject.words["example"] == "H = 1"
    assert fault.subject.words["sizes"] == f"for H: {SizeSet.of_range(1, None, 2).text}"
    assert not findings_of(CEIL.replace("layers:", "sizes:\n  H: multiple of 2\nlayers:"))
    some = CEIL.replace("layers:", "sizes:\n  H: 8..9\nlayers:")
    assert findings_of(some)[0].subject.words["example"] == "H = 9"
    assert not findings_of(some, openvino=False)


def test_inference_alone_is_no_finding_unless_it_is_asked_for() -> None:
    """Below opset 22 shape inference counts the last window, as OpenVINO does of a MaxPool only."""
    text = CEIL.replace("MaxPool", "AveragePool")
    assert not findings_of(text)
    (fault,) = findings_of(text, shape_inference=True)
    assert fault.subject.words["answers"].endswith("and OpenVINO 2026.4, 2 by onnx.shape_inference 1.23")
    assert not findings_of(text.replace("opset: 13", "opset: 22"), shape_inference=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[3, 3]", "[2, 2]"),  # a kernel as large as the stride
        ("layers:", "layers:\n  - u: com.acme.Foo(x)"),  # an unknown operator: nothing is proved
        ("a, k", "a, x"),  # runs at no size: that is another finding
    ],
)
def test_nothing_is_said_of(old: str, new: str) -> None:
    assert not findings_of(SAME.replace(old, new))


@needs_shared
def test_real_networks_are_no_noise() -> None:
    """One of 28: a 3-wide ceil-mode window over the 2 pixels that 21 to 28 become, which onnxruntime ran."""
    found = {}
    for name in zoo_names():
        for fault in runtimes_disagree(Analysis(load(SHARED / "zoo" / f"{name}.onnx")).facts):
            found[name, fault.node] = fault.subject.words["sizes"]
    assert found == {("tv_squeezenet_ceil", "/m/features/features.11/MaxPool"): "for H and W: 21 to 28"}
    truth = json.loads((SHARED / "zoo" / "tv_squeezenet_ceil.truth.json").read_text())
    assert truth["axes"]["2"]["fits"][0][0] == 21


def test_what_nests_too_deeply_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime's size can be deeper than the text's, which is just shallow enough."""

    def deeper(step: Step) -> Iterator[Any]:
        raise TooDeep

    monkeypatch.setattr("shapelint.facts.disagreement.departures", deeper)
    assert not findings_of(SAME)


def test_a_rule_of_ones_own_asks_for_one_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """We deploy on OpenVINO: where it departs, that is an error."""
    rules = tmp_path / ".shapelint" / "rules"
    rules.mkdir(parents=True)
    (rules / "ACME001-not-on-openvino.yaml").write_text(OWN)
    (tmp_path / "net.shape.yaml").write_text(CEIL)
    monkeypatch.chdir(tmp_path)
    try:
        assert main(["check", "net.shape.yaml", "--select", "ACME001"]) == 1
        (tmp_path / "net.shape.yaml").write_text(CEIL.replace("pads=[1, 1, 1, 1], ", ""))
        assert main(["check", "net.shape.yaml", "--select", "ACME001", "--where", "2.."]) == 0
    finally:
        use_own(())


OWN: Final = """\
id: ACME001
name: not-on-openvino
check: runtimes-disagree
since: 1.0.0
severity: error
summary: OpenVINO gives another size
message: "`{node}` gives {answers} at {example}"
why: We deploy on OpenVINO.
options: {onnxruntime: false, keras: false}
references:
  - https://example.com/deployment
"""


def test_every_entry_says_what_the_runtime_does_and_where_that_stands() -> None:
    for entry in REGISTER:
        assert len(entry.says) > 20
        assert entry.reference.startswith("https://")
