"""The values of small tensors, for every ONNX element type, from `raw_data` and from the typed fields.

Sources: the comments of `TensorProto` in onnx.proto; OCP 8-bit and MX floating point specifications.
"""

from __future__ import annotations

from functools import cache
from math import ldexp, prod
from struct import unpack
from typing import TYPE_CHECKING

from shapelint.graph import Constant, Scalar
from shapelint.source.onnx.wire import MAX_ELEMENTS, MAX_RANK, Malformed, unpack_varints

if TYPE_CHECKING:
    from shapelint.source.onnx.wire import Tensor

STRING, BFLOAT16 = 8, 16
NAMES = (
    "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
    "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
    "float6e2m3", "float6e3m2",
)  # fmt: skip
"""Element types by their number in `TensorProto.DataType`."""

FORMATS = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q"}
"""What `struct` calls the element types that it knows."""
_COMPLEX = {14: "f", 15: "d"}
_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16}
_BITS |= {17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2, 27: 6, 28: 6}
_SIGNED = {22, 26}
_TYPED = {1: 4, 7: 7, 8: 6, 11: 10, 12: 11, 13: 11, 14: 4, 15: 10}
"""The field that holds a type's values unpacked; `int32_data` (5) for all others."""
_MINIFLOATS = {
    17: (4, 3, 7),
    18: (4, 3, 8),
    19: (5, 2, 15),
    20: (5, 2, 16),
    23: (2, 1, 1),
    27: (2, 3, 1),
    28: (3, 2, 3),
}
"""Bits of exponent and of mantissa, and the bias."""


def read_constant(tensor: Tensor) -> tuple[Constant, str]:
    """`tensor` with its values where they are few and stand in the file, and what is wrong with it, or nothing."""
    dims, dtype = tensor.dims, tensor.dtype
    if len(dims) > MAX_RANK:
        return Constant(dtype, dims), f"has a shape of {len(dims)} dims; at most {MAX_RANK} are possible"
    if any(dim < 0 for dim in dims):
        return Constant(dtype, dims), f"has a negative size in its shape {list(dims)}"
    count = prod(dims)
    if count >= 1 << 63:
        return Constant(dtype, dims), f"has more than 2**63 elements in its shape {list(dims)}"
    bits = _BITS.get(dtype)
    if tensor.external or (bits is None and dtype != STRING):
        return Constant(dtype, dims), ""
    if tensor.raw_length and bits is not None:
        length = (bits * count + 7) // 8
        if tensor.raw_length != length:
            return Constant(dtype, dims), _mismatch(tensor, tensor.raw_length, length)
        if count > MAX_ELEMENTS or tensor.raw is None:
            return Constant(dtype, dims), ""
        return Constant(dtype, dims, _decode(tensor.raw, dtype, count)), ""
    if count == 0:
        return Constant(dtype, dims, ()), ""
    return _read_typed(tensor, count)


def _mismatch(tensor: Tensor, length: int, needed: int) -> str:
    return f"holds {length} bytes; its shape {list(tensor.dims)} of {NAMES[tensor.dtype]} takes {needed}"


def _read_typed(tensor: Tensor, count: int) -> tuple[Constant, str]:
    """What the fields other than `raw_data` say; `count` is at least 1."""
    dims, dtype = tensor.dims, tensor.dtype
    unknown = Constant(dtype, dims)
    if dtype == STRING:
        if not tensor.strings or count > MAX_ELEMENTS:
            return unknown, ""
        if len(tensor.strings) != count:
            return unknown, f"holds {len(tensor.strings)} strings; its shape {list(dims)} takes {count}"
        return Constant(dtype, dims, tuple(item.decode("utf-8", "replace") for item in tensor.strings)), ""
    if tensor.typed_length == 0 or tensor.typed_field != _TYPED.get(dtype, 5):
        return unknown, ""
    if tensor.typed_field in (4, 10):
        length = _BITS[dtype] // 8 * count
        if tensor.typed_length != length:
            return unknown, _mismatch(tensor, tensor.typed_length, length)
        if count > MAX_ELEMENTS or tensor.typed is None:
            return unknown, ""
        return Constant(dtype, dims, _decode(tensor.typed, dtype, count)), ""
    if count > MAX_ELEMENTS or tensor.typed is None:
        return unknown, ""
    bits = _BITS[dtype]
    try:
        numbers = unpack_varints(tensor.typed)
    except (IndexError, Malformed):
        return unknown, "holds numbers that are cut off"
    stored = -(-bits * count // 8) if bits in (2, 4) else count
    if len(numbers) != stored:
        return unknown, f"holds {len(numbers)} numbers; its shape {list(dims)} of {NAMES[dtype]} takes {stored}"
    if bits == 6:
        return Constant(dtype, dims, tuple(_floats(dtype)[number & 63] for number in numbers)), ""
    width = max(bits, 8)
    data = b"".join((number & ((1 << width) - 1)).to_bytes(width // 8, "little") for number in numbers)
    return Constant(dtype, dims, _decode(data, dtype, count)), ""


def _decode(data: bytes, dtype: int, count: int) -> tuple[Scalar, ...]:
    """`count` elements as `raw_data` packs them: little endian, below a byte from the least significant bits."""
    letter = FORMATS.get(dtype)
    if letter:
        return unpack(f"<{count}{letter}", data)
    letter = _COMPLEX.get(dtype)
    if letter:
        parts = unpack(f"<{2 * count}{letter}", data)
        return tuple(complex(re, im) for re, im in zip(parts[::2], parts[1::2], strict=True))
    if dtype == BFLOAT16:
        return unpack(f"<{count}f", b"".join(b"\0\0" + data[i : i + 2] for i in range(0, 2 * count, 2)))
    bits = _BITS[dtype]
    if bits == 8:
        codes = list(data)
    else:
        stream, mask = int.from_bytes(data, "little"), (1 << bits) - 1
        codes = [stream >> (bits * i) & mask for i in range(count)]
    if dtype in _MINIFLOATS or dtype == 24:
        table = _floats(dtype)
        return tuple(table[code] for code in codes)
    if dtype in _SIGNED:
        return tuple(code - (1 << bits) if code >> (bits - 1) else code for code in codes)
    return tuple(codes)


@cache
def _floats(dtype: int) -> tuple[float, ...]:
    """The number that each code of a small floating point type stands for."""
    nan, inf = float("nan"), float("inf")
    if dtype == 24:  # float8e8m0: a power of two
        return (*(ldexp(1.0, code - 127) for code in range(255)), nan)
    exponent_bits, mantissa_bits, bias = _MINIFLOATS[dtype]
    table = []
    for code in range(1 << (exponent_bits + mantissa_bits)):
        exponent, mantissa = code >> mantissa_bits, code & ((1 << mantissa_bits) - 1)
        if exponent:
            table.append(ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits))
        else:
            table.append(ldexp(mantissa, 1 - bias - mantissa_bits))
    if dtype == 17:
        table[-1] = nan
    if dtype == 19:
        table[-4:] = [inf, nan, nan, nan]
    negative = [-number for number in table]
    if dtype in (18, 20):
        negative[0] = nan
    return (*table, *negative)
