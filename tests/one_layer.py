"""Specs of one layer: what leaves it, or why it cannot be called."""

from __future__ import annotations

from typing import Any

from shapelint.analysis import Analysis
from shapelint.source import Unreadable, load


def outcome(convention: str, call: str, *inputs: str, layout: str = "") -> tuple[Any, ...] | str:
    """The shape that leaves `call` for inputs of these shapes, called x, z, w; else what is said of it."""
    text = f"shapelint: 1\nconvention: {convention}\n" + (f"layout: {layout}\n" if layout else "") + "inputs:\n"
    text += "".join(f"  {name}: [{dims}]\n" for name, dims in zip("xzw", inputs, strict=False))
    text += f"layers:\n  - y: {call}\n"
    try:
        analysis = Analysis(load(text.encode()))
    except Unreadable as error:
        return f"{error.message}; {error.help}"
    failures = analysis.failures
    if failures:
        return failures[0].why
    if analysis.shapes.unknowns:
        return f"unknown: {analysis.shapes.unknowns[0].why}"
    made = next(node for node in reversed(analysis.graph.nodes) if node.path.partition("/")[0] == "y")
    shape = analysis.shapes.tensors[made.outputs[0]].shape
    return "unknown" if shape is None else tuple(shape)
