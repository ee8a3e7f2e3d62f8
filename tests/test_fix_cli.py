"""`shapelint fix`, and `check` with --fix, --unsafe-fixes and --diff: what is written, what is refused."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapelint.analysis import Analysis
from shapelint.cli import main
from shapelint.fixing import apply
from shapelint.fixing.menu import offers
from shapelint.settings import Settings, Stated
from shapelint.source import load

from .nets import Net

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = """\
# the head of the file
shapelint: 1
inputs:
  image: [N, 3, H]
sizes:
  H: 30 | 32
layers:
  - e: Conv1d(8, 3, padding=1)
  - p: MaxPool1d(4)   # 30 -> 7
  - u: Upsample(scale_factor=4)   # -> 28
  - c: Concat(u, e)
"""
MENDED = BROKEN.replace("scale_factor=4", "like=e")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.shape.yaml"
    path.write_text(BROKEN)
    return path


def run(*arguments: str) -> int:
    return main(list(arguments))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_menu_is_numbered(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fix", "net.shape.yaml") == 0
    out = capsys.readouterr().out
    assert "  1  pad_input       pad the input to a multiple of 4 (30 -> 32), and crop the result back" in out
    assert "     + u: Upsample(like=e)   # -> 28" in out
    assert "shapelint fix net.shape.yaml --pick N --write" in out
    assert net.read_text() == BROKEN


def test_the_menu_as_json(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, data = answer(capsys, "fix", "net.shape.yaml")
    assert code == 0
    assert data["finding"]["rule"] == "SHP201"
    fix = next(each for each in data["fixes"] if each["kind"] == "output_size")
    assert fix["applicability"] == "safe"
    assert fix["mends"] == [data["finding"]["fingerprint"]]
    start = BROKEN.index("scale_factor=4")
    assert fix["edits"] == [{"file": "net.shape.yaml", "start": start, "end": start + 14, "text": "like=e"}]
    assert fix["fits"]["H"]["text"] == "from 4"
    assert fix["command"] is None


def test_picked_without_a_place_it_is_shown_as_a_difference(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fix", "net.shape.yaml", "--kind", "output_size") == 0
    assert "+  - u: Upsample(like=e)   # -> 28" in capsys.readouterr().out
    assert net.read_text() == BROKEN


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_written_in_place_nothing_else_changes(net: Path, lead: bytes, newline: str) -> None:
    net.write_bytes(lead + BROKEN.replace("\n", newline).encode())
    os.chmod(net, 0o640)
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "--write") == 0
    assert net.read_bytes() == lead + MENDED.replace("\n", newline).encode()
    assert net.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in net.parent.iterdir()] == ["net.shape.yaml"]


def test_written_elsewhere_the_file_stays(net: Path) -> None:
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "-o", "out.shape.yaml") == 0
    assert net.read_text() == BROKEN
    assert (net.parent / "out.shape.yaml").read_text() == MENDED
    assert run("check", "out.shape.yaml") == 0


def test_a_finding_that_is_gone(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text(MENDED)
    assert run("fix", "net.shape.yaml") == 0
    assert "nothing to mend" in capsys.readouterr().out
    assert run("fix", "net.shape.yaml", "--pick", "1", "--write") == 2
    assert "nothing is to be mended" in capsys.readouterr().err
    assert net.read_text() == MENDED


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--pick", "99"], "net.shape.yaml has 6 repairs, none is number 99; there are 1 (pad_input), 2 (input_size)"),
        (["--kind", "export"], "no repair of net.shape.yaml is of the kind `export`; there are 1 (pad_input)"),
        (["--kind", "output_sice"], "`output_sice` is no kind of repair; did you mean `output_size`?"),
        (["--write"], "which entry is to be written?"),
        (["--kind", "pad_input", "--write"], "entry 1 (pad_input) is something to do outside the file"),
        (["--kind", "output_size", "-o", "net.shape.yaml"], "is the file that is read"),
        (["--kind", "output_size", "-o", "./net.shape.yaml"], "is the file that is read"),
        (["--kind", "output_size", "-o", "no/where.yaml"], "`no/where.yaml` cannot be written: No such file"),
        (["--kind", "output_size", "-o", "."], "`.` is a folder; name a file"),
    ],
)
def test_what_is_refused(net: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert run("fix", "net.shape.yaml", *arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert net.read_text() == BROKEN
    assert [path.name for path in net.parent.iterdir()] == ["net.shape.yaml"]


def test_a_disk_that_fills_leaves_the_old_file(
    net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apply.os, "fsync", full)
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "--write") == 2
    assert "cannot be written: No space left on device" in capsys.readouterr().err
    assert net.read_text() == BROKEN
    assert [path.name for path in net.parent.iterdir()] == ["net.shape.yaml"]


def test_something_that_nothing_mends_is_1(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text("shapelint: 1\ninputs:\n  x: [1, 3, 2]\nlayers:\n  - Unfold(5)\n")
    net.write_text("shapelint: 1\ninputs:\n  x: [1, 5, 8, 8]\nlayers:\n  - PixelShuffle(2)\n")
    assert run("fix", "net.shape.yaml") == 1
    assert "nothing that shapelint knows mends it" in capsys.readouterr().out


def test_a_size_asked_for(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text(BROKEN.replace("sizes:\n  H: 30 | 32\n", ""))
    code, data = answer(capsys, "fix", "net.shape.yaml", "--at", "30")
    assert code == 0
    assert data["finding"]["rule"] == "SHP201"
    assert data["finding"]["at"] == {"image": [1, 3, 30]}


def test_a_file_that_cannot_be_read(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, data = answer(capsys, "fix", "gone.shape.yaml")
    assert code == 2
    assert data["errors"]


def test_an_onnx_file_is_never_changed_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    net = Net()
    x = net.input("x", 1, 1, "H", "W")
    data = net.model(net.unet(x, 2)).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(data)
    code, found = answer(capsys, "fix", "net.onnx", "--at", "30x32")
    assert code == 0
    asked = next(fix for fix in found["fixes"] if fix["kind"] == "output_size")
    assert asked["command"].startswith("shapelint fix net.onnx --at 30x32 --pick ")
    assert run("fix", "net.onnx", "--at", "30x32", "--kind", "output_size", "--write") == 2
    assert "an ONNX file, which is never changed in place" in capsys.readouterr().err
    assert run("fix", "net.onnx", "--at", "30x32", "--kind", "output_size", "-o", "net.onnx") == 2
    assert (tmp_path / "net.onnx").read_bytes() == data
    assert run("fix", "net.onnx", "--at", "30x32", "--kind", "output_size", "-o", "out.onnx") == 0
    assert run("sizes", "out.onnx", "--at", "30x32") == 0


# -- check -----------------------------------------------------------------------------------------------------------


def test_check_fix_makes_the_first_safe_repair(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--fix", "net.shape.yaml") == 0
    assert net.read_text() == MENDED
    assert "mended (output_size)" in capsys.readouterr().err
    assert run("check", "--fix", "net.shape.yaml") == 0
    assert net.read_text() == MENDED


def test_check_diff_writes_nothing(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--diff", "net.shape.yaml") == 1
    out = capsys.readouterr().out
    assert out.startswith("--- a/net.shape.yaml\n+++ b/net.shape.yaml\n")
    assert "+  - u: Upsample(like=e)   # -> 28\n" in out
    assert net.read_text() == BROKEN
    net.write_text(MENDED)
    assert run("check", "--diff", "net.shape.yaml") == 0
    assert capsys.readouterr().out == ""


def test_unsafe_repairs_are_made_only_when_asked_for(net: Path) -> None:
    """k3 s2 p1 back from 16: 31; a safe repair is not at hand, an output padding of 1 is right for even sizes."""
    text = """\
