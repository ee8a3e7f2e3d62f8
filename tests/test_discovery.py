"""Which files of a folder are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.discovery import walk

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path) -> list[str]:
    return [path.removeprefix(f"{folder}/") for path in walk(str(folder))]


def write(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_models_by_name_and_specs_by_content(tmp_path: Path) -> None:
    write(
        tmp_path, "b.onnx", "a/c.ONNX", "net.shape.yaml", "readme.md", "ci.yml", ".venv/x.onnx", "node_modules/y.onnx"
    )
    write(tmp_path, "own.yaml", text="# a comment\nshapelint: 1\n")
    write(tmp_path, "foreign.yaml", text="tool:\n  shapelint: 1\n")
    assert found(tmp_path) == ["b.onnx", "net.shape.yaml", "own.yaml", "a/c.ONNX"]


def test_what_git_ignores_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, "keep.onnx", "drop.onnx", "build/x.onnx", "nets/drop.onnx", "nets/keep.onnx", "nets/deep/drop.onnx")
    write(tmp_path, ".gitignore", text="drop.onnx\nbuild/\n")
    write(tmp_path, "nets/.gitignore", text="!drop.onnx\n/keep.onnx\n")
    assert found(tmp_path) == ["keep.onnx", "nets/drop.onnx", "nets/deep/drop.onnx"]
    assert found(tmp_path / "nets") == ["drop.onnx", "deep/drop.onnx"]


def test_a_folder_below_the_repository_obeys_the_patterns_above(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", text="*.onnx\n")
    write(tmp_path, "a/b/x.onnx", "a/b/net.shape.yaml")
    assert found(tmp_path / "a" / "b") == ["net.shape.yaml"]
