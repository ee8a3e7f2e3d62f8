"""A large file without its large payloads: read by position, in the same wire format, with the lengths made to fit.

Invariant: parsing what is returned gives the records that parsing the whole file would give, `Tensor.raw` and the
like excepted, which may be None where there are more than `MAX_ELEMENTS`.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, TypeAlias

from shapelint.source.onnx.encode import varint
from shapelint.source.onnx.wire import ELIDED, MAX_DEPTH, MAX_ELEMENTS, MAX_PAYLOAD, Malformed, read_varint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import RawIOBase

WINDOW = 16_384
"""Bytes that one read asks for."""
_SMALL = 4096
"""Messages up to this many bytes are copied as they stand."""

_MAX_FIELD = 64 << 20
"""More than any field that is read in whole has, so that no other kind of file is read into memory."""

Inside: TypeAlias = "dict[int, Inside | Literal['payload', 'prose']]"
TENSOR: Inside = {4: "payload", 5: "payload", 6: "payload", 7: "payload", 9: "payload", 12: "prose"}
TENSOR |= {10: "payload", 11: "payload"}
_SPARSE: Inside = {1: TENSOR, 2: TENSOR}
_GRAPH: Inside = {5: TENSOR, 15: _SPARSE, 10: "prose"}
_ATTRIBUTE: Inside = {5: TENSOR, 10: TENSOR, 6: _GRAPH, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE, 13: "prose"}
_NODE: Inside = {5: _ATTRIBUTE, 6: "prose"}
_GRAPH[1] = _NODE
_FUNCTION: Inside = {7: _NODE, 11: _ATTRIBUTE, 8: "prose"}
MESSAGES: Inside = {7: _GRAPH, 25: _FUNCTION, 6: "prose", 20: "prose"}
"""What the fields of each message hold: messages to look into, payloads, and prose that nobody reads."""


class Sifted:
    """The bytes that are left of a file, and where in the file each of them stood."""

    def __init__(self, pieces: list[tuple[bytes, int]]) -> None:
        self.data = b"".join(piece for piece, _ in pieces)
        self._starts = [0, *accumulate(len(piece) for piece, _ in pieces)]
        self._origins = [origin for _, origin in pieces]

    def locate(self, offset: int) -> int:
        """The position in the file of the byte at `offset` of `data`."""
        index = min(bisect_right(self._starts, offset), len(self._origins)) - 1
        return self._origins[index] + offset - self._starts[index] if index >= 0 else offset


def sift(file: RawIOBase, size: int) -> Sifted:
    """The ModelProto in `file`, `size` bytes long, without its large payloads; `Malformed` if it is none."""
    pieces: list[tuple[bytes, int]] = []
    _Sieve(file, size).sift(MESSAGES, 0, size, 0, pieces)
    return Sifted(pieces)


def walk(file: RawIOBase, size: int, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """The fields of the message at [start, stop) of a file of `size` bytes: where each begins, its tag, its bounds."""
    sieve = _Sieve(file, size)
    while start < stop:
        tag, begin, end = sieve.field(start, stop)
        yield start, tag, begin, end
        start = end


def read_at(file: RawIOBase, pos: int, length: int) -> bytes:
    """Up to `length` bytes at `pos`, or at the start where that is negative: fewer only where the file ends."""
    file.seek(max(pos, 0))
    data = file.read(length) or b""
    while 0 < len(data) < length:
        more = file.read(length - len(data))
        if not more:
            break
        data += more
    return data


class _Sieve:
    def __init__(self, file: RawIOBase, size: int) -> None:
        self.file = file
        self.size = size
        self.window = b""
        self.base = 0

    def sift(self, inside: Inside, pos: int, end: int, depth: int, pieces: list[tuple[bytes, int]]) -> None:
        """Append what is left of the message at [pos, end) to `pieces`."""
        if depth > MAX_DEPTH:
            raise Malformed(pos, f"messages nest deeper than {MAX_DEPTH}")
        run = pos
        elements = 1
        while pos < end:
            tag, start, stop = self.field(pos, end)
            length = stop - start
            if tag == 0x08 and inside is TENSOR:
                elements = min(elements * read_varint(self.window, start - self.base)[0], 1 << 63)
            if length > _SMALL and tag & 7 == 2:
                what = inside.get(tag >> 3)
                if what is None and length > _MAX_FIELD:
                    raise Malformed(pos, f"a field that is no payload has {length} bytes")
                if what is not None and (what != "payload" or length > MAX_PAYLOAD or elements > MAX_ELEMENTS):
                    self.copy(run, pos, pieces)
                    run = stop
                    if what == "payload":
                        claim = varint(tag >> 3) + varint(length)
                        pieces.append((varint(ELIDED) + varint(len(claim)) + claim, pos))
                    elif what != "prose":
                        at = len(pieces)
                        pieces.append((b"", pos))
                        self.sift(what, start, stop, depth + 1, pieces)
                        left = sum(len(piece) for piece, _ in pieces[at:])
                        pieces[at] = (varint(tag) + varint(left), pos)
            pos = stop
        self.copy(run, end, pieces)

    def copy(self, pos: int, end: int, pieces: list[tuple[bytes, int]]) -> None:
        if pos < end:
            piece = read_at(self.file, pos, end - pos)
            if len(piece) != end - pos:
                raise Malformed(pos + len(piece), "the file became shorter while it was read")
            pieces.append((piece, pos))

    def field(self, pos: int, end: int) -> tuple[int, int, int]:
        """The tag of the field at `pos`, and the bounds of what it holds, within `end`."""
        at = pos - self.base
        if not 0 <= at <= len(self.window) - 20:
            self.window = read_at(self.file, pos, min(WINDOW, self.size - pos))
            self.base, at = pos, 0
        window = self.window
        try:
            tag, at = read_varint(window, at)
            wire = tag & 7
            if wire == 2:
                length, at = read_varint(window, at)
                start = self.base + at
                stop = start + length
            else:
                start = self.base + at
                if wire == 0:
                    _, at = read_varint(window, at)
                    stop = self.base + at
                elif wire in (1, 5):
                    stop = start + (8 if wire == 1 else 4)
                else:
                    raise Malformed(pos, f"there is no field with tag {tag}")
        except IndexError:
            raise Malformed(self.size, "the file ends in the middle of a field") from None
        if tag < 8:
            raise Malformed(pos, f"there is no field with tag {tag}")
        if stop > end:
            raise Malformed(pos, f"a field claims {stop - start} bytes and {max(end - start, 0)} are left")
        return tag, start, stop
