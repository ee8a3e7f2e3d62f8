"""A patch written into a copy of an ONNX file: what it does not change is copied byte for byte, streamed.

Invariants: of a changed node only the fields that change are written anew, so what this package does not know of it
stays; no weight is held in memory; the file that was there stays until the new one is complete.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shapelint.graph import Constant, Declared, Graph
from shapelint.source.errors import Unreadable
from shapelint.source.onnx import encode, wire
from shapelint.source.onnx.external import locations
from shapelint.source.onnx.lower import name_nodes
from shapelint.source.onnx.read import read_records
from shapelint.source.onnx.sift import read_at, sift, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import RawIOBase
    from typing import BinaryIO

    from shapelint.fixing.patch import GraphPatch
    from shapelint.graph import DeclaredDim, Node

_CHUNK: Final = 1 << 20
_VALUES: Final = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 20, 22, 23))
"""The fields of an AttributeProto that hold its value or its type."""
_OLD_IR: Final = 4
"""Before this version of the IR every initializer is listed among the inputs."""

Piece: TypeAlias = "bytes | tuple[int, int]"
"""New bytes, or a range of the original file."""


class SpliceError(Exception):
    """The patched file was not written; one sentence. What stood at the target stands there still."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Other content for the range [start, stop) of the original file."""

    start: int
    stop: int
    pieces: list[Piece]


