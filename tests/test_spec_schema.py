"""The JSON Schema of specs: it takes every spec that runs, refuses what is none, and knows every layer."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest
import yaml

from shapelint.cli import main
from shapelint.conventions import NAMES, convention
from shapelint.conventions.neutral import CONVENTION as NEUTRAL
from shapelint.source.spec.read import KEYS, LAYOUTS
from shapelint.source.spec.schema import spec_schema

from .shared import FIXTURES, SHARED

SPECS = sorted([*FIXTURES.rglob("*.shape.yaml"), *(SHARED / "specs").glob("*.shape.yaml")])
GOOD = [path for path in SPECS if "broken" not in path.parts and "err" not in path.parts]
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def matches(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether the value is valid, by the keywords that our schema uses and no others."""
    known = "$ref type enum const anyOf required properties additionalProperties propertyNames items pattern".split()
    known += "minimum maximum minProperties maxProperties allOf if then defaultSnippets description default".split()
    known += ["examples", "title", "$schema", "$id", "$defs"]
    assert set(schema) <= set(known), schema
    if "$ref" in schema and not matches(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root):
        return False
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        is_bool = isinstance(value, bool)
        if not any(isinstance(value, TYPES[each]) and (not is_bool or each == "boolean") for each in types):
            return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "anyOf" in schema and not any(matches(value, each, root) for each in schema["anyOf"]):
        return False
    if not all(matches(value, each, root) for each in schema.get("allOf", [])):
        return False
    if "if" in schema and matches(value, schema["if"], root) and not matches(value, schema["then"], root):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return "items" not in schema or all(matches(each, schema["items"], root) for each in value)
    if isinstance(value, dict):
        return _matches_object(value, schema, root)
    if isinstance(value, int | float):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return True


def _matches_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    if any(name not in value for name in schema.get("required", [])):
        return False
    for name, each in value.items():
        if not matches(name, schema.get("propertyNames", {}), root):
            return False
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
        if inner is False or (inner is not True and not matches(each, inner, root)):
            return False
    return True


def is_valid(text: str) -> bool:
    schema = spec_schema()
    return matches(yaml.safe_load(text), schema, schema)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "spec"]) == 0
    assert json.loads(capsys.readouterr().out) == spec_schema()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_spec_that_runs_is_valid(path: Any) -> None:
    assert is_valid(path.read_text("utf-8"))


def test_there_are_specs_to_try() -> None:
    assert len(GOOD) >= 9


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_validator_of_others_agrees(path: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator
    validator.check_schema(spec_schema())
    validator(spec_schema()).validate(yaml.safe_load(path.read_text("utf-8")))


LEAST = "shapelint: 1\ninputs: {x: [1, 3, H, W]}\nlayers:\n  - ReLU()\n"

FORMS = [
    "vars: {a: 1, b: [1, [2, 3]], c: text}",
    "sizes: {H: 28, W: multiple of 32 in 64..512}",
    "opset: 17",
    "layout: channels_last",
    'blocks: {"up(skip, c=2)": ["Concat(input, skip)"], down: [{a: MaxPool2d(2)}]}',
    "types: {Down: MaxPool2d(2), Up: {scale: 2}, Act: same}",
    "outputs: ['d[3]', y, unit.x]",
    "expect: [y.size == x.size, {warn: y.size > 3}, {error: y.size > 3, why: because}]",
]
WRONG = [
    "layer: []",
    "convention: torch",
    "layout: NHWC",
    "opset: newest",
    "vars: {a b: 1}",
    "sizes: {H: [28, 30]}",
    "blocks: {'up(': []}",
    "types: {Up: {factor: 2}}",
    "outputs: y",
    "expect: [{fail: y.size > 3}]",
    "expect: [{warn: y.size > 3, error: y.size > 3}]",
]
ITEMS = [
    "- up[i, j]: ConvTranspose2d(8, 2, stride=2)(x)",
    "- 'a, b': Split(2)",
    "- ReLU() * 3",
    "- x1: block(1)(x, output_size=x.size)",
    "- {for: 'i, c in enumerate(feats)', do: ['Conv2d(c, 3)']}",
    "- {for: i in 3..0, do: [{for: j in 0..1, do: ['ReLU()']}]}",
    "- {if: i > 0, do: ['ReLU()'], else: ['Tanh()']}",
    "- {name: a, type: nn.Conv2d, args: {out_channels: 8, kernel_size: [3, 3]}, from: [x, y]}",
]
WRONG_ITEMS = [
    "- ReLU",
    "- Conv2d(64, 3",
    "- x = Conv2d(64, 3)",
    "- [ReLU()]",
    "- {a: ReLU(), b: ReLU()}",
    "- {for: i in 0..3}",
    "- {for: 0..3, do: []}",
    "- {if: a, then: []}",
    "- {else: ReLU()}",
    "- {input: ReLU()}",
    "- {typ: ReLU, args: {}}",
    "- 3",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_key_has_its_forms(text: str) -> None:
    assert is_valid(f"{LEAST}{text}\n")


@pytest.mark.parametrize("text", WRONG)
def test_other_forms_are_refused(text: str) -> None:
    assert is_valid(LEAST)
    assert not is_valid(f"{LEAST}{text}\n")


@pytest.mark.parametrize("text", ITEMS)
def test_every_form_of_an_item(text: str) -> None:
    assert is_valid(f"{LEAST}  {text}\n")


@pytest.mark.parametrize("text", WRONG_ITEMS)
def test_what_is_no_item_is_refused(text: str) -> None:
    assert not is_valid(f"{LEAST}  {text}\n")


@pytest.mark.parametrize("key", ["shapelint", "inputs", "layers"])
def test_what_is_required(key: str) -> None:
    spec = yaml.safe_load(LEAST)
    del spec[key]
    assert not matches(spec, spec_schema(), spec_schema())


def test_the_closed_vocabularies_are_those_of_the_reader() -> None:
    properties = spec_schema()["properties"]
    assert tuple(properties) == ("shapelint", "convention", *(key for key in properties if key in KEYS[2:]))
    assert set(properties) == set(KEYS)
    assert properties["convention"]["enum"] == list(NAMES)
    assert properties["layout"]["enum"] == list(LAYOUTS)
    assert all(each.get("description") for each in properties.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_a_snippet_that_is_a_call(name: str) -> None:
    snippets = spec_schema()["$defs"][f"layers_{name}"]["defaultSnippets"]
    labels = [each["label"] for each in snippets]
    own = convention(name)
    assert set(labels) == {*own.types, *own.keeps, *NEUTRAL.types}
    assert len(labels) == len(set(labels))
    for each in snippets:
        body = re.sub(r"\$\{\d+:((?:[^{}]|\{[^}]*\})*)\}", r"\1", each["body"])
        call = ast.parse(body, mode="eval").body
        assert isinstance(call, ast.Call)
        assert ast.unparse(call.func) == each["label"]
        assert each["description"]


def test_the_form_is_one_file_without_layers() -> None:
    """What is written by hand is the form of a spec; layers come from the conventions."""
    schema = spec_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    refs = re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema))
    assert {ref.removeprefix("#/$defs/") for ref in refs} <= set(schema["$defs"])
    patterns = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(schema))
    assert patterns
    for pattern in patterns:
        re.compile(json.loads(pattern))
