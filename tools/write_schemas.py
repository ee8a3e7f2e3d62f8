"""Writes the JSON Schemas of rules, of the configuration and of the JSON reports into src/shapelint/_schema.

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
        "id": {
            "type": "string",
            "pattern": "^[A-Z]{2,8}[0-9]{3}$",
            "description": "such as ACME001; SHP is shapelint's",
        },
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
        "properties": dict.fromkeys(config.IGNORE_KEYS, TEXT),
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
                "description": 'of every free axis but the batch, of each axis by name, or {report = "x.json"}',
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


def report() -> dict[str, Any]:
    """The schema of what `check`, `sizes` and `show` print with --format json; fields may be added."""
    text, number = {"type": "string"}, {"type": "integer"}
    word = {"type": ["string", "null"]}
    place = {"type": ["integer", "null"], "minimum": 1}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    sizes = {"type": "array", "items": number}
    dims = {"type": ["array", "null"], "items": {"type": ["integer", "string", "null"]}}
    members = _object(
        extra={"type": "array", "items": pair}, start=number, period={"type": "integer", "minimum": 1}, residues=sizes
    )
    maybe_members = {"anyOf": [{"$ref": "#/$defs/set"}, {"type": "null"}]}
    named_sets = _by_name(_object(text=text, set={"$ref": "#/$defs/set"}))
    words = {"type": "array", "items": text}
    spans = {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["object", "null"], "additionalProperties": pair},
    }
    shapes = _by_name(dims)
    severity = {"enum": list(rulefile.LEVELS)}
    verdict = {"enum": ["fits", "restricted", "never", "unknown", None]}
    unknown = {"type": "array", "items": _object(node=text, op=text, why=text)}
    axis = _object(
        input=text,
        axis=number,
        symbol=text,
        name_in_file=word,
        size=text,
        declared=text,
        set=maybe_members,
        fits=maybe_members,
        pad_to=place,
        complete={"type": "boolean"},
        checked_to=place,
        text=text,
        domain=word,
    )
    axes = {"type": "array", "items": {"$ref": "#/$defs/axis"}}
    link = _object(
        node=text, axis=text, **{"from": number, "to": number}, rounded={"enum": ["up", "down", None]}, text=text
    )
    row = _object(node=text, axes=words, left=sizes, right=sizes)
    side = _maybe(_object(node=text, size=sizes))
    level = _object(
        scale={"type": "string", "description": "output pixels per input pixel: 1/4, or 1/2,1/4 by axis"},
        encoder=side,
        decoder=side,
        agrees={"type": ["boolean", "null"], "description": "null: the two do not meet"},
        where=word | {"description": "the merge where they meet, or the condition that compares them"},
        axes=words,
        steps={"type": "array", "items": link, "description": "uneven steps between this level and the next one down"},
    )
    edit = _object(file=text, start=number, end=number, text=text)
    fix = _object(
        id=number,
        kind=text,
        title=text,
        code=word,
        applicability={"enum": ["safe", "unsafe", "display"]},
        reason=text,
        fits=named_sets,
        mends=words,
        edits={"type": "array", "items": edit},
        command=word,
    )
    finding = _object(
        rule={"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3}$"},
        name=text,
        severity=severity,
        certainty={"enum": ["proved", "possible"]},
        fingerprint=text,
        message=text,
        notes=words,
        help=words,
        file=text,
        line=place,
        column=place,
        end_line=place,
        end_column=place,
        node=word,
        origin=_maybe(_object(file=text, line=number, function=text, text=text)),
        at=_maybe(_by_name(sizes | {"items": {"type": ["integer", "null"]}})),
        axes=words,
        sizes=_maybe(_object(left=sizes, right=sizes)),
        chain={"type": "array", "items": link},
        also={"type": "array", "items": row},
        pair=_maybe(_object(down=words, up=words)),
        levels={
            "type": ["array", "null"],
            "items": level,
            "description": "the failure by levels, from the input's scale to the deepest; null where nothing goes up",
        },
        branches={"type": ["array", "null"], "items": text},
        fits=named_sets,
        fixes={"type": "array", "items": {"$ref": "#/$defs/fix"}},
    )
    errors = {"type": "array", "items": _object(file=word, message=text)}
    version, tool = {"const": 1}, text
    counts = ("files", "errors", "warnings", "infos", "fixable", "unknown", "suppressed", "baselined")
    check = _object(
        version=version,
        tool=tool,
        files={
            "type": "array",
            "items": _object(
                file=text,
                kind={"enum": ["onnx", "spec"]},
                verdict=verdict,
                stated={"type": "boolean"},
                axes=axes,
                unknown=unknown,
            ),
        },
        findings={"type": "array", "items": {"$ref": "#/$defs/finding"}},
        errors=errors,
        summary=_object(**dict.fromkeys(counts, number)),
    )
    follows = _object(
        output=text,
        axis=number,
        size=text,
        follows=_object(input=text, axis=number),
        scale=word,
        equal=maybe_members,
    )
    breaker = _object(
        node=text,
        op=word,
        symbol=text,
        left={"type": ["integer", "string", "null"]},
        right={"type": ["integer", "string", "null"]},
        set={"$ref": "#/$defs/set"},
        down=words,
        up=words,
    )
    answer = _object(
        inputs=shapes,
        fits={"type": ["boolean", "null"]},
        outputs=_maybe(shapes),
        below=_maybe(shapes),
        above=_maybe(shapes),
        pad=spans,
        crop=spans,
    )
    asked = _object(
        version=version,
        tool=tool,
        file=text,
        verdict=verdict,
        inputs=shapes,
        axes=axes,
        outputs={"type": "array", "items": follows},
        coupled={"type": "array", "items": _object(symbols=words, text=text, holds=text, node=word)},
        at={"type": "array", "items": answer},
        broken_by={"type": "array", "items": breaker},
        unknown=unknown,
    )
    node = _object(name=text, op=text, outputs=shapes, scale=_by_name(text), undoes=words, note=text)
    shown = _object(
        version=version,
        tool=tool,
        file=text,
        inputs=shapes,
        nodes={"type": "array", "items": node},
        outputs=shapes,
        failed=_maybe(_object(node=text, op=word, message=text)),
    )
    defs = {"set": members, "axis": axis, "fix": fix, "finding": finding}
    defs |= {"check": check, "sizes": asked, "show": shown, "failed": _object(version=version, errors=errors)}
    return {
        "$schema": DIALECT,
        "title": "shapelint: the JSON reports, version 1",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("check", "sizes", "show", "failed")],
        "$defs": defs,
    }


def _object(**properties: Any) -> dict[str, Any]:
    """An object that has at least these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _by_name(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


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
    for name, schema in (("rule", rule()), ("config", configuration()), ("report", report())):
        (TARGET / f"{name}.schema.json").write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
