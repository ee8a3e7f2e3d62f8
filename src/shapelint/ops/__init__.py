"""Shape functions of the operators, one module a family; imported when an operator of the family is first met.

Adding an operator is one decorated function in the module of its family and, for a new module, its line below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from shapelint.ops.registry import LAYER, SHAPES

if TYPE_CHECKING:
    from shapelint.ops.registry import ShapeFunction

FAMILIES: Final = (
    "window",
    "constant",
    "elementwise",
    "index",
    "join",
    "layout",
    "pad",
    "resize",
    "attention",
    "control",
    "detection",
    "fused",
    "layer",
    "learned",
    "loss",
    "matrix",
    "normalize",
    "quantize",
    "recurrent",
    "reduce",
    "sequence",
    "signal",
)
"""The modules of this package that hold shape functions."""

_loaded: list[str] = []


def shape_function(domain: str, op: str, rule: str = "onnx") -> ShapeFunction | None:
    """The shape function of an operator, or None where there is none; a framework's rule has layers of its own."""
    if not _loaded:
        for family in FAMILIES:
            import_module(f"{__name__}.{family}")
            _loaded.append(family)
    if rule != "onnx":
        found = SHAPES.get((LAYER, op))
        if found is not None:
            return found
    return SHAPES.get((domain, op))
