"""The sizes that `fix --kind declare` writes into a file's metadata are what a later check holds the file to."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import helper

import shapelint
from shapelint.cli import main

from .nets import Net
from .onnx_files import zoo_paths
from .shared import FIXTURES, needs_shared

if TYPE_CHECKING:
    from pathlib import Path

KEY = "shapelint.sizes"
ALMOST = {"extra": [], "start": 7, "period": 8, "residues": [0, 7]}
"""Multiples of 8, or 1 less: (n + 1) // 2 three times, and 2 * ((n + 7) // 8) is (n + 3) // 4."""


def strided(depth: int, *dims: int | str) -> onnx.ModelProto:
    """Strided convolutions, all but the first undone by a x2 that joins: three of them take 8k and 8k - 1."""
    net = Net()
    x = net.input("x", *(dims or (1, 1, "H", "W")))
    skips = [net.conv(x, "first", s=2)]
    for level in range(1, depth):
        skips.append(net.conv(skips[-1], f"down{level}", s=2))
    for level in range(depth - 1, 0, -1):
        up = net.deconv(skips[level], f"up{level}", entering=1 if level == depth - 1 else 2)
        skips[level - 1] = net.node("Concat", [skips[level - 1], up], f"join{level}", axis=1)
    return net.model(skips[0])


def promising(model: onnx.ModelProto, table: Any) -> onnx.ModelProto:
    helper.set_model_props(model, {KEY: table if isinstance(table, str) else json.dumps(table)})
    return model


def findings(source: Any, **stated: Any) -> list[tuple[str, str]]:
    return [(each.rule, each.message) for each in shapelint.check(source, **stated).findings]


def test_the_network_takes_what_is_said_here() -> None:
    sizes = shapelint.sizes(strided(3))["x"][2]
    assert sizes is not None
    assert sizes.to_json() == ALMOST


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """The dims can say 8*h only; 7, 15, 23 are legal by the promise."""
    onnx.save(strided(3), tmp_path / "a.onnx")
    assert findings(tmp_path / "a.onnx") == [
        ("SHP101", "`x` takes only some sizes of H and W: multiples of 8, or 1 less")
    ]
    assert main(["fix", str(tmp_path / "a.onnx"), "--kind", "declare", "-o", str(tmp_path / "b.onnx")]) == 0
    written = onnx.load(tmp_path / "b.onnx")
    dims = [dim.dim_param for dim in written.graph.input[0].type.tensor_type.shape.dim][2:]
    assert dims == ["8*h", "8*w"]
    assert findings(tmp_path / "b.onnx") == []
    sizes = shapelint.sizes(tmp_path / "b.onnx")
    assert sizes.verdict == "fits"
    assert sizes["x"][2] == shapelint.sizes(tmp_path / "a.onnx")["x"][2]
    assert findings(tmp_path / "b.onnx", inputs={"x": (1, 1, 15, 23)}) == []
    [(rule, message)] = findings(tmp_path / "b.onnx", inputs={"x": (1, 1, 15, 22)})
    assert rule == "SHP107"
    assert "declares [1, 1, 8*h, 8*w] and promises multiples of 8, or 1 less" in message


def test_the_check_says_that_it_is_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(promising(strided(3, 1, 1, "8*h", "8*w"), {"x": {"2": ALMOST, "3": ALMOST}}), tmp_path / "a.onnx")
    assert main(["check", "--isolated", str(tmp_path / "a.onnx")]) == 0
    assert "every promised size fits (H and W: multiples of 8, or 1 less)" in capsys.readouterr().out


def test_a_promised_size_that_does_not_run_is_an_error() -> None:
    """One level more needs 16k or 16k - 1: 7 becomes 4, 2, 1, 1 and does not come back."""
    model = promising(strided(4, 1, 1, "8*h", "8*w"), {"x": {"2": ALMOST, "3": ALMOST}})
    report = shapelint.check(model)
    [found] = report.findings
    assert (found.rule, found.severity.value) == ("SHP109", "error")
    assert found.message == "`x` promises H and W: multiples of 8, or 1 less, and 7 does not run"
    assert report.exit_code == 1


def test_a_promise_of_one_axis_leaves_the_other_alone() -> None:
    model = promising(strided(3), {"x": {"2": ALMOST}})
    assert findings(model) == [("SHP101", "`x` takes only some sizes of W: multiples of 8, or 1 less")]


def test_what_an_unknown_operator_does_disproves_nothing() -> None:
    net = Net(**{"com.acme": 1})
    x = net.input("x", 1, 1, "H", 8)
    net.node("Foo", [x], "foo", domain="com.acme")
    model = promising(net.model("foo"), {"x": {"2": ALMOST}})
    assert [rule for rule, _ in findings(model)] == ["SHP010"]


def test_inputs_that_share_a_dim_share_the_promise() -> None:
    """Both are declared 2*h; the pool makes the promise of even sizes, and 1 more, exact."""
    net = Net()
    a, b = (net.input(name, 1, 1, "2*h", 4) for name in "ab")
    net.node("Add", [net.pool(a, "p"), net.pool(b, "q")], "sum")
    twos = {"extra": [], "start": 2, "period": 1, "residues": [0]}
    model = promising(net.model("sum"), {"a": {"2": twos}, "b": {"2": twos}})
    assert findings(model) == []
    sizes = shapelint.sizes(model)
    assert sizes["a"][2] == sizes["b"][2]
    assert 7 in (sizes["a"][2] or ())
    assert sizes.fits({"a": (1, 1, 7, 4), "b": (1, 1, 7, 4)}) is True


