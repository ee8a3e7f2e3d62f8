"""Writes the JSON Schemas of rules and of the configuration into src/shapelint/_schema.

usage: python tools/write_schemas.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shapelint import checks, config, rulefile
from shapelint.finding import CHECKS
from shapelint.registry import built_in, rules_folder

TARGET = Path(__file__).resolve().parents[1] / "src" / "shapelint" / "_schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT}


def rule() -> dict[str, Any]:
    """The schema of a rule's file."""
    assert checks.__all__
    names = {path.stem.partition("-")[2] for path in rules_folder().glob("*.yaml")}
    level = {"enum": list(rulefile.LEVELS)}
    model = {
        "anyOf": [
            {"type": "string", "description": "a spec"},
            {
                "type": "object",
                "properties": {"fixture": {**TEXT, "description": "a model file, relative to the rule's file"}},
                "required": ["fixture"],
                "additionalProperties": False,
            },
        ]
    }
    properties: dict[str, Any] = {
        "id": {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3}$", "description": "such as ACME001; SHP is shapelint's"},
        "name": {"type": "string", "pattern": "^[a-z]+(-[a-z0-9]+)*$", "description": "states the bad thing"},
        "check": {"enum": sorted({*CHECKS, *names}), "description": "the built-in check; by default the rule's name"},
        "since": {**TEXT, "description": "the first version that has the rule"},
        "severity": {
            "anyOf": [level, {"type": "object", "additionalProperties": level, "minProperties": 1}],
            "description": "a level, or a level for each grade of fault",
        },
        "certainty": {"enum": ["proved", "possible"]},
        "preview": {"type": "boolean", "description": "off unless preview rules are asked for"},
        "summary": {**TEXT, "description": "one line, lower case, no full stop"},
        "message": {**TEXT, "description": "the first line of a finding; {fields} are lent by the check"},
        "notes": {**TEXTS, "description": "facts; one with a field that is missing is left out"},
        "help": {**TEXTS, "description": "one action each"},
        "why": TEXT,
        "options": {"type": "object", "description": "parameters of the check"},
        "references": {"type": "array", "items": {"type": "string", "pattern": "^https://"}},
        "examples": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": TEXT,
                    "bad": {**model, "description": "lines with a finding end in `# expect: ID`"},
                    "config": {**TEXT, "description": "the shapelint.toml beside it"},
                    "says": {**TEXT, "description": "the findings as they are printed"},
                    "fixed": {**TEXT, "description": "the spec after the first fix"},
                    "good": {**model, "description": "nothing is said of it, by any rule"},
                },
                "additionalProperties": False,
                "oneOf": [{"required": ["bad"]}, {"required": ["good"]}],
            },
        },
    }
    return _titled("shapelint: a rule", "rule", properties, required=list(rulefile.REQUIRED))


def configuration() -> dict[str, Any]:
    """The schema of shapelint.toml, and of [tool.shapelint]."""
    words = [*built_in().values(), *built_in(), "ALL"]
    selection = {"anyOf": [{"enum": words}, {"type": "string", "pattern": "^[A-Za-z]+[0-9]{0,3}$|^[a-z0-9-]+$"}]}
    selections = {"anyOf": [selection, {"type": "array", "items": selection}]}
    patterns = {"anyOf": [TEXT, TEXTS]}
    domain = {**TEXT, "description": '"multiple of 32", "64..512 step 16", "640"'}
    ignored = {
        "type": "object",
        "properties": {key: TEXT for key in config.IGNORE_KEYS},
        "required": ["rule"],
        "additionalProperties": False,
    }
    model = {
        "type": "object",
        "properties": {
            "where": {
                "anyOf": [
                    domain,
                    {"type": "object", "additionalProperties": {"anyOf": [domain, {"type": "integer", "minimum": 1}]}},
                ],
                "description": 'which sizes must fit: of every free axis but the batch, of each axis by name, or {report = "x.json"}',
            },
            "inputs": {
                "type": "object",
                "additionalProperties": {"anyOf": [TEXT, {"type": "array", "items": {"type": ["string", "integer"]}}]},
                "description": 'dims by input: {image = "1,3,H,640"}',
            },
            "expect": {**patterns, "description": 'conditions, as in a spec: ["mask.size == image.size"]'},
        },
        "additionalProperties": False,
    }
    described: dict[str, Any] = {
        "fail-on": {"enum": list(config.LEVELS), "default": "warning"},
        "require-where": {"type": "boolean", "default": False},
        "select": selections,
        "extend-select": selections,
        "ignore": {"anyOf": [selections, {"type": "array", "items": ignored}]},
        "per-file-ignores": {"type": "object", "additionalProperties": selections},
        "severity": {"type": "object", "additionalProperties": {"enum": list(config.SEVERITIES)}},
        "preview": {"type": "boolean", "default": False},
        "include": patterns,
        "exclude": patterns,
        "models": {"type": "object", "additionalProperties": model},
    }
    missing = [key for key in config.KEYS if key not in described]
    assert not missing, f"describe {missing} in tools/write_schemas.py"
    properties = {key: described[key] for key in config.KEYS}
    return _titled("shapelint: the configuration", "config", properties, required=[])


def _titled(title: str, name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def written(schema: dict[str, Any]) -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    for name, schema in (("rule", rule()), ("config", configuration())):
        (TARGET / f"{name}.schema.json").write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
