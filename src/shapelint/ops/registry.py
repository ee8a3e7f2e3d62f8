"""Operator name -> shape function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.ops.call import Call, Tensor

ShapeFunction: TypeAlias = "Callable[[Call], Tensor | list[Tensor]]"

LAYER: Final = "layer"
"""The domain of the layers of specs, whose windows follow the arithmetic of a framework."""

SHAPES: dict[tuple[str, str], ShapeFunction] = {}
"""By domain (empty for ai.onnx) and operator."""


def operator(*names: str, domain: str = "") -> Callable[[ShapeFunction], ShapeFunction]:
    """Register a shape function for these operators of `domain`, at every version it knows."""

    def register(function: ShapeFunction) -> ShapeFunction:
        for name in names:
            if (domain, name) in SHAPES:
                raise ValueError(f"two shape functions for {domain}::{name}")
            SHAPES[domain, name] = function
        return function

    return register