def write(source: str | os.PathLike[str], patch: GraphPatch, out: str | os.PathLike[str]) -> str | None:
    """Write the model in `source` with `patch` applied to `out`; a note for the user, where there is one.

    Raises SpliceError where a node of the patch does not stand in the file's own list of nodes, where `out` is the
    source itself, and where a file cannot be read or written.
    """
    path, target = os.fsdecode(source), os.fsdecode(out)
    with suppress(OSError):
        if os.path.samefile(path, target):
            raise SpliceError(f"`{target}` is the model itself; name another file with -o")
    try:
        record = read_records(path)
    except Unreadable as error:
        raise SpliceError(f"`{path}` cannot be read again: {error.message}") from None
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            pieces = _Splicer(file, size, record, patch).model()
            elsewhere = _weights_elsewhere(file, size, path, target)
            _store(file, pieces, target, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    except (wire.Malformed, IndexError):
        raise SpliceError(f"`{path}` changed while it was read") from None
    except encode.NotEncodable as error:
        raise SpliceError(f"the patch cannot be written: {error}") from None
    except OSError as error:
        raise SpliceError(f"`{error.filename or path}` cannot be read: {_reason(error)}") from None
    return elsewhere


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


# -- where the changes go ----------------------------------------------------------------------------------------------


class _Splicer:
    """The pieces that a patched file is made of."""

    def __init__(self, file: RawIOBase, size: int, record: wire.Model, patch: GraphPatch) -> None:
        self.file = file
        self.size = size
        self.record = record
        self.graph = record.graph or wire.Graph()
        self.patch = patch
        self.paths = name_nodes(record)
        self.nodes = enumerate(self.graph.nodes)
        self.values: dict[int, tuple[Iterator[wire.Value], Mapping[str, Declared]]] = {
            0x5A: (iter(self.graph.inputs), patch.inputs),
            0x62: (iter(self.graph.outputs), patch.outputs),
        }
        self.inner = iter(self.graph.value_info)
        self._refuse_unknown()

    def _refuse_unknown(self) -> None:
        own = set(self.paths)
        for path in (*self.patch.replaced, *self.patch.before):
            if not path or path in own:
                continue
            call = next((each for each in self.paths if path.startswith(f"{each}/")), None)
            if call is None:
                raise SpliceError(f"the file has no node `{path}`")
            raise SpliceError(
                f"`{path}` stands in the function that `{call}` calls; nodes of functions are not patched"
            )
        for names, values, what in (
            (self.patch.inputs, self.graph.inputs, "input"),
            (self.patch.outputs, self.graph.outputs, "output"),
        ):
            for name in names:
                if all(each.name != name for each in values):
                    raise SpliceError(f"the file has no {what} `{name}`")

    def model(self) -> list[Piece]:
        """The pieces of the whole file."""
        fields = list(walk(self.file, self.size, 0, self.size))
        last = max((at for at, tag, _, _ in fields if tag == 0x3A), default=-1)
        left = dict(self.patch.metadata)
        edits: list[_Edit] = []
        for at, tag, start, stop in fields:
            if tag == 0x3A:
                inner = self.graph_edits(start, stop, is_last=at == last)
                if inner:
                    edits.append(_Edit(at, stop, _field(7, _assembled(start, stop, inner))))
            elif tag == 0x72:
                key = self._entry_key(start, stop)
                if key in self.patch.metadata:
                    value = left.pop(key, None)
                    edits.append(_Edit(at, stop, [] if value is None else [encode.body(14, encode.entry(key, value))]))
        if left:
            edits.append(_Edit(self.size, self.size, [encode.body(14, encode.entry(*item)) for item in left.items()]))
        return _assembled(0, self.size, edits)

    def _entry_key(self, start: int, stop: int) -> str:
        for _, tag, begin, end in walk(self.file, self.size, start, stop):
            if tag == 0x0A:
                return read_at(self.file, begin, end - begin).decode("utf-8", "backslashreplace")
        return ""

    def graph_edits(self, start: int, stop: int, *, is_last: bool) -> list[_Edit]:
        """What changes in one message of the graph; new nodes for the end and constants go into the last."""
        edits: list[_Edit] = []
        for at, tag, begin, end in walk(self.file, self.size, start, stop):
            if tag == 0x0A:
                index, record = next(self.nodes)
                before = self.patch.before.get(self.paths[index], ())
                pieces: list[Piece] = [encode.body(1, encode.node(node)) for node in before]
                replaced = self.patch.replaced.get(self.paths[index])
                inner = [] if replaced is None else self.node_edits(begin, end, record, replaced)
                if inner:
                    edits.append(_Edit(at, end, pieces + _field(1, _assembled(begin, end, inner))))
                elif pieces:
                    edits.append(_Edit(at, at, pieces))
            elif tag in self.values:
                values, wanted = self.values[tag]
                value = next(values)
                inner = self.value_edits(begin, end, value, wanted[value.name]) if value.name in wanted else []
                if inner:
                    edits.append(_Edit(at, end, _field(tag >> 3, _assembled(begin, end, inner))))
            elif tag == 0x6A and next(self.inner).name in self.patch.undeclared:
                edits.append(_Edit(at, end, []))
        if is_last:
            added = self._added()
            if added:
                edits.append(_Edit(stop, stop, added))
        return edits

    def _added(self) -> list[Piece]:
        """The nodes for the end, and the constants."""
        added: list[Piece] = [encode.body(1, encode.node(node)) for node in self.patch.before.get("", ())]
        for name, constant in self.patch.constants.items():
            added.append(encode.body(5, encode.tensor(name, constant)))
            if self.record.ir_version < _OLD_IR:
                added.append(encode.body(11, encode.value_info(name, constant.dtype, constant.dims)))
        return added

    # -- nodes -------------------------------------------------------------------------------------------------------

    def node_edits(self, start: int, stop: int, old: wire.Node, new: Node) -> list[_Edit]:
        """What changes in one NodeProto."""
        edits: list[_Edit] = []
        lists: dict[int, tuple[bool, list[Piece]]] = {
            0x0A: (old.inputs == new.inputs, [encode.body(1, name) for name in new.inputs]),
            0x12: (old.outputs == new.outputs, [encode.body(2, name) for name in new.outputs]),
            0x22: (old.op == new.op, [encode.body(4, new.op)]),
        }
        index = 0
        for at, tag, begin, end in walk(self.file, self.size, start, stop):
            if tag == 0x2A:
                item = old.attributes[index]
                index += 1
                if item.name not in new.attributes:
                    edits.append(_Edit(at, end, []))
                elif not _is_same(item, new.attributes[item.name]):
                    inner = self._attribute_edits(begin, end, item.name, new.attributes[item.name])
                    edits.append(_Edit(at, end, _field(5, _assembled(begin, end, inner))))
            elif tag in lists and not lists[tag][0]:
                edits.append(_Edit(at, end, lists[tag][1]))
                lists[tag] = (False, [])
        rest = [piece for same, pieces in lists.values() if not same for piece in pieces]
        have = {item.name for item in old.attributes}
        rest += [
            encode.body(5, encode.attribute(name, value)) for name, value in new.attributes.items() if name not in have
        ]
        if rest:
            edits.append(_Edit(stop, stop, rest))
        return edits

    def _attribute_edits(self, start: int, stop: int, name: str, value: Any) -> list[_Edit]:
        """Another value; the name, the prose and what is unknown stay."""
        edits = [
            _Edit(at, end, []) for at, tag, _, end in walk(self.file, self.size, start, stop) if tag >> 3 in _VALUES
        ]
        return [*edits, _Edit(stop, stop, [encode.attribute_value(name, value)])]

    # -- inputs and outputs ------------------------------------------------------------------------------------------

    def value_edits(self, start: int, stop: int, old: wire.Value, new: Declared) -> list[_Edit]:
        """Other dims in a ValueInfoProto of a tensor of the same rank."""
        have = old.type.dims if old.type is not None else None
        wanted = new.dims
        if have is None or wanted is None or len(have) != len(wanted):
            raise SpliceError(f"`{old.name}` declares no dims that could be replaced")
        count = 0

        def dim_edits(start: int, stop: int) -> list[_Edit]:
            nonlocal count
            size, place = wanted[count], count
            count += 1
            return [] if size == have[place] else self._dim_edits(start, stop, size)

        return self._inside(start, stop, (2, 1, 2, 1), dim_edits)

    def _dim_edits(self, start: int, stop: int, size: DeclaredDim) -> list[_Edit]:
        edits = [
            _Edit(at, end, []) for at, tag, _, end in walk(self.file, self.size, start, stop) if tag >> 3 in (1, 2)
        ]
        return [*edits, _Edit(stop, stop, [encode.dim(size)])]

    def _inside(
        self, start: int, stop: int, fields: tuple[int, ...], change: Callable[[int, int], list[_Edit]]
    ) -> list[_Edit]:
        """`change` applied to the messages that lie within one another in these fields."""
        if not fields:
            return change(start, stop)
        edits: list[_Edit] = []
        for at, tag, begin, end in walk(self.file, self.size, start, stop):
            if tag == fields[0] << 3 | 2:
                inner = self._inside(begin, end, fields[1:], change)
                if inner:
                    edits.append(_Edit(at, end, _field(fields[0], _assembled(begin, end, inner))))
        return edits


def _is_same(item: wire.Attribute, value: Any) -> bool:
    """Whether the attribute of the file has this value; tensors, graphs and types are taken to be the file's own."""
    own = item.value
    if isinstance(value, Constant | Graph | Declared) or (
        isinstance(value, tuple) and any(isinstance(part, Constant | Graph | Declared) for part in value)
    ):
        return not isinstance(own, int | float | str)
    return type(own) is type(value) and bool(own == value)


def _assembled(start: int, stop: int, edits: list[_Edit]) -> list[Piece]:
    """The range [start, stop) of the file with the edits, which come in its order."""
    pieces: list[Piece] = []
    for edit in edits:
        if start < edit.start:
            pieces.append((start, edit.start))
        pieces += edit.pieces
        start = edit.stop
    if start < stop:
        pieces.append((start, stop))
    return pieces


def _field(number: int, pieces: list[Piece]) -> list[Piece]:
    """The pieces as a message field."""
    length = sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)
    return [encode.header(number, length), *pieces]