shapelint: 1
convention: keras
inputs:
  x: [T, 4]
sizes:
  T: multiple of 2
layers:
  - a: Conv1D(4, 3, strides=2, padding="same")
  - b: Conv1DTranspose(4, 3, strides=2, padding="same", output_padding=0)
expect:
  - b.size == x.size
"""
    net.write_text(text)
    assert run("check", "--fix", "net.shape.yaml") == 1
    assert net.read_text() == text
    assert run("check", "--fix", "--unsafe-fixes", "net.shape.yaml") == 0
    assert net.read_text() == text.replace("output_padding=0", "output_padding=1")


def test_what_is_suppressed_is_left_alone(net: Path) -> None:
    text = BROKEN.replace("  - c: Concat(u, e)", "  - c: Concat(u, e)  # shapelint: ignore[SHP201] known")
    net.write_text(text)
    assert run("check", "--fix", "net.shape.yaml") == 0
    assert net.read_text() == text


def test_rules_that_are_left_out_are_not_mended(net: Path) -> None:
    assert run("check", "--fix", "--ignore", "SHP201", "net.shape.yaml") == 0
    assert net.read_text() == BROKEN


def test_findings_as_json_carry_their_menus(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, data = answer(capsys, "check", "net.shape.yaml")
    assert code == 1
    assert [fix["kind"] for fix in data["findings"][0]["fixes"]][:3] == ["pad_input", "input_size", "output_size"]
    assert data["summary"]["fixable"] == 1


def test_two_causes_are_mended_one_after_the_other(net: Path) -> None:
    net.write_text(TWICE)
    assert run("check", "--fix", "net.shape.yaml") == 0
    assert net.read_text().count("like=e") == 2


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_the_input_by_another_name_is_the_input(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (net.parent / "soft.yaml").symlink_to(net)
    os.link(net, net.parent / "hard.yaml")
    for name in ("soft.yaml", "hard.yaml"):
        assert run("fix", "net.shape.yaml", "--kind", "output_size", "-o", name) == 2
        assert "is the file that is read" in capsys.readouterr().err
    assert net.read_text() == BROKEN


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_device_is_written_into_and_never_replaced(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "-o", "/dev/full") == 2
    assert "`/dev/full` cannot be written: No space left on device" in capsys.readouterr().err
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "-o", "/dev/null") == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_place_that_takes_no_files(
    net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(apply.tempfile, "mkstemp", refused)
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "--write") == 2
    assert capsys.readouterr().err == "shapelint: `net.shape.yaml` cannot be written: Permission denied\n"
    assert run("check", "--fix", "net.shape.yaml") == 1
    assert "net.shape.yaml: `net.shape.yaml` cannot be written: Permission denied" in capsys.readouterr().err
    assert net.read_text() == BROKEN


def test_a_file_that_changes_meanwhile_is_left_alone(
    net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edits are those of the text that was analysed."""
    real = apply.patched_bytes
    other = BROKEN.replace("Conv1d(8, 3, padding=1)", "Conv1d(8, 3, padding=1)  # a comment that came in")

    def late(analysis: Any, offer: Any, data: bytes) -> bytes:
        return real(analysis, offer, other.encode())

    monkeypatch.setattr(apply, "patched_bytes", late)
    assert run("fix", "net.shape.yaml", "--kind", "output_size", "--write") == 2
    assert "the file changed while it was mended; run the command again" in capsys.readouterr().err
    assert net.read_text() == BROKEN


