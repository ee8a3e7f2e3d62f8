"""The command line: what is selected, what fails, in which order, in which colours."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shapelint._version import __version__
from shapelint.cli import main

from .nets import Net
from .shared import FIXTURES

UNET = str(FIXTURES / "models" / "unet.onnx")
BROKEN = str(FIXTURES / "err" / "static_225.onnx")
FROZEN = str(FIXTURES / "err" / "frozen_reshape.onnx")


@pytest.mark.parametrize(
    ("level", "path", "code"),
    [
        ("error", BROKEN, 1),
        ("error", FROZEN, 0),
        ("warning", FROZEN, 1),
        ("warning", UNET, 0),
        ("info", UNET, 1),
        ("never", BROKEN, 0),
    ],
)
def test_fail_on(level: str, path: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", path, "--fail-on", level]) == code
    assert capsys.readouterr().out


def test_what_could_not_run_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BROKEN, "gone.onnx"]) == 2
    assert main(["check", "gone.onnx", "--fail-on", "never"]) == 2
    capsys.readouterr()


def test_select_and_ignore(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BROKEN, "--select", "SHP1"]) == 0
    assert main(["check", BROKEN, "--select", "skip-size-mismatch,SHP101"]) == 1
    assert main(["check", BROKEN, "--ignore", "SHP201"]) == 0
    capsys.readouterr()


def test_what_is_ignored_is_not_called_good(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", UNET, BROKEN, "--ignore", "ALL"])
    out = capsys.readouterr().out
    assert "fits for H and W: multiples of 8" in out
    assert "no size fits" in out
    assert "every size fits" not in out


def test_require_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", UNET, "--require-where"]) == 1
    assert "unstated-size" in capsys.readouterr().out
    assert main(["check", UNET, "--require-where", "--where", "multiple of 8"]) == 0


def test_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", UNET, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_findings_are_in_the_order_of_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    data = net.model(net.unet(net.input("x", 1, 1, "H", "W"), 1)).SerializeToString()
    (tmp_path / "b").mkdir()
    for name in ("z.onnx", "a.onnx", "b/m.ONNX", "b/k.onnx"):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("no model")
    main(["check", str(tmp_path), str(tmp_path / "a.onnx"), "--format", "json"])
    files = [
        Path(each["file"]).relative_to(tmp_path).as_posix() for each in json.loads(capsys.readouterr().out)["files"]
    ]
    assert files == ["a.onnx", "b/k.onnx", "b/m.ONNX", "z.onnx"]


def test_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.onnx").write_bytes(Path(UNET).read_bytes())
    monkeypatch.chdir(tmp_path)
    main(["check", str(tmp_path / "m"), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["files"][0]["file"] == "m/a.onnx"


@pytest.mark.parametrize(
    ("environment", "arguments", "coloured"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
@pytest.mark.parametrize("command", ["check", "sizes", "show"])
def test_colour(
    command: str,
    environment: dict[str, str],
    arguments: list[str],
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    main([command, UNET, *arguments])
    assert ("\x1b[" in capsys.readouterr().out) is coloured


def test_long_names_are_not_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    net = Net()
    name = "/decoder/" + "/".join(f"blocks.{place}" for place in range(12)) + "/MaxPool"
    (tmp_path / "net.onnx").write_bytes(net.model(net.pool(net.input("x", 1, 1, "H", "W"), name)).SerializeToString())
    main(["show", str(tmp_path / "net.onnx")])
    lines = capsys.readouterr().out.splitlines()
    assert name in lines
    assert max(len(line) for line in lines if line != name) < 80


def test_scales_are_those_of_spatial_axes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "net.shape.yaml"
    spec.write_text("shapelint: 1\ninputs:\n  x: [N, 3, H, W]\nlayers:\n  - down: MaxPool2d((2, 4))\n")
    main(["show", str(spec)])
    assert capsys.readouterr().out.splitlines()[2].split()[-1] == "1/2x1/4"
    main(["show", str(spec), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["nodes"][0]["scale"] == {"H": "1/2", "W": "1/4"}


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("--version", "--help"):
        with pytest.raises(SystemExit) as left:
            main([word])
        assert left.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["graph", "shapes", "facts"])
def test_debug_prints_each_stage(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["debug", stage, UNET]) == 0
    assert "Concat" in capsys.readouterr().out
    assert os.path.exists(UNET)
