"""Documentation that is generated is current; documentation that names commands and files names existing ones."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from shapelint.cli import main

from .shared import CHECKOUT

TEST_COMMAND = "python -m pytest -q"


def tool(name: str) -> Any:
    spec = spec_from_file_location(name, CHECKOUT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_of_operators_is_current() -> None:
    assert (CHECKOUT / "docs" / "operators.md").read_text(encoding="utf-8") == tool("list_operators").page()


def test_the_readme_and_ci_run_the_same_tests() -> None:
    assert TEST_COMMAND in (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert TEST_COMMAND in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_shows_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every console block of the README is what the command prints."""
    monkeypatch.chdir(CHECKOUT)
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n\$ shapelint ([^\n]*)\n(.*?)```", text, re.DOTALL)
    assert blocks
    for command, shown in blocks:
        main([word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)])
        assert capsys.readouterr().out == shown


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/operators.md"])
def test_links_lead_to_files(page: str) -> None:
    path = CHECKOUT / page
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            assert (path.parent / link).exists(), link


def test_decisions_are_numbered_and_short() -> None:
    pages = sorted((CHECKOUT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        assert len(lines) <= 60
