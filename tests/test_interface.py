"""What INTERFACE.md and GRAMMAR.md say, sentence by sentence; expectations are theirs, or hand arithmetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import shapelint
from shapelint.cli import main

from .nets import Net


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command line; its exit code, and what it prints: an object where it is JSON."""

    def call(*arguments: str) -> tuple[int, Any]:
        code = main(list(arguments))
        out = capsys.readouterr().out
        return code, json.loads(out) if "json" in arguments else out

    return call


def save(name: str, net: Net, *outputs: str) -> str:
    Path(name).write_bytes(net.model(*outputs).SerializeToString())
    return name


def unet(name: str = "unet.onnx", *dims: int | str) -> str:
    """Two floor-mode halvings: multiples of 4."""
    net = Net()
    return save(name, net, net.unet(net.input("x", *(dims or (1, 1, "H", "W"))), 2))


def sample() -> str:
    """Three halvings that round up, undone by factors of 2, joined by additions at 1/4 and 1/2.

    2*ceil(n/8) = ceil(n/4) and 2*ceil(n/4) = ceil(n/2) hold for n = 7 and 8 of every 8; at 1 and 2 a pixel is
    stretched.
    """
    net = Net()
    down1 = net.conv(net.input("x", 1, 3, "s53", "s60"), "down1", 3, s=2)
    down2 = net.conv(down1, "down2", s=2)
    inner = net.conv(down2, "down3", s=2)
    back = {"k": 3, "pads": [1] * 4, "output_padding": [1, 1]}
    inner = net.node("Add", [down2, net.deconv(inner, "up3", **back)], "join3")
    inner = net.node("Add", [down1, net.deconv(inner, "up2", **back)], "join2")
    return save("net.onnx", net, net.deconv(inner, "y", **back))


def spec(text: str, head: str = "inputs: {x: [1, 3, H, W]}") -> Any:
    return shapelint.spec(f"shapelint: 1\n{head}\n{text}")


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_the_whole_answer_of_sizes(run: Any) -> None:
    code, answer = run("sizes", sample(), "--at", "225x225", "--format", "json")
    assert code == 1
    height = {
        "input": "x", "axis": 2, "symbol": "H", "name_in_file": "s53", "size": "H", "declared": "any",
        "set": {"extra": [[1, 2]], "start": 7, "period": 8, "residues": [0, 7]}, "fits": None,
        "pad_to": 8, "complete": True, "checked_to": None,
        "text": "multiples of 8, or 1 less; also 1 to 2", "domain": "8*k | 8*k + 7 in 7.. | 1..2",
        "avoid": {"extra": [[1, 2]], "start": 0, "period": 1, "residues": []},
    }  # fmt: skip
    width = {**height, "axis": 3, "symbol": "W", "name_in_file": "s60", "size": "W"}
    assert answer.pop("tool").startswith("shapelint ")
    broken = answer.pop("broken_by")
    outputs = answer.pop("outputs")
    assert answer == {
        "version": 1, "file": "net.onnx", "verdict": "restricted", "inputs": {"x": [1, 3, "H", "W"]},
        "axes": [height, width], "coupled": [], "unknown": [],
        "at": [
            {
                "inputs": {"x": [1, 3, 225, 225]}, "fits": False, "outputs": None,
                "below": {"x": [1, 3, 224, 224]}, "above": {"x": [1, 3, 231, 231]},
                "pad": {"x": {"2": [0, 7], "3": [0, 7]}}, "crop": {"y": {"2": [0, 225], "3": [0, 225]}},
            }
        ],
    }  # fmt: skip
    assert [(each["output"], each["axis"], each["scale"], each["equal"]) for each in outputs] == [
        ("y", axis, "1/1", {"extra": [], "start": 8, "period": 8, "residues": [0]}) for axis in (2, 3)
    ]
    assert outputs[0]["follows"] == {"input": "x", "axis": 2}
    assert broken[0] == {
        "node": "join3", "op": "Add", "symbol": "H", "left": "ceil(H/4)", "right": "2*ceil(H/8)",
        "set": {"extra": [[1, 4]], "start": 5, "period": 8, "residues": [0, 5, 6, 7]},
        "down": ["down3"], "up": ["up3"],
    }  # fmt: skip


