"""Every rule is held against its own examples: what is said where, in which words, and where nothing is said.

To renew the words: python tools/bless_rules.py, then read the difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shapelint.cli import main
from shapelint.finding import Applicability
from shapelint.harness import Stage, blessed, fix_of, flaws_of, totals
from shapelint.registry import built_in, own_rules, rules_folder, use_own
from shapelint.rulefile import RuleError, fields_of, options_of, read_rule, rule_files

from .shared import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = rule_files(rules_folder(), "rules")
FILES = {
    *("unreadable-file", "git-lfs-pointer", "broken-graph", "malformed-promise"),
    *("frozen-size", "declared-size-contradicted", "promised-size-refused"),
}
"""Rules that no spec can break: they are shown with files."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_the_examples_of_a_rule(rule: object) -> None:
    """Exactly the marked findings, in exactly these words; nothing at all is said of a `good` one."""
    assert [f"{flaw.place}: {flaw.message}" for flaw in flaws_of(rule)] == []  # type: ignore[arg-type]


def test_every_rule_has_examples_that_are_specs() -> None:
    assert {rule.name for rule in RULES} == set(built_in())
    number, bad, good = totals(RULES)
    assert number == len(RULES) >= 21
    assert min(bad, good) >= number
    without = {rule.name for rule in RULES if not any(each.text for each in rule.examples if not each.good)}
    assert without == FILES


def test_what_is_mended_is_derived() -> None:
    """A rule is mended where an example of it is; that is written nowhere else."""
    found = {rule.contract.id: fix_of(rule) for rule in RULES}
    for rule in RULES:
        assert sum(found[rule.contract.id].values()) == sum(example.fixed is not None for example in rule.examples)
    assert Applicability.SAFE in found["SHP201"]
    assert found["SHP001"] == found["SHP010"] == {}


def test_blessing_changes_nothing_more() -> None:
    for rule in RULES:
        assert blessed(rule) == rule.path.read_text(encoding="utf-8"), rule.shown


def test_the_harness_finds_what_is_wrong(tmp_path: Path) -> None:
    """A finding that is missing, one too many, other words, and a `good` example that is none."""
    text = OWN.replace("# expect: ACME001, SHP101", "").replace("MaxPool2d(32)", "MaxPool2d(32)  # expect: ACME001")
    text = text.replace("MaxPool2d(8)", "MaxPool2d(64)")
    (tmp_path / "ACME001-too-coarse.yaml").write_text(text)
    (rule,) = rule_files(tmp_path, "rules")
    flaws = [flaw.message for flaw in flaws_of(rule)]
    assert [flaw.split(":")[0] for flaw in flaws] == [
        "missing",
        "noisy",
        "noisy",
        "`says` is missing; the bless command writes it",
        "a `good` example has a finding",
        "a `good` example has a finding",
    ]
    assert "ACME001 on line 6 of example.shape.yaml" in flaws[0]


# -- users' rules ----------------------------------------------------------------------------------------------------

