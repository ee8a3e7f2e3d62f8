"""A tree of mixed files: the report is right, and the same whatever the number of processes and the hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .nets import Net

if TYPE_CHECKING:
    from pathlib import Path

SPEC = "shapelint: 1\ninputs:\n  x: [N, 3, H, W]\nsizes:\n  H: {size}\n  W: 32\nlayers:\n  - a: MaxPool2d(2)\n"
SPEC += "  - up: Upsample(scale_factor=2)\n  - Concat(up, x)\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 files: 80 models, 40 specs of which 20 fail, 20 pointers, 20 broken ones, 40 of other tools."""
    folder = tmp_path_factory.mktemp("tree")
    net = Net()
    data = net.model(net.unet(net.input("image", 1, 1, "H", "W"), 2)).SerializeToString()
    for number in range(80):
        (folder / f"m{number:02}.onnx").write_bytes(data)
    for number in range(40):
        (folder / f"s{number:02}.shape.yaml").write_text(SPEC.replace("{size}", str(32 + number % 2)))
    for number in range(20):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{number}\nsize 9\n"
        (folder / f"p{number:02}.onnx").write_text(pointer)
        (folder / f"b{number:02}.onnx").write_bytes(data[: 40 + number])
        (folder / f"o{number:02}.yaml").write_text("services:\n  web: {}\n")
        (folder / f"o{number:02}.json").write_text("{}")
    return folder


def report(folder: Path, jobs: int, seed: int, form: str = "json") -> str:
    run = subprocess.run(
        [sys.executable, "-m", "shapelint", "check", ".", "--format", form, "--jobs", str(jobs)],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    return run.stdout


def test_every_file_of_ours_is_reported_and_no_other(tree: Path) -> None:
    answer: dict[str, Any] = json.loads(report(tree, 1, 0))
    assert answer["errors"] == []
    files = [each["file"] for each in answer["files"]]
    assert files == sorted(files)
    assert len(files) == 160
    rules: dict[str, int] = {}
    for finding in answer["findings"]:
        rules[finding["rule"]] = rules.get(finding["rule"], 0) + 1
    assert rules["SHP002"] == 20
    assert rules["SHP001"] + rules.get("SHP003", 0) == 20
    assert rules["SHP201"] == 20
    assert rules["SHP101"] == 80


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_report_is_the_same_however_it_is_made(tree: Path, form: str) -> None:
    first = report(tree, 1, 0, form)
    assert report(tree, 2, 0, form) == first
    assert report(tree, 2, 4711, form) == first
