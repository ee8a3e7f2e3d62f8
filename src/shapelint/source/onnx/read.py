"""An ONNX file, its bytes, or a ModelProto in memory, as a `graph.Model`."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from shapelint.source.errors import Flaw, Rule, Unreadable
from shapelint.source.onnx.functions import check_calls, index_functions
from shapelint.source.onnx.identify import HEAD, identify
from shapelint.source.onnx.lower import lower
from shapelint.source.onnx.sift import read_at, sift
from shapelint.source.onnx.validate import find_flaws, first_flaws
from shapelint.source.onnx.wire import Malformed, Model, parse_model

if TYPE_CHECKING:
    from io import RawIOBase

    from shapelint import graph

READ_WHOLE = 1 << 20
"""Files up to this many bytes are read in one piece."""


class Serializable(Protocol):
    """What `onnx.ModelProto` is, as far as it matters here."""

    def SerializeToString(self) -> bytes: ...  # noqa: N802


Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | Serializable"


def read_model(source: Source, *, name: str | None = None) -> graph.Model:
    """The model in `source`: a path, the bytes of a file, or a ModelProto; `name` is what errors call it.

    Raises `Unreadable`, and nothing else, for whatever cannot be made a graph; weights stored outside the file are
    not opened and need not be there.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        file = name or path
        record = _read_file(path, file)
    else:
        file = name or "<model>"
        record = _read_bytes(_bytes(source, file), file)
    if record.graph and record.functions:
        endless = check_calls(record.graph.nodes, index_functions(record.functions))
        if endless:
            raise Unreadable("broken-graph", (endless,), file)
    model, flaws = lower(record)
    found = first_flaws(find_flaws(model), flaws)
    if found:
        raise Unreadable("broken-graph", found, file)
    return model


def read_records(source: str | bytes) -> Model:
    """The records of a file or of its bytes, before anything is made of them."""
    return _read_file(source, source) if isinstance(source, str) else _read_bytes(source, "<model>")


def _bytes(source: object, file: str) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    serialize = getattr(source, "SerializeToString", None)
    if serialize is None:
        raise TypeError(f"a path, bytes or a ModelProto is wanted, not {type(source).__name__}")
    try:
        return bytes(serialize())
    except Exception as error:  # protobuf has its own, and this module does not know them
        raise _unreadable(f"the model cannot be serialized: {error}", "save it with external data", file) from None


def _read_bytes(data: bytes, file: str) -> Model:
    try:
        record = parse_model(data)
    except Malformed as malformed:
        raise _malformed(malformed, malformed.offset, data[:HEAD], data[-HEAD:], len(data), file) from None
    if record.graph is None:
        raise _no_graph(record, data[:HEAD], data[-HEAD:], len(data), file)
    return record


def _read_file(path: str, file: str) -> Model:
    try:
        with open(path, "rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size <= READ_WHOLE:
                return _read_bytes(stream.readall(), file)
            return _read_large(stream, status.st_size, file)
    except FileNotFoundError:
        if os.path.islink(path):
            what = f"`{path}` is a link to `{os.readlink(path)}`, which does not exist"
            raise _unreadable(what, "fetch the file that it leads to, or remove the link", file) from None
        raise _unreadable(f"there is no file `{path}`", _sibling(path), file) from None
    except IsADirectoryError:
        raise _unreadable(f"`{path}` is a directory, not an ONNX file", "name a file in it", file) from None
    except PermissionError:
        what = "is a directory" if os.path.isdir(path) else "cannot be read: permission denied"
        raise _unreadable(f"`{path}` {what}", "name a file that may be read", file) from None
    except OSError as error:
        raise _unreadable(
            f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}", "name a file that can be read", file
        ) from None
    except ValueError:  # a null byte in the path
        raise _unreadable(f"there is no file {path!r}", "name the .onnx file", file) from None


def _read_large(stream: RawIOBase, size: int, file: str) -> Model:
    """As `_read_bytes`, with the payloads left on the disk."""
    sifted = None
    try:
        sifted = sift(stream, size)
        record = parse_model(sifted.data)
    except Malformed as malformed:
        offset = sifted.locate(malformed.offset) if sifted else malformed.offset
        head, tail = read_at(stream, 0, HEAD), read_at(stream, size - HEAD, HEAD)
        raise _malformed(malformed, offset, head, tail, size, file) from None
    if record.graph is None:
        raise _no_graph(record, read_at(stream, 0, HEAD), read_at(stream, size - HEAD, HEAD), size, file)
    return record


def _unreadable(message: str, help_: str, file: str, rule: Rule = "unreadable-file") -> Unreadable:
    return Unreadable(rule, (Flaw(message, help_),), file)


def _malformed(malformed: Malformed, offset: int, head: bytes, tail: bytes, size: int, file: str) -> Unreadable:
    known = identify(head, tail, size)
    if known:
        return Unreadable(known[0], (known[1],), file)
    what = f"the file is truncated, corrupt or no ONNX model: at byte {offset} of {size}, {malformed.what}"
    return _unreadable(what, "fetch or export the file again", file)


def _no_graph(record: Model, head: bytes, tail: bytes, size: int, file: str) -> Unreadable:
    known = identify(head, tail, size)
    if known:
        return Unreadable(known[0], (known[1],), file)
    if record.ir_version or record.opsets:
        return _unreadable("the model holds no graph", "fetch or export the file again", file, "broken-graph")
    return _unreadable("the file is not an ONNX model: it holds no graph", "name the .onnx file", file)


def _sibling(path: str) -> str:
    """A file next to `path` that was perhaps meant."""
    with suppress(OSError):
        names = os.listdir(os.path.dirname(path) or ".")
        close = get_close_matches(os.path.basename(path), names[:5000], 1)
        if close:
            return f"did you mean `{Path(path).with_name(close[0])}`?"
    return "name an .onnx file that is there"