# -- stating sizes, on every command that reads a model --------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "sizes", "show"])
@pytest.mark.parametrize(("sizes", "code"), [(["64x64"], 0), (["64x65"], 1), (["64x64", "66x64"], 1), (["H=68"], 0)])
def test_a_single_size(command: str, sizes: list[str], code: int, run: Any) -> None:
    asked = [word for size in sizes for word in ("--at", size)]
    assert run(command, unet(), *asked, "--format", "json")[0] == code


def test_a_single_size_that_must_fit_is_proved(run: Any) -> None:
    net = Net(**{"com.acme": 1})
    opaque = net.node("Foo", [net.input("x", 1, 1, "H", "W")], "foo", domain="com.acme")
    code, report = run("check", save("net.onnx", net, opaque), "--at", "64x64", "--format", "json")
    assert (code, [each["rule"] for each in report["findings"]]) == (1, ["SHP011"])


def test_single_sizes_never_mix_their_numbers(run: Any) -> None:
    """H*W = 64 holds for 8x8 and 4x16, and not for 8x16."""
    net = Net()
    y = net.node("Reshape", [net.input("x", 1, 1, "H", "W"), net.const("to", [1, 1, 64])], "y")
    file = save("net.onnx", net, y)
    assert run("check", file, "--at", "8x8", "--at", "4x16") == (
        0,
        run("check", file, "--at", "8x8", "--at", "4x16")[1],
    )
    assert run("check", file, "--at", "8x8", "--at", "8x16")[0] == 1


def test_a_single_size_leaves_what_a_spec_states(run: Any) -> None:
    """The spec asks for every H, of which only the even ones fit."""
    text = (
        "shapelint: 1\ninputs: {x: [1, 3, H, W]}\nsizes: {H: 2..}\nlayers:\n"
        "  - down: MaxPool2d(2)\n  - up: Upsample(scale_factor=2)\n  - Concat(up, x)\n"
    )
    Path("net.shape.yaml").write_text(text)
    code, report = run("check", "net.shape.yaml", "--at", "6x8", "--format", "json")
    assert code == 1
    [found] = report["findings"]
    assert (found["rule"], found["axes"], found["at"]["x"][2]) == ("SHP201", ["H"], 3)
    Path("net.shape.yaml").write_text(text.replace("2..", "multiple of 4"))
    assert run("check", "net.shape.yaml", "--at", "6x8", "--format", "json")[1]["findings"] == []


def test_show_at_single_sizes(run: Any) -> None:
    code, shown = run("show", unet(), "--at", "66x64", "--at", "H=64", "--format", "json")
    assert code == 1
    assert shown["inputs"] == {"x": [1, 1, 66, 64]}
    assert shown["failed"] == {
        "node": "join2", "op": "Concat", "message": "joins `pool1` at 33x32 with `up2` at 32x32"
    }  # fmt: skip
    [other] = shown["others"]
    assert other["inputs"] == {"x": [1, 1, 64, "W"]}
    assert other["nodes"][0]["outputs"] == {"pool1": [1, 1, 32, "W//2"]}
    assert other["failed"] is None


def test_the_menu_for_a_single_size_says_how_to_come_back_to_it(run: Any) -> None:
    code, menu = run("fix", unet(), "--at", "66x64", "--format", "json")
    assert code == 0
    assert menu["fixes"][0]["command"].startswith("shapelint fix unet.onnx --at 66x64 --pick 1 ")


# -- exit codes ------------------------------------------------------------------------------------------------------


