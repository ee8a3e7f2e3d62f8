"""The package is whole in each layout: an installed wheel carries the rules, a checkout finds them beside src."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from shapelint._version import __version__
from shapelint.registry import rule_names

from .shared import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_takes_the_rules_along() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["src/shapelint"]
    assert wheel["force-include"] == {"rules": "shapelint/_rules"}


def test_rules_are_found_where_a_wheel_puts_them(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "src" / "shapelint", tmp_path / "shapelint")
    shutil.copytree(CHECKOUT / "rules", tmp_path / "shapelint" / "_rules")
    done = subprocess.run(
        [sys.executable, "-m", "shapelint", "rules"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert len(done.stdout.splitlines()) == len(rule_names())


def test_only_what_earns_its_place_is_needed_at_run_time() -> None:
    names = {line.split(">")[0] for line in PROJECT["project"]["dependencies"]}
    assert names == {"networkx", "onnx", "pathspec", "pyyaml"}
    assert PROJECT["project"]["requires-python"] == ">=3.11"


def test_the_package_is_typed_and_versioned() -> None:
    assert (CHECKOUT / "src" / "shapelint" / "py.typed").is_file()
    assert __version__
    assert f"## {__version__}" in (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(["--help"], set()), (["--version"], set()), (["explain", "SHP201"], {"yaml"}), (["rules"], {"yaml"})],
    ids=" ".join,
)
def test_what_needs_no_model_imports_nothing_that_reads_one(arguments: list[str], needed: set[str]) -> None:
    code = (
        "import sys; from shapelint.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    imported = set(done.stderr.split())
    heavy = {"onnx", "numpy", "google", "networkx", "pathspec", "yaml", "difflib", "multiprocessing"}
    assert imported & heavy <= needed | {"difflib"}
    ours = {name for name in imported if name.startswith("shapelint.")}
    assert not ours & {"shapelint.source", "shapelint.ops", "shapelint.conventions", "shapelint.engine"}
    commands = {name for name in ours if name.startswith("shapelint.cli.commands.")}
    assert commands <= {f"shapelint.cli.commands.{arguments[0]}"}


def test_nothing_heavy_is_imported_at_start() -> None:
    """A run imports none of the libraries that it does not need."""
    code = (
        "import sys; from shapelint.cli import main; main(['sizes', 'fixtures/models/unet.onnx']); "
        "print(*sorted({'onnx', 'numpy', 'google', 'networkx', 'difflib'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stderr.split() in ([], ["difflib"])
