"""The protobuf wire format of a ModelProto as plain records, field by field as `onnx.proto` numbers them.

Invariants: nothing is interpreted beyond its type; a payload above `MAX_PAYLOAD` bytes or `MAX_ELEMENTS` elements is
stepped over; what protobuf would skip as unknown is skipped; every way of being malformed ends in `Malformed` with
the offset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from struct import unpack, unpack_from
from typing import TypeAlias

MAX_ELEMENTS = 1024
"""Larger tensors are weights: their values say nothing about shapes."""
MAX_PAYLOAD = 16_384
"""Bytes of the largest payload that is kept: so many elements of the widest type."""
MAX_RANK = 64
"""More dims than any runtime takes; the product of a million of them would take minutes."""
MAX_DEPTH = 100
"""Messages within messages; the limit that protobuf's own parsers have."""
ELIDED = 0xFFFFFFFA
"""Tag of a private TensorProto field, written by `sift` in a large payload's place: its field number and its length."""

_CACHED = 256
"""Attributes and types up to this many bytes are parsed once for all the places that repeat them."""

Dim: TypeAlias = int | str | None
Raw: TypeAlias = (
    "int | float | str | Tensor | Sparse | Graph | Type | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]"
    " | tuple[Tensor, ...] | tuple[Sparse, ...] | tuple[Graph, ...] | tuple[Type, ...] | None"
)

FLOAT, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS = range(1, 11)
SPARSE_TENSOR, SPARSE_TENSORS, TYPE_PROTO, TYPE_PROTOS = range(11, 15)
_ABSENT: dict[int, Raw] = {FLOAT: 0.0, INT: 0, STRING: ""}
_LISTS = {FLOATS, INTS, STRINGS, TENSORS, GRAPHS, SPARSE_TENSORS, TYPE_PROTOS, 0}


class Malformed(Exception):
    """The bytes at `offset` are not what protobuf writes."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(offset, what)
        self.offset = offset
        self.what = what


@dataclass(slots=True)
class Type:
    """A TypeProto: `element` is what a sequence, an optional or a map holds."""

    kind: str = ""
    dtype: int = 0
    dims: tuple[Dim, ...] | None = None
    element: Type | None = None


@dataclass(slots=True)
class Value:
    """A ValueInfoProto."""

    name: str
    type: Type | None


@dataclass(slots=True)
class Tensor:
    """A TensorProto: payloads as they are packed, with their lengths; None where they are too long to keep."""

    name: str
    dtype: int
    dims: tuple[int, ...]
    external: bool
    raw: bytes | None
    raw_length: int
    typed_field: int
    """The number of the field that holds the values if `raw_data` does not."""
    typed: bytes | None
    typed_length: int
    strings: tuple[bytes, ...] | None


@dataclass(slots=True)
class Sparse:
    """A SparseTensorProto."""

    values: Tensor | None
    dims: tuple[int, ...]


@dataclass(slots=True)
class Attribute:
    """An AttributeProto with the one value that its type selects."""

    name: str
    type: int
    value: Raw
    ref: str


@dataclass(slots=True)
class Node:
    """A NodeProto."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    op: str
    domain: str
    overload: str
    attributes: tuple[Attribute, ...]
    metadata: dict[str, str] | None