# -- the new file ------------------------------------------------------------------------------------------------------


def _store(file: RawIOBase, pieces: list[Piece], target: str, mode: int) -> None:
    """Write the pieces beside the target, then move them into its place; into what is there and is no plain file."""
    place = os.path.realpath(target)
    folder, name = os.path.split(place)
    unfinished: str | None = None
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(21, "is a directory", target)
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as stream:
                for piece in pieces:
                    _copy(file, piece, stream)
            return
        handle, unfinished = tempfile.mkstemp(prefix=f".{name[:64]}.", suffix=".tmp", dir=folder)
        with open(handle, "wb") as stream:
            for piece in pieces:
                _copy(file, piece, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(unfinished, mode | stat.S_IWUSR)
        os.replace(unfinished, place)
        unfinished = None
    except OSError as error:
        raise SpliceError(f"`{target}` cannot be written: {_reason(error)}") from None
    finally:
        if unfinished is not None:
            with suppress(OSError):
                os.unlink(unfinished)


def _copy(file: RawIOBase, piece: Piece, stream: BinaryIO) -> None:
    if isinstance(piece, bytes):
        stream.write(piece)
        return
    start, stop = piece
    while start < stop:
        chunk = read_at(file, start, min(_CHUNK, stop - start))
        if not chunk:
            raise SpliceError("the model became shorter while it was copied")
        stream.write(chunk)
        start += len(chunk)


def _weights_elsewhere(file: RawIOBase, size: int, path: str, target: str) -> str | None:
    """What to know of weights outside the file, where the copy lies in another folder."""
    folder, other = (os.path.dirname(os.path.realpath(each)) for each in (path, target))
    if folder == other:
        return None
    names = locations(sift(file, size).data)
    if not names:
        return None
    listed = ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"the weights in {listed} are left in `{folder}`; put them beside `{target}`"


__all__ = ["SpliceError", "write"]
