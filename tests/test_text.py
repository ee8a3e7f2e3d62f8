"""What people read, line by line: the golden files are the reports of whole runs, reviewed by eye.

To renew them: BLESS=1 python -m pytest tests/test_text.py, then read the difference.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shapelint.cli import main

from .shared import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = CHECKOUT / "tests" / "golden"

ERRONEOUS = [
    f"fixtures/err/{name}.onnx" for name in ("coupled_patches", "frozen_reshape", "static_225", "unknown_operator")
]
GOOD = ["fixtures/ok/autoencoder.onnx", "fixtures/ok/unet_64.onnx"]

RUNS = {
    "check_all": ["check", "fixtures/broken", "fixtures/models", *ERRONEOUS, *GOOD],
    "check_stated": ["check", "fixtures/models", "--where", "multiple of 4"],
    "check_input": ["check", "fixtures/models/unet.onnx", "--input", "image=1,3,225,236"],
    "check_color": ["check", *ERRONEOUS, *GOOD, "--color", "always"],
    "sizes_free": ["sizes", "fixtures/models/unet.onnx", "--at", "225x225", "--at", "H=224,W=320"],
    "sizes_static": ["sizes", "fixtures/ok/unet_64.onnx"],
    "sizes_broken": ["sizes", "fixtures/err/static_225.onnx"],
    "sizes_frozen": ["sizes", "fixtures/err/frozen_reshape.onnx", "--at", "64x64", "--at", "128x64"],
    "sizes_coupled": ["sizes", "fixtures/err/coupled_patches.onnx", "--at", "224x224", "--at", "200x300"],
    "sizes_unknown": ["sizes", "fixtures/err/unknown_operator.onnx"],
    "show_free": ["show", "fixtures/models/unet.onnx"],
    "show_failing": ["show", "fixtures/models/unet_dynamo.onnx", "--input", "1,3,232,228"],
    "explain": ["explain", "skip-size-mismatch"],
}


@pytest.mark.parametrize("name", RUNS)
def test_a_report(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    code = main(RUNS[name])
    out, err = capsys.readouterr()
    text = f"$ shapelint {' '.join(RUNS[name])}\n{out}{err}exit code {code}\n"
    path: Path = GOLDEN / f"{name}.txt"
    if os.environ.get("BLESS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_long_condition_is_written_out_in_json_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shapelint.report.sizes_text._LONGEST", 20)
    condition = "(H//16)*(W//16) == 196"
    main(["sizes", str(CHECKOUT / "fixtures/err/coupled_patches.onnx")])
    out = capsys.readouterr().out
    assert f"a condition of {len(condition)} characters, which --format json writes out" in out
    assert condition not in out