def test_the_exit_code_of_a_report_is_that_of_the_command(run: Any) -> None:
    unet()
    assert shapelint.check("gone.onnx").exit_code == run("check", "gone.onnx")[0] == 2
    assert shapelint.check("gone.onnx").to_json()["errors"] == [
        {"file": "gone.onnx", "message": "does not exist; did you mean `unet.onnx`?"}
    ]
    assert shapelint.check(unet("odd.onnx", 1, 1, 66, 64)).exit_code == run("check", "odd.onnx")[0] == 1
    with pytest.raises(ValueError, match="there is no rule `NOPE`"):
        shapelint.check("unet.onnx", select=["NOPE"])
    with pytest.raises(ValueError, match="the model has no input `y`"):
        shapelint.sizes("unet.onnx", inputs={"y": (1, 1, 8, 8)})


@pytest.mark.parametrize("command", ["sizes", "show", "fix"])
@pytest.mark.parametrize("data", [None, b"\x08\x09\x0a", b"version https://git-lfs.github.com/spec/v1\n", b"a: 1\n"])
def test_what_cannot_be_read_is_one_object(command: str, data: bytes | None, run: Any) -> None:
    if data is not None:
        Path("net.onnx").write_bytes(data)
    code, answer = run(command, "net.onnx", "--format", "json")
    assert code == 2
    assert answer.keys() == {"version", "errors"}
    assert [error["file"] for error in answer["errors"]] == ["net.onnx"]


# -- what fails by default -------------------------------------------------------------------------------------------

