"""Documentation that is generated is current; documentation that names commands and files names existing ones."""

from __future__ import annotations

import posixpath
import re
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

import pytest

from shapelint.cli import build_parser, main
from shapelint.completion import commands_of
from shapelint.registry import rule_names

from .shared import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

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


def test_the_register_of_runtimes_is_current() -> None:
    assert (CHECKOUT / "docs" / "runtimes.md").read_text(encoding="utf-8") == tool("list_runtimes").page()


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


DOCS = sorted((CHECKOUT / "docs").rglob("*.md"))
RULES = tool("docs_site").pages()
"""The pages of the rules, by their path in docs/; they are made when the site is built."""
PAGES = {
    **{
        name: (CHECKOUT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    },
    **{path.relative_to(CHECKOUT).as_posix(): path.read_text(encoding="utf-8") for path in DOCS},
    **{f"docs/{name}": text for name, text in RULES.items()},
}
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def headings(text: str) -> set[str]:
    """The anchors that a page's headings give."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", PAGES[page])):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
        assert path in PAGES or (CHECKOUT / path).exists(), link
        assert not anchor or anchor in headings(PAGES[path]), link


SHOWN = tool("docs_output")


@pytest.mark.parametrize("path", SHOWN.pages(), ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_pages_show_what_is_printed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To renew them: python tools/docs_output.py, then read the difference."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    text = path.read_text(encoding="utf-8")
    assert SHOWN.rendered(text) == text


def test_every_command_has_a_page() -> None:
    """And its options are those that the parser knows."""
    text = "".join(text for name, text in PAGES.items() if name.startswith("docs/commands/"))
    site = tool("docs_site")
    for name, command in commands_of(build_parser()).items():
        assert f"shapelint {name}" in text, name
        table = site.options_of(name)
        assert table.count("\n") >= len(command._actions)
        assert "|  |" not in table, name


def test_every_rule_has_a_page() -> None:
    assert len(RULES) == len(rule_names()) + 1
    for name, number in rule_names().items():
        assert RULES[f"rules/{number}-{name}.md"].startswith(f"# {number} {name}\n")
        assert f"({number}-{name}.md)" in RULES["rules/index.md"]


def test_a_severity_is_told_once() -> None:
    """SHP204 is an error in two cases and a warning in a third."""
    told = "error at a size that is stated or fixed and where no size fits at all; warning for a `warn:` condition."
    assert f"**Severity:** {told}\n" in RULES["rules/SHP204-expectation-failed.md"]


def test_every_page_is_in_the_navigation() -> None:
    text = (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/-]+\.md", text))
    pages = {path.relative_to(CHECKOUT / "docs").as_posix() for path in DOCS} | {"rules/index.md"}
    assert {page for page in pages if not page.startswith("adr/")} - named == set()
    assert named - pages == set()


def test_external_links_are_gathered_outside_of_code() -> None:
    links = tool("check_links").links()
    assert "https://onnx.ai/onnx/repo-docs/IR.html" in links
    assert not any("example.com" in link for link in links)


def test_decisions_are_numbered_and_short() -> None:
    pages = sorted((CHECKOUT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        assert len(lines) <= 60
