"""Writes docs/operators.md: the operators that have a shape function, by family, and those of ONNX that have none.

usage: python tools/list_operators.py
"""

from __future__ import annotations

from pathlib import Path

from shapelint.ops import shape_function
from shapelint.ops.registry import LAYER, SHAPES
from shapelint.schema import domains, names, newest

TARGET = Path(__file__).resolve().parents[1] / "docs" / "operators.md"

HEAD = """# Operators

Written by `python tools/list_operators.py`, not by hand; a test holds it current.

An operator with a shape function is understood at every version that `schema.py` knows (ai.onnx up to {newest}). One
without is *unknown*: it is named, what depends on it is unknown too, and it counts as able to refuse any size
([SHP010](../rules/SHP010-unknown-operator.yaml)). What the rest of the model demands is told all the same.
"""


def written(operators: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in operators)


def page() -> str:
    """The page as it should be."""
    shape_function("", "Relu")  # imports every family
    families: dict[str, dict[str, list[str]]] = {}
    for (domain, name), function in sorted(SHAPES.items()):
        if domain != LAYER:
            family = function.__module__.rpartition(".")[2]
            families.setdefault(family, {}).setdefault(domain or "ai.onnx", []).append(name)
    parts = [HEAD.format(newest=newest("")), "## With a shape function\n", "| family | operators |", "| --- | --- |"]
    for family, known in sorted(families.items()):
        for domain, operators in known.items():
            suffix = "" if domain == "ai.onnx" else f" ({domain})"
            parts.append(f"| {family}{suffix} | {written(operators)} |")
    parts += ["", "## Without\n", "| domain | operators |", "| --- | --- |"]
    for domain in domains():
        missing = sorted(name for name in names(domain) if (domain, name) not in SHAPES)
        parts.append(f"| {domain or 'ai.onnx'} | {written(missing) or 'none'} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
