"""Write src/shapelint/_schema_data.py from the operator definitions of the installed onnx.

Run it with the newest release of onnx:  python tools/generate_schema.py
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import onnx
from onnx import defs, helper

DOMAINS = ("", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training")
HEADER = '''"""Operators of ONNX as onnx {version} defines them; written by tools/generate_schema.py, not by hand.

For each operator its versions, oldest first: a row (since, min_inputs, max_inputs, min_outputs, max_outputs,
optional_inputs, deprecated, attributes), or the number of a version whose row is that of the one before.
Attributes are rows of (name, type, default, required), types as `AttributeProto.AttributeType` numbers them.
"""

# fmt: off
# ruff: noqa: E501
from __future__ import annotations

from typing import Any

ONNX = "{version}"
NEWEST: dict[str, int] = {newest}
OPERATORS: dict[str, dict[str, tuple[Any, ...]]] = {{
'''


def describe_attribute(attribute: defs.OpSchema.Attribute) -> tuple[object, ...]:
    """The row of one attribute."""
    default: object = None
    if attribute.default_value.type:
        default = helper.get_attribute_value(attribute.default_value)
        if isinstance(default, bytes):
            default = default.decode()
        elif not isinstance(default, int | float):
            default = tuple(item.decode() if isinstance(item, bytes) else item for item in default)
    return attribute.name, int(attribute.type.value), default, attribute.required


def describe(schema: defs.OpSchema) -> tuple[object, ...]:
    """The row of one version of an operator, without its `since`."""
    optional = tuple(
        index
        for index, formal in enumerate(schema.inputs[: schema.min_input])
        if formal.option == defs.OpSchema.FormalParameterOption.Optional
    )
    attributes = tuple(describe_attribute(item) for _, item in sorted(schema.attributes.items()))
    arity = (schema.min_input, schema.max_input, schema.min_output, schema.max_output)
    return (*arity, optional, schema.deprecated, attributes)


def generate() -> str:
    """The text of the module."""
    operators: dict[str, dict[str, list[defs.OpSchema]]] = {domain: defaultdict(list) for domain in DOMAINS}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain in operators:
            operators[schema.domain][schema.name].append(schema)
    newest = {domain: max(s.since_version for found in operators[domain].values() for s in found) for domain in DOMAINS}
    newest[""] = defs.onnx_opset_version()
    newest["ai.onnx.ml"] = defs.onnx_ml_opset_version()
    lines = [HEADER.format(version=onnx.__version__, newest=newest)]
    for domain in DOMAINS:
        lines.append(f"{domain!r}: {{\n")
        for name in sorted(operators[domain]):
            rows: list[object] = []
            before: tuple[object, ...] | None = None
            for schema in sorted(operators[domain][name], key=lambda schema: schema.since_version):
                row = describe(schema)
                rows.append(schema.since_version if row == before else (schema.since_version, *row))
                before = row
            lines.append(f"    {name!r}: {tuple(rows)!r},\n")
        lines.append("},\n")
    return "".join([*lines, "}\n"])


if __name__ == "__main__":
    target = Path(__file__).resolve().parent.parent / "src" / "shapelint" / "_schema_data.py"
    target.write_text(generate(), encoding="utf-8")
