"""Contracts: every rule is one YAML file, every check has a contract, and every field of a sentence has a word."""

from __future__ import annotations

import ast
import inspect
import json
import re
from importlib import import_module
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from shapelint import checks
from shapelint.checks import merges, proofs, shapes
from shapelint.cli import main
from shapelint.facts import subjects
from shapelint.finding import CHECKS, Severity
from shapelint.registry import contract, rule_names, rules_folder
from shapelint.report.rules import actions, field_free

from .shared import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PATHS = sorted((CHECKOUT / "rules").glob("*.yaml"))
SPOKEN_ELSEWHERE = ("SHP001", "SHP002", "SHP003", "SHP004", "SHP9")
"""Beginnings of the ids of rules of which sources speak, before there is a graph, or shapelint of itself."""
REQUIRED = {"id", "name", "since", "severity", "summary", "message", "why", "help", "references", "examples"}
KNOWN = REQUIRED | {"check", "certainty", "notes", "options"}


def data_of(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_the_folder_of_the_checkout_is_the_one_in_use() -> None:
    assert rules_folder() == CHECKOUT / "rules"
    assert len(rule_names()) == len(PATHS) >= 15


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_contract_is_complete(path: Path) -> None:
    data = data_of(path)
    assert data.keys() >= REQUIRED
    assert data.keys() <= KNOWN
    assert path.stem == f"{data['id']}-{data['name']}"
    assert re.fullmatch(r"SHP\d{3}", data["id"])
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", data["name"])
    rule = contract(data["name"])
    assert all(isinstance(level, Severity) for level in rule.severity.values())
    for sentence in (rule.summary, rule.message, *rule.notes, *rule.help):
        assert not sentence.endswith(".")
        assert sentence[0].islower() or sentence[0] in "`{"
    assert rule.why.strip().endswith((".", ")"))
    assert all(link.startswith("https://") for link in rule.references)
    assert len(rule.references) > 0


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_contract_is_shown_by_examples(path: Path) -> None:
    examples = data_of(path)["examples"]
    bad = [example for example in examples if "bad" in example]
    assert bad
    assert all("says" in example for example in bad)
    assert len(bad) < len(examples)


def test_fields_stand_as_placeholders() -> None:
    assert field_free('state `{{{axis} = "{domain}"}}`') == 'state `{<axis> = "<domain>"}`'


def test_ids_and_names_are_unique() -> None:
    datas = [data_of(path) for path in PATHS]
    assert len({data["id"] for data in datas}) == len(datas)
    assert len({data["name"] for data in datas}) == len(datas)


def test_every_check_has_a_contract_and_every_contract_a_check() -> None:
    assert checks.__all__
    assert set(CHECKS) - rule_names().keys() == set()
    assert all(rule_names()[name].startswith(SPOKEN_ELSEWHERE) for name in rule_names().keys() - CHECKS.keys())


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_grades_of_a_check_are_graded(name: str) -> None:
    """Every literal grade in the check's source has a level in the contract."""
    tree = ast.parse(inspect.getsource(CHECKS[name]))
    grades = {
        constant.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "grade"
        for constant in ast.walk(keyword.value)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }
    levels = contract(name).severity.keys()
    assert grades <= levels or set(levels) == {""}


def words_of(module: Any) -> dict[str, set[str]]:
    """By class the fields that its `words` lends."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "words":
                    found[node.name] = set(_keys(method))
    return found


def _keys(method: ast.FunctionDef) -> list[str]:
    keys = []
    for node in ast.walk(method):
        if isinstance(node, ast.Dict):
            keys += [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            keys.append(node.slice.value)
    return [key for key in keys if isinstance(key, str)]


SUBJECTS = {
    "channel-mismatch": {"Mismatch"},
    "declared-size-contradicted": {"Contradiction"},
    "empty-output": {"Empty"},
    "frozen-size": {"Frozen"},
    "no-size-preserving-multiple": {"Preserving"},
    "not-proved": {"Unproved"},
    "refused-size": {"Mismatch", "Refused"},
    "restricted-size": {"Restriction", "Tie"},
    "runtimes-disagree": {"Disagreement"},
    "silent-broadcast": {"Stretch"},
    "skip-size-mismatch": {"Mismatch"},
    "unknown-operator": {"Unproved"},
    "unstated-size": {"Restriction"},
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_field_of_a_sentence_is_lent(name: str) -> None:
    """By every subject that the check speaks of, for the message; by one of them, for notes and help."""
    words = words_of(subjects)
    for module in ("frozen", "disagreement"):
        words |= words_of(import_module(f"shapelint.facts.{module}"))
    rule = contract(name)
    lent = [words[subject] for subject in SUBJECTS[name]] if name in SUBJECTS else [set().union(*words.values())]
    for sentence in (rule.message, *rule.notes, *rule.help):
        fields = {field for _, field, _, _ in Formatter().parse(sentence) if field}
        if sentence == rule.message:
            assert all(fields <= each for each in lent), sentence
        assert fields <= set().union(*lent), sentence


def test_every_shared_predicate_is_registered() -> None:
    for module in (merges, proofs, shapes):
        assert any(check.__module__ == module.__name__ for check in CHECKS.values())


def test_rules_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(rule_names().values())
    assert main(["rules", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rules"]) == len(lines)


@pytest.mark.parametrize("name", sorted(rule_names()))
def test_explain_prints_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for word in (name, rule_names()[name], rule_names()[name].lower()):
        assert main(["explain", word]) == 0
        out = capsys.readouterr().out
        assert name in out
        assert contract(name).summary in out
        assert contract(name).references[0] in out
        assert all(action in out for action in actions(contract(name)))
        assert max(map(len, out.splitlines())) <= 160