@dataclass(slots=True)
class Graph:
    """A GraphProto."""

    name: str = ""
    nodes: list[Node] = field(default_factory=list)
    initializers: list[Tensor] = field(default_factory=list)
    sparse_initializers: list[Sparse] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    value_info: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """A FunctionProto."""

    name: str = ""
    domain: str = ""
    overload: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    defaults: list[Attribute] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    opsets: list[tuple[str, int]] = field(default_factory=list)
    value_info: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """A ModelProto."""

    ir_version: int = 0
    producer: str = ""
    producer_version: str = ""
    opsets: list[tuple[str, int]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    graph: Graph | None = None
    functions: list[Function] = field(default_factory=list)


def parse_model(data: bytes) -> Model:
    """The records of a serialized ModelProto; `Malformed` if it is none."""
    try:
        return _Parser(data).model()
    except IndexError:
        raise Malformed(len(data), "the file ends in the middle of a field") from None


def read_varint(data: bytes, pos: int) -> tuple[int, int]:
    """The unsigned varint at `pos` and the position after it."""
    byte = data[pos]
    value = byte & 0x7F
    shift = 7
    start = pos
    pos += 1
    while byte > 0x7F:
        if shift > 63:
            raise Malformed(start, "a varint is longer than ten bytes")
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        shift += 7
    return value & 0xFFFF_FFFF_FFFF_FFFF, pos


def unpack_varints(data: bytes) -> list[int]:
    """The signed 64-bit integers that `data` packs."""
    numbers = []
    pos, end = 0, len(data)
    while pos < end:
        value = data[pos]
        pos += 1
        if value > 0x7F:
            value, pos = read_varint(data, pos - 1)
            if value > 0x7FFF_FFFF_FFFF_FFFF:
                value -= 1 << 64
        numbers.append(value)
    return numbers


def _text(data: bytes) -> str:
    """Names keep bytes that are not UTF-8 visible and distinct."""
    return data.decode("utf-8", "backslashreplace")


class _Parser:
    """One method a message; each parses `data[pos:end]` and requires to end exactly there."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.attributes: dict[bytes, Attribute] = {}
        self.types: dict[bytes, Type] = {}
        self.entries: dict[bytes, tuple[str, str]] = {}

    def _varint(self, pos: int) -> tuple[int, int]:
        value, pos = read_varint(self.data, pos)
        return (value - (1 << 64) if value > 0x7FFF_FFFF_FFFF_FFFF else value), pos

    def _body(self, pos: int, end: int) -> tuple[int, int]:
        """The bounds of the length-delimited body whose length stands at `pos`."""
        length = self.data[pos]
        start = pos + 1
        if length > 0x7F:
            length, start = read_varint(self.data, pos)
        if length > end - start:
            raise Malformed(pos, f"a field claims {length} bytes and {end - start} are left")
        return start, start + length

    def _skip(self, tag: int, pos: int, end: int) -> int:
        """The position after the unknown field whose tag ended at `pos`."""
        wire = tag & 7
        if tag < 8 or wire in (3, 4, 6, 7):
            raise Malformed(pos - 1, f"there is no field with tag {tag}")
        if wire == 0:
            return read_varint(self.data, pos)[1]
        if wire == 2:
            return self._body(pos, end)[1]
        return pos + (8 if wire == 1 else 4)

    def _ended(self, pos: int, end: int) -> None:
        if pos != end:
            raise Malformed(end, "a field runs over the end of the message around it")

    def model(self) -> Model:
        data = self.data
        model = Model()
        pos, end = 0, len(data)
        while pos < end:
            tag, pos = read_varint(data, pos)
            if tag == 0x08:
                model.ir_version, pos = self._varint(pos)
                continue
            if tag & 7 != 2:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            if tag == 0x3A:
                model.graph = model.graph or Graph()
                self.graph(pos, stop, 1, model.graph)
            elif tag == 0x42:
                model.opsets.append(self.opset(pos, stop))
            elif tag == 0x12:
                model.producer = _text(data[pos:stop])
            elif tag == 0x1A:
                model.producer_version = _text(data[pos:stop])
            elif tag == 0x72:
                key, value = self.entry(pos, stop)
                model.metadata[key] = value
            elif tag == 0xCA:
                model.functions.append(self.function(pos, stop))
            pos = stop
        self._ended(pos, end)
        return model

    def opset(self, pos: int, end: int) -> tuple[str, int]:
        domain, version = "", 0
        while pos < end:
            tag, pos = read_varint(self.data, pos)
            if tag == 0x0A:
                start, pos = self._body(pos, end)
                domain = _text(self.data[start:pos])
            elif tag == 0x10:
                version, pos = self._varint(pos)
            else:
                pos = self._skip(tag, pos, end)
        self._ended(pos, end)
        return domain, version

    def entry(self, pos: int, end: int) -> tuple[str, str]:
        """A StringStringEntryProto; exporters repeat the same ones on many nodes."""
        data = self.data
        whole = data[pos:end]
        known = self.entries.get(whole)
        if known is not None:
            return known
        key = value = ""
        while pos < end:
            tag = data[pos]
            if tag == 0x0A:
                start, pos = self._body(pos + 1, end)
                key = _text(data[start:pos])
            elif tag == 0x12:
                start, pos = self._body(pos + 1, end)
                value = _text(data[start:pos])
            else:
                tag, pos = read_varint(data, pos)
                pos = self._skip(tag, pos, end)
        self._ended(pos, end)
        pair = self.entries[whole] = (key, value)
        return pair

    def function(self, pos: int, end: int) -> Function:
        data = self.data
        function = Function()
        while pos < end:
            tag, pos = read_varint(data, pos)
            if tag & 7 != 2:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            if tag == 0x3A:
                function.nodes.append(self.node(pos, stop, 2))
            elif tag == 0x22:
                function.inputs.append(_text(data[pos:stop]))
            elif tag == 0x2A:
                function.outputs.append(_text(data[pos:stop]))
            elif tag == 0x0A:
                function.name = _text(data[pos:stop])
            elif tag == 0x32:
                function.attributes.append(_text(data[pos:stop]))
            elif tag == 0x5A:
                function.defaults.append(self.attribute(pos, stop, 2))
            elif tag == 0x4A:
                function.opsets.append(self.opset(pos, stop))
            elif tag == 0x52:
                function.domain = _text(data[pos:stop])
            elif tag == 0x62:
                function.value_info.append(self.value(pos, stop, 2))
            elif tag == 0x6A:
                function.overload = _text(data[pos:stop])
            pos = stop
        self._ended(pos, end)
        return function

    def graph(self, pos: int, end: int, depth: int, graph: Graph) -> Graph:
        """`graph` with what the message adds to it."""
        data = self.data
        nodes = graph.nodes
        if depth > MAX_DEPTH:
            raise Malformed(pos, f"messages nest deeper than {MAX_DEPTH}")
        while pos < end:
            tag = data[pos]
            pos += 1
            if tag > 0x7F:
                tag, pos = read_varint(data, pos - 1)
            if tag & 7 != 2:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            if tag == 0x0A:
                nodes.append(self.node(pos, stop, depth + 1))
            elif tag == 0x6A:
                graph.value_info.append(self.value(pos, stop, depth + 1))
            elif tag == 0x2A:
                graph.initializers.append(self.tensor(pos, stop))
            elif tag == 0x5A:
                graph.inputs.append(self.value(pos, stop, depth + 1))
            elif tag == 0x62:
                graph.outputs.append(self.value(pos, stop, depth + 1))
            elif tag == 0x12:
                graph.name = _text(data[pos:stop])
            elif tag == 0x7A:
                graph.sparse_initializers.append(self.sparse(pos, stop))
            pos = stop
        self._ended(pos, end)
        return graph

    def node(self, pos: int, end: int, depth: int) -> Node:
        data = self.data
        cache = self.attributes
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: list[Attribute] = []
        name = op = domain = overload = ""
        metadata: dict[str, str] | None = None
        while pos < end:
            tag = data[pos]
            if tag & 0x87 != 2:
                tag, pos = read_varint(data, pos)
                pos = self._skip(tag, pos, end)
                continue
            length = data[pos + 1]
            pos += 2
            if length > 0x7F:
                length, pos = read_varint(data, pos - 1)
            stop = pos + length
            if stop > end:
                raise Malformed(pos, f"a field claims {length} bytes and {end - pos} are left")
            if tag == 0x0A:
                inputs.append(_text(data[pos:stop]))
            elif tag == 0x2A:
                if length > _CACHED:
                    attributes.append(self.attribute(pos, stop, depth + 1))
                else:
                    key = data[pos:stop]
                    attribute = cache.get(key)
                    if attribute is None:
                        attribute = cache[key] = self.attribute(pos, stop, depth + 1)
                    attributes.append(attribute)
            elif tag == 0x12:
                outputs.append(_text(data[pos:stop]))
            elif tag == 0x1A:
                name = _text(data[pos:stop])
            elif tag == 0x22:
                op = _text(data[pos:stop])
            elif tag == 0x4A:
                if metadata is None:
                    metadata = {}
                label, value = self.entry(pos, stop)
                metadata[label] = value
            elif tag == 0x3A:
                domain = _text(data[pos:stop])
            elif tag == 0x42:
                overload = _text(data[pos:stop])
            pos = stop
        self._ended(pos, end)
        return Node(tuple(inputs), tuple(outputs), name, op, domain, overload, tuple(attributes), metadata)

    def attribute(self, pos: int, end: int, depth: int) -> Attribute:
        data = self.data
        name = ref = ""
        kind = 0
        found: dict[int, Raw] = {}
        many: dict[int, list[object]] = {}
        while pos < end:
            tag = data[pos]
            pos += 1
            if tag > 0x7F:
                tag, pos = read_varint(data, pos - 1)
            wire = tag & 7
            if wire == 0:
                number, pos = self._varint(pos)
                if tag == 0x18:
                    found[INT] = number
                elif tag == 0xA0:
                    kind = number
                elif tag == 0x40:
                    many.setdefault(INTS, []).append(number)
                elif tag < 8:
                    raise Malformed(pos, "there is no field 0")
                continue
            if wire == 5:
                if pos + 4 > end:
                    raise Malformed(pos, "a float runs over the end of its message")
                if tag == 0x15:
                    found[FLOAT] = unpack_from("<f", data, pos)[0]
                elif tag == 0x3D:
                    many.setdefault(FLOATS, []).append(unpack_from("<f", data, pos)[0])
                pos += 4
                continue
            if wire != 2:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            if tag == 0x0A:
                name = _text(data[pos:stop])
            elif tag == 0x42:
                many.setdefault(INTS, []).extend(unpack_varints(data[pos:stop]))
            elif tag == 0x22:
                found[STRING] = data[pos:stop].decode("utf-8", "replace")
            elif tag == 0x2A:
                found[TENSOR] = self.tensor(pos, stop)
            elif tag == 0x32:
                found[GRAPH] = self.graph(pos, stop, depth + 1, Graph())
            elif tag == 0x3A:
                if (stop - pos) % 4:
                    raise Malformed(pos, "packed floats do not fill their field")
                many.setdefault(FLOATS, []).extend(unpack(f"<{(stop - pos) // 4}f", data[pos:stop]))
            elif tag == 0x4A:
                many.setdefault(STRINGS, []).append(data[pos:stop].decode("utf-8", "replace"))
            elif tag == 0x52:
                many.setdefault(TENSORS, []).append(self.tensor(pos, stop))
            elif tag == 0x5A:
                many.setdefault(GRAPHS, []).append(self.graph(pos, stop, depth + 1, Graph()))
            elif tag == 0x72:
                found[TYPE_PROTO] = self.type(pos, stop, depth + 1)
            elif tag == 0x7A:
                many.setdefault(TYPE_PROTOS, []).append(self.type(pos, stop, depth + 1))
            elif tag == 0xAA:
                ref = _text(data[pos:stop])
            elif tag == 0xB2:
                found[SPARSE_TENSOR] = self.sparse(pos, stop)
            elif tag == 0xBA:
                many.setdefault(SPARSE_TENSORS, []).append(self.sparse(pos, stop))
            pos = stop
        self._ended(pos, end)
        for key, items in many.items():
            found[key] = tuple(items)  # type: ignore[assignment]
        if kind == 0 and not ref:
            kind = next(iter(found), 0)
        value = found.get(kind, () if kind in _LISTS else _ABSENT.get(kind))
        return Attribute(name, kind, value, ref)

    def sparse(self, pos: int, end: int) -> Sparse:
        values = None
        dims: list[int] = []
        while pos < end:
            tag, pos = read_varint(self.data, pos)
            if tag == 0x0A:
                start, pos = self._body(pos, end)
                values = self.tensor(start, pos)
            elif tag == 0x18:
                dim, pos = self._varint(pos)
                dims.append(dim)
            elif tag == 0x1A:
                start, pos = self._body(pos, end)
                dims += unpack_varints(self.data[start:pos])
            else:
                pos = self._skip(tag, pos, end)
        self._ended(pos, end)
        return Sparse(values, tuple(dims))

    def tensor(self, pos: int, end: int) -> Tensor:
        data = self.data
        name = ""
        dtype = 0
        dims: list[int] = []
        external = False
        raw: bytes | None = b""
        raw_length = typed_field = typed_length = 0
        chunks: list[bytes] = []
        strings: list[bytes] = []
        are_strings_whole = True
        while pos < end:
            tag = data[pos]
            pos += 1
            if tag > 0x7F:
                tag, pos = read_varint(data, pos - 1)
            if tag == 0x08:
                dim = data[pos]
                pos += 1
                if dim > 0x7F:
                    dim, pos = self._varint(pos - 1)
                dims.append(dim)
                continue
            if tag == 0x10:
                dtype, pos = self._varint(pos)
                continue
            if tag == 0x70:
                location, pos = self._varint(pos)
                external = location == 1
                continue
            number = tag >> 3
            if tag & 7 != 2:
                start = pos
                pos = self._skip(tag, pos, end)
                if tag in (0x25, 0x28, 0x38, 0x51, 0x58):  # a typed payload, one element unpacked
                    typed_field = number
                    typed_length += pos - start
                    if typed_length <= MAX_PAYLOAD:
                        chunks.append(data[start:pos])
                continue
            pos, stop = self._body(pos, end)
            length = stop - pos
            if number == 8:
                name = _text(data[pos:stop])
            elif number == 9:
                raw_length = length
                is_small = length <= MAX_PAYLOAD and (len(dims) > MAX_RANK or prod(dims) <= MAX_ELEMENTS)
                raw = data[pos:stop] if is_small else None
            elif number in (4, 5, 7, 10, 11):
                typed_field = number
                typed_length += length
                if typed_length <= MAX_PAYLOAD:
                    chunks.append(data[pos:stop])
            elif number == 6:
                strings.append(data[pos:stop])
            elif number == 1:
                dims += unpack_varints(data[pos:stop])
            elif tag == ELIDED:
                number, start = read_varint(data, pos)
                length, _ = read_varint(data, start)
                if number == 9:
                    raw, raw_length = None, length
                elif number == 6:
                    are_strings_whole = False
                else:
                    typed_field, typed_length = number, typed_length + length
            pos = stop
        self._ended(pos, end)
        return Tensor(
            name,
            dtype,
            tuple(dims),
            external,
            raw,
            raw_length,
            typed_field,
            b"".join(chunks) if typed_length <= MAX_PAYLOAD else None,
            typed_length,
            tuple(strings) if are_strings_whole else None,
        )

    def value(self, pos: int, end: int, depth: int) -> Value:
        data = self.data
        name = ""
        kind: Type | None = None
        while pos < end:
            tag = data[pos]
            if tag == 0x0A:
                start, pos = self._body(pos + 1, end)
                name = _text(data[start:pos])
            elif tag == 0x12:
                start, pos = self._body(pos + 1, end)
                kind = self.type(start, pos, depth + 1)
            else:
                tag, pos = read_varint(data, pos)
                pos = self._skip(tag, pos, end)
        self._ended(pos, end)
        return Value(name, kind)

    def type(self, pos: int, end: int, depth: int) -> Type:
        if depth > MAX_DEPTH:
            raise Malformed(pos, f"messages nest deeper than {MAX_DEPTH}")
        if end - pos > _CACHED:
            return self._type(pos, end, depth)
        key = self.data[pos:end]
        known = self.types.get(key)
        if known is None:
            known = self.types[key] = self._type(pos, end, depth)
        return known

    def _type(self, pos: int, end: int, depth: int) -> Type:
        kinds = {1: "tensor", 4: "sequence", 5: "map", 7: "opaque", 8: "sparse_tensor", 9: "optional"}
        kind = Type()
        while pos < end:
            tag, pos = read_varint(self.data, pos)
            if tag & 7 != 2 or tag >> 3 not in kinds:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            kind = Type(kinds[tag >> 3])
            while pos < stop:
                tag, pos = read_varint(self.data, pos)
                if tag == 0x08:
                    kind.dtype, pos = self._varint(pos)
                elif tag in (0x0A, 0x12) and kind.kind != "opaque":
                    start, pos = self._body(pos, stop)
                    if kind.kind in ("tensor", "sparse_tensor"):
                        if tag == 0x12:
                            kind.dims = self.dims(start, pos)
                    elif (tag == 0x12) == (kind.kind == "map"):
                        kind.element = self.type(start, pos, depth + 2)
                else:
                    pos = self._skip(tag, pos, stop)
            self._ended(pos, stop)
        self._ended(pos, end)
        return kind

    def dims(self, pos: int, end: int) -> tuple[Dim, ...]:
        """A TensorShapeProto."""
        data = self.data
        dims: list[Dim] = []
        while pos < end:
            tag, pos = read_varint(data, pos)
            if tag != 0x0A:
                pos = self._skip(tag, pos, end)
                continue
            pos, stop = self._body(pos, end)
            dim: Dim = None
            while pos < stop:
                tag, pos = read_varint(data, pos)
                if tag == 0x08:
                    dim, pos = self._varint(pos)
                elif tag == 0x12:
                    start, pos = self._body(pos, stop)
                    dim = _text(data[start:pos])
                else:
                    pos = self._skip(tag, pos, stop)
            self._ended(pos, stop)
            dims.append(dim)
        self._ended(pos, end)
        return tuple(dims)
