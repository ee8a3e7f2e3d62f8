"""The JSON Schemas for editors and for programs that read reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("spec", "config", "rule", "report")


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a spec, a configuration, a rule's file, or the JSON reports."""
    if name == "spec":
        from shapelint.source.spec.schema import spec_schema

        return spec_schema()
    path = Path(__file__).parent / "_schema" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def schema_text(name: str) -> str:
    """The schema as it is written into a file."""
    return json.dumps(schema_of(name), indent=1, ensure_ascii=False) + "\n"
