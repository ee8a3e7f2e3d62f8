"""Whatever is fed: one sentence, the right exit code, never a traceback, and the other files are still reported."""

from __future__ import annotations

import builtins
import io
import json
import os
import subprocess
import sys
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
    assert "the graph has no nodes" in capsys.readouterr().out


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
    "input of 0": (["sizes", "good.onnx", "--input", "x=1,3,0,8"], "`0` in --input `x=1,3,0,8` is no size"),
    "input below 0": (["sizes", "good.onnx", "--input", "x=1,3,-1,8"], "`-1` in --input"),
    "input too large": (["sizes", "good.onnx", "--input", "x=1,3,9999999999,8"], "from 1 to 2**31 - 1"),
    "input without dims": (["sizes", "good.onnx", "--input", "x="], "holds no dims"),
    "input with a gap": (["sizes", "good.onnx", "--input", "1,,3"], "has an empty dim"),
    "input no expression": (["sizes", "good.onnx", "--input", "x=1,3,a+,8"], "`a+` is no size"),
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