OWN = """\
id: ACME001
name: too-coarse
check: restricted-size
since: 2.3.0
severity: error
summary: a model does not take every multiple of 16
message: "{inputs} {take} only {sizes} of {axes}; our loader pads to 16"
why: |
  The loader pads pictures to multiples of 16.
options: {multiple: 16}
references:
  - https://example.com/loader
examples:
  - bad: |
      shapelint: 1
      inputs:
        image: [N, 3, H, W]
      layers:
        - skip: Conv2d(16, 3, padding=1)
        - MaxPool2d(32)
        - up: ConvTranspose2d(16, 32, stride=32)
        - Concat(skip, up)  # expect: ACME001, SHP101
  - good: |
      shapelint: 1
      inputs:
        image: [N, 3, H, W]
      sizes:
        H: multiple of 8
        W: multiple of 8
      layers:
        - skip: Conv2d(16, 3, padding=1)
        - MaxPool2d(8)
        - up: ConvTranspose2d(16, 8, stride=8)
        - Concat(skip, up)
"""
NET = """\
shapelint: 1
inputs:
  image: [N, 3, H, W]
layers:
  - skip: Conv2d(16, 3, padding=1)
  - MaxPool2d({scale})
  - up: ConvTranspose2d(16, {scale}, stride={scale})
  - Concat(skip, up)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with one rule of its own, which is forgotten afterwards."""
    rules = tmp_path / ".shapelint" / "rules"
    rules.mkdir(parents=True)
    (rules / "ACME001-too-coarse.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    use_own(())


def test_rules_test_and_bless(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(".shapelint/rules/ACME001-too-coarse.yaml:14: `says` is missing")
    assert main(["rules", "test", "--bless"]) == 0
    assert capsys.readouterr().out == "1 rule, 1 bad and 1 good example: all as they should be\n"
    assert main(["rules", "test", ".shapelint/rules", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": 1, "rules": 1, "bad": 1, "good": 1, "flaws": []}
    blessed_text = (project / ".shapelint/rules/ACME001-too-coarse.yaml").read_text()
    assert "our loader pads to 16" in blessed_text.partition("says: |")[2]
    assert "".join(blessed_text.splitlines(True)[:21]) == "".join(OWN.splitlines(True)[:21])


@pytest.mark.parametrize(("scale", "code"), [(32, 1), (16, 0), (2, 0)])
def test_an_own_rule_is_checked(project: Path, capsys: pytest.CaptureFixture[str], scale: int, code: int) -> None:
    """Every multiple of 16 is a multiple of 2 and of 16, and not of 32."""
    (project / "net.shape.yaml").write_text(NET.format(scale=scale))
    assert main(["check", ".", "--format", "json"]) == code
    found = [finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert sorted(found) == (["ACME001", "SHP101"] if code else ["SHP101"])
    assert main(["check", ".", "--isolated", "--quiet"]) == 0
    assert main(["check", ".", "--ignore", "too-coarse", "--quiet"]) == 0


def test_own_rules_reach_every_process(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abc":
        (project / f"{name}.shape.yaml").write_text(NET.format(scale=32))
    outputs = []
    for jobs in "12":
        assert main(["check", ".", "--jobs", jobs]) == 1
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("error[ACME001]") == 3


def test_own_rules_are_listed_explained_and_do_not_stay(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "acme001"]) == 0
    assert "a model does not take every multiple of 16" in capsys.readouterr().out
    assert main(["rules"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("ACME001  too-coarse")
    assert [rule.contract.id for rule in own_rules()] == ["ACME001"]
    monkeypatch.chdir(CHECKOUT)
    assert main(["rules"]) == 0
    assert "ACME001" not in capsys.readouterr().out
    assert main(["check", "fixtures/ok", "--select", "ACME001"]) == 2


MISTAKES = {
    "unknown key": ("since:", "sinse:", (4, 1), "did you mean `since`?"),
    "a key is missing": ("since: 2.3.0\n", "", (1, 1), "the key `since` is missing"),
    "a key stands twice": ("since: 2.3.0", "since: 2.3.0\nsince: 1", (5, 1), "stands twice"),
    "no YAML": ("name: too-coarse", "name: [too-coarse", (3, 6), "not YAML"),
    "no mapping": (OWN, "- id\n", (1, 1), "a rule is a mapping"),
    "empty": (OWN, "", None, "the file is empty"),
    "unknown check": ("restricted-size", "restricted-sizes", (3, 8), "did you mean `restricted-size`?"),
    "no check": ("check: restricted-size\n", "", (1, 1), "the key `check` is missing"),
    "unknown level": ("severity: error", "severity: eror", (5, 11), "did you mean `error`?"),
    "unknown grade": ("severity: error", "severity: {fre: error}", (5, 12), "did you mean `free`?"),
    "unknown field": ("{sizes}", "{size}", (7, 10), "did you mean `sizes`?"),
    "open brace": ("{sizes}", "{sizes", (7, 10), "the braces of `message` do not match"),
    "unknown option": ("multiple: 16", "multiples: 16", (10, 11), "did you mean `multiple`?"),
    "option of another type": ("multiple: 16", "multiple: many", (10, 21), "it is a whole number"),
    "reserved id": ("ACME001", "SHP901", (1, 5), "use letters of your own"),
    "no id": ("ACME001", "coarse", (1, 5), "not of the form `ACME001`"),
    "no name": ("name: too-coarse", "name: Too Coarse", (2, 7), "not of the form `too-coarse`"),
    "another rule's name": ("name: too-coarse", "name: frozen-size", (2, 7), "is that of a rule of shapelint"),
    "no link": ("https://example.com/loader", "the wiki", (12, 5), "begin with https://"),
    "no list": (
        "references:\n  - https://example.com/loader",
        "references: here",
        (11, 13),
        "begin each item with `- `",
    ),
    "unknown key of an example": ("- good:", "- god:", (23, 5), "did you mean `good`?"),
    "bad and good": ("  - good: |", "    good: |", (14, 5), "write one of the two"),
    "no mark": ("# expect: ACME001, SHP101", "", (14, 10), "write `# expect: ACME001`"),
    "no fixture": (
        "  - good: |",
        "  - good: {fixture: gone.onnx}\n  - good: |",
        (23, 11),
        "`gone.onnx` does not exist",
    ),
    "words about nothing": (
        "  - good: |",
        "  - says: quiet\n    good: |",
        (23, 11),
        "nothing is said of a `good` example",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence_with_its_place(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, place, words = MISTAKES[name]
    assert old in OWN
    text = OWN.replace(old, new, 1)
    file = project / ".shapelint" / "rules" / "ACME001-too-coarse.yaml"
    if name in ("reserved id", "another rule's name"):
        file.unlink()
        file = file.with_name("SHP901-too-coarse.yaml" if "id" in name else "ACME001-frozen-size.yaml")
    file.write_text(text)
    shown = f".shapelint/rules/{file.name}" + (f":{place[0]}:{place[1]}" if place else "")
    for command in (["rules", "test"], ["check", "."], ["rules"]):
        assert main(command) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"shapelint: {shown}: ")
        assert words in err
        assert err.count("\n") == 1


def test_the_file_is_called_as_the_rule(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / ".shapelint" / "rules" / "ACME001-too-coarse.yaml"
    file.rename(file.with_name("coarse.yaml"))
    assert main(["rules", "test"]) == 2
    assert "rename it to `ACME001-too-coarse.yaml`" in capsys.readouterr().err


def test_two_rules_with_one_id(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = project / ".shapelint" / "rules" / "ACME001-very-coarse.yaml"
    other.write_text(OWN.replace("too-coarse", "very-coarse"))
    assert main(["rules", "test"]) == 2
    assert "the id `ACME001` is that of .shapelint/rules/ACME001-too-coarse.yaml too" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["gone", "."])
def test_a_folder_without_rules(folder: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", folder]) == 2
    assert f"`{folder}`" in capsys.readouterr().err


def test_a_configuration_of_no_use_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / ".shapelint" / "rules" / "ACME001-too-coarse.yaml"
    file.write_text(OWN.replace("  - good: |", "  - config: |\n      wher = 3\n    good: |"))
    assert main(["rules", "test"]) == 1
    assert "the example's configuration is of no use: shapelint.toml:1: the key `wher`" in capsys.readouterr().out


def test_what_checks_lend_and_take() -> None:
    assert options_of("restricted-size") == {"multiple": 0}
    assert options_of("unstated-size") == {"require_where": False}
    assert "sizes" in fields_of("restricted-size")


def test_an_example_is_read_as_a_file_would_be(tmp_path: Path) -> None:
    """The marks are taken off, and what is said names the example's file."""
    file = tmp_path / "ACME001-too-coarse.yaml"
    file.write_text(OWN)
    example = read_rule(file, "x").examples[0]
    assert "expect" not in Stage(example).said().text
    assert "--> example.shape.yaml:8:5" in Stage(example).said().text
    with pytest.raises(RuleError, match="cannot be read"):
        read_rule(tmp_path / "gone.yaml", "gone.yaml")


def test_a_preview_rule_is_off_unless_it_is_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / ".shapelint" / "rules" / "ACME001-too-coarse.yaml"
    file.write_text(file.read_text().replace("since: 2.3.0", "since: 2.3.0\npreview: true"))
    (project / "net.shape.yaml").write_text(
        "shapelint: 1\ninputs:\n  x: [N, 3, H, W]\nlayers:\n  - skip: MaxPool2d(1)\n  - MaxPool2d(32)\n"
        "  - up: Upsample(scale_factor=32)\n  - Concat(skip, up)\n"
    )
    for arguments, found in (([], False), (["--preview"], True)):
        main(["check", "net.shape.yaml", *arguments])
        assert ("ACME001" in capsys.readouterr().out) is found
