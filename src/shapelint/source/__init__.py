"""Sources: bytes become a graph, and every position in a user's file is born here."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
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

__all__ = ["Flaw", "Spec", "Unreadable", "is_spec", "load"]


@dataclass(frozen=True, slots=True)
class Spec:
    """The text of a spec, where no file holds it."""

    text: str


def load(source: str | os.PathLike[str] | bytes | object, *, name: str | None = None) -> Model:
    """The model in a path, in the bytes of a file, in a Spec or an `onnx.ModelProto`; judged by content, not by suffix.

    `name` is what errors call it. A model that was loaded before is returned as it is. Raises Unreadable.
    """
    if isinstance(source, Model):
        return source
    if isinstance(source, str | PathLike):
        _refuse_devices(source, name or str(source))
    from shapelint.source.onnx import read_model

    data = _spec_bytes(source)
    if data is not None:
        from shapelint.source.spec import read_spec

        return read_spec(data, name or (str(source) if isinstance(source, str | PathLike) else "<spec>"))
    return read_model(source, name=name)  # type: ignore[arg-type]


def _refuse_devices(path: str | os.PathLike[str], file: str) -> None:
    """Raise Unreadable for what may never end, or never begin; the pipe of `<(command)` has a writer."""
    import os
    import stat

    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or (stat.S_ISFIFO(mode) and not os.path.exists(os.path.realpath(path))):
        return
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    help_ = "write the model to a file, or pipe it into `shapelint check -`"
    raise Unreadable("unreadable-file", (Flaw(f"the path is {kind}, not a file", help_),), file)


def _spec_bytes(source: object) -> bytes | None:
    """The bytes of a spec; None where the source is something else, or cannot be opened."""
    import os

    if isinstance(source, Spec):
        return source.text.encode("utf-8", "surrogatepass")
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


def expectations_of(texts: Any, shapes: Any, layouts: Any, inputs: Any, outputs: Any) -> list[Expectation]:
    """Conditions that a configuration states of a model; raises ValueError with one sentence.

    `layouts`: for each tensor whose spatial axes are not those from the third on, which they are, as `layout_of` says.
    """
    from shapelint.source.spec.compose import SpecError
    from shapelint.source.spec.expectation import stated

    try:
        return stated(texts, shapes, layouts, inputs, outputs)
    except SpecError as error:
        raise ValueError(f"{error.message}{f'; {error.help}' if error.help else ''}") from None


def check_condition(text: str) -> None:
    """Raises ValueError, with one sentence, where a condition is no expression whatever the model."""
    from shapelint.graph import Span
    from shapelint.source.spec.compose import Scalar, SpecError
    from shapelint.source.spec.expression import parse

    try:
        parse(Scalar(text, Span(1, 1, 1, len(text) + 1)))
    except SpecError as error:
        raise ValueError(error.message) from None


def layout_of(program: Any) -> tuple[int, bool]:
    """The first spatial axis of a spec's tensors, and whether the channels stand last."""
    from shapelint.conventions import convention

    layout = convention(program.convention).layout(program.layout)
    return layout.first, layout.channels_last


def hides_type(program: Any, block: str) -> bool:
    """Whether a spec has a block of this name, and its convention a layer."""
    from shapelint.conventions import convention, in_every_one

    if program is None or block not in program.blocks:
        return False
    return any(own.find(block, program.opset) is not None for own in (convention(program.convention), in_every_one()))


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