def test_nothing_mends_it_is_said(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net.write_text("shapelint: 1\ninputs:\n  x: [1, 5, 8, 8]\nlayers:\n  - PixelShuffle(2)\n")
    assert run("fix", "net.shape.yaml", "--pick", "1") == 2
    assert "none is number 1; nothing that shapelint knows mends it" in capsys.readouterr().err


def test_several_files_of_which_one_cannot_be_read(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (net.parent / "a.shape.yaml").write_text("shapelint: 1\ninputs: [\n")
    (net.parent / "z.shape.yaml").write_text(BROKEN)
    assert run("check", "--diff", ".") == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("---")] == [
        "--- a/net.shape.yaml",
        "--- a/z.shape.yaml",
    ]
    assert net.read_text() == BROKEN
    assert run("check", "--fix", ".") == 1
    assert net.read_text() == MENDED
    assert (net.parent / "z.shape.yaml").read_text() == MENDED
    assert "a.shape.yaml" in capsys.readouterr().out
    assert run("check", "--fix", "net.shape.yaml", "gone.shape.yaml") == 2


TWICE = (
    BROKEN.replace("30 | 32", "31 | 32")
    + "  - p2: MaxPool1d(2)(e)\n  - u2: Upsample(scale_factor=2)\n  - c2: Concat(u2, e)\n"
)


def test_a_repair_that_collides_is_reported(
    net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second repair cannot be made any more after the first: it is said, and its finding stays."""
    real = apply.offers

    def only_at_first(analysis: Analysis, cause: Any = None, **rest: Any) -> Any:
        return real(analysis, cause, **rest) if analysis.model.program.text == TWICE else []

    monkeypatch.setattr(apply, "offers", only_at_first)
    net.write_text(TWICE)
    assert run("check", "--fix", "net.shape.yaml") == 1
    error = capsys.readouterr().err
    assert error.count("mended (output_size): let `u` take") == 1
    assert error.count("not mended: let `u2` take") == 1
    assert "it collides with what was mended before" in error
    assert net.read_text() == TWICE.replace("scale_factor=4", "like=e")


def test_what_undoes_another_repair_is_reported(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two repairs of which each makes what the other one mended: the second is told and not made."""
    texts = [BROKEN.encode(), MENDED.encode()]

    def turning(analysis: Any, offer: Any, data: bytes) -> bytes:
        return texts[1 - texts.index(data)]

    chosen = apply._first_allowed

    def always(data: bytes, *rest: Any) -> Any:
        return chosen(BROKEN.encode(), *rest)

    monkeypatch.setattr(apply, "patched_bytes", turning)
    monkeypatch.setattr(apply, "_first_allowed", always)
    mended = apply.mended(BROKEN.encode(), "net.shape.yaml", Settings(Stated()), unsafe=False)
    assert mended.new == MENDED.encode()
    assert [message.partition(": it ")[2] for message in mended.left] == ["undoes what was mended before"]


PIECES = st.sampled_from(["# größe 形 \t tab", "#\tunder", "# 🙂", "#", "", "# a: [b, {c}"])


@given(
    comments=st.lists(PIECES, min_size=6, max_size=6),
    newline=st.sampled_from(["\n", "\r\n"]),
    lead=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    name=st.sampled_from(["e", "größe", "層", "naïve_skip"]),
    ends=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_bytes_outside_the_edits_are_identical(
    comments: list[str], newline: str, lead: bytes, name: str, ends: bool
) -> None:
    """Whatever the line breaks, marks, tabs, names and comments are, and whether the last line ends."""
    text = BROKEN.replace("- e:", f"- {name}:").replace("Concat(u, e)", f"Concat(u, {name})")
    lines = []
    for number, line in enumerate(text.splitlines()):
        comment = comments[number % 6]
        lines += [line] if "#" in line or not comment else [f"{line}  {comment}"]
        if comment.startswith("#") and number > 6:
            lines.append(f"    {comment}")
    data = lead + (newline.join(lines) + (newline if ends else "")).encode()
    analysis = Analysis(load(data))
    start = data.index(b"scale_factor=4")
    seen = set()
    for offer in offers(analysis, lead=len(lead)):
        new, place = apply.edited(data, offer.fix.edits), 0
        for edit in offer.fix.edits:
            assert data[place : edit.start] in new
            place = edit.end
        if offer.patch is not None:
            assert new == apply.patched_bytes(analysis, offer, data)
            assert new.startswith(lead)
            assert new.count(b"\r\n") == new.count(b"\n") or newline == "\n"
        if offer.fix.kind == "output_size" and len(offer.fix.edits) == 1:
            assert new == data[:start] + f"like={name}".encode() + data[start + 14 :]
            assert offers(Analysis(load(new))) == []
        seen.add(offer.fix.kind)
    assert {"output_size", "crop_merge", "pad_merge"} <= seen
