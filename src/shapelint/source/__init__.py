"""Sources: bytes become a graph, and every position in a user's file is born here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapelint.graph import Model
from shapelint.source.errors import Flaw, Unreadable

if TYPE_CHECKING:
    import os

    from shapelint.source.spec import Expectation, Lowered

SNIFFED: Final = 64 << 10
"""A line `shapelint:` in so many first bytes makes a YAML file one of ours."""
MOST_READ: Final = 5 << 20
LFS_POINTER: Final = b"version https://git-lfs"

__all__ = ["Flaw", "Unreadable", "is_spec", "load"]


def load(source: str | os.PathLike[str] | bytes | object, *, name: str | None = None) -> Model:
    """The model in a path, in the bytes of a file, or in an `onnx.ModelProto`; judged by content, not by suffix.

    `name` is what errors call it. A model that was loaded before is returned as it is. Raises Unreadable.
    """
    if isinstance(source, Model):
        return source
    from shapelint.source.onnx import read_model

    data = _spec_bytes(source)
    if data is not None:
        from shapelint.source.spec import read_spec

        return read_spec(data, name or (str(source) if not isinstance(source, bytes) else "<spec>"))
    return read_model(source, name=name)  # type: ignore[arg-type]


def _spec_bytes(source: object) -> bytes | None:
    """The bytes of a spec; None where the source is something else, or cannot be opened."""
    import os

    if isinstance(source, bytes):
        return source if is_spec(source[:SNIFFED]) else None
    if not isinstance(source, str | os.PathLike) or not os.path.isfile(source):
        return None
    try:
        with open(source, "rb") as file:
            head = file.read(SNIFFED)
            ours = is_spec(head) or str(source).endswith((".shape.yaml", ".shape.yml"))
            if not ours or head.startswith(LFS_POINTER):
                return None
            return head + file.read(MOST_READ)
    except OSError:
        return None


def expectations_of(texts: Any, shapes: Any, inputs: Any, outputs: Any) -> list[Expectation]:
    """Conditions that a configuration states of a model; raises ValueError with one sentence."""
    from shapelint.source.spec.compose import SpecError
    from shapelint.source.spec.lower import outside

    try:
        return outside(texts, shapes, inputs, outputs)
    except SpecError as error:
        raise ValueError(f"{error.message}{f'; {error.help}' if error.help else ''}") from None


def layout_of(program: Any) -> tuple[int, bool]:
    """The first spatial axis of a spec's tensors, and whether the channels stand last."""
    from shapelint.conventions import convention

    own = convention(program.convention)
    last = own.channels_last if program.layout is None else program.layout == "channels_last"
    return (1 if own.has_batch else 0) + (0 if last else 1), last


def spec_text(source: object) -> str | None:
    """The text of a spec that was refused, for excerpts."""
    data = _spec_bytes(source)
    return None if data is None else data.decode("utf-8-sig", "replace")


def is_spec(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a spec: a line of them begins with `shapelint:`."""
    return head.startswith((b"shapelint:", b"\xef\xbb\xbfshapelint:")) or b"\nshapelint:" in head


def lower_spec(program: Any, inputs: Any, symbols: Any, run: Any, file: str) -> Lowered:
    """The graph of a spec's program where its inputs have these shapes; raises Unreadable."""
    from shapelint.source.spec import invalid, lower
    from shapelint.source.spec.compose import SpecError

    try:
        return lower(program, inputs, symbols, run)
    except SpecError as error:
        raise invalid(error, file) from None
