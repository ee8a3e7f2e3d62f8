"""The protobuf wire format, written: the few messages that a patch adds to a file, numbered as in `onnx.proto`.

Invariant: what is written here, `wire` reads back as the same record.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Final

from shapelint.graph import Constant
from shapelint.source.onnx import wire
from shapelint.source.onnx.tensors import FORMATS

if TYPE_CHECKING:
    from shapelint.graph import Attribute, DeclaredDim, Node

_TYPE: Final = 20
"""The field of an AttributeProto that tells which of the others holds its value."""


class NotEncodable(ValueError):
    """A value that a patch cannot put into a file; the text is a clause about it."""


def varint(value: int) -> bytes:
    """An integer of 64 bits, negative ones in two's complement."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """An integer field."""
    return varint(field << 3) + varint(value)


def header(field: int, length: int) -> bytes:
    """What stands before the `length` bytes of a string or message field."""
    return varint(field << 3 | 2) + varint(length)


def body(field: int, data: bytes | str) -> bytes:
    """A string or message field."""
    data = data.encode() if isinstance(data, str) else data
    return header(field, len(data)) + data


def attribute_value(name: str, value: Attribute) -> bytes:
    """The fields of an AttributeProto that hold its value and its type."""
    if isinstance(value, Constant):
        return body(5, tensor("", value)) + number(_TYPE, wire.TENSOR)
    if isinstance(value, int):
        return number(3, value) + number(_TYPE, wire.INT)
    if isinstance(value, float):
        return varint(2 << 3 | 5) + pack("<f", value) + number(_TYPE, wire.FLOAT)
    if isinstance(value, str):
        return body(4, value) + number(_TYPE, wire.STRING)
    if isinstance(value, tuple):
        if all(isinstance(item, int) for item in value):
            return b"".join([number(8, item) for item in value]) + number(_TYPE, wire.INTS)  # type: ignore[arg-type]
        if all(isinstance(item, float) for item in value):
            return b"".join([varint(7 << 3 | 5) + pack("<f", item) for item in value]) + number(_TYPE, wire.FLOATS)
        if all(isinstance(item, str) for item in value):
            return b"".join([body(9, item) for item in value]) + number(_TYPE, wire.STRINGS)  # type: ignore[arg-type]
    raise NotEncodable(f"the attribute `{name}` holds what no patch can write")


def attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto."""
    return body(1, name) + attribute_value(name, value)


def node(of: Node) -> bytes:
    """A NodeProto named by the node's path."""
    parts = [body(1, name) for name in of.inputs]
    parts += [body(2, name) for name in of.outputs]
    parts += [body(3, of.path), body(4, of.op)]
    parts += [body(5, attribute(name, value)) for name, value in of.attributes.items()]
    return b"".join(parts) + (body(7, of.domain) if of.domain else b"")


def tensor(name: str, constant: Constant) -> bytes:
    """A TensorProto with its values as raw data."""
    letter = FORMATS.get(constant.dtype)
    if letter is None or constant.values is None:
        raise NotEncodable(f"the constant `{name}` has no values that a patch can write")
    parts = [number(1, dim) for dim in constant.dims]
    parts += [number(2, constant.dtype), body(8, name)]
    return b"".join(parts) + body(9, pack(f"<{len(constant.values)}{letter}", *constant.values))


def dim(size: DeclaredDim) -> bytes:
    """The field of a Dimension that holds its size; nothing where nothing is declared."""
    if size is None:
        return b""
    return number(1, size) if isinstance(size, int) else body(2, size)


def value_info(name: str, dtype: int, dims: tuple[DeclaredDim, ...]) -> bytes:
    """A ValueInfoProto of a tensor."""
    shape = b"".join([body(1, dim(size)) for size in dims])
    return body(1, name) + body(2, body(1, number(1, dtype) + body(2, shape)))


def entry(key: str, value: str) -> bytes:
    """A StringStringEntryProto."""
    return body(1, key) + body(2, value)