MALFORMED = {
    "no JSON": ("{", "it is no JSON"),
    "deep": ("[" * 100_000, "it is no JSON"),
    "a list": ("[]", "it is no table of inputs and their axes"),
    "no axes": ('{"x": 8}', "it is no table of inputs and their axes"),
    "another input": ({"y": {"2": ALMOST}}, "the model has no input `y`"),
    "no axis": ({"x": {"4": ALMOST}}, "`x` has no axis 4"),
    "a word": ({"x": {"H": ALMOST}}, "`x` has no axis H"),
    "a far axis": ({"x": {"9" * 99: ALMOST}}, "`x` has no axis"),
    "no set": ({"x": {"2": 8}}, "what it says of axis 2 of `x` is no set of sizes"),
    "empty": ({"x": {"2": {**ALMOST, "residues": []}}}, "is no set of sizes"),
    "a residue too large": ({"x": {"2": {**ALMOST, "residues": [8]}}}, "is no set of sizes"),
    "no period": ({"x": {"2": {**ALMOST, "period": 0}}}, "is no set of sizes"),
    "a long period": ({"x": {"2": {**ALMOST, "period": 10**12}}}, "is no set of sizes"),
    "a fraction": ({"x": {"2": {**ALMOST, "start": 7.5}}}, "is no set of sizes"),
    "ranges out of order": ({"x": {"2": {**ALMOST, "extra": [[5, 6], [1, 2]]}}}, "is no set of sizes"),
    "a range above": ({"x": {"2": {**ALMOST, "extra": [[5, 9]]}}}, "is no set of sizes"),
    "a dim changed since": (
        {"x": {"2": {**ALMOST, "start": 15, "period": 16, "residues": [0, 15]}}},
        "axis 2 of `x` is declared as `8*h`, and 8 is none of the promised sizes (multiples of 16, or 1 less)",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_is_one_warning(name: str) -> None:
    table, clause = MALFORMED[name]
    report = shapelint.check(promising(strided(3, 1, 1, "8*h", "8*w"), table))
    [found] = report.findings
    assert (found.rule, found.severity.value) == ("SHP005", "warning")
    assert found.message.startswith(f"the metadata entry `{KEY}` is not read: ")
    assert clause in found.message
    assert "shapelint fix" in found.help[0]
    assert (
        shapelint.sizes(promising(strided(3, 1, 1, "8*h", "8*w"), table))["x"][2]
        == shapelint.sizes(strided(3, 1, 1, "8*h", "8*w"))["x"][2]
    )


def test_a_fixed_dim_outside_the_promise_is_told() -> None:
    sixteen = {"extra": [], "start": 16, "period": 16, "residues": [0]}
    [(rule, message)] = findings(promising(strided(3, 1, 1, 24, 24), {"x": {"2": sixteen}}))
    assert rule == "SHP005"
    assert "axis 2 of `x` is declared as 24, which is none of the promised sizes (multiples of 16)" in message
    assert findings(promising(strided(3, 1, 1, 24, 24), {"x": {"2": ALMOST}})) == []


@needs_shared
@pytest.mark.parametrize("path", zoo_paths(), ids=lambda path: path.stem)
def test_a_declared_network_of_the_zoo_keeps_its_promise(path: Path, tmp_path: Path) -> None:
    """What ran when it was recorded is a member, the axes are silent, and the sets are those before."""
    before = shapelint.sizes(path)
    out = tmp_path / "declared.onnx"
    if main(["fix", str(path), "--kind", "declare", "-o", str(out)]) != 0:
        assert not out.exists()
        return
    after = shapelint.sizes(out)
    table = json.loads({each.key: each.value for each in onnx.load(out, load_external_data=False).metadata_props}[KEY])
    truth = json.loads(path.with_suffix("").with_suffix(".truth.json").read_text())
    for name, axes in table.items():
        for axis in map(int, axes):
            own, old = after[name][axis], before[name][axis]
            assert own is not None
            assert old is not None
            assert own <= old
            assert not own.is_empty
            assert all(n in own for n in islice(old, 8) if n > 8)
            for low, high in truth["axes"].get(str(axis), {}).get("fits", []):
                assert all(n in own for n in range(low, high + 1) if n > 8), (axis, low, high)
    rules = [each.rule for each in shapelint.check(out).findings]
    assert "SHP005" not in rules
    assert "SHP109" not in rules
    spatial = {(name, int(axis)) for name, axes in table.items() for axis in axes}
    if spatial == {(name, axis) for name, axes in after.items() for axis in axes if axis}:
        assert "SHP101" not in rules


def test_the_fixtures() -> None:
    assert findings(FIXTURES / "ok" / "promised.onnx") == []
    assert [rule for rule, _ in findings(FIXTURES / "err" / "broken_promise.onnx")] == ["SHP109"]
    assert [rule for rule, _ in findings(FIXTURES / "err" / "malformed_promise.onnx")] == ["SHP005"]
