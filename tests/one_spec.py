"""A spec of a few layers, and what it gives: for tests of conventions."""

from __future__ import annotations

from typing import Any

import pytest

from shapelint.analysis import Analysis
from shapelint.source import Unreadable, load


def analyzed(convention: str, dims: str, *layers: str, head: str = "") -> Analysis:
    """The analysis of a spec with one input `x`."""
    items = "".join(f"  - {layer}\n" for layer in layers)
    text = f"shapelint: 1\nconvention: {convention}\n{head}inputs:\n  x: {dims}\nlayers:\n{items}"
    return Analysis(load(text.encode()))


def shape(convention: str, dims: str, *layers: str, head: str = "") -> list[Any]:
    """The shape of the last output, each dim as text where it is no number; fails where a requirement does."""
    analysis = analyzed(convention, dims, *layers, head=head)
    assert not [each for each in analysis.shapes.requirements if each.held is False]
    found = analysis.shapes.tensors[analysis.graph.outputs[-1].name].shape
    assert found is not None
    return [dim if isinstance(dim, int) or dim is None else str(dim) for dim in found]


def refusal(convention: str, dims: str, *layers: str, head: str = "") -> str:
    """Why the spec, whose sizes are numbers, cannot run, with the argument that is blamed."""
    try:
        analysis = analyzed(convention, dims, *layers, head=head)
    except Unreadable as error:
        return f"{error.message}; {error.help}"
    broken = [each for each in analysis.shapes.requirements if each.held is False]
    if not broken:
        pytest.fail("it runs")
    return f"{broken[0].kind} {broken[0].argument}: {broken[0].detail}"
