"""Sources: bytes become a graph, and every position in a user's file is born here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.graph import Model
from shapelint.source.errors import Flaw, Unreadable

if TYPE_CHECKING:
    import os

__all__ = ["Flaw", "Unreadable", "load"]


def load(source: str | os.PathLike[str] | bytes | object, *, name: str | None = None) -> Model:
    """The model in a path, in the bytes of a file, or in an `onnx.ModelProto`; judged by content, not by suffix.

    `name` is what errors call it. A model that was loaded before is returned as it is. Raises Unreadable.
    """
    if isinstance(source, Model):
        return source
    from shapelint.source.onnx import read_model

    return read_model(source, name=name)  # type: ignore[arg-type]
