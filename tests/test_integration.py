"""What other tools take from here: hooks, the action, schemas, completion, a first spec, the pytest helper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from shapelint.cli import build_parser, main
from shapelint.completion import SHELLS, commands_of
from shapelint.schemas import NAMES, schema_of
from shapelint.testing import assert_fits

from .shared import CHECKOUT
from .test_docs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = CHECKOUT / "fixtures" / "models"


def validator(name: str) -> Any:
    """The validator of one of our schemas."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


# -- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_schema_prints_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "title" in schema


def test_the_schemas_in_the_package_are_current() -> None:
    """To renew them: python tools/write_schemas.py."""
    written = tool("write_schemas")
    for name in ("rule", "config", "report"):
        path = CHECKOUT / "src" / "shapelint" / "_schema" / f"{name}.schema.json"
        schema = {"rule": written.rule, "config": written.configuration, "report": written.report}[name]()
        assert path.read_text(encoding="utf-8") == written.written(schema)


@pytest.mark.parametrize("path", sorted((CHECKOUT / "rules").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_rule_is_valid(path: Path) -> None:
    assert list(validator("rule").iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "change",
    [{"id": "shp1"}, {"chek": "x"}, {"severity": "bad"}, {"references": ["wiki"]}, {"examples": [{"god": "x"}]}],
    ids=str,
)
def test_a_mistake_in_a_rule_is_not_valid(change: dict[str, Any]) -> None:
    path = next((CHECKOUT / "rules").glob("SHP201*"))
    data = yaml.safe_load(path.read_text(encoding="utf-8")) | change
    assert not validator("rule").is_valid(data)


def test_a_configuration_is_valid() -> None:
    good = {
        "fail-on": "error",
        "select": ["SHP2", "frozen-size"],
        "severity": {"SHP101": "off"},
        "per-file-ignores": {"old/**": ["SHP1"]},
        "models": {
            "*.onnx": {"where": {"H": "multiple of 32", "W": 640}, "inputs": {"x": "1,3,H,W"}, "expect": ["a == b"]}
        },
    }
    valid = validator("config").is_valid
    assert valid(good)
    assert valid({"ignore": [{"rule": "SHP201", "node": "/aux/*", "reason": "removed"}]})
    assert valid({"models": {"a.onnx": {"where": {"report": "a.sizes.json"}}}})
    for bad in (
        {"fail_on": "error"},
        {"fail-on": "loud"},
        {"models": {"a": {"wher": "8"}}},
        {"ignore": [{"file": "x"}]},
    ):
        assert not valid(bad), bad


REPORTS = [
    ["check", "fixtures/err", "fixtures/broken", "fixtures/models", "fixtures/questions", "gone.onnx"],
    ["check", "fixtures/models", "--where", "multiple of 4"],
    *[["sizes", f"fixtures/{name}.onnx"] for name in ("models/unet", "err/unknown_operator", "err/coupled_patches")],
    ["sizes", "fixtures/models/unet.onnx", "--at", "225x225", "--at", "224x224"],
    ["sizes", "fixtures/broken/empty.onnx"],
    ["show", "fixtures/models/unet.onnx", "--input", "1,3,225,225"],
    ["show", "fixtures/models/unet_dynamo.onnx"],
]


@pytest.mark.parametrize("command", REPORTS, ids=" ".join)
def test_every_report_is_valid(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    main([*command, "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    kind = "failed" if "tool" not in report else command[0]
    schema = schema_of("report")
    one = {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}
    jsonschema = pytest.importorskip("jsonschema")
    assert list(jsonschema.Draft202012Validator(one).iter_errors(report)) == []


# -- init and completion ---------------------------------------------------------------------------------------------


def test_init_writes_a_spec_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert capsys.readouterr().out == "net.shape.yaml: written\n.shapelint/spec.schema.json: written\n"
    text = (tmp_path / "net.shape.yaml").read_text()
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert modeline is not None
    schema = json.loads((tmp_path / modeline[1]).read_text())
    assert schema == schema_of("spec")
    pytest.importorskip("jsonschema").validate(yaml.safe_load(text), schema)
    assert main(["check", "."]) == 0
    assert "proved for H and W: multiple of 4" in capsys.readouterr().out


def test_init_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.shape.yaml").write_text("mine")
    assert main(["init", "a.shape.yaml"]) == 2
    assert "`a.shape.yaml` exists" in capsys.readouterr().err
    assert (tmp_path / "a.shape.yaml").read_text() == "mine"
    assert not (tmp_path / ".shapelint").exists()
    assert main(["init", "a.shape.yaml", "--force"]) == 0
    (tmp_path / "file").write_text("")
    assert main(["init", "file/net.shape.yaml"]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name, command in commands_of(build_parser()).items():
        assert name in script
        for action in command._actions:
            for option in action.option_strings:
                assert not option.startswith("--") or option.removeprefix("--") in script, option
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("shapelint siz", "sizes"),
        ("shapelint check --fail-on ne", "never"),
        ("shapelint sizes --fr", "--free"),
        ("shapelint schema re", "report"),
    ],
)
def test_bash_completes(words: str, found: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    split = words.split()
    ask = f"COMP_WORDS=({words}); COMP_CWORD={len(split) - 1}; _shapelint; echo ${{COMPREPLY[@]}}"
    script = capsys.readouterr().out + ask
    done = subprocess.run(["bash", "-c", script], text=True, capture_output=True, check=True)
    assert done.stdout.split() == [found]


# -- the pytest helper -----------------------------------------------------------------------------------------------


def test_what_fits_passes() -> None:
    assert_fits(MODELS / "unet.onnx", "H=8*k", "W=64..512 step 64", expect=["mask.size == image.size"])
    assert_fits((MODELS / "unet.onnx").read_bytes(), inputs={"image": (1, 3, 64, 224)})
    assert_fits(MODELS / "unet_dynamo.onnx")
    assert_fits(CHECKOUT / "fixtures" / "ok" / "autoencoder.onnx", "any")


def failures() -> Iterator[tuple[Any, tuple[str, ...], str]]:
    yield "unet.onnx", ("H=8..512 step 4", "W=64"), "`/Concat` joins `/enc3/enc3.3/Relu` at 3x16"
    yield "unet.onnx", (), "restricted-size: `image` takes only some sizes of H and W: multiples of 8"
    yield "unet_resized.onnx", ("4..",), "refused-size"
    yield "../err/unknown_operator.onnx", ("any",), "not-proved"
    yield "../broken/pointer.onnx", ("any",), "git-lfs-pointer"


@pytest.mark.parametrize(("model", "where", "words"), list(failures()), ids=str)
def test_what_does_not_fit_fails_with_the_report(model: str, where: tuple[str, ...], words: str) -> None:
    with pytest.raises(AssertionError, match="does not fit for") as raised:
        assert_fits(MODELS / model, *where)
    assert words in str(raised.value)


def test_what_has_no_meaning_is_told() -> None:
    with pytest.raises(ValueError, match="no free axis is called `Q`"):
        assert_fits(MODELS / "unet.onnx", "Q=8")
    with pytest.raises(ValueError, match="many"):
        assert_fits(MODELS / "unet.onnx", "H=many")


# -- hooks and the action --------------------------------------------------------------------------------------------

HOOKS = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_the_hooks_run_commands_that_exist() -> None:
    assert [hook["id"] for hook in HOOKS] == ["shapelint", "shapelint-fix"]
    for hook in HOOKS:
        assert hook["files"] == r"(\.onnx|\.shape\.ya?ml|(^|/)shapelint\.toml)$"
        program, *arguments = hook["entry"].split()
        assert program == "shapelint"
        build_parser().parse_args([*arguments, "net.onnx"])


@pytest.mark.parametrize("name", ["a.onnx", "x/b.shape.yaml", "c.shape.yml", "shapelint.toml", "x/shapelint.toml"])
def test_the_hooks_look_at(name: str) -> None:
    assert re.search(HOOKS[0]["files"], name)


@pytest.mark.parametrize("name", ["a.onnx.data", "x.yaml", "myshapelint.toml", "shapelint.toml.bak", "aonnx"])
def test_the_hooks_do_not_look_at(name: str) -> None:
    assert not re.search(HOOKS[0]["files"], name)


def test_the_action_passes_what_it_is_given() -> None:
    action = yaml.safe_load((CHECKOUT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    script = "\n".join(step.get("run", "") for step in action["runs"]["steps"])
    assert "${{" not in script  # inputs reach the shell as variables only
    given = {name for step in action["runs"]["steps"] for name in re.findall(r"inputs\.([\w-]+)", str(step))}
    assert given == set(action["inputs"])
    shell = shutil.which("bash")
    if shell:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("paths", "args", "code"),
    [
        ("fixtures/ok", "", 0),
        ("fixtures/ok fixtures/err", "", 1),
        ("fixtures/ok\nfixtures/err\n", "", 1),
        ("'fixtures/models/unet.onnx'", '--where "multiple of 8"', 0),
        ("fixtures/models/unet.onnx", '--quiet\n--where "multiple of 4"\n', 1),
    ],
)
def test_the_check_of_the_action(paths: str, args: str, code: int, tmp_path: Path) -> None:
    """The last step as a runner would run it: the exit code, annotations, the summary and SARIF."""
    action = yaml.safe_load((CHECKOUT / "action.yml").read_text(encoding="utf-8"))
    program = tmp_path / "shapelint" / "bin" / "shapelint"
    program.parent.mkdir(parents=True)
    program.symlink_to(shutil.which("shapelint") or pytest.skip("shapelint is not installed"))
    variables = {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "PATHS": paths,
        "ARGS": f"--isolated --fail-on error {args}",
        "SARIF": str(tmp_path / "report.sarif"),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", action["runs"]["steps"][-1]["run"]],
        cwd=CHECKOUT,
        env=variables,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (tmp_path / "output").read_text() == f"exit-code={code}\n"
    assert ("::error" in done.stdout) is bool(code)
    assert "## shapelint" in (tmp_path / "summary").read_text()
    assert json.loads((tmp_path / "report.sarif").read_text())["version"] == "2.1.0"
