"""Every format of `check`, read as its consumer reads it; the golden files are one run in each format.

To renew them: BLESS=1 python -m pytest tests/test_formats.py, then read the difference.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import onnx
import pytest

from shapelint.cli import main
from shapelint.engine import RunError, RunReport
from shapelint.report.formats import FORMATS, Look

from .shared import CHECKOUT, FIXTURES

GOLDEN = CHECKOUT / "tests" / "golden" / "formats"
SARIF_SCHEMA = CHECKOUT / "tests" / "schemas" / "sarif-2.1.0-rtm.4.json"
ENDINGS = {"concise": "txt", "sarif": "sarif", "github": "txt", "gitlab": "json", "junit": "xml", "markdown": "md"}
MACHINE = ("json", "sarif", "gitlab", "junit")

SPEC = """\
shapelint: 1
convention: pytorch
inputs:
  image: [1, 3, 225, 225]
layers:
  - down: Conv2d(16, 3, stride=2, padding=1)
  - up: Upsample(scale_factor=2)
{above}  - join: Concat(up, image){beside}
"""
ODD = "größe, 100%: a|b.shape.yaml"
CONFIG = """\
[[ignore]]
file = "models/unet_resized.onnx"
node = "*"
rule = "SHP101"
reason = "the resizing keeps every size, see größe"
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository: ONNX files, specs, a comment and a table that suppress, an odd name, a missing path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    models = tmp_path / "models"
    models.mkdir()
    for name in ("err/static_225", "err/unknown_operator", "models/unet", "models/unet_resized", "ok/unet_64"):
        shutil.copy(FIXTURES / f"{name}.onnx", models)
    shutil.copy(FIXTURES / "broken" / "pointer.onnx", models)
    nets = tmp_path / "nets"
    nets.mkdir()
    (nets / ODD).write_text(SPEC.format(above="", beside=""), encoding="utf-8")
    ignored = SPEC.format(above="", beside="  # shapelint: ignore[SHP201] the head is cut off, größer | not")
    (nets / "ignored.shape.yaml").write_text(ignored, encoding="utf-8")
    (tmp_path / "shapelint.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["check", *arguments])
    return code, capsys.readouterr().out


def read(capsys: pytest.CaptureFixture[str], form: str, *arguments: str) -> Any:
    _, out = printed(capsys, *(arguments or (".", "gone.onnx")), "--format", form)
    return ElementTree.fromstring(out) if form == "junit" else json.loads(out)


# -- the golden files ------------------------------------------------------------------------------------------------


def without_rules(text: str) -> str:
    """The words of the rules stand in rules/, and are looked at below."""
    log = json.loads(text)
    del log["runs"][0]["tool"]["driver"]["rules"]
    for result in results(log):
        del result["ruleIndex"]
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("form", ENDINGS)
def test_a_run(form: str, scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = printed(capsys, ".", "gone.onnx", "--format", form)
    assert code == 2
    out = without_rules(out) if form == "sarif" else out
    path = GOLDEN / f"{form}.{ENDINGS[form]}"
    if os.environ.get("BLESS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(out, encoding="utf-8")
    assert out == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_neither_colour_nor_processes_change_a_report(
    form: str, scene: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = printed(capsys, ".", "--format", form, "--jobs", "1", "--color", "never")
    assert printed(capsys, ".", "--format", form, "--jobs", "2", "--color", "never") == first
    if form != "text":
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert printed(capsys, ".", "--format", form, "--color", "always") == first


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_without_files_and_one_of_errors_only_are_valid(form: str) -> None:
    empty = FORMATS[form](RunReport(), Look())
    failed = FORMATS[form](RunReport(errors=[RunError("a\udc80.onnx", "can't\nbe <read>")]), Look())
    if form in ("json", "sarif", "gitlab"):
        assert json.loads(empty) is not None
        assert json.loads(failed)
    elif form == "junit":
        assert ElementTree.fromstring(empty).get("tests") == "0"
        assert ElementTree.fromstring(failed).get("errors") == "1"
    elif form in ("github", "concise"):
        assert empty == ""
        assert failed.count("\n") == 1


@pytest.mark.parametrize("form", MACHINE)
def test_a_stream_that_takes_ascii_only_gets_a_valid_report(form: str, scene: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shapelint", "check", ".", "--format", form],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    text = done.stdout.decode("ascii")
    assert "größe, 100%: a|b.shape.yaml" in str(
        [each.get("name") for each in ElementTree.fromstring(text)]
        if form == "junit"
        else unquote(str(json.loads(text)))
    )


# -- sarif -----------------------------------------------------------------------------------------------------------


def results(log: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log["runs"][0]["results"]
    return found


def regions(found: Any) -> list[dict[str, int]]:
    """Every region below `found`."""
    if isinstance(found, dict):
        own = [found["region"]] if "region" in found else []
        return own + [each for value in found.values() for each in regions(value)]
    return [each for value in found for each in regions(value)] if isinstance(found, list) else []


@pytest.mark.parametrize("arguments", [(".", "gone.onnx"), (".", "--where", "multiple of 4"), ("models/unet_64.onnx",)])
def test_sarif_is_valid_by_the_official_schema(
    arguments: tuple[str, ...], scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SARIF_SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(read(capsys, "sarif", *arguments))] == []
    broken = read(capsys, "sarif", *arguments)
    broken["runs"][0]["columnKind"] = "pixels"
    assert not validator.is_valid(broken)


def test_sarif_has_what_github_requires(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs.github.com, SARIF support for code scanning: the properties marked as required, none of them empty."""
    log = read(capsys, "sarif", ".", "--where", "multiple of 4")
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "shapelint"
    for rule in run["tool"]["driver"]["rules"]:
        assert 0 < len(rule["name"]) <= 255
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
    assert results(log)
    for result in results(log):
        assert result["message"]["text"]
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"]
        assert location["physicalLocation"]["region"].keys() == {"startLine", "startColumn", "endLine", "endColumn"}
        assert all(region["startLine"] >= 1 for region in regions(result))


def test_sarif_holds_together(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = read(capsys, "sarif")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in results(log):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        address = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][address["index"]]["location"]["uri"] == address["uri"]
        assert Path(unquote(address["uri"])).is_file()
        for flow in result.get("codeFlows", []):
            last = flow["threadFlows"][0]["locations"][-1]["location"]
            assert last["physicalLocation"] == result["locations"][0]["physicalLocation"]
        ids = [each["id"] for each in result.get("relatedLocations", [])]
        assert {int(link) for link in re.findall(r"\]\((\d+)\)", result["message"]["text"])} <= set(ids)
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results(log)]
    assert len(set(hashes)) == len(hashes)
    assert run["invocations"][0]["executionSuccessful"] is False
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("does not exist")


def test_sarif_tells_the_chain_and_the_node(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """225 halved with padding 1 and kernel 3 is 113, doubled 226."""
    by_file = {
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: each
        for each in results(read(capsys, "sarif"))
    }
    onnx_one = by_file["models/static_225.onnx"]
    assert onnx_one["locations"][0]["logicalLocations"] == [
        {"name": "join", "fullyQualifiedName": "join", "kind": "node"}
    ]
    spec = by_file["nets/gr%C3%B6%C3%9Fe%2C%20100%25%3A%20a%7Cb.shape.yaml"]
    region = {"startLine": 8, "startColumn": 11, "endLine": 8, "endColumn": 28}
    assert spec["locations"][0]["physicalLocation"]["region"] == region
    for result in (onnx_one, spec):
        steps = [step["location"] for step in result["codeFlows"][0]["threadFlows"][0]["locations"]]
        assert [step["message"]["text"] for step in steps[:2]] == ["H: 225 -> 113 (rounded up)", "H: 113 -> 226"]
        assert [step["logicalLocations"][0]["name"] for step in steps] == ["down", "up", "join"]
    lines = [step["physicalLocation"]["region"]["startLine"] for step in steps]
    assert lines == [6, 7, 8]


def test_a_fix_in_sarif_mends_when_a_viewer_applies_it(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scene / "nets" / ODD
    (result,) = results(read(capsys, "sarif", str(path)))
    fix = next(each for each in result["fixes"] if each["properties"]["applicability"] == "safe")
    data = path.read_bytes()
    for change in fix["artifactChanges"]:
        assert Path(unquote(change["artifactLocation"]["uri"])) == path.relative_to(scene)
        for each in reversed(change["replacements"]):
            start, length = each["deletedRegion"]["byteOffset"], each["deletedRegion"]["byteLength"]
            data = data[:start] + each["insertedContent"]["text"].encode() + data[start + length :]
    path.write_bytes(data)
    assert results(read(capsys, "sarif", str(path))) == []


def test_sarif_keeps_what_is_suppressed_with_its_reason(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SARIF 2.1.0, 3.27.23: every result has the list, or none."""
    told = [
        (result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], each)
        for result in results(read(capsys, "sarif"))
        for each in result["suppressions"]
    ]
    assert told == [
        (
            "models/unet_resized.onnx",
            {"kind": "external", "justification": "the resizing keeps every size, see größe"},
        ),
        ("nets/ignored.shape.yaml", {"kind": "inSource", "justification": "the head is cut off, größer | not"}),
    ]


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_fingerprints_do_not_move_with_lines(form: str, scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fingerprints() -> list[str]:
        found = read(capsys, form)
        return (
            [each["fingerprint"] for each in found]
            if form == "gitlab"
            else [each["partialFingerprints"]["primaryLocationLineHash"] for each in results(found)]
        )

    before = fingerprints()
    path = scene / "nets" / ODD
    path.write_text("# a line\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert fingerprints() == before


# -- the others ------------------------------------------------------------------------------------------------------


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As GitHub's runner reads them: ActionCommand.cs."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
        assert match is not None, line
        fields = dict(pair.split("=", 1) for pair in match[2].split(","))
        escapes = (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
        message = match[3]
        for escape, letter in escapes:
            fields = {key: value.replace(escape, letter) for key, value in fields.items()}
            message = message.replace(escape, letter) if letter not in ":," else message
        found.append((match[1], fields, message))
    return found


def test_github_annotations_are_read_back(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = read(capsys, "json")
    found = commands(printed(capsys, ".", "gone.onnx", "--format", "github")[1])
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    assert [(level, fields["file"], fields.get("line")) for level, fields, _ in found[:-1]] == [
        (levels[each["severity"]], each["file"], None if each["line"] is None else str(each["line"]))
        for each in report["findings"]
    ]
    assert all(each["message"] in message for each, (_, _, message) in zip(report["findings"], found, strict=False))
    assert found[-1][1] == {"file": "gone.onnx", "title": "shapelint could not run"}


def hostile(path: Path, name: str) -> None:
    model = onnx.load(FIXTURES / "err" / "static_225.onnx")
    for node in model.graph.node:
        if node.name == "join":
            node.name = name
    onnx.save(model, path)


NAMES = ["a\n::error::x", "\x1b[31mred\x00", "`|` <b>&amp; *x*", "größe%0A,:", "[a](b)", "\ufffe\u202e"]


@pytest.mark.parametrize("name", NAMES)
def test_names_from_a_file_break_no_format(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile(tmp_path / "net.onnx", name)
    assert len(commands(printed(capsys, ".", "--format", "github")[1])) == 1
    assert printed(capsys, ".", "--format", "concise")[1].count("\n") == 1
    assert read(capsys, "junit", ".").get("failures") == "1"
    assert len(read(capsys, "gitlab", ".")) == 1
    (result,) = results(read(capsys, "sarif", "."))
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == name
    text = printed(capsys, ".", "--format", "markdown")[1]
    assert text.count("<details>") == text.count("</details>") == 1
    for form in ("github", "concise", "junit", "markdown"):
        out = printed(capsys, ".", "--format", form)[1]
        assert "\x1b" not in out
        assert "\x00" not in out


def test_gitlab_issues_are_whole(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs.gitlab.com, Code Quality report format: the required fields, and a fingerprint that no other issue has."""
    issues = read(capsys, "gitlab")
    assert len({each["fingerprint"] for each in issues}) == len(issues) == len(read(capsys, "json")["findings"]) + 1
    for each in issues:
        assert each["description"]
        assert each["check_name"]
        assert each["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert each["location"]["lines"]["begin"] >= 1
        assert not each["location"]["path"].startswith("./")
    assert issues[-1]["severity"] == "blocker"


def test_two_findings_of_one_node_have_two_fingerprints(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SPEC.format(above="", beside="").replace("join:", "a:") + "  - b: Concat(up, image)\n"
    (scene / "nets" / ODD).write_text(text, encoding="utf-8")
    issues = read(capsys, "gitlab")
    assert len({each["fingerprint"] for each in issues}) == len(issues)


@pytest.mark.parametrize("level", ["error", "warning", "info", "never"])
def test_junit_fails_where_the_exit_code_does(level: str, scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = printed(capsys, ".", "--format", "junit", "--fail-on", level)
    root = ElementTree.fromstring(out)
    assert (code == 1) is (root.get("failures") != "0")
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        assert element.get("failures") == str(len(list(element.iter("failure"))))
        assert element.get("skipped") == str(len(list(element.iter("skipped"))))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    assert ("models/unet_64.onnx", "shapelint") in names
    assert [each.get("message") for each in root.iter("skipped")] == [
        "the resizing keeps every size, see größe",
        "the head is cut off, größer | not",
    ]


def test_markdown_tables_have_one_row_a_file(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = read(capsys, "json")
    text = printed(capsys, ".", "gone.onnx", "--format", "markdown")[1]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(report["files"])
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6, 3}
    assert "| `models/unet.onnx` | fits for H and W: multiples of 8 | 0 | 0 | 1 |" in rows
    assert "- `gone.onnx`: does not exist" in text


def test_a_summary_stays_below_the_limit_of_github(monkeypatch: pytest.MonkeyPatch, scene: Path, capsys: Any) -> None:
    monkeypatch.setattr("shapelint.report.markdown.LARGEST", 1600)
    text = printed(capsys, ".", "--format", "markdown")[1]
    assert len(text.encode()) < 1800
    assert "are too long for a summary" in text


def test_quiet_leaves_infos_out_of_what_people_read(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form, sign in (("concise", "info["), ("github", "::notice")):
        assert sign in printed(capsys, ".", "--format", form)[1]
        assert sign not in printed(capsys, ".", "--format", form, "--quiet")[1]


# -- several outputs -------------------------------------------------------------------------------------------------


def test_several_outputs_of_one_run(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file holds what stdout would, and the terminal still shows --format."""
    wanted = [argument for form in FORMATS for argument in ("--output", f"{form}:out.{form}")]
    code, out = printed(capsys, "models", "nets", *wanted, "--color", "always")
    assert code == 1
    assert out == printed(capsys, "models", "nets", "--color", "always")[1]
    for form in FORMATS:
        shown = printed(capsys, "models", "nets", "--format", form, "--color", "never")[1]
        assert (scene / f"out.{form}").read_bytes() == shown.encode()
    assert not list(scene.glob("*.new"))


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("sariff:a", "`sariff` in --output `sariff:a` is no format; did you mean `sarif`?"),
        ("a.json", "`a.json` in --output `a.json` is no format; did you mean `json`?"),
        ("json", "--output `json` names no file; write for example --output json:report.json"),
        ("json:", "--output `json:` names no file; write for example --output json:report.json"),
        ("json:-", "--output `json:-` names no file; write for example --output json:report.json"),
    ],
)
def test_an_output_that_cannot_be_meant(
    output: str, sentence: str, scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "models", "--output", output]) == 2
    assert capsys.readouterr() == ("", f"shapelint: {sentence}\n")


def test_an_unknown_format(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "models", "--format", "git-lab"]) == 2
    assert capsys.readouterr().err == "shapelint: `git-lab` is no format; did you mean `gitlab`?\n"


def test_one_file_for_two_outputs(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "models", "--output", "json:a", "--output", "sarif:./a"]) == 2
    assert "names a file that another --output names too" in capsys.readouterr().err
    assert not (scene / "a").exists()


def test_an_output_that_cannot_be_written_keeps_nothing_else_back(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scene / "folder").mkdir()
    outputs = ["json:no/such.json", "json:folder", "sarif:good.sarif"]
    arguments = [argument for output in outputs for argument in ("--output", output)]
    assert main(["check", "models/unet_64.onnx", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("ok models/unet_64.onnx")
    assert err.splitlines() == [
        "shapelint: no/such.json: cannot be written: No such file or directory",
        "shapelint: folder: cannot be written: Is a directory",
    ]
    assert json.loads((scene / "good.sarif").read_text(encoding="utf-8"))
    assert not list(scene.rglob("*.new"))


def test_an_output_never_replaces_a_model(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (scene / "models" / "unet_64.onnx").read_bytes()
    assert main(["check", "models", "--output", "json:models/unet_64.onnx"]) == 2
    assert "is one of the files that were checked" in capsys.readouterr().err
    assert (scene / "models" / "unet_64.onnx").read_bytes() == before


def test_an_output_follows_links_and_takes_devices(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scene / "real.json").write_text("old", encoding="utf-8")
    (scene / "link.json").symlink_to("real.json")
    code = main(["check", "models/unet_64.onnx", "--output", "json:link.json", "--output", f"sarif:{os.devnull}"])
    assert code == 0
    assert (scene / "link.json").is_symlink()
    assert json.loads((scene / "real.json").read_text(encoding="utf-8"))["findings"] == []
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(os.name == "nt", reason="no such device here")
def test_an_output_to_stdout_adds_to_what_it_leads_to(scene: Path) -> None:
    command = [sys.executable, "-m", "shapelint", "check", "models/static_225.onnx", "--output", "concise:/dev/stdout"]
    with (scene / "both.txt").open("w") as file:
        file.write("before\n")
        file.flush()
        subprocess.run([*command, "--format", "markdown"], stdout=file, check=False, timeout=60)
    before, line, head, *_ = (scene / "both.txt").read_text(encoding="utf-8").splitlines()
    assert before == "before"
    assert line.startswith("models/static_225.onnx: (join) error[SHP201]")
    assert head == "## shapelint"
