"""Whatever is fed: one sentence, the right exit code, never a traceback, and the other files are still reported."""

from __future__ import annotations

import builtins
import io
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper

from shapelint.cli import main

from .onnx_files import conv_net, float_input, model_of
from .shared import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

node = helper.make_node
WEIGHT = helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 3, 3], [0.0] * 108)


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return out.getvalue()


def number(value: int) -> bytes:
    """A protobuf varint."""
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(tag: int, payload: bytes) -> bytes:
    return number(tag << 3 | 2) + number(len(payload)) + payload


def bomb(depth: int) -> bytes:
    """An If in an If in an If ..."""
    graph = field(2, b"g")
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph) + number(20 << 3) + number(5)
        graph = field(1, field(1, b"x") + field(2, b"y") + field(4, b"If") + field(5, attribute))
    return number(8) + number(8) + field(7, graph) + field(8, number(2 << 3) + number(17))


def changed(change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = conv_net()
    change(model)
    return model.SerializeToString()


def relu(*dims: int | str | None) -> bytes:
    return model_of([node("Relu", ["x"], ["y"], "a")], [float_input("x", list(dims))]).SerializeToString()


def graph_of(*nodes: onnx.NodeProto) -> bytes:
    return model_of(list(nodes), initializers=[WEIGHT]).SerializeToString()


WHOLE = conv_net().SerializeToString()

UNREADABLE = {
    "empty": (b"", "the file is empty"),
    "git lfs pointer": ((FIXTURES / "broken" / "pointer.onnx").read_bytes(), "Git LFS pointer"),
    "truncated": (WHOLE[: len(WHOLE) // 2], "truncated, corrupt or no ONNX model"),
    "corrupted": (bytes(byte ^ 0x5A for byte in WHOLE), "truncated, corrupt or no ONNX model"),
    "text": (b"a shopping list\n", "the file is text"),
    "checkpoint": ((FIXTURES / "broken" / "checkpoint.onnx").read_bytes(), "a PyTorch checkpoint"),
    "zip": (archive("a/b.txt"), "a zip archive"),
    "keras": (archive("model.weights.h5"), "a Keras model"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "pickle": (b"\x80\x02}q\x00.", "a Python pickle"),
    "nesting bomb": (bomb(3000), "nest deeper"),
    "no graph": (changed(lambda model: model.ClearField("graph")), "holds no graph"),
    "unknown opset": (changed(lambda model: setattr(model.opset_import[0], "version", 999)), "version 999"),
    "no opset": (changed(lambda model: model.ClearField("opset_import")), "does not say which version"),
    "produced twice": (
        graph_of(node("Relu", ["x"], ["y"], "a"), node("Relu", ["x"], ["y"], "b")),
        "`y` is produced twice, by `a` and by `b`",
    ),
    "never produced": (graph_of(node("Add", ["x", "gone"], ["y"], "a")), "`a` reads `gone`, which nothing produces"),
    "output never produced": (graph_of(node("Relu", ["x"], ["z"], "a")), "nothing produces the output `y`"),
    "cycle": (
        graph_of(node("Add", ["x", "b"], ["a"], "one"), node("Relu", ["a"], ["b"], "two"), node("Relu", ["b"], ["y"])),
        "cycle: `one` -> `two` -> `one`",
    ),
    "absurd dim": (relu(1, 3, 2**63 - 1, 8), "declares `x[2]` as 9223372036854775807"),
    "negative dim": (relu(1, 3, -5, 8), "declares `x[2]` as -5"),
    "dim of 0": (relu(1, 3, 0, 8), "declares `x[2]` as 0"),
    "wrong attribute": (
        graph_of(node("Conv", ["x", "w"], ["y"], "conv", strides="two")),
        "attribute `strides` of `conv` is STRING",
    ),
    "missing inputs": (graph_of(node("Conv", ["x"], ["y"], "conv")), "`conv` has 1 input; Conv-11 takes 2 to 3"),
    "too many inputs": (graph_of(node("Relu", ["x", "x"], ["y"], "relu")), "`relu` has 2 inputs; Relu-14 takes 1"),
    "illegal stride": (
        graph_of(node("Conv", ["x", "w"], ["y"], "conv", strides=[0, 1])),
        "`strides` holds 0; each number is at least 1",
    ),
    "illegal permutation": (
        graph_of(node("Transpose", ["x"], ["y"], "t", perm=[0, 1, 9, 3])),
        "`perm` is [0, 1, 9, 3]",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.onnx").write_bytes(WHOLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_bad_file_is_one_finding_and_the_others_are_linted(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, sentence = UNREADABLE[name]
    (folder / "bad.onnx").write_bytes(data)
    assert main(["check", "."]) == 1
    out, err = capsys.readouterr()
    assert not err
    heads = [line for line in out.splitlines() if line.startswith(("error", "warning", "info"))]
    assert len(heads) == 2
    assert heads[0].startswith("error")
    assert sentence in heads[0]
    assert "good.onnx" in out
    assert out.endswith("2 files checked: 1 error, 1 info\n")


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("command", ["sizes", "show"])
def test_json_of_a_bad_file_is_one_object(
    name: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, sentence = UNREADABLE[name]
    (folder / "bad.onnx").write_bytes(data)
    code = main([command, "bad.onnx", "--format", "json"])
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["version"] == 1
    if name.startswith("illegal"):
        # The graph can be read: every size is refused, which is an answer.
        assert code == 0
        return
    assert code == 2
    assert set(answer) == {"version", "errors"}
    assert [error["file"] for error in answer["errors"]] == ["bad.onnx"]
    assert sentence in answer["errors"][0]["message"]
    assert len(err.splitlines()) == 1


def test_a_graph_without_nodes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.onnx").write_bytes(changed(lambda model: model.graph.ClearField("node")))
    assert main(["check", "bad.onnx"]) == 1
    out = capsys.readouterr().out
    assert "the graph has no nodes" in out
    assert out.endswith("1 file checked: 1 error\n")


def test_an_unknown_domain_is_no_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = model_of([node("Foo", ["x"], ["y"], "foo", domain="com.acme")])
    (folder / "foo.onnx").write_bytes(data.SerializeToString())
    assert main(["check", "foo.onnx"]) == 0
    assert "info[SHP010] unknown-operator: `foo` (com.acme::Foo): no shape function" in capsys.readouterr().out
    assert main(["check", "foo.onnx", "--where", "H=8"]) == 1
    assert "error[SHP011] not-proved" in capsys.readouterr().out


COMPLAINTS: dict[str, tuple[list[str], str]] = {
    "missing": (["check", "god.onnx"], "god.onnx: does not exist; did you mean `good.onnx`?"),
    "missing far": (["check", "zzz/qqq.onnx"], "zzz/qqq.onnx: does not exist"),
    "missing, sizes": (["sizes", "god.onnx"], "god.onnx: does not exist; did you mean `good.onnx`?"),
    "missing, debug": (["debug", "graph", "god.onnx"], "did you mean `good.onnx`?"),
    "folder without models": (
        ["check", "nothing"],
        "nothing: the folder holds no model: neither *.onnx files nor specs lie in it",
    ),
    "folder to sizes": (["sizes", "nothing"], "nothing: is a folder; `shapelint sizes` takes one model file"),
    "input that is none": (["sizes", "good.onnx", "--input", "y=1,3,8,8"], "no input `y`; its inputs are `x`"),
    "input, did you mean": (["sizes", "long.onnx", "--input", "imge=1,3,8,8"], "did you mean `image`?"),
    "input of another rank": (["sizes", "good.onnx", "--input", "x=1,3,8"], "has 4 axes and 3 are given"),
    "input of 0": (["sizes", "good.onnx", "--input", "x=1,3,0,8"], "--input `x=1,3,0,8`: `0` is no size"),
    "input below 0": (["sizes", "good.onnx", "--input", "x=1,3,-1,8"], "`-1` is no size"),
    "input too large": (["sizes", "good.onnx", "--input", "x=1,3,9999999999,8"], "from 1 to 2**31 - 1"),
    "input without dims": (["sizes", "good.onnx", "--input", "x="], "holds no dims"),
    "input with a gap": (["sizes", "good.onnx", "--input", "1,,3"], "a dim is empty"),
    "input no expression": (
        ["sizes", "good.onnx", "--input", "x=1,3,a+,8"],
        "`x=1,3,a+,8`: found the end of `a+`",
    ),
    "input no integer": (["sizes", "good.onnx", "--input", "x=1,3,8.5,8"], "`8.5` is not an integer"),
    "where of 0": (["check", "good.onnx", "--where", "multiple of 0"], "`0` in `multiple of 0` is no size"),
    "where empty domain": (["check", "good.onnx", "--where", "H=multiple of 8 in 9..15"], "no size is in the domain"),
    "where backwards": (["check", "good.onnx", "--where", "5..3"], "`5..3` is empty; the smaller size stands first"),
    "where nothing": (["check", "good.onnx", "--where", ""], "a domain is empty"),
    "where malformed": (["check", "good.onnx", "--where", "multiple"], "where `of` is needed"),
    "where code": (["check", "good.onnx", "--where", '__import__("os")'], 'unexpected `"`'),
    "where unknown axis": (
        ["check", "good.onnx", "--where", "Q=8"],
        "no free axis is called `Q`; the free axes are `N`",
    ),
    "where very long": (["check", "good.onnx", "--where", "multiple of " + "9" * 9000], "longer than 4,096 letters"),
    "at malformed": (["sizes", "good.onnx", "--at", "axb"], "`a` in `axb` is no size"),
    "at gap": (["sizes", "good.onnx", "--at", "225x"], "a size is missing in `225x`"),
    "at nothing": (["sizes", "good.onnx", "--at", ""], "a size is missing"),
    "at unknown axis": (["sizes", "good.onnx", "--at", "H=225,Q=3"], "no free axis is called `Q`"),
    "at too many": (["sizes", "good.onnx", "--at", "1x2x3x4"], "gives 4 sizes and input `x` has 3 free axes"),
    "at of 0": (["sizes", "good.onnx", "--at", "H=0"], "`0` in `H=0` is no size"),
    "missing folder": (["check", "modls/dep/good.onx"], "did you mean `models/deep/good.onnx`?"),
    "missing folder, sizes": (["sizes", "modls/dep/good.onx"], "did you mean `models/deep/good.onnx`?"),
    "missing, other case": (["check", "GOOD.ONNX"], "did you mean `good.onnx`?"),
    "file as a folder": (["check", "good.onnx/x"], "good.onnx/x: does not exist"),
    "path empty": (["check", ""], "'': does not exist"),
    "input, no digit": (["sizes", "good.onnx", "--input", "1,3,\u00b2,8"], "--input `1,3,\u00b2,8`: "),
    "at, no digit": (["sizes", "good.onnx", "--at", "\u00b2x8"], "`\u00b2` in `\u00b2x8` is no size"),
    "command, other case": (["CHECK", "good.onnx"], "did you mean `check`?"),
    "command behind an option": (["--colour", "check", "good.onnx"], "`--colour` is no option of `shapelint`"),
    "option, sizes": (["sizes", "good.onnx", "--inputt", "8"], "did you mean `--input`?"),
    "jobs 0": (
        ["check", "good.onnx", "--jobs", "0"],
        "`0` in --jobs is no number of processes",
    ),
    "jobs -1": (["check", "good.onnx", "--jobs", "-1"], "`-1` in --jobs"),
    "jobs 999": (["check", "good.onnx", "--jobs", "999"], "`999` in --jobs"),
    "jobs, no digit": (["check", "good.onnx", "--jobs", "\u00b2"], "`\u00b2` in --jobs"),
    "kind": (["fix", "good.onnx", "--kind", "output_pading"], "did you mean `output_padding`?"),
    "pick": (["fix", "good.onnx", "--pick", "two"], "`two` in --pick is no number of an entry"),
    "bless without test": (["rules", "--bless"], "`shapelint rules test DIR --bless`"),
    "one too many": (["show", "good.onnx", "8"], "`8` is one argument too many"),
    "extend-select": (["check", "good.onnx", "--extend-select", "SKP2"], "there is no rule `SKP2`"),
    "rule, other case": (["explain", "shp901x"], "did you mean `SHP901`?"),
    "beginning of a rule": (["explain", "shp2"], "`shp2` is no rule, it begins the ids SHP201 to SHP204"),
    "schema of nothing": (["schema"], "required: KIND"),
    "schema": (["schema", "confg"], "did you mean `config`?"),
    "shell": (["completion", "bsh"], "did you mean `bash`?"),
    "stage": (["debug", "grap", "good.onnx"], "did you mean `graph`?"),
    "output": (["check", "good.onnx", "--output", "jsn:x"], "did you mean `json`?"),
    "command": (["chek", "good.onnx"], "`chek` is no command; did you mean `check`?"),
    "command left out": (["good.onnx"], "did you mean `shapelint check good.onnx`?"),
    "option": (
        ["check", "good.onnx", "--wher", "8"],
        "`--wher` is no option of `shapelint check`; did you mean `--where`?",
    ),
    "option value": (["check", "good.onnx", "--format", "jsn"], "`jsn` is no format; did you mean `json`?"),
    "rule": (["check", "good.onnx", "--select", "SHP999"], "there is no rule `SHP999`"),
    "rule, did you mean": (["explain", "skip-size-mismach"], "did you mean `skip-size-mismatch`?"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_bad_argument_is_one_sentence(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = COMPLAINTS[name]
    (folder / "nothing").mkdir()
    (folder / "models" / "deep").mkdir(parents=True)
    (folder / "models" / "deep" / "good.onnx").write_bytes(WHOLE)
    image = [float_input("image", [1, 3, 8, 8])]
    (folder / "long.onnx").write_bytes(model_of([node("Relu", ["image"], ["y"])], image).SerializeToString())
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert err.startswith("shapelint: ")
    assert len(err) < 500
    assert sentence in err
    if arguments[0] in ("sizes", "show"):
        assert main([*arguments, "--format", "json"]) == 2
        assert json.loads(capsys.readouterr().out)["errors"]


def test_a_missing_path_does_not_keep_others_from_being_linted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.onnx").write_bytes(b"")
    assert main(["check", "god.onnx", "good.onnx", "bad.onnx"]) == 2
    out, err = capsys.readouterr()
    assert "god.onnx: does not exist" in err
    assert "the file is empty" in out
    assert "2 files checked, 1 path not: 1 error, 1 info" in out
    assert main(["check", "god.onnx", "good.onnx", "--format", "json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert [each["file"] for each in answer["files"]] == ["good.onnx"]
    assert answer["errors"] == [{"file": "god.onnx", "message": "does not exist; did you mean `good.onnx`?"}]


def test_what_suits_one_file_of_a_run_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "flat.onnx").write_bytes(relu(1, 3, 8, 8))
    assert main(["check", ".", "--where", "H=multiple of 8"]) == 2
    out, err = capsys.readouterr()
    assert "flat.onnx: no free axis is called `H`; every axis is fixed" in err
    assert "good.onnx" in out


def test_unreadable_permissions(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "secret.onnx").write_bytes(WHOLE)

    def refuse(path: Any, *rest: Any, **more: Any) -> Any:
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **more)

    def refuse_low(path: Any, *rest: Any, **more: Any) -> Any:
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return opened_low(path, *rest, **more)

    opened, opened_low = builtins.open, os.open
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "open", refuse_low)
    code = main(["check", "."])
    out, err = capsys.readouterr()
    assert code in (1, 2)
    assert "ermission" in out + err
    assert "good.onnx" in out


def test_a_folder_that_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "locked").mkdir()
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if "locked" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["check", "."]) == 2
    out, err = capsys.readouterr()
    assert err == "shapelint: locked: cannot be read: Permission denied\n"
    assert "good.onnx" in out
    assert main(["check", "locked"]) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_an_internal_error_of_one_file_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "odd.onnx").write_bytes(WHOLE)
    import shapelint.engine as engine

    load = engine.load

    def fail(source: Any, *, name: str) -> Any:
        if "odd" in name:
            raise LookupError("a bug\nof two lines")
        return load(source, name=name)

    monkeypatch.setattr(engine, "load", fail)
    assert main(["check", "."]) == 2
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "shapelint: odd.onnx: internal error (LookupError: a bug of two lines); run again with --verbose and report it"
    ]
    assert "good.onnx" in out
    with pytest.raises(LookupError):
        main(["check", ".", "--verbose"])


def test_names_cannot_write_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        node("Relu", ["x"], ["a\x1b]0;title\x07"], "re\nlu\x1b[2J"),
        node("MaxPool", ["a\x1b]0;title\x07"], ["y"], "p\u202e", kernel_shape=[2, 2]),
    ]
    (folder / "evil\x1b[31m.onnx").write_bytes(model_of(nodes).SerializeToString())
    path = "evil\x1b[31m.onnx"
    for command in (["check", path], ["sizes", path], ["show", path], ["debug", "graph", path], ["check", "evil\x1bx"]):
        main(command)
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
        assert "re\nlu" not in out


# -- links and names -------------------------------------------------------------------------------------------------


def test_links_that_lead_nowhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gone.onnx").symlink_to("weights/gone.onnx")
    (folder / "a.onnx").symlink_to("b.onnx")
    (folder / "b.onnx").symlink_to("a.onnx")
    (folder / "up").symlink_to("..")
    assert main(["check", "."]) == 1
    out = capsys.readouterr().out
    assert "`./gone.onnx` is a link to `weights/gone.onnx`, which does not exist" in out
    assert out.count("too many levels of symbolic links") == 2
    assert "4 files checked: 3 errors, 1 info" in out
    assert main(["sizes", "gone.onnx"]) == 2
    assert "is a link to" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json", "sarif", "gitlab", "junit", "github", "markdown", "concise"])
def test_names_that_are_no_text(form: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = b"bad\xff\xfe.onnx"
    try:
        (folder / os.fsdecode(name)).write_bytes(WHOLE)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert main(["check", ".", "--format", form]) == 0
    out = capsys.readouterr().out
    assert "bad" in out
    out.encode()


def test_a_baseline_of_names_that_are_no_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        (folder / os.fsdecode(b"bad\xff.onnx")).write_bytes(WHOLE)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert main(["baseline", "."]) == 0
    assert main(["check", ".", "--baseline", "shapelint-baseline.json", "--fail-on", "info"]) == 0
    capsys.readouterr()


# -- configurations and baselines ------------------------------------------------------------------------------------

CONFIGS: dict[str, tuple[str, str]] = {
    "syntax": ("fail-on = \n", "shapelint.toml:1:11: is not TOML: invalid value; correct the line"),
    "key twice": (
        'fail-on = "error"\nfail-on = "info"\n',
        "shapelint.toml:2:17: is not TOML: cannot overwrite",
    ),
    "table twice": ('[models."a"]\n[models."a"]\n', "is not TOML: cannot declare ('models', 'a') twice"),
    "nesting": (f"select = {'[' * 5000}{']' * 5000}\n", "shapelint.toml: nests too deeply"),
    "ignore of two kinds": ('ignore = [{rule = "SHP2"}, "SHP3"]\n', "`ignore` is a list of rules, or of tables"),
    "size of 0": ('[models."*"]\ninputs = {x = "1,3,0,8"}\n', "shapelint.toml:2: `inputs.x`: `0` is no size"),
    "size below 0": ('[models."*"]\ninputs = {x = [1, 3, -1, 8]}\n', "shapelint.toml:2: `inputs.x`: `-1` is no size"),
    "no size": ('[models."*"]\ninputs = {x = "1,3,a+,8"}\n', "shapelint.toml:2: `inputs.x`: found the end of `a+`"),
    "unknown input": ('[models."*"]\ninputs = {y = "1,3,8,8"}\n', "the model has no input `y`"),
    "unknown axis": ('[models."*"]\nwhere = {Q = "8"}\n', "no free axis is called `Q`"),
    "unknown key": ('[models."*"]\nwher = "8"\n', "did you mean `where`?"),
    "unknown rule": ('select = ["SHP999"]\n', "there is no rule `SHP999`"),
    "unknown level": ('fail-on = "eror"\n', "did you mean `error`?"),
    "expression": ('[models."*"]\nexpect = ["y.size =="]\n', "is no expression"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bad_configuration_is_one_sentence(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, sentence = CONFIGS[name]
    (folder / "shapelint.toml").write_text(text)
    assert main(["check", "good.onnx"]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("tool = 3  # tool.shapelint", "`tool` is no table"), ("[tool]\nshapelint = 3  # tool.shapelint", "is no table")],
)
def test_a_pyproject_of_another_shape(
    text: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text(text)
    assert main(["check", "good.onnx"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_configuration_that_cannot_be_read_is_not_passed_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder / "shapelint.toml"
    config.symlink_to("gone.toml")
    assert main(["check", "good.onnx"]) == 2
    assert "shapelint.toml: cannot be read: No such file" in capsys.readouterr().err
    config.unlink()
    config.mkdir()
    assert main(["check", "good.onnx"]) == 2
    assert "shapelint.toml: is no file" in capsys.readouterr().err


def test_a_configuration_with_a_byte_order_mark(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "shapelint.toml").write_text('\ufefffail-on = "info"\n', encoding="utf-8")
    assert main(["check", "good.onnx"]) == 1
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"version": 2, "findings": []}', "is a baseline of version 2; write it again with `shapelint baseline`"),
        ("[" * 100_000, "is no baseline"),
        ("null", "is no baseline"),
        ('{"version": 1, "findings": [{"rule": 1}]}', "is no baseline"),
        ("\0", "is no baseline"),
    ],
    ids=range(5),
)
def test_a_bad_baseline(text: str, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.json").write_text(text)
    assert main(["check", "good.onnx", "--baseline", "b.json"]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert len(err.splitlines()) == 1


# -- as a process ----------------------------------------------------------------------------------------------------


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "shapelint", *arguments], capture_output=True, timeout=60, **more)


def test_exit_codes_of_the_process() -> None:
    assert run("check", str(FIXTURES / "ok")).returncode == 0
    assert run("check", str(FIXTURES / "broken")).returncode == 1
    done = run("check", "gone.onnx")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away() -> None:
    model = str(FIXTURES / "models" / "unet.onnx")
    process = subprocess.Popen(
        [sys.executable, "-m", "shapelint", "show", model], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.wait(60)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def test_a_terminal_that_is_not_utf8(tmp_path: Path) -> None:
    data = model_of([node("MaxPool", ["x"], ["y"], "größe", kernel_shape=[2, 2], strides=[2, 2])])
    (tmp_path / "ü.onnx").write_bytes(data.SerializeToString())
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run("check", "ü.onnx", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"gr\\xf6\\xdfe" in done.stdout
    assert json.loads(run("sizes", "ü.onnx", "--format", "json", cwd=tmp_path, env=environment).stdout)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_pipes_sockets_and_devices_are_not_waited_for(folder: Path) -> None:
    os.mkfifo("pipe.onnx")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.onnx")
        for path, kind in (("pipe.onnx", "a pipe"), ("socket.onnx", "a socket"), ("/dev/zero", "a device")):
            for command, code in (("check", 1), ("sizes", 2), ("fix", 2)):
                done = run(command, path, cwd=folder)
                assert done.returncode == code
                assert f"the path is {kind}, not a file".encode() in done.stdout + done.stderr
        done = run("check", ".", "--fix", cwd=folder)
        assert done.stdout.endswith(b"1 file checked: 1 info\n")  # what a folder holds beside files is no model
    (folder / ".shapelint" / "rules").mkdir(parents=True)
    os.mkfifo(".shapelint/rules/ACME001-coarse.yaml")
    done = run("check", "good.onnx", cwd=folder)
    assert (done.returncode, b"ACME001-coarse.yaml: is no file" in done.stderr) == (2, True)
    shutil.rmtree(".shapelint")
    for option in ("--config", "--baseline"):
        done = run("check", "good.onnx", option, "pipe.onnx", cwd=folder)
        assert (done.returncode, b"pipe.onnx: is no file" in done.stderr) == (2, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
@pytest.mark.parametrize(
    "arguments", [["baseline", "unet.onnx", "--output"], ["fix", "unet.onnx", "--kind", "declare", "-o"]], ids=" ".join
)
def test_what_is_no_plain_file_is_written_into(arguments: list[str], folder: Path) -> None:
    """`-o /dev/null` must not put a file in the device's place."""
    (folder / "unet.onnx").write_bytes((FIXTURES / "models" / "unet.onnx").read_bytes())
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        done = run(*arguments, "pipe", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert reader.communicate(timeout=60)[0]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="file descriptors are inherited otherwise")
@pytest.mark.parametrize(
    ("arguments", "closed", "code"),
    [
        (["check", "good.onnx"], 0, 0),
        (["check", "-"], 0, 2),
        (["check", "good.onnx", "--fail-on", "info"], 1, 1),
        (["sizes", "good.onnx", "--format", "json"], 1, 0),
        (["check", "gone.onnx"], 2, 2),
    ],
)
def test_streams_that_are_closed(arguments: list[str], closed: int, code: int, folder: Path) -> None:
    command = f'"$@" {closed}{"<" if closed == 0 else ">"}&-'
    shell = ["sh", "-c", command, "sh", sys.executable, "-m", "shapelint", *arguments]
    done = subprocess.run(shell, cwd=folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == code
    assert b"internal error" not in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is not here")
def test_a_disk_that_is_full(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        for arguments in (["check", "good.onnx"], ["sizes", "good.onnx", "--format", "json"]):
            program = [sys.executable, "-m", "shapelint", *arguments]
            done = subprocess.run(program, cwd=folder, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
            assert done.returncode == 2
            assert done.stderr == b"shapelint: what is found cannot be written: No space left on device\n"


def test_an_interruption(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import shapelint.engine as engine

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "load", stop)
    assert main(["check", "."]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach process groups otherwise")
def test_an_interruption_of_many_processes(folder: Path) -> None:
    for number in range(400):
        (folder / f"{number}.onnx").write_bytes(WHOLE)
    program = [sys.executable, "-m", "shapelint", "check", ".", "--jobs", "2"]
    with subprocess.Popen(
        program, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")