ROUND = "layers:\n  - down: MaxPool2d(2)\n  - up: Upsample(scale_factor=2)\n"
JOIN = f"{ROUND}  - Concat(up, x)\n"
STRETCH = "layers:\n  - down: Conv2d(3, 3, stride=2, padding=1)\n  - up: Upsample(scale_factor=2)\n  - Add(up, x)\n"
DEFAULTS: dict[str, tuple[str, str, set[tuple[str, str]]]] = {
    "a fixed size is disproved": (JOIN, "inputs: {x: [1, 3, 8, 9]}", {("SHP201", "error")}),
    "a fixed size is not disproved": ("layers:\n  - Strange()\n", "inputs: {x: [1, 3, 8, 9]}", {("SHP010", "info")}),
    "a stated size is disproved": (f"sizes: {{H: 2.., W: 8}}\n{JOIN}", "", {("SHP201", "error")}),
    "a stated size is not proved": ("sizes: {H: 8, W: 8}\nlayers:\n  - Strange()\n", "", {("SHP011", "error")}),
    "nothing fits": ("layers:\n  - a: Conv2d(3, 3)\n  - Concat(a, x)\n", "", {("SHP201", "error")}),
    "a few sizes": (
        "layers:\n  - Conv2d(3, 16, stride=16)\n  - Flatten()\n  - Linear(3, 4)\n", "inputs: {x: [1, 3, L, 16]}",
        {("SHP101", "warning")},
    ),
    "one class that holds no multiples": (
        "layers:\n  - a: Conv2d(3, 4, stride=32, padding=1)\n  - b: ConvTranspose2d(3, 30, stride=32)\n  - Add(b, x)\n",
        "inputs: {x: [1, 3, H, 30]}", {("SHP101", "warning")},
    ),
    "as large as the input at no multiples": (
        "layers:\n  - Conv2d(3, 4, stride=4)\n  - ConvTranspose2d(3, 5, stride=4)\n", "",
        {("SHP101", "info"), ("SHP104", "warning")},
    ),
    "one pixel stretched at a stated size": (f"sizes: {{H: 1, W: 2}}\n{STRETCH}", "", {("SHP203", "warning")}),
    "one pixel stretched at an unstated size": (STRETCH, "", {("SHP101", "info"), ("SHP203", "info")}),
    "a gate": ("layers:\n  - a: AdaptiveAvgPool2d(1)\n  - Mul(a, x)\n", "", set()),
    "multiples": (JOIN, "", {("SHP101", "info")}),
    "from some size on": ("layers:\n  - Conv2d(3, 29)\n", "", {("SHP101", "info")}),
    "channels": ("layers:\n  - Conv2d(4, 8, 3)\n", "", {("SHP106", "error")}),
    "an illegal output_padding": (
        "layers:\n  - ConvTranspose2d(8, 3, stride=2, output_padding=2)\n", "", {("SHP401", "error")},
    ),
    "a condition that warns": (
        f"{ROUND}expect:\n  - warn: up.size == x.size\n", "inputs: {x: [1, 3, 8, 9]}", {("SHP204", "warning")},
    ),
    "a condition that fails": (
        f"{ROUND}expect:\n  - up.size == x.size\n", "inputs: {x: [1, 3, 8, 9]}", {("SHP202", "error")},
    ),
    "an unused suppression": (
        "layers:\n  - ReLU()  # shapelint: ignore[SHP201] why\n", "", {("SHP901", "warning")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_fails_by_default(name: str) -> None:
    text, head, expected = DEFAULTS[name]
    report = shapelint.check(spec(text, head or "inputs: {x: [1, 3, H, W]}"))
    assert {(found.rule, found.severity.value) for found in report.findings} == expected
    assert report.exit_code == int(any(level != "info" for _, level in expected))


def test_a_symbol_without_a_domain_is_told_once(run: Any) -> None:
    """Two inputs that share H and W are two findings, not four."""
    net = Net()
    first, second = net.input("a", 1, 1, "H", "W"), net.input("b", 1, 1, "H", "W")
    file = save("net.onnx", net, net.node("Add", [first, second], "y"))
    Path("shapelint.toml").write_text("require-where = true\n")
    code, report = run("check", file, "--format", "json")
    assert code == 1
    assert [(each["rule"], each["axes"]) for each in report["findings"]] == [("SHP108", ["H"]), ("SHP108", ["W"])]


# -- the configuration -----------------------------------------------------------------------------------------------


def test_a_condition_is_read_with_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether a model that it is for is looked at or not."""
    unet()
    Path("shapelint.toml").write_text('[models."other.onnx"]\nexpect = ["a =="]\n')
    assert main(["check", "unet.onnx"]) == 2
    assert capsys.readouterr().err.startswith("shapelint: shapelint.toml:2: `expect`: `a ==` is no expression")


# -- the grammar -----------------------------------------------------------------------------------------------------


def test_a_symbol_of_a_spec_keeps_its_name() -> None:
    """`8*h` is over h, which `sizes:` and --where speak of."""
    source = spec("sizes: {h: multiple of 3}\nlayers:\n  - MaxPool2d(16)\n", "inputs: {x: [1, 3, 8*h, 16]}")
    [axis] = shapelint.sizes(source).to_json()["axes"]
    assert (axis["symbol"], axis["size"], axis["text"]) == ("h", "8*h", "from 2")
    assert axis["declared"] == "multiple of 3"
    assert shapelint.sizes(source, where={"h": "2"}).verdict == "fits"


def test_a_described_type_takes_the_name_of_its_item() -> None:
    source = spec(
        "types: {MyDown: MaxPool2d(2), MyUp: {scale: 2}, MyAct: same}\n"
        "layers:\n  - a: MyDown()\n  - b: MyUp(3)\n  - c: MyAct()\n  - MyDown()\n  - MyDown()\n"
    )
    assert list(shapelint.shapes(source, inputs={"x": (1, 3, 32, 48)})) == ["x", "a", "b", "c", "MyDown", "MyDown#2"]


def test_any_call_says_what_it_undoes(run: Any) -> None:
    Path("net.shape.yaml").write_text(
        "shapelint: 1\ninputs: {x: [1, 3, H, W]}\ntypes: {MyUp: {scale: 2}, Alike: Upsample(scale_factor=2)}\n"
        'blocks:\n  "up(c)":\n    - Conv2d(c, 3, padding=1)\n    - grow: Upsample(scale_factor=2)\n'
        "layers:\n  - a: MaxPool2d(2)\n  - b: MaxPool2d(2)\n  - c: MaxPool2d(2)\n"
        "  - d: up(3, undoes=a)\n  - e: MyUp(undoes=b)\n  - f: Alike(undoes=c)\n"
    )
    _, shown = run("show", "net.shape.yaml", "--format", "json")
    undone = {node["name"]: node["undoes"] for node in shown["nodes"] if node["undoes"]}
    assert undone == {"d/grow": ["a"], "e": ["b"], "f": ["c"]}


def test_a_block_hides_a_type_with_a_note() -> None:
    text = 'blocks:\n  "{name}(c)":\n    - MaxPool2d(2)\nlayers:\n  - {name}(4)\n'
    note = "the block `Conv2d` of the file hides the layer of that name"
    [hidden] = shapelint.check(spec(text.format(name="Conv2d"))).findings
    [other] = shapelint.check(spec(text.format(name="Mine"))).findings
    assert note in hidden.notes
    assert hidden.message == other.message
    assert not any("hides" in each for each in other.notes)


def test_concat_joins_channels_where_they_stand() -> None:
    for layout, shape, joined in (
        ("channels_first", (1, 3, 8, 8), (1, 6, 8, 8)),
        ("channels_last", (1, 8, 8, 3), (1, 8, 8, 6)),
    ):
        source = spec(
            "layers:\n  - a: Concat(x, x, axis=channels)\n", f"layout: {layout}\ninputs: {{x: {list(shape)}}}"
        )
        assert shapelint.shapes(source)["a"] == joined


@pytest.mark.parametrize("word", ["do", "else", "name", "args", "from", "input"])
def test_a_word_of_the_grammar_is_no_name(word: str) -> None:
    with pytest.raises(shapelint.Unreadable, match=f"a layer cannot be called `{word}`"):
        shapelint.sizes(spec(f"layers:\n  - {word}: ReLU()\n"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("type: ReLU()", "`ReLU\\(\\)` is no name of a type"),
        ("Conv2d(3, 3) * 0", "a layer is repeated `0` times"),
        ("a: Conv2d(64, 3),", "ends with a comma"),
        ("x = Conv2d(64, 3)", "is an assignment"),
        ("a: Conv2d(64,\n      3)", "stands over more than one line"),
    ],
)
def test_a_mistake_is_named(line: str, message: str) -> None:
    with pytest.raises(shapelint.Unreadable, match=message):
        shapelint.sizes(spec(f"layers:\n  - {line}\n"))


@pytest.mark.parametrize(
    ("domain", "members"),
    [
        ("5", [5]),
        ("1..4", [1, 2, 3, 4]),
        ("1..9 step 3", [1, 4, 7]),
        ("37..", [37, 38, 39, 40]),
        ("multiple of 16", [16, 32]),
        ("multiple of 8 in 10..30", [16, 24]),
        ("16*k + 7", [7, 23, 39]),
        ("16*k + 7 in 8..30", [23]),
        ("16*k + 7 in 20..", [23, 39]),
        ("any in 1..3", [1, 2, 3]),
        ("2 | 30..31 | multiple of 16", [2, 16, 30, 31, 32]),
        ("0..2", [1, 2]),
    ],
)
def test_every_form_of_a_domain(domain: str, members: list[int]) -> None:
    """Those are its members at which `H != n`, expected of every stated size, fails."""
    for n in range(1, 41):
        text = f'sizes: {{H: "{domain}"}}\nlayers:\n  - ReLU()\nexpect:\n  - H != {n}\n'
        code = shapelint.check(spec(text, "inputs: {x: [1, 3, H, 8]}")).exit_code
        assert (code == 1) == (n in members), n
