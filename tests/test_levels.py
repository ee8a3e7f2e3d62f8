"""The picture of a failure: its rows are those of arithmetic by hand, nothing is lost, and it keeps to its width."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapelint.cli import main
from shapelint.engine import check_source
from shapelint.facts.levels import Level, Levels, Side
from shapelint.finding import ChainLink
from shapelint.report.check_text import check_text, finding_lines
from shapelint.report.picture import MOST, picture
from shapelint.report.terminal import Paint, cut
from shapelint.settings import Settings, Stated

from .shared import CHECKOUT, FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from shapelint.finding import Finding

UNET = """\
shapelint: 1
convention: pytorch
inputs:
  image: [1, 1, {height}, {width}]
vars:
  n: {depth}
layers:
  - for: i in range(n)
    do:
      - skip[i]: Conv2d(4, 3, padding=1)
      - MaxPool2d(2{ceil})
  - for: j in range(n)
    do:
      - up[j]: Upsample(scale_factor=2)
      - join[j]: Concat({operands})
"""
SKIP = "skip[n - 1 - j]"


def findings(text: str, menus: Any = "none") -> list[Finding]:
    return check_source(text.encode(), "net.shape.yaml", Settings(menus=menus)).findings


def drawn(finding: Finding) -> Levels:
    assert finding.fault is not None
    assert finding.fault.levels is not None
    return finding.fault.levels


# -- rows ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(17, 200),
    st.integers(17, 200),
    st.booleans(),
    st.sampled_from([f"up[j], {SKIP}", f"{SKIP}, up[j]"]),
)
def test_the_rows_are_those_of_arithmetic(depth: int, height: int, width: int, ceil: bool, operands: str) -> None:
    """Each level is half the one above it; a merge goes on at its skip's size, and twice that meets the next skip."""
    text = UNET.format(
        height=height, width=width, depth=depth, ceil=", ceil_mode=True" if ceil else "", operands=operands
    )
    sizes = [(height, width)]
    for _ in range(depth):
        sizes.append(tuple([-(-n // 2) if ceil else n // 2 for n in sizes[-1]]))
    failing = [place for place in range(depth) if sizes[place] != tuple(2 * n for n in sizes[place + 1])]
    found = [each for each in findings(text) if each.rule == "SHP201"]
    if not failing:
        assert found == []
        return
    (finding,) = found
    rows = drawn(finding).rows
    axes = [place for place in (0, 1) if any(sizes[at][place] != 2 * sizes[at + 1][place] for at in failing)]
    outermost = failing[0]
    assert [row.scale for row in rows] == [f"1/{2**place}" for place in range(depth + 1)]
    for place, row in enumerate(rows):
        assert row.encoder is not None
        assert row.encoder.size == sizes[place]
        if place >= outermost and place < depth:
            assert row.decoder == Side(f"up[{depth - 1 - place}]", tuple(2 * n for n in sizes[place + 1]))
            assert row.agrees is (place not in failing)
            assert row.where == f"join[{depth - 1 - place}]"
        else:
            assert row.decoder is None
            assert row.agrees is None
        uneven = [] if place == depth else [at for at in axes if sizes[place][at] % 2]
        assert [(step.before, step.after, step.rounded) for step in row.steps] == [
            (sizes[place][at], sizes[place + 1][at], "up" if ceil else "down") for at in uneven
        ]


def test_an_output_is_compared_with_what_is_expected() -> None:
    """Keras' autoencoder at 25: down 13, 7, 4, up 8, 16, a border of 2 less, 28."""
    source = (FIXTURES / "architectures" / "autoencoder_keras_blog.shape.yaml").read_bytes()
    stated = Settings(Stated(inputs={None: (25, 28, 1)}))
    (finding,) = check_source(source, "net.shape.yaml", stated).findings
    rows = drawn(finding).rows
    told = [(row.encoder and row.encoder.size, row.decoder and row.decoder.size) for row in rows]
    assert told == [((25, 28), (28, 28)), ((13, 14), (14, 14)), ((7, 7), (8, 8)), ((4, 4), None)]
    assert [row.agrees for row in rows] == [False, None, None, None]
    assert rows[0].encoder == Side("image", (25, 28))
    assert rows[0].where == "decoded.shape == image.shape"
    steps = [[(step.before, step.after) for step in row.steps] for row in rows]
    assert steps == [[(25, 13)], [(13, 7), (16, 14)], [(7, 4)], []]


def test_other_scales_along_the_axes() -> None:
    text = """\
shapelint: 1
convention: pytorch
inputs:
  volume: [1, 1, 10, 30, 28]
layers:
  - e: Conv3d(4, 3, stride=(1, 2, 2), padding=1)
  - d: Conv3d(4, 3, stride=2, padding=1)
  - up: ConvTranspose3d(4, 2, stride=2)
  - join: Concat(up, e)
"""
    (finding,) = findings(text)
    assert [(row.scale, row.encoder and row.encoder.size) for row in drawn(finding).rows] == [
        ("1/1", (10, 30, 28)),
        ("1/2", (10, 15, 14)),
        ("1/4", (5, 8, 7)),
    ]
    (finding,) = findings(text.replace("10, 30", "11, 30"))
    assert [row.scale for row in drawn(finding).rows] == ["1/1", "1/1,1/2", "1/2,1/4"]


def test_two_branches_keep_their_chains() -> None:
    text = """\
shapelint: 1
convention: pytorch
inputs:
  wave: [1, 1, 1001]
layers:
  - a: Conv1d(8, 3, stride=2, padding=1)
  - c: MaxPool1d(2)(wave)
  - Add(a, c)
"""
    (finding,) = findings(text)
    assert finding.fault is not None
    assert finding.fault.levels is None
    assert finding.fault.branches == ("a", "c")
    lines = "\n".join(finding_lines(finding, Paint(), text))
    assert "1001 becomes 501, rounded up" in lines
    assert "1001 becomes 500, rounded down" in lines


def test_no_place_is_lost_where_two_decoders_fail() -> None:
    text = """\
shapelint: 1
convention: pytorch
inputs:
  image: [1, 1, 30, 30]
layers:
  - a: Conv2d(4, 3, stride=2, padding=1)
  - b: Conv2d(4, 3, stride=2, padding=1)
  - up: Upsample(scale_factor=2)
  - inner: Concat(up, a)
  - left: Upsample(scale_factor=2)(inner)
  - right: Upsample(scale_factor=3)(inner)
  - first: Concat(left, image)
  - second: Concat(right, image)
"""
    (finding,) = findings(text)
    assert finding.fault is not None
    lines = "\n".join(finding_lines(finding, Paint(), text))
    for row in finding.fault.also:
        assert f"`{row.node}`" in lines
    assert "`inner` (H and W)" in lines


def test_a_step_that_rounds_nothing_is_not_called_rounded() -> None:
    """A transposed convolution of kernel 3, stride 2 and padding 1 makes 7 of 4: 3*2 - 2 + 3, one less than twice."""
    text = """\
shapelint: 1
convention: pytorch
inputs:
  image: [1, 1, 8, 8]
layers:
  - down: MaxPool2d(2)
  - up: ConvTranspose2d(1, 3, stride=2, padding=1)
  - Add(up, image)
"""
    (finding,) = findings(text)
    lines = "\n".join(finding_lines(finding, Paint(), text))
    assert "H: 4 becomes 7 (8 - 1)" in lines
    assert "H and W 4 -> 7 (8 - 1)  up" in lines
    assert "rounded" not in lines
    (row, _) = drawn(finding).rows
    assert [step.rounded for step in row.steps] == [None, None]


# -- the picture -----------------------------------------------------------------------------------------------------


def ladder(depth: int, failing: set[int], name: str = "level") -> Levels:
    rows = []
    for place in range(depth):
        side = Side(f"{name}[{place}]", (2 ** (depth - place),))
        axes = ("L",) if place in failing else ()
        steps = (ChainLink(f"{name}/step{place}", "L", 9, 4, "down", "9 -> 4 (rounded down)"),) if axes else ()
        rows.append(Level(f"1/{2**place}", side, side, place not in failing, f"{name}/join{place}", axes, steps))
    return Levels(tuple(rows))


@pytest.mark.parametrize("depth", [1, 5, 12, 13, 20, 40])
@pytest.mark.parametrize("failing", [{0}, {3, 4}, {0, 30}, set(range(40))])
def test_deep_networks_are_folded_and_what_fails_is_not(depth: int, failing: set[int]) -> None:
    there = {place for place in failing if place < depth}
    lines = picture(ladder(depth, there), Paint(), 96)
    levels = [line for line in lines if line.lstrip().startswith("1/")]
    assert len(levels) <= max(MOST, len(there) + 2)
    assert sum("!=" in line for line in levels) == len(there)
    assert sum("rounded down" in line for line in lines) == len(there)
    assert (sum(line.strip() == "..." for line in lines) > 0) is (len(levels) < depth)
    assert levels[0].lstrip().startswith("1/1 ")
    assert f"level[{depth - 1}]" in levels[-1]


@pytest.mark.parametrize("room", [60, 80, 96, 160])
@pytest.mark.parametrize("length", [3, 30, 200])
def test_a_picture_is_as_wide_as_there_is_room(room: int, length: int) -> None:
    name = "/model" + "/submodule" * (length // 10)
    lines = picture(ladder(4, {1}, name), Paint(), room)
    places = [line for line in lines if "/join" in line]
    assert all(len(line) <= max(room, len(f"{name}/join1") + 30) for line in places)
    assert all(len(line) <= room for line in lines if line not in places)
    assert all(line.isascii() and line == line.rstrip() for line in lines)
    assert any(f"`{name}/join1` (L)" in line for line in lines)
    marks = {line.index("!=") for line in lines if "!=" in line} | {
        line.index(" = ") for line in lines if " = " in line
    }
    assert len(marks) == 1


def test_colour_changes_nothing_but_colour() -> None:
    import re

    levels = ladder(5, {1, 3}, "/encoder/block")
    plain, painted = picture(levels, Paint(False), 80), picture(levels, Paint(True), 80)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in painted] == plain
    assert plain != painted


@pytest.mark.parametrize("width", range(8, 40))
def test_a_path_is_cut_in_its_middle(width: int) -> None:
    path = "/model/model.1/submodule/submodule.1/conv/Conv"
    found = cut(path, width)
    assert len(found) <= width
    head, sign, tail = found.partition("...")
    assert sign
    assert path.startswith(head)
    assert path.endswith(tail)
    assert cut(path, 46) == path


# -- the repair that is named ----------------------------------------------------------------------------------------


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(list(arguments))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("fixtures/models/unet.onnx", ["--input", "image=1,3,225,230"]),
        ("fixtures/models/unet.onnx", ["--where", "W=multiple of 4 in 4.."]),
        ("fixtures/architectures/unet_resnet.shape.yaml", ["--input", "1,3,160,250"]),
        ("fixtures/err/static_225.onnx", []),
    ],
)
def test_the_help_names_the_first_repair_of_the_menu_that_its_command_lists(
    file: str, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex

    monkeypatch.chdir(CHECKOUT)
    report = json.loads(printed(capsys, "check", file, *options, "--format", "json"))
    (finding,) = [each for each in report["findings"] if each["fixes"]]
    told = [each for each in finding["help"] if "shapelint fix" in each]
    assert len(told) == 1
    command = shlex.split(told[0].split("`shapelint ")[1].split("` lists")[0])
    menu = json.loads(printed(capsys, *command, "--format", "json"))
    assert told[0].startswith(menu["fixes"][0]["title"])
    assert len(menu["fixes"]) > 1
    assert [fix["title"] for fix in finding["fixes"]] == [fix["title"] for fix in menu["fixes"]]
    text = printed(capsys, "check", file, *options)  # the first entry alone is worked out for it
    assert text.count(f"= help: {told[0]}\n") == 1


def test_the_commands_of_an_onnx_finding_write_copies_that_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import shlex
    import shutil

    monkeypatch.chdir(tmp_path)
    shutil.copy(FIXTURES / "models" / "unet.onnx", tmp_path / "my net.onnx")
    asked = ["--input", "1,3,225,230"]
    report = json.loads(printed(capsys, "check", "my net.onnx", *asked, "--format", "json"))
    assert report["summary"]["fixable"] == 1
    commands = [fix["command"] for fix in report["findings"][0]["fixes"] if fix["command"]]
    assert len(commands) >= 3
    assert all(not fix["edits"] for fix in report["findings"][0]["fixes"])
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "shapelint"
        assert main(arguments) == 0
        assert main(["check", arguments[-1], *asked]) == 0
    capsys.readouterr()


def test_what_no_command_can_ask_again_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = (FIXTURES / "err" / "static_225.onnx").read_bytes()
    (finding,) = check_source(source, "<stdin>", Settings(menus="first")).findings
    assert finding.fixes
    assert all(fix.command is None for fix in finding.fixes)
    assert "shapelint fix" not in finding.help[-1]


def test_what_is_whole_needs_no_repairs() -> None:
    code = (
        "import sys\nfrom shapelint.cli import main\n"
        "main(['check', 'fixtures/ok', 'fixtures/models/unet.onnx'])\n"
        "assert not [name for name in sys.modules if name.startswith('shapelint.fixing')]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_report_of_lines_asks_for_no_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    from shapelint.report.formats import FORMATS, menus_for

    asked = {name: menus_for([name]) for name in FORMATS}
    assert {name for name in asked if asked[name] == "none"} == {"concise", "gitlab"}
    assert {name for name in asked if asked[name] == "every"} == {"json", "sarif"}
    assert menus_for(["concise", "json", "text"]) == "every"


def test_a_run_of_text_is_the_same_with_and_without_the_analysis() -> None:
    """A report that comes from another process has lost its model, not its picture."""
    import pickle

    from shapelint.engine import RunReport
    from shapelint.report.shown import detached

    report = check_source(str(FIXTURES / "err" / "static_225.onnx"), "static.onnx", Settings(menus="first"))
    there = pickle.loads(pickle.dumps(detached(report)))
    one, other = (check_text(RunReport(files=[each]), Paint()) for each in (report, there))
    assert one == other
    assert "!=" in one
