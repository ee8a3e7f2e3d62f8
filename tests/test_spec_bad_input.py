"""Specs that cannot be read: one sentence with the place and a remedy, exit code 1, never a traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shapelint.cli import main

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "shapelint: 1\ninputs:\n  x: [N, 3, H, W]\n"


def layers(*lines: str) -> str:
    return HEAD + "layers:\n" + "".join(f"  - {line}\n" for line in lines)


CASES: dict[str, tuple[str, tuple[int, int] | None, str, str]] = {
    # name: text, (line, column), words of the message, words of the remedy
    "no key": ("inputs:\n  x: [N, 3]\nlayers:\n  - ReLU()\n", (1, 1), "`shapelint` is missing", "begin with"),
    "empty": ("", None, "empty", "shapelint: 1"),
    "version": (layers("ReLU()").replace("1", "2", 1), (1, 12), "version", "shapelint: 1"),
    "no layers": (HEAD, (1, 1), "`layers` is missing", "add `layers:`"),
    "not yaml": (HEAD + 'layers:\n  - "ReLU()\n', (6, 1), "not YAML", "correct"),
    "tabs": (HEAD + "layers:\n\t- ReLU()\n", (5, 1), "not YAML", "spaces"),
    "byte-order mark": ("\ufeff" + layers("Conv2d(4, 3)", "Conv2d(4)"), (6, 5), "needs `out_channels`", "Conv2d("),
    "crlf": (layers("Conv2d(4, 3)", "Conv2d(4)").replace("\n", "\r\n"), (6, 5), "needs `out_channels`", "Conv2d("),
    "duplicate key": (layers("ReLU()") + "layers:\n  - ReLU()\n", (6, 1), "stands twice", "remove"),
    "anchor": (HEAD + "vars: &a\n  c: 3\nlayers:\n  - ReLU()\n", (4, 7), "anchor", "vars"),
    "alias": (HEAD + "layers:\n  - *a\n", (5, 5), "alias", "vars"),
    "tag": (layers("!!python/name:os.system ReLU()"), (5, 5), "tag", "leave tags out"),
    "nesting bomb": (HEAD + "layers: " + "[" * 5000, (4, 108), "too deeply", "100 levels"),
    "bracket bomb": (layers("(" * 3000), (5, 5), "too deeply", "60 brackets"),
    "flow style": (HEAD + "layers: [Conv2d(64, 3), ReLU()]\n", (4, 10), "`Conv2d(64`", "cuts a call"),
    "trailing comma": (layers("Conv2d(4, 3),"), (5, 17), "ends with a comma", "remove"),
    "assignment": (layers("y = Conv2d(4, 3)"), (5, 5), "assignment", "write `y: ...`"),
    "colon in a call": (layers("Conv2d(4, kernel_size: 3)"), (5, 5), "colon inside a call", "`name=value`"),
    "two lines": (layers("Conv2d(4,\n      3)"), (5, 5), "more than one line", "one line"),
    "unknown argument": (layers("Conv2d(4, 3, strid=2)"), (5, 18), "no argument `strid`", "`stride`"),
    "too few": (layers("Conv2d(4)"), (5, 5), "needs `out_channels`", "kernel_size"),
    "too many": (layers("MaxPool2d(1, 2, 3, 4, 5, 6, 7)"), (5, 5), "takes at most 6 arguments", "MaxPool2d("),
    "twice": (layers("Conv2d(4, 3, kernel_size=3, out_channels=4)"), (5, 33), "twice", ""),
    "before it exists": (layers("Concat(x, later)", "later: ReLU()"), (5, 15), "`later` means nothing", "define"),
    "itself": (layers("y: ReLU()(y)"), (5, 15), "`y` means nothing", "define"),
    "recursion": (
        HEAD + "blocks:\n  a(c):\n    - b(c)\n  b(c):\n    - a(c)\nlayers:\n  - a(3)\n",
        (5, 3),
        "a -> b -> a",
        "loop",
    ),
    "huge integer": (layers("Conv2d(9**9**9, 3)"), (5, 12), "2**63", "smaller"),
    "huge loop": (
        HEAD + "layers:\n  - for: i in 0..50000000\n    do:\n      - ReLU()\n",
        (5, 10),
        "50,000,001 turns",
        "100,000",
    ),
    "nested loops": (
        HEAD + "layers:\n  - for: i in 0..9000\n    do:\n      - for: j in 0..9000\n        do:\n          - ReLU()\n",
        (9, 13),
        "more than 100,000 layers",
        "split",
    ),
    "empty domain": (HEAD + "sizes:\n  H: 9..3\nlayers:\n  - ReLU()\n", (5, 6), "`9..3`", "multiple of 32"),
    "domain of nothing": (HEAD + "sizes:\n  Q: 9\nlayers:\n  - ReLU()\n", (5, 6), "no input has a dim `Q`", "`H`"),
    "division by zero": (layers("Conv2d(4 // 0, 3)"), (5, 12), "divides by zero", "divisor"),
    "a size of zero": (
        "shapelint: 1\ninputs:\n  x: [N, 3, 0]\nlayers:\n  - ReLU()\n",
        (3, 13),
        "0 is no size",
        "at least 1",
    ),
    "unknown key": (HEAD + "layer:\n  - ReLU()\n", (4, 1), "`layer` is not known", "`layers`"),
    "unknown convention": (
        layers("ReLU()").replace("inputs", "convention: pytroch\ninputs"),
        (2, 13),
        "pytroch",
        "`pytorch`",
    ),
    "negative padding": (layers("Conv2d(4, 3, padding=-1)"), (5, 18), "`padding` is -1", ""),
    "code": (layers('__import__("os").system("ls")'), (5, 5), "no type of a layer", ""),
    "branch on a size": (
        HEAD + "layers:\n  - if: x.size[0] > 3\n    do:\n      - ReLU()\n",
        (5, 9),
        "depends on a size",
        "if c else b",
    ),
    "rank": (layers("Conv2d(4, (3, 3, 3))"), (5, 15), "3 numbers", ""),
    "two keys": (HEAD + "layers:\n  - a: ReLU()\n    b: ReLU()\n", (6, 5), "second key `b`", "`- `"),
    "not called": (layers("ReLU"), (5, 5), "`ReLU` is not called", "`ReLU()`"),
    "attribute": (layers("y: ReLU()") + "expect:\n  - y.sze == x.size\n", (7, 5), "has no `sze`", "`size`"),
    "unknown layer": (layers("Conv2dd(4, 3)"), (5, 5), "no layer of pytorch", "`Conv2d`"),
    "layer of another convention": (
        layers("Conv2DTranspose(4, 3)"),
        (5, 5),
        "is a layer of keras",
        "`keras.Conv2DTranspose(...)`",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_with_place_and_remedy(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, place, words, remedy = CASES[name]
    path = tmp_path / "net.shape.yaml"
    path.write_bytes(text.encode())
    assert main(["check", str(path), "--format", "json"]) == 1
    out = capsys.readouterr()
    assert out.err == ""
    finding = json.loads(out.out)["findings"][0]
    assert finding["rule"] == "SHP004"
    assert words in finding["message"]
    assert "\n" not in finding["message"]
    assert not finding["message"].endswith(".")
    assert remedy in " ".join(finding["help"])
    assert (finding["line"], finding["column"]) == (place or (None, None))


def test_the_text_report_points_at_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.shape.yaml"
    path.write_text(layers("Conv2d(4, 3, strid=2)"))
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    source = next(place for place, line in enumerate(lines) if "strid=2)" in line)
    assert lines[source + 1].index("^") == lines[source].index("strid")
    assert lines[source + 1].count("^") == len("strid=2")


def test_sizes_of_a_broken_spec_is_still_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.shape.yaml"
    path.write_text(layers("Conv2d(4)"))
    assert main(["sizes", str(path), "--format", "json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["version"] == 1
    assert "needs `out_channels`" in answer["errors"][0]["message"]


def test_an_unknown_type_is_unknown_not_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.shape.yaml"
    path.write_text(layers("Frobnicate(4)"))
    assert main(["check", str(path), "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in answer["findings"]] == ["SHP010"]
    assert answer["findings"][0]["line"] == 5
    path.write_text(layers("Frobnicate(4)").replace("inputs", "types:\n  Frobnicate: same\ninputs"))
    assert main(["check", str(path)]) == 0
