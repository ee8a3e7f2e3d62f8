"""What a gate says: the exit code of `check` for each kind of model and contract, through configuration files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapelint.cli import main

from .nets import Net

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 335\n"
Gate = "Callable[..., tuple[int, dict[str, Any]]]"


@pytest.fixture
def gate(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Runs `check` in a folder with these models and this configuration: the exit code and the report."""
    monkeypatch.chdir(tmp_path)

    def run(models: dict[str, Any], config: str = "", *arguments: str) -> tuple[int, dict[str, Any]]:
        for name, model in models.items():
            data = model.SerializeToString() if hasattr(model, "SerializeToString") else model
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        if config:
            (tmp_path / "shapelint.toml").write_text(config)
        code = main(["check", *(arguments or (".",)), "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def unet(depth: int) -> onnx.ModelProto:
    net = Net()
    return net.model(net.unet(net.input("image", 1, 1, "H", "W"), depth))


def rules(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["rule"], finding["severity"]) for finding in report["findings"]]


def where(text: str, pattern: str = "*.onnx") -> str:
    return f'[models."{pattern}"]\nwhere = "{text}"\n'


def test_a_healthy_network_of_which_nothing_is_stated(gate: Any) -> None:
    code, report = gate({"unet.onnx": unet(5)})
    assert code == 0
    assert rules(report) == [("SHP101", "info")]
    assert '--where "multiple of 32"' in report["findings"][0]["help"][0]


def test_the_same_with_what_it_takes_stated(gate: Any) -> None:
    assert gate({"unet.onnx": unet(5)}, where("multiple of 32"))[0] == 0
    assert gate({"unet.onnx": unet(5)}, where("multiple of 32"))[1]["findings"] == []


def test_an_export_that_needs_more_than_is_stated(gate: Any) -> None:
    code, report = gate({"unet.onnx": unet(6)}, where("multiple of 32 in 64..512"))
    assert code == 1
    assert rules(report) == [("SHP201", "error")]
    finding = report["findings"][0]
    assert finding["at"] == {"image": [1, 1, 96, 96]}
    assert finding["sizes"] == {"left": [3, 3], "right": [2, 2]}
    assert finding["pair"] == {"down": ["pool6"], "up": ["up6"]}
    assert finding["fits"]["H"]["text"] == "multiples of 64"


def test_a_size_at_which_a_pool_has_nothing_left(gate: Any) -> None:
    """32 halved five times is 1, which a window of 2 does not fit; 96 is 3, and comes back as 2: another cause."""
    code, report = gate({"unet.onnx": unet(6)}, where("multiple of 32"))
    assert code == 1
    assert rules(report) == [("SHP107", "error"), ("SHP201", "error")]
    assert report["findings"][0]["node"] == "pool6"
    assert report["findings"][1]["at"] == {"image": [1, 1, 96, 96]}
    assert rules(gate({}, where("multiple of 32"), ".", "--ignore", "SHP107")[1]) == [("SHP201", "error")]


def test_require_where_with_nothing_stated(gate: Any) -> None:
    code, report = gate({"unet.onnx": unet(2)}, "require-where = true\n")
    assert code == 1
    assert ("SHP108", "warning") in rules(report)


def test_a_frozen_network(gate: Any) -> None:
    """Patches of 16 joined with 196 recorded positions: only sizes with so many patches run."""
    net = Net()
    x = net.input("image", 1, 1, "H", "W")
    patches = net.conv(x, "patches", k=16, s=16, p=0)
    flat = net.node("Reshape", [patches, net.const("shape", [1, 1, -1])], "flat")
    out = net.node("Add", [flat, net.const("positions", [[[0.0] * 196]], "float32")], "out")
    code, report = gate({"vit.onnx": net.model(out)})
    assert code == 1
    assert ("SHP101", "warning") in rules(report)


def test_super_resolution_that_takes_every_size(gate: Any) -> None:
    net = Net()
    x = net.conv(net.input("image", 1, 1, "H", "W"), "body", leaving=16)
    net.node("DepthToSpace", [x], "out", blocksize=4)
    code, report = gate({"sr.onnx": net.model("out")})
    assert (code, report["findings"]) == (0, [])


def test_a_network_with_a_smallest_size(gate: Any) -> None:
    net = Net()
    x = net.conv(net.input("image", 1, 1, "H", "W"), "a", k=7, p=0)
    net.node("GlobalAveragePool", [x], "out")
    code, report = gate({"classifier.onnx": net.model("out")})
    assert code == 0
    assert rules(report) == [("SHP101", "info")]
    assert report["files"][0]["axes"][0]["text"] == "from 7"


def test_an_unpadded_network_with_computed_crops(gate: Any) -> None:
    """H -> H-2 -> (H-2)//2 -> 2 less -> twice that; the skip is cropped to it by sizes from Shape: runs from 8 on."""
    net = Net()
    skip = net.conv(net.input("image", 1, 1, "H", "W"), "skip", p=0)
    up = net.deconv(net.conv(net.pool(skip, "pool"), "deep", p=0), "up")
    large, small = net.node("Shape", [skip], "large", start=2), net.node("Shape", [up], "small", start=2)
    start = net.node("Div", [net.node("Sub", [large, small], "more"), net.const("two", [2, 2])], "start")
    end = net.node("Add", [start, small], "end")
    cropped = net.node("Slice", [skip, start, end, net.const("axes", [2, 3])], "cropped")
    net.node("Concat", [cropped, up], "join", axis=1)
    code, report = gate({"unpadded.onnx": net.model("join")})
    assert code == 0
    assert rules(report) == [("SHP101", "info")]
    assert [axis["text"] for axis in report["files"][0]["axes"]] == ["from 8", "from 8"]


def test_an_unknown_operator_with_sizes_stated(gate: Any) -> None:
    net = Net(acme=1)
    x = net.node("Foo", [net.input("image", 1, 1, "H", "W")], "foo", domain="acme")
    model = net.model(net.pool(x, "pool"))
    assert gate({"foo.onnx": model})[0] == 0
    code, report = gate({"foo.onnx": model}, where("multiple of 2"))
    assert code == 1
    assert ("SHP011", "error") in rules(report)


def test_a_pointer_fails_and_can_be_ignored_by_its_id(gate: Any) -> None:
    code, report = gate({"big.onnx": POINTER})
    assert code == 1
    assert rules(report) == [("SHP002", "error")]
    assert gate({"big.onnx": POINTER}, 'ignore = ["SHP002"]\n')[0] == 0


def test_one_missing_path_beside_299_good_ones(gate: Any, tmp_path: Path) -> None:
    models = {f"m{number}.onnx": unet(1) for number in range(299)}
    names = [*models, "gone.onnx"]
    code, report = gate(models, "", *names)
    assert code == 2
    assert report["summary"]["files"] == 299
    assert [error["file"] for error in report["errors"]] == ["gone.onnx"]


def test_an_empty_folder_and_one_with_excluded_files_only(gate: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert gate({}, "", "empty")[0] == 2
    assert gate({"old/unet.onnx": unet(1)}, 'exclude = ["old/*"]\n')[0] == 0


# -- configuration ---------------------------------------------------------------------------------------------------


def test_a_later_table_wins_key_by_key(gate: Any) -> None:
    config = where("multiple of 2") + where("multiple of 4", "deep*.onnx")
    code, report = gate({"deep.onnx": unet(2), "flat.onnx": unet(1)}, config)
    assert (code, report["findings"]) == (0, [])


def test_inputs_and_conditions_are_stated_too(gate: Any) -> None:
    config = '[models."*.onnx"]\ninputs = {image = "1,1,H,64"}\nwhere = {H = "multiple of 4"}\n'
    config += 'expect = ["output.size == input.size"]\n'
    assert gate({"unet.onnx": unet(2)}, config)[0] == 0
    code, report = gate({"unet.onnx": unet(2)}, config.replace("input.size", "input.size + 1"))
    assert code == 1
    assert ("SHP202", "error") in rules(report)


def test_a_saved_answer_states_what_the_next_export_must_take(
    gate: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "unet.onnx").write_bytes(unet(2).SerializeToString())
    assert main(["sizes", "unet.onnx", "--format", "json"]) == 0
    (tmp_path / "unet.sizes.json").write_text(capsys.readouterr().out)
    config = '[models."unet.onnx"]\nwhere = {report = "unet.sizes.json"}\n'
    assert gate({"unet.onnx": unet(2)}, config)[0] == 0
    assert gate({"unet.onnx": unet(1)}, config)[0] == 0
    assert gate({"unet.onnx": unet(3)}, config)[0] == 1


def test_findings_are_ignored_with_a_reason_and_counted(gate: Any) -> None:
    config = where("multiple of 2 in 4..64") + '[[ignore]]\nnode = "join*"\nrule = "SHP201"\nreason = "removed later"\n'
    code, report = gate({"unet.onnx": unet(2)}, config)
    assert code == 0
    assert report["summary"]["suppressed"] == 1


def test_what_matches_nothing_is_told(gate: Any) -> None:
    code, report = gate({"unet.onnx": unet(1)}, where("multiple of 2", "gone/*.onnx"))
    assert code == 1
    assert ("SHP902", "warning") in rules(report)


def test_severities_can_be_changed(gate: Any) -> None:
    assert gate({"unet.onnx": unet(1)}, '[severity]\nSHP101 = "error"\n')[0] == 1
    assert gate({"unet.onnx": unet(1)}, '[severity]\nrestricted-size = "off"\n')[1]["findings"] == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("fail-onn = 'error'\n", ":1: the key `fail-onn` is not known; did you mean `fail-on`?"),
        ("fail-on = 'errors'\n", "did you mean `error`?"),
        ("\n\nselect = ['SHP999']\n", ":3: there is no rule `SHP999`"),
        ("[models.'a.onnx']\nwher = 'any'\n", ":2: the key `wher`"),
        ("[models.'a.onnx']\nwhere = '9..3'\n", ":2: `where`: `9..3`"),
        ("[[ignore]]\nnode = 'a'\n", "names no `rule`"),
        ("fail-on = \n", "is not TOML"),
        ("require-where = 'yes'\n", "true or false"),
    ],
)
def test_a_broken_configuration_is_one_sentence(
    config: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.onnx").write_bytes(unet(1).SerializeToString())
    (tmp_path / "shapelint.toml").write_text(config)
    assert main(["check", "."]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def channels_last(*dims: int | str) -> onnx.ModelProto:
    """Halved and doubled again between two Transposes, as exporters of channels-last frameworks write it."""
    net = Net()
    x = net.node("Transpose", [net.input("image", *dims)], "first", perm=[0, 3, 1, 2])
    scales = net.const("scales", [1, 1, 2, 2], np.float32)
    half = net.conv(x, "half", entering=3, leaving=4, s=2)
    net.node("Transpose", [net.node("Resize", [half, "", scales], "up")], "mask", perm=[0, 2, 3, 1])
    return net.model("mask")


def test_a_condition_compares_the_spatial_axes_of_either_layout(gate: Any) -> None:
    expect = 'expect = ["mask.size == image.size"]\n'
    keras = (
        "shapelint: 1\nconvention: keras\ninputs:\n  image: [H, W, 3]\nlayers:\n"
        "  - layers.Conv2D(4, 3, strides=2, padding='same')\n  - mask: layers.UpSampling2D(2)\n"
    )
    for name, model in (("net.onnx", channels_last(1, "H", "W", 3)), ("net.shape.yaml", keras)):
        for sizes, found in (("multiple of 2", []), ("16..31", [("SHP202", "error")])):
            code, report = gate({name: model}, where(sizes, name) + expect, name)
            assert (code, rules(report)) == (len(found), found)
    for height, found in ((30, []), (31, [("SHP202", "error")])):
        code, report = gate({"net.onnx": channels_last(1, height, 64, 3)}, f'[models."net.onnx"]\n{expect}', "net.onnx")
        assert (code, rules(report)) == (len(found), found)


# -- suppression and baselines ---------------------------------------------------------------------------------------

SPEC = """shapelint: 1
inputs:
  image: [N, 3, H, W]
sizes:
  H: 30
  W: 32
layers:
  - e: MaxPool2d(2)
  - MaxPool2d(2)
  - Upsample(scale_factor=2)
  - Conv2d(3, 3, padding=1)
  - join: Concat(input_here, e)
""".replace("Conv2d(3, 3, padding=1)", "up: Conv2d(3, 3, padding=1)").replace("input_here", "up")


def test_a_comment_suppresses_its_line_or_the_next(gate: Any) -> None:
    line = "  - join: Concat(up, e)\n"
    assert rules(gate({"net.shape.yaml": SPEC})[1]) == [("SHP201", "error")]
    for text in (
        SPEC.replace(line, "  - join: Concat(up, e)   # shapelint: ignore[SHP201] a reason\n"),
        SPEC.replace(line, "  # shapelint: ignore[skip-size-mismatch] a reason\n" + line),
        SPEC.replace(line, "  # shapelint: ignore\n" + line),
    ):
        code, report = gate({"net.shape.yaml": text})
        assert (code, report["findings"]) == (0, [])
        assert report["summary"]["suppressed"] == 1


def test_a_comment_that_suppresses_nothing_is_told(gate: Any) -> None:
    code, report = gate({"net.shape.yaml": SPEC.replace("H: 30", "H: 32   # shapelint: ignore[SHP201]")})
    assert code == 1
    assert rules(report) == [("SHP901", "warning")]
    assert report["findings"][0]["line"] == 5


LINE = "  - join: Concat(up, e)\n"


def test_comments_stand_above_one_another(gate: Any) -> None:
    text = SPEC.replace(LINE, f"  # shapelint: ignore[SHP201] known\n  # why it is known\n  # again\n{LINE}")
    assert gate({"net.shape.yaml": text})[0] == 0


def test_a_rule_that_is_not_looked_at_makes_no_comment_unused(gate: Any, tmp_path: Path) -> None:
    text = SPEC.replace(LINE, f"  # shapelint: ignore[SHP201] known\n{LINE}")
    for arguments in (("--ignore", "SHP201"), ("--select", "SHP1,SHP9")):
        for more in ((), ("--fix",)):
            code, report = gate({"net.shape.yaml": text}, "", ".", *arguments, *more)
            assert (code, report["findings"]) == (0, [])
        assert (tmp_path / "net.shape.yaml").read_text() == text


def test_the_configuration_sets_the_level_of_every_rule(gate: Any) -> None:
    fits = SPEC.replace("H: 30", "H: 32   # shapelint: ignore[SHP201]")
    for level, expected in (("info", [("SHP901", "info")]), ("off", [])):
        code, report = gate({"net.shape.yaml": fits}, f'[severity]\nunused-suppression = "{level}"\n')
        assert (code, rules(report)) == (0, expected)
    code, report = gate({"net.shape.yaml": POINTER}, '[severity]\ngit-lfs-pointer = "info"\n', "net.shape.yaml")
    assert (code, rules(report)) == (0, [("SHP002", "info")])


def test_a_node_is_named_with_its_brackets(gate: Any) -> None:
    loop = SPEC.replace(LINE, "  - for: i in range(1)\n    do:\n      - join[i]: Concat(up, e)\n")
    ignore = '[[ignore]]\nrule = "SHP201"\nreason = "known"\nnode = '
    assert gate({"net.shape.yaml": loop}, ignore + '"join[0]"\n')[0] == 0
    assert gate({"net.shape.yaml": loop}, ignore + '"join[*"\n')[0] == 0
    assert rules(gate({"net.shape.yaml": loop}, ignore + '"join0"\n')[1]) == [
        ("SHP201", "error"),
        ("SHP902", "warning"),
    ]


def test_a_configuration_of_no_use_keeps_no_other_file_from_being_checked(gate: Any) -> None:
    models = {"a/net.shape.yaml": SPEC, "a/shapelint.toml": 'fail-onn = "error"', "b/net.shape.yaml": SPEC}
    code, report = gate(models)
    assert code == 2
    assert [each["file"] for each in report["findings"]] == ["b/net.shape.yaml"]
    assert [each["file"] for each in report["errors"]] == ["a/shapelint.toml:1"]


def test_a_saved_report_without_a_domain_is_no_contract(
    gate: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would silently state nothing of that axis."""
    axes = [{"symbol": "H", "domain": "multiple of 4"}, {"symbol": "W", "domain": None}]
    (tmp_path / "saved.json").write_text(json.dumps({"axes": axes}))
    (tmp_path / "shapelint.toml").write_text('[models."*.onnx"]\nwhere = {report = "saved.json"}\n')
    (tmp_path / "unet.onnx").write_bytes(unet(2).SerializeToString())
    assert main(["check", "."]) == 2
    assert "names no domain for `W`" in capsys.readouterr().err


def test_a_baseline_accepts_what_is_there_and_tells_what_is_gone(
    gate: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.shape.yaml").write_text(SPEC)
    assert gate({})[0] == 1
    assert main(["baseline", ".", "--output", "accepted.json"]) == 0
    capsys.readouterr()
    code, report = gate({}, "", ".", "--baseline", "accepted.json")
    assert (code, report["summary"]["baselined"]) == (0, 1)
    moved = "# a line more\n" + SPEC
    assert gate({"net.shape.yaml": moved}, "", ".", "--baseline", "accepted.json")[0] == 0
    code, report = gate({"net.shape.yaml": SPEC.replace("H: 30", "H: 32")}, "", ".", "--baseline", "accepted.json")
    assert rules(report) == [("SHP902", "warning")]
    (tmp_path / "accepted.json").write_text('{"version": 7, "findings": []}')
    assert main(["check", ".", "--baseline", "accepted.json"]) == 2
    assert "version 7" in capsys.readouterr().err


def test_a_model_on_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys
    from types import SimpleNamespace

    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapelint.toml").write_text(where("multiple of 4", "nets/*.onnx"))
    for name, code in (("nets/unet.onnx", 1), ("other.onnx", 0)):
        data = io.BytesIO(unet(3).SerializeToString())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
        assert main(["check", "-", "--stdin-filename", name, "--format", "json"]) == code
        assert json.loads(capsys.readouterr().out)["files"][0]["file"] == name


def test_a_command_calls_standard_input_as_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys
    from types import SimpleNamespace

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(unet(3).SerializeToString())))
    assert main(["check", "-"]) == 0
    assert "`shapelint check - --where" in capsys.readouterr().out


def test_statistics_count_the_findings_of_each_rule(gate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gate({"a.onnx": unet(1), "b.onnx": unet(2), "p.onnx": POINTER})
    assert main(["check", ".", "--statistics"]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["2", "SHP101", "restricted-size"], ["1", "SHP002", "git-lfs-pointer"]]


def test_a_spec_says_which_layer_is_undone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.shape.yaml"
    lines = ["a: MaxPool2d(2)", "b: MaxPool2d(2)", "up: Upsample(scale_factor=2, undoes=a)"]
    path.write_text("shapelint: 1\ninputs:\n  x: [N, 3, H, W]\nlayers:\n" + "".join(f"  - {each}\n" for each in lines))
    assert main(["show", str(path), "--format", "json"]) == 0
    nodes = {node["name"]: node["undoes"] for node in json.loads(capsys.readouterr().out)["nodes"]}
    assert nodes == {"a": [], "b": [], "up": ["a"]}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_unused_suppression_is_removed(gate: Any, tmp_path: Path, ending: str) -> None:
    fits = SPEC.replace("H: 30", "H: 32").replace("\n", ending)
    text = fits.replace("  W: 32", "  W: 32   # shapelint: ignore[SHP201] a reason")
    text = text.replace("layers:", f"# shapelint: ignore{ending}layers:")
    code, report = gate({"net.shape.yaml": text}, "", ".", "--fix")
    assert (code, report["findings"]) == (0, [])
    assert (tmp_path / "net.shape.yaml").read_bytes().decode() == fits
